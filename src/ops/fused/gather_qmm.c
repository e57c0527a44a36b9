/* Products by packed weights that are picked by index. The formula copies what is picked, packed as it is. */
#include "ops/front.h"
#include "ops/fused/formula.h"
#include "ops/fused/pick.h"
#include "ops/quantize.h"

enum { X, W, SCALES, BIASES, GLOBALS, LEFT, RIGHT };

static bool check_globals(const tarn_array *globals, const tarn_array *w, const quant_fact *mode) {
    if (!globals) return true;
    if (!(mode->parts & QUANT_GLOBAL)) return tarn_fail("gather_qmm: the mode %s has no global scale", mode->name);
    int64_t matrices = 1, size = array_size(globals);
    for (int i = 0; i < w->ndim - 2; i++) matrices *= w->shape[i];
    return (globals->dtype == TARN_FLOAT32 && (size == 1 || size == matrices)) ||
           fail_shapes(globals, NULL, NULL, "gather_qmm: global scales are float32, one or %lld", (long long)matrices);
}

static bool infer(inference *i) {
    const attributes_gather_qmm *a = i->attributes;
    const tarn_array *x = i->inputs[X], *w = i->inputs[W];
    array_type out;
    int64_t width;
    int parts = i->input_count > GLOBALS ? GLOBALS - W : i->input_count - W;
    if (!check_packed("gather_qmm", i->inputs + W, parts, (quant_format){a->mode, a->group_size, a->bits}, &width) ||
        !check_globals(part(i->inputs, i->input_count, GLOBALS), w, quant_fact_of(a->mode)))
        return false;
    int64_t rows = w->shape[w->ndim - 2], inner = a->transpose ? width : rows;
    if (x->ndim < 2 || x->shape[x->ndim - 1] != inner || dtype_kind_of(x->dtype) != KIND_FLOAT)
        return fail_shapes(x, " by ", w, "gather_qmm: x does not go with a weight of [%lld, %lld]", (long long)rows,
                           (long long)width);
    if (!picked_type("gather_qmm", x, part(i->inputs, i->input_count, LEFT), w, part(i->inputs, i->input_count, RIGHT),
                     &out))
        return false;
    out.shape[out.ndim++] = x->shape[x->ndim - 2];
    out.shape[out.ndim++] = a->transpose ? rows : width;
    return types_add(i, x->dtype, out.ndim, out.shape);
}

/* One number for each matrix of w, or one for all, for each picked matrix: [..., 1, 1]. */
static tarn_array *picked_globals(tarn_array *globals, tarn_array *right) {
    if (array_size(globals) == 1) return tarn_reshape(globals, TARN_0D);
    tarn_array *each = right ? tarn_take(tarn_flatten(globals), right, .axis = TARN_AXIS(0)) : globals;
    return tarn_expand_dims(each, TARN_AXES(-2, -1));
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_gather_qmm *a = n->attributes;
    tarn_array *right = part(inputs, n->input_count, RIGHT), *globals = part(inputs, n->input_count, GLOBALS);
    tarn_array *x = pick_matrices(inputs[X], part(inputs, n->input_count, LEFT)),
               *scales = pick_matrices(part(inputs, n->input_count, SCALES), right);
    bool whole = globals && array_size(globals) == 1;
    tarn_array *out =
        tarn_quantized_matmul(x, pick_matrices(inputs[W], right), scales, .mode = names_quant_mode.words[a->mode],
                              .biases = pick_matrices(part(inputs, n->input_count, BIASES), right),
                              .no_transpose = !a->transpose, .group_size = a->group_size, .bits = a->bits,
                              .global_scale = whole     ? globals
                                              : globals ? tarn_scalar(448 * 6, TARN_FLOAT32)
                                                        : NULL);
    if (globals && !whole)
        out = tarn_multiply(out, tarn_divide(picked_globals(globals, right), tarn_scalar(448 * 6, TARN_FLOAT32)));
    outputs[0] = formula_narrow(out, n->outputs[0].dtype);
    return outputs[0] != NULL;
}

const op_rules rules_gather_qmm = {.infer = infer, .formula = formula};
