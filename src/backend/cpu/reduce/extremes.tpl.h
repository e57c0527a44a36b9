/* The largest and the smallest of one dtype: BETTER(a, b) masks, as PLACES, the lanes where b takes the place of a. The
   rest as in loops.tpl.h, and TYPE(f), f with the dtype's name. */
#define PICK(take, a, b) ((VALUES)((~(take) & (PLACES)(a)) | ((take) & (PLACES)(b))))
#define FOLD(a, b)       PICK(BETTER(a, b), a, b)
#define IS_NAN(a)        ((a) != (a))
#include "cpu/reduce/loops.tpl.h"

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

static int64_t NAME(find)(const void *best, const void *from, int64_t count) {
    const ELEMENT *x = from;
    VALUE wanted;
    memcpy(&wanted, best, sizeof wanted);
    const VALUES w = (VALUES){0} + wanted;
    const PLACES nan = (PLACES)IS_NAN(w);
    for (int64_t i = 0; i < count; i += 4 * COUNT) {
        VALUES v[4];
        PLACES found = {0};
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            int64_t left = count - i - j * COUNT;
            v[j] = left > 0 ? NAME(get)(x + i + j * COUNT, left) : w;
            found |= (PLACES)(v[j] == w) | ((PLACES)IS_NAN(v[j]) & nan);
        }
        if (!ANY(found)) continue;
        for (int64_t k = i; k < i + 4 * COUNT && k < count; k++) {
            VALUE one = v[(k - i) / COUNT][(k - i) % COUNT];
            if (one == wanted || (IS_NAN(one) && IS_NAN(wanted))) return k;
        }
    }
    return -1;
}
static const fold_loops NAME(loops) = {
    .run = NAME(run), .columns = NAME(columns), .places = NAME(places), .find = NAME(find)};
#undef PICK
#undef FOLD
#undef IS_NAN
