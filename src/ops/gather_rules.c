/* Gradients and batching of gather and scatter. */
#include <string.h>

#include "ops/batch.h"
#include "ops/gather.h"
#include "ops/rules.h"

static bool no_index_wanted(const node *n, const bool *wanted, int first) {
    for (int i = first; i < n->input_count; i++)
        if (wanted[i]) return no_gradient_of(n, i, "an index");
    return true;
}

/* ---- gradients */

bool vjp_gather(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    selection s = selection_of(n);
    if (!no_index_wanted(n, wanted, 1)) return false;
    gradients[0] = scatter_selected(zeros_view(cotangents[0], n->inputs[0]), cotangents[0], &s, TARN_SCATTER_ADD);
    return tarn_ok();
}

/* Of several updates of one place the last one stands: where this is it. The numbers of the updates are written and
   read back, on an x that has only the axes that are indexed. */
static tarn_array *winners(const node *n, const selection *s) {
    tarn_array *x = n->inputs[0], *updates = n->inputs[1];
    selection_type t;
    int64_t shape[TARN_MAX_NDIM], ones[TARN_MAX_NDIM], count = 1;
    if (!selection_infer("scatter", x, s, &t)) return NULL;
    for (int i = 0; i < x->ndim; i++) shape[i] = t.replaced[i] ? x->shape[i] : 1;
    for (int i = 0; i < updates->ndim; i++) {
        ones[i] = i >= t.place && i < t.place + t.index_ndim ? updates->shape[i] : 1;
        count *= ones[i];
    }
    tarn_array *numbers = tarn_reshape(tarn_arange(0, (double)count, 1, TARN_INT64), (tarn_ints){ones, updates->ndim});
    tarn_array *written =
        scatter_selected(tarn_full((tarn_ints){shape, x->ndim}, -1, TARN_INT64), numbers, s, TARN_SCATTER_SET);
    return tarn_equal(numbers, gather_selected(written, s));
}

static bool vjp_set(const node *n, tarn_array *g, const selection *s, const bool *wanted, tarn_array **gradients) {
    if (wanted[0]) gradients[0] = scatter_selected(g, zeros_view(g, n->inputs[1]), s, TARN_SCATTER_SET);
    if (wanted[1]) gradients[1] = tarn_where(winners(n, s), gather_selected(g, s), tarn_scalar_like(0, g));
    return tarn_ok();
}

static bool vjp_add(tarn_array *g, const selection *s, const bool *wanted, tarn_array **gradients) {
    if (wanted[0]) gradients[0] = g;
    if (wanted[1]) gradients[1] = gather_selected(g, s);
    return tarn_ok();
}

static tarn_array *is_zero(tarn_array *a) {
    return tarn_equal(a, tarn_scalar_like(0, a));
}
static tarn_array *one_for_zero(tarn_array *a) {
    return tarn_where(is_zero(a), tarn_scalar_like(1, a), a);
}

/* The product of x and the other updates of each update's place: that of all but zeros, divided, or zero if another one
 * is. */
static tarn_array *product_of_others(tarn_array *x, tarn_array *updates, const selection *s) {
    tarn_array *product =
        gather_selected(scatter_selected(one_for_zero(x), one_for_zero(updates), s, TARN_SCATTER_MULTIPLY), s);
    tarn_array *own = tarn_astype(is_zero(updates), TARN_INT32);
    tarn_array *zeros =
        gather_selected(scatter_selected(tarn_astype(is_zero(x), TARN_INT32), own, s, TARN_SCATTER_ADD), s);
    return tarn_where(tarn_equal(zeros, own), tarn_divide(product, one_for_zero(updates)),
                      tarn_scalar_like(0, product));
}

static bool vjp_multiply(const node *n, tarn_array *g, const selection *s, const bool *wanted, tarn_array **gradients) {
    tarn_array *x = n->inputs[0], *updates = n->inputs[1];
    if (wanted[0]) gradients[0] = scatter_selected(g, tarn_conjugate(updates), s, TARN_SCATTER_MULTIPLY);
    if (wanted[1])
        gradients[1] = tarn_multiply(gather_selected(g, s), tarn_conjugate(product_of_others(x, updates, s)));
    return tarn_ok();
}

/* Whether a is what stands in the result, a NaN too. */
static tarn_array *stands(tarn_array *a, tarn_array *result) {
    return tarn_logical_or(tarn_equal(a, result), tarn_isnan(a));
}

/* As in a reduction, the largest (smallest) share the gradient. */
static bool vjp_extreme(node *n, tarn_array *g, const selection *s, const bool *wanted, tarn_array **gradients) {
    tarn_array *out = &n->outputs[0], *of_x = stands(n->inputs[0], out),
               *of_updates = stands(n->inputs[1], gather_selected(out, s));
    tarn_array *count =
        scatter_selected(tarn_astype(of_x, TARN_INT32), tarn_astype(of_updates, TARN_INT32), s, TARN_SCATTER_ADD);
    if (!count || !g) return false;
    tarn_array *share = tarn_divide(g, tarn_astype(count, g->dtype)), *none = tarn_scalar_like(0, g);
    if (wanted[0]) gradients[0] = tarn_where(of_x, share, none);
    if (wanted[1]) gradients[1] = tarn_where(of_updates, gather_selected(share, s), none);
    return tarn_ok();
}

bool vjp_scatter(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    selection s = selection_of(n);
    if (!no_index_wanted(n, wanted, 2)) return false;
    switch ((tarn_scatter_mode)((const attributes_scatter *)n->attributes)->mode) {
    case TARN_SCATTER_SET:
        return vjp_set(n, cotangents[0], &s, wanted, gradients);
    case TARN_SCATTER_ADD:
        return vjp_add(cotangents[0], &s, wanted, gradients);
    case TARN_SCATTER_MULTIPLY:
        return vjp_multiply(n, cotangents[0], &s, wanted, gradients);
    case TARN_SCATTER_MAX:
    case TARN_SCATTER_MIN:
        break;
    }
    return vjp_extreme(n, cotangents[0], &s, wanted, gradients);
}

/* ---- batches. Where x and indices both have one, it is one more axis of `batch`. */

typedef struct {
    selection selection;
    selection_type type; /* of one example */
    tarn_array *indices[TARN_MAX_NDIM];
    int64_t axes[TARN_MAX_NDIM + 1], batch[TARN_MAX_NDIM + 1];
    bool indexed; /* the indices have a batch */
} batched_selection;

/* The axes of x one further on. */
static void shift_axes(const node *n, batched_selection *b) {
    selection *s = &b->selection;
    int ndim = n->inputs[0]->ndim;
    s->axes = batch_axes(s->axes, ndim, b->axes);
    b->batch[0] = 0;
    s->batch = (tarn_ints){b->batch, batch_axes(s->batch, ndim, b->batch + 1).count + 1};
}

/* The node's selection with the batch of the indices in front of their axes. x_axis: where x has its batch. */
static bool batched_indices(const node *n, tarn_array *const *indices, const int *axes, batched_selection *b) {
    b->selection = selection_of(n);
    b->indexed = false;
    if (!selection_infer(op_name(n->op), n->inputs[0], &b->selection, &b->type)) return false;
    for (int k = 0; k < b->selection.count; k++) {
        b->indexed = b->indexed || axes[k] >= 0;
        b->indices[k] = batch_align(indices[k], axes[k], b->type.index_ndim);
        if (!b->indices[k]) return false;
    }
    b->selection.indices = b->indices;
    return true;
}

/* x and the indices have the batch, as its examples meet it: an index array without one is repeated if none has it. */
static bool join_batches(const node *n, int64_t size, batched_selection *b) {
    int64_t shape[TARN_MAX_NDIM + 1] = {size};
    if (!b->indexed) {
        int ndim = b->type.index_ndim;
        for (int i = 0; i < ndim; i++) shape[i + 1] = b->type.picked.shape[b->type.place + i];
        b->indices[0] = tarn_broadcast_to(b->indices[0], (tarn_ints){shape, ndim + 1});
    }
    shift_axes(n, b);
    return b->indices[0] != NULL;
}

/* Axes [batch, indices, before, after] of what is selected put in an example's order [batch, before, indices, after],
 * or back. */
static tarn_array *turn_axes(tarn_array *a, const selection_type *t, bool back) {
    int64_t order[TARN_MAX_NDIM];
    int first = back ? t->place : t->index_ndim, second = back ? t->index_ndim : t->place, place = 1;
    if (!a || t->place == 0) return a; /* also more axes than order has room for, perhaps */
    order[0] = 0;
    for (int i = 0; i < second; i++) order[place++] = 1 + first + i;
    for (int i = 0; i < first; i++) order[place++] = 1 + i;
    for (; place < a->ndim; place++) order[place] = place;
    return tarn_transpose(a, .axes = {order, a->ndim});
}

bool vmap_gather(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    batched_selection b;
    int64_t size = batch_size(inputs, axes, n->input_count);
    if (!batched_indices(n, inputs + 1, axes + 1, &b)) return false;
    bool apart = b.selection.batch.count == 0;
    if (apart && axes[0] < 0)
        return batch_result(gather_selected(inputs[0], &b.selection), b.type.place, outputs, output_axes);
    if (apart && !b.indexed) {
        b.selection.axes = batch_axes(b.selection.axes, n->inputs[0]->ndim, b.axes);
        return batch_result(gather_selected(batch_front(inputs[0], axes[0]), &b.selection), 0, outputs, output_axes);
    }
    tarn_array *x = batch_whole(inputs[0], axes[0], size);
    tarn_array *out = join_batches(n, size, &b) ? gather_selected(x, &b.selection) : NULL;
    return batch_result(turn_axes(out, &b.type, false), 0, outputs, output_axes);
}

bool vmap_scatter(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_scatter_mode mode = (tarn_scatter_mode)((const attributes_scatter *)n->attributes)->mode;
    batched_selection b;
    int64_t size = batch_size(inputs, axes, n->input_count);
    tarn_array *x = batch_whole(inputs[0], axes[0], size), *updates = batch_whole(inputs[1], axes[1], size);
    if (!batched_indices(n, inputs + 2, axes + 2, &b)) return false;
    if (!b.indexed && b.selection.batch.count == 0) {
        b.selection.axes = batch_axes(b.selection.axes, n->inputs[0]->ndim, b.axes);
    } else {
        if (!join_batches(n, size, &b)) return false;
        updates = turn_axes(updates, &b.type, true);
    }
    return batch_result(scatter_selected(x, updates, &b.selection, mode), 0, outputs, output_axes);
}
