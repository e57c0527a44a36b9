/* Functions compiled with .shapeless: what one trace built is kept, and plans for other shapes are made by building it
   again over them. Shapes are inferred anew, from what the function said. Where it may have said sizes that were
   worked out (it asked for some, or uses transforms, which do so) it is traced again. */
#include "base/error.h"
#include "base/memory.h"
#include "core/lock.h"
#include "eval/compiled.h"

void kept_trace_release(kept_trace *k) {
    if (!k || atomic_fetch_sub(&k->cached.references, 1) != 1) return;
    recording_free(&k->recording);
    vector_free(&k->cached.key);
    attachment_release(k->attached);
    memory_free(k);
}

kept_trace *kept_trace_find(const plan_call *request) {
    cache_key key = {0};
    schedule_lock();
    cached *found = plan_describe_kinds(request, &key) ? cache_find(&request->c->traces, &key) : NULL;
    if (found) atomic_fetch_add(&found->references, 1);
    schedule_unlock();
    vector_free(&key);
    return (kept_trace *)found;
}

static bool keep(const plan_call *request, kept_trace *k, cached **evicted) {
    cache_key key = {0};
    schedule_lock();
    bool ok = plan_describe_kinds(request, &key) && cache_keep(&request->c->traces, &k->cached, &key, evicted);
    schedule_unlock();
    vector_free(&key);
    return ok;
}

bool kept_trace_add(const plan_call *request, const traced_function *t) {
    kept_trace *k = NEW(kept_trace);
    if (!k) return false;
    k->cached.references = 1;
    k->state_count = t->results.states;
    k->attached = attachment_retain(t->results.attached);
    cached *evicted = &k->cached;
    bool ok = recording_make(&k->recording, "compile", t) && keep(request, k, &evicted);
    kept_trace_release((kept_trace *)evicted);
    return ok;
}

bool kept_trace_call(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    kept_trace *k = context;
    bool ok = recording_call(&k->recording, inputs, count, results);
    if (!ok) return error_add("; compile, shapeless: the function was traced with arguments of other shapes"), false;
    results->states = k->state_count;
    results->attached = attachment_retain(k->attached);
    return true;
}
