/* Included once for each instruction set; FEW_ADD is the function's name. */
#include "cpu/conv/few.h"
#include "cpu/matmul/inline.h"
#include "cpu/simd.h"

#ifdef __AVX512F__
enum { MOST_SUMS = 24 }; /* vectors of them: with two and an output's they fill the registers */
#else
enum { MOST_SUMS = 9 };
#endif
enum { MOST_OUTS = 4, MOST_VECTORS = 8 };

INLINE void add_some(const few_line *l, int64_t out, int64_t lane, int outs, int vectors) {
    vf32 sum[MOST_OUTS][MOST_VECTORS];
    float *sums = l->sums + out * l->sums_step + lane;
    UNROLL(4)
    for (int o = 0; o < outs; o++) UNROLL(8)
    for (int v = 0; v < vectors; v++) sum[o][v] = load_f32(sums + o * l->sums_step + v * LANES);
    const float *x = l->x + lane, *w = l->w + out;
    for (int64_t c = 0; c < l->channels; c++, x += l->channel_step)
        for (int64_t t = 0; t < l->taps; t++, w += l->outs) {
            vf32 factors[MOST_OUTS];
            UNROLL(4)
            for (int o = 0; o < outs; o++) factors[o] = splat_f32(w[o]);
            UNROLL(8)
            for (int v = 0; v < vectors; v++) {
                vf32 at = load_f32(x + l->offsets[t] + v * LANES);
                IN_REGISTER(at);
                UNROLL(4)
                for (int o = 0; o < outs; o++) sum[o][v] = fma_f32(at, factors[o], sum[o][v]);
            }
        }
    UNROLL(4)
    for (int o = 0; o < outs; o++) UNROLL(8)
    for (int v = 0; v < vectors; v++) store_f32(sums + o * l->sums_step + v * LANES, sum[o][v]);
}

/* Vectors of lanes that one pass takes; with each number of them the loops are unrolled. */
#define MOST(outs) (MOST_SUMS / (outs) < MOST_VECTORS ? MOST_SUMS / (outs) : MOST_VECTORS)
#define PASS(outs, vectors)                                                                                            \
    case vectors:                                                                                                      \
        if (vectors <= MOST(outs)) add_some(l, out, lane, outs, vectors);                                              \
        break;
#define PASSES(outs)                                                                                                   \
    static void add_##outs(const few_line *l, int64_t out, int64_t lane, int64_t vectors) {                            \
        switch (vectors) {                                                                                             \
            PASS(outs, 1)                                                                                              \
            PASS(outs, 2) PASS(outs, 3) PASS(outs, 4) PASS(outs, 5) PASS(outs, 6) PASS(outs, 7) PASS(outs, 8)          \
        }                                                                                                              \
    }
PASSES(1)
PASSES(2)
PASSES(3)
PASSES(4)

typedef void passes(const few_line *l, int64_t out, int64_t lane, int64_t vectors);
static passes *const by_outs[] = {NULL, add_1, add_2, add_3, add_4};

/* Passes of equal length, as far as vectors allow. */
void FEW_ADD(const few_line *l, int64_t places) {
    for (int64_t out = 0, outs; out < l->outs; out += outs) {
        outs = l->outs - out < MOST_OUTS ? l->outs - out : MOST_OUTS;
        int64_t vectors = places / LANES, passes_left = (vectors + MOST(outs) - 1) / MOST(outs), some;
        for (int64_t lane = 0; vectors > 0; vectors -= some, passes_left--, lane += some * LANES) {
            some = (vectors + passes_left - 1) / passes_left;
            by_outs[outs](l, out, lane, some);
        }
    }
}
