/* Running logarithms of elements of one type in float32 (logs.tpl.h): TYPE(f) is f with its name, ELEMENT an element,
   ELEMENTS those of a vector, WIDEN and NARROW make a vector of float32 of them and back, TO_FLOAT and FROM_FLOAT the
   same of one, STREAM(to, e) sends ELEMENTS past the caches. The file forgets TYPE and what converts. */

static void TYPE(logs_one_by_one)(ELEMENT *to, const ELEMENT *from, int64_t count, scan_state *state, scan_way way) {
    for (int64_t i = 0; i < count; i++) {
        int64_t at = way.backwards ? count - 1 - i : i;
        to[at] = FROM_FLOAT((float)logs_next((double)TO_FLOAT(from[at]), state, way.exclusive));
    }
}

INLINE vf32 TYPE(logs_get)(const ELEMENT *from) {
    ELEMENTS e;
    memcpy(&e, from, sizeof e);
    return WIDEN(e);
}
INLINE void TYPE(logs_put)(ELEMENT *to, vf32 y, bool past) {
    ELEMENTS e = NARROW(y);
    if (past)
        STREAM(to, e);
    else
        memcpy(to, &e, sizeof e);
}

/* The k-th of `some` vectors in the order in which they run. */
#define LOGS_PLACE(k) ((way.backwards ? some - 1 - (k) : (k)) * LANES)

/* `some` vectors, 1 or GROUP; false, and nothing done, where one has an element above the largest so far. */
INLINE bool TYPE(logs_vectors)(ELEMENT *to, const ELEMENT *from, int some, logs_running *r, scan_way way) {
    vf32 x[GROUP], most = splat_f32(-INFINITY), sum = {0};
    UNROLL(4)
    for (int k = 0; k < some; k++) {
        x[k] = TYPE(logs_get)(from + LOGS_PLACE(k));
        if (way.backwards) x[k] = LANES_BACKWARDS(NARROW_LANES, x[k]);
        vf32 apart = x[k] - r->most;
        most = at_least_f32(apart, most), sum += apart; /* which has a NaN that comes before the last */
    }
    if (!logs_below(most) || !logs_below(sum)) return false;
    logs_step(x, some, r, way.exclusive);
    UNROLL(4)
    for (int k = 0; k < some; k++) {
        if (way.backwards) x[k] = LANES_BACKWARDS(NARROW_LANES, x[k]);
        TYPE(logs_put)(to + LOGS_PLACE(k), x[k], way.past);
    }
    return true;
}

/* A vector in which the largest element may rise, or fewer elements. */
static __attribute__((noinline)) logs_running TYPE(logs_with_care)(ELEMENT *to, const ELEMENT *from, int64_t count,
                                                                   scan_state *state, scan_way way) {
    if (count == LANES && logs_rise(state, TYPE(logs_get)(from))) {
        logs_running r = logs_go_on(state);
        bool done = TYPE(logs_vectors)(to, from, 1, &r, way);
        state->logs.sum = r.sum;
        if (done) return logs_go_on(state);
    }
    TYPE(logs_one_by_one)(to, from, count, state, way);
    return logs_go_on(state);
}

static void TYPE(logs_line)(void *to, const void *from, int64_t count, scan_state *state, scan_way way) {
    const int64_t group = GROUP * LANES;
    ELEMENT *out = to;
    const ELEMENT *in = from;
    logs_running r = logs_go_on(state);
    if (!way.ahead) way.ahead = (way.backwards ? -AHEAD : AHEAD) / (int64_t)sizeof(ELEMENT);
    for (int64_t i = 0, some; i < count; i += some) {
        some = count - i < group ? count - i : group;
        int64_t at = next_place(count, i, some, way.backwards);
        for (int64_t k = 0; k < some; k += CACHE_LINE / (int64_t)sizeof(ELEMENT)) PREFETCH(in + at + k + way.ahead);
        if (some == group && TYPE(logs_vectors)(out + at, in + at, GROUP, &r, way)) continue;
        some = some < LANES ? some : LANES, at = next_place(count, i, some, way.backwards);
        if (some == LANES && TYPE(logs_vectors)(out + at, in + at, 1, &r, way)) continue;
        state->logs.sum = r.sum;
        r = TYPE(logs_with_care)(out + at, in + at, some, state, way);
    }
    state->logs.sum = r.sum;
}

static void TYPE(logs_total)(const void *from, int64_t count, scan_state *state, bool backwards) {
    (void)backwards;
    const ELEMENT *in = from;
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t some = count - i < LANES ? count - i : LANES;
        PREFETCH((const char *)(in + i) + AHEAD);
        vf32 x = some == LANES ? TYPE(logs_get)(in + i) : splat_f32(NAN);
        if (logs_below(x - logs_go_on(state).most) || logs_rise(state, x))
            state->logs.sum += (double)sum_lanes(exp_of_negative(x - (float)state->logs.most));
        else
            for (int64_t k = i; k < i + some; k++) logs_add(state, (double)TO_FLOAT(in[k]), 1);
    }
}

static void TYPE(logs_row)(void *to, const void *from, int64_t count, scan_states *states, scan_way way) {
    ELEMENT *out = to, left[LANES] = {0};
    const ELEMENT *in = from;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        PREFETCH(in + i + way.ahead);
        TYPE(logs_put)(out + i, logs_down(TYPE(logs_get)(in + i), states, i, way.exclusive), way.past);
    }
    if (i == count) return;
    memcpy(left, in + i, (size_t)(count - i) * sizeof *left);
    TYPE(logs_put)(left, logs_down(TYPE(logs_get)(left), states, i, way.exclusive), false);
    memcpy(out + i, left, (size_t)(count - i) * sizeof *left);
}

static const scan_loops TYPE(logs_loops) = {logs_start, TYPE(logs_line),        TYPE(logs_total), NULL,
                                            logs_join,  logs_start_columns_f32, TYPE(logs_row)};
#undef LOGS_PLACE
#undef TYPE
#undef WIDEN
#undef NARROW
#undef TO_FLOAT
#undef FROM_FLOAT
