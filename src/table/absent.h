/* What an absent attribute means, for formulas and kernels alike. */
#ifndef TABLE_ABSENT_H
#define TABLE_ABSENT_H

#include <math.h>

#include "table/table.h"

/* 1 / sqrt(dim), so that scores of random q and k have the deviation of their elements. */
static inline double attention_scale(const attributes_attention *a, int64_t dim) {
    return isnan(a->scale) ? 1 / sqrt(dim > 0 ? (double)dim : 1) : a->scale;
}

/* The attention whose gradient it is. */
static inline attributes_attention attention_of_gradient(const attributes_attention_gradient *a) {
    return (attributes_attention){.scale = a->scale, .causal = a->causal, .window = a->window};
}

#endif
