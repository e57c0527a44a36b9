/* Places in sorted arrays, and distinct elements. */
#include <string.h>

#include "ops/batch.h"
#include "ops/front.h"
#include "ops/rules.h"

/* sorted [batch ..., n], values [batch ..., ...] */
static bool infer_searchsorted(inference *i) {
    const tarn_array *sorted = i->inputs[0], *values = i->inputs[1];
    int batch = sorted->ndim - 1;
    bool fits = batch >= 0 && values->ndim >= batch && sorted->dtype == values->dtype;
    for (int k = 0; k < batch && fits; k++) fits = sorted->shape[k] == values->shape[k];
    if (!fits) return fail_shapes(sorted, " and ", values, "searchsorted: these do not go together");
    if (sorted->shape[batch] > UINT32_MAX) return tarn_fail("searchsorted: more than 2^32 elements");
    return types_add(i, TARN_UINT32, values->ndim, values->shape);
}

tarn_array *tarn_searchsorted_with(tarn_array *sorted, tarn_array *values, tarn_searchsorted_options o) {
    FRONT("searchsorted");
    REQUIRE(sorted, values);
    if (sorted->ndim != 1) return tarn_fail("searchsorted: the sorted array has %d axes, not 1", sorted->ndim), NULL;
    tarn_dtype dtype = dtype_promote(sorted->dtype, values->dtype);
    attributes_searchsorted a = {.right = o.right};
    return BUILD(searchsorted, &a, tarn_astype(sorted, dtype), tarn_astype(values, dtype));
}

bool vmap_searchsorted(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t size = batch_size(inputs, axes, 2);
    bool shared = axes[0] < 0 && inputs[0]->ndim == 1; /* values of all examples in one array */
    tarn_array *sorted = shared ? inputs[0] : batch_whole(inputs[0], axes[0], size);
    return batch_result(BUILD(searchsorted, n->attributes, sorted, batch_whole(inputs[1], axes[1], size)), 0, outputs,
                        output_axes);
}

const op_rules rules_searchsorted = {.infer = infer_searchsorted, .vmap = vmap_searchsorted, .passes = passes_none};

/* ---- distinct elements: of x in order, those that differ from the one before; each has the number of the run it is in
 */

typedef struct {
    tarn_array *order, *sorted; /* uint32 [n], [n] */
    tarn_array *first;          /* bool [n]: whether a run begins here */
    tarn_array *run;            /* int32 [n]: which */
} runs;

static bool find_runs(tarn_array *x, runs *r) {
    tarn_array *flat = tarn_flatten(x);
    r->order = tarn_argsort(flat);
    r->sorted = tarn_take_along_axis(flat, r->order, .axis = TARN_AXIS(0));
    tarn_array *begins = tarn_ones_like(tarn_not_equal(tarn_slice_axis(r->sorted, 0, 0, 1), tarn_scalar_like(0, x)));
    tarn_array *differ =
        tarn_not_equal(tarn_slice_axis(r->sorted, 0, 1, INT64_MAX), tarn_slice_axis(r->sorted, 0, 0, -1));
    r->first = tarn_concatenate(TARN_ARRAYS(begins, differ), 2);
    r->run = tarn_subtract(tarn_cumsum(r->first, .axis = TARN_AXIS(0)), tarn_scalar_int(1, TARN_INT32));
    return r->run != NULL;
}

/* [size]: `otherwise`, with what stands at the beginning of each run put in the run's place. */
static tarn_array *at_runs(const runs *r, tarn_array *otherwise, tarn_array *what) {
    tarn_array *outside = tarn_scalar_int(INT32_MAX, TARN_INT32); /* dropped */
    return tarn_scatter(otherwise, tarn_where(r->first, r->run, outside), what, .axis = TARN_AXIS(0));
}

static tarn_array *filled(tarn_array *value, int64_t size) {
    return tarn_contiguous(tarn_broadcast_to(value, TARN_SHAPE(size)));
}

bool tarn_unique_with(tarn_array *x, int64_t size, tarn_unique_result *result, tarn_unique_options o) {
    FRONT("unique");
    REQUIRE(x);
    runs r;
    bool empty = array_size(x) == 0;
    if (!result || size < 0) return tarn_fail("unique: %lld elements%s", (long long)size, result ? "" : " at NULL");
    if (empty && size > 0 && !o.fill) return tarn_fail("unique: x is empty, and there is nothing to fill with");
    if (!find_runs(x, &r)) return false;
    tarn_array *fill = o.fill  ? tarn_reshape(tarn_astype(o.fill, x->dtype), TARN_0D)
                       : empty ? tarn_scalar_like(0, x)
                               : tarn_squeeze(tarn_slice_axis(r.sorted, 0, 0, 1));
    tarn_array *zero = filled(tarn_scalar_int(0, TARN_UINT32), size), *one = tarn_scalar_int(1, TARN_INT32);
    tarn_array *run = tarn_minimum(r.run, tarn_scalar_int(size > 0 ? size - 1 : 0, TARN_INT32));
    result->values = at_runs(&r, filled(fill, size), r.sorted);
    tarn_array *smallest = empty ? tarn_scalar_int(0, TARN_UINT32) : tarn_squeeze(tarn_slice_axis(r.order, 0, 0, 1));
    result->index = at_runs(&r, filled(smallest, size), r.order);
    result->counts =
        tarn_scatter_add(tarn_astype(zero, TARN_INT32), r.run, tarn_broadcast_like(one, r.run), .axis = TARN_AXIS(0));
    tarn_array *inverse =
        tarn_put_along_axis(tarn_zeros_like(r.order), r.order, tarn_astype(run, TARN_UINT32), .axis = TARN_AXIS(0));
    result->inverse = tarn_reshape_like(inverse, x);
    return tarn_ok();
}
