#include <sched.h>

#include "martlet_kernels.h"

void martlet_yield(void) { sched_yield(); }

uint32_t martlet_cpu_features(void) {
    uint32_t features = 0;
#if defined(__x86_64__)
    /* The compiler's runtime asks CPUID and, for AVX and AVX-512, XGETBV: a feature counts only if the operating system
     * saves its registers. */
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) features |= MARTLET_CPU_AVX2;
    if ((features & MARTLET_CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        features |= MARTLET_CPU_AVX512VNNI;
#endif
    return features;
}
