/* The int8 tile with vpdpbusd on 512 bits: 24 accumulators in registers, up to 12 rows by one panel of 32 columns. */
#include "prefetch_step.h"
#define MARTLET_INT8_LEVEL(name) martlet_##name##_avx512vnni
#define MARTLET_GEMM_ROWS 12
/* Rows that one pointer serves: the other two are at once and twice the stride, which is what one address can say.
 * Twelve pointers would not fit into the registers, and the compiler is kept from making twelve of them. */
#define ROWS_A_POINTER 3

/* Four inputs of every row and column, `step` groups of four from where the pointers are. `groups` of 16 columns: two
 * in each panel. */
INLINE void tile_step(
    i32x16 *sums, const uint8_t *const *rows_at, size_t a_stride, const int8_t *const *panels, const size_t step,
    const size_t rows, const size_t groups) {
    __m512i columns[4];
#pragma clang loop unroll(full)
    for (size_t g = 0; g < groups; g++) columns[g] = _mm512_load_si512(panels[g / 2] + step * 128 + g % 2 * 64);
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) {
        int32_t four;
        __builtin_memcpy(&four, rows_at[m / ROWS_A_POINTER] + m % ROWS_A_POINTER * a_stride + step * 4, 4);
        __m512i x = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
        for (size_t g = 0; g < groups; g++) {
            i32x16 *sum = sums + m * groups + g;
            *sum = (i32x16)_mm512_dpbusd_epi32((__m512i)*sum, x, columns[g]);
        }
    }
}

/* sums [rows][groups] of one panel, or of two that lie behind each other. `rows` and `groups` are constants at every
 * call. Of what is ahead it fetches `ahead_step` bytes a step, or for two panels `ahead_step` lines every four
 * steps. */
INLINE void dpbusd_sums(
    i32x16 *sums, const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4, const size_t rows,
    const size_t groups, const int8_t *ahead, size_t ahead_step) {
    const size_t pointers = (rows + ROWS_A_POINTER - 1) / ROWS_A_POINTER, count = groups / 2;
    const uint8_t *rows_at[(MARTLET_GEMM_ROWS + ROWS_A_POINTER - 1) / ROWS_A_POINTER];
    const int8_t *panels[2];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < pointers; i++) rows_at[i] = a + i * ROWS_A_POINTER * a_stride;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < count; i++) panels[i] = panel + i * depth4 * 4 * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < rows * groups; i++) sums[i] = (i32x16)0;
    size_t k = 0;
    /* Four steps a turn: with fewer instructions beside the multiply-adds a core that shares its front end with another
     * hardware thread still feeds both multipliers. */
    for (; k + 4 <= depth4; k += 4) {
        if (groups == 4) {
            prefetch_lines(ahead, ahead_step);
            ahead += ahead_step * 64;
        } else if (ahead) {
#pragma clang loop unroll(full)
            for (size_t step = 0; step < 4; step++) prefetch_step(ahead + step * ahead_step, ahead_step);
            ahead += 4 * ahead_step;
        }
#pragma clang loop unroll(full)
        for (size_t step = 0; step < 4; step++) tile_step(sums, rows_at, a_stride, panels, step, rows, groups);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < count; i++) panels[i] += 16 * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
        for (size_t i = 0; i < pointers; i++) {
            rows_at[i] += 16;
            __asm__("" : "+r"(rows_at[i]));
        }
    }
    for (; k < depth4; k++) {
        tile_step(sums, rows_at, a_stride, panels, 0, rows, groups);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < count; i++) panels[i] += 4 * MARTLET_PANEL_COLS;
#pragma clang loop unroll(full)
        for (size_t i = 0; i < pointers; i++) rows_at[i] += 4;
    }
}

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    dpbusd_sums(sums[0], a, a_stride, panel, depth4, rows, 2, ahead, ahead_step);
}
