/* As view_cases.h, for indexing. i, j, k are index arrays, p a mask over the first axis, m over the first two, e over
   all of x, none over the last two and nowhere true; put(what, index, values) updates a copy of x. */
CASE(index_nothing, "x[()]", tarn_index(x, NO_ENTRIES))
CASE(index_ellipsis, "x[...]", tarn_index(x, TARN_INDEX(TARN_ELLIPSIS)))
CASE(index_integer, "x[1]", tarn_index(x, TARN_INDEX(TARN_AT(1))))
CASE(index_integers, "x[-1, 0, -2]", tarn_index(x, TARN_INDEX(TARN_AT(-1), TARN_AT(0), TARN_AT(-2))))
CASE(index_last, "x[..., -1]", tarn_index(x, TARN_INDEX(TARN_ELLIPSIS, TARN_AT(-1))))
CASE(index_slices, "x[1:, ::2, 3:0:-2]",
     tarn_index(x, TARN_INDEX(TARN_SPAN(1, TARN_END), TARN_STEPS(0, TARN_END, 2), TARN_STEPS(3, 0, -2))))
CASE(index_backwards, "x[::-1, :, ::-1]", tarn_index(x, TARN_INDEX(TARN_BACKWARDS, TARN_WHOLE, TARN_BACKWARDS)))
CASE(index_python_open, "x[:, ::-1]", /* as PySlice_Unpack gives it */
     tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_STEPS(INT64_MAX, INT64_MIN, -1))))
CASE(index_far_stop, "x[:, 0:-9223372036854775808]", tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_SPAN(0, INT64_MIN))))
CASE(index_far_start, "x[:, 9223372036854775807:]",
     tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_SPAN(INT64_MAX, INT64_MAX))))
CASE(index_empty, "x[1:1, 2]", tarn_index(x, TARN_INDEX(TARN_SPAN(1, 1), TARN_AT(2))))
CASE(index_new_axes, "x[None, 0, ..., None]",
     tarn_index(x, TARN_INDEX(TARN_NEW_AXIS, TARN_AT(0), TARN_ELLIPSIS, TARN_NEW_AXIS)))
CASE(index_array, "x[:, i]", tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(I))))
CASE(index_arrays, "x[j, :, i]", tarn_index(x, TARN_INDEX(TARN_PICK(J), TARN_WHOLE, TARN_PICK(I))))
CASE(index_arrays_beside, "x[:, i, j]", tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(I), TARN_PICK(J))))
CASE(index_array_0d, "x[:, k]", tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(K))))
CASE(index_integer_apart, "x[0, :, i]", tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_WHOLE, TARN_PICK(I))))
CASE(index_integer_beside, "x[:, 0, i]", tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_AT(0), TARN_PICK(I))))
CASE(index_integer_behind, "x[j, :, 1]", tarn_index(x, TARN_INDEX(TARN_PICK(J), TARN_WHOLE, TARN_AT(1))))
CASE(index_array_slice, "x[1:, i, ::2]",
     tarn_index(x, TARN_INDEX(TARN_SPAN(1, TARN_END), TARN_PICK(I), TARN_STEPS(0, TARN_END, 2))))
CASE(index_new_axis_apart, "x[:, k, None, i]",
     tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(K), TARN_NEW_AXIS, TARN_PICK(I))))
CASE(index_new_axis_beside, "x[None, :, i]", tarn_index(x, TARN_INDEX(TARN_NEW_AXIS, TARN_WHOLE, TARN_PICK(I))))
CASE(index_ellipsis_apart, "x[j, ..., i]", tarn_index(x, TARN_INDEX(TARN_PICK(J), TARN_ELLIPSIS, TARN_PICK(I))))
CASE(index_no_indices, "x[:, i[:0]]", tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(tarn_slice_axis(I, 0, 0, 0)))))
CASE(mask_first, "x[p]", tarn_index(x, TARN_INDEX(TARN_PICK(P))))
CASE(mask_two, "x[m]", tarn_index(x, TARN_INDEX(TARN_PICK(M))))
CASE(mask_all, "x[e]", tarn_index(x, TARN_INDEX(TARN_PICK(E))))
CASE(mask_none, "x[:, none]", tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(NONE_TRUE))))
CASE(mask_integer, "x[m, 2]", tarn_index(x, TARN_INDEX(TARN_PICK(M), TARN_AT(2))))
CASE(mask_apart, "x[p, :, i[:1]]",
     tarn_index(x, TARN_INDEX(TARN_PICK(P), TARN_WHOLE, TARN_PICK(tarn_slice_axis(I, 0, 0, 1)))))
CASE(mask_true, "x[True, 1]", tarn_index(x, TARN_INDEX(TARN_PICK(tarn_scalar(1, TARN_BOOL)), TARN_AT(1))))
CASE(mask_false, "x[..., np.array(False)]",
     tarn_index(x, TARN_INDEX(TARN_ELLIPSIS, TARN_PICK(tarn_scalar(0, TARN_BOOL)))))
CASE(mask_size, "np.concatenate([x[m], 0 * x[0, :3]])[:4]",
     tarn_index(x, TARN_INDEX(TARN_PICK(M)), .size = TARN_INTEGER(4)))
CASE(nonzero_first, "e.nonzero()[0]", place(E, 0))
CASE(nonzero_last, "e.nonzero()[2]", place(E, 2))
CASE(nonzero_floats, "(x - x % 7).nonzero()[1]",
     places(tarn_subtract(x, tarn_remainder(x, tarn_scalar_like(7, x))), 17, 0))
CASE(nonzero_filled, "np.append(p.nonzero()[0], [-7, -7])", places(P, 3, -7))
CASE(nonzero_cut, "e.nonzero()[1][:2]", tarn_index(places(E, 2, 0), NO_ENTRIES))

CASE(set_integer, "put('set', np.s_[1], 7)", SET(7, TARN_AT(1)))
CASE(set_all, "put('set', np.s_[...], x[0])", tarn_index_update(x, TARN_INDEX(TARN_ELLIPSIS), ROWS(x)))
CASE(set_slice, "put('set', np.s_[:, 1:, ::2], x[0, :2, 1:3])",
     tarn_index_update(x, TARN_INDEX(TARN_WHOLE, TARN_SPAN(1, TARN_END), TARN_STEPS(0, TARN_END, 2)),
                       tarn_slice(ROWS(x), TARN_INTS(0, 1), TARN_INTS(2, 3))))
CASE(set_backwards, "put('set', np.s_[::-1, 2::-2], x[:, :2])",
     tarn_index_update(x, TARN_INDEX(TARN_BACKWARDS, TARN_STEPS(2, TARN_BEGIN, -2)), tarn_slice_axis(x, 1, 0, 2)))
CASE(set_new_axes, "put('set', np.s_[None, 1, :, None, 2], x[0, :, :1])",
     tarn_index_update(x, TARN_INDEX(TARN_NEW_AXIS, TARN_AT(1), TARN_WHOLE, TARN_NEW_AXIS, TARN_AT(2)),
                       tarn_slice_axis(ROWS(x), 1, 0, 1)))
CASE(set_wide_values, "put('set', np.s_[0], x[1:])",
     tarn_index_update(x, TARN_INDEX(TARN_AT(0)), tarn_expand_dims(tarn_slice_axis(x, 0, 1, 2), TARN_AXES(0))))
CASE(set_nothing, "put('set', np.s_[2:, 0], 7)", SET(7, TARN_SPAN(2, TARN_END), TARN_AT(0)))
CASE(set_array, "put('set', np.s_[:, i], x[0, 0])",
     tarn_index_update(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(I)), tarn_slice_axis(ROWS(x), 0, 0, 1)))
CASE(set_arrays, "put('set', np.s_[j, :, i], x[:, :, :3])",
     tarn_index_update(x, TARN_INDEX(TARN_PICK(J), TARN_WHOLE, TARN_PICK(I)),
                       tarn_transpose(tarn_slice_axis(x, 2, 0, 3), .axes = TARN_AXES(0, 1, 2))))
CASE(set_integer_apart, "put('set', np.s_[0, :, i], x[0, :, :3])",
     tarn_index_update(x, TARN_INDEX(TARN_AT(0), TARN_WHOLE, TARN_PICK(I)), tarn_slice_axis(ROWS(x), 1, 0, 3)))
CASE(set_array_slice, "put('set', np.s_[1:, i, ::-2], -x[1:, :, :2])",
     tarn_index_update(x, TARN_INDEX(TARN_SPAN(1, TARN_END), TARN_PICK(I), TARN_STEPS(-1, TARN_BEGIN, -2)),
                       tarn_negative(tarn_slice(x, TARN_INTS(1, 0, 0), TARN_INTS(2, 3, 2)))))
CASE(add_array, "put('add', np.s_[:, i[[0, 0, 1]]], x[:, :, :1])",
     tarn_index_update(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(tarn_take(I, TWICE, .axis = TARN_AXIS(0)))),
                       tarn_slice_axis(x, 2, 0, 1), .mode = TARN_SCATTER_ADD))
CASE(add_slice, "put('add', np.s_[0, 1:], 3)",
     tarn_index_update(x, TARN_INDEX(TARN_AT(0), TARN_SPAN(1, TARN_END)), tarn_scalar(3, TARN_INT32),
                       .mode = TARN_SCATTER_ADD))
CASE(multiply_new_axis, "put('multiply', np.s_[None, :, i, None], 2)",
     tarn_index_update(x, TARN_INDEX(TARN_NEW_AXIS, TARN_WHOLE, TARN_PICK(I), TARN_NEW_AXIS),
                       tarn_scalar(2, TARN_FLOAT32), .mode = TARN_SCATTER_MULTIPLY))
CASE(max_array, "put('maximum', np.s_[k, i], 6)",
     tarn_index_update(x, TARN_INDEX(TARN_PICK(K), TARN_PICK(I)), tarn_scalar(6, TARN_FLOAT32),
                       .mode = TARN_SCATTER_MAX))
CASE(min_slice, "put('minimum', np.s_[..., 1:3], x[:, :1, 1:3])",
     tarn_index_update(x, TARN_INDEX(TARN_ELLIPSIS, TARN_SPAN(1, 3)),
                       tarn_slice(x, TARN_INTS(0, 0, 1), TARN_INTS(2, 1, 3)), .mode = TARN_SCATTER_MIN))
CASE(set_mask, "put('set', m, 7)", SET(7, TARN_PICK(M)))
CASE(set_mask_rows, "put('set', m, x[1])", tarn_index_update(x, TARN_INDEX(TARN_PICK(M)), tarn_slice_axis(x, 0, 1, 2)))
CASE(set_mask_row, "put('set', m, x[1, 0])",
     tarn_index_update(x, TARN_INDEX(TARN_PICK(M)), tarn_index(x, TARN_INDEX(TARN_AT(1), TARN_AT(0)))))
CASE(set_mask_first, "put('set', np.s_[p], x[1:, ::-1])",
     tarn_index_update(x, TARN_INDEX(TARN_PICK(P)), tarn_index(x, TARN_INDEX(TARN_SPAN(1, TARN_END), TARN_BACKWARDS))))
CASE(set_mask_all, "put('set', e, x.ravel()[5:10])",
     tarn_index_update(x, TARN_INDEX(TARN_PICK(E)), tarn_slice_axis(tarn_flatten(x), 0, 5, 10)))
CASE(set_mask_more, "put('set', e, x.ravel()[5:10])", /* values beyond the fifth are not used */
     tarn_index_update(x, TARN_INDEX(TARN_PICK(E)), tarn_slice_axis(tarn_flatten(x), 0, 5, 20)))
CASE(set_mask_behind, "put('set', np.s_[1:, m[0]], 9)",
     tarn_index_update(x, TARN_INDEX(TARN_SPAN(1, TARN_END), TARN_PICK(M0)), tarn_scalar(9, TARN_FLOAT32)))
CASE(set_mask_behind_rows, "put('set', np.s_[:, m[0]], x[:, :1])",
     tarn_index_update(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(M0)), tarn_slice_axis(x, 1, 0, 1)))
CASE(set_mask_nothing, "put('set', np.s_[:, none], np.zeros(0))",
     tarn_index_update(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(NONE_TRUE)), tarn_zeros(TARN_SHAPE(0), TARN_FLOAT32)))
CASE(set_mask_integer, "put('set', np.s_[m, 1], -1)", SET(-1, TARN_PICK(M), TARN_AT(1)))
CASE(set_mask_arrays, "put('set', np.s_[p, k, i], -1)", SET(-1, TARN_PICK(P), TARN_PICK(K), TARN_PICK(I)))
CASE(add_mask, "put('add', e, 100)",
     tarn_index_update(x, TARN_INDEX(TARN_PICK(E)), tarn_scalar(100, TARN_FLOAT32), .mode = TARN_SCATTER_ADD))
CASE(add_mask_rows, "put('add', np.s_[:, m[0]], x[:, :1])",
     tarn_index_update(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(M0)), tarn_slice_axis(x, 1, 0, 1), .mode = TARN_SCATTER_ADD))
CASE(set_true, "put('set', np.s_[True], 5)", SET(5, TARN_PICK(tarn_scalar(1, TARN_BOOL))))
CASE(set_false, "put('set', np.s_[False, 1], 5)", SET(5, TARN_PICK(tarn_scalar(0, TARN_BOOL)), TARN_AT(1)))
