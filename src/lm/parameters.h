/* Weights of a model from a source of tensors: the table layer.def walked once, every tensor checked against the
 * config. */
#ifndef LM_PARAMETERS_H
#define LM_PARAMETERS_H

#include "lm/blocks.h"

/* Where tensors come from: files, or a generator of random ones. */
typedef struct {
    void *context;
    bool (*has)(void *context, const char *name);
    /* The tensor, in the open scope. `shape` is what the caller expects (a generator makes that; a file gives what it
     * has). */
    tarn_array *(*get)(void *context, const char *name, tarn_dtype dtype, tarn_ints shape);
    const char *(*where)(void *context,
                         const char *name); /* the file that holds the tensor, or where it was looked for */
} tensor_source;

/* Fills *weights. *dtype: what dense weights and scales are cast to; TARN_BOOL becomes what the embedding (or its
   scales) has, so that activations have one dtype even where a file mixes them. On failure nothing needs to be freed.
 */
bool parameters_load(model_weights *weights, model_config *config, const tensor_source *source, tarn_dtype *dtype);
/* Has the matrices that are not on the device yet follow there; what finds no room comes when it is read. */
void parameters_prefetch(const model_weights *weights, const model_config *config);
/* Joins what the same x is multiplied by. */
bool parameters_join(model_weights *weights, const model_config *config);
void parameters_free(model_weights *weights, const model_config *config);

/* Calls visit for every tensor there is, with its elements as if not quantized. */
typedef struct {
    int64_t parameters, bytes; /* of the whole */
    int64_t step_bytes;        /* read for one token */
    int64_t matrix_parameters; /* of the layers' matrices */
    int bits, group_size;      /* of most quantized weights */
} parameter_count;
void parameters_count(const model_weights *weights, const model_config *config, parameter_count *count);

#endif
