/* Calls of compiled functions that run when a result is asked for. Such a call is one node: its inputs are the
   arguments and the state, its outputs all that it gives. An evaluation that comes to one runs it first, by the plans
   of the function, so that for a call like an earlier one nothing is traced or scheduled. What only the node holds by
   then is written over. */
#include "eval/later.h"

#include "base/memory.h"
#include "core/lock.h"
#include "eval/compiled.h"
#include "ops/build.h"

/* What the node knows of the function; none of its callbacks is called any more. */
typedef struct {
    atomic_int references;
    tarn_compiled *compiled;
    kept_trace *trace;
    size_t key_bytes;
    char key[];
} later_call;

static void retain(void *object) {
    atomic_fetch_add(&((later_call *)object)->references, 1);
}

static void release(void *object) {
    later_call *later = object;
    if (!later || atomic_fetch_sub(&later->references, 1) != 1) return;
    kept_trace_release(later->trace);
    compiled_release(later->compiled);
    memory_free(later);
}

static const object_type call_type = {.name = "call", .retain = retain, .release = release};

static later_call *call_new(const plan_call *request) {
    const tarn_compiled_call_options *o = &request->options;
    later_call *later = memory_new(1, sizeof *later + o->key_bytes);
    if (!later) return NULL;
    atomic_init(&later->references, 1);
    later->compiled = request->c;
    later->trace = request->trace;
    later->key_bytes = o->key_bytes;
    if (o->key_bytes) memcpy(later->key, o->key, o->key_bytes);
    compiled_retain(later->compiled);
    kept_trace_retain(later->trace);
    return later;
}

static later_call *call_of(const node *n) {
    return ((const attributes_later *)n->attributes)->call.object;
}

/* ---- said */

static bool infer_later(inference *i) {
    const later_call *later = ((const attributes_later *)i->attributes)->call.object;
    const recording *r = &later->trace->recording;
    for (size_t k = 0; k < r->outputs.count; k++) {
        const array_type *t = &r->types.items[r->outputs.items[k]];
        if (!types_add(i, t->dtype, t->ndim, t->shape)) return false;
    }
    return true;
}

static node *call_node(const plan_call *request) {
    later_call *later = call_new(request);
    attributes_later attributes = {.call = {&call_type, later}};
    node *n = later ? build_node(OP_later, request->values, request->count, &attributes) : NULL;
    release(later);
    return n;
}

static bool hand_out(const plan_call *request, node *n) {
    int states = request->trace->state_count, results = n->output_count - states;
    tarn_array **outputs = NEW_ARRAY(tarn_array *, n->output_count);
    for (int k = 0; outputs && k < n->output_count; k++) outputs[k] = &n->outputs[k];
    bool ok = outputs && results_reserve(request->results, results);
    if (ok) request->results->attached = attachment_retain(request->trace->attached);
    if (ok) results_fill(request->results, outputs, results);
    ok = ok && state_store(request->c, outputs + results, states);
    memory_free(outputs);
    return ok;
}

bool later_begin(plan_call *request) {
    request->trace = plan_trace(request);
    if (!request->trace) return false;
    bool gives_any = request->trace->recording.outputs.count > 0; /* else there is nothing to ask for later */
    node *n = gives_any ? call_node(request) : NULL;
    bool ok = n && hand_out(request, n);
    kept_trace_release(request->trace);
    request->trace = NULL;
    return gives_any ? ok : compiled_run(request);
}

/* ---- run */

/* Of the outputs that are held all have values or none has. */
bool later_is_done(const node *n) {
    bool begun = n->forgot_inputs;
    for (int k = 0; k < n->output_count; k++) begun = begun || n->outputs[k].buffer;
    return begun;
}

/* The call as it was said, on holds of its own: another thread may run it meanwhile, and then the node forgets all of
   it. Under the lock. */
static bool take_call(plan_call *request, node *n, later_call *later) {
    if (!compiled_reserve(request, n->input_count)) return false;
    for (int i = 0; i < n->input_count; i++) {
        request->values[i] = n->inputs[i];
        request->donate[i] = LEFT_TO_CALL;
        array_begin_reading(n->inputs[i]);
    }
    request->input_count = n->input_count;
    request->node = n;
    request->c = later->compiled;
    request->trace = later->trace;
    request->options = (tarn_compiled_call_options){.key = later->key, .key_bytes = later->key_bytes};
    return true;
}

static void drop_call(plan_call *request) {
    for (int i = 0; i < request->count; i++) array_end_reading(request->values[i]);
    compiled_end(request);
}

static bool run_taken(plan_call *request) {
    tarn_stream *before = tarn_use_stream(request->node->stream);
    bool ok = compiled_run(request);
    tarn_use_stream(before);
    return ok;
}

static bool run_call(node *n) {
    plan_call request = {0};
    schedule_lock();
    bool done = later_is_done(n);
    later_call *later = done ? NULL : call_of(n);
    if (later) retain(later);
    bool taken = !done && take_call(&request, n, later);
    schedule_unlock();
    bool ok = done || (taken && run_taken(&request));
    drop_call(&request);
    release(later);
    return ok;
}

bool later_run_all(later_calls *calls) {
    bool ok = true;
    for (size_t i = 0; i < calls->count; i++) {
        ok = ok && run_call(calls->items[i]);
        node_release(calls->items[i]);
    }
    vector_free(calls);
    return ok;
}

const op_rules rules_later = {.infer = infer_later,
                              .no_vjp = "transforms call the function itself",
                              .no_vmap = "transforms call the function itself"};
