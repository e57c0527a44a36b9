/* table/convert.h: every half pattern, rounding to nearest even at the midpoints between halves, and the rule from
 * floats to integers. */
#include <math.h>
#include <stdio.h>

#include "table/convert.h"

static int failures;
#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition) && ++failures <= 20)                                                                          \
            printf("line %d: %s: ", __LINE__, #condition), printf(__VA_ARGS__), printf("\n");                          \
    } while (0)

typedef struct {
    const char *name;
    uint16_t (*from_double)(double x);
    uint16_t (*from_float)(float x);
    float (*to_float)(uint16_t h);
    uint16_t infinity;
    int mantissa, least_exponent; /* of the smallest number: 2^least_exponent */
} half_format;

static const half_format formats[] = {
    {"float16", double_to_float16, float_to_float16, float16_to_float, 0x7C00, 10, -24},
    {"bfloat16", double_to_bfloat16, float_to_bfloat16, bfloat16_to_float, 0x7F80, 7, -133},
};

/* The number a pattern stands for, from the definition of the format. */
static double meaning(const half_format *f, uint16_t h) {
    int exponent = (h & 0x7FFF) >> f->mantissa, fraction = h & ((1 << f->mantissa) - 1);
    if (exponent) fraction += 1 << f->mantissa, exponent--;
    return (h & 0x8000 ? -1 : 1) * ldexp(fraction, f->least_exponent + exponent);
}

static void expect(const half_format *f, double x, uint16_t h) {
    CHECK(f->from_double(x) == h, "%s of %a is %04x, not %04x", f->name, x, f->from_double(x), h);
    if ((double)(float)x != x) return;
    CHECK(f->from_float((float)x) == h, "%s of float %a is %04x, not %04x", f->name, x, f->from_float((float)x), h);
}

/* Each number, and the points around the middle between it and the next one away from zero. */
static void test_finite(const half_format *f) {
    for (uint32_t h = 0; h < 0x10000; h++) {
        if ((h & 0x7FFF) >= f->infinity) continue;
        double x = meaning(f, (uint16_t)h), next = meaning(f, (uint16_t)(h + 1)), middle = x + (next - x) / 2;
        CHECK((double)f->to_float((uint16_t)h) == x && !signbit(f->to_float((uint16_t)h)) == !signbit(x), "%s %04x",
              f->name, h);
        expect(f, x, (uint16_t)h);
        expect(f, middle, (uint16_t)(h + (h & 1))); /* beyond the largest number: infinity */
        expect(f, nextafter(middle, x), (uint16_t)h);
        expect(f, nextafter(middle, next), (uint16_t)(h + 1));
    }
}

static void test_special(const half_format *f) {
    expect(f, (double)INFINITY, f->infinity);
    expect(f, -(double)INFINITY, f->infinity | 0x8000);
    expect(f, 1e300, f->infinity);
    expect(f, -1e-300, 0x8000);
    for (uint32_t h = f->infinity + 1u; h < 0x8000; h++) CHECK(isnan(f->to_float((uint16_t)h)), "%s %04x", f->name, h);
    const double nans[] = {(double)NAN, -(double)NAN, (double)float_of_bits(0x7F800001),
                           (double)float_of_bits(0xFFFFFFFF)};
    for (int i = 0; i < 4; i++) {
        CHECK(isnan(f->to_float(f->from_double(nans[i]))), "%s of NaN %d", f->name, i);
        CHECK(isnan(f->to_float(f->from_float((float)nans[i]))), "%s of float NaN %d", f->name, i);
    }
    CHECK(isnan(f->to_float(f->from_float(float_of_bits(0x7F800001)))), "%s of a signalling NaN", f->name);
}

static void test_integers(void) {
    const double inf = (double)INFINITY;
    CHECK(double_to_signed(-1.9, 8) == -1 && double_to_signed(1.9, 8) == 1, "fractions are dropped");
    for (int bits = 8; bits <= 64; bits *= 2) {
        int64_t most = INT64_MAX >> (64 - bits);
        CHECK(double_to_signed(inf, bits) == most && double_to_signed(-inf, bits) == -most - 1, "%d bits", bits);
        CHECK(double_to_signed(1e30, bits) == most && double_to_signed(-1e30, bits) == -most - 1, "%d bits", bits);
        CHECK(double_to_signed((double)NAN, bits) == 0 && double_to_unsigned((double)NAN, bits) == 0, "%d bits", bits);
        CHECK(double_to_unsigned(inf, bits) == UINT64_MAX >> (64 - bits) && double_to_unsigned(-1, bits) == 0,
              "%d bits", bits);
        CHECK(double_to_signed(-ldexp(1, bits - 1), bits) == -most - 1, "%d bits", bits);
        CHECK(double_to_unsigned(ldexp(1, bits) - ldexp(1, bits - 53 > 0 ? bits - 53 : 0), bits) ==
                  (uint64_t)(ldexp(1, bits) - ldexp(1, bits - 53 > 0 ? bits - 53 : 0)),
              "%d bits", bits);
    }
    CHECK(wrap_signed(200, 8) == -56 && wrap_signed(-129, 8) == 127 && wrap_unsigned(300, 8) == 44, "wrapping");
    CHECK(wrap_signed(INT64_MIN, 64) == INT64_MIN && wrap_unsigned(UINT64_MAX, 64) == UINT64_MAX, "wrapping 64 bits");
    /* 2^63 + 2^55 is the middle of two bfloat16 numbers; one more must go up, which an ordinary double would have
     * forgotten. */
    CHECK(double_to_bfloat16(uint64_to_double_sticky((UINT64_C(1) << 63) + (UINT64_C(1) << 55))) == 0x5F00, "even");
    CHECK(double_to_bfloat16(uint64_to_double_sticky((UINT64_C(1) << 63) + (UINT64_C(1) << 55) + 1)) == 0x5F01,
          "sticky");
    CHECK(double_to_bfloat16(int64_to_double_sticky(-((INT64_C(1) << 62) + (INT64_C(1) << 54) + 1))) == 0xDE81,
          "sticky");
}

int main(void) {
    for (int i = 0; i < 2; i++) test_finite(&formats[i]), test_special(&formats[i]);
    test_integers();
    printf("%d failures; every pattern of float16 and bfloat16 and the midpoints between them\n", failures);
    return failures != 0;
}
