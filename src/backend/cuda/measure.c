/* What a card can do at most, measured now: reading and copying a gibibyte, products of random matrices, copies from
   the host's memory. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cuda/cuda.h"
#include "cuda/kernels.h"
#include "cuda/matmul/lt.h"

enum { ROUNDS = 7, SIZE = 8192 };
static const int64_t half = INT64_C(1) << 30;

typedef struct {
    char *from, *to; /* device memory */
    void *host;
    cudaEvent_t begin, end;
    staging staging;
} bench;

static bool open_bench(bench *b) {
    b->host = memory_new(1, (size_t)half / 4);
    bool ok = b->host && cuda_ok(cudaMalloc((void **)&b->from, (size_t)half), "measuring") &&
              cuda_ok(cudaMalloc((void **)&b->to, (size_t)half + LT_WORKSPACE), "measuring") &&
              cuda_ok(cudaEventCreate(&b->begin), "an event") && cuda_ok(cudaEventCreate(&b->end), "an event") &&
              cuda_ok(cudaStreamCreateWithFlags(&cuda_stream_now, cudaStreamNonBlocking), "a stream");
    if (ok) launch_draw(b->from, half, cuda_stream_now);
    return ok && cuda_ok(cudaGetLastError(), "measuring");
}

static void close_bench(bench *b) {
    cudaStreamSynchronize(cuda_stream_now);
    cudaStreamDestroy(cuda_stream_now);
    cuda_stream_now = NULL;
    if (b->begin) cudaEventDestroy(b->begin);
    if (b->end) cudaEventDestroy(b->end);
    cuda_staging_free(&b->staging);
    cudaFree(b->from);
    cudaFree(b->to);
    cudaGetLastError();
    memory_free(b->host);
}

static bool read(bench *b) {
    launch_read(b->from, half, b->to, cuda_stream_now);
    return true;
}

static bool copy(bench *b) {
    return cuda_ok(cudaMemcpyAsync(b->to, b->from, (size_t)half, cudaMemcpyDeviceToDevice, cuda_stream_now), "copying");
}

static bool upload(bench *b) {
    block_copy c = {b->to, b->host, half / 4, COPY_TO_DEVICE, 0};
    return cuda_copy(cuda_device_now, &b->staging, cuda_stream_now, &c);
}

static bool product(bench *b, tarn_dtype dtype) {
    lt_product p = {.dtype = dtype,
                    .m = SIZE,
                    .n = SIZE,
                    .k = SIZE,
                    .a_step = SIZE,
                    .b_step = SIZE,
                    .batch = 1,
                    .b_transposed = true};
    const char *other = b->from + SIZE * SIZE * dtype_bytes(dtype);
    return lt_multiply(&p, b->to, b->from, other, b->to + half);
}

static bool bf16_product(bench *b) {
    return product(b, TARN_BFLOAT16);
}

static bool f32_product(bench *b) {
    return product(b, TARN_FLOAT32);
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Seconds that the device is busy with it: the median, after one to warm up; 0 with the error set. */
static double seconds_of(bench *b, bool (*work)(bench *)) {
    float ms[ROUNDS];
    for (int i = -1; i < ROUNDS; i++) {
        if (!cuda_ok(cudaEventRecord(b->begin, cuda_stream_now), "measuring") || !work(b) ||
            !cuda_ok(cudaEventRecord(b->end, cuda_stream_now), "measuring") ||
            !cuda_ok(cudaEventSynchronize(b->end), "measuring"))
            return 0;
        if (i >= 0) cudaEventElapsedTime(&ms[i], b->begin, b->end);
    }
    qsort(ms, ROUNDS, sizeof *ms, compare);
    return (double)ms[ROUNDS / 2] * 1e-3;
}

/* The name is written once: whoever was given it may be reading it. */
static const char *name_of(int device, const char *name) {
    static char names[MOST_DEVICES][sizeof((struct cudaDeviceProp *)0)->name];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    if (device >= MOST_DEVICES) return "unknown";
    pthread_mutex_lock(&lock);
    if (!names[device][0]) snprintf(names[device], sizeof *names, "%s", name);
    pthread_mutex_unlock(&lock);
    return names[device];
}

static bool describe(int device, tarn_measurement *m) {
    struct cudaDeviceProp facts;
    *m = (tarn_measurement){.processor = "unknown"};
    if (!cuda_ok(cudaGetDeviceProperties(&facts, device), "asking for the device's facts")) return false;
    m->processor = name_of(device, facts.name);
    m->threads = facts.multiProcessorCount;
    m->memory_bytes = (int64_t)facts.totalGlobalMem;
    snprintf(m->isa_used, sizeof m->isa_used, "sm_%d%d", facts.major, facts.minor);
    memcpy(m->isa_found, m->isa_used, sizeof m->isa_found);
    getloadavg(&m->load_average, 1);
    return true;
}

bool cuda_describe(int device, tarn_measurement *m) {
    return cuda_report(describe(device, m));
}

static bool measure_all(bench *b, tarn_measurement *m) {
    const double operations = 2.0 * SIZE * SIZE * SIZE;
    double times[5];
    bool (*const works[5])(bench *) = {read, copy, upload, f32_product, bf16_product};
    for (int i = 0; i < 5; i++)
        if ((times[i] = seconds_of(b, works[i])) <= 0) return false;
    m->read_gbps_all = (double)half * 1e-9 / times[0];
    m->copy_gbps = 2 * (double)half * 1e-9 / times[1];
    m->upload_gbps = (double)half / 4 * 1e-9 / times[2];
    m->f32_tflops = operations * 1e-12 / times[3];
    m->bf16_tflops = operations * 1e-12 / times[4];
    return true;
}

bool cuda_measure(int device, tarn_measurement *m) {
    bench b = {0};
    if (!cuda_use(device) || !lt_prepare() || !describe(device, m)) return cuda_report(false);
    cuda_device_now = device;
    bool ok = open_bench(&b) && measure_all(&b, m);
    close_bench(&b);
    return cuda_report(ok);
}
