/* Text as it is generated: held back while it could still become a stop string, and cut where one begins. */
#ifndef LM_STOPPER_H
#define LM_STOPPER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef struct {
    const char *const *stops;
    int count;
    text all;     /* everything so far */
    size_t shown; /* of it, certain and handed out */
    bool stopped; /* a stop string occurred; `all` ends before it */
} stopper;

bool stopper_check(const char *const *stops, int count);
/* Appends a piece; afterwards all.bytes[shown .. certain) may be shown. Call stopper_certain for that end. */
bool stopper_push(stopper *s, const char *piece, size_t length);
/* How much of `all` no later piece can change; all of it if `finished`. */
size_t stopper_certain(const stopper *s, bool finished);
void stopper_free(stopper *s);

#endif
