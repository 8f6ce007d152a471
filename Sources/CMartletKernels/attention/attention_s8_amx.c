#if defined(__x86_64__)
#include "../shared/amx.h"
#include "../kernels_internal.h"
#include "../shared/lanes16.h"
#include "../gemm_s8/tile_amx.h"
#include "attention_s8_vector.h"

void martlet_attention_s8_amx(const martlet_attention_s8_call *call) {
    martlet_attention_s8_amx_tiles(call);
    release_tiles();
}
#pragma clang attribute pop
#endif
