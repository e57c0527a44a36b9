/* Function transforms. They take functions and trace them on fresh inputs; what they return is built of ordinary operations. */
#ifndef TARN_TRANSFORM_H
#define TARN_TRANSFORM_H

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A function of arrays: reads inputs[0 .. input_count), writes outputs[0 .. output_count); false (with the error set) on failure. It is
   called inside a scope of its own. */
typedef bool (*tarn_callback)(void *context, tarn_array *const *inputs, int input_count, tarn_array **outputs, int output_count);
typedef struct {
    tarn_callback call;
    void *context;
    int outputs; /* how many it writes; 0 means 1 */
} tarn_function;
#define TARN_FUNCTION(call, context, outputs) ((tarn_function){call, context, outputs})

/* Gradients of the first output (a 0-d float; its value goes to *value if that is not NULL, further outputs to aux[]) with respect to the
   inputs named by `argnums` (absent: input 0): gradients[i] belongs to argnums.values[i]. */
typedef struct {
    tarn_ints argnums;
    tarn_array **value;
    tarn_array **aux;
    int end_;
} tarn_grad_options;
#define tarn_grad(function, inputs, ...)                                                                                                   \
    tarn_grad_with(function, inputs, TARN_HEAD2(__VA_ARGS__, .end_ = 0), (tarn_grad_options){TARN_TAIL2(__VA_ARGS__, .end_ = 0)})
TARN_API bool tarn_grad_with(tarn_function function, tarn_array *const *inputs, int input_count, tarn_array **gradients,
                             tarn_grad_options options);

/* Vector-Jacobian product: outputs[] of the function, and for each input the cotangent that belongs to it. cotangents has an entry for each
   output (NULL: zero). */
TARN_API bool tarn_vjp(tarn_function function, tarn_array *const *inputs, int input_count, tarn_array *const *cotangents,
                       tarn_array **outputs, tarn_array **gradients);
/* Jacobian-vector product: tangents has an entry for each input (NULL: zero); output_tangents one for each output. */
TARN_API bool tarn_jvp(tarn_function function, tarn_array *const *inputs, int input_count, tarn_array *const *tangents,
                       tarn_array **outputs, tarn_array **output_tangents);

/* Runs the function over a batch axis of each input: in_axes.values[i] (TARN_UNBATCHED: the input has none; absent list: 0 for all);
   outputs have their batch at out_axes.values[i] (absent: 0). Values cannot be read inside. */
#define TARN_UNBATCHED INT64_MIN
typedef struct {
    tarn_ints in_axes, out_axes;
    int end_;
} tarn_vmap_options;
#define tarn_vmap(function, inputs, ...)                                                                                                   \
    tarn_vmap_with(function, inputs, TARN_HEAD2(__VA_ARGS__, .end_ = 0), (tarn_vmap_options){TARN_TAIL2(__VA_ARGS__, .end_ = 0)})
TARN_API bool tarn_vmap_with(tarn_function function, tarn_array *const *inputs, int input_count, tarn_array **outputs,
                             tarn_vmap_options options);

/* A function with rules of its own. A rule left NULL comes from the function itself. The object is kept alive by the graphs that use it.
   vjp: inputs are the primals, then the cotangents, then the outputs; writes a gradient for each primal.
   jvp: inputs are the primals, then the tangents; writes a tangent for each output. */
typedef struct tarn_custom_function tarn_custom_function;
typedef struct {
    tarn_callback vjp, jvp;
    int end_;
} tarn_custom_rules;
TARN_API tarn_custom_function *tarn_custom_new(tarn_function function, tarn_custom_rules rules, void (*release)(void *context));
TARN_API void tarn_custom_free(tarn_custom_function *custom);
TARN_API bool tarn_custom_call(tarn_custom_function *custom, tarn_array *const *inputs, int input_count, tarn_array **outputs);

/* A compiled function. The first call for each combination of shapes, dtypes and non-array values traces the function; later calls replay a
   plan: no graph is built. Arrays that the function captured, and the declared state, are inputs of the plan. Values cannot be read inside.
   state: pointers to array variables that the function reads and may replace (a cache); each call passes their values and stores the new
   ones. donate: indices of inputs, or TARN_DONATE_STATE for the state, whose memory outputs may take. The plans kept are bounded. */
typedef struct tarn_compiled tarn_compiled;
#define TARN_DONATE_STATE INT64_MIN
typedef struct {
    tarn_array ***state; /* state[i] is a tarn_array ** */
    int state_count;
    tarn_ints donate;
    int end_;
} tarn_compile_options;
#define tarn_compile(...) tarn_compile_with(TARN_HEAD(__VA_ARGS__, .end_ = 0), (tarn_compile_options){TARN_TAIL(__VA_ARGS__, .end_ = 0)})
TARN_API tarn_compiled *tarn_compile_with(tarn_function function, tarn_compile_options options);
TARN_API bool tarn_compiled_call(tarn_compiled *compiled, tarn_array *const *inputs, int input_count, tarn_array **outputs);
TARN_API void tarn_compiled_free(tarn_compiled *compiled);
/* How many plans it holds and how often a call found one. */
TARN_API void tarn_compiled_info(const tarn_compiled *compiled, int64_t *plans, int64_t *hits);

#ifdef __cplusplus
}
#endif
#endif
