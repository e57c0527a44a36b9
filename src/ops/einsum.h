/* Subscripts of einsum, read; and the order in which operands are taken in pairs. */
#ifndef OPS_EINSUM_H
#define OPS_EINSUM_H

#include "ops/build.h"

/* A label is a letter, or -1, -2, ... for the last, last but one, ... of the axes that an ellipsis stands for. */
typedef struct {
    int count;
    int64_t labels[TARN_MAX_NDIM];
} einsum_term;

typedef struct {
    einsum_term *terms; /* of each operand */
    int count;
    einsum_term result;
} einsum_terms;

/* False, with the error set, if the subscripts do not fit the operands. Free the terms in both cases. */
bool einsum_parse(const char *subscripts, tarn_array *const *operands, int count, einsum_terms *out);
void einsum_free(einsum_terms *terms);

/* Labels as bits, of 52 letters and at most 12 axes of an ellipsis. */
uint64_t einsum_bit(int64_t label);
uint64_t einsum_bits(const einsum_term *term);

/* What the steps cost, counted as NumPy does. */
typedef struct {
    int naive_scaling, scaling; /* labels of one loop over everything, of the largest step */
    double naive_cost, cost;    /* multiplications and additions */
} einsum_cost;

/* Greedily, the pair that takes away most elements first (Smith and Gray, 2018); pairs that share no label only when no
   others are left. count - 1 steps, or 1. */
bool einsum_plan(const einsum_terms *terms, tarn_array *const *operands, tarn_einsum_step *steps, einsum_cost *cost);

#endif
