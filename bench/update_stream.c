/* The limit of an optimizer's update, for bench/training.py: reads parameters, gradients and states and writes
   parameters and states where they are, with one addition each. Threads take pieces until none is left, since cores
   that are shared with other programs are never equally fast. */
#include <pthread.h>
#include <stdatomic.h>

enum { MOST_THREADS = 64 };
enum { LINE = 16, AHEAD = 512, PIECE = 1 << 16 }; /* floats */

typedef struct {
    float *const *changed; /* [count]: parameters and states */
    const float *gradients;
    int count;
    long size;
    atomic_long next;
} job;

static void fetch(const job *j, long at) {
    __builtin_prefetch(j->gradients + at);
    for (int k = 0; k < j->count; k++) __builtin_prefetch(j->changed[k] + at);
}

typedef float line __attribute__((vector_size(LINE * sizeof(float)), aligned(sizeof(float)), may_alias));

/* A line of the cache of each array. */
static void change(const job *j, long at) {
    const line g = *(const line *)(j->gradients + at);
    for (int k = 0; k < j->count; k++) *(line *)(j->changed[k] + at) += g;
}

static void *run(void *context) {
    job *j = context;
    for (long begin; (begin = atomic_fetch_add(&j->next, PIECE)) < j->size;)
        for (long at = begin; at < begin + PIECE && at + LINE <= j->size; at += LINE) {
            fetch(j, at + AHEAD);
            change(j, at);
        }
    return NULL;
}

__attribute__((visibility("default"))) void update_stream(float *const *changed, const float *gradients, int count,
                                                          long size, int threads);
void update_stream(float *const *changed, const float *gradients, int count, long size, int threads) {
    pthread_t ids[MOST_THREADS];
    job j = {changed, gradients, count, size, 0};
    int started = 1;
    while (started < threads && started < MOST_THREADS && !pthread_create(&ids[started], NULL, run, &j)) started++;
    run(&j);
    for (int t = 1; t < started; t++) pthread_join(ids[t], NULL);
}
