/* Arrays as text. The strings without options are what mlx 0.32.4 prints of the same arrays. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "tarn/tarn.h"

static void same(char *got, const char *wanted, int line) {
    if (!got || strcmp(got, wanted) != 0) {
        check_failures++;
        fprintf(stderr, "line %d: %s\nis not %s (%s)\n", line, got ? got : "NULL", wanted,
                tarn_error() ? tarn_error() : "no error");
    }
    tarn_free(got);
    tarn_clear_error();
}
#define SAME(got, wanted) same(got, wanted, __LINE__)

static tarn_array *floats(const float *values, int64_t count, tarn_dtype dtype) {
    return tarn_astype(tarn_from_data(values, TARN_SHAPE(count), TARN_FLOAT32), dtype);
}
#define FLOATS(dtype, ...)                                                                                             \
    floats((float[]){__VA_ARGS__}, (int64_t)(sizeof((float[]){__VA_ARGS__}) / sizeof(float)), dtype)
static tarn_array *complex_of(double real, double imaginary) {
    return tarn_scalar_complex(real, imaginary);
}
static tarn_array *counted(tarn_ints shape) {
    int64_t size = 1;
    for (int64_t i = 0; i < shape.count; i++) size *= shape.values[i];
    return tarn_reshape(tarn_arange(0, (double)size, 1, TARN_INT32), shape);
}

static void check_dtypes(void) {
    TARN_SCOPE;
    SAME(tarn_format(FLOATS(TARN_INT32, 1, 0, 1)), "array([1, 0, 1], dtype=int32)");
    SAME(tarn_format(tarn_scalar(3, TARN_INT32)), "array(3, dtype=int32)");
    SAME(tarn_format(tarn_scalar(1, TARN_BOOL)), "array(True, dtype=bool)");
    SAME(tarn_format(FLOATS(TARN_BOOL, 1, 0)), "array([True, False], dtype=bool)");
    SAME(tarn_format(FLOATS(TARN_UINT8, 255)), "array([255], dtype=uint8)");
    SAME(tarn_format(FLOATS(TARN_INT8, -3)), "array([-3], dtype=int8)");
    SAME(tarn_format(tarn_scalar_int(INT64_MAX, TARN_INT64)), "array(9223372036854775807, dtype=int64)");
    SAME(tarn_format(tarn_view(tarn_scalar_int(-1, TARN_INT64), TARN_UINT64)),
         "array(18446744073709551615, dtype=uint64)");
    SAME(tarn_format(FLOATS(TARN_FLOAT32, 1, 2.5F, 1e10F, 1e-10F)), "array([1, 2.5, 1e+10, 1e-10], dtype=float32)");
    SAME(tarn_format(FLOATS(TARN_FLOAT32, 123456.789F, 1234567.89F, 1e-4F, 1e-5F)),
         "array([123457, 1.23457e+06, 0.0001, 1e-05], dtype=float32)");
    SAME(tarn_format(FLOATS(TARN_FLOAT32, NAN, INFINITY, -INFINITY, -0.0F)),
         "array([nan, inf, -inf, -0], dtype=float32)");
    SAME(tarn_format(FLOATS(TARN_FLOAT16, 1, 0.1F, 65504)), "array([1, 0.0999756, 65504], dtype=float16)");
    SAME(tarn_format(FLOATS(TARN_BFLOAT16, 1, 1.0F / 3)), "array([1, 0.333984], dtype=bfloat16)");
    SAME(tarn_format(tarn_scalar(1e300, TARN_FLOAT64)), "array(1e+300, dtype=float64)");
    SAME(tarn_format(complex_of(0.5, -1)), "array(0.5-1j, dtype=complex64)");
    SAME(tarn_format(complex_of((double)NAN, (double)INFINITY)), "array(nan+infj, dtype=complex64)");
    SAME(tarn_format(complex_of(-0.0, -0.0)), "array(-0+-0j, dtype=complex64)");
    SAME(tarn_format(complex_of(1, (double)NAN)), "array(1+nanj, dtype=complex64)");
}

static void check_shapes(void) {
    TARN_SCOPE;
    SAME(tarn_format(counted(TARN_SHAPE(2, 2, 3))),
         "array([[[0, 1, 2],\n        [3, 4, 5]],\n       [[6, 7, 8],\n        [9, 10, 11]]], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(0))), "array([], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(2, 0))), "array([[],\n       []], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(0, 3))), "array([], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(1, 0, 2))), "array([[]], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(6))), "array([0, 1, 2, 3, 4, 5], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(2000))), "array([0, 1, 2, ..., 1997, 1998, 1999], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(7, 7))),
         "array([[0, 1, 2, ..., 4, 5, 6],\n       [7, 8, 9, ..., 11, 12, 13],\n       [14, 15, 16, ..., 18, 19, 20],\n"
         "       ...,\n       [28, 29, 30, ..., 32, 33, 34],\n       [35, 36, 37, ..., 39, 40, 41],\n"
         "       [42, 43, 44, ..., 46, 47, 48]], dtype=int32)");
    SAME(tarn_format(tarn_transpose(counted(TARN_SHAPE(2, 7)))),
         "array([[0, 7],\n       [1, 8],\n       [2, 9],\n       ...,\n       [4, 11],\n       [5, 12],\n"
         "       [6, 13]], dtype=int32)");
}

static void check_options(void) {
    TARN_SCOPE;
    tarn_array *x = FLOATS(TARN_FLOAT32, 1, 2.5F, 1e10F, 1e-10F), *y = counted(TARN_SHAPE(2, 9));
    SAME(tarn_format(x, .precision = TARN_INTEGER(3)),
         "array([1.000, 2.500, 10000000000.000, 0.000], dtype=float32)"); /* mx.set_printoptions(precision=3) */
    SAME(tarn_format(x, .precision = TARN_INTEGER(0), .bare = true), "[1, 2, 10000000000, 0]");
    SAME(tarn_format(y, .edge_items = 1), "array([[0, ..., 8],\n       [9, ..., 17]], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(9)), .threshold = 9), "array([0, 1, 2, 3, 4, 5, 6, 7, 8], dtype=int32)");
    SAME(tarn_format(counted(TARN_SHAPE(9)), .threshold = 9, .line_width = 16, .bare = true),
         "[0, 1, 2, 3, 4,\n 5, 6, 7, 8]");
    SAME(tarn_format(counted(TARN_SHAPE(2, 9)), .threshold = 9, .line_width = 20),
         "array([[0, 1, 2, 3,\n        4, 5, 6, 7,\n        8],\n       [9, 10, 11,\n        12, 13, 14,\n"
         "        15, 16, 17]], dtype=int32)");
    CHECK_ERROR(tarn_format(x, .precision = TARN_INTEGER(-1)), "format: precision -1");
    CHECK_ERROR(tarn_format(x, .edge_items = 3, .threshold = 4), "format: axes of more than 4");
    CHECK_ERROR(tarn_format(NULL), "format: the array is NULL");
}

/* Only what is shown is gathered: an array that nobody could copy. */
static void check_large(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_broadcast_to(tarn_scalar(1, TARN_UINT8), TARN_SHAPE(INT64_C(1) << 40));
    SAME(tarn_format(x), "array([1, 1, 1, ..., 1, 1, 1], dtype=uint8)");
    CHECK(tarn_print(counted(TARN_SHAPE(3)), stdout));
    FILE *full = fopen("/dev/full", "w");
    if (full) setvbuf(full, NULL, _IONBF, 0);
    if (full) CHECK_ERROR(tarn_print(x, full), "print: the file cannot be written");
    if (full) fclose(full);
    CHECK_ERROR(tarn_print(x, NULL), "print: there is no file");
}

int main(void) {
    check_dtypes();
    check_shapes();
    check_options();
    check_large();
    return check_report("print");
}
