/* The int8 tile with sdot, which multiplies s8 by s8. A u8 becomes u8 - 128, and 128 times the column's sum of weights
 * comes back at the end: exact, as both stay within int32 up to a depth of 32768. The sums of weights are one more row,
 * of ones. Inner tiles of up to 8 rows by 8 columns, four groups of inputs at once. */
#define MARTLET_INT8_LEVEL(name) martlet_##name##_neondotprod
#include "prefetch_step.h"
#define MARTLET_GEMM_ROWS 8

/* The tile's step for one group of four inputs, which stands in `lane` of every row of x. */
#define MARTLET_STEP(lane)                                                         \
    {                                                                              \
        int8x16_t left = vld1q_s8(b), right = vld1q_s8(b + 16);                    \
        weights[0] = vdotq_s32(weights[0], left, ones);                            \
        weights[1] = vdotq_s32(weights[1], right, ones);                           \
        _Pragma("clang loop unroll(full)") for (size_t m = 0; m < rows; m++) {     \
            columns[m][0] = vdotq_laneq_s32(columns[m][0], left, x[m], lane);      \
            columns[m][1] = vdotq_laneq_s32(columns[m][1], right, x[m], lane);     \
        }                                                                          \
        b += 4 * MARTLET_PANEL_COLS;                                                                  \
    }

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    const int8x16_t ones = vdupq_n_s8(1);
    const uint8x16_t offset = vdupq_n_u8(128);
    for (size_t octet = 0; octet < 4; octet++) {
        const int8_t *b = panel + octet * 32;
        int32x4_t columns[MARTLET_GEMM_ROWS][2], weights[2] = {vdupq_n_s32(0), vdupq_n_s32(0)};
        int8x16_t x[MARTLET_GEMM_ROWS];
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) columns[m][0] = columns[m][1] = vdupq_n_s32(0);
        size_t k = 0;
        for (; k + 4 <= depth4; k += 4) {
            if (ahead && octet == 0)
                for (size_t i = k; i < k + 4; i++) prefetch_step(ahead + i * ahead_step, ahead_step);
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++)
                x[m] = vreinterpretq_s8_u8(vsubq_u8(vld1q_u8(a + m * a_stride + k * 4), offset));
            MARTLET_STEP(0) MARTLET_STEP(1) MARTLET_STEP(2) MARTLET_STEP(3)
        }
        for (; k < depth4; k++) {
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++) {
                uint32_t four;
                __builtin_memcpy(&four, a + m * a_stride + k * 4, 4);
                x[m] = vreinterpretq_s8_u8(vsubq_u8(vreinterpretq_u8_u32(vdupq_n_u32(four)), offset));
            }
            MARTLET_STEP(0)
        }
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            int32_t *to = (int32_t *)sums[m] + octet * 8;
            vst1q_s32(to, vaddq_s32(columns[m][0], vshlq_n_s32(weights[0], 7)));
            vst1q_s32(to + 4, vaddq_s32(columns[m][1], vshlq_n_s32(weights[1], 7)));
        }
    }
}
#undef MARTLET_STEP
