/* The int8 tile with AMX: up to 16 rows by a panel of 32 columns. The panel's layout is that of an AMX tile already: 16
 * groups of four inputs are 16 rows of 64 bytes, 128 apart. Few rows, depths below 64, and the groups that fill no AMX
 * tile go through vpdpbusd, whose registers hold 12 rows.
 *
 * Checked against a model of the instructions (shared/amx_model.h). No machine with AMX was at hand to run or time
 * it. */
#define tile_sums tile_sums_vpdpbusd
#include "tile_avx512vnni.h"
#undef tile_sums
#undef MARTLET_INT8_LEVEL
#undef MARTLET_GEMM_ROWS

/* The public kernel releases the tiles after this: see gemm_s8_amx.c and attention_s8_amx.c. */
#define MARTLET_INT8_LEVEL(name) martlet_##name##_amx_tiles
#define MARTLET_GEMM_ROWS 16

/* Below this many rows most of an AMX tile's time would be spent loading weights. */
#define AMX_ROWS_MIN 4

/* Rows that this thread's tiles are configured for; 0 when they are released. Configuring takes some 200 cycles, a
 * tile's work over 400 inputs, so it is done when the number changes. */
static __thread size_t amx_configured_rows;

enum { AMX_LEFT_SUMS, AMX_RIGHT_SUMS, AMX_ROWS, AMX_LEFT, AMX_RIGHT };

INLINE void configure_rows(size_t rows) {
    if (amx_configured_rows == rows) return;
    amx_configuration configuration = {.palette = 1};
    for (int tile = 0; tile <= AMX_RIGHT; tile++) {
        configuration.bytes_per_row[tile] = 64;
        configuration.rows[tile] = (uint8_t)(tile >= AMX_LEFT ? 16 : rows);
    }
    amx_configure(&configuration);
    amx_configured_rows = rows;
}

/* Ends this thread's use of the tiles: while they hold data, every context switch saves 8 KiB more. */
INLINE void release_tiles(void) {
    if (amx_configured_rows == 0) return;
    amx_release();
    amx_configured_rows = 0;
}

/* sums of up to 16 rows through vpdpbusd, for all rows at once or in two halves. */
INLINE void tile_sums_without_amx(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    const size_t first = rows > 12 ? rows / 2 : rows;
    tile_sums_vpdpbusd(sums, a, a_stride, panel, depth4, first, ahead, ahead_step);
    if (first < rows)
        tile_sums_vpdpbusd(sums + first, a + first * a_stride, a_stride, panel, depth4, rows - first, NULL, 0);
}

INLINE void tile_sums(
    i32x16 sums[MARTLET_GEMM_ROWS][2], const uint8_t *a, size_t a_stride, const int8_t *panel, size_t depth4,
    const size_t rows, const int8_t *ahead, size_t ahead_step) {
    if (rows < AMX_ROWS_MIN || depth4 < 16) {
        tile_sums_without_amx(sums, a, a_stride, panel, depth4, rows, ahead, ahead_step);
        return;
    }
    configure_rows(rows);
    amx_zero(AMX_LEFT_SUMS);
    amx_zero(AMX_RIGHT_SUMS);
    size_t k = 0;
    for (; k + 16 <= depth4; k += 16) {
        const int8_t *b = panel + k * 4 * MARTLET_PANEL_COLS;
        if (ahead)
            for (size_t i = k; i < k + 16; i++) prefetch_step(ahead + i * ahead_step, ahead_step);
        amx_load(AMX_ROWS, a + k * 4, a_stride);
        amx_load(AMX_LEFT, b, 4 * MARTLET_PANEL_COLS);
        amx_multiply_add(AMX_LEFT_SUMS, AMX_ROWS, AMX_LEFT);
        amx_load(AMX_RIGHT, b + 64, 4 * MARTLET_PANEL_COLS);
        amx_multiply_add(AMX_RIGHT_SUMS, AMX_ROWS, AMX_RIGHT);
    }
    amx_store(AMX_LEFT_SUMS, sums, sizeof sums[0]);
    amx_store(AMX_RIGHT_SUMS, (int32_t *)sums + 16, sizeof sums[0]);
    if (k < depth4) {
        i32x16 rest[MARTLET_GEMM_ROWS][2];
        tile_sums_without_amx(
            rest, a + k * 4, a_stride, panel + k * 4 * MARTLET_PANEL_COLS, depth4 - k, rows, NULL, 0);
#pragma clang loop unroll(full)
        for (size_t m = 0; m < rows; m++) sums[m][0] += rest[m][0], sums[m][1] += rest[m][1];
    }
}
