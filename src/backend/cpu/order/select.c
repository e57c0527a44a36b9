/* A part of a line in order (sort and argsort with .part): a sample tells between which keys the wanted places must
   lie (Floyd and Rivest, 1975); these candidates alone are sorted, with their places, and what lies before and behind
   the wanted ones is written in the order of the line. Where the sample misleads, all elements are candidates. Chunks
   of a long line are shared by threads; they are cut by its length alone. */
#include "cpu/order/select.h"

#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/order/lines.h"

enum { LEAST_SAMPLED = 256, LEAST_SAMPLE = 64, MOST_SAMPLE = 4096, CHUNK = 1 << 15, MOST_CHUNKS = 64 };

typedef struct {
    line_set lines;
    const order_kernels *kernels;
    const order_conversions *convert;
    tarn_dtype dtype;
    bool wide; /* keys of 64 bits, with places beside them */
    int64_t first, last, chunk, chunks;
} select_job;

/* One line: elements `step` bytes apart. Candidates of a chunk lie from its first place on, then all together. */
typedef struct {
    const select_job *job;
    const char *from;
    char *to;
    int64_t step, out_step;
    uint64_t *keys;
    uint32_t *places; /* NULL: the lower halves of the keys */
    uint64_t low, high;
    int64_t candidates, below; /* how many keys are lower than all candidates */
    int64_t found[MOST_CHUNKS], before[MOST_CHUNKS], behind[MOST_CHUNKS]; /* of a chunk */
    order_bound bounds[2];
} select_line;

static int64_t chunk_begin(const select_job *j, int64_t chunk) {
    return chunk * j->chunk < j->lines.n ? chunk * j->chunk : j->lines.n;
}

/* ---- between which keys */

/* Three standard deviations of where the sample has it. */
static int64_t margin(double share, int64_t sample) {
    return 3 + (int64_t)(3 * sqrt((double)sample * share * (1 - share)));
}

static void choose_keys(select_line *line) {
    const select_job *j = line->job;
    uint64_t sample[MOST_SAMPLE];
    const uint32_t *narrow = (const uint32_t *)(const void *)sample;
    int64_t count = j->lines.n / LEAST_SAMPLED < LEAST_SAMPLE ? LEAST_SAMPLE : j->lines.n / LEAST_SAMPLED;
    line->low = 0;
    line->high = j->wide ? UINT64_MAX : UINT32_MAX;
    if (j->lines.n < LEAST_SAMPLED) return;
    if (count > MOST_SAMPLE) count = MOST_SAMPLE;
    j->convert->keys(sample, line->from, j->lines.n / count * line->step, count, j->dtype);
    (j->wide ? &j->kernels->wide : &j->kernels->narrow)->sort(sample, NULL, count);
    double first = (double)j->first / (double)j->lines.n, last = (double)j->last / (double)j->lines.n;
    int64_t low = (int64_t)(first * (double)count) - margin(first, count);
    int64_t high = (int64_t)(last * (double)count) + margin(last, count);
    if (low >= 0) line->low = j->wide ? sample[low] : narrow[low];
    if (high < count) line->high = j->wide ? sample[high] : narrow[high];
}

/* ---- candidates in order */

static void collect_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    select_line *line = context;
    const select_job *j = line->job;
    (void)thread, (void)threads;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = chunk_begin(j, i);
        line->before[i] = 0;
        line->found[i] = j->convert->collect(line->keys + at, line->places ? line->places + at : NULL,
                                             line->from + at * line->step, line->step, chunk_begin(j, i + 1) - at,
                                             (uint32_t)at, line->low, line->high, &line->before[i], j->dtype);
        line->behind[i] = chunk_begin(j, i + 1) - at - line->before[i] - line->found[i];
    }
}

static void collect_candidates(select_line *line) {
    const select_job *j = line->job;
    parallel_for(j->chunks, 1, collect_part, line);
    line->candidates = line->below = 0;
    for (int64_t i = 0; i < j->chunks; i++) {
        int64_t at = chunk_begin(j, i);
        size_t found = (size_t)line->found[i];
        memmove(line->keys + line->candidates, line->keys + at, found * sizeof *line->keys);
        if (line->places) memmove(line->places + line->candidates, line->places + at, found * sizeof *line->places);
        line->candidates += line->found[i];
        line->below += line->before[i];
    }
}

static order_bound candidate(const select_line *line, int64_t i) {
    uint64_t key = line->keys[i];
    return line->places ? (order_bound){key, line->places[i]} : (order_bound){key >> 32, (uint32_t)key};
}

static void find_part(select_line *line) {
    const select_job *j = line->job;
    choose_keys(line);
    collect_candidates(line);
    if (j->first < line->below || j->last >= line->below + line->candidates) {
        line->low = 0;
        line->high = j->wide ? UINT64_MAX : UINT32_MAX;
        collect_candidates(line);
    }
    order_in_parts(j->wide ? &j->kernels->pairs : &j->kernels->wide, 8, line->keys, line->places, line->candidates);
    line->bounds[0] = candidate(line, j->first - line->below);
    line->bounds[1] = candidate(line, j->last - line->below);
    for (int64_t i = 0; i < j->first - line->below; i++) line->before[candidate(line, i).place / j->chunk]++;
    for (int64_t i = j->last + 1 - line->below; i < line->candidates; i++)
        line->behind[candidate(line, i).place / j->chunk]++;
}

/* ---- the result */

static void put_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const select_line *line = context;
    const select_job *j = line->job;
    bool indices = j->lines.call->op == OP_argsort;
    (void)thread, (void)threads;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = chunk_begin(j, i), below = 0, above = j->last + 1;
        for (int64_t k = 0; k < i; k++) below += line->before[k], above += line->behind[k];
        order_sides sides = {line->bounds[0], line->bounds[1], line->to + below * line->out_step,
                             line->to + above * line->out_step, line->out_step};
        j->convert->part(&sides, line->from + at * line->step, line->step, chunk_begin(j, i + 1) - at, (uint32_t)at,
                         indices, j->dtype);
    }
}

static void put_wanted(const select_line *line) {
    const select_job *j = line->job;
    for (int64_t i = j->first; i <= j->last; i++) {
        uint32_t place = candidate(line, i - line->below).place;
        char *to = line->to + i * line->out_step;
        if (j->lines.call->op == OP_argsort)
            memcpy(to, &place, sizeof place);
        else
            memcpy(to, line->from + place * line->step, (size_t)dtype_bytes(j->dtype));
    }
}

/* ---- lines along an axis */

static void select_one(const void *job, int64_t number, char *workspace) {
    const select_job *j = job;
    const operand *x = &j->lines.call->inputs[0], *out = &j->lines.call->outputs[0];
    select_line line = {.job = j,
                        .from = line_at(x, j->lines.axis, number),
                        .to = line_at(out, j->lines.axis, number),
                        .step = x->strides[j->lines.axis] * dtype_bytes(x->dtype),
                        .out_step = out->strides[j->lines.axis] * dtype_bytes(out->dtype),
                        .keys = (uint64_t *)(void *)workspace,
                        .places = j->wide ? (uint32_t *)(void *)(workspace + 8 * j->lines.n) : NULL};
    find_part(&line);
    parallel_for(j->chunks, 1, put_part, &line);
    put_wanted(&line);
}

static select_job job_of(const call *c) {
    const operand *x = &c->inputs[0];
    const attributes_sort *a = c->attributes;
    select_job j = {.lines = lines_of(c, axis_normal(a->axis, x->ndim)), .dtype = x->dtype};
    int64_t n = j.lines.n;
    j.wide = order_key_bytes(x->dtype) == 8;
    j.first = a->first < 0 ? a->first + n : a->first;
    j.last = a->last < 0 ? a->last + n : a->last;
    j.lines.bytes = ((j.wide ? 12 : 8) * n + 63) & -64;
    j.chunk = n / MOST_CHUNKS < CHUNK ? CHUNK : n / MOST_CHUNKS + 1;
    j.chunks = (n + j.chunk - 1) / j.chunk;
    return j;
}

bool run_select(const call *c, const order_kernels *kernels, const order_conversions *convert) {
    select_job j = job_of(c);
    j.kernels = kernels;
    j.convert = convert;
    lines_each(&j.lines, CHUNK, select_one, &j);
    return true;
}

int64_t select_workspace(const call *c) {
    select_job j = job_of(c);
    return lines_workspace(&j.lines);
}
