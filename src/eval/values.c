/* The values of a schedule and the storages they lie in: made, found by entry, counted. A storage's `pending` counts
   the uses to come: at its last use it may be overwritten by the step that reads it, or is freed after it. */
#include <string.h>

#include "eval/emit.h"

enum { MOST_PINNED = 1 << 12 }; /* bytes of a block that a part of it may hold without a thought */

/* A value whose layout the caller fills in; NULL without memory. */
static value *add_value(schedule *s, int at, tarn_dtype dtype) {
    if (!vector_reserve(&s->p->values, 1)) return NULL;
    value *v = &s->p->values.items[s->p->values.count++];
    v->storage = at;
    v->dtype = dtype;
    return v;
}

static int newest_value(const schedule *s) {
    return (int)s->p->values.count - 1;
}

int emit_new_value(schedule *s, int at, tarn_dtype dtype, const array_layout *layout) {
    value *v = add_value(s, at, dtype);
    if (!v) return -1;
    v->at = *layout;
    return newest_value(s);
}

int emit_new_storage(schedule *s, int64_t bytes, int input, tarn_stream *stream) {
    storage t = {.bytes = bytes, .input = input, .stream = stream, .alignment = LARGEST_ELEMENT};
    return vector_push(&s->p->storages, t) ? (int)s->p->storages.count - 1 : -1;
}

int64_t emit_bytes_of(const schedule *s, int v) {
    const value *it = &s->p->values.items[v];
    int64_t size = 1;
    for (int i = 0; i < it->at.ndim; i++) size *= it->at.shape[i];
    return size * dtype_bytes(it->dtype);
}

/* All but the strides. */
static void layout_of_shape(array_layout *at, int ndim, const int64_t *shape) {
    at->ndim = ndim;
    at->offset = 0;
    memcpy(at->shape, shape, (size_t)ndim * sizeof *shape);
}

int emit_dense_value(schedule *s, const tarn_array *a, tarn_stream *stream) {
    int t = emit_new_storage(s, array_bytes(a), -1, stream);
    value *v = t < 0 ? NULL : add_value(s, t, a->dtype);
    if (!v) return -1;
    layout_of_shape(&v->at, a->ndim, a->shape);
    dense_strides(a->ndim, a->shape, v->at.strides);
    return newest_value(s);
}

void emit_set_value(schedule *s, int e, int v) {
    entry *it = &s->entries.items[e];
    storage *t = storage_of(s->p, v);
    it->value = v;
    t->pending += it->uses;
    t->exported = t->exported || it->retained;
}

/* The value of an entry that came in with one: an input of the program. */
static int external_value(schedule *s, int e) {
    entry *it = &s->entries.items[e];
    bool argument = it->argument >= 0;
    tarn_array *a = argument ? s->options.arguments[it->argument] : it->a;
    program_input in = {.captured = argument ? NULL : buffer_retain(a->buffer),
                        .argument = it->argument,
                        .storage = (int)s->p->storages.count};
    if (!vector_push(&s->p->inputs, in)) {
        buffer_release(in.captured);
        return -1;
    }
    int t = emit_new_storage(s, a->buffer->bytes, (int)s->p->inputs.count - 1, NULL);
    if (t < 0) return -1;
    const void *there = a->buffer->foreign ? buffer_data(a->buffer, a->buffer->home) : NULL; /* ours begins on a line */
    s->p->storages.items[t].alignment = alignment_at(there, argument ? a->offset * dtype_bytes(a->dtype) : 0);
    s->p->storages.items[t].donated = argument ? s->options.donated && s->options.donated[it->argument] : it->candidate;
    value *v = add_value(s, t, a->dtype);
    if (!v) return -1;
    layout_of_shape(&v->at, a->ndim, a->shape);
    memcpy(v->at.strides, a->strides, (size_t)a->ndim * sizeof *a->strides);
    if (!argument) v->at.offset = a->offset; /* of arguments each run tells where they begin */
    emit_set_value(s, e, newest_value(s));
    return newest_value(s);
}

int emit_value_of(schedule *s, int e) {
    int v = s->entries.items[e].value;
    return v >= 0 ? v
           : s->entries.items[e].external
               ? external_value(s, e)
               : (tarn_fail_kind(TARN_ERROR_RUNTIME, "internal: a value is used before it is made"), -1);
}

void emit_consume(schedule *s, int e, tarn_stream *stream) {
    storage *t = storage_of(s->p, s->entries.items[e].value);
    t->pending--;
    if (!t->stream) t->stream = stream;
    t->shared = t->shared || t->stream != stream;
}

static bool is_ours(const storage *t) {
    return t->input < 0 || t->donated;
}

static bool is_last_use(const schedule *s, int v, tarn_stream *stream) {
    const storage *t = storage_of(s->p, v);
    return t->pending == 0 && !t->exported && is_ours(t) && !t->shared && (!t->stream || t->stream == stream);
}

bool emit_is_dense(const schedule *s, int v) {
    const array_layout *at = &s->p->values.items[v].at;
    return strides_are_dense(at->ndim, at->shape, at->strides);
}

bool emit_is_unaligned(const schedule *s, int v) {
    const value *it = &s->p->values.items[v];
    return s->p->storages.items[it->storage].alignment < dtype_bytes(it->dtype);
}

/* A small part of a large block would hold all of it for as long as it lives. */
bool emit_is_small_part(const schedule *s, int v) {
    const storage *t = storage_of(s->p, v);
    return t->bytes > MOST_PINNED && emit_bytes_of(s, v) < t->bytes / 2;
}

bool emit_may_take(const schedule *s, const step *st, int i, const tarn_array *out) {
    int v = st->inputs[i];
    if (v < 0 || !is_last_use(s, v, st->stream) || !emit_is_dense(s, v) || emit_is_small_part(s, v)) return false;
    const value *in = &s->p->values.items[v];
    return dtype_bytes(in->dtype) == dtype_bytes(out->dtype) && in->at.ndim == out->ndim &&
           shapes_equal(out->ndim, in->at.shape, out->shape);
}

int emit_take(schedule *s, int v, const tarn_array *out) {
    const value in = s->p->values.items[v];
    array_layout at = in.at;
    dense_strides(at.ndim, at.shape, at.strides);
    return emit_new_value(s, in.storage, out->dtype, &at);
}

bool emit_is_foreign(const schedule *s, int v) {
    int input = storage_of(s->p, v)->input;
    const buffer *captured = input < 0 ? NULL : s->p->inputs.items[input].captured;
    return captured && captured->foreign;
}
