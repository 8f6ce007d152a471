/* Self-attention on 16 lanes. One text for AVX2 and AVX-512.
 *
 * Per head the keys are transposed to [head_size][keys], so that scores of 16 keys are one register, and the values are
 * copied to [keys][head_size], so that an output row is a few registers. Query rows go in tiles whose scores, at most
 * MARTLET_ATTENTION_ROWS x keys, stay in the first or second cache level. */
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../shared/transpose16.h"

typedef struct {
    float *keys;   /* [head_size][key_stride], zeros after the last key */
    float *values; /* [length][value_stride], zeros after head_size */
    float *scores; /* [MARTLET_ATTENTION_ROWS][key_stride] */
    size_t key_stride, value_stride, length, head_size;
} head_buffers;

INLINE void gather_head(const head_buffers *head, const float *keys, const float *values, size_t stride) {
    size_t length = head->length, size = head->head_size;
    for (size_t j = 0; j < head->key_stride; j += 16) {
        size_t count = j < length ? (length - j < 16 ? length - j : 16) : 0;
        size_t k = 0;
        for (; k + 16 <= size; k += 16) {
            f32x16 block[16];
            if (count == 16) {
#pragma clang loop unroll(full)
                for (size_t r = 0; r < 16; r++) block[r] = load16_unaligned(keys + (j + r) * stride + k);
            } else {
                for (size_t r = 0; r < 16; r++)
                    block[r] = r < count ? load16_unaligned(keys + (j + r) * stride + k) : splat(0.0f);
            }
            transpose16(block);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < 16; r++) store16(head->keys + (k + r) * head->key_stride + j, block[r]);
        }
        for (; k < size; k++)
            for (size_t r = 0; r < 16; r++)
                head->keys[k * head->key_stride + j + r] = r < count ? keys[(j + r) * stride + k] : 0.0f;
    }
    for (size_t j = 0; j < length; j++) {
        const float *from = values + j * stride;
        float *to = head->values + j * head->value_stride;
        size_t c = 0;
        for (; c + 16 <= size; c += 16) store16(to + c, load16_unaligned(from + c));
        if (c < size) {
            store16(to + c, splat(0.0f));
            for (; c < size; c++) to[c] = from[c];
        }
    }
}

/* scores[row][key] for `rows` query rows and every key; `rows` is a constant at every call. */
INLINE void score_tile(const head_buffers *head, const float *query, size_t query_stride, const size_t rows) {
    for (size_t j = 0; j < head->key_stride; j += MARTLET_TILE_GROUPS * 16) {
        f32x16 sums[MARTLET_TILE_ROWS][MARTLET_TILE_GROUPS];
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
            for (size_t g = 0; g < MARTLET_TILE_GROUPS; g++) sums[m][g] = splat(0.0f);
        for (size_t k = 0; k < head->head_size; k++) {
            const float *keys = head->keys + k * head->key_stride + j;
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++) {
                f32x16 q = splat(query[m * query_stride + k]);
#pragma clang loop unroll(full)
                for (size_t g = 0; g < MARTLET_TILE_GROUPS; g++)
                    sums[m][g] = fma16(q, load16(keys + g * 16), sums[m][g]);
            }
        }
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
            for (size_t g = 0; g < MARTLET_TILE_GROUPS; g++)
                store16(head->scores + m * head->key_stride + j + g * 16, sums[m][g]);
    }
}

/* Scores of one row become 2^(score - largest); returns 1 / their sum. */
INLINE float softmax_row(float *scores, size_t length) {
    size_t groups = length / 16, rest = length % 16;
    i32x16 in_length = lane_numbers() < (int32_t)rest;
    f32x16 largest = splat(-__builtin_inff());
    for (size_t i = 0; i < groups; i++) largest = max16(load16(scores + i * 16), largest);
    if (rest) {
        f32x16 last = load16(scores + groups * 16);
        largest = max16(in_length ? last : splat(-__builtin_inff()), largest);
    }
    f32x16 top = splat(largest16(largest));
    f32x16 sums[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
    size_t i = 0;
    for (; i + 4 <= groups; i += 4)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < 4; g++) {
            f32x16 p = exp2_16(load16(scores + (i + g) * 16) - top);
            store16(scores + (i + g) * 16, p);
            sums[g] += p;
        }
    for (size_t g = 0; i + g < groups; g++) {
        f32x16 p = exp2_16(load16(scores + (i + g) * 16) - top);
        store16(scores + (i + g) * 16, p);
        sums[g] += p;
    }
    if (rest) {
        f32x16 p = exp2_16(load16(scores + groups * 16) - top);
        p = in_length ? p : splat(0.0f);
        store16(scores + groups * 16, p);
        sums[groups % 4] += p;
    }
    return 1.0f / sum16((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/* out[row][column] for one block of `groups` * 16 columns of the head; `rows` and `groups` are constants. */
INLINE void value_tile(
    const head_buffers *head, float *out, size_t out_stride, const float *inverse, size_t column, const size_t rows,
    const size_t groups) {
    f32x16 sums[MARTLET_TILE_ROWS][MARTLET_TILE_GROUPS];
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < groups; g++) sums[m][g] = splat(0.0f);
    const float *values = head->values + column;
    for (size_t j = 0; j < head->length; j++, values += head->value_stride) {
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            f32x16 p = splat(head->scores[m * head->key_stride + j]);
#pragma clang loop unroll(full)
            for (size_t g = 0; g < groups; g++) sums[m][g] = fma16(p, load16(values + g * 16), sums[m][g]);
        }
    }
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < groups; g++) {
            f32x16 y = sums[m][g] * splat(inverse[m]);
            float *to = out + m * out_stride + column + g * 16;
            size_t left = head->head_size - column - g * 16;
            if (left >= 16) {
                *(f32x16_unaligned *)to = y;
            } else {
                /* The next head's columns follow; they are not ours to write. */
                for (size_t lane = 0; lane < left; lane++) to[lane] = y[lane];
            }
        }
}

INLINE void attend_tile(
    const head_buffers *head, const float *query, size_t query_stride, float *out, size_t out_stride,
    const size_t rows) {
    float inverse[MARTLET_ATTENTION_ROWS];
    score_tile(head, query, query_stride, rows);
    for (size_t m = 0; m < rows; m++) inverse[m] = softmax_row(head->scores + m * head->key_stride, head->length);
    size_t c = 0;
    for (; c + (MARTLET_TILE_GROUPS - 1) * 16 < head->head_size; c += MARTLET_TILE_GROUPS * 16)
        value_tile(head, out, out_stride, inverse, c, rows, MARTLET_TILE_GROUPS);
    if (c < head->head_size) value_tile(head, out, out_stride, inverse, c, rows, 1);
}

void MARTLET_LEVEL(attention)(const martlet_attention_call *call) {
    size_t size = call->head_size;
    head_buffers head = {
        .key_stride = martlet_round_up(call->length, 32),
        .value_stride = martlet_round_up(size, 16),
        .length = call->length,
        .head_size = size,
    };
    head.keys = call->workspace;
    head.values = head.keys + size * head.key_stride;
    head.scores = head.values + call->length * head.value_stride;
    for (size_t h = 0; h < call->heads; h++) {
        gather_head(&head, call->key + h * size, call->value + h * size, call->key_value_stride);
        const float *query = call->query + h * size;
        float *out = call->out + h * size;
        /* Tiles of nearly equal height: 13 rows go as 7 and 6, not as 12 and 1. */
        size_t tiles = (call->query_rows + MARTLET_TILE_ROWS - 1) / MARTLET_TILE_ROWS, m = 0;
        for (size_t t = 0; t < tiles; t++) {
            size_t end = (t + 1) * call->query_rows / tiles;
            const float *from = query + m * call->query_stride;
            float *to = out + m * call->out_stride;
#define TILE(count)                                                                     \
    case count:                                                                         \
        attend_tile(&head, from, call->query_stride, to, call->out_stride, count); \
        break;
            switch (end - m) {
                TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#if MARTLET_TILE_ROWS == 12
                TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12)
#endif
            }
            m = end;
        }
#undef TILE
    }
}
