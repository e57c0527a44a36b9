/* Nodes: made, counted, freed. Facts of arrays, and leaves over memory. */
#include "core/array.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/holds.h"
#include "base/memory.h"
#include "base/vector.h"
#include "core/quarantine.h"
#include "core/scope.h"

static _Atomic int64_t nodes_alive;

int64_t node_alive_count(void) {
    return atomic_load(&nodes_alive);
}

node *node_new(op_id op, int outputs, int input_count, tarn_array *const *inputs, const void *attributes,
               tarn_stream *stream) {
    bool ok;
    void *copied = attributes_copy(op, attributes, &ok);
    size_t bytes = sizeof(node) + (size_t)outputs * sizeof(tarn_array);
    node *n = ok ? memory_new(1, bytes + (size_t)input_count * sizeof *inputs) : NULL;
    if (!n) {
        attributes_free(op, copied);
        return NULL;
    }
    atomic_init(&n->references, 1);
    n->op = op;
    n->stream = stream;
    n->attributes = copied;
    n->input_count = input_count;
    n->inputs = (tarn_array **)(void *)&n->outputs[outputs];
    n->output_count = outputs;
    for (int i = 0; i < outputs; i++) {
        n->outputs[i].node = n;
        n->outputs[i].index = i;
    }
    for (int i = 0; i < input_count; i++) {
        n->inputs[i] = inputs[i];
        array_begin_reading(inputs[i]);
    }
    atomic_fetch_add(&nodes_alive, 1);
    return n;
}

/* What a reader of the array adds to its node's references. */
static uint64_t reading_of(const tarn_array *a) {
    return a->index == 0 ? (UINT64_C(1) << READERS_SHIFT) + 1 : 1;
}

/* Dead nodes wait in a list that is part of them: one of its own would need memory, and recursion would overflow. */
typedef struct {
    node *first;
} dead_list;

static void drop_references(node *n, uint64_t some, dead_list *dead) {
    if (!holds_end_by(&n->references, some)) return;
    n->next_dead = dead->first;
    dead->first = n;
}

static void give_up_reading(tarn_array *a, dead_list *dead) {
    if (a->index > 0) atomic_fetch_sub(&a->readers, 1);
    drop_references(a->node, reading_of(a), dead);
}

static void give_up_inputs(node *n, dead_list *dead) {
    for (int i = 0; i < n->input_count; i++)
        if (n->inputs[i]) give_up_reading(n->inputs[i], dead);
    n->input_count = 0;
}

static void free_all(dead_list *dead) {
    while (dead->first) {
        node *n = dead->first;
        dead->first = n->next_dead;
        give_up_inputs(n, dead);
        for (int i = 0; i < n->output_count; i++) array_set_value(&n->outputs[i], NULL, 0, NULL);
        attributes_free(n->op, n->attributes);
        quarantine_free(n);
        atomic_fetch_sub(&nodes_alive, 1);
    }
}

void node_release(node *n) {
    if (!n) return;
    dead_list dead = {NULL};
    drop_references(n, 1, &dead);
    free_all(&dead);
}

void array_begin_reading(tarn_array *a) {
    if (!a) return;
    if (a->index > 0) atomic_fetch_add(&a->readers, 1);
    atomic_fetch_add(&a->node->references, reading_of(a));
    if (atomic_load(&a->moved)) atomic_store(&a->moved, MOVED_AND_READ);
}

void array_end_reading(tarn_array *a) {
    if (!a) return;
    dead_list dead = {NULL};
    give_up_reading(a, &dead);
    free_all(&dead);
}

/* A node that cannot be computed again needs no functions of the user's: they may hold the array, which would then
 * never go. */
static void give_up_objects(node *n) {
    int count;
    const attribute_fact *facts = op_attributes(n->op, &count);
    for (int i = 0; i < count && n->attributes; i++) {
        attribute_object *o = (attribute_object *)(void *)((char *)n->attributes + facts[i].offset);
        if (facts[i].type != ATTRIBUTE_OBJECT || !o->object) continue;
        o->type->release(o->object);
        o->object = NULL;
    }
}

void node_forget_inputs(node *n) {
    if (atomic_load(&n->traced) || n->input_count == 0) return;
    for (int i = 0; i < n->output_count; i++) {
        tarn_array *a = &n->outputs[i];
        if (!a->buffer && array_is_held(a)) return;
    }
    dead_list dead = {NULL};
    n->forgot_inputs = true;
    give_up_objects(n);
    give_up_inputs(n, &dead);
    free_all(&dead);
}

void array_set_value(tarn_array *a, buffer *b, int64_t offset, const int64_t *strides) {
    buffer *old = a->buffer, *dense = a->dense;
    a->dense = NULL;
    a->buffer = b;
    a->offset = offset;
    if (b) {
        a->was_computed = true;
        memcpy(a->strides, strides, (size_t)a->ndim * sizeof *strides);
    }
    buffer_release(old);
    buffer_release(dense);
}

void array_describe(const tarn_array *a, text *out) {
    text_format(out, "%s ", dtype_facts[a->dtype].name);
    text_add_sizes(out, a->shape, a->ndim);
}

bool fail_shapes(const tarn_array *a, const char *joiner, const tarn_array *b, const char *format, ...) {
    char words[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    text t = {0};
    array_describe(a, &t);
    if (b) text_add(&t, joiner);
    if (b) array_describe(b, &t);
    tarn_fail("%s: %s", words, text_string(&t));
    text_free(&t);
    return false;
}

/* ---- leaves */

static node *leaf(op_id op, const void *attributes, tarn_ints shape, tarn_dtype dtype, tarn_stream *stream) {
    int64_t bytes;
    if (shape.count > TARN_MAX_NDIM || !checked_bytes(shape.values, shape.count, dtype_bytes(dtype), &bytes)) {
        tarn_fail("an array of %lld axes: the shape is negative, too large or has more than %d axes",
                  (long long)shape.count, TARN_MAX_NDIM);
        return NULL;
    }
    if (!scope_check_open("making an array")) return NULL;
    node *n = node_new(op, 1, 0, NULL, attributes, stream);
    if (!n) return NULL;
    tarn_array *a = &n->outputs[0];
    a->dtype = dtype;
    a->ndim = (int)shape.count;
    if (a->ndim) memcpy(a->shape, shape.values, (size_t)a->ndim * sizeof *a->shape);
    return scope_register(n) ? n : NULL;
}

tarn_array *array_from_buffer(buffer *b, tarn_ints shape, tarn_dtype dtype) {
    node *n = b ? leaf(OP_data, NULL, shape, dtype, stream_current()) : NULL;
    if (!n) {
        buffer_release(b);
        return NULL;
    }
    int64_t strides[TARN_MAX_NDIM];
    dense_strides(n->outputs[0].ndim, n->outputs[0].shape, strides);
    array_set_value(&n->outputs[0], b, 0, strides);
    return &n->outputs[0];
}

tarn_array *array_argument(int index, tarn_ints shape, tarn_dtype dtype, tarn_stream *stream) {
    node *n = leaf(OP_argument, &(attributes_argument){.index = index}, shape, dtype, stream);
    return n ? &n->outputs[0] : NULL;
}

/* ---- facts */

tarn_dtype tarn_dtype_of(const tarn_array *a) {
    return a ? a->dtype : TARN_FLOAT32;
}
int tarn_ndim(const tarn_array *a) {
    return a ? a->ndim : 0;
}

int64_t tarn_dim(const tarn_array *a, int axis) {
    if (!a) return 0;
    if (axis < 0) axis += a->ndim;
    trace_note_sizes(a);
    return axis >= 0 && axis < a->ndim ? a->shape[axis] : 0;
}

tarn_ints tarn_shape_of(const tarn_array *a) {
    if (!a) return TARN_NO_AXES;
    trace_note_sizes(a);
    return array_shape(a);
}
int64_t tarn_size(const tarn_array *a) {
    if (!a) return 0;
    trace_note_sizes(a);
    return array_size(a);
}
const char *tarn_dtype_name(tarn_dtype dtype) {
    return (unsigned)dtype < TARN_DTYPE_COUNT ? dtype_facts[dtype].name : "unknown";
}
int64_t tarn_dtype_bytes(tarn_dtype dtype) {
    return (unsigned)dtype < TARN_DTYPE_COUNT ? dtype_bytes(dtype) : 0;
}

bool tarn_dtype_from_name(const char *name, tarn_dtype *dtype) {
    if (!name || !dtype) return tarn_fail("dtype_from_name: %s is NULL", name ? "dtype" : "name");
    for (int i = 0; i < TARN_DTYPE_COUNT; i++)
        if (strcmp(name, dtype_facts[i].name) == 0) return *dtype = (tarn_dtype)i, true;
    return false;
}
