/* The multiply-add peak of one core, against which Tools/measure states its share. */
#include "../kernels_internal.h"
#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512vnni,avx512bw,avx512vl,avx512dq"), noinline)) static uint64_t peak_avx512vnni(
    uint64_t loops) {
    __m512i sums[24];
    for (int i = 0; i < 24; i++) sums[i] = _mm512_set1_epi32(i);
    __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(1);
    for (uint64_t loop = 0; loop < loops * 10; loop++) {
        __asm__ volatile("" : "+v"(a), "+v"(b));
#pragma clang loop unroll(full)
        for (int i = 0; i < 24; i++) sums[i] = _mm512_dpbusd_epi32(sums[i], a, b);
    }
    for (int i = 1; i < 24; i++) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    __asm__ volatile("" : : "v"(sums[0]));
    return loops * 240 * 64;
}

__attribute__((target("avx2,fma"), noinline)) static uint64_t peak_avx2(uint64_t loops) {
    __m256i sums[12];
    for (int i = 0; i < 12; i++) sums[i] = _mm256_set1_epi32(i);
    __m256i a = _mm256_set1_epi16(1), b = _mm256_set1_epi16(1);
    for (uint64_t loop = 0; loop < loops * 20; loop++) {
        __asm__ volatile("" : "+x"(a), "+x"(b));
#pragma clang loop unroll(full)
        for (int i = 0; i < 12; i++) {
            /* Hidden from the compiler, which would compute the one product once. */
            __m256i product;
            __asm__ volatile("vpmaddwd %1, %2, %0" : "=x"(product) : "x"(a), "x"(b));
            sums[i] = _mm256_add_epi32(sums[i], product);
        }
    }
    for (int i = 1; i < 12; i++) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
    __asm__ volatile("" : : "x"(sums[0]));
    return loops * 240 * 16;
}
#endif

uint64_t martlet_peak_s8_macs(uint32_t features, uint64_t loops) {
#if defined(__x86_64__)
    if (features & MARTLET_CPU_AVX512VNNI) return peak_avx512vnni(loops);
    if (features & MARTLET_CPU_AVX2) return peak_avx2(loops);
#else
    (void)features;
    (void)loops;
#endif
    return 0;
}
