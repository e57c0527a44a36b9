/* A gate of rows whose halves lie side by side, as a joined product of both makes them: a group that has a kernel of
   its own, or is the end of the product's. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"

/* Whether o is one half of each of the rows that `data` begins. */
static bool is_half(const operand *o, const void *data, int64_t half) {
    int64_t step = 2 * half;
    if (o->data != data || o->shape[o->ndim - 1] != half || o->strides[o->ndim - 1] != 1) return false;
    for (int i = o->ndim - 2; i >= 0; i--) {
        if (o->shape[i] != 1 && o->strides[i] != step) return false;
        step *= o->shape[i];
    }
    return true;
}

bool gate_of_rows(const call *c, gate_kernel *k) {
    if (c->op != OP_group || c->input_count != 2 || c->output_count != 1 || c->outputs[0].ndim < 2) return false;
    const operand *out = &c->outputs[0];
    int gate = group_is_gate(c, out->dtype, 0) ? 0 : 1;
    const operand *first = &c->inputs[gate], *second = &c->inputs[1 - gate];
    int64_t half = out->shape[out->ndim - 1], size = operand_size(out);
    *k = (gate_kernel){
        .to = out->data, .from = first->data, .dtype = (int)out->dtype, .rows = half ? size / half : 0, .half = half};
    return (out->dtype == TARN_FLOAT16 || out->dtype == TARN_BFLOAT16) && group_is_gate(c, out->dtype, gate) &&
           k->rows > 1 && half % 8 == 0 && operand_size(first) == size && operand_size(second) == size &&
           ((uintptr_t)k->to | (uintptr_t)k->from) % 16 == 0 && is_half(first, first->data, half) &&
           is_half(second, (const char *)first->data + half * dtype_bytes(out->dtype), half);
}

bool gates_rows(const call *c, const void *from, int dtype, int64_t m, int64_t n) {
    gate_kernel gate;
    return gate_of_rows(c, &gate) && gate.from == from && gate.dtype == dtype && gate.rows == m && 2 * gate.half == n;
}

/* ---- a dense product, and the gate of its halves */
int fuse_rows(const call *calls, int count, const unsigned *constant) {
    dense_rows_kernel k;
    if (count < 2 || !dense_rows_of(calls, constant ? *constant : 0, &k)) return 0;
    const operand *gated = &calls[1].outputs[0];
    if (!gates_rows(&calls[1], k.to, k.dtype, k.m, k.n) || !call_leaves_alone(calls, span_of(gated))) return 0;
    k.gated = gated->data;
    if ((calls[1].last_reads & 3) == 3) k.to = NULL;
    return launch_dense_rows(&k, cuda_stream_now) ? 2 : 0;
}

int fuse_gate(const call *calls, int count, const unsigned *constant) {
    gate_kernel k;
    (void)constant;
    if (count < 1 || !gate_of_rows(calls, &k)) return 0;
    launch_gate(&k, cuda_stream_now);
    return 1;
}
