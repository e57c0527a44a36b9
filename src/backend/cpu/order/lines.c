#include "cpu/order/lines.h"

#include "base/threads.h"

enum { MOST_SLOTS = 32 };

typedef struct {
    const line_set *lines;
    line_function *one;
    const void *job;
} each_line;

line_set lines_of(const call *c, int axis) {
    const operand *x = &c->inputs[0];
    line_set l = {.call = c, .axis = axis, .n = x->shape[axis]};
    l.count = l.n > 0 ? operand_size(x) / l.n : 0;
    bool shared = l.count < parallel_threads(); /* then threads share each line */
    l.slots = shared ? l.count > 0 : l.count < MOST_SLOTS ? l.count : MOST_SLOTS;
    return l;
}

static void run_slots(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const each_line *e = context;
    const line_set *l = e->lines;
    (void)thread, (void)threads;
    for (int64_t slot = begin; slot < end; slot++)
        for (int64_t line = l->count * slot / l->slots; line < l->count * (slot + 1) / l->slots; line++)
            e->one(e->job, line, (char *)l->call->workspace + slot * l->bytes);
}

void lines_each(const line_set *l, int64_t grain, line_function *one, const void *job) {
    each_line e = {l, one, job};
    if (l->slots == 1)
        run_slots(&e, 0, 1, 0, 1);
    else
        parallel_for(l->slots, l->count * l->n < grain ? l->slots : 1, run_slots, &e);
}
