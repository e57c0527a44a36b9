/* Cases of attention and what they say of scores, for the tests of the kernels of attention and of its gradient. */
#ifndef TESTS_ATTENTION_CASES_H
#define TESTS_ATTENTION_CASES_H

#include <float.h>

#include "cpu/cpu.h"
#include "kernel_calls.h"
#include "random_operands.h"
#include "rounds.h"

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

static UNWATCHED double scaled_dot(const double *x, const double *y, int64_t count, double scale) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * y[i] * scale;
    return sum;
}

static UNWATCHED double mask_at(const operand *m, const int64_t at[4]) {
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
static UNWATCHED int64_t score_row(const attention_case *t, const operand *in, double scale, int64_t b, int64_t h,
                                   int64_t i, double *scores) {
    int64_t valid = t->lengths ? (int64_t)get(&in[LENGTH], b) : t->keys, position = valid - t->length + i;
    int64_t count = valid < t->keys ? valid : t->keys;
    const double *q = row_of(in, Q, b, h, i);
    for (int64_t k = 0; k < count; k++) {
        const double *key = row_of(in, K, b, h / (t->heads / t->kv_heads), k);
        scores[k] = scaled_dot(q, key, t->dim, scale);
        if (t->causal && (k > position || (t->window && k <= position - t->window))) scores[k] = -(double)FLT_MAX;
        if (t->mask == 0) continue;
        double m = mask_at(&in[MASK], (int64_t[]){b, h, i, k});
        scores[k] = t->mask == 2 ? (double)(float)(scores[k] + m) : m != 0 ? scores[k] : -(double)FLT_MAX;
    }
    return count;
}

/* q, k, v and what else the case has, and q, k and v as `numbers`, which the caller frees. */
static void make_inputs(const attention_case *t, tarn_dtype dtype, operand in[INPUTS]) {
    const operand made[INPUTS] = {projected(dtype, t->batch, t->heads, t->length, t->dim),
                                  projected(dtype, t->batch, t->kv_heads, t->keys, t->dim),
                                  projected(dtype, t->batch, t->kv_heads, t->keys, t->value_dim), make_mask(t, dtype)};
    memcpy(in, made, sizeof made);
    if (t->lengths) in[LENGTH] = make(TARN_INT32, DIMS(t->batch));
    for (int64_t b = 0; t->lengths && b < t->batch; b++)
        put(&in[LENGTH], b, (double)(t->keys - 3 * b - 1 > 1 ? t->keys - 3 * b - 1 : 1));
    if (t->sinks) in[SINKS] = randomized(dtype, DIMS(t->heads), DOMAIN_ANY);
    for (int i = 0; i < 3; i++) numbers[i] = doubles(&in[i]);
}

enum { ATTENTION_VARIANTS = 12, ATTENTION_CASES = 18 * ATTENTION_VARIANTS };

static attention_case attention_case_at(int number) {
    static const int64_t sizes[ATTENTION_CASES / ATTENTION_VARIANTS][6] = {
        /* heads, kv heads, length, keys, dim, value dim */
        {4, 4, 1, 1, 16, 16},     {8, 2, 1, 300, 64, 64},  {4, 1, 2, 600, 128, 128}, {6, 2, 1, 37, 40, 24},
        {2, 2, 7, 130, 5, 3},     {8, 1, 3, 50, 64, 64},   {4, 2, 33, 33, 64, 64},   {3, 1, 70, 150, 80, 96},
        {2, 1, 20, 49, 300, 270}, {2, 2, 5, 3, 32, 32},    {8, 1, 1, 257, 7, 65},    {2, 2, 100, 100, 32, 32},
        {5, 1, 1, 700, 128, 128}, {7, 1, 1, 90, 72, 72},   {6, 3, 3, 511, 96, 33},   {2, 1, 45, 167, 128, 96},
        {6, 2, 67, 70, 96, 160},  {2, 2, 17, 65, 256, 32},
    };
    const int64_t *s = sizes[number / ATTENTION_VARIANTS];
    int variant = number % ATTENTION_VARIANTS;
    attention_case t = {2, s[0], s[1], s[2], s[3], s[4], s[5], false, false, false, 0, 0};
    t.causal = variant % 2;
    t.lengths = variant >= 2 && variant % 3 == 0;
    t.sinks = variant % 5 == 3;
    t.window = variant % 4 == 3 ? 9 : 0;
    t.mask = variant >= 4 ? variant % 5 : 0;
    return t;
}

/* The instruction sets whose kernels differ, the last of all with tiles. */
static inline bool use_level(int level) {
    const cpu_level *levels[] = {cpu_isa_levels[ISA_BASELINE], cpu_isa_levels[ISA_AVX2], cpu_isa_levels[ISA_AVX512],
                                 &cpu_levels[CPU_LEVELS - 1]};
    if (!cpu_limit(levels[level])) return printf("skipped: no %s\n", levels[level]->name), false;
    return printf("%s\n", levels[level]->name) > 0;
}

#endif
