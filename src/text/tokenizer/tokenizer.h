/* What a tokenizer consists of. */
#ifndef TOKENIZER_TOKENIZER_H
#define TOKENIZER_TOKENIZER_H

#include "tarn/tokenizer.h"
#include "tokenizer/added.h"
#include "tokenizer/bpe.h"
#include "tokenizer/decoder.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/postprocessor.h"
#include "tokenizer/pretokenizer.h"

/* A string with its length; bytes is NULL for none. */
typedef struct {
    char *bytes;
    size_t length;
} string;

typedef struct {
    string name, source;
} chat_template;

/* A token with a role, such as "eos_token". */
typedef struct {
    string role, content;
    added_token token; /* what it is if tokenizer.json does not know it */
    bool plain;        /* written as a string */
} named_token;

struct tarn_tokenizer {
    vocabulary tokens;
    bpe model;
    normalizer normalizer;
    added_tokens added;
    pretokenizer pretokenizer;
    postprocessor postprocessor;
    decoder decoder;
    VECTOR(named_token) named;
    VECTOR(chat_template) templates;
};

/* Reads a parsed tokenizer_config.json and special_tokens_map.json; either may be absent. Tokens that they name and
   tokenizer.json lacks are added, as `transformers` does. */
bool tokenizer_read_config(tarn_tokenizer *t, const part *config, const part *map);
void tokenizer_free_config(tarn_tokenizer *t);

/* folder.c: the tokenizer of a folder without tokenizer.json; NULL with an error that says what is there instead. */
tarn_tokenizer *tokenizer_from_folder(const char *folder, const part *config, const part *map);

/* tekken.c: the tokenizer of a tekken.json, without the roles of its tokens. */
tarn_tokenizer *tokenizer_from_tekken(const char *path);

/* chat_templates.c: "chat_template" of a tokenizer_config.json; chat_template.jinja and the folder
 * additional_chat_templates. */
bool tokenizer_read_templates(tarn_tokenizer *t, const part *config);
bool tokenizer_read_template_files(tarn_tokenizer *t, const char *folder);
void tokenizer_free_templates(tarn_tokenizer *t);

/* Replaces a string by a copy of bytes. */
bool string_set(string *to, const char *bytes, size_t length);

#endif
