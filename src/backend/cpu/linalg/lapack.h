/* LAPACK, by dtype (float32, float64, complex64). Matrices are column after column without gaps, of sizes that fit an
   int. Each returns LAPACK's info: 0, or above 0 what the computation found; never below, for arguments are right. */
#ifndef CPU_LAPACK_H
#define CPU_LAPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "table/table.h"

/* Room that a function takes, in bytes, beside the matrices; what is too large for LAPACK is -1. */
int64_t lapack_qr_room(tarn_dtype dtype, int m, int n);
int64_t lapack_svd_room(tarn_dtype dtype, int m, int n, bool thin);
int64_t lapack_eigh_room(tarn_dtype dtype, int n);
int64_t lapack_eig_room(tarn_dtype dtype, int n);

int lapack_lu(tarn_dtype dtype, int m, int n, void *a, int *pivots); /* pivots from 1 */
/* a [m, n] becomes q [m, k], and r [k, n] is written. */
int lapack_qr(tarn_dtype dtype, int m, int n, void *a, void *r, void *room);
/* a is lost. u and vt NULL: neither is computed. */
int lapack_svd(tarn_dtype dtype, int m, int n, bool thin, void *a, void *s, void *u, void *vt, void *room);
int lapack_cholesky(tarn_dtype dtype, bool upper, int n, void *a); /* the other triangle is left */
/* a becomes the vectors, or is lost. */
int lapack_eigh(tarn_dtype dtype, bool upper, bool vectors, int n, void *a, void *w, void *room);
/* a is lost; w and v (or NULL) complex in the precision of the dtype. */
int lapack_eig(tarn_dtype dtype, int n, void *a, void *w, void *v, void *room);
/* b [n, k] becomes x; a is lost. */
int lapack_solve(tarn_dtype dtype, int n, int k, void *a, void *b, int *pivots);
int lapack_solve_triangular(tarn_dtype dtype, bool upper, int n, int k, const void *a, void *b);

#endif
