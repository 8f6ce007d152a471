/* What the kernel checks share: seeded inputs, guarded buffers, the levels to run, and how a difference is reported.
 *
 * Built by Tools/check-kernels for this machine and, with a cross compiler, for 64-bit ARM: no Swift in it. */
#ifndef MARTLET_CHECK_H
#define MARTLET_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "martlet_kernels.h"

/* A row of the list of levels that can be compared on this architecture. */
typedef struct {
    const char *name;
    uint32_t features;
} check_level;
extern const check_level check_levels[];
extern const size_t check_level_count;

/* The kernels under test, their name for reports, and the reference. */
typedef struct {
    const char *name;
    martlet_kernel_table fast, reference;
} check_tables;

/* Uniform in 0...2^64 - 1 from a seed (splitmix64). */
uint64_t random_bits(uint64_t *seed);
/* Uniform in low...high. */
float random_float(uint64_t *seed, float low, float high);
int random_int(uint64_t *seed, int low, int high);

/* Whether the next shape is to be checked: see --every. */
int due(void);

/* `bytes` bytes, 64-byte aligned, of which the last ends (rounded up to 64) right before a page that nobody may touch:
 * a kernel that reads or writes past them faults. Given back together by free_guarded. */
void *guarded(size_t bytes);
void free_guarded(void);

/* Reports the first difference of two buffers and counts it; NaN equals NaN. `what` and `shape` say where. */
void same_floats(
    const check_tables *tables, const char *what, const char *shape, const float *got, const float *wanted,
    size_t count);
void same_bytes(
    const check_tables *tables, const char *what, const char *shape, const void *got, const void *wanted,
    size_t count);
/* Guarded rows of bytes for a kernel to write, and their comparison: scales, zero points and bytes. */
martlet_quantized_rows quantized(size_t rows, size_t stride);
void same_quantized(
    const check_tables *tables, const char *what, const char *shape, const martlet_quantized_rows *got,
    const martlet_quantized_rows *wanted, size_t rows);
/* Counts a failure and prints it. */
void failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern size_t comparisons, failures;

void check_linear(const check_tables *tables);
void check_rows(const check_tables *tables);
void check_attention(const check_tables *tables);
/* The fused multiply-add that SSE4.1 does without the instruction, against fmaf. */
void check_emulated_fma(uint64_t samples);
/* Error bounds of 2^x, GELU, tanh and 1 / sqrt; `step` is the distance in bit patterns between samples. */
void check_functions(uint32_t step);

static inline size_t round_up(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

#endif
