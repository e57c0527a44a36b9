/* softmax down columns, a block of them at a time, which is read once and written once. On the way down TILE rows of a
   vector of columns give exponentials relative to the largest element so far, which are kept with it; the next way down
   multiplies them by what makes them relative to the largest of all, over the sum. Both ways go on in one loop, the
   second with the block before: while some rows come from memory and others go there, the processor computes.

   Sums keep what they lose, so that columns of any length have their digits. A column's result does not depend on its
   neighbours. */

enum { TILE = COLUMNS_TILE, KEPT_VECTOR = (TILE + 1) * LANES };

/* A vector of columns on its way down: the largest element, the sum of exponentials relative to it and what the sum has
   lost; in the end 1 / sum. */
typedef struct {
    vf32 most, sum, lost, scale;
} column_state;

/* Some columns, from the first element of the first one on. */
typedef struct {
    const char *from;
    char *to;
    int64_t count;
    column_state states[COLUMNS_MOST / LANES];
} column_block;

/* exp(x - most), 0 if both are -infinity. */
INLINE vf32 column_exp(vf32 x, vf32 most) {
    return exp_of_negative(x - at_least_f32(most, splat_f32(-__FLT_MAX__)));
}

/* Takes a sum of exponentials relative to `most` in. */
INLINE void column_add(column_state *s, vf32 more, vf32 most) {
    if (any_f32((vi32)(most != s->most))) {
        vf32 factor = column_exp(s->most, most);
        s->sum *= factor, s->lost *= factor, s->most = most;
    }
    vf32 y = more - s->lost, sum = s->sum + y;
    s->lost = (sum - s->sum) - y;
    s->sum = sum;
}

/* Some rows of a vector, of its first `count` columns, into `kept`: TILE exponentials, and what they are relative to.
 */
INLINE void column_tile_in(const norm_columns *c, column_state *s, const char *from, float *kept, int64_t rows,
                           int64_t count, tarn_dtype dtype) {
    const int64_t step = c->columns * (dtype == TARN_FLOAT32 ? 4 : 2);
    vf32 x[TILE], most = s->most, sum = {0};
    UNROLL(8)
    for (int i = 0; i < TILE; i++) {
        x[i] = i < rows ? row_vector(from + i * step, 0, count, dtype) : splat_f32(-__builtin_inff());
        most = larger(x[i], most);
    }
    vf32 centre = at_least_f32(most, splat_f32(-__FLT_MAX__));
    UNROLL(8)
    for (int i = 0; i < TILE; i++) {
        x[i] = exp_of_negative(x[i] - centre);
        sum += x[i];
        store_f32(kept + i * LANES, x[i]);
    }
    store_f32(kept + TILE * LANES, most);
    column_add(s, sum, most);
}

/* By what a tile's exponentials are multiplied, for each vector of the block. */
INLINE void column_scales(const column_block *b, const float *kept, vf32 *scales) {
    for (int v = 0; v * LANES < b->count; v++) {
        vf32 most = load_f32(kept + v * KEPT_VECTOR + TILE * LANES);
        scales[v] = b->states[v].scale;
        if (any_f32((vi32)(most != b->states[v].most))) scales[v] *= column_exp(most, b->states[v].most);
    }
}

/* Row i of a tile to the output. */
INLINE void column_row_out(const norm_columns *c, const column_block *b, char *to, const float *kept,
                           const vf32 *scales, int i, tarn_dtype dtype) {
    const norm_row way = {.past = c->past};
    int64_t at = 0;
    for (; at + LANES <= b->count; at += LANES, kept += KEPT_VECTOR)
        row_send(&way, to, at, load_f32(kept + i * LANES) * scales[at / LANES], dtype);
    if (at < b->count) row_put(to, at, load_f32(kept + i * LANES) * scales[at / LANES], b->count - at, dtype);
}

/* A tile of one block in and of another out, by turns: some vectors come in, some rows go out and are fetched. Either
   block may be NULL. `places`: of what comes in and goes out in kept. */
INLINE void columns_tile(const norm_columns *c, column_block *in, const column_block *out, int64_t row,
                         float *const *places, tarn_dtype dtype) {
    const int64_t bytes = dtype == TARN_FLOAT32 ? 4 : 2, step = c->columns * bytes, line = COLUMNS_LINE / bytes;
    int64_t rows = c->n - row < TILE ? c->n - row : TILE, each = TILE * line / c->width;
    vf32 scales[COLUMNS_MOST / LANES];
    if (out) column_scales(out, places[1], scales);
    for (int64_t at = 0, i = 0; at < c->width; at += line, i += each) {
        for (int64_t k = i; out && k < i + each && k < rows; k++)
            column_row_out(c, out, out->to + (row + k) * step, places[1], scales, (int)k, dtype);
        for (int64_t k = i; in && k < i + each; k++)
            for (int64_t byte = 0; byte < c->width * bytes; byte += COLUMNS_LINE)
                PREFETCH(in->from + (row + TILE + k) * step + byte);
        for (int64_t v = at; in && v < at + line && v < in->count; v += LANES) {
            column_state *s = &in->states[v / LANES];
            const char *from = in->from + row * step + v * bytes;
            float *kept = places[0] + v / LANES * KEPT_VECTOR;
            if (rows == TILE && in->count - v >= LANES)
                column_tile_in(c, s, from, kept, TILE, LANES, dtype);
            else
                column_tile_in(c, s, from, kept, rows, in->count - v, dtype);
        }
    }
}

/* Down all rows. Tiles that come in take the places before those that go out, round about. */
INLINE void columns_down(const norm_columns *c, column_block *in, const column_block *out, float *kept, int64_t first,
                         tarn_dtype dtype) {
    int64_t tiles = (c->n + TILE - 1) / TILE, size = c->width / LANES * KEPT_VECTOR;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t place = (first + t) % (tiles + 1), before = (place + tiles) % (tiles + 1);
        columns_tile(c, in, out, t * TILE, (float *const[]){kept + before * size, kept + place * size}, dtype);
    }
}

static void columns_begin(const norm_columns *c, int64_t index, column_block *b) {
    int64_t blocks = (c->columns + c->width - 1) / c->width, at = index % blocks * c->width,
            place = (index / blocks * c->n * c->columns + at) * dtype_bytes(c->dtype);
    b->from = c->from + place, b->to = c->to + place;
    b->count = c->columns - at < c->width ? c->columns - at : c->width;
    for (int i = 0; i < COLUMNS_MOST / LANES; i++) b->states[i] = (column_state){.most = splat_f32(-__builtin_inff())};
}

static void columns_end(column_block *b) {
    for (int i = 0; i < COLUMNS_MOST / LANES; i++) b->states[i].scale = 1 / b->states[i].sum;
}

INLINE void columns_run(const norm_columns *c, float *kept, int64_t begin, int64_t end, tarn_dtype dtype) {
    column_block blocks[2];
    int64_t tiles = (c->n + TILE - 1) / TILE;
    for (int64_t i = begin, first = 0; i <= end; i++, first = (first + tiles) % (tiles + 1)) {
        column_block *in = i < end ? &blocks[i % 2] : NULL, *out = i > begin ? &blocks[(i + 1) % 2] : NULL;
        if (in) columns_begin(c, i, in);
        columns_down(c, in, out, kept, first, dtype);
        if (in) columns_end(in);
    }
}

static void softmax_columns(const norm_columns *c, float *kept, int64_t begin, int64_t end) {
    FOR_DTYPE(c->dtype, columns_run, c, kept, begin, end);
}
