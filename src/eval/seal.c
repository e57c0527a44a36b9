/* The end of making a program: its calls, what their operands point into, and the segments in which they are submitted.
 */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "eval/program.h"

/* ---- bases */

static int add_base(program *p, int storage_index, int slot, int *first) {
    for (int b = *first; b >= 0; b = p->bases.items[b].next)
        if (p->bases.items[b].slot == slot) return b;
    program_base made = {storage_index, slot, *first};
    if (!vector_push(&p->bases, made)) return -1;
    return *first = (int)p->bases.count - 1;
}

/* The scratches' bases come first, in their order. */
static bool add_scratch_bases(program *p) {
    for (size_t i = 0; i < p->scratches.count; i++) {
        int none = -1;
        if (add_base(p, ON_SCRATCH((int)i), p->scratches.items[i].stream->slot, &none) < 0) return false;
    }
    return true;
}

static bool place_value(program *p, int v, int slot, operand_place *out) {
    *out = (operand_place){-1, 0};
    if (v < 0) return true;
    const value *it = &p->values.items[v];
    const storage *t = &p->storages.items[it->storage];
    out->offset = t->at + it->at.offset * dtype_bytes(it->dtype);
    if (t->within < 0)
        out->base = ON_SCRATCH(t->within);
    else
        out->base = add_base(p, t->within, slot, &p->storages.items[t->within].bases);
    return out->base >= 0;
}

/* ---- calls */

static bool seal_step(program *p, int index, operand *room, operand_place *places) {
    step *st = &p->steps.items[index];
    int slot = st->stream->slot;
    if (!place_value(p, st->after - 1, slot, &st->after_place)) return false;
    p->calls[index] = step_call(st, room);
    for (int i = 0; i < st->input_count + st->output_count; i++) {
        int v = i < st->input_count ? st->inputs[i] : st->outputs[i - st->input_count];
        if (v >= 0) describe_operand(&room[i], &p->values.items[v]);
        if (!place_value(p, v, slot, &places[i])) return false;
        p->elements += v < 0 ? 0 : operand_size(&room[i]);
    }
    places[st->input_count + st->output_count] =
        st->workspace ? (operand_place){st->scratch, st->workspace_at} : (operand_place){-1, 0};
    return true;
}

static bool make_calls(program *p) {
    size_t steps = p->steps.count;
    for (size_t i = 0; i < steps; i++)
        p->operand_count += p->steps.items[i].input_count + p->steps.items[i].output_count;
    p->calls = ARENA_NEW_ARRAY(&p->memory, call, steps);
    p->operands = ARENA_NEW_ARRAY(&p->memory, operand, (size_t)p->operand_count);
    p->places = ARENA_NEW_ARRAY(&p->memory, operand_place, (size_t)p->operand_count + steps);
    if (!p->calls || !p->operands || !p->places) return false;
    operand *room = p->operands;
    operand_place *places = p->places;
    for (size_t i = 0; i < steps; i++) {
        int count = p->steps.items[i].input_count + p->steps.items[i].output_count;
        if (!seal_step(p, (int)i, room, places)) return false;
        room += count;
        places += count + 1;
    }
    return true;
}

/* ---- segments */

/* noted[b]: the segment's use of base b, + 1. */
static bool note_use(program *p, segment *s, int *noted, operand_place at, bool writes, bool whole) {
    if (at.base < 0 || p->bases.items[at.base].storage < 0) return true;
    if (noted[at.base] <= s->first_use) {
        segment_use made = {.base = at.base};
        if (!vector_push(&p->uses, made)) return false;
        noted[at.base] = (int)p->uses.count;
        s->use_count++;
    }
    segment_use *u = &p->uses.items[noted[at.base] - 1];
    u->reads = u->reads || (!u->writes && !(writes && whole));
    u->writes = u->writes || writes;
    return true;
}

/* An output that lies over an input, or is a part of what is there, leaves the rest as it was. */
static bool note_step(program *p, segment *s, int *noted, int index, const operand_place *places) {
    const step *st = &p->steps.items[index];
    for (int i = 0; i < st->input_count; i++)
        if (!note_use(p, s, noted, places[i], false, false)) return false;
    if (!note_use(p, s, noted, st->after_place, false, false)) return false;
    for (int i = 0; i < st->output_count; i++) {
        int t = st->outputs[i] < 0 ? -1 : p->values.items[st->outputs[i]].storage;
        bool whole = t >= 0 && p->storages.items[t].input < 0;
        if (!note_use(p, s, noted, places[st->input_count + i], true, whole)) return false;
    }
    return true;
}

static bool cut_segments(program *p) {
    int *noted = ARENA_NEW_ARRAY(&p->memory, int, p->bases.count);
    const operand_place *places = p->places;
    bool ok = noted != NULL;
    for (size_t i = 0; ok && i < p->steps.count; i++) {
        const step *st = &p->steps.items[i];
        segment *last = p->segments.count ? &p->segments.items[p->segments.count - 1] : NULL;
        if (!last || last->stream != st->stream) {
            segment made = {.stream = st->stream,
                            .first = (int)i,
                            .first_place = places - p->places,
                            .first_use = (int)p->uses.count};
            ok = vector_push(&p->segments, made);
            if (!ok) break;
            last = &p->segments.items[p->segments.count - 1];
        }
        last->count++;
        ok = note_step(p, last, noted, (int)i, places);
        places += st->input_count + st->output_count + 1;
    }
    return ok;
}

bool program_seal(program *p) {
    return program_plan_memory(p) && add_scratch_bases(p) && make_calls(p) && cut_segments(p);
}

/* ---- preparing */

static bool prepare_row(const step *st, call *c) {
    if (!c->row->prepare) return true;
    face_device(st);
    return c->row->prepare(c, &c->prepared) || error_blame(TARN_ERROR_RUNTIME);
}

static bool prepare_rows(program *p) {
    for (size_t i = 0; i < p->steps.count; i++)
        if (!prepare_row(&p->steps.items[i], &p->calls[i])) return false;
    return true;
}

bool program_prepare(program *p) {
    if (!prepare_rows(p)) return false;
    for (size_t i = 0; i < p->segments.count && !p->once; i++) {
        segment *s = &p->segments.items[i];
        const backend *of = s->stream->backend;
        if (of->prepare)
            s->plan = of->prepare(s->stream->device.index, p->calls + s->first, s->count, p->places + s->first_place,
                                  (int)p->bases.count);
    }
    return tarn_ok();
}
