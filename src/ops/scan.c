/* What runs along an axis: sums, products, extremes and log(sum(exp)) so far, differences of neighbours. */
#include "ops/front.h"
#include "ops/rules.h"

/* Small integers keep their dtype, as in MLX; a sum of bool is a number. */
static tarn_dtype scanned_dtype(reduce_kind kind, tarn_dtype dtype) {
    return kind == REDUCE_SUM && dtype == TARN_BOOL ? TARN_INT32 : dtype;
}

static bool infer_scan(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_scan *a = i->attributes;
    int axis;
    bool is_float = dtype_kind_of(x->dtype) >= KIND_FLOAT;
    if (a->kind == REDUCE_ALL || a->kind == REDUCE_ANY || (a->kind == REDUCE_LOGADDEXP && !is_float))
        return tarn_fail("scan: there is no running %s of %s", names_reduce_kind.words[a->kind],
                         dtype_facts[x->dtype].name);
    if (!check_axis("scan", a->axis, x->ndim, &axis)) return false;
    return types_add(i, scanned_dtype((reduce_kind)a->kind, x->dtype), x->ndim, x->shape);
}

static tarn_array *scan(tarn_array *x, reduce_kind kind, tarn_scan_options o) {
    attributes_scan a = {.kind = kind, .axis = axis_or(o.axis, 0), .reverse = o.reverse, .exclusive = o.exclusive};
    return BUILD(scan, &a, flat_unless(o.axis, x));
}

#define SCAN(name, kind)                                                                                               \
    tarn_array *tarn_##name##_with(tarn_array *x, tarn_scan_options o) {                                               \
        FRONT(#name);                                                                                                  \
        return scan(x, kind, o);                                                                                       \
    }
SCAN(cumsum, REDUCE_SUM)
SCAN(cumprod, REDUCE_PROD)
SCAN(cummax, REDUCE_MAX)
SCAN(cummin, REDUCE_MIN)

tarn_array *tarn_logcumsumexp_with(tarn_array *x, tarn_scan_options o) {
    FRONT("logcumsumexp");
    REQUIRE(x);
    return scan(dtype_kind_of(x->dtype) < KIND_FLOAT ? tarn_astype(x, TARN_FLOAT32) : x, REDUCE_LOGADDEXP, o);
}

tarn_array *tarn_diff_with(tarn_array *x, int64_t n, tarn_axis_options o) {
    FRONT("diff");
    REQUIRE(x);
    int axis;
    if (n < 0) return tarn_fail("diff: %lld times", (long long)n), NULL;
    if (!check_axis("diff", axis_or(o.axis, -1), x->ndim, &axis)) return NULL;
    for (int64_t i = 0; x && i < n && (i == 0 || x->shape[axis] > 0); i++)
        x = tarn_subtract(tarn_slice_axis(x, axis, 1, INT64_MAX), tarn_slice_axis(x, axis, 0, -1));
    return x;
}

const op_rules rules_scan = {.infer = infer_scan, .vjp = vjp_scan, .vmap = vmap_scan};
