#include "core/lock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

enum { PATIENCE = 20 /* µs */ };

static pthread_mutex_t graph_lock = PTHREAD_MUTEX_INITIALIZER;
#define FOUR(x) x, x, x, x
pthread_mutex_t shared_locks[SHARED_LOCKS] = {FOUR(FOUR(PTHREAD_MUTEX_INITIALIZER))};

static _Thread_local bool has_graph_lock;
static _Thread_local int own_hold; /* how many fork_hold nest */

void schedule_lock(void) {
    pthread_mutex_lock(&graph_lock);
    has_graph_lock = true;
}

bool lock_is_held(void) {
    return has_graph_lock || own_hold;
}

void schedule_unlock(void) {
    has_graph_lock = false;
    pthread_mutex_unlock(&graph_lock);
}

static uint64_t last_epoch;

uint64_t schedule_new_epoch(void) {
    return ++last_epoch;
}

/* ---- fork */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* of the thread that forks */
static atomic_bool closed;
static atomic_int holders; /* threads */

void fork_hold(void) {
    if (own_hold++) return;
    for (;;) {
        atomic_fetch_add(&holders, 1);
        if (!atomic_load(&closed)) return;
        atomic_fetch_sub(&holders, 1);
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
    }
}

void fork_allow(void) {
    if (--own_hold == 0) atomic_fetch_sub(&holders, 1);
}

static fork_undo *undone; /* who is let; under the schedule lock */

void fork_let(fork_undo *u) {
    u->thread = pthread_self();
    u->holds = own_hold;
    schedule_lock();
    u->next = undone;
    undone = u;
    schedule_unlock();
    own_hold = 0;
    atomic_fetch_sub(&holders, 1);
}

void fork_let_end(fork_undo *u) {
    fork_hold();
    own_hold = u->holds;
    schedule_lock();
    fork_undo **at = &undone;
    while (*at != u) at = &(*at)->next;
    *at = u->next;
    schedule_unlock();
}

void fork_undo_in_child(void) {
    fork_undo *all = undone, *own = NULL;
    while (all) {
        fork_undo *u = all;
        all = u->next;
        if (pthread_equal(u->thread, pthread_self())) {
            u->next = own;
            own = u;
        } else {
            u->undo(u);
        }
    }
    undone = own;
}

void locks_close(void) {
    pthread_mutex_lock(&gate);
    atomic_store(&closed, true);
    while (atomic_load(&holders) > (own_hold > 0)) usleep(PATIENCE);
}

void locks_before_fork(void) {
    pthread_mutex_lock(&graph_lock);
    for (int i = 0; i < SHARED_LOCKS; i++) pthread_mutex_lock(&shared_locks[i]);
}

void locks_after_fork(void) {
    for (int i = 0; i < SHARED_LOCKS; i++) pthread_mutex_unlock(&shared_locks[i]);
    pthread_mutex_unlock(&graph_lock);
    atomic_store(&closed, false);
    pthread_mutex_unlock(&gate);
}

/* Threads that were about to hold are not here. */
void locks_in_child(void) {
    atomic_store(&holders, own_hold > 0);
    locks_after_fork();
}
