/* NEON with 8-bit matrix multiplication, for the int8 kernels alone. */
#define MARTLET_NEON_TARGET "i8mm"
#include "neon.h"
