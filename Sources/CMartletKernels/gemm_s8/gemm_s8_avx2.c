/* Int8 linear layer without VNNI. vpmaddubsw would saturate at 16 bits, so both sides are widened to 16 bits and
 * vpmaddwd adds pairs in 32 bits: exact for every u8 and s8.
 * Tiles of up to 6 rows by 8 columns, two accumulators a row. */
#if defined(__x86_64__)
#include "../shared/avx2.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"

#define ROWS_MAX 6

/* One tile; `rows` is a constant at every call. */
INLINE void tile(
    float *out, size_t out_stride, const martlet_quantized_rows *in, size_t row, const martlet_linear_s8 *linear,
    size_t n, const size_t rows, martlet_store_mode mode) {
    const uint8_t *a = in->values + row * in->stride;
    const int8_t *b = linear->weights + n / MARTLET_PANEL_COLS * linear->depth4 * 4 * MARTLET_PANEL_COLS +
                      n % MARTLET_PANEL_COLS * 4;
    /* Two lanes a column: inputs 0, 1 and inputs 2, 3 of each group of four. */
    __m256i sums[ROWS_MAX][2];
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) sums[m][0] = sums[m][1] = _mm256_setzero_si256();
    for (size_t k = 0; k < linear->depth4; k++, b += 4 * MARTLET_PANEL_COLS) {
        __m256i left = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)b));
        __m256i right = _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(b + 16)));
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            int32_t four;
            __builtin_memcpy(&four, a + m * in->stride + k * 4, 4);
            __m256i x = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
            sums[m][0] = _mm256_add_epi32(sums[m][0], _mm256_madd_epi16(x, left));
            sums[m][1] = _mm256_add_epi32(sums[m][1], _mm256_madd_epi16(x, right));
        }
    }
    __m256i column_sums = _mm256_load_si256((const __m256i *)(linear->column_sums + n));
    __m256 scales = _mm256_load_ps(linear->scales + n), bias = _mm256_load_ps(linear->bias + n);
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) {
        /* hadd gives columns 0 1 4 5 | 2 3 6 7. */
        __m256i sum = _mm256_permute4x64_epi64(_mm256_hadd_epi32(sums[m][0], sums[m][1]), 0xD8);
        sum = _mm256_sub_epi32(sum, _mm256_mullo_epi32(column_sums, _mm256_set1_epi32(in->zeros[row + m])));
        __m256 factor = _mm256_mul_ps(_mm256_set1_ps(in->scales[row + m]), scales);
        __m256 y = _mm256_fmadd_ps(factor, _mm256_cvtepi32_ps(sum), bias);
        float *to = out + (row + m) * out_stride + n;
        if (mode == MARTLET_ACCUMULATE) y = _mm256_add_ps(y, _mm256_load_ps(to));
        _mm256_store_ps(to, y);
    }
}

#define TILE_CASE(count) \
    case count: tile(out, out_stride, in, row, linear, n, count, mode); break;

void martlet_gemm_s8_avx2(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode) {
    /* Tiles of nearly equal height: 7 rows go as 4 and 3, not as 6 and 1. */
    size_t tiles = (rows + ROWS_MAX - 1) / ROWS_MAX;
    for (size_t n = 0; n < linear->panels * MARTLET_PANEL_COLS; n += 8) {
        size_t row = 0;
        for (size_t t = 0; t < tiles; t++) {
            size_t end = (t + 1) * rows / tiles;
            switch (end - row) {
                TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)
            }
            row = end;
        }
    }
}
#pragma clang attribute pop
#endif
