/* The gradient of attention by its formula in double, for the tests of its kernels, and how near to it they have to be.
 */
#ifndef TESTS_ATTENTION_GRADIENTS_H
#define TESTS_ATTENTION_GRADIENTS_H

#include "attention_cases.h"
#include "table/absent.h"

enum { OUTPUTS = 3, MOST_KEYS = 4096 };
static const double scale = 0.7;

/* Gradients of q, k and v, and beside each the sum of the magnitudes of what was added. */
typedef struct {
    double *sum[OUTPUTS], *size[OUTPUTS];
} expectation;

static expectation zeros(const operand *in) {
    expectation e;
    for (int i = 0; i < OUTPUTS; i++) {
        e.sum[i] = calloc((size_t)operand_size(&in[i]) + 1, sizeof(double));
        e.size[i] = calloc((size_t)operand_size(&in[i]) + 1, sizeof(double));
    }
    return e;
}

/* Runs the kernel; outputs that are not wanted have no memory. */
static inline void run_gradient(const attention_case *t, const operand *in, operand g, operand out[OUTPUTS],
                                const bool wanted[OUTPUTS], bool (*run)(call c)) {
    operand inputs[1 + INPUTS] = {g};
    memcpy(inputs + 1, in, INPUTS * sizeof *in);
    for (int i = 0; i < OUTPUTS; i++) {
        out[i] = make(in[i].dtype, (tarn_ints){in[i].shape, 4});
        memset(out[i].data, 0x5A, (size_t)(operand_size(&out[i]) * dtype_bytes(out[i].dtype)));
        if (!wanted[i]) free(out[i].data), out[i].data = NULL;
    }
    attributes_attention_gradient a = {.scale = scale, .causal = t->causal, .window = t->window};
    call c = {.op = OP_attention_gradient,
              .attributes = &a,
              .input_count = 1 + INPUTS,
              .inputs = inputs,
              .output_count = OUTPUTS,
              .outputs = out};
    CHECK(run(c), "%s", tarn_error());
    tarn_clear_error();
}

static const bool all[OUTPUTS] = {true, true, true};

static inline bool same_bits(const operand *a, const operand *b) {
    return memcmp(a->data, b->data, (size_t)(operand_size(a) * dtype_bytes(a->dtype))) == 0;
}

static inline void release(const expectation *e) {
    for (int i = 0; i < OUTPUTS; i++) free(e->sum[i]), free(e->size[i]), free(numbers[i]);
}

static UNWATCHED void add(expectation *e, int which, int64_t at, const double *x, int64_t count, double factor,
                          double size) {
    for (int64_t i = 0; i < count; i++) {
        e->sum[which][at + i] += factor * x[i];
        e->size[which][at + i] += size * fabs(x[i]);
    }
}

/* Scores become weights. */
static void weigh(double *scores, int64_t count, double sink) {
    double top = sink, total = 0;
    for (int64_t k = 0; k < count; k++) top = fmax(top, scores[k]);
    if (isfinite(sink)) total = exp(sink - top);
    for (int64_t k = 0; k < count; k++) total += exp(scores[k] - top);
    for (int64_t k = 0; k < count; k++) scores[k] = exp(scores[k] - top) / total;
}

static void expect_row(const attention_case *t, const operand *in, const double *g, int64_t b, int64_t h, int64_t i,
                       expectation *e) {
    double w[MOST_KEYS], products[MOST_KEYS], mean = 0, size = 0;
    bool hidden[MOST_KEYS];
    int64_t count = score_row(t, in, scale, b, h, i, w), head = b * t->kv_heads + h / (t->heads / t->kv_heads);
    for (int64_t k = 0; k < count; k++) hidden[k] = w[k] == -(double)FLT_MAX;
    weigh(w, count, t->sinks ? get(&in[SINKS], h) : -INFINITY);
    for (int64_t k = 0; k < count; k++) {
        products[k] = scaled_dot(g, numbers[V] + (head * t->keys + k) * t->value_dim, t->value_dim, 1);
        mean += w[k] * products[k];
        size += w[k] * fabs(products[k]);
    }
    for (int64_t k = 0; k < count; k++) {
        int64_t q = ((b * t->heads + h) * t->length + i) * t->dim, key = head * t->keys + k;
        double d = hidden[k] ? 0 : w[k] * (products[k] - mean) * scale,
               most = hidden[k] ? 0 : w[k] * (fabs(products[k]) + size) * scale;
        add(e, Q, q, numbers[K] + key * t->dim, t->dim, d, most);
        add(e, K, key * t->dim, numbers[Q] + q, t->dim, d, most);
        add(e, V, key * t->value_dim, g, t->value_dim, w[k], w[k]);
    }
}

static inline expectation expect(const attention_case *t, const operand *in, const operand *g) {
    expectation e = zeros(in);
    double *numbers_of_g = doubles(g);
    for (int64_t row = 0; row < t->batch * t->heads * t->length; row++)
        expect_row(t, in, numbers_of_g + row * t->value_dim, row / t->length / t->heads, row / t->length % t->heads,
                   row % t->length, &e);
    free(numbers_of_g);
    return e;
}

static void describe(const attention_case *t, tarn_dtype dtype, int which) {
    printf("%s of %c, ", dtype_facts[dtype].name, "qkv"[which]);
    printf("heads %lld %lld D %lld %lld ", (long long)t->heads, (long long)t->kv_heads, (long long)t->dim,
           (long long)t->value_dim);
    printf("L %lld T %lld causal %d window %lld ", (long long)t->length, (long long)t->keys, t->causal,
           (long long)t->window);
    printf("mask %d sinks %d\n", t->mask, t->sinks);
}

static inline void expect_near(const attention_case *t, const operand *got, const expectation *e, int which,
                               double close) {
    double rounding = ldexp(1, -bits_of_mantissa(got->dtype) - 1);
    for (int64_t i = 0; i < operand_size(got); i++) {
        double x = get(got, i), wanted = e->sum[which][i],
               most = rounding * fabs(wanted) + close * e->size[which][i] + 1e-7;
        if (CHECK(fabs(x - wanted) <= most, "[%lld]: %g instead of %g", (long long)i, x, wanted)) continue;
        describe(t, got->dtype, which);
        return;
    }
}

#endif
