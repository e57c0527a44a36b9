/* The list of what is fused, and what the finders share. */
#include "cuda/fuse/fuse.h"

#include "cuda/cuda.h"

byte_span span_of(const operand *o) {
    int64_t last = 0;
    if (!o->data || operand_size(o) == 0) return (byte_span){0, 0};
    uintptr_t begins = (uintptr_t)o->data;
    for (int i = 0; i < o->ndim; i++) {
        int64_t reach = (o->shape[i] - 1) * o->strides[i];
        if (reach < 0) begins -= (uintptr_t)(-reach * dtype_bytes(o->dtype));
        last += reach > 0 ? reach : 0;
    }
    return (byte_span){begins, (uintptr_t)o->data + (uintptr_t)((last + 1) * dtype_bytes(o->dtype))};
}

bool spans_meet(byte_span a, byte_span b) {
    return a.begins < b.ends && b.begins < a.ends;
}

bool lies_in_line(const operand *o) {
    return operand_is_dense(o);
}

typedef int (*fusion)(const call *calls, int count, const unsigned *constant);
static const fusion fusions[] = {fuse_product, fuse_attention};
enum { FUSIONS = sizeof fusions / sizeof *fusions };

int cuda_launch_next(const call *calls, int count, const unsigned *constant, bool *ok) {
    for (int i = 0; i < FUSIONS; i++) {
        int taken = fusions[i](calls, count, constant);
        if (taken == 0) continue;
        *ok = cuda_ok(cudaGetLastError(), calls[taken - 1].row->name);
        return taken;
    }
    cuda_constant_inputs = constant ? *constant : 0;
    *ok = cuda_launch(calls);
    cuda_constant_inputs = 0;
    return 1;
}
