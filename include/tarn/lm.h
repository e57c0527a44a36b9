/* Language models: a folder with config.json, safetensors weights and tokenizer.json becomes text.

   A model is loaded once and never changes: any number of sessions, in any threads, may share it. A session is one
   timeline of tokens with its cache; it belongs to one thread at a time and its model must outlive it. Functions return
   false or NULL with the thread's error set. Sampling follows mlx-lm: the same seed gives the same tokens where the
   logits are the same. */
#ifndef TARN_LM_H
#define TARN_LM_H

#include <signal.h>

#include "tarn/array.h"
#include "tarn/template.h"
#include "tarn/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models */
typedef struct tarn_model tarn_model;
typedef struct {
    int begin_;
    tarn_dtype dtype;  /* of activations and dense weights: TARN_FLOAT32, TARN_BFLOAT16 or TARN_FLOAT16; absent: as the
                          file has them */
    bool no_tokenizer; /* do not read tokenizer.json */
    bool describe;     /* a folder without weights is fine: the facts are those of config.json, sessions are refused */
    int end_;
} tarn_model_options;
/* Weights stay mapped: loading reads headers, not data, unless .dtype asks for another dtype. A folder without
   tokenizer.json is fine for work on token ids. */
#define tarn_model_load(...) TARN_CALL(1, tarn_model_load_with, tarn_model_options, __VA_ARGS__)
TARN_API tarn_model *tarn_model_load_with(const char *folder, tarn_model_options options TARN_ABSENT);
/* A model of a known shape ("llama-3.2-1b"; tarn_model_shapes lists them) with random weights, quantized to `bits` (2 3
   4 5 6 8, groups of 64) or not at all (16); in bfloat16, or as .dtype says. For measurements. */
#define tarn_model_random(...) TARN_CALL(2, tarn_model_random_with, tarn_model_options, __VA_ARGS__)
TARN_API tarn_model *tarn_model_random_with(const char *shape, int bits, tarn_model_options options TARN_ABSENT);
TARN_API const char *tarn_model_shapes(void); /* names, space separated */
/* Frees the model; no session may use it any more. NULL is allowed. */
TARN_API void tarn_model_free(tarn_model *model);

typedef struct {
    const char *model_type; /* "llama" */
    int64_t vocab_size, hidden_size, layers, heads, kv_heads, head_dim,
        context;                   /* context: the most tokens a session holds */
    int64_t parameters;            /* as if nothing were quantized, tied weights once */
    int64_t weight_bytes;          /* in memory: packed weights, scales, biases, the rest */
    int64_t step_bytes;            /* of weights read for one token: all but the rows of an untied embedding */
    int64_t cache_bytes_per_token; /* keys and values of all layers */
    int64_t layer_parameters;      /* in matrices that every token is multiplied with, the head left out */
    int bits, group_size;          /* of the quantization most weights have; 0: none */
    double bits_per_weight;        /* weight_bytes in bits by parameters */
    tarn_dtype dtype;              /* of activations */
    bool has_weights;              /* false: described from config.json alone */
} tarn_model_facts;
TARN_API bool tarn_model_info(const tarn_model *model, tarn_model_facts *facts);
/* NULL, without an error, if the folder has none. They live as long as the model. */
TARN_API const tarn_tokenizer *tarn_model_tokenizer(const tarn_model *model);
TARN_API const tarn_template *tarn_model_template(const tarn_model *model);
/* The ids that end an answer (generation_config.json goes before config.json). */
TARN_API const int32_t *tarn_model_end_tokens(const tarn_model *model, int *count);

/* ---- from text to ids */

typedef struct {
    int begin_;
    bool add_generation_prompt; /* the text ends with the beginning of an answer */
    const char *variables_json; /* a JSON object of further variables for the template; NULL: none */
    int end_;
} tarn_messages_options;
/* Ids of a list of messages, JSON [{"role": …, "content": …}, …], through the model's chat template, in *ids
   (tarn_free). With `tools` in .variables_json the template named "tool_use" is taken, if there is one. An error if the
   model has no template. */
#define tarn_model_encode_messages(...)                                                                                \
    TARN_CALL(4, tarn_model_encode_messages_with, tarn_messages_options, __VA_ARGS__)
TARN_API bool tarn_model_encode_messages_with(const tarn_model *model, const char *messages_json, int32_t **ids,
                                              size_t *count, tarn_messages_options options TARN_ABSENT);
/* The ids of a plain text. The beginning-of-text token and the like are added unless the text begins with the former,
 * as in mlx-lm. */
TARN_API bool tarn_model_encode_text(const tarn_model *model, const char *utf8, size_t length, int32_t **ids,
                                     size_t *count);
typedef struct {
    int begin_;
    const char
        *system; /* a system message before it, ended by a NUL; NULL: none. An error if the model has no template */
    int end_;
} tarn_prompt_options;
/* The ids of one user message; of the plain text where the model has no template. */
#define tarn_model_encode_prompt(...) TARN_CALL(5, tarn_model_encode_prompt_with, tarn_prompt_options, __VA_ARGS__)
TARN_API bool tarn_model_encode_prompt_with(const tarn_model *model, const char *prompt, size_t length, int32_t **ids,
                                            size_t *count, tarn_prompt_options options TARN_ABSENT);

/* The JSON object of a chat template's variables, ended by a NUL (tarn_free): messages, add_generation_prompt, tools
   and documents (null), the named tokens of the tokenizer (which may be NULL), and the members of .variables_json,
   which go before ours of the same name. */
#define tarn_template_variables(...) TARN_CALL(2, tarn_template_variables_with, tarn_messages_options, __VA_ARGS__)
TARN_API char *tarn_template_variables_with(const tarn_tokenizer *tokenizer, const char *messages_json,
                                            tarn_messages_options options TARN_ABSENT);

/* Which of the tokenizer's chat templates these variables take: "tool_use" if there is one and `tools` are given and
 * not null, else "default". */
TARN_API const char *tarn_template_name(const tarn_tokenizer *tokenizer, const char *variables_json);

/* ---- sessions */
typedef struct tarn_session tarn_session;
typedef struct {
    int begin_;
    int64_t context; /* at most this many tokens; 0, or more than the model has: the model's */
    bool fast_cache; /* reuse generated tokens, and prefixes at any length, as they lie in the cache: faster turns, but
                        results may differ in the last bits from those of a fresh session. Otherwise a cached prefix
                        gives the bits of a cold one. */
    int64_t chunk;   /* tokens of a prompt that are computed in one call, and of which a prefix is kept whole multiples;
                        0: 256 on the CPU, 1024 on GPUs */
    int end_;
} tarn_session_options;
#define tarn_session_new(...) TARN_CALL(1, tarn_session_new_with, tarn_session_options, __VA_ARGS__)
TARN_API tarn_session *tarn_session_new_with(const tarn_model *model, tarn_session_options options TARN_ABSENT);
TARN_API void tarn_session_free(tarn_session *session); /* NULL is allowed */
typedef struct {
    int begin_;
    const volatile sig_atomic_t *interrupt; /* looked at between chunks: once it is not 0 the call fails; NULL: none */
    int end_;
} tarn_sync_options;
/* Makes the session's timeline exactly these tokens: keeps the longest usable prefix of what it holds, computes the
 * rest. */
#define tarn_session_sync(...) TARN_CALL(3, tarn_session_sync_with, tarn_sync_options, __VA_ARGS__)
TARN_API bool tarn_session_sync_with(tarn_session *session, const int32_t *ids, size_t count,
                                     tarn_sync_options options TARN_ABSENT);
/* Appends one token. */
TARN_API bool tarn_session_step(tarn_session *session, int32_t id);
/* The logits [vocab] after the last token; they belong to the session and live until it moves on. NULL if it holds no
 * tokens, or if they are not known: after tarn_session_restore, and where tarn_generate_batch has appended the last. */
TARN_API tarn_array *tarn_session_logits(const tarn_session *session);
TARN_API const int32_t *tarn_session_tokens(const tarn_session *session, size_t *count);
/* How many tokens of the last sync were reused. */
TARN_API int64_t tarn_session_reused(const tarn_session *session);

/* Keys and values of a layer, [1, heads, n, dim], of the n tokens that the session holds, as attention sees them: what
   a file of a prompt keeps. Copies, computed, in the dtype of the cache. NULL with an error if the session holds no
   tokens, there is no such layer, or none that keeps any. */
TARN_API tarn_array *tarn_session_keys(const tarn_session *session, int64_t layer);
TARN_API tarn_array *tarn_session_values(const tarn_session *session, int64_t layer);
/* Puts keys and values of every layer, `layers` of each, in the place of what the session holds, and the tokens they
   were computed of, as many as there are rows; NULL: they are not known. Unknown tokens are -1 in the timeline: it can
   go on behind all of them, and cannot go back among them. For sessions with .fast_cache only. On failure the session
   holds nothing. */
TARN_API bool tarn_session_restore(tarn_session *session, tarn_array *const *keys, tarn_array *const *values,
                                   int64_t layers, const int32_t *ids);

/* ---- generating */
typedef struct {
    const struct tarn_given *given;
    uint64_t value;
} tarn_seed;
#define TARN_SEED(n) (TARN_LITERAL(tarn_seed){TARN_GIVEN, (n)})

typedef struct {
    int begin_;
    double temperature;        /* 0: the most likely token */
    double top_p, min_p;       /* 0: off; top_p also at 1 */
    int64_t top_k;             /* 0: off */
    double repetition_penalty; /* 0: off; divides positive and multiplies negative logits of recent tokens */
    double presence_penalty;   /* 0: off */
    double frequency_penalty;  /* 0: off */
    int64_t penalty_context;   /* how many recent tokens the penalties look at, prompt included; 0: 20 */
    const int32_t *bias_ids;   /* logit bias: bias_values[i] is added to bias_ids[i] */
    const double *bias_values;
    int64_t bias_count;
    tarn_seed seed;          /* absent: from the clock */
    tarn_value max_tokens;   /* a whole number, 0 or more; absent: 256 */
    const char *const *stop; /* strings that end the answer and are not part of it */
    int stop_count;
    const int32_t *end_tokens; /* further ids that end the answer */
    int end_token_count;
    bool ignore_end; /* go on after end tokens */
    /* Gets each piece of text as it is certain, whole UTF-8 ended by a NUL; false stops. */
    bool (*on_text)(void *context, const char *text, size_t length);
    /* Hears how many of the prompt's tokens are computed: once before the first are, and after each chunk of them. */
    void (*on_prompt)(void *context, int64_t computed, int64_t all);
    void *context;
    const volatile sig_atomic_t *interrupt; /* looked at between steps: not 0 stops */
    /* Draws *token of the logits [vocab] after these tokens, prompt included (-1: unknown), in the place of
       temperature, filters, penalties and bias. number: the prompt's in a batch, else 0. False, with the error set:
       generating fails. */
    bool (*draw)(void *context, int64_t number, tarn_array *logits, const int32_t *tokens, size_t count,
                 int32_t *token);
    /* For tarn_generate_batch, of each prompt, or NULL. most_tokens: instead of .max_tokens. sessions: prompt i is
       computed in sessions[i], behind what that holds of it, and the session then holds prompt and answer without the
       token that was drawn last. */
    const int64_t *most_tokens;
    tarn_session *const *sessions;
    int end_;
} tarn_generate_options;

typedef enum { TARN_FINISH_STOP, TARN_FINISH_LENGTH, TARN_FINISH_INTERRUPTED } tarn_finish;
typedef struct {
    int32_t *tokens; /* generated, the end token included */
    size_t token_count;
    char *text; /* ended by a NUL; NULL if the model has no tokenizer */
    size_t text_length;
    tarn_finish finish;
    int64_t prompt_tokens, reused_tokens;
    double prompt_seconds, generation_seconds; /* to the first token; from there to the end */
    double prompt_tps, generation_tps;         /* tokens a second; 0 for a prompt that was not read to its end */
    int64_t peak_memory_bytes;                 /* of the process: its largest resident size */
} tarn_generation;
TARN_API const char *
tarn_finish_name(tarn_finish finish); /* "stop" "length" "interrupted", for other numbers "unknown" */

/* Continues the ids until an end token, a stop string, .max_tokens or the end of the context. *result may be NULL; it
   is filled even on failure, with what there was until then. */
#define tarn_generate(...) TARN_CALL(4, tarn_generate_with, tarn_generate_options, __VA_ARGS__)
TARN_API bool tarn_generate_with(tarn_session *session, const int32_t *ids, size_t count, tarn_generation *result,
                                 tarn_generate_options options TARN_ABSENT);
TARN_API void tarn_generation_free(tarn_generation *result); /* what it holds, not itself */

/* Up to `rows` answers at once: the tokens of all are computed in the same steps, so that the weights are read once for
   them. A batch keeps caches and plans; it belongs to one thread at a time, and its model must outlive it. Options are
   those of the session that computes the prompts, one after the other: what a prompt begins with as the one before it
   does, in whole chunks, is computed once. */
typedef struct tarn_batch tarn_batch;
#define tarn_batch_new(...) TARN_CALL(2, tarn_batch_new_with, tarn_session_options, __VA_ARGS__)
TARN_API tarn_batch *tarn_batch_new_with(const tarn_model *model, int64_t rows,
                                         tarn_session_options options TARN_ABSENT);
TARN_API void tarn_batch_free(tarn_batch *batch); /* NULL is allowed */
/* As tarn_generate, of each of `prompts` prompts, ids[i] of counts[i] tokens. Results [prompts] or NULL; their times
   are those of all together, so that their rates add up. Number i draws with .seed + i. An answer's logits may differ
   in the last bits from those it would have by itself. .on_text and .on_prompt are refused. */
#define tarn_generate_batch(...) TARN_CALL(5, tarn_generate_batch_with, tarn_generate_options, __VA_ARGS__)
TARN_API bool tarn_generate_batch_with(tarn_batch *batch, const int32_t *const *ids, const size_t *counts,
                                       int64_t prompts, tarn_generation *results,
                                       tarn_generate_options options TARN_ABSENT);

/* A conversation: a session and its messages. */
typedef struct tarn_chat tarn_chat;
typedef struct {
    int begin_;
    const char *system;           /* the system message; NULL: none */
    tarn_session_options session; /* as for tarn_session_new */
    bool drop_oldest; /* make room in a full context by forgetting the oldest turns; otherwise that is an error */
    int end_;
} tarn_chat_options;
#define tarn_chat_new(...) TARN_CALL(1, tarn_chat_new_with, tarn_chat_options, __VA_ARGS__)
TARN_API tarn_chat *tarn_chat_new_with(const tarn_model *model, tarn_chat_options options TARN_ABSENT);
TARN_API void tarn_chat_free(tarn_chat *chat);
TARN_API bool tarn_chat_reset(tarn_chat *chat); /* forgets all but the system message */
/* How many turns were forgotten to make room (.drop_oldest): once the context has no room for an answer, the oldest go
   until half of it is free. */
TARN_API int64_t tarn_chat_dropped(const tarn_chat *chat);
/* Says `message` and gets an answer. A failed or interrupted turn keeps the conversation: what was answered until then
   stays part of it if interrupted, nothing of the turn if failed. */
#define tarn_chat_say(...) TARN_CALL(3, tarn_chat_say_with, tarn_generate_options, __VA_ARGS__)
TARN_API bool tarn_chat_say_with(tarn_chat *chat, const char *message, tarn_generation *result,
                                 tarn_generate_options options TARN_ABSENT);

/* ---- scoring */

typedef struct {
    int begin_;
    int64_t
        stride; /* how far each window goes on, below the context; 0: no windows, all ids must fit into the context */
    /* As in tarn_generate_options; an interrupted scoring fails. */
    void (*on_prompt)(void *context, int64_t computed, int64_t all);
    void *context;
    const volatile sig_atomic_t *interrupt;
    int end_;
} tarn_score_options;
/* logprobs[i] = log P(ids[i + 1] | ids[0 .. i]), count - 1 of them, in float32 from the model's logits. More ids than
   the context holds are scored in windows: the first as long as the context, each further one `stride` ids on, so that
   what it adds sees at least context - stride ids before it. */
#define tarn_score(...) TARN_CALL(4, tarn_score_with, tarn_score_options, __VA_ARGS__)
TARN_API bool tarn_score_with(tarn_session *session, const int32_t *ids, size_t count, double *logprobs,
                              tarn_score_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
