/* What view ops mean over a given shape: shared by their shape rules, their gradients and lowering. */
#ifndef OPS_VIEW_H
#define OPS_VIEW_H

#include "ops/build.h"

typedef struct {
    int64_t start, step, count;
} slice_range;

/* The range of each axis of x for a slice op's attributes. */
bool slice_ranges(const attributes_slice *a, const tarn_array *x, slice_range *ranges);
/* a with these axes backwards. */
tarn_array *slice_turned(tarn_array *a, const bool *backwards);
/* x with a block of the ranges' shape where a slice of them would read it. */
tarn_array *slice_put(tarn_array *x, tarn_array *block, const slice_range *ranges);

/* Where a diagonal lies: the axes of its matrices, and its first element in them. */
typedef struct {
    int rows, columns;
    int64_t row, column;
} diagonal_place;
bool diagonal_axes(const attributes_diagonal *a, int ndim, diagonal_place *d);
int64_t diagonal_length(const diagonal_place *d, const int64_t *shape);
/* x with a diagonal where tarn_diagonal would read it. */
tarn_array *diagonal_put(tarn_array *x, tarn_array *diagonal, const attributes_diagonal *a);

/* The permutation, each axis normal; absent axes: reversed. */
bool transpose_axes(const attributes_transpose *a, int ndim, int *axes);
/* The shape with its -1 filled in. */
bool reshape_shape(const char *op, tarn_ints wanted, int64_t size, array_type *out);
/* inserted[i] / removed[i]: axis i of the result / of x is one of the op's axes. */
bool expand_axes(const attributes_expand_dims *a, int ndim, bool *inserted);
bool squeeze_axes(const attributes_squeeze *a, const tarn_array *x, bool *removed);
/* Where part `i` of a split begins and ends along its axis. */
bool split_bounds(const attributes_split *a, const tarn_array *x, int *axis, int64_t i, int64_t *begin, int64_t *end);

/* The layout of output `index` of a view node whose input lies at `in`, by its rule. */
bool view_layout(const node *n, int index, const array_layout *in, array_layout *out);

#endif
