/* NEON with sdot and udot, for the int8 kernels alone. */
#define MARTLET_NEON_TARGET "dotprod"
#include "neon.h"
