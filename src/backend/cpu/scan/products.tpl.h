/* Running products of one type: TYPE(f) is f with its name; the rest as in running.tpl.h, but for MASK. IN_DOUBLE if
   VALUE is double. */
#ifdef IN_DOUBLE
#define LEAVES_RANGE(s, came, v, all) (is_extreme(s) || are_far(came))
#define SPOIL(sound, v, all)          ((vf64)((vi64)((sound) + 0 * (all)) | TOO_SMALL(v)))
#define IN_DOUBT(s, t)                is_product_in_doubt(s, t)
#endif
#define NAME(f)    TYPE(prod_##f)
#define FIRST      1
#define FOLD(a, b) ((a) * (b))
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD
