/* The one entry: every operation comes through build_node. */
#include "ops/build.h"

#include <string.h>

#include "base/checked.h"
#include "base/list.h"
#include "base/memory.h"
#include "core/quarantine.h"
#include "core/scope.h"

enum { FEW = 8, FEW_TYPES = 2 }; /* inputs, and outputs, that need no allocation */

/* Every shape passes here, so that nothing behind has to ask whether an element count becomes bytes. */
static bool check_size(op_id op, tarn_dtype dtype, int ndim, const int64_t *shape) {
    int64_t bytes;
    if (ndim > TARN_MAX_NDIM)
        return tarn_fail("%s: the result would have %d axes, more than %d", op_name(op), ndim, TARN_MAX_NDIM);
    if (checked_bytes(shape, ndim, dtype_bytes(dtype), &bytes)) return true;
    tarn_array wanted = {.dtype = dtype, .ndim = ndim};
    memcpy(wanted.shape, shape, (size_t)ndim * sizeof *shape);
    return fail_shapes(&wanted, NULL, NULL, "%s: the result has a negative size or is too large", op_name(op));
}

static bool grow_types(inference *i) {
    array_type *grown = memory_resize(i->grown ? i->types : NULL, 2 * (size_t)i->room, sizeof *grown);
    if (!grown) return false;
    if (!i->grown) memcpy(grown, i->types, (size_t)i->count * sizeof *grown);
    i->types = grown;
    i->room *= 2;
    i->grown = true;
    return true;
}

bool types_add(inference *i, tarn_dtype dtype, int ndim, const int64_t *shape) {
    if (!check_size(i->op, dtype, ndim, shape)) return false;
    if (i->count == i->room && !grow_types(i)) return false;
    array_type *t = &i->types[i->count++];
    t->dtype = dtype;
    t->ndim = ndim;
    if (ndim) memcpy(t->shape, shape, (size_t)ndim * sizeof *shape);
    return true;
}

static bool check_inputs(op_id op, tarn_array *const *inputs, int count) {
    if (!tarn_ok() || !scope_check_open(op_name(op))) return false;
    if (count < op_facts[op].least_inputs || count > op_facts[op].most_inputs)
        return tarn_fail("%s: %d inputs given", op_name(op), count);
    for (int i = 0; i < count; i++) {
        bool required = i < op_facts[op].least_inputs || op_facts[op].most_inputs == OP_MANY;
        if (!inputs[i] && required) return tarn_fail("%s: input %d is NULL", op_name(op), i);
        if (inputs[i] && !array_check_alive(op_name(op), inputs[i])) return false;
    }
    return true;
}

/* What any op may rely on: dtypes exist, lists are lists. */
static bool check_attributes(op_id op, const void *attributes) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    for (int i = 0; i < count; i++) {
        const void *at = (const char *)attributes + facts[i].offset;
        if ((facts[i].type == ATTRIBUTE_INTS || facts[i].type == ATTRIBUTE_REALS) &&
            !list_check(op_name(op), facts[i].name, *(const tarn_ints *)at))
            return false;
        if (facts[i].type == ATTRIBUTE_DTYPE && (unsigned)*(const tarn_dtype *)at >= TARN_DTYPE_COUNT)
            return tarn_fail_kind(TARN_ERROR_TYPE, "%s: %s %d does not exist", op_name(op), facts[i].name,
                                  (int)*(const tarn_dtype *)at);
        if (facts[i].type == ATTRIBUTE_NAME && (unsigned)*(const int *)at >= (unsigned)facts[i].names->count)
            return tarn_fail("%s: there is no %s %d", op_name(op), facts[i].names->what, *(const int *)at);
    }
    return true;
}

static tarn_array *cast(tarn_array *x, tarn_dtype dtype) {
    return x && x->dtype != dtype ? tarn_astype(x, dtype) : x;
}

/* The dtype at which an elementwise op works, by its row; false if the row has no value for it. */
static bool compute_dtype(op_id op, tarn_array *const *inputs, int first, int count, tarn_dtype *dtype) {
    const op_fact *f = &op_facts[op];
    tarn_dtype common = inputs[first]->dtype;
    for (int i = first + 1; i < count; i++) common = dtype_promote(common, inputs[i]->dtype);
    dtype_kind kind = dtype_kind_of(common);
    if (f->result == RESULT_FLOAT && kind < KIND_FLOAT) common = TARN_FLOAT32;
    if (f->result == RESULT_WHOLE && kind == KIND_BOOL) common = TARN_UINT8;
    *dtype = common;
    if (f->kinds & 1u << dtype_kind_of(common)) return true;
    return tarn_fail_kind(TARN_ERROR_TYPE, "%s: %s is not supported", f->name, dtype_facts[common].name);
}

static bool promote(op_id op, tarn_array **inputs, int count) {
    int first = op_facts[op].inputs == INPUTS_CHOICE; /* the first input is a bool of its own */
    tarn_dtype dtype;
    if (!compute_dtype(op, inputs, first, count, &dtype)) return false;
    if (first) inputs[0] = cast(inputs[0], TARN_BOOL);
    for (int i = first; i < count; i++) inputs[i] = cast(inputs[i], dtype);
    return tarn_ok();
}

static _Atomic uint64_t next_effect;

static node *make(op_id op, tarn_array *const *inputs, int count, const void *attributes) {
    array_type few[FEW_TYPES];
    inference types = {
        .op = op, .attributes = attributes, .inputs = inputs, .input_count = count, .types = few, .room = FEW_TYPES};
    tarn_stream *stream = stream_current();
    node *n =
        stream && rules_of(op)->infer(&types) ? node_new(op, types.count, count, inputs, attributes, stream) : NULL;
    for (int i = 0; n && i < types.count; i++) {
        n->outputs[i].dtype = types.types[i].dtype;
        n->outputs[i].ndim = types.types[i].ndim;
        memcpy(n->outputs[i].shape, types.types[i].shape, (size_t)types.types[i].ndim * sizeof(int64_t));
    }
    if (types.grown) memory_free(types.types);
    if (!n) return NULL;
    if (op_has_flag(op, OP_EFFECT)) n->sequence = atomic_fetch_add(&next_effect, 1);
    if (trace_register(n)) return scope_register(n) ? n : NULL;
    node_release(n);
    return NULL;
}

node *build_node(op_id op, tarn_array *const *inputs, int count, const void *attributes) {
    if (!check_inputs(op, inputs, count) || !check_attributes(op, attributes)) return NULL;
    if (!op_is_elementwise(op)) return make(op, inputs, count, attributes);
    tarn_array *promoted[FEW];
    memcpy(promoted, inputs, (size_t)count * sizeof *inputs);
    return promote(op, promoted, count) ? make(op, promoted, count, attributes) : NULL;
}

tarn_array *build(op_id op, tarn_array *const *inputs, int count, const void *attributes) {
    node *n = build_node(op, inputs, count, attributes);
    return n ? &n->outputs[0] : NULL;
}

node *build_again(const node *n, tarn_array *const *inputs) {
    tarn_stream *before = tarn_use_stream(n->stream);
    node *again = build_node(n->op, inputs, n->input_count, n->attributes);
    tarn_use_stream(before);
    return again;
}

bool check_axis(const char *op, int64_t axis, int ndim, int *normal) {
    if (axis < -ndim || axis >= ndim)
        return tarn_fail_kind(TARN_ERROR_INDEX, "%s: axis %lld of an array of %d axes", op, (long long)axis, ndim);
    *normal = axis_normal(axis, ndim);
    return true;
}

bool broadcast_types(array_type *into, const tarn_array *b) {
    int ndim = into->ndim > b->ndim ? into->ndim : b->ndim;
    int64_t shape[TARN_MAX_NDIM];
    for (int i = 1; i <= ndim; i++) {
        int64_t p = i <= into->ndim ? into->shape[into->ndim - i] : 1, q = i <= b->ndim ? b->shape[b->ndim - i] : 1;
        if (p != q && p != 1 && q != 1) return false;
        shape[ndim - i] = p == 1 ? q : p;
    }
    into->ndim = ndim;
    memcpy(into->shape, shape, (size_t)ndim * sizeof *shape);
    return true;
}

bool broadcast_shapes(const char *op, const tarn_array *a, const tarn_array *b, array_type *out) {
    out->dtype = a->dtype;
    out->ndim = a->ndim;
    memcpy(out->shape, a->shape, sizeof out->shape);
    return broadcast_types(out, b) || fail_shapes(a, " and ", b, "%s: shapes do not go together", op);
}
