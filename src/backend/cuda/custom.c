/* Rows of device_kernel: what a user wrote, compiled by NVRTC when a plan is made, or loaded as it is. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cuda/cuda.h"
#include "cuda/kernels.h"
#include "table/device_kernel.h"
#include "table/scalar.h"

static const device_kernel *kernel_of(const call *c) {
    return ((const attributes_device_kernel *)c->attributes)->kernel.object;
}

/* ---- code */

/* Where CUDA's headers are: CUDA_HOME, CUDA_PATH, or the usual place. */
static void header_options(char options[2][512]) {
    const char *home = getenv("CUDA_HOME");
    if (!home || !*home) home = getenv("CUDA_PATH");
    if (!home || !*home) home = "/usr/local/cuda";
    snprintf(options[0], sizeof options[0], "-I%.480s/include", home);
    snprintf(options[1], sizeof options[1], "-I%.480s/include/cccl", home);
}

static cudaKernel_t compile(const call *c, const device_kernel *k, const char *name) {
    device_kernel_input inputs[DEVICE_KERNEL_MOST];
    char headers[2][512];
    text source = {0};
    for (int i = 0; i < c->input_count; i++) inputs[i] = (device_kernel_input){c->inputs[i].dtype, c->inputs[i].ndim};
    header_options(headers);
    cudaKernel_t kernel = device_kernel_print(k, inputs, &source)
                              ? cuda_compiled(text_string(&source), name, (const char *[]){headers[0], headers[1]}, 2)
                              : NULL;
    text_free(&source);
    return kernel;
}

/* Compiled code that was loaded: it stays so, and is found by its bytes and the name of its function. */
typedef struct loaded {
    struct loaded *next;
    cudaKernel_t kernel;
    char *code, *name;
    size_t bytes;
    uint64_t devices; /* whose budgets have them */
} loaded;
static loaded *all_loaded;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static loaded *load_code(const device_kernel *k) {
    const tarn_device_kernel_options *o = &k->options;
    cudaLibrary_t library;
    cudaKernel_t kernel;
    loaded *l = NEW(loaded);
    char *code = l ? memory_copy(o->code, o->code_bytes + 1) : NULL,
         *name = code ? memory_copy(o->name, strlen(o->name) + 1) : NULL;
    if (name && cuda_ok(cudaLibraryLoadData(&library, code, NULL, NULL, 0, NULL, NULL, 0), "loading a kernel") &&
        cuda_ok(cudaLibraryGetKernel(&kernel, library, name), "finding a kernel")) {
        *l = (loaded){all_loaded, kernel, code, name, o->code_bytes, 0};
        return all_loaded = l;
    }
    memory_free(l), memory_free(code), memory_free(name);
    return NULL;
}

static cudaKernel_t find_code(const device_kernel *k) {
    const tarn_device_kernel_options *o = &k->options;
    pthread_mutex_lock(&lock);
    loaded *l = all_loaded;
    while (l && (l->bytes != o->code_bytes || strcmp(l->name, o->name) != 0 || memcmp(l->code, o->code, l->bytes) != 0))
        l = l->next;
    if (!l) l = load_code(k);
    if (l) cuda_count_code(&l->devices, l->bytes);
    pthread_mutex_unlock(&lock);
    return l ? l->kernel : NULL;
}

static bool prepare(const call *c, void **prepared) {
    const device_kernel *k = kernel_of(c);
    text name = {0};
    device_kernel_name(k, &name);
    *prepared = k->options.code ? (void *)find_code(k) : (void *)compile(c, k, text_string(&name));
    text_free(&name);
    return cuda_report(*prepared != NULL);
}

/* ---- launching: addresses, and what the function asks for beside them */
typedef struct {
    int32_t shape[TARN_MAX_NDIM], ndim;
    int64_t strides[TARN_MAX_NDIM];
} axes_of_input;

typedef union {
    bool truth;
    int32_t integer;
    float real;
} scalar;

typedef struct {
    void *list[5 * DEVICE_KERNEL_MOST + 1];
    int count;
    axes_of_input axes[DEVICE_KERNEL_MOST];
    scalar scalars[DEVICE_KERNEL_MOST];
} arguments;

static void add_input(arguments *a, const device_kernel *k, const operand *o, int i) {
    axes_of_input *axes = &a->axes[i];
    a->list[a->count++] = (void *)(uintptr_t)&o->data;
    if (k->options.code) return;
    axes->ndim = o->ndim;
    for (int d = 0; d < o->ndim; d++) axes->shape[d] = (int32_t)o->shape[d], axes->strides[d] = o->strides[d];
    if (device_kernel_wants(k, i, o->ndim, "shape")) a->list[a->count++] = axes->shape;
    if (device_kernel_wants(k, i, o->ndim, "strides")) a->list[a->count++] = axes->strides;
    if (device_kernel_wants(k, i, o->ndim, "ndim")) a->list[a->count++] = &axes->ndim;
}

static void add_scalar(arguments *a, const tarn_kernel_scalar *from, int i) {
    scalar *to = &a->scalars[i];
    if (from->kind == TARN_KERNEL_BOOL)
        to->truth = from->value != 0;
    else if (from->kind == TARN_KERNEL_INT)
        to->integer = (int32_t)from->value;
    else
        to->real = (float)from->value;
    a->list[a->count++] = to;
}

static int64_t size_of(const tarn_kernel_output *o) {
    int64_t size = 1;
    for (int64_t i = 0; i < o->shape.count; i++) size *= o->shape.values[i];
    return size;
}

/* Room for an output that nobody reads, which the kernel writes all the same. */
static int64_t room_of(const tarn_kernel_output *o) {
    return (size_of(o) * dtype_bytes(o->dtype) + 255) & ~(int64_t)255;
}

static int64_t workspace(const call *c) {
    const tarn_device_kernel_options *o = &kernel_of(c)->options;
    int64_t bytes = 0;
    for (int i = 0; i < o->output_count && o->output_count > 1; i++) bytes += room_of(&o->outputs[i]);
    return bytes;
}

static void place_outputs(const call *c, const tarn_device_kernel_options *o, void **to) {
    char *room = c->workspace;
    for (int i = 0; i < o->output_count; i++) {
        to[i] = c->outputs[i].data;
        if (to[i]) continue;
        to[i] = room;
        room += room_of(&o->outputs[i]);
    }
}

/* What an output holds before. A whole number is the nearest that the dtype has, of which the kernel takes the low
 * bits.
 */
static bool fill(void *to, const tarn_kernel_output *o, double value) {
    int64_t n = size_of(o), whole = 0;
    if (n == 0) return true;
    if (o->dtype == TARN_BOOL) return cuda_ok(cudaMemsetAsync(to, value != 0, (size_t)n, cuda_stream_now), "filling");
    if (dtype_kind_of(o->dtype) == KIND_INT) store_double(&whole, o->dtype, value);
    arange_kernel k = {.to = to, .dtype = (int)o->dtype, .n = n, .first = whole, .start = value};
    launch_arange(&k, cuda_stream_now);
    return true;
}

static unsigned at_most(int64_t a, int64_t b) {
    return (unsigned)(a < b ? a : b);
}

static bool run(const call *c) {
    const device_kernel *k = kernel_of(c);
    const tarn_device_kernel_options *o = &k->options;
    const int64_t *grid = o->grid, *block = o->block;
    arguments a = {.count = 0};
    void *to[DEVICE_KERNEL_MOST];
    place_outputs(c, o, to);
    for (int i = 0; i < o->output_count && o->is_filled; i++)
        if (!fill(to[i], &o->outputs[i], o->fill)) return false;
    for (int i = 0; i < c->input_count; i++) add_input(&a, k, &c->inputs[i], i);
    for (int i = 0; i < o->output_count; i++) a.list[a.count++] = &to[i];
    for (int i = 0; i < o->scalar_count; i++) add_scalar(&a, &o->scalars[i], i);
    cudaLaunchConfig_t how = {
        .gridDim = {(unsigned)((grid[0] + block[0] - 1) / block[0]), (unsigned)((grid[1] + block[1] - 1) / block[1]),
                    (unsigned)((grid[2] + block[2] - 1) / block[2])},
        .blockDim = {at_most(block[0], grid[0]), at_most(block[1], grid[1]), at_most(block[2], grid[2])},
        .dynamicSmemBytes = (size_t)o->shared_bytes,
        .stream = cuda_stream_now};
    if (o->shared_bytes > 48 << 10 &&
        !cuda_ok(cudaFuncSetAttribute(c->prepared, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)o->shared_bytes),
                 "shared memory"))
        return false;
    return cuda_ok(cudaLaunchKernelExC(&how, c->prepared, a.list), o->name);
}

static bool is_dense(const call *c) {
    return !kernel_of(c)->options.any_strides;
}

#define CUSTOM .dtypes = DTYPES_ALL, .selector = -1, .workspace = workspace, .prepare = prepare, .run = run
const kernel_row cuda_device_kernel = {CUDA_ROW(device_kernel), CUSTOM, .layout = LAYOUT_DENSE, .supports = is_dense};
const kernel_row cuda_device_kernel_strided = {CUDA_ROW(device_kernel), CUSTOM, .layout = LAYOUT_ANY};
