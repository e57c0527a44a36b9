/* The largest and the smallest of one dtype: BETTER(a, b) masks, as PLACES, the lanes where b takes the place of a. The
   rest as in loops.tpl.h, and TYPE(f), f with the dtype's name. */
#define PICK(take, a, b) ((VALUES)((~(take) & (PLACES)(a)) | ((take) & (PLACES)(b))))
#define FOLD(a, b)       PICK(BETTER(a, b), a, b)
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
static const fold_loops NAME(loops) = {NAME(run), NAME(columns), NAME(places)};
#undef PICK
#undef FOLD
