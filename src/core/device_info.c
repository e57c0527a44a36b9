/* What devices tell about themselves. */
#include "backend/backend.h"
#include "base/error.h"
#include "base/text.h"
#include "base/threads.h"
#include "core/device.h"

bool tarn_measure_device(tarn_device device, tarn_measurement *result) {
    int slot = device_slot(device);
    if (slot < 0) return false;
    const backend *b = slot_backend(slot);
    return b->measure ? b->measure(device.index, result) || error_blame(TARN_ERROR_RUNTIME)
                      : tarn_fail_kind(TARN_ERROR_RUNTIME, "the device %s cannot be measured", b->name);
}

bool tarn_measure(tarn_measurement *result) {
    return tarn_measure_device((tarn_device){TARN_CPU, 0}, result);
}

bool tarn_set_threads(int count) {
    if (count < 0 || count > PARALLEL_MOST)
        return tarn_fail("set_threads: %d; from 0 to %d are possible", count, PARALLEL_MOST);
    parallel_set_threads(count);
    return true;
}

char *tarn_kernel_list(tarn_device device) {
    int slot = device_slot(device);
    if (slot < 0) return NULL;
    text t = {0};
    for (int op = 0; op < OP_COUNT_WITH_GROUP; op++) {
        int count = 0;
        const kernel_row *const *rows = slot_backend(slot)->rows(slot_device_index(slot), (op_id)op, &count);
        if (count) text_format(&t, "%s:", op_name((op_id)op));
        for (int i = 0; i < count; i++) text_format(&t, " %s", rows[i]->name);
        if (count) text_add(&t, "\n");
    }
    return text_take(&t);
}
