#include "core/lock.h"

#include <pthread.h>

static pthread_mutex_t graph_lock = PTHREAD_MUTEX_INITIALIZER;

void schedule_lock(void) {
    pthread_mutex_lock(&graph_lock);
}

void schedule_unlock(void) {
    pthread_mutex_unlock(&graph_lock);
}
