/* Discrete Fourier transforms: shapes, gradients, batching and the functions. Several axes are one after the other. */
#include <math.h>
#include <string.h>

#include "ops/batch.h"
#include "ops/front.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include "tarn/fft.h"

/* ---- one axis */

enum { FFT_LARGEST = 1 << 29 }; /* numbers, whose squares of positions and workspace kernels may count on */

/* How many numbers are transformed. */
static int64_t length_of(const attributes_fft *a, const tarn_array *x) {
    int64_t size = x->shape[axis_normal(a->axis, x->ndim)];
    return a->n ? a->n : a->kind == FFT_HALF ? 2 * (size - 1) : size;
}

static bool infer_fft(inference *i) {
    const attributes_fft *a = i->attributes;
    const tarn_array *x = i->inputs[0];
    int64_t shape[TARN_MAX_NDIM];
    int axis;
    if (x->dtype != (a->kind == FFT_REAL ? TARN_FLOAT32 : TARN_COMPLEX64))
        return tarn_fail_kind(TARN_ERROR_TYPE, "fft: %s is not supported", dtype_facts[x->dtype].name);
    if (!check_axis("fft", a->axis, x->ndim, &axis)) return false;
    memcpy(shape, x->shape, (size_t)x->ndim * sizeof *shape);
    int64_t n = length_of(a, x);
    if (n <= 0) return tarn_fail("fft: a transform of %lld numbers", (long long)n);
    if (n > FFT_LARGEST) return tarn_fail("fft: a transform of %lld numbers, of at most %d", (long long)n, FFT_LARGEST);
    shape[axis] = a->kind == FFT_REAL ? n / 2 + 1 : n;
    return types_add(i, a->kind == FFT_HALF ? TARN_FLOAT32 : TARN_COMPLEX64, x->ndim, shape);
}

static tarn_array *transform(tarn_array *x, attributes_fft a) {
    tarn_dtype dtype = a.kind == FFT_REAL ? TARN_FLOAT32 : TARN_COMPLEX64;
    if (x && x->dtype == TARN_COMPLEX64 && a.kind == FFT_REAL) x = tarn_real(x);
    return BUILD(fft, &a, x && x->dtype != dtype ? tarn_astype(x, dtype) : x);
}

/* The adjoint divides where the transform does. */
static tarn_fft_norm turned(tarn_fft_norm norm) {
    return norm == TARN_FFT_ORTHO ? norm : norm == TARN_FFT_FORWARD ? TARN_FFT_BACKWARD : TARN_FFT_FORWARD;
}

/* g cut off, or followed by zeros, to the size of x along the axis. */
static tarn_array *fitted(tarn_array *g, const tarn_array *x, int axis) {
    if (!g || g->shape[axis] == x->shape[axis]) return g;
    if (g->shape[axis] > x->shape[axis]) return tarn_slice_axis(g, axis, 0, x->shape[axis]);
    int64_t shape[TARN_MAX_NDIM];
    memcpy(shape, g->shape, (size_t)g->ndim * sizeof *shape);
    shape[axis] = x->shape[axis] - g->shape[axis];
    tarn_array *zeros = tarn_broadcast_to(tarn_scalar_like(0, g), (tarn_ints){shape, g->ndim});
    return tarn_concatenate(TARN_ARRAYS(g, zeros), 2, .axis = TARN_AXIS(axis));
}

/* 1 for the first of the halved results and, of an even n, the last; 2 for the others, which stand for their conjugates
   as well. Along the axis. */
static tarn_array *weights(int64_t n, int axis, int ndim) {
    tarn_array *i = tarn_arange(0, (double)(n / 2 + 1), 1, TARN_INT64);
    tarn_array *single = tarn_equal(i, tarn_scalar_int(0, TARN_INT64));
    if (n % 2 == 0) single = tarn_logical_or(single, tarn_equal(i, tarn_scalar_int(n / 2, TARN_INT64)));
    tarn_array *w = tarn_where(single, tarn_scalar(1, TARN_FLOAT32), tarn_scalar(2, TARN_FLOAT32));
    int64_t shape[TARN_MAX_NDIM];
    for (int k = 0; k < ndim; k++) shape[k] = k == axis ? n / 2 + 1 : 1;
    return tarn_reshape(w, (tarn_ints){shape, ndim});
}

static bool vjp_of_fft(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    attributes_fft back = *(const attributes_fft *)n->attributes;
    const tarn_array *x = n->inputs[0];
    int axis = axis_normal(back.axis, x->ndim);
    if (!wanted[0]) return true;
    back.n = length_of(&back, x);
    back.inverse = !back.inverse;
    back.norm = turned(back.norm);
    back.kind = back.kind == FFT_HALF ? FFT_REAL : FFT_COMPLEX;
    tarn_array *g = transform(cotangents[0], back);
    if (back.kind == FFT_REAL) g = tarn_multiply(g, weights(back.n, axis, x->ndim));
    if (x->dtype == TARN_FLOAT32) g = tarn_real(g);
    gradients[0] = fitted(g, x, axis);
    return tarn_ok();
}

static bool vmap_of_fft(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_fft a = *(const attributes_fft *)n->attributes;
    a.axis = batch_axis(a.axis, n->inputs[0]->ndim);
    return batch_result(transform(batch_front(inputs[0], axes[0]), a), 0, outputs, output_axes);
}

static tarn_array *one_axis(const char *name, tarn_array *x, fft_kind kind, bool inverse, tarn_fft_options o) {
    FRONT(name);
    REQUIRE(x);
    if ((unsigned)o.norm > TARN_FFT_FORWARD) return tarn_fail("%s: norm %d does not exist", name, (int)o.norm), NULL;
    return transform(
        x, (attributes_fft){.kind = kind, .inverse = inverse, .n = o.n, .axis = axis_or(o.axis, -1), .norm = o.norm});
}

tarn_array *tarn_fft_with(tarn_array *x, tarn_fft_options o) {
    return one_axis("fft", x, FFT_COMPLEX, false, o);
}
tarn_array *tarn_ifft_with(tarn_array *x, tarn_fft_options o) {
    return one_axis("ifft", x, FFT_COMPLEX, true, o);
}
tarn_array *tarn_rfft_with(tarn_array *x, tarn_fft_options o) {
    return one_axis("rfft", x, FFT_REAL, false, o);
}
tarn_array *tarn_irfft_with(tarn_array *x, tarn_fft_options o) {
    return one_axis("irfft", x, FFT_HALF, true, o);
}

/* ---- several axes: the last one first, backwards the last one last */

typedef struct {
    const char *name;
    fft_kind kind;
    bool inverse;
} fft_call;

static bool check_axes(const fft_call *c, const tarn_array *x, const tarn_fftn_options *o) {
    bool seen[TARN_MAX_NDIM];
    if ((unsigned)o->norm > TARN_FFT_FORWARD) return tarn_fail("%s: norm %d does not exist", c->name, (int)o->norm);
    if (x->ndim == 0 && o->axes.count == 0) return tarn_fail("%s: x is 0-d", c->name);
    if (o->sizes.values && !o->axes.values) return tarn_fail("%s: sizes without axes", c->name);
    if (o->sizes.values && o->sizes.count != o->axes.count)
        return tarn_fail("%s: %lld sizes of %lld axes", c->name, (long long)o->sizes.count, (long long)o->axes.count);
    return reduce_axes(c->name, o->axes, x->ndim, seen);
}

static tarn_array *along(const fft_call *c, tarn_array *x, tarn_fftn_options o, int64_t i, bool last) {
    int64_t axis = o.axes.values ? o.axes.values[i] : i, n = o.sizes.values ? o.sizes.values[i] : 0;
    if (o.sizes.values && n <= 0) return tarn_fail("%s: a transform of %lld numbers", c->name, (long long)n), NULL;
    return transform(
        x, (attributes_fft){
               .kind = last ? c->kind : FFT_COMPLEX, .inverse = c->inverse, .n = n, .axis = axis, .norm = o.norm});
}

static tarn_array *several_axes(fft_call c, tarn_array *x, tarn_fftn_options o) {
    FRONT(c.name);
    REQUIRE(x);
    REQUIRE_LIST(o.axes);
    REQUIRE_LIST(o.sizes);
    if (!check_axes(&c, x, &o)) return NULL;
    int64_t count = o.axes.values ? o.axes.count : x->ndim;
    if (count > 0 && !c.inverse) x = along(&c, x, o, count - 1, true);
    for (int64_t i = count - 2; i >= 0; i--) x = along(&c, x, o, i, false);
    if (count > 0 && c.inverse) x = along(&c, x, o, count - 1, true);
    return x;
}

static tarn_array *two_axes(fft_call c, tarn_array *x, tarn_fftn_options o) {
    static const int64_t last_two[2] = {-2, -1};
    if (!o.axes.values && o.axes.count == 0) o.axes = (tarn_ints){last_two, 2};
    return several_axes(c, x, o);
}

#define SEVERAL(name, kind, inverse)                                                                                   \
    tarn_array *tarn_##name##2_with(tarn_array * x, tarn_fftn_options o) {                                             \
        return two_axes((fft_call){#name "2", kind, inverse}, x, o);                                                   \
    }                                                                                                                  \
    tarn_array *tarn_##name##n_with(tarn_array *x, tarn_fftn_options o) {                                              \
        return several_axes((fft_call){#name "n", kind, inverse}, x, o);                                               \
    }
SEVERAL(fft, FFT_COMPLEX, false)
SEVERAL(ifft, FFT_COMPLEX, true)
SEVERAL(rfft, FFT_REAL, false)
SEVERAL(irfft, FFT_HALF, true)

/* ---- frequencies */

static tarn_array *frequencies(const char *name, int64_t n, double distance, int64_t from, int64_t to) {
    FRONT(name);
    if (n <= 0) return tarn_fail("%s: of %lld samples", name, (long long)n), NULL;
    if (distance == 0 || isnan(distance)) return tarn_fail("%s: a distance of %g", name, distance), NULL;
    tarn_array *i = tarn_arange((double)from, (double)to, 1, TARN_FLOAT64);
    return tarn_astype(tarn_divide(i, tarn_scalar((double)n * distance, TARN_FLOAT64)), TARN_FLOAT32);
}

/* 0, 1, …, then the negative ones. */
tarn_array *tarn_fftfreq(int64_t n, double distance) {
    tarn_array *sorted = frequencies("fftfreq", n, distance, -(n / 2), n - n / 2);
    return sorted ? tarn_ifftshift(sorted) : NULL;
}
tarn_array *tarn_rfftfreq(int64_t n, double distance) {
    return frequencies("rfftfreq", n, distance, 0, n / 2 + 1);
}

static bool infer_fftshift(inference *i) {
    const tarn_array *x = i->inputs[0];
    tarn_ints axes = ((const attributes_fftshift *)i->attributes)->axes;
    int normal;
    for (int64_t k = 0; k < axes.count; k++)
        if (!check_axis("fftshift", axes.values[k], x->ndim, &normal)) return false;
    return types_add(i, x->dtype, x->ndim, x->shape);
}

static tarn_array *turned_along(tarn_array *x, int axis, bool inverse) {
    tarn_array *parts[2];
    int64_t size = x->shape[axis], first = inverse ? size / 2 : size - size / 2;
    if (size < 2) return x;
    if (!tarn_split_at(x, TARN_INTS(first), parts, .axis = TARN_AXIS(axis))) return NULL;
    return tarn_concatenate(TARN_ARRAYS(parts[1], parts[0]), 2, .axis = TARN_AXIS(axis));
}

/* An axis that is given twice is shifted twice. */
static bool formula_of_fftshift(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_fftshift *a = n->attributes;
    tarn_array *x = inputs[0];
    int64_t count = a->axes.values ? a->axes.count : x->ndim;
    for (int64_t i = 0; x && i < count; i++)
        x = turned_along(x, axis_normal(a->axes.values ? a->axes.values[i] : i, x->ndim), a->inverse);
    outputs[0] = x;
    return x != NULL;
}

tarn_array *tarn_fftshift_with(tarn_array *x, tarn_axes_options o) {
    FRONT("fftshift");
    REQUIRE_LIST(o.axes);
    return BUILD(fftshift, (&(attributes_fftshift){.axes = o.axes}), x);
}
tarn_array *tarn_ifftshift_with(tarn_array *x, tarn_axes_options o) {
    FRONT("ifftshift");
    REQUIRE_LIST(o.axes);
    return BUILD(fftshift, (&(attributes_fftshift){.axes = o.axes, .inverse = true}), x);
}

const op_rules rules_fft = {.infer = infer_fft, .vjp = vjp_of_fft, .jvp = jvp_linear, .vmap = vmap_of_fft};
const op_rules rules_fftshift = {.infer = infer_fftshift, .formula = formula_of_fftshift};
