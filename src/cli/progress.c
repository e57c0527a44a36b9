/* Progress of a prompt: a thread that, from the first second on, writes "prompt 256/600" to a terminal's stderr and
   takes it away at the end. A chunk of a large model takes long, so that the first line must not wait for one. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static pthread_t thread;
static bool running, ending, shown;
static const char *what; /* is computed */
static int64_t done, total;

/* With the lock held. */
static void show(void) {
    if (!total) return;
    fprintf(stderr, "\r%s %lld/%lld ", what, (long long)done, (long long)total);
    fflush(stderr);
    shown = true;
}

static struct timespec later(long nanoseconds) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += nanoseconds;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void *watch(void *unused) {
    struct timespec next = later(1000000000);
    (void)unused;
    pthread_mutex_lock(&lock);
    while (!ending) {
        if (pthread_cond_timedwait(&ended, &lock, &next) != ETIMEDOUT) continue;
        show();
        next = later(200000000);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

void cli_progress_begin(const char *name) {
    cli_progress_end();
    what = name;
    ending = shown = false;
    done = total = 0;
    running = isatty(STDERR_FILENO) && !pthread_create(&thread, NULL, watch, NULL);
}

void cli_progress(void *unused, int64_t computed, int64_t all) {
    (void)unused;
    pthread_mutex_lock(&lock);
    done = computed;
    total = all;
    pthread_mutex_unlock(&lock);
}

void cli_progress_end(void) {
    if (!running) return;
    pthread_mutex_lock(&lock);
    ending = true;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    running = false;
    if (shown) fputs("\r\033[K", stderr);
    fflush(stderr);
}
