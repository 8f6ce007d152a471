/* The int8 tile with usmmla, which multiplies two rows of 8 u8 by two columns of 8 s8. Two groups of four inputs of the
 * panel, interleaved by zip, are such columns. Inner tiles of up to 4 pairs of rows by 4 pairs of columns. */
#define MARTLET_INT8_LEVEL(name) martlet_##name##_neoni8mm
#include "prefetch_step.h"
#define MARTLET_GEMM_ROWS 8

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    const size_t pairs = (rows + 1) / 2;
    for (size_t octet = 0; octet < 4; octet++) {
        const int8_t *b = panel + octet * 32;
        /* [row pair][column pair]: row 0 column 0, row 0 column 1, row 1 column 0, row 1 column 1. */
        int32x4_t blocks[MARTLET_GEMM_ROWS / 2][4];
#pragma clang loop unroll(full)
        for (size_t p = 0; p < pairs; p++)
#pragma clang loop unroll(full)
            for (size_t n = 0; n < 4; n++) blocks[p][n] = vdupq_n_s32(0);
        for (size_t k = 0; k < depth4; k += 2, b += 8 * MARTLET_PANEL_COLS) {
            if (ahead && octet == 0)
                for (size_t i = k; i < k + 2; i++) prefetch_step(ahead + i * ahead_step, ahead_step);
            /* The last group of an odd depth goes with zeros: nothing after it may be read. */
            const int both = k + 2 <= depth4;
            int32x4_t first[2], second[2];
#pragma clang loop unroll(full)
            for (size_t n = 0; n < 2; n++) {
                first[n] = vreinterpretq_s32_s8(vld1q_s8(b + n * 16));
                second[n] = both ? vreinterpretq_s32_s8(vld1q_s8(b + 4 * MARTLET_PANEL_COLS + n * 16)) : vdupq_n_s32(0);
            }
            int8x16_t columns[4] = {
                vreinterpretq_s8_s32(vzip1q_s32(first[0], second[0])),
                vreinterpretq_s8_s32(vzip2q_s32(first[0], second[0])),
                vreinterpretq_s8_s32(vzip1q_s32(first[1], second[1])),
                vreinterpretq_s8_s32(vzip2q_s32(first[1], second[1])),
            };
#pragma clang loop unroll(full)
            for (size_t p = 0; p < pairs; p++) {
                uint64_t eight[2] = {0, 0};
                const uint8_t *row = a + 2 * p * a_stride + k * 4;
                const uint8_t *next = 2 * p + 1 < rows ? row + a_stride : row; /* an odd row is its own partner */
                if (both) {
                    __builtin_memcpy(&eight[0], row, 8);
                    __builtin_memcpy(&eight[1], next, 8);
                } else {
                    __builtin_memcpy(&eight[0], row, 4);
                    __builtin_memcpy(&eight[1], next, 4);
                }
                uint8x16_t x = vcombine_u8(vcreate_u8(eight[0]), vcreate_u8(eight[1]));
#pragma clang loop unroll(full)
                for (size_t n = 0; n < 4; n++) blocks[p][n] = vusmmlaq_s32(blocks[p][n], x, columns[n]);
            }
        }
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            int32_t *to = (int32_t *)sums[m] + octet * 8;
#pragma clang loop unroll(full)
            for (size_t n = 0; n < 2; n++) {
                int32x4_t left = blocks[m / 2][2 * n], right = blocks[m / 2][2 * n + 1];
                int32x4_t four = m % 2 == 0 ? vcombine_s32(vget_low_s32(left), vget_low_s32(right))
                                            : vcombine_s32(vget_high_s32(left), vget_high_s32(right));
                vst1q_s32(to + n * 4, four);
            }
        }
    }
}
