/* The definition of int8 self-attention: plain loops. */
#include "../shared/reference_lanes.h"
#pragma clang fp contract(off)

size_t martlet_attention_s8_workspace_bytes(size_t length, size_t head_size) {
    size_t keys = martlet_round_up(length, MARTLET_PANEL_COLS);
    size_t key_panels = keys * martlet_head_bytes(head_size);
    size_t value_panels = martlet_round_up(head_size, MARTLET_PANEL_COLS) * keys;
    size_t row_constants = 4 * keys * sizeof(float);
    size_t scores = MARTLET_ATTENTION_ROWS * keys * sizeof(float), weights = MARTLET_ATTENTION_ROWS * keys;
    return martlet_round_up(key_panels, 64) + martlet_round_up(value_panels, 64) + row_constants + scores + weights;
}

void martlet_attention_s8_reference(const martlet_attention_s8_call *call) {
    const martlet_quantized_heads *queries = call->queries, *keys = call->keys;
    size_t size = keys->head_size;
    float *weights = call->workspace;
    for (size_t h = 0; h < keys->heads; h++)
        for (size_t m = 0; m < call->query_rows; m++) {
            size_t row = call->query_row + m;
            const uint8_t *query = queries->query + row * queries->stride + h * queries->head_bytes;
            const int8_t *key = keys->key + call->key_row * keys->stride + h * keys->head_bytes;
            const int8_t *value = keys->value + call->key_row * keys->stride + h * keys->head_bytes;
            size_t first = h * keys->scale_stride + call->key_row;
            float query_scale = queries->query_scales[h * queries->scale_stride + row];
            float largest = -INFINITY;
            for (size_t j = 0; j < call->length; j++) {
                int32_t sum = 0;
                for (size_t k = 0; k < size; k++) sum += query[k] * key[j * keys->stride + k];
                float scaled = ((float)sum + keys->key_offsets[first + j]) * keys->key_scales[first + j];
                weights[j] = fmaf(scaled, query_scale, keys->value_logs[first + j]);
                largest = weights[j] > largest ? weights[j] : largest;
            }
            lane_sums sums = {0};
            for (size_t j = 0; j < call->length; j++) {
                weights[j] = reference_exp2_cubic(weights[j] - largest);
                float *lane = lane_of(&sums, j);
                *lane = fmaf(weights[j], keys->value_inverses[first + j], *lane);
            }
            float inverse = 1.0f / (255.0f * total(&sums));
            float *out = call->out + m * call->out_stride + h * size;
            for (size_t c = 0; c < size; c++) {
                int32_t sum = 0;
                for (size_t j = 0; j < call->length; j++)
                    sum += low_byte(fmaf(weights[j], 255.0f, MARTLET_ROUND_MAGIC)) * value[j * keys->stride + c];
                out[c] = (float)sum * inverse;
            }
        }
}
