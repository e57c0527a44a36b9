/* Checks of the tests: a failed one is counted and told, the test goes on. In any thread. */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <stdio.h>
#include <string.h>

#include "tarn/error.h"

static int check_failures;

/* Seconds after which a child process hangs: on a machine that is busy with other things all else takes its time. */
enum { PATIENCE = 500 };

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            __atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED);                                                  \
            fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,                                        \
                    tarn_error() ? tarn_error() : "no error");                                                         \
        }                                                                                                              \
    } while (0)

/* The expression fails with an error that holds these words; clears it. */
#define CHECK_ERROR(expression, words)                                                                                 \
    do {                                                                                                               \
        if ((expression) || !tarn_error() || !strstr(tarn_error(), (words))) {                                         \
            __atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED);                                                  \
            fprintf(stderr, "%s:%d: %s should fail with \"%s\", not: %s\n", __FILE__, __LINE__, #expression, (words),  \
                    tarn_error() ? tarn_error() : "no error");                                                         \
        }                                                                                                              \
        tarn_clear_error();                                                                                            \
    } while (0)

static inline int check_report(const char *name) {
    printf("%s: %s\n", name, check_failures ? "FAILED" : "passed");
    return check_failures ? 1 : 0;
}

#endif
