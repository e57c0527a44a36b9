/* How much tests draw at random, and from which seed. TARN_ROUNDS: per cent of the usual number, so that emulators and
 * sanitizers finish. The seed is the same in every run, so that what passed passes again; TARN_FRESH=1 takes it from
 * the clock, TARN_SEED=n repeats what a test told. */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* A function that works on memory which no other thread knows, as the sums do that results are compared with: under
 * ThreadSanitizer a test would spend nearly all its time there. */
#define UNWATCHED __attribute__((no_sanitize("thread")))

/* Whether ThreadSanitizer watches. */
#ifdef __has_feature
#define WATCHED __has_feature(thread_sanitizer)
#elif defined __SANITIZE_THREAD__
#define WATCHED 1
#else
#define WATCHED 0
#endif

static inline int rounds_percent(void) {
    const char *given = getenv("TARN_ROUNDS");
    return given ? atoi(given) : 100;
}

static inline int rounds(int usual) {
    int some = (int)((long long)usual * rounds_percent() / 100);
    return some > 0 ? some : 1;
}

static inline uint64_t first_seed(void) {
    const char *given = getenv("TARN_SEED");
    if (given) return strtoull(given, NULL, 10);
    if (!getenv("TARN_FRESH")) return 1;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Asked for each case of a list: says yes to TARN_ROUNDS per cent, evenly and never in step with the list; which ones
 * depends on the seed. */
static inline bool in_rounds(void) {
    static int percent = -1;
    static uint64_t place;
    if (percent < 0) percent = rounds_percent(), place = first_seed();
    return percent >= 100 || (place++ * UINT64_C(0x9E3779B97F4A7C15) >> 32) * 100 >> 32 < (uint64_t)percent;
}

#endif
