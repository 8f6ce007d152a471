#if defined(__x86_64__)
#include "../shared/sse41.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../gemm_s8/tile_sse41.h"
#include "attention_s8_vector.h"
#pragma clang attribute pop
#endif
