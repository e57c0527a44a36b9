/* Modes of quantization with two, three and five inputs: the test rows of quant.def through the public functions,
   against numbers that are decoded here. */
#include <math.h>

#include "check.h"
#include "ops/build.h"
#include "table/convert.h"
#include "table/quant.h"
#include "tarn/tarn.h"

enum { ROWS = 6, WIDTH = 64, GROUPS = WIDTH / 32 };

static uint32_t state = 12345;
static uint32_t draw(uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
}

/* A weight in a mode: its inputs, and its numbers. */
typedef struct {
    tarn_array *packed, *scales;
    tarn_quantized_options options;
    float dense[ROWS][WIDTH];
} weight;

static void pack_levels(uint32_t *words, const int *levels) {
    memset(words, 0, WIDTH / 8 * sizeof *words);
    for (int i = 0; i < WIDTH; i++) words[i / 8] |= (uint32_t)levels[i] << (i % 8 * 4);
}

static weight block_weight(void) {
    weight w = {.options = {.mode = "test_block"}};
    uint8_t bytes[ROWS][GROUPS * 34];
    for (int r = 0; r < ROWS; r++)
        for (int g = 0; g < GROUPS; g++) {
            float scale = (float)(1 + draw(7)) / 8;
            uint16_t half = double_to_float16((double)scale);
            memcpy(&bytes[r][g * 34], &half, 2);
            for (int i = 0; i < 32; i++) {
                int8_t q = (int8_t)((int)draw(31) - 15);
                bytes[r][g * 34 + 2 + i] = (uint8_t)q;
                w.dense[r][g * 32 + i] = scale * (float)q;
            }
        }
    w.packed = tarn_from_data(bytes, TARN_SHAPE(ROWS, GROUPS * 34), TARN_UINT8);
    return w;
}

static weight power_weight(void) {
    weight w = {.options = {.mode = "test_power"}};
    uint32_t words[ROWS][WIDTH / 8];
    uint8_t exponents[ROWS][GROUPS];
    for (int r = 0; r < ROWS; r++) {
        int levels[WIDTH];
        for (int g = 0; g < GROUPS; g++) exponents[r][g] = (uint8_t)(124 + draw(6));
        for (int i = 0; i < WIDTH; i++) {
            levels[i] = (int)draw(16);
            w.dense[r][i] = ldexpf((float)levels[i] - 8, exponents[r][i / 32] - 127);
        }
        pack_levels(words[r], levels);
    }
    w.packed = tarn_from_data(words, TARN_SHAPE(ROWS, WIDTH / 8), TARN_UINT32);
    w.scales = tarn_from_data(exponents, TARN_SHAPE(ROWS, GROUPS), TARN_UINT8);
    return w;
}

static weight global_weight(void) {
    weight w = {.options = {.mode = "test_global", .global_scale = tarn_scalar(0.25, TARN_FLOAT32)}};
    uint32_t words[ROWS][WIDTH / 8];
    float scales[ROWS][GROUPS], biases[ROWS][GROUPS];
    for (int r = 0; r < ROWS; r++) {
        int levels[WIDTH];
        for (int g = 0; g < GROUPS; g++) scales[r][g] = (float)(1 + draw(7)) / 4, biases[r][g] = -(float)draw(9);
        for (int i = 0; i < WIDTH; i++) {
            levels[i] = (int)draw(16);
            w.dense[r][i] = 0.25F * (scales[r][i / 32] * (float)levels[i] + biases[r][i / 32]);
        }
        pack_levels(words[r], levels);
    }
    w.packed = tarn_from_data(words, TARN_SHAPE(ROWS, WIDTH / 8), TARN_UINT32);
    w.scales = tarn_from_data(scales, TARN_SHAPE(ROWS, GROUPS), TARN_FLOAT32);
    w.options.biases = tarn_from_data(biases, TARN_SHAPE(ROWS, GROUPS), TARN_FLOAT32);
    return w;
}

static double difference(tarn_array *a, tarn_array *b) {
    return tarn_item(tarn_max(tarn_abs(tarn_subtract(tarn_astype(a, TARN_FLOAT32), b))));
}

static tarn_array *product(const weight *w, tarn_array *x) {
    return tarn_quantized_matmul_with(x, w->packed, w->scales, w->options);
}

static bool squared_product(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    return tarn_result(results, tarn_sum(tarn_square(product(context, inputs[0]))));
}

static bool batched_product(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    return tarn_result(results, product(context, inputs[0]));
}

static void check_weight(weight w) {
    tarn_array *dense = tarn_from_data(w.dense, TARN_SHAPE(ROWS, WIDTH), TARN_FLOAT32), *turned = tarn_transpose(dense);
    tarn_quantized_options o = w.options;
    tarn_array *back = tarn_dequantize(w.packed, w.scales, .mode = o.mode, .biases = o.biases,
                                       .group_size = o.group_size, .bits = o.bits, .global_scale = o.global_scale);
    CHECK(back && difference(back, dense) <= (tarn_dtype_of(back) == TARN_BFLOAT16 ? 0.05 : 0));
    tarn_array *x = tarn_random_normal(tarn_random_key(1), TARN_SHAPE(3, WIDTH), TARN_FLOAT32);
    CHECK(difference(product(&w, x), tarn_matmul(x, turned)) < 1e-4);
    tarn_array *row = tarn_take(x, tarn_scalar_int(0, TARN_INT32), .axis = TARN_AXIS(0));
    CHECK(difference(product(&w, row), tarn_matmul(row, turned)) < 1e-4);
    weight plain = w;
    plain.options.no_transpose = true;
    tarn_array *y = tarn_random_normal(tarn_random_key(2), TARN_SHAPE(2, ROWS), TARN_FLOAT32);
    CHECK(difference(product(&plain, y), tarn_matmul(y, dense)) < 1e-4);

    /* of the sum of squares of x W^T: 2 (x W^T) W */
    tarn_array *gradient = tarn_results_at(tarn_grad(TARN_FUNCTION(squared_product, &w), &x, 1), 0);
    tarn_array *expected = tarn_multiply(tarn_scalar(2, TARN_FLOAT32), tarn_matmul(tarn_matmul(x, turned), dense));
    CHECK(gradient && difference(gradient, expected) < 1e-2);
    tarn_array *many = tarn_reshape(x, TARN_SHAPE(3, 1, WIDTH));
    tarn_array *each = tarn_results_at(tarn_vmap(TARN_FUNCTION(batched_product, &w), &many, 1), 0);
    CHECK(each && difference(tarn_reshape(each, TARN_SHAPE(3, ROWS)), tarn_matmul(x, turned)) < 1e-4);
}

static void check_modes(void) {
    TARN_SCOPE;
    check_weight(block_weight());
    check_weight(power_weight());
    check_weight(global_weight());
}

static void check_errors(void) {
    TARN_SCOPE;
    weight block = block_weight(), power = power_weight(), global = global_weight();
    tarn_array *x = tarn_zeros(TARN_SHAPE(1, WIDTH), TARN_FLOAT32), *out[3];
    block.scales = power.scales;
    CHECK_ERROR(product(&block, x), "the mode test_block has no scales");
    power.scales = NULL;
    CHECK_ERROR(product(&power, x), "the scales are NULL");
    global.options.global_scale = NULL;
    CHECK_ERROR(product(&global, x), "the global scale are NULL");
    global.options.mode = "median";
    CHECK_ERROR(product(&global, x), "there is no mode \"median\"");
    CHECK_ERROR(
        build(OP_quantize, &x, 1, &(attributes_quantize){.mode = QUANT_test_power, .group_size = 32, .bits = 4}),
        "only read");
    CHECK_ERROR(tarn_quantize(x, out, .bits = 7), "(affine: 2, 3, 4, 5, 6, 8 bits in groups of 32, 64, 128)");
    CHECK_ERROR(tarn_check_quantization("affine", 48, 4), "4 bits in groups of 48");
    CHECK(tarn_check_quantization("affine", 128, 3) && tarn_ok());
}

/* Rows of packed entries and their widths are each other's inverse. */
static void check_widths(void) {
    for (int bits = 2; bits <= 8; bits++)
        for (int64_t group = 32; group <= 128 && bits != 7; group *= 2)
            for (int64_t width = 0; width <= 1024; width += group) {
                int64_t entries = quant_row_entries(QUANT_affine, group, bits, width);
                CHECK(entries * 32 == width * bits && quant_row_width(QUANT_affine, group, bits, entries) == width);
            }
    CHECK(quant_row_width(QUANT_affine, 64, 4, 9) == -1 && quant_row_width(QUANT_test_block, 32, 8, 35) == -1);
    CHECK(quant_row_entries(QUANT_test_block, 32, 8, 96) == 102 && quant_row_width(QUANT_test_block, 32, 8, 102) == 96);
}

int main(void) {
    CHECK_ERROR(tarn_check_quantization("test_block", 32, 8), "no mode"); /* for tests alone */
    quant_tests_ask = true;
    check_modes();
    check_errors();
    check_widths();
    return check_report("quant_modes");
}
