#include "core/release.h"

#include <pthread.h>
#include <stddef.h>

#include "base/error.h"
#include "core/lock.h"
#include "core/scope.h"
#include "tarn/memory.h"

atomic_bool release_queued;
static _Thread_local bool draining;
static _Thread_local release_note *put_off; /* the first that was, since this thread began to call */

void release_later(release_note *note) {
    note->next = atomic_load(&release_notes);
    while (!atomic_compare_exchange_weak(&release_notes, &note->next, note)) {
    }
}

/* What has been left, the first first. All threads take from here one by one: what waits behind a function that takes
   its time is another thread's to call, and is there in a forked child. */
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static release_note *queue;
release_note *_Atomic release_notes; /* and what was left since */

static void append_new(void) {
    release_note *taken = atomic_exchange(&release_notes, NULL), *ordered = NULL, **end = &queue;
    while (taken) {
        release_note *next = taken->next;
        taken->next = ordered;
        ordered = taken;
        taken = next;
    }
    while (*end) end = &(*end)->next;
    *end = ordered;
}

static release_note *take_note(void) {
    pthread_mutex_lock(&queue_lock);
    append_new();
    release_note *first = queue;
    if (first) queue = first->next;
    atomic_store(&release_queued, queue != NULL);
    pthread_mutex_unlock(&queue_lock);
    return first;
}

void release_put_off(release_note *note) {
    if (!put_off) put_off = note;
    release_later(note);
}

/* All that can be called: when one comes again that was put off, all have been tried. */
static void call_all(void) {
    put_off = NULL;
    for (release_note *note; (note = take_note());) {
        if (note == put_off) {
            release_later(note);
            return;
        }
        note->run(note);
    }
}

/* Functions of the user work whatever error this thread has, and whatever it traces; what errors they leave are not its
 * own. */
void release_all_notes(void) {
    if (draining || lock_is_held()) return;
    draining = true;
    trace *traced = trace_suspend();
    error_set_aside();
    call_all();
    error_put_back();
    trace_resume(traced);
    draining = false;
}

void release_before_fork(void) {
    pthread_mutex_lock(&queue_lock);
}

void release_after_fork(void) {
    pthread_mutex_unlock(&queue_lock);
}

bool release_is_draining(void) {
    return draining;
}

bool release_pause(void) {
    bool before = draining;
    draining = true;
    return before;
}

void release_go_on(bool before) {
    draining = before;
}

void tarn_drain_released(void) {
    release_drain();
}
