/* The folds of one dtype: TYPE(f) is f with its name, LEAST and MOST the ends of its range, PLACES a vector of integers
   as wide as VALUES, of VALUE_PLACE each; the rest as in loops.tpl.h. It undefines TYPE, WIDEN, ELEMENT, LEAST and
   MOST.
 */
#define NAME(f)    TYPE(sum_##f)
#define FIRST      0
#define FOLD(a, b) ((a) + (b))
#include "cpu/reduce/loops.tpl.h"
static const fold_loops NAME(loops) = {NAME(run), NAME(columns), NULL};
#undef NAME
#undef FIRST
#undef FOLD

#define NAME(f)    TYPE(prod_##f)
#define FIRST      1
#define FOLD(a, b) ((a) * (b))
#include "cpu/reduce/loops.tpl.h"
static const fold_loops NAME(loops) = {NAME(run), NAME(columns), NULL};
#undef NAME
#undef FIRST
#undef FOLD

#define NAME(f)      TYPE(max_##f)
#define FIRST        LEAST
#define BETTER(a, b) ((PLACES)((a) == (a)) & ~(PLACES)((b) <= (a)))
#include "cpu/reduce/extremes.tpl.h"
#undef NAME
#undef FIRST
#undef BETTER

#define NAME(f)      TYPE(min_##f)
#define FIRST        MOST
#define BETTER(a, b) ((PLACES)((a) == (a)) & ~(PLACES)((b) >= (a)))
#include "cpu/reduce/extremes.tpl.h"
#undef NAME
#undef FIRST
#undef BETTER
#undef TYPE
#undef WIDEN
#undef ELEMENT
#undef LEAST
#undef MOST
