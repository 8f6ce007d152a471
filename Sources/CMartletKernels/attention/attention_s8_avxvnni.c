#if defined(__x86_64__)
#include "../shared/avxvnni.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../gemm_s8/tile_avxvnni.h"
#include "attention_s8_vector.h"
#pragma clang attribute pop
#endif
