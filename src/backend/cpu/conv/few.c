/* A row of the result at a time, or a piece of one. Lines of x that it meets are widened and turned, so that neighbours
   along the line are lanes; a thread keeps some of them for its next rows. Each adds what it has to the sums of the
   row, whose phases along the last axis stand apart until the row is stored. */
#include "cpu/conv/few.h"

#include "base/threads.h"
#include "cpu/conv/phases.h"
#include "cpu/matmul/engine_f32.h"

enum {
    AXES = 3,
    MOST_OUTS = 8,
    LEAST_CHANNELS = 16,
    MOST_PHASES = 8, /* of the last axis */
    MOST_TAPS = 128, /* of the last axis */
    PIECE = 512,     /* places of a phase, and at least */
    LEAST_PIECE = 64,
    WINDOW_FLOATS = 1 << 16, /* of a line, as far as a piece of the least length allows */
    MOST_FLOATS = 1 << 20,   /* of lines that are kept */
    SMALL_WORK = 1 << 16     /* multiplications */
};

typedef struct {
    const operand *x, *w, *out;
    int last; /* axis */
    bool flip;
    conv_axis along[AXES];
    matmul_dtype dtype;
    few_add *add;
    int64_t channels, outs, rows, outer_taps, taps; /* rows of an image; taps of the last axis */
    int64_t phase_count, first, place_step;         /* first: the least one of a phase */
    conv_phase phases[MOST_PHASES];
    int64_t offsets[MOST_PHASES + MOST_TAPS]; /* of a phase's taps in a window, from its entry of `begins` on */
    int64_t begins[MOST_PHASES];
    int64_t piece, pieces, width, lines; /* width: lanes of a window; lines that are kept */
    float *weights;                      /* [outer taps, phases, channels, taps of the phase, outs] */
    char *memory;                        /* a few_memory's parts for each thread */
} few_job;

/* A thread's own: which lines are kept, these (windows [channels, place_step, width]), sums [phases, outs, piece], and
   the row. */
typedef struct {
    int64_t *keys;
    float *windows, *sums, *row;
} few_memory;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t round_up(int64_t n, int64_t step) {
    return (n + step - 1) / step * step;
}

static int64_t volume(const int64_t *sizes, int count) {
    int64_t v = 1;
    for (int i = 0; i < count; i++) v *= sizes[i];
    return v;
}

/* index as places in sizes, the last fastest. */
static void split_index(int64_t index, const int64_t *sizes, int axes, int64_t *places) {
    for (int i = axes - 1; i >= 0; i--) {
        places[i] = index % sizes[i];
        index /= sizes[i];
    }
}

/* ---- geometry */

static int64_t window_floats(const few_job *j) {
    return j->channels * j->place_step * j->width;
}

static int64_t most_places(const few_job *j) {
    return j->phases[0].places;
}

static void describe_phases(few_job *j) {
    const conv_axis *a = &j->along[j->last];
    j->first = INT64_MAX;
    for (int64_t i = 0; i < j->phase_count; i++) {
        conv_phase *f = &j->phases[i];
        *f = conv_phase_of(a, i, j->taps, j->out->shape[j->last + 1]);
        j->begins[i] = i ? j->begins[i - 1] + j->phases[i - 1].taps : 0;
        if (f->taps > 0) j->first = smaller(j->first, f->first);
    }
    j->place_step = j->phases[0].place_step;
}

/* Distances of what a phase's taps meet from the first element that the window's first place may meet. */
static int64_t distance(const few_job *j, const conv_phase *f, int64_t tap) {
    return f->first - j->first + tap * f->tap_step;
}

/* How many lanes a window has beyond those of the places. */
static int64_t lanes_beyond(const few_job *j) {
    int64_t most = 0;
    for (int64_t i = 0; i < j->phase_count; i++) {
        const conv_phase *f = &j->phases[i];
        int64_t lanes = f->taps > 0 ? distance(j, f, f->taps - 1) / j->place_step : 0;
        if (lanes > most) most = lanes;
    }
    return most;
}

static void describe_window(few_job *j) {
    int64_t most = WINDOW_FLOATS / (j->channels * j->place_step) / FEW_LANES * FEW_LANES;
    j->piece = most < LEAST_PIECE ? LEAST_PIECE : smaller(most, PIECE);
    j->piece = smaller(j->piece, round_up(most_places(j), FEW_LANES));
    j->pieces = j->piece ? (most_places(j) + j->piece - 1) / j->piece : 0;
    j->width = j->piece + lanes_beyond(j);
    for (int64_t i = 0; i < j->phase_count; i++)
        for (int64_t t = 0; t < j->phases[i].taps; t++) {
            int64_t d = distance(j, &j->phases[i], t);
            j->offsets[j->begins[i] + t] = d % j->place_step * j->width + d / j->place_step;
        }
}

/* Lines that neighbouring rows meet. */
static int64_t lines_of(const few_job *j) {
    int64_t lines = 1, most = MOST_FLOATS / window_floats(j);
    for (int i = 0; i < j->last; i++) {
        const conv_axis *a = &j->along[i];
        lines *= conv_reach(a, j->w->shape[i + 1]) / a->input_dilation + 1;
        lines = smaller(lines, most);
    }
    return lines;
}

static bool describe(few_job *j, const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1], *out = &c->outputs[0];
    *j = (few_job){.x = x, .w = w, .out = out, .last = x->ndim - 3, .flip = a->flip, .add = NULL};
    for (int i = 0; i <= j->last; i++) j->along[i] = conv_axis_of(a, i, w->shape[i + 1]);
    j->dtype = matmul_dtype_of(out->dtype);
    j->channels = x->shape[x->ndim - 1];
    j->outs = w->shape[0];
    j->rows = volume(out->shape + 1, j->last);
    j->outer_taps = volume(w->shape + 1, j->last);
    j->taps = w->shape[j->last + 1];
    j->phase_count = conv_phases_of(&j->along[j->last]);
    if (j->phase_count > MOST_PHASES || j->taps > MOST_TAPS) return false;
    describe_phases(j);
    if (lanes_beyond(j) > MOST_FLOATS / j->channels / j->place_step - LEAST_PIECE) return false;
    describe_window(j);
    j->lines = window_floats(j) > 0 ? lines_of(j) : 0;
    return j->lines > 0;
}

static bool supports(const call *c) {
    few_job j;
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1];
    int64_t outs = w->shape[0], elements = volume(x->shape + 1, x->ndim - 2);
    if (x->ndim - 2 > AXES || a->groups != 1 || outs < 1 || outs > MOST_OUTS || elements == 0) return false;
    if (x->shape[x->ndim - 1] < LEAST_CHANNELS || volume(w->shape, w->ndim - 1) <= MOST_OUTS) return false;
    return describe(&j, c);
}

/* ---- memory */

static int64_t weight_floats(const few_job *j) {
    return round_up(j->outer_taps * j->channels * j->taps * j->outs, 16);
}

static int64_t sums_floats(const few_job *j) {
    return j->phase_count * j->outs * j->piece;
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
    const operand *w = j->w;
    int64_t place[AXES];
    split_index(outer * j->taps + tap, w->shape + 1, j->last + 1, place);
    int64_t at = out * w->strides[0] + channel * w->strides[w->ndim - 1];
    for (int i = 0; i <= j->last; i++) at += (j->flip ? w->shape[i + 1] - 1 - place[i] : place[i]) * w->strides[i + 1];
    return load_as_float(j->dtype, w->data, at);
}

static float *weights_of(const few_job *j, int64_t outer, int64_t phase) {
    return j->weights + (outer * j->taps + j->begins[phase]) * j->channels * j->outs;
}

static void read_weights(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const few_job *j = context;
    for (int64_t i = begin; i < end; i++) {
        int64_t outer = i / j->phase_count, phase = i % j->phase_count;
        const conv_phase *f = &j->phases[phase];
        float *to = weights_of(j, outer, phase);
        for (int64_t c = 0; c < j->channels; c++)
            for (int64_t t = 0; t < f->taps; t++)
                for (int64_t o = 0; o < j->outs; o++) *to++ = weight_at(j, outer, f->tap + t * f->kernel_step, c, o);
    }
}

/* ---- lines */

/* Elements of x from the line's first on, `residue` beyond those that a window's lanes meet; zeros elsewhere. */
static void read_lanes(const few_job *j, int64_t line_offset, int64_t piece, int64_t residue, float *window) {
    const operand *x = j->x;
    int64_t step = j->place_step, at = j->first + piece * j->piece * step + residue, size = x->shape[j->last + 1];
    int64_t begin = at < 0 ? (-at + step - 1) / step : 0,
            end = smaller(j->width, at < size ? (size - at + step - 1) / step : 0);
    if (begin >= end) return;
    int64_t offset = line_offset + (at + begin * step) * x->strides[j->last + 1];
    matmul_operand o = {.data = (const char *)x->data + offset * matmul_dtype_bytes(j->dtype),
                        .dtype = j->dtype,
                        .stride = step * x->strides[j->last + 1],
                        .depth_stride = x->strides[x->ndim - 1]};
    bool by_channel = o.stride == 1;
    matmul_region lanes = {.lines = end - begin, .count = j->channels, .turned = true},
                  channels = {.lines = j->channels, .count = end - begin};
    matmul_region *r = by_channel ? &channels : &lanes;
    r->out_stride = step * j->width;
    matmul_read_dense(matmul_kit_in_use(), &o, by_channel, r, window + residue * j->width + begin);
}

/* The window of a line: kept, or read now. */
static const float *window_of(const few_job *j, const few_memory *m, int64_t image, int64_t line, int64_t piece) {
    const operand *x = j->x;
    int64_t key = (image * volume(x->shape + 1, j->last) + line) * j->pieces + piece, slot = line % j->lines;
    float *window = m->windows + slot * window_floats(j);
    if (m->keys[slot] == key) return window;
    int64_t place[AXES], offset = image * x->strides[0];
    split_index(line, x->shape + 1, j->last, place);
    for (int i = 0; i < j->last; i++) offset += place[i] * x->strides[i + 1];
    memset(window, 0, (size_t)window_floats(j) * sizeof *window);
    for (int64_t r = 0; r < j->place_step; r++) read_lanes(j, offset, piece, r, window);
    m->keys[slot] = key;
    return window;
}

/* The line that a row meets at these places of the kernel, both on all axes but the last; -1: none. */
static int64_t line_of(const few_job *j, const int64_t *place, int64_t outer) {
    int64_t line = 0, tap[AXES];
    split_index(outer, j->w->shape + 1, j->last, tap);
    for (int i = 0; i < j->last; i++) {
        const conv_axis *a = &j->along[i];
        int64_t at = place[i] * a->stride + tap[i] * a->kernel_dilation - a->low;
        if (at < 0 || at % a->input_dilation || at / a->input_dilation >= j->x->shape[i + 1]) return -1;
        line = line * j->x->shape[i + 1] + at / a->input_dilation;
    }
    return line;
}

/* ---- rows */

static void add_line(const few_job *j, const few_memory *m, const float *window, int64_t outer) {
    for (int64_t p = 0; p < j->phase_count; p++) {
        few_line l = {.x = window,
                      .w = weights_of(j, outer, p),
                      .offsets = j->offsets + j->begins[p],
                      .channels = j->channels,
                      .channel_step = j->place_step * j->width,
                      .taps = j->phases[p].taps,
                      .outs = j->outs,
                      .sums = m->sums + p * j->outs * j->piece,
                      .sums_step = j->piece};
        j->add(&l, j->piece);
    }
}

/* Phases beside each other again. */
static void store_row(const few_job *j, const few_memory *m, int64_t row, int64_t piece) {
    int64_t step = j->phase_count, size = j->out->shape[j->last + 1], first = piece * j->piece * step,
            count = smaller(j->piece * step, size - first);
    for (int64_t p = 0; p < step; p++)
        for (int64_t o = 0; o < j->outs; o++) {
            const float *from = m->sums + (p * j->outs + o) * j->piece;
            for (int64_t t = p; t < count; t += step) m->row[t * j->outs + o] = *from++;
        }
    char *to = (char *)j->out->data + (row * size + first) * j->outs * matmul_dtype_bytes(j->dtype);
    matmul_kit_in_use()->narrow(j->dtype, m->row, count * j->outs, to);
}

/* Neighbouring units are rows of one image, at one piece. */
static void run_rows(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const few_job *j = context;
    few_memory m = memory_of(j, thread);
    for (int64_t u = begin; u < end; u++) {
        int64_t row = u % j->rows, piece = u / j->rows % j->pieces, image = u / j->rows / j->pieces, place[AXES];
        split_index(row, j->out->shape + 1, j->last, place);
        memset(m.sums, 0, (size_t)sums_floats(j) * sizeof *m.sums);
        for (int64_t outer = 0; outer < j->outer_taps; outer++) {
            int64_t line = line_of(j, place, outer);
            if (line >= 0) add_line(j, &m, window_of(j, &m, image, line, piece), outer);
        }
        store_row(j, &m, image * j->rows + row, piece);
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
    int64_t work = j.outer_taps * j.taps * j.channels * j.outs;
    parallel_for(j.outer_taps * j.phase_count, SMALL_WORK / (j.channels * j.outs) + 1, read_weights, &j);
    parallel_for(j.x->shape[0] * j.pieces * j.rows, SMALL_WORK / (work * j.piece) + 1, run_rows, &j);
    return true;
}

const kernel_row conv_few_row = {.op = OP_conv,
                                 .name = "conv_few_cpu",
                                 .dtypes = DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT16),
                                 .layout = LAYOUT_ANY,
                                 .supports = supports,
                                 .workspace = workspace,
                                 .run = run};
