/* Loops of one running value (scan.h). The file that includes this defines

     NAME(f)            f with the name of the kind and the type
     ELEMENT, ELEMENTS  an element, and COUNT of them
     VALUE, VALUES      what runs, and COUNT of those
     WIDEN(e), NARROW(v)   ELEMENTS as VALUES, and back
     STREAM(to, e)      ELEMENTS past the caches
     FIRST              what has run before the first element
     FOLD(a, b)         VALUES of a and then b
     CARRIED            if it is there: the type in which what runs goes from one vector to the next, wider than VALUE
     LEAVES_RANGE(s, came, v, all)   if it is there: whether VALUES v, what runs in a vector `came` alone, or `all`, the
                        same behind the state s, may not be what comes of them one by one, in STATE
     QUICK_FOLD(a, b)   if it is there: FOLD, but not in a vector of which LEAVES_RANGE is true
     IN_TWOS(x, j), JOIN_TWOS(a, b)   if they are there: of two vectors from x on the even (j = 0) and the odd elements
                        (j = 1) as VALUES, and the elements of such VALUES
     SPOIL(sound, v, all)   NaN in a lane where it may be true, else what `sound` is there; NOT_FINITE(v) whether one is
     TOTAL_LEAVES(came, all)   the same of `came`, what many vectors side by side come to, and what runs in it
     IN_DOUBT(s, t)     whether s, and then what comes to t alone, may not be s as t follows it one by one

   and undefines them after it. */

#ifndef QUICK_FOLD
#define QUICK_FOLD(a, b) FOLD(a, b)
#endif

/* What runs between vectors: STATE is one of it, CARRY it in the form that the loop keeps. */
#ifdef CARRIED
#define STATE        CARRIED
#define CARRY        CARRIED
#define CARRY_OF(s)  (s)
#define STATE_OF(c)  (c)
#define SPREAD(c)    NAME(all)((VALUE)(c))
#define GO_ON(c, v)  FOLD(c, (CARRIED)(v)[COUNT - 1])
#define JOINED(a, b) FOLD(a, b)
#else
#define STATE        VALUE
#define CARRY        VALUES
#define CARRY_OF(s)  NAME(all)(s)
#define STATE_OF(c)  (c)[0]
#define SPREAD(c)    (c)
#define GO_ON(c, v)  QUICK_FOLD(c, LANES_LAST(COUNT, v))
#define JOINED(a, b) FOLD(NAME(all)(a), NAME(all)(b))[0]
#endif

/* What runs down a column. */
#ifdef LEAVES_RANGE
#define COLUMN STATE
#else
#define COLUMN                        VALUE
#define LEAVES_RANGE(s, came, v, all) false
#endif
#ifndef TOTAL_LEAVES
#define TOTAL_LEAVES(came, all) false
#endif
#ifndef IN_DOUBT
#define IN_DOUBT(s, t) ((void)(s), (void)(t), false)
#endif

INLINE VALUES NAME(all)(VALUE x) {
    return x - (VALUES){0};
}

/* Each lane with those below it. */
INLINE VALUES NAME(prefix)(VALUES v) {
    const VALUES first = NAME(all)(FIRST);
    v = QUICK_FOLD(LANES_UP(COUNT, 1, first, v), v);
    if (COUNT > 2) v = QUICK_FOLD(LANES_UP(COUNT, 2, first, v), v);
    if (COUNT > 4) v = QUICK_FOLD(LANES_UP(COUNT, 4, first, v), v);
    if (COUNT > 8) v = QUICK_FOLD(LANES_UP(COUNT, 8, first, v), v);
    return v;
}

/* Elements beyond count are as if nothing came. */
INLINE VALUES NAME(get)(const ELEMENT *from, int64_t count) {
    ELEMENTS elements = {0};
    if (count >= COUNT) {
        memcpy(&elements, from, sizeof elements);
        return WIDEN(elements);
    }
    for (int i = 0; i < COUNT; i++) elements[i] = i < count ? from[i] : 0;
    VALUES v = WIDEN(elements);
    for (int i = 0; i < COUNT; i++) v[i] = i < count ? v[i] : FIRST;
    return v;
}
INLINE void NAME(put)(ELEMENT *to, VALUES v, int64_t count, bool past) {
    ELEMENTS elements = NARROW(v);
    for (int i = 0; count < COUNT && i < COUNT; i++)
        if (i < count) to[i] = elements[i];
    if (count < COUNT) return;
    if (past)
        STREAM(to, elements);
    else
        memcpy(to, &elements, sizeof elements);
}

static void NAME(start)(scan_state *state) {
    STATE first = FIRST;
    memcpy(state, &first, sizeof first);
}

/* A vector's elements in their order, each on the state of the one before: out of the way of vectors in range. */
static __attribute__((noinline)) VALUES NAME(one_by_one)(VALUES v, CARRY *carry, bool exclusive) {
    VALUES out = v;
    STATE running = STATE_OF(*carry);
    for (int i = 0; i < COUNT; i++) {
        STATE before = running;
        running = JOINED(before, (STATE)v[i]);
        out[i] = (VALUE)(exclusive ? before : running);
    }
    *carry = CARRY_OF(running);
    return out;
}

/* What stands behind each element of a vector, of which v runs alone: `all`, or without the element itself. */
INLINE VALUES NAME(behind)(VALUES v, VALUES all, CARRY carry, bool exclusive) {
    return exclusive ? QUICK_FOLD(SPREAD(carry), LANES_UP(COUNT, 1, NAME(all)(FIRST), v)) : all;
}

INLINE VALUES NAME(came)(const ELEMENT *from, int64_t count, bool backwards) {
    VALUES came = NAME(get)(from, count);
    return backwards ? LANES_BACKWARDS(COUNT, came) : came;
}

INLINE void NAME(step)(ELEMENT *to, const ELEMENT *from, int64_t count, CARRY *carry, scan_way way) {
    VALUES came = NAME(came)(from, count, way.backwards);
    VALUES v = NAME(prefix)(came), all = QUICK_FOLD(SPREAD(*carry), v),
           out = NAME(behind)(v, all, *carry, way.exclusive);
    if (__builtin_expect(LEAVES_RANGE(STATE_OF(*carry), came, v, all), false)) {
        CARRY running = *carry; /* whose address may be known, so that the loop's stays in a register */
        out = NAME(one_by_one)(came, &running, way.exclusive);
        *carry = running;
    } else {
        *carry = GO_ON(*carry, v);
    }
    NAME(put)(to, way.backwards ? LANES_BACKWARDS(COUNT, out) : out, count, way.past);
}

#ifdef SPOIL
/* Several vectors with one test for all of them; false, and nothing done, where each needs its own. */
INLINE bool NAME(steps)(ELEMENT *to, const ELEMENT *from, CARRY *carry, scan_way way) {
    VALUES out[GROUP], sound = {0};
    CARRY running = *carry;
    UNROLL(GROUP)
    for (int k = 0; k < GROUP; k++) {
        int at = way.backwards ? GROUP - 1 - k : k;
        VALUES v = NAME(prefix)(NAME(came)(from + at * COUNT, COUNT, way.backwards)), all = FOLD(SPREAD(running), v);
        out[at] = NAME(behind)(v, all, running, way.exclusive);
        sound = SPOIL(sound, v, all);
        running = GO_ON(running, v);
    }
    if (__builtin_expect(NOT_FINITE(sound), false)) return false;
    UNROLL(GROUP)
    for (int k = 0; k < GROUP; k++)
        NAME(put)(to + k * COUNT, way.backwards ? LANES_BACKWARDS(COUNT, out[k]) : out[k], COUNT, way.past);
    *carry = running;
    return true;
}
#endif

#ifdef IN_TWOS
/* Two vectors, of which each lane has an element and the next one: their prefix takes as many instructions as one
   vector's. What leaves the range goes a vector at a time. */
INLINE void NAME(step_two)(ELEMENT *to, const ELEMENT *from, CARRY *carry, scan_way way) {
    VALUES first = IN_TWOS(from, 0), second = IN_TWOS(from, 1), come = first;
    if (way.backwards) first = LANES_BACKWARDS(COUNT, second), second = LANES_BACKWARDS(COUNT, come);
    VALUES both = QUICK_FOLD(first, second), v = NAME(prefix)(both), running = SPREAD(*carry);
    VALUES before = QUICK_FOLD(running, LANES_UP(COUNT, 1, NAME(all)(FIRST), v));
    VALUES middle = QUICK_FOLD(before, first), all = QUICK_FOLD(running, v);
    bool leaves = LEAVES_RANGE(STATE_OF(*carry), first, v, all);
    if (__builtin_expect(leaves || LEAVES_RANGE(STATE_OF(*carry), second, v, middle), false)) {
        int64_t later = way.backwards ? 0 : COUNT;
        NAME(step)(to + COUNT - later, from + COUNT - later, COUNT, carry, way);
        NAME(step)(to + later, from + later, COUNT, carry, way);
        return;
    }
    *carry = GO_ON(*carry, v);
    if (way.exclusive) all = middle, middle = before;
    vu32 elements =
        way.backwards ? JOIN_TWOS(LANES_BACKWARDS(COUNT, all), LANES_BACKWARDS(COUNT, middle)) : JOIN_TWOS(middle, all);
    if (way.past)
        stream_f32(to, (vf32)elements);
    else
        memcpy(to, &elements, sizeof elements);
}
#endif

static void NAME(line)(void *to, const void *from, int64_t count, scan_state *state, scan_way way) {
    ELEMENT *out = to;
    const ELEMENT *in = from;
    STATE running;
    memcpy(&running, state, sizeof running);
    CARRY carry = CARRY_OF(running);
    int64_t i = 0, next = way.backwards ? -AHEAD : AHEAD, ahead = way.ahead ? way.ahead * (int64_t)sizeof *in : next;
#ifdef IN_TWOS
    for (; i + 2 * COUNT <= count; i += 2 * COUNT) {
        int64_t at = way.backwards ? count - 2 * COUNT - i : i;
        PREFETCH((const char *)(in + at) + ahead);
        NAME(step_two)(out + at, in + at, &carry, way);
    }
#endif
    for (; i + COUNT <= count; i += COUNT) {
#ifdef SPOIL
        int64_t all = GROUP * COUNT, first = way.backwards ? count - all - i : i;
        while (i + all <= count && NAME(steps)(out + first, in + first, &carry, way)) {
            i += all, first += way.backwards ? -all : all;
            PREFETCH((const char *)(in + first) + ahead);
        }
        if (i + COUNT > count) break;
#endif
        int64_t at = way.backwards ? count - COUNT - i : i;
        PREFETCH((const char *)(in + at) + ahead);
        NAME(step)(out + at, in + at, COUNT, &carry, way);
    }
    int64_t at = way.backwards ? 0 : i;
    if (i < count) NAME(step)(out + at, in + at, count - i, &carry, way);
    running = STATE_OF(carry);
    memcpy(state, &running, sizeof running);
}

static bool NAME(join)(scan_state *state, const scan_state *more) {
    STATE a, b;
    memcpy(&a, state, sizeof a), memcpy(&b, more, sizeof b);
    if (IN_DOUBT(a, b)) return false;
    a = JOINED(a, b);
    memcpy(state, &a, sizeof a);
    return true;
}

static __attribute__((noinline)) STATE NAME(total_one_by_one)(const ELEMENT *from, int64_t count) {
    CARRY carry = CARRY_OF(FIRST);
    for (int64_t i = 0; i < count; i += COUNT) NAME(one_by_one)(NAME(get)(from + i, count - i), &carry, false);
    return STATE_OF(carry);
}

/* Four sums side by side. */
static void NAME(total)(const void *from, int64_t count, scan_state *state) {
    const ELEMENT *in = from;
    VALUES sums[4];
    int64_t i = 0;
    for (int j = 0; j < 4; j++) sums[j] = NAME(all)(FIRST);
    for (; i + 4 * COUNT <= count; i += 4 * COUNT) {
        PREFETCH((const char *)(in + i) + AHEAD);
        UNROLL(4)
        for (int j = 0; j < 4; j++) sums[j] = FOLD(sums[j], NAME(get)(in + i + j * COUNT, COUNT));
    }
    for (; i + COUNT <= count; i += COUNT) sums[0] = FOLD(sums[0], NAME(get)(in + i, COUNT));
    if (i < count) sums[0] = FOLD(sums[0], NAME(get)(in + i, count - i));
    VALUES came = FOLD(FOLD(sums[0], sums[1]), FOLD(sums[2], sums[3])), all = NAME(prefix)(came);
    STATE last = TOTAL_LEAVES(came, all) ? NAME(total_one_by_one)(in, count) : (STATE)all[COUNT - 1];
    STATE before;
    memcpy(&before, state, sizeof before);
    last = JOINED(before, last);
    memcpy(state, &last, sizeof last);
}

typedef COLUMN NAME(columns) __attribute__((vector_size(COUNT * sizeof(COLUMN))));

static void NAME(start_columns)(scan_states *states, int64_t count) {
    NAME(columns) first = (COLUMN)FIRST - (NAME(columns)){0};
    for (int64_t i = 0; i < count; i += COUNT)
        memcpy(states->values + i * (int64_t)sizeof(COLUMN), &first, sizeof first);
}

INLINE void NAME(row_step)(ELEMENT *to, const ELEMENT *from, int64_t count, char *running, scan_way way) {
    NAME(columns) before, after;
    memcpy(&before, running, sizeof before);
    after = FOLD(before, __builtin_convertvector(NAME(get)(from, count), NAME(columns)));
    memcpy(running, &after, sizeof after);
    NAME(put)(to, __builtin_convertvector(way.exclusive ? before : after, VALUES), count, way.past);
}

static void NAME(row)(void *to, const void *from, int64_t count, scan_states *states, scan_way way) {
    ELEMENT *out = to;
    const ELEMENT *in = from;
    int64_t i = 0, bytes = sizeof(COLUMN);
    for (; i + COUNT <= count; i += COUNT) {
        PREFETCH(in + i + way.ahead);
        NAME(row_step)(out + i, in + i, COUNT, states->values + i * bytes, way);
    }
    if (i < count) NAME(row_step)(out + i, in + i, count - i, states->values + i * bytes, way);
}

static const scan_loops NAME(loops) = {NAME(start), NAME(line),          NAME(total),
                                       NAME(join),  NAME(start_columns), NAME(row)};

#undef STATE
#undef CARRY
#undef CARRY_OF
#undef STATE_OF
#undef SPREAD
#undef GO_ON
#undef JOINED
#undef LEAVES_RANGE
#undef TOTAL_LEAVES
#undef QUICK_FOLD
#undef SPOIL
#undef IN_DOUBT
#undef COLUMN
