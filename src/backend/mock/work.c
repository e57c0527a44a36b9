/* What a submission does: copies, then calls, whether or not those before them failed. A kernel gets a copy of its call
   whose pointers are the kernels' own addresses, made when its turn comes: work on a block that was given back too
   early is found. What nobody reads after a call is overwritten behind it. */
#include "mock/mock.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { SPOILED = 0xA5 };

/* ---- launches */

/* The first byte of an operand and how many there are from it to the last: strides may be negative. */
static int64_t extent(const operand *o, int64_t *first) {
    int64_t low = 0, high = 0;
    for (int i = 0; i < o->ndim; i++) {
        if (o->shape[i] == 0) return *first = 0;
        int64_t reach = (o->shape[i] - 1) * o->strides[i];
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
    }
    *first = low * dtype_bytes(o->dtype);
    return (high - low + 1) * dtype_bytes(o->dtype);
}

static bool translate(int device, op_id op, operand *to, const operand *from, int index, bool output) {
    *to = *from;
    int64_t first, bytes = extent(from, &first);
    if (!from->data || bytes == 0) return true;
    char what[96];
    snprintf(what, sizeof what, "%s %d of %s", output ? "output" : "input", index, op_name(op));
    char *memory = mock_inside(device, (const char *)from->data + first, bytes, what);
    if (memory) to->data = memory - first;
    return memory != NULL;
}

static bool translate_call(int device, const call *from, operand *room, call *c) {
    *c = *from;
    c->inputs = room;
    c->outputs = room + from->input_count;
    for (int i = 0; i < from->input_count; i++)
        if (!translate(device, from->op, &c->inputs[i], &from->inputs[i], i, false)) return false;
    for (int i = 0; i < from->output_count; i++)
        if (!translate(device, from->op, &c->outputs[i], &from->outputs[i], i, true)) return false;
    int64_t bytes = c->row->workspace ? c->row->workspace(from) : 0;
    if (bytes == 0) return true;
    c->workspace = mock_inside(device, from->workspace, bytes, "the workspace");
    return c->workspace != NULL;
}

static void spoil(const operand *o) {
    int64_t first, bytes = extent(o, &first);
    memset((char *)o->data + first, SPOILED, (size_t)bytes);
    mock_add(COUNT_LAST_READS, 1);
}

static void spoil_last_reads(const call *c) {
    for (int i = 0; i < c->input_count && i < 32; i++)
        if (c->last_reads >> i & 1 && c->inputs[i].data) spoil(&c->inputs[i]);
}

/* room: twice the call's operands, for those of a plan and for the translated ones. */
static bool run_call(int device, const submission *s, int i, operand *room) {
    call planned = s->calls[i], translated;
    int operands = planned.input_count + planned.output_count;
    if (mock_is_lost(device) || (s->plan && !mock_plan_call(s->plan, i, s->bases, &s->calls[i], room, &planned)) ||
        !translate_call(device, &planned, room + operands, &translated))
        return false;
    if (mock_fault_due(FAULT_LAUNCH))
        return tarn_fail("mock:%d: this launch of %s was told to fail", device, op_name(planned.op));
    if (translated.row->prepare && translated.prepared != mock_prepared_for(device))
        return mock_violation("%s runs unprepared for mock:%d", translated.row->name, device);
    bool ok = translated.row->run(&translated);
    spoil_last_reads(&translated);
    return ok || tarn_fail("%s failed without saying why", translated.row->name);
}

static bool run_call_with_room(int device, const submission *s, int i) {
    operand *room = NEW_ARRAY(operand, 2 * (s->calls[i].input_count + s->calls[i].output_count));
    bool ok = room && run_call(device, s, i, room);
    memory_free(room);
    return ok;
}

/* ---- copies */
static bool run_copy(int device, const block_copy *c) {
    if (mock_is_lost(device)) return false;
    if (mock_fault_due(FAULT_COPY)) return tarn_fail("mock:%d: this copy was told to fail", device);
    if (c->bytes == 0) return true;
    bool peer = c->direction == COPY_FROM_PEER, to_device = c->direction != COPY_TO_HOST,
         from_device = c->direction != COPY_TO_DEVICE;
    if (!peer && mock_is_device_memory(to_device ? c->from : c->to))
        return mock_violation("mock:%d: both ends of a copy are in device memory", device);
    if (peer && !mock_is_peer(device, c->peer)) return mock_violation("mock:%d: mock:%d is no peer", device, c->peer);
    void *to = to_device ? mock_inside(device, c->to, c->bytes, "a copy's end") : c->to;
    const void *from =
        from_device ? mock_inside(peer ? c->peer : device, c->from, c->bytes, "a copy's source") : c->from;
    if (!to || !from) return false;
    memcpy(to, from, (size_t)c->bytes);
    mock_add(COUNT_COPIED_BYTES, c->bytes);
    return true;
}

/* ---- submissions */
static void tell(submission *s, int i, bool ok) {
    if (!ok) s->after(s, i, tarn_error());
    tarn_clear_error();
}

void mock_run(int device, submission *s) {
    bool refused = mock_fault_due(FAULT_SUBMISSION);
    if (s->plan) mock_add(COUNT_REPLAYS, 1);
    for (int i = -s->copy_count; i < s->call_count; i++) {
        int at = i < 0 ? -1 - (i + s->copy_count) : i;
        mock_lag();
        mock_add(i < 0 ? COUNT_COPIES : COUNT_LAUNCHES, 1);
        if (refused)
            tell(s, at, tarn_fail("mock:%d: this submission was told to fail", device));
        else
            tell(s, at, i < 0 ? run_copy(device, &s->copies[-1 - at]) : run_call_with_room(device, s, i));
    }
}
