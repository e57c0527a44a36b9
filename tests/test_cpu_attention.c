/* Attention on the CPU against its formula in double: grouped heads, causal, windows, lengths, masks, sinks, any head
   size; rows that see nothing; the same bits whatever the number of threads and whatever other rows there are. */
#include <float.h>

#include "cpu/cpu.h"
#include "base/threads.h"
#include "kernel_calls.h"
#include "random_operands.h"

typedef struct {
    int64_t batch, heads, kv_heads, length, keys, dim, value_dim;
    bool causal, lengths, sinks;
    int64_t window;
    int mask; /* 0 none, 1 bool [length, keys], 2 additive [1, heads, length, keys], 3 bool [batch, 1, 1, keys], 4 bool
                 that hides rows */
} attention_case;

enum { Q, K, V, MASK, LENGTH, SINKS, INPUTS };

/* [batch, heads, n, dim] in memory as [batch, n, heads, dim], as projections give them. */
static operand projected(tarn_dtype dtype, int64_t batch, int64_t heads, int64_t n, int64_t dim) {
    operand o = randomized(dtype, DIMS(batch, n, heads, dim), DOMAIN_UNIT);
    return view(o, 0, DIMS(batch, heads, n, dim), DIMS(n * heads * dim, dim, heads * dim, 1));
}

static operand make_mask(const attention_case *t, tarn_dtype dtype) {
    operand none = {0};
    if (t->mask == 0) return none;
    operand m = t->mask == 2   ? randomized(dtype, DIMS(1, t->heads, t->length, t->keys), DOMAIN_ANY)
                : t->mask == 3 ? randomized(TARN_BOOL, DIMS(t->batch, 1, 1, t->keys), DOMAIN_ANY)
                               : randomized(TARN_BOOL, DIMS(t->length, t->keys), DOMAIN_ANY);
    for (int64_t i = 0; t->mask == 4 && i < t->keys; i++) put(&m, i, 0);
    return m;
}

static double mask_at(const operand *m, const int64_t at[4]) {
    int64_t offset = 0;
    for (int i = 1; i <= m->ndim; i++)
        if (m->shape[m->ndim - i] != 1) offset += at[4 - i] * m->strides[m->ndim - i];
    operand one = *m;
    one.ndim = 0;
    one.data = (char *)m->data + offset * dtype_bytes(m->dtype);
    return get(&one, 0);
}

/* q, k and v in row-major order. */
static double *numbers[3];

static double *doubles(const operand *o) {
    int64_t n = operand_size(o);
    double *x = malloc((size_t)(n + 1) * sizeof *x);
    for (int64_t i = 0; i < n; i++) x[i] = get(o, i);
    return x;
}

static const double *row_of(const operand *in, int which, int64_t b, int64_t h, int64_t i) {
    const int64_t *shape = in[which].shape;
    return numbers[which] + ((b * shape[1] + h) * shape[2] + i) * shape[3];
}

/* One row of scores, as the formula states them; returns how many keys exist. */
static int64_t score_row(const attention_case *t, const operand *in, double scale, int64_t b, int64_t h, int64_t i,
                         double *scores) {
    int64_t valid = t->lengths ? (int64_t)get(&in[LENGTH], b) : t->keys, position = valid - t->length + i;
    int64_t count = valid < t->keys ? valid : t->keys;
    const double *q = row_of(in, Q, b, h, i);
    for (int64_t k = 0; k < count; k++) {
        const double *key = row_of(in, K, b, h / (t->heads / t->kv_heads), k);
        scores[k] = 0;
        for (int64_t d = 0; d < t->dim; d++) scores[k] += q[d] * key[d] * scale;
        if (t->causal && (k > position || (t->window && k <= position - t->window))) scores[k] = -(double)FLT_MAX;
        if (t->mask == 0) continue;
        double m = mask_at(&in[MASK], (int64_t[]){b, h, i, k});
        scores[k] = t->mask == 2 ? (double)(float)(scores[k] + m) : m != 0 ? scores[k] : -(double)FLT_MAX;
    }
    return count;
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
        for (int64_t d = 0; d < t->value_dim; d++) out[d] += w * v[d];
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
    operand in[INPUTS] = {projected(dtype, t.batch, t.heads, t.length, t.dim),
                          projected(dtype, t.batch, t.kv_heads, t.keys, t.dim),
                          projected(dtype, t.batch, t.kv_heads, t.keys, t.value_dim), make_mask(&t, dtype)};
    if (t.lengths) in[LENGTH] = make(TARN_INT32, DIMS(t.batch));
    for (int64_t b = 0; t.lengths && b < t.batch; b++)
        put(&in[LENGTH], b, (double)(t.keys - 3 * b - 1 > 1 ? t.keys - 3 * b - 1 : 1));
    if (t.sinks) in[SINKS] = randomized(dtype, DIMS(t.heads), DOMAIN_ANY);
    for (int i = 0; i < 3; i++) numbers[i] = doubles(&in[i]);
    double scale = 0.7, expected[1024];
    operand got = run_case(&t, in, dtype, scale);
    for (int64_t row = 0; row < t.batch * t.heads * t.length; row++) {
        expect_row(&t, in, scale, row / t.length / t.heads, row / t.length % t.heads, row % t.length, expected);
        for (int64_t d = 0; d < t.value_dim; d++) {
            double x = get(&got, row * t.value_dim + d),
                   unit = ldexp(1, -bits_of_mantissa(dtype) - 1) * fabs(expected[d]) + 4e-6;
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
    const int64_t sizes[][6] = {
        /* heads, kv heads, length, keys, dim, value dim */
        {4, 4, 1, 1, 16, 16},     {8, 2, 1, 300, 64, 64},  {4, 1, 2, 600, 128, 128}, {6, 2, 1, 37, 40, 24},
        {2, 2, 7, 130, 5, 3},     {8, 1, 3, 50, 64, 64},   {4, 2, 33, 33, 64, 64},   {3, 1, 70, 150, 80, 96},
        {2, 1, 20, 49, 300, 270}, {2, 2, 5, 3, 32, 32},    {8, 1, 1, 257, 7, 65},    {2, 2, 100, 100, 32, 32},
        {5, 1, 1, 700, 128, 128}, {7, 1, 1, 90, 72, 72},   {6, 3, 3, 511, 96, 33},   {2, 1, 45, 167, 128, 96},
        {6, 2, 67, 70, 96, 160},  {2, 2, 17, 65, 256, 32},
    };
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int variant = 0; variant < 12; variant++) {
            attention_case t = {2,           sizes[s][0], sizes[s][1], sizes[s][2], sizes[s][3], sizes[s][4],
                                sizes[s][5], false,       false,       false,       0,           0};
            t.causal = variant % 2;
            t.lengths = variant >= 2 && variant % 3 == 0;
            t.sinks = variant % 5 == 3;
            t.window = variant % 4 == 3 ? 9 : 0;
            t.mask = variant >= 4 ? variant % 5 : 0;
            test_case(t, dtype);
        }
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
    const cpu_level *levels[] = {cpu_isa_levels[ISA_BASELINE], cpu_isa_levels[ISA_AVX2], cpu_isa_levels[ISA_AVX512],
                                 &cpu_levels[CPU_LEVELS - 1]};
    for (int level = 0; level < 4; level++) {
        if (!cpu_limit(levels[level])) {
            printf("skipped: no %s\n", levels[level]->name);
            continue;
        }
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
        printf("%s: %d checks, %d failures\n", levels[level]->name, checks, failures);
    }
    return failures != 0;
}
