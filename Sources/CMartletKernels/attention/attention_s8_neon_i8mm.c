#if defined(__aarch64__)
#include "../shared/neon_i8mm.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../gemm_s8/tile_neon_i8mm.h"
#include "attention_s8_vector.h"
#pragma clang attribute pop
#endif
