#if defined(__aarch64__)
#include "../shared/neon.h"
/* The kernels themselves, now with the instruction set above. */
#include "gemm_f32_vector.h"
#pragma clang attribute pop
#endif
