/* Text to token ids and back, as the Hugging Face `tokenizers` library does it for the same tokenizer.json (BPE
   models). A tokenizer is immutable: any number of threads may use one at the same time. Text is UTF-8 with an explicit
   length and may hold NUL bytes. */
#ifndef TARN_TOKENIZER_H
#define TARN_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "tarn/error.h"
#include "tarn/options.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tarn_tokenizer tarn_tokenizer;

/* Reads tokenizer.json and, where present, tokenizer_config.json, special_tokens_map.json and chat templates of a model
   folder. Where there is no tokenizer.json, Mistral's tekken.json serves, or vocab.json and merges.txt for
   transformers' GPT2Tokenizer and Qwen2Tokenizer. An error names the file and the part that is missing, unknown or not
   supported. */
TARN_API tarn_tokenizer *tarn_tokenizer_load(const char *folder);

/* True if the folder has files that tarn_tokenizer_load reads. No error is set. */
TARN_API bool tarn_tokenizer_found(const char *folder);

/* The same from the bytes of a tokenizer.json alone; error messages call it `name`. Without a tokenizer_config.json
   there are no named tokens and no chat template. */
TARN_API tarn_tokenizer *tarn_tokenizer_from_json(const char *bytes, size_t length, const char *name);

/* Reads the bytes of a tokenizer_config.json, tokens and chat template, into a tokenizer that no other thread uses yet.
 */
TARN_API bool tarn_tokenizer_configure(tarn_tokenizer *tokenizer, const char *bytes, size_t length, const char *name);

TARN_API void tarn_tokenizer_free(tarn_tokenizer *tokenizer);

typedef struct {
    int begin_;
    bool add_special_tokens; /* the post-processor adds its tokens (BOS and the like) */
    int end_;
} tarn_encode_options;
/* Token ids of utf8[0..length), in *ids (tarn_free) and *count. Added tokens such as "<|im_end|>" in the text always
   become their ids. Invalid UTF-8 is an error that tells the offset. */
#define tarn_tokenizer_encode(...) TARN_CALL(5, tarn_tokenizer_encode_with, tarn_encode_options, __VA_ARGS__)
TARN_API bool tarn_tokenizer_encode_with(const tarn_tokenizer *tokenizer, const char *utf8, size_t length,
                                         int32_t **ids, size_t *count, tarn_encode_options options TARN_ABSENT);

typedef struct {
    int begin_;
    bool skip_special_tokens; /* leave them out */
    int end_;
} tarn_decode_options;
/* Text of ids[0..count), ended by a NUL that *length (may be NULL) does not count; release with tarn_free. Ids that are
   no token (padding rows of an embedding) are left out. Bytes that are no UTF-8 become U+FFFD. */
#define tarn_tokenizer_decode(...) TARN_CALL(4, tarn_tokenizer_decode_with, tarn_decode_options, __VA_ARGS__)
TARN_API char *tarn_tokenizer_decode_with(const tarn_tokenizer *tokenizer, const int32_t *ids, size_t count,
                                          size_t *length, tarn_decode_options options TARN_ABSENT);

/* Decodes one id at a time. What the pushes and the finish return, put together, is what tarn_tokenizer_decode returns
   for all ids; each part is whole UTF-8 and as long as what later ids cannot change. One difference: of byte tokens
   ("<0xE2>") a stream returns every character as soon as it is whole, while tarn_tokenizer_decode makes U+FFFD of all
   of a run that is not UTF-8 as a whole. The tokenizer must outlive the stream; a stream belongs to one thread.
 */
typedef struct tarn_token_stream tarn_token_stream;
#define tarn_token_stream_new(...) TARN_CALL(1, tarn_token_stream_new_with, tarn_decode_options, __VA_ARGS__)
TARN_API tarn_token_stream *tarn_token_stream_new_with(const tarn_tokenizer *tokenizer,
                                                       tarn_decode_options options TARN_ABSENT);
/* The new text, possibly "", valid until the next call on this stream; NULL on failure. */
TARN_API const char *tarn_token_stream_push(tarn_token_stream *stream, int32_t id, size_t *length);
/* The rest; afterwards the stream is as new. */
TARN_API const char *tarn_token_stream_finish(tarn_token_stream *stream, size_t *length);
TARN_API void tarn_token_stream_free(tarn_token_stream *stream);

/* Number of tokens, added ones included, and one more than the largest id. They differ where ids have gaps. */
TARN_API size_t tarn_tokenizer_vocab_size(const tarn_tokenizer *tokenizer);
TARN_API int32_t tarn_tokenizer_id_limit(const tarn_tokenizer *tokenizer);

/* The id of a token as it is written in the vocabulary ("Ġhello"), or -1. */
TARN_API int32_t tarn_tokenizer_token_id(const tarn_tokenizer *tokenizer, const char *token, size_t length);
/* The token of an id as it is written in the vocabulary, or NULL; lives as long as the tokenizer. `length` may be NULL.
 */
TARN_API const char *tarn_tokenizer_token(const tarn_tokenizer *tokenizer, int32_t id, size_t *length);

typedef enum { TARN_TOKEN_ADDED = 1, TARN_TOKEN_SPECIAL = 2 } tarn_token_flags;
/* Flags of an id; 0 for an ordinary token and for an id that is none. */
TARN_API int tarn_tokenizer_token_flags(const tarn_tokenizer *tokenizer, int32_t id);

/* Tokens named by tokenizer_config.json (or special_tokens_map.json): `role` is "bos_token", "eos_token", "pad_token",
   "unk_token", "cls_token", "sep_token", "mask_token", or a name that a model's files make up, such as "image_token".
   The text is NULL and the id -1 if there is none. Such tokens, and others that tokenizer_config.json lists, are added
   tokens also where tokenizer.json does not list them.
 */
TARN_API const char *tarn_tokenizer_named_token(const tarn_tokenizer *tokenizer, const char *role, size_t *length);
TARN_API int32_t tarn_tokenizer_named_id(const tarn_tokenizer *tokenizer, const char *role);
/* The role of the named token `index`, counted from 0; NULL behind the last one. */
TARN_API const char *tarn_tokenizer_role(const tarn_tokenizer *tokenizer, size_t index);

/* The chat template called `name` (absent: "default"), or NULL; `length` gets its bytes. It lives as long as the
   tokenizer. chat_template.jinja and the files in additional_chat_templates go before tokenizer_config.json. */
typedef struct {
    int begin_;
    const char *name;
    size_t *length;
    int end_;
} tarn_chat_template_options;
#define tarn_tokenizer_chat_template(...)                                                                              \
    TARN_CALL(1, tarn_tokenizer_chat_template_with, tarn_chat_template_options, __VA_ARGS__)
TARN_API const char *tarn_tokenizer_chat_template_with(const tarn_tokenizer *tokenizer,
                                                       tarn_chat_template_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
