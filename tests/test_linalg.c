/* Linear algebra: values against NumPy (tests/linalg_cases.h), factors by what they multiply to, for every dtype and
   row, and what goes wrong. */
#include "test_device.h"
#include "base/settings.h"
#include "golden_values.h"
#include "rounds.h"

static tarn_array *out[3];

/* ---- inputs, as tools/linalg_vectors.py makes them */

static tarn_array *m(int64_t rows, int64_t columns) {
    double *x = malloc((size_t)(rows * columns) * sizeof *x);
    for (int64_t i = 0; x && i < rows * columns; i++)
        x[i] = (double)(i * 37 % 23 - 11) / 4 + (i % columns == i / columns % columns ? 0.5 : 0);
    tarn_array *a = tarn_from_data(x, TARN_SHAPE(rows, columns), TARN_FLOAT64);
    free(x);
    return a;
}

static tarn_array *s(int64_t rows, int64_t columns) {
    return tarn_astype(m(rows, columns), TARN_FLOAT32);
}

static tarn_array *c(int64_t rows, int64_t columns) {
    tarn_array *imag = tarn_transpose(s(columns, rows)), *unit = tarn_scalar_complex(0, 1);
    return tarn_add(tarn_astype(s(rows, columns), TARN_COMPLEX64), tarn_multiply(imag, unit));
}

static tarn_array *adjoint(tarn_array *a) {
    return tarn_conjugate(tarn_swapaxes(a, -1, -2));
}
static tarn_array *gram(tarn_array *a) {
    return tarn_matmul(a, adjoint(a));
}
static tarn_array *places(tarn_array *a, int axis) {
    return tarn_arange(0, (double)tarn_dim(a, axis), 1, TARN_INT32);
}
static tarn_array *lower(tarn_array *a) {
    tarn_array *rows = tarn_expand_dims(places(a, -2), TARN_AXES(1));
    return tarn_where(tarn_less_equal(places(a, -1), rows), a, tarn_scalar_like(0, a));
}

static void check_all(void) {
#define CASE(name, numpy, ...)                                                                                         \
    {                                                                                                                  \
        TARN_SCOPE;                                                                                                    \
        golden_check("linalg", #name, (__VA_ARGS__), 300, 1);                                                          \
    }
#include "linalg_cases.h"
#undef CASE
}

/* ---- factors: what they multiply to */

static double size_of(tarn_array *a) {
    return tarn_size(a) ? tarn_item(tarn_astype(tarn_max(tarn_abs(a)), TARN_FLOAT64)) : 0;
}

static void same(const char *what, tarn_array *got, tarn_array *wanted) {
    tarn_dtype dtype = tarn_dtype_of(wanted);
    double eps = dtype == TARN_FLOAT64 ? DBL_EPSILON : FLT_EPSILON, off = size_of(tarn_subtract(got, wanted));
    bool ok = tarn_ok() && off <= 200 * eps * (1 + size_of(wanted));
    CHECK(ok);
    if (!ok) fprintf(stderr, "%s of %s: off by %g\n", what, tarn_dtype_name(dtype), off);
    tarn_clear_error();
}

static tarn_array *unit_like(tarn_array *product) {
    tarn_array *i = places(product, -1);
    return tarn_broadcast_like(tarn_astype(tarn_equal(tarn_expand_dims(i, TARN_AXES(1)), i), tarn_dtype_of(product)),
                               product);
}

static void check_orthonormal(const char *what, tarn_array *q) {
    tarn_array *product = tarn_matmul(adjoint(q), q);
    same(what, product, unit_like(product));
}

static tarn_array *scaled(tarn_array *u, tarn_array *values) {
    return tarn_multiply(u, tarn_expand_dims(tarn_astype(values, tarn_dtype_of(u)), TARN_AXES(-2)));
}

static void check_rectangular(tarn_array *a) {
    int64_t rows = tarn_dim(a, -2), columns = tarn_dim(a, -1), k = rows < columns ? rows : columns;
    CHECK(tarn_linalg_qr(a, out));
    same("qr", tarn_matmul(out[0], out[1]), a);
    check_orthonormal("q", out[0]);
    CHECK(tarn_linalg_lu(a, out));
    tarn_array *order = tarn_broadcast_like(tarn_expand_dims(out[0], TARN_AXES(-1)), out[1]);
    same("lu", tarn_matmul(tarn_take_along_axis(out[1], order, .axis = TARN_AXIS(-2)), out[2]), a);
    for (int thin = 0; thin < 2; thin++) {
        CHECK(tarn_linalg_svd(a, out, .thin = thin));
        check_orthonormal("u", out[0]);
        check_orthonormal("v", adjoint(out[2]));
        tarn_array *u = tarn_slice_axis(out[0], -1, 0, k), *vt = tarn_slice_axis(out[2], -2, 0, k);
        same("svd", tarn_matmul(scaled(u, out[1]), vt), a);
    }
}

/* The bits of a value do not depend on who reads the vectors. */
static void check_alone(tarn_array *a, bool (*factor)(tarn_array *a, tarn_array **out), int values) {
    tarn_array *alone[3], *together[3];
    CHECK(factor(a, alone) && factor(a, together) && tarn_eval(alone[values]));
    CHECK(tarn_eval(together[0], together[1], together[values]));
    CHECK(tarn_item(tarn_array_equal(alone[values], together[values])) == 1);
}
static bool svd_of(tarn_array *a, tarn_array **factors) {
    return tarn_linalg_svd(a, factors);
}
static bool eigh_of(tarn_array *a, tarn_array **factors) {
    return tarn_linalg_eigh(a, factors);
}
static bool eig_of(tarn_array *a, tarn_array **factors) {
    return tarn_linalg_eig(a, factors);
}
static void check_values_alone(void) {
    TARN_SCOPE;
    for (uint64_t seed = 0; seed < 20; seed++) {
        tarn_array *a = tarn_random_normal(tarn_random_key(seed), TARN_SHAPE(7, 7), TARN_FLOAT32);
        check_alone(a, svd_of, 1);
        check_alone(tarn_add(a, tarn_transpose(a)), eigh_of, 0);
        check_alone(a, eig_of, 0);
    }
}

/* What products of values that are not finite leave in the scratch memory of the linear algebra library reaches no
   later result: some of its kernels read beyond what they wrote there. */
static bool factor(int kind, tarn_array *a, tarn_array **to) {
    tarn_array *h = tarn_add(a, adjoint(a));
    switch (kind) {
    case 0:
        return tarn_linalg_eigh(h, to) && (to[2] = tarn_linalg_eigvalsh(h));
    case 1:
        return tarn_linalg_svd(a, to);
    case 2:
        return tarn_linalg_qr(a, to) && (to[2] = tarn_linalg_svdvals(a));
    case 3:
        return tarn_linalg_lu(a, to);
    case 4:
        return tarn_linalg_eig(a, to) && (to[2] = tarn_linalg_eigvals(a));
    default:
        to[0] = tarn_linalg_cholesky(tarn_add(gram(a), unit_like(a)));
        to[1] = tarn_linalg_solve(h, a), to[2] = tarn_linalg_solve_triangular(h, a);
        return tarn_ok();
    }
}

static void leave_nan(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT64, TARN_COMPLEX64};
    for (int i = 0; i < 3; i++) {
        tarn_array *nan = tarn_full(TARN_SHAPE(150, 150), (double)NAN, dtypes[i]);
        CHECK(tarn_eval(tarn_matmul(nan, nan)));
    }
}

static void check_scratch(tarn_dtype dtype, int n, int kinds) {
    for (int kind = 0; kind < kinds; kind++) {
        TARN_SCOPE;
        tarn_array *a = tarn_random_normal(tarn_random_key((uint64_t)n), TARN_SHAPE(n, n), dtype), *clean[3], *after[3];
        CHECK(factor(kind, a, clean) && tarn_eval_all(clean, 3));
        leave_nan();
        CHECK(factor(kind, a, after) && tarn_eval_all(after, 3));
        for (int i = 0; i < 3; i++) {
            if (tarn_item(tarn_array_equal(clean[i], after[i], .equal_nan = true)) == 1) continue;
            check_failures++;
            fprintf(stderr, "%s [%d, %d]: factors %d, part %d\n", tarn_dtype_name(dtype), n, n, kind, i);
            tarn_clear_error();
        }
    }
}

static void check_all_scratch(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT64, TARN_COMPLEX64};
    for (int n = 1; n < 40; n += n < 9 ? 1 : 11)
        for (int i = 0; i < 3; i++)
            if (in_rounds()) check_scratch(dtypes[i], n, 6); /* emulators take long for products of NaN */
    if (!settings_without("linalg_eigh")) check_scratch(TARN_FLOAT32, 139, 1);
}

static void check_square(tarn_array *a) {
    tarn_array *h = tarn_add(gram(a), unit_like(a)), *l = tarn_linalg_cholesky(h),
               *u = tarn_linalg_cholesky(h, .upper = true);
    same("cholesky", tarn_matmul(l, adjoint(l)), h);
    same("cholesky, upper", tarn_matmul(adjoint(u), u), h);
    for (int upper = 0; upper < 2; upper++) {
        CHECK(tarn_linalg_eigh(h, out, .upper = upper));
        check_orthonormal("eigenvectors", out[1]);
        same("eigh", tarn_matmul(h, out[1]), scaled(out[1], out[0]));
        same("eigvalsh", tarn_linalg_eigvalsh(h, .upper = upper), out[0]);
    }
    CHECK(tarn_linalg_eig(a, out));
    same("eig", tarn_matmul(tarn_astype(a, TARN_COMPLEX64), out[1]), scaled(out[1], out[0]));
    same("lengths", tarn_sum(tarn_square(tarn_abs(out[1])), .axes = TARN_AXES(-2)), tarn_ones_like(tarn_abs(out[0])));
    same("inv", tarn_matmul(tarn_linalg_inv(h), h), unit_like(h));
}

/* Rows one after the other, columns one after the other, and every second element of a larger array. */
static tarn_array *laid_out(tarn_array *a, int how) {
    if (how == 0) return a;
    if (how == 1) return tarn_swapaxes(tarn_contiguous(tarn_swapaxes(a, -1, -2)), -1, -2);
    tarn_array *twice = tarn_contiguous(tarn_repeat(a, 2, .axis = TARN_AXIS(-1)));
    int64_t start[3] = {0}, stop[3] = {INT64_MAX, INT64_MAX, INT64_MAX}, step[3] = {1, 1, 1};
    step[tarn_ndim(a) - 1] = 2;
    tarn_ints first = {start, tarn_ndim(a)}, last = {stop, tarn_ndim(a)};
    return tarn_slice(twice, first, last, .step = {step, tarn_ndim(a)});
}

static void check_factors(void) {
    static const int64_t shapes[][3] = {{1, 1, 1}, {1, 3, 3}, {2, 4, 4}, {1, 5, 3}, {1, 3, 5}, {5, 2, 7},
                                        {1, 0, 0}, {1, 0, 3}, {1, 3, 0}, {0, 3, 3}, {1, 9, 9}, {1, 1, 4}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int how = 0; how < 9; how++) {
            TARN_SCOPE;
            int64_t batch = shapes[i][0], rows = shapes[i][1], columns = shapes[i][2];
            tarn_array *flat = how / 3 == 0   ? m(batch * rows, columns)
                               : how / 3 == 1 ? s(batch * rows, columns)
                                              : c(batch * rows, columns);
            tarn_array *a = laid_out(tarn_reshape(flat, TARN_SHAPE(batch, rows, columns)), how % 3);
            check_rectangular(a);
            if (rows == columns) check_square(a);
        }
}

/* Eigenvalues on a circle, none but zero, one for all, close together, far apart: where steps without a good shift, or
   without a balanced matrix, do not end. */
static double hard_element(int kind, int64_t n, int64_t i, int64_t j) {
    const double elements[] = {(i + 1) % n == j,
                               0,
                               i + 1 == j,
                               i == j || i + 1 == j,
                               j < i - 1 ? 0 : (double)(n - (i > j ? i : j)),
                               (double)((i * 7 + j * 5) % 11 - 4) * pow(10, (double)(3 * (i - j)))};
    return elements[kind];
}
enum { HARD_KINDS = 6 };

static tarn_array *hard_matrix(int kind, int64_t n) {
    double x[16 * 16];
    for (int64_t i = 0; i < n * n; i++) x[i] = hard_element(kind, n, i / n, i % n);
    return tarn_from_data(x, TARN_SHAPE(n, n), TARN_FLOAT64);
}

static void check_hard_eig(void) {
    for (int kind = 0; kind < HARD_KINDS; kind++)
        for (int64_t n = 1; n <= (kind == 5 ? 6 : 16); n++) {
            TARN_SCOPE;
            tarn_array *a = hard_matrix(kind, n), *largest = tarn_max(tarn_abs(a));
            CHECK(tarn_linalg_eig(a, out));
            a = tarn_divide(a, tarn_maximum(largest, tarn_scalar_like(1, largest)));
            out[0] = tarn_divide(out[0], tarn_maximum(largest, tarn_scalar_like(1, largest)));
            same("hard eig", tarn_matmul(tarn_astype(a, TARN_COMPLEX64), out[1]), scaled(out[1], out[0]));
        }
}

/* ---- what goes wrong */

static void check_errors(void) {
    TARN_SCOPE;
    tarn_array *one = tarn_ones(TARN_SHAPE(2, 2), TARN_FLOAT32), *wide = m(2, 3),
               *line = tarn_ones(TARN_SHAPE(3), TARN_FLOAT32);
    tarn_array *nan = tarn_full(TARN_SHAPE(2, 2), NAN, TARN_FLOAT32), *whole = tarn_ones(TARN_SHAPE(2, 2), TARN_INT32);
    CHECK_ERROR(tarn_eval(tarn_linalg_inv(one)), "the matrix is singular");
    CHECK_ERROR(tarn_eval(tarn_linalg_solve(one, one)), "linalg_solve: the matrix is singular");
    CHECK_ERROR(tarn_eval(tarn_linalg_tri_inv(tarn_zeros_like(one))), "singular");
    CHECK_ERROR(tarn_eval(tarn_linalg_cholesky(tarn_negative(one))), "linalg_cholesky: the matrix is not positive");
    tarn_array *batch = tarn_stack(TARN_ARRAYS(tarn_add(one, unit_like(one)), one), 2);
    CHECK_ERROR(tarn_eval(tarn_linalg_solve(batch, batch)), "linalg_solve: matrix 1 of the batch is singular");
    CHECK_ERROR(tarn_linalg_svd(nan, out) && tarn_eval(out[1]),
                "linalg_svd: the matrix has values that are not finite");
    CHECK_ERROR(tarn_eval(tarn_linalg_eigvals(nan)), "linalg_eig: the matrix has values that are not finite");
    CHECK_ERROR(tarn_eval(tarn_linalg_eigvalsh(nan)), "not finite");
    CHECK_ERROR(tarn_linalg_inv(wide), "linalg_inv: only square matrices, not: float64 [2, 3]");
    CHECK_ERROR(tarn_linalg_inv(line), "linalg_inv: a matrix has two axes at least, not: float32 [3]");
    CHECK_ERROR(tarn_linalg_inv(whole), "linalg_inv: matrices are float32, float64 or complex64, not int32");
    CHECK_ERROR(tarn_linalg_solve(one, line), "linalg_solve: shapes do not go together");
    CHECK_ERROR(tarn_linalg_norm(line, .kind = "fro"), "\"fro\" is of matrices");
    CHECK_ERROR(tarn_linalg_norm(one, .kind = "two"), "no norm \"two\"");
    CHECK_ERROR(tarn_linalg_norm(one, .order = TARN_VALUE(3)), "no norm of order 3");
    CHECK_ERROR(tarn_linalg_norm(tarn_ones(TARN_SHAPE(2, 2, 2), TARN_FLOAT32), .order = TARN_VALUE(2)), "of 3 axes");
    CHECK_ERROR(tarn_linalg_cross(m(2, 4), m(2, 4)), "linalg_cross: axis -1 has size 4, not 2 or 3");
    CHECK(tarn_ok() && tarn_eval(tarn_linalg_inv(tarn_add(one, unit_like(one))))); /* the next one works */
}

int main(void) {
    if (!choose_device(false)) return 77;
    check_all();
    check_factors();
    check_hard_eig();
    check_errors();
    check_values_alone();
    check_all_scratch();
    return check_report("linalg");
}
