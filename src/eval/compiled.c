/* Compiled functions as users see them. No lock is held while one of the user's callbacks runs. */
#include "eval/compiled.h"

#include "base/list.h"
#include "base/memory.h"
#include "base/settings.h"
#include "core/lock.h"
#include "core/quarantine.h"
#include "core/scope.h"
#include "ops/trace_function.h"

/* ---- making and freeing */

static bool check_options(tarn_function function, const tarn_compile_options *o) {
    if (!tarn_ok()) return false;
    if (!function.call) return tarn_fail("compile: the function is NULL");
    if (!state_check(o) || !list_check("compile", "donate", o->donate)) return false;
    for (int64_t k = 0; k < o->donate.count; k++)
        if (o->donate.values[k] < 0 && o->donate.values[k] != TARN_DONATE_STATE)
            return tarn_fail_kind(TARN_ERROR_INDEX, "compile: donate has %lld", (long long)o->donate.values[k]);
    return true;
}

static void compiled_destroy(tarn_compiled *c) {
    for (size_t i = 0; i < c->plans.items.count; i++) plan_release((plan *)c->plans.items.items[i]);
    for (size_t i = 0; i < c->traces.items.count; i++) kept_trace_release((kept_trace *)c->traces.items.items[i]);
    vector_free(&c->plans.items);
    vector_free(&c->traces.items);
    memory_free(c->variables);
    memory_free(c->donate);
    memory_free(c);
}

static void release_context(release_note *note) {
    tarn_compiled *c = (tarn_compiled *)note;
    void (*release)(void *) = c->release;
    void *context = c->user.context;
    compiled_destroy(c);
    release(context);
}

void compiled_retain(tarn_compiled *c) {
    atomic_fetch_add(&c->references, 1);
}

void compiled_release(tarn_compiled *c) {
    if (!c || atomic_fetch_sub(&c->references, 1) != 1) return;
    if (c->release)
        release_later(&c->note);
    else
        compiled_destroy(c);
}

tarn_compiled *tarn_compile_with(tarn_function function, tarn_compile_options o) {
    tarn_compiled *c = check_options(function, &o) ? NEW(tarn_compiled) : NULL;
    if (!c) return NULL;
    *c = (tarn_compiled){.note = {.run = release_context},
                         .references = 1,
                         .user = function,
                         .function = function,
                         .collect = o.collect,
                         .store = o.store,
                         .release = o.release,
                         .donate_count = (int)o.donate.count,
                         .shapeless = o.shapeless};
    c->donate = memory_copy(o.donate.values, (size_t)o.donate.count * sizeof *o.donate.values);
    if (c->donate && state_in_variables(c, &o)) return c;
    compiled_destroy(c);
    return NULL;
}

void tarn_compiled_free(tarn_compiled *c) {
    compiled_release(c);
    release_drain();
}

bool tarn_is_given_away(const tarn_array *a) {
    if (!a || !array_check_alive("is_given_away", a)) return false;
    schedule_lock();
    bool given_away = a->given_away && !a->buffer;
    schedule_unlock();
    return given_away;
}

void tarn_compiled_info(const tarn_compiled *c, int64_t *plans, int64_t *hits) {
    schedule_lock();
    if (plans) *plans = c ? (int64_t)c->plans.items.count : 0;
    if (hits) *hits = c ? c->hits : 0;
    schedule_unlock();
}

typedef struct {
    tarn_context_visitor visit;
    void *argument;
    uint64_t epoch;
    int answer;
} visitor;

static void visit(visitor *v, attachment *a) {
    if (!a || a->epoch == v->epoch || v->answer) return;
    a->epoch = v->epoch;
    v->answer = v->visit(a->data, a->release, v->argument);
}

int tarn_compiled_visit(const tarn_compiled *c, tarn_context_visitor visit_attached, void *argument) {
    if (!c || !visit_attached) return 0;
    schedule_lock();
    visitor v = {visit_attached, argument, schedule_new_epoch(), 0};
    for (size_t i = 0; i < c->plans.items.count; i++) visit(&v, ((plan *)c->plans.items.items[i])->attached);
    for (size_t i = 0; i < c->traces.items.count; i++) visit(&v, ((kept_trace *)c->traces.items.items[i])->attached);
    schedule_unlock();
    return v.answer;
}

/* ---- a call */

static atomic_int disabled = -1; /* -1: what the environment says */

void tarn_compile_enable(bool enabled) {
    atomic_store(&disabled, !enabled);
}

static bool is_enabled(void) {
    int now = atomic_load_explicit(&disabled, memory_order_relaxed);
    return now < 0 ? settings_compile() : !now;
}

static bool fail_donate(long long index, int inputs) {
    return tarn_fail_kind(TARN_ERROR_INDEX, "compile: donate has %lld, there are %d inputs", index, inputs);
}

static bool mark_donated(plan_call *request) {
    const tarn_compiled *c = request->c;
    int inputs = request->input_count;
    for (int k = 0; k < c->donate_count; k++) {
        long long i = c->donate[k];
        if (i >= inputs) return fail_donate(i, inputs);
        if (i >= 0)
            request->donate[i] = DONATED;
        else
            for (int leaf = inputs; leaf < request->count; leaf++) request->donate[leaf] = DONATED;
    }
    for (size_t k = 0; k < request->leaves.given.count; k++)
        request->donate[inputs + request->leaves.given.items[k]] = GIVEN_IF_ALONE;
    return true;
}

static bool take_inputs(plan_call *request, tarn_array *const *inputs) {
    int count = request->input_count;
    for (int i = 0; i < count; i++)
        if (!inputs || !(request->values[i] = inputs[i])) return tarn_fail("compile: input %d is NULL", i);
    for (int i = count; i < request->count; i++) request->values[i] = request->leaves.arrays.items[i - count];
    return true;
}

bool compiled_reserve(plan_call *request, int count) {
    request->values = NEW_ARRAY(tarn_array *, count);
    request->donate = NEW_ARRAY(donation, count);
    request->donated = NEW_ARRAY(bool, count);
    if (!request->values || !request->donate || !request->donated) return false;
    request->count = count;
    return true;
}

void compiled_end(plan_call *request) {
    results_clear(&request->leaves);
    memory_free(request->values);
    memory_free(request->donate);
    memory_free(request->donated);
    vector_free(&request->key);
}

static bool call_begin(plan_call *request, tarn_array *const *inputs) {
    return state_collect(request->c, &request->leaves) &&
           compiled_reserve(request, request->input_count + (int)request->leaves.arrays.count) &&
           take_inputs(request, inputs) && mark_donated(request);
}

/* Making a plan may change what the arguments look like: memory that it captured is not given away. Then another one
   is needed. */
bool compiled_run(plan_call *request) {
    for (bool made = false;;) {
        bool found;
        if (!tarn_async_eval_all(request->values, request->count)) return false;
        run_state state = plan_replay(request, made, &found);
        if (state != RUN_AGAIN) return state == RUN_READY;
        if (found) continue;
        if (!plan_make(request)) return false;
        made = true;
    }
}

static bool call_planned(plan_call *request, tarn_array *const *inputs) {
    bool ok = call_begin(request, inputs) && (request->options.later ? later_begin(request) : compiled_run(request));
    compiled_end(request);
    return ok;
}

/* ---- within a trace, or disabled, the function is simply run: arrays that it captured may be traced, too */

enum { MOST_NESTED = 256 };
static _Thread_local int nested;

static bool has_variable(const tarn_compiled *c, tarn_array **variable) {
    for (int k = 0; k < c->variable_count; k++)
        if (c->variables[k] == variable) return true;
    return false;
}

/* Whether the function that is being planned has leaf i of this one's state among its own: then it is lent to it and
   part of the trace. Of variables there is a list. */
static bool is_state_of(const tarn_compiled *outer, const plan_call *request, int i) {
    const tarn_compiled *c = request->c;
    bool by_variable = c->variable_count && (outer->variable_count || !outer->collect);
    return by_variable ? has_variable(outer, c->variables[i]) : trace_reaches(request->leaves.arrays.items[i]);
}

/* A plan that is being made will not change what is not its own state. */
static bool check_inner_state(const plan_call *request) {
    const tarn_compiled *outer = plan_in_making();
    for (int i = 0; outer && i < (int)request->leaves.arrays.count; i++)
        if (!is_state_of(outer, request, i))
            return tarn_fail("compile: a compiled function calls another whose state %d is not among its own: "
                             "later calls would not change it",
                             i);
    return true;
}

/* The state that the function handed out leaves the results. */
static bool store_handed_out(const tarn_compiled *c, tarn_results *results) {
    size_t own = results->arrays.count - (size_t)results->states;
    bool ok = state_store(c, results->arrays.items + own, results->states);
    while (results->arrays.count > own) array_end_reading(vector_pop(&results->arrays));
    results->states = 0;
    return ok;
}

static bool inline_call(plan_call *request, tarn_array *const *inputs) {
    static const char what[] = "compiled function";
    tarn_array **own = request->values, *const *leaves = request->leaves.arrays.items;
    int count = request->input_count;
    return check_inner_state(request) && function_inputs(what, inputs, count, own) &&
           function_inputs(what, leaves, request->count - count, own + count) &&
           function_call(what, state_call, request->c, own, request->count, request->results) &&
           store_handed_out(request->c, request->results);
}

static bool call_inlined(plan_call *request, tarn_array *const *inputs) {
    if (nested == MOST_NESTED) return tarn_fail("compiled function: it calls itself without an end, %d deep", nested);
    nested++;
    int scope = tarn_scope_begin();
    bool ok = call_begin(request, inputs) && inline_call(request, inputs);
    tarn_scope_end(&scope);
    compiled_end(request);
    nested--;
    return ok;
}

tarn_results *tarn_compiled_call_with(tarn_compiled *c, tarn_array *const *inputs, int count,
                                      tarn_compiled_call_options o) {
    if (!c) return tarn_fail("compiled function: it is NULL"), NULL;
    if (!tarn_ok() || !scope_check_open("compiled function")) return NULL;
    if (count < 0) return tarn_fail("compiled function: %d inputs", count), NULL;
    if (o.key_bytes && !o.key) return tarn_fail("compiled function: a key of %zu bytes is NULL", o.key_bytes), NULL;
    tarn_results *results = results_new();
    if (!results) return NULL;
    compiled_retain(c);
    plan_call request = {.c = c, .input_count = count, .leaves = {.open = true}, .options = o, .results = results};
    bool ok = trace_is_active() || !is_enabled() ? call_inlined(&request, inputs) : call_planned(&request, inputs);
    compiled_release(c);
    release_drain();
    return results_close(results, ok);
}
