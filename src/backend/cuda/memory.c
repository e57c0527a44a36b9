/* Device memory: plain allocations. What is kept for later use is the library's pool's business. */
#include "cuda/cuda.h"

void *cuda_allocate(int device, int64_t bytes) {
    void *block = NULL;
    if (!cuda_use(device)) return cuda_report(false), NULL;
    cudaError_t error = cudaMalloc(&block, bytes > 0 ? (size_t)bytes : 1);
    if (error == cudaSuccess) return block;
    cudaGetLastError();
    size_t left = 0, all = 0;
    cudaMemGetInfo(&left, &all);
    tarn_clear_error();
    cuda_report(tarn_fail_kind(TARN_ERROR_MEMORY, "cuda:%d: no %lld bytes (%zu of %zu are free): %s", device,
                               (long long)bytes, left, all, cudaGetErrorString(error)));
    return NULL;
}

void cuda_release(int device, void *block) {
    if (!block) return;
    cudaSetDevice(device);
    cudaFree(block);
    cudaGetLastError(); /* a lost device: its memory is gone anyway */
}

int64_t cuda_memory_bytes(int device) {
    size_t left = 0, all = 0;
    bool ok = cuda_use(device) && cuda_ok(cudaMemGetInfo(&left, &all), "asking for the memory");
    tarn_clear_error();
    return ok ? (int64_t)all : 0;
}

void cuda_count_code(uint64_t *devices, size_t bytes) {
    const uint64_t own = UINT64_C(1) << cuda_device_now % MOST_DEVICES;
    if (!(*devices & own) && cuda_reserve(cuda_device_now, (int64_t)bytes)) *devices |= own;
}
