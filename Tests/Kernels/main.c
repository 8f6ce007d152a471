#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

const check_level check_levels[] = {
#if defined(__x86_64__)
    {"sse41", MARTLET_CPU_SSE41},
    {"avx2", MARTLET_CPU_SSE41 | MARTLET_CPU_AVX2},
    {"avxvnni", MARTLET_CPU_SSE41 | MARTLET_CPU_AVX2 | MARTLET_CPU_AVXVNNI},
    {"avx512vnni", MARTLET_CPU_SSE41 | MARTLET_CPU_AVX2 | MARTLET_CPU_AVX512VNNI},
    {"amx", MARTLET_CPU_SSE41 | MARTLET_CPU_AVX2 | MARTLET_CPU_AVX512VNNI | MARTLET_CPU_AMX},
#elif defined(__aarch64__)
    {"neon", MARTLET_CPU_NEON},
    {"neondotprod", MARTLET_CPU_NEON | MARTLET_CPU_NEON_DOTPROD},
    {"neoni8mm", MARTLET_CPU_NEON | MARTLET_CPU_NEON_DOTPROD | MARTLET_CPU_NEON_I8MM},
#endif
};
const size_t check_level_count = sizeof check_levels / sizeof check_levels[0];

size_t comparisons, failures, case_step = 1;
/* Bytes between a buffer's end and the guard page. */
static size_t slack_bytes;

uint64_t random_bits(uint64_t *seed) {
    uint64_t z = (*seed += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

float random_float(uint64_t *seed, float low, float high) {
    return low + (high - low) * ((float)(random_bits(seed) >> 40) / 16777216.0f);
}

int random_int(uint64_t *seed, int low, int high) {
    return low + (int)(random_bits(seed) % (uint64_t)(high - low + 1));
}

static struct {
    void *region;
    size_t bytes;
} regions[96];
static size_t region_count;

int due(void) {
    static size_t asked;
    return asked++ % case_step == 0;
}

void *guarded(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), used = round_up(bytes, 64) + slack_bytes, inner = round_up(used, page);
    char *region = mmap(NULL, inner + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED || region_count == sizeof regions / sizeof regions[0]) abort();
    mprotect(region, page, PROT_NONE);
    mprotect(region + page + inner, page, PROT_NONE);
    regions[region_count].region = region;
    regions[region_count++].bytes = inner + 2 * page;
    return region + page + inner - used;
}

void free_guarded(void) {
    while (region_count > 0) {
        region_count--;
        munmap(regions[region_count].region, regions[region_count].bytes);
    }
}

void failed(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    /* Enough to see a pattern; the count goes on. */
    if (failures < 20) {
        printf("  differs: ");
        vprintf(format, arguments);
        printf("\n");
    }
    va_end(arguments);
    failures++;
}

void same_floats(
    const check_tables *tables, const char *what, const char *shape, const float *got, const float *wanted,
    size_t count) {
    comparisons += count;
    for (size_t i = 0; i < count; i++)
        if (memcmp(&got[i], &wanted[i], 4) != 0 && (got[i] == got[i] || wanted[i] == wanted[i])) {
            failed("%s %s, %s, element %zu: %a, not %a", tables->name, what, shape, i, got[i], wanted[i]);
            return;
        }
}

void same_bytes(
    const check_tables *tables, const char *what, const char *shape, const void *got, const void *wanted,
    size_t count) {
    comparisons += count;
    const uint8_t *left = got, *right = wanted;
    for (size_t i = 0; i < count; i++)
        if (left[i] != right[i]) {
            failed("%s %s, %s, byte %zu: %u, not %u", tables->name, what, shape, i, left[i], right[i]);
            return;
        }
}

martlet_quantized_rows quantized(size_t rows, size_t stride) {
    return (martlet_quantized_rows){
        .values = guarded(rows * stride), .scales = guarded(rows * 4), .zeros = guarded(rows * 4), .stride = stride};
}

void same_quantized(
    const check_tables *tables, const char *what, const char *shape, const martlet_quantized_rows *got,
    const martlet_quantized_rows *wanted, size_t rows) {
    same_floats(tables, what, shape, got->scales, wanted->scales, rows);
    same_floats(tables, what, shape, got->zeros, wanted->zeros, rows);
    same_bytes(tables, what, shape, got->values, wanted->values, rows * got->stride);
}

/* check-kernels [OPTION VALUE]... compares every level this CPU runs with the reference.
 *   --levels NAME,NAME...  what those levels must be, in order, or "none"
 *   --every N              only every Nth shape, for slow emulators
 *   --slack BYTES          room before the guard page, for emulators that read more than the instruction does
 *   --fma SAMPLES          also the emulated multiply-add, over hard cases and this many random ones
 *   --functions STEP       also the error bounds of the functions, over every STEPth float */
int main(int count, char **arguments) {
    const char *expected = NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i + 1 < count; i += 2) {
        if (!strcmp(arguments[i], "--functions")) check_functions((uint32_t)strtoul(arguments[i + 1], NULL, 10));
        if (!strcmp(arguments[i], "--fma")) check_emulated_fma(strtoull(arguments[i + 1], NULL, 10));
        if (!strcmp(arguments[i], "--levels")) expected = arguments[i + 1];
        if (!strcmp(arguments[i], "--every")) case_step = strtoul(arguments[i + 1], NULL, 10);
        if (!strcmp(arguments[i], "--slack")) slack_bytes = strtoul(arguments[i + 1], NULL, 10);
    }
    uint32_t features = martlet_cpu_features();
#ifdef MARTLET_AMX_MODEL
    if (features & MARTLET_CPU_AVX512VNNI) features |= MARTLET_CPU_AMX;
#endif
    char ran[256] = "";
    for (size_t i = 0; i < check_level_count; i++) {
        const check_level *level = &check_levels[i];
        if (level->features & ~features) continue;
        snprintf(ran + strlen(ran), sizeof ran - strlen(ran), "%s%s", ran[0] ? "," : "", level->name);
        check_tables tables = {.name = level->name};
        martlet_kernel_table_init(&tables.reference, 0);
        martlet_kernel_table_init(&tables.fast, level->features);
        size_t before = comparisons;
        check_linear(&tables);
        check_rows(&tables);
        check_attention(&tables);
        /* The model has no peak. */
        int is_real = !(level->features & ~martlet_cpu_features());
        if (is_real && martlet_peak_s8_macs(level->features, 1) == 0) failed("%s has no peak loop", level->name);
        printf("  %-12s %zu values compared with the reference\n", level->name, comparisons - before);
    }
    if (expected && strcmp(expected, ran[0] ? ran : "none"))
        failed("the levels that ran are %s, not %s", ran[0] ? ran : "none", expected);
    if (failures) printf("  %zu differences\n", failures);
    return failures ? 1 : 0;
}
