/* conv: each element of the result by itself, as a sum over the kernel and the channels of its group. */
#include "table/conv.h"

#include "reference/fold.h"
#include "reference/reference.h"

typedef struct {
    const operand *x, *w;
    int axes;
    conv_axis along[TARN_MAX_NDIM];
    int64_t channels, outs, x_channel, w_channel; /* of a group; bytes from channel to channel */
    bool flip;
    value_class class;
    value_loader load;
} problem;

static problem problem_of(const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1];
    problem p = {.x = x, .w = w, .axes = x->ndim - 2, .flip = a->flip, .class = value_class_of(x->dtype)};
    for (int i = 0; i < p.axes; i++) p.along[i] = conv_axis_of(a, i, w->shape[i + 1]);
    p.channels = w->shape[w->ndim - 1];
    p.outs = w->shape[0] / a->groups;
    p.x_channel = x->strides[x->ndim - 1] * dtype_bytes(x->dtype);
    p.w_channel = w->strides[w->ndim - 1] * dtype_bytes(w->dtype);
    p.load = value_loader_of(x->dtype);
    return p;
}

/* Adds the step to x for a place of the kernel; false if there is a zero. */
static bool meets(const problem *p, const int64_t *place, const int64_t *tap, const char **x, const char **w) {
    for (int i = 0; i < p->axes; i++) {
        const conv_axis *c = &p->along[i];
        int64_t at = place[i] * c->stride + tap[i] * c->kernel_dilation - c->low;
        if (at < 0 || at % c->input_dilation || at / c->input_dilation >= p->x->shape[i + 1]) return false;
        *x += at / c->input_dilation * p->x->strides[i + 1] * dtype_bytes(p->x->dtype);
        int64_t of_weight = p->flip ? p->w->shape[i + 1] - 1 - tap[i] : tap[i];
        *w += of_weight * p->w->strides[i + 1] * dtype_bytes(p->w->dtype);
    }
    return true;
}

static value add_channels(const problem *p, const char *x, const char *w, value sum) {
    fold_function add = fold_of(REDUCE_SUM, p->class), multiply = fold_of(REDUCE_PROD, p->class);
    for (int64_t c = 0; c < p->channels; c++)
        sum = add(sum, multiply(p->load(x + c * p->x_channel), p->load(w + c * p->w_channel)));
    return sum;
}

static bool next_tap(const problem *p, int64_t *tap) {
    for (int i = p->axes - 1; i >= 0; i--) {
        if (++tap[i] < p->w->shape[i + 1]) return true;
        tap[i] = 0;
    }
    return false;
}

/* The element at place of out [n, places ..., o]. */
static value element(const problem *p, const int64_t *place) {
    int64_t tap[TARN_MAX_NDIM] = {0}, out = place[p->axes + 1], group = out / p->outs;
    int64_t bytes = dtype_bytes(p->x->dtype);
    const char *x = (const char *)p->x->data + place[0] * p->x->strides[0] * bytes + group * p->channels * p->x_channel;
    const char *w = (const char *)p->w->data + out * p->w->strides[0] * bytes;
    value sum = value_of_integer(0, p->class);
    do {
        const char *from = x, *by = w;
        if (meets(p, place + 1, tap, &from, &by)) sum = add_channels(p, from, by, sum);
    } while (next_tap(p, tap));
    return sum;
}

static bool run(const call *c) {
    problem p = problem_of(c);
    tarn_dtype dtype = c->outputs[0].dtype;
    for (cursor at = cursor_of(&c->outputs[0]); at.left > 0; cursor_next(&at))
        value_storer_of(dtype)(at.at, value_convert(element(&p, at.index), p.class, dtype));
    return true;
}

const kernel_row reference_conv = {REFERENCE_ROW(conv), .run = run};
