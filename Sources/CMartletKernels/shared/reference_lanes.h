/* The fixed order of float sums, for the reference kernels: plain loops over 4 accumulators of 16 lanes. */
#ifndef MARTLET_REFERENCE_LANES_H
#define MARTLET_REFERENCE_LANES_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "../kernels_internal.h"
#include "activation_tables.h"

/* Adding 1.5 * 2^23 rounds to the nearest integer, ties to even, and leaves it in the low bits. */
#define MARTLET_ROUND_MAGIC 12582912.0f

typedef struct {
    float lanes[4][16];
} lane_sums;

/* Where element i of a row is added. */
static inline float *lane_of(lane_sums *sums, size_t i) { return &sums->lanes[i / 16 % 4][i % 16]; }

static inline float total(const lane_sums *sums) {
    float v[16];
    for (int i = 0; i < 16; i++)
        v[i] = (sums->lanes[0][i] + sums->lanes[1][i]) + (sums->lanes[2][i] + sums->lanes[3][i]);
    for (int half = 8; half >= 1; half /= 2)
        for (int i = 0; i < half; i++) v[i] += v[i + half];
    return v[0];
}

/* 2^x for x <= 0; below -126 it stays 2^-126. */
static inline float reference_exp2(float x) {
    x = x > -126.0f ? x : -126.0f;
    float n = nearbyintf(x), r = x - n;
    float p = martlet_exp2_table[5];
    for (int i = 4; i >= 0; i--) p = fmaf(p, r, martlet_exp2_table[i]);
    return ldexpf(p, (int)n);
}

/* 2^x by the cubic, as exp2_cubic16 of lanes16.h. */
static inline float reference_exp2_cubic(float x) {
    x = x > MARTLET_EXP2_FLOOR ? x : MARTLET_EXP2_FLOOR;
    float whole = nearbyintf(x), f = x - whole;
    float p = fmaf(fmaf(fmaf(MARTLET_EXP2_CUBIC_3, f, MARTLET_EXP2_CUBIC_2), f, MARTLET_EXP2_CUBIC_1), f, 1.0f);
    return ldexpf(p, (int)whole);
}

/* The low byte of a float to which MARTLET_ROUND_MAGIC was added. */
static inline uint8_t low_byte(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (uint8_t)bits;
}

#endif
