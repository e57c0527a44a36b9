/* The CPU's kernels for moving, indexing, reducing, sorting and making, against the reference: all dtypes, strides,
 * sizes and sets. */
#include "cpu/cpu.h"
#include "base/threads.h"
#include "kernel_calls.h"
#include "random_operands.h"
#include "rounds.h"
#include "tarn/ops.h"

/* Runs the call on both backends and compares every output, `tolerance` in ulp. */
static int left_out;
static void compare_scaled(call c, double tolerance, const operand *scale, const char *what) {
    operand got[4], expected[4];
    for (int i = 0; i < c.output_count; i++) {
        tarn_ints shape = {c.outputs[i].shape, c.outputs[i].ndim};
        got[i] = make(c.outputs[i].dtype, shape);
        expected[i] = make(c.outputs[i].dtype, shape);
        size_t bytes = (size_t)(operand_size(&got[i]) * dtype_bytes(got[i].dtype));
        memcpy(got[i].data, c.outputs[i].data, bytes); /* what an update starts from */
        memcpy(expected[i].data, c.outputs[i].data, bytes);
    }
    operand *outputs = c.outputs;
    c.outputs = expected;
    CHECK(run_call(&backend_reference, c), "%s: %s", what, tarn_error());
    c.outputs = got;
    /* Where the CPU has no row of its own evaluation takes the reference's. */
    if (!choose_row(&backend_cpu, &c)) {
        tarn_clear_error();
        c.outputs = outputs;
        left_out++;
        return;
    }
    CHECK(run_call(&backend_cpu, c), "%s: %s", what, tarn_error());
    for (int i = 0; i < c.output_count; i++) compare(&got[i], &expected[i], tolerance, scale, what);
    c.outputs = outputs;
}
static void compare_call(call c, double tolerance, const char *what) {
    compare_scaled(c, tolerance, NULL, what);
}

static operand indices_of(tarn_dtype dtype, tarn_ints shape, int64_t size) {
    operand o = make(dtype, shape);
    for (int64_t i = 0, n = operand_size(&o); i < n; i++) {
        int64_t index = (int64_t)(random_bits() % (uint64_t)(size + 2)) - 1; /* now and then outside */
        put(&o, i, (double)(dtype_is_unsigned(dtype) && index < 0 ? 0 : index));
    }
    return o;
}

/* ---- moving */
static void test_copies(tarn_dtype dtype) {
    const tarn_ints shapes[] = {
        TARN_0D, DIMS(0), DIMS(7), DIMS(3, 5), DIMS(70, 90), DIMS(2, 3, 4, 5), DIMS(5, 1, 130, 33)};
    for (int s = 0; s < 7; s++)
        for (int layout = 0; layout < LAYOUTS; layout++) {
            if (!in_rounds()) continue;
            operand x = laid_out(dtype, shapes[s], DOMAIN_ANY, layout), out = make(dtype, shapes[s]);
            compare_call(CALL(contiguous, NULL, &out, x), 0, "contiguous");
        }
    if (!in_rounds()) return;
    operand big = laid_out(dtype, DIMS(4, 300, 260), DOMAIN_ANY, 1), out = make(dtype, DIMS(4, 300, 260));
    compare_call(CALL(contiguous, NULL, &out, big), 0, "contiguous");
    operand a = laid_out(dtype, DIMS(3, 4, 5), DOMAIN_ANY, 1), b = laid_out(dtype, DIMS(3, 2, 5), DOMAIN_ANY, 3),
            joined = make(dtype, DIMS(3, 6, 5));
    compare_call(CALL(concatenate, &(attributes_concatenate){.axis = -2}, &joined, a, b), 0, "concatenate");
}

/* Of 16 MB and more. */
static void test_large_copy(tarn_dtype dtype, int64_t rows, int64_t columns) {
    operand x = laid_out(dtype, DIMS(rows, columns), DOMAIN_ANY, 1), out = make(dtype, DIMS(rows, columns));
    compare_call(CALL(contiguous, NULL, &out, x), 0, "contiguous");
    release_kept();
}

static void test_blocks(tarn_dtype dtype) {
    for (int i = 0; i < 6; i++) {
        operand x = laid_out(dtype, DIMS(4, 9, 6), DOMAIN_ANY, i),
                update = laid_out(dtype, DIMS(4, 3, 6), DOMAIN_ANY, 5 - i);
        operand start = filled(i % 2 ? TARN_INT32 : TARN_INT64, DIMS(1), VALUES((double)(i * 3 - 4)));
        operand dense = randomized(dtype, DIMS(4, 9, 6), DOMAIN_ANY), block = make(dtype, DIMS(4, 3, 6));
        compare_call(CALL(slice_update, &(attributes_slice_update){.axes = DIMS(1)}, &dense, x, update, start), 0,
                     "slice_update");
        attributes_slice_array sizes = {.axes = DIMS(-2), .sizes = DIMS(3)};
        compare_call(CALL(slice_array, &sizes, &block, x, start), 0, "slice_array");
    }
}

/* A start for each row of the leading axes, and steps: x [4, 9, 30] with blocks [4, 4, 5] or [4, 9, 5]. */
static void test_placed_blocks(tarn_dtype dtype, int64_t scale) {
    const int64_t wide = 30 * scale, part = 5 * scale;
    for (int i = 0; i < 6; i++) {
        if (!in_rounds()) continue;
        operand x = laid_out(dtype, DIMS(4, 9, wide), DOMAIN_ANY, i),
                dense = randomized(dtype, DIMS(4, 9, wide), DOMAIN_ANY);
        operand starts = randomized(TARN_INT16, DIMS(4, 2), DOMAIN_SMALL),
                row_starts = randomized(TARN_INT64, DIMS(4, 9, 1), DOMAIN_ANY);
        operand update = laid_out(dtype, DIMS(4, 4, part), DOMAIN_ANY, 5 - i),
                rows = laid_out(dtype, DIMS(4, 9, part), DOMAIN_ANY, 5 - i);
        operand block = make(dtype, DIMS(4, 4, part)), row_block = make(dtype, DIMS(4, 9, part));
        attributes_slice_update write = {.axes = DIMS(-1, 1), .step = DIMS(3, 2)},
                                write_rows = {.axes = DIMS(2), .step = DIMS(4)};
        attributes_slice_array read = {.axes = DIMS(-1, 1), .sizes = DIMS(part, 4), .step = DIMS(3, 2)};
        attributes_slice_array read_rows = {.axes = DIMS(2), .sizes = DIMS(part)};
        compare_call(CALL(slice_update, &write, &dense, x, update, starts), 0, "slice_update, a start for each row");
        compare_call(CALL(slice_update, &write_rows, &dense, x, rows, row_starts), 0,
                     "slice_update, starts for two axes");
        compare_call(CALL(slice_array, &read, &block, x, starts), 0, "slice_array, a start for each row");
        compare_call(CALL(slice_array, &read_rows, &row_block, x, row_starts), 0, "slice_array, starts for two axes");
    }
}

/* ---- indexing */
static void test_indices(tarn_dtype dtype) {
    static const tarn_dtype kinds[] = {TARN_INT32, TARN_INT64, TARN_UINT32, TARN_UINT8, TARN_INT8};
    for (int axis = 0; axis < 3; axis++)
        for (int i = 0; i < 5; i++) {
            const int64_t shape[] = {6, 5, 7};
            operand x = laid_out(dtype, DIMS(6, 5, 7), DOMAIN_ANY, i);
            operand at = indices_of(kinds[i], DIMS(2, 3), shape[axis]);
            if (i % 2) at = transposed(indices_of(kinds[i], DIMS(3, 2), shape[axis]));
            int64_t picked[4], n = 0, along[3] = {6, 5, 7};
            for (int k = 0; k < 3; k++)
                if (k == axis)
                    picked[n++] = 2, picked[n++] = 3;
                else
                    picked[n++] = shape[k];
            operand out = make(dtype, (tarn_ints){picked, 4}),
                    updates = randomized(dtype, (tarn_ints){picked, 4}, DOMAIN_ANY);
            operand dense = randomized(dtype, DIMS(6, 5, 7), DOMAIN_ANY);
            compare_call(CALL(gather, &(attributes_gather){.axes = DIMS(axis)}, &out, x, at), 0, "gather");
            compare_call(CALL(scatter, &(attributes_scatter){.axes = DIMS(axis)}, &dense, x, updates, at), 0,
                         "scatter");
            along[axis] = 4;
            operand line = indices_of(kinds[i], (tarn_ints){along, 3}, shape[axis]),
                    taken = make(dtype, (tarn_ints){along, 3});
            operand values = randomized(dtype, (tarn_ints){along, 3}, DOMAIN_ANY);
            tarn_ints others = DIMS(axis == 0, axis == 2 ? 1 : 2);
            compare_call(CALL(gather, (&(attributes_gather){.axes = DIMS(axis - 3), .batch = others}), &taken, x, line),
                         0, "gather along");
            attributes_scatter put = {.axes = DIMS(axis), .batch = others};
            compare_call(CALL(scatter, &put, &dense, x, values, line), 0, "scatter along");
        }
}

/* Several index arrays: which axes of x [4, 5, 3, 6] they index, their shapes, which axes of x are a batch, and what is
 * picked. */
typedef struct {
    tarn_ints axes, batch;
    int count;
    tarn_ints shapes[3], picked;
} several;

static void test_several(tarn_dtype dtype, const several *s, int layout) {
    static const tarn_dtype kinds[] = {TARN_INT16, TARN_UINT64, TARN_INT64};
    const int64_t sizes[] = {4, 5, 3, 6};
    operand x = laid_out(dtype, DIMS(4, 5, 3, 6), DOMAIN_POSITIVE, layout), out = make(dtype, s->picked);
    operand updates = laid_out(dtype, s->picked, DOMAIN_POSITIVE, (layout + 1) % LAYOUTS);
    operand dense = randomized(dtype, DIMS(4, 5, 3, 6), DOMAIN_POSITIVE), inputs[5] = {x, updates};
    for (int k = 0; k < s->count; k++)
        inputs[k + 2] = indices_of(kinds[(k + layout) % 3], s->shapes[k], sizes[s->axes.values[k]]);
    for (int mode = TARN_SCATTER_SET; mode <= TARN_SCATTER_MIN; mode++) {
        attributes_scatter put = {.axes = s->axes, .batch = s->batch, .mode = (tarn_scatter_mode)mode};
        call c = {.op = OP_scatter,
                  .attributes = &put,
                  .input_count = s->count + 2,
                  .output_count = 1,
                  .inputs = inputs,
                  .outputs = &dense};
        compare_call(c, dtype == TARN_FLOAT64 && mode != TARN_SCATTER_SET ? 8 : 0, "scatter over several axes");
    }
    attributes_gather take = {.axes = s->axes, .batch = s->batch};
    inputs[1] = x;
    compare_call((call){.op = OP_gather,
                        .attributes = &take,
                        .input_count = s->count + 1,
                        .output_count = 1,
                        .inputs = inputs + 1,
                        .outputs = &out},
                 0, "gather over several axes");
}

static void test_several_axes(tarn_dtype dtype) {
    const several cases[] = {
        {DIMS(0, 1), {0}, 2, {DIMS(7), DIMS(2, 1)}, DIMS(2, 7, 3, 6)},
        {DIMS(2, 0), {0}, 2, {DIMS(2, 3), DIMS(3)}, DIMS(2, 3, 5, 6)},
        {DIMS(3, 1), {0}, 2, {TARN_0D, DIMS(40)}, DIMS(4, 40, 3)},
        {DIMS(1, 2, 3), {0}, 3, {DIMS(9, 1), DIMS(4), TARN_0D}, DIMS(4, 9, 4)},
        {DIMS(2), DIMS(0), 1, {DIMS(4, 7)}, DIMS(4, 7, 5, 6)},
        {DIMS(2, 3), DIMS(1, 0), 2, {DIMS(4, 5, 8), DIMS(5, 1)}, DIMS(4, 5, 8)},
        {DIMS(3), {0}, 1, {DIMS(0)}, DIMS(4, 5, 3, 0)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int layout = 0; layout < LAYOUTS; layout++)
            if (in_rounds()) test_several(dtype, &cases[i], layout);
}

/* Thousands of updates of few places: the same bits with any number of threads, as rows, columns or ranges of places
 * are shared out. */
static void test_scatter_threads(int64_t rows, int64_t width, int64_t updates, int64_t repeats, bool along) {
    operand x = randomized(TARN_FLOAT32, DIMS(repeats, rows, width), DOMAIN_ANY),
            at = indices_of(TARN_INT32, DIMS(updates), rows), results[3];
    operand values = randomized(TARN_FLOAT32, DIMS(repeats, updates, width), DOMAIN_ANY);
    attributes_scatter add = {.axes = DIMS(1), .batch = DIMS(0, 2), .mode = TARN_SCATTER_ADD};
    if (along)
        at = indices_of(TARN_INT32, DIMS(repeats, updates, width), rows);
    else
        add.batch.count = 0;
    size_t bytes = (size_t)operand_size(&x) * sizeof(float);
    for (int threads = 1; threads <= 3; threads++) {
        operand *out = &results[threads - 1];
        *out = make(TARN_FLOAT32, DIMS(repeats, rows, width));
        memcpy(out->data, x.data, bytes);
        parallel_set_threads(threads);
        CHECK(run_call(&backend_cpu, CALL(scatter, &add, out, x, values, at)), "%s", tarn_error());
        CHECK(memcmp(out->data, results[0].data, bytes) == 0,
              "scatter of %lld into %lld rows of %lld: %d threads change the sums", (long long)updates, (long long)rows,
              (long long)width, threads);
    }
    parallel_set_threads(0);
}

/* ---- reducing */
static tarn_dtype reduced_dtype(reduce_kind kind, tarn_dtype dtype) {
    if (kind == REDUCE_ALL || kind == REDUCE_ANY) return TARN_BOOL;
    if (kind >= REDUCE_MAX || dtype_kind_of(dtype) > KIND_INT || dtype_bytes(dtype) > 4) return dtype;
    return dtype_is_unsigned(dtype) ? TARN_UINT32 : TARN_INT32;
}

/* Random numbers, small enough for products; sometimes a NaN or many zeros. */
static operand reducible(tarn_dtype dtype, tarn_ints shape, reduce_kind kind, int layout) {
    operand x = laid_out(dtype, shape, kind == REDUCE_PROD ? DOMAIN_POSITIVE : DOMAIN_ANY, layout);
    int64_t n = operand_size(&x);
    if (kind >= REDUCE_ALL)
        for (int64_t i = 0; i < n; i++)
            put(&x, i, kind == REDUCE_ALL ? random_bits() % 40 != 0 : random_bits() % 40 == 0);
    if (kind == REDUCE_PROD && dtype_kind_of(dtype) >= KIND_FLOAT)
        for (int64_t i = 0; i < n; i++) put(&x, i, 1 + (random_unit() - 0.5) * 0.01);
    if ((kind == REDUCE_MAX || kind == REDUCE_MIN) && dtype_kind_of(dtype) == KIND_FLOAT && n > 20) put(&x, n / 2, NAN);
    return x;
}

static void test_reduce(tarn_dtype dtype, reduce_kind kind, tarn_ints shape, unsigned axes, int layout) {
    if (dtype == TARN_COMPLEX64 && (kind == REDUCE_PROD || kind == REDUCE_MAX || kind == REDUCE_MIN)) return;
    if (!in_rounds()) return;
    int64_t list[TARN_MAX_NDIM], kept[TARN_MAX_NDIM], count = 0, n = 0, folded = 1;
    for (int64_t i = 0; i < shape.count; i++)
        if (axes >> i & 1)
            list[count++] = i - (i % 2 ? shape.count : 0), folded *= shape.values[i];
        else
            kept[n++] = shape.values[i];
    operand x = reducible(dtype, shape, kind, layout), out = make(reduced_dtype(kind, dtype), (tarn_ints){kept, n});
    attributes_reduce a = {.kind = kind, .axes = {list, count}};
    /* Sums of both signs cancel: their errors are those of the numbers that went in. */
    operand scale = make(TARN_FLOAT64, (tarn_ints){kept, n});
    for (int64_t i = 0; i < operand_size(&scale); i++) put(&scale, i, 6 * sqrt((double)folded));
    compare_scaled(CALL(reduce, &a, &out, x), kind >= REDUCE_MAX ? 0 : dtype_is_half(dtype) ? 1 : 32, &scale, "reduce");
}

static void test_reductions(tarn_dtype dtype) {
    const tarn_ints shapes[] = {TARN_0D,      DIMS(1),      DIMS(0),    DIMS(1000),    DIMS(3, 5),
                                DIMS(7, 300), DIMS(40, 33), DIMS(5, 0), DIMS(4, 5, 6), DIMS(2, 3, 4, 40)};
    for (int kind = 0; kind <= REDUCE_ANY; kind++)
        for (int s = 0; s < 10; s++)
            for (unsigned axes = 0; axes < 1u << shapes[s].count; axes++)
                test_reduce(dtype, (reduce_kind)kind, shapes[s], axes, s == 3 ? 0 : (int)(axes + (unsigned)kind) % 4);
    test_reduce(dtype, REDUCE_SUM, DIMS(3, 140000), 2, 0);
    test_reduce(dtype, REDUCE_MAX, DIMS(3, 140000), 2, 0);
    test_reduce(dtype, REDUCE_SUM, DIMS(1100, 70), 1, 0);
    test_reduce(dtype, REDUCE_SUM, DIMS(9000, 3), 3, 1);
}

static void test_extremes(tarn_dtype dtype) {
    if (dtype == TARN_COMPLEX64) return;
    for (int axis = 0; axis < 3; axis++)
        for (int layout = 0; layout < LAYOUTS; layout++) {
            if (!in_rounds()) continue;
            const int64_t shape[] = {3, 270, 5};
            int64_t kept[3] = {3, 270, 5};
            kept[axis] = 1;
            operand x = laid_out(dtype, (tarn_ints){shape, 3}, DOMAIN_ANY, layout),
                    out = make(TARN_UINT32, (tarn_ints){kept, 3});
            if (layout == 2 && dtype_kind_of(dtype) == KIND_FLOAT) put(&x, 777, NAN);
            attributes_arg_reduce a = {.least = layout % 2, .axis = axis - (layout % 2 ? 3 : 0), .keepdims = true};
            compare_call(CALL(arg_reduce, &a, &out, x), 0, "arg_reduce");
        }
}

/* Lines of several blocks: few values many times, the same everywhere, infinities of both signs, a NaN behind them,
   rising ones. */
static double of_long_line(int64_t line, int64_t i, bool floats) {
    if (line == 0) return 1 + (double)(random_bits() % 3);
    if (line == 1) return floats ? -INFINITY : 0;
    if (line == 4) return (double)(i / 40);
    if (floats && i % 1500 == 1490) return line == 3 && i > 4000 ? NAN : i % 3000 == 1490 ? INFINITY : -INFINITY;
    return random_unit() * 100;
}

static void test_long_extremes(tarn_dtype dtype, int64_t n) {
    if (dtype == TARN_COMPLEX64 || !in_rounds()) return;
    operand x = make(dtype, DIMS(5, n)), out = make(TARN_UINT32, DIMS(5));
    for (int64_t i = 0; i < 5 * n; i++) put(&x, i, of_long_line(i / n, i % n, dtype_kind_of(dtype) == KIND_FLOAT));
    for (int least = 0; least < 2; least++)
        compare_call(CALL(arg_reduce, (&(attributes_arg_reduce){.least = least, .axis = 1}), &out, x), 0, "arg_reduce");
}

/* Columns with infinities of both signs and, some of them, a NaN. */
static void test_column_extremes(tarn_dtype dtype) {
    if (dtype == TARN_COMPLEX64 || !in_rounds()) return;
    static const double specials[] = {INFINITY, -INFINITY, 0, -0.0, 3, 3};
    bool floats = dtype_kind_of(dtype) == KIND_FLOAT;
    operand x = randomized(dtype, DIMS(90, 83), DOMAIN_ANY), best = make(dtype, DIMS(83)),
            place = make(TARN_UINT32, DIMS(83));
    for (int64_t i = 0; floats && i < 90 * 83; i += 5)
        put(&x, i, i % 83 < 20 && random_bits() % 40 == 0 ? NAN : specials[random_bits() % 6]);
    for (int least = 0; least < 2; least++) {
        attributes_reduce reduce = {.kind = least ? REDUCE_MIN : REDUCE_MAX, .axes = TARN_AXES(0)};
        compare_call(CALL(reduce, &reduce, &best, x), 0, "reduce");
        compare_call(CALL(arg_reduce, (&(attributes_arg_reduce){.least = least}), &place, x), 0, "arg_reduce");
    }
}

/* ---- ordering and making */
static void test_orders(tarn_dtype dtype) {
    for (int axis = 0; axis < 3; axis++)
        for (int layout = 0; layout < LAYOUTS; layout++) {
            if (!in_rounds()) continue;
            const int64_t shape[] = {3, 290, 5};
            operand x = laid_out(dtype, (tarn_ints){shape, 3}, DOMAIN_ANY, layout),
                    out = make(dtype, (tarn_ints){shape, 3});
            operand order = make(TARN_UINT32, (tarn_ints){shape, 3});
            static const double specials[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 0, NAN, -0.0, 1e-40, -1e-40};
            for (int64_t i = 0; i < 500 && dtype_kind_of(dtype) == KIND_FLOAT; i += 7) put(&x, i, specials[i % 10]);
            compare_call(CALL(sort, &(attributes_sort){.axis = axis}, &out, x), 0, "sort");
            compare_call(CALL(argsort, &(attributes_argsort){.axis = axis - 3}, &order, x), 0, "argsort");
        }
}

/* Two lines of n elements in order, in which others and their own are looked for. */
static void test_search(tarn_dtype dtype, int64_t n, int64_t values) {
    if (!in_rounds()) return;
    static const double specials[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1};
    operand x = randomized(dtype, DIMS(2, n), DOMAIN_ANY), line = make(dtype, DIMS(2, n)),
            wanted = randomized(dtype, DIMS(2, values, 1), DOMAIN_ANY), out = make(TARN_UINT32, DIMS(2, values, 1));
    for (int64_t i = 0; i < n && dtype_kind_of(dtype) == KIND_FLOAT; i += 5) put(&x, i, specials[i % 6]);
    compare_call(CALL(sort, &(attributes_sort){.axis = 1}, &line, x), 0, "sort");
    for (int64_t i = 0; i < 2 * values && n > 0; i += 2)
        memcpy((char *)wanted.data + i * dtype_bytes(dtype), (char *)x.data + i % (2 * n) * dtype_bytes(dtype),
               (size_t)dtype_bytes(dtype));
    for (int right = 0; right < 2; right++)
        compare_call(CALL(searchsorted, &(attributes_searchsorted){.right = right}, &out, line, wanted), 0,
                     "searchsorted");
}

static void test_searches(tarn_dtype dtype) {
    for (int64_t n = 0; n < 40; n += n < 5 ? 1 : 7) test_search(dtype, n, 33);
    test_search(dtype, 1000, 3001);
}

static const reduce_kind scan_kinds[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MAX, REDUCE_MIN, REDUCE_LOGADDEXP};

static operand scannable(tarn_dtype dtype, tarn_ints shape, const attributes_scan *a, int layout) {
    return reducible(dtype, shape, (reduce_kind)(a->kind == REDUCE_LOGADDEXP ? REDUCE_SUM : a->kind), layout);
}

static void compare_scan(operand x, attributes_scan a) {
    tarn_dtype dtype = x.dtype;
    tarn_ints shape = {x.shape, x.ndim};
    operand out = make(a.kind >= REDUCE_MAX ? dtype : reduced_dtype((reduce_kind)a.kind, dtype), shape);
    /* The reference rounds half types once and keeps long doubles; partial sums of n numbers reach 6 sqrt(n). */
    operand scale = make(TARN_FLOAT64, shape);
    double n = (double)shape.values[axis_normal(a.axis, (int)shape.count)];
    double most = a.kind == REDUCE_LOGADDEXP ? 4 : 6 * sqrt(n);
    bool rounded = dtype == TARN_FLOAT64 || a.kind == REDUCE_LOGADDEXP;
    if (dtype_is_half(dtype) && a.kind == REDUCE_SUM) {
        /* Columns are summed in float32, whose n roundings make about sqrt(n) units of such a partial sum. */
        most = ldexp(most * sqrt(n), bits_of_mantissa(dtype) - 23);
        rounded = true;
    }
    for (int64_t i = 0; rounded && i < operand_size(&scale); i++) put(&scale, i, most);
    double tolerance = dtype_is_half(dtype)    ? (a.kind == REDUCE_SUM ? 2 : 1) /* the reference's rounding beside */
                       : dtype == TARN_FLOAT64 ? 128                            /* 140,001 roundings make 65 */
                       : rounded               ? 8
                       : a.kind < REDUCE_MAX   ? 1
                                               : 0;
    compare_scaled(CALL(scan, &a, &out, x), tolerance, &scale, "scan");
}

static void test_scan(tarn_dtype dtype, tarn_ints shape, attributes_scan a, int layout) {
    if (!in_rounds() || (dtype == TARN_COMPLEX64 && a.kind >= REDUCE_MAX)) return;
    if (a.kind == REDUCE_LOGADDEXP && dtype_kind_of(dtype) < KIND_FLOAT) return;
    compare_scan(scannable(dtype, shape, &a, layout), a);
}

/* What is no number or infinite, and what is near the ends of float32 where a sum keeps its digits beside it, wherever
   in a line or a column it comes. */
static void test_scans_of_specials(tarn_dtype dtype) {
    static const double specials[] = {NAN, INFINITY, -INFINITY, 3e38, -3e38};
    const tarn_ints shapes[] = {DIMS(9, 517), DIMS(2, 140001), DIMS(517, 41)};
    for (int i = 0; i < 60 && dtype_kind_of(dtype) == KIND_FLOAT; i++) {
        if (!in_rounds()) continue;
        attributes_scan a = {
            .kind = scan_kinds[i % 5], .axis = i / 20 == 2 ? 0 : -1, .reverse = i / 5 & 1, .exclusive = i / 10 & 1};
        operand x = scannable(dtype, shapes[i / 20], &a, 0);
        int64_t size = operand_size(&x), count = 2 * size / shapes[i / 20].values[axis_normal(a.axis, 2)];
        for (int64_t k = 0; k < count; k++)
            put(&x, (int64_t)(random_bits() % (uint64_t)size), specials[random_bits() % (a.kind < REDUCE_MAX ? 3 : 5)]);
        compare_scan(x, a);
    }
}

/* The bits of floats are the reference's; NaNs need only be NaNs. */
static void expect_same_bits(const operand *got, const operand *expected, const char *what) {
    for (int64_t i = 0; i < operand_size(got); i++) {
        double a = get(got, i), b = get(expected, i);
        bool same = isnan(b) ? isnan(a) : a == b && !signbit(a) == !signbit(b);
        CHECK(same, "%s %s[%lld]: %.17g instead of %.17g", what, dtype_facts[got->dtype].name, (long long)i, a, b);
        if (!same) return;
    }
}

/* Running extremes of floats: lines of zeros of both signs, which only numbers that do not win stand between, with and
   without NaNs; of many vectors, and in the second or the third chunk of a line alone. */
static void test_scans_of_nan(tarn_dtype dtype) {
    if (dtype_kind_of(dtype) != KIND_FLOAT) return;
    for (int i = 0; i < 24; i++) {
        if (!in_rounds()) continue;
        attributes_scan a = {
            .kind = i & 1 ? REDUCE_MIN : REDUCE_MAX, .axis = -1, .reverse = i >> 1 & 1, .exclusive = i >> 2 & 1};
        tarn_ints shape = i / 8 ? DIMS(1, 140001) : DIMS(9, 517);
        operand x = make(dtype, shape), got = make(dtype, shape), expected = make(dtype, shape);
        for (int64_t k = 0; k < operand_size(&x); k++) {
            double other = (i & 1 ? 1 : -1) * random_real(DOMAIN_POSITIVE), zero = random_bits() & 1 ? 0.0 : -0.0;
            put(&x, k, k % 517 < 40 || random_bits() % 8 ? other : zero);
        }
        for (int row = 0; i / 8 == 0 && row < 8; row++) put(&x, row * 517 + 60 * row + 7, row & 1 ? NAN : -NAN);
        if (i / 8) put(&x, i / 8 == 1 ? 70003 : 132000, NAN);
        CHECK(run_call(&backend_cpu, CALL(scan, &a, &got, x)), "%s", tarn_error());
        CHECK(run_call(&backend_reference, CALL(scan, &a, &expected, x)), "%s", tarn_error());
        expect_same_bits(&got, &expected, "scan of NaN");
    }
}

/* Sums and products that leave the range of double on their way: what comes of elements one by one, of which `at` gives
   some in the order in which they run; the others are `rest`. */
typedef struct {
    reduce_kind kind;
    double rest;
    struct {
        int64_t first, count;
        double value;
    } at[4];
} range_case;

static void put_case(const operand *x, const range_case *t, bool reverse) {
    int64_t n = operand_size(x);
    for (int64_t i = 0; i < n; i++) put(x, i, t->rest);
    for (int k = 0; k < 4; k++)
        for (int64_t i = t->at[k].first; i < t->at[k].first + t->at[k].count; i++)
            put(x, reverse ? n - 1 - i : i, t->at[k].value);
}

static void test_range(tarn_dtype dtype, const range_case *t, int64_t n, attributes_scan a) {
    if (!in_rounds()) return;
    operand x = make(dtype, DIMS(n)), got = make(dtype, DIMS(n)), expected = make(dtype, DIMS(n));
    volatile double running = t->kind == REDUCE_PROD; /* each step is rounded */
    put_case(&x, t, a.reverse);
    for (int64_t i = 0; i < n; i++) {
        int64_t k = a.reverse ? n - 1 - i : i;
        double before = running;
        running = t->kind == REDUCE_PROD ? before * get(&x, k) : before + get(&x, k);
        put(&expected, k, a.exclusive ? before : running);
    }
    CHECK(run_call(&backend_cpu, CALL(scan, &a, &got, x)), "%s", tarn_error());
    expect_same_bits(&got, &expected, t->kind == REDUCE_PROD ? "product out of range" : "sum out of range");
}

static void test_ranges(void) {
    static const struct {
        tarn_dtype dtype;
        int64_t n;
        range_case t;
    } cases[] = {
        /* In a chunk and back. */
        {TARN_FLOAT64, 140001, {REDUCE_SUM, 0, {{0, 1, 1.7e308}, {65536, 1, 1e308}, {65537, 1, -1e308}}}},
        {TARN_FLOAT64, 140001, {REDUCE_SUM, 0, {{65536, 1, 1.7e308}, {65537, 1, 1e308}, {65569, 1, -1.7e308}}}},
        {TARN_FLOAT64, 140001, {REDUCE_SUM, 0, {{0, 1, (double)INFINITY}, {70000, 2, -1.7e308}}}},
        {TARN_FLOAT64, 140001, {REDUCE_SUM, 0, {{0, 1, (double)INFINITY}, {70000, 1, -(double)INFINITY}}}},
        {TARN_FLOAT64, 140001, {REDUCE_PROD, 1, {{0, 1, 0x1p1000}, {65600, 1, 0x1p100}, {65700, 1, 0x1p-100}}}},
        {TARN_FLOAT64, 140001, {REDUCE_PROD, 1, {{0, 1, 0x1p-1000}, {65600, 1, 0x1p-100}, {65700, 1, 0x1p100}}}},
        {TARN_FLOAT64, 140001, {REDUCE_PROD, 1, {{65536, 3, 0x1p500}, {65544, 3, 0x1p-500}}}},
        {TARN_FLOAT64, 140001, {REDUCE_PROD, -1, {{9, 1, -0.0}, {65544, 3, 0x1p500}, {139000, 1, (double)INFINITY}}}},
        {TARN_FLOAT32, 140001, {REDUCE_PROD, 1, {{0, 8, 0x1p125}, {65600, 1, 0x1p100}, {65700, 1, 0x1p-100}}}},
        {TARN_BFLOAT16, 140001, {REDUCE_PROD, 1, {{0, 8, 0x1p-125}, {65600, 1, 0x1p-100}, {65700, 2, 0x1p100}}}},
        /* Among subnormal numbers and back, in steps that round; to zero, and of signs. */
        {TARN_FLOAT64, 300, {REDUCE_PROD, -0.5, {{0, 1, 0x1.23456789abcdep-1000}, {50, 1, 0x1p90}, {199, 1, 0x1p60}}}},
        {TARN_FLOAT32, 300, {REDUCE_PROD, -0.7F, {{0, 8, 0x1p-126}, {60, 9, 0x1p100}}}},
        {TARN_BFLOAT16, 300, {REDUCE_PROD, -0.75, {{0, 8, 0x1p-126}, {80, 9, 0x1p100}, {200, 9, 0x1p-120}}}},
        {TARN_FLOAT16, 3000, {REDUCE_PROD, -0.5, {{1010, 40, 32768}}}},
        {TARN_FLOAT64, 300, {REDUCE_PROD, 0.5, {{0, 1, 0x1p-990}, {90, 1, (double)INFINITY}}}},
        /* A part of a chunk whose product alone is subnormal, behind a large one. */
        {TARN_FLOAT64, 262144, {REDUCE_PROD, 1, {{65536, 1, 0x1p100}, {67584, 2, 0x1.23456789abcdep-536}}}},
        /* In a vector and back. */
        {TARN_FLOAT32, 96, {REDUCE_PROD, 1, {{0, 8, 0x1p125}, {8, 8, 0x1p-140}}}},
        {TARN_BFLOAT16, 96, {REDUCE_PROD, 1, {{0, 8, 0x1p125}, {8, 8, 0x1p-130}}}},
        {TARN_FLOAT32, 96, {REDUCE_PROD, 1, {{0, 8, 0x1p-125}, {8, 1, 0x1p-100}, {9, 1, 0x1p100}, {16, 8, 0x1p125}}}},
        {TARN_FLOAT64, 96, {REDUCE_PROD, 1, {{0, 2, 0x1p500}, {2, 2, 1.2345678901234567e-160}}}},
        {TARN_FLOAT64, 96, {REDUCE_PROD, 0x1p-16, {{0, 1, 0x1p400}, {60, 36, 0x1p15}}}},
        {TARN_FLOAT64, 96, {REDUCE_PROD, -1, {{40, 1, 0}}}},
    };
    for (size_t i = 0; i < 4 * sizeof cases / sizeof *cases; i++) {
        attributes_scan a = {.kind = cases[i / 4].t.kind, .axis = -1, .reverse = i & 1, .exclusive = i >> 1 & 1};
        test_range(cases[i / 4].dtype, &cases[i / 4].t, cases[i / 4].n, a);
    }
}

/* Lines and columns, short and long, of all kinds and both ways. */
static void test_scans(tarn_dtype dtype) {
    for (int i = 0; i < 60; i++) {
        attributes_scan a = {.kind = scan_kinds[i % 5], .axis = i % 3, .reverse = i % 2, .exclusive = i / 5 % 2};
        test_scan(dtype, DIMS(3, 290, 5), a, i % LAYOUTS);
        test_scan(dtype, DIMS(4, 7, 37), a, (i + 1) % LAYOUTS);
    }
    for (int i = 0; i < 10; i++) {
        attributes_scan a = {.kind = scan_kinds[i % 5], .axis = -1, .reverse = i / 5, .exclusive = i % 2};
        test_scan(dtype, DIMS(2, 140001), a, i % 2 ? 0 : 1);
        a.axis = 0;
        test_scan(dtype, DIMS(9, 4117), a, 0);
    }
}

/* Whatever the strides of axes of one element are. */
static void test_narrow_scans(tarn_dtype dtype) {
    static const reduce_kind kinds[] = {REDUCE_SUM, REDUCE_PROD, REDUCE_MAX};
    for (int i = 0; i < 3 * LAYOUTS; i++) {
        test_scan(dtype, DIMS(4, 7, 37, 1), (attributes_scan){.kind = kinds[i % 3], .axis = i % 2}, i / 3);
        test_scan(dtype, DIMS(4, 37, 1, 1), (attributes_scan){.kind = kinds[i % 3]}, i / 3);
    }
}

/* Long lines and large outputs, which go past the caches: the same bits with any number of threads. */
static void test_scan_threads(tarn_ints shape, attributes_scan a) {
    if (!in_rounds()) return;
    operand x = randomized(TARN_FLOAT32, shape, DOMAIN_ANY), results[3], expected = make(TARN_FLOAT32, shape);
    size_t bytes = (size_t)operand_size(&x) * sizeof(float);
    for (int threads = 1; threads <= 3; threads++) {
        operand *out = &results[threads - 1];
        *out = make(TARN_FLOAT32, shape);
        parallel_set_threads(threads);
        CHECK(run_call(&backend_cpu, CALL(scan, &a, out, x)), "%s", tarn_error());
        CHECK(memcmp(out->data, results[0].data, bytes) == 0, "scan: %d threads change the sums", threads);
    }
    parallel_set_threads(0);
    CHECK(run_call(&backend_reference, CALL(scan, &a, &expected, x)), "%s", tarn_error());
    operand scale = make(TARN_FLOAT64, shape);
    for (int64_t i = 0; i < operand_size(&scale); i++) put(&scale, i, 1);
    compare(&results[0], &expected, 2, &scale, "scan of many");
}

/* Lines of all kinds that are cut into chunks: what one thread finds while it writes is what several find ahead. */
static void test_chunk_threads(tarn_dtype dtype, attributes_scan a) {
    if (!in_rounds()) return;
    operand x = scannable(dtype, DIMS(2, 400003), &a, 0), results[3];
    size_t bytes = (size_t)(operand_size(&x) * dtype_bytes(dtype));
    for (int threads = 1; threads <= 3; threads++) {
        operand *out = &results[threads - 1];
        *out = make(dtype, DIMS(2, 400003));
        parallel_set_threads(threads);
        CHECK(run_call(&backend_cpu, CALL(scan, &a, out, x)), "%s", tarn_error());
        CHECK(memcmp(out->data, results[0].data, bytes) == 0, "scan %d %s, reverse %d: %d threads change the bits",
              a.kind, dtype_facts[dtype].name, a.reverse, threads);
    }
    parallel_set_threads(0);
}

static void test_chunks(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16, TARN_FLOAT64};
    for (int i = 0; i < 40; i++)
        test_chunk_threads(
            dtypes[i / 10],
            (attributes_scan){.kind = scan_kinds[i % 5], .axis = -1, .reverse = i / 5 % 2, .exclusive = i % 2});
    release_kept();
}

/* Rows of one content in a large output, wherever each begins in memory, are the row alone to the last bit. */
static void test_rows_alike(tarn_dtype dtype, attributes_scan a) {
    if (!in_rounds()) return;
    const int64_t n = 1025, rows = (16 << 20) / (n * dtype_bytes(dtype)) + 1;
    size_t bytes = (size_t)(n * dtype_bytes(dtype));
    operand x = scannable(dtype, DIMS(1, n), &a, 0), alone = make(dtype, DIMS(1, n)), out = make(dtype, DIMS(rows, n));
    if (a.kind == REDUCE_LOGADDEXP) /* logarithms about 0 show each bit of their sums */
        for (int64_t i = 0; i < n; i++) put(&x, i, get(&x, i) - 9);
    CHECK(run_call(&backend_cpu, CALL(scan, &a, &alone, x)), "%s", tarn_error());
    CHECK(run_call(&backend_cpu, CALL(scan, &a, &out, view(x, 0, DIMS(rows, n), DIMS(0, 1)))), "%s", tarn_error());
    int64_t same = 0;
    for (int64_t row = 0; row < rows; row++)
        same += !memcmp((char *)out.data + row * (int64_t)bytes, alone.data, bytes);
    CHECK(same == rows, "scan %d %s, reverse %d: %lld of %lld equal rows are not the row alone", a.kind,
          dtype_facts[dtype].name, a.reverse, (long long)(rows - same), (long long)rows);
}

static void test_equal_rows(tarn_dtype dtype) {
    if (dtype_kind_of(dtype) != KIND_FLOAT) return;
    for (int i = 0; i < 10; i++)
        test_rows_alike(dtype, (attributes_scan){.kind = scan_kinds[i % 5], .axis = -1, .reverse = i / 5});
    release_kept();
}

/* In order, wholly or in part: to the last bit of each zero and NaN. */
static void test_order(operand x, int64_t n, bool indices, bool alike) {
    const attributes_sort wanted[] = {{.axis = 0},
                                      {.part = true, .first = n / 2, .last = n / 2},
                                      {.part = true, .first = -((n + 9) / 10), .last = -1},
                                      {.part = true, .last = (int64_t)(random_bits() % (uint64_t)n)},
                                      {.part = true, .first = n / 3, .last = -(n / 3) - 1}};
    for (int i = 0; i < 5; i++) {
        operand got = make(indices ? TARN_UINT32 : x.dtype, DIMS(n, 2)), expected = make(got.dtype, DIMS(n, 2));
        call c = {.op = indices ? OP_argsort : OP_sort,
                  .attributes = &wanted[i],
                  .input_count = 1,
                  .inputs = &x,
                  .output_count = 1,
                  .outputs = &expected};
        CHECK(run_call(&backend_reference, c));
        c.outputs = &got;
        CHECK(run_call(&backend_cpu, c));
        CHECK(!memcmp(got.data, expected.data, (size_t)(2 * n * dtype_bytes(got.dtype))), "%s %d of %lld %s, alike %d",
              op_name(c.op), i, (long long)n, dtype_facts[x.dtype].name, alike);
    }
}

/* Long lines, which threads share, and those of 16 bits that are counted. */
static void test_long_orders(tarn_dtype dtype) {
    static const double specials[] = {NAN, INFINITY, 0, -0.0, 1e-40, -1e-40};
    const int64_t lengths[] = {1, 33, 129, 700, 20000, 70000};
    for (int l = 0; l < 6; l++)
        for (int alike = 0; alike < 2; alike++) {
            if (!in_rounds()) continue;
            operand x = randomized(dtype, DIMS(lengths[l], 2), DOMAIN_ANY);
            for (int64_t i = 0; i < 2 * lengths[l] && (alike || dtype_kind_of(dtype) == KIND_FLOAT);
                 i += 1 + !alike * 5)
                put(&x, i,
                    alike ? (double)(random_bits() % 5) : specials[random_bits() % 6] * (random_bits() % 2 ? -1 : 1));
            for (int indices = 0; indices < 2; indices++) test_order(x, lengths[l], indices, alike);
        }
}

static void test_making(tarn_dtype dtype) {
    static const double starts[][2] = {{0, 1}, {-3, 2}, {0.5, 0.25}, {10, -3}, {1.7, 1.5}};
    for (int i = 0; i < 5; i++) {
        operand out = make(dtype, DIMS(77));
        attributes_arange a = {.start = starts[i][0], .step = starts[i][1], .dtype = dtype};
        if (dtype == TARN_BOOL || dtype == TARN_COMPLEX64) continue;
        call c = {.op = OP_arange, .attributes = &a, .output_count = 1, .outputs = &out};
        if (dtype_is_unsigned(dtype) && (starts[i][0] < 0 || starts[i][1] < 0)) continue;
        compare_call(c, 0, "arange");
    }
}

static void test_random(void) {
    operand keys = make(TARN_UINT32, DIMS(2, 3));
    for (int64_t i = 0; i < 6; i++) put(&keys, i, (double)(random_bits() >> 32));
    keys = transposed(keys);
    for (int width = 1; width <= 4; width *= 2)
        for (int64_t n = 0; n < 300; n += 37) {
            operand out = make(width == 1 ? TARN_UINT8 : width == 2 ? TARN_UINT16 : TARN_UINT32, DIMS(3, n));
            compare_call(CALL(random_bits, (&(attributes_random_bits){.shape = DIMS(n), .width = width}), &out, keys),
                         0, "random_bits");
        }
}

/* ---- quantization, bit for bit */
static void test_quantization(tarn_dtype dtype, int64_t bits, int64_t group) {
    operand w = laid_out(dtype, DIMS(5, 3, 2 * group), DOMAIN_ANY, 4),
            packed = make(TARN_UINT32, DIMS(5, 3, 2 * group * bits / 32));
    operand scales = make(dtype, DIMS(5, 3, 2)), biases = make(dtype, DIMS(5, 3, 2)),
            back = make(dtype, DIMS(5, 3, 2 * group));
    for (int64_t i = 0; i < group; i++) put(&w, i, (double)(i % 2)); /* one-sided */
    operand outputs[] = {packed, scales, biases};
    attributes_quantize a = {.group_size = group, .bits = bits};
    compare_call(
        (call){
            .op = OP_quantize, .attributes = &a, .inputs = &w, .input_count = 1, .outputs = outputs, .output_count = 3},
        0, "quantize");
    for (int64_t i = 0; i < operand_size(&packed); i++) ((uint32_t *)packed.data)[i] = (uint32_t)random_bits();
    for (int64_t i = 0; i < 30; i++) put(&scales, i, random_unit()), put(&biases, i, random_unit() - 0.5);
    attributes_dequantize d = {.group_size = group, .bits = bits};
    compare_call(CALL(dequantize, &d, &back, packed, scales, biases), 0, "dequantize");
}

/* Rows longer than what kernels take at a time, with numbers of all sizes; then all bytes as scales and all codes. */
static void test_float_quantization(quant_mode mode, tarn_dtype dtype, bool with_global) {
    static const double specials[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e-40, 0.25, -3.5, 448, 5};
    int64_t bits = mode == QUANT_mxfp8 ? 8 : 4, group = mode == QUANT_nvfp4 ? 16 : 32, k = 1024 + 5 * group;
    float value = 3.7F;
    operand w = laid_out(dtype, DIMS(3, 2, k), DOMAIN_ANY, 4), packed = make(TARN_UINT32, DIMS(3, 2, k * bits / 32)),
            scales = make(TARN_UINT8, DIMS(3, 2, k / group)), none = {0}, global = make(TARN_FLOAT32, TARN_0D);
    memcpy(global.data, &value, sizeof value);
    for (int64_t i = 0; i < 40; i++) put(&w, (int64_t)(random_bits() % (uint64_t)(6 * k)), specials[i % 10]);
    for (int64_t i = 0; i < group; i++) put(&w, i, 0);
    operand inputs[] = {w, global}, outputs[] = {packed, scales};
    attributes_quantize a = {.mode = mode, .group_size = group, .bits = bits};
    compare_call((call){.op = OP_quantize,
                        .attributes = &a,
                        .inputs = inputs,
                        .input_count = with_global ? 2 : 1,
                        .outputs = outputs,
                        .output_count = 2},
                 0, "quantize to floats");
    for (int64_t i = 0; i < operand_size(&packed); i++) ((uint32_t *)packed.data)[i] = (uint32_t)random_bits();
    for (int64_t i = 0; i < operand_size(&scales); i++) ((uint8_t *)scales.data)[i] = (uint8_t)i;
    for (int to = TARN_FLOAT16; to <= TARN_FLOAT32; to++) {
        operand back = make((tarn_dtype)to, DIMS(3, 2, k)), parts[] = {packed, scales, none, global};
        attributes_dequantize d = {.mode = mode, .group_size = group, .bits = bits, .dtype = (tarn_dtype)to};
        compare_call((call){.op = OP_dequantize,
                            .attributes = &d,
                            .inputs = parts,
                            .input_count = with_global ? 4 : 2,
                            .outputs = &back,
                            .output_count = 1},
                     0, "dequantize floats");
    }
}

static void test_quantizations(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT16, TARN_BFLOAT16};
    for (int d = 0; d < 3; d++) {
        test_float_quantization(QUANT_mxfp4, dtypes[d], false);
        test_float_quantization(QUANT_mxfp8, dtypes[d], false);
        test_float_quantization(QUANT_nvfp4, dtypes[d], false);
        test_float_quantization(QUANT_nvfp4, dtypes[d], true);
    }
    static const int64_t bits[] = {2, 3, 4, 5, 6, 8};
    for (int d = 0; d < 3; d++)
        for (int b = 0; b < 6; b++)
            for (int64_t group = 32; group <= 128; group *= 2) test_quantization(dtypes[d], bits[b], group);
}

static void test_set(void) {
    test_ranges();
    test_random();
    test_quantizations();
    for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) {
        test_copies((tarn_dtype)dtype);
        test_blocks((tarn_dtype)dtype);
        test_placed_blocks((tarn_dtype)dtype, 1);
        test_indices((tarn_dtype)dtype);
        test_several_axes((tarn_dtype)dtype);
        test_reductions((tarn_dtype)dtype);
        test_extremes((tarn_dtype)dtype);
        test_long_extremes((tarn_dtype)dtype, 5001);
        test_long_extremes((tarn_dtype)dtype, 140000);
        test_column_extremes((tarn_dtype)dtype);
        test_orders((tarn_dtype)dtype);
        test_searches((tarn_dtype)dtype);
        test_scans((tarn_dtype)dtype);
        test_scans_of_nan((tarn_dtype)dtype);
        test_scans_of_specials((tarn_dtype)dtype);
        test_long_orders((tarn_dtype)dtype);
        test_making((tarn_dtype)dtype);
        release_kept();
    }
}

int main(void) {
    for (int isa = ISA_BASELINE; isa < ISA_COUNT; isa++) {
        if (!cpu_limit(cpu_isa_levels[isa])) {
            printf("skipped: no %s\n", cpu_isa_levels[isa]->name);
            continue;
        }
        parallel_set_threads(isa == ISA_AVX2 ? 3 : 0);
        test_set();
        printf("%s: %d checks, %d failures, %d calls left to the reference\n", cpu_isa_levels[isa]->name, checks,
               failures, left_out);
    }
    test_large_copy(TARN_FLOAT32, 2100, 2112);
    test_large_copy(TARN_FLOAT64, 1100, 2101); /* rows that are no whole lines */
    test_placed_blocks(TARN_FLOAT32, 1000);    /* a block is worth several threads */
    test_scatter_threads(37, 3000, 900, 1, false);
    test_scatter_threads(37, 3000, 900, 1, true);
    test_scatter_threads(5000, 1, 200000, 1, false);
    test_scatter_threads(50, 8, 500, 9, false);
    test_scatter_threads(50, 8, 500, 9, true);
    for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) test_narrow_scans((tarn_dtype)dtype);
    test_chunks();
    for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) test_equal_rows((tarn_dtype)dtype);
    for (int way = 0; way < 4; way++) {
        attributes_scan a = {.kind = REDUCE_SUM, .axis = -1, .reverse = way & 1, .exclusive = way >> 1};
        test_scan_threads(DIMS(1, 4400001), a);
        test_scan_threads(DIMS(1001, 4201), a);
        a.axis = 0;
        test_scan_threads(DIMS(1001, 4208), a);
        release_kept();
    }
    return failures != 0;
}
