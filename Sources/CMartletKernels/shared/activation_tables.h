/* Polynomials shared by every instruction set; written by Tools/fixtures/make_activation_tables.py. */
#ifndef MARTLET_ACTIVATION_TABLES_H
#define MARTLET_ACTIVATION_TABLES_H

/* gelu(x) = 0.5 x + sum over p of table[p][i] r^p, where s = |x| / 0.36, i = round(min(s, 15)), r = s - i.
 * Largest absolute error for |x| <= 8: 6.2e-7. */
#define MARTLET_GELU_SCALE (1.0f / 0.36f)
extern const float martlet_gelu_erf_table[5][16];
extern const float martlet_gelu_tanh_table[5][16];

/* 2^r = sum over p of table[p] r^p for r in -0.5...0.5, relative error 1.6e-7; the first is 1 so that 2^0 is exact. */
extern const float martlet_exp2_table[6];

/* 2^f = 1 + c1 f + c2 f^2 + c3 f^3 for f in -0.5...0.5, relative error 1.06e-4; 2^0 is exact. */
/* Below this the cubic stays what it is there: 2^-64 changes no sum, and nothing made from it is subnormal. */
#define MARTLET_EXP2_FLOOR -64.0f
#define MARTLET_EXP2_CUBIC_1 0x1.62f9cep-1f
#define MARTLET_EXP2_CUBIC_2 0x1.f01d54p-3f
#define MARTLET_EXP2_CUBIC_3 0x1.c0bcaep-5f

#endif
