/* The engine inside: what a tarn_model holds. It never changes after loading, so sessions share it without locks. */
#ifndef LM_MODEL_H
#define LM_MODEL_H

#include "lm/blocks.h"
#include "lm/parameters.h"
#include "tarn/lm.h"

struct tarn_model {
    model_config config;
    model_weights weights;
    parameter_count count;
    tarn_dtype dtype; /* of activations */
    bool described;   /* without weights: facts only */
    tarn_tokenizer *tokenizer;
    tarn_template *chat_template, *tool_template; /* the latter for messages with tools; either may be NULL */
};

/* Random tensors of the shapes asked for; scales of quantized matrices are such that activations keep their size. */
typedef struct {
    uint64_t state;
    int bits;
    bool tied;        /* there is no head */
    bool shapes_only; /* zeros that take no memory */
} random_tensors;
tensor_source random_source(random_tensors *random);

/* The safetensors files of a folder. Close frees; tensors that were taken live on. */
typedef struct file_tensors file_tensors;
file_tensors *file_tensors_open(const char *folder);
tensor_source file_source(file_tensors *files);
/* An error naming tensors that nothing asked for; rotary inv_freq buffers are none. */
bool file_tensors_all_used(const file_tensors *files);
void file_tensors_close(file_tensors *files);

#endif
