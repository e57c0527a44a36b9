/* Fused groups: compiled by NVRTC when a plan is made, a kernel for each program and number of axes. */
#include <pthread.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "cuda/cuda.h"
#include "cuda/elementwise/print.h"
#include "cuda/kernels.h"

/* ---- kernels by what their source is printed from: printing, and looking for the text, takes longer than launching.
   They are kept for as long as those in nvrtc.c. */
typedef struct known_kernel {
    struct known_kernel *next;
    uint64_t hash;
    size_t bytes;
    cudaKernel_t kernel;
    char key[];
} known_kernel;

enum { BUCKETS = 1024 };
static known_kernel *known[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool make_key(const call *c, const group_axes *a, text *key) {
    const group_program *p = c->program;
    const int32_t facts[] = {cuda_device_now, p->input_count, p->output_count, p->instruction_count, a->ndim};
    text_append(key, facts, sizeof facts);
    for (int i = 0; i < c->input_count; i++) text_append(key, &c->inputs[i].dtype, sizeof c->inputs[i].dtype);
    for (int i = 0; i < c->output_count; i++) text_append(key, &c->outputs[i].dtype, sizeof c->outputs[i].dtype);
    text_append(key, p->input_registers, (size_t)p->input_count * sizeof *p->input_registers);
    text_append(key, p->output_registers, (size_t)p->output_count * sizeof *p->output_registers);
    text_append(key, p->instructions, (size_t)p->instruction_count * sizeof *p->instructions);
    return !key->failed;
}

static known_kernel **find_known(const char *key, size_t bytes, uint64_t hash) {
    known_kernel **at = &known[hash % BUCKETS];
    while (*at && ((*at)->hash != hash || (*at)->bytes != bytes || memcmp((*at)->key, key, bytes) != 0))
        at = &(*at)->next;
    return at;
}

/* Whether a value of bfloat16 is the same if divisions of floats err by two units of the last place: nothing is
   divided, or two bfloat16, whose quotient is further than that from the middle between two of them. */
static bool bears_quick_division(const group_instruction *in) {
    if (in->op == OP_astype) return true;
    if (in->input_dtype != TARN_BFLOAT16) return in->input_dtype == TARN_BOOL;
    switch ((op_id)in->op) {
    case OP_divide:
    case OP_reciprocal:
    case OP_add:
    case OP_subtract:
    case OP_multiply:
    case OP_square:
    case OP_negative:
    case OP_abs:
    case OP_maximum:
    case OP_minimum:
    case OP_where:
    case OP_exp:
    case OP_tanh:
    case OP_erf:
        return true;
    default:
        return false;
    }
}

static bool divides_quickly(const group_program *p) {
    for (int i = 0; i < p->instruction_count; i++)
        if (!bears_quick_division(&p->instructions[i])) return false;
    return true;
}

static cudaKernel_t print_and_compile(const call *c, const group_axes *a) {
    static const char *const options[] = {"-fmad=false", "-prec-div=false"};
    text source = {0};
    bool quick = divides_quickly(c->program), ok = group_print(c, a, &source);
    if (quick) text_format(&source, "/* %s */\n", options[1]); /* kernels are known by their text alone */
    cudaKernel_t kernel = ok ? cuda_compiled(text_string(&source), "group", options, quick ? 2 : 1) : NULL;
    text_free(&source);
    return kernel;
}

static void remember(known_kernel **at, const char *key, size_t bytes, uint64_t hash, cudaKernel_t kernel) {
    known_kernel *made = memory_new(1, sizeof *made + bytes);
    if (!made) return;
    *made = (known_kernel){.hash = hash, .bytes = bytes, .kernel = kernel};
    memcpy(made->key, key, bytes);
    *at = made;
}

static cudaKernel_t kernel_of(const call *c, const group_axes *a, const char *key, size_t bytes) {
    uint64_t hash = hash_bytes(HASH_START, key, bytes);
    pthread_mutex_lock(&lock);
    known_kernel **at = find_known(key, bytes, hash);
    cudaKernel_t kernel = *at ? (*at)->kernel : NULL;
    if (!kernel && (kernel = print_and_compile(c, a))) remember(at, key, bytes, hash, kernel);
    pthread_mutex_unlock(&lock);
    return kernel;
}

/* Every op of the program has a value for its dtype. */
static bool prepare(const call *c, void **prepared) {
    static char nothing;
    group_axes axes;
    text key = {0};
    if (c->output_count == 0) return *prepared = &nothing, true; /* nobody reads anything of it */
    group_axes_of(c, &axes);
    *prepared = make_key(c, &axes, &key) ? (void *)kernel_of(c, &axes, text_string(&key), key.length) : NULL;
    text_free(&key);
    return cuda_report(*prepared != NULL);
}

/* The struct that the printed kernel takes: its arrays have one entry more than there are inputs or axes, so that none
 * is empty. */
typedef struct {
    char bytes[8 * (GROUP_MAX_INPUTS + 1 + GROUP_MAX_REGISTERS + 2 + (TARN_MAX_NDIM + 1) * (GROUP_MAX_INPUTS + 2))];
} parameters;

static char *put(char *at, const void *from, size_t bytes) {
    memcpy(at, from, bytes);
    return at + bytes;
}

/* Whether `width` elements in a row lie at a multiple of their bytes, up to 16, wherever they begin; an input may also
   be the same for all of them. */
static bool lies_in_rows(const operand *o, const int64_t *strides, int ndim, int width) {
    int64_t bytes = dtype_bytes(o->dtype), most = width * bytes < 16 ? width * bytes : 16;
    int last = ndim - 1;
    if (strides[last] == 0) return true;
    for (int i = 0; i < last; i++)
        if (strides[i] * bytes % most) return false;
    return strides[last] == 1 && (uintptr_t)o->data % (uintptr_t)most == 0;
}

static bool is_wide(const call *c, const group_axes *a, int width) {
    static const int64_t dense[] = {1};
    if (a->ndim == 0 || a->shape[a->ndim - 1] % width) return false;
    for (int i = 0; i < c->input_count; i++)
        if (!lies_in_rows(&c->inputs[i], a->strides[i], a->ndim, width)) return false;
    for (int i = 0; i < c->output_count; i++)
        if (!lies_in_rows(&c->outputs[i], dense, 1, width)) return false;
    return true;
}

static void fill(parameters *p, const call *c, const group_axes *a, int64_t wide) {
    char *at = p->bytes;
    const int64_t none = 0;
    size_t axes = (size_t)a->ndim * sizeof none;
    for (int i = 0; i <= c->input_count; i++)
        at = put(at, i < c->input_count ? &c->inputs[i].data : (void *const *)&none, 8);
    for (int i = 0; i < c->output_count; i++) at = put(at, &c->outputs[i].data, 8);
    at = put(at, &a->n, 8);
    at = put(put(at, a->shape, axes), &none, 8);
    for (int i = 0; i <= c->input_count; i++)
        at = put(put(at, i < c->input_count ? a->strides[i] : a->shape, axes), &none, 8);
    put(at, &wide, 8);
}

static bool run(const call *c) {
    group_axes axes;
    parameters p;
    if (c->output_count == 0) return true;
    group_axes_of(c, &axes);
    if (axes.n == 0) return true;
    int width = group_width(c);
    fill(&p, c, &axes, is_wide(c, &axes, width));
    unsigned blocks = (unsigned)((axes.n + 256 * width - 1) / (256 * width));
    cudaLaunchAttribute attributes[2];
    cudaLaunchConfig_t how = {.gridDim = {blocks, 1, 1},
                              .blockDim = {256, 1, 1},
                              .stream = cuda_stream_now,
                              .attrs = attributes,
                              .numAttrs = (unsigned)cuda_launch_attributes(attributes, 0)};
    return cuda_ok(cudaLaunchKernelExC(&how, c->prepared, (void *[]){&p}), "group");
}

/* Each element is read before it is written, by the same thread. */
const kernel_row cuda_group = {CUDA_ROW(group),
                               .dtypes = DTYPES_ALL,
                               .selector = -1,
                               .layout = LAYOUT_ANY,
                               .may_overwrite = (1u << GROUP_MAX_INPUTS) - 1,
                               .prepare = prepare,
                               .run = run};
