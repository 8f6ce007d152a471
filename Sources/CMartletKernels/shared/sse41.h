/* Turns SSE4.1 on for what follows; closed by `#pragma clang attribute pop`. */
#include <immintrin.h>
#include <stdint.h>
#pragma clang diagnostic ignored "-Wpsabi" /* 64-byte values only pass between functions that are inlined */
#pragma clang fp contract(off)
#pragma clang attribute push(__attribute__((target("sse4.1"))), apply_to = function)
#define MARTLET_LEVEL(name) martlet_##name##_sse41
/* Float tiles: rows x groups of 16 columns. Arithmetic, not registers, is the bound here: see MARTLET_FMA16. */
#define MARTLET_TILE_ROWS 6
#define MARTLET_TILE_GROUPS 1

typedef union {
    float lanes __attribute__((ext_vector_type(16)));
    int32_t indices __attribute__((ext_vector_type(16)));
    __m128 floats[4];
    __m128i integers[4];
} martlet_quarters;

/* product + c in double, rounded to odd: where the sum is inexact, its last bit is set. Rounding that to float gives
 * what rounding the exact sum would give, because double has at least two bits more than float needs (Boldo and
 * Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008). */
static inline __attribute__((always_inline, unused)) __m128d martlet_sum_to_odd(__m128d product, __m128d c) {
    __m128d sum = product + c, part = sum - product;
    __m128d error = (product - (sum - part)) + (c - part);
    __m128i bits = _mm_castpd_si128(sum);
    /* False for NaN, which the error is when the sum is infinite or NaN: those stay as they are. */
    __m128i inexact = _mm_castpd_si128(_mm_cmpgt_pd(_mm_andnot_pd(_mm_set1_pd(-0.0), error), _mm_setzero_pd()));
    __m128i even = _mm_sub_epi64(_mm_and_si128(bits, _mm_set1_epi64x(1)), _mm_set1_epi64x(1));
    /* One step away from zero if the error has the sum's sign, else one step towards zero. */
    __m128i opposite = _mm_srli_epi64(_mm_xor_si128(bits, _mm_castpd_si128(error)), 63);
    __m128i step = _mm_sub_epi64(_mm_set1_epi64x(1), _mm_add_epi64(opposite, opposite));
    return _mm_castsi128_pd(_mm_add_epi64(bits, _mm_and_si128(step, _mm_and_si128(even, inexact))));
}

/* a * b + c with one rounding, without the instruction: the product of two floats is exact in double. */
static inline __attribute__((always_inline, unused)) __m128 martlet_fma4(__m128 a, __m128 b, __m128 c) {
    __m128d low = martlet_sum_to_odd(_mm_cvtps_pd(a) * _mm_cvtps_pd(b), _mm_cvtps_pd(c));
    __m128d high = martlet_sum_to_odd(
        _mm_cvtps_pd(_mm_movehl_ps(a, a)) * _mm_cvtps_pd(_mm_movehl_ps(b, b)), _mm_cvtps_pd(_mm_movehl_ps(c, c)));
    return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}

/* Called, not inlined: some 200 instructions, and the kernels have hundreds of places for it. */
static __attribute__((noinline, unused)) void martlet_fma_quarters(
    martlet_quarters *c_inout, const martlet_quarters *a, const martlet_quarters *b) {
    for (int i = 0; i < 4; i++) c_inout->floats[i] = martlet_fma4(a->floats[i], b->floats[i], c_inout->floats[i]);
}

#define MARTLET_FMA16(a, b, c)                                                                          \
    ({                                                                                                  \
        martlet_quarters a_ = {.lanes = (a)}, b_ = {.lanes = (b)}, c_ = {.lanes = (c)};                 \
        martlet_fma_quarters(&c_, &a_, &b_);                                                            \
        c_.lanes;                                                                                       \
    })

/* Four of 16 floats: the 64 bytes of the table are looked up 16 at a time, a byte outside gives 0. */
static inline __attribute__((always_inline, unused)) __m128 martlet_lookup4(const float *table, __m128i index) {
    const __m128i *quarters = (const __m128i *)table;
    __m128i four = _mm_mullo_epi32(_mm_and_si128(index, _mm_set1_epi32(15)), _mm_set1_epi32(0x04040404));
    __m128i bytes = _mm_add_epi8(four, _mm_set1_epi32(0x03020100)), found = _mm_setzero_si128();
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
        /* In this quarter: 0x70...0x7f, of which the low four bits count. Elsewhere: the top bit is set. */
        __m128i place = _mm_adds_epu8(_mm_sub_epi8(bytes, _mm_set1_epi8((char)(16 * i))), _mm_set1_epi8(0x70));
        found = _mm_or_si128(found, _mm_shuffle_epi8(_mm_load_si128(quarters + i), place));
    }
    return _mm_castsi128_ps(found);
}

#define MARTLET_LOOKUP16(table, index)                                                                  \
    ({                                                                                                  \
        martlet_quarters in_ = {.indices = (index)}, out_;                                              \
        for (int i_ = 0; i_ < 4; i_++) out_.floats[i_] = martlet_lookup4(table, in_.integers[i_]);      \
        out_.lanes;                                                                                     \
    })
