/* CASE(name, what NumPy says over x = arange(24) float32 [2, 3, 4], the call). tools/view_vectors.py evaluates the
   first into tests/data/views.json; a case is one line. */
CASE(transpose, "x.transpose(2, 0, 1)", tarn_transpose(x, .axes = TARN_AXES(2, 0, 1)))
CASE(transpose_all, "x.transpose()", tarn_transpose(x))
CASE(transpose_negative, "x.transpose(0, 2, 1)", tarn_transpose(x, .axes = TARN_AXES(0, -1, -2)))
CASE(swapaxes, "x.swapaxes(0, 2)", tarn_swapaxes(x, 0, 2))
CASE(moveaxis, "np.moveaxis(x, 0, -1)", tarn_moveaxis(x, 0, -1))
CASE(reshape, "x.reshape(4, -1)", tarn_reshape(x, TARN_SHAPE(4, -1)))
CASE(reshape_transposed, "x.transpose(1, 0, 2).reshape(3, 2, 2, 2)",
     tarn_reshape(tarn_transpose(x, .axes = TARN_AXES(1, 0, 2)), TARN_SHAPE(3, 2, 2, 2)))
CASE(reshape_copied, "x.transpose(2, 1, 0).reshape(8, 3)", tarn_reshape(tarn_transpose(x), TARN_SHAPE(8, 3)))
CASE(reshape_like, "x.reshape(6, 4)", tarn_reshape_like(x, tarn_zeros(TARN_SHAPE(6, 4), TARN_BOOL)))
CASE(flatten, "x.reshape(2, 12)", tarn_flatten(x, .start_axis = TARN_AXIS(1)))
CASE(flatten_strided, "x[:, :, ::2].reshape(6, 2)",
     tarn_flatten(tarn_slice(x, TARN_INTS(0, 0, 0), TARN_INTS(INT64_MAX, INT64_MAX, INT64_MAX),
                             .step = TARN_INTS(1, 1, 2)),
                  .end_axis = TARN_AXIS(1)))
CASE(flatten_0d, "x[1, 2, 3].reshape(1)",
     tarn_flatten(tarn_reshape(tarn_slice(x, TARN_INTS(1, 2, 3), TARN_INTS(2, 3, 4)), TARN_0D)))
CASE(unflatten, "x.reshape(2, 3, 2, 2)", tarn_unflatten(x, -1, TARN_SHAPE(2, -1)))
CASE(expand_dims, "np.expand_dims(x, (0, 3))", tarn_expand_dims(x, TARN_AXES(0, 3)))
CASE(expand_dims_negative, "np.expand_dims(x, (-1, 1))", tarn_expand_dims(x, TARN_AXES(-1, 1)))
CASE(squeeze, "x[:1, :, 2:3].squeeze()", tarn_squeeze(tarn_slice(x, TARN_INTS(0, 0, 2), TARN_INTS(1, 3, 3))))
CASE(squeeze_one, "x[:1, :, 2:3].squeeze(-1)",
     tarn_squeeze(tarn_slice(x, TARN_INTS(0, 0, 2), TARN_INTS(1, 3, 3)), .axes = TARN_AXES(-1)))
CASE(broadcast_to, "np.broadcast_to(x[:, :1], (3, 2, 3, 4))",
     tarn_broadcast_to(tarn_slice_axis(x, 1, 0, 1), TARN_SHAPE(3, 2, 3, 4)))
CASE(broadcast_like, "np.broadcast_to(x[0, 0], (2, 3, 4))",
     tarn_broadcast_like(tarn_reshape(tarn_slice(x, TARN_INTS(0, 0), TARN_INTS(1, 1)), TARN_SHAPE(4)), x))
CASE(slice, "x[1:, -2:, 1:3]", tarn_slice(x, TARN_INTS(1, -2, 1), TARN_INTS(INT64_MAX, INT64_MAX, 3)))
CASE(slice_steps, "x[::-1, ::2, 3:0:-2]",
     tarn_slice(x, TARN_INTS(-1, 0, 3), TARN_INTS(INT64_MIN, INT64_MAX, 0), .step = TARN_INTS(-1, 2, -2)))
CASE(slice_clamped, "x[-9:9, 2:1, 1:99]", tarn_slice(x, TARN_INTS(-9, 2, 1), TARN_INTS(9, 1, 99)))
CASE(slice_axis, "x[..., 1:-1]", tarn_slice_axis(x, -1, 1, -1))
CASE(split, "np.split(x, 2, axis=2)[1]", part(x, 2, NULL, 2, 1))
CASE(split_at, "np.split(x, [1, 2], axis=1)[1]", part(x, 0, (int64_t[]){1, 2}, 1, 1))
CASE(as_strided, "np.lib.stride_tricks.as_strided(x.ravel()[1:], (3, 4), (20, 8))",
     tarn_as_strided(x, TARN_SHAPE(3, 4), TARN_INTS(5, 2), .offset = 1))
CASE(view_narrower, "x.view(np.uint16)", tarn_view(x, TARN_UINT16))
CASE(view_wider, "x.view(np.complex64)", tarn_view(x, TARN_COMPLEX64))
CASE(view_wider_odd, "np.ascontiguousarray(x[..., 1:3]).view(np.int64)",
     tarn_view(tarn_slice_axis(x, -1, 1, 3), TARN_INT64))
CASE(view_same, "x.transpose().view(np.int32)", tarn_view(tarn_transpose(x), TARN_INT32))
CASE(view_of_rows, "x[:, ::2].view(np.uint8)",
     tarn_view(tarn_slice(x, TARN_INTS(0, 0), TARN_INTS(2, 3), .step = TARN_INTS(1, 2)), TARN_UINT8))
CASE(view_of_bytes, "x.view(np.uint8)[..., 1:9].copy().view(np.float32)",
     tarn_view(tarn_slice_axis(tarn_view(x, TARN_UINT8), -1, 1, 9), TARN_FLOAT32))
CASE(stop_gradient, "x", tarn_stop_gradient(x))
CASE(depends, "x[1:]", tarn_depends(tarn_slice_axis(x, 0, 1, 2), TARN_ARRAYS(tarn_exp(x)), 1))
CASE(diagonal, "np.diagonal(x)", tarn_diagonal(x))
CASE(diagonal_above, "np.diagonal(x, 2, 1, 2)",
     tarn_diagonal(x, .offset = 2, .axis1 = TARN_AXIS(1), .axis2 = TARN_AXIS(2)))
CASE(diagonal_below, "np.diagonal(x, -1, -1, 0)",
     tarn_diagonal(x, .offset = -1, .axis1 = TARN_AXIS(-1), .axis2 = TARN_AXIS(0)))
CASE(diagonal_beyond, "np.diagonal(x, 9)", tarn_diagonal(x, .offset = 9))
CASE(diagonal_strided, "np.diagonal(x[:, ::-1, 1::2])",
     tarn_diagonal(tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_BACKWARDS, TARN_STEPS(1, TARN_END, 2)))))
CASE(flip, "np.flip(x)", tarn_flip(x))
CASE(flip_axes, "np.flip(x, (0, -1))", tarn_flip(x, .axes = TARN_AXES(0, -1)))
CASE(flip_none, "x", tarn_flip(x, .axes = TARN_NO_AXES))
CASE(unstack, "x[:, 1]", unstacked(x, 1, 1))
CASE(unstack_last, "x[..., 3]", unstacked(x, -1, 3))
CASE(atleast_1d, "x", tarn_atleast_1d(x))
CASE(atleast_2d, "np.atleast_2d(x[0, 0])", tarn_atleast_2d(tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_AT(0)))))
CASE(atleast_3d, "np.atleast_3d(x[0, 0])", tarn_atleast_3d(tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_AT(0)))))
CASE(atleast_3d_of_2d, "np.atleast_3d(x[0])", tarn_atleast_3d(tarn_index(x, TARN_INDEX(TARN_AT(0)))))
CASE(atleast_3d_of_0d, "np.atleast_3d(x[0, 0, 1])",
     tarn_atleast_3d(tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_AT(0), TARN_AT(1)))))
CASE(broadcast_arrays, "np.broadcast_arrays(x[:, :1], x[0])[1]", broadcast_second(tarn_slice_axis(x, 1, 0, 1), ROWS(x)))
CASE(tile, "np.tile(x, 2)", tarn_tile(x, TARN_SHAPE(2)))
CASE(tile_more, "np.tile(x[0], (2, 1, 3))", tarn_tile(ROWS(x), TARN_SHAPE(2, 1, 3)))
CASE(tile_ones, "np.tile(x[:1], (3, 1, 2))", tarn_tile(tarn_slice_axis(x, 0, 0, 1), TARN_SHAPE(3, 1, 2)))
CASE(tile_none, "np.tile(x, (0, 1))", tarn_tile(x, TARN_SHAPE(0, 1)))
CASE(tile_no_reps, "np.tile(x, ())", tarn_tile(x, TARN_NO_AXES))
CASE(roll, "np.roll(x, 5)", tarn_roll(x, TARN_INTS(5)))
CASE(roll_back, "np.roll(x, -30)", tarn_roll(x, TARN_INTS(-30)))
CASE(roll_axes, "np.roll(x, (1, -2), (0, -1))", tarn_roll(x, TARN_INTS(1, -2), .axes = TARN_AXES(0, -1)))
CASE(roll_all_by_one, "np.roll(x, 1, (0, 1, 2))", tarn_roll(x, TARN_INTS(1), .axes = TARN_AXES(0, 1, 2)))
CASE(roll_twice, "np.roll(x, (1, 7), 2)", tarn_roll(x, TARN_INTS(1, 7), .axes = TARN_AXES(2)))
CASE(roll_round, "np.roll(x, 8, 2)", tarn_roll(x, TARN_INTS(8), .axes = TARN_AXES(2)))
CASE(pad, "np.pad(x, 1)", tarn_pad(x, TARN_INTS(1), TARN_INTS(1)))
CASE(pad_value, "np.pad(x, ((1, 0), (0, 2), (3, 1)), constant_values=7)",
     tarn_pad(x, TARN_INTS(1, 0, 3), TARN_INTS(0, 2, 1), .value = tarn_scalar(7, TARN_INT8)))
CASE(pad_edge, "np.pad(x, ((1, 0), (0, 2), (3, 1)), 'edge')",
     tarn_pad(x, TARN_INTS(1, 0, 3), TARN_INTS(0, 2, 1), .mode = TARN_PAD_EDGE))
CASE(pad_reflect, "np.pad(x, ((1, 0), (0, 2), (3, 1)), 'reflect')",
     tarn_pad(x, TARN_INTS(1, 0, 3), TARN_INTS(0, 2, 1), .mode = TARN_PAD_REFLECT))
CASE(pad_reflect_far, "np.pad(x, ((9, 4), (8, 0), (0, 30)), 'reflect')",
     tarn_pad(x, TARN_INTS(9, 8, 0), TARN_INTS(4, 0, 30), .mode = TARN_PAD_REFLECT))
CASE(pad_symmetric, "np.pad(x, ((1, 0), (0, 2), (3, 1)), 'symmetric')",
     tarn_pad(x, TARN_INTS(1, 0, 3), TARN_INTS(0, 2, 1), .mode = TARN_PAD_SYMMETRIC))
CASE(pad_symmetric_far, "np.pad(x, ((9, 4), (8, 0), (0, 30)), 'symmetric')",
     tarn_pad(x, TARN_INTS(9, 8, 0), TARN_INTS(4, 0, 30), .mode = TARN_PAD_SYMMETRIC))
CASE(pad_reflect_single, "np.pad(x[:1, :, :1], 3, 'reflect')",
     tarn_pad(tarn_slice(x, TARN_INTS(0, 0, 0), TARN_INTS(1, 3, 1)), TARN_INTS(3), TARN_INTS(3),
              .mode = TARN_PAD_REFLECT))
CASE(diag, "np.diag(x[0, 0])", tarn_diag(tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_AT(0)))))
CASE(diag_above, "np.diag(x[0, 0], 2)", tarn_diag(tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_AT(0))), .k = 2))
CASE(diag_below, "np.diag(x[0, 0], -1)", tarn_diag(tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_AT(0))), .k = -1))
CASE(diag_of_matrix, "np.diag(x[0], -1)", tarn_diag(ROWS(x), .k = -1))
