/* Two panels at once with vpdpbusd: up to 6 rows by 64 columns, 24 accumulators again, for 10 loads a step where 12 rows by
 * 32 columns take 14. A core whose other hardware thread is busy issues half as many instructions, and there it is these that
 * count: 1.91 instead of 1.70 multiply-adds a clock tick were measured, and as many as before on a core of one's own.
 * Included after tile_avx512vnni.h. */
#define MARTLET_WIDE_ROWS 6
/* Rows of a block from which it is used: at fewer the weights' way from the third cache level is the limit, and there one
 * panel after the other is better. */
#define MARTLET_WIDE_FROM 40

/* The next `lines` lines, at most 16. */
INLINE void prefetch_lines(const int8_t *from, size_t lines) {
#pragma clang loop unroll(full)
    for (size_t line = 0; line < 4; line++) {
        if (line >= lines) return;
        __builtin_prefetch(from + line * 64, 0, 2);
    }
    for (size_t line = 4; line < lines; line++) __builtin_prefetch(from + line * 64, 0, 2);
}

/* Like tile_step, on two panels `panel_bytes` apart. */
INLINE void wide_tile_step(
    i32x16 sums[MARTLET_WIDE_ROWS][4], const uint8_t *const *threes, size_t a_stride, const int8_t *left,
    const int8_t *right, const size_t step, const size_t rows) {
    __m512i columns[4];
#pragma clang loop unroll(full)
    for (size_t g = 0; g < 4; g++) columns[g] = _mm512_load_si512((g < 2 ? left : right) + step * 128 + g % 2 * 64);
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++) {
        int32_t four;
        __builtin_memcpy(&four, threes[m / 3] + m % 3 * a_stride + step * 4, 4);
        __m512i x = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
        for (size_t g = 0; g < 4; g++)
            sums[m][g] = (i32x16)_mm512_dpbusd_epi32((__m512i)sums[m][g], x, columns[g]);
    }
}

INLINE void wide_tile_sums(
    i32x16 sums[MARTLET_WIDE_ROWS][4], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_lines) {
    const int8_t *right = panel + depth4 * 4 * MARTLET_PANEL_COLS;
    const uint8_t *threes[(MARTLET_WIDE_ROWS + 2) / 3];
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m += 3) threes[m / 3] = a + m * a_stride;
#pragma clang loop unroll(full)
    for (size_t m = 0; m < rows; m++)
#pragma clang loop unroll(full)
        for (size_t g = 0; g < 4; g++) sums[m][g] = (i32x16)0;
    size_t k = 0;
    for (; k + 4 <= depth4; k += 4, panel += 16 * MARTLET_PANEL_COLS, right += 16 * MARTLET_PANEL_COLS) {
        prefetch_lines(ahead, ahead_lines);
        ahead += ahead_lines * 64;
#pragma clang loop unroll(full)
        for (size_t step = 0; step < 4; step++) wide_tile_step(sums, threes, a_stride, panel, right, step, rows);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m += 3) {
            threes[m / 3] += 16;
            __asm__("" : "+r"(threes[m / 3]));
        }
    }
    for (; k < depth4; k++, panel += 4 * MARTLET_PANEL_COLS, right += 4 * MARTLET_PANEL_COLS) {
        wide_tile_step(sums, threes, a_stride, panel, right, 0, rows);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m += 3) threes[m / 3] += 4;
    }
}
