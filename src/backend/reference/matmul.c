/* matmul: a [..., m, k] @ b [..., k, n], leading axes broadcast. */
#include "reference/product.h"
#include "reference/reference.h"

static bool supports(const call *c) {
    return c->inputs[0].ndim >= 2 && c->inputs[1].ndim >= 2;
}

static int64_t inner_size(const call *c) {
    return c->inputs[0].shape[c->inputs[0].ndim - 1];
}

static bool run(const call *c) {
    const operand *out = &c->outputs[0];
    value_class class = value_class_of(out->dtype);
    dense_matrix a = dense_matrix_of(&c->inputs[0], class), b = dense_matrix_of(&c->inputs[1], class);
    product p = {out->shape[out->ndim - 2],
                 out->shape[out->ndim - 1],
                 inner_size(c),
                 dense_entry,
                 dense_entry,
                 &a,
                 &b,
                 out->dtype,
                 out->data};
    cursor left = leading_axes(&c->inputs[0], out), right = leading_axes(&c->inputs[1], out);
    for (; left.left > 0; cursor_next(&left), cursor_next(&right), p.out += p.m * p.n * dtype_bytes(out->dtype)) {
        a.data = left.at;
        b.data = right.at;
        product_run(&p, c->workspace);
    }
    return true;
}

static int64_t workspace(const call *c) {
    return product_workspace(inner_size(c));
}

const kernel_row reference_matmul = {REFERENCE_ROW(matmul), .supports = supports, .workspace = workspace, .run = run};
