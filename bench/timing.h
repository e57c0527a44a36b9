/* What benchmarks measure with. */
#ifndef BENCH_TIMING_H
#define BENCH_TIMING_H

#include <stdlib.h>
#include <time.h>

static inline double microseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* How fast a core is just now: its clock, by a chain of multiplications (three cycles each on x86), and how many simple
   operations it does in a nanosecond, of which four or so fit a cycle if nobody shares the core. Stands beside figures
   of microseconds, which it explains. */
typedef struct {
    double gigahertz, operations;
} core_speed;

static inline core_speed measured_core(void) {
    enum { ROUNDS = 1 << 17, CYCLES = 3, OPERATIONS = 6 };
    unsigned long product = 3, x[OPERATIONS] = {0}, mask = 5;
    double begin = microseconds();
    for (int i = 0; i < ROUNDS; i++) {
        product *= product;
        __asm__ volatile("" : "+r"(product));
    }
    double between = microseconds();
    for (int i = 0; i < ROUNDS; i++)
        for (int k = 0; k < OPERATIONS; k++) {
            x[k] ^= mask;
            __asm__ volatile("" : "+r"(x[k]), "+r"(mask));
        }
    return (core_speed){ROUNDS * CYCLES / 1e3 / (between - begin),
                        ROUNDS * OPERATIONS / 1e3 / (microseconds() - between)};
}

static inline int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of values[count], which are sorted. */
static inline double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}

#endif
