/* The layers that decoder models are made of: structs of weights, and what they compute. Which weights a layer has, their names in files
   and their shapes are the tables of layer.def. Shapes: x [1, length, hidden]. */
#ifndef LM_BLOCKS_H
#define LM_BLOCKS_H

#include "lm/config.h"
#include "lm/kv_cache.h"
#include "tarn/ops.h"

/* A matrix [rows, columns] that x is multiplied with transposed, or whose rows are looked up: dense, or packed by affine quantization. */
typedef struct {
    tarn_array *weight;          /* dense [rows, columns], or packed uint32 [rows, columns * bits / 32] */
    tarn_array *scales, *biases; /* [rows, columns / group_size]; NULL if dense */
    tarn_array *bias;            /* [rows] or NULL */
    quantization quantized;
} linear;

typedef struct {
    linear q, k, v, o;
    tarn_array *q_norm, *k_norm; /* [head_dim] or NULL */
} attention_weights;

typedef struct {
    linear gate, up, down;
} mlp_weights;

typedef struct {
    attention_weights attention;
    mlp_weights mlp;
    tarn_array *norm_attention, *norm_mlp;
} layer_weights;

typedef struct {
    linear embedding, head; /* head.weight is NULL if the embedding is used */
    tarn_array *norm;
    layer_weights *layers;
    tarn_array *periods; /* of the rotary embedding, float32 [head_dim / 2]; NULL: from its base */
} model_weights;

/* Where a forward pass stands: position int32 [1] of its first token, and the keys there are after it, int32 [1]. */
typedef struct {
    const model_config *config;
    const model_weights *weights;
    kv_cache *cache;
    tarn_array *position, *length;
    tarn_dtype dtype; /* of activations */
} forward_state;

tarn_array *linear_forward(const linear *m, tarn_array *x);
tarn_array *embedding_forward(const linear *m, tarn_array *ids);
tarn_array *attention_forward(const forward_state *f, int64_t layer, tarn_array *x);
tarn_array *mlp_forward(const mlp_weights *m, tarn_array *x);

/* models/llama.c: the last hidden states [1, length, hidden], before the final norm, of ids int32 [1, length]. */
tarn_array *llama_forward(const forward_state *f, tarn_array *ids);
/* The logits of hidden states. */
tarn_array *llama_logits(const forward_state *f, tarn_array *x);

#endif
