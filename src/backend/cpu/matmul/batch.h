/* The leading axes of a product: broadcast against each other, and folded into the rows where the second factor does
 * not vary. */
#ifndef CPU_MATMUL_BATCH_H
#define CPU_MATMUL_BATCH_H

#include "backend/call.h"

enum { BATCH_FACTORS = 4 };

typedef struct {
    int64_t count; /* products after folding */
    int ndim;
    int64_t shape[TARN_MAX_NDIM];
    int64_t strides[BATCH_FACTORS][TARN_MAX_NDIM]; /* elements; 0 along broadcast axes */
    int64_t folded, row_stride; /* rows of one product, and elements between them in the first factor */
} batch_axes;

/* The last two axes of each factor are the matrix. Axes of the first factor along which no other one varies, and which
   continue its rows in memory, become rows. */
void batch_of(batch_axes *axes, const operand *out, const operand *factors, int factor_count);
/* Elements from the start of factor f to its matrix in product i. */
int64_t batch_offset(const batch_axes *axes, int f, int64_t i);

#endif
