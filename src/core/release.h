/* What belongs to the user is given back by calling a function of his, which may do anything: evaluate, free a stream,
   drop arrays. So it is called by no thread of ours and with no lock held: whoever finds that something is not needed
   any more leaves a note, under whatever locks, and the library's entry points call the functions. */
#ifndef CORE_RELEASE_H
#define CORE_RELEASE_H

#include <stdatomic.h>
#include <stdbool.h>

/* Part of the object that goes: leaving a note needs no memory. */
typedef struct release_note {
    struct release_note *next;
    void (*run)(struct release_note *note); /* calls the user, and frees the object */
} release_note;

/* Any thread. */
void release_later(release_note *note);

/* Within a note's function: it cannot be called yet, and is left again, behind the others. */
void release_put_off(release_note *note);

bool release_is_draining(void); /* this thread is within a function that a note called, or between the next two */
/* Between the two this thread calls nothing that was left. Returns what release_go_on is given. */
bool release_pause(void);
void release_go_on(bool before);

extern release_note *_Atomic release_notes; /* the last first */
extern atomic_bool release_queued;          /* whether others wait that a thread has begun to call */
void release_all_notes(void);
/* At entry points: calls what has been left, unless the thread holds a lock of ours or does so already. */
static inline void release_drain(void) {
    if (atomic_load_explicit(&release_notes, memory_order_relaxed) ||
        atomic_load_explicit(&release_queued, memory_order_relaxed))
        release_all_notes();
}

void release_before_fork(void);
void release_after_fork(void);

#endif
