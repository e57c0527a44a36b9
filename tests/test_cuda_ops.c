/* The other rows of the CUDA device against the reference, or against their formulas in double where the reference has
   none: fresh random inputs, layouts, sizes that are no multiples of anything, nothing at all. Copies and streams.
   Skips where there is no device. */
#include "cuda_device.h"
#include "table/conv.h"
#include "table/absent.h"

static const tarn_dtype floats[] = {TARN_FLOAT32, TARN_FLOAT16, TARN_BFLOAT16, TARN_FLOAT64};

/* A dense operand of complex numbers as what they are made of. */
static operand parts_of(const operand *o) {
    operand parts = make(TARN_FLOAT32, DIMS(2 * operand_size(o)));
    parts.data = o->data;
    return parts;
}

/* ||got - expected|| / ||expected||, and nothing that is not a number. */
static void near(const operand *got, const operand *expected, double most, const char *what) {
    double error = 0, size = 0;
    if (got->dtype == TARN_COMPLEX64) {
        operand parts[] = {parts_of(got), parts_of(expected)};
        near(&parts[0], &parts[1], most, what);
        return;
    }
    for (int64_t i = 0, n = operand_size(expected); i < n; i++) {
        double e = get(expected, i), d = get(got, i) - e;
        error += d * d;
        size += e * e;
    }
    CHECK(error <= most * most * size, "%s %s: %g instead of at most %g", what, dtype_facts[got->dtype].name,
          sqrt(error / size), most);
}

static double closeness(tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? 4e-3 : dtype == TARN_FLOAT16 ? 6e-4 : dtype == TARN_FLOAT64 ? 1e-14 : 2e-6;
}

/* Both backends, where the call is due; what the outputs hold before differs, so that what is not written shows. */
static bool run_both(call c, operand *got, operand *expected, bool keeps) {
    call r = c;
    c.outputs = got;
    r.outputs = expected;
    if (!is_due(c)) return false;
    int64_t bytes = operand_size(got) * dtype_bytes(got->dtype);
    if (!keeps) memset(got->data, 0x5A, (size_t)bytes);
    bool ok = run_on_cuda(c);
    CHECK(ok, "%s on %s: %s", op_name(c.op), dtype_facts[c.inputs[0].dtype].name, tarn_error());
    bool known = run_call(&backend_reference, r);
    CHECK(known, "%s: %s", op_name(c.op), tarn_error());
    tarn_clear_error();
    return ok && known;
}

static void check_exact(call c, tarn_dtype dtype, tarn_ints shape) {
    operand got = make(dtype, shape), expected = make(dtype, shape);
    if (run_both(c, &got, &expected, false)) compare(&got, &expected, 0, NULL, op_name(c.op));
}

static void check_near(call c, tarn_dtype dtype, tarn_ints shape, double most) {
    operand got = make(dtype, shape), expected = make(dtype, shape);
    if (run_both(c, &got, &expected, false)) near(&got, &expected, most, op_name(c.op));
}

/* ---- moving */
static void test_moving(tarn_dtype dtype) {
    for (int layout = 0; layout < LAYOUTS; layout++) {
        check_exact(CALL(contiguous, NULL, NULL, laid_out(dtype, DIMS(5, 7, 33), DOMAIN_ANY, layout)), dtype,
                    DIMS(5, 7, 33));
        check_exact(CALL(contiguous, NULL, NULL, laid_out(dtype, DIMS(3, 0, 2), DOMAIN_ANY, layout)), dtype,
                    DIMS(3, 0, 2));
        attributes_concatenate a = {.axis = -2};
        check_exact(CALL(concatenate, &a, NULL, laid_out(dtype, DIMS(4, 3, 5), DOMAIN_ANY, layout),
                         randomized(dtype, DIMS(4, 0, 5), DOMAIN_ANY), laid_out(dtype, DIMS(4, 6, 5), DOMAIN_ANY, 1)),
                    dtype, DIMS(4, 9, 5));
    }
    /* more than go at once, and a long one */
    operand a = randomized(dtype, DIMS(1), DOMAIN_ANY), b = randomized(dtype, DIMS(7), DOMAIN_ANY),
            c = randomized(dtype, DIMS(70001), DOMAIN_ANY), d = randomized(dtype, DIMS(64), DOMAIN_ANY);
    attributes_concatenate ends = {.axis = 0};
    check_exact(CALL(concatenate, &ends, NULL, a, b), dtype, DIMS(8));
    check_exact(CALL(concatenate, &ends, NULL, d, a, b, c, d, d, b, b, a, a, d, b), dtype, DIMS(70288));
    operand x = randomized(dtype, DIMS(3, 4, 20, 6), DOMAIN_ANY),
            starts = filled(TARN_INT32, DIMS(3, 1), VALUES(2, 19, -4));
    attributes_slice_array read = {.axes = DIMS(2), .sizes = DIMS(5), .step = DIMS(2)};
    check_exact(CALL(slice_array, &read, NULL, x, starts), dtype, DIMS(3, 4, 5, 6));
    attributes_slice_update write = {.axes = DIMS(2)};
    operand update = laid_out(dtype, DIMS(3, 4, 5, 6), DOMAIN_ANY, 3), got = make(dtype, DIMS(3, 4, 20, 6)),
            expected = got;
    expected.data = keep((size_t)operand_size(&x), (size_t)dtype_bytes(dtype));
    memcpy(got.data, x.data, (size_t)(operand_size(&x) * dtype_bytes(dtype)));
    memcpy(expected.data, x.data, (size_t)(operand_size(&x) * dtype_bytes(dtype)));
    if (run_both(CALL(slice_update, &write, NULL, x, update, starts), &got, &expected, true))
        compare(&got, &expected, 0, NULL, "slice_update");
}

static void test_picking(tarn_dtype dtype) {
    operand x = laid_out(dtype, DIMS(9, 4, 6), DOMAIN_ANY, 1);
    operand first = filled(TARN_INT64, DIMS(3, 2), VALUES(0, -1, 8, 9, -10, 3)),
            second = filled(TARN_UINT32, DIMS(2), VALUES(5, 0));
    attributes_gather rows = {.axes = DIMS(0)}, two = {.axes = DIMS(0, 2)};
    check_exact(CALL(gather, &rows, NULL, x, first), dtype, DIMS(3, 2, 4, 6));
    check_exact(CALL(gather, &two, NULL, x, first, second), dtype, DIMS(3, 2, 4));
    operand three = filled(TARN_INT32, DIMS(3), VALUES(1, -2, 0));
    for (int64_t axis = 0; axis < 3; axis++) {
        attributes_gather along = {.axes = TARN_INTS(axis)};
        const int64_t shape[] = {axis == 0 ? 3 : 5, axis == 1 ? 3 : 4, axis == 2 ? 3 : 6};
        for (int layout = 0; layout < LAYOUTS; layout++)
            check_exact(CALL(gather, &along, NULL, laid_out(dtype, DIMS(5, 4, 6), DOMAIN_ANY, layout), three), dtype,
                        DIMS(shape[0], shape[1], shape[2]));
        const int64_t none[] = {axis == 0 ? 0 : 5, axis == 1 ? 0 : 4, axis == 2 ? 0 : 6};
        check_exact(CALL(gather, &along, NULL, make(dtype, DIMS(none[0], none[1], none[2])), three), dtype,
                    DIMS(shape[0], shape[1], shape[2]));
    }
    for (int mode = 0; mode < 5; mode++) {
        attributes_scatter a = {.axes = DIMS(0), .mode = (tarn_scatter_mode)mode};
        operand start = randomized(dtype, DIMS(9, 4, 6), DOMAIN_ANY), got = make(dtype, DIMS(9, 4, 6)),
                expected = make(dtype, DIMS(9, 4, 6));
        for (int64_t i = 0; i < operand_size(&start); i++)
            put(&got, i, get(&start, i)), put(&expected, i, get(&start, i));
        operand indices = filled(TARN_INT32, DIMS(5), VALUES(2, -1, 2, 20, 2)),
                updates = laid_out(dtype, DIMS(5, 4, 6), DOMAIN_ANY, 2);
        if (!run_both(CALL(scatter, &a, NULL, start, updates, indices), &got, &expected, true)) continue;
        compare(&got, &expected, dtype_kind_of(dtype) >= KIND_FLOAT ? 1 : 0, NULL, "scatter");
    }
}

static void test_making(void) {
    static const tarn_dtype dtypes[] = {TARN_INT32,   TARN_UINT8,    TARN_INT64,   TARN_FLOAT32,
                                        TARN_FLOAT64, TARN_BFLOAT16, TARN_FLOAT16, TARN_COMPLEX64};
    operand absent[1] = {{0}};
    for (int d = 0; d < 8; d++) {
        attributes_arange a = {.start = 3, .stop = 103, .step = 1, .dtype = dtypes[d]};
        call c = {.op = OP_arange, .attributes = &a, .inputs = absent, .output_count = 1};
        check_exact(c, dtypes[d], DIMS(100));
    }
    for (int64_t n = 1; n < 9; n += 3) {
        attributes_random_bits a = {.shape = TARN_INTS(n), .width = 1};
        check_exact(CALL(random_bits, &a, NULL, laid_out(TARN_UINT32, DIMS(3, 2), DOMAIN_ANY, 1)), TARN_UINT8,
                    DIMS(3, n));
    }
    attributes_random_bits many = {.shape = DIMS(1001), .width = 4};
    check_exact(CALL(random_bits, &many, NULL, filled(TARN_UINT32, DIMS(2), VALUES(7, 4000000000))), TARN_UINT32,
                DIMS(1001));
}

/* ---- reducing */
static void test_reducing(tarn_dtype dtype) {
    for (int layout = 0; layout < LAYOUTS; layout++) {
        for (int kind = REDUCE_SUM; kind <= REDUCE_ANY; kind++) {
            bool truth = kind >= REDUCE_ALL || dtype == TARN_BOOL;
            bool is_float = dtype_kind_of(dtype) == KIND_FLOAT;
            attributes_reduce all = {.kind = (reduce_kind)kind}, middle = {.kind = (reduce_kind)kind, .axes = DIMS(1)};
            operand x = laid_out(dtype, DIMS(6, 50, 7), kind == REDUCE_PROD ? DOMAIN_UNIT : DOMAIN_ANY, layout);
            tarn_dtype to = truth ? TARN_BOOL : dtype;
            double most = is_float && !truth && kind <= REDUCE_PROD ? 4 * closeness(dtype) : 0;
            check_near(CALL(reduce, &all, NULL, x), to, TARN_0D, most * 100);
            check_near(CALL(reduce, &middle, NULL, x), to, DIMS(6, 7), most * 4);
            if (layout == 0 && dtype == TARN_BOOL) check_exact(CALL(reduce, &middle, NULL, x), TARN_BOOL, DIMS(6, 7));
            check_exact(CALL(reduce, &middle, NULL, make(dtype, DIMS(3, 0, 2))), to, DIMS(3, 2));
        }
        if (layout == 0 && dtype_kind_of(dtype) == KIND_FLOAT) {
            attributes_reduce last = {.axes = DIMS(-1)}, first = {.axes = DIMS(0)}, outer = {.axes = DIMS(0, 2)};
            operand rows = randomized(dtype, DIMS(3, 20, 3001), DOMAIN_ANY);
            check_near(CALL(reduce, &last, NULL, rows), dtype, DIMS(3, 20), 400 * closeness(dtype));
            check_near(CALL(reduce, &outer, NULL, rows), dtype, DIMS(20), 400 * closeness(dtype));
            check_near(CALL(reduce, &first, NULL, randomized(dtype, DIMS(3000, 50), DOMAIN_ANY)), dtype, DIMS(50),
                       400 * closeness(dtype));
            check_near(CALL(reduce, &last, NULL, randomized(dtype, DIMS(70001), DOMAIN_UNIT)), dtype, TARN_0D,
                       400 * closeness(dtype));
        }
    }
}

static void test_best(tarn_dtype dtype) {
    attributes_arg_reduce largest = {.axis = 1}, least = {.axis = -1, .least = true}, all = {.axis = 0};
    for (int layout = 0; layout < LAYOUTS; layout++) {
        operand x = laid_out(dtype, DIMS(6, 333, 7), DOMAIN_ANY, layout);
        check_exact(CALL(arg_reduce, &largest, NULL, x), TARN_UINT32, DIMS(6, 7));
        check_exact(CALL(arg_reduce, &least, NULL, x), TARN_UINT32, DIMS(6, 333));
    }
    check_exact(CALL(arg_reduce, &all, NULL, randomized(dtype, DIMS(70001), DOMAIN_ANY)), TARN_UINT32, TARN_0D);
    /* rows that a cluster holds */
    operand rows = randomized(dtype, DIMS(5, 32768), DOMAIN_ANY);
    check_exact(CALL(arg_reduce, &largest, NULL, rows), TARN_UINT32, DIMS(5));
    check_exact(CALL(arg_reduce, &least, NULL, rows), TARN_UINT32, DIMS(5));
    for (int64_t i = 0; i < 5 * 32768; i++) put(&rows, i, i / 32768 == 1 ? -INFINITY : i / 32768 == 2 ? INFINITY : 1);
    put(&rows, 3 * 32768 + 20000, NAN), put(&rows, 3 * 32768 + 20003, NAN), put(&rows, 4 * 32768 + 32767, NAN);
    check_exact(CALL(arg_reduce, &largest, NULL, rows), TARN_UINT32, DIMS(5));
    check_exact(CALL(arg_reduce, &least, NULL, rows), TARN_UINT32, DIMS(5));
}

/* In double, what logsumexp over the axes of `bits` is of x, in the order of the axes that stay. */
static void expect_logsumexp(const operand *x, unsigned bits, double *to, int64_t count) {
    double *top = keep((size_t)count + 1, sizeof *top), *sum = keep((size_t)count + 1, sizeof *sum);
    for (int64_t i = 0; i < count; i++) top[i] = -INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0, n = operand_size(x); i < n; i++) {
            int64_t left = i, step = 1, at = 0;
            for (int d = x->ndim - 1; d >= 0; left /= x->shape[d--])
                if (!(bits >> d & 1)) at += left % x->shape[d] * step, step *= x->shape[d];
            double value = get(x, i);
            if (pass == 1)
                sum[at] += exp(value - (isinf(top[at]) ? 0 : top[at]));
            else if (isnan(value) || value > top[at])
                top[at] = value;
        }
    for (int64_t i = 0; i < count; i++) to[i] = log(sum[i]) + (isinf(top[i]) ? 0 : top[i]);
}

static void check_logsumexp(operand x, tarn_ints axes, tarn_ints shape) {
    unsigned bits = 0;
    for (int64_t i = 0; i < axes.count; i++)
        bits |= 1u << (axes.values[i] < 0 ? x.ndim + axes.values[i] : axes.values[i]);
    operand got = make(x.dtype, shape);
    int64_t count = operand_size(&got);
    double *expected = keep((size_t)count + 1, sizeof *expected);
    expect_logsumexp(&x, axes.values ? bits : ~0u, expected, count);
    attributes_logsumexp a = {.axes = axes};
    CHECK(run_on_cuda(CALL(logsumexp, &a, &got, x)), "logsumexp: %s", tarn_error());
    for (int64_t i = 0; i < count; i++) {
        double e = expected[i], g = get(&got, i);
        bool near = isfinite(e) ? fabs(g - e) <= 4 * closeness(x.dtype) * (1 + fabs(e)) : isnan(e) ? isnan(g) : g == e;
        CHECK(near, "logsumexp %s: %.17g instead of %.17g at %lld", dtype_facts[x.dtype].name, g, e, (long long)i);
    }
}

static void test_logsumexp(tarn_dtype dtype) {
    for (int layout = 0; layout < LAYOUTS; layout++) {
        operand x = laid_out(dtype, DIMS(6, 50, 7), DOMAIN_ANY, layout);
        check_logsumexp(x, (tarn_ints){0}, TARN_0D);
        check_logsumexp(x, DIMS(1), DIMS(6, 7));
        check_logsumexp(x, DIMS(0, -1), DIMS(50));
    }
    operand rows = randomized(dtype, DIMS(3, 20, 3001), DOMAIN_ANY);
    check_logsumexp(rows, DIMS(-1), DIMS(3, 20));
    check_logsumexp(rows, DIMS(0, 2), DIMS(20));
    check_logsumexp(randomized(dtype, DIMS(3000, 50), DOMAIN_ANY), DIMS(0), DIMS(50));
    check_logsumexp(make(dtype, DIMS(3, 0, 2)), DIMS(1), DIMS(3, 2));
    check_logsumexp(randomized(dtype, DIMS(3, 128256), DOMAIN_ANY), DIMS(-1), DIMS(3));
    /* one row in 34 parts, or a cluster's: what is far above all others, infinite or no number lies in one of them */
    const double apart[] = {0, 60000, -60000, INFINITY, -INFINITY, NAN};
    for (int64_t i = 0; i < 24; i++) {
        int64_t n = i % 2 ? 70001 : 128256;
        operand x = randomized(dtype, DIMS(n), DOMAIN_ANY);
        for (int64_t j = 0; i % 4 > 1 && j < n; j++) put(&x, j, -INFINITY);
        put(&x, 41234, apart[i / 4]);
        check_logsumexp(x, DIMS(0), TARN_0D);
    }
}

/* ---- order */

/* x [rows, n] along an axis, in each direction, with the element itself and without; most 0: exactly. */
static void check_scans(reduce_kind kind, int64_t axis, operand x, double most) {
    tarn_dtype to = x.dtype == TARN_BOOL ? TARN_INT32 : x.dtype;
    for (int way = 0; way < 4; way++) {
        attributes_scan scan = {.kind = kind, .axis = axis, .reverse = way % 2, .exclusive = way / 2};
        call c = CALL(scan, &scan, NULL, x);
        most > 0 ? check_near(c, to, DIMS(x.shape[0], x.shape[1]), most)
                 : check_exact(c, to, DIMS(x.shape[0], x.shape[1]));
    }
}

/* The largest and the least so far; behind the middle of the first line along the axis nothing is a number. */
static void check_extremes(operand x, int64_t axis) {
    if (dtype_kind_of(x.dtype) == KIND_FLOAT) put(&x, x.shape[axis] / 2 * x.strides[axis], NAN);
    check_scans(REDUCE_MAX, axis, x, 0);
    check_scans(REDUCE_MIN, axis, x, 0);
}

/* Rows that one warp, one block, several blocks and groups of blocks take; columns in parts. */
static void test_long_rows(tarn_dtype dtype) {
    const int64_t lengths[] = {7, 512, 1000, 4096, 4097, 20000, 600000};
    bool is_float = dtype_kind_of(dtype) >= KIND_FLOAT;
    double most = is_float ? 200 * closeness(dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype) : 0;
    for (int i = 0; i < 7; i++) {
        int64_t n = lengths[i], rows = n > 4096 ? 2 : 11;
        check_scans(REDUCE_SUM, 1, randomized(dtype, DIMS(rows, n), n > 100000 ? DOMAIN_UNIT : DOMAIN_POSITIVE), most);
        check_extremes(randomized(dtype, DIMS(rows, n), DOMAIN_ANY), 1);
        if (n > 100000) continue;
        if (n < 5000) check_scans(REDUCE_SUM, 0, randomized(dtype, DIMS(n, 37), DOMAIN_POSITIVE), most);
        if (n < 5000) check_extremes(randomized(dtype, DIMS(n, 37), DOMAIN_ANY), 0);
        attributes_sort sort = {.axis = -1};
        attributes_argsort argsort = {.axis = -1};
        operand x = randomized(dtype, DIMS(rows, n), DOMAIN_ANY);
        check_exact(CALL(sort, &sort, NULL, x), dtype, DIMS(rows, n));
        check_exact(CALL(argsort, &argsort, NULL, x), TARN_UINT32, DIMS(rows, n));
    }
}

static void test_order(tarn_dtype dtype) {
    for (int layout = 0; layout < LAYOUTS; layout++) {
        for (int64_t axis = 0; axis < 3; axis++) {
            attributes_sort sort = {.axis = axis};
            attributes_argsort argsort = {.axis = axis};
            operand x = laid_out(dtype, DIMS(5, 70, 3), DOMAIN_ANY, layout);
            for (int64_t i = 0; dtype_kind_of(dtype) == KIND_FLOAT && layout < 4 && i < 9; i++)
                put(&x, 7 * i, i % 3 ? NAN : i % 2 ? -0.0 : -INFINITY);
            check_exact(CALL(sort, &sort, NULL, x), dtype, DIMS(5, 70, 3));
            check_exact(CALL(argsort, &argsort, NULL, x), TARN_UINT32, DIMS(5, 70, 3));
        }
        for (int kind = REDUCE_SUM; kind <= REDUCE_LOGADDEXP; kind++) {
            bool sums_powers = kind == REDUCE_LOGADDEXP;
            if ((kind > REDUCE_MIN && !sums_powers) || (sums_powers && dtype_kind_of(dtype) < KIND_FLOAT)) continue;
            attributes_scan scan = {
                .kind = (reduce_kind)kind, .axis = 1, .reverse = layout % 2, .exclusive = layout > 2 && !sums_powers};
            operand x = laid_out(dtype, DIMS(3, 9000, 2), kind == REDUCE_PROD ? DOMAIN_ABOVE1 : DOMAIN_UNIT, layout);
            bool exact = dtype_kind_of(dtype) <= KIND_INT || kind == REDUCE_MAX || kind == REDUCE_MIN;
            if (kind == REDUCE_PROD && !exact) x = laid_out(dtype, DIMS(3, 6, 2), DOMAIN_ABOVE1, layout);
            tarn_dtype to = dtype == TARN_BOOL ? TARN_INT32 : dtype;
            double most = 200 * closeness(dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype);
            if (exact)
                check_exact(CALL(scan, &scan, NULL, x), to, DIMS(3, x.shape[1], 2));
            else
                check_near(CALL(scan, &scan, NULL, x), to, DIMS(3, x.shape[1], 2), most);
        }
    }
    test_long_rows(dtype);
    attributes_argsort last = {.axis = -1};
    check_exact(CALL(argsort, &last, NULL, randomized(dtype, DIMS(40000), DOMAIN_ANY)), TARN_UINT32, DIMS(40000));
    check_exact(CALL(argsort, &last, NULL, make(dtype, DIMS(3, 0))), TARN_UINT32, DIMS(3, 0));
}

/* ---- sorted arrays, numbers of eight bits. What is not sorted is searched, too: by the same halves. */
static void test_searching(tarn_dtype dtype) {
    for (int right = 0; right < 2; right++) {
        attributes_searchsorted a = {.right = right};
        operand rows = laid_out(dtype, DIMS(3, 100), DOMAIN_ANY, right),
                values = randomized(dtype, DIMS(3, 7, 5), DOMAIN_ANY);
        if (dtype_kind_of(dtype) == KIND_FLOAT) put(&rows, 50, NAN), put(&values, 3, NAN);
        check_exact(CALL(searchsorted, &a, NULL, rows, values), TARN_UINT32, DIMS(3, 7, 5));
        check_exact(CALL(searchsorted, &a, NULL, randomized(dtype, DIMS(1000), DOMAIN_ANY),
                         laid_out(dtype, DIMS(4, 9), DOMAIN_ANY, 1)),
                    TARN_UINT32, DIMS(4, 9));
    }
}

static void test_float8(tarn_dtype dtype) {
    operand x = randomized(dtype, DIMS(5000), DOMAIN_ANY), codes = make(TARN_UINT8, DIMS(256));
    const double special[] = {NAN, -NAN, INFINITY, -INFINITY, 448, 464, -0.0, 0x1p-10, 0x1p-9, 17, 19, 0x1.8p-10};
    for (int i = 0; i < 12; i++) put(&x, i, special[i]);
    for (int i = 0; i < 256; i++) put(&codes, i, i);
    check_exact(CALL(to_fp8, NULL, NULL, x), TARN_UINT8, DIMS(5000));
    attributes_from_fp8 a = {.dtype = dtype};
    check_exact(CALL(from_fp8, &a, NULL, codes), dtype, DIMS(256));
}

/* ---- convolutions */
static void test_conv(tarn_dtype dtype, attributes_conv a, tarn_ints x, tarn_ints w) {
    int64_t shape[TARN_MAX_NDIM] = {x.values[0]}, last = x.count - 1;
    for (int64_t i = 1; i < last; i++) {
        conv_axis along = conv_axis_of(&a, (int)i - 1, w.values[i]);
        int64_t reach = conv_reach(&along, w.values[i]),
                all = conv_widened(&along, x.values[i]) + along.low + along.high;
        shape[i] = (all - reach) / along.stride + 1;
    }
    shape[last] = w.values[0];
    check_near(CALL(conv, &a, NULL, randomized(dtype, x, DOMAIN_UNIT), randomized(dtype, w, DOMAIN_UNIT)), dtype,
               (tarn_ints){shape, x.count}, closeness(dtype));
}

static void test_convs(tarn_dtype dtype) {
    test_conv(dtype, (attributes_conv){.groups = 1}, DIMS(2, 30, 8), DIMS(5, 3, 8));
    test_conv(dtype, (attributes_conv){.groups = 1, .stride = DIMS(2), .low = DIMS(1), .high = DIMS(1)},
              DIMS(3, 17, 12, 16), DIMS(24, 3, 3, 16));
    test_conv(dtype, (attributes_conv){.groups = 1, .kernel_dilation = DIMS(2, 1), .low = DIMS(2, 0), .flip = true},
              DIMS(1, 9, 11, 3), DIMS(7, 3, 2, 3));
    test_conv(dtype, (attributes_conv){.groups = 1, .input_dilation = DIMS(2), .low = DIMS(-1), .full = true},
              DIMS(2, 5, 6, 4), DIMS(4, 2, 3, 4));
    test_conv(dtype, (attributes_conv){.groups = 4, .low = DIMS(1), .high = DIMS(2)}, DIMS(2, 10, 9, 16),
              DIMS(8, 3, 3, 4));
    test_conv(dtype, (attributes_conv){.groups = 6}, DIMS(1, 20, 6), DIMS(12, 4, 1));
    test_conv(dtype, (attributes_conv){.groups = 1}, DIMS(1, 4, 5, 6, 8), DIMS(3, 2, 2, 2, 8));
}

/* ---- products */
static void test_products(tarn_dtype dtype) {
    double most = dtype_kind_of(dtype) >= KIND_FLOAT ? closeness(dtype) : 0;
    const int64_t sizes[][3] = {{1, 1, 1}, {5, 7, 3}, {64, 128, 32}, {33, 100, 257}, {1, 300, 64}, {3, 4, 0}};
    for (int s = 0; s < 6; s++) {
        int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
        operand a = randomized(dtype, DIMS(m, k), DOMAIN_UNIT), b = randomized(dtype, DIMS(k, n), DOMAIN_UNIT);
        operand at = transposed(randomized(dtype, DIMS(k, m), DOMAIN_UNIT)),
                bt = transposed(randomized(dtype, DIMS(n, k), DOMAIN_UNIT));
        check_near(CALL(matmul, NULL, NULL, a, b), dtype, DIMS(m, n), most);
        check_near(CALL(matmul, NULL, NULL, at, b), dtype, DIMS(m, n), most);
        check_near(CALL(matmul, NULL, NULL, a, bt), dtype, DIMS(m, n), most);
        check_near(CALL(matmul, NULL, NULL, at, bt), dtype, DIMS(m, n), most);
        operand many = randomized(dtype, DIMS(2, 3, m, k), DOMAIN_UNIT),
                few = randomized(dtype, DIMS(3, k, n), DOMAIN_UNIT);
        check_near(CALL(matmul, NULL, NULL, many, few), dtype, DIMS(2, 3, m, n), most);
        check_near(CALL(matmul, NULL, NULL, many, b), dtype, DIMS(2, 3, m, n), most);
        check_near(CALL(matmul, NULL, NULL, laid_out(dtype, DIMS(m, k), DOMAIN_UNIT, 3), b), dtype, DIMS(m, n), most);
    }
}

/* One row of x with weights as a linear layer has them, some of whose rows lie apart. */
static void test_vectors(tarn_dtype dtype) {
    const int64_t sizes[][2] = {{1, 8}, {7, 64}, {300, 256}, {33, 1000}, {9000, 72}, {257, 3072}};
    for (int s = 0; s < 6; s++) {
        int64_t n = sizes[s][0], k = sizes[s][1];
        operand x = randomized(dtype, DIMS(1, 1, k), DOMAIN_UNIT), w = randomized(dtype, DIMS(n, k), DOMAIN_UNIT);
        check_near(CALL(matmul, NULL, NULL, x, transposed(w)), dtype, DIMS(1, 1, n), closeness(dtype));
        operand apart = view(w, 0, DIMS(n, k / 2), DIMS(k, 1)), half = view(x, 0, DIMS(1, k / 2), DIMS(k, 1));
        check_near(CALL(matmul, NULL, NULL, half, transposed(apart)), dtype, DIMS(1, n), closeness(dtype));
    }
}

/* Many rows of x with such weights, rows of both some elements apart: every 61st row of the result, by the reference.
 */
static void test_dense_rows(tarn_dtype dtype) {
    enum { EACH = 61, APART = 8 };
    const int64_t sizes[][3] = {
        {130, 1032, 2056}, {300, 1040, 1096}, {512, 16640, 1032}, {512, 3072, 4104}, {1000, 5008, 1032}};
    for (int s = 0; s < 5; s++) {
        int64_t m = sizes[s][0], n = sizes[s][1], k = sizes[s][2], rows = (m + EACH - 1) / EACH, step = k + APART;
        operand x = view(randomized(dtype, DIMS(m, step), DOMAIN_UNIT), 0, DIMS(m, k), DIMS(step, 1)),
                w = view(randomized(dtype, DIMS(n, step), DOMAIN_UNIT), 0, DIMS(n, k), DIMS(step, 1)),
                some = view(x, 0, DIMS(rows, k), DIMS(EACH * step, 1)), got = make(dtype, DIMS(m, n)),
                expected = make(dtype, DIMS(rows, n));
        bool ok = run_on_cuda(CALL(matmul, NULL, &got, x, transposed(w))) &&
                  run_call(&backend_reference, CALL(matmul, NULL, &expected, some, transposed(w)));
        CHECK(ok, "%s", tarn_error());
        operand own = view(got, 0, DIMS(rows, n), DIMS(EACH * n, 1));
        near(&own, &expected, closeness(dtype), "matmul of many rows");
    }
}

/* The first half of each row [k] as numbers of few digits, which float32 need not split. */
static void round_half(operand *x, int64_t k) {
    for (int64_t i = 0, n = operand_size(x); i < n; i++)
        if (i % k < k / 2) put(x, i, rint(get(x, i) * 64) / 64);
}

static void test_quantized_rows(tarn_dtype dtype, tarn_dtype scales, int64_t bits, int64_t group, int64_t m, int64_t n,
                                int64_t k) {
    operand w = randomized(scales, DIMS(n, k), DOMAIN_UNIT), parts[3];
    parts[0] = make(TARN_UINT32, DIMS(n, k * bits / 32));
    parts[1] = make(scales, DIMS(n, k / group));
    parts[2] = make(scales, DIMS(n, k / group));
    attributes_quantize make_it = {.group_size = group, .bits = bits};
    call c = {
        .op = OP_quantize, .attributes = &make_it, .input_count = 1, .output_count = 3, .inputs = &w, .outputs = parts};
    CHECK(run_call(&backend_reference, c), "%s", tarn_error());
    attributes_dequantize read = {.group_size = group, .bits = bits};
    check_exact(CALL(dequantize, &read, NULL, parts[0], parts[1], parts[2]), scales, DIMS(n, k));
    attributes_quantized_matmul a = {.transpose = true, .group_size = group, .bits = bits};
    operand x = randomized(dtype, DIMS(m, k), DOMAIN_UNIT);
    if (m % 8 == 0) round_half(&x, k);
    check_near(CALL(quantized_matmul, &a, NULL, x, parts[0], parts[1], parts[2]), dtype, DIMS(m, n),
               2 * closeness(dtype));
    a.transpose = false;
    operand y = randomized(dtype, DIMS(m, n), DOMAIN_UNIT);
    check_near(CALL(quantized_matmul, &a, NULL, y, parts[0], parts[1], parts[2]), dtype, DIMS(m, k),
               2 * closeness(dtype));
}

/* Words at an odd address, which warpgroups do not take, and more rows of x than a grid has blocks one way. */
static void test_odd_prompt(tarn_dtype dtype) {
    enum { M = 65600, N = 16, K = 128, GROUP = 64 };
    operand x = randomized(dtype, DIMS(M, K), DOMAIN_UNIT), words = make(TARN_UINT32, DIMS(N * K / 8 + 1)),
            odd = make(TARN_UINT32, DIMS(N, K / 8)), scales = randomized(dtype, DIMS(N, K / GROUP), DOMAIN_UNIT),
            biases = randomized(dtype, DIMS(N, K / GROUP), DOMAIN_UNIT);
    odd.data = (uint32_t *)words.data + 1;
    for (int64_t i = 0; i < N * K / 8; i++) put(&odd, i, (double)(i * 2654435761 % 4294967291));
    attributes_quantized_matmul a = {.transpose = true, .group_size = GROUP, .bits = 4};
    check_near(CALL(quantized_matmul, &a, NULL, x, odd, scales, biases), dtype, DIMS(M, N), 2 * closeness(dtype));
}

static void test_quantized(tarn_dtype dtype, tarn_dtype scales, int64_t bits, int64_t group, int64_t m, int64_t k) {
    test_quantized_rows(dtype, scales, bits, group, m, 70, k);
}

/* ---- rows: the formulas in double */
typedef struct {
    bool bare;                                  /* without weight and bias, which stand here as ones and zeros */
    bool forward;                               /* results alone: no gradients */
    operand x, g, weight, bias;                 /* g: the gradient of each result */
    operand soft, rms, layer;                   /* results */
    operand by_soft, by_rms, by_layer;          /* gradients of x */
    operand rms_weight, layer_weight, sum_of_g; /* of the weights and the bias */
} row_case;

static row_case make_rows(tarn_dtype dtype, tarn_ints shape, bool bare, bool forward) {
    tarn_ints row = DIMS(shape.values[shape.count - 1]);
    row_case r = {.bare = bare,
                  .forward = forward,
                  .x = randomized(dtype, shape, DOMAIN_ANY),
                  .g = randomized(dtype, shape, DOMAIN_UNIT),
                  .weight = randomized(dtype, row, DOMAIN_POSITIVE),
                  .bias = randomized(dtype, row, DOMAIN_UNIT)};
    operand *wide[] = {&r.soft, &r.rms, &r.layer, &r.by_soft, &r.by_rms, &r.by_layer};
    operand *sums[] = {&r.rms_weight, &r.layer_weight, &r.sum_of_g};
    for (int i = 0; i < 6; i++) *wide[i] = make(dtype, shape);
    for (int i = 0; i < 3; i++) *sums[i] = make(TARN_FLOAT64, row);
    for (int i = 0; i < 3; i++) memset(sums[i]->data, 0, (size_t)row.values[0] * sizeof(double));
    for (int64_t i = 0; bare && i < row.values[0]; i++) put(&r.weight, i, 1), put(&r.bias, i, 0);
    return r;
}

static void expect_softmax(row_case *r, int64_t first, int64_t n) {
    double top = -INFINITY, sum = 0, along = 0;
    for (int64_t i = first; i < first + n; i++) top = fmax(top, get(&r->x, i));
    for (int64_t i = first; i < first + n; i++) sum += exp(get(&r->x, i) - top);
    for (int64_t i = first; i < first + n; i++) put(&r->soft, i, exp(get(&r->x, i) - top) / sum);
    if (r->forward) return;
    for (int64_t i = first; i < first + n; i++) along += get(&r->soft, i) * get(&r->g, i);
    for (int64_t i = first; i < first + n; i++) put(&r->by_soft, i, get(&r->soft, i) * (get(&r->g, i) - along));
}

/* With the mean 0, rms_norm. */
static void expect_norm(row_case *r, int64_t first, int64_t n, double eps, bool centre, operand *y, operand *by_x,
                        operand *by_weight) {
    double mean = 0, squares = 0, rest = 0, along = 0, count = (double)n;
    for (int64_t i = 0; i < n && centre; i++) mean += get(&r->x, first + i) / count;
    for (int64_t i = 0; i < n; i++) {
        double far = get(&r->x, first + i) - mean;
        squares += far * far;
    }
    double scale = 1 / sqrt(squares / count + eps);
    for (int64_t i = 0; i < n; i++) {
        double z = (get(&r->x, first + i) - mean) * scale, h = get(&r->g, first + i) * get(&r->weight, i);
        put(y, first + i, z * get(&r->weight, i) + (centre ? get(&r->bias, i) : 0));
        if (r->forward) continue;
        put(by_weight, i, get(by_weight, i) + get(&r->g, first + i) * z);
        rest += centre ? h / count : 0, along += h * z / count;
    }
    for (int64_t i = 0; i < n && !r->forward; i++) {
        double z = (get(&r->x, first + i) - mean) * scale, h = get(&r->g, first + i) * get(&r->weight, i);
        put(by_x, first + i, scale * (h - rest - z * along));
        if (centre) put(&r->sum_of_g, i, get(&r->sum_of_g, i) + get(&r->g, first + i));
    }
}

/* Sums over rows, rounded to the dtype; small ones are the difference of larger numbers. */
static void near_sums(const operand *got, const operand *sums, int64_t rows, const char *what) {
    double most = closeness(got->dtype) * sqrt((double)rows) * 4;
    for (int64_t i = 0; i < operand_size(got); i++)
        CHECK(fabs(get(got, i) - get(sums, i)) <= most + closeness(got->dtype) * fabs(get(sums, i)),
              "%s: sum %lld is %g and should be %g", what, (long long)i, get(got, i), get(sums, i));
}

/* wanted: bits of the results that somebody reads; by: elements that everything lies on from a multiple of 16 bytes. */
static void check_norm_gradient(op_id op, const void *attributes, const row_case *r, const operand *by_x,
                                const operand *by_weight, int64_t rows, unsigned wanted, int64_t by) {
    operand in[] = {moved_on(r->g, by), moved_on(r->x, by), moved_on(r->weight, by)},
            out[] = {make(r->x.dtype, (tarn_ints){r->x.shape, r->x.ndim}), make(r->x.dtype, DIMS(r->weight.shape[0])),
                     make(r->x.dtype, DIMS(r->weight.shape[0]))};
    call c = {.op = op, .attributes = attributes, .input_count = r->bare ? 2 : 3, .inputs = in, .outputs = out};
    c.output_count = op == OP_layer_norm_gradient ? 3 : 2;
    for (int i = 0; i < 3; i++)
        if (!(wanted >> i & 1)) out[i].data = NULL;
    CHECK(run_on_cuda(c), "%s", tarn_error());
    if (out[0].data) near(&out[0], by_x, 3 * closeness(r->x.dtype), op_name(op));
    if (out[1].data) near_sums(&out[1], by_weight, rows, op_name(op));
    if (c.output_count > 2 && out[2].data) near_sums(&out[2], &r->sum_of_g, rows, op_name(op));
}

static void check_softmax_gradient(const row_case *r, int64_t by) {
    operand got = make(r->x.dtype, (tarn_ints){r->x.shape, r->x.ndim});
    CHECK(run_on_cuda(CALL(softmax_gradient, &(attributes_softmax_gradient){.axis = -1}, &got, moved_on(r->g, by),
                           moved_on(r->soft, by))),
          "%s", tarn_error());
    near(&got, &r->by_soft, 3 * closeness(r->x.dtype), "softmax_gradient");
}

static void check_norm_gradients(const row_case *r, int64_t rows, unsigned wanted, int64_t by, double eps) {
    enum { OF_RMS = 3 }; /* which has no bias */
    if (wanted & OF_RMS)
        check_norm_gradient(OP_rms_norm_gradient, &(attributes_rms_norm_gradient){.eps = eps}, r, &r->by_rms,
                            &r->rms_weight, rows, wanted, by);
    check_norm_gradient(OP_layer_norm_gradient, &(attributes_layer_norm_gradient){.eps = eps}, r, &r->by_layer,
                        &r->layer_weight, rows, wanted, by);
}

static void test_rows(tarn_dtype dtype, tarn_ints shape, bool bare, bool forward) {
    row_case r = make_rows(dtype, shape, bare, forward);
    operand got = make(dtype, shape);
    int64_t n = shape.values[shape.count - 1], rows = n ? operand_size(&r.x) / n : 0;
    attributes_rms_norm rms = {.eps = 1e-3};
    attributes_layer_norm layer = {.eps = 1e-3};
    for (int64_t row = 0; row < rows; row++) {
        expect_softmax(&r, row * n, n);
        expect_norm(&r, row * n, n, rms.eps, false, &r.rms, &r.by_rms, &r.rms_weight);
        expect_norm(&r, row * n, n, layer.eps, true, &r.layer, &r.by_layer, &r.layer_weight);
    }
    CHECK(run_on_cuda(CALL(softmax, &(attributes_softmax){.axis = -1}, &got, r.x)), "%s", tarn_error());
    near(&got, &r.soft, 2 * closeness(dtype), "softmax");
    call normed = CALL(rms_norm, &rms, &got, r.x, r.weight),
         centred = CALL(layer_norm, &layer, &got, r.x, r.weight, r.bias);
    if (bare) normed.input_count = centred.input_count = 1;
    CHECK(run_on_cuda(normed), "%s", tarn_error());
    near(&got, &r.rms, 2 * closeness(dtype), "rms_norm");
    CHECK(run_on_cuda(centred), "%s", tarn_error());
    near(&got, &r.layer, 3 * closeness(dtype), "layer_norm");
    /* of one element roundings are left; longer ones: by the formulas */
    if (forward || rows == 0 || n == 1 || n > 8192) return;
    for (int64_t by = 0; by < (rows > 100 ? 1 : 2); by++) {
        check_softmax_gradient(&r, by);
        check_norm_gradients(&r, rows, 7, by, rms.eps);
    }
    for (unsigned wanted = 1; wanted < 7 && rows <= 100; wanted++)
        check_norm_gradients(&r, rows, wanted, wanted & 1, rms.eps);
}

static void test_rope(tarn_dtype dtype, attributes_rope a, bool with_freqs, bool rows) {
    int64_t batch = 3, heads = 4, length = 5, dim = 48, dims = a.dims ? a.dims : dim, half = dims / 2;
    operand base = randomized(dtype, DIMS(batch, length, heads, dim), DOMAIN_ANY);
    operand x = view(base, 0, DIMS(batch, heads, length, dim), DIMS(length * heads * dim, dim, heads * dim, 1));
    operand offset = rows ? filled(TARN_INT32, DIMS(3), VALUES(0, 9, 100)) : filled(TARN_INT64, TARN_0D, VALUES(17));
    operand freqs = randomized(TARN_FLOAT32, DIMS(half), DOMAIN_POSITIVE), absent = {0};
    operand got = make(dtype, DIMS(batch, heads, length, dim)), expected = make(dtype, DIMS(batch, heads, length, dim));
    for (int64_t at = 0; at < operand_size(&x); at++) {
        int64_t i = at % dim, pair = a.traditional ? i / 2 : i % half, row = at / dim;
        bool second = a.traditional ? i % 2 : i >= half;
        double position = ((double)(row % length) + get(&offset, rows ? row / (length * heads) : 0)) * a.scale;
        double theta = position * (with_freqs ? 1 / get(&freqs, pair) : pow(a.base, -(double)pair / (double)half));
        int64_t mate = a.traditional ? (second ? at - 1 : at + 1) : (second ? at - half : at + half);
        double self = get(&x, at);
        put(&expected, at, i >= dims ? self : self * cos(theta) + (second ? 1 : -1) * get(&x, mate) * sin(theta));
    }
    CHECK(run_on_cuda(CALL(rope, &a, &got, x, offset, with_freqs ? freqs : absent)), "%s", tarn_error());
    near(&got, &expected, closeness(dtype) + (dtype == TARN_FLOAT64 ? 0 : 2e-5), "rope");
}

/* ---- attention */
typedef struct {
    int64_t batch, heads, kv_heads, rows, keys, dim, value_dim, window;
    bool causal, mask, truths, length, sinks;
    int64_t beyond; /* keys that memory has and `length` leaves out */
} attention_case;

static void attend_row(const attention_case *t, const operand *o, operand *expected, int64_t row, double scale) {
    int64_t b = row / (t->heads * t->rows), h = row / t->rows % t->heads, i = row % t->rows,
            g = h / (t->heads / t->kv_heads);
    int64_t count = t->length ? (int64_t)get(&o[4], b) : t->keys, position = count - t->rows + i;
    double *scores = calloc((size_t)t->keys + 1, sizeof *scores), top = t->sinks ? get(&o[5], h) : -INFINITY, sum = 0;
    for (int64_t k = 0; k < count; k++) {
        double s = 0;
        for (int64_t d = 0; d < t->dim; d++)
            s += get(&o[0], row * t->dim + d) * get(&o[1], ((b * t->kv_heads + g) * t->keys + k) * t->dim + d);
        s *= scale;
        if (t->causal && (k > position || (t->window && k <= position - t->window))) s = -1e38;
        double m = t->mask ? get(&o[3], i * t->keys + k) : 0;
        scores[k] = t->mask && t->truths ? (m != 0 ? s : -1e38) : s + m;
        top = fmax(top, scores[k]);
    }
    for (int64_t k = 0; k < count; k++) sum += scores[k] = exp(scores[k] - top);
    if (t->sinks) sum += exp(get(&o[5], h) - top);
    for (int64_t d = 0; d < t->value_dim; d++) {
        double v = 0;
        for (int64_t k = 0; k < count; k++)
            v += scores[k] / sum * get(&o[2], ((b * t->kv_heads + g) * t->keys + k) * t->value_dim + d);
        put(expected, row * t->value_dim + d, v);
    }
    free(scores);
}

static void test_attention(tarn_dtype dtype, attention_case t) {
    operand o[6] = {0};
    o[0] = randomized(dtype, DIMS(t.batch, t.heads, t.rows, t.dim), DOMAIN_UNIT);
    operand cache = randomized(dtype, DIMS(t.batch, t.kv_heads, t.keys + 9, t.dim), DOMAIN_UNIT);
    o[1] = view(cache, 0, DIMS(t.batch, t.kv_heads, t.keys, t.dim), (tarn_ints){.count = 4, .values = cache.strides});
    o[2] = randomized(dtype, DIMS(t.batch, t.kv_heads, t.keys, t.value_dim), DOMAIN_ANY);
    if (t.mask) o[3] = randomized(t.truths ? TARN_BOOL : TARN_FLOAT32, DIMS(1, 1, t.rows, t.keys), DOMAIN_ANY);
    if (t.length) o[4] = randomized(TARN_INT32, DIMS(t.batch), DOMAIN_POSITIVE);
    for (int64_t b = 0; t.length && b < t.batch; b++) put(&o[4], b, (double)(t.keys - 3 * b - t.beyond));
    for (int64_t row = 0; t.length && row < t.batch * t.kv_heads * t.keys; row++) /* what is beyond may be anything */
        for (int64_t i = 0; (double)(row % t.keys) >= get(&o[4], row / (t.kv_heads * t.keys)) && i < t.dim; i++)
            put(&o[1], row * t.dim + i, NAN), put(&o[2], row * t.value_dim + i % t.value_dim, NAN);
    if (t.sinks) o[5] = randomized(dtype, DIMS(t.heads), DOMAIN_ANY);
    operand got = make(dtype, DIMS(t.batch, t.heads, t.rows, t.value_dim)),
            expected = make(dtype, DIMS(t.batch, t.heads, t.rows, t.value_dim));
    attributes_attention a = {.scale = NAN, .causal = t.causal, .window = t.window};
    for (int64_t row = 0; row < t.batch * t.heads * t.rows; row++)
        attend_row(&t, o, &expected, row, attention_scale(&a, t.dim));
    call c = {.op = OP_attention, .attributes = &a, .input_count = 6, .output_count = 1, .inputs = o, .outputs = &got};
    CHECK(run_on_cuda(c), "%s", tarn_error());
    near(&got, &expected, 2 * closeness(dtype), "attention");
}

static void test_attentions(tarn_dtype dtype) {
    test_attention(dtype, (attention_case){1, 6, 2, 1, 300, 64, 64, .window = 0});
    test_attention(dtype, (attention_case){2, 4, 4, 17, 17, 80, 40, .causal = true});
    test_attention(dtype, (attention_case){2, 4, 2, 5, 130, 128, 128, .causal = true, .length = true});
    test_attention(dtype, (attention_case){1, 2, 1, 70, 200, 32, 256, .window = 33, .causal = true});
    test_attention(dtype, (attention_case){2, 2, 1, 9, 65, 24, 24, .mask = true, .truths = true, .sinks = true});
    test_attention(dtype, (attention_case){2, 2, 2, 9, 65, 256, 256, .mask = true, .causal = true});
    test_attention(dtype, (attention_case){1, 6, 2, 1, 9000, 128, 128, .causal = true, .length = true});
    test_attention(dtype, (attention_case){2, 3, 3, 3, 200, 80, 96, .causal = true, .sinks = true});
    test_attention(dtype, (attention_case){1, 8, 1, 2, 300, 256, 256, .causal = true, .window = 70});
    test_attention(dtype, (attention_case){2, 4, 2, 1, 77, 64, 64, .mask = true, .length = true});
    test_attention(dtype, (attention_case){1, 4, 2, 300, 300, 128, 128, .causal = true});
    test_attention(dtype, (attention_case){2, 2, 1, 65, 190, 64, 64, .causal = true, .length = true, .sinks = true});
    test_attention(dtype, (attention_case){1, 2, 2, 100, 333, 96, 96, .window = 40, .causal = true});
    test_attention(dtype, (attention_case){1, 2, 1, 40, 100, 256, 256, .length = true});
    test_attention(dtype, (attention_case){1, 1, 1, 20, 7, 64, 64, .causal = true});
    test_attention(dtype, (attention_case){1, 4, 2, 300, 300, 128, 128, .causal = true, .sinks = true});
    test_attention(dtype, (attention_case){1, 2, 1, 200, 700, 128, 128, .causal = true, .window = 150});
    test_attention(dtype, (attention_case){2, 2, 1, 130, 400, 128, 128, .causal = true, .length = true, .beyond = 60});
    test_attention(dtype, (attention_case){2, 2, 2, 257, 257, 64, 64, .length = true, .beyond = 1});
    test_attention(dtype, (attention_case){1, 2, 1, 150, 150, 128, 128, .mask = true, .causal = true});
    test_attention(dtype, (attention_case){2, 2, 1, 70, 300, 64, 64, .mask = true, .truths = true, .length = true});
    test_attention(dtype, (attention_case){1, 3, 3, 100, 90, 80, 128, .sinks = true});
    test_attention(dtype, (attention_case){1, 2, 1, 129, 128, 40, 64, .causal = true});
}

/* ---- copies and memory */
static void test_copies(void) {
    const int64_t sizes[] = {0, 1, 4097, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 33 << 20};
    for (int i = 0; i < 7; i++) {
        char *from = malloc((size_t)sizes[i] + 1), *to = calloc((size_t)sizes[i] + 1, 1);
        for (int64_t j = 0; j < sizes[i]; j++) from[j] = (char)random_bits();
        void *there = cuda->allocate(0, sizes[i]);
        CHECK(there && (uintptr_t)there % 64 == 0 && copy_bytes(there, from, sizes[i], COPY_TO_DEVICE), "%s",
              tarn_error());
        CHECK(copy_bytes(to, there, sizes[i], COPY_TO_HOST) && memcmp(from, to, (size_t)sizes[i]) == 0, "%lld bytes",
              (long long)sizes[i]);
        cuda->release(0, there);
        free(from), free(to);
    }
    CHECK(!cuda->allocate(0, INT64_C(1) << 50) && strstr(tarn_error(), "bytes"));
    tarn_clear_error();
    CHECK(cuda->memory_bytes(0) > INT64_C(1) << 30);
}

/* Told as it goes: the checks take a while. */
static void end_part(const char *name) {
    printf("%s: %d checks, %d failures\n", name, checks, failures);
    fflush(stdout);
}

static void test_all_quantized(tarn_dtype dtype) {
    const int64_t widths[] = {2, 3, 4, 5, 6, 8}, groups[] = {32, 64, 128};
    for (int w = 0; w < 6; w++)
        for (int64_t m = 1; m < 40; m = m * 5 + 2) test_quantized(dtype, dtype, widths[w], groups[w % 3], m, 384);
    for (int64_t k = 256; k < 1024; k *= 3)
        for (int g = 0; g < 3; g++)
            for (int s = 0; s < 3; s++) {
                test_quantized(dtype, floats[s], 4, groups[g], 1, k);
                test_quantized(dtype, floats[s], 8, groups[g], 1, k);
                test_quantized(dtype, floats[s], 4, groups[g], 5, k);
            }
    const int64_t rows[][2] = {{1400, 5120}, {3072, 4096}, {3070, 4096}, {2500, 1024}}; /* shared out in other ways */
    for (int r = dtype == TARN_BFLOAT16 ? 0 : 3; r < 4; r++) /* as the other half type; the reference takes its time */
        for (int bits = 4; bits <= 8; bits += 4) test_quantized_rows(dtype, dtype, bits, 64, 1, rows[r][0], rows[r][1]);
    const int64_t batches[] = {2, 8, 9, 16, 24, 31, 32, 33};
    for (int b = 0; b < 8; b++) {
        test_quantized(dtype, dtype, 4, groups[b % 3], batches[b], 128 + 128 * b);
        if (b % 3 == 0) test_quantized_rows(dtype, dtype, 4, 64, batches[b], 4300, 256);
        if (dtype == TARN_FLOAT32) test_quantized(dtype, floats[1 + b % 2], 4, groups[1 + b % 2], batches[b], 640);
    }
    const int64_t prompts[][3] = {{33, 16, 256}, {105, 208, 384}, {257, 400, 640}, {400, 144, 128}};
    for (int p = 0; p < 4; p++)
        test_quantized_rows(dtype, dtype, 4, groups[p % 3], prompts[p][0], prompts[p][1], prompts[p][2]);
}

/* So many that norm/streamed.cu takes them and uses the places of its ring again (three blocks a multiprocessor), in
   teams of 1, 2, 4 and 8 warps a row. Gradients, which are not streamed, of those with a weight alone. */
static void test_many_rows(tarn_dtype dtype) {
    const tarn_ints shapes[] = {DIMS(13000, 256), DIMS(7500, 1024), DIMS(5200, 1544), DIMS(3700, 4096),
                                DIMS(2200, 4104)};
    for (int s = 0; s < 5; s++) test_rows(dtype, shapes[s], false, false), test_rows(dtype, shapes[s], true, true);
}

static void test_all_rows(tarn_dtype dtype) {
    const tarn_ints shapes[] = {DIMS(1),    DIMS(3, 16), DIMS(2, 3, 37), DIMS(4, 600),  DIMS(3, 8192), DIMS(2, 9000),
                                DIMS(0, 5), DIMS(5, 0),  DIMS(300, 64),  DIMS(3, 1025), DIMS(2, 8191), DIMS(5, 4097)};
    for (int s = 0; s < 12; s++) test_rows(dtype, shapes[s], false, false), test_rows(dtype, shapes[s], true, false);
    if (dtype != TARN_FLOAT64) test_many_rows(dtype);
    test_rope(dtype, (attributes_rope){.base = 10000, .scale = 1}, false, false);
    test_rope(dtype, (attributes_rope){.base = 500, .scale = 0.5, .dims = 12}, false, true);
    test_rope(dtype, (attributes_rope){.base = 10000, .scale = 1, .traditional = true}, true, true);
}

/* `test_cuda_ops [WORD]`: only the parts whose name begins with the word. */
static const char *wanted;
static bool begins(const char *part) {
    return !wanted || strncmp(part, wanted, strlen(wanted)) == 0;
}

int main(int count, char **arguments) {
    wanted = count > 1 ? arguments[1] : NULL;
    if (!open_cuda()) return failures ? 1 : 77;
    random_begin("cuda ops");
    if (begins("copies")) test_copies(), end_part("copies");
    static const tarn_dtype moved[] = {TARN_BOOL, TARN_INT16, TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT64, TARN_UINT32};
    for (int d = 0; d < 6 && begins("moving"); d++) test_moving(moved[d]), test_picking(moved[d]);
    if (begins("moving")) test_moving(TARN_COMPLEX64), test_picking(TARN_COMPLEX64), test_making(), end_part("moving");
    static const tarn_dtype reduced[] = {TARN_BOOL,     TARN_INT32,   TARN_UINT64, TARN_FLOAT32,
                                         TARN_BFLOAT16, TARN_FLOAT16, TARN_FLOAT64};
    for (int d = 0; d < 7 && begins("reducing"); d++) test_reducing(reduced[d]), test_best(reduced[d]);
    for (int d = 0; d < 4 && begins("reducing"); d++) test_logsumexp(floats[d]);
    if (begins("reducing")) test_best(TARN_COMPLEX64), end_part("reducing");
    static const tarn_dtype ordered[] = {TARN_BOOL,     TARN_INT8,    TARN_UINT16,   TARN_INT32,
                                         TARN_UINT64,   TARN_INT64,   TARN_FLOAT32,  TARN_FLOAT16,
                                         TARN_BFLOAT16, TARN_FLOAT64, TARN_COMPLEX64};
    for (int d = 0; d < 11 && begins("order"); d++) test_order(ordered[d]), end_part("order");
    for (int d = 0; d < 11 && begins("searching"); d++) test_searching(ordered[d]);
    for (int d = 0; d < 4 && begins("searching"); d++) test_float8(floats[d]), test_convs(floats[d]);
    if (begins("searching")) test_convs(TARN_COMPLEX64), end_part("searching, numbers of eight bits, convolutions");
    static const tarn_dtype products[] = {TARN_FLOAT32, TARN_FLOAT16,   TARN_BFLOAT16, TARN_FLOAT64,
                                          TARN_INT32,   TARN_COMPLEX64, TARN_UINT8};
    for (int d = 0; d < 7 && begins("products"); d++) test_products(products[d]);
    for (int d = 0; d < 3 && begins("products"); d++) test_vectors(floats[d]), end_part("products");
    for (int d = 1; d < 3 && begins("products"); d++) test_dense_rows(floats[d]), end_part("products of many rows");
    for (int d = 0; d < 3 && begins("quantized"); d++) test_all_quantized(floats[d]), end_part("quantized products");
    if (begins("quantized")) test_odd_prompt(TARN_BFLOAT16), end_part("a long prompt at an odd address");
    for (int d = 0; d < 4; d++) {
        char part[32];
        snprintf(part, sizeof part, "rows_%s", dtype_facts[floats[d]].name);
        if (begins(part)) test_all_rows(floats[d]), end_part(part);
    }
    for (int d = 0; d < 4 && begins("attention"); d++) test_attentions(floats[d]), end_part("attention");
    cuda->stream_free(cuda_stream);
    printf("cuda ops: %d checks, %d failures\n", checks, failures);
    return failures != 0;
}
