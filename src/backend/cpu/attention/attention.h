/* Attention as its kernels see it: rows are the queries of all heads that share a kv head (row = head in the group *
 * length + query). */
#ifndef CPU_ATTENTION_H
#define CPU_ATTENTION_H

#include "backend/call.h"

typedef struct {
    const char *data;
    int64_t batch, head, row; /* strides in bytes; the last axis is dense */
} attention_array;

typedef struct {
    attention_array q, k, v;
    char *out; /* dense [batch, heads, length, value_dim] */
    tarn_dtype dtype;
    int64_t batch, heads, kv_heads, group, length, keys, dim, value_dim;
    float scale;
    bool causal, plain;                  /* plain: keys that no row of a block can see may be left out */
    int64_t window;                      /* INT64_MAX: none */
    const operand *valid, *sinks, *mask; /* NULL if absent; valid: keys of each batch row */
    int64_t mask_strides[4];             /* in bytes, 0 where it is broadcast */
} attention_problem;

/* The keys of batch row b: those below `end` exist, row i of the queries stands at first + i. */
typedef struct {
    int64_t end, first;
} attention_span;

attention_span attention_span_of(const attention_problem *p, int64_t batch);

static inline const char *attention_query(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row) {
    int64_t head = kv_head * p->group + row / p->length;
    return p->q.data + batch * p->q.batch + head * p->q.head + row % p->length * p->q.row;
}

enum { ATTENTION_THIN_ROWS = 8, ATTENTION_CHUNK = 256, ATTENTION_MOST_DIM = 1024 };

typedef struct {
    /* How many rows a wide unit takes, and the bytes it works in. */
    int64_t wide_rows;
    int64_t (*wide_scratch)(const attention_problem *p);
    /* Rows [row, row + wide_rows) of a kv head, all keys. */
    void (*wide)(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, char *scratch);
    /* All rows (at most ATTENTION_THIN_ROWS), one chunk of keys. For each row: partial[0] the largest score, partial[1]
       the sum of exp(score - largest), then value_dim sums. The partial of a row is 2 + value_dim floats. */
    void (*thin)(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t chunk, float *partial);
} attention_kernels;

extern const attention_kernels attention_kernels_baseline, attention_kernels_avx2, attention_kernels_avx512;
extern const attention_kernels attention_kernels_amx; /* no thin; wide: bfloat16 heads of whole tiles */

/* Scores of one row against keys [begin, begin + count) of which those before `end` exist, `stride` floats apart: masks
 * are applied. */
void attention_mask_row(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, int64_t begin,
                        int64_t count, float *scores, int64_t stride);

#endif
