/* Fused groups: compiled by NVRTC when a plan is made, a kernel for each program, number of axes and which inputs are
   single numbers, in the form that its shapes and strides allow; the other form when memory is first met that does not
   lie so. */
#include <pthread.h>
#include <stdatomic.h>
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
    _Atomic(cudaKernel_t) forms[2]; /* elements a block apart, and side by side; NULL: not compiled */
    char key[];
} known_kernel;

enum { BUCKETS = 1024 };
static known_kernel *known[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static bool make_key(const call *c, const group_axes *a, text *key) {
    const group_program *p = c->program;
    const int32_t facts[] = {cuda_device_now,      p->input_count, p->output_count,
                             p->instruction_count, a->ndim,        (int32_t)a->singles};
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
    case OP_sin:
    case OP_cos:
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

/* ---- which form */

/* `width` elements side by side are read at once where they lie at a multiple of this. */
static int64_t row_bytes(const operand *o, int width) {
    int64_t bytes = width * dtype_bytes(o->dtype);
    return bytes < 16 ? bytes : 16;
}

/* Whether they do wherever they begin, if the first does; one may also stand for all of them. */
static bool may_lie_in_rows(const operand *o, const int64_t *strides, int ndim, int width) {
    if (strides[ndim - 1] == 0) return true;
    for (int i = 0; i < ndim - 1; i++)
        if (strides[i] * dtype_bytes(o->dtype) % row_bytes(o, width)) return false;
    return strides[ndim - 1] == 1;
}

static bool may_be_wide(const call *c, const group_axes *a) {
    int width = group_width(c);
    if (a->ndim == 0 || a->shape[a->ndim - 1] % width) return false;
    for (int i = 0; i < c->input_count; i++)
        if (!may_lie_in_rows(&c->inputs[i], a->strides[i], a->ndim, width)) return false;
    return true;
}

static bool begins_well(const operand *o, int width) {
    return (uintptr_t)o->data % (uintptr_t)row_bytes(o, width) == 0;
}

static bool is_wide(const call *c, const group_axes *a) {
    int width = group_width(c);
    if (!may_be_wide(c, a)) return false;
    for (int i = 0; i < c->input_count; i++)
        if (a->strides[i][a->ndim - 1] != 0 && !begins_well(&c->inputs[i], width)) return false;
    for (int i = 0; i < c->output_count; i++)
        if (!begins_well(&c->outputs[i], width)) return false;
    return true;
}

/* ---- compiling */
static cudaKernel_t print_and_compile(const call *c, const group_axes *a, bool wide) {
    static const char *const options[] = {"--minimal", "-fmad=false", "-prec-div=false"};
    text source = {0};
    bool quick = divides_quickly(c->program), ok = group_print(c, a, wide, &source);
    cudaKernel_t kernel = ok ? cuda_compiled(text_string(&source), "group", options, quick ? 3 : 2) : NULL;
    text_free(&source);
    return kernel;
}

static known_kernel *remember(known_kernel **at, const char *key, size_t bytes, uint64_t hash) {
    known_kernel *made = memory_new(1, sizeof *made + bytes);
    if (!made) return NULL;
    *made = (known_kernel){.hash = hash, .bytes = bytes};
    memcpy(made->key, key, bytes);
    return *at = made;
}

static known_kernel *known_of(const char *key, size_t bytes) {
    uint64_t hash = hash_bytes(HASH_START, key, bytes);
    pthread_mutex_lock(&lock);
    known_kernel **at = find_known(key, bytes, hash), *k = *at ? *at : remember(at, key, bytes, hash);
    pthread_mutex_unlock(&lock);
    return k;
}

/* NULL with the error set. Nothing is compiled while a graph is recorded: that is for addresses that were met before.
 */
static cudaKernel_t form_of(known_kernel *k, const call *c, const group_axes *a, bool wide) {
    cudaKernel_t kernel = atomic_load_explicit(&k->forms[wide], memory_order_acquire);
    if (!kernel && (kernel = print_and_compile(c, a, wide)))
        atomic_store_explicit(&k->forms[wide], kernel, memory_order_release);
    return kernel;
}

/* Every op of the program has a value for its dtype. */
static bool prepare(const call *c, void **prepared) {
    static char nothing;
    group_axes axes;
    text key = {0};
    if (c->output_count == 0) return *prepared = &nothing, true; /* nobody reads anything of it */
    group_axes_of(c, &axes);
    known_kernel *k = make_key(c, &axes, &key) ? known_of(text_string(&key), key.length) : NULL;
    *prepared = k && form_of(k, c, &axes, may_be_wide(c, &axes)) ? k : NULL;
    text_free(&key);
    return cuda_report(*prepared != NULL);
}

/* ---- running */

/* The struct that the printed kernel takes: its arrays have one entry more than there are inputs or axes, so that none
 * is empty. */
typedef struct {
    char bytes[8 * (GROUP_MAX_INPUTS + 1 + GROUP_MAX_REGISTERS + 1 + (TARN_MAX_NDIM + 1) * (GROUP_MAX_INPUTS + 2))];
} parameters;

static char *put(char *at, const void *from, size_t bytes) {
    memcpy(at, from, bytes);
    return at + bytes;
}

static void fill(parameters *p, const call *c, const group_axes *a) {
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
}

static bool run(const call *c) {
    group_axes axes;
    parameters p;
    if (c->output_count == 0) return true;
    group_axes_of(c, &axes);
    if (axes.n == 0) return true;
    cudaKernel_t kernel = form_of(c->prepared, c, &axes, is_wide(c, &axes));
    if (!kernel) return false;
    fill(&p, c, &axes);
    int width = group_width(c);
    unsigned blocks = (unsigned)((axes.n + 256 * width - 1) / (256 * width));
    cudaLaunchAttribute attributes[2];
    cudaLaunchConfig_t how = {.gridDim = {blocks, 1, 1},
                              .blockDim = {256, 1, 1},
                              .stream = cuda_stream_now,
                              .attrs = attributes,
                              .numAttrs = (unsigned)cuda_launch_attributes(attributes, 0)};
    return cuda_ok(cudaLaunchKernelExC(&how, kernel, (void *[]){&p}), "group");
}

/* Each element is read before it is written, by the same thread. */
const kernel_row cuda_group = {CUDA_ROW(group),
                               .dtypes = DTYPES_ALL,
                               .selector = -1,
                               .layout = LAYOUT_ANY,
                               .may_overwrite = (1u << GROUP_MAX_INPUTS) - 1,
                               .prepare = prepare,
                               .run = run};
