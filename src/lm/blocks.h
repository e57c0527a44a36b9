/* The layers that decoder models are made of: structs of weights, and what they compute. Which weights a layer has,
   their names in files and their shapes are the tables of layer.def. Shapes: x [batch, length, hidden]. */
#ifndef LM_BLOCKS_H
#define LM_BLOCKS_H

#include "lm/config.h"
#include "lm/kv_cache.h"
#include "tarn/ops.h"

/* A matrix [rows, columns] that x is multiplied with transposed, or whose rows are looked up: dense, or packed by
 * affine quantization. */
typedef struct {
    tarn_array *weight;          /* dense [rows, columns], or packed uint32 [rows, columns * bits / 32] */
    tarn_array *scales, *biases; /* [rows, columns / group_size]; NULL if dense */
    tarn_array *bias;            /* [rows] or NULL */
    quantization quantized;
} linear;

typedef struct {
    linear q, k, v, o, qkv;      /* qkv: the first three as one, if they were joined (join.c) */
    tarn_array *q_norm, *k_norm; /* [head_dim] or NULL */
} attention_weights;

typedef struct {
    linear gate, up, down, gate_up; /* gate_up: the first two as one, if they were joined */
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
    tarn_array *periods; /* of the rotary embedding, float32 [dims / 2]; NULL: from its base */
} model_weights;

/* The sections of layer.def (parameters.c). */
typedef struct field_list field_list;
extern const field_list fields_layer, fields_layer_joined, fields_model;

/* Where a forward pass stands: for each row of the batch the position int32 [batch] of its first token, and the keys
   there are after it, int32 [batch]. */
typedef struct {
    const model_config *config;
    const model_weights *weights;
    kv_cache *cache;
    tarn_array *position, *length;
    tarn_dtype dtype; /* of activations */
    bool last_only;   /* nobody wants hidden states but the last token's */
} forward_state;

tarn_array *linear_forward(const linear *m, tarn_array *x);
tarn_array *embedding_forward(const linear *m, tarn_array *ids);
/* Whether only the last token's result of the layer is wanted: the keys and values of all are, and in layers before the
   last one their results, too. */
bool layer_is_for_last(const forward_state *f, int64_t layer);
tarn_array *last_along(tarn_array *x, int axis); /* an axis of one is left */
tarn_array *attention_forward(const forward_state *f, int64_t layer, tarn_array *x);
tarn_array *mlp_forward(const forward_state *f, const mlp_weights *m, tarn_array *x);

/* Keys and values of every layer alike: as many heads of as many dimensions as config.json says. */
cache_kind attention_cache(const model_config *config, int64_t layer);

/* What a family is besides its row of models.def, which names it: one for each way to compute, in models/. */
typedef struct model_rules {
    /* The last hidden states [batch, length, hidden], before the final norm, of ids int32 [batch, length]; of
       last_only [batch, 1, hidden]. */
    tarn_array *(*forward)(const forward_state *f, tarn_array *ids);
    tarn_array *(*logits)(const forward_state *f, tarn_array *x); /* [batch, length, vocab] of hidden states */
    const field_list *layer, *model; /* weights of a layer_weights and of the model_weights */
    cache_kind (*cache)(const model_config *config, int64_t layer);
} model_rules;

tarn_array *llama_forward(const forward_state *f, tarn_array *ids);
tarn_array *llama_logits(const forward_state *f, tarn_array *x);

#endif
