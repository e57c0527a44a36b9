/* What the files of linear algebra share. */
#ifndef OPS_LINALG_H
#define OPS_LINALG_H

#include "ops/build.h"
#include "tarn/linalg.h"

/* Checks of a shape rule or front: a matrix, or a square one, of a dtype that there are factors of. */
bool linalg_check(const char *op, const tarn_array *a);
bool linalg_check_square(const char *op, const tarn_array *a);

/* The dtype of magnitudes: float32 of complex64. */
tarn_dtype linalg_real(tarn_dtype dtype);

tarn_array *linalg_adjoint(tarn_array *x);
/* Where column - row is at most, or at least, offset; zero elsewhere. */
tarn_array *linalg_lower(tarn_array *x, int64_t offset);
tarn_array *linalg_upper(tarn_array *x, int64_t offset);
/* The unit matrix [n, n]. */
tarn_array *linalg_unit(int64_t n, tarn_dtype dtype);
/* x [..., m, n] to [..., min(m, n)], and x [..., n] to [..., n, n]. */
tarn_array *linalg_diagonal(tarn_array *x);
tarn_array *linalg_diagonal_matrix(tarn_array *x);
/* Rows and columns [begin, end). */
tarn_array *linalg_rows(tarn_array *x, int64_t begin, int64_t end);
tarn_array *linalg_columns(tarn_array *x, int64_t begin, int64_t end);

/* Batching of the factors: one more leading axis. */
bool vmap_matrices(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes);

#endif
