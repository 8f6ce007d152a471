#include "kernels_internal.h"

/* Entries of one instruction set: what stands on 16 lanes, and what stands on an int8 tile. */
#define USE_LANES(level)                                       \
    table->embed = martlet_embed_##level,                      \
    table->gemm_f32 = martlet_gemm_f32_##level,                \
    table->quantize_rows = martlet_quantize_rows_##level,      \
    table->layer_norm = martlet_layer_norm_##level,            \
    table->activate = martlet_activate_##level,                \
    table->attention = martlet_attention_##level,              \
    table->quantize_heads = martlet_quantize_heads_##level
#define USE_TILE(level)                                        \
    table->gemm_s8 = martlet_gemm_s8_##level,                  \
    table->gemm_s8_activate = martlet_gemm_s8_activate_##level, \
    table->attention_s8 = martlet_attention_s8_##level

void martlet_kernel_table_init(martlet_kernel_table *table, uint32_t features) {
    USE_LANES(reference), USE_TILE(reference);
#if defined(__x86_64__)
    if (features & MARTLET_CPU_SSE41) USE_LANES(sse41), USE_TILE(sse41);
    if (features & MARTLET_CPU_AVX2) USE_LANES(avx2), USE_TILE(avx2);
    if (features & MARTLET_CPU_AVXVNNI) USE_TILE(avxvnni);
    if (features & MARTLET_CPU_AVX512VNNI) USE_LANES(avx512), USE_TILE(avx512vnni);
    if (features & MARTLET_CPU_AMX) USE_TILE(amx);
#elif defined(__aarch64__)
    if (features & MARTLET_CPU_NEON) USE_LANES(neon), USE_TILE(neon);
    if (features & MARTLET_CPU_NEON_DOTPROD) USE_TILE(neondotprod);
    if (features & MARTLET_CPU_NEON_I8MM) USE_TILE(neoni8mm);
#else
    (void)features;
#endif
}
