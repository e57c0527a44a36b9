/* Custom functions, shared by their files: custom.c makes and calls them and has their gradients and tangents,
   custom_batch.c their batches, checkpoint.c a function whose gradient computes it again. */
#ifndef TRANSFORM_CUSTOM_H
#define TRANSFORM_CUSTOM_H

#include <stdatomic.h>

#include "core/contexts.h"
#include "core/release.h"
#include "transform/transform.h"

struct tarn_custom_function {
    release_note note;      /* of `release`; first */
    atomic_int references;  /* the caller's and one for each node */
    context_count seen;     /* of these, by a visit */
    tarn_function function; /* its context is what `release` gives back */
    tarn_callback vjp, jvp;
    tarn_batch_callback vmap;
    bool constants; /* what is captured has the gradient zero */
    void *context;  /* of the rules */
    void (*release)(void *context);
    struct tarn_custom_function *original; /* of a batching: what it holds in place of a context of the user's */
    int arguments;                         /* of a checkpoint, which is called once */
};

/* tarn_custom_call; `what` begins the messages. */
tarn_results *custom_call(const char *what, tarn_custom_function *c, tarn_array *const *inputs, int count);
/* One with a reference of the caller's. */
tarn_custom_function *custom_new(tarn_function function, void (*release)(void *context));
void custom_retain(tarn_custom_function *c);
void custom_release(tarn_custom_function *c);

static inline tarn_custom_function *custom_of(const node *n) {
    return ((const attributes_custom *)n->attributes)->function.object;
}
/* The inputs of a custom node are its arguments, from here on the function's outputs, and from there on what it
 * captured. */
static inline int custom_arguments(const node *n) {
    return (int)((const attributes_custom *)n->attributes)->arguments;
}
static inline int custom_captured(const node *n) {
    return custom_arguments(n) + n->output_count;
}
/* `reached` of the captured inputs, the first ones, let gradients through. */
node *custom_node(tarn_custom_function *c, tarn_array *const *inputs, int count, int arguments, int outputs,
                  int reached);
bool vmap_custom(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes);
/* The error that input i, captured, is on the way that a rule cuts. */
bool custom_fail_captured(const node *n, const char *what, int i);

#endif
