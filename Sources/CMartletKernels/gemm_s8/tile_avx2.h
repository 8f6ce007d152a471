/* The int8 tile without VNNI. vpmaddubsw would saturate at 16 bits, so both sides are widened to 16 bits and vpmaddwd
 * adds pairs in 32 bits: exact for every u8 and s8. Six rows by eight columns at a time: 12 accumulators in
 * registers. */
#define MARTLET_INT8_LEVEL(name) martlet_##name##_avx2
#include "prefetch_step.h"
#define MARTLET_GEMM_ROWS 6

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    for (size_t eighth = 0; eighth < 4; eighth++) {
        const int8_t *b = panel + eighth * 32;
        /* Two lanes a column: inputs 0, 1 and inputs 2, 3 of each group of four. */
        __m256i halves[MARTLET_GEMM_ROWS][2];
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) halves[m][0] = halves[m][1] = _mm256_setzero_si256();
        for (size_t k = 0; k < depth4; k++, b += 4 * MARTLET_PANEL_COLS) {
            if (ahead && eighth == 0) prefetch_step(ahead + k * ahead_step, ahead_step);
            __m256i left = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)b));
            __m256i right = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(b + 16)));
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++) {
                int32_t four;
                __builtin_memcpy(&four, a + m * a_stride + k * 4, 4);
                __m256i x = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
                halves[m][0] = _mm256_add_epi32(halves[m][0], _mm256_madd_epi16(x, left));
                halves[m][1] = _mm256_add_epi32(halves[m][1], _mm256_madd_epi16(x, right));
            }
        }
        for (size_t m = 0; m < rows; m++) {
            /* hadd gives columns 0 1 4 5 | 2 3 6 7. */
            __m256i sum = _mm256_permute4x64_epi64(_mm256_hadd_epi32(halves[m][0], halves[m][1]), 0xD8);
            _mm256_store_si256((__m256i *)&sums[m][eighth / 2] + eighth % 2, sum);
        }
    }
}
