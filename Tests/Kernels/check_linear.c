/* Linear layers, int8 and float: one of everything, one more than a tile, depths that are multiples of nothing. */
#include <stdio.h>
#include <string.h>

#include "check.h"

enum values { RANDOM, LARGEST, OPPOSITE, VALUES };

static void check_int8(const check_tables *tables, size_t rows, size_t cols, size_t depth, enum values kind) {
    if (!due()) return;
    char shape[96];
    snprintf(shape, sizeof shape, "%zu x %zu x %zu, values %d", rows, cols, depth, (int)kind);
    uint64_t seed = rows * 10000 + cols * 100 + depth;
    size_t padded = round_up(cols, 32), stride = round_up(depth, 32);
    int8_t *weights = guarded(cols * depth), *packed = guarded(martlet_packed_s8_bytes(cols, depth));
    float *sums = guarded(padded * 4), *zeros = guarded(rows * 4), *scales = guarded(padded * 4);
    float *bias = guarded(padded * 4), *row_scales = guarded(rows * 4), *channel_scale = guarded(padded * 4);
    uint8_t *values = guarded(rows * stride);
    for (size_t i = 0; i < cols * depth; i++)
        weights[i] = (int8_t)(kind == RANDOM ? random_int(&seed, -127, 127) : kind == LARGEST ? 127 : -128);
    martlet_pack_s8(packed, sums, weights, cols, depth);
    for (size_t i = 0; i < cols; i++)
        scales[i] = random_float(&seed, 0.001f, 0.01f), bias[i] = random_float(&seed, -1, 1);
    for (size_t m = 0; m < rows; m++) {
        row_scales[m] = random_float(&seed, 0.001f, 0.1f);
        zeros[m] = (float)random_int(&seed, 0, 255);
        /* The pad may hold anything: its weights are zero. */
        for (size_t k = 0; k < stride; k++)
            values[m * stride + k] = (uint8_t)(kind == RANDOM ? random_int(&seed, 0, 255) : 255);
    }
    martlet_quantized_rows in = {.values = values, .scales = row_scales, .zeros = zeros, .stride = stride};
    martlet_linear_s8 linear = {
        .weights = packed, .column_sums = sums, .scales = scales, .bias = bias, .depth4 = round_up(depth, 4) / 4,
        .panels = padded / 32, .next = rows % 2 ? packed : NULL};
    float *out = guarded(rows * padded * 4), *wanted = guarded(rows * padded * 4);
    for (int mode = MARTLET_STORE; mode <= MARTLET_ACCUMULATE; mode++) {
        for (size_t i = 0; i < rows * padded; i++) out[i] = wanted[i] = (float)(i % 7) - 3;
        tables->reference.gemm_s8(wanted, padded, &in, &linear, rows, (martlet_store_mode)mode);
        tables->fast.gemm_s8(out, padded, &in, &linear, rows, (martlet_store_mode)mode);
        same_floats(tables, "gemm_s8", shape, out, wanted, rows * padded);
    }
    martlet_quantized_rows bytes = quantized(rows, padded), bytes_wanted = quantized(rows, padded);
    for (size_t i = 0; i < cols; i++) channel_scale[i] = random_float(&seed, 0.25f, 4);
    for (int activation = MARTLET_GELU_ERF; activation <= MARTLET_TANH; activation++) {
        const float *scale = activation % 2 == 0 ? channel_scale : NULL;
        tables->reference.gemm_s8_activate(
            &bytes_wanted, wanted, padded, &in, &linear, rows, (martlet_activation)activation, scale);
        tables->fast.gemm_s8_activate(
            &bytes, out, padded, &in, &linear, rows, (martlet_activation)activation, scale);
        same_floats(tables, "gemm_s8_activate", shape, out, wanted, rows * padded);
        same_quantized(tables, "gemm_s8_activate", shape, &bytes, &bytes_wanted, rows);
    }
    free_guarded();
}

static void check_float(const check_tables *tables, size_t rows, size_t cols, size_t depth) {
    if (!due()) return;
    char shape[96];
    snprintf(shape, sizeof shape, "%zu x %zu x %zu", rows, cols, depth);
    uint64_t seed = rows * 10000 + cols * 100 + depth;
    size_t padded = round_up(cols, 32), stride = round_up(depth, 32);
    float *weights = guarded(cols * depth * 4), *packed = guarded(martlet_packed_f32_floats(cols, depth) * 4);
    float *bias = guarded(padded * 4), *in = guarded(rows * stride * 4);
    for (size_t i = 0; i < cols * depth; i++) weights[i] = random_float(&seed, -1, 1);
    for (size_t i = 0; i < cols; i++) bias[i] = random_float(&seed, -1, 1);
    for (size_t i = 0; i < rows * stride; i++) in[i] = i % stride < depth ? random_float(&seed, -3, 3) : 0;
    martlet_pack_f32(packed, weights, cols, depth);
    martlet_linear_f32 linear = {packed, bias, depth, padded / 32};
    float *out = guarded(rows * padded * 4), *wanted = guarded(rows * padded * 4);
    for (int mode = MARTLET_STORE; mode <= MARTLET_ACCUMULATE; mode++) {
        for (size_t i = 0; i < rows * padded; i++) out[i] = wanted[i] = (float)(i % 7) - 3;
        tables->reference.gemm_f32(wanted, padded, in, stride, &linear, rows, (martlet_store_mode)mode);
        tables->fast.gemm_f32(out, padded, in, stride, &linear, rows, (martlet_store_mode)mode);
        same_floats(tables, "gemm_f32", shape, out, wanted, rows * padded);
    }
    free_guarded();
}

void check_linear(const check_tables *tables) {
    static const size_t depths[] = {1, 3, 4, 5, 8, 13, 16, 31, 60, 63, 64, 65, 68, 127, 128, 129, 191, 192, 196, 260};
    static const size_t cols[] = {1, 7, 31, 32, 65};
    for (enum values kind = RANDOM; kind < VALUES; kind++) {
        for (size_t rows = 1; rows <= 35; rows++) check_int8(tables, rows, 33, 37, kind);
        for (size_t rows = 1; rows <= 19; rows++) check_int8(tables, rows, 32, 132, kind);
        /* Two panels a tile, and then one. */
        for (size_t rows = 38; rows <= 49; rows++) check_int8(tables, rows, 96, 37, kind);
        for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) check_int8(tables, 5, 64, depths[i], kind);
        for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) check_int8(tables, 13, cols[i], 20, kind);
    }
    check_int8(tables, 7, 32, 32768, LARGEST);
    check_int8(tables, 7, 32, 32768, OPPOSITE);
    check_int8(tables, 97, 40, 20, RANDOM); /* more rows than ranges are kept for at once */
    for (size_t rows = 1; rows <= 26; rows++) check_float(tables, rows, 33, 37);
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) check_float(tables, 13, cols[i], 20);
}
