/* The int8 tile with NEON alone: both sides are widened to 16 bits and smlal adds products in 32 bits: exact for every
 * u8 and s8. Inner tiles of up to 6 rows by 4 columns. */
#define MARTLET_INT8_LEVEL(name) martlet_##name##_neon
#include "prefetch_step.h"
#define MARTLET_GEMM_ROWS 6

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    for (size_t quad = 0; quad < 8; quad++) {
        const int8_t *b = panel + quad * 16;
        /* One accumulator a column: a lane for each of a group's four inputs. */
        int32x4_t columns[MARTLET_GEMM_ROWS][4];
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
            for (size_t n = 0; n < 4; n++) columns[m][n] = vdupq_n_s32(0);
        for (size_t k = 0; k < depth4; k++, b += 4 * MARTLET_PANEL_COLS) {
            if (ahead && quad == 0) prefetch_step(ahead + k * ahead_step, ahead_step);
            int8x16_t four_columns = vld1q_s8(b);
            int16x8_t left = vmovl_s8(vget_low_s8(four_columns)), right = vmovl_high_s8(four_columns);
#pragma clang loop unroll(full)
            for (size_t m = 0; m < rows; m++) {
                uint32_t four;
                __builtin_memcpy(&four, a + m * a_stride + k * 4, 4);
                int16x8_t x = vreinterpretq_s16_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(four))));
                columns[m][0] = vmlal_s16(columns[m][0], vget_low_s16(x), vget_low_s16(left));
                columns[m][1] = vmlal_high_s16(columns[m][1], x, left);
                columns[m][2] = vmlal_s16(columns[m][2], vget_low_s16(x), vget_low_s16(right));
                columns[m][3] = vmlal_high_s16(columns[m][3], x, right);
            }
        }
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) {
            int32x4_t left = vpaddq_s32(columns[m][0], columns[m][1]);
            int32x4_t right = vpaddq_s32(columns[m][2], columns[m][3]);
            vst1q_s32((int32_t *)sums[m] + quad * 4, vpaddq_s32(left, right));
        }
    }
}
