/* Numbers beside arrays: every row of two inputs with a number for the second, and the dtypes that come of it. */
#include <string.h>

#include "check.h"
#include "table/table.h"
#include "tarn/tarn.h"

typedef tarn_array *of_two(tarn_array *x, tarn_array *y);
typedef tarn_array *of_number(tarn_array *x, double y);

static const struct {
    op_id op;
    const char *name;
    of_two *plain;
    of_number *number;
} rows[] = {
#define UNARY(...)
#define TERNARY(...)
#define BINARY(name, ...) {OP_##name, #name, tarn_##name, tarn_##name##_number},
#include "table/elementwise.def"
};

/* For each dtype that the row takes, the number 2 is an array of that dtype. */
static void test_row(size_t i) {
    for (int dtype = 1; dtype < TARN_DTYPE_COUNT; dtype++) {
        TARN_SCOPE;
        int before = check_failures;
        if (!(op_facts[rows[i].op].kinds >> dtype_kind_of((tarn_dtype)dtype) & 1)) continue;
        tarn_array *x = tarn_astype(tarn_arange(1, 5, 1, TARN_INT32), (tarn_dtype)dtype);
        tarn_array *got = rows[i].number(x, 2), *expected = rows[i].plain(x, tarn_scalar(2, (tarn_dtype)dtype));
        CHECK(tarn_dtype_of(got) == tarn_dtype_of(expected) && tarn_item(tarn_all(tarn_equal(got, expected))) == 1);
        if (check_failures > before) fprintf(stderr, "%s of %s\n", rows[i].name, tarn_dtype_name((tarn_dtype)dtype));
        tarn_clear_error();
    }
    TARN_SCOPE;
    CHECK_ERROR(rows[i].number(NULL, 2) != NULL, rows[i].name);
}

static void test_dtypes(void) {
    TARN_SCOPE;
    tarn_array *integers = tarn_arange(0, 3, 1, TARN_UINT8), *truths = tarn_astype(integers, TARN_BOOL),
               *halves = tarn_astype(integers, TARN_BFLOAT16);
    CHECK(tarn_dtype_of(tarn_add_number(integers, 255)) == TARN_UINT8);
    CHECK(tarn_dtype_of(tarn_add_number(integers, 0.5)) == TARN_FLOAT32);
    CHECK(tarn_dtype_of(tarn_add_number(truths, 2)) == TARN_INT32);
    CHECK(tarn_dtype_of(tarn_add_number(truths, 2.5)) == TARN_FLOAT32);
    CHECK(tarn_dtype_of(tarn_add_number(halves, 2.5)) == TARN_BFLOAT16);
    CHECK(tarn_dtype_of(tarn_number_beside(1, tarn_scalar_complex(0, 1))) == TARN_COMPLEX64);
    CHECK(tarn_item(tarn_sum(tarn_subtract(tarn_number_beside(1, halves), halves))) == 0);
    CHECK_ERROR(tarn_add_number(integers, 256) != NULL, "256 is no uint8");
    CHECK_ERROR(tarn_add_number(integers, -1) != NULL, "-1 is no uint8");
    CHECK_ERROR(tarn_add_number(tarn_astype(integers, TARN_INT64), 0x1p63) != NULL, "is no int64");
    CHECK(tarn_item_int(tarn_min(tarn_add_number(tarn_astype(truths, TARN_INT64), -0x1p63))) == INT64_MIN);
}

int main(void) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) test_row(i);
    test_dtypes();
    return check_report("numbers");
}
