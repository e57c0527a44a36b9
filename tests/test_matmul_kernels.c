/* The CPU's products against sums in double, through the cells that evaluation calls: every packed format, shapes
   around every block size, both orientations, every instruction set of this machine. Every input ends at an unreadable
   page, so a read past the end faults; that also puts it at whatever alignment its size gives. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/matmul/choose.h"
#include "rounds.h"

static uint64_t seed_now, failures, checks;
static const char *level_name;

static uint64_t random_bits(void) {
    seed_now ^= seed_now << 13;
    seed_now ^= seed_now >> 7;
    seed_now ^= seed_now << 17;
    return seed_now * 0x2545f4914f6cdd1dull;
}

static int64_t random_below(int64_t n) {
    return (int64_t)((random_bits() >> 33) % (uint64_t)n);
}

static double random_normal(void) {
    double u = (double)(random_bits() >> 11) * 0x1p-53 + 1e-12, v = (double)(random_bits() >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* ---- arrays that end at an unreadable page */

enum { PAGE = 4096, AXES = 4 };

typedef struct {
    operand o;
    int64_t shape[AXES], strides[AXES];
    char *map;
    size_t map_bytes;
} array;

static int64_t count_of(const array *a) {
    return operand_size(&a->o);
}

/* Dense in the order of `shape`, or with the last two axes stored the other way round. */
static void array_new(array *a, tarn_dtype dtype, int ndim, const int64_t *shape, bool swapped) {
    int64_t count = 1;
    for (int i = 0; i < ndim; i++) {
        a->shape[i] = shape[i];
        count *= shape[i];
    }
    int64_t step = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        a->strides[i] = step;
        step *= shape[i];
    }
    if (swapped) {
        a->strides[ndim - 1] = shape[ndim - 2];
        a->strides[ndim - 2] = 1;
    }
    size_t bytes = (size_t)(count * dtype_bytes(dtype)), pages = (bytes + PAGE - 1) / PAGE + 1;
    a->map_bytes = (pages + 1) * PAGE;
    a->map = mmap(NULL, a->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (a->map == MAP_FAILED || mprotect(a->map + pages * PAGE, PAGE, PROT_NONE) != 0) exit(1);
    a->o = (operand){
        .data = a->map + pages * PAGE - bytes, .dtype = dtype, .ndim = ndim, .shape = a->shape, .strides = a->strides};
}

/* One of three begins at an odd address, as what lies in mapped files may. */
static void misplace(array *a) {
    if (random_below(3) == 0) a->o.data = (char *)a->o.data - 1;
}

static void array_free(array *a) {
    munmap(a->map, a->map_bytes);
}

static double get(const array *a, int64_t i) {
    double wide;
    if (a->o.dtype == TARN_FLOAT64) return memcpy(&wide, (const char *)a->o.data + i * 8, sizeof wide), wide;
    return (double)load_as_float(matmul_dtype_of(a->o.dtype), a->o.data, i);
}

static void put(array *a, int64_t i, double value) {
    if (a->o.dtype == TARN_FLOAT64)
        memcpy((char *)a->o.data + i * 8, &value, sizeof value);
    else
        store_from_float(matmul_dtype_of(a->o.dtype), (float)value, a->o.data, i);
}

static void fill_normal(array *a, double scale) {
    for (int64_t i = 0; i < count_of(a); i++) put(a, i, random_normal() * scale);
}

/* ---- calls */

static const kernel_row *find_row(const call *c) {
    const kernel_row *rows[CPU_FAMILY_ROWS];
    int n = cpu_rows_matmul(c->op, ISA_BASELINE, rows);
    for (int i = 0; i < n; i++)
        if ((rows[i]->dtypes & DTYPE_BIT(c->inputs[0].dtype)) && (!rows[i]->supports || rows[i]->supports(c)))
            return rows[i];
    return NULL;
}

static bool run_call(call *c) {
    c->row = find_row(c);
    if (!c->row) return false;
    int64_t bytes = c->row->workspace ? c->row->workspace(c) : 0;
    char *block = memory_new_aligned((size_t)bytes + 64);
    memset(block, 0xff, (size_t)bytes); /* NaN wherever something is read before it is written */
    memset(block + bytes, 0x5a, 64);
    c->workspace = block;
    bool ok = c->row->run(c);
    for (int i = 0; i < 64; i++)
        if (block[bytes + i] != 0x5a) {
            printf("workspace overrun by %s\n", c->row->name);
            failures++;
            break;
        }
    memory_free_aligned(block);
    return ok;
}

static double unit_of(tarn_dtype dtype) {
    return dtype == TARN_FLOAT64    ? 0x1p-53
           : dtype == TARN_FLOAT32  ? 0x1p-24
           : dtype == TARN_BFLOAT16 ? 0x1p-8
                                    : 0x1p-11;
}

/* Compares out with expected: `size` bounds each sum of magnitudes, `slack` the error allowed relative to the norm of
 * the products. */
typedef struct {
    const char *what;
    double slack;
    double error, norm; /* squares, of the whole */
    int bad;
} comparison;

/* What the smallest numbers lose: half floats end at 2^-24, and tiles take products below 1.2e-38 for zeros. */
static double smallest_loss(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16 ? 0x1p-25 : cpu_has(CPU_AMX) ? 1e-37 : 0;
}

static void compare(comparison *c, double got, double expected, double norm, tarn_dtype dtype) {
    checks++;
    double allowed =
        unit_of(dtype) * 1.01 * fabs(expected) + 6 * c->slack * norm + (dtype == TARN_FLOAT16 ? 0x1p-24 : 1e-37);
    bool good = isnan(expected) ? isnan(got) : isinf(expected) ? got == expected : fabs(got - expected) <= allowed;
    if (!good && c->bad++ < 3)
        printf("%s: got %.9g, expected %.9g, allowed error %.3g\n", c->what, got, expected, allowed);
    if (isfinite(expected) && isfinite(got)) {
        double rounding = unit_of(dtype) * fabs(expected) + smallest_loss(dtype); /* of the result */
        double beyond = fabs(got - expected) - rounding;
        if (beyond > 0) c->error += beyond * beyond;
        c->norm += norm * norm;
    }
}

static void finish(comparison *c) {
    double relative = c->norm > 0 ? sqrt(c->error / c->norm) : 0;
    if (relative > c->slack) {
        printf("%s: error %.3g of the norm, allowed %.3g\n", c->what, relative, c->slack);
        c->bad++;
    }
    if (c->bad) failures++;
}

/* ---- what is expected */

/* Of numbers that the test has for itself. */
static UNWATCHED void sum_products(const double *a, const double *b, int64_t count, double *sum, double *norm) {
    double squares = 0;
    *sum = 0;
    for (int64_t k = 0; k < count; k++) {
        double product = a[k] * b[k];
        *sum += product;
        squares += product * product;
    }
    *norm = sqrt(squares);
}

/* [first axis][axis][k axis], dense; of a matrix the first axis is `axis`. */
static double *lines_of(const array *a, int axis, int k_axis) {
    int64_t lines = a->shape[axis], depth = a->shape[k_axis], block_step = axis ? a->strides[0] : 0;
    double *out = malloc((size_t)(count_of(a) + 1) * sizeof *out);
    for (int64_t i = 0; out && i < count_of(a); i++) {
        int64_t block = i / (lines * depth), line = i / depth % lines;
        out[i] = get(a, block * block_step + line * a->strides[axis] + i % depth * a->strides[k_axis]);
    }
    return out;
}

/* ---- quantized products */

typedef struct {
    int bits, group;
    tarn_dtype scale_dtype, x_dtype;
    int64_t m, n, k;
    bool transpose;
} quantized_case;

static unsigned packed_value(const array *w, int64_t line, int64_t i, int bits) {
    const uint8_t *stream = (const uint8_t *)w->o.data + line * w->strides[0] * 4;
    unsigned value = 0;
    for (int b = 0; b < bits; b++) value |= ((unsigned)stream[(i * bits + b) / 8] >> (i * bits + b) % 8 & 1u) << b;
    return value;
}

/* w[n * k] in double, always by output. */
static double *dequantized(const quantized_case *q, const array *w, const array *scales, const array *biases) {
    double *out = malloc((size_t)(q->n * q->k + 1) * sizeof *out);
    for (int64_t n = 0; n < q->n; n++)
        for (int64_t k = 0; k < q->k; k++) {
            int64_t line = q->transpose ? n : k, i = q->transpose ? k : n, g = line * scales->strides[0] + i / q->group;
            out[n * q->k + k] = get(scales, g) * packed_value(w, line, i, q->bits) + get(biases, g);
        }
    return out;
}

typedef enum { PLAIN, SPECIAL, TINY, HUGE_VALUES, ZERO } contents;

/* Rows 0, 5, 10, ... of x hold values that int8 planes cannot. */
static void fill_tokens(array *x, const quantized_case *q, contents kind) {
    fill_normal(x, 1);
    for (int64_t t = 0; t < q->m; t++)
        for (int64_t k = 0; k < q->k; k++) {
            double value = get(x, t * q->k + k);
            if (kind == TINY) value *= q->x_dtype == TARN_FLOAT16 ? 1e-2 : 1e-32;
            if (kind == HUGE_VALUES) value *= q->x_dtype == TARN_FLOAT16 ? 10 : 1e30;
            if (kind == ZERO && (k / q->group % 2 == 0 || t % 2)) value = 0;
            if (kind == SPECIAL && t % 5 == 0 && k == q->k / 2) value = t % 2 ? INFINITY : NAN;
            put(x, t * q->k + k, value);
        }
}

static void check_quantized(const quantized_case *q, contents kind) {
    if (!in_rounds()) return;
    array x, w, scales, biases, out;
    int64_t lines = q->transpose ? q->n : q->k, length = q->transpose ? q->k : q->n;
    array_new(&x, q->x_dtype, 2, (int64_t[]){q->m, q->k}, false);
    array_new(&w, TARN_UINT32, 2, (int64_t[]){lines, length * q->bits / 32}, false);
    array_new(&scales, q->scale_dtype, 2, (int64_t[]){lines, length / q->group}, false);
    array_new(&biases, q->scale_dtype, 2, (int64_t[]){lines, length / q->group}, false);
    array_new(&out, q->x_dtype, 2, (int64_t[]){q->m, q->n}, false);
    misplace(&w), misplace(&scales), misplace(&biases);
    fill_tokens(&x, q, kind);
    for (int64_t i = 0; i < count_of(&w); i++) {
        uint32_t word = (uint32_t)(random_bits() >> 32);
        memcpy((char *)w.o.data + i * 4, &word, sizeof word);
    }
    double range = 0.06 / (1 << q->bits);
    for (int64_t i = 0; i < count_of(&scales); i++) {
        double s = range * (0.5 + (double)random_below(1000) / 1000) * (random_below(2) ? 1 : -1);
        put(&scales, i, s);
        put(&biases, i, -s * (1 << q->bits) / 2);
    }
    attributes_quantized_matmul attributes = {.transpose = q->transpose, .group_size = q->group, .bits = q->bits};
    operand inputs[4] = {x.o, w.o, scales.o, biases.o}, outputs[1] = {out.o};
    call c = {.op = OP_quantized_matmul,
              .attributes = &attributes,
              .input_count = 4,
              .output_count = 1,
              .inputs = inputs,
              .outputs = outputs};
    char what[160];
    snprintf(what, sizeof what,
             "quantized %s: %d bits, group %d, scales %s, x %s, m %lld n %lld k %lld, %s, contents %d", level_name,
             q->bits, q->group, dtype_facts[q->scale_dtype].name, dtype_facts[q->x_dtype].name, (long long)q->m,
             (long long)q->n, (long long)q->k, q->transpose ? "lines are outputs" : "lines are inputs", kind);
    /* bf16 tokens may meet weights rounded to bf16; tiles hold others as two bf16 parts, planes hold half tokens with
     * 16 bits */
    bool short_planes = q->x_dtype == TARN_FLOAT16 && cpu_has(CPU_AVX2);
    double split = short_planes ? 6e-5 : cpu_has(CPU_AMX) ? 1.2e-5 : 5e-6;
    comparison compared = {.what = what, .slack = q->x_dtype == TARN_BFLOAT16 ? 2.5e-3 : split};
    if (!run_call(&c)) {
        printf("%s: no row\n", what);
        failures++;
    }
    double *weights = dequantized(q, &w, &scales, &biases), *tokens = lines_of(&x, 0, 1);
    for (int64_t t = 0; t < q->m; t++)
        for (int64_t n = 0; n < q->n; n++) {
            double sum, norm, got = get(&out, t * q->n + n);
            sum_products(tokens + t * q->k, weights + n * q->k, q->k, &sum, &norm);
            if (isnan(sum) ||
                isinf(sum)) /* rounded parts of weights may turn an infinity into NaN, never into a number */
                compare(&compared, isfinite(got) ? 0 : NAN, NAN, 0, q->x_dtype);
            else
                compare(&compared, got, sum, norm, q->x_dtype);
        }
    finish(&compared);
    free(weights), free(tokens);
    array_free(&x), array_free(&w), array_free(&scales), array_free(&biases), array_free(&out);
}

static const tarn_dtype floats[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16};
static const int all_bits[] = {2, 3, 4, 5, 6, 8}, groups[] = {32, 64, 128};
static const int64_t columns[] = {1, 4, 7, 8, 31, 32, 33, 63, 64, 65, 96, 100, 130};

static int64_t random_columns(void) {
    return columns[random_below((int64_t)(sizeof columns / sizeof *columns))];
}

static void check_formats(void) {
    for (int b = 0; b < 6; b++)
        for (int g = 0; g < 3; g++)
            for (int s = 0; s < 3; s++)
                for (int d = 0; d < 3; d++)
                    for (int i = 0; i < 4; i++) {
                        quantized_case q = {all_bits[b],
                                            groups[g],
                                            floats[s],
                                            floats[d],
                                            i < 2 ? 1 + random_below(4) : 1 + random_below(40),
                                            random_columns(),
                                            groups[g] * (1 + random_below(i == 3 ? 20 : 6)),
                                            true};
                        if (i == 2) {
                            q.transpose = false;
                            q.n = groups[g] * (1 + random_below(3));
                            q.k = 1 + random_below(90);
                        }
                        check_quantized(&q, PLAIN);
                    }
}

static void check_counts(void) {
    for (int64_t m = 0; m <= 40; m++)
        for (int b = 2; b < 6; b += 3)
            for (int d = 0; d < 3; d++) {
                quantized_case q = {
                    all_bits[b], 64, TARN_BFLOAT16, floats[d], m, random_columns(), 64 * (1 + random_below(12)), true};
                check_quantized(&q, PLAIN);
            }
    quantized_case large = {4,   64,   TARN_BFLOAT16, TARN_BFLOAT16,
                            150, 1100, 1088,          true}; /* several blocks of everything */
    check_quantized(&large, PLAIN);
    large.x_dtype = TARN_FLOAT32;
    check_quantized(&large, PLAIN);
    large = (quantized_case){8, 32, TARN_FLOAT32, TARN_FLOAT16, 530, 70, 544, true};
    check_quantized(&large, PLAIN);
    large = (quantized_case){4, 64, TARN_BFLOAT16, TARN_FLOAT32, 2, 2048, 128, false};
    check_quantized(&large, PLAIN);
}

static void check_contents(void) {
    for (int b = 0; b < 6; b++)
        for (contents kind = SPECIAL; kind <= ZERO; kind++)
            for (int d = 0; d < 3; d++) {
                quantized_case q = {all_bits[b],
                                    groups[random_below(3)],
                                    TARN_FLOAT32,
                                    floats[d],
                                    1 + random_below(16),
                                    random_columns(),
                                    0,
                                    true};
                if (kind == TINY && q.x_dtype == TARN_BFLOAT16 && q.m > 4) q.m = 4;
                q.k = q.group * (1 + random_below(5));
                check_quantized(&q, kind);
            }
}

/* ---- dense products */

typedef struct {
    tarn_dtype dtype;
    int64_t batch, m, n, k;
    bool a_swapped, b_swapped, b_shared;
} dense_case;

static void check_dense(const dense_case *d, contents kind) {
    if (!in_rounds()) return;
    array a, b, out;
    array_new(&a, d->dtype, 3, (int64_t[]){d->batch, d->m, d->k}, d->a_swapped);
    array_new(&b, d->dtype, 3, (int64_t[]){d->b_shared ? 1 : d->batch, d->k, d->n}, d->b_swapped);
    array_new(&out, d->dtype, 3, (int64_t[]){d->batch, d->m, d->n}, false);
    misplace(&a), misplace(&b);
    fill_normal(&a, 1);
    fill_normal(&b, 1);
    if (kind == SPECIAL && d->m && d->k) put(&a, d->k / 2 * a.strides[2], random_below(2) ? INFINITY : NAN);
    operand inputs[2] = {a.o, b.o}, outputs[1] = {out.o};
    call c = {.op = OP_matmul, .input_count = 2, .output_count = 1, .inputs = inputs, .outputs = outputs};
    char what[160];
    snprintf(what, sizeof what, "dense %s: %s, batch %lld m %lld n %lld k %lld%s%s%s", level_name,
             dtype_facts[d->dtype].name, (long long)d->batch, (long long)d->m, (long long)d->n, (long long)d->k,
             d->a_swapped ? ", a turned" : "", d->b_swapped ? ", b turned" : "", d->b_shared ? ", b shared" : "");
    comparison compared = {.what = what,
                           .slack = d->dtype == TARN_FLOAT64   ? 1e-14
                                    : d->dtype == TARN_FLOAT16 ? 1.2e-5
                                    : d->k > 8192              ? 4e-6
                                                               : 2e-6};
    if (!run_call(&c)) {
        printf("%s: no row\n", what);
        failures++;
    }
    double *rows = lines_of(&a, 1, 2), *columns_of_b = lines_of(&b, 2, 1);
    for (int64_t i = 0; i < d->batch; i++)
        for (int64_t m = 0; m < d->m; m++)
            for (int64_t n = 0; n < d->n; n++) {
                const double *row = rows + (i * d->m + m) * d->k;
                double sum, norm, got = get(&out, (i * d->m + m) * d->n + n);
                sum_products(row, columns_of_b + ((d->b_shared ? 0 : i * d->n) + n) * d->k, d->k, &sum, &norm);
                if (isfinite(sum))
                    compare(&compared, got, sum, norm, d->dtype);
                else
                    compare(&compared, isfinite(got) ? 0 : NAN, NAN, 0, d->dtype);
            }
    finish(&compared);
    free(rows), free(columns_of_b);
    array_free(&a), array_free(&b), array_free(&out);
}

static int64_t random_size(void) {
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 13, 14, 15, 16, 17, 27, 28, 31, 32, 33, 48, 63, 64, 65, 100};
    return sizes[random_below((int64_t)(sizeof sizes / sizeof *sizes))];
}

static void check_dense_shapes(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16, TARN_FLOAT64};
    for (int i = 0; i < 400; i++) {
        dense_case d = {dtypes[i % 4],        1 + random_below(3) * random_below(2),
                        random_size(),        random_size(),
                        random_size(),        random_below(2) == 0,
                        random_below(2) == 0, random_below(2) == 0};
        check_dense(&d, i % 10 == 9 ? SPECIAL : PLAIN);
    }
    for (int i = 0; i < 4; i++) {
        dense_case large = {
            dtypes[i], 1, 300 + random_below(50), 290 + random_below(50), 500 + random_below(50), i & 1, i & 2, false};
        check_dense(&large, PLAIN);
        dense_case thin = {dtypes[i], 1,     1 + random_below(4),  1500 + random_below(1000),
                           300,       false, random_below(2) == 0, false};
        check_dense(&thin, PLAIN);
        /* up to 16 rows meet a matrix that fits no cache as it lies, or turned */
        dense_case few_rows = {dtypes[i], 1,     5 + random_below(16), 1500 + random_below(500),
                               401,       false, random_below(2) == 0, false};
        check_dense(&few_rows, PLAIN);
        dense_case few_columns = {
            dtypes[i], 1, 1500 + random_below(500), 5 + random_below(16), 401, random_below(2) == 0, false, false};
        check_dense(&few_columns, PLAIN);
        dense_case column = {dtypes[i], 2, 600, 1 + random_below(3), 70, random_below(2) == 0, false, true};
        check_dense(&column, PLAIN);
        dense_case many = {dtypes[i], 37, 9, 11, 40, false, true, false};
        check_dense(&many, PLAIN);
        dense_case tall = {
            dtypes[i], 1, 2 + random_below(20), 1 + random_below(70), 16000 + random_below(9000), i & 1, false, false};
        check_dense(&tall, PLAIN);
        dense_case tall_many = {
            dtypes[i], 3, 2 + random_below(3), 1 + random_below(8), 16000 + random_below(9000), i & 1, false, false};
        check_dense(&tall_many, PLAIN);
        dense_case few_beside = {
            dtypes[i], 1, 2 + random_below(15), 65 + random_below(500), 200 + random_below(200), true, i & 1, false};
        check_dense(&few_beside, PLAIN);
        dense_case empty[] = {{dtypes[i], 1, 0, 5, 3, false, false, false},
                              {dtypes[i], 1, 5, 0, 3, false, false, false},
                              {dtypes[i], 2, 6, 7, 0, false, false, false},
                              {dtypes[i], 0, 2, 2, 2, false, false, false}};
        for (int e = 0; e < 4; e++) check_dense(&empty[e], PLAIN);
    }
}

/* Panels that replace each other while they are multiplied: several stripes with and without a narrow last one, blocks
   of the depth of all lengths, rows that fill their last panel or not. */
static void check_panels(void) {
    static const int64_t tokens[] = {33, 50, 64, 70, 100, 256}, rows[] = {96, 200, 1088}, depths[] = {384, 1024, 1408};
    for (int t = 0; t < 6; t++)
        for (int i = 0; i < 3; i++) {
            int group = groups[(t + i) % 3];
            quantized_case q = {4,         group,   TARN_BFLOAT16,           TARN_BFLOAT16,
                                tokens[t], rows[i], depths[(t + 2 * i) % 3], true};
            check_quantized(&q, PLAIN);
            dense_case d = {TARN_BFLOAT16, 1, rows[i], tokens[t], depths[(t + i) % 3], false, i & 1, false};
            check_dense(&d, PLAIN);
        }
}

/* ---- the same bits with any number of threads */

static void check_threads_of(tarn_dtype dtype, int64_t m, int64_t n, int64_t k, bool turned) {
    array x, w, one, other;
    array_new(&x, dtype, 2, (int64_t[]){m, k}, false);
    array_new(&w, dtype, 2, (int64_t[]){k, n}, turned);
    array_new(&one, dtype, 2, (int64_t[]){m, n}, false);
    array_new(&other, dtype, 2, (int64_t[]){m, n}, false);
    fill_normal(&x, 1), fill_normal(&w, 1);
    for (int threads = 1; threads <= 3; threads++) {
        parallel_set_threads(threads);
        operand inputs[2] = {x.o, w.o}, outputs[1] = {threads == 1 ? one.o : other.o};
        call c = {.op = OP_matmul, .input_count = 2, .output_count = 1, .inputs = inputs, .outputs = outputs};
        run_call(&c);
        checks++;
        if (threads > 1 && memcmp(one.o.data, other.o.data, (size_t)(count_of(&one) * dtype_bytes(dtype))) != 0) {
            printf("%s, m %lld n %lld k %lld: %d threads give other bits than one\n", dtype_facts[dtype].name,
                   (long long)m, (long long)n, (long long)k, threads);
            failures++;
        }
    }
    array_free(&x), array_free(&w), array_free(&one), array_free(&other);
}

/* Rows that are multiplied by themselves have the bits that they have among others. */
static void check_rows_among_others(tarn_dtype dtype, int64_t m, int64_t n, int64_t k) {
    array x, w, all, some;
    array_new(&x, dtype, 2, (int64_t[]){m, k}, false);
    array_new(&w, dtype, 2, (int64_t[]){k, n}, false);
    array_new(&all, dtype, 2, (int64_t[]){m, n}, false);
    array_new(&some, dtype, 2, (int64_t[]){m, n}, false);
    fill_normal(&x, 1), fill_normal(&w, 1);
    for (int64_t rows = m; rows > 9; rows = rows * 2 / 3) {
        operand inputs[2] = {x.o, w.o}, outputs[1] = {rows == m ? all.o : some.o};
        inputs[0].shape = (int64_t[]){rows, k}, outputs[0].shape = (int64_t[]){rows, n};
        call c = {.op = OP_matmul, .input_count = 2, .output_count = 1, .inputs = inputs, .outputs = outputs};
        run_call(&c);
        checks++;
        if (rows < m && memcmp(all.o.data, some.o.data, (size_t)(rows * n * dtype_bytes(dtype))) != 0) {
            printf("%s, n %lld k %lld: %lld rows have other bits than among %lld\n", dtype_facts[dtype].name,
                   (long long)n, (long long)k, (long long)rows, (long long)m);
            failures++;
        }
    }
    array_free(&x), array_free(&w), array_free(&all), array_free(&some);
}

static void check_threads(void) {
    for (int d = 0; d < 3; d++)
        for (int64_t m = 1; m <= 65; m += 16) check_threads_of(floats[d], m, 500 + random_below(100), 640, true);
    for (int odd = 0; odd < 2; odd++) { /* results stored at once; panels that meet several blocks of columns */
        check_threads_of(TARN_FLOAT32, 600 + odd, 300 + random_below(300), 300, true);
        check_threads_of(TARN_FLOAT32, 600 + odd, 560 + random_below(40), 300, true);
        check_threads_of(TARN_FLOAT32, 300 + odd, 900 + random_below(100), 40, true); /* shallow: as it lies */
    }
    check_threads_of(TARN_FLOAT32, 13, 11, 30000, false); /* parts of the depth */
    check_threads_of(TARN_FLOAT64, 13, 11, 30000, false);
    check_threads_of(TARN_FLOAT32, 1000, 50, 30, false); /* blocks of rows */
    check_threads_of(TARN_FLOAT32, 150, 20, 20000, false);
    check_rows_among_others(TARN_FLOAT32, 150, 20, 20000);
    check_rows_among_others(TARN_FLOAT64, 150, 20, 20000);
    check_rows_among_others(TARN_FLOAT32, 150, 60, 300);
    parallel_set_threads(0);
}

/* ---- what engines fetch of what comes next */

/* Lines that a stream asks for, one at a time, during a product of a panel and a stripe. */
static int64_t lines_asked(const matmul_engine *e, int rows, int width, int depth) {
    static double panel[ROW_PANEL_MAX * (DEPTH_BLOCK_MAX + 16)], stripe[STRIPE * DEPTH_BLOCK_MAX],
        sums[ROW_PANEL_MAX * STRIPE];
    matmul_coming coming = {.rows = {.at = (const char *)panel, .left = INT64_MAX, .lines = 1}};
    matmul_target target = {.sums = sums, .stride = STRIPE, .first = true};
    e->multiply(e, NULL, panel, rows, stripe, width, depth, &target, &coming);
    return (coming.rows.at - (const char *)panel) / 64;
}

static void check_fetches_of(const matmul_engine *e) {
    static const int depths[] = {1, 7, 8, 40, 64, 255, 256};
    for (int rows = 1; rows <= e->panel_rows; rows++)
        for (int i = 0; i < (int)(sizeof depths / sizeof *depths); i++)
            for (int narrow = 0; narrow < 2; narrow++) {
                int width = narrow ? e->narrow_stripe : STRIPE;
                int64_t asked = lines_asked(e, rows, width, depths[i]), told = e->fetches(e, rows, width, depths[i]);
                checks++;
                if (asked == told) continue;
                printf("%s: %d rows, %d columns, depth %d fetch %lld times, not %lld\n", e->name, rows, width,
                       depths[i], (long long)asked, (long long)told);
                failures++;
            }
}

static void check_fetches(void) {
    check_fetches_of(matmul_engine_for(MATMUL_F32, WEIGHTS_DENSE));
    check_fetches_of(matmul_engine_for(MATMUL_F64, WEIGHTS_DENSE));
}

/* Levels that multiply many tokens as the one before them does differ in planes alone. */
static bool only_planes(const cpu_level *level) {
    return !strcmp(level->name, "avx512vnni") || !strcmp(level->name, "avx512vbmi") ||
           (!strcmp(level->name, "avx512bf16") && !cpu_has(CPU_FASTBF16));
}

/* test_matmul_kernels [level] */
int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0); /* what was printed survives a fault */
    uint64_t seed = first_seed();
    printf("repeat with TARN_SEED=%llu\n", (unsigned long long)seed);
    for (const cpu_level *level = cpu_levels; level < cpu_levels + CPU_LEVELS; level++) {
        level_name = level->name;
        if (argc > 1 && strcmp(argv[1], level_name) != 0) continue;
        if (!cpu_limit(level)) {
            printf("skipped: no %s\n", level_name);
            continue;
        }
        seed_now = seed * UINT64_C(0x9E3779B97F4A7C15) | 1;
        uint64_t before = failures;
        check_formats();
        check_contents();
        if (!only_planes(level)) {
            check_counts();
            check_panels();
            check_dense_shapes();
            check_threads();
            check_fetches();
        }
        printf("%s: %s\n", level_name, failures == before ? "pass" : "FAIL");
    }
    printf("%llu values compared, %llu cases failed\n", (unsigned long long)checks, (unsigned long long)failures);
    return failures != 0;
}
