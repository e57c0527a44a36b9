/* Compiled functions: programs kept by what the arguments look like. */
#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "core/fork.h"
#include "core/lock.h"
#include "core/release.h"
#include "eval/program.h"
#include "ops/trace_function.h"
#include "tarn/transform.h"

enum { MOST_PLANS = 32 };

/* What a plan was made for: dtypes, shapes, strides, alignment, streams and which arguments may be overwritten, as plain numbers. */
typedef VECTOR(int64_t) plan_key;

typedef struct {
    plan_key key;
    program *program;
    int output_count;  /* the function's results, and then the new state */
    array_type *types; /* of all of them */
    uint64_t used;     /* for eviction: when last */
} plan;

struct tarn_compiled {
    tarn_function function;
    tarn_array ***state;
    int state_count;
    int64_t *donate;
    int donate_count;
    pthread_mutex_t lock;
    unsigned generation; /* of forks, in which the lock was made */
    VECTOR(plan *) plans;
    uint64_t clock;
    int64_t hits;
};

static void plan_release(plan *p) {
    if (!p) return;
    program_release(p->program);
    vector_free(&p->key);
    memory_free(p->types);
    memory_free(p);
}

/* A function may ask for tarn_compiled_info of itself while it is traced. */
static bool lock_init(pthread_mutex_t *lock) {
    pthread_mutexattr_t recursive;
    if (pthread_mutexattr_init(&recursive)) return tarn_fail_kind(TARN_ERROR_MEMORY, "compile: no memory for a lock");
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    bool ok = pthread_mutex_init(lock, &recursive) == 0;
    pthread_mutexattr_destroy(&recursive);
    return ok || tarn_fail_kind(TARN_ERROR_MEMORY, "compile: no memory for a lock");
}

/* In a forked child a thread of the parent may seem to hold the lock for ever: it is made anew. */
static pthread_mutex_t *own_lock(tarn_compiled *c) {
    schedule_lock();
    if (c->generation != fork_generation() && lock_init(&c->lock)) c->generation = fork_generation();
    schedule_unlock();
    return &c->lock;
}

static bool check_options(tarn_function function, const tarn_compile_options *o) {
    if (!tarn_ok()) return false;
    if (!function.call) return tarn_fail("compile: the function is NULL");
    if (o->state_count < 0 || (o->state_count && !o->state)) return tarn_fail("compile: a state of %d arrays is NULL", o->state_count);
    for (int i = 0; i < o->state_count; i++) {
        if (!o->state[i]) return tarn_fail("compile: state %d is NULL", i);
        for (int k = 0; k < i; k++)
            if (o->state[k] == o->state[i]) return tarn_fail("compile: state %d and state %d are the same variable", k, i);
    }
    for (int64_t k = 0; k < o->donate.count; k++)
        if (o->donate.values[k] < 0 && o->donate.values[k] != TARN_DONATE_STATE)
            return tarn_fail_kind(TARN_ERROR_INDEX, "compile: donate has %lld", (long long)o->donate.values[k]);
    return true;
}

tarn_compiled *tarn_compile_with(tarn_function function, tarn_compile_options o) {
    if (!check_options(function, &o)) return NULL;
    tarn_compiled *c = NEW(tarn_compiled);
    if (!c) return NULL;
    *c = (tarn_compiled){.function = function, .state_count = o.state_count, .donate_count = (int)o.donate.count};
    c->state = memory_copy(o.state, (size_t)o.state_count * sizeof *o.state);
    c->donate = memory_copy(o.donate.values, (size_t)o.donate.count * sizeof *o.donate.values);
    c->generation = fork_generation();
    if (c->state && c->donate && lock_init(&c->lock)) return c;
    memory_free(c->state);
    memory_free(c->donate);
    memory_free(c);
    return NULL;
}

void tarn_compiled_free(tarn_compiled *c) {
    if (!c) return;
    for (size_t i = 0; i < c->plans.count; i++) plan_release(c->plans.items[i]);
    vector_free(&c->plans);
    pthread_mutex_destroy(&c->lock);
    memory_free(c->state);
    memory_free(c->donate);
    memory_free(c);
}

void tarn_compiled_info(const tarn_compiled *c, int64_t *plans, int64_t *hits) {
    if (plans) *plans = 0;
    if (hits) *hits = 0;
    if (!c) return;
    pthread_mutex_t *lock = own_lock((tarn_compiled *)(uintptr_t)c);
    pthread_mutex_lock(lock);
    if (plans) *plans = (int64_t)c->plans.count;
    if (hits) *hits = c->hits;
    pthread_mutex_unlock(lock);
}

/* ---- one call */

typedef struct {
    tarn_compiled *c;
    int count; /* inputs and then state */
    tarn_array **values;
    bool *donated;
    plan_key key;
    tarn_results *results;
} plan_call;

static bool is_donated(const tarn_compiled *c, int i, int input_count) {
    int64_t wanted = i < input_count ? i : TARN_DONATE_STATE;
    for (int k = 0; k < c->donate_count; k++)
        if (c->donate[k] == wanted) return true;
    return false;
}

/* Memory can be given away if no other array, no plan and no argument of this call stands on it; else the plan works on a copy, which is
   another plan. */
static bool may_be_taken(const plan_call *request, int i) {
    const tarn_array *a = request->values[i];
    if (a->buffer->foreign || atomic_load(&a->buffer->references) != 1) return false;
    for (int k = 0; k < request->count; k++)
        if (k != i && request->values[k] == a) return false;
    return true;
}

/* Mapped memory, or a view for a wider dtype, may be aligned for less than its elements: then other kernels, or copies, are planned. */
static int alignment_of(const tarn_array *a) {
    return alignment_at(buffer_data(a->buffer, DEVICE_HOST), a->offset * dtype_bytes(a->dtype));
}

static bool key_push(plan_key *key, const void *numbers, int count) {
    for (int i = 0; i < count; i++)
        if (!vector_push(key, ((const int64_t *)numbers)[i])) return false;
    return true;
}

static bool describe_call(plan_call *request, int input_count) {
    int64_t stream = (int64_t)(intptr_t)stream_current();
    request->key.count = 0;
    if (!key_push(&request->key, (int64_t[]){stream, input_count}, 2)) return false;
    for (int i = 0; i < request->count; i++) {
        const tarn_array *a = request->values[i];
        if (!a->buffer) return tarn_fail("compile: the memory of an argument was given away meanwhile");
        request->donated[i] = is_donated(request->c, i, input_count) && may_be_taken(request, i);
        if (!key_push(&request->key, (int64_t[]){a->dtype, a->ndim, request->donated[i], alignment_of(a)}, 4) ||
            !key_push(&request->key, a->shape, a->ndim) || !key_push(&request->key, a->strides, a->ndim))
            return false;
    }
    return true;
}

static bool call_begin(plan_call *request, tarn_compiled *c, tarn_array *const *inputs, int input_count) {
    *request = (plan_call){.c = c, .count = input_count + c->state_count};
    request->values = NEW_ARRAY(tarn_array *, request->count);
    request->donated = NEW_ARRAY(bool, request->count);
    if (!request->values || !request->donated) return false;
    for (int k = 0; k < c->donate_count; k++)
        if (c->donate[k] >= input_count)
            return tarn_fail_kind(TARN_ERROR_INDEX, "compile: donate has %lld, there are %d inputs", (long long)c->donate[k], input_count);
    for (int i = 0; i < request->count; i++)
        request->values[i] = i < input_count ? (inputs ? inputs[i] : NULL) : *c->state[i - input_count];
    for (int i = 0; i < request->count; i++)
        if (!request->values[i])
            return tarn_fail("compile: %s %d is NULL", i < input_count ? "input" : "state", i < input_count ? i : i - input_count);
    return true;
}

static void call_end(plan_call *request) {
    memory_free(request->values);
    memory_free(request->donated);
    vector_free(&request->key);
}

/* ---- tracing */

/* Whose plan this thread is making. There is one at most: a compiled function within another's trace is inlined. */
static _Thread_local const tarn_compiled *planning;

typedef struct {
    tarn_compiled *c;
    int input_count;
} trace_context;

/* The variable's new value, for the results, and the lent one taken back. A function that gave the lent one up (tarn_drop) put another in
   its place that it kept; plain assignment leaves both as they are. */
static bool take_state(tarn_results *results, tarn_array *now, tarn_array *lent) {
    bool kept = now != lent && atomic_load(&lent->keeps) == 0;
    bool ok = tarn_result(results, now);
    if (now != lent && !kept) tarn_drop(lent);
    if (kept || now == lent) tarn_drop(now);
    return ok;
}

/* The function with its state as further inputs and results. */
static bool with_state(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const trace_context *t = context;
    (void)count;
    tarn_array *const *lent = inputs + t->input_count;
    for (int i = 0; i < t->c->state_count; i++) *t->c->state[i] = tarn_keep(lent[i]);
    bool ok = t->c->function.call(t->c->function.context, inputs, t->input_count, results);
    for (int i = 0; i < t->c->state_count; i++) ok = take_state(results, *t->c->state[i], lent[i]) && ok;
    return ok;
}

static array_type *types_of(tarn_array *const *arrays, int count) {
    array_type *types = NEW_ARRAY(array_type, count);
    for (int i = 0; types && i < count; i++) {
        types[i] = (array_type){.dtype = arrays[i]->dtype, .ndim = arrays[i]->ndim};
        memcpy(types[i].shape, arrays[i]->shape, sizeof types[i].shape);
    }
    return types;
}

static bool schedule_traced(plan_call *request, plan *p, const traced_function *t) {
    schedule_options o = {
        .plan = true, .leaves = t->inputs, .arguments = request->values, .argument_count = request->count, .donated = request->donated};
    schedule_lock();
    p->program = schedule_make(t->outputs, t->output_count, o, NULL);
    schedule_unlock();
    if (!p->program || !program_prepare(p->program)) return false;
    p->types = types_of(t->outputs, t->output_count);
    return p->types != NULL;
}

static bool trace_plan(plan_call *request, plan *p, int input_count) {
    TARN_SCOPE;
    tarn_compiled *c = request->c;
    trace_context context = {c, input_count};
    tarn_array **arguments = NEW_ARRAY(tarn_array *, request->count);
    traced_function t;
    bool ok = arguments != NULL;
    for (int i = 0; ok && i < request->count; i++) ok = (arguments[i] = trace_argument(i, request->values[i])) != NULL;
    tarn_function wrapped = TARN_FUNCTION(with_state, &context);
    planning = c;
    ok = ok && traced_begin(&t, "compile", wrapped, arguments, request->count, NULL);
    planning = NULL;
    for (int i = 0; i < c->state_count; i++) *c->state[i] = request->values[input_count + i];
    if (ok) {
        p->output_count = t.output_count;
        ok = schedule_traced(request, p, &t);
        traced_end(&t);
    }
    memory_free(arguments);
    return ok;
}

/* ---- finding and keeping plans; under the lock of the compiled function */

static plan *find_plan(tarn_compiled *c, const plan_key *key) {
    for (size_t i = 0; i < c->plans.count; i++) {
        plan *p = c->plans.items[i];
        if (p->key.count != key->count || memcmp(p->key.items, key->items, key->count * sizeof *key->items) != 0) continue;
        return p;
    }
    return NULL;
}

static void evict_oldest(tarn_compiled *c) {
    size_t oldest = 0;
    for (size_t i = 1; i < c->plans.count; i++)
        if (c->plans.items[i]->used < c->plans.items[oldest]->used) oldest = i;
    plan_release(c->plans.items[oldest]);
    c->plans.items[oldest] = c->plans.items[--c->plans.count];
}

static plan *make_plan(plan_call *request, int input_count) {
    tarn_compiled *c = request->c;
    plan *p = NEW(plan);
    if (!p) return NULL;
    bool ok = trace_plan(request, p, input_count);
    if (ok && c->plans.count == MOST_PLANS) evict_oldest(c);
    ok = ok && vector_push(&c->plans, p);
    if (!ok) {
        plan_release(p);
        return NULL;
    }
    p->key = request->key;
    request->key = (plan_key){0};
    return p;
}

/* ---- running */

/* An output that is an argument, or a view of it, begins where that did. */
static int64_t output_offset(const plan *p, const value *v, const int64_t *offsets) {
    int input = p->program->storages.items[v->storage].input;
    const program_input *in = input < 0 ? NULL : &p->program->inputs.items[input];
    return v->at.offset + (in && !in->captured ? offsets[in->argument] / dtype_bytes(v->dtype) : 0);
}

static tarn_array *output_array(const plan *p, int i, const run *r, const int64_t *offsets) {
    const value *v = &p->program->values.items[p->program->outputs.items[i]];
    buffer *b = buffer_retain(run_buffer(r, v->storage));
    tarn_array *out = array_from_buffer(b, (tarn_ints){p->types[i].shape, p->types[i].ndim}, v->dtype);
    if (out) array_set_value(out, buffer_retain(out->buffer), output_offset(p, v, offsets), v->at.strides);
    return out;
}

/* Arrays over what the run will compute: before it is launched, because they may fail. */
static bool make_outputs(const plan *p, const run *r, const int64_t *offsets, tarn_array **made) {
    for (int i = 0; i < p->output_count; i++)
        if (!(made[i] = output_array(p, i, r, offsets))) return false;
    return true;
}

/* The results are noted in a list that has room for them, and the state is stored. */
static void hand_out(const plan_call *request, const plan *p, tarn_array *const *made) {
    tarn_compiled *c = request->c;
    int own = p->output_count - c->state_count;
    results_fill(request->results, made, own);
    for (int i = 0; i < c->state_count; i++) {
        tarn_drop(*c->state[i]);
        *c->state[i] = tarn_keep(made[own + i]);
    }
}

/* What may be overwritten is taken away before anything is submitted, and given back if nothing is. Under the schedule lock. */
static void take_arguments(const plan_call *request, const plan *p, const run *r) {
    for (size_t i = 0; i < p->program->inputs.count; i++) {
        const program_input *in = &p->program->inputs.items[i];
        if (p->program->storages.items[in->storage].donated && p->program->storages.items[in->storage].exported)
            buffer_set_state(run_buffer(r, in->storage), BUFFER_PENDING);
    }
    for (int i = 0; i < request->count; i++) {
        if (!request->donated[i]) continue;
        request->values[i]->given_away = true;
        array_set_value(request->values[i], NULL, 0, NULL);
    }
}

static void give_back_arguments(const plan_call *request, buffer *const *arguments) {
    schedule_lock();
    for (int i = 0; i < request->count; i++) {
        tarn_array *a = request->values[i];
        if (!request->donated[i]) continue;
        a->given_away = false;
        array_set_value(a, buffer_retain(arguments[i]), a->offset, a->strides);
    }
    schedule_unlock();
}

/* What a call needs to run its plan: retained, so that no other thread takes it. */
typedef struct {
    run *run;
    buffer **arguments;
    int64_t *offsets;
    tarn_array **made;
} plan_run;

/* Under the schedule lock: no array that is read here loses its value between the description of the call and this. */
static bool begin_run(plan_run *on, const plan_call *request, const plan *p) {
    *on = (plan_run){.arguments = NEW_ARRAY(buffer *, request->count),
                     .offsets = NEW_ARRAY(int64_t, request->count),
                     .made = NEW_ARRAY(tarn_array *, p->output_count)};
    if (!on->arguments || !on->offsets || !on->made) return false;
    for (int i = 0; i < request->count; i++) {
        on->arguments[i] = buffer_retain(request->values[i]->buffer);
        on->offsets[i] = request->values[i]->offset * dtype_bytes(request->values[i]->dtype);
    }
    on->run = run_new(p->program, on->arguments, on->offsets);
    if (on->run) take_arguments(request, p, on->run);
    return on->run != NULL;
}

static run_state finish_run(plan_run *on, const plan_call *request, const plan *p) {
    run_state state = run_reserve(on->run);
    if (state == RUN_READY && (!make_outputs(p, on->run, on->offsets, on->made) || !results_reserve(request->results, p->output_count)))
        state = RUN_FAILED;
    if (state == RUN_READY) {
        hand_out(request, p, on->made);
        run_launch(on->run, false);
        return state;
    }
    give_back_arguments(request, on->arguments);
    run_cancel(on->run);
    return state;
}

static void run_end(plan_run *on, int count) {
    for (int i = 0; on->arguments && i < count; i++) buffer_release(on->arguments[i]);
    memory_free(on->arguments);
    memory_free(on->offsets);
    memory_free(on->made);
}

/* One try. *p is the plan that serves the call, or NULL: it has to be made first. */
static run_state try_plan(plan_call *request, int input_count, bool made, plan **p) {
    tarn_compiled *c = request->c;
    plan_run on = {0};
    fork_hold();
    schedule_lock();
    bool ok = describe_call(request, input_count);
    *p = ok ? find_plan(c, &request->key) : NULL;
    if (*p) {
        c->hits += !made;
        (*p)->used = ++c->clock;
        ok = begin_run(&on, request, *p);
    }
    schedule_unlock();
    run_state state = !ok ? RUN_FAILED : *p ? finish_run(&on, request, *p) : RUN_AGAIN;
    run_end(&on, request->count);
    fork_allow();
    return state;
}

static bool call_plan(plan_call *request, int input_count) {
    for (bool made = false;;) {
        plan *p;
        if (!tarn_async_eval_all(request->values, request->count)) return false;
        run_state state = try_plan(request, input_count, made, &p);
        if (state != RUN_AGAIN) return state == RUN_READY;
        if (p) continue;
        /* Making a plan may change what the arguments look like: memory that it captured is not given away. */
        if (!(p = make_plan(request, input_count))) return false;
        p->used = ++request->c->clock;
        made = true;
    }
}

/* A plan that is being made will not change what is not its own state. */
static bool check_inner_state(const tarn_compiled *c) {
    for (int i = 0; planning && i < c->state_count; i++) {
        bool known = false;
        for (int k = 0; k < planning->state_count; k++) known = known || planning->state[k] == c->state[i];
        if (!known)
            return tarn_fail(
                "compile: a compiled function calls another whose state %d is not among its own: later calls would not change it", i);
    }
    return true;
}

/* In a trace the variables are the user's own. What was put in place of a kept array by plain assignment is kept in its stead. */
static void keep_assigned(tarn_array **variable, tarn_array *before, int keeps) {
    if (*variable != before && atomic_load(&before->keeps) == keeps) {
        tarn_keep(*variable);
        tarn_drop(before);
    }
    node_release(before->node);
}

static bool with_own_state(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_compiled *c = context;
    tarn_array **before = NEW_ARRAY(tarn_array *, c->state_count);
    int *keeps = NEW_ARRAY(int, c->state_count), held = 0;
    bool ok = before && keeps;
    for (; ok && held < c->state_count; held++) {
        if (!(before[held] = *c->state[held])) break;
        keeps[held] = atomic_load(&before[held]->keeps);
        node_retain(before[held]->node);
    }
    ok = ok && (held == c->state_count || tarn_fail("compile: state %d is NULL", held));
    ok = ok && c->function.call(c->function.context, inputs, count, results);
    for (int i = 0; i < held; i++) keep_assigned(c->state[i], before[i], keeps[i]);
    memory_free(before);
    memory_free(keeps);
    return ok;
}

/* Within a trace the function is simply part of what is traced: arrays that it captured may be, too. */
static bool call_inlined(tarn_compiled *c, tarn_array *const *inputs, int input_count, tarn_results *results) {
    if (!check_inner_state(c)) return false;
    int scope = tarn_scope_begin();
    tarn_array **own = NEW_ARRAY(tarn_array *, input_count);
    bool ok = own && function_inputs("compiled function", inputs, input_count, own) &&
              function_call("compiled function", with_own_state, c, own, input_count, results);
    tarn_scope_end(&scope);
    memory_free(own);
    return ok;
}

static bool call_compiled(tarn_compiled *c, tarn_array *const *inputs, int input_count, tarn_results *results) {
    plan_call request;
    pthread_mutex_lock(own_lock(c)); /* the state is read under it, too */
    bool ok = call_begin(&request, c, inputs, input_count);
    request.results = results;
    ok = ok && call_plan(&request, input_count);
    pthread_mutex_unlock(&c->lock);
    call_end(&request);
    release_drain();
    return ok;
}

tarn_results *tarn_compiled_call(tarn_compiled *c, tarn_array *const *inputs, int count) {
    if (!c) return tarn_fail("compiled function: it is NULL"), NULL;
    if (!tarn_ok() || !scope_check_open("compiled function")) return NULL;
    tarn_results *results = results_new();
    if (!results) return NULL;
    return results_close(results, trace_is_active() ? call_inlined(c, inputs, count, results) : call_compiled(c, inputs, count, results));
}
