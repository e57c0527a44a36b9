/* Matrix products in the widest type of a kind, over matrices that are read one number at a time: dense ones and packed
 * ones. */
#ifndef REFERENCE_PRODUCT_H
#define REFERENCE_PRODUCT_H

#include "reference/value.h"

/* The number at (row, column), in the class of the product. */
typedef value (*matrix_entry)(const void *matrix, int64_t row, int64_t column);

typedef struct {
    int64_t m, n, k;
    matrix_entry left, right;
    const void *left_matrix, *right_matrix; /* [m, k], [k, n] */
    tarn_dtype dtype;                       /* of out, and through it the class */
    char *out;                              /* dense [m, n] */
} product;

/* workspace: product_workspace(k) bytes. */
void product_run(const product *p, void *workspace);
int64_t product_workspace(int64_t k);

/* A matrix in the last two axes of an operand. */
typedef struct {
    const char *data;
    int64_t row_step, column_step; /* bytes */
    value_loader load;
    value_class from, to;
} dense_matrix;

dense_matrix dense_matrix_of(const operand *o, value_class class);
value dense_entry(const void *matrix, int64_t row, int64_t column);

/* Walks the leading axes of o, broadcast to those of out: at each stop `at` is the first element of a matrix. */
cursor leading_axes(const operand *o, const operand *out);

#endif
