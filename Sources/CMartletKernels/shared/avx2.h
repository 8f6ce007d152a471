/* Turns AVX2 and FMA on for what follows; closed by `#pragma clang attribute pop`. */
#include <immintrin.h>
#pragma clang diagnostic ignored "-Wpsabi" /* 64-byte values only pass between functions that are inlined */
#pragma clang fp contract(off)
#ifndef MARTLET_AVX2_TARGET
#define MARTLET_AVX2_TARGET "avx2,fma"
#endif
#pragma clang attribute push(__attribute__((target(MARTLET_AVX2_TARGET))), apply_to = function)
#define MARTLET_LEVEL(name) martlet_##name##_avx2
/* Float tiles: rows x groups of 16 columns, sized to the 16 registers of 8 lanes. */
#define MARTLET_TILE_ROWS 6
#define MARTLET_TILE_GROUPS 1

static inline __attribute__((always_inline)) __m256 martlet_lookup8(const float *table, __m256i index) {
    __m256 low = _mm256_permutevar8x32_ps(_mm256_load_ps(table), index);
    __m256 high = _mm256_permutevar8x32_ps(_mm256_load_ps(table + 8), index);
    return _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32(index, 28)));
}

typedef union {
    __m256i integers[2];
    __m256 floats[2];
    float lanes __attribute__((ext_vector_type(16)));
    int32_t indices __attribute__((ext_vector_type(16)));
} martlet_halves;

#define MARTLET_LOOKUP16(table, index)                                   \
    ({                                                                   \
        martlet_halves in_ = {.indices = (index)}, out_;                 \
        out_.floats[0] = martlet_lookup8(table, in_.integers[0]);        \
        out_.floats[1] = martlet_lookup8(table, in_.integers[1]);        \
        out_.lanes;                                                      \
    })
