/* How a row of floats becomes bytes, and activations on 16 lanes: for every text that ends in quantised rows. Included
 * after lanes16.h. */
#ifndef MARTLET_ROW_QUANTISATION_H
#define MARTLET_ROW_QUANTISATION_H

#include "../kernels_internal.h"

typedef struct {
    f32x16 low, high;
} row_range;

/* Times channel_scale, which is NULL or not at compile time. */
INLINE f32x16 scaled16(f32x16 x, const float *channel_scale, size_t i) {
    return channel_scale ? x * load16(channel_scale + i * 16) : x;
}

INLINE void widen(row_range *range, f32x16 x) {
    range->low = min16(x, range->low);
    range->high = max16(x, range->high);
}

INLINE void quantize_row(
    martlet_quantized_rows *out, size_t row, const float *in, const float *channel_scale, size_t groups,
    row_range range) {
    float low = -largest16(-range.low), high = largest16(range.high);
    float span = high - low;
    float scale = span / MARTLET_STEPS, inverse = MARTLET_STEPS / span;
    if (!(span >= 1e-30f)) scale = 1.0f, inverse = 0.0f;
    f32x16 factor = splat(inverse);
    f32x16 zero = fma16(splat(-low), factor, splat(MARTLET_ZERO_BIAS)) + MARTLET_ROUND_MAGIC;
    out->scales[row] = scale;
    out->zeros[row] = (float)(((i32x16)zero)[0] & 255);
    uint8_t *to = out->values + row * out->stride;
    for (size_t i = 0; i < groups; i++)
        store_low_bytes16(to + i * 16, fma16(scaled16(load16(in + i * 16), channel_scale, i), factor, zero));
}

/* `activation` is a constant at every call. */
INLINE f32x16 activated16(f32x16 x, const martlet_activation activation) {
    switch (activation) {
    case MARTLET_GELU_ERF: return gelu16(x, martlet_gelu_erf_table);
    case MARTLET_GELU_TANH: return gelu16(x, martlet_gelu_tanh_table);
    case MARTLET_RELU: return max16(x, splat(0.0f));
    case MARTLET_TANH: return tanh16(x);
    }
    return x;
}

#endif
