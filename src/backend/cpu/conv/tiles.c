/* A row of the result at a time, or a piece of one, from copies of the lines that it meets with zeros around them,
   which a thread keeps for its next rows. Columns of the product are the outputs of all phases along the last axis,
   which is the order in which they lie in the result. Places meet what lies between their elements too, by weights of
   zero, so an x that is not finite is left to the product of patches. */
#include "cpu/conv/tiles.h"

#include "base/threads.h"
#include "cpu/conv/product.h"
#include "cpu/conv/result_rows.h"
#include "cpu/matmul/kit.h"
#include "cpu/sizes.h"

enum {
    FEW_OUTS = 8,
    LEAST_CHANNELS = 16,  /* with few outputs */
    MOST_MET = 512,       /* elements that a place meets, with more */
    MOST_SPREAD = 4,      /* positions for each tap, of which one is of use */
    LEAST_ROW = 32,       /* places of a phase */
    PIECE = 512,          /* of them at a time */
    MOST_BYTES = 1 << 22, /* of lines that are kept */
    MOST_LINES = 32,      /* that a row meets */
    TILE_BYTES = 1024,    /* of weights */
    SMALL_WORK = 1 << 18  /* multiplications */
};

typedef struct {
    conv_rows r;
    int columns, groups, steps;
    int64_t piece, pieces, line_bytes, lines; /* lines that are kept */
    char *weights;                            /* [outer taps, steps, groups], tiles of pairs of depths */
    char *memory;
    bool special; /* written by any thread, only to true */
} tiles_job;

/* A thread's own. */
typedef struct {
    int64_t *keys;
    char *lines;
    float *sums, *row; /* of TILES_PLACES; of a piece, and a tile's width beyond */
} tiles_memory;

static bool is_worth_it(const conv_rows *r) {
    int64_t span = conv_most_distance(r) + 1;
    if (span > MOST_SPREAD * r->taps) return false;
    if (r->outs <= FEW_OUTS && r->channels >= LEAST_CHANNELS) return true;
    return r->phase_count == 1 && r->outer_taps * span <= MOST_MET / r->channels;
}

/* Positions of a line that a piece meets. */
static int64_t positions(const tiles_job *j) {
    return (j->piece - 1) * j->r.place_step + conv_most_distance(&j->r) + 1;
}

static bool describe(tiles_job *j, const call *c) {
    *j = (tiles_job){.special = false};
    conv_rows *r = &j->r;
    if (!cpu_has(CPU_AMX) || !conv_product_row.supports(c) || !conv_rows_of(r, c) || r->last > 1 || r->most < LEAST_ROW)
        return false;
    if (r->x->strides[r->x->ndim - 1] != 1 || r->x->strides[r->last + 1] != r->channels) return false;
    if (r->outs * r->phase_count > MOST_TILE_GROUPS * TILES_COLUMNS || r->outer_taps > MOST_LINES) return false;
    int64_t span = conv_most_distance(r) + 1, most = MOST_BYTES / 2 / r->channels;
    if (span > most / 2 || r->place_step > most / 2 / PIECE || !is_worth_it(r)) return false;
    j->columns = (int)(r->outs * r->phase_count);
    j->groups = (j->columns + TILES_COLUMNS - 1) / TILES_COLUMNS;
    j->steps = (int)((span * r->channels + TILES_DEPTH - 1) / TILES_DEPTH);
    j->piece = smaller(PIECE, round_up(r->most, TILES_PLACES));
    j->pieces = (r->most + j->piece - 1) / j->piece;
    j->line_bytes = round_up((positions(j) * r->channels + TILES_DEPTH) * 2, 64) + 64; /* not all in the same sets */
    j->lines = conv_near_lines(r);
    return j->lines <= MOST_BYTES / j->line_bytes;
}

static bool supports(const call *c) {
    tiles_job j;
    return describe(&j, c);
}

/* ---- memory */

static int64_t weight_bytes(const tiles_job *j) {
    return j->r.outer_taps * j->steps * j->groups * TILE_BYTES;
}

static int64_t row_floats(const tiles_job *j) {
    return round_up(j->piece * j->columns + TILES_COLUMNS, 16);
}

static int64_t memory_bytes(const tiles_job *j) {
    return round_up(j->lines * 8, 64) + j->lines * j->line_bytes +
           (TILES_PLACES * j->groups * TILES_COLUMNS + row_floats(j)) * 4;
}

static tiles_memory memory_of(const tiles_job *j, int thread) {
    char *at = j->memory + thread * memory_bytes(j);
    tiles_memory m = {.keys = (int64_t *)(void *)at};
    m.lines = at += round_up(j->lines * 8, 64);
    m.sums = (float *)(void *)(at += j->lines * j->line_bytes);
    m.row = m.sums + TILES_PLACES * j->groups * TILES_COLUMNS;
    return m;
}

static int64_t workspace(const call *c) {
    tiles_job j;
    describe(&j, c);
    int64_t own = weight_bytes(&j) + parallel_threads() * memory_bytes(&j), other = conv_product_row.workspace(c);
    return own > other ? own : other;
}

/* ---- weights */

static void put_weight(const tiles_job *j, int64_t outer, int phase, int64_t tap, int64_t channel, int64_t out) {
    const conv_rows *r = &j->r;
    const conv_phase *f = &r->phases[phase];
    int64_t depth = conv_distance(r, f, tap) * r->channels + channel, column = phase * r->outs + out;
    int64_t tile = (outer * j->steps + depth / TILES_DEPTH) * j->groups + column / TILES_COLUMNS;
    int64_t k = depth % TILES_DEPTH, at = conv_weight_offset(r, outer, f->tap + tap * f->kernel_step, channel, out);
    char *to = j->weights + tile * TILE_BYTES + (k / 2 * TILES_COLUMNS + column % TILES_COLUMNS) * 4 + k % 2 * 2;
    memcpy(to, (const char *)r->w->data + at * 2, 2);
}

static void put_weights(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const tiles_job *j = context;
    int64_t each = weight_bytes(j) / j->r.outer_taps;
    memset(j->weights + begin * each, 0, (size_t)((end - begin) * each));
    for (int64_t outer = begin; outer < end; outer++)
        for (int p = 0; p < j->r.phase_count; p++)
            for (int64_t t = 0; t < j->r.phases[p].taps; t++)
                for (int64_t c = 0; c < j->r.channels; c++)
                    for (int64_t o = 0; o < j->r.outs; o++) put_weight(j, outer, p, t, c, o);
}

/* ---- lines */

/* The line as the piece meets it: kept, or read now. */
static const char *line_at(tiles_job *j, const tiles_memory *m, int64_t image, int64_t line, int64_t piece) {
    const conv_rows *r = &j->r;
    int64_t key = (image * conv_image_lines(r) + line) * j->pieces + piece, slot = line % j->lines;
    char *to = m->lines + slot * j->line_bytes;
    if (m->keys[slot] == key) return to;
    int64_t first = r->first + piece * j->piece * r->place_step, element = 2 * r->channels,
            size = r->x->shape[r->last + 1];
    int64_t begin = first < 0 ? smaller(-first, positions(j)) : 0, end = smaller(positions(j), size - first);
    if (end < begin) end = begin;
    const char *from = (const char *)r->x->data + conv_line_offset(r, image, line) * 2 + (first + begin) * element;
    memset(to, 0, (size_t)(begin * element));
    if (end > begin) memcpy(to + begin * element, from, (size_t)((end - begin) * element));
    memset(to + end * element, 0, (size_t)(j->line_bytes - end * element));
    if (conv_tiles_special_amx((const uint16_t *)(const void *)to, j->line_bytes / 2))
        __atomic_store_n(&j->special, true, __ATOMIC_RELAXED);
    m->keys[slot] = key;
    return to;
}

/* ---- rows */

/* Columns of TILES_PLACES without those beyond the last: each place is written over the rest of the one before. */
static void pack_columns(const tiles_job *j, const float *sums, float *row) {
    for (int64_t p = 0; p < TILES_PLACES; p++, row += j->columns)
        for (int g = 0; g < j->groups; g++, sums += TILES_COLUMNS)
            memcpy(row + g * TILES_COLUMNS, sums, TILES_COLUMNS * sizeof *row);
}

static void run_row(tiles_job *j, const tiles_memory *m, int64_t image, int64_t row, int64_t piece) {
    const conv_rows *r = &j->r;
    const char *lines[MOST_LINES], *weights[MOST_LINES], *from[MOST_LINES];
    conv_tiles t = {.lines = from, .weights = weights, .steps = j->steps, .groups = j->groups};
    t.place_bytes = r->place_step * r->channels * 2;
    for (int64_t outer = 0; outer < r->outer_taps; outer++) {
        int64_t line = conv_line_of(r, row, outer);
        if (line < 0) continue;
        lines[t.line_count] = line_at(j, m, image, line, piece);
        weights[t.line_count++] = j->weights + outer * (weight_bytes(j) / r->outer_taps);
    }
    int64_t size = r->out->shape[r->last + 1], first = piece * j->piece * r->phase_count,
            count = smaller(j->piece * r->phase_count, size - first);
    for (int64_t p = 0; p * r->phase_count < count; p += TILES_PLACES) {
        for (int l = 0; l < t.line_count; l++) from[l] = lines[l] + p * t.place_bytes;
        conv_tiles_multiply_amx(&t, m->sums);
        pack_columns(j, m->sums, m->row + p * j->columns);
    }
    char *to = (char *)r->out->data + ((image * r->rows + row) * size + first) * r->outs * 2;
    matmul_kit_in_use()->narrow(r->dtype, m->row, count * r->outs, to);
}

/* Neighbouring units are rows of one image, at one piece. */
static void run_rows(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    tiles_job *j = context;
    tiles_memory m = memory_of(j, thread);
    conv_tiles_begin_amx();
    for (int64_t u = begin; u < end; u++)
        run_row(j, &m, u / j->r.rows / j->pieces, u % j->r.rows, u / j->r.rows % j->pieces);
    conv_tiles_end_amx();
}

static bool run(const call *c) {
    tiles_job j;
    if (!cpu_has(CPU_AMX) || !describe(&j, c)) return false;
    j.weights = c->workspace;
    j.memory = j.weights + weight_bytes(&j);
    for (int t = 0; t < parallel_threads(); t++) {
        tiles_memory m = memory_of(&j, t);
        for (int64_t i = 0; i < j.lines; i++) m.keys[i] = -1;
    }
    int64_t work = weight_bytes(&j) * j.piece;
    parallel_for(j.r.outer_taps, 1, put_weights, &j);
    parallel_for(j.r.x->shape[0] * j.pieces * j.r.rows, SMALL_WORK / work + 1, run_rows, &j);
    return !j.special || conv_product_row.run(c);
}

const kernel_row conv_tiles_row = {.op = OP_conv,
                                   .name = "conv_tiles_cpu",
                                   .dtypes = DTYPE_BIT(TARN_BFLOAT16),
                                   .layout = LAYOUT_ANY,
                                   .supports = supports,
                                   .workspace = workspace,
                                   .run = run};
