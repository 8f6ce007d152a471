/* Weights that a tile asks for while it computes, so that the next panel is in the second cache level when its turn
 * comes: at few rows, or with more weights than that cache holds, the third level is the limit. Included after
 * lanes16.h. */
#ifndef MARTLET_PREFETCH_STEP_H
#define MARTLET_PREFETCH_STEP_H

/* `bytes` from `from` on, at most 128. */
INLINE void prefetch_step(const int8_t *from, size_t bytes) {
    __builtin_prefetch(from, 0, 2);
    if (bytes > 64) __builtin_prefetch(from + 64, 0, 2);
}

/* `lines` cache lines from `from` on. */
INLINE void prefetch_lines(const int8_t *from, size_t lines) {
#pragma clang loop unroll(full)
    for (size_t line = 0; line < 4; line++) {
        if (line >= lines) return;
        __builtin_prefetch(from + line * 64, 0, 2);
    }
    for (size_t line = 4; line < lines; line++) __builtin_prefetch(from + line * 64, 0, 2);
}

#endif
