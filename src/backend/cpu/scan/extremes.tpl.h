/* Running extremes of one type: TYPE(f) is f with its name, LEAST and MOST what has run before the first element, MASK
   what comparing VALUES gives; AT_LEAST and AT_MOST (of floats) functions of simd.h and ANY_NAN one that finds NaNs;
   the rest as in running.tpl.h. Of equal ones the first stays, and of NaNs, which AT_LEAST and AT_MOST do not take:
   which of a chunk's zeros came first its total does not know. */
#define PICK(first, a, b) ((VALUES)(((first) & (MASK)(a)) | (~(first) & (MASK)(b))))

#define NAME(f)    TYPE(max_##f)
#define FIRST      LEAST
#define FOLD(a, b) PICK((MASK)((a) >= (b)) | (MASK)((a) != (a)), a, b)
#ifdef AT_LEAST
#define QUICK_FOLD(a, b)              AT_LEAST(a, b)
#define LEAVES_RANGE(s, came, v, all) ANY_NAN(came)
#define TOTAL_LEAVES(came, all)       ANY_NAN(came)
#define IN_DOUBT(s, own, total)       ((void)(total), (own) == 0 && (s) < 0)
#endif
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD

#define NAME(f)    TYPE(min_##f)
#define FIRST      MOST
#define FOLD(a, b) PICK((MASK)((a) <= (b)) | (MASK)((a) != (a)), a, b)
#ifdef AT_LEAST
#define QUICK_FOLD(a, b)              AT_MOST(a, b)
#define LEAVES_RANGE(s, came, v, all) ANY_NAN(came)
#define TOTAL_LEAVES(came, all)       ANY_NAN(came)
#define IN_DOUBT(s, own, total)       ((void)(total), (own) == 0 && (s) > 0)
#endif
#include "cpu/scan/running.tpl.h"
#undef NAME
#undef FIRST
#undef FOLD
#undef PICK
