/* Int8 linear layer: integer tiles, and on each the way back to floats. One text for every instruction set; included after
 * lanes16.h and a tile_<isa>.h. */
#include "../kernels_internal.h"
#include "../rows/row_quantisation.h"
#include "tile.h"

/* Where a tile is: some rows of one panel, and what to fetch meanwhile. */
typedef struct {
    const martlet_quantized_rows *in;
    const martlet_linear_s8 *linear;
    size_t row, panel;
    const int8_t *ahead;
    size_t ahead_step;
} tile_place;

/* y of one tile; `rows` is a constant at every call. */
INLINE void linear_tile(f32x16 y[MARTLET_GEMM_ROWS][2], const tile_place *place, const size_t rows) {
    const martlet_quantized_rows *in = place->in;
    const martlet_linear_s8 *linear = place->linear;
    i32x16 sums[MARTLET_GEMM_ROWS][2];
    tile_sums(
        sums, in->values + place->row * in->stride, in->stride,
        linear->weights + place->panel * linear->depth4 * 4 * MARTLET_PANEL_COLS, linear->depth4, rows, place->ahead,
        place->ahead_step);
    size_t n = place->panel * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
    for (size_t g = 0; g < 2; g++) {
        f32x16 column_sums = load16(linear->column_sums + n + g * 16);
        f32x16 scales = load16(linear->scales + n + g * 16), bias = load16(linear->bias + n + g * 16);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            f32x16 sum = __builtin_convertvector(sums[m][g], f32x16);
            sum = fma16(splat(-in->zeros[place->row + m]), column_sums, sum);
            y[m][g] = fma16(sum, scales * in->scales[place->row + m], bias);
        }
    }
}

INLINE void stored_tile(
    float *out, size_t out_stride, const tile_place *place, const size_t rows, const martlet_store_mode mode) {
    f32x16 y[MARTLET_GEMM_ROWS][2];
    linear_tile(y, place, rows);
    float *to = out + place->row * out_stride + place->panel * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++, to += out_stride)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < 2; g++)
            store16(to + g * 16, mode == MARTLET_ACCUMULATE ? y[m][g] + load16(to + g * 16) : y[m][g]);
}

/* The same through an activation; widens each row's range. */
INLINE void activated_tile(
    float *out, size_t out_stride, row_range *ranges, const tile_place *place, const size_t rows,
    const martlet_activation activation, const float *channel_scale) {
    f32x16 y[MARTLET_GEMM_ROWS][2];
    linear_tile(y, place, rows);
    size_t n = place->panel * MARTLET_PANEL_COLS;
    float *to = out + place->row * out_stride + n;
    for (size_t m = 0; m < rows; m++, to += out_stride) {
        row_range range = ranges[place->row + m];
#pragma clang loop unroll(full)
        for (size_t g = 0; g < 2; g++) {
            f32x16 activated = activated16(y[m][g], activation);
            if (channel_scale) activated = activated * load16(channel_scale + n + g * 16);
            store16(to + g * 16, activated);
            widen(&range, activated);
        }
        ranges[place->row + m] = range;
    }
}

/* Runs TILE(count) for every tile, panel by panel; `place` says where. Tiles are of nearly equal height: 13 rows go as 7
 * and 6, not as 12 and 1. Each tile of a panel fetches its part of the next panel, or of the next layer. */
#define MARTLET_FOR_EACH_TILE(rows)                                                                              \
    size_t tiles_ = ((rows) + MARTLET_GEMM_ROWS - 1) / MARTLET_GEMM_ROWS;                                        \
    const size_t panel_bytes_ = linear->depth4 * 4 * MARTLET_PANEL_COLS;                                         \
    tile_place place = {.in = in, .linear = linear, .ahead_step = 4 * MARTLET_PANEL_COLS / tiles_};              \
    for (place.panel = 0; place.panel < linear->panels; place.panel++) {                                         \
        const int8_t *next_ = linear->weights + (place.panel + 1) * panel_bytes_;                                \
        if (place.panel + 1 == linear->panels) next_ = linear->next ? linear->next : linear->weights;            \
        place.row = 0;                                                                                           \
        for (size_t t_ = 0; t_ < tiles_; t_++) {                                                                 \
            size_t end_ = (t_ + 1) * (rows) / tiles_;                                                            \
            place.ahead = next_ + t_ * linear->depth4 * place.ahead_step;                                        \
            MARTLET_TILE_SWITCH(end_ - place.row)                                                                \
            place.row = end_;                                                                                    \
        }                                                                                                        \
    }

void MARTLET_INT8_LEVEL(gemm_s8)(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode) {
    if (rows == 0) return;
    if (mode == MARTLET_ACCUMULATE) {
#define TILE(count) stored_tile(out, out_stride, &place, count, MARTLET_ACCUMULATE)
        MARTLET_FOR_EACH_TILE(rows)
#undef TILE
    } else {
#define TILE(count) stored_tile(out, out_stride, &place, count, MARTLET_STORE)
        MARTLET_FOR_EACH_TILE(rows)
#undef TILE
    }
}

/* Rows whose ranges are kept at once. */
#define MARTLET_RANGE_ROWS 96

INLINE void activated_rows(
    martlet_quantized_rows *out, float *work, size_t work_stride, const martlet_quantized_rows *in,
    const martlet_linear_s8 *linear, size_t rows, const martlet_activation activation, const float *channel_scale) {
    row_range ranges[MARTLET_RANGE_ROWS];
    for (size_t m = 0; m < rows; m++) ranges[m].low = ranges[m].high = splat(0.0f);
#define TILE(count) activated_tile(work, work_stride, ranges, &place, count, activation, channel_scale)
    MARTLET_FOR_EACH_TILE(rows)
#undef TILE
    for (size_t m = 0; m < rows; m++)
        quantize_row(out, m, work + m * work_stride, NULL, linear->panels * 2, ranges[m]);
}

void MARTLET_INT8_LEVEL(gemm_s8_activate)(
    martlet_quantized_rows *out, float *work, size_t work_stride, const martlet_quantized_rows *in,
    const martlet_linear_s8 *linear, size_t rows, martlet_activation activation, const float *channel_scale) {
    if (activation != MARTLET_GELU_ERF || rows > MARTLET_RANGE_ROWS || rows == 0) {
        /* Rare: not worth another set of tiles. */
        MARTLET_INT8_LEVEL(gemm_s8)(work, work_stride, in, linear, rows, MARTLET_STORE);
        MARTLET_LEVEL(activate)(
            work, work_stride, rows, linear->panels * MARTLET_PANEL_COLS, activation, channel_scale, out);
        return;
    }
    activated_rows(out, work, work_stride, in, linear, rows, MARTLET_GELU_ERF, channel_scale);
}
