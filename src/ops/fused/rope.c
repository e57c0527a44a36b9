/* Rotary position embedding (Su et al., 2021): pairs of x turn by position * frequency. Computed in float32 and rounded
 * once. */
#include <math.h>
#include <string.h>

#include "ops/fused/formula.h"
#include "ops/rules.h"

static int64_t rotated(const attributes_rope *a, const tarn_array *x) {
    return a->dims ? a->dims : x->shape[x->ndim - 1];
}

static bool infer(inference *i) {
    const attributes_rope *a = i->attributes;
    const tarn_array *x = i->inputs[0], *offset = i->inputs[1], *freqs = i->input_count > 2 ? i->inputs[2] : NULL;
    if (x->ndim < 3) return tarn_fail("rope: x is [batch, ..., length, dim], not an array of %d axes", x->ndim);
    int64_t dims = rotated(a, x);
    if (dims < 2 || dims % 2 || dims > x->shape[x->ndim - 1])
        return tarn_fail("rope: %lld of %lld elements cannot rotate in pairs", (long long)dims,
                         (long long)x->shape[x->ndim - 1]);
    bool scalar = offset->ndim == 0,
         rows = offset->ndim == 1 && (offset->shape[0] == x->shape[0] || offset->shape[0] == 1);
    if (dtype_kind_of(offset->dtype) != KIND_INT || (!scalar && !rows))
        return tarn_fail("rope: the offset is one integer, or one for each of the %lld batch rows",
                         (long long)x->shape[0]);
    if (freqs && (freqs->ndim != 1 || freqs->shape[0] != dims / 2))
        return tarn_fail("rope: freqs are [%lld]", (long long)(dims / 2));
    return infer_same_float(i);
}

/* angles [length, dims / 2], or [batch, 1.., length, dims / 2] for an offset of each row. */
static tarn_array *angles(const attributes_rope *a, tarn_array *x, tarn_array *offset, tarn_array *freqs,
                          tarn_dtype dtype) {
    int64_t half = rotated(a, x) / 2;
    tarn_array *position = tarn_arange(0, (double)x->shape[x->ndim - 2], 1, dtype), *shift = tarn_astype(offset, dtype);
    if (offset->ndim == 1) {
        int64_t shape[TARN_MAX_NDIM] = {offset->shape[0]};
        for (int i = 1; i < x->ndim - 1; i++) shape[i] = 1;
        shift = tarn_reshape(shift, (tarn_ints){shape, x->ndim - 1});
    }
    position = tarn_multiply(tarn_add(position, shift), tarn_scalar(a->scale, dtype));
    tarn_array *turn = freqs ? tarn_reciprocal(tarn_astype(freqs, dtype))
                             : tarn_exp(tarn_multiply(tarn_arange(0, (double)half, 1, dtype),
                                                      tarn_scalar(-log(a->base) / (double)half, dtype)));
    return tarn_multiply(tarn_expand_dims(position, TARN_AXES(-1)), turn);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_rope *a = n->attributes;
    tarn_array *x = formula_widen(inputs[0]), *rest = NULL, *parts[2];
    if (!x) return false;
    int64_t dims = rotated(a, x), dim = x->shape[x->ndim - 1];
    tarn_array *theta = angles(a, x, inputs[1], n->input_count > 2 ? inputs[2] : NULL, x->dtype);
    if (dims < dim) {
        rest = tarn_slice_axis(x, -1, dims, dim);
        x = tarn_slice_axis(x, -1, 0, dims);
    }
    /* Pairs become an axis of their own: the last but one of [2, half], or the last of [half, 2]. */
    int64_t axis = a->traditional ? -1 : -2;
    tarn_array *pairs = tarn_unflatten(x, -1, a->traditional ? TARN_SHAPE(dims / 2, 2) : TARN_SHAPE(2, dims / 2));
    if (!tarn_split(pairs, 2, parts, .axis = TARN_AXIS(axis))) return false;
    tarn_array *u = tarn_squeeze(parts[0], .axes = TARN_AXES(axis)),
               *v = tarn_squeeze(parts[1], .axes = TARN_AXES(axis));
    tarn_array *c = tarn_cos(theta), *s = tarn_sin(theta);
    tarn_array *turned[2] = {tarn_subtract(tarn_multiply(u, c), tarn_multiply(v, s)),
                             tarn_add(tarn_multiply(u, s), tarn_multiply(v, c))};
    tarn_array *y = tarn_flatten(tarn_stack(turned, 2, .axis = TARN_AXIS(axis)), .start_axis = TARN_AXIS(-2));
    if (rest) y = tarn_concatenate(TARN_ARRAYS(y, rest), 2, .axis = TARN_AXIS(-1));
    outputs[0] = formula_narrow(y, inputs[0]->dtype);
    return outputs[0] != NULL;
}

tarn_array *tarn_rope_with(tarn_array *x, tarn_array *offset, tarn_rope_options o) {
    attributes_rope a = attributes_rope_default;
    a.dims = o.dims;
    a.traditional = o.traditional;
    if (o.base.given) a.base = o.base.value;
    if (o.scale.given) a.scale = o.scale.value;
    return BUILD(rope, &a, x, offset, o.freqs);
}

const op_rules rules_rope = {.infer = infer, .formula = formula, .vmap = vmap_rope};
