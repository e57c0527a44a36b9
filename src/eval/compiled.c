/* Compiled functions as users see them. No lock is held while one of the user's callbacks runs. */
#include "eval/compiled.h"

#include "base/memory.h"
#include "core/lock.h"
#include "core/scope.h"
#include "ops/trace_function.h"

/* ---- making and freeing */

static bool check_options(tarn_function function, const tarn_compile_options *o) {
    if (!tarn_ok()) return false;
    if (!function.call) return tarn_fail("compile: the function is NULL");
    if (!state_check(o)) return false;
    for (int64_t k = 0; k < o->donate.count; k++)
        if (o->donate.values[k] < 0 && o->donate.values[k] != TARN_DONATE_STATE)
            return tarn_fail_kind(TARN_ERROR_INDEX, "compile: donate has %lld", (long long)o->donate.values[k]);
    return true;
}

static void compiled_destroy(tarn_compiled *c) {
    for (size_t i = 0; i < c->plans.count; i++) plan_release(c->plans.items[i]);
    vector_free(&c->plans);
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

static void compiled_release(tarn_compiled *c) {
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
                         .donate_count = (int)o.donate.count};
    c->donate = memory_copy(o.donate.values, (size_t)o.donate.count * sizeof *o.donate.values);
    if (c->donate && state_in_variables(c, &o)) return c;
    compiled_destroy(c);
    return NULL;
}

void tarn_compiled_free(tarn_compiled *c) {
    compiled_release(c);
    release_drain();
}

void tarn_compiled_info(const tarn_compiled *c, int64_t *plans, int64_t *hits) {
    schedule_lock();
    if (plans) *plans = c ? (int64_t)c->plans.count : 0;
    if (hits) *hits = c ? c->hits : 0;
    schedule_unlock();
}

/* ---- a call */

static bool mark_donated(plan_call *request) {
    const tarn_compiled *c = request->c;
    for (int k = 0; k < c->donate_count; k++) {
        int64_t i = c->donate[k];
        if (i >= request->input_count)
            return tarn_fail_kind(TARN_ERROR_INDEX, "compile: donate has %lld, there are %d inputs", (long long)i, request->input_count);
        if (i >= 0) request->donate[i] = true;
        for (int leaf = request->input_count; i == TARN_DONATE_STATE && leaf < request->count; leaf++) request->donate[leaf] = true;
    }
    return true;
}

static bool take_inputs(plan_call *request, tarn_array *const *inputs) {
    for (int i = 0; i < request->input_count; i++)
        if (!inputs || !(request->values[i] = inputs[i])) return tarn_fail("compile: input %d is NULL", i);
    for (int i = request->input_count; i < request->count; i++) request->values[i] = request->leaves.arrays.items[i - request->input_count];
    return true;
}

static bool call_begin(plan_call *request, tarn_array *const *inputs) {
    if (!state_collect(request->c, &request->leaves)) return false;
    request->count = request->input_count + (int)request->leaves.arrays.count;
    request->values = NEW_ARRAY(tarn_array *, request->count);
    request->donate = NEW_ARRAY(bool, request->count);
    request->donated = NEW_ARRAY(bool, request->count);
    return request->values && request->donate && request->donated && take_inputs(request, inputs) && mark_donated(request);
}

static void call_end(plan_call *request) {
    results_clear(&request->leaves);
    memory_free(request->values);
    memory_free(request->donate);
    memory_free(request->donated);
    vector_free(&request->key);
}

/* Making a plan may change what the arguments look like: memory that it captured is not given away. Then another one is needed. */
static bool call_plan(plan_call *request) {
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
    bool ok = call_begin(request, inputs) && call_plan(request);
    call_end(request);
    return ok;
}

/* ---- within a trace the function is simply part of what is traced: arrays that it captured may be, too */

enum { MOST_NESTED = 256 };
static _Thread_local int nested;

static bool has_variable(const tarn_compiled *c, tarn_array **variable) {
    for (int k = 0; k < c->variable_count; k++)
        if (c->variables[k] == variable) return true;
    return false;
}

/* A plan that is being made will not change what is not its own state. */
static bool check_inner_state(const plan_call *request) {
    const tarn_compiled *outer = plan_in_making(), *c = request->c;
    for (int i = 0; outer && i < (int)request->leaves.arrays.count; i++) {
        bool variables = c->variables && c->variable_count && (outer->variable_count || !outer->collect);
        if (variables ? has_variable(outer, c->variables[i]) : trace_reaches(request->leaves.arrays.items[i])) continue;
        return tarn_fail("compile: a compiled function calls another whose state %d is not among its own: later calls would not change it",
                         i);
    }
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
    tarn_array **own = request->values;
    const tarn_results *leaves = &request->leaves;
    return check_inner_state(request) && function_inputs("compiled function", inputs, request->input_count, own) &&
           function_inputs("compiled function", leaves->arrays.items, (int)leaves->arrays.count, own + request->input_count) &&
           function_call("compiled function", state_call, request->c, own, request->count, request->results) &&
           store_handed_out(request->c, request->results);
}

static bool call_inlined(plan_call *request, tarn_array *const *inputs) {
    if (nested == MOST_NESTED) return tarn_fail("compiled function: it calls itself without an end, %d deep", nested);
    nested++;
    int scope = tarn_scope_begin();
    bool ok = call_begin(request, inputs) && inline_call(request, inputs);
    tarn_scope_end(&scope);
    call_end(request);
    nested--;
    return ok;
}

tarn_results *tarn_compiled_call_with(tarn_compiled *c, tarn_array *const *inputs, int count, tarn_compiled_call_options o) {
    if (!c) return tarn_fail("compiled function: it is NULL"), NULL;
    if (!tarn_ok() || !scope_check_open("compiled function")) return NULL;
    if (count < 0) return tarn_fail("compiled function: %d inputs", count), NULL;
    if (o.key_bytes && !o.key) return tarn_fail("compiled function: a key of %zu bytes is NULL", o.key_bytes), NULL;
    tarn_results *results = results_new();
    if (!results) return NULL;
    atomic_fetch_add(&c->references, 1);
    plan_call request = {.c = c, .input_count = count, .leaves = {.open = true}, .options = o, .results = results};
    bool ok = trace_is_active() ? call_inlined(&request, inputs) : call_planned(&request, inputs);
    compiled_release(c);
    release_drain();
    return results_close(results, ok);
}
