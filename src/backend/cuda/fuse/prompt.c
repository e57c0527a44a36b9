/* A product of many rows with packed weights, and the gate that its halves make. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

/* Whether o is the half of each row of y that begins at `data`. */
static bool is_half(const operand *o, const operand *y, const void *data) {
    int64_t half = y->shape[y->ndim - 1] / 2, step = 2 * half;
    if (o->data != data || o->ndim < 2 || o->shape[o->ndim - 1] != half || o->strides[o->ndim - 1] != 1) return false;
    for (int i = o->ndim - 2; i >= 0; i--) {
        if (o->shape[i] != 1 && o->strides[i] != step) return false;
        step *= o->shape[i];
    }
    return operand_size(o) == operand_size(y) / 2;
}

/* silu(first half of each row) * second half. What the product reads, but for x, of which a copy is multiplied, must
   stay. */
static bool is_gate(const call *product, const call *c, const prompt_kernel *k) {
    const operand *y = &product->outputs[0];
    int gate = c->input_count == 2 && c->inputs[0].data == y->data ? 0 : 1;
    if (!group_is_gate(c, y->dtype, gate) || (uintptr_t)c->outputs[0].data % 16) return false;
    const void *second = (const char *)y->data + y->shape[y->ndim - 1] / 2 * dtype_bytes(y->dtype);
    byte_span result = span_of(&c->outputs[0]), copy = {(uintptr_t)k->spread, (uintptr_t)k->spread};
    copy.ends += (uintptr_t)(k->m * k->k * dtype_bytes(y->dtype));
    for (int i = 1; i < product->input_count; i++)
        if (spans_meet(span_of(&product->inputs[i]), result)) return false;
    return is_half(&c->inputs[gate], y, y->data) && is_half(&c->inputs[1 - gate], y, second) &&
           operand_size(&c->outputs[0]) == operand_size(y) / 2 && !spans_meet(result, copy) &&
           !spans_meet(result, span_of(y));
}

int fuse_prompt(const call *calls, int count, const unsigned *constant) {
    prompt_kernel k;
    if (count < 2 || calls->row != &cuda_quantized_matmul || !packed_prompt_of(calls, constant ? *constant : 0, &k))
        return 0;
    if (!is_gate(&calls[0], &calls[1], &k)) return 0;
    k.gated = calls[1].outputs[0].data;
    return launch_prompt(&k, cuda_stream_now) ? 2 : 0;
}
