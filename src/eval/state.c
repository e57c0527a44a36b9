/* The state of compiled functions. Plans know one form, leaves that are collected and stored; variables are put into
   it here. */
#include <stdlib.h>

#include "base/memory.h"
#include "core/scope.h"
#include "eval/compiled.h"

static int by_address(const void *a, const void *b) {
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

static bool check_different(const tarn_compile_options *o) {
    size_t count = (size_t)o->state_count;
    uintptr_t *sorted = NEW_ARRAY(uintptr_t, count);
    bool ok = sorted != NULL;
    for (size_t i = 0; ok && i < count; i++) sorted[i] = (uintptr_t)o->state[i];
    if (ok) qsort(sorted, count, sizeof *sorted, by_address);
    for (size_t i = 1; ok && i < count; i++)
        if (sorted[i] == sorted[i - 1]) ok = tarn_fail("compile: state has the same variable twice");
    memory_free(sorted);
    return ok;
}

static bool check_variables(const tarn_compile_options *o) {
    int count = o->state_count;
    if (count < 0 || (count && !o->state)) return tarn_fail("compile: a state of %d arrays is NULL", count);
    for (int i = 0; i < count; i++)
        if (!o->state[i]) return tarn_fail("compile: state %d is NULL", i);
    return check_different(o);
}

bool state_check(const tarn_compile_options *o) {
    if (!o->collect != !o->store)
        return tarn_fail("compile: .collect and .store belong together: %s is NULL", o->store ? "collect" : "store");
    if (o->collect && o->state_count) return tarn_fail("compile: state both in variables and in .collect");
    return check_variables(o);
}

bool state_collect(const tarn_compiled *c, tarn_results *leaves) {
    if (!c->collect) return true;
    int scope = tarn_scope_begin();
    bool ok = c->collect(c->function.context, leaves);
    tarn_scope_end(&scope);
    if (!ok && tarn_ok()) tarn_fail("compile: collect failed without an error");
    return ok && tarn_ok();
}

bool state_store(const tarn_compiled *c, tarn_array *const *leaves, int count) {
    if (!c->store) return true;
    bool ok = c->store(c->function.context, leaves, count);
    if (!ok && tarn_ok()) tarn_fail("compile: store failed without an error");
    return ok && tarn_ok();
}

bool state_call(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const tarn_compiled *c = context;
    results->takes_state = c->collect != NULL;
    return c->function.call(c->function.context, inputs, count, results);
}

/* ---- variables */

static bool collect_variables(void *context, tarn_results *leaves) {
    const tarn_compiled *c = context;
    for (int i = 0; i < c->variable_count; i++) {
        if (!*c->variables[i]) return tarn_fail("compile: state %d is NULL", i);
        if (!tarn_result(leaves, *c->variables[i])) return false;
    }
    return true;
}

static bool store_variables(void *context, tarn_array *const *leaves, int count) {
    const tarn_compiled *c = context;
    for (int i = 0; i < count; i++) {
        tarn_array *before = *c->variables[i];
        *c->variables[i] = tarn_keep(leaves[i]);
        tarn_drop(before);
    }
    return true;
}

/* The variable's new value, for the results, and the lent one taken back. A function that gave the lent one up
   (tarn_drop) put another in its place that it kept; plain assignment leaves both as they are. */
static bool take_variable(tarn_results *results, tarn_array *now, tarn_array *lent) {
    bool kept = now != lent && atomic_load(&lent->keeps) == 0;
    bool ok = tarn_result_state(results, now);
    if (now != lent && !kept) tarn_drop(lent);
    if (kept || now == lent) tarn_drop(now);
    return ok;
}

static bool call_with_variables(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const tarn_compiled *c = context;
    int own = count - c->variable_count;
    tarn_array *const *lent = inputs + own;
    tarn_array **before = NEW_ARRAY(tarn_array *, c->variable_count);
    if (!before) return false;
    for (int i = 0; i < c->variable_count; i++) {
        before[i] = *c->variables[i];
        *c->variables[i] = tarn_keep(lent[i]);
    }
    results->takes_state = false;
    bool ok = c->user.call(c->user.context, inputs, own, results);
    results->takes_state = true;
    for (int i = 0; i < c->variable_count; i++) {
        ok = take_variable(results, *c->variables[i], lent[i]) && ok;
        *c->variables[i] = before[i];
    }
    memory_free(before);
    return ok;
}

bool state_in_variables(tarn_compiled *c, const tarn_compile_options *o) {
    c->variables = memory_copy(o->state, (size_t)o->state_count * sizeof *o->state);
    c->variable_count = o->state_count;
    if (c->variable_count == 0) return c->variables != NULL;
    c->collect = collect_variables;
    c->store = store_variables;
    c->function = TARN_FUNCTION(call_with_variables, c);
    return c->variables != NULL;
}
