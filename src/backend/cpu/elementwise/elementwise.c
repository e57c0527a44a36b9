/* The block interpreter: runs a group's program over blocks of a few hundred elements that stay in the first-level
   cache. Loads, stores and loops come from the instruction set's kernels (elementwise.tpl.h); here is what happens
   between them.

   A slot is a place in memory that holds a block of values: one for each register, one for each input. A dense input or
   output whose dtype is its own compute type needs no copying: for a full block its slot is the array's own memory. */
#include "cpu/elementwise/elementwise.h"

#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "tarn/error.h"

enum {
    INPUT_SLOTS = GROUP_MAX_REGISTERS + 1, /* slots of the inputs come after those of the registers and a spare one */
    STREAM_SLOTS = INPUT_SLOTS + GROUP_MAX_INPUTS, /* outputs on their way past the caches */
    MOST_STREAMS = 4,
    SLOTS = STREAM_SLOTS + MOST_STREAMS,
    FEW_STEPS = 8, /* that need no workspace */
    LEAST_BLOCK = 256,
    MOST_BLOCK = 1024,
    BUSY_BLOCK = 512, /* where memory is what limits */
    ALIGNMENT = 64,
    CACHE_BYTES =
        24
        << 10, /* what the slots of a program may fill of the first-level cache before blocks shrink to LEAST_BLOCK */
    SCRATCH_BYTES = 48 << 10, /* what they may fill at all; of a thread's stack */
    GRAIN = 1 << 15,          /* elements of a cheap program for which waking another thread pays */
    LINE = 64,                /* bytes of the cache */
    AHEAD_BYTES = 1 << 20,    /* inputs of so many bytes are fetched ahead */
    STREAM_BYTES = 16 << 20   /* an output of so many bytes will not be in a cache when it is read */
};

typedef struct {
    elementwise_loop loop;               /* NULL: only `convert` */
    elementwise_convert convert;         /* rounds to the dtype, or converts to it; NULL: nothing to do */
    uint8_t result, bytes, arguments[3]; /* slots; bytes of one value of the result */
} step;

typedef struct {
    const char *data;
    elementwise_load load;
    int slot, bytes, width; /* bytes of an element in memory and in a register */
    bool constant;          /* one element for all: loaded once */
    bool repeats;           /* every block of a thread's part has the same elements: loaded once, too */
    bool raw;               /* the array's memory is as good as a register */
    int64_t share;          /* bytes to fetch ahead during a step; 0: none */
    int ndim;               /* collapsed axes, at least 1 */
    int64_t shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
} source;

typedef struct {
    char *data;
    elementwise_store store;
    int slot, bytes;
    bool dense;    /* values in the slot are as the array has them */
    bool raw;      /* the slot is the output's memory in full blocks */
    int stream;    /* the slot by way of which it goes past the caches; 0: it does not */
    int64_t share; /* bytes that go during a step */
} sink;

typedef struct {
    int step_count, source_count, sink_count, slot_bytes;
    int64_t size, block;
    uint8_t used[SLOTS], place[SLOTS]; /* slots that lie one after the other in a thread's scratch, and where each is */
    int used_count;
    int64_t used_bytes; /* of one: all take about CACHE_BYTES, SCRATCH_BYTES at most */
    bool whole;         /* one loop over arrays only: no blocks needed */
    bool busy;          /* much comes from memory or goes there: it moves while steps compute */
    int stream_count;
    const elementwise_kernels *kernels;
    step *steps, few[FEW_STEPS];
    source sources[GROUP_MAX_INPUTS];
    const source *ahead[GROUP_MAX_INPUTS]; /* those with a share */
    int ahead_count;
    sink sinks[GROUP_MAX_REGISTERS];
} plan;

/* ---- making the plan */

static elementwise_pass pass_of(tarn_dtype dtype) {
    return dtype == TARN_BOOL ? PASS_BOOL : (elementwise_pass)compute_type_of(dtype);
}

/* Whether memory of the dtype holds register values. */
static bool is_raw(tarn_dtype dtype) {
    return compute_type_bytes(compute_type_of(dtype)) == dtype_bytes(dtype);
}

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
    s->width = compute_type_bytes(compute_type_of(o->dtype));
    collapse(s, o);
    s->constant = s->ndim == 1 && s->strides[0] == 0;
    s->raw = is_raw(o->dtype) && !s->constant;
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

static step plan_step(const group_instruction *in, slot_map *map, const elementwise_kernels *kernels) {
    compute_type from = compute_type_of((tarn_dtype)in->input_dtype), to = compute_type_of((tarn_dtype)in->dtype);
    step s = {.result = place_result(map, in), .bytes = (uint8_t)compute_type_bytes(to)};
    int arguments = in->op == OP_astype ? 1 : op_facts[in->op].most_inputs;
    for (int i = 0; i < arguments; i++) s.arguments[i] = map->value[in->arguments[i]];
    map->value[in->result] = s.result;
    if (in->op == OP_astype) {
        s.convert = kernels->converts[from][in->dtype];
        return s;
    }
    s.loop = kernels->ops[pass_of((tarn_dtype)in->input_dtype)][in->op];
    if (!is_raw((tarn_dtype)in->dtype) && in->dtype != TARN_BOOL) s.convert = kernels->converts[to][in->dtype];
    return s;
}

static bool step_reads(const step *s, int slot) {
    if (s->arguments[0] == slot) return true;
    return s->loop && (s->arguments[1] == slot || s->arguments[2] == slot);
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
    if (to->slot >= INPUT_SLOTS || (uintptr_t)to->data % LINE != 0) return false;
    for (int i = 0; i < p->source_count; i++)
        if (overlap(to, &p->sources[i], p->size)) return false;
    for (int i = 0; i < p->sink_count; i++)
        if (p->sinks[i].slot == to->slot) return false;
    return true;
}

static void plan_sink(plan *p, const operand *o, int slot, const elementwise_kernels *kernels) {
    sink s = {.data = o->data, .store = kernels->stores[o->dtype], .slot = slot, .bytes = (int)dtype_bytes(o->dtype)};
    int last = last_writer(p, slot);
    s.dense = is_raw(o->dtype);
    if (may_stream(p, &s)) s.stream = STREAM_SLOTS + p->stream_count++;
    if (slot >= INPUT_SLOTS) p->sources[slot - INPUT_SLOTS].raw = false; /* another output may be in its memory */
    s.raw = !s.stream && last >= 0 && is_raw(o->dtype) && !slot_is_sunk_raw(p, slot) && may_write_through(p, &s);
    if (last >= 0) skip_last_rounding(p, slot, last);
    p->sinks[p->sink_count++] = s;
}

static void use_slot(plan *p, bool *seen, int slot) {
    if (seen[slot]) return;
    seen[slot] = true;
    p->place[slot] = (uint8_t)p->used_count;
    p->used[p->used_count++] = (uint8_t)slot;
}

/* Finds the slots in use and chooses the block. */
static void place_slots(plan *p) {
    bool seen[SLOTS] = {false};
    p->used_count = 0;
    for (int i = 0; i < p->source_count; i++) use_slot(p, seen, p->sources[i].slot);
    for (int i = 0; i < p->step_count; i++) use_slot(p, seen, p->steps[i].result);
    for (int i = 0; i < MOST_STREAMS && i < p->stream_count; i++) use_slot(p, seen, STREAM_SLOTS + i);
    p->block = p->busy ? BUSY_BLOCK : MOST_BLOCK;
    int64_t bytes = p->used_count * p->slot_bytes;
    while (p->block > LEAST_BLOCK && p->block * bytes > CACHE_BYTES) p->block /= 2;
    while (p->block * bytes > SCRATCH_BYTES) p->block /= 2;
    p->used_bytes = p->block * p->slot_bytes;
}

static void plan_widths(plan *p, const call *c) {
    p->slot_bytes = 4;
    for (int i = 0; i < c->input_count; i++)
        if (compute_type_bytes(compute_type_of(c->inputs[i].dtype)) == 8) p->slot_bytes = 8;
    for (int i = 0; i < c->program->instruction_count; i++)
        if (compute_type_bytes(compute_type_of((tarn_dtype)c->program->instructions[i].dtype)) == 8) p->slot_bytes = 8;
}

static bool is_line(const source *s) {
    return s->ndim == 1 && s->strides[0] == 1;
}

/* One loop that reads and writes arrays alone runs over all of its elements at once. */
static bool is_whole(const plan *p) {
    bool whole = !p->busy && p->step_count == 1 && p->sink_count == 1 && p->sinks[0].raw && p->steps[0].loop &&
                 !p->steps[0].convert;
    for (int i = 0; i < p->source_count; i++) whole = whole && p->sources[i].raw && is_line(&p->sources[i]);
    return whole;
}

static bool is_busy(const plan *p) {
    int64_t bytes = 0;
    for (int i = 0; i < p->source_count; i++) bytes += is_line(&p->sources[i]) ? p->size * p->sources[i].bytes : 0;
    return p->stream_count > 0 || bytes >= AHEAD_BYTES;
}

/* A line that is broadcast, of which a block holds some whole ones. */
static bool repeats(const plan *p, const source *s) {
    return s->ndim == 2 && s->strides[0] == 0 && p->block % s->shape[1] == 0;
}

/* What of a block of so many bytes moves during each step: whole lines of the cache. */
static int64_t share_of(const plan *p, int64_t bytes) {
    return p->busy && p->step_count > 0 ? (bytes / p->step_count + LINE - 1) / LINE * LINE : 0;
}

static void plan_moves(plan *p) {
    p->ahead_count = 0;
    for (int i = 0; i < p->source_count; i++) {
        source *s = &p->sources[i];
        s->repeats = repeats(p, s);
        s->share = is_line(s) ? share_of(p, p->block * s->bytes) : 0;
        if (s->share > 0) p->ahead[p->ahead_count++] = s;
    }
    for (int i = 0; i < p->sink_count; i++) p->sinks[i].share = share_of(p, p->block * p->sinks[i].bytes);
}

static void make_plan(plan *p, const call *c, const elementwise_kernels *kernels) {
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
        p->steps[i] = plan_step(&program->instructions[i], &map, kernels);
    for (int i = 0; i < program->output_count; i++)
        if (c->outputs[i].data) plan_sink(p, &c->outputs[i], map.value[program->output_registers[i]], kernels);
    p->busy = is_busy(p);
    plan_widths(p, c);
    place_slots(p);
    plan_moves(p);
    p->whole = is_whole(p);
}

/* ---- running it */

/* A block of an output on its way past the caches. */
typedef struct {
    char *to, *from;
    int64_t bytes;
} passage;

typedef struct {
    const plan *plan;
    char *slots[SLOTS]; /* where each slot is for this block */
    char *scratch;
    passage ways[MOST_STREAMS];
} runner;

/* Walks `count` elements from `begin` on in runs along the last axis. */
static void load_runs(const source *s, char *to, int64_t begin, int64_t count, int width) {
    int64_t index[TARN_MAX_NDIM], rest = begin, last = s->ndim - 1;
    const char *from = s->data;
    for (int i = s->ndim - 1; i >= 0; i--) {
        index[i] = rest % s->shape[i];
        rest /= s->shape[i];
        from += index[i] * s->strides[i] * s->bytes;
    }
    for (;;) {
        int64_t run = s->shape[last] - index[last];
        if (run > count) run = count;
        s->load(to, from, s->strides[last], run);
        count -= run;
        if (count == 0) return;
        to += run * width;
        from -= index[last] * s->strides[last] * s->bytes;
        index[last] = 0;
        for (int64_t i = last - 1; i >= 0; i--) {
            from += s->strides[i] * s->bytes;
            if (++index[i] < s->shape[i]) break;
            from -= index[i] * s->strides[i] * s->bytes;
            index[i] = 0;
        }
    }
}

/* The array's own memory if this block of it is a single dense run of register values, else NULL. */
static const char *direct(const source *s, int64_t begin, int64_t count) {
    int last = s->ndim - 1;
    if (!s->raw || s->strides[last] != 1 || count % ELEMENTWISE_STEP != 0) return NULL;
    if (s->ndim == 1) return s->data + begin * s->bytes;
    int64_t at = begin % s->shape[last], rest = begin / s->shape[last], offset = at;
    if (at + count > s->shape[last]) return NULL;
    for (int i = last - 1; i >= 0; i--) {
        offset += rest % s->shape[i] * s->strides[i];
        rest /= s->shape[i];
    }
    return s->data + offset * s->bytes;
}

static void load_block(runner *r, int64_t begin, int64_t count) {
    const plan *p = r->plan;
    int64_t tail = -count & (ELEMENTWISE_STEP - 1);
    for (int i = 0; i < p->source_count; i++) {
        const source *s = &p->sources[i];
        if (s->constant || s->repeats) continue;
        char *scratch = r->scratch + p->place[s->slot] * p->used_bytes;
        const char *memory = direct(s, begin, count);
        r->slots[s->slot] = memory ? (char *)(uintptr_t)memory : scratch;
        if (memory) continue;
        load_runs(s, scratch, begin, count, s->width);
        memset(scratch + count * s->width, 0, (size_t)(tail * s->width)); /* computed with the others, and not stored */
    }
}

/* While a step computes, memory shall be busy: a part of the next block's inputs is fetched, and a part of the block
   before goes to the outputs. Few lines at a time: a core has a dozen or two on the way, and waits if there are more.
 */
static void move_lines(const runner *r, int64_t begin, int part) {
    const plan *p = r->plan;
    for (int i = 0; i < p->ahead_count; i++) {
        const source *s = p->ahead[i];
        int64_t bytes = p->block * s->bytes, first = part * s->share, end = first + s->share;
        if (end > bytes) end = bytes;
        const char *next = s->data + (begin + p->block) * s->bytes;
        for (int64_t b = first; b < end; b += LINE) __builtin_prefetch(next + b);
    }
    for (int i = 0; i < p->sink_count && p->stream_count > 0; i++) {
        const sink *s = &p->sinks[i];
        if (!s->stream) continue;
        const passage *way = &r->ways[s->stream - STREAM_SLOTS];
        int64_t first = part * s->share, end = first + s->share < way->bytes ? first + s->share : way->bytes;
        if (first < end) p->kernels->stream(way->to + first, way->from + first, end - first);
    }
}

/* Sends the block's values on their way, or stores them if they are no whole lines. What was on its way before has
   arrived. */
static void send_block(runner *r, const sink *s, int64_t begin, int64_t count) {
    char *to = s->data + begin * s->bytes, *from = r->slots[s->slot], *other = r->slots[s->stream];
    passage *way = &r->ways[s->stream - STREAM_SLOTS];
    *way = (passage){0};
    if (count * s->bytes % LINE != 0 || (uintptr_t)to % LINE != 0) {
        s->store(to, from, count);
        return;
    }
    *way = (passage){to, s->dense ? from : other, count * s->bytes};
    if (!s->dense) {
        s->store(other, from, count);
        return;
    }
    r->slots[s->slot] = other;
    r->slots[s->stream] = from;
}

static void run_block(runner *r, int64_t begin, int64_t count) {
    const plan *p = r->plan;
    bool full = count % ELEMENTWISE_STEP == 0;
    int64_t rounded = (count + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP;
    load_block(r, begin, count);
    for (int i = 0; i < p->sink_count; i++) {
        const sink *s = &p->sinks[i];
        if (s->raw)
            r->slots[s->slot] = full ? s->data + begin * s->bytes : r->scratch + p->place[s->slot] * p->used_bytes;
    }
    for (int i = 0; i < p->step_count; i++) {
        const step *s = &p->steps[i];
        if (p->busy) move_lines(r, begin, i);
        char *result = r->slots[s->result], *x = r->slots[s->arguments[0]];
        if (s->loop) s->loop(result, x, r->slots[s->arguments[1]], r->slots[s->arguments[2]], rounded);
        if (s->convert) s->convert(result, s->loop ? result : x, rounded);
    }
    for (int i = 0; i < p->sink_count; i++) {
        const sink *s = &p->sinks[i];
        if (!s->stream && (!s->raw || !full)) s->store(s->data + begin * s->bytes, r->slots[s->slot], count);
    }
    for (int i = 0; i < p->sink_count; i++) /* afterwards: the slot gets other memory */
        if (p->sinks[i].stream) send_block(r, &p->sinks[i], begin, count);
}

/* What is the same in all blocks of a part, which begins there. */
static void load_once(runner *r, int64_t begin) {
    const plan *p = r->plan;
    for (int i = 0; i < p->source_count; i++) {
        const source *s = &p->sources[i];
        if (s->constant) s->load(r->slots[s->slot], s->data, 0, p->block);
        if (s->repeats) load_runs(s, r->slots[s->slot], begin, p->block, s->width);
    }
}

static void run_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const plan *p = context;
    char memory[p->used_count * p->used_bytes + ALIGNMENT];
    runner r;
    r.plan = p;
    r.scratch = memory + (-(uintptr_t)memory & (ALIGNMENT - 1));
    r.slots[0] = NULL; /* arguments that a step has no use for */
    memset(r.ways, 0, (size_t)p->stream_count * sizeof *r.ways);
    for (int i = 0; i < p->used_count; i++) r.slots[p->used[i]] = r.scratch + i * p->used_bytes;
    load_once(&r, begin);
    if (r.plan->whole && end - begin >= ELEMENTWISE_STEP) {
        int64_t count = (end - begin) & -ELEMENTWISE_STEP;
        run_block(&r, begin, count);
        begin += count;
    }
    for (; begin < end; begin += r.plan->block)
        run_block(&r, begin, end - begin < r.plan->block ? end - begin : r.plan->block);
    for (int i = 0; i < p->stream_count; i++) p->kernels->stream(r.ways[i].to, r.ways[i].from, r.ways[i].bytes);
    if (p->stream_count > 0) p->kernels->fence();
}

static bool run(const call *c, const elementwise_kernels *kernels) {
    plan p;
    make_plan(&p, c, kernels);
    int64_t grain = p.step_count < 4 ? GRAIN : GRAIN / 4;
    parallel_for(p.size, grain, run_part, &p);
    return true;
}

/* ---- rows */

static bool supports(const call *c) {
    const group_program *p = c->program;
    if (p->input_count > GROUP_MAX_INPUTS || p->register_count > GROUP_MAX_REGISTERS ||
        p->output_count > GROUP_MAX_REGISTERS)
        return false;
    for (int i = 0; i < p->instruction_count; i++) {
        const group_instruction *in = &p->instructions[i];
        if (in->op == OP_astype) continue;
        if (in->op >= OP_COUNT || !elementwise_kernels_baseline.ops[pass_of((tarn_dtype)in->input_dtype)][in->op])
            return false;
    }
    return true;
}

static int64_t workspace(const call *c) {
    int count = c->program->instruction_count;
    return count <= FEW_STEPS ? 0 : (int64_t)sizeof(step) * count;
}

#define GROUP_ROW(isa, isa_id)                                                                                         \
    static bool run_##isa(const call *c) {                                                                             \
        return run(c, &elementwise_kernels_##isa);                                                                     \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {{.op = OP_group,                                                           \
                                             .name = "group_" #isa,                                                    \
                                             .dtypes = DTYPES_ALL,                                                     \
                                             .selector = -1,                                                           \
                                             .layout = LAYOUT_ANY,                                                     \
                                             .may_overwrite = (1u << GROUP_MAX_INPUTS) - 1,                            \
                                             .supports = supports,                                                     \
                                             .workspace = workspace,                                                   \
                                             .run = run_##isa}};
CPU_EACH_ISA(GROUP_ROW)
CPU_FAMILY(elementwise)
