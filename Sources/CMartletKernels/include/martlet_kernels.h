/* CMartletKernels: the arithmetic of the encoder, one signature for each kernel and one file for each instruction set.
 *
 * Every level gives the same bits. Integers are exact. Floats follow one order of operations, written down beside each
 * kernel: a fused multiply-add exactly where "fma" stands, sums in lanes of 16 with a fixed tree, division and square
 * root correctly rounded.
 *
 * Float rows are padded: `stride` counts floats, is a multiple of 32 and covers the columns rounded up to 32, and the
 * pad holds zeros. Kernels read and write whole groups of 16 columns and leave zeros in the pad. Buffers are 64-byte
 * aligned. Outputs overlap no input unless stated. No kernel can fail, allocates, or reads past the strides given. */
#ifndef MARTLET_KERNELS_H
#define MARTLET_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/* Columns of one packed weight panel, and the multiple every float row is padded to. */
#define MARTLET_PANEL_COLS 32
/* Most query rows that one attention step holds scores for: the rows of the highest tile. */
#define MARTLET_ATTENTION_ROWS 16

/* CPU features that kernels ask for; a level is a set of them. */
enum {
    MARTLET_CPU_SSE41 = 1 << 0,        /* SSE4.1 and before: any x86-64-v2 */
    MARTLET_CPU_AVX2 = 1 << 1,         /* AVX2 and FMA */
    MARTLET_CPU_AVXVNNI = 1 << 2,      /* vpdpbusd on 256 bits without AVX-512 */
    MARTLET_CPU_AVX512VNNI = 1 << 3,   /* AVX-512 F, BW, DQ, VL and VNNI */
    MARTLET_CPU_AMX = 1 << 4,          /* AMX tiles and their int8 products, granted by the operating system */
    MARTLET_CPU_NEON = 1 << 5,         /* any 64-bit ARM */
    MARTLET_CPU_NEON_DOTPROD = 1 << 6, /* sdot, from Armv8.2 on */
    MARTLET_CPU_NEON_I8MM = 1 << 7,    /* usmmla, from Armv8.6 on */
};

/* What this CPU has and its operating system keeps over a context switch. The first call asks Linux for AMX, for all
 * threads of the process. */
uint32_t martlet_cpu_features(void);

/* Bytes of a core's second cache level; 1 MiB when the system does not say. */
size_t martlet_level2_bytes(void);

/* A linear layer with int8 weights, packed by martlet_pack_s8. `panels` counts groups of 32 output columns. */
typedef struct {
    const int8_t *weights;      /* [panels][depth4][32][4], 64-byte aligned */
    const float *column_sums; /* [panels * 32] sum of a column's weights, exact */
    const float *scales;        /* [panels * 32], 0 in the pad */
    const float *bias;          /* [panels * 32], 0 in the pad */
    size_t depth4;              /* inputs / 4, rounded up */
    size_t panels;
    const int8_t *_Nullable next; /* weights of the layer that is likely to run next: fetched with the last panel */
} martlet_linear_s8;

/* A linear layer with float weights, packed by martlet_pack_f32. */
typedef struct {
    const float *weights; /* [panels][depth][32], 64-byte aligned */
    const float *bias;    /* [panels * 32], 0 in the pad */
    size_t depth;
    size_t panels;
} martlet_linear_f32;

/* Rows of u8 with a scale and a zero point each: x = scale * (q - zero), 0 <= zero <= 255. */
typedef struct {
    uint8_t *values; /* [rows][stride] */
    float *scales;   /* [rows] */
    float *zeros;    /* [rows], whole numbers */
    size_t stride;   /* bytes, a multiple of 32 */
} martlet_quantized_rows;

typedef enum {
    MARTLET_STORE = 0,      /* out = y */
    MARTLET_ACCUMULATE = 1, /* out = y + out: the residual connection */
} martlet_store_mode;

typedef enum {
    MARTLET_GELU_ERF = 0,
    MARTLET_GELU_TANH = 1,
    MARTLET_RELU = 2,
    MARTLET_TANH = 3,
} martlet_activation;

/* weights [cols][depth] int8 row-major -> panels. `out` is martlet_packed_s8_bytes long, `column_sums` panels * 32. */
size_t martlet_packed_s8_bytes(size_t cols, size_t depth);
void martlet_pack_s8(int8_t *out, float *column_sums, const int8_t *weights, size_t cols, size_t depth);
/* weights [cols][depth] float row-major -> panels. `out` is martlet_packed_f32_floats long. */
size_t martlet_packed_f32_floats(size_t cols, size_t depth);
void martlet_pack_f32(float *out, const float *weights, size_t cols, size_t depth);

/* Linear layer on u8 rows.
 *   sum = sum over k of q[m][k] * w[n][k], exact in int32 (depth up to 32768)
 *   y   = fma(fma(-row_zero, column_sums[n], (float)sum), row_scale * scales[n], bias[n])
 *   out [rows][panels * 32] float, row stride out_stride. */
typedef void martlet_gemm_s8_fn(
    float *out, size_t out_stride, const martlet_quantized_rows *in, const martlet_linear_s8 *linear, size_t rows,
    martlet_store_mode mode);

/* Linear layer on float rows: y = (fma over k in rising order, from 0) + bias[n].
 *   in [rows][in_stride] float, out as above. */
typedef void martlet_gemm_f32_fn(
    float *out, size_t out_stride, const float *in, size_t in_stride, const martlet_linear_f32 *linear, size_t rows,
    martlet_store_mode mode);

/* Quantises rows, times channel_scale [cols rounded up to 32] when that is not NULL, to u8.
 *   low = min(0, row), high = max(0, row); scale = (high - low) / 254.9; inverse = 254.9 / (high - low)
 *   zero = round(fma(-low, inverse, 0.01)); q = round(fma(x, inverse, zero)): with these no q is below 0 or above 255
 * Round is to nearest, ties to even, by adding 1.5 * 2^23; what is kept of it are the low 8 bits, so NaN and infinity
 * become some byte. A row whose range is below 1e-30 becomes scale 1, zero 0, all q 0. */
typedef void martlet_quantize_rows_fn(
    martlet_quantized_rows *out, const float *in, size_t in_stride, size_t rows, size_t cols,
    const float *_Nullable channel_scale);

/* Layer normalisation in place; when `quantized` is not NULL also quantisation of the result, times channel_scale [cols
 * rounded up to 32] when that is not NULL. The rows keep the result without channel_scale.
 *   mean = sum / cols; variance = (sum of (x - mean)^2 by fma) / cols; inverse = 1 / sqrt(variance + epsilon)
 *   y = fma((x - mean) * inverse, gamma, beta)
 * Sums: group i of 16 columns goes to accumulator i % 4; (a0 + a1) + (a2 + a3); then lanes 8, 4, 2, 1 apart.
 *   gamma, beta [cols rounded up to 32], zeros in the pad. */
typedef void martlet_layer_norm_fn(
    float *rows_inout, size_t stride, size_t rows, size_t cols, const float *gamma, const float *beta, float epsilon,
    const float *_Nullable channel_scale, martlet_quantized_rows *_Nullable quantized);

/* Activation in place, times channel_scale [cols rounded up to 32] when that is not NULL, and quantisation of the
 * result when `quantized` is not NULL. GELU: see shared/activation_tables.h, fma throughout, then 0.5 x by fma. tanh:
 * (1 - e) / (1 + e) with e = 2^(-2 log2(e) |x|), with the sign of x.
 * Largest errors, measured by Tools/check-kernels: GELU 7e-7 absolute up to |x| = 8 and 2.4e-7 of |x| beyond, up to
 * 1.2e38; tanh 2.5e-7 absolute. Elsewhere: 2^x 1.9e-7 relative, 1 / sqrt 1.5 units in the last place. */
typedef void martlet_activate_fn(
    float *rows_inout, size_t stride, size_t rows, size_t cols, martlet_activation activation,
    const float *_Nullable channel_scale, martlet_quantized_rows *_Nullable quantized);

/* Linear layer on u8 rows, activation, and quantisation of the result, as gemm_s8 and activate one after the other
 * would do it, the activation on sums that are still in registers.
 *   work [rows][work_stride] float, panels * 32 columns used: the activations, times channel_scale
 *   out  may be `in`. */
typedef void martlet_gemm_s8_activate_fn(
    martlet_quantized_rows *out, float *work, size_t work_stride, const martlet_quantized_rows *in,
    const martlet_linear_s8 *linear, size_t rows, martlet_activation activation, const float *_Nullable channel_scale);

/* Self-attention of one sequence over its own rows.
 *   query   [query_rows][query_stride]: scaled so that a score is in units of log2: log2(e) / sqrt(head_size) folded in
 *   key, value [length][key_value_stride]: all heads' keys, all heads' values
 *   out     [query_rows][out_stride], hidden = heads * head_size columns
 *   workspace  martlet_attention_workspace_floats(length, head_size) floats
 * score = fma over head_size in rising order from 0; p = 2^(score - max of the row); denominator: groups of 16 keys to
 * accumulator i % 4, tree as in layer_norm; out = (fma over keys in rising order from 0) * (1 / denominator). */
typedef struct {
    const float *query, *key, *value;
    float *out;
    float *workspace;
    size_t query_stride, key_value_stride, out_stride;
    size_t query_rows, length, heads, head_size;
} martlet_attention_call;
typedef void martlet_attention_fn(const martlet_attention_call *call);

size_t martlet_attention_workspace_floats(size_t length, size_t head_size);

/* Queries, keys and values of rows as bytes with scales for each row and head, in [rows][stride] bytes and
 * [heads][scale_stride] floats. Head h begins at byte h * head_bytes (the head size rounded up to 4; zeros behind it)
 * and at float h * scale_stride; row r is float r of it.
 *   query  u8 = 128 + round(x / query_scale), in 1...255
 *   key    s8 = round(x / key_scale); key_offset = -128 * (sum of the head's key bytes)
 *   value  s8 = round(x / 2^value_log); value_inverse = 2^-value_log
 * query_scale, key_scale = largest |x| of the head * (1 / 127); value_log is just above the log2 of the same, so that a
 * value's scale can be added to an exponent. */
typedef struct {
    uint8_t *query;
    int8_t *key, *value;
    float *query_scales, *key_scales, *key_offsets, *value_logs, *value_inverses;
    size_t stride, head_bytes, scale_stride, heads, head_size;
} martlet_quantized_heads;

static inline size_t martlet_head_bytes(size_t head_size) { return (head_size + 3) / 4 * 4; }

/* Quantises `rows` rows into rows first_row... of `out`; a NULL among in's parts is left out.
 *   query, key, value [rows][in_stride] float, hidden = heads * head_size columns each
 *   amax = largest |x| of the head, at least 2^-60; inverse = 127 / amax; scale = amax * (1 / 127 as float)
 *   q = round(x * inverse)
 *   value_log = (bits of scale as an integer) * 2^-23 - 126.91 (a chord of log2, plus its largest error)
 *   value_inverse = 2^-value_log by the exp2 of attention; q = round(x * value_inverse). */
typedef struct {
    const float *_Nullable query, *_Nullable key, *_Nullable value;
    size_t stride;
} martlet_head_floats;
typedef void martlet_quantize_heads_fn(
    martlet_quantized_heads *out, size_t first_row, const martlet_head_floats *in, size_t rows);

/* Self-attention of one sequence in int8.
 *   queries   rows query_row... of `queries`, query_rows of them
 *   keys      rows key_row... of `keys`: the sequence's `length` keys and values
 *   out       [query_rows][out_stride], hidden = heads * head_size columns
 *   workspace martlet_attention_s8_workspace_bytes(length, head_size) bytes, 64-byte aligned
 * With a score in units of log2 when query_scale * key_scale are multiplied in:
 *   sum = (sum over head_size of query * key, exact) + key_offset, exact in float (head_size up to 512)
 *   t   = fma(sum * key_scale, query_scale, value_log)
 *   w   = 2^(t - max of the row): the weight, with its value's scale inside; b = round(255 w) as u8
 *   out = (sum over keys of b * value, exact, as float) * (1 / (255 * denominator))
 *   denominator = sum of w * value_inverse by fma; groups of 16 keys to accumulator i % 4, tree as in layer_norm
 * 2^x: x = max(x, -64), f = x - round(x), cubic polynomial in f (activation_tables.h), relative error 1.1e-4. */
typedef struct {
    const martlet_quantized_heads *queries, *keys;
    float *out;
    void *workspace;
    size_t query_row, query_rows, key_row, length, out_stride;
} martlet_attention_s8_call;
typedef void martlet_attention_s8_fn(const martlet_attention_s8_call *call);

size_t martlet_attention_s8_workspace_bytes(size_t length, size_t head_size);

/* Embedding tables, row-major with `cols` columns, without pad. Words are int8 with a scale a row, or float. */
typedef struct {
    const int8_t *_Nullable words_s8; /* NULL: words_f32 is set */
    const float *_Nullable word_scales;
    const float *_Nullable words_f32;
    const float *positions;
    const float *types;
    size_t cols;
} martlet_embeddings;

/* Rows of one sequence: out = fma(word, word_scale, position) + type, or (word + position) + type for float words.
 *   ids, type_ids [rows], within the tables; row r takes position r; out [rows][stride]. */
typedef void martlet_embed_fn(
    float *out, size_t stride, const martlet_embeddings *tables, const int32_t *ids, const int32_t *type_ids,
    size_t rows);

typedef struct {
    martlet_embed_fn *embed;
    martlet_gemm_s8_fn *gemm_s8;
    martlet_gemm_s8_activate_fn *gemm_s8_activate;
    martlet_gemm_f32_fn *gemm_f32;
    martlet_quantize_rows_fn *quantize_rows;
    martlet_layer_norm_fn *layer_norm;
    martlet_activate_fn *activate;
    martlet_attention_fn *attention;
    martlet_quantize_heads_fn *quantize_heads;
    martlet_attention_s8_fn *attention_s8;
} martlet_kernel_table;

/* Starts from the reference; better entries overwrite it. `features` must be a subset of martlet_cpu_features(). */
void martlet_kernel_table_init(martlet_kernel_table *table, uint32_t features);

/* For a thread that waits for another one: says so to this core, or offers the core to other threads. */
static inline void martlet_spin_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
void martlet_yield(void);

/* Runs loops * 240 of the best int8 multiply-add instruction among `features`, and nothing else; the caller times it.
 * Returns the multiply-adds done, 0 when there is no such instruction. For Tools/measure and martlet info. */
uint64_t martlet_peak_s8_macs(uint32_t features, uint64_t loops);

#pragma clang assume_nonnull end

#endif
