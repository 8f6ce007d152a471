/* The int8 tile with SSE4.1. pmaddubsw would saturate at 16 bits, so both sides are widened to 16 bits and pmaddwd adds
 * pairs in 32 bits: exact for every u8 and s8. Inner tiles of up to 6 rows by 4 columns, two accumulators a row. */
#define MARTLET_INT8_LEVEL(name) martlet_##name##_sse41
#include "prefetch_step.h"
#define MARTLET_GEMM_ROWS 6

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    for (size_t quad = 0; quad < 8; quad++) {
        const int8_t *b = panel + quad * 16;
        /* Two lanes a column: inputs 0, 1 and inputs 2, 3 of each group of four. */
        __m128i halves[MARTLET_GEMM_ROWS][2];
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) halves[m][0] = halves[m][1] = _mm_setzero_si128();
        for (size_t k = 0; k < depth4; k++, b += 4 * MARTLET_PANEL_COLS) {
            if (ahead && quad == 0) prefetch_step(ahead + k * ahead_step, ahead_step);
            __m128i four_columns = _mm_load_si128((const __m128i *)b);
            __m128i left = _mm_cvtepi8_epi16(four_columns);
            __m128i right = _mm_cvtepi8_epi16(_mm_unpackhi_epi64(four_columns, four_columns));
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++) {
                int32_t four;
                __builtin_memcpy(&four, a + m * a_stride + k * 4, 4);
                __m128i x = _mm_cvtepu8_epi16(_mm_cvtsi32_si128(four));
                x = _mm_unpacklo_epi64(x, x);
                halves[m][0] = _mm_add_epi32(halves[m][0], _mm_madd_epi16(x, left));
                halves[m][1] = _mm_add_epi32(halves[m][1], _mm_madd_epi16(x, right));
            }
        }
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++)
            _mm_store_si128((__m128i *)sums[m] + quad, _mm_hadd_epi32(halves[m][0], halves[m][1]));
    }
}
