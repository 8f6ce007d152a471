/* The definition of self-attention: plain loops. */
#include "../shared/reference_lanes.h"
#pragma clang fp contract(off)

size_t martlet_attention_workspace_floats(size_t length, size_t head_size) {
    size_t keys = martlet_round_up(length, 32);
    return head_size * keys + length * martlet_round_up(head_size, 32) + MARTLET_ATTENTION_ROWS * keys;
}

void martlet_attention_reference(const martlet_attention_call *call) {
    size_t size = call->head_size;
    float *scores = call->workspace;
    for (size_t h = 0; h < call->heads; h++)
        for (size_t m = 0; m < call->query_rows; m++) {
            const float *query = call->query + m * call->query_stride + h * size;
            const float *keys = call->key + h * size;
            const float *values = call->value + h * size;
            float largest = -INFINITY;
            for (size_t j = 0; j < call->length; j++) {
                float score = 0.0f;
                for (size_t k = 0; k < size; k++)
                    score = fmaf(query[k], keys[j * call->key_value_stride + k], score);
                scores[j] = score;
                largest = score > largest ? score : largest;
            }
            lane_sums sums = {0};
            for (size_t j = 0; j < call->length; j++) {
                scores[j] = reference_exp2(scores[j] - largest);
                *lane_of(&sums, j) += scores[j];
            }
            float inverse = 1.0f / total(&sums);
            float *out = call->out + m * call->out_stride + h * size;
            for (size_t c = 0; c < size; c++) {
                float sum = 0.0f;
                for (size_t j = 0; j < call->length; j++)
                    sum = fmaf(scores[j], values[j * call->key_value_stride + c], sum);
                out[c] = sum * inverse;
            }
        }
}
