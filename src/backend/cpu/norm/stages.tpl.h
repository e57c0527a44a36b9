/* Rows in stages. What a row's result needs of all its elements is found in sweeps of their own:

                 first                second                              last
     softmax     largest element      sum of exp(x - largest)             exp(x - largest) / sum
     layer_norm  mean                 sum of (x - mean)^2                 (x - mean) * scale, times weight, plus bias
     rms_norm                         sum of x^2                          the same without a mean
     var         mean                 sum of (x - mean)^2

   The stages of rows that follow each other run in one loop, the last of a row with the second of the next and the
   first of the one behind that: while some elements come from memory and others go there, the processor computes.
   Sums run in float32 over SIDE vectors of partial sums; a row's do not depend on its neighbours. Of halves the largest
   element is found without widening them, and exponentials are short ones. */

typedef enum { STAGES_SOFTMAX, STAGES_LAYER_NORM, STAGES_RMS_NORM, STAGES_VAR } stages_kind;

enum {
    KEPT = 16384, /* exponentials of rows up to this are kept in a buffer; those of longer ones are computed twice */
    AHEAD = 4096, /* bytes that are fetched before their turn */
    SIDE = LANES == 16 ? 4 : 2 /* vectors of partial sums of a stage: more would not fit the registers */
};

/* A row on its way through the stages, and what they have found: the largest element or the mean; the factor of the
   last stage, or the result of var. */
typedef struct {
    const char *from;
    char *to;
    float *kept; /* NULL: nothing is kept */
    float centre, scale;
    short_base base; /* of the largest element of halves */
} staged_row;

/* What the first stage finds side by side. */
typedef struct {
    vf32 side[SIDE];
    half_extremes halves[SIDE / 2];
} stage_found;

INLINE bool is_half(tarn_dtype dtype) {
    return dtype != TARN_FLOAT32;
}

INLINE vf32 larger(vf32 a, vf32 b) {
    return at_least_f32(a, b);
}

/* x in the first lanes. */
INLINE vf32 first_lanes(vf32 x, int64_t count, float rest) {
    for (int j = 0; count < LANES && j < LANES; j++) x[j] = j < count ? x[j] : rest;
    return x;
}

/* The stages take vectors x; what a stage of softmax keeps lies at `at`. */
INLINE vf32 first_stage(stages_kind kind, vf32 found, vf32 x, int64_t count) {
    bool softmax = kind == STAGES_SOFTMAX;
    x = first_lanes(x, count, softmax ? -__builtin_inff() : 0);
    return softmax ? larger(x, found) : found + x;
}

/* Elements of the first stage that are not widened. */
INLINE bool compares_halves(stages_kind kind, tarn_dtype dtype) {
    return kind == STAGES_SOFTMAX && is_half(dtype);
}

INLINE uint16_t half_infinity_below(tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? 0xFF80 : 0xFC00;
}

/* One vector's elements, the first `count`, of which there is room for two. */
INLINE void first_halves(half_extremes *found, const void *row, int64_t at, int64_t count, tarn_dtype dtype) {
    vu16 x = half_infinity_below(dtype) | (vu16){0};
    memcpy(&x, (const uint16_t *)row + at, (size_t)(count >= LANES ? LANES : count) * sizeof(uint16_t));
    *found = half_extremes_in(*found, x);
}

INLINE vf32 relative_exp(const staged_row *row, vf32 x, tarn_dtype dtype) {
    if (!is_half(dtype)) return exp_of_negative(x - row->centre);
    return short_exp(x, splat_f32(row->base.factor), splat_f32(row->base.base));
}

INLINE vf32 second_stage(stages_kind kind, const staged_row *row, vf32 sum, vf32 x, int64_t at, int64_t count,
                         tarn_dtype dtype) {
    vf32 y = x - row->centre;
    if (kind == STAGES_SOFTMAX) {
        y = relative_exp(row, x, dtype);
        if (row->kept) store_some(row->kept + at, y, count);
    } else {
        y *= y;
    }
    return sum + first_lanes(y, count, 0);
}

/* Whether the last stage reads its row again. */
INLINE bool reads_last(stages_kind kind, const staged_row *row) {
    return kind != STAGES_SOFTMAX || !row->kept;
}

INLINE vf32 last_softmax(const staged_row *row, vf32 x, int64_t at, int64_t count, tarn_dtype dtype) {
    if (row->kept) return load_some(row->kept + at, count, (vf32){0}) * row->scale;
    return relative_exp(row, x, dtype) * row->scale;
}

INLINE vf32 last_norm(const norm_row *r, const staged_row *row, vf32 x, vf32 weight, vf32 bias, tarn_dtype dtype) {
    vf32 y = (x - row->centre) * row->scale;
    if (r->weight) y = row_rounded(y, dtype) * weight;
    if (r->bias) y = row_rounded(y, dtype) + bias;
    return y;
}

INLINE vf32 last_stage(const norm_row *r, stages_kind kind, const staged_row *row, vf32 x, vf32 weight, vf32 bias,
                       int64_t at, int64_t count, tarn_dtype dtype) {
    return kind == STAGES_SOFTMAX ? last_softmax(row, x, at, count, dtype) : last_norm(r, row, x, weight, bias, dtype);
}

INLINE void first_one(stages_kind kind, const staged_row *row, stage_found *found, int64_t at, int64_t count,
                      tarn_dtype dtype) {
    if (compares_halves(kind, dtype))
        first_halves(found->halves, row->from, at, count, dtype);
    else
        found->side[0] = first_stage(kind, found->side[0], row_vector(row->from, at, count, dtype), count);
}

INLINE void first_two(stages_kind kind, const staged_row *row, stage_found *found, int side, int64_t at,
                      tarn_dtype dtype) {
    if (compares_halves(kind, dtype)) {
        half_extremes *halves = &found->halves[side / 2];
        *halves = half_extremes_in(*halves, load_u16((const uint16_t *)(const void *)row->from + at));
        return;
    }
    row_two x = row_two_vectors(row->from, at, dtype);
    for (int i = 0; i < 2; i++) found->side[side + i] = first_stage(kind, found->side[side + i], x.v[i], LANES);
}

INLINE void last_one(const norm_row *r, stages_kind kind, const staged_row *row, int64_t at, int64_t count,
                     tarn_dtype dtype) {
    vf32 x = {0}, weight = x, bias = x;
    if (reads_last(kind, row)) x = row_vector(row->from, at, count, dtype);
    if (r->weight) weight = row_vector(r->weight, at, count, dtype);
    if (r->bias) bias = row_vector(r->bias, at, count, dtype);
    row_put(row->to, at, last_stage(r, kind, row, x, weight, bias, at, count, dtype), count, dtype);
}

INLINE void last_two(const norm_row *r, stages_kind kind, const staged_row *row, int64_t at, tarn_dtype dtype) {
    row_two x = {0}, weight = x, bias = x;
    if (reads_last(kind, row)) x = row_two_vectors(row->from, at, dtype);
    if (r->weight) weight = row_two_vectors(r->weight, at, dtype);
    if (r->bias) bias = row_two_vectors(r->bias, at, dtype);
    for (int i = 0; i < 2; i++)
        x.v[i] = last_stage(r, kind, row, x.v[i], weight.v[i], bias.v[i], at + i * LANES, LANES, dtype);
    row_send_two(r, row->to, at, x, dtype);
}

/* The first `count` lanes of one vector of the row in each stage that has one. What the last stage takes from `kept`
   makes room for what the second one keeps there. */
INLINE void stages_step(const norm_row *r, stages_kind kind, const staged_row *rows, const bool *has,
                        stage_found *found, vf32 *sum, int64_t at, int64_t count, tarn_dtype dtype) {
    if (has[0]) first_one(kind, &rows[0], found, at, count, dtype);
    if (has[2]) last_one(r, kind, &rows[2], at, count, dtype);
    if (has[1]) *sum = second_stage(kind, &rows[1], *sum, row_vector(rows[1].from, at, count, dtype), at, count, dtype);
}

/* The same of two whole vectors, the sides from `side` on. */
INLINE void stages_two(const norm_row *r, stages_kind kind, const staged_row *rows, const bool *has, stage_found *found,
                       vf32 *sums, int side, int64_t at, tarn_dtype dtype) {
    const int comes = kind == STAGES_RMS_NORM;
    row_two x = {0};
    for (int i = 0; has[comes] && i < (is_half(dtype) ? 1 : 2); i++)
        row_fetch(rows[comes].from, at + i * LANES, AHEAD, dtype);
    if (has[0]) first_two(kind, &rows[0], found, side, at, dtype);
    if (has[2]) last_two(r, kind, &rows[2], at, dtype);
    if (has[1]) x = row_two_vectors(rows[1].from, at, dtype);
    for (int i = 0; has[1] && i < 2; i++)
        sums[side + i] = second_stage(kind, &rows[1], sums[side + i], x.v[i], at + i * LANES, LANES, dtype);
}

INLINE vf32 join_sides(stages_kind kind, const vf32 *sides) {
    vf32 all = sides[0];
    for (int j = 1; j < SIDE; j++) all = kind == STAGES_SOFTMAX ? larger(sides[j], all) : all + sides[j];
    return all;
}

INLINE stage_found nothing_found(stages_kind kind, tarn_dtype dtype) {
    stage_found found;
    for (int j = 0; j < SIDE; j++) found.side[j] = splat_f32(kind == STAGES_SOFTMAX ? -__builtin_inff() : 0);
    for (int j = 0; j < SIDE / 2; j++) found.halves[j] = half_extremes_of(half_infinity_below(dtype));
    return found;
}

INLINE float largest_half(const stage_found *found, tarn_dtype dtype) {
    half_extremes all = found->halves[0];
    for (int j = 1; j < SIDE / 2; j++)
        all = (half_extremes){larger_i16(all.largest, found->halves[j].largest),
                              smaller_u16(all.least, found->halves[j].least)};
    vu16 largest = half_largest(all);
    row_two x = row_two_vectors(&largest, 0, dtype);
    return max_lanes(larger(x.v[0], x.v[1]));
}

INLINE void stages_found(const norm_row *r, stages_kind kind, staged_row *rows, const bool *has,
                         const stage_found *found, const vf32 *sums, tarn_dtype dtype) {
    if (has[0] && compares_halves(kind, dtype))
        rows[0].base = short_base_of(largest_half(found, dtype));
    else if (has[0] && kind == STAGES_SOFTMAX)
        rows[0].centre = max_lanes(join_sides(kind, found->side));
    else if (has[0])
        rows[0].centre = sum_lanes(join_sides(kind, found->side)) / (float)r->n;
    if (!has[1]) return;
    float sum = sum_lanes(join_sides(STAGES_VAR, sums));
    if (kind == STAGES_SOFTMAX)
        rows[1].scale = 1 / sum;
    else if (kind == STAGES_VAR)
        row_put(rows[1].to, 0, splat_f32(sum / r->count), 1, dtype);
    else
        rows[1].scale = 1 / __builtin_sqrtf(sum / (float)r->n + r->eps);
}

INLINE void stages_sweep(const norm_row *r, stages_kind kind, staged_row *rows, const bool *has, tarn_dtype dtype) {
    stage_found found = nothing_found(kind, dtype);
    vf32 sums[SIDE];
    int64_t i = 0;
    for (int j = 0; j < SIDE; j++) sums[j] = splat_f32(0);
    for (; i + SIDE * LANES <= r->n; i += SIDE * LANES) {
        UNROLL(2)
        for (int j = 0; j < SIDE; j += 2) stages_two(r, kind, rows, has, &found, sums, j, i + j * LANES, dtype);
    }
    for (; i + LANES <= r->n; i += LANES) stages_step(r, kind, rows, has, &found, &sums[0], i, LANES, dtype);
    if (i < r->n) stages_step(r, kind, rows, has, &found, &sums[0], i, r->n - i, dtype);
    stages_found(r, kind, rows, has, &found, sums, dtype);
}

/* Row i enters the first stage that its kind has. Most sweeps have a row in every stage: their loop is one of its own.
 */
INLINE void stages_run(const norm_row *given, stages_kind kind, const norm_rows *all, tarn_dtype dtype) {
    const norm_row row = *given, *r = &row; /* in registers */
    const int enters = kind == STAGES_RMS_NORM, leaves = kind == STAGES_VAR ? 1 : 2;
    float kept[KEPT];
    staged_row rows[3] = {0};
    for (int64_t i = all->begin; i < all->end + leaves - enters; i++) {
        bool has[3];
        for (int stage = 0; stage < 3; stage++) {
            int64_t at = i - stage + enters;
            has[stage] = stage >= enters && stage <= leaves && at >= all->begin && at < all->end;
        }
        for (int stage = leaves; stage > enters; stage--) rows[stage] = rows[stage - 1];
        if (has[enters])
            rows[enters] = (staged_row){.from = row_at(all->x, i),
                                        .to = all->out + i * all->out_bytes,
                                        .kept = kind == STAGES_SOFTMAX && r->n <= KEPT ? kept : NULL};
        if (has[enters] && has[leaves])
            stages_sweep(r, kind, rows, (const bool[]){enters == 0, true, leaves == 2}, dtype);
        else
            stages_sweep(r, kind, rows, has, dtype);
    }
}

#define STAGES(name, kind)                                                                                             \
    static void name(const norm_row *r, const norm_rows *all) {                                                        \
        FOR_DTYPE(r->dtype, stages_run, r, kind, all);                                                                 \
    }
STAGES(softmax, STAGES_SOFTMAX)
STAGES(layer_norm, STAGES_LAYER_NORM)
STAGES(rms_norm, STAGES_RMS_NORM)
STAGES(var, STAGES_VAR)
