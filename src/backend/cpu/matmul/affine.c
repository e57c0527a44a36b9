/* Few tokens: exact integer planes, on the baseline f32 sums per group. Many: weights are dequantized panel by panel
   under the blocked product. Both fast paths for few tokens take sums of x apart from sums of weights, which infinities
   and NaN do not survive: such tokens are multiplied by dequantized weights, one at a time. */
#include "cpu/matmul/affine.h"

#include "base/threads.h"
#include "cpu/matmul/choose.h"
#include "cpu/matmul/engine_f32.h"
#include "cpu/matmul/engine_words.h"
#include "cpu/matmul/planes.h"

enum { TOKENS = 4, SMALL_WORK = 1 << 16, COLUMNS = 512 };

typedef struct {
    const affine_problem *p;
    const matmul_kit *kit;
    planes_product planes;
    bool *unfit; /* [tokens] */
    float *x, *sums;
} affine_job;

static int64_t line_floats(int64_t depth) {
    return (depth + 31) / 16 * 16;
}

static int64_t sum_count(const affine_problem *p) {
    return p->base.depth / p->weights.group + 1;
}

/* Some of the tokens, for the blocked product. */
static gemm_problem as_gemm(const affine_problem *p, int64_t token, int64_t tokens) {
    token_product some = p->base;
    some.tokens = tokens;
    some.x.data = (const char *)some.x.data + token * some.x.stride * matmul_dtype_bytes(some.x.dtype);
    some.out = (char *)some.out + token * some.out_stride * matmul_dtype_bytes(some.out_dtype);
    return token_product_as_gemm(&some, (matmul_operand){.quantized = &p->weights, .by_depth = some.turned});
}

/* NULL: no planes. */
static const planes_format *format_of(const affine_problem *p) {
    return !p->base.turned && p->base.tokens <= matmul_plane_tokens(p->base.x.dtype)
               ? matmul_planes_for(p->base.x.dtype, p->weights.bits)
               : NULL;
}

static bool is_few(const affine_problem *p) {
    return p->base.depth > 0 && (format_of(p) || p->base.tokens <= TOKENS);
}

static int64_t prepared_bytes(const affine_problem *p) {
    const planes_format *format = format_of(p);
    return format ? p->base.tokens * planes_bytes(format, &p->weights, p->base.depth) : 0;
}

static int64_t few_bytes(const affine_problem *p) {
    int64_t floats = p->base.tokens * (line_floats(p->base.depth) + sum_count(p));
    return prepared_bytes(p) + (floats * 4 + p->base.tokens + 127) / 64 * 64;
}

/* Of the product of one token by dequantized weights. */
static int64_t single_bytes(const affine_problem *p) {
    gemm_problem one = as_gemm(p, 0, 1);
    return gemm_workspace(matmul_engine_for(MATMUL_F32, WEIGHTS_DENSE), &one);
}

static void run_single(const affine_problem *p, int64_t token, void *workspace) {
    gemm_problem one = as_gemm(p, token, 1);
    gemm_run(matmul_engine_for(MATMUL_F32, WEIGHTS_DENSE), &one, workspace);
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static const matmul_engine *engine_of(const affine_problem *p) {
    return matmul_engine_for(p->base.x.dtype, p->base.turned ? WEIGHTS_TURNED : WEIGHTS_PACKED);
}

/* Engines that split tokens into integers leave out those that are unfit. */
static bool splits_tokens(const matmul_engine *e) {
    return cpu_has(CPU_AVX2) && (e == &matmul_engine_words_avx2 || e == &matmul_engine_words_avxvnni);
}

int64_t affine_workspace(const affine_problem *p) {
    if (p->base.tokens == 0 || p->base.columns == 0) return 0;
    if (!is_few(p)) {
        gemm_problem g = as_gemm(p, 0, p->base.tokens);
        int64_t bytes = gemm_workspace(engine_of(p), &g);
        return splits_tokens(engine_of(p)) ? larger(bytes, single_bytes(p)) : bytes;
    }
    return few_bytes(p) + single_bytes(p);
}

/* Sums over groups in eight running parts; false if a value is not finite. */
static bool sum_groups(const float *x, int64_t depth, int group, float *sums) {
    bool finite = true;
    for (int64_t g = 0; g < depth / group; g++) {
        float parts[8] = {0};
        uint32_t largest = 0;
        for (int i = 0; i < group; i += 8)
            for (int j = 0; j < 8; j++) {
                float v = x[g * group + i + j];
                uint32_t magnitude = bits_of_float(v) & 0x7fffffffu;
                parts[j] += v;
                largest = magnitude > largest ? magnitude : largest;
            }
        finite = finite && largest < 0x7f800000u;
        sums[g] = ((parts[0] + parts[4]) + (parts[2] + parts[6])) + ((parts[1] + parts[5]) + (parts[3] + parts[7]));
    }
    return finite;
}

static void dot_lines(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const affine_job *j = context;
    const affine_problem *p = j->p;
    const float *x[TOKENS], *sums[TOKENS];
    for (int64_t t = 0; t < p->base.tokens; t++) {
        x[t] = j->x + t * line_floats(p->base.depth);
        sums[t] = j->sums + t * sum_count(p);
    }
    for (int64_t n = begin; n < end; n++) {
        float out[TOKENS];
        matmul_dot_baseline(&p->weights, n, p->base.depth, (int)p->base.tokens, x, sums, out);
        for (int64_t t = 0; t < p->base.tokens; t++)
            if (!j->unfit[t]) store_from_float(p->base.out_dtype, out[t], p->base.out, t * p->base.out_stride + n);
    }
}

/* Turned weights: four lines at a time are dequantized and added. */
static void add_block(const affine_job *j, int64_t begin, int64_t count) {
    const affine_problem *p = j->p;
    float lines[4][COLUMNS], totals[TOKENS][COLUMNS];
    const float *x[TOKENS] = {0};
    float *to[TOKENS] = {totals[0], totals[1], totals[2], totals[3]};
    for (int64_t t = 0; t < p->base.tokens; t++) memset(totals[t], 0, (size_t)count * sizeof(float));
    for (int64_t k = 0; k < p->base.depth; k += 4) {
        int some = p->base.depth - k < 4 ? (int)(p->base.depth - k) : 4;
        for (int i = 0; i < some; i++) j->kit->dequantize(&p->weights, k + i, begin, count, lines[i]);
        for (int64_t t = 0; t < p->base.tokens; t++) x[t] = j->x + t * line_floats(p->base.depth) + k;
        j->kit->add_lines(MATMUL_F32, lines, COLUMNS, some, count, (int)p->base.tokens, x, to);
    }
    for (int64_t t = 0; t < p->base.tokens; t++)
        j->kit->narrow(p->base.out_dtype, totals[t], count,
                       (char *)p->base.out + (t * p->base.out_stride + begin) * matmul_dtype_bytes(p->base.out_dtype));
}

static void add_columns(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    for (int64_t c = begin; c < end; c += COLUMNS) add_block(context, c, end - c < COLUMNS ? end - c : COLUMNS);
}

static void plane_lines(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    planes_multiply(&((const affine_job *)context)->planes, begin, end);
}

static void read_token(const affine_job *j, int64_t token) {
    matmul_region line = {token, 1, 0, j->p->base.depth, 0, false};
    matmul_read_dense(j->kit, &j->p->base.x, false, &line, j->x + token * line_floats(j->p->base.depth));
}

/* Widens the tokens and splits or sums them; tells whether any is unfit. */
static bool prepare(affine_job *j, char *prepared, const planes_format *format) {
    const affine_problem *p = j->p;
    bool any_unfit = false;
    for (int64_t t = 0; t < p->base.tokens; t++) {
        const float *x = j->x + t * line_floats(p->base.depth);
        read_token(j, t);
        j->unfit[t] = false;
        if (format)
            j->unfit[t] = !planes_prepare(format, &p->weights, x, p->base.depth,
                                          prepared + t * planes_bytes(format, &p->weights, p->base.depth));
        else if (!p->base.turned)
            j->unfit[t] = !sum_groups(x, p->base.depth, p->weights.group, j->sums + t * sum_count(p));
        any_unfit = any_unfit || j->unfit[t];
    }
    return any_unfit;
}

static void run_few(const affine_problem *p, char *workspace) {
    const planes_format *format = format_of(p);
    affine_job j = {.p = p, .kit = matmul_kit_in_use(), .x = (float *)(void *)(workspace + prepared_bytes(p))};
    j.sums = j.x + p->base.tokens * line_floats(p->base.depth);
    j.unfit = (bool *)(void *)(j.sums + p->base.tokens * sum_count(p));
    bool any_unfit = prepare(&j, workspace, format);
    j.planes = (planes_product){format,  &p->weights, p->base.depth,     p->base.tokens,    workspace,
                                j.unfit, p->base.out, p->base.out_dtype, p->base.out_stride};
    int64_t grain = SMALL_WORK / p->base.depth / p->base.tokens + 1;
    if (p->base.turned) grain = (grain + 127) / 128 * 128; /* whole groups */
    parallel_for(p->base.columns, grain, format ? plane_lines : p->base.turned ? add_columns : dot_lines, &j);
    for (int64_t t = 0; any_unfit && t < p->base.tokens; t++)
        if (j.unfit[t]) run_single(p, t, workspace + few_bytes(p));
}

void affine_run(const affine_problem *p, void *workspace) {
    if (p->base.tokens == 0 || p->base.columns == 0) return;
    if (is_few(p)) {
        run_few(p, workspace);
        return;
    }
    gemm_problem g = as_gemm(p, 0, p->base.tokens);
    gemm_run(engine_of(p), &g, workspace);
    if (!splits_tokens(engine_of(p))) return;
    for (int64_t t = 0; t < p->base.tokens; t++)
        if (matmul_words_unfit(&p->base.x, t, p->base.depth, p->weights.group)) run_single(p, t, workspace);
}
