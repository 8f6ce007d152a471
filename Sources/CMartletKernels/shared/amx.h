/* The AMX instructions that the int8 tile uses, and AVX-512 for the rest; closed by `#pragma clang attribute pop`. Tile
 * numbers are constants. With MARTLET_AMX_MODEL a model in plain C takes the place of the instructions, so that the
 * tile's loops can be tested on a CPU without AMX. */
#include <stdint.h>

#ifdef MARTLET_AMX_MODEL
#include "avx512.h"

#include "amx_model.h"
#else
#define MARTLET_AVX512_TARGET \
    "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8"
#include "avx512.h"
#define amx_configure(configuration) _tile_loadconfig(configuration)
#define amx_release() _tile_release()
#define amx_zero(tile) _tile_zero(tile)
#define amx_load(tile, from, stride_bytes) _tile_loadd(tile, from, stride_bytes)
#define amx_store(tile, to, stride_bytes) _tile_stored(tile, to, stride_bytes)
/* sums += u8 rows x s8 columns */
#define amx_multiply_add(sums, rows, columns) _tile_dpbusd(sums, rows, columns)
#endif

/* Operand of amx_configure; Intel's "palette 1". */
typedef struct {
    uint8_t palette, first_row, reserved[14];
    uint16_t bytes_per_row[16];
    uint8_t rows[16];
} __attribute__((aligned(64))) amx_configuration;
