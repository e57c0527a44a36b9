/* Running logarithms of sums of exponentials: the largest element so far, and the sum of exp(x - most). */
enum { NEAR = 4 /* how much larger the largest may become in a step: what lies below it keeps its digits */ };

/* An element, or several of a larger sum, more. Equal infinities are not apart; a NaN stays in the sum. */
static void logs_add(scan_state *state, double x, double weight) {
    double apart = x == state->logs.most ? 0 : x - state->logs.most;
    if (apart > 0) {
        state->logs.sum = state->logs.sum * exp(-apart) + weight;
        state->logs.most = x;
    } else {
        state->logs.sum += weight * exp(apart);
    }
}

static double logs_value(const scan_state *state) {
    return state->logs.most + log(state->logs.sum);
}

static void logs_start(scan_state *state) {
    state->logs.sum = 0;
    state->logs.most = -(double)INFINITY;
}

static bool logs_join(scan_state *state, const scan_state *more) {
    logs_add(state, more->logs.most, more->logs.sum);
    return true;
}

static void logs_start_columns(scan_states *states, int64_t count) {
    memset(states->values, 0, (size_t)count * 8);
    for (int64_t i = 0; i < count; i += WIDE_LANES) store_f64(states->most + i * 8, splat_f64(-(double)INFINITY));
}

static scan_state logs_of_column(const scan_states *states, int64_t i) {
    scan_state state;
    memcpy(&state.logs.sum, states->values + i * 8, 8);
    memcpy(&state.logs.most, states->most + i * 8, 8);
    return state;
}

/* ---- one by one */
#define LOGS(type, suffix)                                                                                             \
    static void logs_line_##suffix(void *to, const void *from, int64_t count, scan_state *state, scan_way way) {       \
        type *out = to;                                                                                                \
        const type *in = from;                                                                                         \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            int64_t at = way.backwards ? count - 1 - i : i;                                                            \
            double before = way.exclusive ? logs_value(state) : 0;                                                     \
            logs_add(state, (double)in[at], 1);                                                                        \
            out[at] = (type)(way.exclusive ? before : logs_value(state));                                              \
        }                                                                                                              \
    }                                                                                                                  \
    static void logs_total_##suffix(const void *from, int64_t count, scan_state *state) {                              \
        for (int64_t i = 0; i < count; i++) logs_add(state, (double)((const type *)from)[i], 1);                       \
    }
LOGS(float, one_f32)
LOGS(double, f64)

static void logs_row_f64(void *to, const void *from, int64_t count, scan_states *states, scan_way way) {
    for (int64_t i = 0; i < count; i++) {
        scan_state state = logs_of_column(states, i), before = state;
        logs_add(&state, ((const double *)from)[i], 1);
        memcpy(states->values + i * 8, &state.logs.sum, 8);
        memcpy(states->most + i * 8, &state.logs.most, 8);
        ((double *)to)[i] = logs_value(way.exclusive ? &before : &state);
    }
}

/* ---- float32, several at once */

INLINE vf32 prefix_sums(vf32 v) {
    const vf32 zero = {0};
    v += LANES_UP(NARROW_LANES, 1, zero, v);
    if (LANES > 2) v += LANES_UP(NARROW_LANES, 2, zero, v);
    if (LANES > 4) v += LANES_UP(NARROW_LANES, 4, zero, v);
    if (LANES > 8) v += LANES_UP(NARROW_LANES, 8, zero, v);
    return v;
}

/* The state of a loop: the sum, and the largest element so far, NaN if that is not finite. What is not above it can be
   added several at once. */
typedef struct {
    double sum;
    float most;
} logs_running;

INLINE logs_running logs_go_on(const scan_state *state) {
    float most = (float)state->logs.most;
    return (logs_running){state->logs.sum, __builtin_fabsf(most) < INFINITY ? most : NAN};
}

INLINE bool logs_below(vf32 x, float most) {
    return !any_f32(~(vi32)(x <= most));
}

/* Makes the largest of x the largest so far; false where only single elements can be added: the largest rises by too
   much, or something is not finite. */
static bool logs_rise(scan_state *state, vf32 x) {
    logs_running r = logs_go_on(state);
    if (!logs_below(x, r.most + NEAR)) return false;
    float top = max_lanes(x);
    state->logs.sum *= exp((double)r.most - (double)top);
    state->logs.most = (double)top;
    return true;
}

INLINE void logs_step(float *to, vf32 x, logs_running *r, scan_way way) {
    const vf32 zero = {0};
    vf32 sums = prefix_sums(exp_of_negative((way.backwards ? LANES_BACKWARDS(NARROW_LANES, x) : x) - r->most));
    vf32 all = (way.exclusive ? LANES_UP(NARROW_LANES, 1, zero, sums) : sums) + (float)r->sum;
    r->sum += (double)sums[LANES - 1];
    vf32 y = quick_log(all) + r->most;
    if (way.backwards) y = LANES_BACKWARDS(NARROW_LANES, y);
    if (way.past)
        stream_f32(to, y);
    else
        store_f32(to, y);
}

static void logs_line_f32(void *to, const void *from, int64_t count, scan_state *state, scan_way way) {
    float *out = to;
    const float *in = from;
    logs_running r = logs_go_on(state);
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t some = count - i < LANES ? count - i : LANES, at = way.backwards ? count - some - i : i;
        PREFETCH((const char *)(in + at) + (way.backwards ? -AHEAD : AHEAD));
        vf32 x = some == LANES ? load_f32(in + at) : splat_f32(NAN);
        if (!logs_below(x, r.most)) {
            state->logs.sum = r.sum;
            bool rises = logs_rise(state, x);
            if (!rises) logs_line_one_f32(out + at, in + at, some, state, way);
            r = logs_go_on(state);
            if (!rises) continue;
        }
        logs_step(out + at, x, &r, way);
    }
    state->logs.sum = r.sum;
}

static void logs_total_f32(const void *from, int64_t count, scan_state *state) {
    const float *in = from;
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t some = count - i < LANES ? count - i : LANES;
        PREFETCH((const char *)(in + i) + AHEAD);
        vf32 x = some == LANES ? load_f32(in + i) : splat_f32(NAN);
        float most = logs_go_on(state).most;
        if (logs_below(x, most) || logs_rise(state, x))
            state->logs.sum += (double)sum_lanes(exp_of_negative(x - (float)state->logs.most));
        else
            logs_total_one_f32(in + i, some, state);
    }
}

/* Columns: each lane has a largest element of its own, a sum, and what the sum has lost. */
static void logs_row_f32(void *to, const void *from, int64_t count, scan_states *states, scan_way way) {
    for (int64_t i = 0; i < count; i += LANES) {
        char *sums = states->values + i * 4, *losses = sums + SCAN_COLUMNS * 4, *tops = states->most + i * 4;
        vf32 x = {0}, most = load_f32(tops), sum = load_f32(sums), lost = load_f32(losses);
        PREFETCH((const float *)from + i + way.ahead);
        memcpy(&x, (const float *)from + i, count - i < LANES ? (size_t)(count - i) * 4 : sizeof x);
        vf32 before = way.exclusive ? quick_log(sum) + most : x, one = splat_f32(1);
        vi32 rises = (vi32)(x > most);
        vf32 e = exp_of_negative(blend_f32((vi32)(x == most), (vf32){0}, -abs_f32(x - most)));
        vf32 factor = blend_f32(rises, e, one), more = blend_f32(rises, one, e) - lost * factor;
        sum *= factor, most = blend_f32(rises, x, most);
        vf32 all = sum + more;
        store_f32(tops, most), store_f32(sums, all), store_f32(losses, (all - sum) - more);
        vf32 y = way.exclusive ? before : quick_log(all) + most;
        if (way.past && count - i >= LANES)
            stream_f32((float *)to + i, y);
        else
            memcpy((float *)to + i, &y, count - i < LANES ? (size_t)(count - i) * 4 : sizeof y);
    }
}

static void logs_start_columns_f32(scan_states *states, int64_t count) {
    memset(states->values, 0, sizeof states->values);
    for (int64_t i = 0; i < count; i += LANES) store_f32(states->most + i * 4, splat_f32(-INFINITY));
}

static const scan_loops logs_loops_f64 = {logs_start, logs_line_f64,      logs_total_f64,
                                          logs_join,  logs_start_columns, logs_row_f64};
static const scan_loops logs_loops_f32 = {logs_start, logs_line_f32,          logs_total_f32,
                                          logs_join,  logs_start_columns_f32, logs_row_f32};
