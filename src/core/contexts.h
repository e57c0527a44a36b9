/* Finding what of the user's an array keeps alive and nobody else does (tarn_visit_contexts in array.h). */
#ifndef CORE_CONTEXTS_H
#define CORE_CONTEXTS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct context_visit context_visit;

/* Part of what nodes share: how many of its references a visit has come by. */
typedef struct {
    uint64_t epoch;
    int count;
} context_count;

/* Counts one more reference; whether these are all that there are. */
bool context_is_alone(context_count *seen, int references, const context_visit *v);
/* Hands a context to the user, unless he wants no more. */
void context_found(context_visit *v, void *context, void (*release)(void *context));

#endif
