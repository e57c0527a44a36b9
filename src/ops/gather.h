/* What gather and scatter select, for their shape rules, gradients and batches. */
#ifndef OPS_GATHER_H
#define OPS_GATHER_H

#include "ops/build.h"

/* The elements of x [...] at places that index arrays give: axes[k] of x by indices[k]; the arrays broadcast to each
   other. An axis of x in `batch` goes with the axis of the same number of the indices. What is selected has the axes of
   the indices where the first axis of either list stood, and the remaining axes of x before and after. */
typedef struct {
    tarn_array *const *indices;
    int count;
    tarn_ints axes, batch;
} selection;

typedef struct {
    array_type picked;            /* what is selected */
    int place, index_ndim;        /* where the axes of the indices begin in it, and how many there are */
    bool replaced[TARN_MAX_NDIM]; /* the axes of x that are in one of the lists */
} selection_type;

bool selection_infer(const char *op, const tarn_array *x, const selection *s, selection_type *out);
/* Of a node of gather or scatter. */
selection selection_of(const node *n);

tarn_array *gather_selected(tarn_array *x, const selection *s);
/* updates in the shape of what is selected. */
tarn_array *scatter_selected(tarn_array *x, tarn_array *updates, const selection *s, tarn_scatter_mode mode);

/* indices, each of which must lie on an axis of x; else an error where they are read. */
tarn_array *checked_indices(tarn_array *indices, tarn_array *x, int64_t axis);

#endif
