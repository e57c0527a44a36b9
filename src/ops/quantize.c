/* Quantized weights: packed rows and, beside them, the parts that the mode has (table/quant.def). Modes and their
   layouts are MLX's (reference/mlx.md 5.5) and GGUF's. */
#include <string.h>

#include "ops/front.h"
#include "ops/quantize.h"
#include "ops/rules.h"
#include "table/quant.h"

enum { PACKED, SCALES, BIASES, GLOBAL, WEIGHT_INPUTS }; /* of a weight; of quantized_matmul one later */

static bool check_format(const char *op, quant_format f) {
    if (quant_exists(f.mode, f.group_size, f.bits)) return true;
    text t = {0};
    quant_describe(f.mode, &t);
    tarn_fail("%s: %lld bits in groups of %lld are not supported (%s)", op, (long long)f.bits, (long long)f.group_size,
              text_string(&t));
    text_free(&t);
    return false;
}

bool tarn_check_quantization(const char *mode, int64_t group_size, int64_t bits) {
    quant_mode found;
    if (!mode || !quant_find(mode, &found))
        return tarn_fail("quantization: there is no mode \"%.32s\"", mode ? mode : "(NULL)");
    return check_format("quantization", (quant_format){found, group_size, bits});
}

/* ---- quantize */

static bool check_global(const char *op, const quant_fact *mode, const tarn_array *global) {
    if (!global) return true;
    if (!(mode->parts & QUANT_GLOBAL)) return tarn_fail("%s: the mode %s has no global scale", op, mode->name);
    return (array_size(global) == 1 && global->dtype == TARN_FLOAT32) ||
           fail_shapes(global, NULL, NULL, "%s: the global scale is one float32", op);
}

static bool infer_quantize(inference *i) {
    const tarn_array *w = i->inputs[0];
    const attributes_quantize *a = i->attributes;
    const quant_fact *mode = quant_fact_of(a->mode);
    if (!check_format("quantize", (quant_format){a->mode, a->group_size, a->bits})) return false;
    if (!mode->made) return tarn_fail("quantize: the mode %s is only read", mode->name);
    if (dtype_kind_of(w->dtype) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "quantize: %s is not supported", dtype_facts[w->dtype].name);
    if (!check_global("quantize", mode, i->input_count > 1 ? i->inputs[1] : NULL)) return false;
    if (w->ndim < 2) return fail_shapes(w, NULL, NULL, "quantize: a weight has two axes at least, not");
    int64_t last = w->shape[w->ndim - 1], shape[TARN_MAX_NDIM];
    if (last % a->group_size)
        return tarn_fail("quantize: the last axis has %lld elements, no multiple of the group of %lld", (long long)last,
                         (long long)a->group_size);
    memcpy(shape, w->shape, sizeof shape);
    shape[w->ndim - 1] = quant_row_entries(a->mode, a->group_size, a->bits, last);
    if (!types_add(i, quant_packed_dtype(a->mode), w->ndim, shape)) return false;
    shape[w->ndim - 1] = last / a->group_size;
    for (unsigned part = 1; part <= QUANT_BIASES; part *= 2)
        if ((mode->parts & part) &&
            !types_add(i, mode->scale_dtypes & 1u << TARN_UINT8 ? TARN_UINT8 : w->dtype, w->ndim, shape))
            return false;
    return true;
}

/* ---- weights as inputs */

static const tarn_array *part_of(tarn_array *const *weight, int count, int part) {
    return part < count ? weight[part] : NULL;
}

static bool check_presence(const char *op, const quant_fact *mode, tarn_array *const *weight, int count) {
    static const char *const names[] = {"packed weight", "scales", "biases", "global scale"};
    for (int p = SCALES; p < WEIGHT_INPUTS; p++) {
        bool wanted = mode->parts & 1u << (p - 1), there = part_of(weight, count, p) != NULL;
        if (wanted && !there && p != GLOBAL)
            return tarn_fail("%s: the %s are NULL, which the mode %s has", op, names[p], mode->name);
        if (!wanted && there) return tarn_fail("%s: the mode %s has no %s", op, mode->name, names[p]);
    }
    return true;
}

/* Whether an array of the groups' values goes with the packed weight. */
static bool fits(const tarn_array *part, const tarn_array *w, unsigned dtypes, int64_t groups) {
    bool same = part->ndim == w->ndim && (dtypes & 1u << part->dtype) && part->shape[w->ndim - 1] == groups;
    for (int i = 0; i < w->ndim - 1 && same; i++) same = part->shape[i] == w->shape[i];
    return same;
}

static bool parts_fit(const quant_fact *mode, tarn_array *const *weight, int count, int64_t groups) {
    const tarn_array *w = weight[PACKED], *scales = part_of(weight, count, SCALES),
                     *biases = part_of(weight, count, BIASES);
    const tarn_array *global = part_of(weight, count, GLOBAL);
    unsigned dtypes = mode->scale_dtypes | (mode->scale_dtypes & 1u << TARN_FLOAT32 ? 1u << TARN_FLOAT64 : 0);
    if (scales && !fits(scales, w, dtypes, groups)) return false;
    if (biases && (!fits(biases, w, dtypes, groups) || (scales && biases->dtype != scales->dtype))) return false;
    return !global || (array_size(global) == 1 && global->dtype == TARN_FLOAT32);
}

bool check_packed(const char *op, tarn_array *const *weight, int count, quant_format f, int64_t *width) {
    const tarn_array *w = weight[PACKED];
    const quant_fact *mode = quant_fact_of(f.mode);
    if (!check_format(op, f) || !check_presence(op, mode, weight, count)) return false;
    *width = w->ndim >= 2 && w->dtype == quant_packed_dtype(f.mode)
                 ? quant_row_width(f.mode, f.group_size, f.bits, w->shape[w->ndim - 1])
                 : -1;
    if (*width >= 0 && parts_fit(mode, weight, count, *width / f.group_size)) return true;
    text t = {0};
    for (int i = 0; i < count; i++) {
        if (!weight[i]) continue;
        text_add(&t, i ? ", " : "");
        array_describe(weight[i], &t);
    }
    tarn_fail("%s: packed weight, scales and biases do not go together for %lld bits in groups of %lld: %s", op,
              (long long)f.bits, (long long)f.group_size, text_string(&t));
    text_free(&t);
    return false;
}

static bool infer_dequantize(inference *i) {
    const attributes_dequantize *a = i->attributes;
    const tarn_array *w = i->inputs[0];
    int64_t shape[TARN_MAX_NDIM], width;
    if (!check_packed("dequantize", i->inputs, i->input_count, (quant_format){a->mode, a->group_size, a->bits}, &width))
        return false;
    memcpy(shape, w->shape, sizeof shape);
    shape[w->ndim - 1] = width;
    if (dtype_kind_of(a->dtype) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "dequantize: to %s is not supported", dtype_facts[a->dtype].name);
    return types_add(i, a->dtype, w->ndim, shape);
}

static bool infer_quantized_matmul(inference *i) {
    const tarn_array *x = i->inputs[0], *w = i->inputs[1];
    const attributes_quantized_matmul *a = i->attributes;
    int64_t width;
    if (!check_packed("quantized_matmul", i->inputs + 1, i->input_count - 1,
                      (quant_format){a->mode, a->group_size, a->bits}, &width))
        return false;
    if (dtype_kind_of(x->dtype) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "quantized_matmul: x is %s", dtype_facts[x->dtype].name);
    int64_t rows = w->shape[w->ndim - 2], inner = a->transpose ? width : rows, outer = a->transpose ? rows : width;
    int ndim = x->ndim > w->ndim ? x->ndim : w->ndim;
    bool fit = x->ndim >= 2 && x->shape[x->ndim - 1] == inner;
    int64_t shape[TARN_MAX_NDIM];
    for (int k = 3; k <= ndim && fit; k++) {
        int64_t p = k <= x->ndim ? x->shape[x->ndim - k] : 1, q = k <= w->ndim ? w->shape[w->ndim - k] : 1;
        fit = p == q || p == 1 || q == 1;
        shape[ndim - k] = p == 1 ? q : p;
    }
    if (!fit) {
        return fail_shapes(x, NULL, NULL, "quantized_matmul: x does not go with a weight of [%lld, %lld]",
                           (long long)rows, (long long)width);
    }
    shape[ndim - 2] = x->shape[x->ndim - 2];
    shape[ndim - 1] = outer;
    return types_add(i, x->dtype, ndim, shape);
}

/* ---- the functions */

/* The mode by its word; the usual group size and bits of it, where none are given. */
static bool format_of(const char *function, const char *word, int64_t group_size, int64_t bits, quant_format *f) {
    quant_mode mode = QUANT_affine;
    if (word && !quant_find(word, &mode)) return tarn_fail("%s: there is no mode \"%.32s\"", function, word);
    const quant_fact *usual = quant_fact_of(mode);
    *f = (quant_format){
        .mode = mode, .group_size = group_size ? group_size : usual->group_size, .bits = bits ? bits : usual->bits};
    return true;
}

/* Scales and biases of different float dtypes take the common one. */
static void match_parts(tarn_array **scales, tarn_array **biases) {
    tarn_array *s = *scales, *b = *biases;
    if (!s || !b || s->dtype == b->dtype || dtype_kind_of(s->dtype) != KIND_FLOAT ||
        dtype_kind_of(b->dtype) != KIND_FLOAT)
        return;
    tarn_dtype common = dtype_promote(s->dtype, b->dtype);
    *scales = tarn_astype(s, common);
    *biases = tarn_astype(b, common);
}

/* How many inputs reach the last that is there. */
static int present(tarn_array *const *inputs, int count) {
    while (count > 0 && !inputs[count - 1]) count--;
    return count;
}

bool tarn_quantize_with(tarn_array *w, tarn_array *out[3], tarn_quantize_options o) {
    quant_format f = {0};
    if (!out) return tarn_fail("quantize: the list of results is NULL");
    if (!format_of("quantize", o.mode, o.group_size, o.bits, &f)) return false;
    tarn_array *inputs[] = {w, o.global_scale};
    node *n = build_node(OP_quantize, inputs, o.global_scale ? 2 : 1,
                         &(attributes_quantize){.mode = f.mode, .group_size = f.group_size, .bits = f.bits});
    for (int i = 0; i < 3; i++) out[i] = n && i < n->output_count ? &n->outputs[i] : NULL;
    return n != NULL;
}

/* The dtype in which the parts make numbers: that of the scales, or what holds an element by a scale of eight bits. */
static tarn_dtype natural_dtype(const tarn_array *scales, const tarn_array *global) {
    if (scales && dtype_kind_of(scales->dtype) == KIND_FLOAT) return scales->dtype;
    return global ? TARN_FLOAT32 : TARN_BFLOAT16;
}

/* Float scales are multiplied in their own dtype, whatever the result's is. */
tarn_array *tarn_dequantize_with(tarn_array *packed, tarn_array *scales, tarn_dequantize_options o) {
    FRONT("dequantize");
    REQUIRE(packed);
    REQUIRE_DTYPE(o.dtype);
    quant_format f = {0};
    if (!format_of("dequantize", o.mode, o.group_size, o.bits, &f)) return NULL;
    match_parts(&scales, &o.biases);
    tarn_array *inputs[] = {packed, scales, o.biases, o.global_scale};
    tarn_dtype natural = natural_dtype(scales, o.global_scale), wanted = o.dtype ? o.dtype : natural;
    bool in_steps = scales && scales->dtype == TARN_UINT8 && !o.global_scale;
    if (dtype_kind_of(wanted) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "dequantize: to %s is not supported", dtype_facts[wanted].name), NULL;
    tarn_array *out =
        build(OP_dequantize, inputs, present(inputs, WEIGHT_INPUTS),
              &(attributes_dequantize){
                  .mode = f.mode, .group_size = f.group_size, .bits = f.bits, .dtype = in_steps ? wanted : natural});
    return out && out->dtype != wanted ? tarn_astype(out, wanted) : out;
}

/* x in the dtype of the product: the common one with float scales, as in MLX. */
static tarn_array *token(tarn_array *x, const tarn_array *scales) {
    tarn_dtype dtype = dtype_kind_of(x->dtype) < KIND_FLOAT ? TARN_FLOAT32 : x->dtype;
    if (scales && dtype_kind_of(scales->dtype) == KIND_FLOAT) dtype = dtype_promote(x->dtype, scales->dtype);
    return x->dtype == dtype ? x : tarn_astype(x, dtype);
}

tarn_array *tarn_quantized_matmul_with(tarn_array *x, tarn_array *w, tarn_array *scales, tarn_quantized_options o) {
    FRONT("quantized_matmul");
    REQUIRE(x, w);
    quant_format f = {0};
    if (!format_of("quantized_matmul", o.mode, o.group_size, o.bits, &f)) return NULL;
    match_parts(&scales, &o.biases);
    attributes_quantized_matmul a = {
        .mode = f.mode, .transpose = !o.no_transpose, .group_size = f.group_size, .bits = f.bits};
    bool row = x->ndim == 1;
    x = token(row ? tarn_expand_dims(x, TARN_AXES(0)) : x, scales);
    tarn_array *inputs[] = {x, w, scales, o.biases, o.global_scale};
    tarn_array *out = build(OP_quantized_matmul, inputs, present(inputs, 1 + WEIGHT_INPUTS), &a);
    return row ? tarn_squeeze(out, .axes = TARN_AXES(-2)) : out;
}

/* ---- picked weights */

tarn_array *tarn_gather_qmm_with(tarn_array *x, tarn_array *w, tarn_array *scales, tarn_gather_qmm_options o) {
    FRONT("gather_qmm");
    REQUIRE(x, w);
    quant_format f = {0};
    if (!format_of("gather_qmm", o.mode, o.group_size, o.bits, &f)) return NULL;
    match_parts(&scales, &o.biases);
    if (x->ndim < 2) return fail_shapes(x, NULL, NULL, "gather_qmm: x has two axes or more"), NULL;
    attributes_gather_qmm a = {.mode = f.mode,
                               .transpose = !o.no_transpose,
                               .group_size = f.group_size,
                               .bits = f.bits,
                               .sorted = o.sorted_indices};
    tarn_array *inputs[] = {token(x, scales), w, scales, o.biases, o.global_scales, o.left_indices, o.right_indices};
    return build(OP_gather_qmm, inputs, present(inputs, 7), &a);
}

/* ---- both sides quantized */

/* x, or a dense weight, as the mode holds it. */
static tarn_array *held(tarn_array *x, const quant_format *f, tarn_array *global) {
    return build(OP_fake_quantize, TARN_ARRAYS(x, global), global ? 2 : 1,
                 &(attributes_fake_quantize){.mode = f->mode, .group_size = f->group_size, .bits = f->bits});
}

static bool quantizes_both(const char *function, const char *word, int64_t group_size, int64_t bits, bool x_global,
                           bool w_global, quant_format *f) {
    if (!format_of(function, word ? word : "nvfp4", group_size, bits, f)) return false;
    if (quant_fact_of(f->mode)->parts & QUANT_BIASES)
        return tarn_fail("%s: the mode %s has biases, of which there are none", function, quant_fact_of(f->mode)->name);
    return x_global == w_global || tarn_fail("%s: one of x and w has a global scale, and the other none", function);
}

tarn_array *tarn_qqmm_with(tarn_array *x, tarn_array *w, tarn_array *scales, tarn_qqmm_options o) {
    FRONT("qqmm");
    REQUIRE(x, w);
    quant_format f = {0};
    if (!quantizes_both("qqmm", o.mode, o.group_size, o.bits, o.global_scale_x, o.global_scale_w, &f)) return NULL;
    x = held(x, &f, o.global_scale_x);
    if (!scales) return tarn_matmul(x, tarn_swapaxes(held(w, &f, o.global_scale_w), -1, -2));
    return tarn_quantized_matmul(x, w, scales, .mode = names_quant_mode.words[f.mode], .group_size = f.group_size,
                                 .bits = f.bits, .global_scale = o.global_scale_w);
}

tarn_array *tarn_gather_qqmm_with(tarn_array *x, tarn_array *w, tarn_array *scales, tarn_gather_qqmm_options o) {
    FRONT("gather_qqmm");
    REQUIRE(x, w);
    quant_format f = {0};
    if (!quantizes_both("gather_qqmm", o.mode, o.group_size, o.bits, o.global_scale_x, o.global_scale_w, &f))
        return NULL;
    x = held(x, &f, o.global_scale_x);
    if (!scales)
        return tarn_gather_mm(x, tarn_swapaxes(held(w, &f, o.global_scale_w), -1, -2), .left_indices = o.left_indices,
                              .right_indices = o.right_indices, .sorted_indices = o.sorted_indices);
    return tarn_gather_qmm(x, w, scales, .mode = names_quant_mode.words[f.mode], .group_size = f.group_size,
                           .bits = f.bits, .global_scales = o.global_scale_w, .left_indices = o.left_indices,
                           .right_indices = o.right_indices, .sorted_indices = o.sorted_indices);
}

const op_rules rules_quantize = {.infer = infer_quantize, .vjp = vjp_quantize, .vmap = vmap_quantize};
const op_rules rules_dequantize = {.infer = infer_dequantize, .vjp = vjp_dequantize, .vmap = vmap_dequantize};
const op_rules rules_quantized_matmul = {
    .infer = infer_quantized_matmul, .vjp = vjp_quantized_matmul, .vmap = vmap_quantized_matmul};
