/* softmax down columns, a strip of them at a time, whose rows are read twice: for the sum of exponentials relative to
   the largest element, TILE rows of a vector at once, and for the results. Stretches of a row are long, which is
   kinder to the memory than reading narrow columns once, and a strip that the last cache holds comes from there.

   Sums keep what they lose, so that columns of any length have their digits. A column's result does not depend on its
   neighbours. */

enum { TILE = 8 };

/* Of each column the largest element, the sum of exponentials relative to it and what the sum has lost; in the end
   what is subtracted from elements, and 1 / sum; of halves short_bases in `lost` and `most`. */
typedef struct {
    float most[COLUMNS_STRIP], sum[COLUMNS_STRIP], lost[COLUMNS_STRIP];
} column_states;

/* A strip: its columns, and where their first elements are and go. */
typedef struct {
    const char *from;
    char *to;
    int64_t count;
} column_strip;

/* Not -infinity, so that what is relative to it is 0 if all elements are. */
INLINE vf32 column_centre(vf32 most) {
    return at_least_f32(most, splat_f32(-__FLT_MAX__));
}

/* What sums relative to `before` are multiplied by, for those relative to `most`. */
INLINE vf32 column_ratio(vf32 before, vf32 most, tarn_dtype dtype) {
    return is_half(dtype) ? short_ratio(before, most) : exp_of_negative(before - column_centre(most));
}

/* The sum of TILE exponentials. */
INLINE vf32 column_exponentials(const vf32 *x, vf32 most, tarn_dtype dtype) {
    vf32 sum = {0}, centre = column_centre(most);
    short_bases b = short_bases_of(most);
    UNROLL(8)
    for (int i = 0; i < TILE; i++)
        sum += is_half(dtype) ? short_exp(x[i], b.factor, b.base) : exp_of_negative(x[i] - centre);
    return sum;
}

/* Takes TILE elements of each of a vector's columns in. */
INLINE void column_tile(column_states *s, int64_t at, const vf32 *x, tarn_dtype dtype) {
    vf32 old = load_f32(s->most + at), most = old, sum = load_f32(s->sum + at);
    vf32 lost = load_f32(s->lost + at);
    UNROLL(8)
    for (int i = 0; i < TILE; i++) most = larger(x[i], most);
    vf32 more = column_exponentials(x, most, dtype);
    if (any_f32((vi32)(most != old))) {
        vf32 factor = column_ratio(old, most, dtype);
        sum *= factor, lost *= factor;
    }
    vf32 y = more - lost, all = sum + y;
    store_f32(s->most + at, most), store_f32(s->sum + at, all), store_f32(s->lost + at, (all - sum) - y);
}

/* Takes a vector's columns from `at` on in, of TILE rows or of fewer, behind which it is as if nothing came: the first
   `count` lanes of one; columns_in_two: two whole ones. */
INLINE void columns_in_one(const norm_columns *c, const char *from, column_states *s, int64_t at, int64_t count,
                           int64_t rows, tarn_dtype dtype) {
    const int64_t bytes = dtype == TARN_FLOAT32 ? 4 : 2, step = c->columns * bytes;
    vf32 x[TILE];
    UNROLL(8)
    for (int i = 0; i < TILE; i++) {
        const char *row = from + i * step + at * bytes;
        x[i] = i < rows ? row_vector(row, 0, count, dtype) : splat_f32(-__builtin_inff());
        PREFETCH(row + TILE * step);
    }
    column_tile(s, at, x, dtype);
}

INLINE void columns_in_two(const norm_columns *c, const char *from, column_states *s, int64_t at, int64_t rows,
                           tarn_dtype dtype) {
    const int64_t bytes = dtype == TARN_FLOAT32 ? 4 : 2, step = c->columns * bytes;
    for (int j = 0; j < 2; j++) {
        vf32 x[TILE];
        UNROLL(8)
        for (int i = 0; i < TILE; i++) {
            const char *row = from + i * step + at * bytes;
            x[i] = i < rows ? row_vector_in_twos(row, j, dtype) : splat_f32(-__builtin_inff());
            if (j * LANES * bytes % 64 == 0) PREFETCH(row + TILE * step);
        }
        column_tile(s, at + j * LANES, x, dtype);
    }
}

/* The results of columns from `place` on in the states. */
INLINE vf32 columns_result(const column_states *s, int64_t place, vf32 x, tarn_dtype dtype) {
    vf32 most = load_f32(s->most + place), sum = load_f32(s->sum + place);
    return (is_half(dtype) ? short_exp(x, load_f32(s->lost + place), most) : exp_of_negative(x - most)) * sum;
}

/* From what the sums found to what results need. */
INLINE void columns_found(column_states *s, int64_t width, tarn_dtype dtype) {
    for (int64_t k = 0; k < width; k += LANES) {
        vf32 most = load_f32(s->most + k);
        short_bases b = short_bases_of(most);
        store_f32(s->most + k, is_half(dtype) ? b.base : column_centre(most));
        store_f32(s->lost + k, b.factor);
        store_f32(s->sum + k, 1 / load_f32(s->sum + k));
    }
}

INLINE void columns_out_one(const char *from, char *to, const column_states *s, int64_t at, int64_t count,
                            tarn_dtype dtype) {
    row_put(to, at, columns_result(s, at, row_vector(from, at, count, dtype), dtype), count, dtype);
}

INLINE void columns_out_two(const norm_columns *c, const char *from, char *to, const column_states *s, int64_t at,
                            tarn_dtype dtype) {
    const norm_row way = {.past = c->past};
    row_two x = row_two_vectors(from, at, dtype);
    for (int j = 0; j < 2; j++) x.v[j] = columns_result(s, at + j * LANES, x.v[j], dtype);
    row_send_two(&way, to, at, x, dtype);
}

INLINE void strip_sums(const norm_columns *c, const column_strip *strip, column_states *s, tarn_dtype dtype) {
    const int64_t bytes = dtype == TARN_FLOAT32 ? 4 : 2, step = c->columns * bytes;
    for (int64_t row = 0; row < c->n; row += TILE) {
        const char *from = strip->from + row * step;
        int64_t at = 0, rows = c->n - row < TILE ? c->n - row : TILE;
        for (; rows == TILE && at + 2 * LANES <= strip->count; at += 2 * LANES)
            columns_in_two(c, from, s, at, TILE, dtype);
        for (; at + 2 * LANES <= strip->count; at += 2 * LANES) columns_in_two(c, from, s, at, rows, dtype);
        for (; at < strip->count; at += LANES)
            columns_in_one(c, from, s, at, strip->count - at < LANES ? strip->count - at : LANES, rows, dtype);
    }
}

INLINE void strip_results(const norm_columns *c, const column_strip *strip, const column_states *s, tarn_dtype dtype) {
    const int64_t step = c->columns * (dtype == TARN_FLOAT32 ? 4 : 2);
    for (int64_t row = 0; row < c->n; row++) {
        const char *from = strip->from + row * step;
        char *to = strip->to + row * step;
        int64_t at = 0;
        for (; at + 2 * LANES <= strip->count; at += 2 * LANES) {
            for (int j = 0; j < 2; j++) row_fetch(from, at + j * LANES, step, dtype);
            columns_out_two(c, from, to, s, at, dtype);
        }
        for (; at < strip->count; at += LANES)
            columns_out_one(from, to, s, at, strip->count - at < LANES ? strip->count - at : LANES, dtype);
    }
}

INLINE void columns_run(const norm_columns *c, int64_t begin, int64_t end, tarn_dtype dtype) {
    column_states s;
    int64_t strips = (c->columns + c->width - 1) / c->width;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i % strips * c->width, place = (i / strips * c->n * c->columns + at) * dtype_bytes(c->dtype);
        column_strip strip = {c->from + place, c->to + place, c->columns - at < c->width ? c->columns - at : c->width};
        for (int64_t k = 0; k < c->width; k++) s.most[k] = -__builtin_inff(), s.sum[k] = s.lost[k] = 0;
        strip_sums(c, &strip, &s, dtype);
        columns_found(&s, c->width, dtype);
        strip_results(c, &strip, &s, dtype);
    }
}

static void softmax_columns(const norm_columns *c, int64_t begin, int64_t end) {
    FOR_DTYPE(c->dtype, columns_run, c, begin, end);
}
