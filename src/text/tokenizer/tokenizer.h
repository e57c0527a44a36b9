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

enum { NAMED_TOKENS = 7 };

/* A string with its length; bytes is NULL for none. */
typedef struct {
    char *bytes;
    size_t length;
} string;

typedef struct {
    string name, source;
} chat_template;

struct tarn_tokenizer {
    vocabulary tokens;
    bpe model;
    normalizer normalizer;
    added_tokens added;
    pretokenizer pretokenizer;
    postprocessor postprocessor;
    decoder decoder;
    string named[NAMED_TOKENS]; /* in the order of the roles in config.c */
    VECTOR(chat_template) templates;
};

/* Reads a parsed tokenizer.json into t, which is zeroed; `name` is the file in messages, the readers stand for model.vocab and merges. */
bool tokenizer_read(tarn_tokenizer *t, const json *root, const char *name, json_reader *vocab, json_reader *merges);

/* Reads a parsed tokenizer_config.json or special_tokens_map.json; what t has already stays. */
bool tokenizer_read_config(tarn_tokenizer *t, const json *root, const char *name);
/* Adds a chat template, in place of one with the same name; both strings are copied. */
bool tokenizer_set_template(tarn_tokenizer *t, const char *name, size_t name_length, const char *source, size_t length);
void tokenizer_free_config(tarn_tokenizer *t);

#endif
