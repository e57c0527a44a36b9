/* Few tokens: every line is read once into the first-level cache and multiplied there. More: the blocked product reads
   the weights as an operand that is gathered. */
#include "cpu/matmul/floats.h"

#include <math.h>

#include "base/threads.h"
#include "cpu/matmul/batch.h"
#include "cpu/matmul/choose.h"
#include "cpu/matmul/engine_f32.h"
#include "table/quant.h"

/* ---- reading */

/* The eight numbers of an exponent of E4M3; the smallest exponent's begin at 0. */
#define FROM_8(u)  8 * (u), 9 * (u), 10 * (u), 11 * (u), 12 * (u), 13 * (u), 14 * (u)
#define EIGHT(u)   FROM_8(u), 15 * (u)
#define LARGEST(u) FROM_8(u), NAN
#define SMALL(u)   0 * (u), 1 * (u), 2 * (u), 3 * (u), 4 * (u), 5 * (u), 6 * (u), 7 * (u)
#define SIGNED(s)                                                                                                      \
    SMALL(s * 0x1p-9F), EIGHT(s * 0x1p-9F), EIGHT(s * 0x1p-8F), EIGHT(s * 0x1p-7F), EIGHT(s * 0x1p-6F),                \
        EIGHT(s * 0x1p-5F), EIGHT(s * 0x1p-4F), EIGHT(s * 0x1p-3F), EIGHT(s * 0x1p-2F), EIGHT(s * 0x1p-1F),            \
        EIGHT(s * 0x1p0F), EIGHT(s * 0x1p1F), EIGHT(s * 0x1p2F), EIGHT(s * 0x1p3F), EIGHT(s * 0x1p4F),                 \
        LARGEST(s * 0x1p5F)
static const float bytes[256] = {SIGNED(1), SIGNED(-1)};
static const float nibbles[16] = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};

float float_lines_scale(const float_lines *q, int64_t line, int64_t group) {
    uint8_t s = q->scales[line * q->scale_stride + group];
    if (!q->powers) return bytes[s] * q->factor;
    uint32_t bits = s ? (uint32_t)s << 23 : 1u << 22; /* 2^-127 is not normal */
    return float_of_bits(bits);
}

void float_lines_read(const float_lines *q, int64_t line, int64_t begin, int64_t count, float *out) {
    const uint8_t *stream = q->packed + line * q->packed_stride;
    for (int64_t i = begin; i < begin + count;) {
        float scale = float_lines_scale(q, line, i / q->group);
        int64_t end = (i / q->group + 1) * q->group;
        if (end > begin + count) end = begin + count;
        for (; i < end; i++)
            *out++ = scale * (q->bits == 8 ? bytes[stream[i]] : nibbles[stream[i / 2] >> i % 2 * 4 & 15]);
    }
}

static float_reader *reader(void) {
#ifdef __x86_64__
    if (cpu_has(CPU_AVX512)) return float_lines_read_avx512;
#endif
    return float_lines_read;
}

/* matmul_gather.read: a line of the weights is one of the operand, or, turned, one depth of it. */
static void read_block(const void *context, int64_t line, int lines, int64_t k, int depth, void *out, int64_t stride) {
    const float_problem *p = context;
    float_reader *read = reader();
    float *to = out, wide[ROW_PANEL_MAX];
    for (int i = 0; !p->base.turned && i < lines; i++)
        read(&p->weights, line + i, k, (depth + 15) / 16 * 16, to + i * stride);
    for (int i = 0; p->base.turned && i < depth; i++) {
        read(&p->weights, k + i, line, (lines + 15) / 16 * 16, wide);
        memcpy(to + i * stride, wide, (size_t)lines * sizeof *wide);
    }
}

/* ---- few tokens */

enum { TOKENS = 4, CHUNK = 1024, SMALL_WORK = 1 << 16 };

typedef struct {
    const float_problem *p;
    const matmul_kit *kit;
    float_reader *read;
    float *x;
} few_job;

static int64_t line_floats(const float_problem *p) {
    return (p->base.depth + 31) / 32 * 32;
}

/* Of the tokens; and of each thread's scales. */
static int64_t tokens_bytes(const float_problem *p) {
    return (p->base.tokens * line_floats(p) * 4 + 63) / 64 * 64;
}

static int64_t scales_bytes(const float_problem *p) {
    return ((p->base.depth / p->weights.group + 32) * 4 + 63) / 64 * 64;
}

/* Two lines by all tokens: out[t] and out[4 + t]. */
static void multiply_pair(const few_job *j, int64_t n, int64_t second, float *out) {
    const float_problem *p = j->p;
    float lines[2][CHUNK], sums[2 * TOKENS];
    for (int i = 0; i < 2 * TOKENS; i++) out[i] = 0;
    for (int64_t k = 0; k < p->base.depth; k += CHUNK) {
        int64_t count = p->base.depth - k < CHUNK ? p->base.depth - k : CHUNK;
        const float *x[TOKENS] = {0};
        for (int t = 0; t < p->base.tokens; t++) x[t] = j->x + t * line_floats(p) + k;
        j->read(&p->weights, n, k, count, lines[0]);
        j->read(&p->weights, second, k, count, lines[1]);
        j->kit->dot_pair(MATMUL_F32, lines[0], lines[1], count, (int)p->base.tokens, x, sums);
        for (int t = 0; t < p->base.tokens; t++) out[t] += sums[t], out[4 + t] += sums[4 + t];
    }
}

static void multiply_lines(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const few_job *j = context;
    const float_problem *p = j->p;
    for (int64_t n = begin; n < end; n += 2) {
        float out[2 * TOKENS];
        int64_t second = n + 1 < end ? n + 1 : n;
        multiply_pair(j, n, second, out);
        for (int t = 0; t < p->base.tokens; t++) {
            store_from_float(p->base.out_dtype, out[t], p->base.out, t * p->base.out_stride + n);
            if (second > n)
                store_from_float(p->base.out_dtype, out[4 + t], p->base.out, t * p->base.out_stride + second);
        }
    }
}

#ifdef __x86_64__
static void dot_lines(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const few_job *j = context;
    const float_problem *p = j->p;
    float *scales = (float *)(void *)((char *)j->x + tokens_bytes(p) + thread * scales_bytes(p)), out[TOKENS];
    const float *x[TOKENS] = {0};
    for (int t = 0; t < p->base.tokens; t++) x[t] = j->x + t * line_floats(p);
    for (int64_t n = begin; n < end; n++) {
        float_lines_dot_avx512(&p->weights, n, p->base.depth, (int)p->base.tokens, x, scales, out);
        for (int t = 0; t < p->base.tokens; t++)
            store_from_float(p->base.out_dtype, out[t], p->base.out, t * p->base.out_stride + n);
    }
}
#endif

static bool is_few(const float_problem *p) {
    return !p->base.turned && p->base.tokens <= TOKENS && p->base.depth > 0;
}

static void run_few(const float_problem *p, float *x) {
    few_job j = {p, matmul_kit_in_use(), reader(), x};
    for (int64_t t = 0; t < p->base.tokens; t++) {
        matmul_region line = {t, 1, 0, p->base.depth, 0, false};
        matmul_read_dense(j.kit, &p->base.x, false, &line, x + t * line_floats(p));
    }
    int64_t grain = SMALL_WORK / p->base.depth / p->base.tokens + 1;
#ifdef __x86_64__
    if (cpu_has(CPU_AVX512)) {
        for (int64_t t = 0; t < p->base.tokens; t++)
            float_token_order_avx512(&p->weights, p->base.depth, x + t * line_floats(p));
        parallel_for(p->base.columns, grain, dot_lines, &j);
        return;
    }
#endif
    parallel_for(p->base.columns, grain, multiply_lines, &j);
}

/* ---- any number */

static gemm_problem as_gemm(const float_problem *p, const matmul_gather *gather) {
    return token_product_as_gemm(&p->base, (matmul_operand){.dtype = MATMUL_F32, .gather = gather});
}

static const matmul_engine *engine_of(const float_problem *p) {
    return matmul_engine_for(p->base.x.dtype, WEIGHTS_DENSE);
}

int64_t float_workspace(const float_problem *p) {
    if (p->base.tokens == 0 || p->base.columns == 0) return 0;
    if (is_few(p)) return tokens_bytes(p) + scales_bytes(p) * parallel_threads();
    matmul_gather gather = {read_block, p, p->base.turned};
    gemm_problem g = as_gemm(p, &gather);
    return gemm_workspace(engine_of(p), &g);
}

void float_run(const float_problem *p, void *workspace) {
    if (p->base.tokens == 0 || p->base.columns == 0) return;
    if (is_few(p)) {
        run_few(p, workspace);
        return;
    }
    matmul_gather gather = {read_block, p, p->base.turned};
    gemm_problem g = as_gemm(p, &gather);
    gemm_run(engine_of(p), &g, workspace);
}

/* ---- the op */

enum { X, W, SCALES, GLOBAL = 4 };

static bool is_short(tarn_dtype dtype) {
    return dtype == TARN_FLOAT32 || dtype == TARN_BFLOAT16 || dtype == TARN_FLOAT16;
}

float_lines float_lines_of(const operand *packed, const operand *scales, int64_t mode, int bits, int group) {
    return (float_lines){.packed = packed->data,
                         .scales = scales->data,
                         .bits = bits,
                         .group = group,
                         .powers = mode != QUANT_nvfp4,
                         .factor = 1,
                         .packed_stride = packed->strides[packed->ndim - 2] * 4,
                         .scale_stride = scales->strides[scales->ndim - 2]};
}

static float_problem describe(const call *c, batch_axes *axes) {
    const attributes_quantized_matmul *a = c->attributes;
    const operand *in = c->inputs;
    batch_of(axes, &c->outputs[0], in, 3);
    return (float_problem){.base = token_product_of(&in[X], &c->outputs[0], axes, !a->transpose),
                           .weights = float_lines_of(&in[W], &in[SCALES], a->mode, (int)a->bits, (int)a->group_size)};
}

static bool supports(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    return (a->mode == QUANT_mxfp4 || a->mode == QUANT_mxfp8 || a->mode == QUANT_nvfp4) &&
           is_short(c->outputs[0].dtype);
}

static int64_t workspace(const call *c) {
    batch_axes axes;
    float_problem p = describe(c, &axes);
    return float_workspace(&p);
}

static bool run(const call *c) {
    batch_axes axes;
    float_problem first = describe(c, &axes);
    const float *global = c->input_count > GLOBAL ? c->inputs[GLOBAL].data : NULL;
    if (global) first.weights.factor = *global / (448 * 6);
    for (int64_t i = 0; i < axes.count; i++) {
        float_problem p = first;
        token_product_move(&p.base, &axes, i);
        p.weights.packed += batch_offset(&axes, W, i) * 4;
        p.weights.scales += batch_offset(&axes, SCALES, i);
        float_run(&p, c->workspace);
    }
    return true;
}

const kernel_row matmul_floats_row = {.op = OP_quantized_matmul,
                                      .name = "quantized_matmul_floats_cpu",
                                      .dtypes =
                                          DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT16),
                                      .layout = LAYOUT_ROWS,
                                      .any_address = 2 | 4,
                                      .supports = supports,
                                      .workspace = workspace,
                                      .run = run};
