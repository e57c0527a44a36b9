/* Structural and fused ops through every transform: gradients, tangents, batches, and gradients of gradients and of
 * batches. */
#include "tarn/index.h"
#include "transform_matrix.h"

#define F64 TARN_FLOAT64

/* A case: a body over inputs x[0..], with what it returns as output 0. */
#define BODY(name, expression)                                                                                         \
    static bool call_##name(void *context, tarn_array *const *x, int count, tarn_results *results) {                   \
        (void)context, (void)count;                                                                                    \
        return tarn_result(results, expression);                                                                       \
    }

static void run(const char *name, tarn_callback call, int outputs, int count, tarn_array *const *inputs) {
    test_case c = {.call = call, .outputs = outputs, .count = count};
    snprintf(c.name, sizeof c.name, "%s", name);
    memcpy(c.inputs, inputs, (size_t)count * sizeof *inputs);
    if (is_of_part()) matrix_run(&c);
    for (int i = 0; i < count; i++) tarn_drop(inputs[i]);
}
#define RUN(name, ...) RUN_MANY(name, 1, __VA_ARGS__)
#define RUN_MANY(name, outputs, ...)                                                                                   \
    (random_begin(#name), run(#name, call_##name, outputs, TARN_COUNT(__VA_ARGS__), TARN_ARRAYS(__VA_ARGS__)))
#define REAL(...)          random_array(TARN_SHAPE(__VA_ARGS__), F64, -2, 2)
#define POSITIVE(...)      random_array(TARN_SHAPE(__VA_ARGS__), F64, 0.3, 2)
#define INDICES(high, ...) random_array(TARN_SHAPE(__VA_ARGS__), TARN_INT32, 0, high)
#define COMPLEX(...)       random_array(TARN_SHAPE(__VA_ARGS__), TARN_COMPLEX64, -2, 2)
#define REAL_0D            random_array(TARN_0D, F64, -2, 2)

static tarn_array *kept_ints(const int32_t *values, int64_t count) {
    TARN_SCOPE;
    return tarn_keep(tarn_from_data(values, TARN_SHAPE(count), TARN_INT32));
}
#define INTEGERS(...) kept_ints((int32_t[]){__VA_ARGS__}, (int64_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))

/* Not linear, so that second derivatives are not zero. */
static tarn_array *bend(tarn_array *x) {
    return tarn_multiply(x, tarn_square(x));
}

/* ---- views and identities */
BODY(transpose, bend(tarn_transpose(x[0], .axes = TARN_AXES(1, -1, 0))))
BODY(transpose_all, bend(tarn_transpose(x[0])))
BODY(reshape, bend(tarn_reshape(x[0], TARN_SHAPE(-1, 2))))
BODY(reshape_like, tarn_multiply(tarn_reshape_like(bend(x[0]), x[1]), x[1]))
BODY(flatten, bend(tarn_flatten(x[0], .start_axis = TARN_AXIS(-2), .end_axis = TARN_AXIS(2))))
BODY(flatten_all, bend(tarn_flatten(x[0])))
BODY(unflatten, bend(tarn_unflatten(x[0], 0, TARN_SHAPE(2, -1))))
BODY(view, tarn_multiply(x[0], tarn_astype(tarn_view(x[1], TARN_UINT8), F64)))
BODY(expand_dims, bend(tarn_expand_dims(x[0], TARN_AXES(0, -1))))
BODY(squeeze, bend(tarn_squeeze(x[0])))
BODY(squeeze_one, bend(tarn_squeeze(x[0], .axes = TARN_AXES(-2))))
BODY(broadcast_to, tarn_multiply(tarn_broadcast_to(bend(x[0]), TARN_SHAPE(2, 3, 2)), tarn_arange(1, 3, 1, F64)))
BODY(broadcast_like, tarn_multiply(tarn_broadcast_like(bend(x[0]), x[1]), x[1]))
BODY(sum_like, bend(tarn_sum_like(x[0], x[1])))
BODY(elements_each,
     tarn_multiply(x[0], BUILD(elements_each, (&(attributes_elements_each){.less = 1}), x[0], tarn_sum(x[0]))))
BODY(slice, bend(tarn_slice(x[0], TARN_INTS(0, -3), TARN_INTS(INT64_MAX, -1))))
BODY(slice_steps, bend(tarn_slice(x[0], TARN_INTS(-1, 1), TARN_INTS(INT64_MIN, INT64_MAX), .step = TARN_INTS(-1, 2))))
BODY(slice_backwards, bend(tarn_slice(x[0], TARN_INTS(-2, 0), TARN_INTS(0, 3), .step = TARN_INTS(-2, 2))))
BODY(as_strided, bend(tarn_as_strided(x[0], TARN_SHAPE(3, 2), TARN_INTS(1, 2), .offset = 1)))
BODY(diagonal, bend(tarn_diagonal(x[0], .offset = -1, .axis1 = TARN_AXIS(2), .axis2 = TARN_AXIS(0))))
BODY(diagonal_beyond, bend(tarn_concatenate(TARN_ARRAYS(tarn_diagonal(x[0], .offset = 9), tarn_diagonal(x[0])), 2)))
BODY(depends, bend(tarn_depends(x[0], &x[1], 1)))
BODY(contiguous, bend(tarn_contiguous(tarn_swapaxes(x[0], 0, 1))))
static bool call_checkpoint(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context;
    return tarn_result_all(results, tarn_checkpoint(TARN_FUNCTION(call_reshape, NULL), x, count));
}
BODY(stop_gradient, tarn_multiply(x[0], tarn_stop_gradient(tarn_astype(x[1], F64))))
BODY(round_trip, tarn_astype(bend(tarn_astype(x[0], F64)), TARN_FLOAT32))

static bool call_split(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *parts[3];
    (void)context, (void)count;
    if (!tarn_split_at(bend(x[0]), TARN_INTS(1, 3), parts, .axis = TARN_AXIS(-1))) return false;
    return tarn_result(results, parts[1]) && tarn_result(results, tarn_square(parts[0])); /* part 2 has no cotangent */
}

static bool call_split_equal(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *parts[2];
    (void)context, (void)count;
    return tarn_split(bend(x[0]), 2, parts) && tarn_result(results, parts[0]) && tarn_result(results, parts[1]);
}

static void test_views(void) {
    RUN(transpose, REAL(2, 1, 3));
    RUN(transpose_all, REAL(2, 3));
    RUN(reshape, REAL(2, 3));
    RUN(reshape_like, REAL(2, 3), REAL(3, 2));
    RUN(flatten, REAL(2, 2, 3));
    RUN(flatten_all, REAL_0D);
    RUN(unflatten, REAL(4, 2));
    RUN(view, REAL(12), INDICES(9, 3));
    RUN(expand_dims, REAL(2, 2));
    RUN(expand_dims, REAL_0D);
    RUN(squeeze, REAL(1, 3, 1));
    RUN(squeeze_one, REAL(1, 1, 3));
    RUN(broadcast_to, REAL(3, 1));
    RUN(broadcast_like, REAL(3, 1), REAL(2, 3, 2));
    RUN(sum_like, REAL(2, 3, 2), REAL(3, 1));
    RUN(sum_like, REAL(2, 3), REAL_0D);
    RUN(elements_each, REAL(2, 4));
    RUN(slice, REAL(2, 4));
    RUN(slice_steps, REAL(3, 5));
    RUN(slice_backwards, REAL(6, 4));
    RUN(as_strided, REAL(2, 3));
    RUN(diagonal, REAL(2, 3, 3));
    RUN(diagonal_beyond, REAL(2, 3));
    RUN(depends, REAL(3), REAL(2));
    RUN(contiguous, REAL(2, 3));
    RUN(checkpoint, REAL(2, 3));
    RUN(stop_gradient, REAL(3), INDICES(9, 3));
    RUN(round_trip, random_array(TARN_SHAPE(3), TARN_FLOAT32, -2, 2));
    RUN_MANY(split, 2, REAL(2, 5));
    RUN_MANY(split_equal, 2, REAL(4, 2));
}

/* ---- moving */
BODY(concatenate, bend(tarn_concatenate(x, 3, .axis = TARN_AXIS(-1))))
BODY(stack, bend(tarn_stack(x, 2, .axis = TARN_AXIS(1))))
BODY(vstack, bend(tarn_vstack(x, 2)))
BODY(hstack, bend(tarn_hstack(x, 2)))
BODY(tile, bend(tarn_tile(x[0], TARN_SHAPE(2, 1, 2))))
BODY(roll, bend(tarn_multiply(tarn_roll(x[0], TARN_INTS(1, -4), .axes = TARN_AXES(0, -1)), x[1])))
BODY(roll_flat, bend(tarn_multiply(tarn_roll(x[0], TARN_INTS(4)), x[1])))
BODY(pad, bend(tarn_pad(x[0], TARN_INTS(1, 0), TARN_INTS(2), .value = x[1])))
BODY(pad_edge, bend(tarn_pad(x[0], TARN_INTS(1), TARN_INTS(2), .mode = TARN_PAD_EDGE)))
BODY(pad_reflect, bend(tarn_pad(x[0], TARN_INTS(1, 3), TARN_INTS(2, 0), .mode = TARN_PAD_REFLECT)))
BODY(pad_symmetric, bend(tarn_pad(x[0], TARN_INTS(1), TARN_INTS(2, 7), .mode = TARN_PAD_SYMMETRIC)))
BODY(diag, bend(tarn_diag(x[0], .k = -1)))
BODY(repeat, bend(tarn_repeat(x[0], 2, .axis = TARN_AXIS(0))))
BODY(gather, bend(tarn_take(x[0], x[1], .axis = TARN_AXIS(1))))
BODY(gather_last, bend(tarn_take(x[0], x[1], .axis = TARN_AXIS(-1))))
BODY(gather_axis, bend(tarn_take_along_axis(x[0], x[1], .axis = TARN_AXIS(0))))
BODY(scatter, bend(tarn_scatter(x[0], x[2], bend(x[1]), .axis = TARN_AXIS(1))))
BODY(scatter_add, bend(tarn_scatter_add(x[0], x[2], bend(x[1]), .axis = TARN_AXIS(1))))
BODY(gather_two, bend(tarn_gather(x[0], &x[1], 2, TARN_AXES(0, 2))))
BODY(gather_beside, bend(tarn_gather(x[0], &x[1], 2, TARN_AXES(-1, 1))))
BODY(scatter_two, bend(tarn_scatter_axes(x[0], &x[2], 2, bend(x[1]), TARN_AXES(0, 2), .mode = TARN_SCATTER_SET)))
BODY(scatter_two_add, bend(tarn_scatter_axes(x[0], &x[2], 2, bend(x[1]), TARN_AXES(2, 1), .mode = TARN_SCATTER_ADD)))
BODY(scatter_multiply, tarn_scatter_axes(x[0], &x[2], 1, x[1], TARN_AXES(1), .mode = TARN_SCATTER_MULTIPLY))
BODY(scatter_max, bend(tarn_scatter_axes(x[0], &x[2], 1, bend(x[1]), TARN_AXES(1), .mode = TARN_SCATTER_MAX)))
BODY(scatter_min, bend(tarn_scatter_axes(x[0], &x[2], 2, x[1], TARN_AXES(0, 1), .mode = TARN_SCATTER_MIN)))
BODY(scatter_last, bend(tarn_scatter(x[0], x[2], x[1], .axis = TARN_AXIS(-1))))
BODY(put_along_axis, bend(tarn_put_along_axis(x[0], x[2], bend(x[1]), .axis = TARN_AXIS(-1))))
BODY(add_along_axis, bend(tarn_add_along_axis(x[0], x[2], bend(x[1]), .axis = TARN_AXIS(-1))))
BODY(slice_update, bend(tarn_slice_update(x[0], bend(x[1]), x[2], TARN_AXES(1, 0))))
BODY(slice_update_part, bend(tarn_slice_update(x[0], bend(x[1]), x[2], TARN_AXES(-1))))
BODY(slice_update_steps, bend(tarn_slice_update(x[0], bend(x[1]), x[2], TARN_AXES(1, 0), .step = TARN_INTS(3, 2))))
BODY(slice_update_rows, bend(tarn_slice_update(x[0], bend(x[1]), x[2], TARN_AXES(1), .step = TARN_INTS(2))))
BODY(slice_array_rows, bend(tarn_slice_array(x[0], x[1], TARN_AXES(-1), TARN_INTS(2), .step = TARN_INTS(3))))
BODY(slice_array, bend(tarn_slice_array(x[0], x[1], TARN_AXES(1, 0), TARN_INTS(2, 2))))

/* Masks are traced: how many elements they select must not matter, or be said. */
static tarn_array *positive(tarn_array *a) {
    return tarn_greater(a, tarn_scalar_like(0, a));
}
BODY(index, bend(tarn_index(x[0], TARN_INDEX(TARN_AT(-1), TARN_STEPS(-1, TARN_BEGIN, -2), TARN_PICK(x[1])))))
BODY(index_checked, bend(tarn_index(x[0], TARN_INDEX(TARN_ELLIPSIS, TARN_PICK(x[1])), .check = true)))
BODY(index_checked_x,
     bend(tarn_index(x[0], TARN_INDEX(TARN_PICK(tarn_from_data((int32_t[]){1, -2}, TARN_SHAPE(2), TARN_INT32))),
                     .check = true)))
BODY(index_mask, bend(tarn_index(x[0], TARN_INDEX(TARN_PICK(positive(x[1]))), .size = TARN_INTEGER(2))))
BODY(index_update, bend(tarn_index_update(x[0], TARN_INDEX(TARN_STEPS(-1, TARN_BEGIN, -2), TARN_PICK(x[2])), bend(x[1]),
                                          .mode = TARN_SCATTER_ADD)))
BODY(index_update_checked, bend(tarn_index_update(x[0], TARN_INDEX(TARN_PICK(x[2])), bend(x[1]), .check = true)))
BODY(index_update_mask, bend(tarn_index_update(x[0], TARN_INDEX(TARN_PICK(positive(x[2]))), bend(x[1]))))
BODY(index_update_mask_rows, bend(tarn_index_update(x[0], TARN_INDEX(TARN_PICK(tarn_less(x[2], x[2]))), bend(x[1]))))
BODY(index_update_mask_behind, bend(tarn_index_update(x[0], TARN_INDEX(TARN_WHOLE, TARN_PICK(positive(x[2]))),
                                                      bend(x[1]), .mode = TARN_SCATTER_ADD)))

/* Batches that would have more axes than arrays can: an error, also where the op alone has just as many. */
static void check_too_many_axes(tarn_callback call, int count, tarn_array *const *inputs) {
    tarn_array *out = NULL;
    CHECK(!into(&out, tarn_vmap(TARN_FUNCTION(call, NULL), inputs, count)) && tarn_error() &&
          strstr(tarn_error(), "12 axes"));
    tarn_clear_error();
}

static void test_axis_limit(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_ones(TARN_SHAPE(2, 1, 1, 1, 1, 1, 1), F64),
               *indices = tarn_zeros(TARN_SHAPE(2, 1, 1, 1, 1, 1, 1, 1), TARN_INT32);
    tarn_array *updates = tarn_ones(TARN_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), F64);
    check_too_many_axes(call_gather_last, 2, TARN_ARRAYS(x, indices));
    check_too_many_axes(
        call_scatter_last, 3,
        TARN_ARRAYS(x, tarn_broadcast_to(updates, TARN_SHAPE(2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)), indices));
}

/* Products with zeros: x[0] has the updates 0 and 3, x[1] = 0 has 4, x[2] has 7, x[3] has two zeros. */
static void test_products_of_zeros(void) {
    TARN_SCOPE;
    static const double x[] = {2, 0, 5, 1}, updates[] = {0, 3, 4, 7, 0, 0}, by_x[] = {0, 4, 7, 0},
                        by_updates[] = {6, 0, 0, 5, 0, 0};
    static const int32_t places[] = {0, 0, 1, 2, 3, 3};
    tarn_array *in[] = {tarn_from_data(x, TARN_SHAPE(1, 4), F64), tarn_from_data(updates, TARN_SHAPE(1, 6), F64),
                        tarn_from_data(places, TARN_SHAPE(6), TARN_INT32)};
    tarn_array *out, *g[3], *ones = tarn_ones(TARN_SHAPE(1, 4), F64);
    double got[6];
    CHECK(vjp_into(TARN_FUNCTION(call_scatter_multiply, NULL), in, 3, &ones, 1, &out, g));
    CHECK(tarn_read(g[0], got, sizeof by_x) && memcmp(got, by_x, sizeof by_x) == 0);
    CHECK(tarn_read(g[1], got, sizeof by_updates) && memcmp(got, by_updates, sizeof by_updates) == 0);
}

static void test_moving(void) {
    RUN(concatenate, REAL(2, 1), REAL(2, 3), REAL(2, 2));
    RUN(stack, REAL(2, 2), REAL(2, 2));
    RUN(vstack, REAL(3), REAL(2, 3));
    RUN(hstack, REAL(3), REAL(2));
    RUN(hstack, REAL(2, 1), REAL(2, 3));
    RUN(tile, REAL(2, 1));
    RUN(roll, REAL(2, 3), REAL(2, 3));
    RUN(roll_flat, REAL(2, 3), REAL(2, 3));
    RUN(pad, REAL(2, 2), REAL_0D);
    RUN(pad_edge, REAL(2, 2));
    RUN(pad_reflect, REAL(3, 2));
    RUN(pad_symmetric, REAL(2, 2));
    RUN(diag, REAL(2));
    RUN(repeat, REAL(3));
    RUN(gather, REAL(2, 3, 2), INTEGERS(2, 0, 2, -1));
    RUN(gather, REAL(2, 3), INDICES(3, 2, 2));
    RUN(gather, REAL(2, 3), INTEGERS(1, 7, -9)); /* outside: zero */
    RUN(gather_last, REAL(2, 3), random_array(TARN_0D, TARN_INT32, 0, 3));
    RUN(gather_axis, REAL(3, 2), INDICES(3, 4, 2));
    RUN(gather_two, REAL(3, 2, 4), INDICES(3, 2, 1), INDICES(4, 3));
    RUN(gather_two, REAL(3, 2, 4), random_array(TARN_0D, TARN_INT32, 0, 3), INTEGERS(1, 7, -1));
    RUN(gather_beside, REAL(2, 3, 4), INDICES(4, 2, 2), INDICES(3, 2));
    RUN(scatter_two, REAL(3, 2, 4), REAL(3, 2), INTEGERS(2, 0, 2), INTEGERS(1, 3, 1)); /* twice the same place */
    RUN(scatter_two_add, REAL(2, 3, 4), REAL(2, 2, 2), INDICES(4, 2, 1), INTEGERS(2, -2));
    RUN(scatter_multiply, REAL(2, 3), REAL(2, 4), INTEGERS(1, 0, 1, 8));
    RUN(scatter_max, REAL(2, 3), REAL(2, 4), INTEGERS(1, 0, 1, 8));
    RUN(scatter_min, REAL(2, 3), REAL(4), INTEGERS(1, 0, 1, 1), INTEGERS(2, 0, 2, 1));
    RUN(scatter, REAL(2, 4), REAL(2, 3), INTEGERS(3, 0, -2));
    RUN(scatter, REAL(2, 3), REAL(2, 4), INTEGERS(1, 0, 1, 8)); /* twice the same place; outside */
    RUN(scatter_add, REAL(2, 3, 2), REAL(2, 4, 2), INTEGERS(1, 0, 1, -1));
    RUN(put_along_axis, REAL(2, 3), REAL(2, 2), INDICES(3, 2, 2));
    RUN(add_along_axis, REAL(2, 3), REAL(2, 2), INDICES(3, 2, 2));
    RUN(slice_update, REAL(3, 4), REAL(2, 2), INTEGERS(1, 0));
    RUN(slice_update, REAL(3, 4), REAL(2, 2), INTEGERS(9, -4)); /* moved back */
    RUN(slice_update_part, REAL(3, 4), REAL(2, 2), INTEGERS(2));
    RUN(slice_update_steps, REAL(3, 4), REAL(2, 2), INTEGERS(0, 9));
    RUN(slice_update_rows, REAL(3, 4), REAL(3, 2), INDICES(4, 3, 1));
    RUN(slice_update_rows, REAL(2, 4, 2), REAL(2, 2, 1), INDICES(3, 2, 1)); /* the last axis begins at 0 */
    RUN(slice_array_rows, REAL(2, 5), INDICES(4, 2, 1));
    RUN(slice_array, REAL(3, 4), INTEGERS(1, 0));
    RUN(slice_array, REAL(3, 4), INTEGERS(7, 1));
    RUN(index, REAL(2, 3, 4), INDICES(4, 2));
    RUN(index_checked, REAL(2, 3), INDICES(3, 2));
    RUN(index_checked_x, REAL(2, 3));
    RUN(index_mask, REAL(4, 2), REAL(4));
    RUN(index_update, REAL(3, 3), REAL(2, 2), INDICES(3, 2));
    RUN(index_update_checked, REAL(3, 2), REAL(2, 2), INDICES(3, 2));
    RUN(index_update_mask, REAL(3, 2), REAL(2), REAL(3));
    RUN(index_update_mask_rows, REAL(3, 2), REAL(2, 2), REAL(3));
    RUN(index_update_mask_behind, REAL(2, 3), REAL(3), REAL(3));
    test_axis_limit();
    test_products_of_zeros();
}

/* ---- reducing and ordering */
BODY(sum, bend(tarn_sum(bend(x[0]), .axes = TARN_AXES(-1, 0))))
BODY(sum_all, bend(tarn_sum(x[0])))
BODY(sum_none, bend(tarn_sum(x[0], .axes = TARN_NO_AXES)))
BODY(mean, bend(tarn_mean(x[0], .axes = TARN_AXES(1), .keepdims = true)))
BODY(prod, tarn_prod(x[0], .axes = TARN_AXES(0, 2)))
BODY(prod_zero,
     tarn_prod(tarn_multiply(x[0], tarn_from_data((double[]){1, 0, 1}, TARN_SHAPE(3), F64)), .keepdims = true))
BODY(max, bend(tarn_max(x[0], .axes = TARN_AXES(1))))
BODY(min, bend(tarn_min(x[0], .keepdims = true)))
BODY(logsumexp, tarn_logsumexp(x[0], .axes = TARN_AXES(-1)))
BODY(all, tarn_multiply(x[0], tarn_astype(tarn_all(tarn_greater(x[0], tarn_scalar_like(0, x[0])), .axes = TARN_AXES(0)),
                                          F64)))
BODY(argmax,
     tarn_take_along_axis(bend(x[0]), tarn_argmax(x[0], .axis = TARN_AXIS(1), .keepdims = true), .axis = TARN_AXIS(1)))
BODY(sort, tarn_multiply(bend(tarn_sort(x[0], .axis = TARN_AXIS(0))), x[1]))
BODY(var, bend(tarn_var(x[0], .axes = TARN_AXES(1), .ddof = 1)))
BODY(std, bend(tarn_std(x[0], .keepdims = true)))
BODY(median, bend(tarn_median(x[0], .axes = TARN_AXES(0, -1))))
BODY(median_odd, bend(tarn_median(x[0], .axes = TARN_AXES(-1), .keepdims = true)))
BODY(quantile, bend(tarn_quantile(x[0], x[1], .axis = TARN_AXIS(1))))
BODY(quantile_all, bend(tarn_quantile(x[0], x[1])))
BODY(bincount, bend(tarn_bincount(x[0], 4, .weights = bend(x[1]))))
BODY(bincount_alone, tarn_multiply(x[1], tarn_astype(tarn_bincount(x[0], 3), F64)))
static tarn_array *range_of(tarn_array *x) {
    tarn_array *out[2];
    return tarn_minmax(x, out, .axes = TARN_AXES(0)) ? tarn_subtract(bend(out[1]), out[0]) : NULL;
}
BODY(minmax, range_of(x[0]))
BODY(trace, bend(tarn_trace(x[0], .offset = 1)))
BODY(tril, tarn_multiply(bend(tarn_tril(x[0], .k = 1)), x[1]))
BODY(triu, tarn_multiply(bend(tarn_triu(x[0], .k = -1)), x[1]))
BODY(diff, bend(tarn_diff(x[0], 2, .axis = TARN_AXIS(0))))
BODY(partition, tarn_multiply(bend(tarn_partition(x[0], 1)), x[1]))
BODY(topk, tarn_multiply(bend(tarn_topk(x[0], 2, .axis = TARN_AXIS(0))), x[1]))
BODY(clip, bend(tarn_clip(x[0], x[1], x[2])))
BODY(nan_to_num, bend(tarn_nan_to_num(x[0])))
BODY(searchsorted, tarn_multiply(x[1], tarn_astype(tarn_searchsorted(tarn_sort(x[0]), x[1]), F64)))
BODY(cumprod_zero, bend(tarn_cumprod(tarn_multiply(x[0], tarn_from_data((double[]){1, 0, 1, 0}, TARN_SHAPE(4), F64)),
                                     .axis = TARN_AXIS(1))))
BODY(argsort, tarn_multiply(tarn_take_along_axis(bend(x[0]), tarn_argsort(x[0]), .axis = TARN_AXIS(-1)), x[1]))

#define KEY random_array(TARN_SHAPE(2), TARN_UINT32, 0, 4294967295.0)
BODY(random_bits, tarn_multiply(x[0], tarn_astype(tarn_random_bits(x[1], TARN_SHAPE(3), .width = 1), F64)))
BODY(random_categorical,
     tarn_multiply(x[0], tarn_astype(tarn_random_categorical(x[1], tarn_astype(x[2], TARN_FLOAT32)), F64)))

typedef struct {
    reduce_kind kind;
    bool reverse, exclusive;
} scan_kind;

static bool call_scan(void *context, tarn_array *const *x, int count, tarn_results *results) {
    const scan_kind *s = context;
    attributes_scan a = {.kind = s->kind, .axis = 1, .reverse = s->reverse, .exclusive = s->exclusive};
    tarn_array *out = BUILD(scan, &a, x[0]);
    (void)count;
    if (s->exclusive) /* the first of an exclusive maximum is infinite */
        out = tarn_slice_axis(out, 1, s->reverse ? 0 : 1, s->reverse ? -1 : INT64_MAX);
    return tarn_result(results, bend(out));
}

static void test_scans(void) {
    for (int i = 0; i < 20; i++) {
        static const reduce_kind kinds[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_LOGADDEXP};
        scan_kind s = {kinds[i / 4], i & 1, i & 2};
        test_case c = {.call = call_scan, .context = &s, .outputs = 1, .count = 1, .inputs = {REAL(2, 4)}};
        snprintf(c.name, sizeof c.name, "scan %d%s%s", i / 4, s.reverse ? " reverse" : "",
                 s.exclusive ? " exclusive" : "");
        matrix_run(&c);
        tarn_drop(c.inputs[0]);
    }
}

static void test_reducing(void) {
    RUN(sum, REAL(2, 2, 3));
    RUN(sum_all, REAL(2, 2));
    RUN(sum_none, REAL(3));
    RUN(mean, REAL(2, 3));
    RUN(prod, REAL(2, 2, 2));
    RUN(prod_zero, REAL(2, 3));
    RUN(max, REAL(2, 3));
    RUN(min, REAL(2, 2));
    RUN(logsumexp, REAL(2, 3));
    RUN(all, REAL(2, 3));
    RUN(argmax, REAL(2, 3));
    RUN(sort, REAL(4, 2), REAL(4, 2));
    RUN(argsort, REAL(2, 4), REAL(2, 4));
    RUN(var, REAL(2, 3));
    RUN(std, REAL(2, 3));
    RUN(median, REAL(2, 3, 2));
    RUN(median_odd, REAL(2, 3));
    RUN(quantile, REAL(2, 4, 2), random_array(TARN_SHAPE(2), F64, 0.05, 0.95));
    RUN(quantile_all, REAL(2, 3), random_array(TARN_0D, F64, 0.05, 0.95));
    RUN(bincount, INDICES(5, 2, 3), REAL(2, 3));
    RUN(bincount_alone, INTEGERS(1, 0, 9, -1, 1), REAL(3));
    RUN(minmax, REAL(3, 2));
    RUN(trace, REAL(2, 3, 2));
    RUN(tril, REAL(3, 4), REAL(3, 4));
    RUN(triu, REAL(2, 3, 2), REAL(2, 3, 2));
    RUN(diff, REAL(4, 2));
    RUN(partition, REAL(2, 4), REAL(2, 4));
    RUN(topk, REAL(4, 2), REAL(2, 2));
    RUN(clip, REAL(2, 3), REAL(3), REAL_0D);
    RUN(nan_to_num, REAL(3));
    RUN(searchsorted, REAL(4), REAL(2, 3));
    RUN(cumprod_zero, REAL(2, 4));
    RUN(random_bits, REAL(3), KEY);
    RUN(random_categorical, REAL(2), KEY, INDICES(3, 2, 4));
    test_scans();
}

#include "transform_fields.h"

/* ---- products */
BODY(matmul, tarn_matmul(x[0], x[1]))
BODY(addmm, tarn_addmm(x[0], x[1], x[2], .alpha = TARN_VALUE(2), .beta = TARN_VALUE(-3)))
BODY(inner, tarn_inner(x[0], x[1]))
BODY(outer, tarn_outer(x[0], x[1]))
BODY(vecdot, tarn_vecdot(x[0], x[1]))
BODY(tensordot, tarn_tensordot(x[0], x[1], 2))
BODY(kron, tarn_kron(x[0], x[1]))
BODY(einsum_chain, tarn_einsum("ij,jk,kl->il", x, 3))
BODY(einsum_batch, tarn_einsum("...ij,...jk->...ki", x, 2))
BODY(einsum_diagonal, bend(tarn_einsum("iij->ji", x, 1)))
BODY(einsum_sums, tarn_einsum("ij,kj,j->i", x, 3))
BODY(einsum_ones, tarn_einsum("ij,jk->ik", x, 2))
BODY(gather_mm, tarn_gather_mm(x[0], x[1], .left_indices = x[2], .right_indices = x[3]))
BODY(segmented_mm, tarn_segmented_mm(x[0], x[1], x[2]))
BODY(block_masked_mm,
     tarn_block_masked_mm(x[0], x[1], .block_size = 2, .mask_out = x[2], .mask_left = x[3], .mask_right = x[4]))
BODY(hadamard_transform, bend(tarn_hadamard_transform(x[0])))
BODY(conv1d, tarn_conv1d(x[0], x[1], .stride = TARN_INTS(2), .padding = TARN_INTS(1), .dilation = TARN_INTS(2)))
BODY(conv1d_groups, tarn_conv1d(x[0], x[1], .groups = 2))
BODY(conv1d_thin, tarn_conv1d(x[0], x[1], .padding = TARN_INTS(1))) /* few elements meet a place */
BODY(conv2d, tarn_conv2d(x[0], x[1], .stride = TARN_INTS(2, 1), .padding = TARN_INTS(0, 1)))
BODY(conv3d, tarn_conv3d(x[0], x[1]))
BODY(conv_transpose1d, tarn_conv_transpose1d(x[0], x[1], .stride = TARN_INTS(2), .padding = TARN_INTS(1),
                                             .output_padding = TARN_INTS(1), .groups = 2))
BODY(conv_transpose2d, tarn_conv_transpose2d(x[0], x[1], .stride = TARN_INTS(2), .dilation = TARN_INTS(1, 2)))
BODY(conv_general,
     tarn_conv_general(x[0], x[1], .stride = TARN_INTS(2), .padding = TARN_INTS(-1), .padding_after = TARN_INTS(3),
                       .kernel_dilation = TARN_INTS(2), .input_dilation = TARN_INTS(3), .groups = 2, .flip = true))
BODY(conv_like,
     BUILD(conv_like, (&(attributes_conv_like){.stride = TARN_INTS(2), .low = TARN_INTS(1), .groups = 1, .full = true}),
           x[0], x[1], x[2]))
BODY(convolve, tarn_convolve(x[0], x[1]))
BODY(quantized_matmul, tarn_quantized_matmul(x[0], x[1], x[2], .biases = x[3], .group_size = 32, .bits = 4))
BODY(quantized_matmul_rows,
     tarn_quantized_matmul(x[0], x[1], x[2], .biases = x[3], .group_size = 32, .bits = 8, .no_transpose = true))
BODY(dequantize, bend(tarn_dequantize(x[0], x[1], .biases = x[2], .group_size = 32, .bits = 4)))

static tarn_array *words(int64_t rows, int64_t columns) {
    return random_array(TARN_SHAPE(rows, columns), TARN_UINT32, 0, 4294967295.0);
}
static tarn_array *scales(int64_t rows, int64_t columns) {
    return random_array(TARN_SHAPE(rows, columns), TARN_FLOAT32, 0.005, 0.01);
}

/* Of what has no gradient itself. */
static bool call_quantize(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *parts[3];
    (void)context, (void)count;
    if (!tarn_quantize(tarn_astype(x[1], TARN_FLOAT32), parts, .group_size = 32, .bits = 4)) return false;
    return tarn_result(results, tarn_multiply(x[0], tarn_astype(parts[1], F64)));
}

BODY(gather_qmm, tarn_gather_qmm(x[0], x[1], x[2], .biases = x[3], .group_size = 32, .bits = 4, .left_indices = x[4],
                                 .right_indices = x[5]))
BODY(fp8, tarn_multiply(x[0], tarn_from_fp8(tarn_to_fp8(tarn_stop_gradient(x[0])), F64)))

static tarn_array *packed(int64_t matrices, int64_t rows, int64_t columns) {
    return random_array(TARN_SHAPE(matrices, rows, columns), TARN_UINT32, 0, 4294967295.0);
}
static tarn_array *groups(int64_t matrices, int64_t rows, int64_t columns) {
    return random_array(TARN_SHAPE(matrices, rows, columns), TARN_FLOAT32, 0.005, 0.01);
}

BODY(fake_quantize, build(OP_fake_quantize, TARN_ARRAYS(tarn_astype(x[0], TARN_FLOAT32)), 1,
                          &(attributes_fake_quantize){.mode = QUANT_mxfp8, .group_size = 32, .bits = 8}))

/* Rounded values have the gradient of what was rounded. */
static bool call_rounded(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sum(tarn_qqmm(x[0], x[1], NULL, .mode = "mxfp8")));
}

static void test_straight_through(void) {
    TARN_SCOPE;
    tarn_array *x[2] = {random_array(TARN_SHAPE(2, 32), TARN_FLOAT32, -1, 1),
                        random_array(TARN_SHAPE(3, 32), TARN_FLOAT32, -1, 1)};
    tarn_array *g = tarn_results_at(tarn_grad(TARN_FUNCTION(call_rounded, NULL), x, 2, .argnums = TARN_INTS(0, 1)), 0);
    tarn_array *each = tarn_sum(x[1], .axes = TARN_AXES(0)), *off = tarn_subtract(g, each);
    CHECK(g && tarn_item(tarn_max(tarn_abs(off))) < 0.2);
    matrix[OP_fake_quantize].elsewhere = "that of what was rounded: call_rounded";
    for (int i = 0; i < 2; i++) tarn_drop(x[i]);
}

static tarn_array *bent_parts(tarn_array *scales, tarn_array *biases) {
    return tarn_sum(tarn_add(tarn_square(scales), tarn_multiply(scales, tarn_square(biases))));
}

static bool call_quantize_ends(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *parts[3];
    (void)count;
    return tarn_quantize(x[0], parts, .group_size = 32, .bits = *(const int *)context) &&
           tarn_result(results, bent_parts(parts[1], parts[2]));
}

/* The same of the ends of groups: the lower one and the distance, or the one farther from 0 and it over its code. */
static bool call_ends(void *context, tarn_array *const *x, int count, tarn_results *results) {
    int bits = *(const int *)context;
    (void)count;
    tarn_array *w = tarn_unflatten(x[0], -1, TARN_SHAPE(-1, 32)), *low = tarn_min(w, .axes = TARN_AXES(-1)),
               *high = tarn_max(w, .axes = TARN_AXES(-1)), *apart = tarn_subtract(high, low);
    if (bits == 1) return tarn_result(results, bent_parts(apart, low));
    tarn_array *end = tarn_where(tarn_greater(tarn_abs(low), tarn_abs(high)), low, high);
    tarn_array *code = tarn_round(tarn_divide(end, tarn_multiply_number(apart, 1.0 / ((1 << bits) - 1))));
    return tarn_result(results, bent_parts(tarn_divide(end, tarn_negative(tarn_abs(code))), end)) && tarn_ok();
}

/* Scales and biases have gradients, the codes none. Computed in float32, which is too coarse for differences. */
static void test_quantize_ends(void) {
    static const int bits[] = {1, 2, 3, 4, 8};
    matrix[OP_quantize].elsewhere = "that of the ends of groups: call_ends";
    for (int i = 0; i < 5; i++) {
        TARN_SCOPE;
        void *context = (void *)(uintptr_t)&bits[i];
        tarn_array *x = random_array(TARN_SHAPE(2, 64), TARN_FLOAT32, -1, 1);
        tarn_array *g = tarn_results_at(tarn_grad(TARN_FUNCTION(call_quantize_ends, context), &x, 1), 0),
                   *wanted = tarn_results_at(tarn_grad(TARN_FUNCTION(call_ends, context), &x, 1), 0);
        CHECK(tarn_item(tarn_max(tarn_abs(tarn_subtract(g, wanted)))) < 1e-5);
        tarn_drop(x);
    }
}

static void test_products(void) {
    RUN(gather_qmm, random_array(TARN_SHAPE(3, 2, 32), TARN_FLOAT32, -1, 1), packed(2, 3, 4), groups(2, 3, 1),
        groups(2, 3, 1), INDICES(3, 2, 1), INDICES(2, 3));
    RUN(fp8, REAL(2, 3));
    RUN(fake_quantize, INDICES(9, 2, 32));
    test_straight_through();
    RUN(quantize, REAL(2, 1), INDICES(9, 2, 32));
    test_quantize_ends();
    RUN(matmul, REAL(2, 3), REAL(3, 2));
    RUN(matmul, REAL(3), REAL(3));
    RUN(matmul, REAL(2, 3), REAL(3));
    RUN(matmul, REAL(2, 2, 3), REAL(3, 2));
    RUN(matmul, REAL(2, 1, 2, 2), REAL(3, 2, 1));
    RUN(matmul, COMPLEX(2, 2), COMPLEX(2, 2));
    RUN(addmm, REAL(2), REAL(2, 3), REAL(3, 2));
    RUN(inner, REAL(2, 3), REAL(2, 2, 3));
    RUN(outer, REAL(2), REAL(3));
    RUN(vecdot, COMPLEX(2, 3), COMPLEX(3));
    RUN(vecdot, REAL(2, 3), REAL(2, 3));
    RUN(tensordot, REAL(2, 3, 2), REAL(3, 2, 2));
    RUN(kron, REAL(2, 2), REAL(3));
    RUN(einsum_chain, REAL(2, 3), REAL(3, 2), REAL(2, 2));
    RUN(einsum_batch, REAL(2, 2, 3), REAL(3, 2));
    RUN(einsum_batch, COMPLEX(2, 2), COMPLEX(2, 2));
    RUN(einsum_diagonal, REAL(3, 3, 2));
    RUN(einsum_sums, REAL(2, 3), REAL(2, 3), REAL(3));
    RUN(einsum_ones, REAL(2, 1), REAL(3, 2));
    RUN(gather_mm, REAL(3, 2, 3), REAL(2, 3, 2), INDICES(3, 2, 1), INDICES(2, 3));
    RUN(segmented_mm, REAL(2, 4), REAL(4, 2), INDICES(5, 3, 2));
    RUN(block_masked_mm, REAL(3, 5), REAL(5, 2), REAL(2, 1), REAL(2, 3),
        random_array(TARN_SHAPE(3, 1), TARN_BOOL, 0, 2));
    RUN(block_masked_mm, COMPLEX(3, 5), COMPLEX(5, 2), random_array(TARN_SHAPE(2, 1), TARN_BOOL, 0, 2),
        random_array(TARN_SHAPE(2, 3), TARN_BOOL, 0, 2), random_array(TARN_SHAPE(3, 1), TARN_BOOL, 0, 2));
    RUN(hadamard_transform, REAL(2, 24));
    RUN(hadamard_transform, COMPLEX(2, 4));
    RUN(conv1d, REAL(2, 5, 2), REAL(3, 2, 2));
    RUN(conv1d, COMPLEX(1, 4, 2), COMPLEX(1, 2, 2));
    RUN(conv1d_groups, REAL(2, 3, 4), REAL(2, 2, 2));
    RUN(conv1d_thin, random_array(TARN_SHAPE(1, 5, 1), TARN_FLOAT32, -1, 1),
        random_array(TARN_SHAPE(16, 3, 1), TARN_FLOAT32, -1, 1));
    RUN(conv1d_thin, random_array(TARN_SHAPE(1, 66, 1), TARN_FLOAT32, -1, 1),
        random_array(TARN_SHAPE(16, 2, 1), TARN_FLOAT32, -1, 1));
    RUN(conv2d, REAL(1, 4, 3, 2), REAL(2, 3, 2, 2));
    RUN(conv3d, REAL(1, 2, 3, 2, 2), REAL(1, 2, 2, 1, 2));
    RUN(conv_transpose1d, REAL(1, 3, 4), REAL(4, 3, 2));
    RUN(conv_transpose2d, REAL(1, 2, 2, 2), REAL(1, 2, 2, 2));
    RUN(conv_general, REAL(1, 4, 2), REAL(2, 3, 1));
    RUN(conv_like, REAL(1, 3, 2), REAL(2, 2, 2), REAL(1, 4, 1));
    RUN(convolve, REAL(4), REAL(3));
    RUN(quantized_matmul, random_array(TARN_SHAPE(2, 32), TARN_FLOAT32, -1, 1), words(3, 4), scales(3, 1),
        scales(3, 1));
    RUN(quantized_matmul_rows, random_array(TARN_SHAPE(2, 1, 3), TARN_FLOAT32, -1, 1), words(3, 8), scales(3, 1),
        scales(3, 1));
    RUN(dequantize, words(2, 4), scales(2, 1), scales(2, 1));
}

/* ---- fused */
BODY(softmax, tarn_softmax(x[0], .axes = TARN_AXES(-1)))
BODY(softmax_first, tarn_softmax(x[0], .axes = TARN_AXES(0)))
BODY(rms_norm, tarn_rms_norm(x[0], x[1]))
BODY(rms_norm_bare, tarn_rms_norm(x[0], NULL, .eps = TARN_VALUE(1e-3)))
BODY(layer_norm, tarn_layer_norm(x[0], .weight = x[1], .bias = x[2]))
BODY(layer_norm_bare, tarn_layer_norm(x[0]))
BODY(cross_entropy, tarn_cross_entropy(x[0], x[1]))
static bool call_gated_delta(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *both[2];
    (void)context, (void)count;
    return tarn_gated_delta_update(x[0], x[1], x[2], x[3], x[4], x[5], NULL, both) &&
           tarn_result(results, tarn_add(both[0], tarn_sum(both[1])));
}
BODY(rope, tarn_rope(x[0], x[1], .base = TARN_VALUE(100)))
BODY(rope_part, tarn_rope(x[0], x[1], .dims = 2, .traditional = true, .freqs = x[2]))
BODY(attention, tarn_attention(x[0], x[1], x[2], .causal = true))
static bool all_results(node *made, tarn_results *results) {
    bool ok = made != NULL;
    for (int i = 0; ok && i < made->output_count; i++) ok = tarn_result(results, &made->outputs[i]);
    return ok;
}
static bool call_attention_gradient(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *y = tarn_attention(x[1], x[2], x[3], .causal = true, .length = x[4]);
    if (!y) return false;
    tarn_array *in[] = {x[0], y->node->inputs[0], y->node->inputs[1], y->node->inputs[2], NULL, y->node->inputs[4]};
    node *made =
        build_node(OP_attention_gradient, in, 6, &(attributes_attention_gradient){.scale = NAN, .causal = true});
    return all_results(made, results);
}
static bool call_softmax_gradient(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context;
    return all_results(build_node(OP_softmax_gradient, x, count, &(attributes_softmax_gradient){.axis = -1}), results);
}
static bool call_rms_norm_gradient(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context;
    return all_results(build_node(OP_rms_norm_gradient, x, count, &(attributes_rms_norm_gradient){.eps = 1e-3}),
                       results);
}
static bool call_layer_norm_gradient(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context;
    return all_results(build_node(OP_layer_norm_gradient, x, count, &(attributes_layer_norm_gradient){.eps = 1e-3}),
                       results);
}
BODY(attention_mask, tarn_attention(x[0], x[1], x[2], .mask = x[3], .length = x[4]))
BODY(attention_sinks, tarn_attention(x[0], x[1], x[2], .sinks = x[3]))
BODY(attention_additive, tarn_attention(x[0], x[1], x[2], .mask = x[3]))

static bool call_divmod(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *both[2];
    (void)context, (void)count;
    return tarn_divmod(x[0], x[1], both) && tarn_result(results, both[0]) && tarn_result(results, both[1]);
}

/* What a file may ask of them: a gradient of another shape or dtype, a weight that is not as long as the rows. */
static void test_wrong_row_gradients(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_zeros(TARN_SHAPE(2, 4), TARN_FLOAT32), *row = tarn_zeros(TARN_SHAPE(4), TARN_FLOAT32);
    tarn_array *half = tarn_zeros(TARN_SHAPE(2, 4), TARN_FLOAT16), *one = tarn_zeros(TARN_SHAPE(1), TARN_FLOAT32);
    tarn_array *wrong[][3] = {
        {row, x, row}, {half, x, row}, {x, x, one}, {x, x, x}, {x, x, tarn_scalar(1, TARN_FLOAT32)}};
    attributes_rms_norm_gradient rms = attributes_rms_norm_gradient_default;
    attributes_layer_norm_gradient layer = attributes_layer_norm_gradient_default;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        CHECK(!build_node(OP_rms_norm_gradient, wrong[k], 3, &rms) && !tarn_ok());
        tarn_clear_error();
        CHECK(!build_node(OP_layer_norm_gradient, wrong[k], 3, &layer) && !tarn_ok());
        tarn_clear_error();
    }
    CHECK(!build_node(OP_softmax_gradient, wrong[0], 2, &(attributes_softmax_gradient){.axis = -1}));
    tarn_clear_error();
    CHECK(!build_node(OP_softmax_gradient, (tarn_array *[]){x, x}, 2, &(attributes_softmax_gradient){.axis = -3}));
    tarn_clear_error();
}

/* Of a batch it is the same op, for which a device may have a kernel, whether or not both inputs have the batch. */
static void test_batched_softmax_gradient(void) {
    TARN_SCOPE;
    tarn_array *many = tarn_zeros(TARN_SHAPE(3, 2, 4), TARN_FLOAT32), *one = tarn_zeros(TARN_SHAPE(2, 4), TARN_FLOAT32);
    for (int shared = -1; shared < 2; shared++) {
        tarn_array *inputs[] = {shared == 0 ? one : many, shared == 1 ? one : many}, *out;
        tarn_ints axes = TARN_AXES(shared == 0 ? TARN_UNBATCHED : 0, shared == 1 ? TARN_UNBATCHED : 0);
        CHECK(into(&out, tarn_vmap(TARN_FUNCTION(call_softmax_gradient, NULL), inputs, 2, .in_axes = axes)) &&
              out->node->op == OP_softmax_gradient && out->ndim == 3);
    }
}

static void test_fused(void) {
    test_batched_softmax_gradient();
    RUN(softmax, REAL(2, 3));
    RUN(softmax_first, REAL(3, 2));
    RUN(rms_norm, REAL(2, 4), REAL(4));
    RUN(rms_norm_bare, REAL(4));
    RUN(layer_norm, REAL(2, 4), REAL(4), REAL(4));
    RUN(layer_norm_bare, REAL(2, 3));
    RUN(softmax_gradient, REAL(2, 3), REAL(2, 3));
    RUN_MANY(rms_norm_gradient, 2, REAL(2, 4), REAL(2, 4), REAL(4));
    RUN_MANY(rms_norm_gradient, 2, REAL(4), REAL(4));
    RUN_MANY(layer_norm_gradient, 3, REAL(2, 4), REAL(2, 4), REAL(4));
    RUN(cross_entropy, REAL(2, 3), INTEGERS(3, 2));
    RUN(gated_delta, REAL(1, 2, 1, 2), REAL(1, 2, 1, 2), REAL(1, 2, 2, 1), POSITIVE(1, 2, 2), POSITIVE(1, 2, 2),
        REAL(1, 2, 1, 2));
    RUN(rope, REAL(1, 2, 2, 4), random_array(TARN_0D, TARN_INT32, 0, 9));
    RUN(rope, REAL(2, 2, 4), INTEGERS(3, 1));
    RUN(rope_part, REAL(2, 2, 4), INTEGERS(3, 1), POSITIVE(1));
    RUN(attention, REAL(1, 2, 2, 2), REAL(1, 1, 3, 2), REAL(1, 1, 3, 2));
    RUN_MANY(attention_gradient, 3, REAL(1, 2, 2, 1), REAL(1, 2, 2, 2), REAL(1, 1, 3, 2), REAL(1, 1, 3, 1),
             INTEGERS(3));
    RUN(attention_mask, REAL(2, 2, 1, 2), REAL(2, 1, 3, 2), REAL(2, 1, 3, 1),
        random_array(TARN_SHAPE(2, 1, 1, 3), TARN_BOOL, 0, 2), INTEGERS(3, 2));
    RUN(attention_sinks, REAL(1, 2, 1, 2), REAL(1, 2, 2, 2), REAL(1, 2, 2, 2), REAL(2));
    RUN(attention_additive, REAL(1, 1, 2, 2), REAL(1, 1, 2, 2), REAL(1, 1, 2, 2), REAL(2, 2));
    RUN_MANY(divmod, 2, POSITIVE(2, 3), POSITIVE(3));
    RUN_MANY(divmod, 2, INDICES(9, 2, 3), INDICES(4, 3));
}

/* ---- kinds together */
BODY(floor_divide, tarn_floor_divide(x[0], x[1]))
BODY(complex_product, tarn_multiply(tarn_abs(tarn_multiply(x[0], x[1])), x[2]))
BODY(random, tarn_multiply(tarn_random_uniform(x[0], TARN_SHAPE(2, 3), TARN_FLOAT32), x[1]))

static bool call_mixed(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *y = tarn_multiply(tarn_exp(x[0]), x[1]); /* bf16 with f32 */
    return tarn_result(results, tarn_where(x[2], y, tarn_square(x[1]))) &&
           tarn_result(results, tarn_astype(tarn_add(x[0], tarn_astype(y, TARN_BFLOAT16)), TARN_BFLOAT16));
}

static void test_kinds(void) {
    RUN(floor_divide, INDICES(50, 2, 3), INDICES(7, 3));
    RUN(complex_product, COMPLEX(2), COMPLEX(2, 1), random_array(TARN_SHAPE(2), TARN_FLOAT32, -1, 1));
    RUN(random, random_array(TARN_SHAPE(2), TARN_UINT32, 0, 1e9), random_array(TARN_SHAPE(3), TARN_FLOAT32, -1, 1));
    RUN_MANY(mixed, 2, random_array(TARN_SHAPE(2, 3), TARN_BFLOAT16, -1, 1),
             random_array(TARN_SHAPE(3), TARN_FLOAT32, -1, 1), random_array(TARN_SHAPE(2, 1), TARN_BOOL, 0, 2));
}

/* ---- points at which a factor of the gradient is infinite or NaN. The gradients are torch's, but for ties, which are
 * MLX's. */
BODY(power, tarn_power(x[0], x[1]))
BODY(arctan2, tarn_arctan2(x[0], x[1]))
BODY(maximum, tarn_maximum(x[0], x[1]))
BODY(minimum, tarn_minimum(x[0], x[1]))
BODY(remainder, tarn_remainder(x[0], x[1]))
BODY(through_integers, tarn_multiply(tarn_astype(tarn_astype(x[0], TARN_INT32), tarn_dtype_of(x[0])), x[1]))
BODY(max_of_three, tarn_max(tarn_stack(TARN_ARRAYS(x[0], x[1], tarn_scalar_like(3, x[0])), 3)))
BODY(min_of_three, tarn_min(tarn_stack(TARN_ARRAYS(x[0], x[1], tarn_scalar_like(3, x[0])), 3)))

typedef struct {
    tarn_callback call;
    double at[2], gradient[2];
    bool smooth; /* so that the gradient of the gradient has to be finite */
} point;
static const point points[] = {
    {call_power, {0, 1}, {1, 0}, true},
    {call_power, {0, 2}, {0, 0}, true},
    {call_power, {0, 0}, {0, 0}, true},
    {call_power, {2, 0}, {0, 0.69314718055994530942}, true},
    {call_power, {0, 0.5}, {INFINITY, 0}, false},
    {call_power, {0, -1}, {-INFINITY, -INFINITY}, false},
    {call_power, {-2, 2}, {-4, NAN}, false},
    {call_arctan2, {0, 0}, {0, 0}, true},
    {call_arctan2, {0, 2}, {0.5, 0}, true},
    {call_arctan2, {-2, 0}, {0, 0.5}, true},
    {call_maximum, {NAN, 0}, {1, 1}, true},
    {call_maximum, {0, NAN}, {1, 1}, true},
    {call_maximum, {2, 2}, {0, 1}, true},
    {call_minimum, {NAN, 0}, {1, 1}, true},
    {call_minimum, {0, NAN}, {1, 1}, true},
    {call_minimum, {2, 2}, {0, 1}, true},
    {call_remainder, {1, INFINITY}, {1, 0}, true},
    {call_remainder, {-1, INFINITY}, {1, 1}, true},
    {call_remainder, {64, 3}, {1, -21}, true},
    {call_through_integers, {2.5, 3}, {0, 2}, true},
    {call_max_of_three, {1, NAN}, {0, 1}, true},
    {call_max_of_three, {NAN, NAN}, {0.5, 0.5}, true},
    {call_max_of_three, {1, INFINITY}, {0, 1}, true},
    {call_min_of_three, {1, NAN}, {0, 1}, true},
    {call_min_of_three, {1, 1}, {0.5, 0.5}, true},
};

static bool both_gradients(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *one = tarn_scalar_like(1, x[0]);
    return tarn_result_all(results, tarn_vjp(TARN_FUNCTION(((const point *)context)->call, NULL), x, count, &one, 1));
}

static void check_near(const point *p, const char *what, int input, tarn_array *a, double wanted) {
    double got = tarn_item(a);
    checks++;
    if (close_to(got, wanted, 10 * tolerance_of(tarn_dtype_of(a)))) return;
    failures++, printf("point %d: the %s of input %d is %g, not %g\n", (int)(p - points), what, input, got, wanted);
}

static void check_point(const point *p, tarn_dtype dtype) {
    TARN_SCOPE;
    tarn_function f = TARN_FUNCTION(p->call, NULL), both = TARN_FUNCTION(both_gradients, (void *)(intptr_t)p);
    tarn_array *x[2] = {tarn_scalar(p->at[0], dtype), tarn_scalar(p->at[1], dtype)}, *one = tarn_scalar(1, dtype),
               *g[2], *y, *values[2];
    CHECK(into(g, tarn_call(both, x, 2)));
    for (int i = 0; i < 2; i++) {
        tarn_array *tangents[2] = {i == 0 ? one : NULL, i == 1 ? one : NULL}, *tangent = NULL;
        check_near(p, "gradient", i, g[i], p->gradient[i]);
        CHECK(jvp_into(f, x, 2, tangents, &y, &tangent));
        check_near(p, "tangent", i, tangent, p->gradient[i]);
    }
    CHECK(vjp_into(both, x, 2, TARN_ARRAYS(one, one), 2, values, g));
    for (int i = 0; i < 2; i++) CHECK(!p->smooth || isfinite(tarn_item(g[i])));
}

static void test_points(void) {
    static const tarn_dtype floats[] = {TARN_FLOAT16, TARN_BFLOAT16, TARN_FLOAT32, TARN_FLOAT64};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        for (int k = 0; k < 4; k++) check_point(&points[i], floats[k]);
}

/* Ops without a gradient may be the bits of numbers and encodings; what has no inputs is no hole. */
static bool may_lack_gradient(op_id op) {
    static const op_id bits[] = {OP_view, OP_to_fp8, OP_from_fp8};
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (op == bits[i]) return true;
    return !has_line(op, false);
}

/* Which rules are missing, and why: for people to see. A fused op has its formula. */
static void print_missing(void) {
    for (int op = 0; op < OP_COUNT; op++) {
        const op_rules *r = rules_of((op_id)op);
        bool vjp = r->vjp || r->formula || r->passes || op_is_elementwise((op_id)op), vmap = r->vmap || r->formula;
        if (!vjp) printf("NO_RULE gradient of %s: %s\n", op_name((op_id)op), r->no_vjp ? r->no_vjp : "(no reason)");
        if (!vmap) printf("NO_RULE batching of %s: %s\n", op_name((op_id)op), r->no_vmap ? r->no_vmap : "(no reason)");
        CHECK((vjp || (r->no_vjp && may_lack_gradient((op_id)op))) &&
              (vmap || (r->no_vmap && !has_line((op_id)op, false))));
    }
}

int main(int count, char **arguments) {
    choose_part(count, arguments);
    if (!choose_device(true)) return puts("skipped: no mock device"), 77;
    TARN_SCOPE;
    print_missing();
    test_views();
    test_moving();
    test_linalg();
    test_fft();
    test_reducing();
    test_products();
    test_wrong_row_gradients();
    test_fused();
    test_kinds();
    test_points();
    if (is_whole()) matrix_report(false);
    return report();
}
