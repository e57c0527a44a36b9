/* What products of tokens by packed weights have in common, whatever the weights are packed as. */
#ifndef CPU_MATMUL_TOKENS_H
#define CPU_MATMUL_TOKENS_H

#include "backend/call.h"
#include "cpu/matmul/batch.h"
#include "cpu/matmul/gemm.h"

/* out[t * out_stride + n] = sum over k of x(t, k) * w(n, k). turned = false: line n of the weights holds w(n, .); true:
   line k holds w(., k). */
typedef struct {
    matmul_operand x; /* element (t, k) */
    bool turned;
    int64_t tokens, columns, depth;
    void *out;
    matmul_dtype out_dtype;
    int64_t out_stride;
} token_product;

/* The first product of a call whose tokens are folded. */
static inline token_product token_product_of(const operand *x, const operand *out, const batch_axes *axes,
                                             bool turned) {
    int64_t columns = out->shape[out->ndim - 1];
    return (token_product){.x = {.data = x->data,
                                 .dtype = matmul_dtype_of(x->dtype),
                                 .stride = axes->row_stride,
                                 .depth_stride = x->strides[x->ndim - 1]},
                           .turned = turned,
                           .tokens = axes->folded,
                           .columns = columns,
                           .depth = x->shape[x->ndim - 1],
                           .out = out->data,
                           .out_dtype = matmul_dtype_of(out->dtype),
                           .out_stride = columns};
}

/* From the first product of a call to product i. */
static inline void token_product_move(token_product *p, const batch_axes *axes, int64_t i) {
    p->x.data = (const char *)p->x.data + batch_offset(axes, 0, i) * matmul_dtype_bytes(p->x.dtype);
    p->out = (char *)p->out + i * p->tokens * p->columns * matmul_dtype_bytes(p->out_dtype);
}

/* As rows and columns: lines of weights are the rows, turned ones the columns. */
static inline gemm_problem token_product_as_gemm(const token_product *p, matmul_operand weights) {
    gemm_problem g = {.depth = p->depth, .out = p->out, .out_dtype = p->out_dtype};
    g.rows = p->turned ? p->x : weights, g.columns = p->turned ? weights : p->x;
    g.row_count = p->turned ? p->tokens : p->columns, g.column_count = p->turned ? p->columns : p->tokens;
    g.out_row_stride = p->turned ? p->out_stride : 1, g.out_column_stride = p->turned ? 1 : p->out_stride;
    return g;
}

#endif
