/* Gradients of a bounded norm. */
#include "nn/nn.h"
#include "tarn/optim.h"

bool tarn_clip_grad_norm(tarn_array *const *gradients, int count, double max_norm, tarn_array **out,
                         tarn_array **norm) {
    if (count < 0 || (count && (!gradients || !out))) return tarn_fail("clip_grad_norm: a list is NULL");
    tarn_array *squares = tarn_scalar(0, TARN_FLOAT32);
    for (int i = 0; i < count; i++) squares = tarn_add(squares, tarn_sum(tarn_square(gradients[i])));
    tarn_array *root = tarn_sqrt(squares), *one = tarn_scalar_like(1, root);
    tarn_array *factor = tarn_minimum(tarn_divide(tarn_scalar_like(max_norm, root), tarn_add_number(root, 1e-6)), one);
    for (int i = 0; i < count; i++)
        out[i] = tarn_multiply(gradients[i], tarn_astype(factor, tarn_dtype_of(gradients[i])));
    if (norm) *norm = root;
    return tarn_ok();
}
