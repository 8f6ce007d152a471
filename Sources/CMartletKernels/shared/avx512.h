/* Turns AVX-512 on for what follows; closed by `#pragma clang attribute pop`. */
#include <immintrin.h>
#pragma clang fp contract(off)
#pragma clang attribute push(                                                                                  \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"), min_vector_width(512))), \
    apply_to = function)
#define MARTLET_LOOKUP16(table, index) ((f32x16)_mm512_permutexvar_ps((__m512i)(index), _mm512_load_ps(table)))
#define MARTLET_LEVEL(name) martlet_##name##_avx512
/* Float tiles: rows x groups of 16 columns, sized to the 32 registers. */
#define MARTLET_TILE_ROWS 12
#define MARTLET_TILE_GROUPS 2
