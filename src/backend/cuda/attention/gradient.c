/* The row of attention's gradient: half types, on the matrix units. What it does not take has its formula. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/kernels.h"
#include "table/absent.h"

enum { G, Q, K, V, MASK, LENGTH, SINKS, MOST_DIM = 128, MOST_BLOCKS = 65535, SUMS_BYTES = 16 };

/* The call of attention whose gradient it is; `a` holds its attributes. */
static call forward_call(const call *c, attributes_attention *a) {
    call forward = *c;
    *a = attention_of_gradient(c->attributes);
    forward.attributes = a;
    forward.inputs++;
    forward.input_count--;
    return forward;
}

static bool supports(const call *c) {
    attributes_attention a;
    call forward = forward_call(c, &a);
    const operand *q = &c->inputs[Q], *v = &c->inputs[V];
    return attention_takes_sinks(&forward) && q->shape[3] <= MOST_DIM && v->shape[3] <= MOST_DIM &&
           v->shape[2] < INT32_MAX / 2 && q->shape[1] <= MOST_BLOCKS && q->shape[0] <= MOST_BLOCKS &&
           attention_scale(forward.attributes, q->shape[3]) > 0;
}

static bool lies_at_16(const operand *o) {
    return rows_step_by_16(o) && o->shape[3] % 8 == 0 && (uintptr_t)o->data % 16 == 0;
}

static int64_t workspace(const call *c) {
    const int64_t *shape = c->inputs[Q].shape;
    return shape[0] * shape[1] * shape[2] * SUMS_BYTES;
}

static bool run(const call *c) {
    attributes_attention a;
    call forward = forward_call(c, &a);
    attention_gradient_kernel g = {.attention = attention_of(&forward),
                                   .gradient = c->inputs[G].data,
                                   .q = c->outputs[0].data,
                                   .k = c->outputs[1].data,
                                   .v = c->outputs[2].data,
                                   .sums = c->workspace,
                                   .aligned = true};
    if (g.attention.batch == 0 || g.attention.heads == 0) return true;
    for (int i = 0; i < 3; i++) g.strides[i] = c->inputs[G].strides[i];
    for (int i = G; i <= V; i++) g.aligned = g.aligned && lies_at_16(&c->inputs[i]);
    launch_attention_gradient(&g, cuda_stream_now);
    return true;
}

const kernel_row cuda_attention_gradient = {CUDA_ROW(attention_gradient),
                                            .dtypes = DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16),
                                            .selector = 0,
                                            .layout = LAYOUT_ROWS,
                                            .any_layout = 1u << MASK | 1u << LENGTH | 1u << SINKS,
                                            .supports = supports,
                                            .workspace = workspace,
                                            .run = run};
