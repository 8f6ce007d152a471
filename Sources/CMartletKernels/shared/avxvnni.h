/* AVX2 with vpdpbusd on 256 bits, for the int8 kernels alone. */
#define MARTLET_AVX2_TARGET "avx2,fma,avxvnni"
#include "avx2.h"
