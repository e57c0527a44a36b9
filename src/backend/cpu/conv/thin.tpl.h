/* Included once for each instruction set; THIN_PLACES and THIN_SUMS are the functions' names. outs is a multiple of
   LANES. */
#include "cpu/conv/thin.h"
#include "cpu/simd.h"

enum { PLACES = 8 };

static inline void some_places(const float *x, const int64_t *offsets, int depth, const float *w, int64_t outs,
                               int count, int64_t step, float *out) {
    vf32 sums[PLACES];
    for (int i = 0; i < count; i++) sums[i] = splat_f32(0);
    for (int d = 0; d < depth; d++) {
        vf32 factor = load_f32(w + d * outs);
        const float *at = x + offsets[d];
        for (int i = 0; i < count; i++) sums[i] = fma_f32(splat_f32(at[i * step]), factor, sums[i]);
    }
    for (int i = 0; i < count; i++) store_f32(out + i * outs, sums[i]);
}

void THIN_PLACES(const float *x, const int64_t *offsets, int depth, const float *w, int64_t outs, int64_t places,
                 int64_t step, float *out) {
    for (int64_t o = 0; o < outs; o += LANES) {
        int64_t p = 0;
        for (; p + PLACES <= places; p += PLACES)
            some_places(x + p * step, offsets, depth, w + o, outs, PLACES, step, out + p * outs + o);
        for (; p < places; p++) some_places(x + p * step, offsets, depth, w + o, outs, 1, step, out + p * outs + o);
    }
}

static inline void some_sums(const float *x, const int64_t *offsets, const float *w, int64_t w_step, int64_t outs,
                             int64_t taps, int64_t step, float *sums) {
    vf32 sum[THIN_LINES];
    for (int l = 0; l < THIN_LINES; l++) sum[l] = load_f32(sums + l * outs);
    for (int64_t t = 0; t < taps; t++) {
        vf32 factor = load_f32(w + t * w_step);
        for (int l = 0; l < THIN_LINES; l++) sum[l] = fma_f32(splat_f32(x[offsets[l] + t * step]), factor, sum[l]);
    }
    for (int l = 0; l < THIN_LINES; l++) store_f32(sums + l * outs, sum[l]);
}

void THIN_SUMS(const float *x, const int64_t *offsets, int lines, const float *w, int64_t w_step, int64_t outs,
               int64_t taps, int64_t step, float *sums) {
    for (int64_t o = 0; o < outs; o += LANES)
        for (int l = 0; l < lines; l += THIN_LINES)
            some_sums(x, offsets + l, w + o, w_step, outs, taps, step, sums + l * outs + o);
}
