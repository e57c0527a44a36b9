/* Gradients and batching of what runs along an axis. A reversed scan is a scan of the reversed array;
   an exclusive one is a scan whose results are read one place later. */
#include <string.h>

#include "ops/batch.h"
#include "ops/rules.h"

typedef struct {
    reduce_kind kind;
    int axis;
    bool reverse, exclusive;
} scan_facts;

static scan_facts facts_of(const node *n) {
    const attributes_scan *a = n->attributes;
    return (scan_facts){a->kind, axis_normal(a->axis, n->inputs[0]->ndim), a->reverse, a->exclusive};
}

static tarn_array *scan(tarn_array *x, reduce_kind kind, int64_t axis, bool reverse, bool exclusive) {
    return BUILD(scan, (&(attributes_scan){.kind = kind, .axis = axis, .reverse = reverse, .exclusive = exclusive}), x);
}

static tarn_array *flip(tarn_array *x, int axis) {
    int64_t start[TARN_MAX_NDIM] = {0}, stop[TARN_MAX_NDIM], step[TARN_MAX_NDIM];
    for (int i = 0; i < axis; i++) stop[i] = INT64_MAX, step[i] = 1;
    start[axis] = -1;
    stop[axis] = INT64_MIN;
    step[axis] = -1;
    if (!x || x->shape[axis] == 0) return x;
    return tarn_slice(x, ((tarn_ints){start, axis + 1}), ((tarn_ints){stop, axis + 1}), .step = {step, axis + 1});
}

/* g[1:] and a zero: what an exclusive scan's gradient is to the inclusive one. */
static tarn_array *shift(tarn_array *g, int axis) {
    if (!g || g->shape[axis] == 0) return g;
    tarn_array *last = tarn_slice_axis(g, axis, 0, 1);
    tarn_array *zero = zeros_view(g, last);
    return tarn_concatenate(TARN_ARRAYS(tarn_slice_axis(g, axis, 1, INT64_MAX), zero), 2, .axis = TARN_AXIS(axis));
}

/* Of an inclusive forward scan for the largest: each result's gradient belongs to the last element that set it. */
static tarn_array *extreme_gradient(tarn_array *x, tarn_array *g, reduce_kind kind, int axis) {
    tarn_array *best = scan(x, kind, axis, false, false);
    tarn_array *sets = tarn_logical_or(tarn_equal(x, best), tarn_isnan(x));
    int64_t shape[TARN_MAX_NDIM];
    if (!sets) return NULL;
    for (int i = 0; i < x->ndim; i++) shape[i] = i == axis ? x->shape[axis] : 1;
    tarn_array *places =
        tarn_reshape(tarn_arange(0, (double)x->shape[axis], 1, TARN_INT64), (tarn_ints){shape, x->ndim});
    tarn_array *last = scan(tarn_where(sets, places, tarn_scalar_int(0, TARN_INT64)), REDUCE_MAX, axis, false, false);
    return tarn_add_along_axis(zeros_view(g, x), last, g, .axis = TARN_AXIS(axis));
}

/* a [..., n] moved `by` places forward, zeros behind it. */
static tarn_array *ahead(tarn_array *a, int64_t by) {
    tarn_array *zeros = zeros_view(a, tarn_slice_axis(a, -1, 0, by));
    return tarn_concatenate(TARN_ARRAYS(tarn_slice_axis(a, -1, by, INT64_MAX), zeros), 2, .axis = TARN_AXIS(-1));
}

/* s[i] = g[i] + a[i] s[i + 1] along the last axis, in log n steps: each s[i] is first a sum of one term, then of two,
   of four (Hillis and Steele, 1986). Nothing is divided by. */
static tarn_array *sums_from_behind(tarn_array *g, tarn_array *a) {
    int64_t n = g->shape[g->ndim - 1];
    for (int64_t step = 1; step < n && g && a; step *= 2) {
        g = tarn_add(g, tarn_multiply(a, ahead(g, step)));
        a = tarn_multiply(a, ahead(a, step));
    }
    return g;
}

/* Of an inclusive forward product, with x and g [..., n]: the product before i times the sum over j from i on of g[j]
   and the product of what lies between. */
static tarn_array *product_gradient(tarn_array *x, tarn_array *g) {
    tarn_array *sums = sums_from_behind(g, tarn_conjugate(ahead(x, 1)));
    return tarn_multiply(sums, tarn_conjugate(scan(x, REDUCE_PROD, -1, false, true)));
}

/* exp(a - b), 0 where a is -inf, whatever b is. */
static tarn_array *share(tarn_array *a, tarn_array *b) {
    return tarn_exp(tarn_where(tarn_isneginf(tarn_real(a)), a, tarn_subtract(a, b)));
}

/* Of an inclusive forward logaddexp: the sum over j from i on of g[j] exp(x[i] - out[j]). */
static tarn_array *logaddexp_gradient(tarn_array *x, tarn_array *g) {
    tarn_array *out = scan(x, REDUCE_LOGADDEXP, -1, false, false);
    tarn_array *last = tarn_slice_axis(out, -1, -1, INT64_MAX);
    tarn_array *next =
        tarn_concatenate(TARN_ARRAYS(tarn_slice_axis(out, -1, 1, INT64_MAX), last), 2, .axis = TARN_AXIS(-1));
    tarn_array *sums = next ? sums_from_behind(g, tarn_conjugate(share(out, next))) : NULL;
    return tarn_multiply(sums, tarn_conjugate(share(x, out)));
}

static tarn_array *forward_gradient(tarn_array *x, tarn_array *g, reduce_kind kind, int axis) {
    if (kind == REDUCE_MAX || kind == REDUCE_MIN) return extreme_gradient(x, g, kind, axis);
    x = tarn_moveaxis(x, axis, -1);
    g = tarn_moveaxis(g, axis, -1);
    if (!x || !g) return NULL;
    return tarn_moveaxis(kind == REDUCE_PROD ? product_gradient(x, g) : logaddexp_gradient(x, g), -1, axis);
}

bool vjp_scan(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    scan_facts f = facts_of(n);
    tarn_array *x = n->inputs[0], *g = cotangents[0];
    if (!wanted[0]) return true;
    if (f.kind == REDUCE_SUM) {
        gradients[0] = scan(g, REDUCE_SUM, f.axis, !f.reverse, f.exclusive);
        return tarn_ok();
    }
    if (f.reverse) x = flip(x, f.axis), g = flip(g, f.axis);
    if (f.exclusive) g = shift(g, f.axis);
    if (!x || !g) return false;
    tarn_array *back = forward_gradient(x, g, f.kind, f.axis);
    gradients[0] = f.reverse ? flip(back, f.axis) : back;
    return tarn_ok();
}

bool vmap_scan(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_scan a = *(const attributes_scan *)n->attributes;
    a.axis = batch_axis(a.axis, n->inputs[0]->ndim);
    return batch_result(BUILD(scan, &a, batch_front(inputs[0], axes[0])), 0, outputs, output_axes);
}
