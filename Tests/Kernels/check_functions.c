/* How far 2^x, GELU, tanh and 1 / sqrt are from the truth. The bounds stand in martlet_kernels.h too; every level gives
 * the reference's bits, so the reference is measured. */
#include "../../Sources/CMartletKernels/shared/reference_lanes.h"

#include <stdio.h>

#include "check.h"

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static uint32_t to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

typedef struct {
    const char *name;
    double bound, worst, at;
    uint64_t samples;
} function_error;

static void measured(function_error *error, double difference, float at) {
    error->samples++;
    if (!(difference <= error->worst)) error->worst = difference, error->at = at;
}

static void report(const function_error *error) {
    comparisons += error->samples;
    printf(
        "  %-28s %.3g at %a, bound %.3g, %llu samples\n", error->name, error->worst, error->at, error->bound,
        (unsigned long long)error->samples);
    if (!(error->worst <= error->bound))
        failed("%s is off by %g, more than %g", error->name, error->worst, error->bound);
}

/* Floats below 2^-30 in size are no different from 0 for these functions, but some are taken. */
static uint32_t next(uint32_t bits, uint32_t step) {
    return bits + ((bits & 0x7fffffff) < 0x30800000 ? step * 257 : step);
}

static void check_exp2(uint32_t step) {
    function_error exact = {.name = "2^x, relative", .bound = 1.9e-7};
    function_error cubic = {.name = "2^x by the cubic, relative", .bound = 1.1e-4};
    for (uint32_t bits = 0x80000000; bits <= 0xc2fc0000 /* -126 */; bits = next(bits, step)) {
        float x = from_bits(bits);
        double truth = exp2((double)x);
        measured(&exact, fabs(reference_exp2(x) / truth - 1), x);
        if (x >= MARTLET_EXP2_FLOOR) measured(&cubic, fabs(reference_exp2_cubic(x) / truth - 1), x);
    }
    report(&exact);
    report(&cubic);
    if (reference_exp2(0) != 1 || reference_exp2_cubic(0) != 1) failed("2^0 is not 1");
    for (int n = 0; n >= -126; n--)
        if (reference_exp2((float)n) != ldexpf(1, n) || reference_exp2_cubic((float)n) != ldexpf(1, n < -64 ? -64 : n))
            failed("2^%d is not exact", n);
    const float below[] = {-126.5f, -1000, -3e38f, -INFINITY};
    for (int i = 0; i < 4; i++)
        if (reference_exp2(below[i]) != 0x1p-126f || reference_exp2_cubic(below[i]) != 0x1p-64f)
            failed("2^%a is not the smallest value", below[i]);
}

/* Activations of `count` floats by the reference kernel. */
static void activated(float *values, size_t count, martlet_activation activation) {
    martlet_kernel_table table;
    martlet_kernel_table_init(&table, 0);
    table.activate(values, count, 1, count, activation, NULL, NULL);
}

static double truth_of(martlet_activation activation, double x) {
    switch (activation) {
    case MARTLET_GELU_ERF: return 0.5 * x * erfc(-x * 0.70710678118654752440);
    case MARTLET_GELU_TANH: {
        double inner = 0.79788456080286535588 * (x + 0.044715 * x * x * x);
        return 0.5 * x * (1 + tanh(inner));
    }
    default: return tanh(x);
    }
}

/* |x| * MARTLET_GELU_SCALE is infinite above this, and the GELU of such an x NaN. */
#define LARGEST 1.2e38f

/* Over floats of every exponent and both signs. Past `limit` a GELU's error is relative to x, as its rounding is. */
static void check_activation(
    martlet_activation activation, const char *name, double bound, float limit, uint32_t step) {
    enum { COLS = 1024 };
    static float in[COLS], out[COLS] __attribute__((aligned(64)));
    function_error near = {.name = name, .bound = bound}, far = {.name = "  beyond, relative to x", .bound = 2.4e-7};
    size_t filled = 0;
    for (uint32_t sign = 0; sign <= 1; sign++)
        for (uint32_t bits = 0; bits < to_bits(LARGEST);) {
            in[filled++] = from_bits(bits | sign << 31);
            uint32_t following = next(bits, step);
            int is_last = following >= to_bits(LARGEST) || following < bits;
            if (filled == COLS || is_last) {
                for (size_t i = filled; i < COLS; i++) in[i] = 0;
                memcpy(out, in, sizeof in);
                activated(out, COLS, activation);
                for (size_t i = 0; i < filled; i++) {
                    double difference = fabs(out[i] - truth_of(activation, in[i]));
                    if (fabsf(in[i]) <= limit)
                        measured(&near, difference, in[i]);
                    else
                        measured(&far, difference / fabs(in[i]), in[i]);
                }
                filled = 0;
            }
            bits = is_last ? to_bits(LARGEST) : following;
        }
    report(&near);
    if (far.samples) report(&far);
}

/* 1 / sqrt(x), both steps correctly rounded, in units of the result's last place: half a place from the division, and
 * up to one from the root's half, as a relative error counts up to twice in places. */
static void check_inverse_root(uint32_t step) {
    function_error error = {.name = "1 / sqrt(x), ulp", .bound = 1.5};
    for (uint32_t bits = 1; bits < 0x7f800000; bits = bits + step < bits ? 0x7f800000 : bits + step) {
        float x = from_bits(bits), y = 1.0f / sqrtf(x);
        double truth = 1 / sqrt((double)x);
        double place = from_bits(to_bits((float)truth) + 1) - (double)from_bits(to_bits((float)truth));
        measured(&error, fabs(y - truth) / place, x);
    }
    report(&error);
}

void check_functions(uint32_t step) {
    check_exp2(step);
    check_activation(MARTLET_GELU_ERF, "GELU (erf), absolute", 7e-7, 8, step * 3);
    check_activation(MARTLET_GELU_TANH, "GELU (tanh), absolute", 7e-7, 8, step * 3);
    check_activation(MARTLET_TANH, "tanh, absolute", 2.5e-7, INFINITY, step * 3);
    check_inverse_root(step * 3);
}
