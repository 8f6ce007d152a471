#if defined(__x86_64__)
#include "../shared/avx512.h"
#include "../shared/lanes16.h"
#include "../kernels_internal.h"
#include "tile_avx512vnni.h"
#include "wide_tile_avx512vnni.h"
#include "gemm_s8_vector.h"
#pragma clang attribute pop
#endif
