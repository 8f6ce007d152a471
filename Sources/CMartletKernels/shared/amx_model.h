/* A model of AMX tiles in plain C, for tests on CPUs without them. It follows the pseudo code of LDTILECFG, TILEZERO,
 * TILELOADD, TILESTORED and TDPBUSD in Intel's "Architecture Instruction Set Extensions Programming Reference", palette
 * 1, and stops the test where the CPU would raise an exception. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int configured;
    uint16_t bytes_per_row[8];
    uint8_t rows[8];
    uint8_t tiles[8][16][64];
} amx_model_state;
static __thread amx_model_state amx_model;

static void amx_must(int holds) {
    if (!holds) abort();
}

static void amx_configure(const void *configuration) {
    uint8_t bytes[64];
    amx_model_state fresh = {.configured = 1};
    memcpy(bytes, configuration, 64);
    amx_must(bytes[0] == 1 && bytes[1] == 0);
    for (int i = 2; i < 16; i++) amx_must(bytes[i] == 0);
    for (int t = 0; t < 16; t++) {
        uint16_t columns;
        memcpy(&columns, bytes + 16 + 2 * t, 2);
        uint8_t rows = bytes[48 + t];
        if (t >= 8) {
            amx_must(columns == 0 && rows == 0);
            continue;
        }
        amx_must(columns <= 64 && rows <= 16 && (columns == 0) == (rows == 0));
        fresh.bytes_per_row[t] = columns;
        fresh.rows[t] = rows;
    }
    amx_model = fresh;
}

static void amx_release(void) { memset(&amx_model, 0, sizeof amx_model); }

static void amx_valid(int tile) { amx_must(amx_model.configured && tile < 8 && amx_model.rows[tile] > 0); }

static void amx_zero(int tile) {
    amx_valid(tile);
    memset(amx_model.tiles[tile], 0, sizeof amx_model.tiles[tile]);
}

static void amx_load(int tile, const void *from, size_t stride_bytes) {
    amx_zero(tile); /* what lies outside the configured rows and columns becomes zero */
    for (int r = 0; r < amx_model.rows[tile]; r++)
        memcpy(amx_model.tiles[tile][r], (const char *)from + (size_t)r * stride_bytes, amx_model.bytes_per_row[tile]);
}

static void amx_store(int tile, void *to, size_t stride_bytes) {
    amx_valid(tile);
    for (int r = 0; r < amx_model.rows[tile]; r++)
        memcpy((char *)to + (size_t)r * stride_bytes, amx_model.tiles[tile][r], amx_model.bytes_per_row[tile]);
}

static void amx_multiply_add(int sums, int rows, int columns) {
    amx_valid(sums), amx_valid(rows), amx_valid(columns);
    amx_must(sums != rows && sums != columns && rows != columns);
    amx_must(amx_model.rows[rows] == amx_model.rows[sums]);
    amx_must(amx_model.bytes_per_row[columns] == amx_model.bytes_per_row[sums]);
    amx_must(amx_model.bytes_per_row[rows] / 4 == amx_model.rows[columns]);
    for (int m = 0; m < amx_model.rows[sums]; m++)
        for (int k = 0; k < amx_model.bytes_per_row[rows] / 4; k++)
            for (int n = 0; n < amx_model.bytes_per_row[sums] / 4; n++) {
                int32_t sum;
                memcpy(&sum, &amx_model.tiles[sums][m][4 * n], 4);
                for (int i = 0; i < 4; i++)
                    sum += amx_model.tiles[rows][m][4 * k + i] * (int8_t)amx_model.tiles[columns][k][4 * n + i];
                memcpy(&amx_model.tiles[sums][m][4 * n], &sum, 4);
            }
}
