/* A row of the result at a time, or a piece of one. Lines of x that it meets are widened and turned, so that neighbours
   along the line are lanes; a thread keeps some of them for its next rows. Each adds what it has to the sums of the
   row, whose phases along the last axis stand apart until the row is stored. */
#include "cpu/conv/few.h"

#include "base/threads.h"
#include "cpu/conv/result_rows.h"
#include "cpu/matmul/engine_f32.h"
#include "cpu/sizes.h"

enum {
    MOST_OUTS = 8,
    PIECE = 512, /* places of a phase, and at least */
    LEAST_PIECE = 64,
    WINDOW_FLOATS = 1 << 16, /* of a line, as far as a piece of the least length allows */
    MOST_FLOATS = 1 << 20,   /* of lines that are kept */
    SMALL_WORK = 1 << 16     /* multiplications */
};

typedef struct {
    conv_rows r;
    few_add *add;
    int64_t offsets[CONV_ROW_PHASES + CONV_ROW_TAPS]; /* of a phase's taps in a window, from its `begins` on */
    int64_t piece, pieces, width, lines;              /* width: lanes of a window; lines that are kept */
    float *weights;                                   /* [outer taps, phases, channels, taps of the phase, outs] */
    char *memory;                                     /* a few_memory's parts for each thread */
} few_job;

/* A thread's own: which lines are kept, these (windows [channels, place_step, width]), sums [phases, outs, piece], and
   the row. */
typedef struct {
    int64_t *keys;
    float *windows, *sums, *row;
} few_memory;

/* ---- geometry */

static int64_t window_floats(const few_job *j) {
    return j->r.channels * j->r.place_step * j->width;
}

static void describe_window(few_job *j) {
    const conv_rows *r = &j->r;
    int64_t most = WINDOW_FLOATS / (r->channels * r->place_step) / FEW_LANES * FEW_LANES;
    j->piece = most < LEAST_PIECE ? LEAST_PIECE : smaller(most, PIECE);
    j->piece = smaller(j->piece, round_up(r->most, FEW_LANES));
    j->pieces = (r->most + j->piece - 1) / j->piece;
    j->width = j->piece + conv_most_distance(r) / r->place_step;
    for (int64_t i = 0; i < r->phase_count; i++)
        for (int64_t t = 0; t < r->phases[i].taps; t++) {
            int64_t d = conv_distance(r, &r->phases[i], t);
            j->offsets[r->begins[i] + t] = d % r->place_step * j->width + d / r->place_step;
        }
}

static bool describe(few_job *j, const call *c) {
    *j = (few_job){.add = NULL};
    conv_rows *r = &j->r;
    if (!conv_rows_of(r, c)) return false;
    if (r->outs > MOST_OUTS) return false;
    int64_t most = MOST_FLOATS / r->channels / r->place_step;
    if (conv_most_distance(r) / r->place_step > most - LEAST_PIECE) return false;
    describe_window(j);
    j->lines = smaller(conv_near_lines(r), MOST_FLOATS / window_floats(j));
    return j->lines > 0;
}

static bool supports(const call *c) {
    few_job j;
    return describe(&j, c);
}

/* ---- memory */

static int64_t weight_floats(const few_job *j) {
    return round_up(j->r.outer_taps * j->r.channels * j->r.taps * j->r.outs, 16);
}

static int64_t sums_floats(const few_job *j) {
    return j->r.phase_count * j->r.outs * j->piece;
}

static int64_t memory_bytes(const few_job *j) {
    return round_up(j->lines * 8 + (j->lines * window_floats(j) + 2 * sums_floats(j)) * 4, 64);
}

static few_memory memory_of(const few_job *j, int thread) {
    few_memory m = {.keys = (int64_t *)(void *)(j->memory + thread * memory_bytes(j))};
    m.sums = (float *)(void *)(m.keys + j->lines);
    m.row = m.sums + sums_floats(j);
    m.windows = m.row + sums_floats(j);
    return m;
}

static int64_t workspace(const call *c) {
    few_job j;
    describe(&j, c);
    return weight_floats(&j) * 4 + parallel_threads() * memory_bytes(&j);
}

/* ---- weights */

static float weight_at(const few_job *j, int64_t outer, int64_t tap, int64_t channel, int64_t out) {
    return load_as_float(j->r.dtype, j->r.w->data, conv_weight_offset(&j->r, outer, tap, channel, out));
}

static float *weights_of(const few_job *j, int64_t outer, int64_t phase) {
    return j->weights + (outer * j->r.taps + j->r.begins[phase]) * j->r.channels * j->r.outs;
}

static void read_weights(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const few_job *j = context;
    for (int64_t i = begin; i < end; i++) {
        int64_t outer = i / j->r.phase_count, phase = i % j->r.phase_count;
        const conv_phase *f = &j->r.phases[phase];
        float *to = weights_of(j, outer, phase);
        for (int64_t c = 0; c < j->r.channels; c++)
            for (int64_t t = 0; t < f->taps; t++)
                for (int64_t o = 0; o < j->r.outs; o++) *to++ = weight_at(j, outer, f->tap + t * f->kernel_step, c, o);
    }
}

/* ---- lines */

/* Elements of x from the line's first on, `residue` beyond those that a window's lanes meet; zeros elsewhere. */
static void read_lanes(const few_job *j, int64_t line_offset, int64_t piece, int64_t residue, float *window) {
    const operand *x = j->r.x;
    int64_t step = j->r.place_step, at = j->r.first + piece * j->piece * step + residue, size = x->shape[j->r.last + 1];
    int64_t begin = at < 0 ? (-at + step - 1) / step : 0,
            end = smaller(j->width, at < size ? (size - at + step - 1) / step : 0);
    if (begin >= end) return;
    int64_t offset = line_offset + (at + begin * step) * x->strides[j->r.last + 1];
    matmul_operand o = {.data = (const char *)x->data + offset * matmul_dtype_bytes(j->r.dtype),
                        .dtype = j->r.dtype,
                        .stride = step * x->strides[j->r.last + 1],
                        .depth_stride = x->strides[x->ndim - 1]};
    bool by_channel = o.stride == 1;
    matmul_region lanes = {.lines = end - begin, .count = j->r.channels, .turned = true},
                  channels = {.lines = j->r.channels, .count = end - begin};
    matmul_region *r = by_channel ? &channels : &lanes;
    r->out_stride = step * j->width;
    matmul_read_dense(matmul_kit_in_use(), &o, by_channel, r, window + residue * j->width + begin);
}

/* The window of a line: kept, or read now. */
static const float *window_of(const few_job *j, const few_memory *m, int64_t image, int64_t line, int64_t piece) {
    int64_t key = (image * conv_image_lines(&j->r) + line) * j->pieces + piece, slot = line % j->lines;
    float *window = m->windows + slot * window_floats(j);
    if (m->keys[slot] == key) return window;
    int64_t offset = conv_line_offset(&j->r, image, line);
    memset(window, 0, (size_t)window_floats(j) * sizeof *window);
    for (int64_t r = 0; r < j->r.place_step; r++) read_lanes(j, offset, piece, r, window);
    m->keys[slot] = key;
    return window;
}

/* ---- rows */

static void add_line(const few_job *j, const few_memory *m, const float *window, int64_t outer) {
    for (int64_t p = 0; p < j->r.phase_count; p++) {
        few_line l = {.x = window,
                      .w = weights_of(j, outer, p),
                      .offsets = j->offsets + j->r.begins[p],
                      .channels = j->r.channels,
                      .channel_step = j->r.place_step * j->width,
                      .taps = j->r.phases[p].taps,
                      .outs = j->r.outs,
                      .sums = m->sums + p * j->r.outs * j->piece,
                      .sums_step = j->piece};
        j->add(&l, j->piece);
    }
}

/* Phases beside each other again. */
static void store_row(const few_job *j, const few_memory *m, int64_t row, int64_t piece) {
    int64_t step = j->r.phase_count, size = j->r.out->shape[j->r.last + 1], first = piece * j->piece * step,
            count = smaller(j->piece * step, size - first);
    for (int64_t p = 0; p < step; p++)
        for (int64_t o = 0; o < j->r.outs; o++) {
            const float *from = m->sums + (p * j->r.outs + o) * j->piece;
            for (int64_t t = p; t < count; t += step) m->row[t * j->r.outs + o] = *from++;
        }
    char *to = (char *)j->r.out->data + (row * size + first) * j->r.outs * matmul_dtype_bytes(j->r.dtype);
    matmul_kit_in_use()->narrow(j->r.dtype, m->row, count * j->r.outs, to);
}

/* Neighbouring units are rows of one image, at one piece. */
static void run_rows(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const few_job *j = context;
    few_memory m = memory_of(j, thread);
    for (int64_t u = begin; u < end; u++) {
        int64_t row = u % j->r.rows, piece = u / j->r.rows % j->pieces, image = u / j->r.rows / j->pieces;
        memset(m.sums, 0, (size_t)sums_floats(j) * sizeof *m.sums);
        for (int64_t outer = 0; outer < j->r.outer_taps; outer++) {
            int64_t line = conv_line_of(&j->r, row, outer);
            if (line >= 0) add_line(j, &m, window_of(j, &m, image, line, piece), outer);
        }
        store_row(j, &m, image * j->r.rows + row, piece);
    }
}

static bool run(const call *c) {
    static few_add *const functions[ISA_COUNT] = {
#define ADD(isa, isa_id) [isa_id] = few_add_##isa,
        CPU_EACH_ISA(ADD)};
    few_job j;
    describe(&j, c);
    j.add = functions[cpu_best_isa()];
    j.weights = c->workspace;
    j.memory = (char *)c->workspace + weight_floats(&j) * 4;
    for (int t = 0; t < parallel_threads(); t++) {
        few_memory m = memory_of(&j, t);
        for (int64_t i = 0; i < j.lines; i++) m.keys[i] = -1;
    }
    int64_t work = j.r.outer_taps * j.r.taps * j.r.channels * j.r.outs;
    parallel_for(j.r.outer_taps * j.r.phase_count, SMALL_WORK / (j.r.channels * j.r.outs) + 1, read_weights, &j);
    parallel_for(j.r.x->shape[0] * j.pieces * j.r.rows, SMALL_WORK / (work * j.piece) + 1, run_rows, &j);
    return true;
}

const kernel_row conv_few_row = {.op = OP_conv,
                                 .name = "conv_few_cpu",
                                 .dtypes = DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT16),
                                 .layout = LAYOUT_ANY,
                                 .supports = supports,
                                 .workspace = workspace,
                                 .run = run};
