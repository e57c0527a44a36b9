/* Helpers of batching rules. In a rule x [batch at some axis, example axes ...]; most rules bring the batch to the
 * front first. */
#ifndef OPS_BATCH_H
#define OPS_BATCH_H

#include "ops/build.h"

/* How many examples there are: the size of the batch axis of the first batched input. */
int64_t batch_size(tarn_array *const *inputs, const int *axes, int count);
/* x with its batch axis first; x itself if axis is -1. */
tarn_array *batch_front(tarn_array *x, int axis);
/* The same, and an x without batch is broadcast to `size` examples. */
tarn_array *batch_whole(tarn_array *x, int axis, int64_t size);
/* batch_front with axes of size 1 after the batch, so that the example has at least ndim axes and broadcasts like one
 * without. */
tarn_array *batch_align(tarn_array *x, int axis, int ndim);

/* An axis of the example (negative from the end of its ndim axes), counted with the batch in front. */
int64_t batch_axis(int64_t axis, int ndim);
/* The same for a list; `storage` has TARN_MAX_NDIM entries. An absent list stays absent. */
tarn_ints batch_axes(tarn_ints axes, int ndim, int64_t *storage);
/* [size, shape ...]; storage has TARN_MAX_NDIM + 1 entries. */
tarn_ints batch_shape(int64_t size, tarn_ints shape, int64_t *storage);

/* Ends of rules: the outputs, with the batch at `axis` of each (-1: none). */
bool batch_result(tarn_array *out, int axis, tarn_array **outputs, int *output_axes);
bool batch_results(node *made, int axis, tarn_array **outputs, int *output_axes);

#endif
