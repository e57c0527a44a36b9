/* The two shapes of attention for one instruction set.

   Wide: WIDE_BLOCKS blocks of ROWS rows, whose lanes are rows: q is transposed once, keys and values are read by broadcast in the layout
   they have, and maxima and sums over keys need no work across lanes. Thin: up to eight rows, whose lanes are elements of the head: each
   key is read once for all of them. */
#include "cpu/attention/attention.h"

#include <float.h>

#include "cpu/exp.h"
#include "cpu/matmul/inline.h"
#include "cpu/rows.h"

enum {
    ROWS = 2 * LANES,
    WIDE_BLOCKS = 4,
    KEYS = 48,                        /* keys at a time */
    KEY_TILE = LANES == 16 ? 12 : 6,  /* keys whose scores are in registers at once */
    VALUE_TILE = LANES == 16 ? 8 : 4, /* elements of the values likewise */
    DEPTH = 256,                      /* elements of a head that one sweep multiplies */
    KEY_STRIDE = DEPTH + 16           /* not a power of two, so that rows do not share sets of the cache */
};

/* ---- wide */

typedef struct {
    float *q, *sums; /* [dim][ROWS], [padded value_dim][ROWS] */
    vf32 most[2], total[2];
    int64_t row, rows;  /* of the kv head; how many there are */
    int64_t begin, end; /* keys it has to look at */
} row_block;

typedef struct {
    const attention_problem *p;
    int64_t batch, kv_head, padded;
    attention_span span;
    float *keys, *values, *scores; /* [sweep][KEYS][KEY_STRIDE], [KEYS][padded], [KEYS][ROWS] */
} wide_unit;

static int64_t sweeps(const attention_problem *p) {
    return (p->dim + DEPTH - 1) / DEPTH;
}
static int64_t padded_values(const attention_problem *p) {
    return (p->value_dim + VALUE_TILE - 1) / VALUE_TILE * VALUE_TILE;
}

static int64_t wide_scratch(const attention_problem *p) {
    int64_t floats =
        WIDE_BLOCKS * ROWS * (p->dim + padded_values(p)) + sweeps(p) * KEYS * KEY_STRIDE + KEYS * padded_values(p) + KEYS * ROWS;
    return (floats * 4 + 63) / 64 * 64;
}

static const char *query_row(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row) {
    int64_t head = kv_head * p->group + row / p->length;
    return p->q.data + batch * p->q.batch + head * p->q.head + row % p->length * p->q.row;
}

/* The scaled queries, transposed; rows beyond the last are zero. */
static void pack_queries(const wide_unit *u, row_block *b) {
    const attention_problem *p = u->p;
    float buffer[DEPTH];
    if (b->rows < ROWS) memset(b->q, 0, (size_t)(p->dim * ROWS) * sizeof(float));
    for (int64_t i = 0; i < b->rows; i++) {
        const char *row = query_row(p, u->batch, u->kv_head, b->row + i);
        for (int64_t at = 0; at < p->dim; at += DEPTH) {
            int64_t count = p->dim - at < DEPTH ? p->dim - at : DEPTH;
            const float *x = row_floats(buffer, row, at, count, p->dtype);
            for (int64_t d = 0; d < count; d++) b->q[(at + d) * ROWS + i] = x[d] * p->scale;
        }
    }
}

static float sink_of(const wide_unit *u, int64_t row) {
    const operand *sinks = u->p->sinks;
    int64_t head = u->kv_head * u->p->group + row / u->p->length;
    const char *at = (const char *)sinks->data + head * sinks->strides[0] * dtype_bytes(sinks->dtype);
    double wide;
    float x;
    if (sinks->dtype == TARN_FLOAT64) return memcpy(&wide, at, sizeof wide), (float)wide;
    return *row_floats(&x, at, 0, 1, sinks->dtype);
}

/* Keys that some row of the block may see. Where a row may see none, it is the mean over all of them, and none is left out. */
static void find_range(const wide_unit *u, row_block *b) {
    const attention_problem *p = u->p;
    int64_t least = INT64_MAX, most = INT64_MIN;
    b->begin = 0;
    b->end = u->span.end;
    for (int64_t i = 0; i < b->rows; i++) {
        int64_t position = u->span.first + (b->row + i) % p->length;
        least = position < least ? position : least;
        most = position > most ? position : most;
    }
    if (!p->plain || least < 0) return;
    if (most + 1 < b->end) b->end = most + 1;
    if (least >= p->window && least - p->window < b->end) b->begin = (least - p->window + 1) / KEYS * KEYS;
}

static void start_block(const wide_unit *u, row_block *b) {
    for (int half = 0; half < 2; half++) {
        b->most[half] = splat_f32(-__builtin_inff());
        b->total[half] = (vf32){0};
    }
    for (int64_t i = 0; u->p->sinks && i < b->rows; i++) {
        b->most[i / LANES][i % LANES] = sink_of(u, b->row + i);
        b->total[i / LANES][i % LANES] = 1;
    }
    memset(b->sums, 0, (size_t)(u->padded * ROWS) * sizeof(float));
    pack_queries(u, b);
    find_range(u, b);
}

static void load_keys(const wide_unit *u, int64_t begin, int64_t count) {
    const attention_problem *p = u->p;
    const char *k = p->k.data + u->batch * p->k.batch + u->kv_head * p->k.head,
               *v = p->v.data + u->batch * p->v.batch + u->kv_head * p->v.head;
    for (int64_t i = 0; i < count; i++) {
        for (int64_t at = 0; at < p->dim; at += DEPTH) {
            int64_t depth = p->dim - at < DEPTH ? p->dim - at : DEPTH;
            float *to = u->keys + (at / DEPTH * KEYS + i) * KEY_STRIDE;
            row_store(to, 0, row_floats(to, k + (begin + i) * p->k.row, at, depth, p->dtype), depth, TARN_FLOAT32);
        }
        float *to = u->values + i * u->padded;
        row_store(to, 0, row_floats(to, v + (begin + i) * p->v.row, 0, p->value_dim, p->dtype), p->value_dim, TARN_FLOAT32);
        for (int64_t d = p->value_dim; d < u->padded; d++) to[d] = 0;
    }
}

/* KEY_TILE keys by ROWS rows over one sweep. */
INLINE void score_tile(float *scores, const float *q, const float *keys, int64_t depth, bool first) {
    vf32 sum[KEY_TILE][2];
    UNROLL(16)
    for (int i = 0; i < KEY_TILE; i++)
        for (int half = 0; half < 2; half++) sum[i][half] = first ? (vf32){0} : load_f32(scores + i * ROWS + half * LANES);
    for (int64_t d = 0; d < depth; d++) {
        vf32 q0 = load_f32(q + d * ROWS), q1 = load_f32(q + d * ROWS + LANES);
        UNROLL(16)
        for (int i = 0; i < KEY_TILE; i++) {
            vf32 k = splat_f32(keys[i * KEY_STRIDE + d]);
            sum[i][0] = fma_f32(k, q0, sum[i][0]);
            sum[i][1] = fma_f32(k, q1, sum[i][1]);
        }
    }
    UNROLL(16)
    for (int i = 0; i < KEY_TILE; i++)
        for (int half = 0; half < 2; half++) store_f32(scores + i * ROWS + half * LANES, sum[i][half]);
}

static void multiply_keys(const wide_unit *u, const row_block *b, int64_t count) {
    for (int64_t at = 0; at < u->p->dim; at += DEPTH) {
        int64_t depth = u->p->dim - at < DEPTH ? u->p->dim - at : DEPTH;
        const float *keys = u->keys + at / DEPTH * KEYS * KEY_STRIDE;
        for (int64_t i = 0; i < count; i += KEY_TILE)
            score_tile(u->scores + i * ROWS, b->q + at * ROWS, keys + i * KEY_STRIDE, depth, at == 0);
    }
}

/* Masks of the rows that do not see all of these keys. */
static void mask_scores(const wide_unit *u, const row_block *b, int64_t begin, int64_t count) {
    const attention_problem *p = u->p;
    if (!p->causal && !p->mask) return;
    for (int64_t i = 0; i < b->rows; i++) {
        int64_t position = u->span.first + (b->row + i) % p->length;
        bool sees_all = begin + count - 1 <= position && position - begin < p->window;
        if (p->mask || !sees_all) attention_mask_row(p, u->batch, u->kv_head, b->row + i, begin, count, u->scores + i, ROWS);
    }
}

/* Scores become exp(score - largest so far); returns by how much the sums so far shrink. */
static vf32 exponentiate(const wide_unit *u, row_block *b, int half, int64_t count) {
    float *scores = u->scores + half * LANES;
    vf32 most = b->most[half], sum = {0};
    for (int64_t i = 0; i < count; i++) {
        vf32 s = load_f32(scores + i * ROWS);
        most = blend_f32((vi32)(s > most), s, most);
    }
    vf32 safe = blend_f32((vi32)(most > -__builtin_inff()), most, (vf32){0});
    for (int64_t i = 0; i < count; i++) {
        vf32 e = exp_of_negative(load_f32(scores + i * ROWS) - safe);
        store_f32(scores + i * ROWS, e);
        sum += e;
    }
    vf32 shrink = exp_of_negative(b->most[half] - safe);
    b->total[half] = b->total[half] * shrink + sum;
    b->most[half] = most;
    return shrink;
}

INLINE void value_tile(float *sums, const float *weights, const float *values, int64_t padded, int64_t count, const vf32 *shrink) {
    vf32 sum[VALUE_TILE][2];
    UNROLL(16)
    for (int i = 0; i < VALUE_TILE; i++)
        for (int half = 0; half < 2; half++) sum[i][half] = load_f32(sums + i * ROWS + half * LANES) * shrink[half];
    for (int64_t key = 0; key < count; key++) {
        vf32 w0 = load_f32(weights + key * ROWS), w1 = load_f32(weights + key * ROWS + LANES);
        const float *v = values + key * padded;
        UNROLL(16)
        for (int i = 0; i < VALUE_TILE; i++) {
            vf32 x = splat_f32(v[i]);
            sum[i][0] = fma_f32(x, w0, sum[i][0]);
            sum[i][1] = fma_f32(x, w1, sum[i][1]);
        }
    }
    UNROLL(16)
    for (int i = 0; i < VALUE_TILE; i++)
        for (int half = 0; half < 2; half++) store_f32(sums + i * ROWS + half * LANES, sum[i][half]);
}

static void attend(const wide_unit *u, row_block *b, int64_t begin, int64_t count) {
    multiply_keys(u, b, count);
    mask_scores(u, b, begin, count);
    vf32 shrink[2] = {exponentiate(u, b, 0, count), exponentiate(u, b, 1, count)};
    for (int64_t d = 0; d < u->padded; d += VALUE_TILE) value_tile(b->sums + d * ROWS, u->scores, u->values + d, u->padded, count, shrink);
}

static void finish_block(const wide_unit *u, const row_block *b) {
    const attention_problem *p = u->p;
    float buffer[DEPTH];
    for (int64_t i = 0; i < b->rows; i++) {
        int64_t row = b->row + i, head = u->kv_head * p->group + row / p->length;
        char *out = p->out + ((u->batch * p->heads + head) * p->length + row % p->length) * p->value_dim * dtype_bytes(p->dtype);
        float total = b->total[i / LANES][i % LANES];
        for (int64_t at = 0; at < p->value_dim; at += DEPTH) {
            int64_t count = p->value_dim - at < DEPTH ? p->value_dim - at : DEPTH;
            for (int64_t d = 0; d < count; d++) buffer[d] = b->sums[(at + d) * ROWS + i] / total;
            row_store(out, at, buffer, count, p->dtype);
        }
    }
}

static void wide(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, char *scratch) {
    wide_unit u = {.p = p, .batch = batch, .kv_head = kv_head, .padded = padded_values(p), .span = attention_span_of(p, batch)};
    row_block blocks[WIDE_BLOCKS];
    float *at = (float *)(void *)scratch;
    int64_t begin = INT64_MAX, end = 0, rows = p->group * p->length;
    int count = 0;
    for (; count < WIDE_BLOCKS && row < rows; count++, row += ROWS) {
        row_block *b = &blocks[count];
        *b = (row_block){.q = at, .sums = at + p->dim * ROWS, .row = row, .rows = rows - row < ROWS ? rows - row : ROWS};
        at = b->sums + u.padded * ROWS;
        start_block(&u, b);
        begin = b->begin < begin ? b->begin : begin;
        end = b->end > end ? b->end : end;
    }
    u.scores = at;
    u.values = u.scores + KEYS * ROWS;
    u.keys = u.values + KEYS * u.padded;
    for (int64_t key = begin; key < end; key += KEYS) {
        int64_t keys = end - key < KEYS ? end - key : KEYS;
        load_keys(&u, key, keys);
        for (int i = 0; i < count; i++) {
            row_block *b = &blocks[i];
            int64_t own = b->end - key < keys ? b->end - key : keys;
            if (key >= b->begin && own > 0) attend(&u, b, key, own);
        }
    }
    for (int i = 0; i < count; i++) finish_block(&u, &blocks[i]);
}

/* ---- thin */

enum { THIN_KEYS = 8, VECTORS = 4 };

typedef struct {
    const attention_problem *p;
    int64_t batch, kv_head, begin, count; /* keys */
    float (*q)[ATTENTION_MOST_DIM], (*sums)[ATTENTION_MOST_DIM], (*scores)[ATTENTION_CHUNK];
} thin_unit;

static int64_t padded_to_lanes(int64_t n) {
    return (n + LANES - 1) / LANES * LANES;
}

/* `count` rows of k or v from `begin` on as floats: where they are, or padded with zeros in `buffer`. *stride is in floats. */
static const float *thin_rows(const thin_unit *u, const attention_array *a, int64_t dim, int64_t begin, int64_t count, float *buffer,
                              int64_t *stride) {
    const char *from = a->data + u->batch * a->batch + u->kv_head * a->head + (u->begin + begin) * a->row;
    int64_t padded = padded_to_lanes(dim), bytes = dim * dtype_bytes(u->p->dtype);
    for (int64_t i = begin + 2 * THIN_KEYS; i < begin + 3 * THIN_KEYS && i < u->count; i++)
        for (int64_t at = 0; at < bytes; at += 64) PREFETCH(from + (i - begin) * a->row + at);
    *stride = a->row / 4;
    if (u->p->dtype == TARN_FLOAT32 && padded == dim) return (const float *)(const void *)from;
    *stride = padded;
    if (padded == dim && a->row == bytes) return row_floats(buffer, from, 0, count * dim, u->p->dtype);
    for (int64_t i = 0; i < count; i++) {
        float *to = buffer + i * padded;
        row_store(to, 0, row_floats(to, from + i * a->row, 0, dim, u->p->dtype), dim, TARN_FLOAT32);
        for (int64_t d = dim; d < padded; d++) to[d] = 0;
    }
    return buffer;
}

/* Scores of `keys` keys (at most 8 / rows of them at a time keep eight sums going). */
INLINE void thin_scores(const thin_unit *u, const float *k, int64_t stride, int64_t at, int rows, int keys) {
    vf32 sum[8] = {{0}, {0}, {0}, {0}, {0}, {0}, {0}, {0}};
    for (int64_t d = 0; d < u->p->dim; d += LANES) {
        UNROLL(8)
        for (int key = 0; key < keys; key++) {
            vf32 x = load_f32(k + key * stride + d);
            UNROLL(8)
            for (int row = 0; row < rows; row++) sum[key * rows + row] = fma_f32(x, load_f32(u->q[row] + d), sum[key * rows + row]);
        }
    }
    UNROLL(8)
    for (int key = 0; key < keys; key++)
        for (int row = 0; row < rows; row++) u->scores[row][at + key] = sum_lanes(sum[key * rows + row]);
}

INLINE void thin_values(const thin_unit *u, const float *v, int64_t stride, int64_t at, int64_t count, int rows, int vectors) {
    for (int64_t d = 0; d < padded_to_lanes(u->p->value_dim); d += vectors * LANES) {
        vf32 sum[8][VECTORS];
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < vectors; i++) sum[row][i] = load_f32(u->sums[row] + d + i * LANES);
        for (int64_t key = 0; key < count; key++) {
            vf32 x[VECTORS];
            UNROLL(4)
            for (int i = 0; i < vectors; i++) x[i] = load_f32(v + key * stride + d + i * LANES);
            UNROLL(8)
            for (int row = 0; row < rows; row++) {
                vf32 w = splat_f32(u->scores[row][at + key]);
                UNROLL(4)
                for (int i = 0; i < vectors; i++) sum[row][i] = fma_f32(w, x[i], sum[row][i]);
            }
        }
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < vectors; i++) store_f32(u->sums[row] + d + i * LANES, sum[row][i]);
    }
}

/* Largest score and sum of exponentials of one row, which become its weights. */
static void thin_weights(const thin_unit *u, int64_t row, float *partial) {
    float *s = u->scores[row];
    vf32 nothing = splat_f32(-__builtin_inff()), most = nothing, sum = {0};
    for (int64_t i = 0; i < u->count; i += LANES) {
        vf32 x = load_some(s + i, u->count - i, nothing);
        most = blend_f32((vi32)(x > most), x, most);
    }
    partial[0] = max_lanes(most);
    float safe = partial[0] > -__builtin_inff() ? partial[0] : 0;
    for (int64_t i = 0; i < u->count; i += LANES) {
        vf32 e = exp_of_negative(load_some(s + i, u->count - i, nothing) - safe);
        store_some(s + i, e, u->count - i);
        sum += e;
    }
    partial[1] = sum_lanes(sum);
}

INLINE void thin_sweep(const thin_unit *u, float *partial, int rows) {
    const attention_problem *p = u->p;
    float buffer[THIN_KEYS * ATTENTION_MOST_DIM];
    int64_t stride, own = p->group * p->length, size = 2 + p->value_dim;
    const int keys = 8 / rows;
    for (int64_t at = 0; at < u->count; at += THIN_KEYS) {
        int64_t count = u->count - at < THIN_KEYS ? u->count - at : THIN_KEYS, i = 0;
        const float *k = thin_rows(u, &p->k, p->dim, at, count, buffer, &stride);
        for (; i + keys <= count; i += keys) thin_scores(u, k + i * stride, stride, at + i, rows, keys);
        for (; i < count; i++) thin_scores(u, k + i * stride, stride, at + i, rows, 1);
    }
    for (int64_t row = 0; row < own; row++) {
        if (p->causal || p->mask) attention_mask_row(p, u->batch, u->kv_head, row, u->begin, u->count, u->scores[row], 1);
        thin_weights(u, row, partial + row * size);
    }
    int64_t whole = padded_to_lanes(p->value_dim) / LANES;
    for (int64_t at = 0; at < u->count; at += THIN_KEYS) {
        int64_t count = u->count - at < THIN_KEYS ? u->count - at : THIN_KEYS;
        const float *v = thin_rows(u, &p->v, p->value_dim, at, count, buffer, &stride);
        if (rows < 8 && whole % VECTORS == 0)
            thin_values(u, v, stride, at, count, rows, VECTORS);
        else if (whole % 2 == 0)
            thin_values(u, v, stride, at, count, rows, 2);
        else
            thin_values(u, v, stride, at, count, rows, 1);
    }
    for (int64_t row = 0; row < own; row++) memcpy(partial + row * size + 2, u->sums[row], (size_t)p->value_dim * sizeof(float));
}

/* Whether no row sees anything of this chunk, and all rows see something elsewhere. */
static bool is_hidden(const thin_unit *u, attention_span span) {
    if (!u->p->plain || span.first < 0) return false;
    return u->begin > span.first + u->p->length - 1 || span.first - (u->begin + u->count - 1) >= u->p->window;
}

static void thin(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t chunk, float *partial) {
    float q[ATTENTION_THIN_ROWS][ATTENTION_MOST_DIM], sums[ATTENTION_THIN_ROWS][ATTENTION_MOST_DIM],
        scores[ATTENTION_THIN_ROWS][ATTENTION_CHUNK];
    attention_span span = attention_span_of(p, batch);
    thin_unit u = {p, batch, kv_head, chunk * ATTENTION_CHUNK, span.end - chunk * ATTENTION_CHUNK, q, sums, scores};
    int64_t rows = p->group * p->length, padded = padded_to_lanes(p->dim), size = 2 + p->value_dim;
    if (u.count > ATTENTION_CHUNK) u.count = ATTENTION_CHUNK;
    if (u.count <= 0 || is_hidden(&u, span)) {
        memset(partial, 0, (size_t)(rows * size) * sizeof(float));
        for (int64_t i = 0; i < rows; i++) partial[i * size] = -__builtin_inff();
        return;
    }
    int wide_rows = rows <= 1 ? 1 : rows <= 2 ? 2 : rows <= 4 ? 4 : 8;
    for (int64_t i = 0; i < wide_rows; i++) {
        memset(sums[i], 0, (size_t)padded_to_lanes(p->value_dim) * sizeof(float));
        memset(scores[i], 0, sizeof scores[i]);
        memset(q[i], 0, (size_t)padded * sizeof(float));
        if (i >= rows) continue;
        const float *x = row_floats(q[i], query_row(p, batch, kv_head, i), 0, p->dim, p->dtype);
        for (int64_t d = 0; d < p->dim; d++) q[i][d] = x[d] * p->scale;
    }
    if (wide_rows == 1) thin_sweep(&u, partial, 1);
    if (wide_rows == 2) thin_sweep(&u, partial, 2);
    if (wide_rows == 4) thin_sweep(&u, partial, 4);
    if (wide_rows == 8) thin_sweep(&u, partial, 8);
}

const attention_kernels ISA(attention_kernels) = {ROWS * WIDE_BLOCKS, wide_scratch, wide, thin};
