/* Row kernels on 16 lanes: quantisation, layer normalisation, activation. One text for AVX2 and AVX-512. */
#include "../kernels_internal.h"
#include "../shared/lanes16.h"

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

typedef struct {
    f32x16 low, high;
} row_range;

INLINE void quantize_row(
    martlet_quantized_rows *out, size_t row, const float *in, size_t groups, row_range range) {
    float low = -largest16(-range.low), high = largest16(range.high);
    float span = high - low;
    float scale = span / 255.0f, inverse = 255.0f / span;
    if (!(span >= 1e-30f)) scale = 1.0f, inverse = 0.0f;
    f32x16 limit = splat(255.0f);
    f32x16 zero = min16(max16(splat(-low * inverse), splat(0.0f)), limit) + MARTLET_ROUND_MAGIC;
    out->scales[row] = scale;
    out->zeros[row] = ((i32x16)zero)[0] & 255;
    zero = zero - MARTLET_ROUND_MAGIC;
    uint8_t *to = out->values + row * out->stride;
    f32x16 factor = splat(inverse);
    for (size_t i = 0; i < groups; i++) {
        f32x16 q = fma16(load16(in + i * 16), factor, zero);
        q = min16(max16(q, splat(0.0f)), limit) + MARTLET_ROUND_MAGIC;
        *(u8x16_unaligned *)(to + i * 16) = __builtin_convertvector((i32x16)q & 255, u8x16);
    }
}

void MARTLET_LEVEL(quantize_rows)(
    martlet_quantized_rows *out, const float *in, size_t in_stride, size_t rows, size_t cols) {
    size_t groups = martlet_round_up(cols, 32) / 16;
    for (size_t m = 0; m < rows; m++, in += in_stride) {
        row_range range = {splat(0.0f), splat(0.0f)};
        for (size_t i = 0; i < groups; i++) {
            f32x16 x = load16(in + i * 16);
            range.low = min16(x, range.low);
            range.high = max16(x, range.high);
        }
        quantize_row(out, m, in, groups, range);
    }
}

void MARTLET_LEVEL(layer_norm)(
    float *rows_inout, size_t stride, size_t rows, size_t cols, const float *gamma, const float *beta, float epsilon,
    martlet_quantized_rows *quantized) {
    size_t groups = martlet_round_up(cols, 32) / 16;
    size_t full = cols / 16;
    i32x16 in_columns = lane_numbers() < (int32_t)(cols % 16);
    float count = (float)cols;
    for (size_t m = 0; m < rows; m++) {
        float *row = rows_inout + m * stride;
        f32x16 sums[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        size_t i = 0;
        for (; i + 4 <= groups; i += 4)
            for (size_t j = 0; j < 4; j++) sums[j] += load16(row + (i + j) * 16);
        for (size_t j = 0; i + j < groups; j++) sums[j] += load16(row + (i + j) * 16);
        f32x16 mean = splat(sum16((sums[0] + sums[1]) + (sums[2] + sums[3])) / count);

        f32x16 squares[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
        for (i = 0; i + 4 <= full; i += 4)
            for (size_t j = 0; j < 4; j++) {
                f32x16 d = load16(row + (i + j) * 16) - mean;
                squares[j] = fma16(d, d, squares[j]);
            }
        for (size_t j = 0; i + j < full; j++) {
            f32x16 d = load16(row + (i + j) * 16) - mean;
            squares[j] = fma16(d, d, squares[j]);
        }
        if (cols % 16 != 0) {
            f32x16 d = load16(row + full * 16) - mean;
            d = in_columns ? d : splat(0.0f);
            squares[full % 4] = fma16(d, d, squares[full % 4]);
        }
        float variance = sum16((squares[0] + squares[1]) + (squares[2] + squares[3])) / count;
        f32x16 inverse = splat(1.0f / __builtin_elementwise_sqrt(variance + epsilon));

        row_range range = {splat(0.0f), splat(0.0f)};
        for (i = 0; i < groups; i++) {
            f32x16 y = fma16(
                (load16(row + i * 16) - mean) * inverse, load16(gamma + i * 16), load16(beta + i * 16));
            store16(row + i * 16, y);
            range.low = min16(y, range.low);
            range.high = max16(y, range.high);
        }
        if (quantized) quantize_row(quantized, m, row, groups, range);
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
            switch (activation) {
            case MARTLET_GELU_ERF: y = gelu16(y, martlet_gelu_erf_table); break;
            case MARTLET_GELU_TANH: y = gelu16(y, martlet_gelu_tanh_table); break;
            case MARTLET_RELU: y = max16(y, splat(0.0f)); break;
            case MARTLET_TANH: y = tanh16(y); break;
            }
            if (channel_scale) y = y * load16(channel_scale + i * 16);
            store16(row + i * 16, y);
            range.low = min16(y, range.low);
            range.high = max16(y, range.high);
        }
        if (quantized) quantize_row(quantized, m, row, groups, range);
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
