/* The locks of the process, and what holds a fork off. */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One process-wide lock under which graphs are scheduled and arrays get and lose values. Not recursive: a thread that
   holds the lock and asks for it again waits for ever. */
void schedule_lock(void);
void schedule_unlock(void);
/* A number for notes in arrays and nodes, by which they are told from those of others. Under the lock. */
uint64_t schedule_new_epoch(void);
/* Whether this thread is between schedule_lock and schedule_unlock or between fork_hold and fork_allow. */
bool lock_is_held(void);

/* The lock of a small object that has none of its own; several objects share it, so hold one at a time. */
enum { SHARED_LOCKS = 16, SHARED_LOCKS_SHIFT = 60 };
extern pthread_mutex_t shared_locks[SHARED_LOCKS];
static inline pthread_mutex_t *lock_of(const void *object) {
    return &shared_locks[(uint64_t)(uintptr_t)object * UINT64_C(0x9E3779B97F4A7C15) >> SHARED_LOCKS_SHIFT];
}

/* Between the two no other thread forks: what is done there in steps is whole in a child. They nest. Callbacks of the
   user, who may wait for the thread that forks, have no place there (fork_let), nor has who holds a lock already. */
void fork_hold(void);
void fork_allow(void);

/* Callbacks that must be asked in the midst of such steps stand between the two: others may fork, and a child, which
   has not the thread, calls `undo` in its place, with no lock held. */
typedef struct fork_undo {
    struct fork_undo *next;
    void (*undo)(struct fork_undo *u);
    pthread_t thread;
    int holds;
} fork_undo;
void fork_let(fork_undo *u);
void fork_let_end(fork_undo *u);

/* Around a fork. Once it is closed no thread is between fork_hold and fork_allow. */
void locks_close(void);
void locks_before_fork(void);
void locks_after_fork(void);
void locks_in_child(void);
/* The last of what is done in a child. */
void fork_undo_in_child(void);

#endif
