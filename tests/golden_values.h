/* Values that another program computed, in tests/data/<file>.json: {"name": {"dtype": …, "shape": […], "values": […]}},
   complex numbers as pairs, truths as such. */
#ifndef TESTS_GOLDEN_VALUES_H
#define TESTS_GOLDEN_VALUES_H

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "check.h"
#include "tarn/tarn.h"
#include "paths.h"

static inline const json *golden_case(const char *file, const char *name) {
    static json *root;
    char path[256];
    snprintf(path, sizeof path, "%s/tests/data/%s.json", TARN_SOURCE_DIR, file);
    if (!root) root = json_read_file(path, 1 << 24);
    return json_get(root, name);
}

static inline double golden_number(const json *values, int64_t i) {
    const json *v = json_at(values, (size_t)i);
    return json_is(v, JSON_TEXT) ? strtod(json_text(v, NULL), NULL) : json_number(v, json_truth(v, false));
}

/* The numbers of x, parts of complex ones side by side, if dtype and shape are those of the case; else NULL. */
static inline const double *golden_ready(const char *name, const json *wanted, tarn_array *x) {
    bool ok = wanted && x && tarn_eval(x);
    if (ok) {
        const json *shape = json_get(wanted, "shape"), *dtype = json_get(wanted, "dtype");
        ok = json_count(shape) == (size_t)tarn_ndim(x) &&
             strcmp(tarn_dtype_name(tarn_dtype_of(x)), json_text(dtype, NULL)) == 0;
        for (int i = 0; ok && i < tarn_ndim(x); i++) ok = json_whole(json_at(shape, (size_t)i), -1) == tarn_dim(x, i);
    }
    CHECK(ok);
    if (!ok) fprintf(stderr, "%s: failed, or another dtype or shape\n", name);
    tarn_clear_error();
    if (!ok) return NULL;
    tarn_array *parts = tarn_dtype_of(x) == TARN_COMPLEX64
                            ? tarn_view(tarn_contiguous(tarn_reshape(x, TARN_SHAPE(-1))), TARN_FLOAT32)
                            : x;
    return tarn_data(tarn_contiguous(tarn_astype(parts, TARN_FLOAT64)));
}

static inline double golden_ulp(tarn_dtype dtype, double x) {
    int digits = dtype == TARN_FLOAT16 ? 11 : dtype == TARN_BFLOAT16 ? 8 : dtype == TARN_FLOAT64 ? 53 : 24;
    return x == 0 ? DBL_MIN : ldexp(1, ilogb(x) - digits + 1);
}

/* Each within `most` units of the last place, in numbers below `least` of those of `least`. */
static inline void golden_check(const char *file, const char *name, tarn_array *x, double most, double least) {
    const json *wanted = golden_case(file, name), *values = json_get(wanted, "values");
    const double *got = golden_ready(name, wanted, x);
    double worst = 0;
    for (size_t i = 0; got && i < json_count(values); i++) {
        double w = golden_number(values, (int64_t)i);
        if (got[i] == w || (isnan(got[i]) && isnan(w))) continue;
        double off = fabs(got[i] - w) / golden_ulp(tarn_dtype_of(x), fmax(fabs(w), least));
        worst = off > worst || isnan(off) ? off : worst;
    }
    CHECK(got && worst <= most);
    if (!(worst <= most)) fprintf(stderr, "%s: %g units of the last place\n", name, worst);
    if (getenv("TARN_TELL")) printf("%s: %g\n", name, worst);
}

#endif
