/* Elementwise operations, reductions and running values over more than 2^31 elements. */
#include <math.h>

#include "large.h"

static tarn_array *with_marks(void) {
    return large_marks(MARKS);
}
enum { SUM = MARKS * (MARKS + 1) / 2 };

static void elementwise(void) {
    tarn_array *x = with_marks();
    tarn_array *y = tarn_add_number(tarn_multiply_number(x, 3), 1);
    CHECK(large_at(y, 0) == 4 && large_at(y, 1) == 1 && large_at(y, HALF + 5) == 16 && large_at(y, MANY - 1) == 19);
    tarn_array *truths = tarn_greater(tarn_move(y), tarn_scalar(4, TARN_UINT8));
    CHECK(tarn_item_int(tarn_count_nonzero(truths)) == MARKS - 1);
    CHECK(large_at(tarn_where(truths, tarn_scalar(7, TARN_UINT8), x), HALF) == 7);
}
static void converted(void) {
    tarn_array *wide = tarn_astype(with_marks(), TARN_BFLOAT16);
    CHECK(tarn_item(tarn_index(wide, TARN_INDEX(TARN_AT(MANY - 1)))) == MARKS);
}
static void turned(void) { /* two operands that are walked differently */
    tarn_array *x = large_square(with_marks()), *y = tarn_add(x, tarn_transpose(x));
    for (int i = 0; i < MARKS; i++)
        CHECK(large_item(y, marks[i] / SIDE, marks[i] % SIDE) >= i + 1 &&
              large_item(y, marks[i] % SIDE, marks[i] / SIDE) >= i + 1);
}
static void broadcast(void) {
    tarn_array *rows = tarn_reshape(tarn_arange(0, SIDE, 1, TARN_INT32), TARN_SHAPE(SIDE, 1)),
               *columns = tarn_arange(0, SIDE, 1, TARN_INT32);
    tarn_array *equal = tarn_equal(rows, columns);
    CHECK(tarn_item_int(tarn_count_nonzero(equal)) == SIDE);
}

static void reduced(void) {
    tarn_array *x = with_marks(), *square = large_square(x);
    CHECK(tarn_item_int(tarn_sum(x)) == SUM && tarn_item_int(tarn_max(x)) == MARKS && tarn_item_int(tarn_min(x)) == 0);
    for (int axis = 0; axis < 2; axis++) {
        tarn_array *sums = tarn_sum(square, .axes = TARN_AXES(axis)), *most = tarn_max(square, .axes = TARN_AXES(axis));
        CHECK(tarn_item_int(tarn_sum(sums)) == SUM && large_at(sums, SIDE - 1) == MARKS &&
              large_at(most, 0) == 1 + axis);
    }
    CHECK(tarn_item_uint(tarn_argmax(x)) == (uint64_t)MANY - 1 && tarn_item_uint(tarn_argmin(x)) == 1);
    CHECK(large_at(tarn_argmax(square, .axis = TARN_AXIS(0)), SIDE - 1) == SIDE - 1);
    CHECK(large_at(tarn_argmax(square, .axis = TARN_AXIS(1)), SIDE - 1) == SIDE - 1);
    CHECK(tarn_item(tarn_any(x)) == 1 && tarn_item(tarn_all(x)) == 0);
}
static void means(void) {
    tarn_array *x = large_rows();
    double mean = tarn_item(tarn_mean(tarn_index(x, TARN_INDEX(TARN_AT(0)))));
    CHECK(fabs(tarn_item(tarn_mean(x)) - mean) < 0.01);
    tarn_array *rows = tarn_mean(x, .axes = TARN_AXES(1));
    CHECK(fabs(tarn_item(tarn_index(rows, TARN_INDEX(TARN_AT(-1)))) - mean) < 0.01);
}
static void running(void) {
    tarn_array *x = with_marks();
    tarn_array *sums = tarn_cumsum(x, .axis = TARN_AXIS(0));
    CHECK(large_at(sums, HALF - 1) == 6 && large_at(sums, HALF) == 10 && large_at(sums, MANY - 1) == SUM);
    tarn_array *back = tarn_cummax(tarn_move(sums), .axis = TARN_AXIS(0), .reverse = true);
    CHECK(large_at(back, 0) == SUM && large_at(back, MANY - 1) == SUM);
}
static void running_down(void) {
    tarn_array *square = large_square(with_marks()), *sums = tarn_cumsum(square, .axis = TARN_AXIS(0));
    CHECK(large_item(sums, SIDE - 1, 0) >= 1 && large_item(sums, SIDE - 1, SIDE - 1) == MARKS);
    CHECK(tarn_item_int(tarn_sum(tarn_index(sums, TARN_INDEX(TARN_AT(-1))))) == SUM);
}

int main(void) {
    static const large_test tests[] = {
        {"elementwise", elementwise}, {"astype", converted}, {"transposed", turned}, {"broadcast", broadcast},
        {"reductions", reduced},      {"means", means},      {"running", running},   {"running down", running_down}};
    return large_main("large values", tests, sizeof tests / sizeof *tests);
}
