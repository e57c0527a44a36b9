/* A sum of products of one or two arrays whose axes have labels: what einsum, tensordot, inner and kron are made of.
   What can be summed alone is; what both share becomes a matrix product whose leading axes are the labels that stay. */
#include <string.h>

#include "ops/fused/formula.h"
#include "ops/reduce.h"

/* An array and the labels of its axes. */
typedef struct {
    tarn_array *array;
    int count;
    int64_t labels[TARN_MAX_NDIM];
} labelled;

typedef struct {
    int count;
    int64_t labels[TARN_MAX_NDIM];
} label_list;

static int place_of(const int64_t *labels, int64_t count, int64_t label) {
    for (int i = 0; i < count; i++)
        if (labels[i] == label) return i;
    return -1;
}

static bool in_list(tarn_ints list, int64_t label) {
    return place_of(list.values, list.count, label) >= 0;
}

/* ---- the shape */

/* The size that a label has so far, in result or among those that are summed; sizes of 1 widen. */
typedef struct {
    int count;
    int64_t labels[2 * TARN_MAX_NDIM], sizes[2 * TARN_MAX_NDIM];
} label_sizes;

static bool add_sizes(label_sizes *s, const tarn_array *x, tarn_ints labels) {
    if (labels.count != x->ndim)
        return tarn_fail("einsum: %lld labels for an array of %d axes", (long long)labels.count, x->ndim);
    for (int i = 0; i < x->ndim; i++) {
        int at = place_of(s->labels, s->count, labels.values[i]);
        int same = place_of(labels.values, i, labels.values[i]);
        if (same >= 0 && x->shape[same] != x->shape[i])
            return fail_shapes(x, NULL, NULL, "einsum: axes %d and %d have one label and two sizes", same, i);
        if (at < 0) {
            at = s->count++;
            s->labels[at] = labels.values[i];
            s->sizes[at] = 1;
        }
        if (s->sizes[at] != x->shape[i] && s->sizes[at] != 1 && x->shape[i] != 1)
            return fail_shapes(x, NULL, NULL, "einsum: axis %d meets one of %lld elements", i, (long long)s->sizes[at]);
        if (x->shape[i] != 1) s->sizes[at] = x->shape[i];
    }
    return true;
}

/* The dtype that an input enters the product with. */
static tarn_dtype entered(const tarn_array *x, tarn_ints labels, tarn_ints other, tarn_ints result) {
    for (int i = 0; i < x->ndim; i++)
        if (!in_list(result, labels.values[i]) && !in_list(other, labels.values[i]))
            return reduced_dtype(REDUCE_SUM, x->dtype);
    return x->dtype;
}

static bool shares_sums(const attributes_einsum *a) {
    for (int64_t i = 0; i < a->left.count; i++)
        if (in_list(a->right, a->left.values[i]) && !in_list(a->result, a->left.values[i])) return true;
    return false;
}

static bool result_dtype(const inference *i, tarn_dtype *dtype) {
    const attributes_einsum *a = i->attributes;
    const tarn_array *x = i->inputs[0], *y = i->input_count > 1 ? i->inputs[1] : NULL;
    *dtype = entered(x, a->left, a->right, a->result);
    if (y) *dtype = dtype_promote(*dtype, entered(y, a->right, a->left, a->result));
    if (!y || !shares_sums(a) || dtype_kind_of(*dtype) >= KIND_FLOAT) return true;
    return tarn_fail_kind(TARN_ERROR_TYPE, "einsum: products of %s are not summed", dtype_facts[*dtype].name);
}

static bool infer(inference *i) {
    const attributes_einsum *a = i->attributes;
    label_sizes sizes = {0};
    int64_t shape[TARN_MAX_NDIM];
    tarn_dtype dtype;
    if (a->result.count > TARN_MAX_NDIM) return tarn_fail("einsum: the result has more than %d axes", TARN_MAX_NDIM);
    if (!add_sizes(&sizes, i->inputs[0], a->left)) return false;
    if (i->input_count > 1 && i->inputs[1] && !add_sizes(&sizes, i->inputs[1], a->right)) return false;
    for (int k = 0; k < a->result.count; k++) {
        int at = place_of(sizes.labels, sizes.count, a->result.values[k]);
        if (at < 0) return tarn_fail("einsum: a label of the result is in no input");
        if (place_of(a->result.values, k, a->result.values[k]) >= 0)
            return tarn_fail("einsum: a label is in the result twice");
        shape[k] = sizes.sizes[at];
    }
    return result_dtype(i, &dtype) && types_add(i, dtype, (int)a->result.count, shape);
}

/* ---- one array at a time */

static void remove_label(labelled *l, int place) {
    l->count--;
    for (int i = place; i < l->count; i++) l->labels[i] = l->labels[i + 1];
}

/* Axes with the same label become one, the diagonal of both. */
static void take_diagonals(labelled *l) {
    for (int i = 1; i < l->count && l->array; i++) {
        int first = place_of(l->labels, i, l->labels[i]);
        if (first < 0) continue;
        tarn_array *places = tarn_arange(0, (double)l->array->shape[i], 1, TARN_INT64);
        l->array = tarn_gather(l->array, TARN_ARRAYS(places, places), 2, TARN_AXES(first, i));
        remove_label(l, i--);
    }
}

/* Sums over the axes that are in neither list. */
static void sum_alone(labelled *l, tarn_ints other, tarn_ints result) {
    int64_t axes[TARN_MAX_NDIM], count = 0;
    for (int i = 0; i < l->count; i++)
        if (!in_list(other, l->labels[i]) && !in_list(result, l->labels[i])) axes[count++] = i;
    if (count) l->array = tarn_sum(l->array, .axes = {axes, count});
    while (count > 0) remove_label(l, (int)axes[--count]);
}

/* x transposed to the order of a list, in which each of its labels is; with axes of size 1 for labels that it lacks if
   `all`. */
static tarn_array *ordered(const labelled *l, label_list order, bool all) {
    int64_t axes[TARN_MAX_NDIM], missing[TARN_MAX_NDIM];
    int count = 0, lacking = 0;
    for (int i = 0; i < order.count; i++) {
        int at = place_of(l->labels, l->count, order.labels[i]);
        if (at >= 0)
            axes[count++] = at;
        else
            missing[lacking++] = i;
    }
    bool same = true;
    for (int i = 0; i < count; i++) same = same && axes[i] == i;
    tarn_array *x = same ? l->array : tarn_transpose(l->array, .axes = {axes, count});
    return all && lacking ? tarn_expand_dims(x, (tarn_ints){missing, lacking}) : x;
}

/* ---- two arrays */

/* A label that both have and that is summed, of size 1 in one of them only: the other is summed by itself. */
static void sum_broadcast(labelled *a, labelled *b, tarn_ints result) {
    for (int i = 0; i < a->count && a->array && b->array; i++) {
        int j = place_of(b->labels, b->count, a->labels[i]);
        if (j < 0 || in_list(result, a->labels[i]) || a->array->shape[i] == b->array->shape[j]) continue;
        a->array = tarn_sum(a->array, .axes = TARN_AXES(i)); /* of one element: the element */
        b->array = tarn_sum(b->array, .axes = TARN_AXES(j));
        remove_label(a, i--);
        remove_label(b, j);
    }
}

typedef struct {
    label_list batch, left, right, summed;
} label_roles;

static void add_label(label_list *list, int64_t label) {
    list->labels[list->count++] = label;
}

static label_roles roles_of(const labelled *a, const labelled *b, tarn_ints result) {
    label_roles r = {0};
    for (int64_t i = 0; i < result.count; i++) {
        int64_t label = result.values[i];
        bool left = place_of(a->labels, a->count, label) >= 0, right = place_of(b->labels, b->count, label) >= 0;
        add_label(left && right ? &r.batch : left ? &r.left : &r.right, label);
    }
    for (int i = 0; i < a->count; i++)
        if (!in_list(result, a->labels[i])) add_label(&r.summed, a->labels[i]);
    return r;
}

static label_list joined(label_list a, label_list b, label_list c) {
    label_list all = {0};
    const label_list *lists[] = {&a, &b, &c};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < lists[k]->count; i++) add_label(&all, lists[k]->labels[i]);
    return all;
}

/* x [batch ..., first ..., second ...] as [batch ..., rows, columns]. */
static tarn_array *as_matrix(tarn_array *x, int batch, int first) {
    int64_t shape[TARN_MAX_NDIM + 2];
    for (int i = 0; x && i < batch; i++) shape[i] = x->shape[i];
    shape[batch] = shape[batch + 1] = 1;
    for (int i = batch; x && i < x->ndim; i++) shape[batch + (i >= batch + first)] *= x->shape[i];
    return x ? tarn_reshape(x, (tarn_ints){shape, batch + 2}) : NULL;
}

/* out [batch ..., rows, columns] with the axes that rows and columns were made of. */
static tarn_array *as_axes(tarn_array *out, const tarn_array *left, const tarn_array *right, const label_roles *r) {
    int64_t shape[2 * TARN_MAX_NDIM];
    int batch = r->batch.count, count = 0;
    for (int i = 0; out && i < batch; i++) shape[count++] = out->shape[i];
    for (int i = 0; i < r->left.count; i++) shape[count++] = left->shape[batch + i];
    for (int i = 0; i < r->right.count; i++) shape[count++] = right->shape[batch + r->summed.count + i];
    return out ? tarn_reshape(out, (tarn_ints){shape, count}) : NULL;
}

static label_list list_of(tarn_ints labels) {
    label_list l = {.count = (int)labels.count};
    if (labels.count) memcpy(l.labels, labels.values, (size_t)labels.count * sizeof *l.labels);
    return l;
}

static tarn_array *multiply(const labelled *a, const labelled *b, tarn_ints result) {
    label_roles r = roles_of(a, b, result);
    label_list order = list_of(result), now = joined(r.batch, r.left, r.right);
    if (r.summed.count == 0) return tarn_multiply(ordered(a, order, true), ordered(b, order, true));
    tarn_array *left = ordered(a, joined(r.batch, r.left, r.summed), false),
               *right = ordered(b, joined(r.batch, r.summed, r.right), false);
    if (!left || !right) return NULL;
    labelled out = {.count = now.count};
    memcpy(out.labels, now.labels, sizeof out.labels);
    out.array = as_axes(
        tarn_matmul(as_matrix(left, r.batch.count, r.left.count), as_matrix(right, r.batch.count, r.summed.count)),
        left, right, &r);
    return out.array ? ordered(&out, order, false) : NULL;
}

/* Diagonals, and sums over what only this input has. */
static labelled prepared(tarn_array *x, tarn_ints labels, tarn_ints other, tarn_ints result) {
    labelled l = {.array = x, .count = (int)labels.count};
    if (labels.count) memcpy(l.labels, labels.values, (size_t)labels.count * sizeof *l.labels);
    take_diagonals(&l);
    sum_alone(&l, other, result);
    return l;
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_einsum *a = n->attributes;
    labelled x = prepared(inputs[0], a->left, a->right, a->result), y;
    if (n->input_count > 1) {
        y = prepared(inputs[1], a->right, a->left, a->result);
        sum_broadcast(&x, &y, a->result);
        outputs[0] = x.array && y.array ? multiply(&x, &y, a->result) : NULL;
    } else if (x.array) {
        outputs[0] = ordered(&x, list_of(a->result), false);
    }
    outputs[0] = formula_narrow(outputs[0], n->outputs[0].dtype);
    return outputs[0] != NULL;
}

const op_rules rules_einsum = {.infer = infer, .formula = formula};
