/* Scopes: who holds what, and for how long; and traces. All state here belongs to the calling thread. */
#ifndef CORE_SCOPE_H
#define CORE_SCOPE_H

#include "core/array.h"
#include "tarn/transform.h"

/* Whether a scope is open; if not, sets the error that names `what`. */
bool scope_check_open(const char *what);
/* The innermost scope holds every output of n, which is new: nobody else knows it. The caller's hold is taken over. */
bool scope_register(node *n);
bool scope_hold(tarn_array *a); /* on one array */
/* The innermost scope frees the list at its end. */
bool scope_own(tarn_results *list);

/* A trace remembers the nodes that were built, by this thread, on its arguments; as long as it lasts they keep their
 * inputs. Traces nest.
 */
typedef struct trace trace;
trace *trace_begin(void);
/* Marks a (usually an argument, or a fresh alias of a value) as one on which traced nodes are built. */
bool trace_mark(trace *t, tarn_array *a);
/* The function that is traced asked for sizes of a: what it builds may hold them. */
void trace_note_sizes(const tarn_array *a);
/* Whether what was built may hold sizes that were worked out: it asked for some, or traces were begun within. */
bool trace_holds_sizes(const trace *t);
bool trace_is_active(void);              /* a trace of this thread lasts */
bool trace_reaches(const tarn_array *a); /* a depends on a marked array of some trace that lasts */
/* Whether a keep or a scope holds an array that no trace has made: it outlives the function that reads it. */
static inline bool array_is_captured(const tarn_array *a) {
    return !atomic_load(&a->node->traced) && (atomic_load(&a->keeps) || atomic_load(&a->scopes));
}
/* Called by build for each new node. */
bool trace_register(node *n);
void trace_end(trace *t);
/* Nothing is traced between the two: lowering builds nodes that no transform shall see. */
trace *trace_suspend(void);
void trace_resume(trace *t);

#endif
