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
