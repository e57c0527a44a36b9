/* The folds of one dtype: TYPE(f) is f with its name, LEAST and MOST the ends of its range, PLACES a vector of integers
   as wide as VALUES, of VALUE_PLACE each, AT_LEAST and AT_MOST (of floats) functions of simd.h; the rest as in
   loops.tpl.h. It undefines TYPE, WIDEN, ELEMENT, LEAST and MOST.
 */
#define NAME(f)    TYPE(sum_##f)
#define FIRST      0
#define FOLD(a, b) ((a) + (b))
#include "cpu/reduce/loops.tpl.h"
INLINE void NAME(square_step)(char *total, const ELEMENT *x, const char *centre, int64_t count) {
    VALUES sum, middle, v = NAME(get)(x, count);
    memcpy(&sum, total, sizeof sum);
    memcpy(&middle, centre, sizeof middle);
    v -= middle;
    for (int64_t i = count; i < COUNT; i++) v[i] = 0;
    sum += v * v;
    memcpy(total, &sum, sizeof sum);
}

static void NAME(squares)(void *totals, const void *from, int64_t count, int64_t ahead, const void *centres) {
    const ELEMENT *x = from;
    const char *centre = centres;
    int64_t i = 0, bytes = sizeof(VALUE);
    for (; i + COUNT <= count; i += COUNT) {
        PREFETCH(x + i + ahead);
        NAME(square_step)((char *)totals + i * bytes, x + i, centre + i * bytes, COUNT);
    }
    if (i < count) NAME(square_step)((char *)totals + i * bytes, x + i, centre + i * bytes, count - i);
}
static const fold_loops NAME(loops) = {
    .run = NAME(run), .join = NAME(join), .columns = NAME(columns), .squares = NAME(squares)};
#undef NAME
#undef FIRST
#undef FOLD

#define NAME(f)    TYPE(prod_##f)
#define FIRST      1
#define FOLD(a, b) ((a) * (b))
#include "cpu/reduce/loops.tpl.h"
static const fold_loops NAME(loops) = {.run = NAME(run), .join = NAME(join), .columns = NAME(columns)};
#undef NAME
#undef FIRST
#undef FOLD

#define NAME(f)      TYPE(max_##f)
#define FIRST        LEAST
#define BETTER(a, b) ((PLACES)((a) == (a)) & ~(PLACES)((b) <= (a)))
#define CLOSER(a, b) AT_LEAST(a, b)
#include "cpu/reduce/extremes.tpl.h"
#undef NAME
#undef FIRST
#undef BETTER
#undef CLOSER

#define NAME(f)      TYPE(min_##f)
#define FIRST        MOST
#define BETTER(a, b) ((PLACES)((a) == (a)) & ~(PLACES)((b) >= (a)))
#define CLOSER(a, b) AT_MOST(a, b)
#include "cpu/reduce/extremes.tpl.h"
#undef NAME
#undef FIRST
#undef BETTER
#undef CLOSER
#undef TYPE
#undef WIDEN
#undef ELEMENT
#undef LEAST
#undef MOST
