/* What config.json and generation_config.json say, checked: every later size comes from here and is in range. */
#ifndef LM_CONFIG_H
#define LM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

/* Parts that some families have, and when: never, always, or if a field of config.json says so. */
typedef enum { NOWHERE, EVERYWHERE, QKV_BIAS, O_BIAS, MLP_BIAS, QK_NORM, PART_COUNT } model_part;
typedef enum { NEVER, ALWAYS, IF_ATTENTION_BIAS, IF_MLP_BIAS } part_rule;
/* Which layers see a window only: those called "sliding_attention" in layer_types; every one, of 4096 unless the file
   says else; every one if the file gives a window; or, if use_sliding_window, those in layer_types or, without such a
   list, from max_window_layers on. */
typedef enum { WINDOW_BY_TYPE, WINDOW_EVERY_LAYER, WINDOW_IF_GIVEN, WINDOW_LATER_LAYERS } window_rule;
/* Whether partial_rotary_factor may leave a part of each head as it is. */
typedef enum { ROTARY_WHOLE, ROTARY_PART } rotary_rule;

/* A row of models.def. */
typedef struct {
    const char *name;
    const struct model_rules *rules;       /* blocks.h */
    int64_t head_dim, kv_heads, positions; /* what absent fields mean; 0: work it out from the other fields */
    double eps;
    part_rule parts[PART_COUNT];
    window_rule window;
    rotary_rule rotary;
} model_family;

extern const model_family model_families[];
extern const int model_family_count;

typedef struct {
    int64_t dims;            /* how many of a head's dimensions turn */
    double base;             /* theta */
    double scale;            /* of positions */
    double attention_factor; /* by which rotated q and k are multiplied */
    float *periods;          /* [dims / 2], or NULL: base^(2i / dims) */
} rope_config;

typedef struct {
    int group_size, bits; /* bits 0: not quantized */
} quantization;

typedef struct {
    char *path; /* of config.json, for messages */
    json *document;
    const model_family *family;
    int64_t vocab, hidden, mlp, layers, heads, kv_heads, head_dim, positions;
    double eps;
    const struct activation *activation; /* activations.h */
    bool has_tie,
        tied; /* has_tie: the file says; once weights are loaded, tied tells whether the embedding is the head */
    bool attention_bias, mlp_bias;
    int64_t *windows; /* [layers]; 0: sees everything */
    rope_config rope;
    quantization quantized; /* what matrices without an entry of their own have */
    int32_t *end_tokens;
    int end_token_count;
} model_config;

/* Fills *config; on failure nothing needs to be freed. */
bool config_load(model_config *config, const char *folder);
/* From the bytes of a config.json alone; error messages call it `name`. */
bool config_parse(model_config *config, const char *bytes, size_t length, const char *name);
void config_free(model_config *config);

/* Whether a part exists in this model. */
bool config_has(const model_config *config, model_part part);
/* How the matrix called `path` ("model.layers.0.mlp.up_proj") is quantized. *given tells whether it has an entry of its
 * own. */
bool config_quantization(const model_config *config, const char *path, quantization *out, bool *given);

/* ---- fields of JSON objects, used by the readers of this folder. `file` is what messages call the text. A missing or
   null field gives the fallback; without one (NULL) it is an error. */
typedef struct {
    const char *file;
    const json *object;
    const char *prefix; /* what stands before a field's name in messages: "" or "rope_scaling." */
} field_reader;
const json *field_find(const field_reader *reader, const char *key); /* NULL for a missing or null field */
bool field_integer(const field_reader *reader, const char *key, int64_t low, int64_t high, const int64_t *fallback,
                   int64_t *out);
bool field_number(const field_reader *reader, const char *key, double low, double high, const double *fallback,
                  double *out);
bool field_boolean(const field_reader *reader, const char *key, bool fallback, bool *out);

/* Reads rope_scaling + rope_theta or rope_parameters (config_rope.c). */
bool config_read_rope(model_config *config);

#endif
