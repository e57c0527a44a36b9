/* What one trace built is kept, and built again where another plan is needed: because arguments lie otherwise in
   memory, or may be overwritten, or, of a function compiled with .shapeless, have other shapes. Shapes are then
   inferred anew, from what the function said. Where it may have said sizes that were worked out (it asked for some, or
   uses transforms, which do so) it is traced again. */
#include "base/error.h"
#include "base/memory.h"
#include "core/lock.h"
#include "eval/compiled.h"

kept_trace *kept_trace_retain(kept_trace *k) {
    atomic_fetch_add(&k->cached.references, 1);
    return k;
}

void kept_trace_release(kept_trace *k) {
    if (!k || atomic_fetch_sub(&k->cached.references, 1) != 1) return;
    recording_free(&k->recording);
    vector_free(&k->cached.key);
    attachment_release(k->attached);
    memory_free(k);
}

/* Under the schedule lock. */
static cached *find(const plan_call *request, bool sizes) {
    cache_key key = {0};
    cached *found = plan_describe_seen(request, sizes, &key) ? cache_find(&request->c->traces, &key) : NULL;
    vector_free(&key);
    return found;
}

kept_trace *kept_trace_find(const plan_call *request) {
    schedule_lock();
    cached *found = find(request, true);
    if (!found && request->c->shapeless) found = find(request, false);
    if (found) atomic_fetch_add(&found->references, 1);
    schedule_unlock();
    return (kept_trace *)found;
}

static bool keep(const plan_call *request, bool sizes, kept_trace *k, cached **evicted) {
    cache_key key = {0};
    schedule_lock();
    bool ok = plan_describe_seen(request, sizes, &key) && cache_keep(&request->c->traces, &k->cached, &key, evicted);
    schedule_unlock();
    vector_free(&key);
    return ok;
}

kept_trace *kept_trace_add(const plan_call *request, const traced_function *t, bool sizes) {
    kept_trace *k = NEW(kept_trace);
    if (!k) return NULL;
    k->cached.references = 2; /* the list's and the caller's */
    k->state_count = t->results.states;
    k->attached = attachment_retain(t->results.attached);
    k->shapeless = request->c->shapeless;
    cached *evicted = &k->cached;
    bool ok = recording_make(&k->recording, "compile", t) && keep(request, sizes, k, &evicted);
    kept_trace_release((kept_trace *)evicted);
    if (ok) return k;
    kept_trace_release(k);
    return NULL;
}

bool kept_trace_fits(const kept_trace *k, const plan_call *request) {
    bool fits = true;
    for (int i = 0; i < request->count && fits; i++) {
        const array_type *t = &k->recording.types.items[i];
        fits = t->ndim == request->values[i]->ndim && shapes_equal(t->ndim, t->shape, request->values[i]->shape);
    }
    return fits;
}

bool kept_trace_call(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    kept_trace *k = context;
    bool ok = recording_call(&k->recording, inputs, count, results);
    if (!ok && k->shapeless) error_add("; compile, shapeless: the function was traced with arguments of other shapes");
    if (!ok) return false;
    results->states = k->state_count;
    results->attached = attachment_retain(k->attached);
    return true;
}
