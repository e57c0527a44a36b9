/* CASE(name, "numpy expression", expression): values that do not depend on the algorithm. Both sides have m(rows,
   columns), quarters that look random (with .5 on the diagonal, so that squares are not singular), c(...) the complex
   one; la is numpy.linalg, d and s make float64 and float32. tools/linalg_vectors.py writes tests/data/linalg.json. */
CASE(norm, "la.norm(m(3, 4))", tarn_linalg_norm(m(3, 4)))
CASE(norm_all, "np.sqrt((m(24, 1) ** 2).sum())", tarn_linalg_norm(tarn_reshape(m(24, 1), TARN_SHAPE(2, 3, 4))))
CASE(norm_all_kept, "np.sqrt((m(3, 4) ** 2).sum()).reshape(1, 1)", tarn_linalg_norm(m(3, 4), .keepdims = true))
CASE(norm_vector, "la.norm(m(3, 4), axis=1)", tarn_linalg_norm(m(3, 4), .axes = TARN_AXES(1)))
CASE(norm_vector_1, "la.norm(m(3, 4), 1, axis=0)",
     tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(1), .axes = TARN_AXES(0)))
CASE(norm_vector_0, "la.norm(m(3, 4), 0, axis=0)",
     tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(0), .axes = TARN_AXES(0)))
CASE(norm_vector_3, "la.norm(m(3, 4), 3, axis=-1, keepdims=True)",
     tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(3), .axes = TARN_AXES(-1), .keepdims = true))
CASE(norm_vector_less, "la.norm(m(3, 4) + 9, -1.5, axis=1)",
     tarn_linalg_norm(tarn_add(m(3, 4), tarn_scalar(9, TARN_FLOAT64)), .order = TARN_VALUE(-1.5), .axes = TARN_AXES(1)))
CASE(norm_vector_inf, "la.norm(m(3, 4), np.inf, axis=1)",
     tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(INFINITY), .axes = TARN_AXES(1)))
CASE(norm_vector_least, "la.norm(m(3, 4), -np.inf, axis=1)",
     tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(-INFINITY), .axes = TARN_AXES(1)))
CASE(norm_matrix_1, "la.norm(m(3, 4), 1)", tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(1)))
CASE(norm_matrix_less_1, "la.norm(m(3, 4), -1)", tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(-1)))
CASE(norm_matrix_inf, "la.norm(m(3, 4), np.inf)", tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(INFINITY)))
CASE(norm_matrix_least, "la.norm(m(3, 4), -np.inf, keepdims=True)",
     tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(-INFINITY), .keepdims = true))
CASE(norm_matrix_2, "la.norm(m(3, 4), 2)", tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(2)))
CASE(norm_matrix_less_2, "la.norm(m(3, 4), -2)", tarn_linalg_norm(m(3, 4), .order = TARN_VALUE(-2)))
CASE(norm_axes, "la.norm(m(6, 4).reshape(2, 3, 4), 'nuc', axis=(2, 0), keepdims=True)",
     tarn_linalg_norm(tarn_reshape(m(6, 4), TARN_SHAPE(2, 3, 4)), .kind = "nuc", .axes = TARN_AXES(2, 0),
                      .keepdims = true))
CASE(norm_axes_1, "la.norm(m(6, 4).reshape(2, 3, 4), 1, axis=(-1, 0))",
     tarn_linalg_norm(tarn_reshape(m(6, 4), TARN_SHAPE(2, 3, 4)), .order = TARN_VALUE(1), .axes = TARN_AXES(-1, 0)))
CASE(norm_fro, "la.norm(m(6, 4).reshape(2, 3, 4), 'fro', axis=(0, 1))",
     tarn_linalg_norm(tarn_reshape(m(6, 4), TARN_SHAPE(2, 3, 4)), .kind = "fro", .axes = TARN_AXES(0, 1)))
CASE(norm_complex, "la.norm(c(3, 4), 3, axis=1)",
     tarn_linalg_norm(c(3, 4), .order = TARN_VALUE(3), .axes = TARN_AXES(1)))
CASE(norm_whole, "la.norm(np.arange(6).astype(np.float32))", tarn_linalg_norm(tarn_arange(0, 6, 1, TARN_INT32)))
CASE(cross, "np.cross(m(4, 3), m(1, 3))", tarn_linalg_cross(m(4, 3), m(1, 3)))
CASE(cross_flat,
     "np.concatenate([np.zeros((2, 2)), (m(2, 2)[0] * m(2, 2)[::-1][1] - m(2, 2)[1] * m(2, 2)[::-1][0])[None]])",
     tarn_linalg_cross(m(2, 2), tarn_slice(m(2, 2), TARN_INTS(-1), TARN_INTS(INT64_MIN), .step = TARN_INTS(-1)),
                       .axis = TARN_AXIS(0)))
CASE(inv, "la.inv(m(4, 4))", tarn_linalg_inv(m(4, 4)))
CASE(inv_single, "la.inv(s(4, 4))", tarn_linalg_inv(s(4, 4)))
CASE(inv_complex, "la.inv(c(4, 4))", tarn_linalg_inv(c(4, 4)))
CASE(inv_batch, "la.inv(m(8, 4).reshape(2, 4, 4))", tarn_linalg_inv(tarn_reshape(m(8, 4), TARN_SHAPE(2, 4, 4))))
CASE(inv_turned, "la.inv(m(4, 4).T)", tarn_linalg_inv(tarn_transpose(m(4, 4))))
CASE(tri_inv, "la.inv(np.tril(m(4, 4)))", tarn_linalg_tri_inv(m(4, 4)))
CASE(tri_inv_upper, "la.inv(np.triu(c(4, 4)))", tarn_linalg_tri_inv(c(4, 4), .upper = true))
CASE(cholesky, "la.cholesky(m(4, 4) @ m(4, 4).T)", tarn_linalg_cholesky(gram(m(4, 4))))
CASE(cholesky_upper, "la.cholesky(c(4, 4) @ c(4, 4).conj().T).conj().T",
     tarn_linalg_cholesky(gram(c(4, 4)), .upper = true))
CASE(cholesky_inv, "la.inv(np.tril(m(4, 4)) @ np.tril(m(4, 4)).T)", tarn_linalg_cholesky_inv(lower(m(4, 4))))
CASE(cholesky_inv_upper, "la.inv(np.tril(c(4, 4)) @ np.tril(c(4, 4)).conj().T)",
     tarn_linalg_cholesky_inv(tarn_conjugate(tarn_transpose(lower(c(4, 4)))), .upper = true))
CASE(pinv_tall, "la.pinv(m(5, 3))", tarn_linalg_pinv(m(5, 3)))
CASE(pinv_wide, "la.pinv(c(3, 5))", tarn_linalg_pinv(c(3, 5)))
CASE(pinv_rank, "la.pinv(m(5, 2) @ m(2, 4))", tarn_linalg_pinv(tarn_matmul(m(5, 2), m(2, 4))))
CASE(pinv_zero, "np.zeros((3, 2))", tarn_linalg_pinv(tarn_zeros(TARN_SHAPE(2, 3), TARN_FLOAT64)))
CASE(singular_values, "la.svd(m(5, 3), compute_uv=False)", tarn_linalg_svdvals(m(5, 3)))
CASE(singular_values_complex, "la.svd(c(3, 5), compute_uv=False)", tarn_linalg_svdvals(c(3, 5)))
CASE(eigvalsh, "la.eigvalsh(m(4, 4) + m(4, 4).T)", tarn_linalg_eigvalsh(tarn_add(m(4, 4), tarn_transpose(m(4, 4)))))
CASE(eigvalsh_lower, "la.eigvalsh(m(4, 4), 'L')", tarn_linalg_eigvalsh(m(4, 4)))
CASE(eigvalsh_upper, "la.eigvalsh(c(4, 4), 'U')", tarn_linalg_eigvalsh(c(4, 4), .upper = true))
CASE(solve, "la.solve(m(4, 4), m(4, 2))", tarn_linalg_solve(m(4, 4), m(4, 2)))
CASE(solve_vector, "la.solve(m(4, 4), m(4, 1)[:, 0])",
     tarn_linalg_solve(m(4, 4), tarn_squeeze(m(4, 1), .axes = TARN_AXES(1))))
CASE(solve_batch, "la.solve(m(12, 3).reshape(2, 2, 3, 3), m(3, 2).reshape(2, 1, 3, 1))",
     tarn_linalg_solve(tarn_reshape(m(12, 3), TARN_SHAPE(2, 2, 3, 3)), tarn_reshape(m(3, 2), TARN_SHAPE(2, 1, 3, 1))))
CASE(solve_mixed, "la.solve(m(4, 4), c(4, 2)).astype(np.complex64)", tarn_linalg_solve(s(4, 4), c(4, 2)))
CASE(solve_triangular, "la.solve(np.tril(m(4, 4)), m(4, 2))", tarn_linalg_solve_triangular(m(4, 4), m(4, 2)))
CASE(solve_triangular_upper, "la.solve(np.triu(c(4, 4)), c(4, 2))",
     tarn_linalg_solve_triangular(c(4, 4), c(4, 2), .upper = true))
CASE(det, "la.det(m(4, 4))", tarn_linalg_det(m(4, 4)))
CASE(det_complex, "la.det(c(4, 4))", tarn_linalg_det(c(4, 4)))
CASE(det_batch, "la.det(m(12, 3).reshape(2, 2, 3, 3))", tarn_linalg_det(tarn_reshape(m(12, 3), TARN_SHAPE(2, 2, 3, 3))))
CASE(det_singular, "np.array(0.0)", tarn_linalg_det(tarn_ones(TARN_SHAPE(3, 3), TARN_FLOAT64)))
CASE(det_empty, "np.array(1.0)", tarn_linalg_det(tarn_zeros(TARN_SHAPE(0, 0), TARN_FLOAT64)))
CASE(det_whole, "np.array(-2, np.float32)",
     tarn_linalg_det(tarn_from_data((int32_t[]){1, 2, 3, 4}, TARN_SHAPE(2, 2), TARN_INT32)))
CASE(slogdet_sign, "la.slogdet(m(12, 3).reshape(2, 2, 3, 3))[0]",
     (tarn_linalg_slogdet(tarn_reshape(m(12, 3), TARN_SHAPE(2, 2, 3, 3)), out), out[0]))
CASE(slogdet_log, "la.slogdet(c(4, 4))[1]", (tarn_linalg_slogdet(c(4, 4), out), out[1]))
CASE(slogdet_phase, "la.slogdet(c(4, 4))[0]", (tarn_linalg_slogdet(c(4, 4), out), out[0]))
CASE(slogdet_singular, "np.array(0.0)", (tarn_linalg_slogdet(tarn_zeros(TARN_SHAPE(3, 3), TARN_FLOAT64), out), out[0]))
