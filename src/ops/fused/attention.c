/* Scaled dot-product attention with grouped heads. Row i of the queries stands at position keys - length + i, where
   keys is what `length` gives for its batch row, else all of them; keys beyond it do not exist. Other masked keys get
   the most negative finite score, so that a row with nothing to see is the mean of the values, not NaN. Scores, softmax
   and sums are float32 for half types. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "ops/front.h"
#include "ops/fused/attention.h"
#include "ops/fused/formula.h"
#include "ops/rules.h"
#include "table/absent.h"

enum { Q, K, V, MASK, LENGTH, SINKS };

static bool refuse(const tarn_array *const *parts, const char *why) {
    static const char *const names[] = {"q ", ", k ", ", v "};
    text t = {0};
    for (int i = 0; i < 3; i++) {
        text_add(&t, names[i]);
        array_describe(parts[i], &t);
    }
    tarn_fail("attention: %s: %s", why, text_string(&t));
    text_free(&t);
    return false;
}

static const tarn_array *optional(const inference *i, int which) {
    return which < i->input_count ? i->inputs[which] : NULL;
}

static bool check_optional(const inference *i) {
    const tarn_array *q = i->inputs[Q], *mask = optional(i, MASK), *length = optional(i, LENGTH),
                     *sinks = optional(i, SINKS);
    const int64_t full[4] = {q->shape[0], q->shape[1], q->shape[2], i->inputs[K]->shape[2]};
    bool fits = !mask || mask->ndim <= 4;
    for (int k = 1; mask && k <= mask->ndim && fits; k++)
        fits = mask->shape[mask->ndim - k] == 1 || mask->shape[mask->ndim - k] == full[4 - k];
    if (!fits || (mask && dtype_kind_of(mask->dtype) != KIND_BOOL && dtype_kind_of(mask->dtype) != KIND_FLOAT))
        return tarn_fail("attention: the mask is bool or float and broadcasts to [%lld, %lld, %lld, %lld]",
                         (long long)full[0], (long long)full[1], (long long)full[2], (long long)full[3]);
    if (length && (dtype_kind_of(length->dtype) != KIND_INT || length->ndim != 1 || length->shape[0] != full[0]))
        return tarn_fail("attention: length is one integer for each of the %lld batch rows", (long long)full[0]);
    if (sinks && (sinks->ndim != 1 || sinks->shape[0] != full[1] || dtype_kind_of(sinks->dtype) != KIND_FLOAT))
        return tarn_fail("attention: sinks are [%lld] of floats", (long long)full[1]);
    return true;
}

static bool infer(inference *i) {
    const tarn_array *q = i->inputs[Q], *k = i->inputs[K], *v = i->inputs[V];
    const tarn_array *const parts[] = {q, k, v};
    const attributes_attention *a = i->attributes;
    if (q->ndim != 4 || k->ndim != 4 || v->ndim != 4) return refuse(parts, "inputs have 4 axes");
    if (dtype_kind_of(q->dtype) != KIND_FLOAT || k->dtype != q->dtype || v->dtype != q->dtype)
        return refuse(parts, "dtypes differ or are no floats");
    if (k->shape[1] != v->shape[1]) return refuse(parts, "k and v differ in n_kv_heads");
    if (k->shape[1] <= 0 || q->shape[1] % k->shape[1]) return refuse(parts, "n_heads must be a multiple of n_kv_heads");
    bool fits = k->shape[0] == q->shape[0] && v->shape[0] == q->shape[0] && k->shape[2] == v->shape[2] &&
                k->shape[3] == q->shape[3];
    if (!fits) return refuse(parts, "shapes do not go together");
    if (a->window < 0 || (a->window > 0 && !a->causal))
        return tarn_fail("attention: a window of %lld needs .causal and a positive size", (long long)a->window);
    if (!check_optional(i)) return false;
    return types_add(i, q->dtype, 4, (int64_t[]){q->shape[0], q->shape[1], q->shape[2], v->shape[3]});
}

/* [batch or 1, 1, 1, length, 1] positions of the queries and [keys] of the keys. */
typedef struct {
    tarn_array *query, *key, *count; /* count [batch, 1, 1, 1, 1], NULL without `length` */
} positions;

static positions find_positions(tarn_array *q, tarn_array *k, tarn_array *length) {
    int64_t rows = q->shape[2], keys = k->shape[2];
    positions p = {.key = tarn_arange(0, (double)keys, 1, TARN_INT32)};
    tarn_array *row = tarn_reshape(tarn_arange((double)-rows, 0, 1, TARN_INT32), TARN_SHAPE(rows, 1));
    if (length) p.count = tarn_reshape(tarn_astype(length, TARN_INT32), TARN_SHAPE(-1, 1, 1, 1, 1));
    p.query = tarn_add(row, length ? p.count : tarn_scalar_int(keys, TARN_INT32));
    return p;
}

static tarn_array *causal_mask(const attributes_attention *a, positions p) {
    tarn_array *visible = tarn_less_equal(p.key, p.query);
    if (!a->window) return visible;
    return tarn_logical_and(visible,
                            tarn_greater(p.key, tarn_subtract(p.query, tarn_scalar_int(a->window, TARN_INT32))));
}

/* The mask with the heads' axis split into kv heads and the group, as the scores have it. */
static tarn_array *grouped_mask(tarn_array *mask, int64_t kv_heads, int64_t group) {
    int64_t size[4] = {1, 1, 1, 1};
    for (int i = 1; i <= mask->ndim; i++) size[4 - i] = mask->shape[mask->ndim - i];
    bool per_head = size[1] > 1;
    int64_t shape[5] = {size[0], per_head ? kv_heads : 1, per_head ? group : 1, size[2], size[3]};
    return tarn_reshape(mask, (tarn_ints){shape, 5});
}

tarn_array *attention_lowest(tarn_array *like) {
    return tarn_scalar_like(like->dtype == TARN_FLOAT64 ? -DBL_MAX : (double)-FLT_MAX, like);
}

static tarn_array *apply_masks(const attributes_attention *a, tarn_array *const *in, tarn_array *mask,
                               tarn_array *scores, positions p) {
    int64_t kv_heads = in[K]->shape[1], group = in[Q]->shape[1] / kv_heads;
    if (a->causal) scores = tarn_where(causal_mask(a, p), scores, attention_lowest(scores));
    if (mask && mask->dtype == TARN_BOOL)
        scores = tarn_where(grouped_mask(mask, kv_heads, group), scores, attention_lowest(scores));
    else if (mask)
        scores = tarn_add(scores, tarn_astype(grouped_mask(mask, kv_heads, group), scores->dtype));
    if (scores && p.count) scores = tarn_where(tarn_less(p.key, p.count), scores, tarn_scalar_like(-INFINITY, scores));
    return scores;
}

/* softmax with one more logit a head that carries no value */
static tarn_array *softmax_with_sinks(tarn_array *scores, tarn_array *sinks) {
    if (!sinks) return tarn_softmax(scores, .axes = TARN_AXES(-1));
    const int64_t *s = scores->shape;
    tarn_array *column = tarn_reshape(tarn_astype(sinks, scores->dtype), TARN_SHAPE(1, s[1], s[2], 1, 1));
    column = tarn_broadcast_to(column, TARN_SHAPE(s[0], s[1], s[2], s[3], 1));
    return tarn_slice_axis(
        tarn_softmax(tarn_concatenate(TARN_ARRAYS(column, scores), 2, .axis = TARN_AXIS(-1)), .axes = TARN_AXES(-1)),
        -1, 1, INT64_MAX);
}

bool attention_parts_of(const attributes_attention *a, tarn_array *const *in, int count, attention_parts *parts) {
    int64_t kv_heads = in[K]->shape[1], group = in[Q]->shape[1] / kv_heads;
    positions p = find_positions(in[Q], in[K], LENGTH < count ? in[LENGTH] : NULL);
    tarn_array *q = tarn_unflatten(formula_widen(in[Q]), 1, TARN_SHAPE(kv_heads, group));
    tarn_array *k = tarn_expand_dims(formula_widen(in[K]), TARN_AXES(2)),
               *v = tarn_expand_dims(formula_widen(in[V]), TARN_AXES(2));
    if (!q || !k || !v) return false;
    if (p.count) /* what lies beyond may be NaN */
        v = tarn_where(tarn_less(tarn_expand_dims(p.key, TARN_AXES(-1)), p.count), v, tarn_scalar_like(0, v));
    q = tarn_multiply(q, tarn_scalar_like(attention_scale(a, in[Q]->shape[3]), q));
    tarn_array *scores = tarn_matmul(q, tarn_swapaxes(k, -1, -2));
    scores = scores ? apply_masks(a, in, MASK < count ? in[MASK] : NULL, scores, p) : NULL;
    tarn_array *weights = scores ? softmax_with_sinks(scores, SINKS < count ? in[SINKS] : NULL) : NULL;
    *parts = (attention_parts){q, k, v, scores, weights};
    return weights != NULL;
}

static bool formula(const node *n, tarn_array *const *in, tarn_array **outputs) {
    attention_parts p;
    if (!attention_parts_of(n->attributes, in, n->input_count, &p)) return false;
    outputs[0] = formula_narrow(
        tarn_flatten(tarn_matmul(p.weights, p.v), .start_axis = TARN_AXIS(1), .end_axis = TARN_AXIS(2)), in[Q]->dtype);
    return outputs[0] != NULL;
}

/* Integers as x's dtype: of a mask, or of sinks. */
static tarn_array *as_float(tarn_array *part, const tarn_array *x) {
    return part && dtype_kind_of(part->dtype) == KIND_INT ? formula_narrow(part, x->dtype) : part;
}

/* q, k and v take their common dtype. */
tarn_array *tarn_attention_with(tarn_array *q, tarn_array *k, tarn_array *v, tarn_attention_options o) {
    FRONT("attention");
    REQUIRE(q, k, v);
    attributes_attention a = attributes_attention_default;
    a.causal = o.causal;
    a.window = o.window;
    if (o.scale.given) a.scale = o.scale.value;
    tarn_dtype dtype = dtype_promote(dtype_promote(q->dtype, k->dtype), v->dtype);
    q = formula_narrow(q, dtype), k = formula_narrow(k, dtype), v = formula_narrow(v, dtype);
    return q ? BUILD(attention, &a, q, k, v, as_float(o.mask, q), o.length, as_float(o.sinks, q)) : NULL;
}

const op_rules rules_attention = {.infer = infer, .vjp = vjp_attention, .formula = formula, .vmap = vmap_attention};
