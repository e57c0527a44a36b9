/* The block interpreter: runs a group's program over blocks of a few hundred elements that stay in the first-level
   cache. Loads, stores and loops come from the instruction set's kernels (elementwise.tpl.h); here is what happens
   between them. The plan (plan.h) says what there is to do. */
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/elementwise/plan.h"
#include "cpu/move.h"
#include "tarn/error.h"

enum {
    ALIGNMENT = 64,
    GRAIN = 1 << 15 /* elements of a cheap program for which waking another thread pays */
};

typedef elementwise_plan plan;

/* A block of an output on its way past the caches. */
typedef struct {
    char *to, *from;
    int64_t bytes;
} passage;

typedef struct {
    const plan *plan;
    char *slots[SLOTS]; /* where each slot is for this block */
    char *scratch;
    char *turned; /* the tiles of transposed sources */
    int64_t done; /* elements of the tile that blocks have gone through */
    int64_t next; /* where the next block begins */
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

/* What there is of this block in the source's tile. */
static const char *in_tile(const runner *r, const source *s) {
    return r->turned + s->tile + r->done * s->bytes;
}

static const char *direct_in_tile(const runner *r, const source *s, int64_t count) {
    return s->raw && count % ELEMENTWISE_STEP == 0 ? in_tile(r, s) : NULL;
}

static void load_block(runner *r, int64_t begin, int64_t count) {
    const plan *p = r->plan;
    int64_t tail = -count & (ELEMENTWISE_STEP - 1);
    for (int i = 0; i < p->source_count; i++) {
        const source *s = &p->sources[i];
        if (s->constant || s->repeats) continue;
        char *scratch = r->scratch + p->place[s->slot] * p->used_bytes;
        const char *memory = s->turned ? direct_in_tile(r, s, count) : direct(s, begin, count);
        r->slots[s->slot] = memory ? (char *)(uintptr_t)memory : scratch;
        if (memory) continue;
        if (s->turned)
            s->load(scratch, in_tile(r, s), 1, count);
        else
            load_runs(s, scratch, begin, count, s->width);
        memset(scratch + count * s->width, 0, (size_t)(tail * s->width)); /* computed with the others, and not stored */
    }
}

/* While a piece of a step computes, memory shall be busy: a part of the next block's inputs is fetched, and a part of
   the block before goes to the outputs. Few lines at a time: a core has a dozen or two on the way, and waits if there
   are more. The same number each time, if need be beyond the block: a branch that was not foreseen costs more than a
   line. */
static void move_lines(const runner *r, int part) {
    const plan *p = r->plan;
    for (int i = 0; i < p->ahead_count; i++) {
        const source *s = p->ahead[i];
        const char *next = s->data + r->next * s->bytes + part * s->share;
        for (int64_t b = 0; b < s->share; b += CACHE_LINE) __builtin_prefetch(next + b);
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
    if (count * s->bytes % CACHE_LINE != 0 || (uintptr_t)to % CACHE_LINE != 0) {
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

/* Piece k of a block of `count` elements. */
static void run_piece(const runner *r, const step *s, int k, int64_t count) {
    int64_t at = k ? k * r->plan->piece : 0;
    if (at >= count) return;
    if (count - at > r->plan->piece) count = at + r->plan->piece;
    char *result = r->slots[s->result] + at * s->bytes, *arguments[3];
    for (int i = 0; i < 3; i++) arguments[i] = r->slots[s->arguments[i]] + at * s->widths[i];
    if (s->loop) s->loop(result, arguments[0], arguments[1], arguments[2], count - at, s->still, result);
    if (s->convert) s->convert(result, s->loop ? result : arguments[0], count - at);
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
    for (int i = 0; i < p->step_count; i++)
        for (int k = 0; k < p->pieces; k++) {
            if (p->busy) move_lines(r, i * p->pieces + k); /* of a short block, too: the one before must arrive */
            run_piece(r, &p->steps[i], k, rounded);
        }
    for (int i = 0; i < p->sink_count; i++) {
        const sink *s = &p->sinks[i];
        if (!s->stream && (!s->raw || !full)) s->store(s->data + begin * s->bytes, r->slots[s->slot], count);
    }
    for (int i = 0; i < p->sink_count; i++) /* afterwards: the slot gets other memory */
        if (p->sinks[i].stream) send_block(r, &p->sinks[i], begin, count);
}

/* A step of an even plan: the places of its result, its arguments and what it fetches in the next full block, and how
   far each of them is from one block to the next. */
enum { RESULT, ARGUMENT, AHEAD = ARGUMENT + 3, PLACES };
typedef struct {
    const step *step;
    char *at[PLACES];
    int64_t further[PLACES];
} track;

static const source *source_in(const plan *p, int slot) {
    bool raw = slot >= INPUT_SLOTS && slot < STREAM_SLOTS && p->sources[slot - INPUT_SLOTS].raw;
    return raw ? &p->sources[slot - INPUT_SLOTS] : NULL;
}

static const sink *sink_in(const plan *p, int slot) {
    for (int i = 0; i < p->sink_count; i++)
        if (p->sinks[i].slot == slot) return &p->sinks[i];
    return NULL;
}

static void track_slot(track *t, int place, const runner *r, int slot, int64_t begin) {
    const source *from = source_in(r->plan, slot);
    const sink *to = sink_in(r->plan, slot);
    int64_t bytes = from ? from->bytes : to ? to->bytes : 0;
    char *base = from ? (char *)(uintptr_t)from->data : to ? to->data : r->slots[slot];
    t->at[place] = base + begin * bytes;
    t->further[place] = r->plan->block * bytes;
}

static track track_of(const runner *r, const step *s, int64_t begin) {
    track t = {.step = s};
    track_slot(&t, RESULT, r, s->result, begin);
    for (int k = 0; k < 3; k++) track_slot(&t, ARGUMENT + k, r, s->arguments[k], begin);
    if (s->ahead)
        track_slot(&t, AHEAD, r, INPUT_SLOTS + s->ahead - 1, begin + AHEAD_ELEMENTS);
    else
        track_slot(&t, AHEAD, r, s->result, begin);
    return t;
}

static void follow(track *t, int64_t count) {
    const step *s = t->step;
    char *result = t->at[RESULT], *x = t->at[ARGUMENT];
    if (s->loop) s->loop(result, x, t->at[ARGUMENT + 1], t->at[ARGUMENT + 2], count, s->still, t->at[AHEAD]);
    if (s->convert) s->convert(result, s->loop ? result : x, count);
    for (int k = 0; k < PLACES; k++) t->at[k] += t->further[k];
}

/* The full blocks of an even plan. Returns where they end. */
static int64_t run_even(const runner *r, int64_t begin, int64_t end) {
    const plan *p = r->plan;
    track tracks[p->step_count];
    for (int i = 0; i < p->step_count; i++) tracks[i] = track_of(r, &p->steps[i], begin);
    for (; end - begin >= p->block; begin += p->block)
        for (int i = 0; i < p->step_count; i++) follow(&tracks[i], p->block);
    return begin;
}

/* What is the same in all blocks of a part, which begins there. */
static void load_once(runner *r, int64_t begin) {
    const plan *p = r->plan;
    for (int i = 0; i < p->source_count; i++) {
        const source *s = &p->sources[i];
        if (s->constant) s->load(r->slots[s->slot], s->data, 0, s->still ? ELEMENTWISE_STEP : p->block);
        if (s->repeats) load_runs(s, r->slots[s->slot], begin, p->block, s->width);
    }
}

static void place_all(runner *r) {
    const plan *p = r->plan;
    char *still = r->scratch + p->used_count * p->used_bytes;
    for (int i = 0; i < p->used_count; i++) r->slots[p->used[i]] = r->scratch + i * p->used_bytes;
    for (int i = 0; i < p->source_count; i++) {
        if (!p->sources[i].still) continue;
        r->slots[p->sources[i].slot] = still;
        still += STILL_BYTES;
    }
}

/* `from` is where in a tile the first element is; `after`, where blocks go on behind the last. */
static void run_blocks(runner *r, int64_t begin, int64_t count, int64_t from, int64_t after) {
    int64_t block = r->plan->block;
    for (int64_t done = 0; done < count; done += block) {
        r->done = from + done;
        r->next = count - done > block ? begin + done + block : after;
        run_block(r, begin + done, count - done < block ? count - done : block);
    }
}

static void run_elements(runner *r, int64_t begin, int64_t end) {
    if (r->plan->whole && end - begin >= ELEMENTWISE_STEP) {
        int64_t count = (end - begin) & -ELEMENTWISE_STEP;
        run_block(r, begin, count);
        begin += count;
    }
    if (r->plan->even) begin = run_even(r, begin, end);
    run_blocks(r, begin, end - begin, 0, end);
}

/* ---- tiles */

/* Where tile number n begins; the next one lies below it. */
static void tile_at(const elementwise_tiles *t, int64_t n, int64_t *at) {
    int last = t->ndim - 1;
    at[t->along] = n % t->down * t->rows, n /= t->down;
    at[last] = n % t->across * t->columns, n /= t->across;
    for (int i = last - 1; i >= 0; i--)
        if (i != t->along) at[i] = n % t->shape[i], n /= t->shape[i];
}

static void turn_tile(const runner *r, const source *s, const int64_t *at, const int64_t *shape) {
    const elementwise_tiles *t = &r->plan->tiles;
    int64_t to[] = {shape[1], 1}, from[] = {s->strides[t->along], s->strides[t->ndim - 1]}, offset = 0;
    for (int i = 0; i < t->ndim; i++) offset += at[i] * s->strides[i];
    move_plan turn = move_plan_of(2, shape, to, from, s->bytes);
    move_run(&turn, r->turned + s->tile, s->data + offset * s->bytes);
}

static void run_tile(runner *r, int64_t number) {
    const plan *p = r->plan;
    const elementwise_tiles *t = &p->tiles;
    int last = t->ndim - 1;
    int64_t at[TARN_MAX_NDIM], begin = 0, pitch = t->steps[t->along];
    tile_at(t, number, at);
    int64_t down = t->shape[t->along] - at[t->along], across = t->shape[last] - at[last],
            shape[] = {down < t->rows ? down : t->rows, across < t->columns ? across : t->columns};
    for (int i = 0; i < p->source_count; i++)
        if (p->sources[i].turned) turn_tile(r, &p->sources[i], at, shape);
    for (int i = 0; i < t->ndim; i++) begin += at[i] * t->steps[i];
    int64_t lines = t->joined ? 1 : shape[0], width = shape[0] * shape[1] / lines;
    for (int64_t i = 0; i < lines; i++)
        run_blocks(r, begin + i * pitch, width, i * width, begin + (t->joined ? width : (i + 1) * pitch));
}

static void run_tiles(runner *r, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) run_tile(r, i);
}

static void run_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const plan *p = context;
    char memory[p->turned_bytes + p->used_count * p->used_bytes + p->still_count * STILL_BYTES + ALIGNMENT];
    runner r;
    r.plan = p;
    r.turned = memory + (-(uintptr_t)memory & (ALIGNMENT - 1));
    r.scratch = r.turned + p->turned_bytes;
    r.slots[0] = r.scratch; /* arguments that a step has no use for */
    memset(r.ways, 0, (size_t)p->stream_count * sizeof *r.ways);
    place_all(&r);
    load_once(&r, begin);
    (p->tiles.ndim > 0 ? run_tiles : run_elements)(&r, begin, end);
    for (int i = 0; i < p->stream_count; i++) p->kernels->stream(r.ways[i].to, r.ways[i].from, r.ways[i].bytes);
    if (p->stream_count > 0) p->kernels->fence();
}

static bool run(const call *c, const elementwise_kernels *kernels) {
    plan p;
    if (elementwise_run_narrow(c, kernels) || elementwise_run_small(c, kernels)) return true;
    elementwise_make_plan(&p, c, kernels);
    int64_t grain = c->program->instruction_count < 4 ? GRAIN : GRAIN / 4;
    if (p.tiles.ndim > 0)
        parallel_for(p.tiles.count, grain / (p.tiles.rows * p.tiles.columns) + 1, run_part, &p);
    else
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
