#include "kernels_internal.h"

void martlet_kernel_table_init(martlet_kernel_table *table, uint32_t features) {
    table->gemm_s8 = martlet_gemm_s8_reference;
    table->gemm_s8_activate = martlet_gemm_s8_activate_reference;
    table->embed = martlet_embed_reference;
    table->gemm_f32 = martlet_gemm_f32_reference;
    table->quantize_rows = martlet_quantize_rows_reference;
    table->layer_norm = martlet_layer_norm_reference;
    table->activate = martlet_activate_reference;
    table->attention = martlet_attention_reference;
    table->quantize_heads = martlet_quantize_heads_reference;
    table->attention_s8 = martlet_attention_s8_reference;
#if defined(__x86_64__)
    if (features & MARTLET_CPU_AVX2) {
        table->gemm_s8 = martlet_gemm_s8_avx2;
        table->gemm_s8_activate = martlet_gemm_s8_activate_avx2;
        table->embed = martlet_embed_avx2;
        table->gemm_f32 = martlet_gemm_f32_avx2;
        table->quantize_rows = martlet_quantize_rows_avx2;
        table->layer_norm = martlet_layer_norm_avx2;
        table->activate = martlet_activate_avx2;
        table->attention = martlet_attention_avx2;
        table->quantize_heads = martlet_quantize_heads_avx2;
        table->attention_s8 = martlet_attention_s8_avx2;
    }
    if (features & MARTLET_CPU_AVX512VNNI) {
        table->gemm_s8 = martlet_gemm_s8_avx512vnni;
        table->gemm_s8_activate = martlet_gemm_s8_activate_avx512vnni;
        table->embed = martlet_embed_avx512;
        table->gemm_f32 = martlet_gemm_f32_avx512;
        table->quantize_rows = martlet_quantize_rows_avx512;
        table->layer_norm = martlet_layer_norm_avx512;
        table->activate = martlet_activate_avx512;
        table->attention = martlet_attention_avx512;
        table->quantize_heads = martlet_quantize_heads_avx512;
        table->attention_s8 = martlet_attention_s8_avx512vnni;
    }
#else
    (void)features;
#endif
}
