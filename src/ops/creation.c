/* Arrays made of numbers alone: evenly spaced ones, matrices with ones in them, windows, grids. */
#include <math.h>

#include "ops/front.h"

tarn_array *tarn_full_like(tarn_array *x, double value) {
    FRONT("full_like");
    return tarn_contiguous(tarn_broadcast_like(tarn_scalar_like(value, x), x));
}

/* 0 .. n - 1 */
static tarn_array *indices(int64_t n, tarn_dtype dtype) {
    return tarn_arange(0, (double)n, 1, dtype);
}

/* Where the distance is beyond float64: start and stop by their shares. */
static tarn_array *between(double start, double stop, tarn_array *i, double steps) {
    tarn_array *share = tarn_divide(i, tarn_scalar(steps, TARN_FLOAT64));
    tarn_array *other = tarn_subtract(tarn_scalar(1, TARN_FLOAT64), share);
    return tarn_add(tarn_multiply(tarn_scalar(start, TARN_FLOAT64), other),
                    tarn_multiply(tarn_scalar(stop, TARN_FLOAT64), share));
}

/* In float64, so that each number is rounded once; the last one is stop itself. */
tarn_array *tarn_linspace_with(double start, double stop, int64_t count, tarn_dtype dtype, tarn_linspace_options o) {
    FRONT("linspace");
    REQUIRE_DTYPE(dtype);
    if (count < 0) return tarn_fail("linspace: %lld numbers", (long long)count), NULL;
    int64_t steps = o.open ? count : count - 1;
    tarn_array *i = tarn_arange(0, (double)count, 1, TARN_FLOAT64);
    tarn_array *step = tarn_scalar(steps > 0 ? (stop - start) / (double)steps : 0, TARN_FLOAT64);
    tarn_array *x = tarn_add(tarn_multiply(i, step), tarn_scalar(start, TARN_FLOAT64));
    if (steps > 0 && isfinite(start) && isfinite(stop) && !isfinite(stop - start))
        x = between(start, stop, i, (double)steps);
    if (!o.open && steps > 0)
        x = tarn_where(tarn_equal(i, tarn_scalar((double)steps, TARN_FLOAT64)), tarn_scalar(stop, TARN_FLOAT64), x);
    return tarn_astype(x, dtype);
}

/* ---- matrices */

typedef tarn_array *comparison(tarn_array *x, tarn_array *y);

/* [rows, columns]: whether row + k compares so with the column. Diagonals beyond the matrix are all alike, and so
   row + k stays within rows + columns: mostly in 32 bits, whose vectors hold twice as many as those of 64. */
static tarn_array *by_place(comparison *compare, int64_t rows, int64_t columns, int64_t k, tarn_dtype dtype) {
    if (rows < 0 || columns < 0)
        return tarn_fail("a matrix of %lld rows and %lld columns", (long long)rows, (long long)columns), NULL;
    if (k < -rows) k = -rows;
    if (k > columns) k = columns;
    tarn_dtype index = rows <= INT32_MAX - columns ? TARN_INT32 : TARN_INT64;
    tarn_array *row = tarn_add(tarn_expand_dims(indices(rows, index), TARN_AXES(1)), tarn_scalar_int(k, index));
    return tarn_astype(compare(row, indices(columns, index)), dtype);
}

tarn_array *tarn_eye_with(int64_t rows, int64_t columns, tarn_dtype dtype, tarn_diag_options o) {
    FRONT("eye");
    return by_place(tarn_equal, rows, columns, o.k, dtype);
}

tarn_array *tarn_identity(int64_t n, tarn_dtype dtype) {
    FRONT("identity");
    return by_place(tarn_equal, n, n, 0, dtype);
}

tarn_array *tarn_tri_with(int64_t rows, int64_t columns, tarn_dtype dtype, tarn_diag_options o) {
    FRONT("tri");
    return by_place(tarn_greater_equal, rows, columns, o.k, dtype);
}

/* ---- grids */

/* x along the axis of `count` that is its own. */
static tarn_array *along(tarn_array *x, int axis, int count) {
    int64_t places[TARN_MAX_NDIM], others = 0;
    for (int i = 0; i < count; i++)
        if (i != axis) places[others++] = i;
    x = tarn_flatten(x);
    return others ? tarn_expand_dims(x, (tarn_ints){places, others}) : x;
}

bool tarn_meshgrid_with(tarn_array *const *arrays, int count, tarn_array **out, tarn_meshgrid_options o) {
    FRONT("meshgrid");
    if (count < 0 || count > TARN_MAX_NDIM || (count && (!arrays || !out)))
        return tarn_fail("meshgrid: %d arrays%s", count, count > 0 && count <= TARN_MAX_NDIM ? " at NULL" : "");
    for (int i = 0; i < count; i++) {
        bool swapped = !o.matrix && count > 1 && i < 2;
        if (arrays[i] && arrays[i]->ndim > 1) return tarn_fail("meshgrid: array %d has %d axes", i, arrays[i]->ndim);
        out[i] = along(arrays[i], swapped ? 1 - i : i, count);
    }
    return tarn_ok() && (o.sparse || count == 0 || tarn_broadcast_arrays(out, count, out));
}

/* ---- windows, in float64 and rounded once */

static tarn_array *number(double value) {
    return tarn_scalar(value, TARN_FLOAT64);
}

/* 2 pi i times / (n - 1) */
static tarn_array *cosines(int64_t n, double times) {
    const double whole_turn = 6.28318530717958647693;
    return tarn_cos(tarn_multiply(tarn_arange(0, (double)n, 1, TARN_FLOAT64),
                                  number(n > 1 ? whole_turn * times / (double)(n - 1) : 0)));
}

/* a - b cos + c cos 2; a window of one number is 1. */
static tarn_array *cosine_window(int64_t n, double a, double b, double c) {
    if (n <= 1) return tarn_ones(TARN_SHAPE(n < 1 ? 0 : 1), TARN_FLOAT32);
    tarn_array *window = tarn_subtract(number(a), tarn_multiply(number(b), cosines(n, 1)));
    if (c != 0) window = tarn_add(window, tarn_multiply(number(c), cosines(n, 2)));
    return tarn_astype(window, TARN_FLOAT32);
}

tarn_array *tarn_hanning(int64_t n) {
    FRONT("hanning");
    return cosine_window(n, 0.5, 0.5, 0);
}

tarn_array *tarn_hamming(int64_t n) {
    FRONT("hamming");
    return cosine_window(n, 0.54, 0.46, 0);
}

tarn_array *tarn_blackman(int64_t n) {
    FRONT("blackman");
    return cosine_window(n, 0.42, 0.5, 0.08);
}

tarn_array *tarn_bartlett(int64_t n) {
    FRONT("bartlett");
    if (n <= 1) return tarn_ones(TARN_SHAPE(n < 1 ? 0 : 1), TARN_FLOAT32);
    tarn_array *offset = tarn_arange(-(double)(n - 1), (double)n, 2, TARN_FLOAT64);
    return tarn_astype(tarn_subtract(number(1), tarn_divide(tarn_abs(offset), number((double)(n - 1)))), TARN_FLOAT32);
}
