/* A traced function as data of its own: what it computes, without the nodes of the trace. It can be written to a file,
   kept for other shapes, and built again over any inputs. */
#ifndef OPS_RECORDING_H
#define OPS_RECORDING_H

#include "ops/build.h"
#include "ops/trace_function.h"

/* Every value has a number: first the inputs, then the captured arrays, then the outputs of the steps in their order.
 */
typedef struct {
    op_id op;
    void *attributes;    /* its own copy */
    tarn_stream *stream; /* where it was said; NULL: the stream of who replays it */
    int input_count, output_count;
    size_t first_input; /* in `inputs` */
} recorded_step;

typedef struct {
    int input_count;
    VECTOR(tarn_array *) captured; /* held; perhaps not computed yet */
    VECTOR(recorded_step) steps;   /* inputs before their readers */
    VECTOR(int64_t) inputs;        /* of all steps, one after the other; -1: an optional one that is absent */
    VECTOR(int64_t) outputs;
    VECTOR(uint64_t)
    effects;                  /* of each step with an effect when it was made, before or after the others; none: in the
                                 order of the steps */
    VECTOR(array_type) types; /* of all values, as traced */
} recording;

/* What t's outputs are made of, down to its inputs and to what the function captured: arrays that have a value, or
   that somebody beside the graph holds. Custom functions are recorded as what they compute, without their rules. `what`
   begins messages. Free it also after a failure. */
bool recording_make(recording *r, const char *what, const traced_function *t);
void recording_free(recording *r);

/* The recorded function, as a callback; the context is the recording. Shapes are inferred anew: they need not be those
   of the trace. */
bool recording_call(void *context, tarn_array *const *inputs, int count, tarn_results *results);
/* Completes the types of a recording that has those of the inputs: what does not fit together is an error. */
bool recording_infer(recording *r);

array_type array_type_of(const tarn_array *a);

#endif
