/* In hard mode freed nodes wait a while before their memory goes, so that an array which is used after its last hold
   was given up is told by its node. Otherwise nothing is known of such an array, and nothing is asked. */
#ifndef CORE_QUARANTINE_H
#define CORE_QUARANTINE_H

#include "base/hard.h"
#include "core/array.h"

/* Frees a node's memory, now or, in hard mode, once some thousand others have come after it. */
void quarantine_free(node *n);
bool quarantine_check(const char *what, const tarn_array *a);

/* Fails, naming what is to be done with a, if a is known to be gone. */
static inline bool array_check_alive(const char *what, const tarn_array *a) {
    return !hard_mode() || quarantine_check(what, a);
}

/* What every function asks that is given arrays to look at: no error is set, the list is one, none of them is NULL or
 * known to be gone. */
bool arrays_check(const char *what, tarn_array *const *arrays, int count);

#endif
