/* Axes of several operands at once, as few as say the same. */
#ifndef CUDA_AXES_H
#define CUDA_AXES_H

#include "backend/call.h"

enum { MOST_JOINED = 3 };
typedef struct {
    int operands, ndim;
    int64_t n, shape[TARN_MAX_NDIM], strides[MOST_JOINED][TARN_MAX_NDIM];
} axes;

/* Those of `shape`, ndim of them; strides[k] are operand k's. */
axes axes_joined(int ndim, const int64_t *shape, int operands, const int64_t *const *strides);

/* How many neighbouring elements of `bytes` bytes can be moved as one, of up to 16 bytes, along the last axis: there,
   both sides step by one, and everything else is a multiple of that many. */
int axes_piece(int bytes, int ndim, const int64_t *shape, const void *const *data, const int64_t *const *strides);

/* Strides of o along the axes of a result with ndim axes, to which it is broadcast: its own axes but the last `without`
 * are the last ones.
 */
void axes_broadcast(const operand *o, int without, int ndim, const int64_t *shape, int64_t *strides);

#endif
