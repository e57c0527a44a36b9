/* Gradients by the blocks and products of wide.tpl.h. Two problems go side by side: the one that attention solved, and
   its mirror, whose queries are the gradient g of the result, whose keys are the values and whose values are the keys.
   A sweep over the keys finds for each row the largest score, the sum of exponentials and the sum of weights times
   their gradients; a second one makes of scores the weights w, and of the mirror's scores e the scores' gradients d = w
   (e - sum(w e)) times the scale, and adds d k to the gradient of q (the mirror's result), w g to that of v and d q to
   that of k.

   Scores of both problems are kept between the sweeps, unless there are more than MOST_KEPT keys. */
enum { MOST_KEPT = 2048, PLACE = KEYS * ROWS /* floats of a block's scores */ };

typedef struct {
    row_block scores, mirror;
    vf32 product[2];        /* of weights and their gradients, summed over keys */
    float *q_rows, *g_rows; /* as add_rows takes them */
} gradient_block;

typedef struct {
    const attention_gradient *g;
    wide_unit scores, mirror;
    gradient_block blocks[WIDE_BLOCKS];
    int count;
    int64_t begin, end; /* keys that some block has to look at */
    bool keeps;
    float *places, *k_sums, *v_sums;
} gradient_unit;

/* How far apart rows of sums and rows for add_rows are. */
static int64_t padded_rows(int64_t dim) {
    return (dim + ROWS - 1) / ROWS * ROWS;
}

#if defined __AMX_TILE__ || defined __AMXTILE__ /* the latter is clang 14's */

/* [ROWS / 2][dim] words of two rows. */
static void pack_rows(const wide_unit *u, const row_block *b, float *to) {
    const int64_t dim = u->p->dim;
    for (int64_t i = 0; i < ROWS; i += 2)
        for (int64_t d = 0; d < dim; d += TILE) {
            __m256i x[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
            for (int64_t k = 0; k < 2 && i + k < b->rows; k++) {
                const char *row = attention_query(u->p, u->batch, u->kv_head, b->row + i + k) + d * 2;
                x[k] = _mm256_loadu_si256((const __m256i *)(const void *)row);
            }
            __m512i first = _mm512_cvtepu16_epi32(x[0]), second = _mm512_cvtepu16_epi32(x[1]);
            _mm512_storeu_si512(to + i / 2 * dim + d, _mm512_or_si512(first, _mm512_slli_epi32(second, 16)));
        }
}

/* A key's weights become 32 bfloat16 and behind them 32 of the scores' gradients, which stay floats as well. */
INLINE void settle_key(float *weights, float *gradients, const vf32 w[2], const vf32 d[2]) {
    uint16_t *to = (uint16_t *)(void *)weights;
    for (int half = 0; half < 2; half++) {
        store_hu16(to + half * LANES, narrow_bfloat16(w[half]));
        store_hu16(to + ROWS + half * LANES, narrow_bfloat16(d[half]));
        store_f32(gradients + half * LANES, d[half]);
    }
}

/* Adds factors of a block's keys, from its place, times its rows. */
static void add_rows(float *sums, int64_t stride, const char *factors, const float *rows, int64_t count) {
    for (int64_t key = 0; key < count; key += 2 * TILE)
        for (int64_t d = 0; d < stride; d += 2 * TILE) {
            float *to = sums + key * stride + d;
            const char *b = (const char *)(rows + d);
            load_tiles(to, stride);
            ADD_PRODUCTS(factors + key * ROWS * 4, ROWS * 4, TILE * ROWS * 4, b, stride * 4)
            store_tiles(to, stride);
        }
}
#undef ADD_PRODUCTS

static void add_keys(const gradient_unit *u, const gradient_block *b, const float *place, int64_t key, int64_t count) {
    int64_t k = padded_rows(u->scores.p->dim), v = padded_rows(u->mirror.p->dim);
    if (u->g->v) add_rows(u->v_sums + key * v, v, (const char *)place, b->g_rows, count);
    if (u->g->k) add_rows(u->k_sums + key * k, k, (const char *)place + ROWS * 2, b->q_rows, count);
}

#else

static void pack_rows(const wide_unit *u, const row_block *b, float *to) {
    int64_t stride = padded_rows(u->p->dim);
    for (int64_t i = 0; i < ROWS; i++) {
        bool exists = i < b->rows;
        const char *row = attention_query(u->p, u->batch, u->kv_head, b->row + (exists ? i : 0));
        load_row(to + i * stride, row, exists ? u->p->dim : 0, stride, u->p->dtype);
    }
}

INLINE void settle_key(float *weights, float *gradients, const vf32 w[2], const vf32 d[2]) {
    for (int half = 0; half < 2; half++) {
        store_f32(weights + half * LANES, w[half]);
        store_f32(gradients + half * LANES, d[half]);
    }
}

static void add_rows(float *sums, int64_t stride, const float *factors, const float *rows, int64_t count) {
    for (int64_t key = 0; key < count; key += KEY_TILE)
        for (int64_t d = 0; d < stride; d += ROWS)
            product_tile(sums + key * stride + d, stride, rows + d, stride, factors + key * ROWS, ROWS, ROWS, false);
}

static void add_keys(const gradient_unit *u, const gradient_block *b, const float *place, int64_t key, int64_t count) {
    int64_t k = padded_rows(u->scores.p->dim), v = padded_rows(u->mirror.p->dim);
    if (u->g->v) add_rows(u->v_sums + key * v, v, place, b->g_rows, count);
    if (u->g->k) add_rows(u->k_sums + key * k, k, place + PLACE, b->q_rows, count);
}

#endif

static float *place_of(const gradient_unit *u, int64_t key, int number) {
    int64_t step = u->keeps ? (key - u->begin) / KEYS : 0;
    return u->places + (step * WIDE_BLOCKS + number) * 2 * PLACE;
}

/* Scores of both problems. */
static void take_scores(gradient_unit *u, int number, int64_t key, int64_t count) {
    const gradient_block *b = &u->blocks[number];
    u->scores.scores = place_of(u, key, number);
    u->mirror.scores = u->scores.scores + PLACE;
    multiply_keys(&u->scores, &b->scores, count);
    multiply_keys(&u->mirror, &b->mirror, count);
    mask_scores(&u->scores, &b->scores, key, count);
}

static vf32 finite_or_zero(vf32 most) {
    return blend_f32((vi32)(most > -__builtin_inff()), most, (vf32){0});
}

/* The sums of a row's lane go on over these keys. */
static void sum_keys(gradient_block *b, const float *place, int half, int64_t count) {
    const float *scores = place + half * LANES, *products = scores + PLACE;
    row_block *rows = &b->scores;
    vf32 before = rows->most[half], most = before, total = {0}, product = {0};
    for (int64_t i = 0; i < count; i++) {
        vf32 s = load_f32(scores + i * ROWS);
        most = blend_f32((vi32)(s > most), s, most);
    }
    vf32 safe = finite_or_zero(most);
    for (int64_t i = 0; i < count; i++) {
        vf32 e = exp_of_negative(load_f32(scores + i * ROWS) - safe);
        total += e;
        product = fma_f32(e, load_f32(products + i * ROWS), product);
    }
    vf32 shrink = exp_of_negative(before - safe);
    rows->total[half] = rows->total[half] * shrink + total;
    b->product[half] = b->product[half] * shrink + product;
    rows->most[half] = most;
}

/* Weights and the scores' gradients in place of the scores of both problems; zeros where there is no key. */
static void settle(const gradient_unit *u, const gradient_block *b, float *place, int64_t count) {
    const vf32 lowest = splat_f32(-FLT_MAX), zero = {0};
    vf32 safe[2], share[2], w[2], d[2];
    for (int half = 0; half < 2; half++) {
        safe[half] = finite_or_zero(b->scores.most[half]);
        share[half] = 1 / b->scores.total[half];
    }
    for (int64_t i = 0; i < count; i++, place += ROWS) {
        for (int half = 0; half < 2; half++) {
            vf32 s = load_f32(place + half * LANES), e = load_f32(place + PLACE + half * LANES);
            w[half] = exp_of_negative(s - safe[half]) * share[half];
            d[half] = w[half] * (e - b->product[half] * share[half]) * u->g->scores.scale;
            d[half] = blend_f32((vi32)(s == lowest), zero, d[half]);
        }
        settle_key(place, place + PLACE, w, d);
    }
    w[0] = w[1] = zero;
    for (int64_t i = count; i < KEYS; i++, place += ROWS) settle_key(place, place + PLACE, w, w);
}

/* How many of these keys a block looks at. */
static int64_t keys_of(const gradient_block *b, int64_t key, int64_t count) {
    if (key < b->scores.begin) return 0;
    return b->scores.end - key < count ? b->scores.end - key : count;
}

static void first_sweep(gradient_unit *u) {
    for (int64_t key = u->begin; key < u->end; key += KEYS) {
        int64_t keys = u->end - key < KEYS ? u->end - key : KEYS;
        load_keys(&u->scores, key, keys);
        load_keys(&u->mirror, key, keys);
        for (int i = 0; i < u->count; i++) {
            int64_t own = keys_of(&u->blocks[i], key, keys);
            if (own <= 0) continue;
            take_scores(u, i, key, own);
            for (int half = 0; half < 2; half++) sum_keys(&u->blocks[i], u->scores.scores, half, own);
        }
    }
}

static void add_block(gradient_unit *u, int number, int64_t key, int64_t count) {
    const vf32 same[2] = {splat_f32(1), splat_f32(1)};
    gradient_block *b = &u->blocks[number];
    float *place = place_of(u, key, number);
    if (!u->keeps) take_scores(u, number, key, count);
    settle(u, b, place, count);
    add_keys(u, b, place, key, count);
    u->mirror.scores = place + PLACE;
    if (u->mirror.p->out) multiply_values(&u->mirror, &b->mirror, count, same);
}

static void second_sweep(gradient_unit *u) {
    for (int64_t key = u->begin; key < u->end; key += KEYS) {
        int64_t keys = u->end - key < KEYS ? u->end - key : KEYS;
        if (!u->keeps) {
            load_keys(&u->scores, key, keys);
            load_keys(&u->mirror, key, keys);
        }
        load_values(&u->mirror, key, keys);
        for (int i = 0; i < u->count; i++) {
            int64_t own = keys_of(&u->blocks[i], key, keys);
            if (own > 0) add_block(u, i, key, own);
        }
    }
    for (int i = 0; i < u->count && u->mirror.p->out; i++) finish_block(&u->mirror, &u->blocks[i].mirror);
}

/* Floats that a block works in. */
static int64_t block_floats(const attention_gradient *g) {
    int64_t dim = g->scores.dim, value_dim = g->mirror.dim;
    return ROWS * (dim + value_dim + padded_values(&g->mirror) + padded_rows(dim) + padded_rows(value_dim));
}

static void start_gradient_block(const gradient_unit *u, gradient_block *b, float *at, int64_t row, int64_t rows) {
    int64_t dim = u->scores.p->dim, value_dim = u->mirror.p->dim;
    *b = (gradient_block){.q_rows = at, .g_rows = at + ROWS * padded_rows(dim)};
    b->scores = b->mirror = (row_block){.row = row, .rows = rows < ROWS ? rows : ROWS};
    b->scores.q = b->g_rows + ROWS * padded_rows(value_dim);
    b->mirror.q = b->scores.q + ROWS * dim;
    b->mirror.sums = b->mirror.q + ROWS * value_dim;
    pack_queries(&u->scores, &b->scores);
    pack_queries(&u->mirror, &b->mirror);
    pack_rows(&u->scores, &b->scores, b->q_rows);
    pack_rows(&u->mirror, &b->mirror, b->g_rows);
    memset(b->mirror.sums, 0, (size_t)(u->mirror.padded * ROWS) * sizeof(float));
    b->mirror.total[0] = b->mirror.total[1] = splat_f32(1);
    start_totals(&u->scores, &b->scores);
    find_range(&u->scores, &b->scores);
}

static bool keeps_scores(const attention_gradient *g) {
    return g->scores.keys <= MOST_KEPT;
}

static int64_t padded_keys(const attention_gradient *g) {
    return (g->scores.keys + KEYS - 1) / KEYS * KEYS;
}

static int64_t gradient_sums(const attention_gradient *g) {
    return padded_keys(g) * (padded_rows(g->scores.dim) + padded_rows(g->mirror.dim));
}

static int64_t gradient_scratch(const attention_gradient *g) {
    int64_t places = keeps_scores(g) ? padded_keys(g) / KEYS : 1;
    int64_t floats = WIDE_BLOCKS * (block_floats(g) + places * 2 * PLACE) + KEYS * padded_values(&g->mirror) +
                     (sweeps(&g->scores) + sweeps(&g->mirror)) * KEYS * KEY_STRIDE;
    return (floats * 4 + 63) / 64 * 64;
}

static wide_unit unit_of(const attention_problem *p, int64_t batch, int64_t kv_head, bool *special) {
    return (wide_unit){.p = p,
                       .batch = batch,
                       .kv_head = kv_head,
                       .padded = padded_values(p),
                       .span = attention_span_of(p, batch),
                       .special = special};
}

static void gradient(const attention_gradient *g, int64_t batch, int64_t kv_head, int64_t row, float *sums,
                     char *scratch) {
    bool special;
    gradient_unit u = {.g = g,
                       .scores = unit_of(&g->scores, batch, kv_head, &special),
                       .mirror = unit_of(&g->mirror, batch, kv_head, &special),
                       .begin = INT64_MAX,
                       .keeps = keeps_scores(g),
                       .k_sums = sums,
                       .v_sums = sums + padded_keys(g) * padded_rows(g->scores.dim)};
    float *at = (float *)(void *)scratch;
    int64_t rows = g->scores.group * g->scores.length;
    for (; u.count < WIDE_BLOCKS && row < rows; u.count++, row += ROWS, at += block_floats(g)) {
        gradient_block *b = &u.blocks[u.count];
        start_gradient_block(&u, b, at, row, rows - row);
        u.begin = b->scores.begin < u.begin ? b->scores.begin : u.begin;
        u.end = b->scores.end > u.end ? b->scores.end : u.end;
    }
    u.scores.keys = at;
    u.mirror.keys = u.scores.keys + sweeps(&g->scores) * KEYS * KEY_STRIDE;
    u.mirror.values = u.mirror.keys + sweeps(&g->mirror) * KEYS * KEY_STRIDE;
    u.places = u.mirror.values + KEYS * u.mirror.padded;
    first_sweep(&u);
    second_sweep(&u);
}

/* Rows [keys][dim] of a gradient out of the sums of the slices. */
static void store_sums(char *to, float *sums, int64_t dim, int slices, int64_t stride, const attention_problem *p) {
    int64_t row = padded_rows(dim);
    for (int64_t i = 0; i < p->keys; i++, sums += row) {
        for (int s = 1; s < slices; s++)
            for (int64_t d = 0; d < row; d += LANES)
                store_f32(sums + d, load_f32(sums + d) + load_f32(sums + s * stride + d));
        row_store(to, i * dim, sums, dim, p->dtype);
    }
}

static void gradient_store(const attention_gradient *g, int64_t batch, int64_t kv_head, float *sums, int slices,
                           int64_t stride) {
    const attention_problem *p = &g->scores;
    int64_t dim = p->dim, value_dim = g->mirror.dim, bytes = dtype_bytes(p->dtype);
    int64_t before = (batch * p->kv_heads + kv_head) * p->keys;
    if (g->k) store_sums(g->k + before * dim * bytes, sums, dim, slices, stride, p);
    if (g->v)
        store_sums(g->v + before * value_dim * bytes, sums + padded_keys(g) * padded_rows(dim), value_dim, slices,
                   stride, p);
}
