/* Lists of numbers that a public function is given. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "tarn/error.h"
#include "tarn/options.h"

/* They may be absent or empty, but neither at NULL nor of negative length: "vmap: in_axes is a list of 2 entries at
   NULL", or with the name "" of a function's only list "broadcast_shapes: a list of 2 entries at NULL". */
static inline bool list_check(const char *function, const char *name, tarn_ints list) {
    if (list.count >= 0 && (list.count == 0 || list.values)) return true;
    return tarn_fail("%s: %s%sa list of %lld entries%s", function, name, *name ? " is " : "", (long long)list.count,
                     list.values ? "" : " at NULL");
}

#endif
