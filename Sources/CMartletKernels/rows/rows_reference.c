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

static float clamp_byte(float value) {
    value = value > 0.0f ? value : 0.0f; /* NaN becomes 0 */
    return value < 255.0f ? value : 255.0f;
}

static void quantize_row(martlet_quantized_rows *out, size_t m, const float *row, size_t cols) {
    float low = 0.0f, high = 0.0f;
    for (size_t i = 0; i < cols; i++) {
        low = row[i] < low ? row[i] : low;
        high = row[i] > high ? row[i] : high;
    }
    float span = high - low, scale = span / 255.0f, inverse = 255.0f / span;
    if (!(span >= 1e-30f)) {
        scale = 1.0f;
        inverse = 0.0f;
    }
    float zero = nearbyintf(clamp_byte(-low * inverse));
    out->scales[m] = scale;
    out->zeros[m] = (int32_t)zero;
    for (size_t i = 0; i < martlet_round_up(cols, 32); i++)
        out->values[m * out->stride + i] = (uint8_t)nearbyintf(clamp_byte(fmaf(row[i], inverse, zero)));
}

void martlet_quantize_rows_reference(
    martlet_quantized_rows *out, const float *in, size_t in_stride, size_t rows, size_t cols) {
    for (size_t m = 0; m < rows; m++) quantize_row(out, m, in + m * in_stride, cols);
}

void martlet_layer_norm_reference(
    float *rows_inout, size_t stride, size_t rows, size_t cols, const float *gamma, const float *beta, float epsilon,
    martlet_quantized_rows *quantized) {
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
        if (quantized) quantize_row(quantized, m, row, cols);
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
        if (quantized) quantize_row(quantized, m, row, cols);
    }
}
