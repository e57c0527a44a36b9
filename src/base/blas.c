#include "base/blas.h"

#include <pthread.h>

/* No thread of ours is in a kernel while the process forks. */
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void blas_begin(void) {
    pthread_mutex_lock(&one_at_a_time);
}

void blas_end(void) {
    pthread_mutex_unlock(&one_at_a_time);
}
