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

/* The gradients of q, k and v, of whose scores no matrix is kept. */
typedef struct {
    attention_problem scores; /* as attention has it */
    attention_problem
        mirror;  /* its q is the gradient of attention's result, k is v, v is k, and out the gradient of q */
    char *k, *v; /* dense gradients; they and mirror.out are NULL where nobody reads them */
} attention_gradient;

typedef struct {
    /* How many rows a wide unit takes, and the bytes it works in. */
    int64_t wide_rows;
    int64_t (*wide_scratch)(const attention_problem *p);
    /* Rows [row, row + wide_rows) of a kv head, all keys. */
    void (*wide)(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, char *scratch);
    /* All rows (at most ATTENTION_THIN_ROWS), one chunk of keys. For each row: partial[0] the largest score, partial[1]
       the sum of exp(score - largest), then value_dim sums. The partial of a row is 2 + value_dim floats. */
    void (*thin)(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t chunk, float *partial);
    /* Gradients. Sums of a kv head over some of its rows: gradient_sums floats that begin as zeros. Rows [row, row +
       wide_rows) add to them and write their part of the gradient of q; `store` writes the gradients of k and v out of
       the sums of `slices` parts of the rows, which are `stride` floats apart and joined in the first. */
    int64_t (*gradient_sums)(const attention_gradient *g);
    int64_t (*gradient_scratch)(const attention_gradient *g);
    void (*gradient)(const attention_gradient *g, int64_t batch, int64_t kv_head, int64_t row, float *sums,
                     char *scratch);
    void (*store)(const attention_gradient *g, int64_t batch, int64_t kv_head, float *sums, int slices, int64_t stride);
} attention_kernels;

/* Of attention's inputs, `count` of them; a NULL `out` says that nobody reads the result. */
attention_problem attention_problem_of(const operand *inputs, int count, const attributes_attention *a, char *out);
/* The kernels that serve the problem, where those of the instruction set are `kernels`: tiles beside AVX-512's vectors.
 */
const attention_kernels *attention_fitting(const attention_problem *p, const attention_kernels *kernels);
bool attention_supports(const operand *inputs);

extern const attention_kernels attention_kernels_baseline, attention_kernels_avx2, attention_kernels_avx512;
extern const attention_kernels attention_kernels_amx; /* no thin; wide: bfloat16 heads of whole tiles */

/* Scores of one row against keys [begin, begin + count) of which those before `end` exist, `stride` floats apart: masks
 * are applied. */
void attention_mask_row(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, int64_t begin,
                        int64_t count, float *scores, int64_t stride);

/* A family's row and functions for an instruction set, over run, workspace and supports of the file that says it. */
#define ATTENTION_DTYPES (DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT32))
#define ATTENTION_ROW(name_, isa)                                                                                      \
    static bool run_##isa(const call *c) {                                                                             \
        return run(c, &attention_kernels_##isa);                                                                       \
    }                                                                                                                  \
    static int64_t workspace_##isa(const call *c) {                                                                    \
        return workspace(c, &attention_kernels_##isa);                                                                 \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {{.op = OP_##name_,                                                         \
                                             .name = #name_ "_" #isa,                                                  \
                                             .dtypes = ATTENTION_DTYPES,                                               \
                                             .layout = LAYOUT_ROWS,                                                    \
                                             .any_layout = 1 << MASK | 1 << VALID | 1 << SINKS,                        \
                                             .supports = supports,                                                     \
                                             .workspace = workspace_##isa,                                             \
                                             .run = run_##isa}};

#endif
