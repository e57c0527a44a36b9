/* Linear algebra: matrices are the last two axes of an array, the axes before them a batch, for each of which the same
   is done. dtypes are float32, float64 and complex64; where others are taken it is said. aH is the conjugate transpose.
   What a computation finds out about its values (a singular matrix, one that is not positive definite, no convergence)
   is an error of the evaluation. */
#ifndef TARN_LINALG_H
#define TARN_LINALG_H

#include "tarn/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- norms and products */
typedef struct {
    int begin_;
    tarn_value order; /* absent: 2 of a vector, of a matrix "fro" */
    const char *kind; /* instead of an order, of a matrix: "fro" or "f" (sum |x|^2)^(1/2), "nuc" the sum of singular
                         values */
    tarn_ints axes;   /* one: of vectors; two: of matrices, rows first. Absent: all of x, which without an order or kind
                         is taken as one vector */
    bool keepdims;
    int end_;
} tarn_linalg_norm_options;
/* Norms, of any dtype. Orders of a vector: inf, -inf max and min |x|; 0 how many are not 0; else (sum |x|^p)^(1/p). Of
   a matrix: 1, -1 max and min sum of a column; inf, -inf of a row; 2, -2 largest and smallest singular value. */
#define tarn_linalg_norm(...) TARN_CALL(1, tarn_linalg_norm_with, tarn_linalg_norm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linalg_norm_with(tarn_array *x, tarn_linalg_norm_options options TARN_ABSENT);
/* The cross product along an axis (absent: the last) of 3 numbers, or 2, then the third is 0; other axes broadcast. Any
   dtype. */
#define tarn_linalg_cross(...) TARN_CALL(2, tarn_linalg_cross_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linalg_cross_with(tarn_array *a, tarn_array *b, tarn_axis_options options TARN_ABSENT);

/* ---- factors; false on failure. k is min(m, n) */
typedef struct {
    int begin_;
    bool upper; /* the upper triangle instead of the lower one */
    int end_;
} tarn_triangle_options;
/* a [..., m, n] = q [..., m, k] @ r [..., k, n]: out[0] with orthonormal columns, out[1] upper triangular. */
TARN_API bool tarn_linalg_qr(tarn_array *a, tarn_array *out[2]);
typedef struct {
    int begin_;
    bool thin; /* u [..., m, k], vt [..., k, n] */
    int end_;
} tarn_svd_options;
/* a [..., m, n] = u @ diag(s) @ vt: out[0] u [..., m, m], out[1] singular values [..., k], descending, out[2] vt [...,
   n, n]. */
#define tarn_linalg_svd(...) TARN_CALL(2, tarn_linalg_svd_with, tarn_svd_options, __VA_ARGS__)
TARN_API bool tarn_linalg_svd_with(tarn_array *a, tarn_array *out[3], tarn_svd_options options TARN_ABSENT);
/* The singular values alone, in a fraction of the time; their last bits may differ. */
TARN_API tarn_array *tarn_linalg_svdvals(tarn_array *a);
/* l with a = l @ lH, or (.upper) u with a = uH @ u; only that triangle of a is read. */
#define tarn_linalg_cholesky(...) TARN_CALL(1, tarn_linalg_cholesky_with, tarn_triangle_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linalg_cholesky_with(tarn_array *a, tarn_triangle_options options TARN_ABSENT);
/* a [..., m, n] = l[rows] @ u: out[0] uint32 rows [..., m], out[1] l [..., m, k], out[2] u [..., k, n]. */
TARN_API bool tarn_linalg_lu(tarn_array *a, tarn_array *out[3]);
/* out[0] both triangles in one matrix, out[1] uint32 pivots [..., k]: the row that row i was exchanged with, in order.
 */
TARN_API bool tarn_linalg_lu_factor(tarn_array *a, tarn_array *out[2]);

/* ---- eigenvalues of a [..., n, n] */
/* The values alone take a fraction of the time; their last bits may differ from those beside vectors.
   complex64 in no order; vectors of length 1 are the columns of out[1]. */
TARN_API tarn_array *tarn_linalg_eigvals(tarn_array *a);
TARN_API bool tarn_linalg_eig(tarn_array *a, tarn_array *out[2]);
/* Of a Hermitian matrix, of which one triangle is read: real, ascending. The gradient is that of a Hermitian change. */
#define tarn_linalg_eigvalsh(...) TARN_CALL(1, tarn_linalg_eigvalsh_with, tarn_triangle_options, __VA_ARGS__)
#define tarn_linalg_eigh(...)     TARN_CALL(2, tarn_linalg_eigh_with, tarn_triangle_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linalg_eigvalsh_with(tarn_array *a, tarn_triangle_options options TARN_ABSENT);
TARN_API bool tarn_linalg_eigh_with(tarn_array *a, tarn_array *out[2], tarn_triangle_options options TARN_ABSENT);

/* ---- inverses and equations */
TARN_API tarn_array *tarn_linalg_inv(tarn_array *a);
#define tarn_linalg_tri_inv(...) TARN_CALL(1, tarn_linalg_tri_inv_with, tarn_triangle_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linalg_tri_inv_with(tarn_array *a, tarn_triangle_options options TARN_ABSENT);
/* The inverse of the matrix whose Cholesky factor is a. */
#define tarn_linalg_cholesky_inv(...) TARN_CALL(1, tarn_linalg_cholesky_inv_with, tarn_triangle_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linalg_cholesky_inv_with(tarn_array *a, tarn_triangle_options options TARN_ABSENT);
/* The Moore-Penrose inverse [..., n, m] of a [..., m, n]; singular values below 10 max(m, n) eps times the largest are
   taken for zero. */
TARN_API tarn_array *tarn_linalg_pinv(tarn_array *a);
/* x of a [..., n, n] @ x = b [..., n, k], or b [n]; leading axes broadcast. */
TARN_API tarn_array *tarn_linalg_solve(tarn_array *a, tarn_array *b);
#define tarn_linalg_solve_triangular(...)                                                                              \
    TARN_CALL(2, tarn_linalg_solve_triangular_with, tarn_triangle_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linalg_solve_triangular_with(tarn_array *a, tarn_array *b,
                                                       tarn_triangle_options options TARN_ABSENT);

/* ---- determinants, of any dtype; integers give float32 */
TARN_API tarn_array *tarn_linalg_det(tarn_array *a);
/* out[0] the sign (0 if a is singular; of complex a a number of magnitude 1), out[1] log |det a|. */
TARN_API bool tarn_linalg_slogdet(tarn_array *a, tarn_array *out[2]);

#ifdef __cplusplus
}
#endif
#endif
