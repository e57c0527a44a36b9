/* Modes of quantization with two, three and five inputs: the test rows of quant.def through the public functions,
   against numbers that are decoded here. */
#include <math.h>

#include "test_device.h"
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
    global.options.global_scale = tarn_scalar(1, TARN_FLOAT16);
    CHECK_ERROR(product(&global, x), "do not go together");
    global.options.mode = "median";
    CHECK_ERROR(product(&global, x), "there is no mode \"median\"");
    CHECK_ERROR(
        build(OP_quantize, &x, 1, &(attributes_quantize){.mode = QUANT_test_power, .group_size = 32, .bits = 4}),
        "only read");
    CHECK_ERROR(tarn_quantize(x, out, .bits = 7), "(affine: 1, 2, 3, 4, 5, 6, 8 bits in groups of 32, 64, 128)");
    CHECK_ERROR(tarn_check_quantization("affine", 48, 4), "4 bits in groups of 48");
    CHECK(tarn_check_quantization("affine", 128, 3) && tarn_ok());
}

/* Rows of packed entries and their widths are each other's inverse. */
static void check_widths(void) {
    for (int bits = 1; bits <= 8; bits++)
        for (int64_t group = 32; group <= 128 && bits != 7; group *= 2)
            for (int64_t width = 0; width <= 1024; width += group) {
                int64_t entries = quant_row_entries(QUANT_affine, group, bits, width);
                CHECK(entries * 32 == width * bits && quant_row_width(QUANT_affine, group, bits, entries) == width);
            }
    CHECK(quant_row_width(QUANT_affine, 64, 4, 9) == -1 && quant_row_width(QUANT_test_block, 32, 8, 35) == -1);
    CHECK(quant_row_entries(QUANT_test_block, 32, 8, 96) == 102 && quant_row_width(QUANT_test_block, 32, 8, 102) == 96);
}

/* What mx.quantize (MLX on the CPU) makes of w[i] = ((37 i) mod 101 - 50) / 64, i < 64; global 0: without. */
typedef struct {
    const char *mode;
    double global;
    uint32_t packed[16];
    uint8_t scales[4];
} golden;

static const golden goldens[] = {
    {"mxfp4",
     0,
     {0x1c40c3ad, 0xc39d2a5, 0x9d2a51b4, 0xa52b40c4, 0xb51c40d3, 0xb40c39d2, 0xc49d2a51, 0xd3a51b40},
     {125, 125}},
    {"mxfp8",
     0,
     {0xfa74edfc, 0x66f778dc, 0xfc70f27b, 0xf976ea, 0x7c6af679, 0xe6fb72f0, 0x7a5cf877, 0xee7c6df4, 0x78e0fa74,
      0xf27b64f8, 0x75ebfc70, 0xf679d0fa, 0x72f17c69, 0xf976e8fb, 0x6cf47a58, 0xfa73ef7c},
     {118, 118}},
    {"nvfp4",
     0,
     {0x2e69e5bf, 0xe5af4c7, 0xaf4c72d6, 0xb73d61e6, 0xd71e69f5, 0xd60e5bf4, 0xe6af4c72, 0xf5c73d60},
     {32, 32, 32, 32}},
    {"nvfp4",
     3,
     {0x2d69e5bf, 0xe5af4c7, 0xaf4c72d6, 0xb73d61e5, 0xd71e69f5, 0xd60e5bf4, 0xe6af4c72, 0xf5c73d60},
     {111, 111, 110, 110}},
};

static bool same_bytes(tarn_array *a, const void *wanted) {
    const void *data = tarn_data(a);
    return data && memcmp(data, wanted, (size_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)))) == 0;
}

static void check_golden(const golden *g) {
    TARN_SCOPE;
    float values[WIDTH];
    for (int i = 0; i < WIDTH; i++) values[i] = (float)(37 * i % 101 - 50) / 64;
    tarn_array *w = tarn_from_data(values, TARN_SHAPE(1, WIDTH), TARN_FLOAT32), *parts[3], *back;
    tarn_array *global = g->global > 0 ? tarn_scalar(g->global, TARN_FLOAT32) : NULL;
    CHECK(tarn_quantize(w, parts, .mode = g->mode, .global_scale = global) && !parts[2]);
    CHECK(same_bytes(parts[0], g->packed) && same_bytes(parts[1], g->scales));
    back = tarn_dequantize(parts[0], parts[1], .mode = g->mode, .global_scale = global, .dtype = TARN_FLOAT32);
    CHECK(back && difference(back, w) < 0.15);
    CHECK(tarn_dtype_of(tarn_dequantize(parts[0], parts[1], .mode = g->mode)) == TARN_BFLOAT16);
    tarn_array *wide[3];
    CHECK(tarn_quantize(tarn_astype(w, TARN_FLOAT64), wide, .mode = g->mode, .global_scale = global) &&
          same_bytes(wide[0], g->packed) && same_bytes(wide[1], g->scales));
}

/* Groups without a largest number, and with numbers that no scale reaches. */
static void check_limits(void) {
    TARN_SCOPE;
    float values[3][32] = {{0}, {INFINITY, 1, NAN}, {1e-43F}};
    tarn_array *w = tarn_from_data(values, TARN_SHAPE(3, 32), TARN_FLOAT32), *parts[3];
    CHECK(tarn_quantize(w, parts, .mode = "mxfp4"));
    CHECK(same_bytes(parts[1], (uint8_t[]){127, 254, 0}));
    CHECK(((const uint32_t *)tarn_data(parts[0]))[4] == 7);
}

/* Two levels are the ends of the range, as in MLX. */
static void check_one_bit(void) {
    TARN_SCOPE;
    float values[32];
    for (int i = 0; i < 32; i++) values[i] = (float)(i % 5) - 1;
    tarn_array *w = tarn_from_data(values, TARN_SHAPE(1, 32), TARN_FLOAT32), *parts[3];
    CHECK(tarn_quantize(w, parts, .bits = 1, .group_size = 32));
    CHECK(tarn_item(parts[1]) == 4 && tarn_item(parts[2]) == -1);
    CHECK(tarn_item_uint(parts[0]) == 0x318c6318);
    tarn_array *back = tarn_dequantize(parts[0], parts[1], .biases = parts[2], .bits = 1, .group_size = 32);
    CHECK(difference(back, w) == 2);
}

static void check_fp8(void) {
    TARN_SCOPE;
    static const double values[] = {
        0, 1, -1, 17, 19, 448, 464, 1e9, 0.001, 0x1p-9, 0x1p-10, 1.5 * 0x1p-10, -0.0, 0.3, -5.1, (double)NAN};
    static const uint8_t codes[] = {0, 56, 184, 88, 90, 126, 126, 126, 1, 1, 0, 1, 128, 42, 202, 127};
    tarn_array *x = tarn_from_data(values, TARN_SHAPE(16), TARN_FLOAT64), *back;
    CHECK(same_bytes(tarn_to_fp8(x), codes));
    for (int code = 0; code < 256; code++) {
        back = tarn_from_fp8(tarn_scalar_int(code, TARN_UINT8), TARN_FLOAT32);
        CHECK((code & 127) == 127 ? isnan(tarn_item(back)) : (int)tarn_item_uint(tarn_to_fp8(back)) == code);
    }
    CHECK_ERROR(tarn_to_fp8(tarn_scalar_int(1, TARN_INT32)), "int32 is no float");
    CHECK_ERROR(tarn_from_fp8(x, TARN_FLOAT32), "the input is uint8");
}

/* Experts picked by index, each with a global scale of its own. */
static void check_picked(void) {
    TARN_SCOPE;
    tarn_array *w = tarn_random_normal(tarn_random_key(3), TARN_SHAPE(4, 6, 32), TARN_FLOAT32), *parts[3], *two;
    tarn_array *x = tarn_random_normal(tarn_random_key(4), TARN_SHAPE(3, 1, 32), TARN_FLOAT32);
    static const float globals[4] = {3, 5, 2, 7};
    static const int32_t picked[3] = {2, 0, 3};
    CHECK(tarn_quantize(w, parts, .mode = "nvfp4"));
    two = tarn_from_data(picked, TARN_SHAPE(3), TARN_INT32);
    tarn_array *global = tarn_from_data(globals, TARN_SHAPE(4), TARN_FLOAT32);
    tarn_array *out =
        tarn_gather_qmm(x, parts[0], parts[1], .mode = "nvfp4", .global_scales = global, .right_indices = two);
    for (int i = 0; i < 3; i++) {
        int e = picked[i];
        tarn_array *one[2] = {tarn_slice_axis(parts[0], 0, e, e + 1), tarn_slice_axis(parts[1], 0, e, e + 1)};
        tarn_array *wanted = tarn_quantized_matmul(tarn_slice_axis(x, 0, i, i + 1), one[0], one[1], .mode = "nvfp4",
                                                   .global_scale = tarn_scalar((double)globals[e], TARN_FLOAT32));
        CHECK(difference(tarn_slice_axis(out, 0, i, i + 1), wanted) < 1e-5);
    }
    CHECK_ERROR(tarn_gather_qmm(x, parts[0], parts[1], .mode = "mxfp4", .global_scales = global), "gather_qmm: ");
    CHECK_ERROR(tarn_qqmm(x, w, NULL, .mode = "affine"), "the mode affine has biases");
    CHECK_ERROR(tarn_qqmm(x, w, NULL, .global_scale_x = tarn_scalar(1, TARN_FLOAT32)), "and the other none");
}

int main(void) {
    if (!choose_device(false)) return 77;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) check_golden(&goldens[i]);
    check_limits();
    check_one_bit();
    check_fp8();
    check_picked();
    if (getenv("TARN_TEST_DEVICE"))
        return check_report("quant_modes"); /* the rest are modes that the reference reads */
    CHECK_ERROR(tarn_check_quantization("test_block", 32, 8), "no mode"); /* for tests alone */
    quant_tests_ask = true;
    check_modes();
    check_errors();
    check_widths();
    return check_report("quant_modes");
}
