/* Plans of a compiled function: what a call looks like, and the programs that were made for calls that looked the
   same. */
#include "base/memory.h"
#include "core/lock.h"
#include "eval/compiled.h"
#include "ops/trace_function.h"

void plan_release(plan *p) {
    if (!p || atomic_fetch_sub(&p->cached.references, 1) != 1) return;
    program_release(p->program);
    vector_free(&p->cached.key);
    memory_free(p->types);
    attachment_release(p->attached);
    memory_free(p);
}

/* ---- what a call looks like */

/* How often each array appears among the values: noted in the arrays. */
static void count_appearances(const plan_call *request) {
    uint64_t epoch = schedule_new_epoch();
    for (int i = 0; i < request->count; i++) {
        tarn_array *a = request->values[i];
        if (a->epoch != epoch) a->note = 0;
        a->epoch = epoch;
        a->note++;
    }
}

/* Memory can be given away if no other array, no plan and no argument of this call stands on it; else the plan works
   on a copy, which is another plan. */
static bool may_be_taken(const tarn_array *a, donation how) {
    int keeps = how == GIVEN_IF_ALONE, readers = how == LEFT_TO_CALL ? 2 : 1; /* the list of leaves; node and call */
    bool alone = atomic_load(&a->keeps) <= keeps && !atomic_load(&a->scopes) && array_readers(a) == readers;
    if (how == KEPT || (how != DONATED && !alone)) return false;
    return !a->buffer->foreign && atomic_load(&a->buffer->references) == 1 && a->note == 1;
}

/* Mapped memory, or a view for a wider dtype, may be aligned for less than its elements: then other kernels, or
   copies, are planned. */
static int alignment_of(const tarn_array *a) {
    return alignment_at(buffer_data(a->buffer, DEVICE_HOST), a->offset * dtype_bytes(a->dtype));
}

static bool push_bytes(cache_key *key, const void *bytes, size_t size) {
    size_t count = size / sizeof(int64_t) + (size % sizeof(int64_t) != 0);
    if (!size) return true;
    if (!vector_reserve(key, count)) return false;
    key->items[key->count + count - 1] = 0;
    memcpy(key->items + key->count, bytes, size);
    key->count += count;
    return true;
}

static bool push_numbers(cache_key *key, const int64_t *numbers, int count) {
    return push_bytes(key, numbers, (size_t)count * sizeof *numbers);
}

static bool describe_value(plan_call *request, int i) {
    const tarn_array *a = request->values[i];
    if (!a->buffer) return tarn_fail("compile: the memory of an argument was given away meanwhile");
    request->donated[i] = may_be_taken(a, request->donate[i]);
    int64_t numbers[] = {a->dtype, a->ndim, request->donated[i], alignment_of(a)};
    return push_numbers(&request->key, numbers, 4) && push_numbers(&request->key, a->shape, a->ndim) &&
           push_numbers(&request->key, a->strides, a->ndim);
}

static bool describe_call(const plan_call *request, cache_key *key) {
    const tarn_compiled_call_options *o = &request->options;
    int64_t stream = (int64_t)(intptr_t)stream_current();
    int64_t numbers[] = {stream, request->input_count, request->count, (int64_t)o->key_bytes};
    return push_numbers(key, numbers, 4) && push_bytes(key, o->key, o->key_bytes);
}

bool plan_describe(plan_call *request) {
    request->key.count = 0;
    bool ok = describe_call(request, &request->key);
    count_appearances(request);
    for (int i = 0; i < request->count && ok; i++) ok = describe_value(request, i);
    return ok;
}

bool plan_describe_seen(const plan_call *request, bool sizes, cache_key *key) {
    bool ok = push_numbers(key, &(int64_t){sizes}, 1) && describe_call(request, key);
    for (int i = 0; i < request->count && ok; i++) {
        const tarn_array *a = request->values[i];
        ok = push_numbers(key, (int64_t[]){a->dtype, a->ndim}, 2) && (!sizes || push_numbers(key, a->shape, a->ndim));
    }
    return ok;
}

/* ---- tracing */

/* Whose plan this thread is making: what is compiled within its trace is inlined. */
static _Thread_local const tarn_compiled *planning;

const tarn_compiled *plan_in_making(void) {
    return planning;
}

static array_type *types_of(tarn_array *const *arrays, int count) {
    array_type *types = NEW_ARRAY(array_type, count);
    for (int i = 0; types && i < count; i++) types[i] = array_type_of(arrays[i]);
    return types;
}

/* The call is described anew: what its arguments look like may have changed while the function ran. */
static program *schedule_traced(plan_call *request, const traced_function *t) {
    schedule_options o = {.plan = true, .leaves = t->inputs, .argument_count = request->count};
    o.arguments = request->values;
    o.donated = request->donated;
    schedule_lock();
    program *made = plan_describe(request) ? schedule_make(t->outputs, t->output_count, o, NULL) : NULL;
    schedule_unlock();
    return made;
}

static bool plan_traced(plan_call *request, plan *p, const traced_function *t) {
    p->output_count = t->output_count;
    p->state_count = t->results.states;
    p->attached = attachment_retain(t->results.attached);
    if (!captures_compute(t)) return false;
    p->program = schedule_traced(request, t);
    p->types = p->program && program_prepare(p->program) ? types_of(t->outputs, t->output_count) : NULL;
    return p->types != NULL;
}

static bool trace_call(plan_call *request, tarn_function function, tarn_array *const *arguments, traced_function *t) {
    const tarn_compiled *before = planning;
    planning = request->c;
    bool ok = traced_begin(t, "compile", function, arguments, request->count, NULL);
    planning = before;
    return ok;
}

/* Of the user's function, or of what an earlier trace built. The scope that is open holds the arguments. */
static bool trace_over(plan_call *request, kept_trace *kept, traced_function *t) {
    tarn_function function = kept ? TARN_FUNCTION(kept_trace_call, kept) : TARN_FUNCTION(state_call, request->c);
    tarn_array **arguments = NEW_ARRAY(tarn_array *, request->count);
    bool ok = arguments && tarn_ok();
    for (int i = 0; ok && i < request->count; i++) ok = (arguments[i] = trace_argument(i, request->values[i])) != NULL;
    ok = ok && trace_call(request, function, arguments, t);
    memory_free(arguments);
    return ok;
}

/* For calls of other shapes, too, if the function allows it and asked for none. */
static kept_trace *keep_trace(const plan_call *request, const traced_function *t) {
    return kept_trace_add(request, t, !request->c->shapeless || trace_holds_sizes(t->trace));
}

static bool trace_plan(plan_call *request, plan *p) {
    TARN_SCOPE;
    traced_function t;
    kept_trace *kept = request->trace ? kept_trace_retain(request->trace) : kept_trace_find(request);
    bool ok = trace_over(request, kept, &t);
    if (ok) {
        ok = plan_traced(request, p, &t) && (kept || (kept = keep_trace(request, &t)));
        traced_end(&t);
    }
    kept_trace_release(kept);
    return ok;
}

kept_trace *plan_trace(plan_call *request) {
    TARN_SCOPE;
    traced_function t;
    kept_trace *kept = kept_trace_find(request), *made = NULL;
    if (kept && kept_trace_fits(kept, request)) return kept;
    if (trace_over(request, kept, &t)) {
        made = kept ? kept_trace_add(request, &t, true) : keep_trace(request, &t);
        traced_end(&t);
    }
    kept_trace_release(kept);
    return made;
}

bool plan_make(plan_call *request) {
    plan *p = NEW(plan);
    if (!p) return false;
    p->cached.references = 1;
    cached *evicted = &p->cached;
    bool ok = trace_plan(request, p);
    if (ok) {
        schedule_lock();
        ok = cache_keep(&request->c->plans, &p->cached, &request->key, &evicted);
        schedule_unlock();
    }
    plan_release((plan *)evicted);
    return ok;
}
