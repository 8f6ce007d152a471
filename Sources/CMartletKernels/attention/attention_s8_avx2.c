#if defined(__x86_64__)
#include "../shared/avx2.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../gemm_s8/tile_avx2.h"
#include "attention_s8_vector.h"
#pragma clang attribute pop
#endif
