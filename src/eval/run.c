/* Running a program: buffers and scratch first, which is all that can fail; then its segments are submitted, with what
   must be moved before them, and buffers are told who reads and writes them. While a segment runs, what a failed call
   reaches is marked, and poisoned at its end. */
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include "base/hard.h"
#include "base/memory.h"
#include "core/work.h"
#include "core/interrupt.h"
#include "core/move.h"
#include "core/release.h"
#include "eval/hard.h"
#include "eval/program.h"

/* Work of so few elements is done faster than it is handed over: first where somebody waits for it, second where nobody
 * does. */
enum { SMALL_AWAITED = 1 << 18, SMALL = 1 << 15 };

typedef struct message {
    struct message *next;
    error_note why;
    char text[];
} message;

/* A segment on its way. */
typedef struct {
    work w;
    run *run;
    const segment *segment;
} run_segment;

struct run {
    program *p;
    atomic_int users;       /* who need what it holds: the launching thread, segments on their way */
    atomic_int references;  /* who need the object */
    buffer **buffers;       /* of storages; NULL: it lies elsewhere */
    void **bases;           /* addresses */
    bool *valid;            /* of bases: whether what is there was good when it was reserved */
    int64_t *offsets;       /* of storages, in bytes: where an argument begins in its buffer */
    pool_block **scratches; /* until it is launched */
    run_segment *segments;
    call *calls;
    move **moves; /* MOST_MOVES for each that may be needed */
    int move_count, moves_used;
    bool holds;        /* only the buffers' objects: their memory was given back */
    bool verifies;     /* what it read may turn out not to be what it should have been */
    release_note note; /* of the verification */
    unsigned *earlier; /* of inputs: how many dubious runs wrote it before this one */
    const error_note *_Atomic
        *marks;         /* of storages: why what is in them is not good; segments that run at once may find the same */
    atomic_bool marked; /* any */
    message *_Atomic messages; /* what the marks point to */
};

/* ---- making and freeing */

static bool has_buffer(const program *p, size_t t) {
    const storage *it = &p->storages.items[t];
    return it->input < 0 && it->within == (int)t && (it->exported || it->first != INT32_MAX);
}

/* What a program captured it holds itself, as long as any of its runs lasts. */
static bool is_lent(const program *p, size_t t) {
    int input = p->storages.items[t].input;
    return input >= 0 && p->inputs.items[input].captured;
}

static bool bind(run *r, buffer *const *arguments, const int64_t *offsets) {
    const program *p = r->p;
    for (size_t i = 0; i < p->inputs.count; i++) {
        const program_input *in = &p->inputs.items[i];
        r->buffers[in->storage] = in->captured ? in->captured : buffer_retain(arguments[in->argument]);
        if (!in->captured) r->offsets[in->storage] = offsets[in->argument];
    }
    for (size_t t = 0; t < p->storages.count; t++) {
        if (!has_buffer(p, t)) continue;
        if (!(r->buffers[t] = buffer_new(p->storages.items[t].bytes))) return false;
        buffer_set_state(r->buffers[t], BUFFER_PENDING);
    }
    return true;
}

/* How many tickets a segment can wait for; further ones are waited for by who submits it. Small runs shall be small
   blocks: they are made and freed in no time. */
static int ticket_room(const segment *s) {
    return s->use_count < 8 ? s->use_count + 2 : 2 * s->use_count;
}

/* Everything whose size the program tells, in one block behind the run. */
typedef struct {
    char *next; /* NULL: only counting */
    size_t bytes;
} carver;

static void *carve(carver *c, size_t count, size_t size) {
    size_t bytes = (count * size + 15) & ~(size_t)15;
    void *piece = c->next ? c->next + c->bytes : NULL;
    c->bytes += bytes;
    return piece;
}

static void carve_run(run *r, const program *p, carver *c) {
    size_t storages = p->storages.count;
    run parts = {.buffers = carve(c, storages, sizeof(buffer *)),
                 .bases = carve(c, p->bases.count, sizeof(void *)),
                 .valid = carve(c, p->bases.count, sizeof(bool)),
                 .offsets = carve(c, storages, sizeof(int64_t)),
                 .scratches = carve(c, p->scratches.count, sizeof(pool_block *)),
                 .segments = carve(c, p->segments.count, sizeof(run_segment)),
                 .marks = carve(c, storages, sizeof(const error_note *_Atomic)),
                 .earlier = carve(c, p->inputs.count, sizeof(unsigned)),
                 .calls = p->once ? p->calls : carve(c, p->steps.count, sizeof(call))};
    operand *operands = p->once ? p->operands : carve(c, (size_t)p->operand_count, sizeof(operand));
    for (size_t i = 0; i < p->segments.count; i++) {
        int room = ticket_room(&p->segments.items[i]);
        ticket *after = carve(c, (size_t)room, sizeof(ticket));
        awaited *waits = carve(c, (size_t)room, sizeof(awaited));
        if (c->next) parts.segments[i].w.after = after, parts.segments[i].w.waits = waits;
    }
    if (!r) return;
    *r = parts;
    if (p->once || p->steps.count == 0) return;
    memcpy(r->calls, p->calls, p->steps.count * sizeof *r->calls);
    memcpy(operands, p->operands, (size_t)p->operand_count * sizeof *operands);
    for (size_t i = 0; i < p->steps.count; i++) {
        r->calls[i].inputs = operands + (p->calls[i].inputs - p->operands);
        r->calls[i].outputs = operands + (p->calls[i].outputs - p->operands);
    }
}

static void free_messages(run *r) {
    for (message *m = atomic_load(&r->messages), *next; m; m = next) {
        next = m->next;
        memory_free(m);
    }
}

static void finish(run *r) {
    for (size_t t = 0; t < r->p->storages.count; t++) {
        buffer *b = is_lent(r->p, t) ? NULL : r->buffers[t];
        if (b && (!r->holds || b->foreign))
            buffer_release(b);
        else
            buffer_let_go(b);
    }
    for (size_t i = 0; i < r->p->scratches.count; i++)
        pool_release(r->scratches[i], NULL, 0); /* unused: it was not launched */
    free_messages(r);
    program_release(r->p);
    for (int i = 0; i < r->move_count; i++) move_free(r->moves[i]);
    memory_free(r->moves);
}

/* What is held is let go of before the last segment's ticket is done: who has waited for that finds it gone. Checks are
   the user's: they wait for an entry point. */
static void let_go(run *r) {
    if (atomic_fetch_sub(&r->users, 1) != 1) return;
    if (r->verifies)
        release_later(&r->note);
    else
        finish(r);
}

static void run_release(run *r) {
    if (atomic_fetch_sub(&r->references, 1) == 1) memory_free(r);
}

static void run_free(run *r) {
    let_go(r);
    run_release(r);
}

run *run_new(program *p, buffer *const *arguments, const int64_t *offsets) {
    carver count = {NULL, (sizeof(run) + 15) & ~(size_t)15};
    size_t head = count.bytes;
    carve_run(NULL, p, &count);
    run *r = memory_new(1, count.bytes);
    if (!r) return NULL;
    carve_run(r, p, &(carver){(char *)r, head});
    r->p = p;
    atomic_init(&r->users, 1);
    atomic_init(&r->references, 1);
    atomic_fetch_add(&p->references, 1);
    if (bind(r, arguments, offsets)) return r;
    run_free(r);
    return NULL;
}

buffer *run_buffer(const run *r, int storage_index) {
    return r->buffers[storage_index];
}

/* Whether others who need the storage's buffer wait for this run: not those of its inputs that it hands on as they are.
 */
static bool is_pending_for(const run *r, size_t t) {
    const storage *it = &r->p->storages.items[t];
    return it->exported && (it->input < 0 || it->donated);
}

void run_cancel(run *r) {
    for (size_t t = 0; t < r->p->storages.count; t++)
        if (r->buffers[t] && is_pending_for(r, t))
            buffer_set_state(r->buffers[t], r->p->storages.items[t].input < 0 ? BUFFER_GIVEN_UP : BUFFER_SUBMITTED);
    run_free(r);
}

/* ---- reserving */

static bool same_check(const buffer *a, const buffer *b) {
    return a && a->check == b->check && a->context == b->context;
}

/* Whether all foreign memory that the run reads is still what it was: neighbours that share a file ask once. */
static bool foreign_holds(const run *r) {
    const buffer *asked = NULL;
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        const buffer *b = r->buffers[r->p->inputs.items[i].storage];
        if (!b->check || same_check(asked, b)) continue;
        if (!b->check(b->context)) return false;
        asked = b;
    }
    return true;
}

static bool has_checks(const run *r) {
    for (size_t i = 0; i < r->p->inputs.count; i++)
        if (r->buffers[r->p->inputs.items[i].storage]->check) return true;
    return false;
}

/* The user may wait in a check for a thread that forks; and what else of his waits to be called may need what this run
   has claimed. */
static bool ask_checks(const run *r, fork_undo *u) {
    if (!has_checks(r)) return true;
    bool before = release_pause();
    fork_let(u);
    bool ok = foreign_holds(r);
    fork_let_end(u);
    release_go_on(before);
    return ok;
}

static run_state settle_inputs(run *r, fork_undo *u) {
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        int t = r->p->inputs.items[i].storage;
        if (!is_pending_for(r, (size_t)t) && !buffer_settle(r->buffers[t])) return RUN_AGAIN;
    }
    return ask_checks(r, u) ? RUN_READY : RUN_FAILED;
}

static bool reserve_base(run *r, size_t i) {
    const program_base *b = &r->p->bases.items[i];
    if (b->storage < 0) {
        const scratch *s = &r->p->scratches.items[i];
        if (!(r->scratches[i] = pool_allocate(b->slot, s->bytes, s->stream))) return false;
        r->bases[i] = r->scratches[i]->memory;
        return true;
    }
    const storage *t = &r->p->storages.items[b->storage];
    tarn_stream *user =
        t->input < 0 && !t->shared ? t->stream : NULL; /* others may be filled by a copy in another stream */
    char *data = buffer_allocate(r->buffers[b->storage], b->slot, user, &r->valid[i]);
    if (data) r->bases[i] = data + r->offsets[b->storage];
    return data != NULL;
}

static bool reserve_bases(run *r) {
    for (size_t i = 0; i < r->p->bases.count; i++) {
        if (reserve_base(r, i)) continue;
        program_name_result(r->p, (int)i);
        return false;
    }
    return true;
}

/* Whether a use may find that its buffer is not valid on its device. */
static bool may_have_to_move(const run *r, const segment_use *u) {
    const program_base *b = &r->p->bases.items[u->base];
    bool one_device = r->p->storages.items[b->storage].bases == u->base && b->next < 0;
    return u->reads && !(one_device && (r->p->storages.items[b->storage].input < 0 || r->valid[u->base]));
}

static bool reserve_moves(run *r) {
    int wanted = 0;
    for (size_t i = 0; i < r->p->uses.count; i++) {
        const segment_use *u = &r->p->uses.items[i];
        const program_base *b = &r->p->bases.items[u->base];
        if (!may_have_to_move(r, u)) continue;
        if (!move_reserve(r->buffers[b->storage], b->slot)) return false;
        wanted += MOST_MOVES;
    }
    if (wanted == 0) return true;
    if (!(r->moves = NEW_ARRAY(move *, wanted))) return false;
    for (; r->move_count < wanted; r->move_count++)
        if (!(r->moves[r->move_count] = move_new())) return false;
    return true;
}

/* In a forked child a node may still name a stream of a device that is lost. */
static bool check_devices(const run *r) {
    for (size_t i = 0; i < r->p->segments.count; i++)
        if (!slot_check(r->p->segments.items[i].stream->slot)) return false;
    return true;
}

run_state run_reserve(run *r, fork_undo *u) {
    if (!check_devices(r)) return RUN_FAILED;
    run_state state = settle_inputs(r, u);
    if (state != RUN_READY) return state;
    return reserve_bases(r) && reserve_moves(r) ? RUN_READY : RUN_FAILED;
}

/* ---- while a segment runs */

static const error_note without_memory = {TARN_ERROR_RUNTIME,
                                          "a kernel failed, and there was no memory to keep its message"};
static const error_note given_up = {TARN_ERROR_INTERRUPT, "interrupted"};

static const error_note *keep_message(run *r, tarn_error_class kind, const char *error) {
    bool before = tarn_ok();
    size_t length = strlen(error) + 1;
    message *m = memory_new(1, sizeof *m + length);
    if (!m) {
        if (before) tarn_clear_error();
        return &without_memory;
    }
    m->why = (error_note){kind, memcpy(m->text, error, length)};
    m->next = atomic_load(&r->messages);
    while (!atomic_compare_exchange_weak(&r->messages, &m->next, m)) {
    }
    return &m->why;
}

static void mark_outputs(run *r, const step *st, const error_note *why) {
    for (int k = 0; k < st->output_count; k++)
        if (st->outputs[k] >= 0) r->marks[r->p->values.items[st->outputs[k]].storage] = why;
    atomic_store(&r->marked, true);
}

/* Why a step's inputs are not good, or NULL. */
static const error_note *marked_input(const run *r, const step *st) {
    for (int i = 0; i < st->input_count; i++) {
        const error_note *why = st->inputs[i] < 0 ? NULL : r->marks[r->p->values.items[st->inputs[i]].storage];
        if (why) return why;
    }
    return NULL;
}

/* Marks what a step's marked inputs reach: of a group the outputs that are computed from them, else all. Whether
   something is left to compute. */
static bool mark_reached(run *r, const step *st) {
    const error_note *why = marked_input(r, st), *reasons[GROUP_MAX_REGISTERS] = {NULL};
    uint32_t inputs[GROUP_MAX_REGISTERS];
    if (!why) return true;
    if (!st->group) {
        mark_outputs(r, st, why);
        return false;
    }
    group_dependences(st->group, inputs);
    for (int k = 0; k < st->output_count; k++)
        for (int i = 0; i < st->input_count && !reasons[k]; i++)
            if (inputs[k] >> i & 1) reasons[k] = r->marks[r->p->values.items[st->inputs[i]].storage];
    bool rest = false;
    for (int k = 0; k < st->output_count; k++) {
        if (reasons[k]) r->marks[r->p->values.items[st->outputs[k]].storage] = reasons[k];
        rest = rest || !reasons[k];
    }
    return rest;
}

static void mark_poisoned_inputs(run_segment *g) {
    run *r = g->run;
    for (int i = 0; i < g->segment->use_count; i++) {
        const segment_use *u = &r->p->uses.items[g->segment->first_use + i];
        int t = r->p->bases.items[u->base].storage;
        const error_note *why = u->reads && !r->marks[t] ? buffer_poisoned(r->buffers[t]) : NULL;
        if (!why) continue;
        r->marks[t] = why;
        atomic_store(&r->marked, true);
    }
}

static bool before_call(submission *s, int i) {
    run_segment *g = (run_segment *)s;
    run *r = g->run;
    const step *st = &r->p->steps.items[g->segment->first + i];
    if (i == 0) mark_poisoned_inputs(g);

    if (interrupt_is_set()) {
        mark_outputs(r, st, &given_up);
        return false;
    }
    bool runs = !atomic_load(&r->marked) || mark_reached(r, st);
    if (runs && hard_mode()) hard_fill_outputs(r->p, g->segment->first + i, &s->calls[i]);
    return runs;
}

/* A kernel was given what it can do: where it names no kind of its own, such as missing memory, it is not the caller
 * who was wrong. */
static tarn_error_class kind_of_failure(void) {
    return tarn_error_kind() > TARN_ERROR_VALUE ? tarn_error_kind() : TARN_ERROR_RUNTIME;
}

static void after_call(submission *s, int i, const char *error) {
    run_segment *g = (run_segment *)s;
    run *r = g->run;
    int index = g->segment->first + i;
    if (!error && hard_mode() && g->segment->stream->backend->host_memory &&
        !hard_guards_hold(r->p, index, &s->calls[i]))
        error = "a kernel wrote behind its output";
    if (error) mark_outputs(r, &r->p->steps.items[index], keep_message(r, kind_of_failure(), error));
}

/* What a failed call reaches. Where calls run on the host they were marked, and left out, in their turn. */
static void spread_marks(run_segment *g) {
    run *r = g->run;
    mark_poisoned_inputs(g);
    for (int i = 0; i < g->segment->count && atomic_load(&r->marked); i++)
        mark_reached(r, &r->p->steps.items[g->segment->first + i]);
}

static void poison_written(run_segment *g) {
    run *r = g->run;
    for (int i = 0; i < g->segment->use_count; i++) {
        const segment_use *u = &r->p->uses.items[g->segment->first_use + i];
        int t = r->p->bases.items[u->base].storage;
        if (u->writes && r->marks[t]) buffer_poison(r->buffers[t], r->marks[t]);
    }
}

static void segment_done(submission *s) {
    run_segment *g = (run_segment *)s;
    run *r = g->run;
    if (!g->segment->stream->backend->host_memory) {
        work_wait(&g->w); /* on a device it may be over before what it waited for has told that it failed */
        spread_marks(g);
    }
    if (atomic_load(&r->marked)) poison_written(g);
    let_go(r);
    work_complete(&g->w);
    run_release(r);
}

/* ---- afterwards: what was read from a mapped file is only known to be the file's if it has not changed meanwhile */

static const error_note *failed_check(run *r) {
    if (foreign_holds(r)) return NULL;
    const error_note *why = keep_message(r, tarn_error_kind(), tarn_error());
    tarn_clear_error();
    return why;
}

static bool is_written(const run *r, size_t t) {
    return has_buffer(r->p, t) || (r->p->storages.items[t].donated && r->p->storages.items[t].exported);
}

/* Whether the runs that wrote its inputs before it are done with their checks: another thread may be at them, or
   another stream still at the rest of such a run. */
static bool earlier_are_verified(const run *r) {
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        const buffer *b = r->buffers[r->p->inputs.items[i].storage];
        if ((int)(r->earlier[i] - atomic_load(&b->verified)) > 0) return false;
    }
    return true;
}

static void verify(release_note *note) {
    run *r = (run *)(void *)((char *)note - offsetof(run, note));
    if (!earlier_are_verified(r)) {
        release_put_off(note);
        return;
    }
    const error_note *why = failed_check(r);
    for (size_t i = 0; i < r->p->segments.count; i++) {
        spread_marks(&r->segments[i]);
        poison_written(&r->segments[i]);
    }
    for (size_t t = 0; t < r->p->storages.count; t++) {
        if (!is_written(r, t)) continue;
        if (why) buffer_poison(r->buffers[t], why);
        atomic_fetch_add(&r->buffers[t]->verified, 1);
    }
    finish(r);
    run_release(r);
}

/* Before it is launched: whether any of its inputs has to be checked afterwards, or may be found wrong then. */
static void plan_verification(run *r) {
    for (size_t i = 0; i < r->p->inputs.count && !r->verifies; i++) {
        const buffer *b = r->buffers[r->p->inputs.items[i].storage];
        r->verifies = b->check || buffer_is_unverified(b);
    }
    if (!r->verifies) return;
    r->note.run = verify;
    atomic_fetch_add(&r->references, 1);
    for (size_t i = 0; i < r->p->inputs.count; i++)
        r->earlier[i] = atomic_load(&r->buffers[r->p->inputs.items[i].storage]->dubious);
    for (size_t t = 0; t < r->p->storages.count; t++)
        if (is_written(r, t)) atomic_fetch_add(&r->buffers[t]->dubious, 1);
}

/* ---- launching */

static void fill_addresses(run *r, const segment *s) {
    const operand_place *place = r->p->places + s->first_place;
    for (int i = 0; i < s->count; i++) {
        call *c = &r->calls[s->first + i];
        int operands = c->input_count + c->output_count;
        for (int k = 0; k < operands; k++, place++)
            if (place->base >= 0) c->inputs[k].data = (char *)r->bases[place->base] + place->offset;
        c->workspace = place->base >= 0 ? (char *)r->bases[place->base] + place->offset : NULL;
        place++;
    }
}

static void launch_segment(run *r, size_t index, bool small) {
    const segment *s = &r->p->segments.items[index];
    run_segment *g = &r->segments[index];
    const segment_use *uses = r->p->uses.items + s->first_use;
    int count = 0, room = ticket_room(s);
    for (int i = 0; i < s->use_count; i++) {
        const program_base *base = &r->p->bases.items[uses[i].base];
        buffer *b = r->buffers[base->storage];
        if (uses[i].reads && r->moves && !buffer_is_valid_on(b, base->slot)) {
            move_to(b, base->slot, &r->moves[r->moves_used]);
            r->moves_used += MOST_MOVES;
        }
        bool new = index == 0 && has_buffer(r->p, (size_t)base->storage); /* of this run, and nobody's work yet */
        if (!new) count = buffer_waits(b, base->slot, uses[i].writes, g->w.after, count, room);
    }
    fill_addresses(r, s);
    g->run = r;
    g->segment = s;
    g->w = (work){.s = {.calls = r->calls + s->first,
                        .call_count = s->count,
                        .threads = r->p->threads,
                        .small = small,
                        .plan = s->plan,
                        .bases = r->bases,
                        .before = before_call,
                        .after = after_call,
                        .done = segment_done},
                  .stream = s->stream,
                  .after = g->w.after,
                  .after_count = count,
                  .waits = g->w.waits};
    atomic_fetch_add(&r->users, 1);
    atomic_fetch_add(&r->references, 1);
    ticket end = stream_submit(&g->w);
    for (int i = 0; i < s->use_count; i++) {
        const program_base *base = &r->p->bases.items[uses[i].base];
        if (uses[i].writes)
            buffer_was_written(r->buffers[base->storage], base->slot, end);
        else
            buffer_was_read(r->buffers[base->storage], end);
    }
}

/* A program that runs once needs what it captured no longer than its run does, which has it now. */
static void take_captured(program *p) {
    for (size_t i = 0; i < p->inputs.count && p->once; i++) {
        buffer **b = &p->inputs.items[i].captured;
        if (*b && !(*b)->foreign) *b = NULL;
    }
}

/* Memory goes back in the order of the streams: what is queued has its tickets. A run that is over already gives all
   of it back at its end, which is now. */
static void give_back(run *r) {
    take_captured(r->p);
    r->holds = r->verifies || atomic_load(&r->users) > 1;
    for (size_t i = 0; i < r->p->scratches.count; i++) {
        ticket end = stream_newest(r->p->scratches.items[i].stream);
        pool_release(r->scratches[i], &end, 1);
        r->scratches[i] = NULL;
    }
    for (size_t t = 0; t < r->p->storages.count; t++) {
        const storage *it = &r->p->storages.items[t];
        buffer *b = is_lent(r->p, t) ? NULL : r->buffers[t];
        if (!b) continue;
        if (it->donated || (it->input < 0 && r->move_count)) buffer_drop_stale(b);
        if (is_pending_for(r, t)) buffer_set_state(b, BUFFER_SUBMITTED);
        if (b->foreign || !r->holds) continue;
        buffer_hold(b);
        buffer_release(b);
    }
}

void run_launch(run *r, bool waits) {
    bool small = r->p->elements <= (waits ? SMALL_AWAITED : SMALL);
    plan_verification(r);
    for (size_t i = 0; i < r->p->segments.count; i++) launch_segment(r, i, small);
    give_back(r);
    run_free(r);
}
