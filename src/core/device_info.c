/* What devices tell about themselves. */
#include "backend/backend.h"
#include "base/error.h"
#include "base/require.h"
#include "base/text.h"
#include "base/threads.h"
#include "core/device.h"

bool tarn_measure_device(tarn_device device, tarn_measurement *result) {
    if (!REQUIRE(result)) return false;
    int slot = device_slot(device);
    if (slot < 0) return false;
    const backend *b = slot_backend(slot);
    return b->measure ? b->measure(device.index, result) || error_blame(TARN_ERROR_RUNTIME)
                      : tarn_fail_kind(TARN_ERROR_RUNTIME, "the device %s cannot be measured", b->name);
}

bool tarn_describe_device(tarn_device device, tarn_measurement *result) {
    if (!REQUIRE(result)) return false;
    const backend *b = device_backend(device.type);
    if (!b || device.index < 0 || device.index >= b->device_count()) return device_missing(device);
    return b->describe ? b->describe(device.index, result) || error_blame(TARN_ERROR_RUNTIME)
                       : tarn_fail_kind(TARN_ERROR_RUNTIME, "the device %s tells nothing of itself", b->name);
}

bool tarn_measure(tarn_measurement *result) {
    if (!REQUIRE(result)) return false;
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

/* ---- the matrix of ops and dtypes */

static unsigned served_dtypes(const backend *b, op_id op) {
    int count = 0;
    unsigned served = 0;
    const kernel_row *const *rows = b->rows(0, op, &count);
    for (int i = 0; i < count; i++) served |= rows[i]->dtypes;
    return served;
}

static bool needs_kernel(op_id op) {
    return op_facts[op].class == OP_CLASS_FUSED || op_has_flag(op, OP_KERNEL | OP_UPDATE | OP_EFFECT);
}

/* The reference serves what other rows of the CPU do not. */
static void print_op(const backend *b, op_id op, text *t) {
    unsigned served = served_dtypes(b, op) | (b->host_memory ? served_dtypes(&backend_reference, op) : 0);
    char other = op_facts[op].class == OP_CLASS_FUSED ? 'f' : '-';
    text_format(t, "%-24s", op_name(op));
    for (int d = 0; d < TARN_DTYPE_COUNT; d++) text_format(t, " %c", served >> d & 1 ? 'k' : other);
    const char *why = b->hole ? b->hole(op) : NULL;
    if (!served && other == '-') text_format(t, "  %s", why ? why : "no reason is given");
    text_add(t, "\n");
}

char *tarn_kernel_matrix(tarn_device_type type) {
    const backend *b = device_backend(type);
    if (!b) return tarn_fail_kind(TARN_ERROR_RUNTIME, "there is no backend for %s", tarn_device_type_name(type)), NULL;
    text t = {0};
    text_format(&t, "%-24s", "");
    for (int d = 0; d < TARN_DTYPE_COUNT; d++) text_format(&t, " %s", dtype_facts[d].name);
    text_add(&t, "\n");
    for (int op = 0; op < OP_COUNT; op++)
        if (needs_kernel((op_id)op)) print_op(b, (op_id)op, &t);
    return text_take(&t);
}
