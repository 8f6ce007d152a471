/* Sixteen lanes of float or int32 as one value, for every instruction set: AVX-512 holds it in one register, AVX2 in
 * two, SSE and NEON in four. Included inside a region that turns an instruction set on, after MARTLET_LOOKUP16 is
 * defined. */
#ifndef MARTLET_LANES16_H
#define MARTLET_LANES16_H

#include <stddef.h>
#include <stdint.h>

#include "activation_tables.h"

typedef float f32x16 __attribute__((ext_vector_type(16)));
typedef int32_t i32x16 __attribute__((ext_vector_type(16)));
typedef uint8_t u8x16 __attribute__((ext_vector_type(16)));
typedef float f32x8 __attribute__((ext_vector_type(8)));
typedef float f32x4 __attribute__((ext_vector_type(4)));
/* The same lanes at an address without alignment. */
typedef f32x16 f32x16_unaligned __attribute__((aligned(4)));
typedef f32x8 f32x8_unaligned __attribute__((aligned(4)));
typedef u8x16 u8x16_unaligned __attribute__((aligned(1)));
typedef int8_t s8x16 __attribute__((ext_vector_type(16)));
typedef s8x16 s8x16_unaligned __attribute__((aligned(1)));

#define INLINE static inline __attribute__((always_inline, unused))

/* Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even, and leaves it in the low bits. */
#define MARTLET_ROUND_MAGIC 12582912.0f
/* The low byte of each lane. */
INLINE void store_low_bytes16(void *to, f32x16 value) {
    *(u8x16_unaligned *)to = __builtin_convertvector((i32x16)value, u8x16);
}

INLINE f32x16 splat(float value) { return (f32x16)value; }
INLINE f32x16 load16(const float *from) { return *(const f32x16 *)from; }
INLINE f32x16 load16_unaligned(const float *from) { return *(const f32x16_unaligned *)from; }
INLINE void store16(float *to, f32x16 value) { *(f32x16 *)to = value; }
/* A CPU without the instruction brings its own, just as exact. */
#ifndef MARTLET_FMA16
#define MARTLET_FMA16(a, b, c) __builtin_elementwise_fma(a, b, c)
#endif
INLINE f32x16 fma16(f32x16 a, f32x16 b, f32x16 c) { return MARTLET_FMA16(a, b, c); }
/* NaN in a gives b. */
INLINE f32x16 min16(f32x16 a, f32x16 b) { return a < b ? a : b; }
INLINE f32x16 max16(f32x16 a, f32x16 b) { return a > b ? a : b; }
INLINE i32x16 lane_numbers(void) { return (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }

INLINE float sum16(f32x16 v) {
    f32x8 a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
              __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    f32x4 b = __builtin_shufflevector(a, a, 0, 1, 2, 3) + __builtin_shufflevector(a, a, 4, 5, 6, 7);
    return (b[0] + b[2]) + (b[1] + b[3]);
}

INLINE float largest16(f32x16 v) {
    f32x8 a = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
    f32x8 b = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
    a = a > b ? a : b;
    f32x4 c = __builtin_shufflevector(a, a, 0, 1, 2, 3), d = __builtin_shufflevector(a, a, 4, 5, 6, 7);
    c = c > d ? c : d;
    float e = c[0] > c[2] ? c[0] : c[2], f = c[1] > c[3] ? c[1] : c[3];
    return e > f ? e : f;
}

/* 2^x for x <= 0; below -126 it stays 2^-126. */
INLINE f32x16 exp2_16(f32x16 x) {
    x = max16(x, splat(-126.0f));
    f32x16 shifted = x + MARTLET_ROUND_MAGIC;
    f32x16 r = x - (shifted - MARTLET_ROUND_MAGIC);
    f32x16 p = splat(martlet_exp2_table[5]);
    p = fma16(p, r, splat(martlet_exp2_table[4]));
    p = fma16(p, r, splat(martlet_exp2_table[3]));
    p = fma16(p, r, splat(martlet_exp2_table[2]));
    p = fma16(p, r, splat(martlet_exp2_table[1]));
    p = fma16(p, r, splat(martlet_exp2_table[0]));
    return (f32x16)((i32x16)p + ((i32x16)shifted << 23));
}

/* 2^x to 1.1e-4 for -64 <= x < 127; below -64 it stays 2^-64. */
#ifndef MARTLET_EXP2_CUBIC16
INLINE f32x16 exp2_cubic16(f32x16 x) {
    x = max16(x, splat(MARTLET_EXP2_FLOOR));
    f32x16 whole = __builtin_elementwise_roundeven(x);
    f32x16 f = x - whole;
    f32x16 p = fma16(splat(MARTLET_EXP2_CUBIC_3), f, splat(MARTLET_EXP2_CUBIC_2));
    p = fma16(p, f, splat(MARTLET_EXP2_CUBIC_1));
    p = fma16(p, f, splat(1.0f));
    return (f32x16)((i32x16)p + (__builtin_convertvector(whole, i32x16) << 23));
}
#endif

INLINE f32x16 abs16(f32x16 x) { return (f32x16)((i32x16)x & 0x7fffffff); }

INLINE f32x16 gelu16(f32x16 x, const float (*table)[16]) {
    f32x16 s = abs16(x) * MARTLET_GELU_SCALE;
    f32x16 shifted = min16(s, splat(15.0f)) + MARTLET_ROUND_MAGIC;
    f32x16 r = s - (shifted - MARTLET_ROUND_MAGIC);
    i32x16 segment = (i32x16)shifted;
    f32x16 p = MARTLET_LOOKUP16(table[4], segment);
    p = fma16(p, r, MARTLET_LOOKUP16(table[3], segment));
    p = fma16(p, r, MARTLET_LOOKUP16(table[2], segment));
    p = fma16(p, r, MARTLET_LOOKUP16(table[1], segment));
    p = fma16(p, r, MARTLET_LOOKUP16(table[0], segment));
    return fma16(splat(0.5f), x, p);
}

INLINE f32x16 tanh16(f32x16 x) {
    f32x16 e = exp2_16(abs16(x) * -2.88539008f);
    f32x16 y = (1.0f - e) / (1.0f + e);
    return (f32x16)((i32x16)y | ((i32x16)x & (int32_t)0x80000000));
}

#endif
