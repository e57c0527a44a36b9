/* The row of attention: few queries by parts of the keys, many on the matrix units (by warpgroups, or by warps), and a
   plain kernel for what none of these takes. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/kernels.h"
#include "table/absent.h"

enum { Q, K, V, MASK, LENGTH, SINKS, MOST_VALUE_DIM = 512, MOST_DIM = 4096, FEW_ROWS = 8, MOST_PARTS = 128 };

static const operand *optional(const call *c, int i) {
    return i < c->input_count && c->inputs[i].data ? &c->inputs[i] : NULL;
}

bool attention_takes_sinks(const call *c) {
    return c->input_count <= SINKS || c->inputs[SINKS].ndim == 0 || c->inputs[SINKS].dtype == c->inputs[Q].dtype;
}

static bool supports(const call *c) {
    return c->inputs[V].shape[3] <= MOST_VALUE_DIM && c->inputs[Q].shape[3] <= MOST_DIM && attention_takes_sinks(c);
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

attention_kernel attention_of(const call *c) {
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
    take_strides(kernel.q_strides, q);
    take_strides(kernel.k_strides, k);
    take_strides(kernel.v_strides, v);
    if (mask) take_mask(&kernel, mask);
    if (length)
        kernel.length = length->data, kernel.length_dtype = (int)length->dtype, kernel.length_step = length->strides[0];
    if (sinks) kernel.sinks = sinks->data, kernel.sink_step = sinks->strides[0];
    kernel.part_keys = 64 * ((kernel.keys + 64 * MOST_PARTS - 1) / (64 * MOST_PARTS));
    kernel.parts = kernel.part_keys ? (kernel.keys + kernel.part_keys - 1) / kernel.part_keys : 0;
    return kernel;
}

/* ---- which kernel: shapes and strides decide what may serve, addresses whether it does */
static bool steps_by_16(const operand *o) {
    return rows_step_by_16(o) && o->shape[3] % 8 == 0 && o->shape[3] > 0 && o->shape[3] <= 256;
}

bool attention_is_split(const call *c, const attention_kernel *k) {
    return k->rows <= FEW_ROWS && k->keys > 0 && k->keys < INT32_MAX / 2 && c->inputs[Q].dtype != TARN_FLOAT64 &&
           steps_by_16(&c->inputs[K]) && steps_by_16(&c->inputs[V]) && k->dim % 8 == 0;
}

static bool fits_matrix_units(const call *c, const attention_kernel *k) {
    bool half = k->dtype == (int)TARN_FLOAT16 || k->dtype == (int)TARN_BFLOAT16;
    return half && k->rows > FEW_ROWS && k->scale > 0 && k->keys < INT32_MAX / 2 && steps_by_16(&c->inputs[Q]) &&
           steps_by_16(&c->inputs[K]) && steps_by_16(&c->inputs[V]);
}

/* Few queries leave most of a block of warpgroups idle, but only they take an array. */
static bool is_grouped(const call *c, const attention_kernel *k) {
    bool forward = k->keys > 0;
    for (int i = Q; i <= V; i++)
        for (int axis = 0; axis < 3; axis++)
            forward = forward && (c->inputs[i].shape[axis] == 1 || c->inputs[i].strides[axis] > 0);
    return forward && k->dim <= 128 && k->value_dim <= 128 && (k->mask || k->rows > 64 || k->dim != k->value_dim);
}

static bool is_tiled(const attention_kernel *k) {
    enum { LONG_DIM = 128, LONG_BYTES = 160 << 10 /* of shared memory, of longer ones */ };
    return k->dim == k->value_dim && !k->mask && (k->dim <= LONG_DIM || cuda_shared_bytes() >= LONG_BYTES);
}

static int64_t workspace(const call *c) {
    attention_kernel k = attention_of(c);
    return attention_is_split(c, &k) ? k.batch * k.heads * k.rows * k.parts * (k.value_dim + 2) * (int64_t)sizeof(float)
                                     : 0;
}

static bool lies_at_16(const call *c, int first) {
    for (int i = first; i <= V; i++)
        if ((uintptr_t)c->inputs[i].data % 16) return false;
    return true;
}

/* Unless the device cannot. */
bool attention_is_grouped(const call *c, const attention_kernel *k) {
    bool split = attention_is_split(c, k) && lies_at_16(c, K);
    return !split && fits_matrix_units(c, k) && lies_at_16(c, Q) && is_grouped(c, k);
}

static bool run(const call *c) {
    attention_kernel k = attention_of(c);
    if (operand_size(&c->outputs[0]) == 0) return true;
    k.partial = c->workspace;
    if (attention_is_split(c, &k) && lies_at_16(c, K))
        launch_split_attention(&k, cuda_stream_now);
    else if (attention_is_grouped(c, &k) && launch_group_attention(&k, cuda_stream_now))
        ;
    else if (fits_matrix_units(c, &k) && lies_at_16(c, Q) && is_tiled(&k))
        launch_tile_attention(&k, cuda_stream_now);
    else
        launch_attention(&k, cuda_stream_now);
    return true;
}

const kernel_row cuda_attention = {CUDA_ROW(attention),
                                   .dtypes = DTYPES_FLOAT,
                                   .selector = 0,
                                   .layout = LAYOUT_ROWS,
                                   .any_layout = 1u << MASK | 1u << LENGTH | 1u << SINKS,
                                   .supports = supports,
                                   .workspace = workspace,
                                   .run = run};
