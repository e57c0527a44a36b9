/* What docs/dtypes.md says is so: its table against the library, and its examples. */
#include <math.h>
#include <stdlib.h>

#include "base/files.h"
#include "base/memory.h"
#include "check.h"
#include "tarn/tarn.h"
#include "paths.h"

#define PAGE TARN_SOURCE_DIR "/docs/dtypes.md"

static const char *const short_names[TARN_DTYPE_COUNT] = {
    [TARN_BOOL] = "bool",   [TARN_UINT8] = "u8",     [TARN_UINT16] = "u16",    [TARN_UINT32] = "u32",
    [TARN_UINT64] = "u64",  [TARN_INT8] = "i8",      [TARN_INT16] = "i16",     [TARN_INT32] = "i32",
    [TARN_INT64] = "i64",   [TARN_FLOAT16] = "f16",  [TARN_BFLOAT16] = "bf16", [TARN_FLOAT32] = "f32",
    [TARN_FLOAT64] = "f64", [TARN_COMPLEX64] = "c64"};

/* TARN_DTYPE_COUNT for what is no dtype. */
static int dtype_called(const char *name) {
    int i = 0;
    while (i < TARN_DTYPE_COUNT && strcmp(name, short_names[i])) i++;
    return i;
}

/* The dtypes that a row of the table names, in order; how many there are. */
static int read_row(char *row, int *dtypes) {
    int count = 0;
    for (char *word; (word = strsep(&row, "|* "));)
        if (*word && dtype_called(word) < TARN_DTYPE_COUNT && count <= TARN_DTYPE_COUNT)
            dtypes[count++] = dtype_called(word);
    return count;
}

static int promoted(int a, int b) {
    TARN_SCOPE;
    return (int)tarn_dtype_of(tarn_add(tarn_zeros(TARN_0D, (tarn_dtype)a), tarn_zeros(TARN_0D, (tarn_dtype)b)));
}

static void test_table(void) {
    int columns[TARN_DTYPE_COUNT + 1], cells[TARN_DTYPE_COUNT + 1], rows = 0;
    size_t length;
    char *page = file_read(PAGE, 1 << 20, &length), *rest = page;
    CHECK(page);
    for (char *line; page && (line = strsep(&rest, "\n"));) {
        if (!strncmp(line, "| | ", 4)) CHECK(read_row(line, columns) == TARN_DTYPE_COUNT);
        if (strncmp(line, "| **", 4)) continue;
        rows++;
        CHECK(read_row(line, cells) == TARN_DTYPE_COUNT + 1);
        for (int i = 0; i < TARN_DTYPE_COUNT; i++) CHECK(promoted(cells[0], columns[i]) == cells[i + 1]);
    }
    CHECK(rows == TARN_DTYPE_COUNT);
    memory_free(page);
}

static double cast(tarn_array *x, tarn_dtype dtype) {
    return tarn_item(tarn_astype(tarn_astype(x, dtype), TARN_FLOAT64));
}

static double cast_float(double x, tarn_dtype dtype) {
    return cast(tarn_scalar(x, TARN_FLOAT64), dtype);
}

static void test_casts(void) {
    TARN_SCOPE;
    CHECK(cast_float(300, TARN_UINT8) == 255 && cast_float(-5, TARN_UINT8) == 0 && cast_float(-2.9, TARN_INT32) == -2);
    CHECK(cast_float(1e20, TARN_INT64) == 0x1p63 && cast_float(NAN, TARN_INT32) == 0 &&
          cast_float(INFINITY, TARN_INT16) == 32767);
    CHECK(cast(tarn_scalar_int(300, TARN_INT32), TARN_UINT8) == 44 &&
          cast(tarn_scalar_int(-1, TARN_INT32), TARN_UINT8) == 255);
    CHECK(cast_float(NAN, TARN_BOOL) == 1 && cast_float(0.3, TARN_BOOL) == 1 && cast_float(0, TARN_BOOL) == 0);
    CHECK(isinf(cast_float(1e10, TARN_FLOAT16)));
}

static int64_t divided(tarn_array *(*divide)(tarn_array *, tarn_array *), int64_t a, int64_t b) {
    return tarn_item_int(divide(tarn_scalar_int(a, TARN_INT32), tarn_scalar_int(b, TARN_INT32)));
}

static void test_integers(void) {
    TARN_SCOPE;
    CHECK(divided(tarn_floor_divide, -7, 2) == -4 && divided(tarn_remainder, -7, 2) == 1 &&
          divided(tarn_remainder, 7, -2) == -1);
    CHECK(divided(tarn_floor_divide, 7, 0) == 0 && divided(tarn_remainder, 7, 0) == 0);
    CHECK(divided(tarn_add, INT32_MAX, 1) == INT32_MIN);
    tarn_array *x = tarn_arange(1, 4, 1, TARN_FLOAT32);
    CHECK(tarn_item(tarn_take(x, tarn_scalar_int(-1, TARN_INT32), .axis = TARN_AXIS(0))) == 3 &&
          tarn_item(tarn_take(x, tarn_scalar_int(9, TARN_INT32), .axis = TARN_AXIS(0))) == 0);
}

static void test_results(void) {
    TARN_SCOPE;
    tarn_array *small = tarn_ones(TARN_SHAPE(2), TARN_INT8), *half = tarn_ones(TARN_SHAPE(2), TARN_BFLOAT16);
    CHECK(tarn_dtype_of(tarn_sum(small)) == TARN_INT32 && tarn_dtype_of(tarn_mean(small)) == TARN_FLOAT32);
    CHECK(tarn_dtype_of(tarn_sum(tarn_astype(small, TARN_UINT16))) == TARN_UINT32);
    CHECK(tarn_dtype_of(tarn_exp(small)) == TARN_FLOAT32 && tarn_dtype_of(tarn_divide(small, small)) == TARN_FLOAT32);
    CHECK(tarn_dtype_of(tarn_multiply(half, tarn_scalar(2, TARN_FLOAT64))) == TARN_FLOAT64);
    CHECK(tarn_dtype_of(tarn_multiply(half, tarn_scalar_like(2, half))) == TARN_BFLOAT16);
}

int main(void) {
    test_table();
    test_casts();
    test_integers();
    test_results();
    return check_report("docs");
}
