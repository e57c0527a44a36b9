/* The largest and the smallest of one dtype: BETTER(a, b) masks, as PLACES, the lanes where b takes the place of a;
   CLOSER(a, b), where AT_LEAST is defined, does the same in one instruction, but never takes a NaN. The rest as in
   loops.tpl.h, and TYPE(f), f with the dtype's name. */
#define PICK(take, a, b) ((VALUES)((~(take) & (PLACES)(a)) | ((take) & (PLACES)(b))))
#define FOLD(a, b)       PICK(BETTER(a, b), a, b)
#define IS_NAN(a)        ((a) != (a))
#include "cpu/reduce/loops.tpl.h"

#ifdef AT_LEAST
/* In one instruction as long as no NaN comes, which the sum of all elements shows: false, with nothing done, if it is
   one. */
static bool NAME(run_numbers)(void *totals, const ELEMENT *x, int64_t count) {
    VALUES best[SIDE], sums[4] = {{0}};
    int64_t i = 0;
    memcpy(best, totals, sizeof best);
    for (; i + SIDE * COUNT <= count; i += SIDE * COUNT) {
        UNROLL(8)
        for (int j = 0; j < SIDE; j++) {
            if (j * (int)sizeof(ELEMENTS) % 64 == 0) PREFETCH((const char *)(x + i + j * COUNT) + AHEAD);
            VALUES v = NAME(side)(x + i, j);
            best[j] = CLOSER(best[j], v);
            sums[j % 4] += v;
        }
    }
    VALUES all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    if (ANY((PLACES)IS_NAN(all))) return false;
    memcpy(totals, best, sizeof best);
    NAME(run)(totals, x + i, count - i);
    return true;
}

static void NAME(run_ordered)(void *totals, const void *from, int64_t count) {
    const ELEMENT *x = from;
    for (int64_t at = 0; at < count; at += ORDERED) {
        int64_t some = count - at < ORDERED ? count - at : ORDERED;
        if (!NAME(run_numbers)(totals, x + at, some)) NAME(run)(totals, x + at, some);
    }
}

/* What has taken a row in takes it in again, with care, if it had a NaN. Of halves: where vectors are not widened, the
   comparisons are not what takes the time. */
static void NAME(columns_ordered)(void *totals, const void *from, int64_t count, int64_t ahead) {
    const ELEMENT *x = from;
    VALUES old, sum = {0};
    int64_t i = 0, bytes = sizeof(VALUE);
    for (; i + COUNT <= count; i += COUNT) {
        PREFETCH(x + i + ahead);
        VALUES v = NAME(get)(x + i, COUNT);
        memcpy(&old, (char *)totals + i * bytes, sizeof old);
        old = CLOSER(old, v);
        sum += v;
        memcpy((char *)totals + i * bytes, &old, sizeof old);
    }
    if (ANY((PLACES)IS_NAN(sum))) i = 0;
    NAME(columns)((char *)totals + i * bytes, x + i, count - i, ahead);
}
#define RUN     NAME(run_ordered)
#define COLUMNS (sizeof(ELEMENT) < sizeof(VALUE) ? NAME(columns_ordered) : NAME(columns))
#else
#define RUN     NAME(run)
#define COLUMNS NAME(columns)
#endif

INLINE void NAME(place_step)(char *best, char *places, const ELEMENT *x, int64_t count, PLACES here) {
    VALUES old, v = NAME(get)(x, count);
    PLACES at;
    memcpy(&old, best, sizeof old);
    memcpy(&at, places, sizeof at);
    PLACES take = BETTER(old, v);
    old = PICK(take, old, v);
    at = (~take & at) | (take & here);
    memcpy(best, &old, sizeof old);
    memcpy(places, &at, sizeof at);
}

static void NAME(places)(void *best, void *places, const void *from, int64_t count, int64_t ahead, int64_t place) {
    const ELEMENT *x = from;
    const PLACES here = (PLACES){0} + (VALUE_PLACE)place;
    int64_t i = 0, bytes = sizeof(VALUE);
    for (; i + COUNT <= count; i += COUNT) {
        PREFETCH(x + i + ahead);
        NAME(place_step)((char *)best + i * bytes, (char *)places + i * bytes, x + i, COUNT, here);
    }
    if (i < count) NAME(place_step)((char *)best + i * bytes, (char *)places + i * bytes, x + i, count - i, here);
}

/* The first of x[count] that equals `wanted`, or is a NaN if that is one. Meanwhile what comes behind is fetched: as
   far as folding has fetched, and further. */
INLINE int64_t NAME(find)(VALUE wanted, const ELEMENT *x, int64_t count) {
    const VALUES w = (VALUES){0} + wanted;
    int64_t i = 0;
    for (; i + COUNT <= count && !IS_NAN(wanted); i += COUNT) {
        PREFETCH((const char *)(x + count + i) + AHEAD);
        if (ANY((PLACES)(NAME(get)(x + i, COUNT) == w))) break;
    }
    for (; i < count; i++) {
        VALUE one = NAME(get)(x + i, 1)[0];
        if (one == wanted || (IS_NAN(one) && IS_NAN(wanted))) break;
    }
    return i;
}

INLINE VALUES NAME(folded)(const ELEMENT *x, int64_t count) {
    VALUES sides[SIDE];
    for (int j = 0; j < SIDE; j++) sides[j] = (VALUES){0} + (VALUE)FIRST;
    RUN(sides, x, count);
    return NAME(join_sides)(sides);
}

/* Blocks are folded and, where they have something better than those before, remembered: only the one that has the best
   is looked through. */
static int64_t NAME(place)(void *best, const void *from, int64_t count) {
    const ELEMENT *x = from;
    VALUE found = FIRST;
    int64_t block = 0;
    for (int64_t at = 0; at < count && !IS_NAN(found); at += PLACED) {
        VALUES v = NAME(folded)(x + at, count - at < PLACED ? count - at : PLACED);
        if (ANY(BETTER((VALUES){0} + found, v))) found = NAME(join_lanes)(v), block = at;
    }
    memcpy(best, &found, sizeof found);
    return block + NAME(find)(found, x + block, count - block);
}
static const fold_loops NAME(loops) = {
    .run = RUN, .join = NAME(join), .columns = COLUMNS, .places = NAME(places), .place = NAME(place)};
#undef RUN
#undef COLUMNS
#undef PICK
#undef FOLD
#undef IS_NAN
