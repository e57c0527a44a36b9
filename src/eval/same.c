/* Equal nodes of a plan are computed once: what says the same of the same values, on the same stream, has the same
   bits. Effects happen as often as they are said. A `depends` is a value of its own: what stands behind one is not what
   stands before it, which is how a checkpoint's second run stays one. */
#include <string.h>

#include "core/buffer.h"
#include "core/device.h"
#include "eval/schedule.h"

static bool say(schedule *s, int64_t number) {
    return vector_push(&s->said, number);
}

/* Puts what is in `said` down with the number, or finds the number that is there. */
static bool put_down(schedule *s, uint64_t number, uint64_t *first) {
    size_t bytes = s->said.count * sizeof *s->said.items;
    if (!s->same && !(s->same = map_new())) return false;
    *first = number;
    return map_get(s->same, s->said.items, bytes, first) || map_set(s->same, s->said.items, bytes, number, NULL);
}

/* Attributes by their hash: who finds a node asks whether they are equal. */
static bool say_node(schedule *s, const node *n) {
    s->said.count = 0;
    uint64_t hash = attributes_hash(n->op, n->attributes, HASH_START);
    bool ok = say(s, n->op) && say(s, (int64_t)(intptr_t)n->stream) && say(s, (int64_t)hash);
    for (int i = 0; i < n->input_count && ok; i++) ok = say(s, n->inputs[i] ? schedule_source(s, n->inputs[i]) : -1);
    return ok;
}

static void share(schedule *s, int e, int first) {
    if (e != first && !s->entries.items[e].external) s->entries.items[e].alias = first;
}

bool schedule_share(schedule *s, const node *n, bool *found) {
    *found = false;
    if (!s->options.plan || op_has_flag(n->op, OP_EFFECT)) return true;
    uint64_t at;
    if (!say_node(s, n) || !put_down(s, (uint64_t)(uintptr_t)n, &at)) return false;
    const node *first = (const node *)(uintptr_t)at;
    if (first == n || !attributes_equal(n->op, first->attributes, n->attributes)) return true;
    *found = true;
    for (int i = 0; i < n->output_count; i++) share(s, n->outputs[i].note, schedule_resolve(s, first->outputs[i].note));
    return true;
}

bool schedule_share_scalar(schedule *s, int e) {
    const tarn_array *a = s->entries.items[e].a;
    uint64_t bits = 0, first;
    if (!s->options.plan || a->ndim || a->node->op != OP_data || s->entries.items[e].alias >= 0) return true;
    const char *data = buffer_peek(a->buffer);
    if (!data) return true;
    memcpy(&bits, data + a->offset * dtype_bytes(a->dtype), (size_t)dtype_bytes(a->dtype));
    s->said.count = 0;
    if (!say(s, OP_data) || !say(s, a->dtype) || !say(s, (int64_t)bits) || !put_down(s, (uint64_t)e, &first))
        return false;
    if ((int)first != e) s->entries.items[e].alias = (int)first;
    return true;
}
