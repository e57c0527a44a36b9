/* Fused groups: compiled by NVRTC when a plan is made, a kernel for each program and number of axes. */
#include <string.h>

#include "cuda/cuda.h"
#include "cuda/elementwise/print.h"
#include "cuda/kernels.h"

/* Every op of the program has a value for its dtype. */
static bool prepare(const call *c, void **prepared) {
    static char nothing;
    group_axes axes;
    text source = {0};
    if (c->output_count == 0) return *prepared = &nothing, true; /* nobody reads anything of it */
    group_axes_of(c, &axes);
    *prepared = group_print(c, &axes, &source) ? (void *)cuda_compiled(text_string(&source), "group") : NULL;
    text_free(&source);
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
