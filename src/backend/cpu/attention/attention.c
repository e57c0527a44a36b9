/* Attention without a matrix of scores: sums that are rescaled as larger scores appear (Milakov and Gimelshein, 2018;
   Dao et al., 2022). Scores, exponentials and sums are float32.

   Few rows (a step of decoding) are shared out by kv head and chunk of keys, the chunks' sums joined afterwards; many
   rows by kv head and block of rows. Neither the chunks nor the blocks depend on the number of threads, and a row's
   result does not depend on the other rows.

   What a row may not see has the most negative finite score, as the formula says (ops/fused/attention.c): a row that
   sees nothing is the mean of the values of all keys below its length. Keys beyond the length do not exist. */
#include "cpu/attention/attention.h"
#include "table/absent.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/integers.h"
#include "table/convert.h"

attention_span attention_span_of(const attention_problem *p, int64_t batch) {
    int64_t valid = p->valid ? integer_of(p->valid, batch) : p->keys;
    return (attention_span){valid < p->keys ? (valid > 0 ? valid : 0) : p->keys, valid - p->length};
}

static float float_at(const char *from, tarn_dtype dtype) {
    uint16_t half;
    float x;
    double wide;
    if (dtype == TARN_FLOAT32) return memcpy(&x, from, sizeof x), x;
    if (dtype == TARN_FLOAT64) return memcpy(&wide, from, sizeof wide), (float)wide;
    memcpy(&half, from, sizeof half);
    return dtype == TARN_FLOAT16 ? float16_to_float(half) : bfloat16_to_float(half);
}

/* Keys [from, to) of the `count` that begin at `begin`. */
static void hide(int64_t from, int64_t to, int64_t begin, int64_t count, float *scores, int64_t stride) {
    if (from < begin) from = begin;
    if (to > begin + count) to = begin + count;
    for (int64_t key = from; key < to; key++) scores[(key - begin) * stride] = -FLT_MAX;
}

static void hide_by_position(const attention_problem *p, int64_t position, int64_t begin, int64_t count, float *scores,
                             int64_t stride) {
    int64_t first = position < p->window ? 0 : position - p->window + 1; /* that is seen */
    hide(begin, first, begin, count, scores, stride);
    hide(position + 1, begin + count, begin, count, scores, stride);
}

static void apply_mask(const attention_problem *p, const char *mask, int64_t count, float *scores, int64_t stride) {
    int64_t step = p->mask_strides[3];
    tarn_dtype dtype = p->mask->dtype;
    for (int64_t i = 0; i < count; i++, mask += step) {
        if (dtype != TARN_BOOL)
            scores[i * stride] += float_at(mask, dtype);
        else if (!*mask)
            scores[i * stride] = -FLT_MAX;
    }
}

void attention_mask_row(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, int64_t begin,
                        int64_t count, float *scores, int64_t stride) {
    attention_span span = attention_span_of(p, batch);
    int64_t head = kv_head * p->group + row / p->length, query = row % p->length;
    if (p->causal) hide_by_position(p, span.first + query, begin, count, scores, stride);
    const int64_t *strides = p->mask_strides;
    int64_t offset = batch * strides[0] + head * strides[1] + query * strides[2] + begin * strides[3];
    if (p->mask) apply_mask(p, (const char *)p->mask->data + offset, count, scores, stride);
    for (int64_t i = span.end > begin ? span.end - begin : 0; i < count; i++) scores[i * stride] = -INFINITY;
}

/* ---- the problem of a call */

enum { Q, K, V, MASK, VALID, SINKS };

static const operand *optional(const operand *inputs, int count, int which) {
    return which < count && inputs[which].data ? &inputs[which] : NULL;
}

static attention_array array_of(const operand *o) {
    int64_t bytes = dtype_bytes(o->dtype);
    return (attention_array){o->data, o->strides[0] * bytes, o->strides[1] * bytes, o->strides[2] * bytes};
}

attention_problem attention_problem_of(const operand *inputs, int count, const attributes_attention *a, char *out) {
    const int64_t *q = inputs[Q].shape, *k = inputs[K].shape;
    attention_problem p = {.q = array_of(&inputs[Q]),
                           .k = array_of(&inputs[K]),
                           .v = array_of(&inputs[V]),
                           .out = out,
                           .dtype = inputs[Q].dtype,
                           .batch = q[0],
                           .heads = q[1],
                           .kv_heads = k[1],
                           .group = k[1] ? q[1] / k[1] : 0,
                           .length = q[2],
                           .keys = k[2],
                           .dim = q[3],
                           .value_dim = inputs[V].shape[3],
                           .scale = (float)attention_scale(a, q[3]),
                           .causal = a->causal,
                           .window = a->window > 0 ? a->window : INT64_MAX,
                           .valid = optional(inputs, count, VALID),
                           .sinks = optional(inputs, count, SINKS),
                           .mask = optional(inputs, count, MASK)};
    for (int i = 1; p.mask && i <= p.mask->ndim; i++)
        if (p.mask->shape[p.mask->ndim - i] != 1)
            p.mask_strides[4 - i] = p.mask->strides[p.mask->ndim - i] * dtype_bytes(p.mask->dtype);
    p.plain = p.causal && !p.mask;
    return p;
}

static attention_problem problem_of(const call *c) {
    return attention_problem_of(c->inputs, c->input_count, c->attributes, c->outputs[0].data);
}

static bool is_thin(const attention_problem *p) {
    return p->group * p->length <= ATTENTION_THIN_ROWS;
}

const attention_kernels *attention_fitting(const attention_problem *p, const attention_kernels *kernels) {
    bool serves =
        p->dtype == TARN_BFLOAT16 && p->dim % 32 == 0 && p->value_dim % 32 == 0 && p->dim > 0 && p->dim <= 256;
    if (!cpu_has(CPU_AMX) || !serves) return kernels;
    return kernels == &attention_kernels_avx512 ? &attention_kernels_amx : kernels;
}

static const attention_kernels *serving(const attention_problem *p, const attention_kernels *kernels) {
    return is_thin(p) ? kernels : attention_fitting(p, kernels);
}

/* ---- few rows */

typedef struct {
    const attention_problem *problem;
    const attention_kernels *kernels;
    int64_t chunks;
    char *workspace;
    int64_t scratch, units, blocks; /* wide: bytes for a thread; blocks of rows a kv head */
} attention_job;

static int64_t partial_floats(const attention_problem *p) {
    return p->group * p->length * (2 + p->value_dim);
}

static void thin_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const attention_job *j = context;
    const attention_problem *p = j->problem;
    for (int64_t i = begin; i < end; i++) {
        int64_t kv_head = i / j->chunks % p->kv_heads, batch = i / j->chunks / p->kv_heads;
        j->kernels->thin(p, batch, kv_head, i % j->chunks, (float *)(void *)j->workspace + i * partial_floats(p));
    }
}

static void store_row(const attention_problem *p, int64_t row, const float *sums, float total) {
    for (int64_t i = 0; i < p->value_dim; i++) {
        float x = sums[i] / total;
        int64_t at = row * p->value_dim + i;
        if (p->dtype == TARN_FLOAT32)
            ((float *)(void *)p->out)[at] = x;
        else
            ((uint16_t *)(void *)p->out)[at] = p->dtype == TARN_FLOAT16 ? float_to_float16(x) : float_to_bfloat16(x);
    }
}

/* Joins the chunks of one row, in order, in the first chunk's sums. */
static void join_row(const attention_job *j, int64_t batch, int64_t kv_head, int64_t row) {
    const attention_problem *p = j->problem;
    int64_t head = kv_head * p->group + row / p->length, stride = partial_floats(p);
    float *first =
        (float *)(void *)j->workspace + (batch * p->kv_heads + kv_head) * j->chunks * stride + row * (2 + p->value_dim);
    float sink =
        p->sinks ? float_at((const char *)p->sinks->data + head * p->sinks->strides[0] * dtype_bytes(p->sinks->dtype),
                            p->sinks->dtype)
                 : -INFINITY;
    float most = sink, total = 0;
    for (int64_t i = 0; i < j->chunks; i++) most = fmaxf(most, first[i * stride]);
    float safe = most > -INFINITY ? most : 0;
    if (p->sinks) total = expf(sink - safe);
    for (int64_t i = 0; i < j->chunks; i++) {
        const float *part = first + i * stride;
        float factor = expf(part[0] - safe);
        total += part[1] * factor;
        for (int64_t d = 0; d < p->value_dim; d++) first[2 + d] = (i ? first[2 + d] : 0) + part[2 + d] * factor;
    }
    store_row(p, (batch * p->heads + head) * p->length + row % p->length, first + 2, total);
}

static void join_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const attention_job *j = context;
    const attention_problem *p = j->problem;
    int64_t rows = p->group * p->length;
    for (int64_t i = begin; i < end; i++) join_row(j, i / rows / p->kv_heads, i / rows % p->kv_heads, i % rows);
}

static void run_thin(attention_job *j) {
    const attention_problem *p = j->problem;
    int64_t heads = p->batch * p->kv_heads;
    parallel_for(heads * j->chunks, 1 + 16384 / (ATTENTION_CHUNK * (p->dim + p->value_dim)), thin_part, j);
    parallel_for(heads * p->group * p->length, 64, join_part, j);
}

/* ---- many rows */

static void wide_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const attention_job *j = context;
    const attention_problem *p = j->problem;
    for (int64_t i = begin; i < end; i++) {
        int64_t head = i / j->blocks;
        j->kernels->wide(p, head / p->kv_heads, head % p->kv_heads, i % j->blocks * j->kernels->wide_rows,
                         j->workspace + thread * j->scratch);
    }
}

static attention_job job_of(const attention_problem *p, const attention_kernels *kernels) {
    attention_job j = {.problem = p, .kernels = kernels, .chunks = (p->keys + ATTENTION_CHUNK - 1) / ATTENTION_CHUNK};
    if (j.chunks == 0) j.chunks = 1;
    j.blocks = (p->group * p->length + kernels->wide_rows - 1) / kernels->wide_rows;
    j.units = p->batch * p->kv_heads * j.blocks;
    j.scratch = kernels->wide_scratch(p);
    return j;
}

static int64_t workspace(const call *c, const attention_kernels *kernels) {
    attention_problem p = problem_of(c);
    attention_job j = job_of(&p, serving(&p, kernels));
    if (is_thin(&p)) return p.batch * p.kv_heads * j.chunks * partial_floats(&p) * (int64_t)sizeof(float);
    return (j.units < 2 ? 1 : parallel_threads()) * j.scratch;
}

static bool run(const call *c, const attention_kernels *kernels) {
    attention_problem p = problem_of(c);
    if (operand_size(&c->outputs[0]) == 0) return true;
    attention_job j = job_of(&p, serving(&p, kernels));
    j.workspace = c->workspace;
    if (is_thin(&p))
        run_thin(&j);
    else
        parallel_for(j.units, 1, wide_part, &j);
    return true;
}

/* ---- rows */

bool attention_supports(const operand *inputs) {
    return inputs[Q].shape[3] <= ATTENTION_MOST_DIM && inputs[V].shape[3] <= ATTENTION_MOST_DIM &&
           inputs[K].shape[1] > 0;
}

static bool supports(const call *c) {
    return attention_supports(c->inputs);
}

#define ROW(isa, isa_id) ATTENTION_ROW(attention, isa)
CPU_EACH_ISA(ROW)
CPU_FAMILY(attention)
