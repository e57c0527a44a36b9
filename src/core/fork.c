/* Before a fork all work that was submitted is waited for and every lock is taken, in the order in which they nest; so
   the child finds nothing half done. It has no threads of ours: the CPU's come back with the first work, other devices
   are lost. */
#include "core/fork.h"

#include <pthread.h>

#include "base/regions.h"
#include "base/threads.h"
#include "base/worker.h"
#include "core/buffer.h"
#include "core/fallback.h"
#include "core/lock.h"
#include "core/pool.h"
#include "core/release.h"

/* Nothing more can be submitted, what was is waited for, and then the locks are taken: first those that are held while
 * others are. */
static void before(void) {
    locks_close();
    streams_wait();
    locks_before_fork();
    devices_before_fork();
    streams_before_fork();
    buffers_before_fork();
    pools_before_fork();
    fallback_before_fork();
    release_before_fork();
    worker_before_fork();
    parallel_before_fork();
    regions_before_fork();
}

static void after(void) {
    regions_after_fork();
    parallel_after_fork();
    worker_after_fork();
    release_after_fork();
    fallback_after_fork();
    pools_after_fork();
    buffers_after_fork();
    streams_after_fork();
    devices_after_fork();
    locks_after_fork();
}

static void in_child(void) {
    regions_after_fork();
    parallel_in_child();
    worker_in_child();
    release_after_fork();
    fallback_after_fork();
    pools_after_fork();
    buffers_in_child();
    streams_in_child();
    devices_in_child();
    locks_in_child();
    fork_undo_in_child();
}

static void install(void) {
    pthread_atfork(before, after, in_child);
}

void fork_prepare_for(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}
