/* Random operands of every dtype and layout, and comparison in units of the last place. */
#ifndef TESTS_RANDOM_OPERANDS_H
#define TESTS_RANDOM_OPERANDS_H

#include "kernel_calls.h"
#include "random_stream.h"

/* ---- inputs by domain */
static inline UNWATCHED double random_real(test_domain domain) {
    double u = random_unit(), sign = random_bits() & 1 ? 1 : -1;
    switch (domain) {
    case DOMAIN_POSITIVE:
        return 0.1 + 3.9 * u;
    case DOMAIN_UNIT:
        return sign * 0.95 * u;
    case DOMAIN_ABOVE1:
        return 1.05 + 2.95 * u;
    case DOMAIN_NONZERO:
        return sign * (0.25 + 5 * u);
    case DOMAIN_SMALL:
        return floor(8 * u);
    default:
        return sign * 6 * u;
    }
}

static inline UNWATCHED void put_any(const operand *o, int64_t index, test_domain domain) {
    if (dtype_kind_of(o->dtype) == KIND_COMPLEX) {
        float parts[2] = {(float)random_real(domain), (float)random_real(domain)};
        memcpy(place(o, index), parts, sizeof parts);
    } else if (dtype_kind_of(o->dtype) == KIND_FLOAT) {
        put(o, index, random_real(domain));
    } else if (o->dtype == TARN_BOOL) {
        put(o, index, (double)(random_bits() & 1));
    } else {
        double magnitude = domain == DOMAIN_SMALL ? floor(8 * random_unit()) : floor(random_unit() * 100);
        bool negative =
            domain != DOMAIN_SMALL && domain != DOMAIN_POSITIVE && !dtype_is_unsigned(o->dtype) && (random_bits() & 1);
        put(o, index, negative ? -magnitude : magnitude);
    }
}

static inline operand randomized(tarn_dtype dtype, tarn_ints shape, test_domain domain) {
    operand o = make(dtype, shape);
    for (int64_t i = 0, n = operand_size(&o); i < n; i++) put_any(&o, i, domain);
    return o;
}

/* ---- comparison */
static inline int bits_of_mantissa(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16 ? 10 : dtype == TARN_BFLOAT16 ? 7 : dtype == TARN_FLOAT64 ? 52 : 23;
}

/* How many units in the last place of a number of this size lie between the two. */
static inline UNWATCHED double ulps(double a, double b, double scale, tarn_dtype dtype) {
    if (a == b || (isnan(a) && isnan(b))) return 0;
    if (!isfinite(a) || !isfinite(b)) return INFINITY;
    double magnitude = fmax(fmax(fabs(b), scale), dtype == TARN_FLOAT16 ? 0x1p-14 : 0x1p-126);
    return fabs(a - b) / ldexp(1, ilogb(magnitude) - bits_of_mantissa(dtype));
}

static inline UNWATCHED double difference(const operand *a, const operand *b, int64_t i, double scale) {
    if (a->dtype != TARN_COMPLEX64) {
        if (dtype_kind_of(a->dtype) != KIND_FLOAT)
            return memcmp(place(a, i), place(b, i), (size_t)dtype_bytes(a->dtype)) ? INFINITY : 0;
        return ulps(get(a, i), get(b, i), scale, a->dtype);
    }
    float x[2], y[2];
    memcpy(x, place(a, i), sizeof x);
    memcpy(y, place(b, i), sizeof y);
    double size = fmax(scale, fmax(fabs((double)y[0]), fabs((double)y[1])));
    if (!isfinite(size)) return isfinite(x[0]) && isfinite(x[1]) ? INFINITY : 0;
    return fmax(ulps((double)x[0], (double)y[0], size, TARN_FLOAT32),
                ulps((double)x[1], (double)y[1], size, TARN_FLOAT32));
}

static inline void compare(const operand *got, const operand *expected, double tolerance, const operand *scale,
                           const char *what) {
    for (int64_t i = 0, n = operand_size(expected); i < n; i++) {
        double d = difference(got, expected, i, scale ? fabs(get(scale, i)) : 0);
        CHECK(d <= tolerance, "%s %s[%lld]: %.17g instead of %.17g (%g ulp)", what, dtype_facts[got->dtype].name,
              (long long)i, get(got, i), get(expected, i), d);
        if (!(d <= tolerance)) return;
    }
}

/* Layouts an input may have: dense, transposed, every second element, reversed, rows repeated, one element for all. */
enum { LAYOUTS = 6 };
static inline operand laid_out(tarn_dtype dtype, tarn_ints shape, test_domain domain, int layout) {
    int64_t n = shape.count, doubled[TARN_MAX_NDIM], strides[TARN_MAX_NDIM], offset = 0;
    for (int64_t i = 0; i < n; i++) doubled[i] = shape.values[i] * (layout == 2 ? 2 : 1);
    if (layout == 1)
        for (int64_t i = 0; i < n; i++) doubled[i] = shape.values[n - 1 - i];
    operand base = randomized(dtype, (tarn_ints){doubled, n}, domain);
    if (layout == 1) return transposed(base);
    for (int64_t i = 0; i < n; i++) {
        strides[i] = base.strides[i] * (layout == 2 ? 2 : 1);
        if (layout == 3) offset += (shape.values[i] - 1) * strides[i], strides[i] = -strides[i];
        if (layout == 5 || (layout == 4 && i == 0)) strides[i] = 0;
    }
    if (operand_size(&base) == 0) offset = 0;
    return view(base, offset, shape, (tarn_ints){strides, n});
}

#endif
