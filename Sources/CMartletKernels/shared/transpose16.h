/* Included inside a region that turns an instruction set on, after lanes16.h. */
#ifndef MARTLET_TRANSPOSE16_H
#define MARTLET_TRANSPOSE16_H

/* 16 rows of 16 floats, transposed in registers. */
INLINE void transpose16(f32x16 v[16]) {
    f32x16 t[16];
#define STAGE(from, to, step, ...)                                                             \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < 16; i++) if (!(i & step)) {         \
        to[i] = __builtin_shufflevector(from[i], from[i + step], __VA_ARGS__##_LOW);           \
        to[i + step] = __builtin_shufflevector(from[i], from[i + step], __VA_ARGS__##_HIGH);   \
    }
#define SWAP8_LOW 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define SWAP8_HIGH 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define SWAP4_LOW 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define SWAP4_HIGH 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define SWAP2_LOW 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define SWAP2_HIGH 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define SWAP1_LOW 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define SWAP1_HIGH 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
    STAGE(v, t, 8, SWAP8)
    STAGE(t, v, 4, SWAP4)
    STAGE(v, t, 2, SWAP2)
    STAGE(t, v, 1, SWAP1)
}

/* Lane i becomes the sum (or the largest) of the lanes of v[i], in the order of sum16; destroys v. */
#define FOLD(step, pattern, OP)                                                                \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < step; i++) {                         \
        f32x16 low = __builtin_shufflevector(v[i], v[i + step], pattern##_LOW);                 \
        f32x16 high = __builtin_shufflevector(v[i], v[i + step], pattern##_HIGH);               \
        v[i] = OP(low, high);                                                                   \
    }

INLINE f32x16 add16(f32x16 a, f32x16 b) { return a + b; }

INLINE f32x16 sums_of16(f32x16 v[16]) {
    FOLD(8, SWAP8, add16)
    FOLD(4, SWAP4, add16)
    FOLD(2, SWAP2, add16)
    FOLD(1, SWAP1, add16)
    return v[0];
}

INLINE f32x16 largest_of16(f32x16 v[16]) {
    FOLD(8, SWAP8, max16)
    FOLD(4, SWAP4, max16)
    FOLD(2, SWAP2, max16)
    FOLD(1, SWAP1, max16)
    return v[0];
}

#endif
