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

#endif
