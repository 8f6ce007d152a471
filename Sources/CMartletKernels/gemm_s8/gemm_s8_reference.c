/* The definition of the int8 linear layer: plain loops. */
#include "../shared/reference_lanes.h"
#pragma clang fp contract(off)

void martlet_gemm_s8_reference(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode) {
    const size_t step = 4 * MARTLET_PANEL_COLS;
    for (size_t m = 0; m < rows; m++)
        for (size_t n = 0; n < linear->panels * MARTLET_PANEL_COLS; n++) {
            const int8_t *column = linear->weights + n / MARTLET_PANEL_COLS * linear->depth4 * step +
                                   n % MARTLET_PANEL_COLS * 4;
            const uint8_t *row = in->values + m * in->stride;
            int32_t sum = 0;
            for (size_t k = 0; k < linear->depth4 * 4; k++) sum += row[k] * column[k / 4 * step + k % 4];
            float centred = fmaf(-in->zeros[m], linear->column_sums[n], (float)sum);
            float y = fmaf(centred, linear->scales[n] * in->scales[m], linear->bias[n]);
            float *to = out + m * out_stride + n;
            *to = mode == MARTLET_ACCUMULATE ? y + *to : y;
        }
}

void martlet_gemm_s8_activate_reference(
    martlet_quantized_rows *out, float *work, size_t work_stride, const martlet_quantized_rows *in,
    const martlet_linear_s8 *linear, size_t rows, martlet_activation activation, const float *channel_scale) {
    martlet_gemm_s8_reference(work, work_stride, in, linear, rows, MARTLET_STORE);
    martlet_activate_reference(
        work, work_stride, rows, linear->panels * MARTLET_PANEL_COLS, activation, channel_scale, out);
}
