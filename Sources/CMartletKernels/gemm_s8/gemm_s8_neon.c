#if defined(__aarch64__)
#include "../shared/neon.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "tile_neon.h"
#include "gemm_s8_vector.h"
#pragma clang attribute pop
#endif
