/* The fused multiply-add of shared/sse41.h against the C library's, which is exact. */
#if defined(__x86_64__)
#include "../../Sources/CMartletKernels/shared/sse41.h"
#include "../../Sources/CMartletKernels/shared/lanes16.h"
#endif

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#if defined(__x86_64__)
static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static size_t wrong;

__attribute__((noinline)) static void check_sixteen(const float *a, const float *b, const float *c) {
    float got[16];
    *(f32x16_unaligned *)got = fma16(load16_unaligned(a), load16_unaligned(b), load16_unaligned(c));
    for (int i = 0; i < 16; i++) {
        float wanted = fmaf(a[i], b[i], c[i]);
        if (memcmp(&got[i], &wanted, 4) == 0 || (isnan(got[i]) && isnan(wanted))) continue;
        if (wrong++ < 5) failed("fma(%a, %a, %a) is %a, not %a", a[i], b[i], c[i], got[i], wanted);
    }
    comparisons += 16;
}

/* Values at which rounding turns: powers of two and their neighbours, subnormals, the largest, zeros, not finite. */
static size_t corners(float *values) {
    static const uint32_t bits[] = {
        0x00000000, 0x00000001, 0x00000002, 0x00000003, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff,
        0x1e3ce508, 0x33800000, 0x33800001, 0x337fffff, 0x34000000, 0x3effffff, 0x3f000000, 0x3f7fffff,
        0x3f800000, 0x3f800001, 0x3f800002, 0x3f800003, 0x3fc00000, 0x3fffffff, 0x40000000, 0x40400000,
        0x4b000000, 0x4b7fffff, 0x4b800000, 0x4b800001, 0x5f7fffff, 0x5f800000, 0x7e800000, 0x7effffff,
        0x7f000000, 0x7f7ffffe, 0x7f7fffff, 0x7f800000, 0x7fc00000,
    };
    size_t count = 0;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
        for (uint32_t sign = 0; sign <= 1; sign++) values[count++] = from_bits(bits[i] | sign << 31);
    return count;
}

void check_emulated_fma(uint64_t samples) {
    float values[128], a[16], b[16], c[16];
    size_t count = corners(values), lane = 0;
    wrong = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            for (size_t k = 0; k < count; k++) {
                a[lane] = values[i], b[lane] = values[j], c[lane] = values[k];
                if (++lane == 16) check_sixteen(a, b, c), lane = 0;
            }
    /* Random bits, then products whose sum is near a tie, near the smallest float, and near zero. */
    uint64_t seed = 7;
    for (uint64_t sample = 0; sample < samples; sample += 16) {
        for (int i = 0; i < 16; i++) {
            uint64_t bits = random_bits(&seed), more = random_bits(&seed);
            a[i] = from_bits((uint32_t)bits);
            b[i] = from_bits((uint32_t)(bits >> 32));
            c[i] = from_bits((uint32_t)more);
            float product = a[i] * b[i];
            switch (more >> 32 & 7) {
            case 0: break;
            case 1: c[i] = -product; break;
            case 2: c[i] = from_bits(((uint32_t)more & 0x80ffffff) + 0x1000000 * (uint32_t)(more >> 40 & 3)); break;
            case 3: /* half an ulp of the product, and its neighbours */
                c[i] = ldexpf(from_bits(0x3f800000 + (uint32_t)(more >> 40 & 3) - 1), ilogbf(product) - 24); break;
            case 4: c[i] = ldexpf(product, 24) + (float)(more >> 40 & 1); break;
            case 5: c[i] = -product * from_bits(0x3f800000 + (uint32_t)(more >> 40 & 7)); break;
            case 6: /* few bits, so that ties are exact */
                a[i] = ldexpf((float)(bits & 0xfff), (int)(bits >> 12 & 31) - 16);
                b[i] = ldexpf((float)(bits >> 20 & 0xfff), (int)(bits >> 32 & 31) - 16);
                c[i] = ldexpf((float)(more & 0xffffff), (int)(more >> 40 & 63) - 32); break;
            default: /* subnormal results */
                a[i] = from_bits(((uint32_t)bits & 0x807fffff) | 0x20000000);
                b[i] = from_bits(((uint32_t)(bits >> 32) & 0x807fffff) | 0x1d800000);
                b[i] = ldexpf(b[i], (int)(more >> 40 & 7));
                c[i] = from_bits((uint32_t)more & 0x80ffffff); break;
            }
        }
        check_sixteen(a, b, c);
    }
    if (wrong) failed("%zu emulated multiply-adds differ", wrong);
    printf("  emulated fma: %zu hard cases and %llu random ones\n", count * count * count, (unsigned long long)samples);
}
#pragma clang attribute pop
#else
void check_emulated_fma(uint64_t samples) { (void)samples; }
#endif
