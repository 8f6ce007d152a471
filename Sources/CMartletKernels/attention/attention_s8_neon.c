#if defined(__aarch64__)
#include "../shared/neon.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../gemm_s8/tile_neon.h"
#include "attention_s8_vector.h"
#pragma clang attribute pop
#endif
