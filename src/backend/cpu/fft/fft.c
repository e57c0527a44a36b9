/* fft: lines side by side in the lanes of vectors if they are short or their numbers lie so, else one after the other,
   each of which all threads share if it is long. Which way a line goes changes none of its bits. */
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/fft/kernels.h"
#include "cpu/fft/lines.h"

enum {
    GRAIN = 1 << 13,     /* numbers worth a thread */
    SIDEWAYS = 1 << 12,  /* the longest lines side by side: in the second-level cache */
    GATHERED = 1 << 10,  /* the same of lines that come from all over */
    LONG_LINE = 1 << 15, /* numbers of a line that threads share */
};

typedef struct {
    const fft_kernels *kernels;
    fft_operands lines;
    int64_t count;  /* of lines */
    int64_t length; /* complex numbers that are transformed: n, or n / 2 of real lines */
    int64_t size;   /* of the plan: length, or more for a convolution */
    bool backwards, halved, convolved, sideways;
    float scale;
    fft_plan plan;
    float *chirp, *spectrum; /* [length], [size] of a convolution */
    float *coarse, *fine;    /* of halved lines */
    /* Memory: of each thread, for lines side by side or a group of a long one; of each line under way */
    int threads, slot_count;
    int64_t room_floats, slot_floats;
    float *rooms, *slots;
} fft_job;

/* ---- which way */

/* An axis along which the complex numbers of neighbouring lines lie side by side, on both sides; -1: there is none.
   Lines of one number again and again have no step (fft_lines). */
static int neighbours(const fft_operands *o, int lanes) {
    const operand *from = o->from, *to = o->to;
    if (o->kind != FFT_COMPLEX || from->shape[o->axis] < o->n || from->strides[o->axis] == 0) return -1;
    for (int i = 0; i < from->ndim; i++)
        if (i != o->axis && from->strides[i] == 1 && to->strides[i] == 1 && 2 * from->shape[i] >= lanes) return i;
    return -1;
}

/* Whether vectors of columns and rows of one line are empty for a third or more, and there are enough lines to fill
   them. */
static bool is_better_sideways(const fft_job *j) {
    if (j->convolved || j->halved || j->size <= FFT_SMALL || j->size > GATHERED) return false;
    int64_t lanes = j->kernels->lanes, width = fft_columns_of(j->size), height = j->size / width;
    int64_t taken = (width + lanes - 1) / lanes * lanes * ((height + lanes - 1) / lanes * lanes);
    return 2 * taken >= 3 * j->size && j->count >= lanes * j->threads;
}

static int64_t convolution_size(int64_t n) {
    int64_t size = (2 * n - 1 + FFT_SPAN - 1) / FFT_SPAN * FFT_SPAN;
    while (!fft_is_smooth(size, 5)) size += FFT_SPAN;
    return size;
}

static float scale_of(const attributes_fft *a, double n) {
    bool divided = a->norm == TARN_FFT_FORWARD ? !a->inverse : a->norm == TARN_FFT_BACKWARD && a->inverse;
    return (float)(a->norm == TARN_FFT_ORTHO ? 1 / sqrt(n) : divided ? 1 / n : 1);
}

static fft_job job_of(const call *c, const fft_kernels *kernels) {
    const attributes_fft *a = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    int axis = axis_normal(a->axis, x->ndim);
    int64_t n = a->kind != FFT_REAL ? out->shape[axis] : a->n ? a->n : x->shape[axis];
    fft_job j = {.kernels = kernels,
                 .lines = {x, out, a->kind, axis, -1, n},
                 .count = operand_size(out) / out->shape[axis],
                 .backwards = a->inverse,
                 .scale = scale_of(a, (double)n),
                 .threads = parallel_threads()};
    j.halved = a->kind != FFT_COMPLEX && a->inverse == (a->kind == FFT_HALF) && n % 2 == 0 && n / 2 > FFT_SMALL;
    j.length = j.halved ? n / 2 : n;
    j.convolved = !fft_is_smooth(j.length, FFT_PRIME);
    j.size = j.convolved ? convolution_size(j.length) : j.length;
    int across = neighbours(&j.lines, kernels->lanes);
    j.sideways = j.size <= FFT_SMALL || (across >= 0 && !j.convolved && j.size <= SIDEWAYS);
    if (j.sideways) j.lines.across = across;
    j.sideways = j.sideways || is_better_sideways(&j);
    return j;
}

/* ---- memory */

static int64_t groups_of(const fft_job *j, int64_t count) {
    return (count + j->kernels->lanes - 1) / j->kernels->lanes;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

/* Of one line under way: what goes in and comes out, two more sequences of a convolution, the table. */
static int64_t line_floats(const fft_job *j) {
    return 2 * (j->length + FFT_SPAN);
}
static int64_t table_floats(const fft_job *j) {
    return 2 * groups_of(j, j->plan.height) * j->kernels->lanes * j->plan.width;
}

/* Whether each thread has a line of its own, or all share one. */
static bool takes_lines(const fft_job *j) {
    return j->count >= 4 * j->threads || j->length < LONG_LINE;
}

static void measure(fft_job *j) {
    const fft_plan *p = &j->plan;
    int64_t lanes = j->kernels->lanes;
    if (j->sideways) {
        j->room_floats = 2 * lanes * (2 * p->n + p->room + 2 * p->n);
        return;
    }
    j->room_floats = 2 * lanes * (2 * (larger(p->height, p->width) + lanes) + p->parts_room);
    j->slot_floats = 2 * line_floats(j) + (j->convolved ? 4 * j->size : 0) + table_floats(j);
    j->slot_floats = (j->slot_floats + 15) / 16 * 16;
}

typedef struct {
    const fft_job *job;
    const fft_roots *roots;
} chirp_job;

/* Of k: the root of k^2, or its conjugate. */
static void chirp_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const chirp_job *c = context;
    for (int64_t k = begin; k < end; k++) {
        float *to = c->job->chirp + 2 * k;
        fft_root(c->roots, k * k % c->roots->n, 1, to);
        if (c->job->backwards) to[1] = -to[1];
    }
}

/* -i / 2 exp(-2 pi i k / n), backwards i exp(2 pi i k / n), as a product. */
static void fill_halves(fft_job *j, fft_memory *m, const fft_roots *roots) {
    int64_t spans = fft_spans(j->length / 2 + 1);
    j->coarse = fft_take(m, spans * 8);
    j->fine = fft_take(m, 8 * FFT_SPAN);
    for (int64_t i = 0; j->coarse && i < spans; i++) {
        float root[2];
        fft_root(roots, i * FFT_SPAN, j->backwards ? 1 : 0.5, root);
        j->coarse[2 * i] = root[1];
        j->coarse[2 * i + 1] = j->backwards ? root[0] : -root[0];
    }
    for (int64_t i = 0; j->fine && i < FFT_SPAN; i++) {
        float root[2];
        fft_root(roots, i, 1, root);
        j->fine[i] = root[0];
        j->fine[FFT_SPAN + i] = j->backwards ? -root[1] : root[1];
    }
}

/* The plan and what else is computed once; without memory, how much of it there is. */
static void prepare(fft_job *j, fft_memory *m) {
    fft_roots roots = fft_roots_of(m, j->convolved || j->halved ? 2 * j->length : j->length);
    fft_roots of_size = j->convolved ? fft_roots_of(m, j->size) : roots;
    j->plan = fft_plan_make(m, j->size, &of_size);
    if (j->halved) fill_halves(j, m, &roots);
    if (j->convolved) {
        j->chirp = fft_take(m, 8 * j->length);
        j->spectrum = fft_take(m, 8 * j->size);
    }
    if (j->chirp) parallel_for(j->length, GRAIN, chirp_part, &(chirp_job){j, &roots});
    measure(j);
    j->slot_count = j->sideways ? 0 : takes_lines(j) ? j->threads : 1;
    j->rooms = fft_take(m, 4 * j->room_floats * j->threads);
    j->slots = fft_take(m, 4 * j->slot_floats * j->slot_count);
}

/* ---- lines side by side */

/* Lines [first, first + count): where they are, or copied to complex numbers side by side. */
static void find_lines(const fft_job *j, fft_lines *l, int64_t first, float *from, float *to) {
    const fft_operands *o = &j->lines;
    int axis = o->axis;
    bool whole = o->kind == FFT_COMPLEX && o->from->shape[axis] >= o->n;
    for (int i = 0; i < l->count; i++) {
        l->from[i] = from + 2 * i * o->n;
        l->to[i] = to + 2 * i * o->n;
        if (whole && o->from->strides[axis] == 1)
            l->from[i] = fft_line_of(o->from, axis, o->across, first + i);
        else
            fft_load(o, first + i, from + 2 * i * o->n);
        if (o->kind == FFT_COMPLEX && o->to->strides[axis] == 1)
            l->to[i] = fft_line_of(o->to, axis, o->across, first + i);
    }
}

static void run_neighbours(const fft_job *j, const fft_step *s, int64_t first, int count, float *room) {
    const fft_operands *o = &j->lines;
    fft_lines l = {.count = count, .from_step = o->from->strides[o->axis], .to_step = o->to->strides[o->axis]};
    l.from[0] = fft_line_of(o->from, o->axis, o->across, first);
    l.to[0] = fft_line_of(o->to, o->axis, o->across, first);
    j->kernels->lines(s, &l, room);
}

static void run_apart(const fft_job *j, const fft_step *s, int64_t first, int count, float *room) {
    fft_lines l = {.count = count};
    int64_t n = j->lines.n, lanes = j->kernels->lanes;
    float *from = room, *to = from + 2 * lanes * n;
    find_lines(j, &l, first, from, to);
    j->kernels->lines(s, &l, to + 2 * lanes * n);
    for (int i = 0; i < count; i++)
        if (l.to[i] == to + 2 * i * n) fft_store(&j->lines, first + i, l.to[i], false);
}

/* Lines that are neighbours along `across`, or all of them; in groups of lanes. */
static int64_t width_of(const fft_job *j) {
    return j->lines.across >= 0 ? j->lines.from->shape[j->lines.across] : j->count;
}

static void sideways_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const fft_job *j = context;
    int64_t width = width_of(j), groups = groups_of(j, width), lanes = j->kernels->lanes;
    fft_step step = {&j->plan, j->backwards, j->scale};
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i % groups * lanes, first = i / groups * width + at;
        int count = (int)(width - at < lanes ? width - at : lanes);
        float *room = j->rooms + thread * j->room_floats;
        (j->lines.across >= 0 ? run_neighbours : run_apart)(j, &step, first, count, room);
    }
}

static void run_sideways(const fft_job *j) {
    int64_t width = width_of(j);
    parallel_for(j->count / width * groups_of(j, width), GRAIN / (j->length * j->kernels->lanes) + 1, sideways_part,
                 (void *)j);
}

/* ---- one line */

typedef struct {
    const fft_job *job;
    fft_step step;
    const float *from;
    float *to, *table;
    int thread; /* of the line, if threads do not share it: then the parts run in this thread */
} line_step;

static void columns_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const line_step *l = context;
    l->job->kernels->columns(&l->step, l->from, l->table, begin, end,
                             l->job->rooms + (l->thread + thread) * l->job->room_floats);
}

static void rows_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const line_step *l = context;
    l->job->kernels->rows(&l->step, l->table, l->to, begin, end,
                          l->job->rooms + (l->thread + thread) * l->job->room_floats);
}

static void run_plan(const fft_job *j, float *slot, int thread, const float *from, float *to, bool backwards,
                     float scale) {
    int64_t lanes = j->kernels->lanes, height = j->plan.height, width = j->plan.width;
    line_step l = {j, {&j->plan, backwards, scale}, from, to, slot, thread};
    parallel_for(groups_of(j, width), GRAIN / (height * lanes) + 1, columns_part, &l);
    parallel_for(groups_of(j, height), GRAIN / (width * lanes) + 1, rows_part, &l);
}

typedef struct {
    const fft_kernels *kernels;
    float *to;
    const float *a, *b;
} product;

static void multiply_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const product *p = context;
    p->kernels->multiply(p->to + 2 * begin, p->a + 2 * begin, p->b + 2 * begin, end - begin);
}

static void multiply(const fft_job *j, float *to, const float *a, const float *b, int64_t count) {
    product p = {j->kernels, to, a, b};
    parallel_for(count, GRAIN, multiply_part, &p);
}

/* slot: the table, then two sequences. */
static void convolve(const fft_job *j, float *slot, int thread, const float *from, float *to) {
    float *a = slot + table_floats(j), *b = a + 2 * j->size;
    multiply(j, a, from, j->chirp, j->length);
    memset(a + 2 * j->length, 0, (size_t)(j->size - j->length) * 8);
    run_plan(j, slot, thread, a, b, false, 1);
    multiply(j, b, b, j->spectrum, j->size);
    run_plan(j, slot, thread, b, a, true, 1);
    multiply(j, to, a, j->chirp, j->length);
}

/* The conjugates of the chirp on both sides of 0, over the size. */
static void fill_spectrum(const fft_job *j) {
    float *sequence = j->slots + table_floats(j);
    memset(sequence, 0, (size_t)j->size * 8);
    for (int64_t k = 0; k < j->length; k++) {
        float *forth = sequence + 2 * k, *back = sequence + 2 * (k ? j->size - k : 0);
        forth[0] = back[0] = j->chirp[2 * k];
        forth[1] = back[1] = -j->chirp[2 * k + 1];
    }
    run_plan(j, j->slots, 0, sequence, j->spectrum, false, j->scale / (float)j->size);
}

typedef struct {
    const fft_job *job;
    float *x;
} halves;

static void untangle_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const halves *h = context;
    const fft_job *j = h->job;
    int64_t last = j->length / 2 + 1;
    j->kernels->untangle(h->x, j->length, j->coarse, j->fine, j->backwards ? 1 : 0.5F, begin * FFT_SPAN,
                         end * FFT_SPAN < last ? end * FFT_SPAN : last);
}

static void untangle(const fft_job *j, float *x) {
    halves h = {j, x};
    parallel_for(fft_spans(j->length / 2 + 1), GRAIN / FFT_SPAN, untangle_part, &h);
}

/* Where the line's numbers lie side by side, or a copy of them. */
static const float *loaded(const fft_job *j, int64_t line, float *buffer) {
    const fft_operands *o = &j->lines;
    bool as_it_lies = o->from->strides[o->axis] == 1 && fft_line_count(o) == o->n &&
                      (o->kind == FFT_COMPLEX || (o->kind == FFT_REAL && j->halved));
    if (as_it_lies) return fft_line_of(o->from, o->axis, o->across, line);
    (j->halved ? fft_load_halved : fft_load)(o, line, buffer);
    if (j->halved && o->kind == FFT_HALF) untangle(j, buffer);
    return buffer;
}

/* slot: of run_plan and convolve, then what goes in and comes out. */
static void run_line(const fft_job *j, int64_t line, float *slot, int thread) {
    const fft_operands *o = &j->lines;
    float *in = slot + table_floats(j) + (j->convolved ? 4 * j->size : 0), *out = in + line_floats(j);
    bool in_place = o->to->strides[o->axis] == 1 && (o->kind == FFT_COMPLEX || j->halved);
    const float *from = loaded(j, line, in);
    float *to = in_place ? fft_line_of(o->to, o->axis, o->across, line) : out;
    if (j->convolved)
        convolve(j, slot, thread, from, to);
    else
        run_plan(j, slot, thread, from, to, j->backwards, j->scale);
    if (j->halved && o->kind == FFT_REAL) {
        memcpy(to + 2 * j->length, to, 8);
        untangle(j, to);
    }
    if (!in_place) fft_store(o, line, to, j->halved && o->kind == FFT_HALF);
}

static void lines_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const fft_job *j = context;
    for (int64_t line = begin; line < end; line++) run_line(j, line, j->slots + thread * j->slot_floats, thread);
}

static void run_lines(const fft_job *j) {
    if (j->convolved) fill_spectrum(j);
    if (j->slot_count > 1)
        parallel_for(j->count, GRAIN / j->length + 1, lines_part, (void *)j);
    else
        for (int64_t line = 0; line < j->count; line++) run_line(j, line, j->slots, 0);
}

/* ---- calls */

static bool run_on(const call *c, const fft_kernels *kernels) {
    if (operand_size(&c->outputs[0]) == 0) return true;
    fft_job j = job_of(c, kernels);
    fft_memory memory = {c->workspace, 0};
    prepare(&j, &memory);
    (j.sideways ? run_sideways : run_lines)(&j);
    return true;
}

static int64_t workspace_on(const call *c, const fft_kernels *kernels) {
    if (operand_size(&c->outputs[0]) == 0) return 0;
    fft_job j = job_of(c, kernels);
    fft_memory measured = {NULL, 0};
    prepare(&j, &measured);
    return measured.used;
}

#define FFT_ROWS(isa, isa_id)                                                                                          \
    static bool run_##isa(const call *c) {                                                                             \
        return run_on(c, &fft_kernels_##isa);                                                                          \
    }                                                                                                                  \
    static int64_t workspace_##isa(const call *c) {                                                                    \
        return workspace_on(c, &fft_kernels_##isa);                                                                    \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {{.op = OP_fft,                                                             \
                                             .name = "fft_" #isa,                                                      \
                                             .dtypes = DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_COMPLEX64),            \
                                             .layout = LAYOUT_ANY,                                                     \
                                             .workspace = workspace_##isa,                                             \
                                             .run = run_##isa}};
CPU_EACH_ISA(FFT_ROWS)
CPU_FAMILY(fft)
