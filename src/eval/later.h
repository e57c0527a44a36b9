/* Calls of compiled functions that an evaluation came to (later.c). */
#ifndef EVAL_LATER_H
#define EVAL_LATER_H

#include "base/vector.h"
#include "core/array.h"

/* Inputs before readers; their nodes are held. */
typedef VECTOR(node *) later_calls;

/* Runs them and lets go of them. False with the error set; what ran before that has run. */
bool later_run_all(later_calls *calls);

#endif
