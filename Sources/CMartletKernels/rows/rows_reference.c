/* The definition of quantisation, layer normalisation and activation: plain loops. */
#include "../shared/reference_lanes.h"
#pragma clang fp contract(off)

void martlet_embed_reference(
    float *out, size_t stride, const martlet_embeddings *tables, const int32_t *ids, const int32_t *type_ids,
    size_t rows) {
    size_t cols = tables->cols;
    for (size_t m = 0; m < rows; m++)
        for (size_t i = 0; i < martlet_round_up(cols, 32); i++) {
            size_t word = (size_t)ids[m];
            float sum = 0.0f;
            if (i < cols) {
                float position = tables->positions[m * cols + i];
                sum = tables->words_s8
                          ? fmaf((float)tables->words_s8[word * cols + i], tables->word_scales[word], position)
                          : tables->words_f32[word * cols + i] + position;
                sum += tables->types[(size_t)type_ids[m] * cols + i];
            }
            out[m * stride + i] = sum;
        }
}

static float scaled(const float *row, const float *channel_scale, size_t i) {
    return channel_scale ? row[i] * channel_scale[i] : row[i];
}

static void quantize_row(
    martlet_quantized_rows *out, size_t m, const float *row, const float *channel_scale, size_t cols) {
    float low = 0.0f, high = 0.0f;
    for (size_t i = 0; i < cols; i++) {
        float x = scaled(row, channel_scale, i);
        low = x < low ? x : low;
        high = x > high ? x : high;
    }
    float span = high - low, scale = span / MARTLET_STEPS, inverse = MARTLET_STEPS / span;
    if (!(span >= 1e-30f)) {
        scale = 1.0f;
        inverse = 0.0f;
    }
    float zero = fmaf(-low, inverse, MARTLET_ZERO_BIAS) + MARTLET_ROUND_MAGIC;
    out->scales[m] = scale;
    out->zeros[m] = (float)low_byte(zero);
    for (size_t i = 0; i < martlet_round_up(cols, 32); i++) {
        float x = i < cols ? scaled(row, channel_scale, i) : 0.0f;
        out->values[m * out->stride + i] = low_byte(fmaf(x, inverse, zero));
    }
}

void martlet_quantize_rows_reference(
    martlet_quantized_rows *out, const float *in, size_t in_stride, size_t rows, size_t cols,
    const float *channel_scale) {
    for (size_t m = 0; m < rows; m++) quantize_row(out, m, in + m * in_stride, channel_scale, cols);
}

void martlet_quantize_heads_reference(
    martlet_quantized_heads *out, size_t first_row, const martlet_head_floats *in, size_t rows) {
    size_t size = out->head_size;
    for (size_t m = 0; m < rows; m++)
        for (size_t h = 0; h < out->heads; h++)
            for (int part = 0; part < 3; part++) {
                const float *parts[3] = {in->query, in->key, in->value};
                if (!parts[part]) continue;
                const float *x = parts[part] + m * in->stride + h * size;
                uint8_t *rows_of[3] = {out->query, (uint8_t *)out->key, (uint8_t *)out->value};
                uint8_t *to = rows_of[part] + (first_row + m) * out->stride + h * out->head_bytes;
                size_t place = h * out->scale_stride + first_row + m;
                float largest = 0x1p-60f;
                for (size_t i = 0; i < size; i++) largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
                float scale = largest * (1.0f / 127.0f), inverse = 127.0f / largest;
                if (part == 2) {
                    int32_t bits;
                    memcpy(&bits, &scale, 4);
                    float log = fmaf((float)bits, 0x1p-23f, MARTLET_LOG2_CHORD);
                    inverse = reference_exp2_cubic(-log);
                    out->value_logs[place] = log;
                    out->value_inverses[place] = inverse;
                }
                int32_t sum = 0;
                for (size_t i = 0; i < out->head_bytes; i++) {
                    float zero = (part == 0 ? 128.0f : 0.0f) + MARTLET_ROUND_MAGIC;
                    to[i] = i < size ? low_byte(fmaf(x[i], inverse, zero)) : 0;
                    sum += (int8_t)to[i];
                }
                if (part == 0) out->query_scales[place] = scale;
                if (part == 1) {
                    out->key_scales[place] = scale;
                    out->key_offsets[place] = (float)(-128 * sum);
                }
            }
}

void martlet_layer_norm_reference(
    float *rows_inout, size_t stride, size_t rows, size_t cols, const float *gamma, const float *beta, float epsilon,
    const float *channel_scale, martlet_quantized_rows *quantized) {
    for (size_t m = 0; m < rows; m++) {
        float *row = rows_inout + m * stride;
        lane_sums sums = {0}, squares = {0};
        for (size_t i = 0; i < cols; i++) *lane_of(&sums, i) += row[i];
        float mean = total(&sums) / (float)cols;
        for (size_t i = 0; i < cols; i++) {
            float d = row[i] - mean;
            *lane_of(&squares, i) = fmaf(d, d, *lane_of(&squares, i));
        }
        float inverse = 1.0f / sqrtf(total(&squares) / (float)cols + epsilon);
        for (size_t i = 0; i < cols; i++) row[i] = fmaf((row[i] - mean) * inverse, gamma[i], beta[i]);
        if (quantized) quantize_row(quantized, m, row, channel_scale, cols);
    }
}

static float gelu(float x, const float (*table)[16]) {
    float s = fabsf(x) * MARTLET_GELU_SCALE;
    float nearest = nearbyintf(s < 15.0f ? s : 15.0f);
    float r = s - nearest;
    int segment = (int)nearest;
    float p = table[4][segment];
    for (int i = 3; i >= 0; i--) p = fmaf(p, r, table[i][segment]);
    return fmaf(0.5f, x, p);
}

static float activated(float x, martlet_activation activation) {
    switch (activation) {
    case MARTLET_GELU_ERF: return gelu(x, martlet_gelu_erf_table);
    case MARTLET_GELU_TANH: return gelu(x, martlet_gelu_tanh_table);
    case MARTLET_RELU: return x > 0.0f ? x : 0.0f;
    case MARTLET_TANH: {
        float e = reference_exp2(fabsf(x) * -2.88539008f);
        return copysignf((1.0f - e) / (1.0f + e), x);
    }
    }
    return x;
}

void martlet_activate_reference(
    float *rows_inout, size_t stride, size_t rows, size_t cols, martlet_activation activation,
    const float *channel_scale, martlet_quantized_rows *quantized) {
    for (size_t m = 0; m < rows; m++) {
        float *row = rows_inout + m * stride;
        for (size_t i = 0; i < cols; i++) {
            row[i] = activated(row[i], activation);
            if (channel_scale) row[i] *= channel_scale[i];
        }
        if (quantized) quantize_row(quantized, m, row, NULL, cols);
    }
}
