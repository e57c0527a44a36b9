#include "cpu/conv/tiles.h"

#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/tiles.h"

enum { ROWS = 16, TILE_BYTES = 1024 };

void conv_tiles_begin_amx(void) {
    _tile_loadconfig(&tile_shapes);
}

void conv_tiles_end_amx(void) {
    _tile_release();
}

bool conv_tiles_special_amx(const uint16_t *numbers, int64_t count) {
    const __m512i exponent = _mm512_set1_epi16(0x7F80);
    __mmask32 special = 0;
    for (int64_t i = 0; i < count; i += 32) {
        __mmask32 some = count - i >= 32 ? ~(__mmask32)0 : ((__mmask32)1 << (count - i)) - 1;
        __m512i x = _mm512_maskz_loadu_epi16(some, numbers + i);
        special |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(x, exponent), exponent);
    }
    return special != 0;
}

/* Sums in tiles 0 to 3 of one group: four times 16 places. */
#define STEP_1(a, b, line)                                                                                             \
    {                                                                                                                  \
        _tile_loadd(6, b, 64);                                                                                         \
        _tile_loadd(4, a, line);                                                                                       \
        _tile_dpbf16ps(0, 4, 6);                                                                                       \
        _tile_loadd(5, (a) + ROWS * (line), line);                                                                     \
        _tile_dpbf16ps(1, 5, 6);                                                                                       \
        _tile_loadd(4, (a) + 2 * ROWS * (line), line);                                                                 \
        _tile_dpbf16ps(2, 4, 6);                                                                                       \
        _tile_loadd(5, (a) + 3 * ROWS * (line), line);                                                                 \
        _tile_dpbf16ps(3, 5, 6);                                                                                       \
    }
/* The first 16 places of groups 0 and 1. */
#define STEP_PAIR(a, b, line)                                                                                          \
    {                                                                                                                  \
        _tile_loadd(4, a, line);                                                                                       \
        _tile_loadd(6, b, 64);                                                                                         \
        _tile_dpbf16ps(0, 4, 6);                                                                                       \
        _tile_loadd(7, (b) + TILE_BYTES, 64);                                                                          \
        _tile_dpbf16ps(1, 4, 7);                                                                                       \
    }
/* Of two groups, 0 and 1, 2 and 3: twice 16 places. */
#define STEP_2(a, b, line)                                                                                             \
    {                                                                                                                  \
        STEP_PAIR(a, b, line)                                                                                          \
        _tile_loadd(5, (a) + ROWS * (line), line);                                                                     \
        _tile_dpbf16ps(2, 5, 6);                                                                                       \
        _tile_dpbf16ps(3, 5, 7);                                                                                       \
    }
/* Of three or four groups: 16 places. */
#define STEP_3(a, b, line)                                                                                             \
    {                                                                                                                  \
        STEP_PAIR(a, b, line)                                                                                          \
        _tile_loadd(6, (b) + 2 * TILE_BYTES, 64);                                                                      \
        _tile_dpbf16ps(2, 4, 6);                                                                                       \
    }
#define STEP_4(a, b, line)                                                                                             \
    {                                                                                                                  \
        STEP_3(a, b, line)                                                                                             \
        _tile_loadd(7, (b) + 3 * TILE_BYTES, 64);                                                                      \
        _tile_dpbf16ps(3, 4, 7);                                                                                       \
    }

/* `places` times the sums of a group in registers, from `place` on. */
#define MULTIPLY(group_count, STEP)                                                                                    \
    INLINE void multiply_##group_count(const conv_tiles *t, int64_t place) {                                           \
        _tile_zero(0);                                                                                                 \
        _tile_zero(1);                                                                                                 \
        _tile_zero(2);                                                                                                 \
        _tile_zero(3);                                                                                                 \
        for (int l = 0; l < t->line_count; l++) {                                                                      \
            const char *a = t->lines[l] + place * t->place_bytes, *b = t->weights[l];                                  \
            for (int s = 0; s < t->steps; s++, a += TILES_DEPTH * 2, b += (group_count)*TILE_BYTES)                    \
                STEP(a, b, t->place_bytes)                                                                             \
        }                                                                                                              \
    }
MULTIPLY(1, STEP_1)
MULTIPLY(2, STEP_2)
MULTIPLY(3, STEP_3)
MULTIPLY(4, STEP_4)

#define STORE(number, place, group)                                                                                    \
    _tile_stored(number, out + (place)*width + (group)*TILES_COLUMNS, (size_t)width * sizeof(float))

void conv_tiles_multiply_amx(const conv_tiles *t, float *out) {
    const int64_t width = t->groups * TILES_COLUMNS;
    if (t->groups == 1) {
        multiply_1(t, 0);
        STORE(0, 0, 0);
        STORE(1, ROWS, 0);
        STORE(2, 2 * ROWS, 0);
        STORE(3, 3 * ROWS, 0);
        return;
    }
    const int some = t->groups == 2 ? 2 * ROWS : ROWS;
    for (int64_t place = 0; place < TILES_PLACES; place += some) {
        if (t->groups == 2) {
            multiply_2(t, place);
            STORE(2, place + ROWS, 0);
            STORE(3, place + ROWS, 1);
        } else if (t->groups == 3)
            multiply_3(t, place);
        else
            multiply_4(t, place);
        STORE(0, place, 0);
        STORE(1, place, 1);
        if (t->groups > 2) STORE(2, place, 2);
        if (t->groups > 3) STORE(3, place, 3);
    }
}
