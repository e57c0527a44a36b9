/* The structural kernels of the reference, driven through calls: each against loops over doubles, for all dtypes, dense
   and transposed, with empty and 0-d operands. Small whole numbers are exact in every dtype, so that results are
   compared for equality. */
#include "kernel_calls.h"
#include "tarn/ops.h"

static const backend *const reference = &backend_reference;
static const double inf = (double)INFINITY, nan_ = (double)NAN;

#define RUN(...) CHECK(run_call(reference, CALL(__VA_ARGS__)), "%s", tarn_error())

static bool same(double a, double b) {
    return a == b || (isnan(a) && isnan(b));
}

static void expect(operand got, const double *values, const char *what) {
    for (int64_t i = 0, n = operand_size(&got); i < n; i++)
        CHECK(same(get(&got, i), values[i]), "%s [%lld] of %s is %.17g, not %.17g", what, (long long)i,
              dtype_facts[got.dtype].name, get(&got, i), values[i]);
}

/* ---- every op that needs a kernel has a row */
static void test_complete(void) {
    int count;
    CHECK(reference->rows(0, OP_group, &count) && count == 1);
    for (int op = 0; op < OP_COUNT; op++) {
        const op_fact *fact = &op_facts[op];
        if (fact->class != OP_CLASS_STRUCTURAL || !(fact->flags & (OP_KERNEL | OP_UPDATE))) continue;
        CHECK(reference->rows(0, (op_id)op, &count) && count == 1, "%s has no reference kernel", fact->name);
    }
    CHECK(!reference->rows(0, OP_softmax, &count) && count == 0, "fused ops have formulas");
}

/* ---- moving */
static void test_copies(tarn_dtype d) {
    operand x = varied(d, DIMS(4, 3, 2)), back = transposed(x), out = make(d, DIMS(2, 3, 4));
    RUN(contiguous, NULL, &out, back);
    for (int i = 0; i < 24; i++) CHECK(get(&out, i) == get(&back, i), "contiguous");

    operand wide = make(d, DIMS(2, 5, 4)), part = varied(d, DIMS(2, 0, 4)),
            first = view(back, 0, DIMS(2, 2, 4), DIMS(1, 2, 6));
    RUN(concatenate, (&(attributes_concatenate){.axis = -2}), &wide, first, part, back);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 5; j++)
            for (int k = 0; k < 4; k++) {
                const operand *from = j < 2 ? &first : &back;
                double wanted = get(from, (i * from->shape[1] + (j < 2 ? j : j - 2)) * 4 + k);
                CHECK(get(&wide, (i * 5 + j) * 4 + k) == wanted, "concatenate [%d %d %d]", i, j, k);
            }
    operand point = filled(d, (tarn_ints){NULL, 0}, VALUES(1)), other = make(d, (tarn_ints){NULL, 0});
    RUN(contiguous, NULL, &other, point);
    CHECK(get(&other, 0) == 1, "0-d");
}

static void test_blocks(tarn_dtype d, double start, int64_t moved) {
    operand x = varied(d, DIMS(3, 6)), update = transposed(varied(d, DIMS(2, 3))), starts = make(TARN_INT32, DIMS(1)),
            out = make(d, DIMS(3, 6));
    put(&starts, 0, start);
    RUN(contiguous, NULL, &out, x);
    const attributes_slice_update write = {.axes = DIMS(-1)};
    RUN(slice_update, &write, &out, x, update, starts);
    operand block = make(d, DIMS(3, 2));
    const attributes_slice_array read = {.axes = DIMS(1), .sizes = DIMS(2)};
    RUN(slice_array, &read, &block, transposed(transposed(x)), starts);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 6; j++) {
            bool inside = j >= moved && j < moved + 2;
            double wanted = inside ? get(&update, i * 2 + j - moved) : get(&x, i * 6 + j);
            CHECK(get(&out, i * 6 + j) == wanted, "slice_update at %g [%d %d]", start, i, j);
            if (inside)
                CHECK(get(&block, i * 2 + j - moved) == get(&x, i * 6 + j), "slice_array at %g [%d %d]", start, i, j);
        }
}

/* Every row of x [2, 8] has a start of its own; the block takes every third element. A start beyond is moved back to 1.
 */
static void test_placed_blocks(tarn_dtype d) {
    static const int wanted[2] = {1, 0};
    operand x = varied(d, DIMS(2, 8)), starts = filled(TARN_INT64, DIMS(2, 1), VALUES(7, -1)),
            update = filled(d, DIMS(2, 3), VALUES(1, 0, 1, 0, 1, 1));
    operand out = make(d, DIMS(2, 8)), block = make(d, DIMS(2, 3));
    RUN(contiguous, NULL, &out, x);
    RUN(slice_update, (&(attributes_slice_update){.axes = DIMS(1), .step = DIMS(3)}), &out, x, update, starts);
    RUN(slice_array, (&(attributes_slice_array){.axes = DIMS(1), .sizes = DIMS(3), .step = DIMS(3)}), &block, x,
        starts);
    for (int i = 0; i < 16; i++) {
        int row = i / 8, place = i % 8 - wanted[row];
        bool inside = place >= 0 && place % 3 == 0 && place / 3 < 3;
        CHECK(get(&out, i) == (inside ? get(&update, row * 3 + place / 3) : get(&x, i)),
              "slice_update with starts and steps [%d]", i);
        if (inside) CHECK(get(&block, row * 3 + place / 3) == get(&x, i), "slice_array with starts and steps [%d]", i);
    }
}

/* ---- indexing */
static void test_gather(tarn_dtype d, tarn_dtype index) {
    operand x = transposed(varied(d, DIMS(3, 5, 2))),
            at = filled(index, DIMS(2, 2), VALUES(4, 0, 7, dtype_is_unsigned(index) ? 2 : -1));
    operand out = make(d, DIMS(2, 2, 2, 3));
    RUN(gather, (&(attributes_gather){.axes = DIMS(1)}), &out, x, at);
    operand sums = make(d, DIMS(2, 5, 3)), placed = make(d, DIMS(2, 5, 3)), zero = make(d, DIMS(2, 5, 3));
    operand updates = varied(d, DIMS(2, 2, 2, 3));
    RUN(scatter, (&(attributes_scatter){.axes = DIMS(-2)}), &placed, zero, updates, at);
    for (int twice = 0; twice < 2; twice++)
        RUN(scatter, (&(attributes_scatter){.axes = DIMS(1), .mode = TARN_SCATTER_ADD}), &sums, zero, updates, at);
    for (int i = 0; i < 2; i++)
        for (int p = 0; p < 4; p++)
            for (int k = 0; k < 3; k++) {
                int from = (int[]){4, 0, -1, dtype_is_unsigned(index) ? 2 : 4}[p], there = (i * 4 + p) * 3 + k;
                CHECK(get(&out, there) == (from < 0 ? 0 : get(&x, (i * 5 + from) * 3 + k)), "gather [%d %d %d]", i, p,
                      k);
                if (from < 0) continue;
                bool last = p == 3 || from != 4 || dtype_is_unsigned(index), truth = d == TARN_BOOL;
                if (last) CHECK(get(&placed, (i * 5 + from) * 3 + k) == get(&updates, there), "scatter");
                double u = get(&updates, there),
                       other = from != 4 || dtype_is_unsigned(index) ? 0 : get(&updates, (i * 4 + 3 - p) * 3 + k);
                double wanted = truth ? (u != 0 || other != 0) : 2 * (u + other);
                CHECK(get(&sums, (i * 5 + from) * 3 + k) == wanted, "scatter add %g", wanted);
            }
}

/* Two index arrays, [2, 1] for axis 0 and [2] for axis 2 of x [2, 3, 4]: picked [2, 2, 3]. */
static void test_gather_axes(tarn_dtype d) {
    static const int rows[2] = {1, 0}, columns[2] = {3, 1};
    operand x = varied(d, DIMS(2, 3, 4)), row = filled(TARN_INT8, DIMS(2, 1), VALUES(1, -2)),
            column = filled(TARN_UINT32, DIMS(2), VALUES(3, 1));
    operand out = make(d, DIMS(2, 2, 3)), placed = make(d, DIMS(2, 3, 4)), updates = varied(d, DIMS(2, 2, 3));
    RUN(gather, (&(attributes_gather){.axes = DIMS(0, 2)}), &out, x, row, column);
    RUN(scatter, (&(attributes_scatter){.axes = DIMS(0, 2)}), &placed, x, updates, row, column);
    for (int i = 0; i < 12; i++) {
        int there = (rows[i / 6] * 3 + i % 3) * 4 + columns[i / 3 % 2];
        CHECK(get(&out, i) == get(&x, there), "gather over two axes [%d]", i);
        CHECK(get(&placed, there) == get(&updates, i), "scatter over two axes [%d]", i);
    }
}

/* Element 0 has no update, 1 has one, 2 has two. */
static void test_scatter_modes(void) {
    operand x = filled(TARN_FLOAT32, DIMS(3), VALUES(2, 3, -5)), at = filled(TARN_INT32, DIMS(4), VALUES(2, 1, 9, 2));
    operand updates = filled(TARN_FLOAT32, DIMS(4), VALUES(4, -1, 7, 3));
    static const double wanted[][3] = {{2, -1, 3}, {2, 2, 2}, {2, -3, -60}, {2, 3, 4}, {2, -1, -5}};
    for (int mode = TARN_SCATTER_SET; mode <= TARN_SCATTER_MIN; mode++) {
        operand out = filled(TARN_FLOAT32, DIMS(3), VALUES(2, 3, -5));
        RUN(scatter, (&(attributes_scatter){.axes = DIMS(0), .mode = (tarn_scatter_mode)mode}), &out, x, updates, at);
        for (int i = 0; i < 3; i++)
            CHECK(get(&out, i) == wanted[mode][i], "scatter, mode %d [%d]: %g", mode, i, get(&out, i));
    }
}

/* Along an axis: the other one is a batch. */
/* A batch of two masks, read through strides; the first has one place more than there is room for. */
static void test_nonzero(void) {
    operand masks = transposed(filled(TARN_BOOL, DIMS(3, 2, 2), VALUES(0, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0)));
    operand rows = make(TARN_INT64, DIMS(2, 2)), columns = make(TARN_INT64, DIMS(2, 2));
    attributes_nonzero a = {.size = 2, .fill = -9, .batch = 1};
    call c = {.op = OP_nonzero, .attributes = &a, .input_count = 1, .output_count = 2, .inputs = &masks};
    operand out[2] = {rows, columns};
    c.outputs = out;
    CHECK(run_call(reference, c), "%s", tarn_error());
    expect(rows, VALUES(0, 0, 0, -9), "nonzero, rows");
    expect(columns, VALUES(1, 2, 0, -9), "nonzero, columns");
    a.check = true;
    CHECK(!run_call(reference, c) && strstr(tarn_error(), "3 elements of a mask are true, there are values for 2"), "");
    tarn_clear_error();
}

static void test_checked_indices(tarn_dtype index) {
    operand x = make(TARN_BOOL, DIMS(2, 5)), out = make(index, DIMS(2, 2)),
            at = transposed(filled(index, DIMS(2, 2), VALUES(4, 0, 1, dtype_is_unsigned(index) ? 2 : -5)));
    RUN(checked_indices, (&(attributes_checked_indices){.axis = -1}), &out, at, x);
    for (int i = 0; i < 4; i++) CHECK(get(&out, i) == get(&at, i), "checked_indices");
    put(&at, 3, 5);
    CHECK(!run_call(reference, CALL(checked_indices, (&(attributes_checked_indices){.axis = -1}), &out, at, x)) &&
              strstr(tarn_error(), "index 5 on axis 1, which has 5 elements"),
          "%s", tarn_error());
    tarn_clear_error();
}

static void test_gather_along(tarn_dtype d) {
    operand x = transposed(varied(d, DIMS(3, 4))),
            at = filled(TARN_INT16, DIMS(4, 2), VALUES(0, -1, 2, 9, 1, 1, -3, 2));
    const int from[8] = {0, 2, 2, -1, 1, 1, 0, 2};
    operand out = make(d, DIMS(4, 2)), placed = make(d, DIMS(4, 3)), updates = varied(d, DIMS(4, 2));
    RUN(gather, (&(attributes_gather){.axes = DIMS(-1), .batch = DIMS(0)}), &out, x, at);
    RUN(contiguous, NULL, &placed, x);
    RUN(scatter, (&(attributes_scatter){.axes = DIMS(1), .batch = DIMS(0)}), &placed, x, updates, at);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) {
            double wanted = get(&x, i * 3 + j);
            for (int k = 0; k < 2; k++)
                if (from[i * 2 + k] == j) wanted = get(&updates, i * 2 + k);
            CHECK(get(&placed, i * 3 + j) == wanted, "scatter along [%d %d]", i, j);
        }
    for (int i = 0; i < 8; i++)
        CHECK(get(&out, i) == (from[i] < 0 ? 0 : get(&x, i / 2 * 3 + from[i])), "gather along [%d]", i);
    operand sums = make(d, DIMS(4, 3)), ones = filled(d, DIMS(4, 2), VALUES(1, 1, 1, 1, 1, 1, 1, 1));
    RUN(scatter, (&(attributes_scatter){.axes = DIMS(1), .batch = DIMS(0), .mode = TARN_SCATTER_ADD}), &sums, sums,
        ones, at);
    expect(sums,
           d == TARN_BOOL ? VALUES(1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1) : VALUES(1, 0, 1, 0, 0, 1, 0, 2, 0, 1, 0, 1),
           "scatter along an axis");
}

/* ---- reducing */
static double folded(reduce_kind kind, double a, double b) {
    switch (kind) {
    case REDUCE_SUM:
        return a + b;
    case REDUCE_PROD:
        return a * b;
    case REDUCE_MAX:
        return a > b ? a : b;
    case REDUCE_MIN:
        return a < b ? a : b;
    case REDUCE_ALL:
        return a != 0 && b != 0;
    default:
        return a != 0 || b != 0;
    }
}

static tarn_dtype reduced_dtype(reduce_kind kind, tarn_dtype d) {
    if (kind >= REDUCE_ALL) return TARN_BOOL;
    if (kind >= REDUCE_MAX || dtype_kind_of(d) > KIND_INT || dtype_bytes(d) == 8) return d;
    return dtype_is_unsigned(d) ? TARN_UINT32 : TARN_INT32;
}

/* Axes 0 and 2 of [3, 4, 2]; products of 6 numbers below 8 fit every sum dtype but the half types, whose products are
 * taken of ±1. */
static void test_reduce(tarn_dtype d, reduce_kind kind) {
    operand x = transposed(varied(d, DIMS(2, 4, 3))), out = make(reduced_dtype(kind, d), DIMS(1, 4, 1));
    if (kind == REDUCE_PROD)
        for (int i = 0; i < 24; i++) put(&x, i, dtype_is_unsigned(d) || d == TARN_BOOL ? i % 3 + 1 : i % 5 - 2);
    attributes_reduce attributes = {.kind = kind, .axes = DIMS(0, -1), .keepdims = true};
    RUN(reduce, &attributes, &out, x);
    for (int j = 0; j < 4; j++) {
        double wanted = get(&x, j * 2);
        if (kind >= REDUCE_ALL) wanted = wanted != 0;
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 2; k++)
                if (i || k) wanted = folded(kind, wanted, get(&x, (i * 4 + j) * 2 + k));
        CHECK(get(&out, j) == wanted, "reduce %d of %s is %g, not %g", (int)kind, dtype_facts[d].name, get(&out, j),
              wanted);
    }
    operand point = make(out.dtype, (tarn_ints){NULL, 0}), again = make(out.dtype, (tarn_ints){NULL, 0});
    RUN(reduce, (&(attributes_reduce){.kind = kind}), &point, x);
    RUN(reduce, (&(attributes_reduce){.kind = kind, .axes = TARN_NO_AXES}), &again, point);
    CHECK(get(&again, 0) == get(&point, 0), "no axes");
    double wanted = get(&out, 0);
    for (int j = 1; j < 4; j++) wanted = folded(kind, wanted, get(&out, j));
    CHECK(get(&point, 0) == wanted, "all axes");
}

static void test_empty_reductions(tarn_dtype d) {
    for (reduce_kind kind = REDUCE_SUM; kind <= REDUCE_ANY; kind++) {
        tarn_dtype to = reduced_dtype(kind, d);
        operand x = make(d, DIMS(2, 0)), out = varied(to, DIMS(2));
        RUN(reduce, (&(attributes_reduce){.kind = kind, .axes = DIMS(1)}), &out, x);
        int bits = (int)dtype_bytes(to) * 8;
        bool whole = dtype_kind_of(to) == KIND_INT;
        double lowest = to == TARN_BOOL || dtype_is_unsigned(to) ? 0 : whole ? -ldexp(1, bits - 1) : -inf;
        double highest = to == TARN_BOOL         ? 1
                         : dtype_is_unsigned(to) ? (double)wrap_unsigned(UINT64_MAX, bits)
                         : whole                 ? (double)(INT64_MAX >> (64 - bits))
                                                 : inf;
        const double wanted[] = {0, 1, lowest, highest, 1, 0};
        expect(out, VALUES(wanted[kind], wanted[kind]), "empty reduction");
    }
}

static void test_reduce_accuracy(void) {
    operand halves = make(TARN_FLOAT16, DIMS(5000)), out = make(TARN_FLOAT16, (tarn_ints){NULL, 0});
    for (int i = 0; i < 5000; i++) put(&halves, i, 1);
    RUN(reduce, (&(attributes_reduce){.kind = REDUCE_SUM}), &out, halves);
    CHECK(get(&out, 0) == 5000, "5000 ones in float16 are %g", get(&out, 0));
    operand bytes = filled(TARN_INT8, DIMS(3), VALUES(127, 127, 127)), total = make(TARN_INT32, DIMS(1));
    RUN(reduce, (&(attributes_reduce){.kind = REDUCE_SUM, .keepdims = true}), &total, bytes);
    CHECK(get(&total, 0) == 381);
    operand x = filled(TARN_FLOAT32, DIMS(3), VALUES(1, nan_, 2)), most = make(TARN_FLOAT32, (tarn_ints){NULL, 0});
    RUN(reduce, (&(attributes_reduce){.kind = REDUCE_MAX}), &most, x);
    CHECK(isnan(get(&most, 0)));
    RUN(reduce, (&(attributes_reduce){.kind = REDUCE_MIN}), &most, x);
    CHECK(isnan(get(&most, 0)));
}

static void test_arg_reduce(tarn_dtype d) {
    operand x = transposed(filled(d, DIMS(4, 2), VALUES(0, 1, 1, 0, 1, 1, 0, 0))), out = make(TARN_UINT32, DIMS(2));
    RUN(arg_reduce, (&(attributes_arg_reduce){.axis = -1}), &out, x);
    expect(out, VALUES(1, 0), "argmax");
    RUN(arg_reduce, (&(attributes_arg_reduce){.axis = 1, .least = true}), &out, x);
    expect(out, VALUES(0, 1), "argmin");
    if (dtype_kind_of(d) != KIND_FLOAT) return;
    operand nans = filled(d, DIMS(4), VALUES(inf, nan_, -inf, nan_)), first = make(TARN_UINT32, (tarn_ints){NULL, 0});
    for (int least = 0; least < 2; least++) {
        RUN(arg_reduce, (&(attributes_arg_reduce){.axis = 0, .least = least}), &first, nans);
        CHECK(get(&first, 0) == 1, "the first NaN wins");
    }
    operand nothing = make(d, DIMS(2, 0));
    CHECK(!run_call(reference, CALL(arg_reduce, (&(attributes_arg_reduce){.axis = 1}), &out, nothing)),
          "an empty axis");
    tarn_clear_error();
}

static void test_scan(tarn_dtype d, reduce_kind kind, bool reverse, bool exclusive) {
    tarn_dtype to = d == TARN_BOOL && kind <= REDUCE_PROD ? TARN_INT32 : d;
    operand x = transposed(varied(d, DIMS(5, 3))), out = make(to, DIMS(3, 5));
    if (kind == REDUCE_PROD)
        for (int i = 0; i < 15; i++) put(&x, i, i % 2 + 1);
    RUN(scan, (&(attributes_scan){.kind = kind, .axis = -1, .reverse = reverse, .exclusive = exclusive}), &out, x);
    for (int i = 0; i < 3; i++) {
        double running = 0;
        for (int j = 0; j < 5; j++) {
            int here = i * 5 + (reverse ? 4 - j : j);
            double next = j ? folded(kind, running, get(&x, here)) : get(&x, here);
            if (!exclusive || j)
                CHECK(get(&out, here) == (exclusive ? running : next), "scan %d [%d %d]", (int)kind, i, j);
            if (exclusive && !j && kind <= REDUCE_PROD)
                CHECK((int)get(&out, here) == (int)kind, "scan begins with %d", (int)kind);
            running = next;
        }
    }
}

/* ---- ordering */
static void test_sort(tarn_dtype d) {
    enum { N = 37 };
    operand x = transposed(varied(d, DIMS(N, 2))), out = make(d, DIMS(2, N)), at = make(TARN_UINT32, DIMS(2, N));
    RUN(sort, (&(attributes_sort){.axis = 1}), &out, x);
    RUN(argsort, (&(attributes_argsort){.axis = -1}), &at, x);
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < N; j++) {
            int here = i * N + j, from = (int)get(&at, here);
            CHECK(get(&out, here) == get(&x, i * N + from), "sort and argsort differ");
            if (!j) continue;
            double before = get(&out, here - 1);
            CHECK(before < get(&out, here) || (before == get(&out, here) && get(&at, here - 1) < from), "order at %d",
                  j);
        }
    operand empty = make(d, DIMS(0, 3)), single = make(d, DIMS(1));
    RUN(sort, (&(attributes_sort){.axis = 0}), &empty, empty);
    RUN(sort, (&(attributes_sort){.axis = 0}), &single, single);
    if (dtype_kind_of(d) != KIND_FLOAT) return;
    operand mixed = filled(d, DIMS(6), VALUES(nan_, 1, -inf, nan_, inf, 0)), sorted = make(d, DIMS(6)),
            places = make(TARN_UINT32, DIMS(6));
    RUN(sort, (&(attributes_sort){.axis = 0}), &sorted, mixed);
    expect(sorted, VALUES(-inf, 0, 1, inf, nan_, nan_), "NaN last");
    RUN(sort, (&(attributes_sort){.axis = 0, .part = true, .first = 3, .last = -2}), &sorted, mixed);
    expect(sorted, VALUES(1, -inf, 0, inf, nan_, nan_), "the others in the order of the row");
    RUN(argsort, (&(attributes_argsort){.axis = 0}), &places, mixed);
    expect(places, VALUES(2, 5, 1, 4, 0, 3), "NaN last, in order");
}

/* ---- products */
static void test_matmul(tarn_dtype d, int64_t m, int64_t n, int64_t k) {
    operand a = varied(d, DIMS(2, 1, m, k)), b = varied(d, DIMS(3, n, k)), out = make(d, DIMS(2, 3, m, n));
    operand turned = view(b, 0, DIMS(3, k, n), DIMS(n * k, 1, k));
    RUN(matmul, NULL, &out, a, turned);
    for (int64_t p = 0; p < 6; p++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum += get(&a, (p / 3 * m + i) * k + l) * get(&b, (p % 3 * n + j) * k + l);
                operand wanted = make(d, DIMS(1));
                if (dtype_kind_of(d) == KIND_INT && dtype_bytes(d) == 1)
                    sum = dtype_is_unsigned(d) ? (double)(uint8_t)(int64_t)sum : (double)(int8_t)(int64_t)sum;
                put(&wanted, 0, sum);
                CHECK(get(&out, (p * m + i) * n + j) == get(&wanted, 0), "%s matmul [%d %d %d]", dtype_facts[d].name,
                      (int)p, (int)i, (int)j);
                free(wanted.data);
            }
}

static void test_matmul_accuracy(void) {
    enum { K = 4096 };
    operand a = make(TARN_BFLOAT16, DIMS(1, K)), b = make(TARN_BFLOAT16, DIMS(K, 1)),
            out = make(TARN_BFLOAT16, DIMS(1, 1));
    for (int i = 0; i < K; i++) put(&a, i, 1), put(&b, i, 1);
    RUN(matmul, NULL, &out, a, b);
    CHECK(get(&out, 0) == K, "%d ones in bfloat16 are %g", K, get(&out, 0));
    CHECK(!run_call(reference, CALL(matmul, NULL, &out, make(TARN_FLOAT32, DIMS(3)), b)), "1-d operands have no row");
    tarn_clear_error();
}

/* ---- quantization */
static uint32_t stream_bits(const uint32_t *words, int64_t index, int bits) {
    uint32_t q = 0;
    for (int i = 0; i < bits; i++) {
        int64_t at = index * bits + i;
        q |= (words[at / 32] >> (at % 32) & 1) << i;
    }
    return q;
}

static void test_quantize(tarn_dtype d, int bits, int group) {
    enum { ROWS = 3, K = 256 };
    operand w = transposed(make(d, DIMS(K, ROWS)));
    for (int i = 0; i < ROWS * K; i++) put(&w, i, sin(i * 1.7) + (i / K == 1 ? 3 : i / K == 2 ? -3 : 0));
    operand outs[3] = {make(TARN_UINT32, DIMS(ROWS, K * bits / 32)), make(d, DIMS(ROWS, K / group)),
                       make(d, DIMS(ROWS, K / group))};
    attributes_quantize attributes = {.group_size = group, .bits = bits};
    call c = {.op = OP_quantize,
              .attributes = &attributes,
              .input_count = 1,
              .output_count = 3,
              .inputs = &w,
              .outputs = outs};
    CHECK(run_call(reference, c), "%s", tarn_error());

    operand back = make(d, DIMS(ROWS, K)), x = varied(d, DIMS(2, K)), y = make(d, DIMS(2, ROWS));
    RUN(dequantize, (&(attributes_dequantize){.group_size = group, .bits = bits}), &back, outs[0], outs[1], outs[2]);
    attributes_quantized_matmul facts = {.transpose = true, .group_size = group, .bits = bits};
    RUN(quantized_matmul, &facts, &y, x, outs[0], outs[1], outs[2]);
    double sums[2 * ROWS] = {0};
    for (int i = 0; i < ROWS * K; i++) {
        double scale = get(&outs[1], i / group), bias = get(&outs[2], i / group);
        uint32_t q = stream_bits((uint32_t *)outs[0].data + i / K * (K * bits / 32), i % K, bits);
        double exact = scale * q + bias;
        /* half a step, a whole one at the end that the scale which makes zero exact leaves out, and what rounding costs
         */
        double slack = fabs(scale) * (q + 1 < 1u << bits ? 0.501 : 1.01) + 4 * (d == TARN_BFLOAT16  ? 0x1p-8
                                                                                : d == TARN_FLOAT16 ? 0x1p-11
                                                                                                    : 0x1p-22);
        CHECK(fabs(exact - get(&w, i)) <= slack, "%d bits: %g became %g (scale %g)", bits, get(&w, i), exact, scale);
        operand rounded = make(d, DIMS(1));
        put(&rounded, 0, scale * q);
        put(&rounded, 0, get(&rounded, 0) + bias);
        CHECK(get(&back, i) == get(&rounded, 0), "dequantize [%d] is %g, not %g", i, get(&back, i), get(&rounded, 0));
        free(rounded.data);
        for (int j = 0; j < 2; j++) sums[j * ROWS + i / K] += exact * get(&x, j * K + i % K);
    }
    double spacing = d == TARN_BFLOAT16 ? 0x1p-8 : d == TARN_FLOAT16 ? 0x1p-11 : 0x1p-23;
    for (int i = 0; i < 2 * ROWS; i++)
        CHECK(fabs(get(&y, i) - sums[i]) <= spacing * fabs(sums[i]) + 1e-9, "%g %g", get(&y, i), sums[i]);

    if (group > ROWS * K || K % group) return;
    operand left = varied(d, DIMS(1, ROWS)),
            plain = make(d, DIMS(1, K)); /* the same matrix, not transposed: [ROWS, K] */
    facts.transpose = false;
    RUN(quantized_matmul, &facts, &plain, left, outs[0], outs[1], outs[2]);
    for (int j = 0; j < K; j++) {
        double sum = 0;
        for (int i = 0; i < ROWS; i++) {
            int at = i * K + j;
            uint32_t q = stream_bits((uint32_t *)outs[0].data + i * (K * bits / 32), j, bits);
            sum += get(&left, i) * (get(&outs[1], at / group) * q + get(&outs[2], at / group));
        }
        CHECK(fabs(get(&plain, j) - sum) <= spacing * fabs(sum) + 1e-9, "not transposed: %g %g", get(&plain, j), sum);
    }
}

/* What mx.quantize (MLX on the CPU, group_size 32) makes of w[i] = ((37 i) mod 101 - 50) / 64, i < 64. */
typedef struct {
    int bits;
    tarn_dtype dtype;
    uint32_t packed[16];
    double scales[2], biases[2];
} quantized_golden;

static const quantized_golden quantized_goldens[] = {
    {2,
     TARN_FLOAT32,
     {0xb6dcb6dfu, 0xc72db72du, 0xdb6dcb6du, 0xdcb2db72u},
     {-0.390625, -0.3828125},
     {0.78125, 0.765625}},
    {3,
     TARN_FLOAT32,
     {0xf078ceafu, 0x50f19d5eu, 0xa1e33abdu, 0x7bc2733au, 0xf543c675u, 0xea878ceau},
     {-0.1953125, -0.19140625},
     {0.78125, 0.765625}},
    {4,
     TARN_FLOAT32,
     {0x7d38e4afu, 0x8e4af5b1u, 0x9f5b06c2u, 0xa06c28d3u, 0xb17d39f4u, 0xd28e4af5u, 0xe39f5b07u, 0xf4a06c28u},
     {-0.09765625, -0.095703125},
     {0.78125, 0.765625}},
    {5,
     TARN_FLOAT32,
     {0x8b1ea29fu, 0x3faec276u, 0xb724870fu, 0x66979550u, 0xa01981bfu, 0x9da2c7a8u, 0xc453ebb8u, 0x582dc921u,
      0x6fd9e7f5u, 0xf26a0660u},
     {-0.048828125, -0.0478515625},
     {0.78125, 0.765625}},
    {6,
     TARN_FLOAT32,
     {0xa2e91a3fu, 0x5b447332u, 0x8383e6f9u, 0xeb09ac48u, 0xed8d93c4u, 0xa4062f19u, 0x342a3ed1u, 0x7fd6b847u,
      0xc888793eu, 0x7d52c09au, 0x01dfdcd9u, 0xed2a8063u},
     {-0.0244140625, -0.02392578125},
     {0.78125, 0.765625}},
    {8,
     TARN_FLOAT32,
     {0xe643a1ffu, 0x6ecd2988u, 0xf854b30fu, 0x80df3b9au, 0x0866c521u, 0x92f14dacu, 0x1a78d733u, 0xa4005fbdu,
      0x2a8ced44u, 0xb81071d3u, 0x3d9eff57u, 0xcb2284e5u, 0x4fb00869u, 0xdd3596f7u, 0x61c31a7cu, 0xf047a800u},
     {-0.006103515625, -0.005935077555477619},
     {0.78125, 0.765625}},
    {8,
     TARN_BFLOAT16,
     {0xe643a1ffu, 0x6ecd2988u, 0xf854b30fu, 0x80df3b9au, 0x0866c521u, 0x92f14dacu, 0x1a78d733u, 0xa4005fbdu,
      0x2a8ced44u, 0xb81071d3u, 0x3d9eff57u, 0xcb2284e5u, 0x4fb00869u, 0xdd3596f7u, 0x61c31a7cu, 0xf047a800u},
     {-0.006103515625, -0.00592041015625},
     {0.78125, 0.765625}},
};

static void test_quantize_golden(const quantized_golden *g) {
    operand w = make(g->dtype, DIMS(1, 64)),
            outs[3] = {make(TARN_UINT32, DIMS(1, 2 * g->bits)), make(g->dtype, DIMS(1, 2)), make(g->dtype, DIMS(1, 2))};
    for (int i = 0; i < 64; i++) put(&w, i, (i * 37 % 101 - 50) / 64.0);
    attributes_quantize attributes = {.group_size = 32, .bits = g->bits};
    call c = {.op = OP_quantize,
              .attributes = &attributes,
              .input_count = 1,
              .output_count = 3,
              .inputs = &w,
              .outputs = outs};
    CHECK(run_call(reference, c), "%s", tarn_error());
    CHECK(memcmp(outs[0].data, g->packed, (size_t)g->bits * 8) == 0, "%d bits: other words than MLX's", g->bits);
    expect(outs[1], g->scales, "scales");
    expect(outs[2], g->biases, "biases");
}

/* Groups that hold zero keep it exactly; a constant group keeps its constant; zeros stay zeros. */
static void test_quantize_exact(void) {
    operand w = make(TARN_FLOAT32, DIMS(3, 32)),
            outs[3] = {make(TARN_UINT32, DIMS(3, 4)), make(TARN_FLOAT32, DIMS(3, 1)), make(TARN_FLOAT32, DIMS(3, 1))};
    for (int i = 0; i < 32; i++) put(&w, i, i % 2 ? 0 : -0.3 * i), put(&w, 32 + i, 0.7), put(&w, 64 + i, 0);
    attributes_quantize attributes = {.group_size = 32, .bits = 4};
    CHECK(run_call(reference, (call){.op = OP_quantize,
                                     .attributes = &attributes,
                                     .input_count = 1,
                                     .output_count = 3,
                                     .inputs = &w,
                                     .outputs = outs}));
    operand back = make(TARN_FLOAT32, DIMS(3, 32));
    RUN(dequantize, (&(attributes_dequantize){.group_size = 32, .bits = 4}), &back, outs[0], outs[1], outs[2]);
    for (int i = 1; i < 32; i += 2) CHECK(fabs(get(&back, i)) < 1e-6, "zero became %g", get(&back, i));
    for (int i = 0; i < 32; i++)
        CHECK(get(&back, 32 + i) == (double)0.7F && get(&back, 64 + i) == 0, "%g %g", get(&back, 32 + i),
              get(&back, 64 + i));
}

/* ---- making */
static void test_arange(tarn_dtype d) {
    operand out = make(d, DIMS(5)), none = make(d, DIMS(0));
    RUN(arange, (&(attributes_arange){.start = 1, .stop = 11, .step = 2, .dtype = d}), &out, none);
    expect(out, VALUES(1, 3, 5, 7, 9), "arange");
    if (dtype_kind_of(d) != KIND_FLOAT) return;
    RUN(arange, (&(attributes_arange){.start = 1, .stop = -1.5, .step = -0.5, .dtype = d}), &out, none);
    expect(out, VALUES(1, 0.5, 0, -0.5, -1), "arange");
}

/* The constants of JAX's tests that MLX's tests repeat: threefry of key(0), and its split. */
static void test_random_bits(void) {
    operand key = filled(TARN_UINT32, DIMS(2), VALUES(0, 0)), two = make(TARN_UINT32, DIMS(2, 2)),
            one = make(TARN_UINT32, DIMS(1));
    RUN(random_bits, (&(attributes_random_bits){.shape = DIMS(2, 2), .width = 4}), &two, key);
    expect(two, VALUES(4146024105, 967050713, 2718843009, 1272950319), "split of key 0");
    RUN(random_bits, (&(attributes_random_bits){.shape = DIMS(1), .width = 4}), &one, key);
    expect(one, VALUES(1797259609), "one word of key 0");
    operand bytes = make(TARN_UINT8, DIMS(7)), words = make(TARN_UINT32, DIMS(2)),
            keys = transposed(filled(TARN_UINT32, DIMS(2, 2), VALUES(0, 5, 0, 9)));
    RUN(random_bits, (&(attributes_random_bits){.shape = DIMS(7), .width = 1}), &bytes, key);
    RUN(random_bits, (&(attributes_random_bits){.shape = DIMS(2), .width = 4}), &words, key);
    CHECK(memcmp(bytes.data, words.data, 7) == 0, "7 bytes are cut from 2 words");
    operand many = make(TARN_UINT16, DIMS(2, 3)), single = make(TARN_UINT16, DIMS(3));
    RUN(random_bits, (&(attributes_random_bits){.shape = DIMS(3), .width = 2}), &many, keys);
    RUN(random_bits, (&(attributes_random_bits){.shape = DIMS(3), .width = 2}), &single, key);
    CHECK(memcmp(many.data, single.data, 6) == 0, "the first of several keys, read through strides");
    RUN(random_bits, (&(attributes_random_bits){.shape = DIMS(3), .width = 2}), &single,
        filled(TARN_UINT32, DIMS(2), VALUES(5, 9)));
    CHECK(memcmp((char *)many.data + 6, single.data, 6) == 0, "the second of several keys");
}

int main(void) {
    test_complete();
    for (tarn_dtype d = TARN_BOOL; d < TARN_DTYPE_COUNT; d++) {
        test_copies(d);
        test_blocks(d, 1, 1), test_blocks(d, 9, 4), test_blocks(d, -3, 0), test_blocks(d, 0, 0);
        test_placed_blocks(d);
        test_gather(d, TARN_INT64), test_gather(d, TARN_UINT32), test_gather(d, TARN_INT8);
        test_gather_along(d);
        test_gather_axes(d);
        for (reduce_kind kind = REDUCE_SUM; kind <= REDUCE_ANY; kind++) test_reduce(d, kind);
        test_empty_reductions(d);
        test_arg_reduce(d);
        for (int i = 0; i < 16; i++) test_scan(d, (reduce_kind)(i / 4), i & 1, i & 2);
        test_sort(d);
        test_matmul(d, 3, 5, 4), test_matmul(d, 1, 17, 3), test_matmul(d, 4, 2, 0), test_matmul(d, 0, 3, 2);
        if (d != TARN_BOOL) test_arange(d);
    }
    test_scatter_modes();
    test_nonzero();
    test_checked_indices(TARN_INT64), test_checked_indices(TARN_UINT8), test_checked_indices(TARN_INT16);
    test_reduce_accuracy();
    test_matmul_accuracy();
    test_random_bits();
    static const tarn_dtype floats[] = {TARN_FLOAT16, TARN_BFLOAT16, TARN_FLOAT32};
    static const int bits[] = {2, 3, 4, 5, 6, 8}, groups[] = {32, 64, 128};
    for (int i = 0; i < 54; i++) test_quantize(floats[i / 18], bits[i / 3 % 6], groups[i % 3]);
    for (int i = 0; i < (int)(sizeof quantized_goldens / sizeof *quantized_goldens); i++)
        test_quantize_golden(&quantized_goldens[i]);
    test_quantize_exact();
    printf(
        "%d checks, %d failures: every structural kernel, %d dtypes; quantization with 6 widths, 3 groups, 3 dtypes\n",
        checks, failures, TARN_DTYPE_COUNT);
    return failures != 0;
}
