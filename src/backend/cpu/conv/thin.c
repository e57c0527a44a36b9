/* x is brought, some rows at a time, into a window with its padding around it, in which everything that a place meets
   lies at fixed distances. Two orders of the same loops: over places, each of which sums its few taps, or over the taps
   of a large kernel, each of which adds to the few places. Images are two-dimensional; a line is an image of one row.
 */
#include "cpu/conv/thin.h"

#include <string.h>

#include "base/checked.h"
#include "base/threads.h"
#include "cpu/sizes.h"
#include "table/conv.h"

enum {
    MOST_MET = 36, /* elements of x that meet a place */
    MOST_OFFSETS = 32 * THIN_LINES,
    MOST_SUMS = 1 << 13,  /* of a group: they stay in the first-level cache */
    WIDTH = 16,           /* outputs of a vector, of which the last may be junk */
    BAND = 8,             /* rows of a window, as far as they are one image's */
    GROUPS = 64,          /* of sums, added at the end, whatever the number of threads */
    LEAST_TAPS = 64,      /* of a kernel whose taps are the outer loop */
    MOST_WINDOW = 1 << 18 /* floats */
};

/* Along an axis: count elements of the outer loop, step positions apart, meet `inner` positions, inner_step apart. */
typedef struct {
    int64_t count, step, inner, inner_step, low, size, stride, w_stride;
    int64_t window; /* positions that are met by BAND rows, or by all elements of a row */
} thin_axis;

typedef struct {
    thin_places *places;
    thin_sums *sums;
} thin_functions;
#define FUNCTIONS(isa, isa_id) [isa_id] = {thin_places_##isa, thin_sums_##isa},
static const thin_functions functions[ISA_COUNT] = {CPU_EACH_ISA(FUNCTIONS)};

typedef struct {
    thin_functions use;
    const operand *x, *w, *out;
    bool flip, sums;
    thin_axis along[2];
    int64_t images, image_stride, channels,
        channel_stride;                  /* each image by itself; the channels in a window's element */
    int64_t image_w_stride, outs, lanes; /* lanes: outs, rounded up to whole vectors */
    int offset_count;
    int64_t offsets[MOST_OFFSETS]; /* in a window: of what a place meets, or of the places */
    float *weights, *windows;      /* weights [offsets, outs], or sums [GROUPS, offsets, lanes] */
    float *last_row;               /* of taps, [taps, lanes]: behind it there is no memory to fill a vector */
} thin_job;

static bool describes(const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0];
    bool plain = a->groups == 1 && (x->ndim == 3 || x->ndim == 4) && c->inputs[1].shape[0] > 0;
    for (int i = 0; plain && i < x->ndim - 2; i++) plain = conv_entry(a->input_dilation, i, 1) == 1;
    return plain;
}

static thin_axis axis_of(const thin_job *j, const attributes_conv *a, int i) {
    int64_t taps = j->w->shape[i + 1], places = j->out->shape[i + 1];
    conv_axis c = conv_axis_of(a, i, taps);
    thin_axis t = {
        .low = c.low, .size = j->x->shape[i + 1], .stride = j->x->strides[i + 1], .w_stride = j->w->strides[i + 1]};
    t.count = j->sums ? taps : places;
    t.step = j->sums ? c.kernel_dilation : c.stride;
    t.inner = j->sums ? places : taps;
    t.inner_step = j->sums ? c.stride : c.kernel_dilation;
    return t;
}

static void set_windows(thin_job *j) {
    for (int i = 0; i < 2; i++) {
        thin_axis *t = &j->along[i];
        int64_t rows = i == 0 && t->count > BAND ? BAND : t->count;
        t->window = (rows - 1) * t->step + (t->inner - 1) * t->inner_step + 1;
    }
}

static int64_t element(const thin_job *j, int64_t row, int64_t column) {
    return (row * j->along[1].window + column) * j->channels;
}

static void set_offsets(thin_job *j) {
    const thin_axis *rows = &j->along[0], *columns = &j->along[1];
    int n = 0;
    for (int64_t r = 0; r < rows->inner; r++)
        for (int64_t k = 0; k < columns->inner; k++)
            for (int64_t c = 0; c < j->channels; c++)
                j->offsets[n++] = element(j, r * rows->inner_step, k * columns->inner_step) + c;
    while (j->sums && n % THIN_LINES) j->offsets[n++] = 0; /* lines that nobody reads */
    j->offset_count = n;
}

/* False where what is met, or the places, are too many. */
static bool describe(thin_job *j, const call *c, bool sums) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1];
    int last = x->ndim - 1, images = sums ? last : 0, channels = sums ? 0 : last, axes = x->ndim - 2;
    *j = (thin_job){.use = functions[cpu_best_isa()],
                    .x = x,
                    .w = w,
                    .out = &c->outputs[0],
                    .flip = a->flip,
                    .sums = sums,
                    .outs = w->shape[0],
                    .lanes = round_up(w->shape[0], WIDTH),
                    .images = x->shape[images],
                    .image_stride = x->strides[images],
                    .channels = x->shape[channels],
                    .channel_stride = x->strides[channels],
                    .image_w_stride = w->strides[last]};
    j->along[0] = (thin_axis){.count = 1, .step = 1, .inner = 1, .inner_step = 1, .size = 1};
    for (int i = 0; i < axes; i++) j->along[2 - axes + i] = axis_of(j, a, i);
    int64_t most = sums ? smaller(MOST_OFFSETS, MOST_SUMS / j->lanes) : MOST_MET;
    int64_t met = j->along[0].inner * j->along[1].inner, window;
    if (met > most || met * j->channels > most) return false;
    set_windows(j);
    return checked_mul(j->along[0].window, j->along[1].window, &window) && window <= MOST_WINDOW / j->channels;
}

/* Whether vectors of outputs can be read from the kernel: whole ones, or what is behind them are other taps, of the
   last row's at the latest. */
static bool reads_vectors(const thin_job *j) {
    const thin_axis *rows = &j->along[0], *columns = &j->along[1];
    bool dense = columns->w_stride == j->outs && (rows->count == 1 || rows->w_stride == columns->count * j->outs) &&
                 (j->images == 1 || j->image_w_stride == rows->count * columns->count * j->outs);
    return j->w->strides[0] == 1 && (j->lanes == j->outs || (dense && columns->count * j->outs >= WIDTH));
}

/* The order that fits, if one does. */
static bool describe_any(thin_job *j, const call *c) {
    if (!describes(c) || !c->inputs[0].shape[0] || !c->inputs[0].shape[c->inputs[0].ndim - 1]) return false;
    if (describe(j, c, false) && j->lanes == j->outs) return j->along[0].count * j->along[1].count > 0;
    return !((const attributes_conv *)c->attributes)->flip && describe(j, c, true) && reads_vectors(j) &&
           j->along[0].count * j->along[1].count >= LEAST_TAPS && j->along[0].inner * j->along[1].inner > 0;
}

static int64_t window_floats(const thin_job *j) {
    return round_up(element(j, j->along[0].window, 0), WIDTH);
}

static int64_t weight_floats(const thin_job *j) {
    return (j->sums ? GROUPS : 1) * j->offset_count * j->lanes;
}

static int64_t last_row_floats(const thin_job *j) {
    return j->sums ? j->along[1].count * j->lanes : 0;
}

static int64_t workspace(const call *c) {
    thin_job j;
    if (!describe_any(&j, c)) return 0;
    set_offsets(&j);
    return (weight_floats(&j) + last_row_floats(&j) + parallel_threads() * window_floats(&j)) * (int64_t)sizeof(float);
}

/* Positions from `first` on of one row of the image; zeros where there are none. */
static void read_row(const thin_job *j, const float *from, float *to) {
    const thin_axis *t = &j->along[1];
    for (int64_t i = 0; i < t->window; i++)
        for (int64_t c = 0, at = i - t->low; c < j->channels; c++)
            *to++ = at >= 0 && at < t->size ? from[at * t->stride + c * j->channel_stride] : 0;
}

static void read_window(const thin_job *j, int64_t image, int64_t row, int64_t rows, float *to) {
    const thin_axis *t = &j->along[0];
    const float *from = (const float *)j->x->data + image * j->image_stride;
    int64_t first = row * t->step - t->low, count = (rows - 1) * t->step + (t->inner - 1) * t->inner_step + 1;
    for (int64_t i = 0; i < count; i++, to += element(j, 1, 0)) {
        int64_t at = first + i;
        if (at >= 0 && at < t->size)
            read_row(j, from + at * t->stride, to);
        else
            memset(to, 0, (size_t)element(j, 1, 0) * sizeof *to);
    }
}

static void read_weights(const thin_job *j) {
    const thin_axis *rows = &j->along[0], *columns = &j->along[1];
    float *to = j->weights;
    for (int64_t r = 0; r < rows->inner; r++)
        for (int64_t k = 0; k < columns->inner; k++)
            for (int64_t c = 0; c < j->channels; c++)
                for (int64_t o = 0; o < j->outs; o++) {
                    int64_t row = j->flip ? rows->inner - 1 - r : r, column = j->flip ? columns->inner - 1 - k : k;
                    *to++ = ((const float *)j->w->data)[o * j->w->strides[0] + row * rows->w_stride +
                                                        column * columns->w_stride + c * j->image_w_stride];
                }
}

static const float *taps_of(const thin_job *j, int64_t image, int64_t row) {
    return (const float *)j->w->data + image * j->image_w_stride + row * j->along[0].w_stride;
}

static void read_last_row(const thin_job *j) {
    const float *from = taps_of(j, j->images - 1, j->along[0].count - 1);
    for (int64_t t = 0; t < j->along[1].count; t++)
        for (int64_t o = 0; o < j->lanes; o++)
            j->last_row[t * j->lanes + o] = o < j->outs ? from[t * j->along[1].w_stride + o] : 0;
}

/* A row of the outer loop, which stands `at` in the window: its places, or what its taps add to `sums`. */
static void run_row(const thin_job *j, int64_t image, int64_t row, const float *at, float *sums) {
    const thin_axis *rows = &j->along[0], *columns = &j->along[1];
    int64_t step = columns->step * j->channels;
    bool last = image == j->images - 1 && row == rows->count - 1;
    if (j->sums)
        j->use.sums(at, j->offsets, j->offset_count, last ? j->last_row : taps_of(j, image, row),
                    last ? j->lanes : columns->w_stride, j->lanes, columns->count, step, sums);
    else
        j->use.places(at, j->offsets, j->offset_count, j->weights, j->outs, columns->count, step,
                      (float *)j->out->data + (image * rows->count + row) * columns->count * j->outs);
}

/* Rows [begin, end) of all images. */
static void run_rows(const thin_job *j, int64_t begin, int64_t end, float *window, float *sums) {
    int64_t count = j->along[0].count;
    for (int64_t rows; begin < end; begin += rows) {
        int64_t image = begin / count, row = begin % count;
        rows = end - begin < BAND ? end - begin : BAND;
        if (rows > count - row) rows = count - row;
        read_window(j, image, row, rows, window);
        for (int64_t i = 0; i < rows; i++)
            run_row(j, image, row + i, window + element(j, i * j->along[0].step, 0), sums);
    }
}

static void run_places(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const thin_job *j = context;
    run_rows(j, begin, end, j->windows + thread * window_floats(j), NULL);
}

static void run_groups(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const thin_job *j = context;
    int64_t all = j->images * j->along[0].count, floats = j->offset_count * j->lanes;
    for (int64_t g = begin; g < end; g++) {
        float *sums = j->weights + g * floats;
        memset(sums, 0, (size_t)floats * sizeof *sums);
        run_rows(j, g * all / GROUPS, (g + 1) * all / GROUPS, j->windows + thread * window_floats(j), sums);
    }
}

/* Lines count the channels fastest, the result places. */
static void add_groups(const thin_job *j) {
    int64_t places = j->along[0].inner * j->along[1].inner, floats = j->offset_count * j->lanes;
    for (int64_t p = 0; p < places; p++)
        for (int64_t c = 0; c < j->channels; c++)
            for (int64_t o = 0; o < j->outs; o++) {
                float sum = 0;
                for (int g = 0; g < GROUPS; g++) sum += j->weights[g * floats + (p * j->channels + c) * j->lanes + o];
                ((float *)j->out->data)[(c * places + p) * j->outs + o] = sum;
            }
}

static bool run(const call *c) {
    thin_job j;
    describe_any(&j, c);
    set_offsets(&j);
    j.weights = c->workspace;
    j.last_row = j.weights + weight_floats(&j);
    j.windows = j.last_row + last_row_floats(&j);
    if (j.sums) {
        read_last_row(&j);
        parallel_for(GROUPS, 1, run_groups, &j);
        add_groups(&j);
    } else {
        read_weights(&j);
        parallel_for(j.images * j.along[0].count, BAND, run_places, &j);
    }
    return true;
}

static bool supports(const call *c) {
    thin_job j;
    return describe_any(&j, c);
}

const kernel_row conv_thin_row = {.op = OP_conv,
                                  .name = "conv_thin_cpu",
                                  .dtypes = DTYPE_BIT(TARN_FLOAT32),
                                  .layout = LAYOUT_ANY,
                                  .supports = supports,
                                  .workspace = workspace,
                                  .run = run};
