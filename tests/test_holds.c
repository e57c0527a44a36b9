/* Who holds an array and for how long, beyond plain scopes: own, move within an expression, drops too many, exact
 * items. */
#include <math.h>

#include "check.h"
#include "core/array.h"
#include "tarn/tarn.h"

static tarn_array *vector4(void) {
    return tarn_from_data((float[]){1, 2, 3, 4}, TARN_SHAPE(4), TARN_FLOAT32);
}

static double at(tarn_array *a, int i) {
    float values[64];
    CHECK(tarn_read(a, values, sizeof values));
    return (double)values[i];
}

/* ---- items */

static void test_items(void) {
    TARN_SCOPE;
    tarn_array *most = tarn_from_data(&(uint64_t){UINT64_MAX}, TARN_0D, TARN_UINT64);
    CHECK_ERROR(tarn_item_int(most), "item_int: 18446744073709551615");
    CHECK(tarn_item_uint(most) == UINT64_MAX && tarn_ok());
    CHECK(tarn_item_int(tarn_scalar_int(INT64_MIN, TARN_INT64)) == INT64_MIN && tarn_ok());
    CHECK_ERROR(tarn_item_uint(tarn_scalar_int(-1, TARN_INT8)), "item_uint: -1 is negative");
    CHECK(tarn_item_int(tarn_scalar(1, TARN_BOOL)) == 1 && tarn_item_uint(tarn_scalar(1, TARN_BOOL)) == 1);
    CHECK(tarn_item_int(tarn_scalar(-3, TARN_FLOAT16)) == -3 &&
          tarn_item_uint(tarn_scalar(0x1p63, TARN_FLOAT64)) == UINT64_C(1) << 63);
    CHECK_ERROR(tarn_item_int(tarn_scalar(0.5, TARN_FLOAT32)), "item_int: float32 0.5 is not");
    CHECK_ERROR(tarn_item_int(tarn_scalar(0x1p63, TARN_FLOAT64)), "item_int: float64");
    CHECK_ERROR(tarn_item_int(tarn_scalar((double)NAN, TARN_FLOAT32)), "item_int: float32");
    CHECK_ERROR(tarn_item_uint(tarn_scalar(-1, TARN_FLOAT32)), "item_uint: float32 -1");
    double real, imaginary;
    tarn_array *c = tarn_scalar_complex(1, 2);
    CHECK_ERROR(tarn_item(c) != 0, "item: 1+2i is not real");
    CHECK(tarn_item(tarn_scalar_complex(7, 0)) == 7 && tarn_item_int(tarn_scalar_complex(7, 0)) == 7);
    CHECK(tarn_item_complex(c, &real, &imaginary) && real == 1 && imaginary == 2);
    CHECK(tarn_item_complex(most, &real, &imaginary) && real == 0x1p64 && imaginary == 0);
    CHECK_ERROR(tarn_item(vector4()) != 0, "item: the array has 4 elements");
}

static void test_null(void) {
    TARN_SCOPE;
    double number;
    float room[4];
    tarn_array *x = vector4();
    CHECK_ERROR(tarn_read(x, NULL, 16), "read: out is NULL");
    CHECK_ERROR(tarn_read(NULL, room, 16), "read: array 0 is NULL");
    CHECK_ERROR(tarn_data(NULL), "data: array 0 is NULL");
    CHECK_ERROR(tarn_eval_all(NULL, 3), "eval: 3 arrays at NULL");
    CHECK_ERROR(tarn_eval_all(&x, -1), "eval: -1 arrays");
    CHECK_ERROR(tarn_async_eval_all(NULL, 3), "async_eval: 3 arrays at NULL");
    CHECK_ERROR(tarn_detach(NULL), "detach: array 0 is NULL");
    CHECK_ERROR(tarn_item(NULL) != 0, "item: the array is NULL");
    CHECK_ERROR(tarn_item_int(NULL), "item_int: the array is NULL");
    CHECK_ERROR(tarn_item_uint(NULL), "item_uint: the array is NULL");
    CHECK_ERROR(tarn_item_complex(NULL, &number, &number), "item_complex: the array is NULL");
    CHECK_ERROR(tarn_item_complex(x, NULL, &number), "item_complex: real is NULL");
    CHECK_ERROR(tarn_dtype_from_name(NULL, &(tarn_dtype){0}), "dtype_from_name: name is NULL");
    CHECK_ERROR(tarn_dtype_from_name("bool", NULL), "dtype_from_name: dtype is NULL");
    CHECK_ERROR(tarn_from_data("", (tarn_ints){NULL, 3}, TARN_INT8), "from_data");
    CHECK_ERROR(tarn_from_data(NULL, TARN_SHAPE(3), TARN_INT8), "from_data");
    CHECK_ERROR(tarn_concatenate(NULL, 2), "concatenate");
    CHECK_ERROR(tarn_dump_text(NULL, 2), "dump");
    CHECK_ERROR(tarn_dump_dot(NULL, 2), "dump");
    CHECK_ERROR(tarn_dump_schedule(NULL, 2), "dump");
    CHECK_ERROR(tarn_dump_text(&(tarn_array *){NULL}, 1), "dump");
    tarn_drop(NULL);
    CHECK(!tarn_keep(NULL) && !tarn_hold(NULL) && !tarn_own(NULL) && !tarn_move(NULL) && !tarn_return(NULL) &&
          tarn_ok());
}

/* ---- holds */

static void test_own(void) {
    int64_t before = node_alive_count();
    tarn_array *y, *z;
    {
        TARN_SCOPE;
        tarn_array *x = vector4();
        y = tarn_own(tarn_add(x, x));
        z = tarn_own(tarn_keep(y)); /* held by keeps only: one more */
        CHECK(atomic_load(&y->scopes) == 0 && atomic_load(&y->keeps) == 3 && z == y);
        for (int i = 0; i < 100; i++) tarn_drop(tarn_own(tarn_negative(x))); /* out of the middle of the scope, too */
        tarn_array *outer = tarn_negative(x);
        TARN_SCOPE;
        tarn_own(outer);
        CHECK(atomic_load(&outer->scopes) == 0);
        tarn_drop(outer);
    }
    CHECK(at(y, 3) == 8);
    for (int i = 0; i < 3; i++) tarn_drop(y);
    CHECK(node_alive_count() == before && tarn_ok());
}

/* An array that loses its last keep stays until the scope ends that holds it. */
static void test_hold(void) {
    int64_t before = node_alive_count();
    tarn_array *x;
    {
        TARN_SCOPE;
        x = tarn_own(vector4());
    }
    CHECK_ERROR(tarn_hold(x), "hold: no scope is open in this thread");
    {
        TARN_SCOPE;
        CHECK(tarn_hold(x) == x && atomic_load(&x->scopes) == 1);
        tarn_drop(x);
        CHECK(at(x, 3) == 4);
    }
    CHECK(node_alive_count() == before && tarn_ok());
}

static bool drop_fails(tarn_array *a) {
    tarn_drop(a);
    return tarn_ok();
}

static void test_drop_of_unkept(void) {
    TARN_SCOPE;
    tarn_array *x = vector4();
    CHECK_ERROR(drop_fails(x), "drop: the array is not kept (tarn_keep, tarn_own): float32 [4]");
    CHECK(at(x, 1) == 2);
    tarn_drop(tarn_keep(x));
    CHECK_ERROR(drop_fails(x), "drop");
}

static tarn_array *sum_now(tarn_array *a) {
    return tarn_scalar(tarn_item(tarn_sum(a)), TARN_FLOAT32);
}

static tarn_array *last_of_inner(tarn_array *a) { /* what it builds on a is gone when it returns */
    TARN_SCOPE;
    return tarn_return(tarn_scalar(tarn_item(tarn_max(a)), TARN_FLOAT32));
}

/* add(move(a), f(a)) as compilers may order it. */
static void test_move_within_expression(tarn_array *(*f)(tarn_array *)) {
    TARN_SCOPE;
    tarn_array *a = vector4(), *moved = tarn_move(a), *value = f(a);
    double expected = tarn_item(value);
    CHECK(at(tarn_add(moved, value), 1) == 2 + expected);
    a = vector4();
    value = f(a);
    moved = tarn_move(a);
    CHECK(at(tarn_add(moved, value), 1) == 2 + expected);
}

static void test_moved_and_read(void) {
    TARN_SCOPE;
    tarn_array *turned = tarn_transpose(tarn_reshape(vector4(), TARN_SHAPE(2, 2)));
    CHECK(tarn_eval(turned));
    CHECK(at(tarn_move(turned), 1) == 3);
}

/* What f overwrote cannot be had again: an error, and no wrong number. */
static void test_move_overwritten(void) {
    TARN_SCOPE;
    tarn_array *a = vector4();
    CHECK(tarn_eval(a));
    tarn_array *moved = tarn_move(a), *f = tarn_negative(a);
    CHECK(tarn_eval(f) && at(f, 0) == -1);
    CHECK_ERROR(tarn_eval(tarn_add(moved, f)), "whose memory was given to another");
}

/* An evaluation gives back what was moved and is not needed any more. */
static void test_moved_memory(void) {
    TARN_SCOPE;
    tarn_memory before, after;
    tarn_memory_info((tarn_device){TARN_CPU, 0}, &before);
    tarn_array *large = tarn_add(tarn_ones(TARN_SHAPE(1 << 20), TARN_FLOAT32), tarn_scalar(1, TARN_FLOAT32));
    CHECK(tarn_eval(large));
    tarn_array *sum = tarn_sum(tarn_move(large));
    CHECK(tarn_eval(sum) && tarn_memory_info((tarn_device){TARN_CPU, 0}, &after) &&
          after.active < before.active + 100000);
    CHECK(tarn_item(sum) == 2 << 20);
}

/* Moves in one long scope pile up neither nodes nor values; many of them in one operation all count. */
static void test_many_moves(void) {
    TARN_SCOPE;
    int64_t nodes = node_alive_count();
    tarn_memory before, after;
    tarn_array *x = tarn_own(tarn_ones(TARN_SHAPE(100, 100), TARN_FLOAT32)),
               *mean = tarn_full(TARN_SHAPE(100, 100), 0.01, TARN_FLOAT32);
    CHECK(tarn_eval(x, mean) && tarn_memory_info((tarn_device){TARN_CPU, 0}, &before));
    for (int i = 0; i < 2000; i++) {
        x = tarn_own(tarn_matmul(tarn_move(x), mean));
        tarn_array *most = tarn_own(tarn_max(x));
        CHECK(i % 2 ? tarn_eval(x) : tarn_item(most) < 2);
        tarn_drop(most);
    }
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &after));
    CHECK(node_alive_count() < nodes + 300 && after.active <= before.active + 6 * 40000);
    CHECK(fabs(at(tarn_slice_axis(tarn_reshape(x, TARN_SHAPE(10000)), 0, 0, 64), 5) - 1) < 0.1);
    tarn_drop(x);
    tarn_array *parts[300];
    for (int i = 0; i < 300; i++) parts[i] = tarn_scalar(i, TARN_FLOAT32);
    CHECK(tarn_eval_all(parts, 300));
    for (int i = 0; i < 300; i++) parts[i] = tarn_move(parts[i]);
    CHECK(tarn_item(tarn_sum(tarn_stack(parts, 300))) == 299 * 150);
}

/* ---- pins */

static bool negates(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_negative(inputs[0]));
}

/* Memory that is pinned is neither overwritten after a move, nor donated, nor replaced by a dense copy, and outlives
 * its array. */
static void test_pin(void) {
    tarn_layout layout;
    tarn_pinned *pins[3];
    const float *data[3];
    tarn_compiled *c = tarn_compile((TARN_FUNCTION(negates, NULL)), .donate = TARN_INTS(0));
    {
        TARN_SCOPE;
        tarn_array *a = tarn_add(vector4(), tarn_scalar(0, TARN_FLOAT32));
        CHECK(!tarn_is_computed(a) && (pins[0] = tarn_pin(a, &layout)) && tarn_is_computed(a) &&
              layout.strides[0] == 1);
        data[0] = layout.data;
        CHECK(at(tarn_negative(tarn_move(a)), 3) == -4 && data[0][3] == 4);
        a = vector4();
        CHECK((pins[1] = tarn_pin(a, &layout)) != NULL);
        data[1] = layout.data;
        CHECK(at(tarn_results_at(tarn_compiled_call(c, &a, 1), 0), 3) == -4 && data[1][3] == 4 && at(a, 3) == 4);
        a = tarn_transpose(tarn_reshape(vector4(), TARN_SHAPE(2, 2)));
        CHECK((pins[2] = tarn_pin(a, &layout)) && layout.strides[0] == 1 && layout.strides[1] == 2);
        data[2] = layout.data;
        CHECK(at(a, 1) == 3 && data[2][1] == 2); /* read dense, elsewhere */
        CHECK_ERROR(tarn_pin(NULL, &layout), "pin: array 0 is NULL");
        CHECK_ERROR(tarn_pin(a, NULL), "pin: layout is NULL");
    }
    for (int i = 0; i < 3; i++) {
        CHECK(data[i][0] == 1 && data[i][3] == 4);
        tarn_unpin(pins[i]);
    }
    tarn_unpin(NULL);
    tarn_compiled_free(c);
    tarn_memory info;
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &info) && info.active == 0);
}

/* ---- cycles */

static void release_array(void *context) {
    tarn_array **a = context;
    tarn_drop(*a);
    *a = NULL;
}

/* A function whose context holds its own result: computed, the result gives the function up. */
static void test_cycle(void) {
    static tarn_array *held;
    TARN_SCOPE;
    tarn_custom_function *c =
        tarn_custom_new(((tarn_function){negates, &held}), .vjp = negates, .release = release_array);
    tarn_array *x = vector4();
    held = tarn_keep(tarn_results_at(tarn_custom_call(c, &x, 1), 0));
    tarn_custom_free(c);
    CHECK(tarn_eval(held));
    tarn_drain_released();
    CHECK(!held);
}

int main(void) {
    test_items();
    test_null();
    test_own();
    test_hold();
    test_drop_of_unkept();
    test_move_within_expression(sum_now);
    test_move_within_expression(last_of_inner);
    test_moved_and_read();
    test_move_overwritten();
    test_moved_memory();
    test_many_moves();
    test_pin();
    test_cycle();
    CHECK(node_alive_count() == 0 && tarn_ok());
    return check_report("holds");
}
