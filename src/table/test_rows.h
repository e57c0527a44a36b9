/* What the test op with an effect writes to: table/structural.def, TARN_TEST_ROWS. */
#ifndef TABLE_TEST_ROWS_H
#define TABLE_TEST_ROWS_H

#include <stdatomic.h>
#include <stdint.h>

enum { EFFECT_LOG_ROOM = 64 };

typedef struct {
    atomic_int holders; /* nodes and steps that have it as an attribute */
    atomic_int count;
    atomic_bool held; /* whether kernels that have counted wait */
    int64_t numbers[EFFECT_LOG_ROOM];
} effect_log;

#endif
