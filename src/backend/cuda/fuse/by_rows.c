/* Attention of many tokens whose result [batch, heads, rows, dim] is copied by rows, as the product behind it wants it.
 */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/rows.h"

/* Whether o is [batch, rows, heads, dim] of attention's result. */
static bool goes_by_rows(const operand *o, const attention_kernel *k) {
    const int64_t shape[] = {k->batch, k->rows, k->heads, k->value_dim},
                  strides[] = {k->heads * k->rows * k->value_dim, k->value_dim, k->rows * k->value_dim, 1};
    if (o->data != k->to || o->ndim != 4) return false;
    for (int i = 0; i < 4; i++)
        if (o->shape[i] != shape[i] || (shape[i] > 1 && o->strides[i] != strides[i])) return false;
    return true;
}

int fuse_by_rows(const call *calls, int count, const unsigned *constant) {
    (void)constant;
    if (count < 2 || calls[0].row != &cuda_attention || calls[1].op != OP_contiguous) return 0;
    attention_kernel k = attention_of(&calls[0]);
    const operand *to = &calls[1].outputs[0];
    if (operand_size(to) == 0 || !attention_is_grouped(&calls[0], &k) || !goes_by_rows(&calls[1].inputs[0], &k) ||
        !call_leaves_alone(&calls[0], span_of(to)))
        return 0;
    k.by_rows = to->data;
    if (calls[1].last_reads & 1) k.to = NULL;
    return launch_group_attention(&k, cuda_stream_now) ? 2 : 0;
}
