/* Running a program: buffers for its storages, calls with pointers, submitted to their streams. A failing kernel poisons what depends on
 * it; failing to submit ends the run. */
#include <string.h>

#include "base/hard.h"
#include "base/memory.h"
#include "core/pool.h"
#include "eval/hard.h"
#include "eval/program.h"

typedef struct run run;

/* What a kernel's begin and end callbacks need. */
typedef struct {
    run *run;
    const step *step;
    call call;
} launched;

struct run {
    program *p;
    atomic_int references;
    buffer **buffers;          /* of storages */
    int64_t *offsets;          /* of storages, in bytes: where an argument begins in its buffer */
    tarn_stream **last_stream; /* that worked on each storage in this run */
    bool *touched;             /* donated inputs that were overwritten or freed */
    launched *calls;
    operand *operands;
    VECTOR(tarn_stream *) streams;
};

static void run_release(run *r) {
    if (atomic_fetch_sub(&r->references, 1) != 1) return;
    for (size_t i = 0; i < r->p->storages.count && r->buffers; i++) buffer_release(r->buffers[i]);
    memory_free(r->buffers);
    memory_free(r->offsets);
    memory_free(r->last_stream);
    memory_free(r->touched);
    memory_free(r->calls);
    memory_free(r->operands);
    vector_free(&r->streams);
    program_release(r->p);
    memory_free(r);
}

static run *run_new(program *p) {
    run *r = NEW(run);
    if (!r) return NULL;
    size_t operands = 0;
    for (size_t i = 0; i < p->steps.count; i++) operands += (size_t)(p->steps.items[i].input_count + p->steps.items[i].output_count);
    *r = (run){.p = p,
               .references = 1,
               .buffers = NEW_ARRAY(buffer *, p->storages.count),
               .offsets = NEW_ARRAY(int64_t, p->storages.count),
               .last_stream = NEW_ARRAY(tarn_stream *, p->storages.count),
               .touched = NEW_ARRAY(bool, p->storages.count),
               .calls = NEW_ARRAY(launched, p->steps.count),
               .operands = NEW_ARRAY(operand, operands)};
    atomic_fetch_add(&p->references, 1);
    if (r->buffers && r->offsets && r->last_stream && r->touched && r->calls && r->operands) return r;
    run_release(r);
    return NULL;
}

/* ---- callbacks on the stream's thread */

static buffer *buffer_of(const run *r, int v) {
    return v < 0 ? NULL : r->buffers[r->p->values.items[v].storage];
}

static bool begin_step(void *context) {
    const launched *l = context;
    for (int i = 0; i < l->step->input_count; i++) {
        buffer *b = buffer_of(l->run, l->step->inputs[i]);
        const char *poison = b ? buffer_poisoned(b) : NULL;
        if (!poison) continue;
        for (int k = 0; k < l->step->output_count; k++)
            if (l->step->outputs[k] >= 0) buffer_poison(buffer_of(l->run, l->step->outputs[k]), poison);
        return false;
    }
    return true;
}

/* In hard mode: a kernel that wrote behind a new output. Inputs' and donated memory may be foreign to the run, and older than the mode's
 * bytes. */
static bool wrote_behind(const launched *l) {
    for (int k = 0; hard_mode() && l->step->stream->backend->host_memory && k < l->step->output_count; k++) {
        int v = l->step->outputs[k];
        if (v < 0 || l->run->p->storages.items[l->run->p->values.items[v].storage].input >= 0 || !buffer_of(l->run, v)->bytes) continue;
        const char *data =
            (const char *)l->call.outputs[k].data - l->run->p->values.items[v].at.offset * dtype_bytes(l->call.outputs[k].dtype);
        if (!hard_guard_holds(buffer_of(l->run, v), data)) return true;
    }
    return false;
}

static void end_step(void *context, bool ok, const char *error) {
    launched *l = context;
    if (ok && wrote_behind(l)) {
        ok = false;
        error = "a kernel wrote behind its output";
    }
    for (int k = 0; !ok && k < l->step->output_count; k++)
        if (l->step->outputs[k] >= 0) buffer_poison(buffer_of(l->run, l->step->outputs[k]), error ? error : "a kernel failed");
}

/* What was read from a mapped file is only known to be the file's if it has not changed meanwhile. */
static void end_run(void *context) {
    run *r = context;
    const void *asked = NULL;
    for (size_t i = 0; i < r->p->storages.count; i++) {
        buffer *b = r->buffers[i];
        if (!b || !b->check || b->context == asked) continue;
        asked = b->context;
        if (b->check(b->context)) continue;
        for (size_t k = 0; k < r->p->storages.count; k++)
            if (r->p->storages.items[k].exported && r->p->storages.items[k].input < 0) buffer_poison(r->buffers[k], tarn_error());
        tarn_clear_error();
    }
    run_release(r);
}

/* ---- submitting */

static bool use_stream(run *r, tarn_stream *s) {
    for (size_t i = 0; i < r->streams.count; i++)
        if (r->streams.items[i] == s) return true;
    return vector_push(&r->streams, s);
}

/* Within a run buffers carry no events yet: what another stream did to the storage is waited for here. */
static bool follow(run *r, int t, tarn_stream *s) {
    tarn_stream *before = r->last_stream[t];
    r->last_stream[t] = s;
    if (!before || before == s) return true;
    event *e = event_record(before);
    bool ok = e && stream_wait(s, e);
    if (ok) buffer_was_written(r->buffers[t], before, e);
    event_release(e);
    return ok;
}

static void fill_operand(const run *r, int v, int slot, operand *o) {
    *o = (operand){0};
    if (v < 0) return;
    const value *it = &r->p->values.items[v];
    char *base = r->buffers[it->storage]->copies[slot].data;
    static char nothing[8]; /* an empty array still has an address: NULL means absent */
    *o = (operand){.data = base ? base + r->offsets[it->storage] + it->at.offset * dtype_bytes(it->dtype) : nothing,
                   .dtype = it->dtype,
                   .ndim = it->at.ndim,
                   .shape = it->at.shape,
                   .strides = it->at.strides};
}

static bool prepare_inputs(run *r, const step *st) {
    for (int i = 0; i < st->input_count; i++) {
        if (st->inputs[i] < 0) continue;
        int t = r->p->values.items[st->inputs[i]].storage;
        if (!follow(r, t, st->stream) || !buffer_use(r->buffers[t], st->stream)) return false;
    }
    return true;
}

static bool prepare_outputs(run *r, const step *st) {
    for (int i = 0; i < st->output_count; i++) {
        if (st->outputs[i] < 0) continue;
        int t = r->p->values.items[st->outputs[i]].storage;
        if (!r->buffers[t] && !(r->buffers[t] = buffer_new(r->p->storages.items[t].bytes))) return false;
        bool old = r->p->storages.items[t].input >= 0 || r->last_stream[t];
        if (!follow(r, t, st->stream) ||
            !buffer_use_for_writing(r->buffers[t], st->stream, old && r->buffers[t]->copies[st->stream->slot].valid))
            return false;
        if (!old && !hard_fill(r->buffers[t], st->stream)) return false;
        r->buffers[t]->copies[st->stream->slot].valid = true;
        r->touched[t] = true;
    }
    return true;
}

static void fill_call(run *r, const step *st, launched *l, operand *room) {
    for (int i = 0; i < st->input_count; i++) fill_operand(r, st->inputs[i], st->stream->slot, &room[i]);
    for (int i = 0; i < st->output_count; i++) fill_operand(r, st->outputs[i], st->stream->slot, &room[st->input_count + i]);
    l->run = r;
    l->step = st;
    l->call = (call){.op = st->op,
                     .attributes = st->attributes,
                     .input_count = st->input_count,
                     .output_count = st->output_count,
                     .inputs = room,
                     .outputs = room + st->input_count,
                     .program = st->group,
                     .row = st->row};
}

static bool launch(run *r, size_t index, operand *room) {
    const step *st = &r->p->steps.items[index];
    launched *l = &r->calls[index];
    if (!use_stream(r, st->stream) || !prepare_inputs(r, st) || !prepare_outputs(r, st)) return false;
    fill_call(r, st, l, room);
    if (st->workspace && !(l->call.workspace = pool_allocate(st->stream->slot, st->workspace, st->stream))) return false;
    bool ok = st->stream->backend->launch(st->stream->handle, &l->call, begin_step, end_step, l);
    if (st->workspace) pool_release(st->stream->slot, l->call.workspace, st->stream, NULL, 0);
    for (int i = 0; ok && i < st->free_count; i++) {
        r->touched[st->frees[i]] = true;
        buffer_free_block(r->buffers[st->frees[i]], st->stream);
    }
    return ok;
}

static bool bind_inputs(run *r, buffer *const *arguments, const int64_t *offsets) {
    const void *asked = NULL;
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        const program_input *in = &r->p->inputs.items[i];
        buffer *b = in->captured ? in->captured : arguments[in->argument];
        r->buffers[in->storage] = buffer_retain(b);
        if (!in->captured) r->offsets[in->storage] = offsets[in->argument];
        if (b->check && b->context != asked && !b->check(b->context)) return false;
        asked = b->check ? b->context : asked;
    }
    return true;
}

/* The events after which every buffer of the run is valid and free to write. */
static bool record_events(run *r) {
    bool ok = true;
    for (size_t k = 0; k < r->streams.count; k++) {
        tarn_stream *s = r->streams.items[k];
        event *e = event_record(s);
        ok = ok && e;
        for (size_t i = 0; e && i < r->p->storages.count; i++) {
            buffer *b = r->buffers[i];
            if (!b || r->last_stream[i] != s) continue;
            if (r->touched[i] && b->copies[s->slot].data)
                buffer_was_written(b, s, e);
            else if (!r->touched[i])
                buffer_was_read(b, e);
        }
        event_release(e);
    }
    return ok;
}

/* Streams that only read a storage another stream used later have waited for it by `follow`; each stream of the run ends with a job that
 * holds the run until then. */
static bool finish_streams(run *r) {
    bool ok = true;
    for (size_t k = 0; k < r->streams.count; k++) {
        atomic_fetch_add(&r->references, 1);
        if (r->streams.items[k]->backend->host(r->streams.items[k]->handle, end_run, r)) continue;
        ok = false;
        tarn_synchronize(r->streams.items[k]);
        run_release(r);
    }
    return ok;
}

/* Donated inputs whose memory a failed run has used already are lost, and say so when read. */
static void spoil(run *r) {
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        int t = r->p->inputs.items[i].storage;
        if (!r->touched[t] || !r->buffers[t]) continue;
        text why = {0};
        text_format(&why, "its memory was used by an evaluation that failed: %s", tarn_ok() ? "unknown" : tarn_error());
        buffer_poison(r->buffers[t], text_string(&why));
        text_free(&why);
    }
}

/* The limits are asked for all that the steps will hold at once, before the first of them overwrites anything. */
static bool fits_limits(const program *p) {
    int64_t live[DEVICE_SLOTS] = {0}, most[DEVICE_SLOTS] = {0};
    bool *made = NEW_ARRAY(bool, p->storages.count), ok = made;
    for (size_t i = 0; ok && i < p->steps.count; i++) {
        const step *st = &p->steps.items[i];
        int64_t *now = &live[st->stream->slot], *peak = &most[st->stream->slot];
        for (int k = 0; k < st->output_count; k++) {
            int t = st->outputs[k] < 0 ? -1 : p->values.items[st->outputs[k]].storage;
            if (t < 0 || made[t] || p->storages.items[t].input >= 0) continue;
            made[t] = true;
            *now += p->storages.items[t].bytes;
        }
        if (*now + st->workspace > *peak) *peak = *now + st->workspace;
        for (int k = 0; k < st->free_count; k++) *now -= p->storages.items[st->frees[k]].bytes;
    }
    memory_free(made);
    for (int slot = 0; ok && slot < DEVICE_SLOTS; slot++) ok = most[slot] == 0 || pool_has_room(slot, most[slot]);
    return ok;
}

static buffer **export_buffers(run *r) {
    buffer **out = NEW_ARRAY(buffer *, r->p->storages.count);
    for (size_t i = 0; out && i < r->p->storages.count; i++)
        if (r->p->storages.items[i].exported) out[i] = buffer_retain(r->buffers[i]);
    return out;
}

bool program_run(program *p, buffer *const *arguments, const int64_t *offsets, buffer ***buffers_out) {
    run *r = run_new(p);
    if (!r) return false;
    bool ok = bind_inputs(r, arguments, offsets) && fits_limits(p);
    operand *room = r->operands;
    for (size_t i = 0; ok && i < p->steps.count; i++) {
        ok = launch(r, i, room);
        room += p->steps.items[i].input_count + p->steps.items[i].output_count;
    }
    *buffers_out = ok ? export_buffers(r) : NULL;
    if (!*buffers_out) spoil(r);
    ok = finish_streams(r) && *buffers_out;
    ok = record_events(r) && ok;
    run_release(r);
    return ok;
}

void program_release(program *p) {
    if (!p || atomic_fetch_sub(&p->references, 1) != 1) return;
    for (size_t i = 0; i < p->steps.count; i++) attributes_free(p->steps.items[i].op, p->steps.items[i].attributes);
    for (size_t i = 0; i < p->inputs.count; i++) buffer_release(p->inputs.items[i].captured);
    vector_free(&p->values);
    vector_free(&p->storages);
    vector_free(&p->steps);
    vector_free(&p->inputs);
    vector_free(&p->outputs);
    arena_free(&p->memory);
    memory_free(p);
}
