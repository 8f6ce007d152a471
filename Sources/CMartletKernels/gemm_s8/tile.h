/* What every text on int8 tiles is built from, once `tile_<isa>.h` has given
 *
 *   tile_sums(sums, a, a_stride, panel, depth4, rows, ahead, ahead_step)
 *   sums[m][g][lane] = sum over k < 4 * depth4 of
 *                      a[m * a_stride + k] * panel[k / 4 * 128 + (g * 16 + lane) * 4 + k % 4]
 *
 * exact in int32, for `rows` rows of u8 and one panel of 32 columns of s8; `rows` is a constant at every call, so that
 * the sums can live in registers. MARTLET_GEMM_ROWS is the most rows of a tile. At step k / 4 the tile prefetches
 * `ahead_step` bytes from ahead + k / 4 * ahead_step, unless `ahead` is the constant NULL.
 *
 * An instruction set may also give wide_tile_sums, with MARTLET_WIDE_ROWS and MARTLET_WIDE_FROM: the same for two
 * panels that lie behind each other, with four groups of columns in sums; `ahead_step` counts lines for four steps.
 * Linear layers use it from MARTLET_WIDE_FROM rows on. */

/* Calls TILE(count) with a constant count for `count` from 1 to MARTLET_GEMM_ROWS. */
#if MARTLET_GEMM_ROWS == 16
#define MARTLET_TILE_SWITCH(count)                                                                             \
    switch (count) {                                                                                           \
        MARTLET_TILE_CASES_6                                                                                   \
        case 7: TILE(7); break; case 8: TILE(8); break; case 9: TILE(9); break; case 10: TILE(10); break;      \
        case 11: TILE(11); break; case 12: TILE(12); break; case 13: TILE(13); break; case 14: TILE(14); break; \
        case 15: TILE(15); break; case 16: TILE(16); break;                                                    \
    }
#elif MARTLET_GEMM_ROWS == 12
#define MARTLET_TILE_SWITCH(count)                                                                             \
    switch (count) {                                                                                           \
        MARTLET_TILE_CASES_6                                                                                   \
        case 7: TILE(7); break; case 8: TILE(8); break; case 9: TILE(9); break; case 10: TILE(10); break;      \
        case 11: TILE(11); break; case 12: TILE(12); break;                                                    \
    }
#elif MARTLET_GEMM_ROWS == 8
#define MARTLET_TILE_SWITCH(count)                                            \
    switch (count) {                                                          \
        MARTLET_TILE_CASES_6 case 7: TILE(7); break; case 8: TILE(8); break;  \
    }
#elif MARTLET_GEMM_ROWS == 6
#define MARTLET_TILE_SWITCH(count) \
    switch (count) { MARTLET_TILE_CASES_6 }
#else
#error "tile_<isa>.h must define MARTLET_GEMM_ROWS as 6, 8, 12 or 16"
#endif
#define MARTLET_TILE_CASES_6                                                            \
    case 1: TILE(1); break; case 2: TILE(2); break; case 3: TILE(3); break;             \
    case 4: TILE(4); break; case 5: TILE(5); break; case 6: TILE(6); break;
