/* CASE(function, an expression over x [n, 2 n], y [2 n, n], in[ROW] [n], in[INDICES] [n, 2 n], in[KEY]); the size n
   changes between trace and replay. MANY_CASE(function, outputs, a call that writes out). */
#define DEEP(a) tarn_expand_dims(a, TARN_AXES(0, 1)) /* [1, 1, rows, columns] */
#define WORDS(a)                                                                                                       \
    tarn_astype(                                                                                                       \
        tarn_abs(tarn_slice_axis(tarn_concatenate(TARN_ARRAYS(a, a, a, a), 4, .axis = TARN_AXIS(-1)), -1, 0, 8)),      \
        TARN_UINT32)
#define ONES_COLUMN(a) tarn_ones_like(tarn_slice_axis(a, -1, 0, 1))

/* dtype and order */
CASE(astype, tarn_astype(x, TARN_FLOAT64))
CASE(view, tarn_view(x, TARN_UINT16))
CASE(contiguous, tarn_contiguous(y))
CASE(stop_gradient, tarn_stop_gradient(x))
CASE(depends, tarn_depends(x, TARN_ARRAYS(y), 1))
CASE(scalar_like, tarn_multiply(tarn_scalar_like(2, x), x))
CASE(imaginary_unit_like, tarn_multiply(tarn_imaginary_unit_like(x), x))
CASE(zeros_like, tarn_zeros_like(x))
CASE(ones_like, tarn_ones_like(x))

/* functions */
CASE(checkpoint, tarn_results_at(tarn_checkpoint(TARN_FUNCTION(replayed_body, NULL), in, 1), 0))
CASE(gradient_of_checkpoint, tarn_results_at(tarn_grad(TARN_FUNCTION(replayed_checkpoint, NULL), in, 1), 0))

/* views */
CASE(transpose, tarn_transpose(x))
CASE(swapaxes, tarn_swapaxes(x, 0, -1))
CASE(moveaxis, tarn_moveaxis(x, 0, -1))
CASE(reshape, tarn_reshape(x, TARN_SHAPE(2, -1)))
CASE(reshape_like, tarn_reshape_like(x, y))
CASE(flatten, tarn_flatten(x))
CASE(unflatten, tarn_unflatten(x, 1, TARN_SHAPE(2, -1)))
CASE(expand_dims, tarn_expand_dims(x, TARN_AXES(0, -1)))
CASE(squeeze, tarn_squeeze(tarn_sum(x, .axes = TARN_AXES(0), .keepdims = true)))
CASE(broadcast_to, tarn_broadcast_to(tarn_sum(x), TARN_SHAPE(3)))
CASE(broadcast_like, tarn_broadcast_like(tarn_sum(x, .axes = TARN_AXES(0)), x))
CASE(slice, tarn_slice(x, TARN_INTS(-1, 0), TARN_INTS(INT64_MAX, -1), .step = TARN_INTS(1, 2)))
CASE(slice_axis, tarn_slice_axis(x, -1, 1, INT64_MAX))
MANY_CASE(split, 2, tarn_split(x, 2, out, .axis = TARN_AXIS(-1)))
MANY_CASE(split_at, 2, tarn_split_at(x, TARN_INTS(-1), out, .axis = TARN_AXIS(-1)))
CASE(flip, tarn_flip(x, .axes = TARN_AXES(-1)))
MANY_CASE(unstack, 2, tarn_unstack(tarn_stack(TARN_ARRAYS(x, x), 2), out))
CASE(diagonal, tarn_diagonal(x, .offset = 1))
CASE(atleast_1d, tarn_atleast_1d(tarn_sum(x)))
CASE(atleast_2d, tarn_atleast_2d(tarn_sum(x, .axes = TARN_AXES(0))))
CASE(atleast_3d, tarn_atleast_3d(tarn_sum(x, .axes = TARN_AXES(0))))
MANY_CASE(broadcast_arrays, 2, tarn_broadcast_arrays(TARN_ARRAYS(x, tarn_sum(x, .axes = TARN_AXES(0))), 2, out))

/* moving */
CASE(tile, tarn_tile(x, TARN_SHAPE(2, 1, 2)))
CASE(roll, tarn_roll(x, TARN_INTS(1, -2), .axes = TARN_AXES(0, 1)))
CASE(pad, tarn_pad(x, TARN_INTS(0, 3), TARN_INTS(5), .mode = TARN_PAD_SYMMETRIC))
CASE(diag, tarn_diag(tarn_sum(x, .axes = TARN_AXES(0)), .k = -1))
CASE(concatenate, tarn_concatenate(TARN_ARRAYS(x, tarn_transpose(y)), 2))
CASE(stack, tarn_stack(TARN_ARRAYS(x, tarn_transpose(y)), 2, .axis = TARN_AXIS(-1)))
CASE(repeat, tarn_repeat(x, 3, .axis = TARN_AXIS(-1)))
CASE(gather, tarn_gather(y, TARN_ARRAYS(in[ROW], in[ROW]), 2, TARN_AXES(0, 1)))
CASE(take, tarn_take(y, in[ROW], .axis = TARN_AXIS(0)))
CASE(take_along_axis, tarn_take_along_axis(x, in[INDICES], .axis = TARN_AXIS(-1)))
CASE(scatter_axes,
     tarn_scatter_axes(y, TARN_ARRAYS(in[ROW], in[ROW]), 2, tarn_sum(x), TARN_AXES(0, 1), .mode = TARN_SCATTER_ADD))
CASE(scatter, tarn_scatter(y, in[ROW], tarn_sum(x), .axis = TARN_AXIS(0)))
CASE(scatter_add, tarn_scatter_add(y, in[ROW], tarn_take(y, in[ROW], .axis = TARN_AXIS(0)), .axis = TARN_AXIS(0)))
CASE(put_along_axis, tarn_put_along_axis(x, in[INDICES], tarn_sum(x), .axis = TARN_AXIS(1)))
CASE(add_along_axis, tarn_add_along_axis(x, in[INDICES], tarn_square(x), .axis = TARN_AXIS(-1)))
CASE(slice_update, tarn_slice_update(x, tarn_slice_axis(x, -1, 0, 1), tarn_slice_axis(in[ROW], 0, 0, 1), TARN_AXES(-1)))
CASE(slice_array, tarn_slice_array(x, tarn_slice_axis(in[ROW], 0, 0, 1), TARN_AXES(-1), TARN_INTS(2)))

/* index.h */
CASE(index, tarn_index(x, TARN_INDEX(TARN_AT(-1), TARN_NEW_AXIS, TARN_PICK(in[ROW]))))
CASE(index_update, tarn_index_update(y, TARN_INDEX(TARN_PICK(in[ROW]), TARN_AT(-1)), tarn_sum(x)))
MANY_CASE(nonzero, 2, tarn_nonzero(x, out, .size = TARN_INTEGER(5)))

/* reducing */
CASE(sum, tarn_sum(x, .axes = TARN_AXES(-1)))
CASE(prod, tarn_prod(x))
CASE(max, tarn_max(x, .axes = TARN_AXES(0), .keepdims = true))
CASE(min, tarn_min(x, .axes = TARN_AXES(-1)))
CASE(all, tarn_all(x))
CASE(any, tarn_any(x, .axes = TARN_AXES(1)))
CASE(mean, tarn_mean(x, .axes = TARN_AXES(-1)))
CASE(logsumexp, tarn_logsumexp(x, .axes = TARN_AXES(0)))
CASE(sum_like, tarn_sum_like(x, tarn_sum(x, .axes = TARN_AXES(0))))
CASE(argmax, tarn_argmax(x, .axis = TARN_AXIS(-1)))
CASE(argmin, tarn_argmin(x, .axis = TARN_AXIS(0), .keepdims = true))
CASE(cumsum, tarn_cumsum(x, .axis = TARN_AXIS(-1), .reverse = true))

/* ordering, products */
CASE(sort, tarn_sort(x))
CASE(argsort, tarn_argsort(x, .axis = TARN_AXIS(0)))
CASE(matmul, tarn_matmul(x, y))
CASE(addmm, tarn_addmm(tarn_sum(x), x, y, .alpha = TARN_VALUE(2), .beta = TARN_VALUE(-1)))
CASE(inner, tarn_inner(x, tarn_transpose(y)))
CASE(outer, tarn_outer(x, y))
CASE(vecdot, tarn_vecdot(x, tarn_transpose(y), .axis = TARN_AXIS(0)))
CASE(tensordot, tarn_tensordot(x, y, 1))
CASE(tensordot_axes, tarn_tensordot_axes(x, y, TARN_AXES(-1, 0), TARN_AXES(0, 1)))
CASE(kron, tarn_kron(x, y))
CASE(einsum, tarn_einsum("ij,ji,ik,...->k...i", TARN_ARRAYS(x, y, x, tarn_sum(x, .axes = TARN_AXES(0))), 4))
#define EVEN(i) tarn_remainder(i, tarn_scalar_int(2, TARN_INT32))
CASE(gather_mm, tarn_gather_mm(tarn_expand_dims(x, TARN_AXES(1)), y, .left_indices = EVEN(in[ROW])))
CASE(segmented_mm, tarn_segmented_mm(x, y, tarn_slice_axis(in[INDICES], -1, 0, 2)))
CASE(block_masked_mm, tarn_block_masked_mm(x, y, .block_size = 64, .mask_left = tarn_sum(x, .keepdims = true)))
CASE(hadamard_transform, tarn_hadamard_transform(tarn_slice_axis(x, -1, 0, 4)))
#define IMAGES(a) tarn_expand_dims(a, TARN_AXES(0, 3)) /* [1, rows, columns, 1] */
#define CORNER(a) tarn_slice_axis(tarn_slice_axis(a, 1, 0, 2), 2, 0, 2)
CASE(conv_general, tarn_conv_general(IMAGES(x), CORNER(IMAGES(y)), .stride = TARN_INTS(1, 2), .padding = TARN_INTS(1),
                                     .padding_after = TARN_INTS(0, 2), .input_dilation = TARN_INTS(2), .flip = true))
CASE(conv1d, tarn_conv1d(tarn_expand_dims(x, TARN_AXES(0)), tarn_expand_dims(tarn_transpose(y), TARN_AXES(1))))
CASE(conv2d, tarn_conv2d(IMAGES(x), IMAGES(x), .padding = TARN_INTS(1), .dilation = TARN_INTS(1)))
CASE(conv3d, tarn_conv3d(tarn_expand_dims(IMAGES(x), TARN_AXES(0)), tarn_expand_dims(IMAGES(x), TARN_AXES(0))))
CASE(conv_transpose1d, tarn_conv_transpose1d(tarn_expand_dims(x, TARN_AXES(0)),
                                             tarn_expand_dims(tarn_transpose(y), TARN_AXES(0)), .stride = TARN_INTS(2)))
CASE(conv_transpose2d, tarn_conv_transpose2d(IMAGES(x), IMAGES(y), .stride = TARN_INTS(2, 1), .padding = TARN_INTS(1)))
#define SOLID(a) tarn_expand_dims(IMAGES(a), TARN_AXES(0))
CASE(conv_transpose3d, tarn_conv_transpose3d(SOLID(x), SOLID(x), .output_padding = TARN_INTS(0, 1, 0)))
CASE(convolve, tarn_convolve(tarn_flatten(x), tarn_flatten(tarn_slice_axis(y, 0, 0, 1))))
CASE(quantized_matmul, tarn_quantized_matmul(tarn_broadcast_to(tarn_sum(x), TARN_SHAPE(3, 64)), WORDS(x),
                                             ONES_COLUMN(x), .biases = ONES_COLUMN(x)))
#define ONE(a)  tarn_expand_dims(a, TARN_AXES(0))
#define WIDE(a) tarn_repeat(tarn_slice_axis(a, -1, 0, 1), 32, .axis = TARN_AXIS(1))
#define THREE   tarn_broadcast_to(tarn_sum(x), TARN_SHAPE(3, 32))
CASE(gather_qmm, tarn_gather_qmm(tarn_concatenate(TARN_ARRAYS(THREE, THREE), 2, .axis = TARN_AXIS(1)), ONE(WORDS(x)),
                                 ONE(ONES_COLUMN(x)), .biases = ONE(ONES_COLUMN(x)),
                                 .right_indices = tarn_multiply(in[ROW], tarn_scalar_int(0, TARN_INT32))))
CASE(qqmm, tarn_qqmm(THREE, WIDE(x), NULL))
CASE(gather_qqmm, tarn_gather_qqmm(THREE, WIDE(x), NULL, .mode = "mxfp8"))
CASE(to_fp8, tarn_to_fp8(x))
CASE(from_fp8, tarn_from_fp8(tarn_to_fp8(y), TARN_FLOAT16))
MANY_CASE(quantize, 3, tarn_quantize(tarn_repeat(x, 32, .axis = TARN_AXIS(-1)), out, .group_size = 32, .bits = 4))
CASE(dequantize, tarn_dequantize(WORDS(x), ONES_COLUMN(x), .biases = ONES_COLUMN(x), .group_size = 64, .bits = 4))

/* fused */
CASE(softmax, tarn_softmax(x, .axes = TARN_AXES(0)))
CASE(rms_norm, tarn_rms_norm(x, NULL))
CASE(rope, tarn_rope(DEEP(x), tarn_scalar_int(3, TARN_INT32)))
CASE(attention, tarn_attention(DEEP(x), DEEP(x), DEEP(x), .causal = true))
MANY_CASE(divmod, 2, tarn_divmod(x, tarn_transpose(y), out))
CASE(random_categorical, tarn_random_categorical(in[KEY], x))

/* linalg.h; matrices that are square and not singular: x xT */
#define SQUARE tarn_matmul(x, tarn_transpose(x))
CASE(linalg_norm, tarn_linalg_norm(x, .kind = "nuc", .axes = TARN_AXES(0, 1)))
CASE(linalg_cross, tarn_linalg_cross(tarn_slice_axis(x, -1, 0, 3), tarn_slice_axis(x, -1, 1, 4)))
MANY_CASE(linalg_qr, 2, tarn_linalg_qr(x, out))
MANY_CASE(linalg_svd, 3, tarn_linalg_svd(x, out))
CASE(linalg_cholesky, tarn_linalg_cholesky(SQUARE))
MANY_CASE(linalg_lu, 3, tarn_linalg_lu(x, out))
MANY_CASE(linalg_lu_factor, 2, tarn_linalg_lu_factor(y, out))
CASE(linalg_eigvals, tarn_linalg_eigvals(SQUARE))
MANY_CASE(linalg_eig, 2, tarn_linalg_eig(SQUARE, out))
CASE(linalg_eigvalsh, tarn_linalg_eigvalsh(SQUARE))
MANY_CASE(linalg_eigh, 2, tarn_linalg_eigh(SQUARE, out))
CASE(linalg_inv, tarn_linalg_inv(SQUARE))
CASE(linalg_tri_inv, tarn_linalg_tri_inv(SQUARE))
CASE(linalg_cholesky_inv, tarn_linalg_cholesky_inv(SQUARE))
CASE(linalg_pinv, tarn_linalg_pinv(x))
CASE(linalg_solve, tarn_linalg_solve(SQUARE, x))
CASE(linalg_solve_triangular, tarn_linalg_solve_triangular(SQUARE, x))
CASE(linalg_det, tarn_linalg_det(SQUARE))
MANY_CASE(linalg_slogdet, 2, tarn_linalg_slogdet(SQUARE, out))
#undef SQUARE
