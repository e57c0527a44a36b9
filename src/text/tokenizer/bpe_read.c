/* Reads the "model" of a tokenizer.json: vocabulary, merges, flags. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tokenizer/bpe_merges.h"

static bool read_vocabulary(vocabulary *tokens, const part *list) {
    if (!json_is(list->value, JSON_DICTIONARY)) return part_fail(list, "must be an object of token: id");
    void *cursor = NULL;
    const char *key;
    size_t length;
    const json *value;
    while (json_each(list->value, &cursor, &key, &length, &value)) {
        int64_t id = json_whole(value, -1);
        if (id < 0 || id >= TOKEN_LIMIT) return part_fail(list, "the id of \"%.100s\" is not in 0 to %d", key, TOKEN_LIMIT - 1);
        if (vocabulary_token(tokens, (int32_t)id))
            return part_fail(list, "\"%.100s\" and \"%.100s\" have the same id %lld", vocabulary_token(tokens, (int32_t)id)->bytes, key,
                             (long long)id);
        if (!vocabulary_add(tokens, key, length, (int32_t)id)) return false;
    }
    return true;
}

/* The two halves of a merge: "a b" or ["a", "b"]. */
static bool read_pair(const part *item, const char *half[2], size_t length[2]) {
    half[0] = json_text(item->value, &length[0]);
    if (half[0]) {
        const char *space = memchr(half[0], ' ', length[0]);
        if (!space || memchr(space + 1, ' ', length[0] - (size_t)(space + 1 - half[0])))
            return part_fail(item, "must have exactly one space");
        half[1] = space + 1;
        length[1] = length[0] - (size_t)(half[1] - half[0]);
        length[0] = (size_t)(space - half[0]);
        return true;
    }
    for (size_t i = 0; i < 2; i++) half[i] = json_text(json_at(item->value, i), &length[i]);
    return (half[0] && half[1] && json_count(item->value) == 2) || part_fail(item, "must be a string \"a b\" or a list of two strings");
}

static void insert(bpe *b, merge new) {
    size_t i = bpe_slot(b, new.pair);
    while (b->merges[i].pair != NO_PAIR && b->merges[i].pair != new.pair) i = (i + 1) & (b->capacity - 1);
    b->merges[i] = new;
}

static bool begins_with_marker(const char *s, size_t length) {
    return length >= MARKER_LENGTH && memcmp(s, MARKER, MARKER_LENGTH) == 0;
}

static bool ends_with_marker(const char *s, size_t length) {
    return length >= MARKER_LENGTH && memcmp(s + length - MARKER_LENGTH, MARKER, MARKER_LENGTH) == 0;
}

static bool read_merge(bpe *b, const part *item, uint32_t rank, text *whole) {
    const char *half[2] = {0};
    size_t length[2];
    int32_t ids[2];
    if (!read_pair(item, half, length)) return false;
    for (int i = 0; i < 2; i++) {
        ids[i] = vocabulary_id(b->tokens, half[i], length[i]);
        if (ids[i] == NO_TOKEN) return part_fail(item, "\"%.*s\" is not in the vocabulary", (int)(length[i] & 127), half[i]);
    }
    if (begins_with_marker(half[1], length[1]) && !ends_with_marker(half[0], length[0])) b->separable = false;
    if (length[1] < b->prefix_length) return part_fail(item, "the second half is shorter than continuing_subword_prefix");
    text_clear(whole);
    text_append(whole, half[0], length[0]);
    if (!text_append(whole, half[1] + b->prefix_length, length[1] - b->prefix_length)) return false;
    int32_t id = vocabulary_id(b->tokens, text_string(whole), whole->length);
    if (id == NO_TOKEN) return part_fail(item, "the merged token \"%.100s\" is not in the vocabulary", text_string(whole));
    insert(b, (merge){.pair = (uint64_t)(uint32_t)ids[0] << 32 | (uint32_t)ids[1], .rank = rank, .id = id});
    return true;
}

static bool read_merges(bpe *b, const part *list) {
    if (!part_array(list)) return false;
    size_t count = json_count(list->value);
    if (count > TOKEN_LIMIT) return part_fail(list, "%zu merges are more than the limit of %d", count, TOKEN_LIMIT);
    for (b->capacity = 16; b->capacity < count * 2; b->capacity *= 2) {
    }
    b->merges = NEW_ARRAY(merge, b->capacity);
    if (!b->merges) return false;
    for (size_t i = 0; i < b->capacity; i++) b->merges[i].pair = NO_PAIR;
    text whole = {0};
    bool ok = true;
    b->separable = !b->prefix && !b->suffix && vocabulary_id(b->tokens, MARKER, MARKER_LENGTH) != NO_TOKEN &&
                   !(b->unknown && ends_with_marker(b->unknown, b->unknown_length));
    for (size_t i = 0; ok && i < count; i++) {
        part item = part_item(list, i);
        ok = read_merge(b, &item, (uint32_t)i, &whole);
    }
    text_free(&whole);
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
           keep_string(model, "unk_token", &b->unknown, &b->unknown_length) && part_boolean(model, "fuse_unk", false, &b->fuse_unknown) &&
           part_boolean(model, "byte_fallback", false, &b->byte_fallback) && part_boolean(model, "ignore_merges", false, &b->ignore_merges);
}

static void fill_tables(bpe *b) {
    char name[8];
    for (uint32_t c = 0; c < DIRECT; c++) b->direct[c] = vocabulary_id(b->tokens, name, utf8_encode(c, name));
    for (unsigned i = 0; i < 256; i++) b->bytes[i] = vocabulary_id(b->tokens, name, (size_t)snprintf(name, sizeof name, "<0x%02X>", i));
}

bool bpe_read(bpe *b, vocabulary *tokens, const part *model) {
    *b = (bpe){.tokens = tokens};
    const char *type;
    size_t length;
    if (!json_is(model->value, JSON_DICTIONARY)) return part_fail(model, part_absent(model) ? "is missing" : "must be an object");
    if (!part_optional_string(model, "type", &type, &length)) return false;
    if (type && strcmp(type, "BPE") != 0) return part_fail(model, "type \"%.100s\" is not supported; only BPE is", type);
    if (!part_known(model, "type dropout unk_token continuing_subword_prefix end_of_word_suffix fuse_unk byte_fallback ignore_merges vocab "
                           "merges"))
        return false;
    part list = part_member(model, "vocab"), merges = part_member(model, "merges");
    if (!read_flags(b, model) || !read_vocabulary(tokens, &list) || !read_merges(b, &merges)) return false;
    fill_tables(b);
    return true;
}

void bpe_free(bpe *b) {
    memory_free(b->merges);
    memory_free(b->prefix);
    memory_free(b->suffix);
    memory_free(b->unknown);
    *b = (bpe){0};
}
