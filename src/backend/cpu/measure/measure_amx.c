/* The rate of bf16 tiles: two by two, loaded from the first-level cache, as the micro-kernel does. */
#include <immintrin.h>

#include "cpu/measure/loops.h"
#include "cpu/tiles.h"

double measure_tiles_amx(const void *random, int64_t rounds, float *sink) {
    enum { STEPS = 8 };
    _tile_loadconfig(&tile_shapes);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t r = 0; r < rounds; r++)
        for (int s = 0; s < STEPS; s++) {
            const char *a = (const char *)random + s * 2048, *b = a + STEPS * 2048;
            _tile_loadd(4, a, 64);
            _tile_loadd(6, b, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, b + 1024, 64);
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, a + 1024, 64);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
    float sums[256];
    _tile_stored(3, sums, 64);
    _tile_release();
    *sink += sums[17];
    return (double)rounds * STEPS * 4 * 16384;
}
