/* The multiply-add peak of one core, against which Tools/measure states its share: for each level a loop of nothing but
 * its multiply-add, on as many accumulators as hide its latency. */
#include "../kernels_internal.h"
#if defined(__x86_64__)
#include <immintrin.h>

/* The instruction is written out where the compiler would compute the one product once. */
#define MARTLET_PEAK(name, features, register, prefix, accumulators, multiply_add, macs)                        \
    __attribute__((target(features), noinline)) static uint64_t peak_##name(uint64_t loops) {                   \
        register sums[accumulators];                                                                            \
        for (int i = 0; i < accumulators; i++) sums[i] = prefix##_set1_epi32(i);                                \
        register a = prefix##_set1_epi8(1), b = prefix##_set1_epi8(1);                                          \
        for (uint64_t loop = 0; loop < loops * (240 / accumulators); loop++) {                                  \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < accumulators; i++) multiply_add(sums[i], a, b); \
        }                                                                                                       \
        for (int i = 1; i < accumulators; i++) sums[0] = prefix##_add_epi32(sums[0], sums[i]);                  \
        __asm__ volatile("" : : "v"(sums[0]));                                                                  \
        return loops * 240 * macs;                                                                              \
    }
#define VPDPBUSD(sum, a, b) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b))
#define VEX_VPDPBUSD(sum, a, b) __asm__ volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b))
#define VPMADDWD(sum, a, b)                                                            \
    {                                                                                  \
        __m256i product;                                                               \
        __asm__ volatile("vpmaddwd %2, %1, %0" : "=x"(product) : "x"(a), "x"(b));      \
        sum = _mm256_add_epi32(sum, product);                                          \
    }
#define PMADDWD(sum, a, b)                                                             \
    {                                                                                  \
        __m128i product = a;                                                           \
        __asm__ volatile("pmaddwd %1, %0" : "+x"(product) : "x"(b));                   \
        sum = _mm_add_epi32(sum, product);                                             \
    }
MARTLET_PEAK(avx512vnni, "avx512f,avx512vnni,avx512bw,avx512vl,avx512dq", __m512i, _mm512, 24, VPDPBUSD, 64)
MARTLET_PEAK(avxvnni, "avx2,avxvnni", __m256i, _mm256, 12, VEX_VPDPBUSD, 32)
MARTLET_PEAK(avx2, "avx2", __m256i, _mm256, 12, VPMADDWD, 16)
MARTLET_PEAK(sse41, "sse4.1", __m128i, _mm, 12, PMADDWD, 8)

__attribute__((target("amx-tile,amx-int8"), noinline)) static uint64_t peak_amx(uint64_t loops) {
    struct {
        uint8_t palette, first_row, reserved[14];
        uint16_t bytes_per_row[16];
        uint8_t rows[16];
    } __attribute__((aligned(64))) configuration = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) configuration.bytes_per_row[tile] = 64, configuration.rows[tile] = 16;
    _tile_loadconfig(&configuration);
    _tile_zero(6);
    _tile_zero(7);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (uint64_t loop = 0; loop < loops * 60; loop++) {
        _tile_dpbusd(0, 6, 7);
        _tile_dpbusd(1, 6, 7);
        _tile_dpbusd(2, 6, 7);
        _tile_dpbusd(3, 6, 7);
    }
    _tile_release();
    return loops * 240 * 16 * 16 * 64;
}
#elif defined(__aarch64__)
#include <arm_neon.h>

#define MARTLET_PEAK(name, features, instruction, macs)                                                          \
    __attribute__((target(features), noinline)) static uint64_t peak_##name(uint64_t loops) {                    \
        int32x4_t sums[24];                                                                                      \
        for (int i = 0; i < 24; i++) sums[i] = vdupq_n_s32(i);                                                   \
        int8x16_t a = vdupq_n_s8(1), b = vdupq_n_s8(1);                                                          \
        for (uint64_t loop = 0; loop < loops * 10; loop++) {                                                     \
            _Pragma("clang loop unroll(full)") for (int i = 0; i < 24; i++)                                      \
                __asm__ volatile(instruction : "+w"(sums[i]) : "w"(a), "w"(b));                                  \
        }                                                                                                        \
        for (int i = 1; i < 24; i++) sums[0] = vaddq_s32(sums[0], sums[i]);                                      \
        __asm__ volatile("" : : "w"(sums[0]));                                                                   \
        return loops * 240 * macs;                                                                               \
    }
MARTLET_PEAK(neon, "neon", "smlal %0.4s, %1.4h, %2.4h", 4)
MARTLET_PEAK(neondotprod, "dotprod", "sdot %0.4s, %1.16b, %2.16b", 16)
MARTLET_PEAK(neoni8mm, "i8mm", "usmmla %0.4s, %1.16b, %2.16b", 32)
#endif

uint64_t martlet_peak_s8_macs(uint32_t features, uint64_t loops) {
#if defined(__x86_64__)
    if (features & MARTLET_CPU_AMX) return peak_amx(loops);
    if (features & MARTLET_CPU_AVX512VNNI) return peak_avx512vnni(loops);
    if (features & MARTLET_CPU_AVXVNNI) return peak_avxvnni(loops);
    if (features & MARTLET_CPU_AVX2) return peak_avx2(loops);
    if (features & MARTLET_CPU_SSE41) return peak_sse41(loops);
#elif defined(__aarch64__)
    if (features & MARTLET_CPU_NEON_I8MM) return peak_neoni8mm(loops);
    if (features & MARTLET_CPU_NEON_DOTPROD) return peak_neondotprod(loops);
    if (features & MARTLET_CPU_NEON) return peak_neon(loops);
#endif
    (void)features;
    (void)loops;
    return 0;
}
