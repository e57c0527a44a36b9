/* Arguments of random numbers, linear algebra and Fourier transforms that fit no annotation. */
#include <math.h>
#include <string.h>

#include "special.h"

/* ---- random */

tarn_array *multivariate_normal(tarn_array *key, tarn_array *mean, tarn_array *cov, tarn_ints shape, tarn_dtype dtype) {
    if (dtype != TARN_FLOAT32) return tarn_fail("random_multivariate_normal: the dtype must be float32"), NULL;
    if (shape.count == 0) shape = (tarn_ints){NULL, 0};
    return tarn_random_multivariate_normal(random_key(key), mean, cov, .shape = shape);
}

tarn_array *permutation_of(tarn_array *key, PyObject *x, int64_t axis) {
    if (is_array(x)) return tarn_random_permute(random_key(key), held_array(x), .axis = TARN_AXIS(axis));
    long long count = PyLong_AsLongLong(x);
    if (count == -1 && PyErr_Occurred()) return NULL;
    return tarn_random_permutation(random_key(key), count);
}

/* ---- linalg */

tarn_array *norm_of(tarn_array *a, PyObject *order, tarn_ints axes, bool keepdims) {
    tarn_linalg_norm_options o = {.axes = axes, .keepdims = keepdims};
    if (PyUnicode_Check(order)) {
        if (!(o.kind = PyUnicode_AsUTF8AndSize(order, NULL))) return NULL;
    } else if (order != Py_None) {
        double value = PyFloat_AsDouble(order);
        if (value == -1 && PyErr_Occurred())
            return PyErr_Format(PyExc_TypeError, "norm(): ord must be a number or a str, not %R", order), NULL;
        o.order = TARN_VALUE(value);
    }
    return tarn_linalg_norm_with(a, o);
}

PyObject *svd_of(tarn_array *a, bool with_vectors) {
    tarn_array *parts[3];
    if (!with_vectors) return new_array(tarn_linalg_svdvals(a));
    return tarn_linalg_svd(a, parts) ? new_tuple(parts, 3) : raise_error();
}

bool is_upper(const char *triangle) {
    if (!strcmp(triangle, "L")) return false;
    return !strcmp(triangle, "U") || tarn_fail("linalg_eigh: UPLO is \"L\" or \"U\", not \"%s\"", triangle);
}

/* ---- fft */

static bool norm_named(const char *name, tarn_fft_norm *norm) {
    static const char *const names[] = {"backward", "ortho", "forward"};
    for (int i = 0; i < 3; i++)
        if (!strcmp(names[i], name)) return *norm = (tarn_fft_norm)i, true;
    return tarn_fail("fft: norm is \"backward\", \"ortho\" or \"forward\", not \"%s\"", name);
}

tarn_array *fft_along(fft_function *f, tarn_array *a, tarn_axis n, int64_t axis, const char *norm) {
    tarn_fft_options o = {.n = n.given ? n.axis : 0, .axis = TARN_AXIS(axis)};
    if (n.given && n.axis <= 0) return tarn_fail("fft: a transform of %lld numbers", (long long)n.axis), NULL;
    return norm_named(norm, &o.norm) ? f(a, o) : NULL;
}

tarn_array *fft_over(fftn_function *f, tarn_array *a, tarn_ints sizes, tarn_ints axes, const char *norm) {
    tarn_fftn_options o = {.sizes = sizes, .axes = axes};
    return norm_named(norm, &o.norm) ? f(a, o) : NULL;
}

/* ---- frames */

static bool positive(const char *name, tarn_axis value, int64_t *out) {
    *out = value.given ? value.axis : 0;
    return !value.given || value.axis > 0 || tarn_fail("%s must be positive, not %lld", name, (long long)value.axis);
}

static bool framing(tarn_stft_options *o, tarn_axis hop, tarn_axis win, bool center, const char *norm,
                    PyObject *sides) {
    o->not_centered = !center;
    if (sides != Py_None) o->sides = PyObject_IsTrue(sides) ? TARN_SIDES_ONE : TARN_SIDES_BOTH;
    return positive("hop_length", hop, &o->hop_length) && positive("win_length", win, &o->window_length) &&
           norm_named(norm, &o->norm);
}

static bool pad_named(const char *name, tarn_pad_mode *mode) {
    static const char *const names[] = {"constant", "edge", "reflect"};
    static const tarn_pad_mode modes[] = {TARN_PAD_CONSTANT, TARN_PAD_EDGE, TARN_PAD_REFLECT};
    for (int i = 0; i < 3; i++)
        if (!strcmp(names[i], name)) return *mode = modes[i], true;
    return tarn_fail("stft: no padding is called \"%s\"", name);
}

tarn_array *stft_of(tarn_array *x, int64_t n, tarn_axis hop, tarn_axis win, tarn_array *window, bool center,
                    const char *pad_mode, const char *norm, PyObject *onesided) {
    tarn_stft_options o = {.window = window};
    if (!positive("n_fft", TARN_AXIS(n), &o.n) || !pad_named(pad_mode, &o.pad_mode)) return NULL;
    return framing(&o, hop, win, center, norm, onesided) ? tarn_stft_with(x, o) : NULL;
}

tarn_array *istft_of(tarn_array *x, tarn_axis n, tarn_axis hop, tarn_axis win, tarn_array *window, bool center,
                     const char *norm, PyObject *onesided, tarn_axis length) {
    tarn_stft_options o = {.window = window, .length = length};
    if (!positive("n_fft", n, &o.n)) return NULL;
    return framing(&o, hop, win, center, norm, onesided) ? tarn_istft_with(x, o) : NULL;
}
