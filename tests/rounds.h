/* How often tests repeat what they draw at random: TARN_ROUNDS per cent of the usual number, so that slow machines and
 * emulators finish. */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#include <stdlib.h>

static inline int rounds(int usual) {
    const char *given = getenv("TARN_ROUNDS");
    int percent = given ? atoi(given) : 100, some = (int)((long long)usual * percent / 100);
    return some > 0 ? some : 1;
}

#endif
