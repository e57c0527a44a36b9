#include "base/hard.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

bool hard_mode(void) {
    static _Atomic int known; /* 0: not asked yet, 1: off, 2: on */
    if (!atomic_load(&known)) {
        const char *wish = getenv("TARN_HARD");
        atomic_store(&known, wish && strcmp(wish, "0") != 0 ? 2 : 1);
    }
    return atomic_load(&known) == 2;
}
