/* What reduce, mean and arg_reduce share: which elements are folded, by what, a stretch at a time. */
#ifndef CPU_REDUCTION_H
#define CPU_REDUCTION_H

#include "backend/call.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/reduce/fold.h"

enum { FOLD_BLOCK = 256 };

typedef union {
    int64_t align;
    char bytes[FOLD_BLOCK * 8];
} register_block;

/* Some axes of the input, numbered in row-major order. */
typedef struct {
    int ndim;
    int64_t size, shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
} axis_list;

typedef struct {
    const elementwise_kernels *kernels;
    const fold_kernels *folds;
    const char *data;
    tarn_dtype from, to;
    reduce_kind kind;
    int width;   /* bytes of a folded value */
    bool direct; /* the array's elements are such values */
    elementwise_load load;
    elementwise_convert truth; /* of all and any */
    elementwise_loop fold;
    const fold_loops *loops;  /* of dense elements; NULL: none */
    register_block identity;  /* FOLD_BLOCK times */
    axis_list outputs, inner; /* kept axes; reduced axes; the lanes' axis in neither */
    bool by_row;              /* lanes are a reduced axis */
    int64_t lanes, lane_stride, pieces, chunks, output_count;
    int64_t beside;      /* so many neighbouring rows of kept elements fold side by side, at first */
    const char *centres; /* of var, [output]: squares of the distances from these are summed */
    bool mean;           /* the sum is divided by `count` */
    double count;        /* of elements that fold into an output */
    char *partials;      /* [chunk][output], 64 bytes of room behind them */
    char *out;
} reduction;

void add_axis(axis_list *list, int64_t size, int64_t stride);
int64_t offset_in(const axis_list *list, int64_t index);

/* One index after the other, without divisions; behind the last comes the first. */
typedef struct {
    const axis_list *list;
    int64_t offset, at[TARN_MAX_NDIM];
} axis_walk;

axis_walk walk_from(const axis_list *list, int64_t index);
void walk_on(axis_walk *walk);

/* From the kind, the dtypes and the lanes' stride: by what they are folded. */
void choose_loops(reduction *r);

/* Elements as values to fold: `count` of them, at most FOLD_BLOCK, `stride` apart. They are where they lie, if that
   will do, else in `piece`, whose last step is filled up with the identity. */
const char *load_piece(const reduction *r, register_block *piece, int64_t offset, int64_t stride, int64_t count);

/* Folds `count` lanes from this offset on into the total; then all of its values into the first. */
void fold_lanes(const reduction *r, register_block *total, int64_t offset, int64_t count);
void fold_block(const reduction *r, register_block *total);

#endif
