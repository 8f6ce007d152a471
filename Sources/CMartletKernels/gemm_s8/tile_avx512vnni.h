/* The int8 tile with vpdpbusd on 512 bits: up to 12 rows by one panel of 32 columns, 24 accumulators in registers. */
#include "prefetch_step.h"
#define MARTLET_INT8_LEVEL(name) martlet_##name##_avx512vnni
#define MARTLET_GEMM_ROWS 12

/* Four inputs of every row and column, `step` groups of four from where the pointers are. */
INLINE void tile_step(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *const *threes, size_t a_stride, const int8_t *panel,
    const size_t step, const size_t rows) {
    __m512i left = _mm512_load_si512(panel + step * 128), right = _mm512_load_si512(panel + step * 128 + 64);
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) {
        int32_t four;
        __builtin_memcpy(&four, threes[m / 3] + m % 3 * a_stride + step * 4, 4);
        __m512i x = _mm512_set1_epi32(four);
        sums[m][0] = (i32x16)_mm512_dpbusd_epi32((__m512i)sums[m][0], x, left);
        sums[m][1] = (i32x16)_mm512_dpbusd_epi32((__m512i)sums[m][1], x, right);
    }
}

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    /* One pointer for three rows, the other two at once and twice the stride: what one address can say. Twelve pointers
     * would not fit into the registers, and the compiler is kept from making twelve of them. */
    const uint8_t *threes[(MARTLET_GEMM_ROWS + 2) / 3];
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m += 3) threes[m / 3] = a + m * a_stride;
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) sums[m][0] = sums[m][1] = (i32x16)0;
    size_t k = 0;
    /* Four steps a turn: with fewer instructions beside the multiply-adds a core that shares its front end with another
     * hardware thread still feeds both multipliers. */
    for (; k + 4 <= depth4; k += 4, panel += 16 * MARTLET_PANEL_COLS) {
        if (ahead) {
#pragma clang loop unroll(full)
            for (size_t step = 0; step < 4; step++) prefetch_step(ahead + step * ahead_step, ahead_step);
            ahead += 4 * ahead_step;
        }
#pragma clang loop unroll(full)
        for (size_t step = 0; step < 4; step++) tile_step(sums, threes, a_stride, panel, step, rows);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m += 3) {
            threes[m / 3] += 16;
            __asm__("" : "+r"(threes[m / 3]));
        }
    }
    for (; k < depth4; k++, panel += 4 * MARTLET_PANEL_COLS) {
        tile_step(sums, threes, a_stride, panel, 0, rows);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m += 3) threes[m / 3] += 4;
    }
}
