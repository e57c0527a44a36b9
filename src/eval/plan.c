/* Plans of a compiled function: what a call looks like, and the programs that were made for calls that looked the
   same. */
#include "base/memory.h"
#include "core/lock.h"
#include "eval/compiled.h"
#include "ops/trace_function.h"

enum { MOST_PLANS = 32 };

void plan_release(plan *p) {
    if (!p || atomic_fetch_sub(&p->references, 1) != 1) return;
    program_release(p->program);
    vector_free(&p->key);
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
static bool may_be_taken(const tarn_array *a) {
    return !a->buffer->foreign && atomic_load(&a->buffer->references) == 1 && a->note == 1;
}

/* Mapped memory, or a view for a wider dtype, may be aligned for less than its elements: then other kernels, or
   copies, are planned. */
static int alignment_of(const tarn_array *a) {
    return alignment_at(buffer_data(a->buffer, DEVICE_HOST), a->offset * dtype_bytes(a->dtype));
}

static bool push_bytes(plan_key *key, const void *bytes, size_t size) {
    size_t count = size / sizeof(int64_t) + (size % sizeof(int64_t) != 0);
    if (!size) return true;
    if (!vector_reserve(key, count)) return false;
    key->items[key->count + count - 1] = 0;
    memcpy(key->items + key->count, bytes, size);
    key->count += count;
    return true;
}

static bool push_numbers(plan_key *key, const int64_t *numbers, int count) {
    return push_bytes(key, numbers, (size_t)count * sizeof *numbers);
}

static bool describe_value(plan_call *request, int i) {
    const tarn_array *a = request->values[i];
    if (!a->buffer) return tarn_fail("compile: the memory of an argument was given away meanwhile");
    request->donated[i] = request->donate[i] && may_be_taken(a);
    int64_t numbers[] = {a->dtype, a->ndim, request->donated[i], alignment_of(a)};
    return push_numbers(&request->key, numbers, 4) && push_numbers(&request->key, a->shape, a->ndim) &&
           push_numbers(&request->key, a->strides, a->ndim);
}

bool plan_describe(plan_call *request) {
    const tarn_compiled_call_options *o = &request->options;
    int64_t stream = (int64_t)(intptr_t)stream_current();
    int64_t numbers[] = {stream, request->input_count, request->count, (int64_t)o->key_bytes};
    request->key.count = 0;
    bool ok = push_numbers(&request->key, numbers, 4) && push_bytes(&request->key, o->key, o->key_bytes);
    count_appearances(request);
    for (int i = 0; i < request->count && ok; i++) ok = describe_value(request, i);
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
    for (int i = 0; types && i < count; i++) {
        types[i] = (array_type){.dtype = arrays[i]->dtype, .ndim = arrays[i]->ndim};
        memcpy(types[i].shape, arrays[i]->shape, sizeof types[i].shape);
    }
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
    if (!captures_compute(t->outputs, t->output_count)) return false;
    p->program = schedule_traced(request, t);
    p->types = p->program && program_prepare(p->program) ? types_of(t->outputs, t->output_count) : NULL;
    return p->types != NULL;
}

static bool trace_call(plan_call *request, tarn_array *const *arguments, traced_function *t) {
    const tarn_compiled *before = planning;
    planning = request->c;
    bool ok = traced_begin(t, "compile", TARN_FUNCTION(state_call, request->c), arguments, request->count, NULL);
    planning = before;
    return ok;
}

static bool trace_plan(plan_call *request, plan *p) {
    TARN_SCOPE;
    tarn_array **arguments = NEW_ARRAY(tarn_array *, request->count);
    traced_function t;
    bool ok = arguments != NULL;
    for (int i = 0; ok && i < request->count; i++) ok = (arguments[i] = trace_argument(i, request->values[i])) != NULL;
    if (ok && (ok = trace_call(request, arguments, &t))) {
        ok = plan_traced(request, p, &t);
        traced_end(&t);
    }
    memory_free(arguments);
    return ok;
}

/* ---- finding and keeping plans; under the schedule lock */

plan *plan_find(const plan_call *request) {
    const plan_key *key = &request->key;
    for (size_t i = 0; i < request->c->plans.count; i++) {
        plan *p = request->c->plans.items[i];
        if (p->key.count != key->count) continue;
        if (memcmp(p->key.items, key->items, key->count * sizeof *key->items) == 0) return p;
    }
    return NULL;
}

/* Takes the plan that was not used for longest out of the list. */
static plan *evict_oldest(tarn_compiled *c) {
    size_t oldest = 0;
    for (size_t i = 1; i < c->plans.count; i++)
        if (c->plans.items[i]->used < c->plans.items[oldest]->used) oldest = i;
    plan *p = c->plans.items[oldest];
    c->plans.items[oldest] = c->plans.items[--c->plans.count];
    return p;
}

/* The list takes over p, and *evicted is what had to go for it: p itself, if there is one like it. */
static bool keep_plan(plan_call *request, plan *p, plan **evicted) {
    tarn_compiled *c = request->c;
    *evicted = p;
    if (plan_find(request)) return true;
    plan *oldest = c->plans.count == MOST_PLANS ? evict_oldest(c) : NULL;
    if (!vector_push(&c->plans, p)) return false;
    p->key = request->key;
    p->used = ++c->clock;
    request->key = (plan_key){0};
    *evicted = oldest;
    return true;
}

bool plan_make(plan_call *request) {
    plan *p = NEW(plan), *evicted = p;
    if (!p) return false;
    p->references = 1;
    bool ok = trace_plan(request, p);
    if (ok) {
        schedule_lock();
        ok = keep_plan(request, p, &evicted);
        schedule_unlock();
    }
    plan_release(evicted);
    return ok;
}
