/* Int8 linear layer: integer tiles, and on each the way back to floats. One text for every instruction set; included
 * after lanes16.h and a tile_<isa>.h. */
#include "../kernels_internal.h"
#include "../rows/row_quantisation.h"
#include "tile.h"

/* Where a tile is: some rows of one panel or of two, and what to fetch meanwhile. */
typedef struct {
    const martlet_quantized_rows *in;
    const martlet_linear_s8 *linear;
    size_t row, panel;
    const int8_t *ahead;
    size_t ahead_step; /* of tile_sums, or lines of wide_tile_sums */
} tile_place;

/* Accumulators of the largest tile: rows times groups of 16 columns. */
#define MARTLET_TILE_SUMS (MARTLET_GEMM_ROWS * 2)

/* Integer sums of one tile, [rows][groups]. */
INLINE void integer_tile(
    i32x16 sums[MARTLET_TILE_SUMS], const tile_place *place, const size_t rows, const size_t groups) {
    const martlet_quantized_rows *in = place->in;
    const size_t depth4 = place->linear->depth4;
    const uint8_t *a = in->values + place->row * in->stride;
    const int8_t *panel = place->linear->weights + place->panel * depth4 * 4 * MARTLET_PANEL_COLS;
#ifdef MARTLET_WIDE_ROWS
    if (groups == 4) {
        wide_tile_sums(
            (i32x16(*)[4])sums, a, in->stride, panel, depth4, rows, place->ahead, place->ahead_step);
        return;
    }
#endif
    (void)groups;
    tile_sums((i32x16(*)[2])sums, a, in->stride, panel, depth4, rows, place->ahead, place->ahead_step);
}

/* y of one tile, [rows][groups]; `rows` and `groups` are constants at every call. */
INLINE void linear_tile(
    f32x16 y[MARTLET_TILE_SUMS], const tile_place *place, const size_t rows, const size_t groups) {
    const martlet_quantized_rows *in = place->in;
    const martlet_linear_s8 *linear = place->linear;
    i32x16 sums[MARTLET_TILE_SUMS];
    integer_tile(sums, place, rows, groups);
    size_t n = place->panel * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
    for (size_t g = 0; g < groups; g++) {
        f32x16 column_sums = load16(linear->column_sums + n + g * 16);
        f32x16 scales = load16(linear->scales + n + g * 16), bias = load16(linear->bias + n + g * 16);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            f32x16 sum = __builtin_convertvector(sums[m * groups + g], f32x16);
            sum = fma16(splat(-in->zeros[place->row + m]), column_sums, sum);
            y[m * groups + g] = fma16(sum, scales * in->scales[place->row + m], bias);
        }
    }
}

INLINE void stored_tile(
    float *out, size_t out_stride, const tile_place *place, const size_t rows, const size_t groups,
    const martlet_store_mode mode) {
    f32x16 y[MARTLET_TILE_SUMS];
    linear_tile(y, place, rows, groups);
    float *to = out + place->row * out_stride + place->panel * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++, to += out_stride)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < groups; g++) {
            f32x16 mine = y[m * groups + g];
            store16(to + g * 16, mode == MARTLET_ACCUMULATE ? mine + load16(to + g * 16) : mine);
        }
}

/* The same through an activation; widens each row's range. */
INLINE void activated_tile(
    float *out, size_t out_stride, row_range *ranges, const tile_place *place, const size_t rows, const size_t groups,
    const martlet_activation activation, const float *channel_scale) {
    f32x16 y[MARTLET_TILE_SUMS];
    linear_tile(y, place, rows, groups);
    size_t n = place->panel * MARTLET_PANEL_COLS;
    float *to = out + place->row * out_stride + n;
    for (size_t m = 0; m < rows; m++, to += out_stride) {
        row_range range = ranges[place->row + m];
#pragma clang loop unroll(full)
        for (size_t g = 0; g < groups; g++) {
            f32x16 activated = activated16(y[m * groups + g], activation);
            if (channel_scale) activated = activated * load16(channel_scale + n + g * 16);
            store16(to + g * 16, activated);
            widen(&range, activated);
        }
        ranges[place->row + m] = range;
    }
}

/* What comes after the panels that end before `panel`. */
INLINE const int8_t *weights_from(const martlet_linear_s8 *linear, size_t panel) {
    if (panel < linear->panels) return linear->weights + panel * linear->depth4 * 4 * MARTLET_PANEL_COLS;
    return linear->next ? linear->next : linear->weights;
}

/* Runs TILE(count) for every tile of `panels_` panels, with `groups` in sight; `place` says where. Tiles are of nearly
 * equal height: 13 rows go as 7 and 6, not as 12 and 1. FETCH(tile) sets what a tile fetches of the panels that come
 * next. */
#define MARTLET_FOR_EACH_TILE_OF(rows, panels_, rows_max, FETCH, SWITCH)                  \
    {                                                                                     \
        const size_t groups = 2 * (panels_), tiles_ = ((rows) + (rows_max)-1) / (rows_max); \
        for (; place.panel + (panels_) <= linear->panels; place.panel += (panels_)) {     \
            const int8_t *next_ = weights_from(linear, place.panel + (panels_));          \
            place.row = 0;                                                                \
            for (size_t t_ = 0; t_ < tiles_; t_++) {                                      \
                size_t end_ = (t_ + 1) * (rows) / tiles_;                                 \
                FETCH(t_)                                                                 \
                SWITCH(end_ - place.row)                                                  \
                place.row = end_;                                                         \
            }                                                                             \
        }                                                                                 \
    }

/* Each tile its part of the next panel: so many bytes a step. */
#define MARTLET_FETCH_PART(tile)                           \
    place.ahead_step = 4 * MARTLET_PANEL_COLS / tiles_;    \
    place.ahead = next_ + (tile) * linear->depth4 * place.ahead_step;

#ifdef MARTLET_WIDE_ROWS
/* Each tile its part of the 16 lines that the next two panels have for four steps. */
#define MARTLET_FETCH_LINES(tile)                                          \
    place.ahead_step = ((tile) + 1) * 16 / tiles_ - (tile)*16 / tiles_;   \
    place.ahead = next_ + (tile)*16 / tiles_ * (linear->depth4 / 4) * 64;
/* No other heights: MARTLET_WIDE_FROM rows and more are cut into tiles of nearly MARTLET_WIDE_ROWS. */
#define MARTLET_WIDE_SWITCH(count) \
    if ((count) == MARTLET_WIDE_ROWS) TILE(MARTLET_WIDE_ROWS); else TILE(MARTLET_WIDE_ROWS - 1);
_Static_assert(MARTLET_WIDE_FROM / ((MARTLET_WIDE_FROM + MARTLET_WIDE_ROWS - 1) / MARTLET_WIDE_ROWS) + 1 >=
               MARTLET_WIDE_ROWS, "a wide tile would be lower than the switch knows");
#define MARTLET_FOR_EACH_TILE(rows)                                                                \
    tile_place place = {.in = in, .linear = linear};                                               \
    if ((rows) >= MARTLET_WIDE_FROM)                                                                \
        MARTLET_FOR_EACH_TILE_OF(rows, 2, MARTLET_WIDE_ROWS, MARTLET_FETCH_LINES, MARTLET_WIDE_SWITCH) \
    MARTLET_FOR_EACH_TILE_OF(rows, 1, MARTLET_GEMM_ROWS, MARTLET_FETCH_PART, MARTLET_TILE_SWITCH)
#else
#define MARTLET_FOR_EACH_TILE(rows)                  \
    tile_place place = {.in = in, .linear = linear}; \
    MARTLET_FOR_EACH_TILE_OF(rows, 1, MARTLET_GEMM_ROWS, MARTLET_FETCH_PART, MARTLET_TILE_SWITCH)
#endif

void MARTLET_INT8_LEVEL(gemm_s8)(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode) {
    if (rows == 0) return;
    if (mode == MARTLET_ACCUMULATE) {
#define TILE(count) stored_tile(out, out_stride, &place, count, groups, MARTLET_ACCUMULATE)
        MARTLET_FOR_EACH_TILE(rows)
#undef TILE
    } else {
#define TILE(count) stored_tile(out, out_stride, &place, count, groups, MARTLET_STORE)
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
#define TILE(count) activated_tile(work, work_stride, ranges, &place, count, groups, activation, channel_scale)
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
