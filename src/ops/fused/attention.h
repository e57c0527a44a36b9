/* What attention and its gradient share as formulas. */
#ifndef OPS_FUSED_ATTENTION_H
#define OPS_FUSED_ATTENTION_H

#include "ops/build.h"

/* In the dtype formulas compute in; heads as kv heads and the group that shares one. */
typedef struct {
    tarn_array *q;                /* scaled [batch, kv heads, group, length, dim] */
    tarn_array *k, *v;            /* [batch, kv heads, 1, keys, dim], [batch, kv heads, 1, keys, value dim] */
    tarn_array *scores, *weights; /* [batch, kv heads, group, length, keys], masked; their softmax */
} attention_parts;

/* Of attention's inputs. False with the error set. */
bool attention_parts_of(const attributes_attention *a, tarn_array *const *in, int count, attention_parts *p);
/* The score of a key that a mask hides. */
tarn_array *attention_lowest(tarn_array *like);

#endif
