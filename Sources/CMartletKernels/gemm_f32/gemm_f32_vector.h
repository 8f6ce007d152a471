/* Float linear layer on 16 lanes: tiles of MARTLET_TILE_ROWS rows by MARTLET_TILE_GROUPS groups of 16 columns. One text
 * for AVX2 and AVX-512. */
#include "../kernels_internal.h"
#include "../shared/lanes16.h"

/* `rows` and MARTLET_TILE_GROUPS are constants at every call: the accumulators live in registers. */
INLINE void tile(
    float *out, size_t out_stride, const float *in, size_t in_stride, const float *panel, const float *bias,
    size_t depth, const size_t rows, martlet_store_mode mode) {
    f32x16 sums[MARTLET_TILE_ROWS][MARTLET_TILE_GROUPS];
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < MARTLET_TILE_GROUPS; g++) sums[m][g] = splat(0.0f);
    for (size_t k = 0; k < depth; k++) {
        f32x16 weights[MARTLET_TILE_GROUPS];
#pragma clang loop unroll(full)
        for (size_t g = 0; g < MARTLET_TILE_GROUPS; g++)
            weights[g] = load16(panel + k * MARTLET_PANEL_COLS + g * 16);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
            for (size_t g = 0; g < MARTLET_TILE_GROUPS; g++)
                sums[m][g] = fma16(splat(in[m * in_stride + k]), weights[g], sums[m][g]);
    }
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < MARTLET_TILE_GROUPS; g++) {
            float *to = out + m * out_stride + g * 16;
            f32x16 y = sums[m][g] + load16(bias + g * 16);
            store16(to, mode == MARTLET_ACCUMULATE ? y + load16(to) : y);
        }
}

void MARTLET_LEVEL(gemm_f32)(
    float *out, size_t out_stride, const float *in, size_t in_stride, const martlet_linear_f32 *linear, size_t rows,
    martlet_store_mode mode) {
    for (size_t p = 0; p < linear->panels; p++)
        for (size_t c = 0; c < MARTLET_PANEL_COLS; c += MARTLET_TILE_GROUPS * 16) {
            const float *panel = linear->weights + p * linear->depth * MARTLET_PANEL_COLS + c;
            const float *bias = linear->bias + p * MARTLET_PANEL_COLS + c;
            size_t m = 0;
#define TILE(count)                                                                                                \
    tile(                                                                                                          \
        out + m * out_stride + p * MARTLET_PANEL_COLS + c, out_stride, in + m * in_stride, in_stride, panel, bias, \
        linear->depth, count, mode)
            for (; m + MARTLET_TILE_ROWS <= rows; m += MARTLET_TILE_ROWS) TILE(MARTLET_TILE_ROWS);
            if (MARTLET_TILE_ROWS > 6 && m + 6 <= rows) {
                TILE(6);
                m += 6;
            }
            for (; m + 2 <= rows; m += 2) TILE(2);
            if (m < rows) TILE(1);
#undef TILE
        }
}
