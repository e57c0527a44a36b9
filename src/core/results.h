/* Lists of arrays: what callbacks hand out and transforms return. */
#ifndef CORE_RESULTS_H
#define CORE_RESULTS_H

#include "base/vector.h"
#include "core/array.h"
#include "core/release.h"
#include "tarn/transform.h"

/* Something of the user's that goes with what a function handed out: the lists and plans that have it hold a reference.
 */
typedef struct {
    release_note note; /* first */
    atomic_int references;
    void *data;
    void (*release)(void *data);
    uint64_t epoch; /* when it was last visited: a plan and the trace that it is made of have the same */
} attachment;
attachment *attachment_retain(attachment *a); /* NULL stays NULL */
void attachment_release(attachment *a);

/* While it is open a list has a hold of its own on each array, which a tarn_move does not give up; then the scope has
 * them. */
struct tarn_results {
    VECTOR(tarn_array *) arrays;
    bool open, optional; /* entries may be NULL, for zero */
    bool takes_state;    /* tarn_result_state is allowed */
    int states;          /* how many entries, the last ones, came with it */
    attachment *attached;
    const bool *wanted; /* of a rule for gradients: those that are asked for; NULL: another list */
    VECTOR(int) given;  /* indices of the entries that came with tarn_result_given */
};

/* An open list that goes with the innermost scope. */
tarn_results *results_new(void);
/* Room for so many arrays, with which results_fill cannot fail: the innermost scope holds them already, and the list is
 * complete. */
bool results_reserve(tarn_results *r, int count);
void results_fill(tarn_results *r, tarn_array *const *arrays, int count);
/* The innermost scope takes over the holds of a list from results_new, which it returns: or, if not `ok` or without
 * memory, NULL. */
tarn_results *results_close(tarn_results *r, bool ok);
/* Gives up the holds; for a list of the caller's own ({.open = true}), which is empty then. */
void results_clear(tarn_results *r);
void results_free(tarn_results *r); /* one from results_new; for scopes */

#endif
