/* The int8 tile with vpdpbusd on 256 bits: inner tiles of up to 6 rows by 16 columns, two accumulators a row. */
#define MARTLET_INT8_LEVEL(name) martlet_##name##_avxvnni
#include "prefetch_step.h"
#define MARTLET_GEMM_ROWS 6

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    for (size_t g = 0; g < 2; g++) {
        const int8_t *b = panel + g * 64;
        __m256i columns[MARTLET_GEMM_ROWS][2];
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) columns[m][0] = columns[m][1] = _mm256_setzero_si256();
        for (size_t k = 0; k < depth4; k++, b += 4 * MARTLET_PANEL_COLS) {
            if (ahead && g == 0) prefetch_step(ahead + k * ahead_step, ahead_step);
            __m256i left = _mm256_load_si256((const __m256i *)b);
            __m256i right = _mm256_load_si256((const __m256i *)(b + 32));
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++) {
                int32_t four;
                __builtin_memcpy(&four, a + m * a_stride + k * 4, 4);
                __m256i x = _mm256_set1_epi32(four);
                columns[m][0] = _mm256_dpbusd_avx_epi32(columns[m][0], x, left);
                columns[m][1] = _mm256_dpbusd_avx_epi32(columns[m][1], x, right);
            }
        }
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            _mm256_store_si256((__m256i *)&sums[m][g], columns[m][0]);
            _mm256_store_si256((__m256i *)&sums[m][g] + 1, columns[m][1]);
        }
    }
}
