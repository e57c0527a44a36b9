/* What the large tests share: the limit of their memory, and elements of large arrays by number. */
#ifndef TESTS_LARGE_H
#define TESTS_LARGE_H

#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "tarn/tarn.h"

#define GIB (INT64_C(1) << 30)
enum { SIDE = 46342 };              /* of a square with more than 2^31 elements */
#define MANY ((int64_t)SIDE * SIDE) /* 2^31 + 97316 */
#define HALF (INT64_C(1) << 31)

static const tarn_device large_cpu = {TARN_CPU, 0};

/* False if the machine has not the memory. */
static inline bool large_begin(void) {
    char line[128];
    long long free_kib = 0;
    FILE *in = fopen("/proc/meminfo", "r");
    while (in && fgets(line, sizeof line, in) && sscanf(line, "MemAvailable: %lld", &free_kib) != 1) continue;
    if (in) fclose(in);
    setvbuf(stdout, NULL, _IOLBF, 0);
    tarn_set_memory_limit(large_cpu, 12 * GIB);
    return free_kib >= 12 << 20;
}

/* Runs a case in a scope of its own and tells how long it took. */
static inline void large_case(const char *name, void (*run)(void)) {
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    {
        TARN_SCOPE;
        run();
    }
    tarn_clear_cache(large_cpu);
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (!tarn_ok()) {
        check_failures++;
        fprintf(stderr, "%s: %s\n", name, tarn_error());
        tarn_clear_error();
    }
    printf("%-24s %5.1f s\n", name, (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
}

static inline int64_t large_at(tarn_array *x, int64_t i) {
    TARN_SCOPE;
    return tarn_item_int(tarn_index(x, TARN_INDEX(TARN_AT(i))));
}

typedef struct {
    const char *name;
    void (*run)(void);
} large_test;

/* Runs the cases, unless the machine lacks the memory; the exit status. */
static inline int large_main(const char *family, const large_test *tests, int count) {
    if (!large_begin()) return puts("skipped: no memory"), 77;
    for (int i = 0; i < count; i++) large_case(tests[i].name, tests[i].run);
    return check_report(family);
}

static inline tarn_array *large_square(tarn_array *a) {
    return tarn_reshape(a, TARN_SHAPE(SIDE, SIDE));
}

/* [SIDE, SIDE] of one row of bfloat16 numbers 0, 1/8 … 7/8, 0, …, and one element of memory for each column. */
static inline tarn_array *large_rows(void) {
    tarn_array *row = tarn_remainder(tarn_arange(0, SIDE, 1, TARN_INT32), tarn_scalar(8, TARN_INT32));
    row = tarn_astype(tarn_multiply_number(row, 0.125), TARN_BFLOAT16);
    return tarn_broadcast_to(row, TARN_SHAPE(SIDE, SIDE));
}

/* The element in a row and a column of a square, as a number. */
static inline double large_item(tarn_array *square, int64_t row, int64_t column) {
    TARN_SCOPE;
    return tarn_item(tarn_index(square, TARN_INDEX(TARN_AT(row), TARN_AT(column))));
}

/* uint8 [MANY] of zeros, but for MARKS places, the i-th of which holds i + 1. */
enum { MARKS = 6 };
static const int64_t marks[MARKS] = {0, 17, HALF - 1, HALF, HALF + 5, MANY - 1};
static inline tarn_array *large_marks(int64_t count) {
    tarn_array *places = tarn_from_data(marks, TARN_SHAPE(count), TARN_INT64);
    return tarn_scatter(tarn_broadcast_to(tarn_scalar(0, TARN_UINT8), TARN_SHAPE(MANY)), places,
                        tarn_arange(1, (double)count + 1, 1, TARN_UINT8), .axis = TARN_AXIS(0));
}

#endif
