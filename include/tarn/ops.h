/* Operations on arrays. Required arguments come first; optional ones are named.

   Elementwise operations broadcast as in NumPy and promote dtypes as MLX does (docs/dtypes.md); they are declared in
   tarn/elementwise.h, which the build makes from the table of operations. Negative axes count from the end. */
#ifndef TARN_OPS_H
#define TARN_OPS_H

#include "tarn/array.h"
#include "tarn/elementwise.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- dtype and order */
TARN_API tarn_array *tarn_astype(tarn_array *x, tarn_dtype dtype);
/* The bits of x as another dtype. Where the dtypes differ in size, the last axis becomes shorter or longer: its bytes
   must be whole elements. No gradient passes. */
TARN_API tarn_array *tarn_view(tarn_array *x, tarn_dtype dtype);
TARN_API tarn_array *tarn_contiguous(tarn_array *x);
TARN_API tarn_array *tarn_stop_gradient(tarn_array *x);
/* x, computed only after `others`. */
TARN_API tarn_array *tarn_depends(tarn_array *x, tarn_array *const *others, int count);
/* 0-d arrays of x's dtype. */
TARN_API tarn_array *tarn_scalar_like(double value, tarn_array *x);
/* A number as it is beside x in an expression, 0-d: of x's dtype, if that holds its kind; a whole number beside bool is
   an int32, one with a fraction (or no finite one) beside integers or bool a float32. A whole number beyond the range
   of x's integers is an error. `tarn_subtract(tarn_number_beside(1, x), x)` is 1 - x; `tarn_multiply_number(x, 2)` is 2
   x. */
TARN_API tarn_array *tarn_number_beside(double number, tarn_array *x);
TARN_API tarn_array *tarn_zeros_like(tarn_array *x);
TARN_API tarn_array *tarn_ones_like(tarn_array *x);
TARN_API tarn_array *tarn_full_like(tarn_array *x, double value);
TARN_API tarn_array *tarn_arange(double start, double stop, double step, tarn_dtype dtype);
typedef struct {
    int begin_;
    bool open; /* without stop, one step before it */
    int end_;
} tarn_linspace_options;
/* count numbers at equal distances from start to stop, rounded once from float64. */
#define tarn_linspace(...) TARN_CALL(4, tarn_linspace_with, tarn_linspace_options, __VA_ARGS__)
TARN_API tarn_array *tarn_linspace_with(double start, double stop, int64_t count, tarn_dtype dtype,
                                        tarn_linspace_options options TARN_ABSENT);
typedef struct {
    int begin_;
    int64_t k; /* which diagonal: 0, above it, or (negative) below */
    int end_;
} tarn_diag_options;
/* [rows, columns]: ones on a diagonal; ones on it and below it. */
#define tarn_eye(...) TARN_CALL(3, tarn_eye_with, tarn_diag_options, __VA_ARGS__)
#define tarn_tri(...) TARN_CALL(3, tarn_tri_with, tarn_diag_options, __VA_ARGS__)
TARN_API tarn_array *tarn_eye_with(int64_t rows, int64_t columns, tarn_dtype dtype,
                                   tarn_diag_options options TARN_ABSENT);
TARN_API tarn_array *tarn_tri_with(int64_t rows, int64_t columns, tarn_dtype dtype,
                                   tarn_diag_options options TARN_ABSENT);
TARN_API tarn_array *tarn_identity(int64_t n, tarn_dtype dtype); /* [n, n] */
/* The matrices of the last two axes of x with zeros above (below) a diagonal. */
#define tarn_tril(...) TARN_CALL(1, tarn_tril_with, tarn_diag_options, __VA_ARGS__)
#define tarn_triu(...) TARN_CALL(1, tarn_triu_with, tarn_diag_options, __VA_ARGS__)
TARN_API tarn_array *tarn_tril_with(tarn_array *x, tarn_diag_options options TARN_ABSENT);
TARN_API tarn_array *tarn_triu_with(tarn_array *x, tarn_diag_options options TARN_ABSENT);
typedef struct {
    int begin_;
    bool sparse; /* axes of the other arrays have size 1 */
    bool matrix; /* array i goes along axis i ("ij"); else the first two change places ("xy") */
    int end_;
} tarn_meshgrid_options;
/* out[i]: arrays[i] (1-d, or 0-d) along an axis of its own, the same along those of the others. */
#define tarn_meshgrid(...) TARN_CALL(3, tarn_meshgrid_with, tarn_meshgrid_options, __VA_ARGS__)
TARN_API bool tarn_meshgrid_with(tarn_array *const *arrays, int count, tarn_array **out,
                                 tarn_meshgrid_options options TARN_ABSENT);
/* Windows, float32 [n], symmetric; below 1: empty. */
TARN_API tarn_array *tarn_bartlett(int64_t n); /* 1 - |2 i - (n - 1)| / (n - 1) */
TARN_API tarn_array *tarn_hanning(int64_t n);  /* 0.5 - 0.5 cos(2 pi i / (n - 1)) */
TARN_API tarn_array *tarn_hamming(int64_t n);  /* 0.54 - 0.46 cos(…) */
TARN_API tarn_array *tarn_blackman(int64_t n); /* 0.42 - 0.5 cos(…) + 0.08 cos(2 …) */

/* ---- values of a dtype */
typedef struct {
    int bits;
    double min, max, eps, smallest_normal; /* eps: from 1 to the next number */
} tarn_float_info;
TARN_API bool tarn_finfo(tarn_dtype dtype, tarn_float_info *info); /* of complex64 those of its parts */
TARN_API bool tarn_iinfo(tarn_dtype dtype, int64_t *min, uint64_t *max);
/* The dtype in which both meet in an operation. */
TARN_API tarn_dtype tarn_promote(tarn_dtype a, tarn_dtype b);
TARN_API bool tarn_can_cast(tarn_dtype from, tarn_dtype to); /* whether they meet in `to` */
/* Kinds of dtypes. Both kinds of floats are inexact, both kinds of integers are integers, these two are numbers, and
   all of them and bool are generic. */
typedef enum {
    TARN_CATEGORY_COMPLEX_FLOATING,
    TARN_CATEGORY_FLOATING,
    TARN_CATEGORY_INEXACT,
    TARN_CATEGORY_SIGNED_INTEGER,
    TARN_CATEGORY_UNSIGNED_INTEGER,
    TARN_CATEGORY_INTEGER,
    TARN_CATEGORY_NUMBER,
    TARN_CATEGORY_GENERIC,
    TARN_CATEGORY_COUNT
} tarn_dtype_category;
TARN_API bool tarn_dtype_is(tarn_dtype dtype, tarn_dtype_category category);
TARN_API bool tarn_category_is(tarn_dtype_category category, tarn_dtype_category other); /* whether it is, or within */

/* ---- limits and comparisons, made of elementwise operations */
/* x, or the limit that it is beyond; NULL: no limit on that side. If low is above high, high. */
TARN_API tarn_array *tarn_clip(tarn_array *x, tarn_array *low, tarn_array *high);
typedef struct {
    int begin_;
    double nan;                          /* 0 */
    tarn_value infinity, minus_infinity; /* absent: the largest and the lowest finite number */
    int end_;
} tarn_nan_to_num_options;
#define tarn_nan_to_num(...) TARN_CALL(1, tarn_nan_to_num_with, tarn_nan_to_num_options, __VA_ARGS__)
TARN_API tarn_array *tarn_nan_to_num_with(tarn_array *x, tarn_nan_to_num_options options TARN_ABSENT);
/* The nearest number of so many decimals (negative: of tens, hundreds), halves to even. Integers exactly. */
TARN_API tarn_array *tarn_round_to(tarn_array *x, int64_t decimals);
typedef struct {
    int begin_;
    tarn_value rtol, atol; /* 1e-5, 1e-8 */
    bool equal_nan;        /* NaNs are close to each other */
    int end_;
} tarn_close_options;
/* |a - b| <= atol + rtol |b|, or both the same infinity; of all elements, and of arrays of the same shape: a 0-d bool.
 */
#define tarn_isclose(...)  TARN_CALL(2, tarn_isclose_with, tarn_close_options, __VA_ARGS__)
#define tarn_allclose(...) TARN_CALL(2, tarn_allclose_with, tarn_close_options, __VA_ARGS__)
TARN_API tarn_array *tarn_isclose_with(tarn_array *a, tarn_array *b, tarn_close_options options TARN_ABSENT);
TARN_API tarn_array *tarn_allclose_with(tarn_array *a, tarn_array *b, tarn_close_options options TARN_ABSENT);
typedef struct {
    int begin_;
    bool equal_nan;
    int end_;
} tarn_equal_options;
/* A 0-d bool: whether shapes and values are equal, whatever the dtypes. */
#define tarn_array_equal(...) TARN_CALL(2, tarn_array_equal_with, tarn_equal_options, __VA_ARGS__)
TARN_API tarn_array *tarn_array_equal_with(tarn_array *a, tarn_array *b, tarn_equal_options options TARN_ABSENT);

/* ---- views: no data moves where strides can express the result */
typedef struct {
    int begin_;
    tarn_ints axes;
    int end_;
} tarn_axes_options;
#define tarn_transpose(...) TARN_CALL(1, tarn_transpose_with, tarn_axes_options, __VA_ARGS__)
TARN_API tarn_array *tarn_transpose_with(tarn_array *x,
                                         tarn_axes_options options TARN_ABSENT); /* absent axes: reversed */
TARN_API tarn_array *tarn_swapaxes(tarn_array *x, int64_t a, int64_t b);
TARN_API tarn_array *tarn_moveaxis(tarn_array *x, int64_t from, int64_t to);
TARN_API tarn_array *tarn_reshape(tarn_array *x, tarn_ints shape); /* one entry may be -1 */
TARN_API tarn_array *tarn_reshape_like(tarn_array *x, tarn_array *like);
typedef struct {
    int begin_;
    tarn_axis start_axis, end_axis; /* 0, -1 */
    int end_;
} tarn_flatten_options;
#define tarn_flatten(...) TARN_CALL(1, tarn_flatten_with, tarn_flatten_options, __VA_ARGS__)
TARN_API tarn_array *tarn_flatten_with(tarn_array *x,
                                       tarn_flatten_options options TARN_ABSENT);  /* these axes become one */
TARN_API tarn_array *tarn_unflatten(tarn_array *x, int64_t axis, tarn_ints shape); /* axis becomes axes of this shape */
TARN_API tarn_array *tarn_expand_dims(tarn_array *x, tarn_ints axes);
#define tarn_squeeze(...) TARN_CALL(1, tarn_squeeze_with, tarn_axes_options, __VA_ARGS__)
TARN_API tarn_array *tarn_squeeze_with(tarn_array *x,
                                       tarn_axes_options options TARN_ABSENT); /* absent axes: every axis of size 1 */
TARN_API tarn_array *tarn_broadcast_to(tarn_array *x, tarn_ints shape);
TARN_API tarn_array *tarn_broadcast_like(tarn_array *x, tarn_array *like);
/* x[start:stop:step] as Python takes it, an entry for each of the first axes; INT64_MAX as stop (with a negative step:
 * INT64_MIN) means to the end. */
typedef struct {
    int begin_;
    tarn_ints step;
    int end_;
} tarn_slice_options;
#define tarn_slice(...) TARN_CALL(3, tarn_slice_with, tarn_slice_options, __VA_ARGS__)
TARN_API tarn_array *tarn_slice_with(tarn_array *x, tarn_ints start, tarn_ints stop,
                                     tarn_slice_options options TARN_ABSENT);
/* x[..., start:stop, ...] on one axis. */
TARN_API tarn_array *tarn_slice_axis(tarn_array *x, int64_t axis, int64_t start, int64_t stop);
/* What works along one axis. */
typedef struct {
    int begin_;
    tarn_axis axis;
    int end_;
} tarn_axis_options;
/* parts[0 .. sections) along axis (absent: 0); false on failure. */
#define tarn_split(...) TARN_CALL(3, tarn_split_with, tarn_axis_options, __VA_ARGS__)
TARN_API bool tarn_split_with(tarn_array *x, int64_t sections, tarn_array **parts,
                              tarn_axis_options options TARN_ABSENT);
#define tarn_split_at(...)                                                                                             \
    TARN_CALL(3, tarn_split_at_with, tarn_axis_options, __VA_ARGS__) /* indices.count + 1 parts */
TARN_API bool tarn_split_at_with(tarn_array *x, tarn_ints indices, tarn_array **parts,
                                 tarn_axis_options options TARN_ABSENT);
typedef struct {
    int begin_;
    int64_t offset;
    int end_;
} tarn_strided_options;
#define tarn_as_strided(...)                                                                                           \
    TARN_CALL(3, tarn_as_strided_with, tarn_strided_options, __VA_ARGS__) /* in elements of a dense x */
TARN_API tarn_array *tarn_as_strided_with(tarn_array *x, tarn_ints shape, tarn_ints strides,
                                          tarn_strided_options options TARN_ABSENT);
/* The order of elements along axes reversed; absent: along all. */
#define tarn_flip(...) TARN_CALL(1, tarn_flip_with, tarn_axes_options, __VA_ARGS__)
TARN_API tarn_array *tarn_flip_with(tarn_array *x, tarn_axes_options options TARN_ABSENT);
typedef struct {
    int begin_;
    int64_t offset;         /* how much further on on axis2; below 0: on axis1 */
    tarn_axis axis1, axis2; /* 0, 1 */
    int end_;
} tarn_diagonal_options;
/* The diagonals of the matrices that axis1 (rows) and axis2 make, along a new last axis. */
#define tarn_diagonal(...) TARN_CALL(1, tarn_diagonal_with, tarn_diagonal_options, __VA_ARGS__)
TARN_API tarn_array *tarn_diagonal_with(tarn_array *x, tarn_diagonal_options options TARN_ABSENT);
/* parts[0 .. size of axis): x cut along axis (absent: 0), which is gone in them. */
#define tarn_unstack(...) TARN_CALL(2, tarn_unstack_with, tarn_axis_options, __VA_ARGS__)
TARN_API bool tarn_unstack_with(tarn_array *x, tarn_array **parts, tarn_axis_options options TARN_ABSENT);
/* x with axes of size 1 added, as NumPy does: [n] becomes [1, n] and [1, n, 1], [n, m] becomes [n, m, 1]. */
TARN_API tarn_array *tarn_atleast_1d(tarn_array *x);
TARN_API tarn_array *tarn_atleast_2d(tarn_array *x);
TARN_API tarn_array *tarn_atleast_3d(tarn_array *x);
/* out[i]: arrays[i] in the shape that all of them broadcast to. */
TARN_API bool tarn_broadcast_arrays(tarn_array *const *arrays, int count, tarn_array **out);
/* The shape that shapes broadcast to: shape[0 .. *ndim), which has room for TARN_MAX_NDIM. */
TARN_API bool tarn_broadcast_shapes(const tarn_ints *shapes, int count, int64_t *shape, int *ndim);

/* ---- moving */

/* Along axis; absent: 0. Of stack it is a new one. */
#define tarn_concatenate(...) TARN_CALL(2, tarn_concatenate_with, tarn_axis_options, __VA_ARGS__)
#define tarn_stack(...)       TARN_CALL(2, tarn_stack_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_concatenate_with(tarn_array *const *arrays, int count, tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_stack_with(tarn_array *const *arrays, int count, tarn_axis_options options TARN_ABSENT);
/* Joined below each other (along the first axis, [n] as a row [1, n]) and beside each other (along the second; of the
   first where arrays[0] is [n] or 0-d), as in NumPy. */
TARN_API tarn_array *tarn_vstack(tarn_array *const *arrays, int count);
TARN_API tarn_array *tarn_hstack(tarn_array *const *arrays, int count);
/* Absent axis: of x flattened. */
#define tarn_repeat(...) TARN_CALL(2, tarn_repeat_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_repeat_with(tarn_array *x, int64_t times, tarn_axis_options options TARN_ABSENT);
/* x so many times along each of its last axes; more numbers than axes: new axes come first. */
TARN_API tarn_array *tarn_tile(tarn_array *x, tarn_ints reps);
/* Elements moved by shift along axes (absent: in the order of all), those beyond the end in again at the beginning. One
   shift serves all axes; several for one axis add up. */
#define tarn_roll(...) TARN_CALL(2, tarn_roll_with, tarn_axes_options, __VA_ARGS__)
TARN_API tarn_array *tarn_roll_with(tarn_array *x, tarn_ints shift, tarn_axes_options options TARN_ABSENT);
typedef enum {
    TARN_PAD_CONSTANT,
    TARN_PAD_EDGE,     /* the first and the last element */
    TARN_PAD_REFLECT,  /* x mirrored at its first and last element, as often as needed */
    TARN_PAD_SYMMETRIC /* the same, which are repeated */
} tarn_pad_mode;
typedef struct {
    int begin_;
    tarn_pad_mode mode; /* TARN_PAD_CONSTANT */
    tarn_array *value;  /* 0-d, cast to x's dtype; absent: zero */
    int end_;
} tarn_pad_options;
/* x with so many elements before and behind it: a number for each axis, or one for all. */
#define tarn_pad(...) TARN_CALL(3, tarn_pad_with, tarn_pad_options, __VA_ARGS__)
TARN_API tarn_array *tarn_pad_with(tarn_array *x, tarn_ints before, tarn_ints behind,
                                   tarn_pad_options options TARN_ABSENT);
/* A matrix with x [n] on a diagonal, zeros elsewhere; of a matrix x its diagonal. */
#define tarn_diag(...) TARN_CALL(1, tarn_diag_with, tarn_diag_options, __VA_ARGS__)
TARN_API tarn_array *tarn_diag_with(tarn_array *x, tarn_diag_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_axis axis;
    bool check; /* an index outside is an error where the result is read */
    int end_;
} tarn_take_options;
/* x[..., indices, ...]: axis is replaced by the axes of indices; absent: of x flattened. Negative indices count from
   the end; an index outside gives zero. */
#define tarn_take(...)            TARN_CALL(2, tarn_take_with, tarn_take_options, __VA_ARGS__)
#define tarn_take_along_axis(...) TARN_CALL(2, tarn_take_along_axis_with, tarn_take_options, __VA_ARGS__)
TARN_API tarn_array *tarn_take_with(tarn_array *x, tarn_array *indices, tarn_take_options options TARN_ABSENT);
TARN_API tarn_array *tarn_take_along_axis_with(tarn_array *x, tarn_array *indices,
                                               tarn_take_options options TARN_ABSENT);
typedef struct {
    int begin_;
    bool check; /* as of tarn_take */
    int end_;
} tarn_gather_options;
/* x[i, j, ...] for several axes: an index array for each of axes; the arrays broadcast to each other. The axes are
   replaced by those of the indices, where the first of them (lowest number) stood. As tarn_take for one. */
#define tarn_gather(...) TARN_CALL(4, tarn_gather_with, tarn_gather_options, __VA_ARGS__)
TARN_API tarn_array *tarn_gather_with(tarn_array *x, tarn_array *const *indices, int count, tarn_ints axes,
                                      tarn_gather_options options TARN_ABSENT);
/* What an update makes of the element in its place. Updates of one place apply in order, whatever the number of
   threads: of those set, the last stands. Sums and products of half types are rounded once. Gradients: of those set,
   the last one gets it; the largest (smallest) of a place share it; of a product each factor gets the others, zeros
   too, but the gradient of that gradient counts factors other than zero.
 */
typedef enum {
    TARN_SCATTER_SET,
    TARN_SCATTER_ADD,
    TARN_SCATTER_MULTIPLY,
    TARN_SCATTER_MAX,
    TARN_SCATTER_MIN
} tarn_scatter_mode;
typedef struct {
    int begin_;
    tarn_scatter_mode mode; /* TARN_SCATTER_SET */
    int end_;
} tarn_scatter_options;
/* x with the elements that tarn_gather would read updated. updates are cast to x's dtype and broadcast to the shape of
   what would be read; indices outside are dropped. */
#define tarn_scatter_axes(...) TARN_CALL(5, tarn_scatter_axes_with, tarn_scatter_options, __VA_ARGS__)
TARN_API tarn_array *tarn_scatter_axes_with(tarn_array *x, tarn_array *const *indices, int count, tarn_array *updates,
                                            tarn_ints axes, tarn_scatter_options options TARN_ABSENT);
/* x with the elements that tarn_take(_along_axis) would read replaced by, or increased by, updates. */
#define tarn_scatter(...)        TARN_CALL(3, tarn_scatter_with, tarn_axis_options, __VA_ARGS__)
#define tarn_scatter_add(...)    TARN_CALL(3, tarn_scatter_add_with, tarn_axis_options, __VA_ARGS__)
#define tarn_put_along_axis(...) TARN_CALL(3, tarn_put_along_axis_with, tarn_axis_options, __VA_ARGS__)
#define tarn_add_along_axis(...) TARN_CALL(3, tarn_add_along_axis_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_scatter_with(tarn_array *x, tarn_array *indices, tarn_array *updates,
                                       tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_scatter_add_with(tarn_array *x, tarn_array *indices, tarn_array *updates,
                                           tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_put_along_axis_with(tarn_array *x, tarn_array *indices, tarn_array *updates,
                                              tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_add_along_axis_with(tarn_array *x, tarn_array *indices, tarn_array *updates,
                                              tarn_axis_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_ints step; /* of each of axes, above 0: the block takes every step-th element. Absent: 1 */
    int end_;
} tarn_block_options;
/* x with `update` written at `start`: integers [axes.count], one for each of axes; or [leading axes of x ...,
   axes.count], and every row of those axes has its block at its own place. A start beyond the end is moved back so that
   the block fits. */
#define tarn_slice_update(...) TARN_CALL(4, tarn_slice_update_with, tarn_block_options, __VA_ARGS__)
TARN_API tarn_array *tarn_slice_update_with(tarn_array *x, tarn_array *update, tarn_array *start, tarn_ints axes,
                                            tarn_block_options options TARN_ABSENT);
/* The block of these sizes along axes that begins at start. */
#define tarn_slice_array(...) TARN_CALL(4, tarn_slice_array_with, tarn_block_options, __VA_ARGS__)
TARN_API tarn_array *tarn_slice_array_with(tarn_array *x, tarn_array *start, tarn_ints axes, tarn_ints sizes,
                                           tarn_block_options options TARN_ABSENT);

/* ---- reducing: absent axes = all. Sums and products of bool and small integers are int32 or uint32; half types
 * accumulate in float32. */
typedef struct {
    int begin_;
    tarn_ints axes;
    bool keepdims;
    int end_;
} tarn_reduce_options;
#define TARN_REDUCTION(name, ...) TARN_CALL(1, tarn_##name##_with, tarn_reduce_options, __VA_ARGS__)
#define tarn_sum(...)             TARN_REDUCTION(sum, __VA_ARGS__)
#define tarn_prod(...)            TARN_REDUCTION(prod, __VA_ARGS__)
#define tarn_max(...)             TARN_REDUCTION(max, __VA_ARGS__)
#define tarn_min(...)             TARN_REDUCTION(min, __VA_ARGS__)
#define tarn_all(...)             TARN_REDUCTION(all, __VA_ARGS__)
#define tarn_any(...)             TARN_REDUCTION(any, __VA_ARGS__)
#define tarn_mean(...)            TARN_REDUCTION(mean, __VA_ARGS__)
#define tarn_logsumexp(...)       TARN_REDUCTION(logsumexp, __VA_ARGS__)
#define tarn_median(...)          TARN_REDUCTION(median, __VA_ARGS__)
#define tarn_count_nonzero(...)   TARN_REDUCTION(count_nonzero, __VA_ARGS__)
TARN_API tarn_array *tarn_sum_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_prod_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_max_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_min_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_all_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_any_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_mean_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_logsumexp_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT);
TARN_API tarn_array *tarn_median_with(tarn_array *x,
                                      tarn_reduce_options options TARN_ABSENT); /* floats; NaN if any is */
TARN_API tarn_array *tarn_count_nonzero_with(tarn_array *x, tarn_reduce_options options TARN_ABSENT); /* int32 */
/* out[0] the smallest, out[1] the largest. */
#define tarn_minmax(...) TARN_CALL(2, tarn_minmax_with, tarn_reduce_options, __VA_ARGS__)
TARN_API bool tarn_minmax_with(tarn_array *x, tarn_array *out[2], tarn_reduce_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_ints axes;
    bool keepdims;
    int64_t ddof; /* the sum of squares is divided by the number of elements less ddof; 0 */
    int end_;
} tarn_var_options;
/* Variance and standard deviation. Of integers float32, of complex numbers the float32 of their distances. */
#define tarn_var(...) TARN_CALL(1, tarn_var_with, tarn_var_options, __VA_ARGS__)
#define tarn_std(...) TARN_CALL(1, tarn_std_with, tarn_var_options, __VA_ARGS__)
TARN_API tarn_array *tarn_var_with(tarn_array *x, tarn_var_options options TARN_ABSENT);
TARN_API tarn_array *tarn_std_with(tarn_array *x, tarn_var_options options TARN_ABSENT);
/* The sum of the diagonals of tarn_diagonal. */
#define tarn_trace(...) TARN_CALL(1, tarn_trace_with, tarn_diagonal_options, __VA_ARGS__)
TARN_API tarn_array *tarn_trace_with(tarn_array *x, tarn_diagonal_options options TARN_ABSENT);
/* x summed over the axes along which `like` was broadcast to x's shape. */
TARN_API tarn_array *tarn_sum_like(tarn_array *x, tarn_array *like);
typedef struct {
    int begin_;
    tarn_axis axis; /* absent: of x flattened */
    bool keepdims;
    int end_;
} tarn_arg_options;
#define tarn_argmax(...) TARN_CALL(1, tarn_argmax_with, tarn_arg_options, __VA_ARGS__)
#define tarn_argmin(...) TARN_CALL(1, tarn_argmin_with, tarn_arg_options, __VA_ARGS__)
TARN_API tarn_array *tarn_argmax_with(tarn_array *x, tarn_arg_options options TARN_ABSENT); /* uint32 */
TARN_API tarn_array *tarn_argmin_with(tarn_array *x, tarn_arg_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_axis axis; /* absent: of x flattened */
    bool reverse, exclusive;
    int end_;
} tarn_scan_options;
/* Running sums and products (of small integers modulo their range; sums of bool are int32), largest and smallest so
   far, and log(sum(exp)) so far. */
#define tarn_cumsum(...)       TARN_CALL(1, tarn_cumsum_with, tarn_scan_options, __VA_ARGS__)
#define tarn_cumprod(...)      TARN_CALL(1, tarn_cumprod_with, tarn_scan_options, __VA_ARGS__)
#define tarn_cummax(...)       TARN_CALL(1, tarn_cummax_with, tarn_scan_options, __VA_ARGS__)
#define tarn_cummin(...)       TARN_CALL(1, tarn_cummin_with, tarn_scan_options, __VA_ARGS__)
#define tarn_logcumsumexp(...) TARN_CALL(1, tarn_logcumsumexp_with, tarn_scan_options, __VA_ARGS__)
TARN_API tarn_array *tarn_cumsum_with(tarn_array *x, tarn_scan_options options TARN_ABSENT);
TARN_API tarn_array *tarn_cumprod_with(tarn_array *x, tarn_scan_options options TARN_ABSENT);
TARN_API tarn_array *tarn_cummax_with(tarn_array *x, tarn_scan_options options TARN_ABSENT);
TARN_API tarn_array *tarn_cummin_with(tarn_array *x, tarn_scan_options options TARN_ABSENT);
TARN_API tarn_array *tarn_logcumsumexp_with(tarn_array *x, tarn_scan_options options TARN_ABSENT);
/* The difference of neighbours along axis (absent: the last), taken n times. Of bool: whether they differ. */
#define tarn_diff(...) TARN_CALL(2, tarn_diff_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_diff_with(tarn_array *x, int64_t n, tarn_axis_options options TARN_ABSENT);

/* ---- ordering, along axis; absent: the last. Ascending and stable; NaN is last; complex numbers by their real, then
   their imaginary parts. */
#define tarn_sort(...)    TARN_CALL(1, tarn_sort_with, tarn_axis_options, __VA_ARGS__)
#define tarn_argsort(...) TARN_CALL(1, tarn_argsort_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_sort_with(tarn_array *x, tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_argsort_with(tarn_array *x, tarn_axis_options options TARN_ABSENT); /* uint32 */
/* None of the elements before place kth is above the one there, none behind it below; in which order they are depends
   on the device. */
#define tarn_partition(...)    TARN_CALL(2, tarn_partition_with, tarn_axis_options, __VA_ARGS__)
#define tarn_argpartition(...) TARN_CALL(2, tarn_argpartition_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_partition_with(tarn_array *x, int64_t kth, tarn_axis_options options TARN_ABSENT);
TARN_API tarn_array *tarn_argpartition_with(tarn_array *x, int64_t kth, tarn_axis_options options TARN_ABSENT);
/* The k largest elements, ascending. */
#define tarn_topk(...) TARN_CALL(2, tarn_topk_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_topk_with(tarn_array *x, int64_t k, tarn_axis_options options TARN_ABSENT);
typedef struct {
    int begin_;
    bool right; /* behind equal elements, not before them */
    int end_;
} tarn_searchsorted_options;
/* uint32, of values' shape: how many elements of `sorted` [n], which is in order, are below each value. */
#define tarn_searchsorted(...) TARN_CALL(2, tarn_searchsorted_with, tarn_searchsorted_options, __VA_ARGS__)
TARN_API tarn_array *tarn_searchsorted_with(tarn_array *sorted, tarn_array *values,
                                            tarn_searchsorted_options options TARN_ABSENT);
typedef struct {
    tarn_array *values, *index, *inverse, *counts; /* [size], uint32 [size], uint32 of x's shape, int32 [size] */
} tarn_unique_result;
typedef struct {
    int begin_;
    tarn_array *fill; /* 0-d, what stands behind the last distinct element; absent: the smallest element */
    int end_;
} tarn_unique_options;
/* The `size` smallest distinct elements of x in order; where in x flattened the first of each is; which of them each
   element is; how often there is each (0 behind the last, whose index is that of the smallest). Of elements beyond size
   the inverse is size - 1. */
#define tarn_unique(...) TARN_CALL(3, tarn_unique_with, tarn_unique_options, __VA_ARGS__)
TARN_API bool tarn_unique_with(tarn_array *x, int64_t size, tarn_unique_result *result,
                               tarn_unique_options options TARN_ABSENT);
/* What a share q (floats 0 to 1, of any shape; others count as the nearest of these) of the elements along axis
   (absent: of all) is not above: between two elements by the distance from each. [shape of q, x without axis], float32
   at least; NaN if any element is. */
#define tarn_quantile(...) TARN_CALL(2, tarn_quantile_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_quantile_with(tarn_array *x, tarn_array *q, tarn_axis_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_array *weights; /* of x's shape: their sums are given, in their dtype */
    int end_;
} tarn_bincount_options;
/* int32 [length]: how often each of the integers 0 to length - 1 is in x; others are not counted. */
#define tarn_bincount(...) TARN_CALL(2, tarn_bincount_with, tarn_bincount_options, __VA_ARGS__)
TARN_API tarn_array *tarn_bincount_with(tarn_array *x, int64_t length, tarn_bincount_options options TARN_ABSENT);

/* ---- products */
/* 1-d operands as in NumPy. The common dtype is a float or complex: products of integers are refused, as by MLX. */
TARN_API tarn_array *tarn_matmul(tarn_array *a, tarn_array *b);
typedef struct {
    int begin_;
    tarn_value alpha, beta; /* 1, 1 */
    int end_;
} tarn_addmm_options;
/* alpha * a @ b + beta * c, c broadcast to the product. */
#define tarn_addmm(...) TARN_CALL(3, tarn_addmm_with, tarn_addmm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_addmm_with(tarn_array *c, tarn_array *a, tarn_array *b,
                                     tarn_addmm_options options TARN_ABSENT);
/* Sums of products over the last axes: [axes of a ..., axes of b ...]. Of a 0-d input the product. */
TARN_API tarn_array *tarn_inner(tarn_array *a, tarn_array *b);
/* Every element of a by every one of b, flattened: [size of a, size of b]. */
TARN_API tarn_array *tarn_outer(tarn_array *a, tarn_array *b);
/* Sums of products along axis (absent: the last), a conjugated; the other axes broadcast. */
#define tarn_vecdot(...) TARN_CALL(2, tarn_vecdot_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_vecdot_with(tarn_array *a, tarn_array *b, tarn_axis_options options TARN_ABSENT);
/* Sums of products over the last `axes` axes of a and the first of b; over these axes of a and those of b. */
TARN_API tarn_array *tarn_tensordot(tarn_array *a, tarn_array *b, int64_t axes);
TARN_API tarn_array *tarn_tensordot_axes(tarn_array *a, tarn_array *b, tarn_ints a_axes, tarn_ints b_axes);
/* The Kronecker product: every element of a replaced by itself times b. */
TARN_API tarn_array *tarn_kron(tarn_array *a, tarn_array *b);
/* Sums of products by Einstein's convention, "ij,jk->ik": letters name axes, those that the result lacks are summed; an
   ellipsis stands for the axes before, between or after, which broadcast. Without an arrow the result has, in
   alphabetical order, the letters that stand there once. More than two operands are taken in pairs, by
   tarn_einsum_path. */
TARN_API tarn_array *tarn_einsum(const char *subscripts, tarn_array *const *operands, int count);
/* The order of pairs: steps[i] are the places of the two operands that step i takes out of the list (of one operand:
   its place and -1), in place of which their product comes last; count - 1 steps, or 1. *description (may be NULL)
   receives words about it, for tarn_free. How many steps, or -1 on failure. */
typedef struct {
    int first, second;
} tarn_einsum_step;
TARN_API int tarn_einsum_path(const char *subscripts, tarn_array *const *operands, int count, tarn_einsum_step *steps,
                              char **description);
typedef struct {
    int begin_;
    tarn_array *left_indices, *right_indices;
    bool sorted_indices; /* the one that is given ascends: may be faster */
    int end_;
} tarn_gather_mm_options;
/* a [..., m, k] @ b [..., k, n] of matrices picked by integer arrays: places in the leading axes counted as one. The
   picked ones broadcast to each other; absent indices pick all. An index outside gives a matrix of zeros. */
#define tarn_gather_mm(...) TARN_CALL(2, tarn_gather_mm_with, tarn_gather_mm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_gather_mm_with(tarn_array *a, tarn_array *b, tarn_gather_mm_options options TARN_ABSENT);
/* a [m, k] @ b [k, n] over ranges of k, each [beginning, end) of segments [..., 2]: [..., m, n]. */
TARN_API tarn_array *tarn_segmented_mm(tarn_array *a, tarn_array *b, tarn_array *segments);
typedef struct {
    int begin_;
    int64_t block_size; /* 64 */
    tarn_array *mask_out, *mask_left, *mask_right;
    int end_;
} tarn_block_masked_options;
/* a @ b with blocks [block_size, block_size] of the result, of a or of b multiplied by the entry of a mask, or left out
   where a mask of truths is false. */
#define tarn_block_masked_mm(...) TARN_CALL(2, tarn_block_masked_mm_with, tarn_block_masked_options, __VA_ARGS__)
TARN_API tarn_array *tarn_block_masked_mm_with(tarn_array *a, tarn_array *b,
                                               tarn_block_masked_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_value scale; /* 1 / sqrt(n) */
    int end_;
} tarn_hadamard_options;
/* The Walsh-Hadamard transform of the last axis, n = m * 2^k elements, m among 1, 12, 20 and 28. */
#define tarn_hadamard_transform(...) TARN_CALL(1, tarn_hadamard_transform_with, tarn_hadamard_options, __VA_ARGS__)
TARN_API tarn_array *tarn_hadamard_transform_with(tarn_array *x, tarn_hadamard_options options TARN_ABSENT);
/* Modes of quantized weights, by name; in .group_size and .bits 0 means those usual in the mode.
     affine  groups of 64 (32, 128), 4 bits (1, 2, 3, 5, 6, 8): scale * q + bias, both floats
     mxfp4   groups of 32: E2M1 by a power of two (E8M0)      mxfp8   groups of 32: E4M3 by a power of two
     nvfp4   groups of 16: E2M1 by E4M3, and a global scale, float32 of one element, or none
   A packed weight is uint32, a stream of bits for each row; scales, and biases of modes that have them, stand beside
   it, one for each group of the last axis. */
typedef struct {
    int begin_;
    const char *mode;   /* "affine" */
    tarn_array *biases; /* of modes that have them */
    int64_t group_size, bits;
    bool no_transpose; /* w is [k, n] instead of [n, k] */
    tarn_array *global_scale;
    int end_;
} tarn_quantized_options;
/* x [..., m, k] times a packed weight [n, k], multiplied transposed, in the common dtype of x and float scales. scales
   are NULL where the mode has none. */
#define tarn_quantized_matmul(...) TARN_CALL(3, tarn_quantized_matmul_with, tarn_quantized_options, __VA_ARGS__)
TARN_API tarn_array *tarn_quantized_matmul_with(tarn_array *x, tarn_array *w, tarn_array *scales,
                                                tarn_quantized_options options TARN_ABSENT);
typedef struct {
    int begin_;
    const char *mode; /* "affine" */
    tarn_array *biases;
    int64_t group_size, bits;
    bool no_transpose;
    tarn_array *global_scales; /* one for all, or one for each matrix of w */
    tarn_array *left_indices, *right_indices;
    bool sorted_indices;
    int end_;
} tarn_gather_qmm_options;
/* The same of matrices picked as by tarn_gather_mm. */
#define tarn_gather_qmm(...) TARN_CALL(3, tarn_gather_qmm_with, tarn_gather_qmm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_gather_qmm_with(tarn_array *x, tarn_array *w, tarn_array *scales,
                                          tarn_gather_qmm_options options TARN_ABSENT);
typedef struct {
    int begin_;
    const char *mode; /* "nvfp4"; mxfp4, mxfp8 */
    int64_t group_size, bits;
    tarn_array *global_scale_x, *global_scale_w; /* both or none */
    int end_;
} tarn_qqmm_options;
/* x [..., m, k] rounded to the mode, times a packed weight [n, k], or, without scales (NULL), a dense one that is
   rounded, too. The gradient passes through rounding. */
#define tarn_qqmm(...) TARN_CALL(3, tarn_qqmm_with, tarn_qqmm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_qqmm_with(tarn_array *x, tarn_array *w, tarn_array *scales,
                                    tarn_qqmm_options options TARN_ABSENT);
typedef struct {
    int begin_;
    const char *mode; /* "nvfp4"; mxfp4, mxfp8 */
    int64_t group_size, bits;
    tarn_array *global_scale_x, *global_scale_w;
    tarn_array *left_indices, *right_indices;
    bool sorted_indices;
    int end_;
} tarn_gather_qqmm_options;
/* The same of matrices picked as by tarn_gather_mm. */
#define tarn_gather_qqmm(...) TARN_CALL(3, tarn_gather_qqmm_with, tarn_gather_qqmm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_gather_qqmm_with(tarn_array *x, tarn_array *w, tarn_array *scales,
                                           tarn_gather_qqmm_options options TARN_ABSENT);
typedef struct {
    int begin_;
    const char *mode; /* "affine" */
    tarn_array *biases;
    int64_t group_size, bits;
    tarn_array *global_scale;
    tarn_dtype dtype; /* TARN_BOOL: that of float scales, else bfloat16, with a global scale float32 */
    int end_;
} tarn_dequantize_options;
#define tarn_dequantize(...) TARN_CALL(2, tarn_dequantize_with, tarn_dequantize_options, __VA_ARGS__)
TARN_API tarn_array *tarn_dequantize_with(tarn_array *packed, tarn_array *scales,
                                          tarn_dequantize_options options TARN_ABSENT);
typedef struct {
    int begin_;
    int64_t group_size, bits;
    const char *mode; /* "affine" */
    tarn_array *global_scale;
    int end_;
} tarn_quantize_options;
/* The last axis of w (floats, two axes or more), a multiple of the group, quantized: out[0] packed, out[1] scales,
   out[2] biases, NULL where the mode has none. */
#define tarn_quantize(...) TARN_CALL(2, tarn_quantize_with, tarn_quantize_options, __VA_ARGS__)
TARN_API bool tarn_quantize_with(tarn_array *w, tarn_array *out[3], tarn_quantize_options options TARN_ABSENT);
/* Whether there is such a format; if not, the error lists those of the mode. */
TARN_API bool tarn_check_quantization(const char *mode, int64_t group_size, int64_t bits);
/* x as numbers of eight bits, E4M3 in uint8: rounded to even, at most 448, NaN as 127; and back to a float dtype. */
TARN_API tarn_array *tarn_to_fp8(tarn_array *x);
TARN_API tarn_array *tarn_from_fp8(tarn_array *x, tarn_dtype dtype);

/* ---- convolutions, channels last: x [n, spatial ..., c], weight [o, kernel ..., c / groups], result [n, places ...,
   o]. Lists have an entry for each spatial axis, or one for all; absent: 1, of padding 0. groups 0 means 1. Half types
   accumulate in float32; integers are refused. */
typedef struct {
    int begin_;
    tarn_ints stride, padding; /* zeros before and after x; negative: that many of its elements are left out */
    tarn_ints padding_after;   /* after x, if it is not as many as before */
    tarn_ints kernel_dilation, input_dilation; /* distance between elements of the kernel, of x */
    int64_t groups;
    bool flip; /* the kernel runs backwards: a convolution as mathematicians have it */
    int end_;
} tarn_conv_general_options;
#define tarn_conv_general(...) TARN_CALL(2, tarn_conv_general_with, tarn_conv_general_options, __VA_ARGS__)
TARN_API tarn_array *tarn_conv_general_with(tarn_array *x, tarn_array *weight,
                                            tarn_conv_general_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_ints stride, padding, dilation;
    int64_t groups;
    int end_;
} tarn_conv_options;
#define tarn_conv1d(...) TARN_CALL(2, tarn_conv1d_with, tarn_conv_options, __VA_ARGS__)
#define tarn_conv2d(...) TARN_CALL(2, tarn_conv2d_with, tarn_conv_options, __VA_ARGS__)
#define tarn_conv3d(...) TARN_CALL(2, tarn_conv3d_with, tarn_conv_options, __VA_ARGS__)
TARN_API tarn_array *tarn_conv1d_with(tarn_array *x, tarn_array *weight, tarn_conv_options options TARN_ABSENT);
TARN_API tarn_array *tarn_conv2d_with(tarn_array *x, tarn_array *weight, tarn_conv_options options TARN_ABSENT);
TARN_API tarn_array *tarn_conv3d_with(tarn_array *x, tarn_array *weight, tarn_conv_options options TARN_ABSENT);
/* Transposed convolutions: (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1 places. */
typedef struct {
    int begin_;
    tarn_ints stride, padding, dilation, output_padding;
    int64_t groups;
    int end_;
} tarn_conv_transpose_options;
#define tarn_conv_transpose1d(...) TARN_CALL(2, tarn_conv_transpose1d_with, tarn_conv_transpose_options, __VA_ARGS__)
#define tarn_conv_transpose2d(...) TARN_CALL(2, tarn_conv_transpose2d_with, tarn_conv_transpose_options, __VA_ARGS__)
#define tarn_conv_transpose3d(...) TARN_CALL(2, tarn_conv_transpose3d_with, tarn_conv_transpose_options, __VA_ARGS__)
TARN_API tarn_array *tarn_conv_transpose1d_with(tarn_array *x, tarn_array *weight,
                                                tarn_conv_transpose_options options TARN_ABSENT);
TARN_API tarn_array *tarn_conv_transpose2d_with(tarn_array *x, tarn_array *weight,
                                                tarn_conv_transpose_options options TARN_ABSENT);
TARN_API tarn_array *tarn_conv_transpose3d_with(tarn_array *x, tarn_array *weight,
                                                tarn_conv_transpose_options options TARN_ABSENT);
/* The discrete convolution of x [n] and v [m], the longer one first: n + m - 1 values ("full"), n ("same") or n - m + 1
 * ("valid"). */
typedef struct {
    int begin_;
    const char *mode; /* "full" */
    int end_;
} tarn_convolve_options;
#define tarn_convolve(...) TARN_CALL(2, tarn_convolve_with, tarn_convolve_options, __VA_ARGS__)
TARN_API tarn_array *tarn_convolve_with(tarn_array *x, tarn_array *v, tarn_convolve_options options TARN_ABSENT);

/* ---- complex */
TARN_API tarn_array *tarn_imaginary_unit_like(tarn_array *x); /* 0-d complex64 i */

/* ---- fused: one kernel where a backend has it, the same values from a formula elsewhere */
/* Over these axes together (absent: all), accumulated in float32. */
#define tarn_softmax(...) TARN_CALL(1, tarn_softmax_with, tarn_axes_options, __VA_ARGS__)
TARN_API tarn_array *tarn_softmax_with(tarn_array *x, tarn_axes_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_value eps; /* 1e-5 */
    int end_;
} tarn_norm_options;
#define tarn_rms_norm(...) TARN_CALL(2, tarn_rms_norm_with, tarn_norm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_rms_norm_with(tarn_array *x, tarn_array *weight,
                                        tarn_norm_options options TARN_ABSENT); /* weight may be NULL */
typedef struct {
    int begin_;
    tarn_array *weight, *bias; /* [n]; may be NULL */
    tarn_value eps;            /* 1e-5 */
    int end_;
} tarn_layer_norm_options;
/* x [..., n] with mean 0 and variance 1 along the last axis, times weight, plus bias, accumulated in float32; in their
   common dtype. */
#define tarn_layer_norm(...) TARN_CALL(1, tarn_layer_norm_with, tarn_layer_norm_options, __VA_ARGS__)
TARN_API tarn_array *tarn_layer_norm_with(tarn_array *x, tarn_layer_norm_options options TARN_ABSENT);
/* logsumexp(logits) - logits[target] of float logits [..., n] and integer targets [...]: float32 [...]. */
TARN_API tarn_array *tarn_cross_entropy(tarn_array *logits, tarn_array *targets);
/* The gated delta rule over q, k [batch, length, heads, dim], v [batch, length, value heads, value dim], gamma (the
   decay) and beta (the rate) [batch, length, value heads]; value heads are a multiple of heads. state (float64 if v is,
   else float32) [batch, value heads, value dim, dim] may be NULL: zero; mask bool [batch, length] may be NULL: a step
   where it is false gives 0 and leaves the state. out[0] is in the shape and dtype of v, out[1] the state after it. */
TARN_API bool tarn_gated_delta_update(tarn_array *q, tarn_array *k, tarn_array *v, tarn_array *gamma, tarn_array *beta,
                                      tarn_array *state, tarn_array *mask, tarn_array *out[2]);
typedef struct {
    int begin_;
    int64_t dims;      /* how many of the last axis rotate; 0: all */
    bool traditional;  /* pairs (2i, 2i + 1) instead of (i, i + dims / 2) */
    tarn_value base;   /* 10000 */
    tarn_value scale;  /* of the positions: 1 */
    tarn_array *freqs; /* float32 [dims / 2]: periods used instead of base^(2i / dims) */
    int end_;
} tarn_rope_options;
/* x [batch, ..., length, dim]; offset: integer array, 0-d or [batch], the position of the first row. */
#define tarn_rope(...) TARN_CALL(2, tarn_rope_with, tarn_rope_options, __VA_ARGS__)
TARN_API tarn_array *tarn_rope_with(tarn_array *x, tarn_array *offset, tarn_rope_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_value scale;   /* 1 / sqrt(dim) */
    bool causal;        /* row i of the last `length` positions sees the keys up to its own */
    int64_t window;     /* with causal: at most this many keys back, its own counted; 0: all */
    tarn_array *mask;   /* bool (true: visible) or numbers to add, broadcast to [batch, heads, length, keys] */
    tarn_array *length; /* int32 [batch]: how many of the keys are valid; causal positions end there */
    tarn_array *sinks;  /* numbers [heads]: a logit that takes part in the softmax and carries no value */
    int end_;
} tarn_attention_options;
/* q [batch, heads, length, dim], k [batch, kv heads, keys, dim], v [batch, kv heads, keys, value dim]; heads is a
 * multiple of kv heads. The result [batch, heads, length, value dim] has their common dtype, which must be a float. */
#define tarn_attention(...) TARN_CALL(3, tarn_attention_with, tarn_attention_options, __VA_ARGS__)
TARN_API tarn_array *tarn_attention_with(tarn_array *q, tarn_array *k, tarn_array *v,
                                         tarn_attention_options options TARN_ABSENT);
/* quotient and remainder of one pass */
TARN_API bool tarn_divmod(tarn_array *x, tarn_array *y, tarn_array *out[2]);

#ifdef __cplusplus
}
#endif
#endif
