/* Included once for each instruction set. Vectors of counters stand side by side in registers. */
#include "cpu/random/threefry.h"

#include "cpu/simd.h"

enum { WIDTH = 4, PIECE = WIDTH * LANES }; /* vectors, and counters, at a time */

typedef struct {
    vu32 a[WIDTH], b[WIDTH];
} piece;

static inline __attribute__((always_inline)) void mix(piece *p, int rotation) {
    for (int i = 0; i < WIDTH; i++) {
        p->a[i] += p->b[i];
        p->b[i] = (p->b[i] << rotation | p->b[i] >> (32 - rotation)) ^ p->a[i];
    }
}

static inline __attribute__((always_inline)) void add_keys(piece *p, uint32_t a, uint32_t b) {
    for (int i = 0; i < WIDTH; i++) {
        p->a[i] += a;
        p->b[i] += b;
    }
}

static inline __attribute__((always_inline)) void four_rounds(piece *p, const uint32_t key[3], uint32_t i, int r, int s,
                                                              int t, int u) {
    mix(p, r);
    mix(p, s);
    mix(p, t);
    mix(p, u);
    add_keys(p, key[(i + 1) % 3], key[(i + 2) % 3] + i + 1);
}

static inline __attribute__((always_inline)) piece hash(const uint32_t key[3], uint32_t first, uint32_t second) {
    piece p;
    for (int i = 0; i < WIDTH; i++)
        for (int k = 0; k < LANES; k++) {
            p.a[i][k] = first + (uint32_t)(i * LANES + k);
            p.b[i][k] = second + (uint32_t)(i * LANES + k);
        }
    add_keys(&p, key[0], key[1]);
    four_rounds(&p, key, 0, 13, 15, 26, 6);
    four_rounds(&p, key, 1, 17, 29, 16, 24);
    four_rounds(&p, key, 2, 13, 15, 26, 6);
    four_rounds(&p, key, 3, 17, 29, 16, 24);
    four_rounds(&p, key, 4, 13, 15, 26, 6);
    return p;
}

void ISA(threefry_words)(const uint32_t key[3], uint32_t first, uint32_t second, int64_t count, uint32_t *a,
                         uint32_t *b) {
    for (int64_t at = 0; at < count; at += PIECE) {
        piece p = hash(key, first + (uint32_t)at, second + (uint32_t)at);
        size_t words = (size_t)(count - at < PIECE ? count - at : PIECE);
        memcpy(a + at, p.a, words * sizeof *a);
        memcpy(b + at, p.b, words * sizeof *b);
    }
}
