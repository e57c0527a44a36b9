/* Function transforms. They take functions and trace them on fresh inputs; what they return is built of ordinary
   operations.

   A function is a callback that gets arrays and hands out as many as it has:

       static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
           return tarn_result(results, tarn_sum(tarn_square(inputs[0])));
       }
       tarn_array *gradient = tarn_results_at(tarn_grad(TARN_FUNCTION(loss, NULL), &x, 1), 0);

   Callbacks run in a scope of their own. They return false, with the error set, on failure; they must not leave by
   longjmp or an exception.
 */
#ifndef TARN_TRANSFORM_H
#define TARN_TRANSFORM_H

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A list of arrays. Transforms return one; it and its arrays belong to the innermost scope (take arrays out before you
 * tarn_return one). */
typedef struct tarn_results tarn_results;
TARN_API int tarn_results_count(const tarn_results *results); /* 0 of NULL */
TARN_API tarn_array *tarn_results_at(const tarn_results *results,
                                     int index); /* NULL, with the error set, if there is none */
TARN_API tarn_array *const *tarn_results_arrays(const tarn_results *results); /* all of them; NULL of NULL */
/* In a callback: hands out a further array. False if it is NULL, which is an error but in the rules of custom
 * functions. */
TARN_API bool tarn_result(tarn_results *results, tarn_array *a);
TARN_API bool tarn_result_all(tarn_results *results, const tarn_results *others); /* each of them */

typedef bool (*tarn_callback)(void *context, tarn_array *const *inputs, int count, tarn_results *results);
typedef struct {
    tarn_callback call;
    void *context;
} tarn_function;
#define TARN_FUNCTION(call, context) (TARN_LITERAL(tarn_function){call, context})

/* The function itself, on arrays that it may move: what it hands out. */
TARN_API tarn_results *tarn_call(tarn_function function, tarn_array *const *inputs, int count);

/* Gradients of the function's first result, a 0-d float, with respect to the inputs named by `argnums` (absent: input
   0), in that order. Integers count as the numbers they are: the gradient of one is cast to its dtype, and has a
   gradient of its own. With `numbers` the result may be an integer, too, or complex: then it is the gradient of its
   real part. outputs gets all that the function handed out: the value, and what it added to it. */
typedef struct {
    int begin_;
    tarn_ints argnums;
    tarn_results **outputs;
    bool numbers;
    int end_;
} tarn_grad_options;
#define tarn_grad(...) TARN_CALL(3, tarn_grad_with, tarn_grad_options, __VA_ARGS__)
TARN_API tarn_results *tarn_grad_with(tarn_function function, tarn_array *const *inputs, int count,
                                      tarn_grad_options options TARN_ABSENT);

/* Vector-Jacobian product: for each input the gradient that belongs to it. There is a cotangent for each output (NULL:
   zero). The gradient of an integer is zero, or, with `numbers`, that of the number it is, cast to its dtype; a complex
   cotangent of a real output is then its real part, else an error. */
typedef struct {
    int begin_;
    tarn_results **outputs; /* of the function */
    bool numbers;
    int end_;
} tarn_vjp_options;
#define tarn_vjp(...) TARN_CALL(5, tarn_vjp_with, tarn_vjp_options, __VA_ARGS__)
TARN_API tarn_results *tarn_vjp_with(tarn_function function, tarn_array *const *inputs, int count,
                                     tarn_array *const *cotangents, int cotangent_count,
                                     tarn_vjp_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_results **outputs; /* of the function */
    int end_;
} tarn_outputs_options;
/* Jacobian-vector product: the tangents of the outputs. There is a tangent for each input (NULL: zero). That of an
   integer is a float; with `numbers`, and if all that came in are integers, it has the output's dtype. */
typedef struct {
    int begin_;
    tarn_results **outputs; /* of the function */
    bool numbers;
    int end_;
} tarn_jvp_options;
#define tarn_jvp(...) TARN_CALL(4, tarn_jvp_with, tarn_jvp_options, __VA_ARGS__)
TARN_API tarn_results *tarn_jvp_with(tarn_function function, tarn_array *const *inputs, int count,
                                     tarn_array *const *tangents, tarn_jvp_options options TARN_ABSENT);

/* Runs the function over a batch axis of each input: in_axes.values[i] (TARN_UNBATCHED: the input has none; absent
   list: 0 for all); results have their batch at out_axes.values[i] (absent: 0; TARN_UNBATCHED: the result is the same
   for all examples and has none). late_out_axes is such a list that is read once the function has been called, which
   may fill it. Values cannot be read inside. */
#define TARN_UNBATCHED INT64_MIN
typedef struct {
    int begin_;
    tarn_ints in_axes, out_axes;
    const tarn_ints *late_out_axes;
    int end_;
} tarn_vmap_options;
#define tarn_vmap(...) TARN_CALL(3, tarn_vmap_with, tarn_vmap_options, __VA_ARGS__)
TARN_API tarn_results *tarn_vmap_with(tarn_function function, tarn_array *const *inputs, int count,
                                      tarn_vmap_options options TARN_ABSENT);

/* A function with rules of its own. A rule that is absent comes from the function itself. The object is kept alive by
   the graphs that use it; `release(context)` is called when it goes. Rules have the function's context.
   - vjp: inputs are the primals, then the cotangents, then the outputs; hands out a gradient for each primal (NULL:
   zero).
   - jvp: inputs are the primals, then the tangents; hands out a tangent for each output (NULL: zero).
   - vmap: inputs[i] has its batch at axes[i] (TARN_UNBATCHED: it has none); hands out the outputs over the batch.
   out_axes[k], of output k, is 0 and may be set to where that has its batch; TARN_UNBATCHED: it is the same for all
   examples. Gradients and tangents of the batch are those of the other rules, if there are any.
   What the function reads beside its inputs and is being differentiated is an error where a rule takes the function's
   place, for the rule says nothing of it; with `constants` it has the gradient and the tangent zero. */
typedef struct tarn_custom_function tarn_custom_function;
typedef bool (*tarn_batch_callback)(void *context, tarn_array *const *inputs, const int64_t *axes, int count,
                                    tarn_results *results, int64_t *out_axes);
typedef struct {
    int begin_;
    tarn_callback vjp, jvp;
    tarn_batch_callback vmap;
    bool constants;
    void (*release)(void *context);
    int end_;
} tarn_custom_options;
#define tarn_custom_new(...) TARN_CALL(1, tarn_custom_new_with, tarn_custom_options, __VA_ARGS__)
TARN_API tarn_custom_function *tarn_custom_new_with(tarn_function function, tarn_custom_options options TARN_ABSENT);
TARN_API void tarn_custom_free(tarn_custom_function *custom);
TARN_API tarn_results *tarn_custom_call(tarn_custom_function *custom, tarn_array *const *inputs, int count);

/* What the function hands out, less memory: for its gradient the function is run, and computed, again, so that what
   lies between its inputs and outputs is not kept until then. It must give the same again, from its inputs alone: an
   array that it reads besides and that is being differentiated is an error. release(context) is called once the
   function will not be needed any more (tarn/memory.h), also if the call fails. constants: as in tarn_custom_new. */
typedef struct {
    int begin_;
    bool constants;
    void (*release)(void *context);
    int end_;
} tarn_checkpoint_options;
#define tarn_checkpoint(...) TARN_CALL(3, tarn_checkpoint_with, tarn_checkpoint_options, __VA_ARGS__)
TARN_API tarn_results *tarn_checkpoint_with(tarn_function function, tarn_array *const *inputs, int count,
                                            tarn_checkpoint_options options TARN_ABSENT);

/* A compiled function. The first call for each combination of shapes, dtypes and non-array values (`key`) traces the
   function; later calls replay a plan: no graph is built. Arrays that the function captured are inputs of the plan;
   those that were not computed yet are computed once. Values cannot be read inside. The plans kept are bounded.

   The state is what the function reads and replaces beside its arguments (a cache, the weights that are trained), in
   one of two forms:
   - collect and store: `collect` hands out its leaves as they are before a call. The function gets them as further
   inputs, after the arguments, and hands out the new ones with tarn_result_state, after its results; `store` receives
   these when the work is under way. Both have the function's context and return false, with the error set, on failure:
   the call fails. There may be more or fewer leaves at each call.
   - variables: state[i] points to a tarn_array * that the function reads and may assign to; each call passes their
   values and stores the new ones, kept. While the function is traced they hold placeholders.

   shapeless: calls with arguments of other shapes, but of the same dtypes and numbers of axes, do not trace the
   function again: plans for them are made of what it built the first time. An operation that does not go with the new
   shapes is an error that names it. A function that asks for sizes (tarn_dim, tarn_shape_of, tarn_size), or that uses
   transforms, is traced for each shape nevertheless.

   donate: indices of inputs, or TARN_DONATE_STATE for the state, whose memory outputs may take. release(context) is
   called when the function has been freed and no call of it lasts; see tarn/memory.h.

   Several threads may call a function at once: none of Tarn's locks is held while a callback runs, and of plans that
   two make for the same arguments the first stays. State belongs to one of them at a time. A function that is called
   while another one, or itself, is traced becomes part of that trace. */
typedef struct tarn_compiled tarn_compiled;
#define TARN_DONATE_STATE INT64_MIN
typedef struct {
    int begin_;
    tarn_array ***state; /* state[i] is a tarn_array ** */
    int state_count;
    tarn_ints donate;
    bool shapeless;
    bool (*collect)(void *context, tarn_results *leaves); /* hands them out with tarn_result */
    bool (*store)(void *context, tarn_array *const *leaves, int count);
    void (*release)(void *context);
    int end_;
} tarn_compile_options;
#define tarn_compile(...) TARN_CALL(1, tarn_compile_with, tarn_compile_options, __VA_ARGS__)
TARN_API tarn_compiled *tarn_compile_with(tarn_function function, tarn_compile_options options TARN_ABSENT);
/* Whether results of a compiled function have taken the memory of a, so that its values are gone. */
TARN_API bool tarn_is_given_away(const tarn_array *a);
/* In `collect`: hands out a leaf that the caller gives up if the call succeeds, because `store` gets another one for
   it: its memory may be taken if nothing but one keep holds it. */
TARN_API bool tarn_result_given(tarn_results *leaves, tarn_array *leaf);
/* In the callback of a compiled function with `collect`: hands out a further leaf of its new state. */
TARN_API bool tarn_result_state(tarn_results *results, tarn_array *leaf);

/* In that callback: something of the caller's that goes with what the function handed out. tarn_results_attached tells
   it for every call that runs the same plan, as long as the results last; NULL: nothing. release(data), unless NULL, is
   called once no plan and no results have it any more (tarn/memory.h), or at once if this fails. */
TARN_API bool tarn_result_attach(tarn_results *results, void *data, void (*release)(void *data));
TARN_API void *tarn_results_attached(const tarn_results *results);

/* key: bytes that tell what the function depends on beside its arrays; a plan serves the calls with the same ones.
   later: nothing is computed until a result, or the new state, is asked for; arguments that nobody holds by then are
   written over. Else the work begins at once, and arguments keep their values but for those given with .donate. */
typedef struct {
    int begin_;
    const void *key;
    size_t key_bytes;
    bool later;
    int end_;
} tarn_compiled_call_options;
#define tarn_compiled_call(...) TARN_CALL(3, tarn_compiled_call_with, tarn_compiled_call_options, __VA_ARGS__)
TARN_API tarn_results *tarn_compiled_call_with(tarn_compiled *compiled, tarn_array *const *inputs, int count,
                                               tarn_compiled_call_options options TARN_ABSENT);
TARN_API void tarn_compiled_free(tarn_compiled *compiled);
/* How many plans it holds and how often a call found one. */
TARN_API void tarn_compiled_info(const tarn_compiled *compiled, int64_t *plans, int64_t *hits);
/* Shows what is attached to its plans, with its `release`, to a collector of cycles, until `visit` returns something
   other than 0, which is returned. visit calls no function of Tarn. */
TARN_API int tarn_compiled_visit(const tarn_compiled *compiled, tarn_context_visitor visit, void *argument);
/* Whether functions are compiled at all (yes, but with TARN_COMPILE=0 in the environment): else calls of compiled
   functions run them as they are. For the whole process. */
TARN_API void tarn_compile_enable(bool enabled);

#ifdef __cplusplus
}
#endif
#endif
