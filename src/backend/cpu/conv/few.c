/* Every element of x is multiplied by every place of the kernel in one product, [places of the kernel, outputs] by
   [elements]; then each place of the result sums what belongs to it. Some lines of an image at a time, so that products
   are summed while they are in the second-level cache. */
#include "cpu/conv/few.h"

#include "base/threads.h"
#include "cpu/conv/patches.h"
#include "cpu/matmul/choose.h"
#include "cpu/matmul/gemm.h"
#include "table/conv.h"

enum {
    NARROW = 8,            /* outputs */
    BAND_FLOATS = 1 << 18, /* of the products of some lines, as far as one line allows */
    MOST_FLOATS = 1 << 26  /* of one line */
};

typedef struct {
    const call *c;
    int axes, outs;
    conv_axis along[CONV_AXES];
    int64_t elements, taps, row,
        rows; /* of x's image, of the kernel; floats of a row of the result, rows of an image */
    bool flip;
    conv_patches x, w;
    matmul_gather x_gather, w_gather;
    int64_t first, band;           /* elements: where the lines at hand begin, and how many there are at a time */
    float *products, *sums, *turn; /* [taps, outs, band]; lanes of each row of the result; a row for each thread */
    int64_t image, count;          /* count: elements at hand */
} few_job;

static int64_t volume(const int64_t *sizes, int axes) {
    int64_t v = 1;
    for (int i = 0; i < axes; i++) v *= sizes[i];
    return v;
}

/* matmul_gather.read of the elements at hand. */
static void read_band(const void *context, int64_t line, int lines, int64_t k, int depth, void *out, int64_t stride) {
    const few_job *j = context;
    patches_read(&j->x, j->first + line, lines, k, depth, out, stride);
}

/* Lines are the elements of one image, or the places of the kernel and outputs; the depth is the channels. */
static void describe_patches(few_job *j) {
    const operand *x = &j->c->inputs[0], *w = &j->c->inputs[1];
    j->x = (conv_patches){.axes = j->axes, .batch = 1, .batch_stride = x->strides[0]};
    j->w = (conv_patches){.axes = j->axes, .batch = j->outs, .batch_stride = w->strides[0], .batch_inner = true};
    for (int i = 0; i < j->axes; i++) {
        j->x.places[i] = j->x.size[i] = x->shape[i + 1];
        j->w.places[i] = j->w.size[i] = w->shape[i + 1];
        j->x.taps[i] = j->w.taps[i] = j->x.place_step[i] = j->w.place_step[i] = 1;
        j->x.stride[i] = x->strides[i + 1];
        j->w.stride[i] = w->strides[i + 1];
    }
    j->x.channels = j->w.channels = x->shape[x->ndim - 1];
    j->x.channel_stride = x->strides[x->ndim - 1];
    j->w.channel_stride = w->strides[w->ndim - 1];
    j->x.bytes = j->w.bytes = dtype_bytes(x->dtype);
    j->x.data = x->data;
    j->w.data = w->data;
    j->x_gather = (matmul_gather){read_band, j, patches_turned(&j->x)};
    j->w_gather = (matmul_gather){patches_read, &j->w, patches_turned(&j->w)};
}

/* The last axis is a line. */
static int64_t band_of(const few_job *j) {
    int64_t line = j->x.size[j->axes - 1], most = BAND_FLOATS / (j->taps * j->outs) / (line + 1);
    int64_t band = line * (most > 1 ? most : 1);
    return band < j->elements ? band : j->elements;
}

static void describe(few_job *j, const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1], *out = &c->outputs[0];
    *j = (few_job){.c = c, .axes = x->ndim - 2, .outs = (int)w->shape[0], .flip = a->flip};
    for (int i = 0; i < j->axes; i++) j->along[i] = conv_axis_of(a, i, w->shape[i + 1]);
    j->elements = volume(x->shape + 1, j->axes);
    j->taps = volume(w->shape + 1, j->axes);
    j->row = out->shape[j->axes] * j->outs;
    j->rows = volume(out->shape + 1, j->axes - 1);
    describe_patches(j);
    j->band = j->count = band_of(j);
}

static gemm_problem problem_of(const few_job *j) {
    matmul_dtype dtype = matmul_dtype_of(j->c->outputs[0].dtype);
    return (gemm_problem){.rows = {.dtype = dtype, .gather = &j->w_gather},
                          .columns = {.dtype = dtype, .gather = &j->x_gather},
                          .row_count = j->taps * j->outs,
                          .column_count = j->count,
                          .depth = j->x.channels,
                          .out = j->products,
                          .out_row_stride = j->count,
                          .out_column_stride = 1,
                          .out_dtype = MATMUL_F32};
}

static const matmul_engine *engine_of(const few_job *j) {
    return matmul_engine_for(matmul_dtype_of(j->c->outputs[0].dtype), WEIGHTS_DENSE);
}

/* Few outputs fill a small part of a vector; a stride leaves products unused. */
bool conv_few_fits(const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1];
    if (x->ndim - 2 > CONV_AXES || a->groups != 1 || w->shape[0] > NARROW || x->shape[x->ndim - 1] < 2 * NARROW)
        return false;
    int64_t unused = 1;
    for (int i = 0; i < x->ndim - 2; i++) unused *= conv_entry(a->stride, i, 1);
    int64_t lines = volume(w->shape, w->ndim - 1), elements = volume(x->shape + 1, x->ndim - 2);
    return w->shape[0] * unused <= NARROW && lines > NARROW && elements > 0 &&
           lines <= MOST_FLOATS / x->shape[x->ndim - 2];
}

/* Places of the last axis that meet the same places of the kernel stand together: every step-th is one lane. */
static int64_t step_of(const few_job *j) {
    const conv_axis *a = &j->along[j->axes - 1];
    int64_t step = 1;
    while (step * a->stride % a->input_dilation) step++;
    return step;
}

static int64_t places_of(const few_job *j) {
    return j->row / j->outs;
}

static int64_t lane_floats(const few_job *j) {
    return places_of(j) / step_of(j) + 1;
}

static int64_t products_bytes(const few_job *j) {
    return (j->taps * j->outs * j->band * 4 + 63) / 64 * 64;
}

/* Floats of a row's lanes. */
static int64_t lanes_of(const few_job *j) {
    return lane_floats(j) * step_of(j) * j->outs;
}

static int64_t sums_bytes(const few_job *j) {
    return (lanes_of(j) * j->rows * 4 + 63) / 64 * 64;
}

static int64_t turn_bytes(const few_job *j) {
    return (j->row * 4 + 63) / 64 * 64;
}

int64_t conv_few_workspace(const call *c) {
    few_job j;
    describe(&j, c);
    gemm_problem p = problem_of(&j);
    int64_t product = gemm_workspace(engine_of(&j), &p);
    if (product > INT64_MAX / 2) return INT64_MAX;
    return products_bytes(&j) + sums_bytes(&j) + turn_bytes(&j) * parallel_threads() + product;
}

static void add(float *restrict sums, const float *restrict from, int64_t by, int64_t count) {
    if (by == 1)
        for (int64_t i = 0; i < count; i++) sums[i] += from[i];
    else
        for (int64_t i = 0; i < count; i++) sums[i] += from[i * by];
}

/* Adds the products of one place of the kernel to the lanes of a row of the result: element `from` of the line belongs
   to place t, the by-th after it to the step-th. */
static void add_line(const few_job *j, const float *line, int64_t tap, float *sums) {
    const conv_axis *a = &j->along[j->axes - 1];
    int64_t size = j->x.size[j->axes - 1], places = places_of(j), step = step_of(j), t = 0;
    int64_t at = tap * a->kernel_dilation - a->low, by = step * a->stride / a->input_dilation;
    while (t < places && (at < 0 || at % a->input_dilation)) t++, at += a->stride;
    int64_t from = at / a->input_dilation, count = (places - t + step - 1) / step;
    if (t >= places || from >= size) return;
    if (count > (size - from + by - 1) / by) count = (size - from + by - 1) / by;
    for (int o = 0; o < j->outs; o++)
        add(sums + (o * step + t % step) * lane_floats(j) + t / step, line + o * j->count + from, by, count);
}

/* Lanes as a row. */
static void interleave(const few_job *j, const float *sums, float *row) {
    int64_t step = step_of(j), lane = lane_floats(j);
    for (int64_t t = 0; t < places_of(j); t++)
        for (int o = 0; o < j->outs; o++) row[t * j->outs + o] = sums[(o * step + t % step) * lane + t / step];
}

/* The line of elements that a row of the result meets at these places of the kernel, all axes but the last; -1: none.
 */
static int64_t line_of(const few_job *j, const int64_t *place, const int64_t *tap) {
    int64_t line = 0;
    for (int i = 0; i < j->axes - 1; i++) {
        const conv_axis *a = &j->along[i];
        int64_t at = place[i] * a->stride + tap[i] * a->kernel_dilation - a->low;
        if (at < 0 || at % a->input_dilation || at / a->input_dilation >= j->x.size[i]) return -1;
        line = line * j->x.size[i] + at / a->input_dilation;
    }
    return line * j->x.size[j->axes - 1];
}

static void split_index(int64_t index, const int64_t *sizes, int axes, int64_t *places) {
    for (int i = axes - 1; i >= 0; i--) {
        places[i] = index % sizes[i];
        index /= sizes[i];
    }
}

/* Adds what a row of the result has of the lines at hand. */
static void sum_row(const few_job *j, int64_t row, float *sums) {
    const int64_t *kernel = j->c->inputs[1].shape + 1, last = kernel[j->axes - 1];
    int64_t place[CONV_AXES], tap[CONV_AXES];
    split_index(row, j->c->outputs[0].shape + 1, j->axes - 1, place);
    for (int64_t first = 0; first < j->taps; first += last) {
        split_index(first / last, kernel, j->axes - 1, tap);
        int64_t line = line_of(j, place, tap) - j->first;
        if (line < 0 || line >= j->count) continue;
        for (int64_t t = 0; t < last; t++) {
            int64_t number = j->flip ? j->taps - 1 - first - t : first + t; /* every axis the other way */
            add_line(j, j->products + number * j->outs * j->count + line, t, sums);
        }
    }
}

static void sum_rows(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const few_job *j = context;
    for (int64_t row = begin; row < end; row++) {
        float *sums = j->sums + row * lanes_of(j);
        if (j->first == 0) memset(sums, 0, (size_t)lanes_of(j) * sizeof *sums);
        sum_row(j, row, sums);
    }
}

static void store_rows(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const few_job *j = context;
    const operand *out = &j->c->outputs[0];
    matmul_dtype dtype = matmul_dtype_of(out->dtype);
    float *whole = (float *)(void *)((char *)j->turn + thread * turn_bytes(j));
    for (int64_t row = begin; row < end; row++) {
        interleave(j, j->sums + row * lanes_of(j), whole);
        char *to = (char *)out->data + (j->image * j->rows + row) * j->row * matmul_dtype_bytes(dtype);
        matmul_kit_in_use()->narrow(dtype, whole, j->row, to);
    }
}

static void run_image(few_job *j, void *workspace) {
    for (j->first = 0; j->first < j->elements; j->first += j->band) {
        j->count = j->elements - j->first < j->band ? j->elements - j->first : j->band;
        gemm_problem p = problem_of(j);
        gemm_run(engine_of(j), &p, workspace);
        parallel_for(j->rows, 1, sum_rows, j);
    }
    parallel_for(j->rows, 1, store_rows, j);
}

bool conv_few_run(const call *c) {
    few_job j;
    describe(&j, c);
    char *memory = c->workspace;
    j.products = (float *)(void *)memory;
    j.sums = (float *)(void *)(memory += products_bytes(&j));
    j.turn = (float *)(void *)(memory += sums_bytes(&j));
    memory += turn_bytes(&j) * parallel_threads();
    int64_t image_bytes = j.x.batch_stride * j.x.bytes;
    for (j.image = 0; j.image < c->inputs[0].shape[0]; j.image++, j.x.data += image_bytes) run_image(&j, memory);
    return true;
}
