/* Running extremes of one type: TYPE(f) is f with its name, LEAST and MOST what has run before the first element, MASK
   what comparing VALUES gives; the rest as in running.tpl.h. Of equal ones the first stays, and of NaNs. */
#define PICK(first, a, b) ((VALUES)(((first) & (MASK)(a)) | (~(first) & (MASK)(b))))

#define NAME(f)    TYPE(max_##f)
#define FIRST      LEAST
#define FOLD(a, b) PICK((MASK)((a) >= (b)) | (MASK)((a) != (a)), a, b)
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD

#define NAME(f)    TYPE(min_##f)
#define FIRST      MOST
#define FOLD(a, b) PICK((MASK)((a) <= (b)) | (MASK)((a) != (a)), a, b)
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD
#undef PICK
