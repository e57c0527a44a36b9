/* cpu_detect for processors other than x86. */
#if !defined(__x86_64__) && !defined(__i386__)
#include "base/cpu.h"

cpu_features cpu_detect(void) {
#ifdef __aarch64__
    return CPU_NEON; /* part of the architecture */
#else
    return 0;
#endif
}
#else
typedef int cpu_other_is_empty; /* a translation unit needs a declaration */
#endif
