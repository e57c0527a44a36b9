/* What one instruction set brings to the kernels over rows: softmax, norms, var, rope; and to softmax down columns.
   Rows are dense; dtypes float32, float16, bfloat16. */
#ifndef CPU_NORM_H
#define CPU_NORM_H

#include "backend/call.h"

enum {
    ROPE_MOST_DIMS = 1024,
    COLUMNS_STRIP = 2048 /* columns at most of a strip */
};

typedef struct {
    int64_t n;
    tarn_dtype dtype;
    bool past; /* the output goes past the caches: it is aligned to 64 bytes */
    float eps;
    float count;               /* of var: what the sum of squares is divided by */
    const void *weight, *bias; /* of x's dtype, or NULL */
} norm_row;

/* Rows [begin, end) of x; the result of row i lies at out + i * out_bytes. */
typedef struct {
    const operand *x;
    char *out;
    int64_t out_bytes, begin, end;
} norm_rows;

/* Dense x [outer, n, columns], cut into outer * ceil(columns / width) strips of columns. */
typedef struct {
    const char *from;
    char *to;
    int64_t n, columns, width; /* width: a multiple of 64, at most COLUMNS_STRIP */
    tarn_dtype dtype;
    bool past; /* as of a row */
} norm_columns;

typedef void norm_kernel(const norm_row *r, const norm_rows *rows);

typedef struct {
    norm_kernel *softmax;
    norm_kernel *rms_norm;   /* without bias */
    norm_kernel *layer_norm; /* bias only with weight */
    norm_kernel *var;        /* one number a row */
    /* Strips [begin, end). */
    void (*softmax_columns)(const norm_columns *c, int64_t begin, int64_t end);
    /* turns[i] = exp(i * step), or 1 / freqs[i] where freqs (may be turns itself) is given */
    void (*rope_turns)(float *turns, const float *freqs, int64_t half, float step);
    /* cosines and sines of position * turns[i] */
    void (*rope_angles)(float *cosines, float *sines, const float *turns, int64_t half, float position);
    /* dim elements, the first 2 * half of which turn */
    void (*rope_row)(void *to, const void *from, const float *cosines, const float *sines, int64_t half, int64_t dim,
                     bool traditional, tarn_dtype dtype);
    void (*fence)(void); /* what follows in any thread sees what went past the caches */
} norm_kernels;

extern const norm_kernels norm_kernels_baseline, norm_kernels_avx2, norm_kernels_avx512;

#endif
