/* Ordering, softmax, norms and random numbers over more than 2^31 elements. */
#include <math.h>

#include "large.h"

static void sorted(void) { /* one line */
    tarn_array *y = tarn_sort(large_marks(MARKS));
    for (int i = 0; i < MARKS; i++) CHECK(large_at(y, MANY - MARKS + i) == i + 1);
    CHECK(large_at(y, 0) == 0 && large_at(y, MANY - MARKS - 1) == 0);
}
static void sorted_rows(void) {
    tarn_array *y = tarn_sort(large_square(large_marks(MARKS)));
    CHECK(large_item(y, SIDE - 1, SIDE - 1) == MARKS && tarn_item_int(tarn_sum(y)) == MARKS * (MARKS + 1) / 2);
}
static void sorted_columns(void) { /* the last ones, which span all of the memory */
    tarn_array *square = large_square(large_marks(MARKS)), *y;
    y = tarn_sort(tarn_slice_axis(square, 1, SIDE - 64, SIDE), .axis = TARN_AXIS(0));
    CHECK(large_item(y, SIDE - 1, 63) == MARKS && large_item(y, 0, 63) == 0);
}
static void ordered_rows(void) {
    tarn_array *order = tarn_argsort(large_square(large_marks(MARKS)));
    CHECK(tarn_eval(order));
    CHECK(large_item(order, SIDE - 1, SIDE - 1) == SIDE - 1 && large_item(order, 0, SIDE - 1) == 17);
    CHECK(large_item(order, SIDE / 2, 5) == 5);
}
static void searched(void) {
    tarn_array *line = tarn_sort(large_marks(MARKS)), *values = tarn_arange(0, MARKS + 1, 1, TARN_UINT8);
    tarn_array *places = tarn_searchsorted(line, values);
    CHECK(large_at(places, 0) == 0 && large_at(places, 1) == MANY - MARKS && large_at(places, MARKS) == MANY - 1);
}

static void softmax(void) {
    tarn_array *y = tarn_softmax(large_rows(), .axes = TARN_AXES(-1));
    double first = large_item(y, 0, 7), last = large_item(y, SIDE - 1, SIDE - SIDE % 8 - 1);
    CHECK(first == last && fabs(first * SIDE - 1.5) < 0.2);
}
static void norms(void) {
    tarn_array *y = tarn_layer_norm(large_rows());
    CHECK(large_item(y, 0, 0) == large_item(y, SIDE - 1, 8) && fabs(large_item(y, SIDE - 1, 0) + 1.53) < 0.02);
}
static void rms_norms(void) {
    tarn_array *y = tarn_rms_norm(large_rows(), NULL);
    CHECK(large_item(y, SIDE - 1, 8) == 0 && fabs(large_item(y, SIDE - 1, 7) - 1.67) < 0.02);
}

static void bits(void) {
    tarn_array *y = tarn_random_bits(tarn_random_key(7), TARN_SHAPE(MANY), .width = 1);
    tarn_array *behind = tarn_slice_axis(y, 0, HALF, MANY), *before = tarn_slice_axis(y, 0, 0, MANY - HALF);
    CHECK(fabs(tarn_item(tarn_mean(behind)) - 127.5) < 3);
    CHECK(tarn_item_int(tarn_count_nonzero(tarn_equal(behind, before))) < (MANY - HALF) / 64);
}
static void truths(void) {
    tarn_array *y =
        tarn_random_bernoulli(tarn_random_key(7), tarn_scalar(0.25, TARN_FLOAT32), .shape = TARN_SHAPE(MANY));
    CHECK(fabs((double)tarn_item_int(tarn_count_nonzero(tarn_slice_axis(y, 0, HALF, MANY))) / (MANY - HALF) - 0.25) <
          0.02);
}

int main(void) {
    static const large_test tests[] = {{"sort", sorted},
                                       {"sort of rows", sorted_rows},
                                       {"sort of columns", sorted_columns},
                                       {"searchsorted", searched},
                                       {"softmax", softmax},
                                       {"layer_norm", norms},
                                       {"rms_norm", rms_norms},
                                       {"random bits", bits},
                                       {"bernoulli", truths},
                                       {"argsort of rows", ordered_rows}};
    return large_main("large rows", tests, sizeof tests / sizeof *tests);
}
