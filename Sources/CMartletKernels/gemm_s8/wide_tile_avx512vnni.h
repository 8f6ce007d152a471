/* Two panels at once with vpdpbusd: up to 6 rows by 64 columns, 24 accumulators again, for 10 loads a step where 12
 * rows by 32 columns take 14. A core whose other hardware thread is busy issues 3.6 instead of 6 instructions a cycle,
 * and these then set the limit: 12 % more multiply-adds a cycle were measured there, and as many as before on a core of
 * one's own. Included after tile_avx512vnni.h. */
#define MARTLET_WIDE_ROWS 6
/* Rows of a call from which it is used: with fewer the weights' way from the third cache level is the limit, and one
 * panel after the other is better. */
#define MARTLET_WIDE_FROM 40

INLINE void wide_tile_sums(
    i32x16 sums[MARTLET_WIDE_ROWS][4], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_lines) {
    dpbusd_sums(sums[0], a, a_stride, panel, depth4, rows, 4, ahead, ahead_lines);
}
