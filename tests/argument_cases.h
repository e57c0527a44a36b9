/* CASE(function, what it takes, a good list, the call). Optional arrays are not among what it takes. */

/* array.h */
CASE(detach, X, NO_ENTRIES, tarn_detach(a->x))
CASE(from_data, LIST | DTYPE, ENTRIES(2, 2), tarn_from_data(numbers, a->list, a->dtype))
CASE(from_foreign, LIST | DTYPE, ENTRIES(2, 2), tarn_from_foreign(numbers, a->list, a->dtype))
CASE(scalar, DTYPE, NO_ENTRIES, tarn_scalar(1, a->dtype))
CASE(scalar_int, DTYPE, NO_ENTRIES, tarn_scalar_int(1, a->dtype))
CASE(scalar_complex, 0, NO_ENTRIES, tarn_scalar_complex(1, 2))
CASE(full, LIST | DTYPE, ENTRIES(2, 3), tarn_full(a->list, 1, a->dtype))
CASE(zeros, LIST | DTYPE, ENTRIES(2, 3), tarn_zeros(a->list, a->dtype))
CASE(ones, LIST | DTYPE, ENTRIES(2, 3), tarn_ones(a->list, a->dtype))

/* ops.h: dtype and order */
CASE(astype, X | DTYPE, NO_ENTRIES, tarn_astype(a->x, a->dtype))
CASE(view, X | DTYPE, NO_ENTRIES, tarn_view(a->x, a->dtype))
CASE(contiguous, X, NO_ENTRIES, tarn_contiguous(a->x))
CASE(stop_gradient, X, NO_ENTRIES, tarn_stop_gradient(a->x))
CASE(depends, X | ARRAYS, NO_ENTRIES, tarn_depends(a->x, a->arrays, a->count))
CASE(scalar_like, X, NO_ENTRIES, tarn_scalar_like(1, a->x))
CASE(zeros_like, X, NO_ENTRIES, tarn_zeros_like(a->x))
CASE(ones_like, X, NO_ENTRIES, tarn_ones_like(a->x))
CASE(arange, DTYPE, NO_ENTRIES, tarn_arange(0, 4, 1, a->dtype))

/* views */
CASE(transpose, X | LIST, ENTRIES(1, 0), tarn_transpose(a->x, .axes = a->list))
CASE(swapaxes, X, NO_ENTRIES, tarn_swapaxes(a->x, 0, 1))
CASE(moveaxis, X, NO_ENTRIES, tarn_moveaxis(a->x, 0, 1))
CASE(reshape, X | LIST, ENTRIES(4, 1), tarn_reshape(a->x, a->list))
CASE(reshape_like, X | Y, NO_ENTRIES, tarn_reshape_like(a->x, a->y))
CASE(flatten, X, NO_ENTRIES, tarn_flatten(a->x, .end_axis = TARN_AXIS(1)))
CASE(unflatten, X | LIST, ENTRIES(1, 2), tarn_unflatten(a->x, 0, a->list))
CASE(expand_dims, X | LIST, ENTRIES(0, 1), tarn_expand_dims(a->x, a->list))
CASE(squeeze, X | LIST, ENTRIES(0, 1), tarn_squeeze(SINGLE(a->x), .axes = a->list))
CASE(broadcast_to, X | LIST, ENTRIES(2, 2), tarn_broadcast_to(a->x, a->list))
CASE(broadcast_like, X | Y, NO_ENTRIES, tarn_broadcast_like(a->x, a->y))
CASE(slice, X | LIST, ENTRIES(0, 1), tarn_slice(a->x, a->list, TARN_SHAPE(2, 2), .step = TARN_SHAPE(1, 1)))
CASE(slice_axis, X, NO_ENTRIES, tarn_slice_axis(a->x, 0, 0, 1))
CASE(split, X | PLACE, NO_ENTRIES, tarn_split(a->x, 2, a->place))
CASE(split_at, X | LIST | PLACE, ENTRIES(1), tarn_split_at(a->x, a->list, a->place))
CASE(as_strided, X | LIST, ENTRIES(2, 2), tarn_as_strided(a->x, a->list, TARN_SHAPE(2, 1)))
CASE(flip, X | LIST, ENTRIES(0), tarn_flip(a->x, .axes = a->list))
CASE(diagonal, X, NO_ENTRIES, tarn_diagonal(a->x, .offset = 1))
CASE(unstack, X | PLACE, NO_ENTRIES, tarn_unstack(a->x, a->place))
CASE(atleast_1d, X, NO_ENTRIES, tarn_atleast_1d(a->x))
CASE(atleast_2d, X, NO_ENTRIES, tarn_atleast_2d(a->x))
CASE(atleast_3d, X, NO_ENTRIES, tarn_atleast_3d(a->x))
CASE(broadcast_arrays, ARRAYS | PLACE, NO_ENTRIES, tarn_broadcast_arrays(a->arrays, a->count, a->place))

/* moving */
CASE(tile, X | LIST, ENTRIES(2, 1), tarn_tile(a->x, a->list))
CASE(roll, X | LIST, ENTRIES(1, 1), tarn_roll(a->x, a->list, .axes = TARN_AXES(0, 1)))
CASE(pad, X | LIST, ENTRIES(1, 1), tarn_pad(a->x, a->list, TARN_INTS(1)))
CASE(diag, X, NO_ENTRIES, tarn_diag(a->x, .k = 1))
CASE(concatenate, ARRAYS, NO_ENTRIES, tarn_concatenate(a->arrays, a->count))
CASE(stack, ARRAYS, NO_ENTRIES, tarn_stack(a->arrays, a->count))
CASE(repeat, X, NO_ENTRIES, tarn_repeat(a->x, 2, .axis = TARN_AXIS(0)))
CASE(take, X | Y, NO_ENTRIES, tarn_take(a->x, INDICES(a->y), .axis = TARN_AXIS(0)))
CASE(take_along_axis, X | Y, NO_ENTRIES, tarn_take_along_axis(a->x, INDICES(a->y), .axis = TARN_AXIS(0)))
CASE(gather, X | Y | LIST, ENTRIES(0), tarn_gather(a->x, TARN_ARRAYS(ROW_INDICES(a->y)), 1, a->list))
CASE(scatter_axes, X | Y | Z | LIST, ENTRIES(0),
     tarn_scatter_axes(a->x, TARN_ARRAYS(ROW_INDICES(a->y)), 1, a->z, a->list))
CASE(scatter, X | Y | Z, NO_ENTRIES, tarn_scatter(a->x, ROW_INDICES(a->y), a->z, .axis = TARN_AXIS(0)))
CASE(scatter_add, X | Y | Z, NO_ENTRIES, tarn_scatter_add(a->x, ROW_INDICES(a->y), a->z, .axis = TARN_AXIS(0)))
CASE(put_along_axis, X | Y | Z, NO_ENTRIES, tarn_put_along_axis(a->x, INDICES(a->y), a->z, .axis = TARN_AXIS(0)))
CASE(add_along_axis, X | Y | Z, NO_ENTRIES, tarn_add_along_axis(a->x, INDICES(a->y), a->z, .axis = TARN_AXIS(0)))
CASE(slice_update, X | Y | Z | LIST, ENTRIES(0, 1), tarn_slice_update(a->x, a->y, ROW_INDICES(a->z), a->list))
CASE(slice_array, X | Y | LIST, ENTRIES(0, 1), tarn_slice_array(a->x, ROW_INDICES(a->y), a->list, TARN_SHAPE(1, 1)))

/* index.h */
CASE(index, X | Y, NO_ENTRIES, tarn_index(a->x, TARN_INDEX(TARN_AT(0), TARN_PICK(INDICES(a->y)))))
CASE(index_update, X | Y | Z, NO_ENTRIES,
     tarn_index_update(a->x, TARN_INDEX(TARN_PICK(ROW_INDICES(a->y))), a->z, .mode = TARN_SCATTER_ADD))
CASE(nonzero, X | PLACE, NO_ENTRIES, tarn_nonzero(a->x, a->place))

/* reducing */
CASE(sum, X | LIST, ENTRIES(0), tarn_sum(a->x, .axes = a->list))
CASE(prod, X | LIST, ENTRIES(0), tarn_prod(a->x, .axes = a->list))
CASE(max, X | LIST, ENTRIES(0), tarn_max(a->x, .axes = a->list))
CASE(min, X | LIST, ENTRIES(0), tarn_min(a->x, .axes = a->list))
CASE(all, X | LIST, ENTRIES(0), tarn_all(a->x, .axes = a->list))
CASE(any, X | LIST, ENTRIES(0), tarn_any(a->x, .axes = a->list))
CASE(mean, X | LIST, ENTRIES(0), tarn_mean(a->x, .axes = a->list))
CASE(logsumexp, X | LIST, ENTRIES(0), tarn_logsumexp(a->x, .axes = a->list))
CASE(sum_like, X | Y, NO_ENTRIES, tarn_sum_like(a->x, a->y))
CASE(argmax, X, NO_ENTRIES, tarn_argmax(a->x, .axis = TARN_AXIS(0)))
CASE(argmin, X, NO_ENTRIES, tarn_argmin(a->x, .axis = TARN_AXIS(0)))
CASE(cumsum, X, NO_ENTRIES, tarn_cumsum(a->x, .axis = TARN_AXIS(0)))

/* ordering, products */
CASE(sort, X, NO_ENTRIES, tarn_sort(a->x, .axis = TARN_AXIS(0)))
CASE(argsort, X, NO_ENTRIES, tarn_argsort(a->x, .axis = TARN_AXIS(0)))
CASE(matmul, X | Y, NO_ENTRIES, tarn_matmul(a->x, a->y))
CASE(quantized_matmul, X | Y | Z, NO_ENTRIES,
     tarn_quantized_matmul(WIDE(a->x), PACKED(a->y), GROUPS(a->z), .biases = GROUPS(a->z)))
CASE(quantize, X | PLACE, NO_ENTRIES, tarn_quantize(WIDE(a->x), a->place, .group_size = 64, .bits = 4))
CASE(dequantize, X | Y, NO_ENTRIES,
     tarn_dequantize(PACKED(a->x), GROUPS(a->y), .biases = GROUPS(a->y), .group_size = 64, .bits = 4))

/* complex, fused */
CASE(imaginary_unit_like, X, NO_ENTRIES, tarn_imaginary_unit_like(a->x))
CASE(softmax, X, NO_ENTRIES, tarn_softmax(a->x, .axes = TARN_AXES(-1)))
CASE(rms_norm, X, NO_ENTRIES, tarn_rms_norm(a->x, NULL))
CASE(rope, X | Y, NO_ENTRIES, tarn_rope(DEEP(a->x), POSITION(a->y)))
CASE(attention, X | Y | Z, NO_ENTRIES, tarn_attention(DEEP(a->x), DEEP(a->y), DEEP(a->z)))
CASE(divmod, X | Y | PLACE, NO_ENTRIES, tarn_divmod(a->x, a->y, a->place))

/* random.h */
CASE(random_key, 0, NO_ENTRIES, tarn_random_key(1))
CASE(random_split, X, NO_ENTRIES, tarn_random_split(KEY(a->x), 2))
CASE(random_next, X | PLACE, NO_ENTRIES, tarn_random_next(KEY(a->x), a->place, a->place))
CASE(random_bits, X | LIST, ENTRIES(2, 3), tarn_random_bits(KEY(a->x), a->list))
CASE(random_uniform, X | LIST | DTYPE, ENTRIES(2, 3), tarn_random_uniform(KEY(a->x), a->list, a->dtype))
CASE(random_normal, X | LIST | DTYPE, ENTRIES(2, 3), tarn_random_normal(KEY(a->x), a->list, a->dtype))
CASE(random_categorical, X | Y | LIST, ENTRIES(3, 2), tarn_random_categorical(KEY(a->x), a->y, .shape = a->list))
CASE(random_laplace, X | LIST | DTYPE, ENTRIES(2, 3), tarn_random_laplace(KEY(a->x), a->list, a->dtype))
CASE(random_gumbel, X | LIST | DTYPE, ENTRIES(2, 3), tarn_random_gumbel(KEY(a->x), a->list, a->dtype))
CASE(random_randint, X | Y | Z | LIST | DTYPE, ENTRIES(2, 2),
     tarn_random_randint(KEY(a->x), a->y, a->z, a->list, a->dtype == TARN_FLOAT32 ? TARN_INT32 : a->dtype))
CASE(random_bernoulli, X | Y | LIST, ENTRIES(2, 2), tarn_random_bernoulli(KEY(a->x), a->y, .shape = a->list))
CASE(random_truncated_normal, X | Y | Z | LIST | DTYPE, ENTRIES(2, 2),
     tarn_random_truncated_normal(KEY(a->x), a->y, a->z, a->dtype, .shape = a->list))
CASE(random_permutation, X, NO_ENTRIES, tarn_random_permutation(KEY(a->x), 5))
CASE(random_permute, X | Y, NO_ENTRIES, tarn_random_permute(KEY(a->x), a->y))
