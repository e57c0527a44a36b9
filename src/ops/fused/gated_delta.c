/* The gated delta rule (Yang, Kautz and Hatamizadeh, 2024): a state of associations decays, is corrected by each key
   and value, and is read by each query. Said in other ops, a step after the other, which carry gradients and batches.
 */
#include "base/memory.h"
#include "ops/front.h"

typedef struct {
    tarn_array *q, *k, *v, *gamma, *beta, *mask;
    int64_t repeats;  /* value heads for each head of q and k */
    tarn_dtype dtype; /* of the state: float64 if v is, else float32 */
} parts;

/* Step t of x [batch, length, ...], in the dtype of the state. */
static tarn_array *step_of(const parts *p, tarn_array *x, int64_t t) {
    return tarn_astype(tarn_squeeze(tarn_slice_axis(x, 1, t, t + 1), .axes = TARN_AXES(1)), p->dtype);
}

static tarn_array *heads_of(const parts *p, tarn_array *x, int64_t t) {
    return tarn_repeat(step_of(p, x, t), p->repeats, .axis = TARN_AXIS(1));
}

/* What the state [batch, heads, value dim, dim] has for x [batch, heads, dim]. */
static tarn_array *read_state(tarn_array *state, tarn_array *x) {
    return tarn_sum(tarn_multiply(state, tarn_expand_dims(x, TARN_AXES(-2))), .axes = TARN_AXES(-1));
}

/* y where the mask [batch, length] is true at t, else z. */
static tarn_array *chosen(tarn_array *mask, int64_t t, tarn_array *y, tarn_array *z) {
    if (!mask) return y;
    tarn_array *row = tarn_squeeze(tarn_slice_axis(mask, 1, t, t + 1), .axes = TARN_AXES(1));
    while (row && row->ndim < y->ndim) row = tarn_expand_dims(row, TARN_AXES(-1));
    return tarn_where(row, y, z);
}

static tarn_array *step(const parts *p, int64_t t, tarn_array **state) {
    tarn_array *k = heads_of(p, p->k, t);
    tarn_array *decay = tarn_expand_dims(step_of(p, p->gamma, t), TARN_AXES(-1, -2));
    tarn_array *decayed = tarn_multiply(*state, decay);
    tarn_array *missing = tarn_subtract(step_of(p, p->v, t), read_state(decayed, k));
    tarn_array *delta = tarn_multiply(missing, tarn_expand_dims(step_of(p, p->beta, t), TARN_AXES(-1)));
    tarn_array *correction = tarn_multiply(tarn_expand_dims(delta, TARN_AXES(-1)), tarn_expand_dims(k, TARN_AXES(-2)));
    tarn_array *next = tarn_add(decayed, correction), *y = read_state(next, heads_of(p, p->q, t));
    if (!next || !y) return NULL;
    *state = chosen(p->mask, t, next, *state);
    return chosen(p->mask, t, y, tarn_zeros_like(y));
}

static bool check(const parts *p) {
    bool good = p->q->ndim == 4 && p->k->ndim == 4 && p->v->ndim == 4 && p->gamma->ndim == 3 && p->beta->ndim == 3;
    good = good && p->k->shape[2] > 0 && p->v->shape[2] % p->k->shape[2] == 0 && p->q->shape[2] == p->k->shape[2];
    for (int i = 0; good && i < 2; i++)
        good = p->q->shape[i] == p->v->shape[i] && p->k->shape[i] == p->v->shape[i] &&
               p->gamma->shape[i] == p->v->shape[i] && p->beta->shape[i] == p->v->shape[i];
    good = good && (!p->mask || p->mask->ndim == 2);
    return good || tarn_fail("gated_delta_update: q and k must be [batch, length, heads, dim], v [batch, length, value "
                             "heads, value dim] with a multiple of those heads, gamma and beta [batch, length, value "
                             "heads], a mask [batch, length]");
}

/* Zeros in the shape of the first step's correction, which a replay over other heads has as well. */
static tarn_array *zero_state(const parts *p) {
    const int64_t *v = p->v->shape;
    if (v[1] == 0) return tarn_zeros(TARN_SHAPE(v[0], v[2], v[3], p->k->shape[3]), p->dtype);
    return tarn_zeros_like(tarn_multiply(tarn_expand_dims(step_of(p, p->v, 0), TARN_AXES(-1)),
                                         tarn_expand_dims(heads_of(p, p->k, 0), TARN_AXES(-2))));
}

static tarn_array *all_steps(const parts *p, tarn_array **state) {
    int64_t length = p->v->shape[1];
    if (length > INT32_MAX) return tarn_fail("gated_delta_update: a length of %lld", (long long)length), NULL;
    if (length == 0) return tarn_zeros(array_shape(p->v), p->v->dtype);
    tarn_array **outputs = NEW_ARRAY(tarn_array *, (size_t)length), *joined = NULL;
    bool good = outputs != NULL;
    for (int64_t t = 0; good && t < length; t++) good = (outputs[t] = step(p, t, state)) != NULL;
    if (good) joined = tarn_astype(tarn_stack(outputs, (int)length, .axis = TARN_AXIS(1)), p->v->dtype);
    memory_free(outputs);
    return joined;
}

bool tarn_gated_delta_update(tarn_array *q, tarn_array *k, tarn_array *v, tarn_array *gamma, tarn_array *beta,
                             tarn_array *state_before, tarn_array *mask, tarn_array *out[2]) {
    FRONT("gated_delta_update");
    REQUIRE(q, k, v, gamma, beta);
    if (!out) return tarn_fail("gated_delta_update: the list of results is NULL");
    parts p = {q, k, v, gamma, beta, mask, 1, v->dtype == TARN_FLOAT64 ? TARN_FLOAT64 : TARN_FLOAT32};
    if (!check(&p)) return false;
    p.repeats = v->shape[2] / k->shape[2];
    tarn_array *state = state_before ? tarn_astype(state_before, p.dtype) : zero_state(&p);
    out[0] = state ? all_steps(&p, &state) : NULL;
    out[1] = state;
    return out[0] && out[1];
}
