/* The CUDA backend: devices and the list of kernel rows. */
#include "cuda/cuda.h"

#include "cuda/rows.h"

static const backend_library *library;

TARN_API void tarn_backend_library(const backend_library *functions);
void tarn_backend_library(const backend_library *functions) {
    library = functions;
}

bool cuda_report(bool ok) {
    if (!library || tarn_ok()) return ok;
    library->fail(tarn_error_kind(), "%s", tarn_error());
    tarn_clear_error();
    return ok;
}

bool cuda_ok(cudaError_t error, const char *what) {
    if (error == cudaSuccess) return true;
    cudaGetLastError(); /* what is not sticky is forgotten */
    return tarn_fail_kind(TARN_ERROR_RUNTIME, "cuda: %s: %s", what, cudaGetErrorString(error));
}

bool cuda_use(int device) {
    if (cuda_is_lost(device)) return tarn_fail_kind(TARN_ERROR_RUNTIME, "the device cuda:%d is lost", device);
    return cuda_ok(cudaSetDevice(device), "choosing the device");
}

/* Without a driver there are none. */
static int device_count(void) {
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
    cudaGetLastError();
    return 0;
}

/* For the library, if there are none. */
TARN_API const char *tarn_backend_why_none(void);
const char *tarn_backend_why_none(void) {
    int count = 0;
    cudaError_t error = cudaGetDeviceCount(&count);
    cudaGetLastError();
    if (error == cudaErrorInsufficientDriver)
        return "the NVIDIA driver (libcuda.so.1) is not installed, or older than this CUDA";
    return error == cudaSuccess ? NULL : cudaGetErrorString(error);
}

static bool is_peer(int device, int other) {
    int access = 0;
    return device != other && cudaDeviceCanAccessPeer(&access, device, other) == cudaSuccess && access;
}

/* ---- rows. prepare is called in any thread of the library: what it has to say must reach the library's error */
#define ROW(name) &cuda_##name,
static const kernel_row *const all_rows[] = {CUDA_ROWS(ROW)};
enum { ROW_COUNT = sizeof all_rows / sizeof *all_rows };

static const kernel_row *const *rows(int device, op_id op, int *count) {
    const kernel_row *const *first = NULL;
    cuda_device_now = device;
    *count = 0;
    for (int i = 0; i < ROW_COUNT; i++) {
        if (all_rows[i]->op != op) continue;
        if (!first) first = &all_rows[i];
        ++*count;
    }
    return first;
}

static const char *hole(op_id op) {
#define HOLE(name, reason) [OP_##name] = reason,
    static const char *const reasons[OP_COUNT_WITH_GROUP] = {
        [0] = NULL,
#include "cuda/holes.def"
    };
    return reasons[op];
}

/* Not the whole device: that must not be asked while another thread records a graph. */
static bool cuda_settle(int device) {
    return cuda_report(cuda_use(device) && cuda_ok(cudaStreamSynchronize(cudaStreamLegacy), "waiting for the device"));
}

/* ---- what is called in any thread, in which another library may use CUDA, too */
#define GUEST(type, name, parameters, ...)                                                                             \
    static type name parameters {                                                                                      \
        void *context = cuda_context();                                                                                \
        type made = cuda_##name(__VA_ARGS__);                                                                          \
        cuda_give_back(context);                                                                                       \
        return made;                                                                                                   \
    }
#define GUEST_WITHOUT_RESULT(name, parameters, ...)                                                                    \
    static void name parameters {                                                                                      \
        void *context = cuda_context();                                                                                \
        cuda_##name(__VA_ARGS__);                                                                                      \
        cuda_give_back(context);                                                                                       \
    }
typedef void *address;
typedef backend_stream *stream_address;
typedef backend_plan *plan_address;
GUEST(address, allocate, (int device, int64_t bytes), device, bytes)
GUEST(stream_address, stream_new, (int device), device)
GUEST(plan_address, prepare, (int device, const call *calls, int count, const operand_place *places, int bases), device,
      calls, count, places, bases)
GUEST(int64_t, memory_bytes, (int device), device)
GUEST(bool, measure, (int device, tarn_measurement *result), device, result)
GUEST(bool, settle, (int device), device)
GUEST_WITHOUT_RESULT(release, (int device, void *block), device, block)
GUEST_WITHOUT_RESULT(stream_free, (backend_stream * stream), stream)
GUEST_WITHOUT_RESULT(plan_free, (backend_plan * plan), plan)

static backend cuda = {
    .version = BACKEND_VERSION,
    .name = "cuda",
    .linger = 4,
    .device_count = device_count,
    .allocate = allocate,
    .release = release,
    .stream_new = stream_new,
    .stream_free = stream_free,
    .submit = cuda_submit,
    .prepare = prepare,
    .plan_free = plan_free,
    .rows = rows,
    .hole = hole,
    .is_peer = is_peer,
    .memory_bytes = memory_bytes,
    .measure = measure,
    .describe = cuda_describe,
    .settle = settle,
};

bool cuda_reserve(int device, int64_t bytes) {
    return !library || !library->reserve || library->reserve(&cuda, device, bytes);
}

TARN_API const backend *tarn_backend(void);
const backend *tarn_backend(void) {
    cuda.table_hash = backend_hash();
    return &cuda;
}
