/* From tekken.json to the tokenizer.json that transformers makes of it: tokens written as visible characters, and for
   every token the pairs of tokens that it is made of as merges, in the order of ranks. Reading is in tekken_read.c. */
#include "tokenizer/tekken.h"

#include <stdlib.h>

#include "base/files.h"
#include "base/memory.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/tokenizer.h"

enum { FILE_LIMIT = 1 << 29 };

typedef struct {
    const tekken *from;
    text *out;
    text visible; /* the last token written */
    bool first;   /* nothing was written behind the last opening bracket */
} writer;

static bool separate(writer *w) {
    bool first = w->first;
    w->first = false;
    return first || text_add_char(w->out, ',');
}

static bool write_visible(writer *w, const char *bytes, size_t length) {
    text_clear(&w->visible);
    return byte_level_write(bytes, length, &w->visible) &&
           json_write_string(w->out, text_string(&w->visible), w->visible.length, false);
}

/* ---- vocabulary and special tokens */

static bool write_token(writer *w, size_t rank, const part *list) {
    const vocabulary_entry *token = &w->from->tokens.tokens.items[rank];
    const vocabulary *specials = &w->from->specials;
    if (!separate(w) || !write_visible(w, token->bytes, token->length)) return false;
    part item = {.parent = list, .index = rank};
    if (vocabulary_id(specials, text_string(&w->visible), w->visible.length) != NO_TOKEN)
        return part_fail(&item, "\"%.100s\" is a special token too", text_string(&w->visible));
    return text_format(w->out, ":%zu", rank + specials->count);
}

static bool write_vocabulary(writer *w, const part *list) {
    w->first = true;
    const vocabulary *specials = &w->from->specials;
    for (size_t i = 0; i < specials->count; i++) {
        const vocabulary_entry *token = &specials->tokens.items[i];
        if (!separate(w) || !json_write_string(w->out, token->bytes, token->length, false) ||
            !text_format(w->out, ":%zu", i))
            return false;
    }
    for (size_t i = 0; i < w->from->tokens.count; i++)
        if (!write_token(w, i, list)) return false;
    return true;
}

static bool write_specials(writer *w) {
    w->first = true;
    for (size_t i = 0; i < w->from->specials.count; i++) {
        const vocabulary_entry *token = &w->from->specials.tokens.items[i];
        if (!separate(w) || !text_format(w->out, "{\"id\":%zu,\"special\":true,\"content\":", i) ||
            !json_write_string(w->out, token->bytes, token->length, false) || !text_add_char(w->out, '}'))
            return false;
    }
    return true;
}

/* ---- merges */

typedef struct {
    int32_t left, right;
} halves;

static int by_ranks(const void *a, const void *b) {
    const halves *x = a, *y = b;
    return x->left != y->left ? (x->left > y->left) - (x->left < y->left)
                              : (x->right > y->right) - (x->right < y->right);
}

static bool write_merge(writer *w, halves pair) {
    const vocabulary_entry *tokens = w->from->tokens.tokens.items, *left = &tokens[pair.left],
                           *right = &tokens[pair.right];
    return separate(w) && text_add_char(w->out, '[') && write_visible(w, left->bytes, left->length) &&
           text_add_char(w->out, ',') && write_visible(w, right->bytes, right->length) && text_add_char(w->out, ']');
}

/* A token may be made of several pairs: all of them are merges. */
static bool write_pairs_of(writer *w, const vocabulary_entry *token) {
    VECTOR(halves) pairs = {0};
    bool ok = true;
    for (size_t cut = 1; ok && cut < token->length; cut++) {
        halves pair = {.left = vocabulary_id(&w->from->tokens, token->bytes, cut)};
        if (pair.left == NO_TOKEN) continue;
        pair.right = vocabulary_id(&w->from->tokens, token->bytes + cut, token->length - cut);
        if (pair.right != NO_TOKEN) ok = vector_push(&pairs, pair);
    }
    if (pairs.count > 1) qsort(pairs.items, pairs.count, sizeof *pairs.items, by_ranks);
    for (size_t i = 0; ok && i < pairs.count; i++) ok = write_merge(w, pairs.items[i]);
    vector_free(&pairs);
    return ok;
}

static bool write_merges(writer *w) {
    w->first = true;
    for (size_t i = 0; i < w->from->tokens.count; i++)
        if (!write_pairs_of(w, &w->from->tokens.tokens.items[i])) return false;
    return true;
}

/* ---- the whole */

static bool write_description(writer *w, const part *list) {
    return text_add(w->out, "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
                            "\"pattern\":{\"Regex\":") &&
           json_write_string(w->out, w->from->pattern, w->from->pattern_length, false) &&
           text_add(
               w->out,
               "},\"behavior\":\"Isolated\"},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
               "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"ignore_merges\":true,\"vocab\":{") &&
           write_vocabulary(w, list) && text_add(w->out, "},\"merges\":[") && write_merges(w) &&
           text_add(w->out, "]},\"added_tokens\":[") && write_specials(w) && text_add(w->out, "]}");
}

static tarn_tokenizer *build(const tekken *from, const part *file) {
    text description = {0};
    writer w = {.from = from, .out = &description};
    part list = part_member(file, "vocab");
    tarn_tokenizer *t = NULL;
    if (write_description(&w, &list))
        t = tarn_tokenizer_from_json(text_string(&description), description.length, file->name);
    text_free(&w.visible);
    text_free(&description);
    return t;
}

static tarn_tokenizer *read_bytes(const char *bytes, size_t length, const char *path) {
    static const char *const large[] = {"vocab"};
    json_reader vocab;
    json *root = json_parse_around(bytes, length, path, large, &vocab, 1);
    part file = {.name = path, .value = root};
    tekken from = {0};
    tarn_tokenizer *t = root && tekken_read(&from, &file, &vocab) ? build(&from, &file) : NULL;
    tekken_free(&from);
    json_reader_free(&vocab);
    json_free(root);
    return t;
}

tarn_tokenizer *tokenizer_from_tekken(const char *path) {
    size_t length;
    char *bytes = file_read(path, FILE_LIMIT, &length);
    tarn_tokenizer *t = bytes ? read_bytes(bytes, length, path) : NULL;
    memory_free(bytes);
    return t;
}
