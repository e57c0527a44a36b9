/* Running products of one type: TYPE(f) is f with its name; the rest as in running.tpl.h, but for MASK. IN_DOUBLE if
   VALUE is double. */
#ifdef IN_DOUBLE
#define ONE_MORE(s, x)                  product_of(s, x)
#define LEAVES_RANGE(s, came, v, all)   any_f64(far_lanes(came, nearness(s, 2 * COUNT, 25)))
#define IN_GROUPS(s)                    (nearness(s, GROUP * COUNT, 16) > 16)
#define TAKE(range, came, all)          range_of_sizes(range, came)
#define HOLDS(range, s)                 are_near(range, s)
#define SIZE(x)                         at_least_f64(abs_f64(x), splat_f64(1))
#define BOUND(before, own, total, size) bound_product(before, own, total, size)
#define IN_DOUBT(s, own, total)         is_product_in_doubt(s, total)
#endif
#define NAME(f)    TYPE(prod_##f)
#define FIRST      1
#define FOLD(a, b) ((a) * (b))
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD
