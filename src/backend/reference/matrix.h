/* Matrices of the widest numbers, row after row, and what the reference does with them: plain algorithms, one loop
   after the other, for real and complex numbers alike. */
#ifndef REFERENCE_MATRIX_H
#define REFERENCE_MATRIX_H

#include <stdbool.h>
#include <stdint.h>

typedef long double _Complex wide;

/* a [m, n] becomes l and u packed; order[i] is the row of a that came to row i, pivots[i] that exchanged with row i. */
void matrix_lu(wide *a, int64_t m, int64_t n, int64_t *order, int64_t *pivots);
/* a [n, n] packed by matrix_lu, b [n, k] in its order becomes x; false if u is singular. */
bool matrix_substitute(const wide *lu, int64_t n, wide *b, int64_t k, bool lower, bool upper);
/* a [m, n] becomes r, q [m, m] is written; the diagonal has the signs of LAPACK. room [min(m, n)] */
void matrix_qr(wide *a, int64_t m, int64_t n, wide *q, wide *room);
/* The lower triangle of a becomes l; false if a is not positive definite. */
bool matrix_cholesky(wide *a, int64_t n);
/* Hermitian a [n, n] becomes diagonal, v [n, n] the eigenvectors in its columns; ascending. */
void matrix_eigh(wide *a, int64_t n, wide *v);
/* a [m, n], m >= n, becomes u s; v [n, n] is written, s [n] descending. */
void matrix_svd(wide *a, int64_t m, int64_t n, long double *s, wide *v);
/* u [m, m] of the a that matrix_svd leaves, which is lost; any basis where s is 0. room [n] */
void matrix_svd_bases(wide *a, int64_t m, int64_t n, wide *u, wide *room);
/* a [n, n] becomes upper triangular with the eigenvalues on its diagonal; v the eigenvectors in its columns, of length
   1; room [n + 1, n]. False without convergence. */
bool matrix_eig(wide *a, int64_t n, wide *v, wide *room);

#endif
