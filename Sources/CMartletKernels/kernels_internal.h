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
    martlet_attention_fn martlet_attention_##level;               \
    martlet_quantize_heads_fn martlet_quantize_heads_##level;

MARTLET_DECLARE_LEVEL(reference)
MARTLET_DECLARE_LEVEL(sse41)
MARTLET_DECLARE_LEVEL(avx2)
MARTLET_DECLARE_LEVEL(avx512)
MARTLET_DECLARE_LEVEL(neon)

#define MARTLET_DECLARE_INT8_LEVEL(level)           \
    martlet_gemm_s8_fn martlet_gemm_s8_##level;     \
    martlet_gemm_s8_activate_fn martlet_gemm_s8_activate_##level; \
    martlet_attention_s8_fn martlet_attention_s8_##level;

MARTLET_DECLARE_INT8_LEVEL(reference)
MARTLET_DECLARE_INT8_LEVEL(sse41)
MARTLET_DECLARE_INT8_LEVEL(avx2)
MARTLET_DECLARE_INT8_LEVEL(avxvnni)
MARTLET_DECLARE_INT8_LEVEL(avx512vnni)
MARTLET_DECLARE_INT8_LEVEL(amx)
MARTLET_DECLARE_INT8_LEVEL(amx_tiles) /* amx, with the tiles left configured */
MARTLET_DECLARE_INT8_LEVEL(neon)
MARTLET_DECLARE_INT8_LEVEL(neondotprod)
MARTLET_DECLARE_INT8_LEVEL(neoni8mm)

/* Steps of a quantised row, and what is added before its zero point is rounded: with these no value of the row rounds
 * to below 0 or above 255, so that nothing needs clamping. */
#define MARTLET_STEPS 254.9f
#define MARTLET_ZERO_BIAS 0.01f
/* log2(m * 2^e) <= e + m - 1 + 0.0861 for m in 1...2: from the bits of a float, and on the safe side. */
#define MARTLET_LOG2_CHORD (-126.91f)

static inline size_t martlet_round_up(size_t value, size_t multiple) {
    return (value + multiple - 1) / multiple * multiple;
}

#endif
