#if defined(__x86_64__)
#include "../shared/sse41.h"
/* The kernels themselves, now with the instruction set above. */
#include "rows_vector.h"
#pragma clang attribute pop
#endif
