/* Indexing beyond the values, which test_views.c holds against NumPy: what is refused, what is evaluated and what is
   not, views, checks whose error is met where the result is read, and transforms. */
#include "test_device.h"
#include "check.h"
#include "into.h"
#include "ops/build.h"
#include "tarn/memory.h"
#include "tarn/tarn.h"

static tarn_array *counted(void) {
    return tarn_reshape(tarn_arange(0, 24, 1, TARN_FLOAT32), TARN_SHAPE(2, 3, 4));
}
static tarn_array *ints(const int32_t *values, int64_t count) {
    return tarn_from_data(values, TARN_SHAPE(count), TARN_INT32);
}
#define INTS_ARRAY(...) ints((int32_t[]){__VA_ARGS__}, (int64_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))
#define TRUE_AT(...)    tarn_not_equal(INTS_ARRAY(__VA_ARGS__), tarn_scalar_int(0, TARN_INT32))

/* ---- refused */
static void check_refusals(void) {
    TARN_SCOPE;
    tarn_array *x = counted(), *floats = tarn_ones(TARN_SHAPE(2), TARN_FLOAT32), *out[3];
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_AT(2))), "index: 2 on axis 0, which has 2 elements");
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_ELLIPSIS, TARN_AT(-5))), "index: -5 on axis 2, which has 4 elements");
    tarn_index(x, TARN_INDEX(TARN_AT(2)));
    CHECK(tarn_error_kind() == TARN_ERROR_INDEX);
    tarn_clear_error();
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_AT(0), TARN_AT(0), TARN_WHOLE, TARN_AT(0))),
                "index: 4 axes are indexed of an array of 3");
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_ELLIPSIS, TARN_ELLIPSIS)), "index: more than one ellipsis");
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_STEPS(0, 2, 0))), "index: the step of a slice is 0");
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_PICK(floats))), "index: indices are float32, not integers");
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_PICK(NULL))), "index: an array is NULL");
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_PICK(TRUE_AT(1, 0, 1)))),
                "index: a mask does not fit axis 0: bool [3] over axes of float32 [2, 3, 4]");
    CHECK_ERROR(tarn_index(x, TARN_INDEX(TARN_PICK(INTS_ARRAY(0, 1)), TARN_PICK(INTS_ARRAY(0, 1, 1)))),
                "index: the shapes of the index arrays do not go together");
    CHECK_ERROR(tarn_index(x, ((tarn_entries){NULL, 3})), "index: a list of 3 entries at NULL");
    CHECK_ERROR(tarn_index(x, ((tarn_entries){(tarn_entry[]){{.kind = (tarn_entry_kind)9}}, 1})),
                "index: there is no kind of entry 9");
    tarn_entry many[25];
    for (int i = 0; i < 25; i++) many[i] = TARN_NEW_AXIS;
    CHECK_ERROR(tarn_index(x, ((tarn_entries){many, 10})), "index: more than 12 axes");
    CHECK_ERROR(tarn_index(x, ((tarn_entries){many, 26})), "index: a list of 26 entries");
    CHECK_ERROR(tarn_index_update(x, TARN_INDEX(TARN_AT(0)), tarn_ones(TARN_SHAPE(2, 3, 4), TARN_FLOAT32)),
                "index_update: cannot broadcast float32 [2, 3, 4] to [3, 4]");
    CHECK_ERROR(tarn_index_update(x, TARN_INDEX(TARN_AT(0)), x, .mode = (tarn_scatter_mode)9), "index_update: ");
    CHECK_ERROR(tarn_nonzero(tarn_scalar(1, TARN_BOOL), out), "nonzero: x has no axis");
    CHECK_ERROR(tarn_nonzero(x, out, .size = TARN_INTEGER(-1)), "nonzero: -1 places");
}

/* ---- basic indices are views; an index update of a slice moves what it writes and no more */
static void check_views(void) {
    TARN_SCOPE;
    tarn_array *x = counted();
    tarn_array *y =
        tarn_index(x, TARN_INDEX(TARN_AT(1), TARN_STEPS(-1, TARN_BEGIN, -2), TARN_NEW_AXIS, TARN_SPAN(1, 3)));
    char *steps = tarn_dump_schedule(&y, 1);
    CHECK(steps && !strstr(steps, "gather") && !strstr(steps, "copy") && !strstr(steps, "slice"));
    tarn_free(steps);
    CHECK(tarn_ndim(y) == 3 && tarn_dim(y, 0) == 2 && tarn_dim(y, 1) == 1 && tarn_dim(y, 2) == 2);
    tarn_layout layout;
    tarn_pinned *pin = tarn_pin(y, &layout), *whole = tarn_pin(x, &(tarn_layout){0});
    CHECK(pin && layout.offset == 12 + 2 * 4 + 1 && layout.strides[0] == -8 && layout.strides[2] == 1);
    tarn_unpin(pin);
    tarn_unpin(whole);
}

/* ---- an update of an array that nobody else holds writes into its memory; else into a copy */
static void check_in_place(bool held) {
    TARN_SCOPE;
    tarn_array *x = tarn_own(counted()), *row = tarn_own(tarn_ones(TARN_SHAPE(1, 4), TARN_FLOAT32)), *y;
    CHECK(tarn_eval_all(TARN_ARRAYS(x, row), 2));
    {
        TARN_SCOPE;
        y = tarn_own(tarn_index_update(x, TARN_INDEX(TARN_AT(1), TARN_SPAN(1, 2)), row));
    }
    if (!held) tarn_drop(x);
    char *steps = tarn_dump_schedule(&y, 1);
    CHECK(steps && (strstr(steps, "1 steps, 0 of them copies") != NULL) == !held);
    tarn_free(steps);
    if (held) tarn_drop(x);
    tarn_drop(y);
    tarn_drop(row);
}

/* ---- nothing is evaluated but a mask that is read */
static void check_lazy(void) {
    TARN_SCOPE;
    tarn_array *x = counted(), *mask = tarn_greater(x, tarn_scalar(20, TARN_FLOAT32));
    CHECK(tarn_index_update(x, TARN_INDEX(TARN_PICK(mask)), tarn_scalar(0, TARN_FLOAT32)));
    CHECK(tarn_index_update(x, TARN_INDEX(TARN_PICK(mask)), INTS_ARRAY(1, 2, 3), .mode = TARN_SCATTER_ADD));
    CHECK(tarn_index(x, TARN_INDEX(TARN_PICK(mask)), .size = TARN_INTEGER(2)));
    CHECK(!tarn_is_computed(mask) && !tarn_is_computed(x));
    CHECK(tarn_dim(tarn_index(x, TARN_INDEX(TARN_PICK(mask))), 0) == 3);
    CHECK(tarn_is_computed(mask));
}

/* ---- errors that are met where the result is read; the next operation works */
static void check_reading(void) {
    TARN_SCOPE;
    tarn_array *x = counted(), *rows = INTS_ARRAY(0, 1, 2), *mask = TRUE_AT(1, 1);
    tarn_array *y = tarn_index(x, TARN_INDEX(TARN_PICK(rows)), .check = true);
    CHECK(y && tarn_ok());
    CHECK_ERROR(tarn_eval(y), "gather: index 2 on axis 0, which has 2 elements");
    tarn_eval(tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(INTS_ARRAY(-4))), .check = true));
    CHECK(tarn_error_kind() == TARN_ERROR_INDEX);
    tarn_clear_error();
    CHECK(tarn_item(tarn_sum(tarn_index(x, TARN_INDEX(TARN_PICK(INTS_ARRAY(-2, 1))), .check = true))) == 276);
    CHECK(tarn_item(tarn_sum(tarn_index(x, TARN_INDEX(TARN_PICK(rows))))) == 276); /* outside: zero */
    CHECK_ERROR(tarn_eval(tarn_take(x, rows, .axis = TARN_AXIS(0), .check = true)), "index 2 on axis 0");
    CHECK_ERROR(tarn_eval(tarn_gather(x, &rows, 1, TARN_AXES(0), .check = true)), "index 2 on axis 0");
    CHECK_ERROR(tarn_eval(tarn_take_along_axis(x, tarn_reshape(INTS_ARRAY(0, 1, 3, 7), TARN_SHAPE(1, 1, 4)),
                                               .axis = TARN_AXIS(1), .check = true)),
                "index 3 on axis 1");
    y = tarn_index_update(x, TARN_INDEX(TARN_PICK(rows)), tarn_scalar(1, TARN_FLOAT32), .check = true);
    CHECK_ERROR(tarn_eval(y), "gather: index 2 on axis 0");
    y = tarn_index_update(x, TARN_INDEX(TARN_PICK(TRUE_AT(1, 1, 1)), TARN_AT(0)), INTS_ARRAY(1, 2, 3));
    CHECK_ERROR(y, "index_update: a mask does not fit axis 0");
    y = tarn_index_update(tarn_flatten(x), TARN_INDEX(TARN_PICK(tarn_flatten(tarn_ones_like(x)))), INTS_ARRAY(1, 2, 3));
    CHECK_ERROR(y, "indices are float32");
    y = tarn_index_update(tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_AT(0), TARN_AT(0))), TARN_INDEX(TARN_PICK(mask)),
                          tarn_zeros(TARN_SHAPE(0), TARN_FLOAT32));
    CHECK_ERROR(tarn_eval(y), "nonzero: 2 elements of a mask are true, there are values for 0");
    CHECK_ERROR(tarn_take(tarn_zeros(TARN_SHAPE(0, 3), TARN_FLOAT32), rows, .axis = TARN_AXIS(0)),
                "take: axis 0 has no elements");
    tarn_array *none = tarn_zeros(TARN_SHAPE(2, 0, 3), TARN_FLOAT32), *zeros = INTS_ARRAY(0, 0);
    const char *why = "index: axis 1 has no elements";
    CHECK_ERROR(tarn_index(none, TARN_INDEX(TARN_PICK(zeros), TARN_PICK(zeros))), why);
    CHECK_ERROR(tarn_index(none, TARN_INDEX(TARN_PICK(mask), TARN_PICK(zeros))), why);
    CHECK_ERROR(tarn_index(none, TARN_INDEX(TARN_NEW_AXIS, TARN_AT(0), TARN_PICK(zeros))), why);
    CHECK(tarn_size(tarn_index(none, TARN_INDEX(TARN_PICK(mask), TARN_PICK(tarn_reshape(zeros, TARN_SHAPE(1, 2))),
                                                TARN_SPAN(0, 0)))) == 0);
    tarn_array *picked =
        tarn_index(none, TARN_INDEX(TARN_PICK(tarn_astype(tarn_zeros(TARN_SHAPE(2, 0), TARN_FLOAT32), TARN_BOOL))),
                   .size = TARN_INTEGER(2));
    CHECK(tarn_size(picked) == 6 && tarn_item(tarn_any(picked)) == 0);
}

/* ---- inside vmap and compile nobody can count */
static bool read_mask(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)count;
    tarn_array *mask = tarn_greater(x[0], tarn_scalar(0, TARN_FLOAT32));
    tarn_integer size = context ? TARN_INTEGER(2) : (tarn_integer){0};
    return tarn_result(results, tarn_index(x[0], TARN_INDEX(TARN_PICK(mask)), .size = size));
}

/* Reading values is allowed where there are some: the mask is counted. */
static bool sum_of_positive(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *mask = tarn_greater(x[0], tarn_scalar(0, TARN_FLOAT32));
    return tarn_result(results, tarn_sum(tarn_square(tarn_index(x[0], TARN_INDEX(TARN_PICK(mask))))));
}

static void check_traced(void) {
    TARN_SCOPE;
    static const float values[] = {0, 1, 2, 3, 0, 0};
    float got[4];
    tarn_array *x = tarn_from_data(values, TARN_SHAPE(2, 3), TARN_FLOAT32), *y = NULL;
    const char *why = "index: how many elements are true depends on values, and .size does not say it: a value is read";
    CHECK_ERROR(into(&y, tarn_vmap(TARN_FUNCTION(read_mask, NULL), &x, 1)), why);
    tarn_compiled *compiled = tarn_compile(TARN_FUNCTION(read_mask, NULL));
    CHECK_ERROR(into(&y, tarn_compiled_call(compiled, &x, 1)), why);
    tarn_compiled_free(compiled);
    CHECK(into(&y, tarn_vmap(TARN_FUNCTION(read_mask, &got), &x, 1)) && tarn_read(y, got, sizeof got));
    CHECK(got[0] == 1 && got[1] == 2 && got[2] == 3 && got[3] == 0);
    x = tarn_from_data(values, TARN_SHAPE(3), TARN_FLOAT32);
    CHECK(into(&y, tarn_grad(TARN_FUNCTION(sum_of_positive, NULL), &x, 1)) && tarn_read(y, got, 3 * sizeof *got));
    CHECK(got[0] == 0 && got[1] == 2 && got[2] == 4);
}

/* ---- shapes of several */
static void check_shapes(void) {
    int64_t shape[TARN_MAX_NDIM];
    int ndim = 0;
    tarn_ints three[] = {TARN_SHAPE(6, 7), TARN_SHAPE(5, 6, 1), TARN_SHAPE(7)},
              apart[] = {TARN_SHAPE(2), TARN_SHAPE(3)};
    CHECK(tarn_broadcast_shapes(three, 3, shape, &ndim) && ndim == 3);
    CHECK(shape[0] == 5 && shape[1] == 6 && shape[2] == 7);
    CHECK(tarn_broadcast_shapes(&TARN_0D, 1, shape, &ndim) && ndim == 0);
    CHECK_ERROR(tarn_broadcast_shapes(apart, 2, shape, &ndim), "broadcast_shapes: shape 1 does not go together");
    CHECK_ERROR(tarn_broadcast_shapes(apart, 0, shape, &ndim), "broadcast_shapes: 0 shapes");
    CHECK_ERROR(tarn_broadcast_shapes(&(tarn_ints){NULL, 2}, 1, shape, &ndim), "broadcast_shapes: a list of 2 entries");
    CHECK_ERROR(tarn_broadcast_arrays(NULL, 2, NULL), "broadcast_arrays: 2 arrays at NULL");
}

static void check_shape_refusals(void) {
    TARN_SCOPE;
    tarn_array *x = counted(), *none = tarn_zeros(TARN_SHAPE(0, 3), TARN_FLOAT32), *parts[4];
    CHECK_ERROR(tarn_flip(x, .axes = TARN_AXES(3)), "flip: axis 3 of an array of 3 axes");
    CHECK_ERROR(tarn_diagonal(x, .axis1 = TARN_AXIS(1), .axis2 = TARN_AXIS(-2)), "diagonal: axis 1 is given twice");
    CHECK_ERROR(tarn_diagonal(tarn_flatten(x)), "diagonal: x has 1 axes");
    CHECK_ERROR(tarn_squeeze(tarn_ones(TARN_SHAPE(1, 2), TARN_BOOL), .axes = TARN_AXES(0, -2)),
                "squeeze: axis 0 is given twice");
    CHECK_ERROR(tarn_diag(x), "diag: x has 3 axes, not one or two");
    CHECK_ERROR(tarn_tile(x, TARN_SHAPE(2, -1)), "tile: -1 times");
    CHECK_ERROR(tarn_tile(x, TARN_SHAPE(INT64_MAX)), "tile: ");
    CHECK_ERROR(tarn_roll(x, TARN_INTS(1, 2, 3), .axes = TARN_AXES(0, 1)), "roll: 3 shifts for 2 axes");
    CHECK_ERROR(tarn_pad(x, TARN_INTS(-1), TARN_INTS(0)), "pad: -1 elements before");
    CHECK_ERROR(tarn_pad(x, TARN_INTS(1, 1), TARN_INTS(0)), "pad: 2 and 1 widths for 3 axes");
    CHECK_ERROR(tarn_pad(x, TARN_INTS(INT64_MAX), TARN_INTS(1)), "pad: ");
    CHECK_ERROR(tarn_pad(x, TARN_INTS(1), TARN_INTS(1), .value = x), "pad: the value is not one element");
    CHECK_ERROR(tarn_pad(none, TARN_INTS(1), TARN_INTS(1), .mode = TARN_PAD_EDGE), "pad: axis 0 has no elements");
    CHECK(tarn_eval(tarn_pad(none, TARN_INTS(1), TARN_INTS(1)), tarn_roll(none, TARN_INTS(1), .axes = TARN_AXES(0)),
                    tarn_tile(none, TARN_SHAPE(2, 2)), tarn_flip(none), tarn_diagonal(none)));
    CHECK(tarn_unstack(none, parts));
    CHECK_ERROR(tarn_unstack(tarn_scalar(1, TARN_FLOAT32), parts), "unstack: axis 0 of an array of 0 axes");
}

int main(void) {
    if (!choose_device(false)) return 77;
    check_refusals();
    check_views();
    check_in_place(false);
    check_in_place(true);
    check_lazy();
    check_reading();
    check_traced();
    check_shapes();
    check_shape_refusals();
    return check_report("index");
}
