#if defined(__x86_64__)
#include "../shared/amx.h"
#include "../shared/lanes16.h"
#include "../kernels_internal.h"
#include "tile_amx.h"
#include "gemm_s8_vector.h"

void martlet_gemm_s8_amx(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode) {
    martlet_gemm_s8_amx_tiles(out, out_stride, in, linear, rows, mode);
    release_tiles();
}

void martlet_gemm_s8_activate_amx(
    martlet_quantized_rows *out, float *work, size_t work_stride, const martlet_quantized_rows *in,
    const martlet_linear_s8 *linear, size_t rows, martlet_activation activation, const float *channel_scale) {
    martlet_gemm_s8_activate_amx_tiles(out, work, work_stride, in, linear, rows, activation, channel_scale);
    release_tiles();
}
#pragma clang attribute pop
#endif
