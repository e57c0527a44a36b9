/* Attention on the CPU against its formula in double: grouped heads, causal, windows, lengths, masks, sinks, any head
   size; rows that see nothing; the same bits whatever the number of threads and whatever other rows there are. */
#include "attention_cases.h"
#include "base/threads.h"
#include "rounds.h"

static UNWATCHED void add_scaled(double *sum, const double *x, int64_t count, double factor) {
    for (int64_t i = 0; i < count; i++) sum[i] += factor * x[i];
}

static void expect_row(const attention_case *t, const operand *in, double scale, int64_t b, int64_t h, int64_t i,
                       double *out) {
    double *scores = malloc((size_t)(t->keys + 1) * sizeof *scores), sink = t->sinks ? get(&in[SINKS], h) : -INFINITY,
           top = sink;
    int64_t count = score_row(t, in, scale, b, h, i, scores);
    for (int64_t k = 0; k < count; k++) top = fmax(top, scores[k]);
    double total = t->sinks ? exp(sink - top) : 0;
    for (int64_t d = 0; d < t->value_dim; d++) out[d] = 0;
    for (int64_t k = 0; k < count; k++) {
        double w = exp(scores[k] - top);
        total += w;
        const double *v = row_of(in, V, b, h / (t->heads / t->kv_heads), k);
        add_scaled(out, v, t->value_dim, w);
    }
    for (int64_t d = 0; d < t->value_dim; d++) out[d] /= total;
    free(scores);
}

static operand run_case(const attention_case *t, operand *in, tarn_dtype dtype, double scale) {
    operand out = make(dtype, DIMS(t->batch, t->heads, t->length, t->value_dim));
    attributes_attention a = {.scale = scale, .causal = t->causal, .window = t->window};
    call c = {
        .op = OP_attention, .attributes = &a, .input_count = INPUTS, .inputs = in, .output_count = 1, .outputs = &out};
    CHECK(run_call(&backend_cpu, c), "%s", tarn_error());
    return out;
}

static void test_case(attention_case t, tarn_dtype dtype) {
    operand in[INPUTS];
    make_inputs(&t, dtype, in);
    double scale = 0.7, expected[1024];
    operand got = run_case(&t, in, dtype, scale);
    for (int64_t row = 0; row < t.batch * t.heads * t.length; row++) {
        expect_row(&t, in, scale, row / t.length / t.heads, row / t.length % t.heads, row % t.length, expected);
        for (int64_t d = 0; d < t.value_dim; d++) {
            double x = get(&got, row * t.value_dim + d),
                   unit = ldexp(1, -bits_of_mantissa(dtype) - 1) * fabs(expected[d]) + 4e-6 + 1e-8 * (double)t.dim;
            if (CHECK(fabs(x - expected[d]) <= unit,
                      "%s D %lld L %lld T %lld causal %d window %lld mask %d row %lld [%lld]: %g instead of %g",
                      dtype_facts[dtype].name, (long long)t.dim, (long long)t.length, (long long)t.keys, t.causal,
                      (long long)t.window, t.mask, (long long)row, (long long)d, x, expected[d]))
                continue;
            row = INT64_MAX / 2;
            break;
        }
    }
    for (int i = 0; i < 3; i++) free(numbers[i]);
}

static void test_cases(tarn_dtype dtype) {
    for (int i = 0; i < ATTENTION_CASES; i++)
        if (in_rounds()) test_case(attention_case_at(i), dtype);
}

/* Infinite and NaN values come out as the formula says, whichever kernel would otherwise multiply them by parts of
 * weights. */
static void test_special_values(tarn_dtype dtype, int64_t length, double special) {
    attention_case t = {1, 2, 1, length, 90, 64, 64, .causal = false};
    operand in[INPUTS] = {projected(dtype, 1, 2, length, 64), projected(dtype, 1, 1, 90, 64),
                          randomized(dtype, DIMS(1, 1, 90, 64), DOMAIN_UNIT)};
    put(&in[V], 77 * 64 + 5, special);
    operand got = run_case(&t, in, dtype, 0.2);
    for (int64_t i = 0; i < operand_size(&got); i++) {
        double x = get(&got, i);
        CHECK(i % 64 != 5      ? isfinite(x)
              : isnan(special) ? isnan(x)
                               : x == special,
              "%s [%lld]: %g among the values gives %g", dtype_facts[dtype].name, (long long)i, special, x);
    }
}

/* The rows of a long call are those of shorter ones, and of other numbers of threads. */
static void test_same_bits(tarn_dtype dtype) {
    attention_case all = {1, 4, 2, 90, 200, 64, 64, .causal = true}, some = all;
    operand in[INPUTS] = {projected(dtype, 1, 4, 90, 64), projected(dtype, 1, 2, 200, 64),
                          projected(dtype, 1, 2, 200, 64)};
    operand whole = run_case(&all, in, dtype, 0.2);
    parallel_set_threads(1);
    operand alone = run_case(&all, in, dtype, 0.2);
    parallel_set_threads(0);
    CHECK(memcmp(whole.data, alone.data, (size_t)(operand_size(&whole) * dtype_bytes(dtype))) == 0,
          "threads change the result");
    some.length = 40; /* the last 40 queries */
    operand q = in[Q];
    in[Q] = view(q, 50 * q.strides[2], DIMS(1, 4, 40, 64), (tarn_ints){q.strides, 4});
    operand part = run_case(&some, in, dtype, 0.2);
    for (int64_t h = 0; h < 4; h++)
        CHECK(memcmp(place(&whole, (h * 90 + 50) * 64), place(&part, h * 40 * 64),
                     (size_t)(40 * 64 * dtype_bytes(dtype))) == 0,
              "other rows change the result");
}

int main(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT16, TARN_BFLOAT16};
    for (int level = 0; level < 4; level++) {
        if (!use_level(level)) continue;
        parallel_set_threads(level == 1 ? 3 : 0);
        for (int d = 0; d < 3; d++) {
            test_cases(dtypes[d]);
            test_same_bits(dtypes[d]);
            for (int64_t length = 1; length < 40; length += 19) {
                test_special_values(dtypes[d], length, INFINITY);
                test_special_values(dtypes[d], length, -INFINITY);
                test_special_values(dtypes[d], length, NAN);
            }
        }
        printf("%d checks, %d failures\n", checks, failures);
    }
    return failures != 0;
}
