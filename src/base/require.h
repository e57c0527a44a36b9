/* Pointers that a public function must be given: `if (!REQUIRE(session)) return false;` fails with "tarn_session_step:
 * session is NULL". */
#ifndef BASE_REQUIRE_H
#define BASE_REQUIRE_H

#include <stddef.h>
#include <string.h>

#include "tarn/error.h"

#define REQUIRE(pointer) REQUIRE_AS(pointer, #pointer)
/* Where the header calls it otherwise. */
#define REQUIRE_AS(pointer, name) ((pointer) != NULL || require_fail(__func__, name))

/* A function with options is called by its name without "_with" (tarn/options.h). */
static inline bool require_fail(const char *function, const char *pointer) {
    size_t length = strlen(function);
    if (length > 5 && !strcmp(function + length - 5, "_with")) length -= 5;
    return tarn_fail("%.*s: %s is NULL", (int)length, function, pointer);
}

#endif
