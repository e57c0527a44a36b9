/* Launches, copies and host functions: what runs on a stream's thread. A kernel gets a copy of its call whose pointers are the kernels' own
   addresses, made when its turn comes: work on a block that was released too early is found. */
#include "mock/mock.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

typedef struct {
    int device;
    bool (*begin)(void *context);
    void (*end)(void *context, bool ok, const char *error);
    void *context;
    const call *call; /* of a launch */
    void *to;         /* of a copy */
    const void *from;
    int64_t bytes;
    bool to_device;
    operand operands[]; /* room for the launch's translated ones */
} work;

static void finish(work *w, bool ok) {
    if (w->end) w->end(w->context, ok, tarn_error());
    tarn_clear_error();
    memory_free(w);
}

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

static bool translate(const work *w, operand *to, const operand *from, int index, bool output) {
    *to = *from;
    int64_t first, bytes = extent(from, &first);
    if (!from->data || bytes == 0) return true;
    char what[96];
    snprintf(what, sizeof what, "%s %d of %s", output ? "output" : "input", index, op_name(w->call->op));
    char *memory = mock_inside(w->device, (const char *)from->data + first, bytes, what);
    if (memory) to->data = memory - first;
    return memory != NULL;
}

static bool translate_call(work *w, call *c) {
    const call *from = w->call;
    *c = *from;
    c->inputs = w->operands;
    c->outputs = w->operands + from->input_count;
    for (int i = 0; i < from->input_count; i++)
        if (!translate(w, &c->inputs[i], &from->inputs[i], i, false)) return false;
    for (int i = 0; i < from->output_count; i++)
        if (!translate(w, &c->outputs[i], &from->outputs[i], i, true)) return false;
    int64_t bytes = c->row->workspace ? c->row->workspace(from) : 0;
    if (bytes == 0) return true;
    c->workspace = mock_inside(w->device, from->workspace, bytes, "the workspace");
    return c->workspace != NULL;
}

static bool run_kernel(work *w) {
    call translated;
    if (mock_is_lost(w->device) || !translate_call(w, &translated)) return false;
    if (mock_fault_due(FAULT_LAUNCH)) return tarn_fail("mock:%d: this launch of %s was told to fail", w->device, op_name(w->call->op));
    return translated.row->run(&translated) || tarn_fail("%s failed without saying why", translated.row->name);
}

static void run_launch(void *context) {
    work *w = context;
    mock_sleep();
    mock_add(COUNT_LAUNCHES, 1);
    bool ok = !w->begin || w->begin(w->context);
    finish(w, ok && run_kernel(w));
}

static bool submit(backend_stream *stream, void (*run)(void *context), const work *from, int operands) {
    work *w = memory_new(1, sizeof *w + (size_t)operands * sizeof(operand));
    if (w) *w = *from;
    if (w && mock_stream_submit(stream, run, w)) return true;
    memory_free(w);
    return mock_report(false);
}

bool mock_launch(backend_stream *stream, const call *c, bool (*begin)(void *context),
                 void (*end)(void *context, bool ok, const char *error), void *context) {
    work w = {.device = mock_stream_device(stream), .begin = begin, .end = end, .context = context, .call = c};
    if (mock_fault_due(FAULT_SUBMISSION)) return mock_report(tarn_fail("mock:%d: this launch of %s was refused", w.device, op_name(c->op)));
    return submit(stream, run_launch, &w, c->input_count + c->output_count);
}

/* ---- copies and host functions */
static bool run_bytes(const work *w) {
    if (mock_is_lost(w->device)) return false;
    if (mock_fault_due(FAULT_COPY)) return tarn_fail("mock:%d: this copy was told to fail", w->device);
    if (w->bytes == 0) return true;
    if (mock_is_device_memory(w->to_device ? w->from : w->to))
        return mock_violation("mock:%d: both ends of a copy are in device memory", w->device);
    void *memory = mock_inside(w->device, w->to_device ? w->to : w->from, w->bytes, w->to_device ? "a copy's end" : "a copy's source");
    if (!memory) return false;
    memcpy(w->to_device ? memory : w->to, w->to_device ? w->from : memory, (size_t)w->bytes);
    mock_add(COUNT_COPIED_BYTES, w->bytes);
    return true;
}

static void run_copy(void *context) {
    work *w = context;
    mock_sleep();
    mock_add(COUNT_COPIES, 1);
    finish(w, run_bytes(w));
}

bool mock_copy(backend_stream *stream, void *to, const void *from, int64_t bytes, bool to_device,
               void (*end)(void *context, bool ok, const char *error), void *context) {
    work w = {.device = mock_stream_device(stream),
              .end = end,
              .context = context,
              .to = to,
              .from = from,
              .bytes = bytes,
              .to_device = to_device};
    return submit(stream, run_copy, &w, 0);
}

typedef struct {
    void (*run)(void *context);
    void *context;
} host_work;

static void run_host(void *context) {
    host_work w = *(host_work *)context;
    memory_free(context);
    mock_sleep();
    w.run(w.context);
}

bool mock_host(backend_stream *stream, void (*run)(void *context), void *context) {
    host_work *w = NEW(host_work);
    if (w) *w = (host_work){run, context};
    if (w && mock_stream_submit(stream, run_host, w)) return true;
    memory_free(w);
    return mock_report(false);
}
