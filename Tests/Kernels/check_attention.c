/* Self-attention, float and int8: lengths around every tile, head sizes that are multiples of nothing, scores far
 * apart. */
#include <stdio.h>
#include <string.h>

#include "check.h"

static float *awkward_rows(size_t length, size_t stride, size_t cols, float spread, uint64_t *seed) {
    float *rows = guarded(length * stride * 4);
    for (size_t m = 0; m < length; m++)
        for (size_t i = 0; i < cols; i++) rows[m * stride + i] = random_float(seed, -spread, spread);
    return rows;
}

static void check_float(const check_tables *tables, size_t length, size_t heads, size_t size, float spread) {
    if (!due()) return;
    char shape[96];
    snprintf(shape, sizeof shape, "%zu rows, %zu heads of %zu, spread %g", length, heads, size, spread);
    uint64_t seed = length * 1000 + size;
    size_t hidden = heads * size, stride = round_up(hidden, 32), key_value_stride = round_up(2 * hidden, 32);
    float *query = awkward_rows(length, stride, hidden, spread, &seed);
    float *key_value = awkward_rows(length, key_value_stride, 2 * hidden, spread, &seed);
    float *got = guarded(length * stride * 4), *wanted = guarded(length * stride * 4);
    size_t workspace_bytes = martlet_attention_workspace_floats(length, size) * 4;
    martlet_attention_call call = {
        .query = query, .key = key_value, .value = key_value + hidden, .out = got,
        .workspace = guarded(workspace_bytes),
        .query_stride = stride, .key_value_stride = key_value_stride, .out_stride = stride, .query_rows = length,
        .length = length, .heads = heads, .head_size = size};
    memset(call.workspace, 0xff, workspace_bytes);
    tables->fast.attention(&call);
    call.out = wanted;
    tables->reference.attention(&call);
    same_floats(tables, "attention", shape, got, wanted, length * stride);
    free_guarded();
}

static martlet_quantized_heads quantized_heads(size_t rows, size_t heads, size_t size) {
    size_t head_bytes = martlet_head_bytes(size), stride = round_up(heads * head_bytes, 32), places = heads * rows * 4;
    return (martlet_quantized_heads){
        .query = guarded(rows * stride), .key = guarded(rows * stride), .value = guarded(rows * stride),
        .query_scales = guarded(places), .key_scales = guarded(places), .key_offsets = guarded(places),
        .value_logs = guarded(places), .value_inverses = guarded(places), .stride = stride, .head_bytes = head_bytes,
        .scale_stride = rows, .heads = heads, .head_size = size};
}

static void same_heads(
    const check_tables *tables, const char *shape, const martlet_quantized_heads *got,
    const martlet_quantized_heads *wanted, size_t rows) {
    const char *what = "quantize_heads";
    size_t bytes = rows * got->stride, places = got->heads * rows;
    same_bytes(tables, what, shape, got->query, wanted->query, bytes);
    same_bytes(tables, what, shape, got->key, wanted->key, bytes);
    same_bytes(tables, what, shape, got->value, wanted->value, bytes);
    same_floats(tables, what, shape, got->query_scales, wanted->query_scales, places);
    same_floats(tables, what, shape, got->key_scales, wanted->key_scales, places);
    same_floats(tables, what, shape, got->key_offsets, wanted->key_offsets, places);
    same_floats(tables, what, shape, got->value_logs, wanted->value_logs, places);
    same_floats(tables, what, shape, got->value_inverses, wanted->value_inverses, places);
}

/* `first` rows of another sequence stand before this one's. */
static void check_int8(
    const check_tables *tables, size_t length, size_t first, size_t heads, size_t size, float spread) {
    if (!due()) return;
    char shape[96];
    snprintf(
        shape, sizeof shape, "%zu rows after %zu, %zu heads of %zu, spread %g", length, first, heads, size, spread);
    uint64_t seed = length * 1000 + size;
    size_t hidden = heads * size, stride = round_up(hidden, 32), rows = first + length;
    martlet_head_floats in = {
        .query = awkward_rows(rows, stride, hidden, spread, &seed),
        .key = awkward_rows(rows, stride, hidden, spread, &seed),
        .value = awkward_rows(rows, stride, hidden, 2, &seed),
        .stride = stride};
    martlet_quantized_heads heads_got = quantized_heads(rows, heads, size);
    martlet_quantized_heads heads_wanted = quantized_heads(rows, heads, size);
    tables->fast.quantize_heads(&heads_got, 0, &in, rows);
    tables->reference.quantize_heads(&heads_wanted, 0, &in, rows);
    same_heads(tables, shape, &heads_got, &heads_wanted, rows);

    float *got = guarded(length * stride * 4), *wanted = guarded(length * stride * 4);
    size_t workspace_bytes = martlet_attention_s8_workspace_bytes(length, size);
    martlet_attention_s8_call call = {
        .queries = &heads_wanted, .keys = &heads_wanted, .out = got, .workspace = guarded(workspace_bytes),
        .query_row = first, .query_rows = length, .key_row = first, .length = length, .out_stride = stride};
    memset(call.workspace, 0xff, workspace_bytes);
    tables->fast.attention_s8(&call);
    call.out = wanted;
    tables->reference.attention_s8(&call);
    same_floats(tables, "attention_s8", shape, got, wanted, length * stride);
    free_guarded();
}

void check_attention(const check_tables *tables) {
    static const size_t lengths[] = {1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 15, 16, 17, 31, 32, 33, 47, 64, 65, 100, 130};
    static const size_t sizes[] = {1, 4, 8, 16, 20, 22, 32, 33, 48, 64, 65, 80, 128};
    for (int wide = 0; wide <= 1; wide++) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            check_float(tables, lengths[i], 2, 32, wide ? 30 : 1);
            check_int8(tables, lengths[i], 0, 2, 32, wide ? 30 : 1);
            check_int8(tables, lengths[i], 3, 2, 64, wide ? 30 : 1);
        }
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            check_float(tables, 19, 3, sizes[i], wide ? 30 : 1);
            check_int8(tables, 19, 2, 3, sizes[i], wide ? 30 : 1);
        }
    }
}
