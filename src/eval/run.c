/* A run of a program: its buffers and scratch, which is all that can fail. launch.c submits what is ready. */
#include <string.h>

#include "base/holds.h"
#include "base/memory.h"
#include "eval/running.h"

/* ---- making and freeing */

bool run_has_buffer(const program *p, size_t t) {
    const storage *it = &p->storages.items[t];
    return it->input < 0 && it->within == (int)t && (it->exported || it->first != INT32_MAX);
}

bool run_is_lent(const program *p, size_t t) {
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
        if (!run_has_buffer(p, t)) continue;
        if (!(r->buffers[t] = buffer_new(p->storages.items[t].bytes))) return false;
        atomic_init(&r->buffers[t]->state, BUFFER_PENDING);
    }
    return true;
}

/* Small runs shall be small blocks: they are made and freed in no time. */
int run_ticket_room(const segment *s) {
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
    r->buffers = carve(c, storages, sizeof(buffer *));
    r->bases = carve(c, p->bases.count, sizeof(void *));
    r->valid = carve(c, p->bases.count, sizeof(bool));
    r->offsets = carve(c, storages, sizeof(int64_t));
    r->scratches = carve(c, p->scratches.count, sizeof(pool_block *));
    r->segments = carve(c, p->segments.count, sizeof(run_segment));
    r->marks = carve(c, storages, sizeof(const error_note *_Atomic));
    r->earlier = carve(c, p->inputs.count, sizeof(unsigned));
    r->calls = p->once ? p->calls : carve(c, p->steps.count, sizeof(call));
    operand *operands = p->once ? p->operands : carve(c, (size_t)p->operand_count, sizeof(operand));
    for (size_t i = 0; i < p->segments.count; i++) {
        int room = run_ticket_room(&p->segments.items[i]);
        ticket *after = carve(c, (size_t)room, sizeof(ticket));
        awaited *waits = carve(c, (size_t)room, sizeof(awaited));
        if (c->next) r->segments[i].w.after = after, r->segments[i].w.waits = waits;
    }
    if (!c->next || p->once || p->steps.count == 0) return;
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

void run_finish(run *r) {
    for (size_t t = 0; t < r->p->storages.count; t++) {
        buffer *b = run_is_lent(r->p, t) ? NULL : r->buffers[t];
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

void run_let_go(run *r) {
    if (!holds_end(&r->users)) return;
    if (r->verifies)
        release_later(&r->note);
    else
        run_finish(r);
}

void run_release(run *r) {
    if (holds_end(&r->references)) memory_free(r);
}

void run_free(run *r) {
    run_let_go(r);
    run_release(r);
}

run *run_new(program *p, buffer *const *arguments, const int64_t *offsets) {
    carver count = {NULL, (sizeof(run) + 15) & ~(size_t)15};
    size_t head = count.bytes;
    run unused;
    carve_run(&unused, p, &count);
    run *r = memory_new(1, count.bytes);
    if (!r) return program_release(p), NULL;
    carve_run(r, p, &(carver){(char *)r, head});
    r->p = p;
    atomic_init(&r->users, 1);
    atomic_init(&r->references, 1);
    if (bind(r, arguments, offsets)) return r;
    run_free(r);
    return NULL;
}

buffer *run_buffer(const run *r, int storage_index) {
    return r->buffers[storage_index];
}

bool run_is_pending_for(const run *r, size_t t) {
    const storage *it = &r->p->storages.items[t];
    return it->exported && (it->input < 0 || it->donated);
}

void run_cancel(run *r) {
    for (size_t t = 0; t < r->p->storages.count; t++)
        if (r->buffers[t] && run_is_pending_for(r, t))
            buffer_set_state(r->buffers[t], r->p->storages.items[t].input < 0 ? BUFFER_GIVEN_UP : BUFFER_SUBMITTED);
    run_free(r);
}

/* ---- reserving */

static bool same_check(const buffer *a, const buffer *b) {
    return a && a->check == b->check && a->context == b->context;
}

/* Neighbours that share a file ask once. */
bool run_foreign_holds(const run *r) {
    const buffer *asked = NULL;
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        const buffer *b = r->buffers[r->p->inputs.items[i].storage];
        if (!b->check || same_check(asked, b)) continue;
        if (!buffer_check(b)) return false;
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
    bool ok = run_foreign_holds(r);
    fork_let_end(u);
    release_go_on(before);
    return ok;
}

static run_state settle_inputs(run *r, fork_undo *u) {
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        int t = r->p->inputs.items[i].storage;
        if (!run_is_pending_for(r, (size_t)t) && !buffer_settle(r->buffers[t])) return RUN_AGAIN;
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
