/* The row of attention: any masks, lengths and sinks, in one kernel. */
#include "cuda/cuda.h"
#include "cuda/kernels.h"
#include "table/absent.h"

enum { Q, K, V, MASK, LENGTH, SINKS, MOST_VALUE_DIM = 512, MOST_DIM = 4096 };

static const operand *optional(const call *c, int i) {
    return i < c->input_count && c->inputs[i].data ? &c->inputs[i] : NULL;
}

static bool supports(const call *c) {
    return c->inputs[V].shape[3] <= MOST_VALUE_DIM && c->inputs[Q].shape[3] <= MOST_DIM &&
           (c->input_count <= SINKS || c->inputs[SINKS].ndim == 0 || c->inputs[SINKS].dtype == c->inputs[Q].dtype);
}

static void take_strides(int64_t *to, const operand *o) {
    for (int i = 0; i < 3; i++) to[i] = o->strides[i];
}

/* The mask's own axes are the last ones; along those of size 1 it does not move. */
static void take_mask(attention_kernel *k, const operand *mask) {
    k->mask = mask->data;
    k->mask_dtype = (int)mask->dtype;
    for (int i = 0; i < mask->ndim; i++)
        k->mask_strides[4 - mask->ndim + i] = mask->shape[i] == 1 ? 0 : mask->strides[i];
}

static bool run(const call *c) {
    const attributes_attention *a = c->attributes;
    const operand *q = &c->inputs[Q], *k = &c->inputs[K], *v = &c->inputs[V], *mask = optional(c, MASK),
                  *length = optional(c, LENGTH), *sinks = optional(c, SINKS);
    attention_kernel kernel = {.to = c->outputs[0].data,
                               .q = q->data,
                               .k = k->data,
                               .v = v->data,
                               .dtype = (int)q->dtype,
                               .causal = a->causal,
                               .window = a->window,
                               .batch = q->shape[0],
                               .heads = q->shape[1],
                               .kv_heads = k->shape[1],
                               .rows = q->shape[2],
                               .keys = k->shape[2],
                               .dim = q->shape[3],
                               .value_dim = v->shape[3],
                               .scale = attention_scale(a, q->shape[3])};
    if (operand_size(&c->outputs[0]) == 0) return true;
    take_strides(kernel.q_strides, q);
    take_strides(kernel.k_strides, k);
    take_strides(kernel.v_strides, v);
    if (mask) take_mask(&kernel, mask);
    if (length)
        kernel.length = length->data, kernel.length_dtype = (int)length->dtype, kernel.length_step = length->strides[0];
    if (sinks) kernel.sinks = sinks->data, kernel.sink_step = sinks->strides[0];
    launch_attention(&kernel, cuda_stream_now);
    return true;
}

const kernel_row cuda_attention = {CUDA_ROW(attention),
                                   .dtypes = DTYPES_FLOAT,
                                   .selector = 0,
                                   .layout = LAYOUT_ROWS,
                                   .any_layout = 1u << MASK | 1u << LENGTH | 1u << SINKS,
                                   .supports = supports,
                                   .run = run};
