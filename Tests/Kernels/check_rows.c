/* Row kernels: quantisation, layer normalisation, activation, embedding, and the heads of int8 attention. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

static const size_t widths[] = {1, 3, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 100, 384, 400, 769};
enum { WIDTHS = sizeof widths / sizeof widths[0], ROWS = 11 };

/* Rows that hurt: ordinary ones, all equal, all zero, one large value, one sign only, tiny ones, not finite ones. */
static float *awkward_rows(size_t cols, size_t stride, uint64_t *seed, int finite) {
    float *rows = guarded(ROWS * stride * 4);
    for (size_t m = 0; m < ROWS; m++)
        for (size_t i = 0; i < cols; i++) {
            float x = random_float(seed, -3, 3);
            switch (m) {
            case 4: x = 1.25f; break;
            case 5: x = 0; break;
            case 6: x = i == cols / 2 ? 1000 : x; break;
            case 7: x = fabsf(x); break;
            case 8: x = x * 1e-38f; break;
            case 9: x = finite ? -fabsf(x) : (i % 5 == 0 ? NAN : x); break;
            case 10: x = finite ? x * 1e18f : (i % 7 == 0 ? INFINITY : x); break;
            default: break;
            }
            rows[m * stride + i] = x;
        }
    return rows;
}

static float *channel_scales(size_t cols, size_t stride, uint64_t *seed) {
    float *scales = guarded(stride * 4);
    for (size_t i = 0; i < cols; i++) scales[i] = random_float(seed, 0.25f, 4);
    return scales;
}

static void check_width(const check_tables *tables, size_t cols, int scaled, int finite) {
    if (!due()) return;
    char shape[96];
    snprintf(shape, sizeof shape, "%zu wide%s%s", cols, scaled ? ", scaled" : "", finite ? "" : ", not all finite");
    uint64_t seed = cols * 4 + (uint64_t)scaled * 2 + (uint64_t)finite;
    size_t stride = round_up(cols, 32), bytes = ROWS * stride * 4;
    float *in = awkward_rows(cols, stride, &seed, finite), *got = guarded(bytes), *wanted = guarded(bytes);
    float *gamma = guarded(stride * 4), *beta = guarded(stride * 4);
    const float *scale = scaled ? channel_scales(cols, stride, &seed) : NULL;
    for (size_t i = 0; i < cols; i++)
        gamma[i] = random_float(&seed, 0.5f, 2), beta[i] = random_float(&seed, -1, 1);
    martlet_quantized_rows got_bytes = quantized(ROWS, stride), wanted_bytes = quantized(ROWS, stride);

    tables->fast.quantize_rows(&got_bytes, in, stride, ROWS, cols, scale);
    tables->reference.quantize_rows(&wanted_bytes, in, stride, ROWS, cols, scale);
    same_quantized(tables, "quantize_rows", shape, &got_bytes, &wanted_bytes, ROWS);

    for (int to_bytes = 0; to_bytes <= 1; to_bytes++) {
        if (finite) { /* a row that is not becomes NaN whole, its pad with it or not */
            memcpy(got, in, bytes), memcpy(wanted, in, bytes);
            tables->fast.layer_norm(got, stride, ROWS, cols, gamma, beta, 1e-5f, scale, to_bytes ? &got_bytes : NULL);
            tables->reference.layer_norm(
                wanted, stride, ROWS, cols, gamma, beta, 1e-5f, scale, to_bytes ? &wanted_bytes : NULL);
            same_floats(tables, "layer_norm", shape, got, wanted, ROWS * stride);
            same_quantized(tables, "layer_norm", shape, &got_bytes, &wanted_bytes, ROWS);
        }
        for (int activation = MARTLET_GELU_ERF; activation <= MARTLET_TANH; activation++) {
            memcpy(got, in, bytes), memcpy(wanted, in, bytes);
            tables->fast.activate(
                got, stride, ROWS, cols, (martlet_activation)activation, scale, to_bytes ? &got_bytes : NULL);
            tables->reference.activate(
                wanted, stride, ROWS, cols, (martlet_activation)activation, scale, to_bytes ? &wanted_bytes : NULL);
            same_floats(tables, "activate", shape, got, wanted, ROWS * stride);
            same_quantized(tables, "activate", shape, &got_bytes, &wanted_bytes, ROWS);
        }
    }
    free_guarded();
}

/* Every bit pattern, thinned out: the functions behind the activations over all exponents. */
static void check_activation_range(const check_tables *tables) {
    enum { COLS = 4096 };
    float *got = guarded(COLS * 4), *wanted = guarded(COLS * 4);
    uint64_t seed = 1;
    for (int round = 0; round < 64; round++)
        for (int activation = MARTLET_GELU_ERF; activation <= MARTLET_TANH; activation++) {
            for (size_t i = 0; i < COLS; i++) {
                uint32_t bits = (uint32_t)random_bits(&seed);
                memcpy(&got[i], &bits, 4);
                /* A finite row: the NaN of 0 * infinity has no agreed sign. */
                if (!isfinite(got[i])) got[i] = 0;
                wanted[i] = got[i];
            }
            tables->fast.activate(got, COLS, 1, COLS, (martlet_activation)activation, NULL, NULL);
            tables->reference.activate(wanted, COLS, 1, COLS, (martlet_activation)activation, NULL, NULL);
            same_floats(tables, "activate over all exponents", "4096 wide", got, wanted, COLS);
        }
    free_guarded();
}

static void check_embedding(const check_tables *tables, size_t cols, int int8) {
    if (!due()) return;
    char shape[96];
    snprintf(shape, sizeof shape, "%zu wide, %s words", cols, int8 ? "int8" : "float");
    enum { WORDS = 11, IDS = 5 };
    uint64_t seed = cols;
    size_t stride = round_up(cols, 32);
    int8_t *bytes = guarded(WORDS * cols);
    float *scales = guarded(WORDS * 4), *words = guarded(WORDS * cols * 4);
    float *positions = guarded(IDS * cols * 4), *types = guarded(2 * cols * 4);
    for (size_t i = 0; i < WORDS * cols; i++)
        bytes[i] = (int8_t)random_int(&seed, -127, 127), words[i] = random_float(&seed, -1, 1);
    for (size_t i = 0; i < WORDS; i++) scales[i] = random_float(&seed, 0.01f, 0.1f);
    for (size_t i = 0; i < IDS * cols; i++) positions[i] = random_float(&seed, -1, 1);
    for (size_t i = 0; i < 2 * cols; i++) types[i] = random_float(&seed, -1, 1);
    martlet_embeddings embeddings = {int8 ? bytes : NULL, scales, words, positions, types, cols};
    int32_t ids[IDS] = {3, 0, 10, 10, 1}, type_ids[IDS] = {0, 0, 1, 1, 0};
    float *got = guarded(IDS * stride * 4), *wanted = guarded(IDS * stride * 4);
    memset(got, 7, IDS * stride * 4);
    tables->fast.embed(got, stride, &embeddings, ids, type_ids, IDS);
    tables->reference.embed(wanted, stride, &embeddings, ids, type_ids, IDS);
    same_floats(tables, "embed", shape, got, wanted, IDS * stride);
    free_guarded();
}

void check_rows(const check_tables *tables) {
    for (size_t i = 0; i < WIDTHS; i++)
        for (int scaled = 0; scaled <= 1; scaled++)
            for (int finite = 0; finite <= 1; finite++) check_width(tables, widths[i], scaled, finite);
    check_activation_range(tables);
    for (size_t i = 0; i < WIDTHS; i++)
        for (int int8 = 0; int8 <= 1; int8++) check_embedding(tables, widths[i], int8);
}
