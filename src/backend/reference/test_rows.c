/* Kernels of rows that only tests use. */
#ifdef TARN_TEST_ROWS
#include "table/test_rows.h"

#include <string.h>
#include <unistd.h>

#include "reference/reference.h"
#include "reference/value.h"

static bool run_test_effect(const call *c) {
    const attributes_test_effect *a = c->attributes;
    effect_log *log = a->log.object;
    int place = log ? atomic_fetch_add(&log->count, 1) : EFFECT_LOG_ROOM;
    if (place < EFFECT_LOG_ROOM) log->numbers[place] = a->number;
    while (log && atomic_load(&log->held)) usleep(100);
    size_t bytes = (size_t)dtype_bytes(c->inputs[0].dtype);
    cursor from = cursor_of(&c->inputs[0]);
    for (cursor to = cursor_of(&c->outputs[0]); to.left > 0; cursor_next(&to), cursor_next(&from))
        memcpy(to.at, from.at, bytes);
    return true;
}

const kernel_row reference_test_effect = {REFERENCE_ROW(test_effect), .run = run_test_effect};
#else
typedef int no_rows; /* a file is not empty */
#endif
