#include <sched.h>
#include <unistd.h>

#include "martlet_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

/* Whether the operating system keeps the registers that XCR0's bits in `mask` stand for. */
static int keeps(uint64_t mask) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
    return (((uint64_t)d << 32 | a) & mask) == mask;
}

/* Bits of CPUID leaf 7: AMX-TILE and AMX-INT8 of subleaf 0's EDX, AVX-VNNI of subleaf 1's EAX. */
static int has_avxvnni(void) {
    uint32_t a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

static int has_amx_int8(void) {
    uint32_t a, b, c, d;
    const uint64_t tile_configuration = 1 << 17, tile_data = 1 << 18;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 1) && (d >> 25 & 1) &&
           keeps(tile_configuration | tile_data);
}

/* Linux gives the 8 KiB of AMX tiles only to a process that asks: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA).
 * Asked once for all threads; asking again changes nothing. */
static int may_use_amx(void) {
#if defined(__linux__) && defined(SYS_arch_prctl)
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
    return 0;
#endif
}
#endif

#if defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
static int apple_has(const char *name) {
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, (void *)0, 0) == 0 && value != 0;
}
#endif
#endif

void martlet_yield(void) { sched_yield(); }

size_t martlet_level2_bytes(void) {
#if defined(_SC_LEVEL2_CACHE_SIZE)
    long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    if (bytes > 0) return (size_t)bytes;
#endif
    return 1 << 20;
}

uint32_t martlet_cpu_features(void) {
    uint32_t features = 0;
#if defined(__x86_64__)
    /* The compiler's runtime asks CPUID and, for AVX and AVX-512, XGETBV: a feature counts only if the operating system
     * saves its registers. It does not know the younger ones by name everywhere, so those are asked for here. */
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.1")) features |= MARTLET_CPU_SSE41;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) features |= MARTLET_CPU_AVX2;
    if ((features & MARTLET_CPU_AVX2) && has_avxvnni()) features |= MARTLET_CPU_AVXVNNI;
    if ((features & MARTLET_CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        features |= MARTLET_CPU_AVX512VNNI;
    if ((features & MARTLET_CPU_AVX512VNNI) && has_amx_int8() && may_use_amx()) features |= MARTLET_CPU_AMX;
#elif defined(__aarch64__)
    features |= MARTLET_CPU_NEON;
#if defined(__linux__)
    /* HWCAP_ASIMDDP and HWCAP2_I8MM of Linux's arch/arm64/include/uapi/asm/hwcap.h. */
    if (getauxval(AT_HWCAP) >> 20 & 1) features |= MARTLET_CPU_NEON_DOTPROD;
    if (getauxval(AT_HWCAP2) >> 13 & 1) features |= MARTLET_CPU_NEON_I8MM;
#elif defined(__APPLE__)
    if (apple_has("hw.optional.arm.FEAT_DotProd")) features |= MARTLET_CPU_NEON_DOTPROD;
    if (apple_has("hw.optional.arm.FEAT_I8MM")) features |= MARTLET_CPU_NEON_I8MM;
#endif
#endif
    return features;
}
