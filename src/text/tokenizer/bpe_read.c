/* Reads the "model" of a tokenizer.json: flags from the tree, vocabulary and merges, which may be large, piece by piece
 * from the text. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tokenizer/bpe_merges.h"

static bool add_token(vocabulary *tokens, const part *list, const char *token, size_t length, int64_t id) {
    int shown = (int)(length < 100 ? length : 100);
    if (id < 0 || id >= TOKEN_LIMIT)
        return part_fail(list, "the id of \"%.*s\" is not in 0 to %d", shown, token, TOKEN_LIMIT - 1);
    if (vocabulary_add(tokens, token, length, (int32_t)id)) return true;
    const vocabulary_entry *other = vocabulary_token(tokens, (int32_t)id);
    if (!tarn_ok()) return false;
    if (!other) return part_fail(list, "\"%.*s\" occurs twice", shown, token);
    return part_fail(list, "\"%.100s\" and \"%.*s\" have the same id %lld", other->bytes, shown, token, (long long)id);
}

static bool read_entry(vocabulary *tokens, const part *list, json_reader *r) {
    const char *token;
    size_t length;
    int64_t id;
    return json_reader_key(r, &token, &length) && json_reader_whole(r, &id) &&
           add_token(tokens, list, token, length, id);
}

static bool read_vocabulary(vocabulary *tokens, const part *list, json_reader *r) {
    if (!r->bytes || json_reader_peek(r) != '{') return part_fail(list, "must be an object of token: id");
    if (!vocabulary_reserve(tokens, r->count)) return false;
    int more = json_reader_open(r, '{') ? json_reader_next(r) : -1;
    while (more > 0) more = read_entry(tokens, list, r) ? json_reader_next(r) : -1;
    return more == 0;
}

/* A merge as it is read: the ids of its halves, and the token that they become. */
typedef struct {
    const part *list;
    json_reader *reader;
    size_t index;
    bool skipped;
    int32_t ids[2], last; /* last: the token that the merge before gave */
    text whole;
    VECTOR(merge) merges;
} merge_reader;

static bool fail_merge(const merge_reader *m, const char *what) {
    part item = {.parent = m->list, .index = m->index};
    return part_fail(&item, "%s", what);
}

static bool begins_with_marker(const char *s, size_t length) {
    return length >= MARKER_LENGTH && memcmp(s, MARKER, MARKER_LENGTH) == 0;
}

static bool ends_with_marker(const char *s, size_t length) {
    return length >= MARKER_LENGTH && memcmp(s + length - MARKER_LENGTH, MARKER, MARKER_LENGTH) == 0;
}

static bool take_half(const bpe *b, merge_reader *m, int which, const char *half, size_t length) {
    part item = {.parent = m->list, .index = m->index};
    m->ids[which] = vocabulary_id(b->tokens, half, length);
    if (m->ids[which] == NO_TOKEN)
        return part_fail(&item, "\"%.*s\" is not in the vocabulary", (int)(length & 127), half);
    size_t skip = which ? b->prefix_length : 0;
    if (length < skip) return fail_merge(m, "the second half is shorter than continuing_subword_prefix");
    return text_append(&m->whole, half + skip, length - skip);
}

/* "a b" */
static bool read_joined_pair(const bpe *b, merge_reader *m) {
    const char *pair;
    size_t length;
    if (!json_reader_string(m->reader, &pair, &length)) return false;
    const char *space = memchr(pair, ' ', length);
    if (length >= 8 && memcmp(pair, "#version", 8) == 0) return m->skipped = true; /* a first line of merges.txt */
    if (!space || memchr(space + 1, ' ', length - (size_t)(space + 1 - pair)))
        return fail_merge(m, "must have exactly one space");
    size_t left = (size_t)(space - pair);
    return take_half(b, m, 0, pair, left) && take_half(b, m, 1, space + 1, length - left - 1);
}

/* ["a", "b"] */
static bool read_listed_pair(const bpe *b, merge_reader *m) {
    const char *half;
    size_t length;
    int more = json_reader_open(m->reader, '[') ? json_reader_next(m->reader) : -1;
    for (int i = 0; more > 0 && i < 2; i++) {
        if (json_reader_peek(m->reader) != '"')
            return fail_merge(m, "must be a string \"a b\" or a list of two strings");
        more = json_reader_string(m->reader, &half, &length) && take_half(b, m, i, half, length)
                   ? json_reader_next(m->reader)
                   : -1;
        if (more == 0 && i == 0) return fail_merge(m, "must be a string \"a b\" or a list of two strings");
    }
    return more == 0 || (more > 0 && fail_merge(m, "must be a string \"a b\" or a list of two strings"));
}

static void insert(bpe *b, merge new) {
    size_t i = bpe_slot(b, new.pair);
    while (b->merges[i].pair != NO_PAIR && b->merges[i].pair != new.pair) i = (i + 1) & (b->capacity - 1);
    b->count += b->merges[i].pair == NO_PAIR;
    b->merges[i] = new;
}

/* The table: at most half of it is in use. Its lines are fetched some merges ahead, or each would be waited for. */
static bool fill_merges(bpe *b, const merge *list, size_t count) {
    enum { AHEAD = 16 };
    for (b->capacity = 16; b->capacity < count * 2; b->capacity *= 2) {
    }
    b->merges = memory_new_aligned(b->capacity * sizeof(merge));
    if (!b->merges) return false;
    for (size_t i = 0; i < b->capacity; i++) b->merges[i].pair = NO_PAIR;
    for (size_t i = 0; i < count; i++) {
        if (i + AHEAD < count) __builtin_prefetch(&b->merges[bpe_slot(b, list[i + AHEAD].pair)], 1);
        insert(b, list[i]);
    }
    return true;
}

/* No merge may reach over a place where a marker follows another character, or words cannot be encoded one by one. */
static bool keeps_words_apart(const bpe *b, const int32_t ids[2]) {
    const vocabulary_entry *left = vocabulary_token(b->tokens, ids[0]), *right = vocabulary_token(b->tokens, ids[1]);
    return !begins_with_marker(right->bytes, right->length) || ends_with_marker(left->bytes, left->length);
}

/* Merges stand in the order of their tokens, as a rule: then the next one is found without a look-up. */
static int32_t merged_token(const bpe *b, merge_reader *m) {
    const vocabulary_entry *next = vocabulary_token(b->tokens, m->last + 1);
    bool same =
        next && next->length == m->whole.length && memcmp(next->bytes, text_string(&m->whole), next->length) == 0;
    m->last = same ? m->last + 1 : vocabulary_id(b->tokens, text_string(&m->whole), m->whole.length);
    return m->last;
}

static bool read_merge(bpe *b, merge_reader *m) {
    char kind = json_reader_peek(m->reader);
    text_clear(&m->whole);
    if (kind != '"' && kind != '[') return fail_merge(m, "must be a string \"a b\" or a list of two strings");
    if (!(kind == '"' ? read_joined_pair(b, m) : read_listed_pair(b, m))) return false;
    if (m->skipped) return m->skipped = false, true;
    if (b->separable && !keeps_words_apart(b, m->ids)) b->separable = false;
    int32_t id = merged_token(b, m);
    part item = {.parent = m->list, .index = m->index};
    if (id == NO_TOKEN)
        return part_fail(&item, "the merged token \"%.100s\" is not in the vocabulary", text_string(&m->whole));
    uint64_t pair = (uint64_t)(uint32_t)m->ids[0] << 32 | (uint32_t)m->ids[1];
    return vector_push(&m->merges, ((merge){.pair = pair, .rank = (uint32_t)m->index, .id = id}));
}

static bool read_merges(bpe *b, const part *list, json_reader *r) {
    if (!r->bytes || json_reader_peek(r) != '[') return part_fail(list, "must be an array");
    b->separable = !b->prefix && !b->suffix && vocabulary_id(b->tokens, MARKER, MARKER_LENGTH) != NO_TOKEN &&
                   !(b->unknown && ends_with_marker(b->unknown, b->unknown_length));
    merge_reader m = {.list = list, .reader = r, .last = NO_TOKEN};
    if (!vector_reserve(&m.merges, r->count < TOKEN_LIMIT ? r->count : TOKEN_LIMIT)) return false;
    int more = json_reader_open(r, '[') ? json_reader_next(r) : -1;
    for (; more > 0; m.index++) {
        if (m.index == TOKEN_LIMIT) more = part_fail(list, "more merges than the limit of %d", TOKEN_LIMIT) ? 0 : -1;
        if (more > 0) more = read_merge(b, &m) ? json_reader_next(r) : -1;
    }
    bool ok = more == 0 && fill_merges(b, m.merges.items, m.merges.count);
    vector_free(&m.merges);
    text_free(&m.whole);
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
    if (!read_flags(b, model) || !read_vocabulary(tokens, &tokens_list, vocab) || !read_merges(b, &merges_list, merges))
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
