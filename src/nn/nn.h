/* What the layers share. */
#ifndef NN_NN_H
#define NN_NN_H

#include "tarn/nn.h"

static inline tarn_dtype dtype_or_float32(tarn_dtype dtype) {
    return dtype == TARN_BOOL ? TARN_FLOAT32 : dtype;
}
static inline double value_or(tarn_value value, double otherwise) {
    return value.given ? value.value : otherwise;
}

/* A key to spend; *key becomes the next. */
tarn_array *spend_key(tarn_array **key);
/* Uniform over [-limit, limit). */
tarn_array *init_uniform(tarn_array **key, tarn_ints shape, tarn_dtype dtype, double limit);

bool same_shape(const tarn_array *a, const tarn_array *b);

#endif
