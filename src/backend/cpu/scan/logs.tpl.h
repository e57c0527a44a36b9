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

/* ---- float64, one by one */
static double logs_next(double x, scan_state *state, bool exclusive) {
    double before = exclusive ? logs_value(state) : 0;
    logs_add(state, x, 1);
    return exclusive ? before : logs_value(state);
}

static void logs_line_f64(void *to, const void *from, int64_t count, scan_state *state, scan_way way) {
    for (int64_t i = 0; i < count; i++) {
        int64_t at = way.backwards ? count - 1 - i : i;
        ((double *)to)[at] = logs_next(((const double *)from)[at], state, way.exclusive);
    }
}
static void logs_total_f64(const void *from, int64_t count, scan_state *state, bool backwards) {
    (void)backwards;
    for (int64_t i = 0; i < count; i++) logs_add(state, ((const double *)from)[i], 1);
}

static void logs_row_f64(void *to, const void *from, int64_t count, scan_states *states, scan_way way) {
    for (int64_t i = 0; i < count; i++) {
        scan_state state = logs_of_column(states, i);
        ((double *)to)[i] = logs_next(((const double *)from)[i], &state, way.exclusive);
        memcpy(states->values + i * 8, &state.logs.sum, 8);
        memcpy(states->most + i * 8, &state.logs.most, 8);
    }
}

/* ---- float32 and halves, several at once */

INLINE vf32 prefix_sums(vf32 v) {
    const vf32 zero = {0};
    v += LANES_UP(NARROW_LANES, 1, zero, v);
    if (LANES > 2) v += LANES_UP(NARROW_LANES, 2, zero, v);
    if (LANES > 4) v += LANES_UP(NARROW_LANES, 4, zero, v);
    if (LANES > 8) v += LANES_UP(NARROW_LANES, 8, zero, v);
    return v;
}

/* The state of a loop: the sum, and the largest element so far, NaN if either is not finite. What is not above it can
   be added several at once. */
typedef struct {
    double sum;
    float most;
} logs_running;

INLINE logs_running logs_go_on(const scan_state *state) {
    float most = (float)state->logs.most;
    bool finite = __builtin_fabsf(most) < INFINITY && isfinite(state->logs.sum);
    return (logs_running){state->logs.sum, finite ? most : NAN};
}

/* Whether none of a vector's elements, which are `apart` from the largest, is above it or no number. */
INLINE bool logs_below(vf32 apart) {
    return !any_f32(~(vi32)(apart <= 0));
}

/* Makes the largest of x the largest so far; false where only single elements can be added: the largest rises by too
   much, or something is not finite. */
static bool logs_rise(scan_state *state, vf32 x) {
    logs_running r = logs_go_on(state);
    if (!logs_below(x - (r.most + NEAR))) return false;
    float top = max_lanes(x);
    state->logs.sum *= exp((double)r.most - (double)top);
    state->logs.most = (double)top;
    return true;
}

/* log(x) of finite x above 0. */
INLINE vf32 log_of_positive(vf32 x) {
#ifdef __FMA__
    vf32 n, r = split_f32(x, &n) - 1;
    return log_sum(n, r);
#else
    return quick_log(x);
#endif
}

/* Of `some` vectors x in the order in which they run what stands behind each element. The sums are those of numbers
   that are near enough to the largest: their logarithms need no care. Each step is one of all vectors, so that they
   overlap: each instruction of one vector waits for the one before. */
INLINE void logs_step(vf32 *x, int some, logs_running *r, bool exclusive) {
    const vf32 zero = {0};
    UNROLL(4)
    for (int k = 0; k < some; k++) x[k] = exp_of_negative(x[k] - r->most);
    UNROLL(4)
    for (int k = 0; k < some; k++) x[k] = prefix_sums(x[k]);
    UNROLL(4)
    for (int k = 0; k < some; k++) {
        float before = (float)r->sum;
        r->sum += (double)x[k][LANES - 1];
        x[k] = (exclusive ? LANES_UP(NARROW_LANES, 1, zero, x[k]) : x[k]) + before;
    }
    UNROLL(4)
    for (int k = 0; k < some; k++) x[k] = log_of_positive(x[k]) + r->most;
}

/* One more element of each of a vector's columns, each of which has a largest element of its own, a sum, and what the
   sum has lost. A NaN stays in the sum. */
INLINE vf32 logs_down(vf32 x, scan_states *states, int64_t at, bool exclusive) {
    char *sums = states->values + at * 4, *losses = sums + SCAN_COLUMNS * 4, *tops = states->most + at * 4;
    const vf32 one = splat_f32(1);
    vf32 most = load_f32(tops), sum = load_f32(sums), lost = load_f32(losses), before = x;
    if (exclusive) before = quick_log(sum) + most;
    vi32 rises = (vi32)(x > most);
    vf32 e = exp_of_negative(blend_f32((vi32)(x == most), (vf32){0}, -abs_f32(x - most)));
    vf32 factor = blend_f32(rises, e, one), more = blend_f32(rises, one, e) - lost * factor;
    sum *= factor, most = blend_f32(rises, x, most);
    vf32 all = sum + more;
    store_f32(tops, most), store_f32(sums, all), store_f32(losses, (all - sum) - more);
    return exclusive ? before : log_of_positive(all) + (most + 0 * all);
}

static void logs_start_columns_f32(scan_states *states, int64_t count) {
    const vf32 zero = {0};
    char *sums = states->values, *losses = sums + SCAN_COLUMNS * 4;
    for (int64_t i = 0; i < count; i += LANES) {
        store_f32(sums + i * 4, zero), store_f32(losses + i * 4, zero);
        store_f32(states->most + i * 4, splat_f32(-INFINITY));
    }
}

static const scan_loops logs_loops_f64 = {logs_start, logs_line_f64,      logs_total_f64, NULL,
                                          logs_join,  logs_start_columns, logs_row_f64};

#define TYPE(f)       f##_f32
#define ELEMENT       float
#define ELEMENTS      vf32
#define WIDEN(e)      (e)
#define NARROW(v)     (v)
#define STREAM(to, e) stream_f32(to, e)
#define TO_FLOAT(x)   (x)
#define FROM_FLOAT(x) (x)
#include "cpu/scan/logs_lines.tpl.h"
#undef ELEMENT
#undef ELEMENTS
#undef STREAM

#define ELEMENT       uint16_t
#define ELEMENTS      hu16
#define STREAM(to, e) stream_half(to, (hf32)(e))
#define TYPE(f)       f##_bf16
#define WIDEN(e)      widen_bfloat16(e)
#define NARROW(v)     narrow_bfloat16(v)
#define TO_FLOAT(x)   bfloat16_to_float(x)
#define FROM_FLOAT(x) float_to_bfloat16(x)
#include "cpu/scan/logs_lines.tpl.h"

#define TYPE(f)       f##_f16
#define WIDEN(e)      widen_float16(e)
#define NARROW(v)     narrow_float16(v)
#define TO_FLOAT(x)   float16_to_float(x)
#define FROM_FLOAT(x) float_to_float16(x)
#include "cpu/scan/logs_lines.tpl.h"
#undef ELEMENT
#undef ELEMENTS
#undef STREAM
