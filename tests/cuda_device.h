/* Runs calls on a CUDA device and compares with the reference. */
#ifndef TESTS_CUDA_DEVICE_H
#define TESTS_CUDA_DEVICE_H

#include <dlfcn.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/map.h"
#include "random_operands.h"
#include "paths.h"

static const backend *cuda;
static backend_stream *cuda_stream;
static int64_t (*calls_joined)(void); /* how many were launched with the one before them, so far */
static bool (*runs_hopper)(void);     /* whether kernels of compute capability 9.0 run: what is joined differs */

/* A submission that is waited for. */
typedef struct {
    submission s; /* first */
    atomic_int done;
    char error[512];
} awaited_work;

static void note_failure(submission *s, int i, const char *error) {
    (void)i;
    if (error) snprintf(((awaited_work *)s)->error, sizeof((awaited_work *)s)->error, "%s", error);
}
static void note_end(submission *s) {
    atomic_store(&((awaited_work *)s)->done, 1);
}

static inline bool run_and_wait(submission s) {
    awaited_work w = {.s = s};
    w.s.after = note_failure;
    w.s.done = note_end;
    cuda->submit(cuda_stream, &w.s);
    while (!atomic_load(&w.done)) sched_yield();
    return !w.error[0] || tarn_fail("%s", w.error);
}

static inline bool copy_bytes(void *to, const void *from, int64_t bytes, copy_direction direction) {
    block_copy c = {to, from, bytes, direction, 0};
    return run_and_wait((submission){.copies = &c, .copy_count = 1});
}

/* The first byte of an operand in memory, from its data, and how many there are to its last. */
static inline int64_t extent_of(const operand *o, int64_t *first) {
    int64_t low = 0, high = 0;
    *first = 0;
    for (int i = 0; i < o->ndim; i++) {
        if (o->shape[i] == 0) return 0;
        int64_t reach = (o->shape[i] - 1) * o->strides[i];
        low += reach < 0 ? reach : 0;
        high += reach > 0 ? reach : 0;
    }
    *first = low * dtype_bytes(o->dtype);
    return (high - low + 1) * dtype_bytes(o->dtype);
}

/* The operand on the device, with the same strides, as far from a multiple of 16 bytes as here; *block is to be
   released. */
static inline operand sent(const operand *o, void **block) {
    operand there = *o;
    int64_t first = 0, bytes = o->data ? extent_of(o, &first) : 0;
    *block = o->data ? cuda->allocate(0, bytes + 16) : NULL;
    if (!o->data) return there;
    char *from = (char *)o->data + first, *to = (char *)*block + (uintptr_t)from % 16;
    if (bytes) CHECK(copy_bytes(to, from, bytes, COPY_TO_DEVICE), "%s", tarn_error());
    there.data = to - first;
    return there;
}

/* What calls have in common that take the same way: row, dtypes, sizes but for what is between powers of two. */
static inline uint64_t likeness(const call *c) {
    uint64_t hash = hash_bytes(HASH_START, &c->row, sizeof c->row);
    for (int i = 0; i < c->input_count; i++) {
        const operand *o = &c->inputs[i];
        uint8_t facts[2 + TARN_MAX_NDIM] = {(uint8_t)o->dtype, (uint8_t)o->ndim};
        for (int d = 0; d < o->ndim; d++)
            facts[2 + d] = o->shape[d] ? (uint8_t)(64 - __builtin_clzll((uint64_t)o->shape[d])) : 0;
        hash = hash_bytes(hash, facts, sizeof facts);
    }
    return hash | 1;
}

/* Of calls alike the first is always due, others as TARN_ROUNDS says: so what a sanitizer slows down comes to all. */
static inline bool is_due(call c) {
    enum { ROOM = 1 << 14 };
    static uint64_t seen[ROOM];
    static int count;
    if (rounds_percent() >= 100 || !choose_row(cuda, &c)) return true;
    const uint64_t key = likeness(&c);
    uint64_t place = key % ROOM;
    while (seen[place] && seen[place] != key) place = (place + 1) % ROOM;
    if (seen[place] || count == ROOM / 2) return in_rounds();
    seen[place] = key;
    count++;
    return true;
}

/* Has the first row that fits run the call on the device. */
static inline bool run_on_cuda(call c) {
    enum { MOST = 32 };
    void *blocks[MOST], *workspace = NULL;
    operand operands[MOST];
    int count = c.input_count + c.output_count;
    if (count > MOST || !choose_row(cuda, &c)) return false;
    if (c.row->prepare && !c.row->prepare(&c, &c.prepared)) return false;
    for (int i = 0; i < count; i++)
        operands[i] = sent(i < c.input_count ? &c.inputs[i] : &c.outputs[i - c.input_count], &blocks[i]);
    operand *outputs = c.outputs;
    c.inputs = operands;
    c.outputs = operands + c.input_count;
    int64_t bytes = c.row->workspace ? c.row->workspace(&c) : 0;
    if (bytes > 0)
        workspace = cuda->allocate(0, bytes + 64),
        c.workspace = (char *)workspace + 64; /* no more than 64 is promised */
    bool ok = run_and_wait((submission){.calls = &c, .call_count = 1});
    for (int i = 0; ok && i < c.output_count; i++)
        if (outputs[i].data)
            ok = copy_bytes(outputs[i].data, c.outputs[i].data,
                            operand_size(&outputs[i]) * dtype_bytes(outputs[i].dtype), COPY_TO_HOST);
    for (int i = 0; i < count; i++) cuda->release(0, blocks[i]);
    cuda->release(0, workspace);
    return ok;
}

/* The device opened as the library opens it, of the folder TARN_BACKENDS where that is set; false: there is none here.
 */
static inline bool open_cuda(void) {
    char path[1024];
    const char *folder = getenv("TARN_BACKENDS");
    snprintf(path, sizeof path, "%s/libtarn_cuda.so", folder ? folder : TARN_BUILD_DIR);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) return printf("libtarn_cuda.so was not built: %s\n", dlerror()), false;
    void *symbol = dlsym(library, "tarn_backend"), *connect = dlsym(library, "tarn_backend_library"),
         *joined = dlsym(library, "tarn_backend_joined"), *hopper = dlsym(library, "tarn_backend_runs_hopper");
    const backend *(*entry)(void);
    static const backend_library functions = {.fail = tarn_fail_kind};
    void (*to_library)(const backend_library *functions);
    memcpy(&entry, &symbol, sizeof entry);
    memcpy(&to_library, &connect, sizeof to_library);
    memcpy(&calls_joined, &joined, sizeof calls_joined);
    memcpy(&runs_hopper, &hopper, sizeof runs_hopper);
    to_library(&functions);
    cuda = entry();
    CHECK(cuda->version == BACKEND_VERSION && cuda->table_hash == backend_hash());
    if (cuda->device_count() == 0) return printf("there is no CUDA device here\n"), false;
    cuda_stream = cuda->stream_new(0);
    CHECK(cuda_stream != NULL, "%s", tarn_error());
    return cuda_stream != NULL;
}

#endif
