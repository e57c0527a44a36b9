/* Matrices of [..., m, n] picked by integer arrays of places, the leading axes counted as one. */
#ifndef OPS_FUSED_PICK_H
#define OPS_FUSED_PICK_H

#include "ops/build.h"

static inline tarn_array *part(tarn_array *const *inputs, int count, int i) {
    return i < count ? inputs[i] : NULL;
}

/* The leading axes of picked a and b, broadcast to each other. Absent indices pick each matrix at its place. */
bool picked_type(const char *op, const tarn_array *a, const tarn_array *left, const tarn_array *b,
                 const tarn_array *right, array_type *out);
/* [axes of indices ..., m, n]; x itself if indices is NULL. */
tarn_array *pick_matrices(tarn_array *x, tarn_array *indices);

#endif
