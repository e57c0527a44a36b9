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
static bool settle(int device) {
    return cuda_report(cuda_use(device) && cuda_ok(cudaStreamSynchronize(cudaStreamLegacy), "waiting for the device"));
}

static backend cuda = {
    .version = BACKEND_VERSION,
    .name = "cuda",
    .linger = 4,
    .device_count = device_count,
    .allocate = cuda_allocate,
    .release = cuda_release,
    .stream_new = cuda_stream_new,
    .stream_free = cuda_stream_free,
    .submit = cuda_submit,
    .prepare = cuda_prepare,
    .plan_free = cuda_plan_free,
    .rows = rows,
    .hole = hole,
    .is_peer = is_peer,
    .memory_bytes = cuda_memory_bytes,
    .measure = cuda_measure,
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
