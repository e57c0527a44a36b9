#include "core/release.h"

#include <stddef.h>

#include "base/error.h"
#include "core/lock.h"
#include "core/scope.h"
#include "tarn/memory.h"

release_note *_Atomic release_notes;
static _Thread_local bool draining;

void release_later(release_note *note) {
    note->next = atomic_load(&release_notes);
    while (!atomic_compare_exchange_weak(&release_notes, &note->next, note)) {
    }
}

/* In the order in which they were left. */
static release_note *take_notes(void) {
    release_note *taken = atomic_exchange(&release_notes, NULL), *ordered = NULL;
    while (taken) {
        release_note *next = taken->next;
        taken->next = ordered;
        ordered = taken;
        taken = next;
    }
    return ordered;
}

/* Functions of the user work whatever error this thread has, and whatever it traces; what errors they leave are not its own. */
static void run_notes(release_note *notes) {
    trace *traced = trace_suspend();
    error_set_aside();
    while (notes) {
        release_note *next = notes->next;
        notes->run(notes);
        notes = next;
    }
    error_put_back();
    trace_resume(traced);
}

void release_all_notes(void) {
    if (draining || lock_is_held()) return;
    draining = true;
    for (release_note *notes; (notes = take_notes());) run_notes(notes);
    draining = false;
}

bool release_is_draining(void) {
    return draining;
}

void tarn_drain_released(void) {
    release_drain();
}
