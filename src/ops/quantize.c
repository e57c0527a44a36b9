/* MLX affine quantization: groups of the last axis share a scale and a bias; packed rows are little-endian bit streams in uint32 words
   (reference/mlx.md 5.5). */
#include <string.h>

#include "ops/build.h"
#include "ops/rules.h"

static bool check_format(const char *op, int64_t group, int64_t bits) {
    if ((bits < 2 || bits > 8 || bits == 7) || (group != 32 && group != 64 && group != 128))
        return tarn_fail("%s: %lld bits in groups of %lld are not supported (2, 3, 4, 5, 6, 8 bits; groups of 32, 64, 128)", op,
                         (long long)bits, (long long)group);
    return true;
}

static bool infer_quantize(inference *i) {
    const tarn_array *w = i->inputs[0];
    const attributes_quantize *a = i->attributes;
    if (!check_format("quantize", a->group_size, a->bits)) return false;
    int64_t last = w->ndim ? w->shape[w->ndim - 1] : 0;
    if (dtype_kind_of(w->dtype) != KIND_FLOAT || w->dtype == TARN_FLOAT64)
        return tarn_fail("quantize: %s is not supported", dtype_facts[w->dtype].name);
    if (w->ndim < 1 || last % a->group_size)
        return tarn_fail("quantize: the last axis has %lld elements, no multiple of the group of %lld", (long long)last,
                         (long long)a->group_size);
    int64_t shape[TARN_MAX_NDIM];
    memcpy(shape, w->shape, sizeof shape);
    shape[w->ndim - 1] = last / 32 * a->bits;
    if (!types_add(i, TARN_UINT32, w->ndim, shape)) return false;
    shape[w->ndim - 1] = last / a->group_size;
    return types_add(i, w->dtype, w->ndim, shape) && types_add(i, w->dtype, w->ndim, shape);
}

/* Checks packed, scales and biases against each other; *width is how many elements a packed row holds. */
static bool check_packed(const char *op, tarn_array *const *packed, int64_t group, int64_t bits, int64_t *width) {
    const tarn_array *w = packed[0], *scales = packed[1], *biases = packed[2];
    if (!check_format(op, group, bits)) return false;
    bool kinds = w->dtype == TARN_UINT32 && dtype_kind_of(scales->dtype) == KIND_FLOAT && biases->dtype == scales->dtype;
    bool fits = kinds && w->ndim >= 2 && scales->ndim == w->ndim && biases->ndim == w->ndim;
    for (int i = 0; i < w->ndim - 1 && fits; i++) fits = scales->shape[i] == w->shape[i] && biases->shape[i] == w->shape[i];
    *width = fits ? scales->shape[w->ndim - 1] * group : 0;
    fits = fits && biases->shape[w->ndim - 1] == scales->shape[w->ndim - 1] && w->shape[w->ndim - 1] * 32 == *width * bits;
    if (fits) return true;
    text t = {0};
    for (int i = 0; i < 3; i++) {
        text_add(&t, i ? ", " : "");
        array_describe(packed[i], &t);
    }
    tarn_fail("%s: packed weight, scales and biases do not go together for %lld bits in groups of %lld: %s", op, (long long)bits,
              (long long)group, text_string(&t));
    text_free(&t);
    return false;
}

static bool infer_dequantize(inference *i) {
    const attributes_dequantize *a = i->attributes;
    int64_t shape[TARN_MAX_NDIM], width;
    if (!check_packed("dequantize", i->inputs, a->group_size, a->bits, &width)) return false;
    memcpy(shape, i->inputs[0]->shape, sizeof shape);
    shape[i->inputs[0]->ndim - 1] = width;
    return types_add(i, i->inputs[1]->dtype, i->inputs[0]->ndim, shape);
}

static bool infer_quantized_matmul(inference *i) {
    const tarn_array *x = i->inputs[0], *w = i->inputs[1];
    const attributes_quantized_matmul *a = i->attributes;
    int64_t width;
    if (!check_packed("quantized_matmul", i->inputs + 1, a->group_size, a->bits, &width)) return false;
    if (dtype_kind_of(x->dtype) != KIND_FLOAT) return tarn_fail("quantized_matmul: x is %s", dtype_facts[x->dtype].name);
    int64_t rows = w->shape[w->ndim - 2], inner = a->transpose ? width : rows, outer = a->transpose ? rows : width;
    int ndim = x->ndim > w->ndim ? x->ndim : w->ndim;
    bool fits = x->ndim >= 2 && x->shape[x->ndim - 1] == inner;
    int64_t shape[TARN_MAX_NDIM];
    for (int k = 3; k <= ndim && fits; k++) {
        int64_t p = k <= x->ndim ? x->shape[x->ndim - k] : 1, q = k <= w->ndim ? w->shape[w->ndim - k] : 1;
        fits = p == q || p == 1 || q == 1;
        shape[ndim - k] = p == 1 ? q : p;
    }
    if (!fits) {
        text t = {0};
        array_describe(x, &t);
        tarn_fail("quantized_matmul: x %s does not go with a weight of [%lld, %lld]", text_string(&t), (long long)rows, (long long)width);
        text_free(&t);
        return false;
    }
    shape[ndim - 2] = x->shape[x->ndim - 2];
    shape[ndim - 1] = outer;
    return types_add(i, x->dtype, ndim, shape);
}

bool tarn_quantize(tarn_array *w, int group_size, int bits, tarn_array *out[3]) {
    if (!out) return tarn_fail("quantize: the list of results is NULL");
    node *n = build_node(OP_quantize, &w, 1, &(attributes_quantize){.group_size = group_size, .bits = bits});
    for (int i = 0; i < 3; i++) out[i] = n ? &n->outputs[i] : NULL;
    return n != NULL;
}

tarn_array *tarn_dequantize(tarn_array *packed, tarn_array *scales, tarn_array *biases, int group_size, int bits) {
    return BUILD(dequantize, (&(attributes_dequantize){.group_size = group_size, .bits = bits}), packed, scales, biases);
}

tarn_array *tarn_quantized_matmul_with(tarn_array *x, tarn_array *w, tarn_array *scales, tarn_array *biases, tarn_quantized_options o) {
    attributes_quantized_matmul a = {.transpose = !o.no_transpose,
                                     .group_size = o.group_size.given ? (int64_t)o.group_size.value : 64,
                                     .bits = o.bits.given ? (int64_t)o.bits.value : 4};
    if (!x || x->ndim != 1) return BUILD(quantized_matmul, &a, x, w, scales, biases);
    return tarn_squeeze(BUILD(quantized_matmul, &a, tarn_expand_dims(x, TARN_AXES(0)), w, scales, biases), .axes = TARN_AXES(-2));
}

const op_rules rules_quantize = {.infer = infer_quantize,
                                 .vmap = vmap_quantize,
                                 .no_vjp = "rounding to packed integers has no gradient; put tarn_stop_gradient around the weight"};
const op_rules rules_dequantize = {.infer = infer_dequantize, .vjp = vjp_dequantize, .vmap = vmap_dequantize};
const op_rules rules_quantized_matmul = {.infer = infer_quantized_matmul, .vjp = vjp_quantized_matmul, .vmap = vmap_quantized_matmul};
