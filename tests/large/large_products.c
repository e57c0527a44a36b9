/* Products whose result has more than 2^31 elements; factors of matrices, Fourier transforms and convolutions whose
   batch is two stretches of an array that are 2^31 elements apart. */
#include <math.h>

#include "large.h"

static tarn_array *columns(int64_t n) { /* [SIDE, n]: the row number modulo 7 */
    tarn_array *rows = tarn_remainder(tarn_arange(0, SIDE, 1, TARN_INT32), tarn_scalar(7, TARN_INT32));
    return tarn_contiguous(
        tarn_broadcast_to(tarn_expand_dims(tarn_astype(rows, TARN_BFLOAT16), TARN_AXES(1)), TARN_SHAPE(SIDE, n)));
}

static void matmul(void) {
    tarn_array *x = columns(4), *y = tarn_matmul(x, tarn_transpose(x));
    CHECK(large_item(y, SIDE - 1, SIDE - 1) == 4.0 * ((SIDE - 1) % 7) * ((SIDE - 1) % 7));
    CHECK(large_item(y, SIDE - 2, 3) == 12.0 * ((SIDE - 2) % 7) && large_item(y, SIDE - 1, 0) == 0);
}
static void quantized(void) {
    tarn_array *x = columns(64), *w[3];
    CHECK(tarn_quantize(x, w, .bits = 8));
    tarn_array *y = tarn_quantized_matmul(x, w[0], w[1], .biases = w[2], .bits = 8);
    double expected = 64.0 * ((SIDE - 1) % 7) * ((SIDE - 1) % 7);
    CHECK(fabs(large_item(y, SIDE - 1, SIDE - 1) - expected) < 0.02 * expected + 1);
}
static void quantize(void) {
    tarn_array *x = tarn_broadcast_to(tarn_remainder(tarn_astype(tarn_arange(0, 1 << 15, 1, TARN_INT32), TARN_BFLOAT16),
                                                     tarn_scalar(15, TARN_BFLOAT16)),
                                      TARN_SHAPE((1 << 16) + 2, 1 << 15)),
               *w[3];
    CHECK(tarn_quantize(x, w));
    tarn_array *packed = tarn_view(w[0], TARN_UINT8);
    CHECK(tarn_item_int(tarn_all(tarn_equal(tarn_index(packed, TARN_INDEX(TARN_AT(0))),
                                            tarn_index(packed, TARN_INDEX(TARN_AT(-1)))))) == 1);
}

/* float32 with these values from element 0 on, and twice them from element HALF on: a view [2, ...shape]. */
static tarn_array *apart(const float *values, int64_t count, tarn_ints shape) {
    int64_t at[64];
    float both[64];
    for (int64_t i = 0; i < count; i++) at[i] = i, at[count + i] = HALF + i, both[i] = values[i];
    for (int64_t i = 0; i < count; i++) both[count + i] = 2 * values[i];
    tarn_array *all = tarn_scatter(tarn_broadcast_to(tarn_scalar(0, TARN_FLOAT32), TARN_SHAPE(MANY)),
                                   tarn_from_data(at, TARN_SHAPE(2 * count), TARN_INT64),
                                   tarn_from_data(both, TARN_SHAPE(2 * count), TARN_FLOAT32), .axis = TARN_AXIS(0));
    int64_t sizes[4] = {2}, strides[4] = {HALF, 1, 1, 1};
    for (int64_t i = shape.count, stride = 1; i > 0; i--)
        sizes[i] = shape.values[i - 1], strides[i] = stride, stride *= sizes[i];
    tarn_ints view = {sizes, shape.count + 1}, steps = {strides, shape.count + 1};
    return tarn_as_strided(all, view, steps);
}
static const float numbers[] = {4, 1, 0, 2, 1, 3, 0, 1, 2, 1, 5, 0, 1, 0, 2, 6};

static double at(tarn_array *x, int64_t batch, int64_t i) {
    return tarn_item(tarn_index(tarn_reshape(x, TARN_SHAPE(2, -1)), TARN_INDEX(TARN_AT(batch), TARN_AT(i))));
}
/* Both halves of a result that is linear in its input (power 1), or goes as its inverse (-1). */
static void check_twice(tarn_array *y, double power) {
    double size = 0;
    for (int64_t i = 0; i < 8; i++) {
        double first = at(y, 0, i), second = at(y, 1, i);
        CHECK(fabs(second - first * pow(2, power)) < 1e-5 * (1 + fabs(second)));
        size += fabs(first);
    }
    CHECK(size > 0);
}

static void batches(void) {
    tarn_array *matrices = apart(numbers, 16, TARN_SHAPE(4, 4));
    CHECK(tarn_eval(matrices));
    check_twice(tarn_matmul(matrices, tarn_index(matrices, TARN_INDEX(TARN_AT(0)))), 1);
    check_twice(tarn_linalg_inv(matrices), -1);
    check_twice(tarn_sort(matrices), 1);
    check_twice(tarn_cumsum(matrices, .axis = TARN_AXIS(-1)), 1);
    tarn_array *lines = tarn_flatten(matrices, .start_axis = TARN_AXIS(1));
    check_twice(tarn_real(tarn_fft(lines)), 1);
    check_twice(tarn_irfft(tarn_rfft(lines)), 1);
    tarn_array *kernel = tarn_ones(TARN_SHAPE(1, 3, 1), TARN_FLOAT32);
    check_twice(tarn_conv1d(tarn_expand_dims(lines, TARN_AXES(-1)), kernel), 1);
    check_twice(tarn_layer_norm(matrices), 0);
}

int main(void) {
    static const large_test tests[] = {
        {"matmul", matmul}, {"quantized_matmul", quantized}, {"quantize", quantize}, {"batches apart", batches}};
    return large_main("large products", tests, sizeof tests / sizeof *tests);
}
