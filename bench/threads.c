/* What sharing work out costs: an empty parallel_for, one after a pause in which the workers went to sleep, and two
   callers that compute at the same time, each with its own work. Beside them: the cost of the work without sharing.
   Prints microseconds, medians. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/threads.h"
#include "timing.h"

enum { ROUNDS = 2001, PAUSED_ROUNDS = 101, SHARED_ROUNDS = 41, ITEMS = 1 << 14 };

static void nothing(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)context, (void)begin, (void)end, (void)thread, (void)threads;
}

static double empty(int64_t count) {
    static double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        double begin = microseconds();
        parallel_for(count, 1, nothing, NULL);
        times[i] = microseconds() - begin;
    }
    return median(times, ROUNDS);
}

static double after_sleep(void) {
    static double times[PAUSED_ROUNDS];
    for (int i = 0; i < PAUSED_ROUNDS; i++) {
        usleep(2000);
        double begin = microseconds();
        parallel_for(64, 1, nothing, NULL);
        times[i] = microseconds() - begin;
    }
    return median(times, PAUSED_ROUNDS);
}

/* Work that stays in registers: what it takes depends on who else computes, not on the memory. */
static void turn(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    for (int64_t i = begin; i < end; i++) {
        uint32_t x = (uint32_t)i;
        for (int k = 0; k < 200; k++) x = x * 1664525u + 1013904223u;
        ((uint32_t *)context)[i] = x;
    }
}

typedef struct {
    double times[SHARED_ROUNDS], all;
    uint32_t *results;
} caller;

static void *call(void *context) {
    caller *c = context;
    double all = microseconds();
    for (int i = 0; i < SHARED_ROUNDS; i++) {
        double begin = microseconds();
        parallel_for(ITEMS, 16, turn, c->results);
        c->times[i] = microseconds() - begin;
    }
    c->all = microseconds() - all;
    return NULL;
}

static void two_callers(void) {
    static caller c[2];
    static uint32_t results[2][ITEMS];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) c[i].results = results[i];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, call, &c[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    double a = median(c[0].times, SHARED_ROUNDS), b = median(c[1].times, SHARED_ROUNDS);
    printf("two callers: medians %.0f and %.0f; all rounds of each %.0f and %.0f\n", a, b, c[0].all, c[1].all);
}

int main(int count, char **arguments) {
    if (count > 1) parallel_set_threads(atoi(arguments[1]));
    double load = 0;
    getloadavg(&load, 1);
    printf("%s, %d threads, load %.2f; microseconds\n", cpu_model_name(), parallel_threads(), load);
    printf("empty: 2 slices %.2f, 16 %.2f, 64 %.2f, 1000 %.2f; after 2 ms of rest %.2f\n", empty(2), empty(16),
           empty(64), empty(1000), after_sleep());
    static caller one;
    static uint32_t results[ITEMS];
    one.results = results;
    double begin = microseconds();
    turn(results, 0, ITEMS, 0, 1);
    begin = microseconds() - begin;
    call(&one);
    printf("one caller: median %.0f, without the pool %.0f\n", median(one.times, SHARED_ROUNDS), begin);
    for (int i = 0; i < 3; i++) two_callers();
    return 0;
}
