/* Declarations shared by the files of this target; Swift does not see them. */
#ifndef MARTLET_KERNELS_INTERNAL_H
#define MARTLET_KERNELS_INTERNAL_H

#include "martlet_kernels.h"

#define MARTLET_DECLARE_LEVEL(level)                              \
    martlet_embed_fn martlet_embed_##level;                       \
    martlet_gemm_f32_fn martlet_gemm_f32_##level;                 \
    martlet_quantize_rows_fn martlet_quantize_rows_##level;       \
    martlet_layer_norm_fn martlet_layer_norm_##level;             \
    martlet_activate_fn martlet_activate_##level;                 \
    martlet_attention_fn martlet_attention_##level;

MARTLET_DECLARE_LEVEL(reference)
MARTLET_DECLARE_LEVEL(avx2)
MARTLET_DECLARE_LEVEL(avx512)

martlet_gemm_s8_fn martlet_gemm_s8_reference;
martlet_gemm_s8_fn martlet_gemm_s8_avx2;
martlet_gemm_s8_fn martlet_gemm_s8_avx512vnni;

static inline size_t martlet_round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

#endif
