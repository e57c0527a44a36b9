/* A place of the result at a time: the channels of each element that it meets, by those of the kernel's place. The
   kernel is brought to [places of the kernel, channels] in float32 first. */
#include "cpu/conv/depthwise.h"

#include <string.h>

#include "base/checked.h"
#include "base/threads.h"
#include "cpu/matmul/kit.h"
#include "cpu/sizes.h"
#include "table/conv.h"

enum { AXES = 3, SMALL_WORK = 1 << 14 };

typedef struct {
    const operand *x, *w, *out;
    int axes;
    conv_axis along[AXES];
    int64_t channels, taps, places; /* places of one image */
    bool flip;
    matmul_dtype dtype;
    depthwise_add *add;
    float *kernel, *scratch; /* scratch: sums and an element's channels, for each thread */
} depthwise_job;

#define ADDER(isa, isa_id) [isa_id] = depthwise_add_##isa,
static depthwise_add *const adders[ISA_COUNT] = {CPU_EACH_ISA(ADDER)};

static int64_t volume(const int64_t *sizes, int count) {
    int64_t v = 1;
    for (int i = 0; i < count; i++) v *= sizes[i];
    return v;
}

static depthwise_job job_of(const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1], *out = &c->outputs[0];
    depthwise_job j = {.x = x, .w = w, .out = out, .axes = x->ndim - 2, .flip = a->flip, .add = adders[cpu_best_isa()]};
    for (int i = 0; i < j.axes; i++) j.along[i] = conv_axis_of(a, i, w->shape[i + 1]);
    j.channels = w->shape[0];
    j.taps = volume(w->shape + 1, j.axes);
    j.places = volume(out->shape + 1, j.axes);
    j.dtype = matmul_dtype_of(out->dtype);
    return j;
}

static int64_t line_bytes(int64_t channels) {
    return (channels * 4 + 63) / 64 * 64;
}

static int64_t workspace(const call *c) {
    depthwise_job j = job_of(c);
    int64_t bytes;
    return checked_mul(line_bytes(j.channels), j.taps + 2 * parallel_threads(), &bytes) ? bytes : INT64_MAX;
}

static float *kernel_line(const depthwise_job *j, int64_t tap) {
    return (float *)(void *)((char *)j->kernel + tap * line_bytes(j->channels));
}

static void read_kernel(const depthwise_job *j) {
    for (int64_t t = 0; t < j->taps; t++) {
        int64_t tap[AXES], offset = 0;
        split_index(j->flip ? j->taps - 1 - t : t, j->w->shape + 1, j->axes, tap);
        for (int i = 0; i < j->axes; i++) offset += tap[i] * j->w->strides[i + 1];
        for (int64_t c = 0; c < j->channels; c++)
            kernel_line(j, t)[c] = load_as_float(j->dtype, j->w->data, offset + c * j->w->strides[0]);
    }
}

/* Elements from the image's first to the one that a place meets; false if there is a zero. */
static bool meets(const depthwise_job *j, const int64_t *place, const int64_t *tap, int64_t *offset) {
    *offset = 0;
    for (int i = 0; i < j->axes; i++) {
        const conv_axis *a = &j->along[i];
        int64_t at = place[i] * a->stride + tap[i] * a->kernel_dilation - a->low;
        if (at < 0 || at % a->input_dilation || at / a->input_dilation >= j->x->shape[i + 1]) return false;
        *offset += at / a->input_dilation * j->x->strides[i + 1];
    }
    return true;
}

static void sum_place(const depthwise_job *j, int64_t image, const int64_t *place, float *sums, float *element) {
    memset(sums, 0, (size_t)j->channels * sizeof *sums);
    for (int64_t t = 0; t < j->taps; t++) {
        int64_t tap[AXES], offset;
        split_index(t, j->w->shape + 1, j->axes, tap);
        if (!meets(j, place, tap, &offset)) continue;
        const char *from =
            (const char *)j->x->data + (image * j->x->strides[0] + offset) * matmul_dtype_bytes(j->dtype);
        matmul_kit_in_use()->widen(j->dtype, from, 0, 1, j->channels, element, 0);
        j->add(sums, element, kernel_line(j, t), j->channels);
    }
}

static void sum_places(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const depthwise_job *j = context;
    float *sums = (float *)(void *)((char *)j->scratch + 2 * thread * line_bytes(j->channels));
    float *element = (float *)(void *)((char *)sums + line_bytes(j->channels));
    for (int64_t i = begin; i < end; i++) {
        int64_t place[AXES];
        split_index(i % j->places, j->out->shape + 1, j->axes, place);
        sum_place(j, i / j->places, place, sums, element);
        char *to = (char *)j->out->data + i * j->channels * matmul_dtype_bytes(j->dtype);
        matmul_kit_in_use()->narrow(j->dtype, sums, j->channels, to);
    }
}

static bool run(const call *c) {
    depthwise_job j = job_of(c);
    j.kernel = c->workspace;
    j.scratch = kernel_line(&j, j.taps);
    read_kernel(&j);
    parallel_for(j.out->shape[0] * j.places, SMALL_WORK / (j.taps * j.channels + 1) + 1, sum_places, &j);
    return true;
}

static bool supports(const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1];
    int channel = x->ndim - 1;
    return x->ndim - 2 <= AXES && a->groups > 1 && w->shape[channel] == 1 && w->shape[0] == a->groups &&
           x->shape[channel] == a->groups && x->strides[channel] == 1;
}

const kernel_row conv_depthwise_row = {.op = OP_conv,
                                       .name = "conv_depthwise_cpu",
                                       .dtypes =
                                           DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT16),
                                       .layout = LAYOUT_ANY,
                                       .supports = supports,
                                       .workspace = workspace,
                                       .run = run};
