/* scan: running values along an axis. What the loops need not know: where lines and columns lie, and how threads share
   them. Elements that are not dense values of the compute type go through a piece in the first-level cache.

   Along the last axis, or where few elements lie side by side behind the axis, a line is run at a time; along others
   columns, SCAN_COLUMNS at a time. Few long lines are cut into chunks: what each chunk comes to is found first, then
   where it begins, then all of it. While some chunks are written the next ones are fetched and what they come to is
   found, a stripe of each in turn: they are read from memory once, and reading and writing overlap. Lines are cut by
   the shape alone, so that results do not depend on the number of threads. */
#include "cpu/scan/scan.h"

#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/order/lines.h"

enum {
    PIECE = 512,
    GRAIN = 1 << 14,
    LEAST_COLUMNS = 16,
    FEW_LINES = 8,
    CHUNK = 1 << 16,
    STRIPE = 1 << 11,
    ROUND_CHUNKS = 3,        /* for each thread: of two rounds they stay in its second-level cache */
    MOST_CHUNKS = 64,        /* of a round */
    STREAM_BYTES = 16 << 20, /* an output of so many bytes goes past the caches */
    ALIGNMENT = 64
};

typedef struct {
    const call *call;
    const attributes_scan *attributes;
    const elementwise_kernels *kernels;
    const scan_loops *loops;  /* of values of the compute type */
    const scan_loops *direct; /* of the arrays' elements as they are; NULL: they go through a piece */
    int axis;
    bool past; /* the output goes past the caches */
} scan_job;

/* A stretch of a line. Steps in elements. */
typedef struct {
    const scan_job *job;
    const char *from;
    char *to;
    int64_t from_step, to_step, count;
    int64_t ahead; /* as in scan_way */
} stretch;

static scan_way way_of(const scan_job *j) {
    return (scan_way){.exclusive = j->attributes->exclusive, .backwards = j->attributes->reverse};
}

static stretch part_of(const stretch *s, int64_t at, int64_t count) {
    stretch part = *s;
    part.from += at * s->from_step * dtype_bytes(s->job->call->inputs[0].dtype);
    part.to += at * s->to_step * dtype_bytes(s->job->call->outputs[0].dtype);
    part.count = count;
    return part;
}

/* The next ones, at most `most`, of a stretch of which so many elements are done, in the order in which it runs. */
static stretch next_of(const stretch *s, int64_t done, int64_t most) {
    int64_t some = s->count - done < most ? s->count - done : most;
    return part_of(s, s->job->attributes->reverse ? s->count - done - some : done, some);
}

/* ---- lines */

static void run_piece(const stretch *s, scan_state *state) {
    double values[PIECE], stored[PIECE];
    tarn_dtype from = s->job->call->inputs[0].dtype, to = s->job->call->outputs[0].dtype;
    int64_t bytes = dtype_bytes(to);
    s->job->kernels->loads[from](values, s->from, s->from_step, s->count);
    s->job->loops->line(values, values, s->count, state, way_of(s->job));
    s->job->kernels->stores[to](s->to_step == 1 ? (void *)s->to : stored, values, s->count);
    for (int64_t i = 0; s->to_step != 1 && i < s->count; i++)
        memcpy(s->to + i * s->to_step * bytes, (char *)stored + i * bytes, (size_t)bytes);
}

static bool is_dense(const stretch *s) {
    return s->job->direct && s->from_step == 1 && s->to_step == 1;
}

/* The way of a dense line. One whose first vector, in the order in which it runs, is aligned goes past the caches, if
   it shall. Others do not: vectors that began elsewhere would round otherwise, and results depend on addresses. */
static scan_way dense_way_of(const stretch *s) {
    scan_way way = way_of(s->job);
    int64_t bytes = dtype_bytes(s->job->call->outputs[0].dtype);
    uintptr_t begin = (uintptr_t)s->to + (uintptr_t)(way.backwards ? s->count * bytes : 0);
    way.ahead = s->ahead, way.past = s->job->past && begin % ALIGNMENT == 0;
    return way;
}

/* Past the caches as far as it is whole vectors. */
static void run_dense(const stretch *s, scan_state *state) {
    scan_way way = dense_way_of(s);
    int64_t whole = way.past ? s->count / ALIGNMENT * ALIGNMENT : s->count;
    const stretch parts[] = {next_of(s, 0, whole), next_of(s, whole, s->count)};
    for (int i = 0; i < 2; i++, way.past = false)
        if (parts[i].count > 0) s->job->direct->line(parts[i].to, parts[i].from, parts[i].count, state, way);
}

static void run_stretch(const stretch *s, scan_state *state) {
    if (is_dense(s)) {
        run_dense(s, state);
        return;
    }
    for (int64_t done = 0; done < s->count; done += PIECE) {
        stretch piece = next_of(s, done, PIECE);
        run_piece(&piece, state);
    }
}

static stretch line_of(const scan_job *j, int64_t line) {
    const operand *x = &j->call->inputs[0], *out = &j->call->outputs[0];
    return (stretch){.job = j,
                     .from = line_at(x, j->axis, line),
                     .to = line_at(out, j->axis, line),
                     .from_step = x->strides[j->axis],
                     .to_step = out->strides[j->axis],
                     .count = x->shape[j->axis]};
}

static void line_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const scan_job *j = context;
    for (int64_t line = begin; line < end; line++) {
        stretch s = line_of(j, line);
        scan_state state;
        j->loops->start(&state);
        run_stretch(&s, &state);
    }
    j->kernels->fence();
}

/* ---- few long lines, in chunks */

/* Chunks are numbered in the order in which they run. */
typedef struct {
    stretch line;
    int64_t first, count, next;                          /* of this round; how many the next one has */
    scan_state begins[MOST_CHUNKS], totals[MOST_CHUNKS]; /* of this round; of the next */
} chunk_round;

static stretch chunk_at(const chunk_round *r, int64_t number) {
    int64_t n = r->line.count, begin = number * CHUNK, some = n - begin < CHUNK ? n - begin : CHUNK;
    return part_of(&r->line, r->line.job->attributes->reverse ? n - begin - some : begin, some);
}

static void total_of(const stretch *s, scan_state *state) {
    const scan_job *j = s->job;
    bool backwards = j->attributes->reverse;
    double values[PIECE];
    if (j->direct && s->from_step == 1) {
        j->direct->total(s->from, s->count, state, backwards);
        return;
    }
    for (int64_t done = 0; done < s->count; done += PIECE) {
        stretch piece = next_of(s, done, PIECE);
        j->kernels->loads[j->call->inputs[0].dtype](values, piece.from, s->from_step, piece.count);
        j->loops->total(values, piece.count, state, backwards);
    }
}

/* What runs behind a chunk, where its total does not tell: all of it one by one, without writing it. */
static void follow(const stretch *s, scan_state *state) {
    const scan_job *j = s->job;
    double values[PIECE];
    for (int64_t done = 0; done < s->count; done += PIECE) {
        stretch piece = next_of(s, done, PIECE);
        j->kernels->loads[j->call->inputs[0].dtype](values, piece.from, s->from_step, piece.count);
        j->loops->line(values, values, piece.count, state, way_of(j));
    }
}

/* A stripe of one chunk, and what one of another comes to. */
static void run_stripes(const stretch *now, const stretch *other, scan_state *state, scan_state *total) {
    const scan_loops *direct = now->job->direct;
    if (now->count == STRIPE && other->count == STRIPE && is_dense(now) && direct->line_and_total) {
        direct->line_and_total(now->to, now->from, STRIPE, state, dense_way_of(now), other->from, total);
        return;
    }
    if (other->count > 0) total_of(other, total);
    if (now->count > 0) run_stretch(now, state);
}

/* A chunk that begins with `state`, and what another, which may be the same, comes to. */
static void run_chunk(const stretch *now, const stretch *other, scan_state *state, scan_state *total) {
    for (int64_t done = 0; done < now->count || done < other->count; done += STRIPE) {
        stretch stripe = next_of(now, done < now->count ? done : now->count, STRIPE),
                other_stripe = next_of(other, done < other->count ? done : other->count, STRIPE);
        run_stripes(&stripe, &other_stripe, state, total);
    }
}

static void run_chunks(chunk_round *r, int64_t i) {
    const scan_job *j = r->line.job;
    stretch none = part_of(&r->line, 0, 0), now = i < r->count ? chunk_at(r, r->first + i) : none,
            next = i < r->next ? chunk_at(r, r->first + r->count + i) : none;
    if (next.count == CHUNK) now.ahead = r->count * (j->attributes->reverse ? -CHUNK : CHUNK);
    j->loops->start(&r->totals[i]);
    run_chunk(&now, &next, &r->begins[i], &r->totals[i]);
}

static void chunk_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    chunk_round *r = context;
    for (int64_t i = begin; i < end; i++) run_chunks(r, i);
    r->line.job->kernels->fence();
}

/* What runs behind the next chunk, of which so much is known. */
static void go_on(const stretch *chunk, scan_state *running, const scan_state *total) {
    if (!chunk->job->loops->join(running, total)) follow(chunk, running);
}

/* By one thread what a chunk comes to is found while it is written. */
static void run_alone(chunk_round *r, int64_t chunks, scan_state *running) {
    const scan_job *j = r->line.job;
    for (int64_t i = 0; i < chunks; i++) {
        stretch chunk = chunk_at(r, i);
        scan_state state = *running, total;
        j->loops->start(&total);
        run_chunk(&chunk, &chunk, &state, &total);
        go_on(&chunk, running, &total);
    }
    j->kernels->fence();
}

static void run_rounds(chunk_round *r, int64_t chunks, scan_state *running) {
    int64_t most = ROUND_CHUNKS * parallel_threads();
    if (most > MOST_CHUNKS) most = MOST_CHUNKS;
    while (r->first < chunks) {
        int64_t left = chunks - r->first - r->count;
        r->next = left < most ? left : most;
        parallel_for(r->count > r->next ? r->count : r->next, 1, chunk_part, r);
        r->first += r->count, r->count = r->next;
        for (int64_t i = 0; i < r->count; i++) {
            stretch chunk = chunk_at(r, r->first + i);
            r->begins[i] = *running;
            go_on(&chunk, running, &r->totals[i]);
        }
    }
}

static void run_in_chunks(const scan_job *j, int64_t line) {
    chunk_round r = {.line = line_of(j, line)};
    scan_state running;
    j->loops->start(&running);
    (parallel_threads() == 1 ? run_alone : run_rounds)(&r, (r.line.count + CHUNK - 1) / CHUNK, &running);
}

/* ---- columns: the axes behind the axis that one stride walks are one */

typedef struct {
    const scan_job *job;
    const scan_loops *direct;      /* of the elements of a row as they are; NULL: they go through a piece */
    int64_t columns, blocks, step; /* of one line of rows; step: between elements of a row of the input */
    operand x, out;                /* without these axes */
} column_job;

static column_job columns_of(const scan_job *j) {
    column_job c = {.job = j, .columns = 1, .step = 1, .x = j->call->inputs[0], .out = j->call->outputs[0]};
    int last = c.x.ndim - 1;
    for (; last > j->axis; last--) {
        if (c.columns == 1) c.step = c.x.strides[last]; /* that of an axis of one element says nothing */
        if (c.x.shape[last] != 1 && c.x.strides[last] != c.step * c.columns) break;
        c.columns *= c.x.shape[last];
    }
    c.x.ndim = c.out.ndim = last + 1;
    c.direct = c.step == 1 ? j->direct : NULL;
    c.blocks = (c.columns + SCAN_COLUMNS - 1) / SCAN_COLUMNS;
    return c;
}

/* One row of a block. */
static void run_row(const column_job *c, char *to, const char *from, int64_t count, scan_states *states, scan_way way) {
    const scan_job *j = c->job;
    double values[SCAN_COLUMNS];
    if (c->direct) {
        c->direct->row(to, from, count, states, way);
        return;
    }
    way.past = false;
    j->kernels->loads[c->x.dtype](values, from, c->step, count);
    j->loops->row(values, values, count, states, way);
    j->kernels->stores[c->out.dtype](to, values, count);
}

static void run_columns(const column_job *c, int64_t line, int64_t block, scan_states *states) {
    const scan_job *j = c->job;
    int64_t n = c->x.shape[j->axis], at = block * SCAN_COLUMNS, bytes = dtype_bytes(c->x.dtype),
            out_bytes = dtype_bytes(c->out.dtype), step = c->x.strides[j->axis] * bytes,
            out_step = c->out.strides[j->axis] * out_bytes;
    int64_t count = c->columns - at < SCAN_COLUMNS ? c->columns - at : SCAN_COLUMNS;
    const char *from = line_at(&c->x, j->axis, line) + at * c->step * bytes;
    char *to = line_at(&c->out, j->axis, line) + at * out_bytes;
    scan_way way = way_of(j);
    if (way.backwards) from += (n - 1) * step, to += (n - 1) * out_step, step = -step, out_step = -out_step;
    way.past = j->past && (uintptr_t)to % ALIGNMENT == 0 && out_step % ALIGNMENT == 0;
    way.ahead = step / bytes;
    (c->direct ? c->direct : j->loops)->start_columns(states, count);
    for (int64_t i = 0; i < n; i++) run_row(c, to + i * out_step, from + i * step, count, states, way);
}

static void column_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const column_job *c = context;
    scan_states states;
    for (int64_t i = begin; i < end; i++) run_columns(c, i / c->blocks, i % c->blocks, &states);
    c->job->kernels->fence();
}

/* ---- the op */

static const scan_loops *direct_loops(const scan_kernels *scans, reduce_kind kind, tarn_dtype from, tarn_dtype to) {
    compute_type type = compute_type_of(to);
    bool alike = dtype_bytes(from) == dtype_bytes(to) && compute_type_of(from) == type;
    if (alike && to == TARN_BFLOAT16) return scans->bfloat16[kind];
    if (alike && to == TARN_FLOAT16) return scans->float16[kind];
    return alike && dtype_bytes(to) == compute_type_bytes(type) ? scans->loops[kind][type] : NULL;
}

static bool run_scan(const call *c, const elementwise_kernels *kernels, const scan_kernels *scans) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    scan_job j = {.call = c, .attributes = c->attributes, .kernels = kernels};
    j.loops = scans->loops[j.attributes->kind][compute_type_of(out->dtype)];
    j.direct = direct_loops(scans, (reduce_kind)j.attributes->kind, x->dtype, out->dtype);
    j.axis = axis_normal(j.attributes->axis, x->ndim);
    j.past = operand_size(out) * dtype_bytes(out->dtype) >= STREAM_BYTES;
    int64_t n = x->shape[j.axis], size = operand_size(x), lines = n > 0 ? size / n : 0;
    if (size == 0) return true;
    column_job columns = columns_of(&j);
    if (columns.columns >= LEAST_COLUMNS)
        parallel_for(size / n / columns.columns * columns.blocks, GRAIN / (n * SCAN_COLUMNS) + 1, column_part,
                     &columns);
    else if (lines < FEW_LINES && n > 2 * CHUNK)
        for (int64_t line = 0; line < lines; line++) run_in_chunks(&j, line);
    else
        parallel_for(lines, GRAIN / n + 1, line_part, &j);
    return true;
}

/* Truths, and the ends of the range of small integers, are left to the reference. */
static bool supports_scan(const call *c) {
    const attributes_scan *a = c->attributes;
    tarn_dtype dtype = c->outputs[0].dtype;
    compute_type to = compute_type_of(dtype), from = compute_type_of(c->inputs[0].dtype);
    bool same = from == to || (from <= TYPE_U32 && to <= TYPE_U32);
    bool ends = a->exclusive && (a->kind == REDUCE_MAX || a->kind == REDUCE_MIN);
    if (ends && dtype_kind_of(dtype) == KIND_INT && dtype_bytes(dtype) < 4) return false;
    return same && dtype != TARN_BOOL && a->kind <= REDUCE_LOGADDEXP && scan_kernels_baseline.loops[a->kind][to];
}

#define SCAN_ROWS(isa, isa_id)                                                                                         \
    static bool scan_##isa(const call *c) {                                                                            \
        return run_scan(c, &elementwise_kernels_##isa, &scan_kernels_##isa);                                           \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {{.op = OP_scan,                                                            \
                                             .name = "scan_" #isa,                                                     \
                                             .dtypes = DTYPES_ALL,                                                     \
                                             .layout = LAYOUT_ANY,                                                     \
                                             .supports = supports_scan,                                                \
                                             .run = scan_##isa}};
CPU_EACH_ISA(SCAN_ROWS)
CPU_FAMILY(scan)
