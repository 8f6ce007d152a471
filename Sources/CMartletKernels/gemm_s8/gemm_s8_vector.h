/* Int8 linear layer: integer tiles, and on each the way back to floats. One text for every instruction set; included after
 * lanes16.h and a tile_<isa>.h. */
#include "../kernels_internal.h"
#include "tile.h"

INLINE void linear_tile(
    float *out, size_t out_stride, const martlet_quantized_rows *in, size_t row, const martlet_linear_s8 *linear,
    size_t panel, const size_t rows, const martlet_store_mode mode, const int8_t *ahead, size_t ahead_step) {
    i32x16 sums[MARTLET_GEMM_ROWS][2];
    tile_sums(
        sums, in->values + row * in->stride, in->stride,
        linear->weights + panel * linear->depth4 * 4 * MARTLET_PANEL_COLS, linear->depth4, rows, ahead, ahead_step);
    size_t n = panel * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
    for (size_t g = 0; g < 2; g++) {
        i32x16 column_sums = *(const i32x16 *)(linear->column_sums + n + g * 16);
        f32x16 scales = load16(linear->scales + n + g * 16), bias = load16(linear->bias + n + g * 16);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            i32x16 sum = sums[m][g] - column_sums * in->zeros[row + m];
            f32x16 y = fma16(scales * in->scales[row + m], __builtin_convertvector(sum, f32x16), bias);
            float *to = out + (row + m) * out_stride + n + g * 16;
            store16(to, mode == MARTLET_ACCUMULATE ? y + load16(to) : y);
        }
    }
}

void MARTLET_INT8_LEVEL(gemm_s8)(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode) {
    /* Tiles of nearly equal height: 13 rows go as 7 and 6, not as 12 and 1. */
    size_t tiles = (rows + MARTLET_GEMM_ROWS - 1) / MARTLET_GEMM_ROWS;
    const size_t panel_bytes = linear->depth4 * 4 * MARTLET_PANEL_COLS, ahead_step = 4 * MARTLET_PANEL_COLS / tiles;
    for (size_t panel = 0; panel < linear->panels; panel++) {
        size_t row = 0;
        /* Each tile of this panel fetches its part of the next one; behind the last there is nothing to fetch. */
        const int8_t *next = linear->weights + (panel + 1 < linear->panels ? panel + 1 : panel) * panel_bytes;
        for (size_t t = 0; t < tiles; t++) {
            size_t end = (t + 1) * rows / tiles;
            const int8_t *ahead = next + t * linear->depth4 * ahead_step;
#define TILE(count)                                                                       \
    if (mode == MARTLET_ACCUMULATE)                                                       \
        linear_tile(out, out_stride, in, row, linear, panel, count, MARTLET_ACCUMULATE, ahead, ahead_step);  \
    else                                                                                  \
        linear_tile(out, out_stride, in, row, linear, panel, count, MARTLET_STORE, ahead, ahead_step);
            MARTLET_TILE_SWITCH(end - row)
#undef TILE
            row = end;
        }
    }
}
