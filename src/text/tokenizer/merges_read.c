/* Reads the merges of a tokenizer.json. Each half is looked up in a vocabulary that no cache holds: merges are read
   some at a time, and what a look-up will touch is fetched before it is made. */
#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tokenizer/bpe_merges.h"
#include "tokenizer/token_batch.h"

enum { BATCH = MOST_BATCHED / 2 };

typedef struct {
    const part *list;
    json_reader *reader;
    size_t index;
    int32_t last;      /* the token that the merge before gave */
    token_batch batch; /* two halves a merge */
    size_t indices[BATCH];
    text whole;
    VECTOR(merge) merges;
} merge_reader;

static bool fail_merge(const merge_reader *m, size_t index, const char *what) {
    part item = {.parent = m->list, .index = index};
    return part_fail(&item, "%s", what);
}

/* ---- from the text */

static bool add_half(const bpe *b, merge_reader *m, int which, const char *half, size_t length) {
    if (which && length < b->prefix_length)
        return fail_merge(m, m->index, "the second half is shorter than continuing_subword_prefix");
    return batch_add(&m->batch, b->tokens, m->reader, half, length);
}

/* "a b" */
static bool read_joined_pair(const bpe *b, merge_reader *m) {
    const char *pair;
    size_t length;
    if (!json_reader_string(m->reader, &pair, &length)) return false;
    const char *space = memchr(pair, ' ', length);
    if (length >= 8 && memcmp(pair, "#version", 8) == 0) return true; /* a first line of merges.txt */
    if (!space || memchr(space + 1, ' ', length - (size_t)(space + 1 - pair)))
        return fail_merge(m, m->index, "must have exactly one space");
    size_t left = (size_t)(space - pair);
    return add_half(b, m, 0, pair, left) && add_half(b, m, 1, space + 1, length - left - 1);
}

static bool fail_form(const merge_reader *m) {
    return fail_merge(m, m->index, "must be a string \"a b\" or a list of two strings");
}

/* ["a", "b"] */
static bool read_listed_pair(const bpe *b, merge_reader *m) {
    const char *half;
    size_t length;
    int more = json_reader_open(m->reader, '[') ? json_reader_next(m->reader) : -1;
    for (int i = 0; more > 0 && i < 2; i++) {
        if (json_reader_peek(m->reader) != '"') return fail_form(m);
        more = json_reader_string(m->reader, &half, &length) && add_half(b, m, i, half, length)
                   ? json_reader_next(m->reader)
                   : -1;
        if (more == 0 && i == 0) return fail_form(m);
    }
    return more == 0 || (more > 0 && fail_form(m));
}

/* ---- to ids */

static bool begins_with_marker(const batch_token *t) {
    return t->length >= MARKER_LENGTH && memcmp(t->bytes, MARKER, MARKER_LENGTH) == 0;
}

static bool ends_with_marker(const char *bytes, size_t length) {
    return length >= MARKER_LENGTH && memcmp(bytes + length - MARKER_LENGTH, MARKER, MARKER_LENGTH) == 0;
}

/* No merge may reach over a place where a marker follows another character, or words cannot be encoded one by one. */
static bool keeps_words_apart(const batch_token halves[2]) {
    return !begins_with_marker(&halves[1]) || ends_with_marker(halves[0].bytes, halves[0].length);
}

static bool find_half(const bpe *b, const merge_reader *m, size_t index, const batch_token *half, int32_t *id) {
    part item = {.parent = m->list, .index = index};
    *id = vocabulary_find(b->tokens, half->hash, half->bytes, half->length);
    return *id != NO_TOKEN || part_fail(&item, "\"%.*s\" is not in the vocabulary",
                                        (int)(half->length < 100 ? half->length : 100), half->bytes);
}

/* Whether a token is the first half and what follows the prefix in the second. */
static bool is_joined(const vocabulary_entry *token, const batch_token halves[2], size_t skip) {
    return token && token->length == halves[0].length + halves[1].length - skip &&
           memcmp(token->bytes, halves[0].bytes, halves[0].length) == 0 &&
           memcmp(token->bytes + halves[0].length, halves[1].bytes + skip, halves[1].length - skip) == 0;
}

/* The token that the halves become. Merges stand in the order of these tokens, as a rule: then the next one is found
   without a look-up. */
static bool find_merged(const bpe *b, merge_reader *m, size_t index, const batch_token halves[2], int32_t *id) {
    size_t skip = b->prefix_length;
    *id = ++m->last;
    if (is_joined(vocabulary_token(b->tokens, m->last), halves, skip)) return true;
    text_clear(&m->whole);
    if (!text_append(&m->whole, halves[0].bytes, halves[0].length) ||
        !text_append(&m->whole, halves[1].bytes + skip, halves[1].length - skip))
        return false;
    *id = m->last = vocabulary_id(b->tokens, text_string(&m->whole), m->whole.length);
    part item = {.parent = m->list, .index = index};
    return *id != NO_TOKEN ||
           part_fail(&item, "the merged token \"%.100s\" is not in the vocabulary", text_string(&m->whole));
}

static bool add_merge(bpe *b, merge_reader *m, size_t index, const batch_token halves[2]) {
    int32_t left, right, id;
    if (!find_half(b, m, index, &halves[0], &left) || !find_half(b, m, index, &halves[1], &right)) return false;
    if (b->separable && !keeps_words_apart(halves)) b->separable = false;
    if (!find_merged(b, m, index, halves, &id)) return false;
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    return vector_push(&m->merges, ((merge){.pair = pair, .rank = (uint32_t)index, .id = id}));
}

static bool add_batch(bpe *b, merge_reader *m) {
    for (size_t i = 0; i < m->batch.count; i++) vocabulary_fetch_bytes(b->tokens, m->batch.tokens[i].hash);
    for (size_t i = 0; i < m->batch.count; i += 2)
        if (!add_merge(b, m, m->indices[i / 2], &m->batch.tokens[i])) return false;
    batch_clear(&m->batch);
    return true;
}

static bool read_merge(bpe *b, merge_reader *m) {
    char kind = json_reader_peek(m->reader);
    m->indices[m->batch.count / 2] = m->index;
    if (kind != '"' && kind != '[') return fail_form(m);
    if (!(kind == '"' ? read_joined_pair(b, m) : read_listed_pair(b, m))) return false;
    return m->batch.count < MOST_BATCHED || add_batch(b, m);
}

/* ---- the table */

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

bool bpe_read_merges(bpe *b, const part *list, json_reader *r) {
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
    bool ok = more == 0 && add_batch(b, &m) && fill_merges(b, m.merges.items, m.merges.count);
    batch_free(&m.batch);
    vector_free(&m.merges);
    text_free(&m.whole);
    return ok;
}
