/* The definition of the float linear layer: plain loops. */
#include "../shared/reference_lanes.h"
#pragma clang fp contract(off)

void martlet_gemm_f32_reference(
    float *out, size_t out_stride, const float *in, size_t in_stride, const martlet_linear_f32 *linear, size_t rows,
    martlet_store_mode mode) {
    for (size_t m = 0; m < rows; m++)
        for (size_t n = 0; n < linear->panels * MARTLET_PANEL_COLS; n++) {
            const float *column =
                linear->weights + n / MARTLET_PANEL_COLS * linear->depth * MARTLET_PANEL_COLS + n % MARTLET_PANEL_COLS;
            float sum = 0.0f;
            for (size_t k = 0; k < linear->depth; k++)
                sum = fmaf(in[m * in_stride + k], column[k * MARTLET_PANEL_COLS], sum);
            float y = sum + linear->bias[n];
            float *to = out + m * out_stride + n;
            *to = mode == MARTLET_ACCUMULATE ? y + *to : y;
        }
}
