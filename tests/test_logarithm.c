/* log of float32 is the C library's to the last bit where AVX-512 is used, since random numbers are made of it: one in
   997 of all floats; with TARN_LONG every one. The inverse of the error function, which is made of it everywhere. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "cpu/cpu.h"
#include "tarn/tarn.h"

enum { PIECE = 1 << 20 };

static float bits_to_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Floats whose bits are `from` and so many steps beyond. */
static tarn_array *floats_from(uint64_t from, uint32_t step) {
    float *values = malloc(PIECE * sizeof *values);
    for (int64_t i = 0; values && i < PIECE; i++) values[i] = bits_to_float((uint32_t)(from + (uint64_t)i * step));
    tarn_array *x = tarn_from_data(values, TARN_SHAPE(PIECE), TARN_FLOAT32);
    free(values);
    return x;
}

static bool same(float a, float b) {
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static void check_log(uint64_t from, uint32_t step) {
    TARN_SCOPE;
    tarn_array *x = floats_from(from, step), *y = tarn_log(x);
    const float *in = tarn_data(x), *out = tarn_data(y);
    int64_t wrong = 0;
    for (int64_t i = 0; in && out && i < PIECE; i++) wrong += !same(out[i], logf(in[i]));
    CHECK(tarn_ok() && wrong == 0);
}

/* The polynomials of erfinv, one float after the other. */
static float erfinv_of(float x) {
    static const float centre[] = {5.43877832e-9F,  1.43285448e-7F, 1.22774793e-6F, 1.12963626e-7F,  -5.61530760e-5F,
                                   -1.47697632e-4F, 2.31468678e-3F, 1.15392581e-2F, -2.32015476e-1F, 8.86226892e-1F};
    static const float tail[] = {3.03697567e-10F, 2.93243101e-8F, 1.22150334e-6F,  2.84108955e-5F, 3.93552968e-4F,
                                 3.02698812e-3F,  4.83185798e-3F, -2.64646143e-1F, 8.40016484e-1F};
    float t = logf(fmaf(-x, x, 1)), p = centre[0], q = tail[0];
    for (int i = 1; i < 10; i++) p = fmaf(p, t, centre[i]);
    for (int i = 1; i < 9; i++) q = fmaf(q, t, tail[i]);
    return x * (t < -6.125F ? q : p);
}

static void check_erfinv(void) {
    TARN_SCOPE;
    tarn_array *x = floats_from(0x3F800000 - PIECE, 1), *y = tarn_erfinv(x);
    const float *in = tarn_data(x), *out = tarn_data(y);
    int64_t wrong = 0;
    for (int64_t i = 0; in && out && i < PIECE; i++) wrong += !same(out[i], erfinv_of(in[i]));
    CHECK(tarn_ok() && wrong == 0);
}

int main(void) {
    uint32_t step = getenv("TARN_LONG") ? 1 : 997;
    if (!cpu_isa_is_used(ISA_AVX2)) return 77; /* without fused multiply-adds others' bits are not to be had */
    check_erfinv();
    for (uint64_t at = 0; cpu_isa_is_used(ISA_AVX512) && at >> 32 == 0; at += (uint64_t)PIECE * step)
        check_log(at, step);
    return check_report("logarithm");
}
