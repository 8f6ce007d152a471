/* NEON, which every 64-bit ARM CPU has, for what follows; closed by `#pragma clang attribute pop`. */
#include <arm_neon.h>
#pragma clang diagnostic ignored "-Wpsabi" /* 64-byte values only pass between functions that are inlined */
#pragma clang fp contract(off)
#ifndef MARTLET_NEON_TARGET
#define MARTLET_NEON_TARGET "neon"
#endif
#pragma clang attribute push(__attribute__((target(MARTLET_NEON_TARGET))), apply_to = function)
#define MARTLET_LEVEL(name) martlet_##name##_neon
/* Float tiles: rows x groups of 16 columns, sized to the 32 registers of 4 lanes. */
#define MARTLET_TILE_ROWS 6
#define MARTLET_TILE_GROUPS 1

typedef union {
    float lanes __attribute__((ext_vector_type(16)));
    int32_t indices __attribute__((ext_vector_type(16)));
    uint32x4_t integers[4];
    float32x4_t floats[4];
    uint8x16_t bytes[4];
} martlet_quarters;

/* Four of 16 floats: a lookup in the table's 64 bytes. */
static inline __attribute__((always_inline, unused)) float32x4_t martlet_lookup4(uint8x16x4_t table, uint32x4_t index) {
    uint32x4_t four = vmulq_n_u32(vandq_u32(index, vdupq_n_u32(15)), 0x04040404);
    uint8x16_t bytes = vaddq_u8(vreinterpretq_u8_u32(four), vreinterpretq_u8_u32(vdupq_n_u32(0x03020100)));
    return vreinterpretq_f32_u8(vqtbl4q_u8(table, bytes));
}

#define MARTLET_LOOKUP16(table, index)                                                                  \
    ({                                                                                                  \
        martlet_quarters in_ = {.indices = (index)}, out_;                                              \
        uint8x16x4_t table_ = vld1q_u8_x4((const uint8_t *)(table));                                    \
        for (int i_ = 0; i_ < 4; i_++) out_.floats[i_] = martlet_lookup4(table_, in_.integers[i_]);     \
        out_.lanes;                                                                                     \
    })
