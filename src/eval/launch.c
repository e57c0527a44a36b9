/* Launching a run, which cannot fail: its segments are submitted, with what must be moved before them, and buffers are
   told who reads and writes them. */
#include "eval/running.h"

/* Work of so few elements is done faster than it is handed over: first where somebody waits for it, second where nobody
 * does. */
enum { SMALL_AWAITED = 1 << 18, SMALL = 1 << 15 };

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

/* Where its buffers are not valid they are moved; what of them is still in use is listed in w->after. How many tickets
 * that are. */
static int list_waits(run *r, size_t index) {
    const segment *s = &r->p->segments.items[index];
    work *w = &r->segments[index].w;
    int count = 0, room = run_ticket_room(s);
    for (int i = 0; i < s->use_count; i++) {
        const segment_use *use = &r->p->uses.items[s->first_use + i];
        const program_base *base = &r->p->bases.items[use->base];
        buffer *b = r->buffers[base->storage];
        if (use->reads && r->moves && !buffer_is_valid_on(b, base->slot)) {
            move_to(b, base->slot, &r->moves[r->moves_used]);
            r->moves_used += MOST_MOVES;
        }
        bool new = index == 0 && run_has_buffer(r->p, (size_t)base->storage); /* of this run, and nobody's work yet */
        if (!new) count = buffer_waits(b, base->slot, use->writes, w->after, count, room);
    }
    return count;
}

static void tell_buffers(const run *r, const segment *s, ticket end) {
    for (int i = 0; i < s->use_count; i++) {
        const segment_use *use = &r->p->uses.items[s->first_use + i];
        const program_base *base = &r->p->bases.items[use->base];
        if (use->writes)
            buffer_was_written(r->buffers[base->storage], base->slot, end);
        else
            buffer_was_read(r->buffers[base->storage], end);
    }
}

static void launch_segment(run *r, size_t index, bool small) {
    const segment *s = &r->p->segments.items[index];
    run_segment *g = &r->segments[index];
    int waits = list_waits(r, index);
    fill_addresses(r, s);
    g->run = r;
    g->segment = s;
    submission *w = &g->w.s; /* the rest is zero */
    w->calls = r->calls + s->first;
    w->call_count = s->count;
    w->threads = r->p->threads;
    w->small = small;
    w->plan = s->plan;
    w->bases = r->bases;
    w->before = segment_before_call;
    w->after = segment_after_call;
    w->done = segment_done;
    g->w.stream = s->stream;
    g->w.after_count = waits;
    tell_buffers(r, s, stream_submit(&g->w));
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
        buffer *b = run_is_lent(r->p, t) ? NULL : r->buffers[t];
        if (!b) continue;
        if (it->donated || (it->input < 0 && r->move_count)) buffer_drop_stale(b);
        if (run_is_pending_for(r, t)) buffer_set_state(b, BUFFER_SUBMITTED);
        if (b->foreign || !r->holds) continue;
        buffer_hold(b);
        buffer_release(b);
    }
}

void run_launch(run *r, bool waits) {
    r->awaited = waits;
    bool small = r->p->elements <= (waits ? SMALL_AWAITED : SMALL);
    int segments = (int)r->p->segments.count;
    atomic_init(&r->users, 1 + segments); /* nobody else knows the run yet */
    atomic_init(&r->references, 1 + segments);
    run_plan_verification(r);
    for (int i = 0; i < segments; i++) launch_segment(r, (size_t)i, small);
    give_back(r);
    run_free(r);
}
