/* Many rows: WIDE_BLOCKS blocks of ROWS rows, whose lanes are rows. q is transposed once, and maxima and sums over keys
   need no work across lanes. The products are those of wide_vectors.tpl.h or of wide_tiles.tpl.h. */
enum {
    ROWS = 2 * LANES,
    WIDE_BLOCKS = 4,
#if defined __AMX_TILE__ || defined __AMXTILE__ /* the latter is clang 14's */
    KEYS = 64,                                  /* keys at a time */
#else
    KEYS = 48,
#endif
    KEY_TILE = LANES == 16 ? 12 : 6,  /* keys whose scores are in registers at once */
    VALUE_TILE = LANES == 16 ? 8 : 4, /* elements of the values likewise */
    DEPTH = 256,                      /* elements of a head that one sweep multiplies */
    KEY_STRIDE = DEPTH + 16           /* not a power of two, so that rows do not share sets of the cache */
};

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
    bool *special;                 /* becomes true if the products cannot serve these values */
} wide_unit;

static int64_t sweeps(const attention_problem *p) {
    return (p->dim + DEPTH - 1) / DEPTH;
}
static int64_t padded_values(const attention_problem *p) {
    return (p->value_dim + VALUE_TILE - 1) / VALUE_TILE * VALUE_TILE;
}

static int64_t wide_scratch(const attention_problem *p) {
    int64_t floats = WIDE_BLOCKS * ROWS * (p->dim + padded_values(p)) + sweeps(p) * KEYS * KEY_STRIDE +
                     KEYS * padded_values(p) + KEYS * ROWS;
    return (floats * 4 + 63) / 64 * 64;
}

#if defined __AMX_TILE__ || defined __AMXTILE__ /* the latter is clang 14's */
#include "cpu/attention/wide_tiles.tpl.h"
#else
#include "cpu/attention/wide_vectors.tpl.h"
#endif

static float sink_of(const wide_unit *u, int64_t row) {
    const operand *sinks = u->p->sinks;
    int64_t head = u->kv_head * u->p->group + row / u->p->length;
    const char *at = (const char *)sinks->data + head * sinks->strides[0] * dtype_bytes(sinks->dtype);
    double wide;
    float x;
    if (sinks->dtype == TARN_FLOAT64) return memcpy(&wide, at, sizeof wide), (float)wide;
    return *row_floats(&x, at, 0, 1, sinks->dtype);
}

/* Keys that some row of the block may see. Where a row may see none, it is the mean over all of them, and none is left
 * out. */
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

static void start_totals(const wide_unit *u, row_block *b) {
    for (int half = 0; half < 2; half++) {
        b->most[half] = splat_f32(-__builtin_inff());
        b->total[half] = (vf32){0};
    }
    for (int64_t i = 0; u->p->sinks && i < b->rows; i++) {
        b->most[i / LANES][i % LANES] = sink_of(u, b->row + i);
        b->total[i / LANES][i % LANES] = 1;
    }
}

static void start_block(const wide_unit *u, row_block *b) {
    start_totals(u, b);
    memset(b->sums, 0, (size_t)(u->padded * ROWS) * sizeof(float));
    pack_queries(u, b);
    find_range(u, b);
}

/* Masks of the rows that do not see all of these keys. */
static void mask_scores(const wide_unit *u, const row_block *b, int64_t begin, int64_t count) {
    const attention_problem *p = u->p;
    if (!p->causal && !p->mask) return;
    for (int64_t i = 0; i < b->rows; i++) {
        int64_t position = u->span.first + (b->row + i) % p->length;
        bool sees_all = begin + count - 1 <= position && position - begin < p->window;
        if (p->mask || !sees_all)
            attention_mask_row(p, u->batch, u->kv_head, b->row + i, begin, count, u->scores + i, ROWS);
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

static void attend(const wide_unit *u, row_block *b, int64_t begin, int64_t count) {
    multiply_keys(u, b, count);
    mask_scores(u, b, begin, count);
    vf32 shrink[2] = {exponentiate(u, b, 0, count), exponentiate(u, b, 1, count)};
    multiply_values(u, b, count, shrink);
}

static char *result_row(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row) {
    int64_t head = kv_head * p->group + row / p->length;
    return p->out + ((batch * p->heads + head) * p->length + row % p->length) * p->value_dim * dtype_bytes(p->dtype);
}

/* Sums over totals. */
static void finish_block(const wide_unit *u, const row_block *b) {
    const attention_problem *p = u->p;
    float turned[LANES * KEY_STRIDE];
    for (int64_t first = 0; first < b->rows; first += LANES)
        for (int64_t at = 0; at < p->value_dim; at += DEPTH) {
            int64_t count = p->value_dim - at < DEPTH ? p->value_dim - at : DEPTH;
            turn_sums(b->sums + at * ROWS + first, count, splat_f32(1) / b->total[first / LANES], turned);
            for (int64_t i = 0; i < LANES && first + i < b->rows; i++)
                row_store(result_row(p, u->batch, u->kv_head, b->row + first + i), at, turned + i * KEY_STRIDE, count,
                          p->dtype);
        }
}

/* False if the results are not to be used. */
static bool attend_wide(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, char *scratch) {
    bool special = false;
    wide_unit u = {.special = &special,
                   .p = p,
                   .batch = batch,
                   .kv_head = kv_head,
                   .padded = padded_values(p),
                   .span = attention_span_of(p, batch)};
    row_block blocks[WIDE_BLOCKS];
    float *at = (float *)(void *)scratch;
    int64_t begin = INT64_MAX, end = 0, rows = p->group * p->length;
    int count = 0;
    for (; count < WIDE_BLOCKS && row < rows; count++, row += ROWS) {
        row_block *b = &blocks[count];
        *b =
            (row_block){.q = at, .sums = at + p->dim * ROWS, .row = row, .rows = rows - row < ROWS ? rows - row : ROWS};
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
        load_values(&u, key, keys);
        for (int i = 0; i < count; i++) {
            row_block *b = &blocks[i];
            int64_t own = b->end - key < keys ? b->end - key : keys;
            if (key >= b->begin && own > 0) attend(&u, b, key, own);
        }
    }
    for (int i = 0; i < count; i++) finish_block(&u, &blocks[i]);
    return !special;
}
