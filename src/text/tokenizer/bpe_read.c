/* Reads the "model" of a tokenizer.json: flags from the tree, the vocabulary, which may be large, piece by piece from
 * the text; merges_read.c has the merges. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tokenizer/bpe_merges.h"
#include "tokenizer/token_batch.h"

/* Entries are read some at a time: the table's slots come from memory while the next ones are read. */

typedef struct {
    vocabulary *tokens;
    const part *list;
    token_batch batch;
    int64_t ids[MOST_BATCHED];
} vocabulary_reader;

static bool add_token(const vocabulary_reader *v, const batch_token *token, int64_t id) {
    int shown = (int)(token->length < 100 ? token->length : 100);
    if (id < 0 || id >= TOKEN_LIMIT)
        return part_fail(v->list, "the id of \"%.*s\" is not in 0 to %d", shown, token->bytes, TOKEN_LIMIT - 1);
    if (vocabulary_add_hashed(v->tokens, token->hash, token->bytes, token->length, (int32_t)id)) return true;
    const vocabulary_entry *other = vocabulary_token(v->tokens, (int32_t)id);
    if (!tarn_ok()) return false;
    if (!other) return part_fail(v->list, "\"%.*s\" occurs twice", shown, token->bytes);
    return part_fail(v->list, "\"%.100s\" and \"%.*s\" have the same id %lld", other->bytes, shown, token->bytes,
                     (long long)id);
}

static bool add_batch(vocabulary_reader *v) {
    for (size_t i = 0; i < v->batch.count; i++)
        if (!add_token(v, &v->batch.tokens[i], v->ids[i])) return false;
    batch_clear(&v->batch);
    return true;
}

static bool read_entry(vocabulary_reader *v, json_reader *r) {
    const char *token;
    size_t length;
    int64_t *id = &v->ids[v->batch.count];
    if (!json_reader_key(r, &token, &length) || !batch_add(&v->batch, v->tokens, r, token, length)) return false;
    return json_reader_whole(r, id) && (v->batch.count < MOST_BATCHED || add_batch(v));
}

static bool read_vocabulary(vocabulary *tokens, const part *list, json_reader *r) {
    if (!r->bytes || json_reader_peek(r) != '{') return part_fail(list, "must be an object of token: id");
    if (!vocabulary_reserve(tokens, r->count)) return false;
    vocabulary_reader v = {.tokens = tokens, .list = list};
    int more = json_reader_open(r, '{') ? json_reader_next(r) : -1;
    while (more > 0) more = read_entry(&v, r) ? json_reader_next(r) : -1;
    bool ok = more == 0 && add_batch(&v);
    batch_free(&v.batch);
    return ok;
}

static bool keep_string(const part *model, const char *key, char **copy, size_t *length) {
    const char *string;
    if (!part_optional_string(model, key, &string, length)) return false;
    if (string) *copy = memory_copy(string, *length + 1);
    return !string || *copy;
}

/* An empty affix is none. */
static bool keep_affix(const part *model, const char *key, char **copy, size_t *length) {
    if (!keep_string(model, key, copy, length)) return false;
    if (*length > 0) return true;
    memory_free(*copy);
    *copy = NULL;
    return true;
}

static bool read_flags(bpe *b, const part *model) {
    part dropout = part_member(model, "dropout");
    if (!part_absent(&dropout) && json_number(dropout.value, 1) != 0)
        return part_fail(&dropout, "random dropping of merges is not supported; it must be null");
    return keep_affix(model, "continuing_subword_prefix", &b->prefix, &b->prefix_length) &&
           keep_affix(model, "end_of_word_suffix", &b->suffix, &b->suffix_length) &&
           keep_string(model, "unk_token", &b->unknown, &b->unknown_length) &&
           part_boolean(model, "fuse_unk", false, &b->fuse_unknown) &&
           part_boolean(model, "byte_fallback", false, &b->byte_fallback) &&
           part_boolean(model, "ignore_merges", false, &b->ignore_merges);
}

static void fill_tables(bpe *b) {
    char name[8];
    for (uint32_t c = 0; c < DIRECT; c++) b->direct[c] = vocabulary_id(b->tokens, name, utf8_encode(c, name));
    for (unsigned i = 0; i < 256; i++)
        b->bytes[i] = vocabulary_id(b->tokens, name, (size_t)snprintf(name, sizeof name, "<0x%02X>", i));
}

bool bpe_read(bpe *b, vocabulary *tokens, const part *model, json_reader *vocab, json_reader *merges) {
    *b = (bpe){.tokens = tokens};
    const char *type;
    size_t length;
    if (!json_is(model->value, JSON_DICTIONARY))
        return part_fail(model, part_absent(model) ? "is missing" : "must be an object");
    if (!part_optional_string(model, "type", &type, &length)) return false;
    if (type && strcmp(type, "BPE") != 0)
        return part_fail(model, "type \"%.100s\" is not supported; only BPE is", type);
    if (!part_known(model, "type dropout unk_token continuing_subword_prefix end_of_word_suffix fuse_unk byte_fallback "
                           "ignore_merges vocab "
                           "merges"))
        return false;
    part tokens_list = part_member(model, "vocab"), merges_list = part_member(model, "merges");
    if (!read_flags(b, model) || !read_vocabulary(tokens, &tokens_list, vocab) ||
        !bpe_read_merges(b, &merges_list, merges))
        return false;
    fill_tables(b);
    return true;
}

void bpe_free(bpe *b) {
    memory_free_aligned(b->merges);
    memory_free(b->prefix);
    memory_free(b->suffix);
    memory_free(b->unknown);
    *b = (bpe){0};
}
