/* What the rows of linear algebra give to their kernels. */
#ifndef CUDA_LINALG_LINALG_H
#define CUDA_LINALG_LINALG_H

#include "cuda/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MATRIX_COMPLEX128 = 14, MATRIX_ALL = 0, MATRIX_LOWER, MATRIX_UPPER };

/* A matrix (from NULL: the unit) from one layout and dtype (a number of tarn_dtype, or MATRIX_COMPLEX128) to another;
   what is outside the triangle becomes zero. status, where there is one, gets 2 * number if a value is not finite; it
   becomes zero. */
typedef struct {
    void *to;
    const void *from;
    uint64_t *status;
    int to_dtype, from_dtype, triangle;
    int64_t number, rows, columns, to_row, to_column, from_row, from_column;
} matrix_kernel;
void launch_matrix(const matrix_kernel *k, kernel_stream stream);

/* status gets 2 * number + 1 unless *info is 0. */
void launch_note_info(const int *info, uint64_t *status, int64_t number, kernel_stream stream);

/* Of count pivots, counted from 1: the same from 0, and to which row of `rows` each goes; order has room for `rows`. */
typedef struct {
    const int64_t *from;
    uint32_t *pivots, *places, *order;
    int64_t count, rows;
} pivot_kernel;
void launch_pivots(const pivot_kernel *k, kernel_stream stream);

/* x [n, columns], dense, holds b, then the x of a x = b; a's triangle; status as launch_note_info's. */
typedef struct {
    void *x;
    const void *a;
    uint64_t *status;
    int dtype, upper;
    int64_t number, n, columns, a_row, a_column;
} triangle_kernel;
void launch_triangle(const triangle_kernel *k, kernel_stream stream);

#ifdef __cplusplus
}
#endif
#endif
