/* A product in which blocks of the factors and of the result are scaled or left out. */
#include <string.h>

#include "ops/front.h"
#include "ops/fused/formula.h"
#include "ops/fused/pick.h"

enum { A, B, OUT_MASK, A_MASK, B_MASK, INPUTS };

/* A mask goes with x if it broadcasts to x's leading axes and its blocks. */
static bool check_mask(const tarn_array *mask, const tarn_array *x, int ndim, const int64_t *shape, int64_t block) {
    int64_t blocks[TARN_MAX_NDIM];
    if (!mask) return true;
    for (int i = 0; i < ndim; i++) blocks[i] = i < ndim - 2 ? shape[i] : (shape[i] + block - 1) / block;
    bool fits = mask->ndim <= ndim;
    for (int i = 1; fits && i <= mask->ndim; i++)
        fits = mask->shape[mask->ndim - i] == 1 || mask->shape[mask->ndim - i] == blocks[ndim - i];
    if (fits && mask->dtype != TARN_COMPLEX64) return true;
    return fail_shapes(mask, " for ", x, "block_masked_mm: a mask does not go with the %lld x %lld blocks of %lld",
                       (long long)blocks[ndim - 2], (long long)blocks[ndim - 1], (long long)block);
}

static bool infer(inference *i) {
    const attributes_block_masked_mm *attributes = i->attributes;
    const tarn_array *a = i->inputs[A], *b = i->inputs[B];
    int64_t block = attributes->block_size, shape[TARN_MAX_NDIM], *inner;
    array_type out;
    if (a->ndim < 2 || b->ndim < 2 || a->shape[a->ndim - 1] != b->shape[b->ndim - 2])
        return fail_shapes(a, " @ ", b, "block_masked_mm: shapes do not go together");
    if (a->dtype != b->dtype || dtype_kind_of(a->dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "block_masked_mm: %s @ %s is not supported", dtype_facts[a->dtype].name,
                              dtype_facts[b->dtype].name);
    if (block < 1 || block > 1 << 20) return tarn_fail("block_masked_mm: blocks of %lld", (long long)block);
    if (!picked_type("block_masked_mm", a, NULL, b, NULL, &out)) return false;
    memcpy(shape, out.shape, sizeof shape);
    inner = shape + out.ndim;
    inner[0] = a->shape[a->ndim - 2];
    inner[1] = b->shape[b->ndim - 1];
    int ndim = out.ndim + 2;
    return check_mask(part(i->inputs, i->input_count, A_MASK), a, a->ndim, a->shape, block) &&
           check_mask(part(i->inputs, i->input_count, B_MASK), b, b->ndim, b->shape, block) &&
           check_mask(part(i->inputs, i->input_count, OUT_MASK), a, ndim, shape, block) &&
           types_add(i, a->dtype, ndim, shape);
}

/* Entries of the mask's axis, each for `block` elements, as one for each of `size` elements. */
static tarn_array *widened(tarn_array *mask, int axis, int64_t block, int64_t size) {
    if (!mask || mask->shape[mask->ndim + axis] == 1) return mask;
    return tarn_slice_axis(tarn_repeat(mask, block, .axis = TARN_AXIS(axis)), axis, 0, size);
}

/* x with its blocks scaled, or left out where a mask of truths is false: NaN is left out, too. */
static tarn_array *masked(tarn_array *x, tarn_array *mask, int64_t block) {
    if (!x || !mask) return x;
    if (mask->ndim >= 1) mask = widened(mask, -1, block, x->shape[x->ndim - 1]);
    if (mask && mask->ndim >= 2) mask = widened(mask, -2, block, x->shape[x->ndim - 2]);
    if (!mask) return NULL;
    return mask->dtype == TARN_BOOL ? tarn_where(mask, x, tarn_scalar_like(0, x))
                                    : tarn_multiply(x, formula_narrow(mask, x->dtype));
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    int64_t block = ((const attributes_block_masked_mm *)n->attributes)->block_size;
    tarn_array *a = masked(inputs[A], part(inputs, n->input_count, A_MASK), block),
               *b = masked(inputs[B], part(inputs, n->input_count, B_MASK), block);
    outputs[0] = masked(tarn_matmul(a, b), part(inputs, n->input_count, OUT_MASK), block);
    return outputs[0] != NULL;
}

tarn_array *tarn_block_masked_mm_with(tarn_array *a, tarn_array *b, tarn_block_masked_options o) {
    FRONT("block_masked_mm");
    REQUIRE(a, b);
    if (a->ndim == 0 || b->ndim == 0) return tarn_fail("block_masked_mm: an input is 0-d"), NULL;
    tarn_dtype dtype = dtype_promote(a->dtype, b->dtype);
    bool row = a->ndim == 1, column = b->ndim == 1;
    if (row) a = tarn_expand_dims(a, TARN_AXES(0));
    if (column) b = tarn_expand_dims(b, TARN_AXES(1));
    tarn_array *inputs[INPUTS] = {formula_narrow(a, dtype), formula_narrow(b, dtype), o.mask_out, o.mask_left,
                                  o.mask_right};
    tarn_array *out = build(OP_block_masked_mm, inputs, INPUTS,
                            &(attributes_block_masked_mm){.block_size = o.block_size ? o.block_size : 64});
    if (row && column) return tarn_squeeze(out, .axes = TARN_AXES(-2, -1));
    return row ? tarn_squeeze(out, .axes = TARN_AXES(-2)) : column ? tarn_squeeze(out, .axes = TARN_AXES(-1)) : out;
}

const op_rules rules_block_masked_mm = {.infer = infer, .formula = formula};
