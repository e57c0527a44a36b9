/* Random graphs as data: a list of ops over numbered values, which can be built any number of times, eagerly or not.
   Leaves hold small integers, so that sums are exact in whatever order kernels take them; what is not exact is marked
   and compared with a tolerance. */
#ifndef TESTS_GRAPH_SPECS_H
#define TESTS_GRAPH_SPECS_H

#include <stdlib.h>

#include "dice.h"
#include "table/scalar.h"
#include "tarn/tarn.h"

typedef enum {
    SPEC_ADD,
    SPEC_SUBTRACT,
    SPEC_MINIMUM,
    SPEC_MAXIMUM,
    SPEC_PRODUCT,
    SPEC_NEGATE,
    SPEC_ABS,
    SPEC_CLIP,
    SPEC_TANH,
    SPEC_LESS,
    SPEC_EQUAL,
    SPEC_WHERE,
    SPEC_ASTYPE,
    SPEC_TRANSPOSE,
    SPEC_SLICE,
    SPEC_FLATTEN,
    SPEC_RESHAPE,
    SPEC_SPLIT,
    SPEC_BROADCAST,
    SPEC_EXPAND,
    SPEC_SQUEEZE,
    SPEC_VIEW,
    SPEC_REPEAT,
    SPEC_WINDOWS,
    SPEC_SUM,
    SPEC_MEAN,
    SPEC_MAX,
    SPEC_ANY,
    SPEC_SOFTMAX,
    SPEC_RMS_NORM,
    SPEC_MATMUL,
    SPEC_TAKE,
    SPEC_CONCATENATE,
    SPEC_UPDATE,
    SPEC_SCATTER,
    SPEC_SCATTER_ADD,
    SPEC_SORT,
    SPEC_ARGSORT,
    SPEC_ARGMAX,
    SPEC_CUMSUM,
    SPEC_DIVMOD,
    SPEC_QUANTIZE,
    SPEC_DEPENDS,
    SPEC_CONTIGUOUS,
    SPEC_BLOCK,
    SPEC_CHECKPOINT,
    SPEC_CUSTOM,
    SPEC_KINDS
} spec_kind;

enum { SPEC_MOST_VALUES = 96, SPEC_MOST_STEPS = 40, SPEC_MOST_BYTES = 16384 };

typedef struct {
    spec_kind kind;
    int inputs[3], input_count;
    int outputs[2], output_count;
    int axis, a, b, c; /* as the kind takes them */
} spec_step;

typedef struct {
    tarn_dtype dtype;
    int ndim;
    int64_t shape[TARN_MAX_NDIM];
    bool inexact;
    int last_use; /* the step; -1: none */
    unsigned char data[SPEC_MOST_BYTES];
} spec_value;

typedef struct {
    int leaves, values, steps;
    spec_value value[SPEC_MOST_VALUES];
    spec_step step[SPEC_MOST_STEPS];
} spec_graph;

static inline tarn_ints value_shape(const spec_value *v) {
    return (tarn_ints){v->shape, v->ndim};
}
static inline size_t value_bytes(const spec_value *v) {
    size_t size = (size_t)tarn_dtype_bytes(v->dtype);
    for (int i = 0; i < v->ndim; i++) size *= (size_t)v->shape[i];
    return size;
}

static inline tarn_array *spec_number(double value, tarn_array *like) {
    return tarn_scalar(value, tarn_dtype_of(like));
}

/* values around 0 again, so that nothing grows out of what is exact */
static inline tarn_array *spec_clip(tarn_array *x) {
    if (tarn_dtype_of(x) == TARN_BOOL) return tarn_logical_not(x);
    tarn_array *low = spec_number(tarn_dtype_of(x) == TARN_UINT8 ? 0 : -9, x);
    return tarn_maximum(tarn_minimum(x, spec_number(9, x)), low);
}

static inline tarn_array *spec_indices(const spec_step *s, int64_t size) {
    int32_t data[3];
    for (int i = 0; i < 3; i++)
        data[i] = (int32_t)((s->a >> 4 * i) % (size ? size : 1)) - (s->b >> i & 1 ? (int32_t)size : 0);
    return tarn_from_data(data, TARN_SHAPE(3), TARN_INT32);
}

/* The axes that a slice of random bounds takes, all of the array's. */
static inline tarn_array *spec_slice(const spec_step *s, tarn_array *x) {
    int64_t start[TARN_MAX_NDIM], stop[TARN_MAX_NDIM], step[TARN_MAX_NDIM];
    for (int i = 0; i < tarn_ndim(x); i++) {
        bool back = s->c >> i & 1;
        step[i] = (s->b >> 2 * i & 1) + 1;
        start[i] = back ? -1 : (s->a >> i & 1);
        stop[i] = back ? INT64_MIN : tarn_dim(x, i) - (s->a >> (8 + i) & 1);
        if (back) step[i] = -step[i];
    }
    int64_t n = tarn_ndim(x);
    return tarn_slice(x, ((tarn_ints){start, n}), ((tarn_ints){stop, n}), .step = {step, n});
}

static inline tarn_array *spec_transpose(const spec_step *s, tarn_array *x) {
    int64_t axes[TARN_MAX_NDIM], n = tarn_ndim(x);
    for (int64_t i = 0; i < n; i++) axes[i] = i;
    for (int i = (int)n - 1; i > 0; i--) {
        int64_t k = (s->a >> 3 * i) % (i + 1), old = axes[i];
        axes[i] = axes[k];
        axes[k] = old;
    }
    return tarn_transpose(x, .axes = {n ? axes : (int64_t[]){0}, n});
}

static inline tarn_array *spec_block_start(const spec_step *s, bool two) {
    return tarn_from_data((int32_t[]){s->a % 5, s->b % 5}, TARN_SHAPE(two ? 2 : 1), TARN_INT32);
}

/* x with a part of y written into it. */
static inline tarn_array *spec_update(const spec_step *s, tarn_array *x, tarn_array *y) {
    if (tarn_ndim(x) == 0 || tarn_ndim(x) != tarn_ndim(y)) return NULL;
    int64_t stop[TARN_MAX_NDIM], n = tarn_ndim(x), start[TARN_MAX_NDIM] = {0};
    for (int i = 0; i < n; i++) {
        int64_t least = tarn_dim(x, i) < tarn_dim(y, i) ? tarn_dim(x, i) : tarn_dim(y, i);
        stop[i] = least > 1 ? least - (s->c >> i & 1) : least;
    }
    tarn_array *part = tarn_slice(y, ((tarn_ints){start, n}), ((tarn_ints){stop, n}));
    return tarn_slice_update(x, tarn_astype(part, tarn_dtype_of(x)), spec_block_start(s, n > 1),
                             n > 1 ? TARN_AXES(0, 1) : TARN_AXES(0));
}

static inline tarn_array *spec_scatter(const spec_step *s, tarn_array *x, tarn_array *y) {
    if (tarn_ndim(x) == 0 || tarn_dim(x, 0) == 0 || tarn_size(y) == 0) return NULL;
    tarn_array *indices = spec_indices(s, tarn_dim(x, 0)), *one = tarn_slice_axis(tarn_flatten(y), 0, 0, 1);
    int64_t shape[TARN_MAX_NDIM];
    for (int i = 0; i < tarn_ndim(x); i++) shape[i] = i ? tarn_dim(x, i) : 3;
    tarn_array *updates = tarn_astype(tarn_broadcast_to(one, ((tarn_ints){shape, tarn_ndim(x)})), tarn_dtype_of(x));
    return s->kind == SPEC_SCATTER ? tarn_scatter(x, indices, updates, .axis = TARN_AXIS(0))
                                   : tarn_scatter_add(x, indices, updates, .axis = TARN_AXIS(0));
}

static inline tarn_array *spec_reshape(tarn_array *x) {
    int64_t last = tarn_ndim(x) ? tarn_dim(x, -1) : 1;
    if (last % 2 || last == 0) return NULL;
    return tarn_unflatten(x, -1, TARN_SHAPE(last / 2, 2));
}

/* As bytes and back, without the first element: a view at an offset. */
static inline tarn_array *spec_view(tarn_array *x) {
    int64_t width = tarn_dtype_bytes(tarn_dtype_of(x)), skipped = tarn_dim(x, -1) > 1 ? width : 0;
    if (tarn_ndim(x) == 0) return NULL;
    return tarn_view(tarn_slice_axis(tarn_view(x, TARN_UINT8), -1, skipped, INT64_MAX), tarn_dtype_of(x));
}

static inline tarn_array *spec_windows(tarn_array *x) {
    int64_t size = tarn_size(x);
    return size < 3 ? NULL : tarn_as_strided(x, TARN_SHAPE(size - 2, 3), TARN_INTS(1, 1));
}

static inline tarn_array *spec_matmul(tarn_array *x, tarn_array *y) {
    if (tarn_ndim(x) < 1 || tarn_ndim(y) != 2 || tarn_dtype_of(x) < TARN_FLOAT16) return NULL;
    bool turned = tarn_dim(x, -1) != tarn_dim(y, 0);
    return tarn_matmul(x, turned ? tarn_transpose(y) : y);
}

static inline bool spec_quantize(tarn_array *x, tarn_array **out) {
    tarn_array *parts[3];
    if (tarn_ndim(x) < 1 || tarn_size(x) % 32 || tarn_size(x) == 0 || tarn_dtype_of(x) != TARN_FLOAT32) return false;
    if (!tarn_quantize(tarn_reshape(x, TARN_SHAPE(-1, 32)), parts, .group_size = 32, .bits = 8)) return false;
    return (out[0] = tarn_dequantize(parts[0], parts[1], .biases = parts[2], .group_size = 32, .bits = 8)) != NULL;
}

static inline bool spec_square(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_multiply(x[0], x[0]));
}
static inline bool spec_checkpointed(void *context, tarn_array *const *x, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_checkpoint(TARN_FUNCTION(spec_square, context), x, count));
}
/* 2 x x, for whose gradient x x is computed again */
static inline tarn_array *spec_checkpoint(tarn_array *x) {
    return spec_clip(tarn_results_at(tarn_vjp(TARN_FUNCTION(spec_checkpointed, NULL), &x, 1, TARN_ARRAYS(x), 1), 0));
}

static inline bool spec_negative(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_negative(x[0]));
}
static inline bool spec_batch(void *context, tarn_array *const *x, const int64_t *axes, int count,
                              tarn_results *results, int64_t *out_axes) {
    out_axes[0] = axes[0];
    return spec_negative(context, x, count, results);
}
static inline bool spec_call(void *context, tarn_array *const *x, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_custom_call(context, x, count));
}
/* -x, by the rules of a custom function for batches and gradients */
static inline tarn_array *spec_custom(tarn_array *x) {
    tarn_custom_function *c =
        tarn_custom_new(TARN_FUNCTION(spec_negative, NULL), .vjp = spec_negative, .vmap = spec_batch);
    tarn_array *y = tarn_results_at(tarn_vmap(TARN_FUNCTION(spec_call, c), &x, 1, .in_axes = TARN_AXES(-1)), 0);
    tarn_custom_free(c);
    return y;
}

/* Builds one step over its inputs x; false if the op refuses them (the error is the caller's to clear). */
static bool spec_apply(const spec_step *s, tarn_array *const *in, tarn_array **out) {
    tarn_array *x = in[0], *y = in[1], *z = in[2], *o = NULL;
    switch (s->kind) {
    case SPEC_ADD:
        o = tarn_add(x, y);
        break;
    case SPEC_SUBTRACT:
        o = tarn_subtract(x, y);
        break;
    case SPEC_MINIMUM:
        o = tarn_minimum(x, y);
        break;
    case SPEC_MAXIMUM:
        o = tarn_maximum(x, y);
        break;
    case SPEC_PRODUCT:
        o = spec_clip(tarn_multiply(x, y));
        break;
    case SPEC_NEGATE:
        o = tarn_negative(x);
        break;
    case SPEC_ABS:
        o = tarn_abs(x);
        break;
    case SPEC_CLIP:
        o = spec_clip(x);
        break;
    case SPEC_TANH:
        o = tarn_tanh(x);
        break;
    case SPEC_LESS:
        o = tarn_less(x, y);
        break;
    case SPEC_EQUAL:
        o = tarn_equal(x, y);
        break;
    case SPEC_WHERE:
        o = tarn_where(x, y, z);
        break;
    case SPEC_ASTYPE:
        o = tarn_astype(x, (tarn_dtype)s->a);
        break;
    case SPEC_TRANSPOSE:
        o = spec_transpose(s, x);
        break;
    case SPEC_SLICE:
        o = spec_slice(s, x);
        break;
    case SPEC_FLATTEN:
        o = tarn_flatten(x);
        break;
    case SPEC_RESHAPE:
        o = spec_reshape(x);
        break;
    case SPEC_SPLIT:
        return tarn_split(x, 2, out, .axis = TARN_AXIS(s->axis));
    case SPEC_BROADCAST:
        o = tarn_broadcast_like(x, y);
        break;
    case SPEC_EXPAND:
        o = tarn_expand_dims(x, TARN_AXES(s->axis));
        break;
    case SPEC_SQUEEZE:
        o = tarn_squeeze(x);
        break;
    case SPEC_VIEW:
        o = spec_view(x);
        break;
    case SPEC_REPEAT:
        o = tarn_repeat(x, 2, .axis = TARN_AXIS(s->axis));
        break;
    case SPEC_WINDOWS:
        o = spec_windows(x);
        break;
    case SPEC_SUM:
        o = tarn_sum(x, .axes = TARN_AXES(s->axis), .keepdims = s->a & 1);
        break;
    case SPEC_MEAN:
        o = tarn_mean(x, .axes = TARN_AXES(s->axis), .keepdims = s->a & 1);
        break;
    case SPEC_MAX:
        o = tarn_max(x, .axes = TARN_AXES(s->axis), .keepdims = s->a & 1);
        break;
    case SPEC_ANY:
        o = tarn_any(x);
        break;
    case SPEC_SOFTMAX:
        o = tarn_softmax(x, .axes = TARN_AXES(-1));
        break;
    case SPEC_RMS_NORM:
        o = tarn_rms_norm(x, NULL);
        break;
    case SPEC_MATMUL:
        o = spec_matmul(x, y);
        break;
    case SPEC_TAKE:
        o = tarn_ndim(x) ? tarn_take(x, spec_indices(s, tarn_dim(x, s->axis)), .axis = TARN_AXIS(s->axis)) : NULL;
        break;
    case SPEC_CONCATENATE:
        o = tarn_concatenate(TARN_ARRAYS(x, tarn_astype(y, tarn_dtype_of(x)), x), 3, .axis = TARN_AXIS(s->axis));
        break;
    case SPEC_UPDATE:
        o = spec_update(s, x, y);
        break;
    case SPEC_SCATTER:
    case SPEC_SCATTER_ADD:
        o = spec_scatter(s, x, y);
        break;
    case SPEC_SORT:
        o = tarn_sort(x, .axis = TARN_AXIS(s->axis));
        break;
    case SPEC_ARGSORT:
        o = tarn_argsort(tarn_astype(x, TARN_INT32), .axis = TARN_AXIS(s->axis));
        break;
    case SPEC_ARGMAX:
        o = tarn_argmax(x, .axis = TARN_AXIS(s->axis), .keepdims = s->a & 1);
        break;
    case SPEC_CUMSUM:
        o = tarn_cumsum(x, .axis = TARN_AXIS(s->axis), .reverse = s->a & 1);
        break;
    case SPEC_DIVMOD:
        return tarn_divmod(x, spec_number(3, x), out);
    case SPEC_QUANTIZE:
        return spec_quantize(x, out);
    case SPEC_DEPENDS:
        o = tarn_depends(x, TARN_ARRAYS(y), 1);
        break;
    case SPEC_CONTIGUOUS:
        o = tarn_contiguous(x);
        break;
    case SPEC_BLOCK:
        o = tarn_ndim(x)
                ? tarn_slice_array(x, spec_block_start(s, false), TARN_AXES(0), TARN_INTS(tarn_dim(x, 0) ? 1 : 0))
                : NULL;
        break;
    case SPEC_CHECKPOINT:
        o = spec_checkpoint(x);
        break;
    case SPEC_CUSTOM:
        o = spec_custom(x);
        break;
    case SPEC_KINDS:
        break;
    }
    out[0] = o;
    return o != NULL;
}

static inline int spec_arity(spec_kind k) {
    switch (k) {
    case SPEC_WHERE:
        return 3;
    case SPEC_ADD:
    case SPEC_SUBTRACT:
    case SPEC_MINIMUM:
    case SPEC_MAXIMUM:
    case SPEC_PRODUCT:
    case SPEC_LESS:
    case SPEC_EQUAL:
    case SPEC_BROADCAST:
    case SPEC_MATMUL:
    case SPEC_CONCATENATE:
    case SPEC_UPDATE:
    case SPEC_SCATTER:
    case SPEC_SCATTER_ADD:
    case SPEC_DEPENDS:
        return 2;
    default:
        return 1;
    }
}

static inline bool spec_makes_inexact(spec_kind k) {
    return k == SPEC_TANH || k == SPEC_MEAN || k == SPEC_SOFTMAX || k == SPEC_RMS_NORM || k == SPEC_QUANTIZE;
}
/* Small differences stay small through these. */
static inline bool spec_is_smooth(spec_kind k) {
    return k <= SPEC_MAXIMUM || k == SPEC_NEGATE || (k >= SPEC_TRANSPOSE && k <= SPEC_SUM) || k == SPEC_TAKE ||
           k == SPEC_SCATTER || k == SPEC_DEPENDS || k == SPEC_CONTIGUOUS || k == SPEC_BLOCK;
}

/* ---- the oracle: each op for itself, on copies */

static inline bool spec_store(spec_value *v, tarn_array *a) {
    v->dtype = tarn_dtype_of(a);
    v->ndim = tarn_ndim(a);
    for (int i = 0; i < v->ndim; i++) v->shape[i] = tarn_dim(a, i);
    return v->ndim <= 5 && tarn_size(a) * 8 <= SPEC_MOST_BYTES && tarn_read(a, v->data, value_bytes(v));
}

/* Whether all is finite and small enough to stay exact in every dtype that it may be converted to. */
static inline bool spec_is_tame(const spec_value *v) {
    size_t width = (size_t)tarn_dtype_bytes(v->dtype);
    for (size_t i = 0; i < value_bytes(v); i += width) {
        double d = load_double(v->data + i, v->dtype);
        if (!(d <= 120 && d >= (v->dtype == TARN_BOOL || v->dtype == TARN_UINT8 ? 0 : -120))) return false;
    }
    return true;
}

/* Evaluates step s of g at once; false if it does not fit. `fresh`: shapes may still be chosen. */
static bool spec_evaluate(spec_graph *g, spec_step *s, bool fresh) {
    TARN_SCOPE;
    tarn_array *in[3] = {NULL}, *out[2] = {NULL};
    for (int i = 0; i < s->input_count; i++) {
        const spec_value *v = &g->value[s->inputs[i]];
        in[i] = tarn_from_data(v->data, value_shape(v), v->dtype);
    }
    bool ok = spec_apply(s, in, out) && tarn_eval(out[0]);
    int count = out[1] ? 2 : 1;
    for (int i = 0; i < count && ok; i++) {
        spec_value *v = &g->value[fresh ? g->values + i : s->outputs[i]];
        ok = spec_store(v, out[i]) && (!fresh || spec_is_tame(v));
    }
    if (fresh) s->output_count = count;
    if (fresh) tarn_clear_error();
    return ok;
}

static bool spec_try(spec_graph *g) {
    spec_step *s = &g->step[g->steps];
    *s = (spec_step){.kind = (spec_kind)dice(SPEC_KINDS),
                     .axis = dice(3) - 1,
                     .a = dice(1 << 12),
                     .b = dice(1 << 12),
                     .c = dice(16)};
    if (s->kind == SPEC_ASTYPE)
        s->a = (int[]){
            TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16, TARN_FLOAT64, TARN_INT32, TARN_INT8, TARN_BOOL}[s->a % 7];
    s->input_count = spec_arity(s->kind);
    bool inexact = false;
    for (int i = 0; i < s->input_count; i++) { /* rather what was made last */
        s->inputs[i] = dice(3) ? g->values - 1 - dice(g->values < 6 ? g->values : 6) : dice(g->values);
        inexact = inexact || g->value[s->inputs[i]].inexact;
    }
    if (inexact && !spec_is_smooth(s->kind)) return false;
    if (s->kind == SPEC_BROADCAST && g->value[s->inputs[1]].inexact) return false;
    if (!spec_evaluate(g, s, true)) return false;
    tarn_dtype dtype = g->value[g->values].dtype;
    if (inexact && !(dtype >= TARN_FLOAT16 && dtype <= TARN_FLOAT64))
        return false; /* as floats written into integers */
    for (int i = 0; i < s->output_count; i++) {
        spec_value *v = &g->value[g->values];
        v->inexact = inexact || spec_makes_inexact(s->kind);
        v->last_use = -1;
        s->outputs[i] = g->values++;
    }
    for (int i = 0; i < s->input_count; i++) g->value[s->inputs[i]].last_use = g->steps;
    g->steps++;
    return true;
}

static void spec_fill_leaf(spec_value *v) {
    size_t width = (size_t)tarn_dtype_bytes(v->dtype);
    for (size_t i = 0; i < value_bytes(v); i += width)
        store_double(v->data + i, v->dtype,
                     v->dtype == TARN_BOOL    ? dice(2)
                     : v->dtype == TARN_UINT8 ? dice(8)
                                              : dice(15) - 7);
}

static void spec_make(spec_graph *g, int steps) {
    static const int64_t shapes[][3] = {{4, 6, 0}, {6, 0, 0},  {4, 1, 0}, {1, 6, 0}, {2, 4, 6},
                                        {0, 0, 0}, {2, 32, 0}, {6, 4, 0}, {6, 6, 0}};
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16, TARN_FLOAT64,
                                        TARN_INT32,   TARN_INT8,    TARN_BOOL,     TARN_UINT8};
    g->leaves = 3 + dice(4);
    g->values = g->leaves;
    g->steps = 0;
    for (int i = 0; i < g->leaves; i++) {
        spec_value *v = &g->value[i];
        const int64_t *shape = shapes[dice(sizeof shapes / sizeof *shapes)];
        v->dtype = dtypes[dice(sizeof dtypes / sizeof *dtypes)];
        v->ndim = 0;
        for (int k = 0; k < 3 && shape[k]; k++) v->shape[v->ndim++] = shape[k];
        v->inexact = false;
        v->last_use = -1;
        spec_fill_leaf(v);
    }
    for (int tries = 0; g->steps < steps && tries < steps * 30; tries++) spec_try(g);
}

/* What the graph makes of other numbers in its leaves; false where they grow too large. */
static bool spec_recompute(spec_graph *g) {
    bool tame = true;
    for (int i = 0; i < g->steps && tame; i++) tame = spec_evaluate(g, &g->step[i], false);
    for (int i = 0; i < g->values && tame; i++) tame = spec_is_tame(&g->value[i]);
    return tame;
}

#endif
