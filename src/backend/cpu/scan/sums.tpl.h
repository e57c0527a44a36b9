/* Running sums of one type: TYPE(f) is f with its name; the rest as in running.tpl.h, but for MASK. */
#define NAME(f)    TYPE(sum_##f)
#define FIRST      0
#define FOLD(a, b) ((a) + (b))
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD
