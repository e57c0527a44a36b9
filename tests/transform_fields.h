/* Cases of test_transform_ops.c: linear algebra and Fourier transforms. Matrices are made so that they are far from
   singular; of factors that are unique but for signs, squares are taken. */
static tarn_array *unit_matrix(int64_t n, tarn_dtype dtype) {
    tarn_array *i = tarn_arange(0, (double)n, 1, TARN_INT32);
    return tarn_astype(tarn_equal(tarn_expand_dims(i, TARN_AXES(1)), i), dtype);
}

/* x + 5 for each diagonal element, and x xH + 1. */
static tarn_array *solid(tarn_array *x) {
    tarn_array *unit = unit_matrix(tarn_dim(x, -1), tarn_dtype_of(x));
    return tarn_add(x, tarn_multiply(unit, tarn_scalar_like(5, x)));
}
static tarn_array *hermitian(tarn_array *x) {
    tarn_array *adjoint = tarn_conjugate(tarn_swapaxes(x, -1, -2)),
               *steps = tarn_arange(1, (double)tarn_dim(x, -1) + 1, 1, TARN_FLOAT32);
    tarn_array *unit = unit_matrix(tarn_dim(x, -1), tarn_dtype_of(x));
    return tarn_add(tarn_matmul(x, adjoint), tarn_multiply(unit, tarn_astype(steps, tarn_dtype_of(x))));
}

static bool hand_out(tarn_results *results, tarn_array *const *arrays, int count) {
    bool ok = true;
    for (int i = 0; i < count; i++) ok = ok && tarn_result(results, arrays[i]);
    return ok;
}

static tarn_array *squared(tarn_array *x) {
    return tarn_real(tarn_multiply(x, tarn_conjugate(x)));
}

/* What a function writes into a list, and of it the results. */
#define LIST_BODY(name, count, call, ...)                                                                              \
    static bool call_##name(void *context, tarn_array *const *x, int n, tarn_results *results) {                       \
        tarn_array *out[count];                                                                                        \
        (void)context, (void)n;                                                                                        \
        return (call) && hand_out(results, TARN_ARRAYS(__VA_ARGS__), TARN_COUNT(__VA_ARGS__));                         \
    }
BODY(linalg_inv, tarn_linalg_inv(solid(x[0])))
BODY(linalg_tri_inv, tarn_linalg_tri_inv(solid(x[0])))
BODY(linalg_tri_inv_upper, tarn_linalg_tri_inv(solid(x[0]), .upper = true))
BODY(linalg_cholesky, tarn_linalg_cholesky(hermitian(x[0])))
BODY(linalg_cholesky_upper, tarn_linalg_cholesky(hermitian(x[0]), .upper = true))
BODY(linalg_cholesky_inv, tarn_linalg_cholesky_inv(solid(x[0])))
BODY(linalg_cholesky_inv_upper, tarn_linalg_cholesky_inv(solid(x[0]), .upper = true))
BODY(linalg_pinv, tarn_linalg_pinv(x[0]))
BODY(linalg_solve, tarn_linalg_solve(solid(x[0]), x[1]))
BODY(linalg_solve_triangular, tarn_linalg_solve_triangular(solid(x[0]), x[1]))
BODY(linalg_solve_triangular_upper, tarn_linalg_solve_triangular(solid(x[0]), x[1], .upper = true))
BODY(linalg_det, tarn_linalg_det(x[0]))
BODY(linalg_eigvalsh, tarn_linalg_eigvalsh(hermitian(x[0])))
BODY(linalg_svdvals, tarn_linalg_svdvals(x[0]))
BODY(linalg_eigvals, tarn_abs(tarn_linalg_eigvals(solid(x[0]))))
BODY(linalg_norm, tarn_linalg_norm(x[0]))
BODY(linalg_norm_third, tarn_linalg_norm(x[0], .order = TARN_VALUE(3), .axes = TARN_AXES(0), .keepdims = true))
BODY(linalg_norm_columns, tarn_linalg_norm(x[0], .order = TARN_VALUE(1)))
BODY(linalg_norm_nuclear, tarn_linalg_norm(x[0], .kind = "nuc", .axes = TARN_AXES(-1, 0)))
BODY(linalg_norm_least, tarn_linalg_norm(x[0], .order = TARN_VALUE(-2), .keepdims = true))
BODY(linalg_cross, tarn_linalg_cross(x[0], x[1]))
BODY(linalg_cross_flat, tarn_linalg_cross(x[0], x[1], .axis = TARN_AXIS(0)))
LIST_BODY(linalg_lu_factor, 2, tarn_linalg_lu_factor(x[0], out), out[0])
LIST_BODY(linalg_lu, 3, tarn_linalg_lu(x[0], out), out[1], out[2])
LIST_BODY(linalg_qr, 2, tarn_linalg_qr(x[0], out), squared(out[0]), squared(out[1]))
LIST_BODY(linalg_slogdet, 2, tarn_linalg_slogdet(solid(x[0]), out), out[1])
LIST_BODY(linalg_svd, 3, tarn_linalg_svd(x[0], out), squared(out[0]), out[1], squared(out[2]))
LIST_BODY(linalg_svd_thin, 3, tarn_linalg_svd(x[0], out, .thin = true), squared(out[0]), squared(out[2]))
LIST_BODY(linalg_eigh, 2, tarn_linalg_eigh(hermitian(x[0]), out), out[0], squared(out[1]))
LIST_BODY(linalg_eig, 2, tarn_linalg_eig(hermitian(x[0]), out), tarn_real(out[0]), squared(out[1]))

#define SINGLE(...) random_array(TARN_SHAPE(__VA_ARGS__), TARN_FLOAT32, -2, 2)

static void test_linalg(void) {
    RUN(linalg_inv, REAL(3, 3));
    RUN(linalg_inv, COMPLEX(2, 2));
    RUN(linalg_tri_inv, REAL(3, 3));
    RUN(linalg_tri_inv_upper, REAL(2, 3, 3));
    RUN(linalg_cholesky, REAL(3, 3));
    RUN(linalg_cholesky, COMPLEX(2, 2));
    RUN(linalg_cholesky_upper, REAL(2, 2, 2));
    RUN(linalg_cholesky_inv, REAL(2, 2));
    RUN(linalg_cholesky_inv_upper, REAL(3, 3));
    RUN(linalg_pinv, REAL(2, 3));
    RUN(linalg_pinv, REAL(3, 2));
    RUN(linalg_pinv, COMPLEX(2, 3));
    RUN(linalg_solve, REAL(3, 3), REAL(3, 2));
    RUN(linalg_solve, REAL(2, 2), REAL(2));
    RUN(linalg_solve, REAL(2, 1, 2, 2), REAL(2, 2, 1));
    RUN(linalg_solve, COMPLEX(2, 2), COMPLEX(2, 1));
    RUN(linalg_solve_triangular, REAL(3, 3), REAL(3, 2));
    RUN(linalg_solve_triangular_upper, REAL(2, 2, 2), REAL(2, 3));
    RUN(linalg_det, REAL(3, 3));
    RUN(linalg_det, COMPLEX(2, 2));
    RUN(linalg_eigvalsh, REAL(3, 3));
    RUN(linalg_svdvals, REAL(3, 2));
    RUN(linalg_svdvals, COMPLEX(2, 3));
    RUN(linalg_eigvals, SINGLE(2, 2));
    RUN(linalg_norm, REAL(2, 3));
    RUN(linalg_norm_third, REAL(3, 2));
    RUN(linalg_norm_columns, REAL(3, 2));
    RUN(linalg_norm_nuclear, REAL(3, 2));
    RUN(linalg_norm_least, REAL(2, 3));
    RUN(linalg_cross, REAL(2, 3), REAL(3));
    RUN(linalg_cross_flat, REAL(2, 2), REAL(3, 2));
    RUN(linalg_lu_factor, REAL(3, 3));
    RUN_MANY(linalg_lu, 2, REAL(3, 3));
    RUN_MANY(linalg_lu, 2, REAL(2, 4));
    RUN_MANY(linalg_lu, 2, REAL(4, 2));
    RUN_MANY(linalg_qr, 2, REAL(3, 3));
    RUN_MANY(linalg_qr, 2, REAL(4, 2));
    RUN_MANY(linalg_qr, 2, REAL(2, 3));
    RUN_MANY(linalg_qr, 2, COMPLEX(3, 2));
    RUN(linalg_slogdet, REAL(3, 3));
    RUN_MANY(linalg_svd, 3, REAL(3, 3));
    RUN_MANY(linalg_svd, 3, REAL(3, 2));
    RUN_MANY(linalg_svd, 3, REAL(2, 3));
    RUN_MANY(linalg_svd, 3, COMPLEX(3, 2));
    RUN_MANY(linalg_svd_thin, 2, REAL(4, 2));
    RUN_MANY(linalg_svd_thin, 2, REAL(2, 4));
    RUN_MANY(linalg_eigh, 2, REAL(3, 3));
    RUN_MANY(linalg_eigh, 2, COMPLEX(2, 2));
    RUN_MANY(linalg_eig, 2, SINGLE(2, 2));
}

/* ---- fourier transforms */
BODY(fft, bend(tarn_fft(x[0])))
BODY(fft_cut, tarn_fft(x[0], .n = 3, .norm = TARN_FFT_ORTHO))
BODY(fft_padded, tarn_fft(x[0], .n = 7, .axis = TARN_AXIS(0)))
BODY(ifft, bend(tarn_ifft(x[0])))
BODY(ifft_forward, tarn_ifft(x[0], .norm = TARN_FFT_FORWARD))
BODY(rfft, bend(tarn_rfft(x[0])))
BODY(rfft_cut, tarn_rfft(x[0], .n = 3))
BODY(irfft, bend(tarn_irfft(x[0])))
BODY(irfft_odd, tarn_irfft(x[0], .n = 7, .norm = TARN_FFT_FORWARD))
BODY(irfft_cut, tarn_irfft(x[0], .n = 3, .norm = TARN_FFT_ORTHO))
BODY(rfft2, tarn_rfft2(x[0]))
BODY(irfftn, tarn_irfftn(x[0], .sizes = TARN_SHAPE(3, 4), .axes = TARN_AXES(0, 1)))
BODY(fftshift, bend(tarn_fftshift(x[0])))

static void test_fft(void) {
    RUN(fft, COMPLEX(4));
    RUN(fft, SINGLE(2, 3));
    RUN(fft_cut, COMPLEX(5));
    RUN(fft_padded, COMPLEX(4, 2));
    RUN(ifft, COMPLEX(2, 3));
    RUN(ifft_forward, COMPLEX(4));
    RUN(rfft, SINGLE(4));
    RUN(rfft, SINGLE(2, 5));
    RUN(rfft_cut, SINGLE(5));
    RUN(irfft, COMPLEX(4));
    RUN(irfft_odd, COMPLEX(3));
    RUN(irfft_cut, COMPLEX(4));
    RUN(rfft2, SINGLE(2, 3));
    RUN(irfftn, COMPLEX(2, 3));
    RUN(fftshift, REAL(3, 4));
}
