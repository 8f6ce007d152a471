/* Packing of weights into panels of 32 columns. One layout serves every instruction set: VNNI reads four inputs of a
 * column as one 32-bit lane, AVX2 widens 16 bytes (4 columns x 4 inputs) to 16-bit lanes. */
#include <string.h>

#include "../kernels_internal.h"

size_t martlet_packed_s8_bytes(size_t cols, size_t depth) {
    return martlet_round_up(cols, MARTLET_PANEL_COLS) * martlet_round_up(depth, 4);
}

void martlet_pack_s8(int8_t *out, float *column_sums, const int8_t *weights, size_t cols, size_t depth) {
    size_t depth4 = (depth + 3) / 4;
    size_t padded = martlet_round_up(cols, MARTLET_PANEL_COLS);
    memset(out, 0, padded * depth4 * 4);
    memset(column_sums, 0, padded * sizeof *column_sums);
    for (size_t n = 0; n < cols; n++) {
        int8_t *column = out + n / MARTLET_PANEL_COLS * depth4 * 4 * MARTLET_PANEL_COLS + n % MARTLET_PANEL_COLS * 4;
        int32_t sum = 0;
        for (size_t k = 0; k < depth; k++) {
            int8_t weight = weights[n * depth + k];
            column[k / 4 * 4 * MARTLET_PANEL_COLS + k % 4] = weight;
            sum += weight;
        }
        column_sums[n] = (float)sum; /* below 2^24: exact */
    }
}

size_t martlet_packed_f32_floats(size_t cols, size_t depth) {
    return martlet_round_up(cols, MARTLET_PANEL_COLS) * depth;
}

void martlet_pack_f32(float *out, const float *weights, size_t cols, size_t depth) {
    memset(out, 0, martlet_packed_f32_floats(cols, depth) * sizeof *out);
    for (size_t n = 0; n < cols; n++) {
        float *column = out + n / MARTLET_PANEL_COLS * depth * MARTLET_PANEL_COLS + n % MARTLET_PANEL_COLS;
        for (size_t k = 0; k < depth; k++) column[k * MARTLET_PANEL_COLS] = weights[n * depth + k];
    }
}
