/* Turns AVX-512 on for what follows; closed by `#pragma clang attribute pop`. */
#include <immintrin.h>
#pragma clang fp contract(off)
#ifndef MARTLET_AVX512_TARGET
#define MARTLET_AVX512_TARGET "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"
#endif
#pragma clang attribute push( \
    __attribute__((target(MARTLET_AVX512_TARGET), min_vector_width(512))), apply_to = function)
#define MARTLET_LOOKUP16(table, index) ((f32x16)_mm512_permutexvar_ps((__m512i)(index), _mm512_load_ps(table)))
#define MARTLET_LEVEL(name) martlet_##name##_avx512
/* Float tiles: rows x groups of 16 columns, sized to the 32 registers. */
#define MARTLET_TILE_ROWS 12
#define MARTLET_TILE_GROUPS 2
/* The cubic of lanes16.h with this instruction set's own way to split a float and to scale by a power of two. */
#define MARTLET_EXP2_CUBIC16
#define exp2_cubic16(x)                                                                           \
    ({                                                                                            \
        __m512 x_ = _mm512_max_ps((__m512)(x), _mm512_set1_ps(MARTLET_EXP2_FLOOR));             \
        __m512 f_ = _mm512_reduce_ps(x_, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);             \
        __m512 p_ = _mm512_fmadd_ps(                                                              \
            _mm512_set1_ps(MARTLET_EXP2_CUBIC_3), f_, _mm512_set1_ps(MARTLET_EXP2_CUBIC_2));      \
        p_ = _mm512_fmadd_ps(p_, f_, _mm512_set1_ps(MARTLET_EXP2_CUBIC_1));                       \
        p_ = _mm512_fmadd_ps(p_, f_, _mm512_set1_ps(1.0f));                                       \
        (f32x16) _mm512_scalef_ps(p_, _mm512_sub_ps(x_, f_));                                        \
    })
