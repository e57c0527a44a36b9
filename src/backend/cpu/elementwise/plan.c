/* How a group's program is to run: where values lie, which loops make them, what moves past the caches. */
#include "cpu/elementwise/plan.h"

#include <string.h>

#include "cpu/sizes.h"

enum {
    LEAST_BLOCK = 256,
    MOST_BLOCK = 1024,
    BUSY_BLOCK = 512,         /* where memory is what limits */
    LEAST_PAIRED = 4096,      /* elements for which looking for pairs pays */
    MOST_LINES = 20,          /* of the cache, on the way at once, about */
    CACHE_BYTES = 24 << 10,   /* of the first-level cache: before slots fill more, blocks shrink to LEAST_BLOCK */
    SCRATCH_BYTES = 48 << 10, /* what they may fill at all; of a thread's stack */
    AHEAD_BYTES = 1 << 20,    /* inputs of so many bytes are fetched ahead */
    STREAM_BYTES = 16 << 20   /* an output of so many bytes will not be in a cache when it is read */
};

typedef elementwise_plan plan;

/* Merges axes that one stride can walk; drops those of size 1. */
static void collapse(source *s, const operand *o) {
    s->ndim = 0;
    for (int i = 0; i < o->ndim; i++) {
        if (o->shape[i] == 1) continue;
        int last = s->ndim - 1;
        if (last >= 0 && s->strides[last] == o->strides[i] * o->shape[i]) {
            s->shape[last] *= o->shape[i];
            s->strides[last] = o->strides[i];
        } else {
            s->shape[s->ndim] = o->shape[i];
            s->strides[s->ndim++] = o->strides[i];
        }
    }
    if (s->ndim > 0) return;
    s->ndim = 1;
    s->shape[0] = 1;
    s->strides[0] = 0;
}

static void plan_source(source *s, const operand *o, int slot, const elementwise_kernels *kernels) {
    s->data = o->data;
    s->load = kernels->loads[o->dtype];
    s->slot = slot;
    s->bytes = (int)dtype_bytes(o->dtype);
    s->share = 0;
    s->turned = false;
    s->width = compute_type_bytes(compute_type_of(o->dtype));
    collapse(s, o);
    s->constant = s->ndim == 1 && s->strides[0] == 0;
    s->raw = elementwise_is_raw(o->dtype) && !s->constant;
}

/* Where registers are while the steps are planned. A result goes to a slot of its own; `spare` is nobody's. */
typedef struct {
    uint8_t value[GROUP_MAX_REGISTERS]; /* the slot with the register's present value */
    uint8_t own[GROUP_MAX_REGISTERS];   /* the slot that the register's next value goes to */
    uint8_t spare;
} slot_map;

/* A loop may write over an argument, but not with wider elements. */
static bool widens_in_place(const group_instruction *in, uint8_t argument, uint8_t result) {
    bool narrow_first = in->op == OP_astype ? compute_type_bytes(compute_type_of((tarn_dtype)in->input_dtype)) == 4
                                            : op_facts[in->op].inputs == INPUTS_CHOICE;
    return narrow_first && argument == result && compute_type_bytes(compute_type_of((tarn_dtype)in->dtype)) == 8;
}

static uint8_t place_result(slot_map *map, const group_instruction *in) {
    uint8_t *own = &map->own[in->result];
    if (widens_in_place(in, map->value[in->arguments[0]], *own)) {
        uint8_t freed = *own;
        *own = map->spare;
        map->spare = freed;
    }
    return *own;
}

/* Written where it lies: a copy of what was just written byte by byte has to wait for that. */
static void plan_step(step *s, const group_instruction *in, slot_map *map, const elementwise_kernels *kernels) {
    compute_type from = compute_type_of((tarn_dtype)in->input_dtype), to = compute_type_of((tarn_dtype)in->dtype);
    memset(s, 0, sizeof *s);
    s->result = place_result(map, in);
    s->bytes = (uint8_t)compute_type_bytes(to);
    int arguments = in->op == OP_astype ? 1 : op_facts[in->op].most_inputs;
    s->argument_count = (uint8_t)arguments;
    for (int i = 0; i < arguments; i++) {
        bool truth = i == 0 && in->op != OP_astype && op_facts[in->op].inputs == INPUTS_CHOICE;
        s->arguments[i] = map->value[in->arguments[i]];
        s->widths[i] = (uint8_t)compute_type_bytes(truth ? TYPE_I32 : from);
    }
    map->value[in->result] = s->result;
    s->loop = elementwise_loop_of(in, kernels);
    s->convert = elementwise_convert_of(in, kernels);
}

static bool step_reads(const step *s, int slot) {
    for (int k = 0; k < s->argument_count; k++)
        if (s->arguments[k] == slot) return true;
    return false;
}

static bool slot_is_sunk(const plan *p, int slot) {
    for (int i = 0; i < p->sink_count; i++)
        if (p->sinks[i].slot == slot) return true;
    return false;
}

static void stand_still(step *s, int argument) {
    s->still |= (uint8_t)(1 << argument);
    s->widths[argument] = 0;
}

/* Stores and conversions read whole blocks; loops need no more than a step of a constant. */
static void find_still(plan *p) {
    p->still_count = 0;
    for (int k = 0; k < p->source_count; k++) {
        source *s = &p->sources[k];
        s->still = s->constant && !slot_is_sunk(p, s->slot);
        for (int i = 0; i < p->step_count && s->still; i++)
            s->still = p->steps[i].loop || p->steps[i].arguments[0] != s->slot;
        p->still_count += s->still;
        for (int i = 0; i < p->step_count && s->still; i++)
            for (int j = 0; j < p->steps[i].argument_count; j++)
                if (p->steps[i].arguments[j] == s->slot) stand_still(&p->steps[i], j);
    }
}

static bool overlap(const sink *a, const source *b, int64_t size) {
    int64_t before = 0, after = 0;
    for (int i = 0; i < b->ndim; i++) *(b->strides[i] < 0 ? &before : &after) += (b->shape[i] - 1) * b->strides[i];
    return a->data < b->data + (after + 1) * b->bytes && b->data + before * b->bytes < a->data + size * a->bytes;
}

/* Values of the slot may go straight to the output's memory if they are as wide and no step reads, once the first of
   them is written, an input that lives there too. */
static bool may_write_through(const plan *p, const sink *to) {
    bool written = false;
    for (int i = 0; i < p->step_count; i++) {
        const step *s = &p->steps[i];
        for (int j = 0; written && j < p->source_count; j++)
            if (p->sources[j].raw && step_reads(s, p->sources[j].slot) && overlap(to, &p->sources[j], p->size))
                return false;
        if (s->result == to->slot && s->bytes != to->bytes) return false;
        written = written || s->result == to->slot;
    }
    return true;
}

static int last_writer(const plan *p, int slot) {
    int i = p->step_count - 1;
    while (i >= 0 && p->steps[i].result != slot) i--;
    return i;
}

static bool slot_is_sunk_raw(const plan *p, int slot) {
    for (int i = 0; i < p->sink_count; i++)
        if (p->sinks[i].raw && p->sinks[i].slot == slot) return true;
    return false;
}

/* A value that only its store reads is rounded there. */
static void skip_last_rounding(plan *p, int slot, int last) {
    step *s = &p->steps[last];
    if (!s->loop || !s->convert) return;
    for (int i = last + 1; i < p->step_count; i++)
        if (step_reads(&p->steps[i], slot)) return;
    s->convert = NULL;
}

/* Whether the output goes past the caches: not where an input was just read, or another output has the same values. */
static bool may_stream(const plan *p, const sink *to) {
    if (p->stream_count == MOST_STREAMS || p->size * to->bytes < STREAM_BYTES) return false;
    if (to->slot >= INPUT_SLOTS || (uintptr_t)to->data % CACHE_LINE != 0) return false;
    for (int i = 0; i < p->source_count; i++)
        if (overlap(to, &p->sources[i], p->size)) return false;
    return !slot_is_sunk(p, to->slot);
}

static void plan_sink(plan *p, const operand *o, int slot, const elementwise_kernels *kernels) {
    sink *s = &p->sinks[p->sink_count];
    int last = last_writer(p, slot);
    s->data = o->data;
    s->store = kernels->stores[o->dtype];
    s->slot = slot;
    s->bytes = (int)dtype_bytes(o->dtype);
    s->dense = elementwise_is_raw(o->dtype);
    s->stream = may_stream(p, s) ? STREAM_SLOTS + p->stream_count++ : 0;
    if (slot >= INPUT_SLOTS) p->sources[slot - INPUT_SLOTS].raw = false; /* another output may be in its memory */
    s->raw = !s->stream && last >= 0 && s->dense && !slot_is_sunk_raw(p, slot) && may_write_through(p, s);
    if (last >= 0) skip_last_rounding(p, slot, last);
    p->sink_count++;
}

static void use_slot(plan *p, bool *seen, int slot) {
    if (seen[slot]) return;
    seen[slot] = true;
    p->place[slot] = (uint8_t)p->used_count;
    p->used[p->used_count++] = (uint8_t)slot;
}

/* In whole steps, whatever the block. */
static int64_t half_of(int64_t block) {
    return round_up(block / 2, ELEMENTWISE_STEP);
}

/* Finds the slots in use and chooses the block. */
static void place_slots(plan *p) {
    bool seen[SLOTS] = {false};
    p->used_count = 0;
    for (int i = 0; i < p->source_count; i++)
        if (!p->sources[i].still) use_slot(p, seen, p->sources[i].slot);
    for (int i = 0; i < p->step_count; i++) use_slot(p, seen, p->steps[i].result);
    for (int i = 0; i < MOST_STREAMS && i < p->stream_count; i++) use_slot(p, seen, STREAM_SLOTS + i);
    p->block = !p->busy ? MOST_BLOCK : p->even ? LEAST_BLOCK : BUSY_BLOCK;
    int64_t row = round_up(p->tiles.columns, ELEMENTWISE_STEP);
    if (p->tiles.ndim > 0 && !p->tiles.joined && row < p->block) p->block = row;
    int64_t bytes = p->used_count * p->slot_bytes;
    while (p->block > LEAST_BLOCK && p->block * bytes > CACHE_BYTES) p->block = half_of(p->block);
    while (p->block * bytes > SCRATCH_BYTES) p->block = half_of(p->block);
    p->used_bytes = p->block * p->slot_bytes;
}

static void plan_widths(plan *p, const call *c) {
    p->slot_bytes = 4;
    for (int i = 0; i < c->input_count; i++)
        if (compute_type_bytes(compute_type_of(c->inputs[i].dtype)) == 8) p->slot_bytes = 8;
    for (int i = 0; i < c->program->instruction_count; i++)
        if (compute_type_bytes(compute_type_of((tarn_dtype)c->program->instructions[i].dtype)) == 8) p->slot_bytes = 8;
}

/* One loop that reads and writes arrays alone runs over all of its elements at once. */
static bool is_whole(const plan *p) {
    bool whole = !p->busy && p->step_count == 1 && p->sink_count == 1 && p->sinks[0].raw && p->steps[0].loop &&
                 !p->steps[0].convert;
    for (int i = 0; i < p->source_count; i++) whole = whole && p->sources[i].raw && source_is_line(&p->sources[i]);
    return whole;
}

/* Whether all that differs from one full block to the next is how far along their arrays the steps are. */
static bool is_even(const plan *p) {
    bool even = p->step_count > 0;
    for (int i = 0; i < p->source_count; i++)
        even = even && (p->sources[i].constant || (p->sources[i].raw && source_is_line(&p->sources[i])));
    for (int i = 0; i < p->sink_count; i++) even = even && p->sinks[i].raw;
    return even;
}

static bool is_busy(const plan *p) {
    int64_t bytes = 0;
    for (int i = 0; i < p->source_count; i++)
        bytes += source_is_line(&p->sources[i]) ? p->size * p->sources[i].bytes : 0;
    return p->stream_count > 0 || bytes >= AHEAD_BYTES;
}

/* A line that is broadcast, of which a block holds some whole ones. */
static bool repeats(const plan *p, const source *s) {
    return p->tiles.ndim == 0 && s->ndim == 2 && s->strides[0] == 0 && p->block % s->shape[1] == 0;
}

/* Few steps move more lines each than may be on the way at once: they compute their blocks in pieces. */
static void plan_pieces(plan *p) {
    int64_t bytes = 0;
    for (int i = 0; i < p->source_count; i++) bytes += source_is_line(&p->sources[i]) ? p->sources[i].bytes : 0;
    for (int i = 0; i < p->sink_count; i++) bytes += p->sinks[i].stream ? p->sinks[i].bytes : 0;
    int64_t most = MOST_LINES * CACHE_LINE * p->step_count, all = p->block * bytes;
    p->pieces = p->busy && all > most && most > 0 ? (int)((all + most - 1) / most) : 1;
    p->piece = ((p->block + p->pieces - 1) / p->pieces + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP;
    if (p->pieces == 1) p->piece = INT64_MAX;
}

/* What of a block of so many bytes moves during each piece of a step: whole lines of the cache. */
static int64_t share_of(const plan *p, int64_t bytes) {
    if (!p->busy || p->step_count == 0) return 0;
    int64_t moves = (int64_t)p->step_count * p->pieces;
    return ((bytes + moves - 1) / moves + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* An array for a step, at the end of each of as many parts of the program: a line with each vector that is computed, so
   that memory and the processor have something to do all the time. Programs with fewer steps than arrays are not even:
   their lines move in bursts. */
static void fetch_in_steps(plan *p) {
    int arrays = 0, k = 0;
    for (int i = 0; i < p->source_count; i++) arrays += !p->sources[i].constant;
    p->even = p->even && (!p->busy || arrays <= p->step_count);
    if (!p->even || !p->busy) return;
    for (int i = 0; i < p->source_count; i++)
        if (!p->sources[i].constant) p->steps[(++k * p->step_count + arrays - 1) / arrays - 1].ahead = (uint8_t)(i + 1);
}

static void plan_moves(plan *p) {
    p->ahead_count = 0;
    for (int i = 0; i < p->source_count; i++) {
        source *s = &p->sources[i];
        s->repeats = repeats(p, s);
        s->share = source_is_line(s) ? share_of(p, p->block * s->bytes) : 0;
        if (s->share > 0) p->ahead[p->ahead_count++] = s;
    }
    for (int i = 0; i < p->sink_count; i++) p->sinks[i].share = share_of(p, p->block * p->sinks[i].bytes);
}

static void plan_pairs(plan *p, const call *c, const slot_map *map) {
    if (p->size < LEAST_PAIRED) return;
    bool sunk[SLOTS] = {false};
    for (int i = 0; i < c->program->output_count; i++)
        if (c->outputs[i].data) sunk[map->value[c->program->output_registers[i]]] = true;
    elementwise_pair_steps(p, c->program->instructions, sunk);
}

void elementwise_make_plan(plan *p, const call *c, const elementwise_kernels *kernels) {
    const group_program *program = c->program;
    slot_map map = {.spare = GROUP_MAX_REGISTERS};
    for (int i = 0; i < GROUP_MAX_REGISTERS; i++) map.own[i] = (uint8_t)i;
    p->kernels = kernels;
    p->size = operand_size(&c->outputs[0]);
    p->source_count = program->input_count;
    p->sink_count = p->stream_count = 0;
    p->step_count = program->instruction_count;
    p->steps = p->step_count <= FEW_STEPS ? p->few : c->workspace;
    for (int i = 0; i < program->input_count; i++) {
        plan_source(&p->sources[i], &c->inputs[i], INPUT_SLOTS + i, kernels);
        map.value[program->input_registers[i]] = (uint8_t)(INPUT_SLOTS + i);
    }
    for (int i = 0; i < program->instruction_count; i++)
        plan_step(&p->steps[i], &program->instructions[i], &map, kernels);
    plan_pairs(p, c, &map);
    for (int i = 0; i < program->output_count; i++)
        if (c->outputs[i].data) plan_sink(p, &c->outputs[i], map.value[program->output_registers[i]], kernels);
    p->even = is_even(p);
    p->busy = is_busy(p);
    fetch_in_steps(p);
    elementwise_plan_tiles(p);
    find_still(p);
    plan_widths(p, c);
    place_slots(p);
    plan_pieces(p);
    plan_moves(p);
    p->whole = is_whole(p);
}
