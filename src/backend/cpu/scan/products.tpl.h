/* Running products of one type: TYPE(f) is f with its name; the rest as in running.tpl.h, but for MASK. IN_DOUBLE if
   VALUE is double. */
#ifdef IN_DOUBLE
/* 2^50 to the power of eight lanes, times 2^600, is below 2^1024, as is 2^16 to that of a group, times 2^500. */
#define LEAVES_RANGE(s, came, v, all) (is_extreme(s, 0x1p600) || any_f64(far_lanes(came, 0x1p50)))
#define IN_GROUPS(s)                  !is_extreme(s, 0x1p500)
#define TAKE(range, came, all)        range_of_sizes(range, came)
#define HOLDS(range, s)               are_near(range, s)
#define SIZE(x)                       at_least_f64(abs_f64(x), splat_f64(1))
#define BOUND(before, total, size)    bound_product(before, total, size)
#define IN_DOUBT(s, own, total)       is_product_in_doubt(s, total)
#endif
#define NAME(f)    TYPE(prod_##f)
#define FIRST      1
#define FOLD(a, b) ((a) * (b))
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD
