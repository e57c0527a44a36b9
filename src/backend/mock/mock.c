/* The mock device as a backend (mock.h says what it is for). */
#include "mock/mock.h"

/* ---- what the library does for it */
static const backend_library *_Atomic library;

TARN_API void tarn_backend_library(const backend_library *functions);
void tarn_backend_library(const backend_library *functions) {
    library = functions;
}

bool mock_report(bool ok) {
    const backend_library *to = library;
    if (!to || tarn_ok()) return ok;
    to->fail(tarn_error_kind(), "%s", tarn_error());
    tarn_clear_error();
    return ok;
}

/* One of its rows has to be prepared before it runs, as a kernel does that is compiled when it is first needed: for the
   device whose rows the thread asked for last. */
static _Thread_local int device_asked;

void *mock_prepared_for(int device) {
    static char done[MOCK_MAX_DEVICES];
    return &done[device];
}

static bool prepare_row(const call *c, void **prepared) {
    (void)c;
    mock_add(COUNT_PREPARED_ROWS, 1);
    *prepared = mock_prepared_for(device_asked);
    return true;
}

static kernel_row prepared_row;

static const kernel_row *const *rows(int device, op_id op, int *count) {
    static const kernel_row *const prepared[] = {&prepared_row};
    *count = 0;
    device_asked = device;
    if (mock_is_missing(device, op)) return NULL;
    const kernel_row *const *found = backend_reference.rows(0, op, count);
    return op == OP_argsort ? prepared : found;
}

static void make_prepared_row(void) {
    int count;
    prepared_row = *backend_reference.rows(0, OP_argsort, &count)[0];
    prepared_row.prepare = prepare_row;
}

static int64_t memory_bytes(int device) {
    (void)device;
    return mock_memory_limit();
}

static bool describe(int device, tarn_measurement *result) {
    *result = (tarn_measurement){.processor = "mock",
                                 .isa_found = "none",
                                 .isa_used = "none",
                                 .threads = 1,
                                 .memory_bytes = memory_bytes(device)};
    return true;
}

static backend mock = {
    .version = BACKEND_VERSION,
    .name = "mock",
    .linger = 2,
    .device_count = mock_device_count,
    .allocate = mock_allocate,
    .release = mock_release,
    .stream_new = mock_stream_new,
    .stream_free = mock_stream_free,
    .submit = mock_submit,
    .prepare = mock_prepare,
    .plan_free = mock_plan_free,
    .rows = rows,
    .is_peer = mock_is_peer,
    .memory_bytes = memory_bytes,
    .describe = describe,
};

bool mock_reserve(int device, int64_t bytes) {
    const backend_library *of = library;
    return bytes == 0 || (of && of->reserve(&mock, device, bytes));
}

TARN_API const backend *tarn_backend(void);
const backend *tarn_backend(void) {
    if (!mock_settings_good()) tarn_clear_error(); /* there will be no device, and mock_device_count says why */
    make_prepared_row();
    mock.table_hash = backend_hash();
    return &mock;
}
