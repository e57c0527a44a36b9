/* clang-format off */
/* Loops of one running value (scan.h). The file that includes this defines

     NAME(f)            f with the name of the kind and the type
     ELEMENT, ELEMENTS  an element, and COUNT of them
     VALUE, VALUES      what runs, and COUNT of those
     WIDEN(e), NARROW(v)   ELEMENTS as VALUES, and back
     STREAM(to, e)      ELEMENTS past the caches
     FIRST              what has run before the first element
     FOLD(a, b)         VALUES of a and then b

   and, if need be,

     ONE_MORE(s, x)     FOLD of the state s and an element, by itself
     CARRIED            the type in which what runs goes from one vector to the next, wider than VALUE
     LEAVES_RANGE(s, came, v, all)   whether VALUES v, what runs in a vector `came` alone, or `all`, the same behind the
                        state s, may not be what comes of them one by one, in STATE
     QUICK_FOLD(a, b)   FOLD, but not in a vector of which LEAVES_RANGE is true
     IN_TWOS(x, j), JOIN_TWOS(a, b)   of two vectors from x on the even (j = 0) and the odd elements (j = 1) as VALUES,
                        and the elements of such VALUES as a TWO, which STREAM_TWO(to, e) sends past the caches
     IN_GROUPS(s)       whether groups of vectors behind the state s are worth trying
     TAKE(range, came, all), HOLDS(range, s)   the first takes a vector into a group_range, then the second tells
                        whether LEAVES_RANGE is false of all that were taken behind s
     TOTAL_LEAVES(came, all)   LEAVES_RANGE of `came`, what many vectors side by side come to, and what runs in it
     IN_DOUBT(s, own, total)   whether s, and then what comes to `own` alone, of which scan_state `total` knows more,
                        may not be what comes of s one by one
     SIZE(x)            VALUES of which what runs in VALUES x, in any order, is no larger
     BOUND(before, own, total, size)   takes what comes of SIZE of elements, which come to `own`, into the scan_state
                        `total`, which has them and had come to `before` without them

   and undefines NAME, FIRST, FOLD and what is the type's after it; what is of a kind alone is undefined here:
   ONE_MORE, LEAVES_RANGE, TOTAL_LEAVES, QUICK_FOLD, IN_GROUPS, TAKE, HOLDS, IN_DOUBT, SIZE and BOUND. */
/* clang-format on */

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

#ifndef ONE_MORE
#define ONE_MORE(s, x) JOINED(s, x)
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
#define IN_DOUBT(s, own, total) ((void)(s), (void)(own), (void)(total), false)
#endif
#ifdef IN_TWOS
#define AT_ONCE 2
#else
#define AT_ONCE 1
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
    memset(state, 0, sizeof *state);
    memcpy(state, &first, sizeof first);
}

/* A vector's elements in their order, each on the state of the one before: out of the way of vectors in range. */
static __attribute__((noinline)) VALUES NAME(one_by_one)(VALUES v, CARRY *carry, bool exclusive) {
    VALUE elements[COUNT], out[COUNT];
    STATE running = STATE_OF(*carry);
    memcpy(elements, &v, sizeof v);
    for (int i = 0; i < COUNT; i++) {
        STATE before = running;
        running = ONE_MORE(before, (STATE)elements[i]);
        out[i] = (VALUE)(exclusive ? before : running);
    }
    *carry = CARRY_OF(running);
    memcpy(&v, out, sizeof v);
    return v;
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

#ifdef IN_TWOS
/* What stands behind each element of two vectors `first` and `second`, which have the even and the odd ones, what
   stands before the first, and what runs in both alone: their prefix takes as many instructions as one vector's. */
typedef struct {
    VALUES before, middle, all, alone;
} NAME(two);

INLINE NAME(two) NAME(behind_two)(VALUES first, VALUES second, CARRY carry) {
    VALUES v = NAME(prefix)(QUICK_FOLD(first, second)), running = SPREAD(carry);
    NAME(two)
    two = {.before = QUICK_FOLD(running, LANES_UP(COUNT, 1, NAME(all)(FIRST), v)),
           .all = QUICK_FOLD(running, v),
           .alone = v};
    two.middle = QUICK_FOLD(two.before, first);
    return two;
}

/* The first (0) or the second vector of two. */
INLINE VALUES NAME(came_of_two)(const ELEMENT *from, int j, bool backwards) {
    return backwards ? LANES_BACKWARDS(COUNT, IN_TWOS(from, 1 - j)) : IN_TWOS(from, j);
}

INLINE void NAME(put_two)(ELEMENT *to, VALUES first, VALUES second, scan_way way) {
    TWO elements = way.backwards ? JOIN_TWOS(LANES_BACKWARDS(COUNT, second), LANES_BACKWARDS(COUNT, first))
                                 : JOIN_TWOS(first, second);
    if (way.past)
        STREAM_TWO(to, elements);
    else
        memcpy(to, &elements, sizeof elements);
}

/* Two vectors; what leaves the range goes a vector at a time. */
INLINE void NAME(step_two)(ELEMENT *to, const ELEMENT *from, CARRY *carry, scan_way way) {
    VALUES first = NAME(came_of_two)(from, 0, way.backwards), second = NAME(came_of_two)(from, 1, way.backwards);
    NAME(two) two = NAME(behind_two)(first, second, *carry);
    if (__builtin_expect(LEAVES_RANGE(STATE_OF(*carry), first, two.alone, two.all) ||
                             LEAVES_RANGE(STATE_OF(*carry), second, two.alone, two.middle),
                         false)) {
        int64_t later = way.backwards ? 0 : COUNT;
        NAME(step)(to + COUNT - later, from + COUNT - later, COUNT, carry, way);
        NAME(step)(to + later, from + later, COUNT, carry, way);
        return;
    }
    *carry = GO_ON(*carry, two.alone);
    NAME(put_two)(to, way.exclusive ? two.before : two.middle, way.exclusive ? two.middle : two.all, way);
}
#endif

/* Where the k-th vector of a group stands, of those that go together the first in memory. */
INLINE int64_t NAME(place)(int k, scan_way way) {
    return (way.backwards ? GROUP - AT_ONCE - k : k) * COUNT;
}

#ifdef IN_GROUPS
/* What stands behind AT_ONCE vectors that are taken into a range. */
INLINE void NAME(take)(VALUES *out, const ELEMENT *from, CARRY *running, group_range *range, scan_way way) {
#ifdef IN_TWOS
    VALUES first = NAME(came_of_two)(from, 0, way.backwards), second = NAME(came_of_two)(from, 1, way.backwards);
    NAME(two) two = NAME(behind_two)(first, second, *running);
    TAKE(range, first, two.middle), TAKE(range, second, two.all);
    out[0] = way.exclusive ? two.before : two.middle, out[1] = way.exclusive ? two.middle : two.all;
    *running = GO_ON(*running, two.alone);
#else
    VALUES came = NAME(came)(from, COUNT, way.backwards), v = NAME(prefix)(came), all = FOLD(SPREAD(*running), v);
    TAKE(range, came, all);
    out[0] = NAME(behind)(v, all, *running, way.exclusive);
    *running = GO_ON(*running, v);
#endif
}

INLINE void NAME(put_some)(ELEMENT *to, const VALUES *out, scan_way way) {
#ifdef IN_TWOS
    NAME(put_two)(to, out[0], out[1], way);
#else
    NAME(put)(to, way.backwards ? LANES_BACKWARDS(COUNT, out[0]) : out[0], COUNT, way.past);
#endif
}

/* Several vectors with one test for all of them; false, and nothing done, where each needs its own. */
INLINE bool NAME(steps)(ELEMENT *to, const ELEMENT *from, CARRY *carry, scan_way way) {
    VALUES out[GROUP];
    group_range range = {NAME(all)(FIRST), NAME(all)(FIRST)};
    CARRY running = *carry;
    UNROLL(GROUP)
    for (int k = 0; k < GROUP; k += AT_ONCE) NAME(take)(out + k, from + NAME(place)(k, way), &running, &range, way);
    if (__builtin_expect(!HOLDS(&range, STATE_OF(*carry)), false)) return false;
    UNROLL(GROUP)
    for (int k = 0; k < GROUP; k += AT_ONCE) NAME(put_some)(to + NAME(place)(k, way), out + k, way);
    *carry = running;
    return true;
}
#endif

/* As many vectors as go together. */
INLINE void NAME(step_some)(ELEMENT *to, const ELEMENT *from, CARRY *carry, scan_way way) {
#ifdef IN_TWOS
    NAME(step_two)(to, from, carry, way);
#else
    NAME(step)(to, from, COUNT, carry, way);
#endif
}

/* The next GROUP vectors, with a test for each of them where one for all does not do. */
INLINE void NAME(group)(ELEMENT *to, const ELEMENT *from, CARRY *carry, scan_way way) {
#ifdef IN_GROUPS
    if (IN_GROUPS(STATE_OF(*carry)) && NAME(steps)(to, from, carry, way)) return;
#endif
    UNROLL(GROUP)
    for (int k = 0; k < GROUP; k += AT_ONCE)
        NAME(step_some)(to + NAME(place)(k, way), from + NAME(place)(k, way), carry, way);
}

/* Elements of a line from the i-th on, fewer than a group. */
INLINE void NAME(rest)(ELEMENT *to, const ELEMENT *from, int64_t count, int64_t i, CARRY *carry, scan_way way) {
    for (; i + AT_ONCE * COUNT <= count; i += AT_ONCE * COUNT) {
        int64_t at = next_place(count, i, AT_ONCE * COUNT, way.backwards);
        NAME(step_some)(to + at, from + at, carry, way);
    }
    for (int64_t some; i < count; i += some) {
        some = count - i < COUNT ? count - i : COUNT;
        int64_t at = next_place(count, i, some, way.backwards);
        NAME(step)(to + at, from + at, some, carry, way);
    }
}

/* ---- what elements come to */

static __attribute__((noinline)) STATE NAME(total_one_by_one)(const ELEMENT *from, int64_t count) {
    CARRY carry = CARRY_OF(FIRST);
    for (int64_t i = 0; i < count; i += COUNT) NAME(one_by_one)(NAME(get)(from + i, count - i), &carry, false);
    return STATE_OF(carry);
}

/* Of each of the vectors of a group. */
typedef struct {
    VALUES own[GROUP];
#ifdef SIZE
    VALUES size[GROUP];
#endif
} NAME(sides);

INLINE void NAME(sides_start)(NAME(sides) * s) {
    for (int j = 0; j < GROUP; j++) {
        s->own[j] = NAME(all)(FIRST);
#ifdef SIZE
        s->size[j] = NAME(all)(FIRST);
#endif
    }
}

INLINE void NAME(side_in)(NAME(sides) * s, int j, VALUES came) {
    s->own[j] = FOLD(s->own[j], came);
#ifdef SIZE
    s->size[j] = FOLD(s->size[j], SIZE(came));
#endif
}

INLINE void NAME(sides_in)(NAME(sides) * s, const ELEMENT *from) {
    UNROLL(GROUP)
    for (int j = 0; j < GROUP; j++) NAME(side_in)(s, j, NAME(get)(from + j * COUNT, COUNT));
}

INLINE VALUES NAME(sides_folded)(const VALUES side[GROUP]) {
    return FOLD(FOLD(side[0], side[1]), FOLD(side[2], side[3]));
}

/* `state` behind all of `count` elements of which the groups are in s. */
static __attribute__((noinline)) void NAME(sides_end)(NAME(sides) * s, const ELEMENT *from, int64_t count,
                                                      scan_state *state, bool backwards) {
    for (int64_t i = count - count % (GROUP * COUNT), some; i < count; i += some) {
        some = count - i < COUNT ? count - i : COUNT;
        NAME(side_in)(s, 0, NAME(get)(from + next_place(count, i, some, backwards), some));
    }
    VALUES came = NAME(sides_folded)(s->own), all = NAME(prefix)(came);
    STATE last = TOTAL_LEAVES(came, all) ? NAME(total_one_by_one)(from, count) : (STATE)all[COUNT - 1], before;
    memcpy(&before, state, sizeof before);
    const STATE joined = JOINED(before, last);
    memcpy(state, &joined, sizeof joined);
#ifdef SIZE
    BOUND(before, last, state, NAME(prefix)(NAME(sides_folded)(s->size))[COUNT - 1]);
#endif
}

static void NAME(total)(const void *from, int64_t count, scan_state *state, bool backwards) {
    const int64_t group = GROUP * COUNT;
    NAME(sides) sides;
    NAME(sides_start)(&sides);
    for (int64_t i = 0; i + group <= count; i += group) {
        const ELEMENT *in = (const ELEMENT *)from + next_place(count, i, group, backwards);
        fetch((const char *)in + (backwards ? -AHEAD : AHEAD), group * (int64_t)sizeof *in);
        NAME(sides_in)(&sides, in);
    }
    NAME(sides_end)(&sides, from, count, state, backwards);
}

/* ---- lines */

/* A line and, unless `next` is NULL, the total of as many elements from `next` on. */
INLINE void NAME(run)(ELEMENT *to, const ELEMENT *from, int64_t count, scan_state *state, scan_way way,
                      const ELEMENT *next, scan_state *total) {
    const int64_t group = GROUP * COUNT;
    NAME(sides) sides;
    STATE running;
    memcpy(&running, state, sizeof running);
    CARRY carry = CARRY_OF(running);
    if (next) NAME(sides_start)(&sides);
    for (int64_t i = 0; i + group <= count; i += group) {
        int64_t at = next_place(count, i, group, way.backwards);
        fetch(from + at + way.ahead, group * (int64_t)sizeof *from);
        if (next) NAME(sides_in)(&sides, next + at);
        NAME(group)(to + at, from + at, &carry, way);
    }
    NAME(rest)(to, from, count, count - count % group, &carry, way);
    if (next) NAME(sides_end)(&sides, next, count, total, way.backwards);
    running = STATE_OF(carry);
    memcpy(state, &running, sizeof running);
}

/* The loop that most lines take knows the way. */
INLINE void NAME(run_way)(ELEMENT *to, const ELEMENT *from, int64_t count, scan_state *state, scan_way way,
                          const ELEMENT *next, scan_state *total) {
    if (!way.ahead) way.ahead = (way.backwards ? -AHEAD : AHEAD) / (int64_t)sizeof(ELEMENT);
    if (way.exclusive || way.backwards)
        NAME(run)(to, from, count, state, way, next, total);
    else
        NAME(run)(to, from, count, state, (scan_way){.past = way.past, .ahead = way.ahead}, next, total);
}

static void NAME(line)(void *to, const void *from, int64_t count, scan_state *state, scan_way way) {
    NAME(run_way)(to, from, count, state, way, NULL, NULL);
}

static void NAME(line_and_total)(void *to, const void *from, int64_t count, scan_state *state, scan_way way,
                                 const void *next, scan_state *total) {
    NAME(run_way)(to, from, count, state, way, next, total);
}

static bool NAME(join)(scan_state *state, const scan_state *more) {
    STATE a, b;
    memcpy(&a, state, sizeof a), memcpy(&b, more, sizeof b);
    if (IN_DOUBT(a, b, more)) return false;
    a = JOINED(a, b);
    memcpy(state, &a, sizeof a);
    return true;
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

static const scan_loops NAME(loops) = {NAME(start), NAME(line),          NAME(total), NAME(line_and_total),
                                       NAME(join),  NAME(start_columns), NAME(row)};

#undef STATE
#undef CARRY
#undef CARRY_OF
#undef STATE_OF
#undef SPREAD
#undef GO_ON
#undef JOINED
#undef ONE_MORE
#undef LEAVES_RANGE
#undef TOTAL_LEAVES
#undef QUICK_FOLD
#undef TAKE
#undef HOLDS
#undef IN_GROUPS
#undef IN_DOUBT
#undef SIZE
#undef BOUND
#undef COLUMN
#undef AT_ONCE
