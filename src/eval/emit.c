/* Units to steps: layouts, kernels, reuse of memory. The values and storages are values.c. */
#include <string.h>

#include "core/fallback.h"
#include "core/pool.h"
#include "eval/emit.h"

/* ---- steps */

int emit_step(schedule *s, step made) {
    if (vector_push(&s->p->steps, made)) return (int)s->p->steps.count - 1;
    attributes_free(made.op, made.attributes);
    return -1;
}

static void operand_of(const schedule *s, int v, operand *o) {
    o->data = v < 0 ? NULL : o; /* only whether there is one */
    if (v >= 0)
        describe_operand(o, &s->p->values.items[v]);
    else
        *o = (operand){0};
}

/* Makes a call on the step's values, for asking rows; it is good until the next is made. */
static bool call_of(schedule *s, const step *st, call *c) {
    s->room.count = 0;
    if (!vector_reserve(&s->room, (size_t)(st->input_count + st->output_count))) return false;
    operand *room = s->room.items;
    for (int i = 0; i < st->input_count; i++) operand_of(s, st->inputs[i], &room[i]);
    for (int i = 0; i < st->output_count; i++) operand_of(s, st->outputs[i], &room[st->input_count + i]);
    *c = step_call(st, room);
    return true;
}

/* The workspace that the row wants for the step as it is now. */
bool emit_measure_workspace(schedule *s, step *st) {
    call c;
    st->workspace = 0;
    if (!st->row->workspace) return true;
    if (!call_of(s, st, &c)) return false;
    face_device(st);
    st->workspace = st->row->workspace(&c);
    return st->workspace >= 0 || tarn_fail("%s: a workspace too large to count", op_name(st->op));
}

static bool find_row_of(step *st, const call *c) {
    st->row = find_row(st->stream->slot, c);
    if (!st->row && st->stream->slot != DEVICE_HOST && fallback_allowed()) {
        st->stream = slot_default_stream(DEVICE_HOST);
        st->row = find_row(DEVICE_HOST, c);
        if (st->row) fallback_count(op_name(st->op));
    }
    if (st->row) return true;
    tarn_dtype dtype = c->input_count ? c->inputs[0].dtype : c->outputs[0].dtype;
    return tarn_fail_kind(
        TARN_ERROR_RUNTIME,
        "%s: the device %s has neither a kernel nor a formula for %s (tarn_allow_fallback would run it on the CPU)",
        op_name(st->op), tarn_device_type_name(st->stream->device.type), dtype_facts[dtype].name);
}

int emit_copy(schedule *s, int v, tarn_stream *stream) {
    const value from = s->p->values.items[v];
    array_layout at = {.ndim = from.at.ndim};
    memcpy(at.shape, from.at.shape, sizeof at.shape);
    dense_strides(at.ndim, at.shape, at.strides);
    int t = emit_new_storage(s, emit_bytes_of(s, v), -1, stream);
    int out = t < 0 ? -1 : emit_new_value(s, t, from.dtype, &at);
    int *lists = ARENA_NEW_ARRAY(&s->p->memory, int, 2);
    if (out < 0 || !lists) return -1;
    lists[0] = v;
    lists[1] = out;
    step st = {.op = OP_contiguous,
               .input_count = 1,
               .output_count = 1,
               .inputs = lists,
               .outputs = lists + 1,
               .stream = stream};
    s->p->copies++;
    call c;
    bool ok = call_of(s, &st, &c) && find_row_of(&st, &c) &&
              emit_measure_workspace(s, &st); /* its source may have other readers in the step the copy is for */
    return ok && emit_step(s, st) >= 0 ? out : -1;
}

/* ---- views */

/* The value of output i of a view of `from`, or -1: then a copy of `from` is needed (or the error is set). */
static int view_value(schedule *s, const node *n, int i, int from) {
    const value *in = &s->p->values.items[from];
    const tarn_array *out = &n->outputs[i];
    bool narrow = s->p->storages.items[in->storage].alignment < dtype_bytes(out->dtype) && out->dtype != in->dtype;
    array_layout at;
    return !narrow && view_layout(n, i, &in->at, &at) ? emit_new_value(s, in->storage, out->dtype, &at) : -1;
}

static bool emit_view(schedule *s, const unit *u) {
    const node *n = u->node;
    int source = schedule_source(s, n->inputs[0]), from = emit_value_of(s, source);
    if (from < 0) return false;
    for (int k = 1; k < n->input_count; k++) /* of depends: only that they came before */
        if (n->inputs[k] && emit_value_of(s, schedule_source(s, n->inputs[k])) < 0) return false;
    for (int i = 0; i < n->output_count; i++) {
        int e = n->outputs[i].note;
        entry *out = &s->entries.items[e];
        if (out->external || (out->uses == 0 && !out->retained)) continue;
        int v = view_value(s, n, i, from);
        if (v < 0 && (!tarn_ok() || (from = emit_copy(s, from, n->stream)) < 0 || (v = view_value(s, n, i, from)) < 0))
            return tarn_ok() ? tarn_fail_kind(TARN_ERROR_RUNTIME, "internal: %s over a dense array", op_name(n->op))
                             : false;
        emit_set_value(s, e, v);
    }
    for (int k = 0; k < n->input_count; k++)
        if (n->inputs[k]) emit_consume(s, schedule_source(s, n->inputs[k]), n->stream);
    return true;
}

/* ---- kernels */

/* Bit `index` of a set of inputs; inputs beyond the 32nd of an op with many go with the 32nd. */
static bool has_input(unsigned set, int index) {
    return set >> (index < 31 ? index : 31) & 1;
}

static bool layout_fits(const schedule *s, const kernel_row *row, int index, int v) {
    const array_layout *at = &s->p->values.items[v].at;
    if (emit_is_unaligned(s, v) && !has_input(row->any_address, index)) return false;
    if (row->layout == LAYOUT_ANY || has_input(row->any_layout, index) || emit_is_dense(s, v)) return true;
    int last = at->ndim - 1;
    bool rows = last < 0 || at->strides[last] == 1 || at->shape[last] == 1;
    if (row->layout == LAYOUT_DENSE || rows) return row->layout != LAYOUT_DENSE && rows;
    return row->layout == LAYOUT_MATRIX && last > 0 && (at->strides[last - 1] == 1 || at->shape[last - 1] == 1);
}

static bool fix_layouts(schedule *s, step *st) {
    for (int i = 0; i < st->input_count; i++) {
        if (st->inputs[i] < 0 || layout_fits(s, st->row, i, st->inputs[i])) continue;
        if ((st->inputs[i] = emit_copy(s, st->inputs[i], st->stream)) < 0) return false;
    }
    return true;
}

/* Whether another input of the step reads the storage of input i. */
static bool is_read_twice(const schedule *s, const step *st, int i) {
    for (int k = 0; k < st->input_count; k++)
        if (k != i && st->inputs[k] >= 0 && storage_of(s->p, st->inputs[k]) == storage_of(s->p, st->inputs[i]))
            return true;
    return false;
}

/* Output 0 in the memory of an input whose last use this is, where the kernel allows it. */
static int place_output(schedule *s, const step *st, const tarn_array *out) {
    for (int i = 0; i < st->input_count && i < 32; i++)
        if (st->row->may_overwrite & 1u << i && emit_may_take(s, st, i, out) && !is_read_twice(s, st, i))
            return emit_take(s, st->inputs[i], out);
    return emit_dense_value(s, out, st->stream);
}

/* The kernel of an update writes only what changes: its output 0 must hold input 0 already. So it lies over that input
   if this is the last use, else over a copy, which is what the kernel then gets as its input. */
static int place_updated(schedule *s, step *st, const tarn_array *out) {
    bool taken = emit_may_take(s, st, 0, out) && !is_read_twice(s, st, 0);
    int v = taken ? emit_take(s, st->inputs[0], out) : emit_copy(s, st->inputs[0], st->stream);
    if (v >= 0) st->inputs[0] = v;
    st->updates = true;
    return v;
}

static bool place_outputs(schedule *s, step *st, const node *n) {
    for (int i = 0; i < n->output_count; i++) {
        const entry *e = &s->entries.items[n->outputs[i].note];
        const tarn_array *out = &n->outputs[i];
        bool update = i == 0 && op_has_flag(n->op, OP_UPDATE), effect = i == 0 && op_has_flag(n->op, OP_EFFECT);
        if (e->external || (e->uses == 0 && !e->retained && !update && !effect)) continue;
        st->outputs[i] = update   ? place_updated(s, st, out)
                         : i == 0 ? place_output(s, st, out)
                                  : emit_dense_value(s, out, st->stream);
        if (st->outputs[i] < 0) return false;
    }
    return true;
}

static bool start_step(schedule *s, step *st, const node *n) {
    bool ok;
    st->op = n->op;
    int *lists = ARENA_NEW_ARRAY(&s->p->memory, int, (size_t)(n->input_count + n->output_count));
    st->attributes = attributes_copy(n->op, n->attributes, &ok);
    if (!lists || !ok) return false;
    st->stream = n->stream;
    st->inputs = lists;
    st->outputs = lists + n->input_count;
    st->input_count = n->input_count;
    st->output_count = n->output_count;
    for (int i = 0; i < n->input_count; i++) {
        int e = n->inputs[i] ? schedule_source(s, n->inputs[i]) : -1;
        st->inputs[i] = e < 0 ? -1 : emit_value_of(s, e);
        if (e >= 0 && st->inputs[i] < 0) return false;
    }
    return true;
}

bool emit_choose_row(schedule *s, step *st, emit_output output, const void *context) {
    call c;
    for (int i = 0; i < st->output_count; i++) st->outputs[i] = -1;
    s->strides.count = 0;
    if (!call_of(s, st, &c) || !vector_reserve(&s->strides, (size_t)st->output_count * TARN_MAX_NDIM)) return false;
    for (int i = 0; i < st->output_count; i++) {
        const tarn_array *a = output(context, i);
        operand *o = &c.outputs[i];
        int64_t *strides = s->strides.items + i * TARN_MAX_NDIM;
        dense_strides(a->ndim, a->shape, strides);
        *o = (operand){.data = o, .dtype = a->dtype, .ndim = a->ndim, .shape = a->shape, .strides = strides};
    }
    return find_row_of(st, &c);
}

static const tarn_array *output_of_node(const void *n, int k) {
    return &((const node *)n)->outputs[k];
}

/* A dense array is already what `contiguous` asks for, unless it is a small part of memory of ours: then a copy lets
 * that go. */
static bool emit_same(schedule *s, const node *n) {
    if (n->op != OP_contiguous) return false;
    int source = schedule_source(s, n->inputs[0]), v = emit_value_of(s, source);
    if (v < 0 || !emit_is_dense(s, v) || emit_is_unaligned(s, v) ||
        (emit_is_small_part(s, v) && !emit_is_foreign(s, v)))
        return false;
    emit_set_value(s, n->outputs[0].note, v);
    emit_consume(s, source, n->stream);
    return true;
}

static bool emit_kernel(schedule *s, const unit *u) {
    const node *n = u->node;
    step st = {0};
    if (emit_same(s, n)) return true;
    bool ok = tarn_ok() && start_step(s, &st, n) && emit_choose_row(s, &st, output_of_node, n);
    for (int i = 0; ok && i < n->input_count; i++)
        if (n->inputs[i]) emit_consume(s, schedule_source(s, n->inputs[i]), st.stream);
    ok = ok && fix_layouts(s, &st) && place_outputs(s, &st, n) && emit_measure_workspace(s, &st);
    if (ok && op_has_flag(n->op, OP_EFFECT)) {
        st.after = s->last_effect;
        s->last_effect = st.outputs[0] + 1;
    }
    if (!ok) {
        attributes_free(st.op, st.attributes);
        return false;
    }
    for (int i = 0; i < n->output_count; i++)
        if (st.outputs[i] >= 0) emit_set_value(s, n->outputs[i].note, st.outputs[i]);
    return emit_step(s, st) >= 0;
}

static void count_recomputed(const unit *u) {
    for (int i = 0; i < u->node->output_count; i++)
        if (u->node->outputs[i].was_computed && !u->node->outputs[i].buffer)
            pool_count_recomputed(u->node->stream->slot, array_bytes(&u->node->outputs[i]));
}

bool schedule_emit(schedule *s) {
    for (size_t i = 0; i < s->sequence.count; i++) {
        const unit *u = &s->units.items[s->sequence.items[i]];
        if (u->kind != UNIT_VIEW) count_recomputed(u);
        bool ok = u->kind == UNIT_VIEW ? emit_view(s, u) : u->kind == UNIT_GROUP ? emit_group(s, u) : emit_kernel(s, u);
        if (!ok) return false;
    }
    for (size_t i = 0; i < s->entries.count; i++) { /* roots that came in with a value, or share one that did */
        const entry *e = &s->entries.items[i];
        int source = schedule_resolve(s, (int)i);
        if ((e->root || e->retained) && s->entries.items[source].value < 0 && emit_value_of(s, source) < 0)
            return false;
        if (e->root || e->retained) storage_of(s->p, s->entries.items[source].value)->exported = true;
    }
    return true;
}
