/* The walk of gather and scatter: places given by index arrays, a chunk at a time, and what is done at each. */
#ifndef CPU_PICK_H
#define CPU_PICK_H

#include "backend/call.h"
#include "cpu/move.h"
#include "tarn/ops.h"

enum { PICK_CHUNK = 256 };
#define PICK_OUTSIDE INT64_MIN

/* An axis of the walk: steps in bytes in x (or the output of scatter), in what is picked, and in each index array. */
typedef struct {
    int64_t size, many, picked, index[TARN_MAX_NDIM];
} pick_axis;

/* An index array: the size and the step in bytes of the axis that it indexes. */
typedef struct {
    const char *data;
    tarn_dtype dtype;
    int64_t size, step;
} pick_index;

typedef struct pick pick;
/* Elements or blocks at `places` (bytes from many, or PICK_OUTSIDE) and at picked, picked + step, ... */
typedef void pick_action(const pick *p, char *many, char *picked, int64_t step, const int64_t *places, int64_t count);
/* The same where one index array gives the places, without a list of them. */
typedef void pick_direct(const pick *p, const char *many, char *picked, int64_t step, const char *index,
                         int64_t index_step, int64_t count);
typedef void pick_combine(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count);

struct pick {
    char *many, *picked;
    int ndim, index_count;
    pick_axis axes[TARN_MAX_NDIM]; /* the last one runs fastest */
    pick_index indices[TARN_MAX_NDIM];
    int64_t first, end; /* scatter: only places in this range */
    move_plan block;    /* what lies at a place: axes that no index replaces, after those of the indices */
    int64_t bytes;      /* of the block */
    pick_action *action;
    pick_direct *direct; /* of a gather, where it does */
    pick_combine *combine;
};

/* mode: of scatter; reading: gather. */
pick pick_make(const operand *many, const operand *picked, const operand *indices, int count, tarn_ints axes,
               tarn_ints batch, bool reading, tarn_scatter_mode mode);
/* Positions [begin, end) of the axes, numbered row by row. */
void pick_walk(const pick *p, int64_t begin, int64_t end);

/* NULL where places have to be listed. */
pick_direct *pick_direct_of(const pick *p);
pick_direct *pick_direct_baseline(const pick *p); /* of any plain gather */
pick_direct *pick_direct_avx512(const pick *p);   /* of some, else NULL */
/* NULL where no kernel combines this dtype so. */
pick_combine *pick_combine_of(tarn_scatter_mode mode, tarn_dtype dtype);

#endif
