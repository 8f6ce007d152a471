/* Int8 self-attention on int8 tiles and 16 lanes. One text for every instruction set; included after lanes16.h and a
 * tile_<isa>.h.
 *
 * Per head the keys are packed as a linear layer's weights are, so that scores of 32 keys are one tile, and so are the
 * values, so that an output row is one tile too. Query rows go in tiles whose scores stay in the first or second cache
 * level; there is never a score of every query with every key. */
#include "../kernels_internal.h"
#include "../gemm_s8/tile.h"
#include "../shared/transpose16.h"

typedef struct {
    int8_t *keys;   /* [key_stride / 32][head_bytes / 4][32][4], zeros after the last key */
    int8_t *values; /* [value_panels][key_stride / 4][32][4], zeros after the last key and after head_size */
    float *key_scales, *key_offsets, *value_logs, *value_inverses; /* [key_stride], neutral after the last key */
    float *scores;    /* [MARTLET_ATTENTION_ROWS][key_stride] */
    uint8_t *weights; /* [MARTLET_ATTENTION_ROWS][key_stride] */
    size_t key_stride, value_panels, length, head_size, head_bytes;
} head_panels;

/* 16 rows of `words` 32-bit words (8 or 16), transposed to panel order. Rows at and after `count` count as zeros. */
INLINE void pack_key_words(int8_t *panel, const int8_t *keys, size_t stride, size_t count, const size_t words) {
    f32x16 block[16];
    if (words == 16) {
        for (size_t half = 0; half < 2; half++) {
            for (size_t r = 0; r < 16; r++) {
                size_t row = half * 16 + r;
                block[r] = row < count ? load16_unaligned((const float *)(keys + row * stride)) : splat(0.0f);
            }
            transpose16(block);
            for (size_t w = 0; w < 16; w++) store16((float *)(panel + w * 128 + half * 64), block[w]);
        }
        return;
    }
    for (size_t r = 0; r < 16; r++) {
        f32x8 low = (f32x8)0.0f, high = (f32x8)0.0f;
        if (r < count) low = *(const f32x8_unaligned *)(keys + r * stride);
        if (r + 16 < count) high = *(const f32x8_unaligned *)(keys + (r + 16) * stride);
        block[r] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    transpose16(block);
    for (size_t w = 0; w < 8; w++) {
        store16((float *)(panel + w * 128), block[w]);
        store16((float *)(panel + w * 128 + 64), block[w + 8]);
    }
}

INLINE void pack_keys(const head_panels *head, const int8_t *keys, size_t stride) {
    size_t words = head->head_bytes / 4;
    for (size_t j = 0; j < head->key_stride; j += MARTLET_PANEL_COLS) {
        int8_t *panel = head->keys + j * head->head_bytes;
        size_t count = head->length - j < MARTLET_PANEL_COLS ? head->length - j : MARTLET_PANEL_COLS;
        const int8_t *from = keys + j * stride;
        size_t w = 0;
        for (; w + 16 <= words; w += 16) pack_key_words(panel + w * 128, from + w * 4, stride, count, 16);
        for (; w + 8 <= words; w += 8) pack_key_words(panel + w * 128, from + w * 4, stride, count, 8);
        for (; w < words; w++)
            for (size_t r = 0; r < MARTLET_PANEL_COLS; r++) {
                if (r < count)
                    __builtin_memcpy(panel + w * 128 + r * 4, from + r * stride + w * 4, 4);
                else
                    __builtin_memset(panel + w * 128 + r * 4, 0, 4);
            }
    }
}

/* Four keys' values of 16 channels, byte by byte in turn. */
INLINE void interleave4(int8_t *to, const u8x16 rows[4]) {
#define ZIP_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ZIP_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define ZIP_LOW_WORDS 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23
#define ZIP_HIGH_WORDS 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31
    u8x16 a = __builtin_shufflevector(rows[0], rows[1], ZIP_LOW);
    u8x16 b = __builtin_shufflevector(rows[0], rows[1], ZIP_HIGH);
    u8x16 c = __builtin_shufflevector(rows[2], rows[3], ZIP_LOW);
    u8x16 d = __builtin_shufflevector(rows[2], rows[3], ZIP_HIGH);
    u8x16 *out = (u8x16 *)to;
    out[0] = __builtin_shufflevector(a, c, ZIP_LOW_WORDS);
    out[1] = __builtin_shufflevector(a, c, ZIP_HIGH_WORDS);
    out[2] = __builtin_shufflevector(b, d, ZIP_LOW_WORDS);
    out[3] = __builtin_shufflevector(b, d, ZIP_HIGH_WORDS);
}

INLINE void pack_values(const head_panels *head, const int8_t *values, size_t stride) {
    size_t depth4 = head->key_stride / 4;
    for (size_t p = 0; p < head->value_panels; p++) {
        int8_t *panel = head->values + p * depth4 * 128;
        for (size_t j = 0; j < head->key_stride; j += 4, panel += 128) {
            size_t count = j < head->length ? (head->length - j < 4 ? head->length - j : 4) : 0;
            for (size_t g = 0; g < 2; g++) {
                size_t c = p * MARTLET_PANEL_COLS + g * 16;
                size_t cols = c < head->head_bytes ? head->head_bytes - c : 0;
                u8x16 rows[4];
#pragma clang loop unroll(full)
                for (size_t r = 0; r < 4; r++) {
                    rows[r] = (u8x16)0;
                    if (r >= count) continue;
                    const int8_t *from = values + (j + r) * stride + c;
                    if (cols >= 16)
                        rows[r] = *(const u8x16_unaligned *)from;
                    else if (cols > 0)
                        __builtin_memcpy(&rows[r], from, cols);
                }
                interleave4(panel + g * 64, rows);
            }
        }
    }
}

/* Copies of the keys' constants, with what changes nothing after the last one. */
INLINE void copy_constants(const head_panels *head, const martlet_quantized_heads *keys, size_t first) {
    float *to[4] = {head->key_scales, head->key_offsets, head->value_logs, head->value_inverses};
    const float *from[4] = {keys->key_scales, keys->key_offsets, keys->value_logs, keys->value_inverses};
    for (size_t i = 0; i < 4; i++) {
        const float *source = from[i] + first;
        size_t j = 0;
        for (; j + 16 <= head->length; j += 16) store16(to[i] + j, load16_unaligned(source + j));
        /* A score far below every other: weight 2^-126, a byte of 0, and nothing in the denominator. */
        for (size_t t = j; t < head->key_stride; t += 16) store16(to[i] + t, splat(i == 2 ? -1e30f : 0.0f));
        for (; j < head->length; j++) to[i][j] = source[j];
    }
}

/* scores[row][key] = t, and the largest of each row in 16 lanes. `rows` is a constant at every call. */
INLINE void score_tile(
    const head_panels *head, const uint8_t *query, size_t query_stride, const float *query_scales,
    f32x16 largest[16], const size_t rows) {
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) largest[m] = splat(-__builtin_inff());
    for (size_t j = 0; j < head->key_stride; j += MARTLET_PANEL_COLS) {
        i32x16 sums[MARTLET_GEMM_ROWS][2];
        tile_sums(sums, query, query_stride, head->keys + j * head->head_bytes, head->head_bytes / 4, rows, NULL, 0);
#pragma clang loop unroll(full)
        for (size_t g = 0; g < 2; g++) {
            size_t at = j + g * 16;
            f32x16 offsets = load16(head->key_offsets + at), scales = load16(head->key_scales + at);
            f32x16 logs = load16(head->value_logs + at);
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++) {
                f32x16 scaled = (__builtin_convertvector(sums[m][g], f32x16) + offsets) * scales;
                f32x16 t = fma16(scaled, splat(query_scales[m]), logs);
                largest[m] = max16(t, largest[m]);
                store16(head->scores + m * head->key_stride + at, t);
            }
        }
    }
}

/* Scores of one row become bytes; returns the denominator, still in 16 lanes. */
INLINE f32x16 weigh_row(const head_panels *head, size_t m, f32x16 top) {
    const float *scores = head->scores + m * head->key_stride;
    uint8_t *weights = head->weights + m * head->key_stride;
    f32x16 sums[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
    size_t groups = head->key_stride / 16, i = 0;
#define WEIGH(i, lane)                                                                                 \
    do {                                                                                               \
        f32x16 w = exp2_cubic16(load16(scores + (i) * 16) - top);                                      \
        sums[lane] = fma16(w, load16(head->value_inverses + (i) * 16), sums[lane]);                    \
        store_low_bytes16(weights + (i) * 16, fma16(w, splat(255.0f), splat(MARTLET_ROUND_MAGIC)));    \
    } while (0)
    for (; i + 4 <= groups; i += 4) {
        WEIGH(i, 0);
        WEIGH(i + 1, 1);
        WEIGH(i + 2, 2);
        WEIGH(i + 3, 3);
    }
    /* key_stride is a multiple of 32. */
    if (i < groups) {
        WEIGH(i, 0);
        WEIGH(i + 1, 1);
    }
#undef WEIGH
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* out[row][channel] of one panel of the head's channels; `rows` is a constant at every call. */
INLINE void weighted_tile(
    const head_panels *head, float *out, size_t out_stride, const float *inverse, size_t panel, const size_t rows) {
    i32x16 sums[MARTLET_GEMM_ROWS][2];
    size_t depth4 = (head->length + 3) / 4;
    tile_sums(
        sums, head->weights, head->key_stride, head->values + panel * head->key_stride * MARTLET_PANEL_COLS, depth4,
        rows, NULL, 0);
    for (size_t g = 0; g < 2; g++) {
        size_t column = panel * MARTLET_PANEL_COLS + g * 16;
        if (column >= head->head_size) break;
        size_t left = head->head_size - column;
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            f32x16 y = __builtin_convertvector(sums[m][g], f32x16) * splat(inverse[m]);
            float *to = out + m * out_stride + column;
            if (left >= 16) {
                *(f32x16_unaligned *)to = y;
            } else {
                /* The next head's columns follow; they are not ours to write. */
                for (size_t lane = 0; lane < left; lane++) to[lane] = y[lane];
            }
        }
    }
}

INLINE void attend_tile(
    const head_panels *head, const uint8_t *query, size_t query_stride, const float *query_scales, float *out,
    size_t out_stride, const size_t rows) {
    f32x16 lanes[16], top;
    float inverse[16] __attribute__((aligned(64)));
    score_tile(head, query, query_stride, query_scales, lanes, rows);
#pragma clang loop unroll(full)
    for (size_t m = rows; m < 16; m++) lanes[m] = splat(0.0f);
    top = largest_of16(lanes);
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) lanes[m] = weigh_row(head, m, splat(top[m]));
#pragma clang loop unroll(full)
    for (size_t m = rows; m < 16; m++) lanes[m] = splat(1.0f);
    store16(inverse, 1.0f / (255.0f * sums_of16(lanes)));
    for (size_t p = 0; p < head->value_panels; p++) weighted_tile(head, out, out_stride, inverse, p, rows);
}

void MARTLET_INT8_LEVEL(attention_s8)(const martlet_attention_s8_call *call) {
    const martlet_quantized_heads *queries = call->queries, *keys = call->keys;
    head_panels head = {
        .key_stride = martlet_round_up(call->length, MARTLET_PANEL_COLS),
        .value_panels = martlet_round_up(keys->head_size, MARTLET_PANEL_COLS) / MARTLET_PANEL_COLS,
        .length = call->length,
        .head_size = keys->head_size,
        .head_bytes = keys->head_bytes,
    };
    uint8_t *at = call->workspace;
    head.scores = (float *)at, at += MARTLET_ATTENTION_ROWS * head.key_stride * sizeof(float);
    head.key_scales = (float *)at, at += head.key_stride * sizeof(float);
    head.key_offsets = (float *)at, at += head.key_stride * sizeof(float);
    head.value_logs = (float *)at, at += head.key_stride * sizeof(float);
    head.value_inverses = (float *)at, at += head.key_stride * sizeof(float);
    head.keys = (int8_t *)at, at += head.key_stride * head.head_bytes;
    head.values = (int8_t *)at, at += head.value_panels * MARTLET_PANEL_COLS * head.key_stride;
    head.weights = at;
    for (size_t h = 0; h < keys->heads; h++) {
        size_t key_byte = call->key_row * keys->stride + h * keys->head_bytes;
        pack_keys(&head, keys->key + key_byte, keys->stride);
        pack_values(&head, keys->value + key_byte, keys->stride);
        copy_constants(&head, keys, h * keys->scale_stride + call->key_row);
        const uint8_t *query = queries->query + call->query_row * queries->stride + h * queries->head_bytes;
        const float *query_scales = queries->query_scales + h * queries->scale_stride + call->query_row;
        float *out = call->out + h * keys->head_size;
        /* Tiles of nearly equal height: 13 rows go as 7 and 6, not as 12 and 1. */
        size_t tiles = (call->query_rows + MARTLET_GEMM_ROWS - 1) / MARTLET_GEMM_ROWS, m = 0;
        for (size_t t = 0; t < tiles; t++) {
            size_t end = (t + 1) * call->query_rows / tiles;
#define TILE(count)                                                                                             \
    attend_tile(                                                                                                \
        &head, query + m * queries->stride, queries->stride, query_scales + m, out + m * call->out_stride,      \
        call->out_stride, count)
            MARTLET_TILE_SWITCH(end - m)
#undef TILE
            m = end;
        }
    }
}
