/* Rows in stages. What a row's result needs of all its elements is found in sweeps of their own:

                 first                second                              last
     softmax     largest element      sum of exp(x - largest)             exp(x - largest) / sum
     layer_norm  mean                 sum of (x - mean)^2                 (x - mean) * scale, times weight, plus bias
     rms_norm                         sum of x^2                          the same without a mean
     var         mean                 sum of (x - mean)^2

   The stages of rows that follow each other run in one loop, the last of a row with the second of the next and the
   first of the one behind that: while some elements come from memory and others go there, the processor computes.
   Sums run in float32 over SIDE vectors of partial sums; a row's do not depend on its neighbours. */

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
} staged_row;

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

INLINE vf32 second_stage(stages_kind kind, const staged_row *row, vf32 sum, vf32 x, int64_t at, int64_t count) {
    vf32 y = x - row->centre;
    if (kind == STAGES_SOFTMAX) {
        y = exp_of_negative(y);
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

INLINE vf32 last_softmax(const staged_row *row, vf32 x, int64_t at, int64_t count) {
    if (row->kept) return load_some(row->kept + at, count, (vf32){0}) * row->scale;
    return exp_of_negative(x - row->centre) * row->scale;
}

INLINE vf32 last_norm(const norm_row *r, const staged_row *row, vf32 x, vf32 weight, vf32 bias, tarn_dtype dtype) {
    vf32 y = (x - row->centre) * row->scale;
    if (r->weight) y = row_rounded(y, dtype) * weight;
    if (r->bias) y = row_rounded(y, dtype) + bias;
    return y;
}

INLINE vf32 last_stage(const norm_row *r, stages_kind kind, const staged_row *row, vf32 x, vf32 weight, vf32 bias,
                       int64_t at, int64_t count, tarn_dtype dtype) {
    return kind == STAGES_SOFTMAX ? last_softmax(row, x, at, count) : last_norm(r, row, x, weight, bias, dtype);
}

/* The first `count` lanes of one vector of the row in each stage that has one. */
INLINE void stages_step(const norm_row *r, stages_kind kind, const staged_row *rows, const bool *has, vf32 *found,
                        vf32 *sum, int64_t at, int64_t count, tarn_dtype dtype) {
    vf32 x = {0}, weight = x, bias = x;
    if (has[0]) *found = first_stage(kind, *found, row_vector(rows[0].from, at, count, dtype), count);
    if (has[1]) *sum = second_stage(kind, &rows[1], *sum, row_vector(rows[1].from, at, count, dtype), at, count);
    if (!has[2]) return;
    if (reads_last(kind, &rows[2])) x = row_vector(rows[2].from, at, count, dtype);
    if (r->weight) weight = row_vector(r->weight, at, count, dtype);
    if (r->bias) bias = row_vector(r->bias, at, count, dtype);
    row_put(rows[2].to, at, last_stage(r, kind, &rows[2], x, weight, bias, at, count, dtype), count, dtype);
}

/* The same of two whole vectors. */
INLINE void stages_two(const norm_row *r, stages_kind kind, const staged_row *rows, const bool *has, vf32 *found,
                       vf32 *sum, int64_t at, tarn_dtype dtype) {
    const int comes = kind == STAGES_RMS_NORM;
    row_two x = {0}, weight = x, bias = x;
    for (int i = 0; has[comes] && i < 2; i++) row_fetch(rows[comes].from, at + i * LANES, AHEAD, dtype);
    if (has[0]) x = row_two_vectors(rows[0].from, at, dtype);
    for (int i = 0; has[0] && i < 2; i++) found[i] = first_stage(kind, found[i], x.v[i], LANES);
    if (has[1]) x = row_two_vectors(rows[1].from, at, dtype);
    for (int i = 0; has[1] && i < 2; i++) sum[i] = second_stage(kind, &rows[1], sum[i], x.v[i], at + i * LANES, LANES);
    if (!has[2]) return;
    if (reads_last(kind, &rows[2])) x = row_two_vectors(rows[2].from, at, dtype);
    if (r->weight) weight = row_two_vectors(r->weight, at, dtype);
    if (r->bias) bias = row_two_vectors(r->bias, at, dtype);
    for (int i = 0; i < 2; i++)
        x.v[i] = last_stage(r, kind, &rows[2], x.v[i], weight.v[i], bias.v[i], at + i * LANES, LANES, dtype);
    row_send_two(r, rows[2].to, at, x, dtype);
}

INLINE vf32 join_sides(stages_kind kind, const vf32 *sides) {
    vf32 all = sides[0];
    for (int j = 1; j < SIDE; j++) all = kind == STAGES_SOFTMAX ? larger(sides[j], all) : all + sides[j];
    return all;
}

INLINE void stages_found(const norm_row *r, stages_kind kind, staged_row *rows, const bool *has, const vf32 *found,
                         const vf32 *sums, tarn_dtype dtype) {
    if (has[0] && kind == STAGES_SOFTMAX)
        rows[0].centre = max_lanes(join_sides(kind, found));
    else if (has[0])
        rows[0].centre = sum_lanes(join_sides(kind, found)) / (float)r->n;
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
    vf32 found[SIDE], sums[SIDE];
    int64_t i = 0;
    for (int j = 0; j < SIDE; j++) {
        found[j] = splat_f32(kind == STAGES_SOFTMAX ? -__builtin_inff() : 0);
        sums[j] = splat_f32(0);
    }
    for (; i + SIDE * LANES <= r->n; i += SIDE * LANES) {
        UNROLL(2)
        for (int j = 0; j < SIDE; j += 2) stages_two(r, kind, rows, has, &found[j], &sums[j], i + j * LANES, dtype);
    }
    for (; i + LANES <= r->n; i += LANES) stages_step(r, kind, rows, has, &found[0], &sums[0], i, LANES, dtype);
    if (i < r->n) stages_step(r, kind, rows, has, &found[0], &sums[0], i, r->n - i, dtype);
    stages_found(r, kind, rows, has, found, sums, dtype);
}

/* Row i enters the first stage that its kind has. Most sweeps have a row in every stage: their loop is one of its own.
 */
INLINE void stages_run(const norm_row *given, stages_kind kind, const norm_rows *all, tarn_dtype dtype) {
    const norm_row row = *given, *r = &row; /* in registers */
    const int enters = kind == STAGES_RMS_NORM, leaves = kind == STAGES_VAR ? 1 : 2;
    float kept[2][KEPT];
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
                                        .kept = kind == STAGES_SOFTMAX && r->n <= KEPT ? kept[i % 2] : NULL};
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
