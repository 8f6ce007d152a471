/* Row kernels on 16 lanes: quantisation, layer normalisation, activation. One text for AVX2 and AVX-512. */
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../shared/transpose16.h"
#include "row_quantisation.h"

void MARTLET_LEVEL(embed)(
    float *out, size_t stride, const martlet_embeddings *tables, const int32_t *ids, const int32_t *type_ids,
    size_t rows) {
    size_t cols = tables->cols;
    for (size_t m = 0; m < rows; m++, out += stride) {
        size_t word = (size_t)ids[m];
        const float *position = tables->positions + m * cols, *type = tables->types + (size_t)type_ids[m] * cols;
        size_t i = 0;
        if (tables->words_s8) {
            const int8_t *from = tables->words_s8 + word * cols;
            float scale = tables->word_scales[word];
            for (; i + 16 <= cols; i += 16) {
                f32x16 x = __builtin_convertvector(*(const s8x16_unaligned *)(from + i), f32x16);
                store16(out + i, fma16(x, splat(scale), load16_unaligned(position + i)) + load16_unaligned(type + i));
            }
            for (; i < cols; i++) out[i] = __builtin_fmaf((float)from[i], scale, position[i]) + type[i];
        } else {
            const float *from = tables->words_f32 + word * cols;
            for (; i + 16 <= cols; i += 16) {
                f32x16 x = load16_unaligned(from + i) + load16_unaligned(position + i);
                store16(out + i, x + load16_unaligned(type + i));
            }
            for (; i < cols; i++) out[i] = (from[i] + position[i]) + type[i];
        }
        for (; i < martlet_round_up(cols, 32); i++) out[i] = 0.0f;
    }
}

INLINE void quantize_plain_rows(
    martlet_quantized_rows *out, const float *in, size_t in_stride, size_t rows, size_t groups,
    const float *channel_scale) {
    for (size_t m = 0; m < rows; m++, in += in_stride) {
        row_range range = {splat(0.0f), splat(0.0f)};
        for (size_t i = 0; i < groups; i++) widen(&range, scaled16(load16(in + i * 16), channel_scale, i));
        quantize_row(out, m, in, channel_scale, groups, range);
    }
}

void MARTLET_LEVEL(quantize_rows)(
    martlet_quantized_rows *out, const float *in, size_t in_stride, size_t rows, size_t cols,
    const float *channel_scale) {
    size_t groups = martlet_round_up(cols, 32) / 16;
    if (channel_scale)
        quantize_plain_rows(out, in, in_stride, rows, groups, channel_scale);
    else
        quantize_plain_rows(out, in, in_stride, rows, groups, NULL);
}

typedef struct {
    const float *gamma, *beta;
    float epsilon;
    size_t cols;
} norm_constants;

/* `count` rows side by side, so that one row's sums are computed while another's travel through the lanes. `count` is a
 * constant at every call. */
INLINE void normalize_rows(
    float *rows, size_t stride, size_t first, const norm_constants *norm, const float *channel_scale,
    martlet_quantized_rows *quantized, const size_t count) {
    size_t groups = martlet_round_up(norm->cols, 32) / 16, full = norm->cols / 16, rest = norm->cols % 16;
    f32x16 in_columns = (f32x16)(lane_numbers() < (int32_t)rest);
    float columns = (float)norm->cols;
    float *row[4];
    f32x16 mean[4], inverse[4];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < count; r++) row[r] = rows + (first + r) * stride;
#pragma clang loop unroll(full)
    for (size_t r = 0; r < count; r++) {
        f32x16 sums[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        size_t i = 0;
        for (; i + 4 <= groups; i += 4)
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++) sums[j] += load16(row[r] + (i + j) * 16);
        for (size_t j = 0; i + j < groups; j++) sums[j] += load16(row[r] + (i + j) * 16);
        mean[r] = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < count; r++) mean[r] = splat(sum16(mean[r]) / columns);
#pragma clang loop unroll(full)
    for (size_t r = 0; r < count; r++) {
        f32x16 squares[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        size_t i = 0;
        for (; i + 4 <= full; i += 4)
#pragma clang loop unroll(full)
            for (size_t j = 0; j < 4; j++) {
                f32x16 d = load16(row[r] + (i + j) * 16) - mean[r];
                squares[j] = fma16(d, d, squares[j]);
            }
        for (size_t j = 0; i + j < full; j++) {
            f32x16 d = load16(row[r] + (i + j) * 16) - mean[r];
            squares[j] = fma16(d, d, squares[j]);
        }
        if (rest != 0) {
            f32x16 d = load16(row[r] + full * 16) - mean[r];
            d = (f32x16)((i32x16)d & (i32x16)in_columns);
            squares[full % 4] = fma16(d, d, squares[full % 4]);
        }
        inverse[r] = (squares[0] + squares[1]) + (squares[2] + squares[3]);
    }
#pragma clang loop unroll(full)
    for (size_t r = 0; r < count; r++)
        inverse[r] = splat(1.0f / __builtin_elementwise_sqrt(sum16(inverse[r]) / columns + norm->epsilon));
    row_range range[4];
#pragma clang loop unroll(full)
    for (size_t r = 0; r < count; r++) range[r].low = range[r].high = splat(0.0f);
    for (size_t i = 0; i < groups; i++) {
        f32x16 gamma = load16(norm->gamma + i * 16), beta = load16(norm->beta + i * 16);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < count; r++) {
            f32x16 y = fma16((load16(row[r] + i * 16) - mean[r]) * inverse[r], gamma, beta);
            store16(row[r] + i * 16, y);
            if (quantized) widen(&range[r], scaled16(y, channel_scale, i));
        }
    }
    if (quantized)
#pragma clang loop unroll(full)
        for (size_t r = 0; r < count; r++)
            quantize_row(quantized, first + r, row[r], channel_scale, groups, range[r]);
}

void MARTLET_LEVEL(layer_norm)(
    float *rows_inout, size_t stride, size_t rows, size_t cols, const float *gamma, const float *beta, float epsilon,
    const float *channel_scale, martlet_quantized_rows *quantized) {
    norm_constants norm = {gamma, beta, epsilon, cols};
    size_t m = 0;
#define NORMALIZE(count)                                                                  \
    if (!quantized)                                                                       \
        normalize_rows(rows_inout, stride, m, &norm, NULL, NULL, count);                  \
    else if (channel_scale)                                                               \
        normalize_rows(rows_inout, stride, m, &norm, channel_scale, quantized, count);    \
    else                                                                                  \
        normalize_rows(rows_inout, stride, m, &norm, NULL, quantized, count);
    for (; m + 4 <= rows; m += 4) {
        NORMALIZE(4)
    }
    for (; m < rows; m++) {
        NORMALIZE(1)
    }
#undef NORMALIZE
}

/* Largest |x| of one head in 16 lanes. */
INLINE f32x16 head_range(const float *x, const size_t size) {
    f32x16 largest = splat(0x1p-60f);
    size_t i = 0;
    for (; i + 16 <= size; i += 16) largest = max16(abs16(load16_unaligned(x + i)), largest);
    for (; i < size; i++) {
        f32x16 one = splat(0.0f);
        one[0] = x[i];
        largest = max16(abs16(one), largest);
    }
    return largest;
}

/* One head to bytes; returns the sum of the bytes as signed. */
INLINE int32_t quantize_head(uint8_t *to, const float *x, const size_t size, size_t bytes, float inverse, float zero) {
    i32x16 sums = (i32x16)0;
    size_t i = 0;
    for (; i + 16 <= size; i += 16) {
        f32x16 q = fma16(load16_unaligned(x + i), splat(inverse), splat(zero));
        sums += (i32x16)q - (i32x16)splat(MARTLET_ROUND_MAGIC);
        store_low_bytes16(to + i, q);
    }
    int32_t sum = __builtin_reduce_add(sums);
    for (; i < size; i++) {
        f32x16 q = fma16(splat(x[i]), splat(inverse), splat(zero));
        to[i] = (uint8_t)((i32x16)q)[0];
        sum += (int8_t)to[i];
    }
    for (; i < bytes; i++) to[i] = 0;
    return sum;
}

/* The 16 heads from `h` on of one part of one row; `part` (0 query, 1 key, 2 value) and, for the sizes that models
 * have, `size` are constants at every call. */
INLINE void quantize_part(
    martlet_quantized_heads *out, size_t row, const float *x, uint8_t *to, size_t h, const size_t size,
    const int part) {
    size_t heads = out->heads - h < 16 ? out->heads - h : 16;
    float inverses[16] __attribute__((aligned(64)));
    float scales[16] __attribute__((aligned(64)));
    float logs[16] __attribute__((aligned(64)));
    f32x16 ranges[16];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 16; i++) ranges[i] = i < heads ? head_range(x + (h + i) * size, size) : splat(1.0f);
    f32x16 largest = largest_of16(ranges);
    f32x16 scale = largest * (1.0f / 127.0f), inverse = 127.0f / largest;
    if (part == 2) {
        f32x16 log = fma16(
            __builtin_convertvector((i32x16)scale, f32x16), splat(0x1p-23f), splat(MARTLET_LOG2_CHORD));
        inverse = exp2_cubic16(-log);
        store16(logs, log);
    }
    store16(inverses, inverse);
    store16(scales, scale);
    for (size_t i = 0; i < heads; i++) {
        size_t place = (h + i) * out->scale_stride + row;
        float zero = (part == 0 ? 128.0f : 0.0f) + MARTLET_ROUND_MAGIC;
        int32_t sum = quantize_head(
            to + (h + i) * out->head_bytes, x + (h + i) * size, size, out->head_bytes, inverses[i], zero);
        if (part == 0) out->query_scales[place] = scales[i];
        if (part == 1) {
            out->key_scales[place] = scales[i];
            out->key_offsets[place] = (float)(-128 * sum);
        }
        if (part == 2) {
            out->value_logs[place] = logs[i];
            out->value_inverses[place] = inverses[i];
        }
    }
}

INLINE void quantize_heads_of_size(
    martlet_quantized_heads *out, size_t first_row, const martlet_head_floats *in, size_t rows, const size_t size) {
    for (size_t m = 0; m < rows; m++) {
        size_t row = first_row + m, byte = row * out->stride;
        for (size_t h = 0; h < out->heads; h += 16) {
            size_t from = m * in->stride;
            if (in->query) quantize_part(out, row, in->query + from, out->query + byte, h, size, 0);
            if (in->key) quantize_part(out, row, in->key + from, (uint8_t *)out->key + byte, h, size, 1);
            if (in->value) quantize_part(out, row, in->value + from, (uint8_t *)out->value + byte, h, size, 2);
        }
    }
}

void MARTLET_LEVEL(quantize_heads)(
    martlet_quantized_heads *out, size_t first_row, const martlet_head_floats *in, size_t rows) {
    switch (out->head_size) {
    case 32: quantize_heads_of_size(out, first_row, in, rows, 32); break;
    case 64: quantize_heads_of_size(out, first_row, in, rows, 64); break;
    default: quantize_heads_of_size(out, first_row, in, rows, out->head_size); break;
    }
}

/* `activation` is a constant at every call, so each gets a loop of its own. */
INLINE void activate_rows(
    float *rows_inout, size_t stride, size_t rows, size_t cols, const martlet_activation activation,
    const float *channel_scale, martlet_quantized_rows *quantized) {
    size_t groups = martlet_round_up(cols, 32) / 16;
    for (size_t m = 0; m < rows; m++) {
        float *row = rows_inout + m * stride;
        row_range range = {splat(0.0f), splat(0.0f)};
        for (size_t i = 0; i < groups; i++) {
            f32x16 y = load16(row + i * 16);
            y = activated16(y, activation);
            if (channel_scale) y = y * load16(channel_scale + i * 16);
            store16(row + i * 16, y);
            widen(&range, y);
        }
        if (quantized) quantize_row(quantized, m, row, NULL, groups, range);
    }
}

void MARTLET_LEVEL(activate)(
    float *rows_inout, size_t stride, size_t rows, size_t cols, martlet_activation activation,
    const float *channel_scale, martlet_quantized_rows *quantized) {
    switch (activation) {
    case MARTLET_GELU_ERF:
        activate_rows(rows_inout, stride, rows, cols, MARTLET_GELU_ERF, channel_scale, quantized);
        break;
    case MARTLET_GELU_TANH:
        activate_rows(rows_inout, stride, rows, cols, MARTLET_GELU_TANH, channel_scale, quantized);
        break;
    case MARTLET_RELU:
        activate_rows(rows_inout, stride, rows, cols, MARTLET_RELU, channel_scale, quantized);
        break;
    case MARTLET_TANH:
        activate_rows(rows_inout, stride, rows, cols, MARTLET_TANH, channel_scale, quantized);
        break;
    }
}
