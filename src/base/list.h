/* Lists of numbers that a public function is given. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "tarn/error.h"
#include "tarn/options.h"

/* They may be absent or empty, but neither at NULL nor of negative length: "vmap: in_axes is a list of 2 entries at
 * NULL". */
static inline bool list_check(const char *what, tarn_ints list) {
    return (list.count >= 0 && (list.count == 0 || list.values)) ||
           tarn_fail("%s is a list of %lld entries%s", what, (long long)list.count, list.values ? "" : " at NULL");
}

#endif
