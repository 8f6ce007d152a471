/* Int8 linear layer with vpdpbusd: tiles of up to 12 rows by one panel of 32 columns, 24 accumulators in registers. */
#if defined(__x86_64__)
#include "../shared/avx512.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"

#define ROWS_MAX 12

/* `rows` is a constant at every call: the accumulators live in registers. */
INLINE void tile(
    float *out, size_t out_stride, const martlet_quantized_rows *in, size_t row, const martlet_linear_s8 *linear,
    size_t panel, const size_t rows, const martlet_store_mode mode) {
    const uint8_t *a = in->values + row * in->stride;
    const size_t a_stride = in->stride;
    const int8_t *b = linear->weights + panel * linear->depth4 * 4 * MARTLET_PANEL_COLS;
    __m512i sums[ROWS_MAX][2];
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) sums[m][0] = sums[m][1] = _mm512_setzero_si512();
    for (size_t k = 0; k < linear->depth4; k++, b += 4 * MARTLET_PANEL_COLS) {
        __m512i left = _mm512_load_si512(b), right = _mm512_load_si512(b + 64);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            int32_t four;
            __builtin_memcpy(&four, a + m * a_stride + k * 4, 4);
            __m512i x = _mm512_set1_epi32(four);
            sums[m][0] = _mm512_dpbusd_epi32(sums[m][0], x, left);
            sums[m][1] = _mm512_dpbusd_epi32(sums[m][1], x, right);
        }
    }
    size_t n = panel * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
    for (size_t g = 0; g < 2; g++) {
        i32x16 column_sums = *(const i32x16 *)(linear->column_sums + n + g * 16);
        f32x16 scales = load16(linear->scales + n + g * 16), bias = load16(linear->bias + n + g * 16);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            i32x16 sum = (i32x16)sums[m][g] - column_sums * in->zeros[row + m];
            f32x16 y = fma16(scales * in->scales[row + m], __builtin_convertvector(sum, f32x16), bias);
            float *to = out + (row + m) * out_stride + n + g * 16;
            store16(to, mode == MARTLET_ACCUMULATE ? y + load16(to) : y);
        }
    }
}

#define TILE_CASE(count)                                                                                   \
    case count:                                                                                            \
        if (mode == MARTLET_ACCUMULATE)                                                                    \
            tile(out, out_stride, in, row, linear, panel, count, MARTLET_ACCUMULATE);                      \
        else                                                                                               \
            tile(out, out_stride, in, row, linear, panel, count, MARTLET_STORE);                           \
        break;

void martlet_gemm_s8_avx512vnni(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode) {
    /* Tiles of nearly equal height: 13 rows go as 7 and 6, not as 12 and 1. */
    size_t tiles = (rows + ROWS_MAX - 1) / ROWS_MAX;
    for (size_t panel = 0; panel < linear->panels; panel++) {
        size_t row = 0;
        for (size_t t = 0; t < tiles; t++) {
            size_t end = (t + 1) * rows / tiles;
            switch (end - row) {
                TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6)
                TILE_CASE(7) TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12)
            }
            row = end;
        }
    }
}
#pragma clang attribute pop
#endif
