#include "core/results.h"

#include "base/memory.h"
#include "core/scope.h"

tarn_results *results_new(void) {
    tarn_results *r = NEW(tarn_results);
    if (!r) return NULL;
    r->open = true;
    if (scope_own(r)) return r;
    memory_free(r);
    return NULL;
}

bool results_reserve(tarn_results *r, int count) {
    return vector_reserve(&r->arrays, (size_t)count);
}

void results_fill(tarn_results *r, tarn_array *const *arrays, int count) {
    for (int i = 0; i < count; i++) r->arrays.items[r->arrays.count++] = arrays[i];
    r->open = false;
}

void results_clear(tarn_results *r) {
    for (size_t i = 0; r->open && i < r->arrays.count; i++) array_end_reading(r->arrays.items[i]);
    vector_free(&r->arrays);
    vector_free(&r->given);
    attachment_release(r->attached);
    r->attached = NULL;
}

void results_free(tarn_results *r) {
    results_clear(r);
    memory_free(r);
}

tarn_results *results_close(tarn_results *r, bool ok) {
    if (!r) return NULL;
    size_t count = r->open ? r->arrays.count : 0;
    for (size_t i = 0; ok && i < count; i++) ok = !r->arrays.items[i] || scope_hold(r->arrays.items[i]);
    if (!ok) results_clear(r);
    for (size_t i = 0; ok && i < count; i++) array_end_reading(r->arrays.items[i]);
    r->open = false;
    return ok ? r : NULL;
}

static bool push(tarn_results *r, tarn_array *a) {
    if (!a && !r->optional) return tarn_fail("result: array %zu is NULL", r->arrays.count);
    if (!vector_push(&r->arrays, a)) return false;
    array_begin_reading(a);
    return true;
}

bool tarn_result(tarn_results *r, tarn_array *a) {
    if (!tarn_ok()) return false;
    if (!r || !r->open) return tarn_fail("result: the list is NULL or complete");
    if (r->states) return tarn_fail("result: a result after the state");
    return push(r, a);
}

bool tarn_result_state(tarn_results *r, tarn_array *leaf) {
    if (!tarn_ok()) return false;
    if (!r || !r->open || !r->takes_state)
        return tarn_fail("result_state: the list is not that of a compiled function with .collect");
    if (!push(r, leaf)) return false;
    r->states++;
    return true;
}

bool tarn_result_given(tarn_results *r, tarn_array *leaf) {
    return tarn_result(r, leaf) && vector_push(&r->given, (int)r->arrays.count - 1);
}

bool tarn_result_all(tarn_results *r, const tarn_results *others) {
    if (!others) return tarn_fail("result_all: the list of results is NULL");
    bool ok = tarn_ok();
    for (size_t i = 0; ok && i < others->arrays.count; i++) ok = tarn_result(r, others->arrays.items[i]);
    return ok;
}

/* ---- what is attached */

attachment *attachment_retain(attachment *a) {
    if (a) atomic_fetch_add(&a->references, 1);
    return a;
}

static void give_back(release_note *note) {
    attachment *a = (attachment *)note;
    if (a->release) a->release(a->data);
    memory_free(a);
}

void attachment_release(attachment *a) {
    if (a && atomic_fetch_sub(&a->references, 1) == 1) release_later(&a->note);
}

static attachment *attachment_new(tarn_results *r, void *data, void (*release)(void *data)) {
    if (!r || !r->open) return tarn_fail("result_attach: the list is NULL or complete"), NULL;
    if (r->attached) return tarn_fail("result_attach: something is attached already"), NULL;
    attachment *a = NEW(attachment);
    if (a) *a = (attachment){.note = {.run = give_back}, .references = 1, .data = data, .release = release};
    return a;
}

bool tarn_result_attach(tarn_results *r, void *data, void (*release)(void *data)) {
    attachment *a = tarn_ok() ? attachment_new(r, data, release) : NULL;
    if (a) return r->attached = a, true;
    if (release) release(data);
    return false;
}

void *tarn_results_attached(const tarn_results *r) {
    return r && r->attached ? r->attached->data : NULL;
}

int tarn_results_count(const tarn_results *r) {
    return r ? (int)r->arrays.count : 0;
}

tarn_array *tarn_results_at(const tarn_results *r, int i) {
    if (r && i >= 0 && i < tarn_results_count(r)) return r->arrays.items[i];
    return r    ? tarn_fail_kind(TARN_ERROR_INDEX, "results_at: there is no result %d of %d", i, tarn_results_count(r)),
           NULL : (tarn_fail("results_at: the list is NULL"), NULL);
}

tarn_array *const *tarn_results_arrays(const tarn_results *r) {
    return r ? r->arrays.items : NULL;
}
