/* The products of wide.tpl.h in vectors: float32 copies of q, keys and values, from which keys and values are
 * broadcast. */

/* The scaled queries, transposed; rows beyond the last are zero. */
static void pack_queries(const wide_unit *u, row_block *b) {
    const attention_problem *p = u->p;
    float buffer[DEPTH];
    if (b->rows < ROWS) memset(b->q, 0, (size_t)(p->dim * ROWS) * sizeof(float));
    for (int64_t i = 0; i < b->rows; i++) {
        const char *row = attention_query(p, u->batch, u->kv_head, b->row + i);
        for (int64_t at = 0; at < p->dim; at += DEPTH) {
            int64_t count = p->dim - at < DEPTH ? p->dim - at : DEPTH;
            const float *x = row_floats(buffer, row, at, count, p->dtype);
            for (int64_t d = 0; d < count; d++) b->q[(at + d) * ROWS + i] = x[d] * p->scale;
        }
    }
}

static void load_keys(const wide_unit *u, int64_t begin, int64_t count) {
    const attention_problem *p = u->p;
    const char *k = p->k.data + u->batch * p->k.batch + u->kv_head * p->k.head;
    for (int64_t i = 0; i < count; i++)
        for (int64_t at = 0; at < p->dim; at += DEPTH) {
            int64_t depth = p->dim - at < DEPTH ? p->dim - at : DEPTH;
            float *to = u->keys + (at / DEPTH * KEYS + i) * KEY_STRIDE;
            row_store(to, 0, row_floats(to, k + (begin + i) * p->k.row, at, depth, p->dtype), depth, TARN_FLOAT32);
        }
}

/* A row as floats, zeros behind its elements. */
static void load_row(float *to, const char *from, int64_t count, int64_t padded, tarn_dtype dtype) {
    row_store(to, 0, row_floats(to, from, 0, count, dtype), count, TARN_FLOAT32);
    for (int64_t d = count; d < padded; d++) to[d] = 0;
}

static void load_values(const wide_unit *u, int64_t begin, int64_t count) {
    const attention_problem *p = u->p;
    const char *v = p->v.data + u->batch * p->v.batch + u->kv_head * p->v.head;
    for (int64_t i = 0; i < count; i++)
        load_row(u->values + i * u->padded, v + (begin + i) * p->v.row, p->value_dim, u->padded, p->dtype);
}

/* KEY_TILE rows of y, whose elements are broadcast, by ROWS columns of x: sums of `depth` products. */
INLINE void product_tile(float *sums, int64_t sum_stride, const float *x, int64_t x_stride, const float *y,
                         int64_t y_stride, int64_t depth, bool first) {
    vf32 sum[KEY_TILE][2];
    UNROLL(16)
    for (int i = 0; i < KEY_TILE; i++)
        for (int half = 0; half < 2; half++)
            sum[i][half] = first ? (vf32){0} : load_f32(sums + i * sum_stride + half * LANES);
    for (int64_t d = 0; d < depth; d++) {
        vf32 x0 = load_f32(x + d * x_stride), x1 = load_f32(x + d * x_stride + LANES);
        UNROLL(16)
        for (int i = 0; i < KEY_TILE; i++) {
            vf32 k = splat_f32(y[i * y_stride + d]);
            sum[i][0] = fma_f32(k, x0, sum[i][0]);
            sum[i][1] = fma_f32(k, x1, sum[i][1]);
        }
    }
    UNROLL(16)
    for (int i = 0; i < KEY_TILE; i++)
        for (int half = 0; half < 2; half++) store_f32(sums + i * sum_stride + half * LANES, sum[i][half]);
}

static void multiply_keys(const wide_unit *u, const row_block *b, int64_t count) {
    for (int64_t at = 0; at < u->p->dim; at += DEPTH) {
        int64_t depth = u->p->dim - at < DEPTH ? u->p->dim - at : DEPTH;
        const float *keys = u->keys + at / DEPTH * KEYS * KEY_STRIDE;
        for (int64_t i = 0; i < count; i += KEY_TILE)
            product_tile(u->scores + i * ROWS, ROWS, b->q + at * ROWS, ROWS, keys + i * KEY_STRIDE, KEY_STRIDE, depth,
                         at == 0);
    }
}

INLINE void value_tile(float *sums, const float *weights, const float *values, int64_t padded, int64_t count,
                       const vf32 *shrink) {
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

static void multiply_values(const wide_unit *u, row_block *b, int64_t count, const vf32 shrink[2]) {
    for (int64_t d = 0; d < u->padded; d += VALUE_TILE)
        value_tile(b->sums + d * ROWS, u->scores, u->values + d, u->padded, count, shrink);
}

/* `count` elements of the values, times the factor, become rows of KEY_STRIDE. */
static void turn_sums(const float *sums, int64_t count, vf32 factor, float *rows) {
    for (int64_t d = 0; d < count; d++) {
        float lanes[LANES];
        store_f32(lanes, load_f32(sums + d * ROWS) * factor);
        for (int i = 0; i < LANES; i++) rows[i * KEY_STRIDE + d] = lanes[i];
    }
}
