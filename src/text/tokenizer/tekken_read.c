/* Reads tekken.json. Members that say nothing about text (image, audio, version) are not looked at, as in
 * mistral-common. */
#include "tokenizer/tekken.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "tarn/error.h"
#include "tokenizer/regex.h"

enum { MOST_SPECIALS = 1 << 16, LONGEST_TOKEN = 1024, BYTES = 256 };

/* Of files without a list: the special tokens that all of them have. */
static const char *const older_specials[] = {
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
};
enum { OLDER_SPECIALS = sizeof older_specials / sizeof *older_specials };

static bool fail_unless_error(const part *p, const char *what) {
    return tarn_ok() && part_fail(p, "%s", what);
}

/* ---- config */

static bool read_pattern(tekken *t, const part *config) {
    if (!part_string(config, "pattern", &t->pattern, &t->pattern_length)) return false;
    text why = {0};
    regex *r = regex_new(t->pattern, t->pattern_length, false, &why);
    part pattern = part_member(config, "pattern");
    bool ok = r || fail_unless_error(&pattern, text_string(&why));
    text_free(&why);
    regex_free(r);
    return ok;
}

static bool optional_integer(const part *p, const char *key, int64_t least, int64_t most, int64_t fallback,
                             int64_t *value) {
    part member = part_member(p, key);
    *value = fallback;
    return part_absent(&member) || part_integer(p, key, least, most, value);
}

/* ---- special tokens */

static bool add_special(tekken *t, const part *place, const char *name, size_t length, int64_t rank) {
    if (length == 0 || length > LONGEST_TOKEN)
        return part_fail(place, "a token of %zu bytes, not of 1 to %d", length, LONGEST_TOKEN);
    return vocabulary_add(&t->specials, name, length, (int32_t)rank) ||
           fail_unless_error(place, "the token or its rank occurs twice");
}

/* Ranks in any order, but every one up to their number. */
static bool read_listed_specials(tekken *t, const part *list) {
    if (!part_array(list)) return false;
    size_t count = json_count(list->value);
    if (count == 0 || count > MOST_SPECIALS)
        return part_fail(list, "%zu special tokens, not 1 to %d", count, MOST_SPECIALS);
    for (size_t i = 0; i < count; i++) {
        part item = part_item(list, i);
        const char *name;
        size_t length;
        int64_t rank;
        if (!part_integer(&item, "rank", 0, (int64_t)count - 1, &rank) ||
            !part_string(&item, "token_str", &name, &length) || !add_special(t, &item, name, length, rank))
            return false;
    }
    return true;
}

static bool read_specials(tekken *t, const part *file, const part *config) {
    part list = part_member(file, "special_tokens"), wanted = part_member(config, "default_num_special_tokens");
    for (int i = 0; part_absent(&list) && i < OLDER_SPECIALS; i++)
        if (!add_special(t, &list, older_specials[i], strlen(older_specials[i]), i)) return false;
    if (!part_absent(&list) && !read_listed_specials(t, &list)) return false;
    int64_t known = (int64_t)t->specials.count, count;
    if (!optional_integer(config, "default_num_special_tokens", known, MOST_SPECIALS, known, &count)) return false;
    for (int64_t i = known; i < count; i++) {
        char name[32];
        int length = snprintf(name, sizeof name, "<SPECIAL_%d>", (int)i);
        if (!add_special(t, &wanted, name, (size_t)length, i)) return false;
    }
    return true;
}

/* ---- vocab */

typedef struct {
    const part *place;
    int64_t rank;
    text bytes;
    bool ranked, written;
} entry;

static bool fail_member(const entry *e, const char *key, const char *what) {
    part member = {.parent = e->place, .name = key};
    return fail_unless_error(&member, what);
}

static bool read_bytes(entry *e, json_reader *r) {
    const char *s;
    size_t length;
    if (!json_reader_string(r, &s, &length)) return false;
    text_clear(&e->bytes);
    e->written = true;
    return base64_decode(s, length, &e->bytes) || fail_member(e, "token_bytes", "is no base64");
}

/* "token_str" is for people to read: it is null where the bytes are no text. */
static bool skip_string(json_reader *r) {
    const char *s;
    size_t length;
    return json_reader_peek(r) == 'n' ? json_reader_null(r) : json_reader_string(r, &s, &length);
}

static bool read_member(entry *e, json_reader *r) {
    const char *key;
    size_t length;
    if (!json_reader_key(r, &key, &length)) return false;
    if (length == 4 && memcmp(key, "rank", 4) == 0) return e->ranked = json_reader_whole(r, &e->rank);
    if (length == 11 && memcmp(key, "token_bytes", 11) == 0) return read_bytes(e, r);
    if (length == 9 && memcmp(key, "token_str", 9) == 0) return skip_string(r);
    return part_fail(e->place, "unknown member \"%.*s\"", (int)(length < 100 ? length : 100), key);
}

static bool read_entry(tekken *t, entry *e, json_reader *r) {
    e->ranked = e->written = false;
    int more = json_reader_open(r, '{') ? json_reader_next(r) : -1;
    while (more > 0) more = read_member(e, r) ? json_reader_next(r) : -1;
    if (more < 0) return false;
    if (!e->ranked || e->rank != (int64_t)e->place->index)
        return fail_member(e, "rank", "must be the place in the list");
    if (!e->written) return fail_member(e, "token_bytes", "is missing");
    if (e->bytes.length == 0 || e->bytes.length > LONGEST_TOKEN)
        return fail_member(e, "token_bytes", "a token has 1 to 1024 bytes");
    return vocabulary_add(&t->tokens, text_string(&e->bytes), e->bytes.length, (int32_t)e->rank) ||
           fail_member(e, "token_bytes", "the token occurs twice");
}

/* Without one of the bytes some text would have no tokens. */
static bool check_bytes(const tekken *t, const part *list) {
    for (int i = 0; i < BYTES; i++) {
        char byte = (char)i;
        if (vocabulary_id(&t->tokens, &byte, 1) == NO_TOKEN)
            return part_fail(list, "the byte 0x%02X is no token", (unsigned)i);
    }
    return true;
}

/* Entries beyond the size that the configuration tells are no tokens. */
static bool read_vocabulary(tekken *t, const part *file, const part *config, json_reader *r) {
    part list = part_member(file, "vocab");
    int64_t specials = (int64_t)t->specials.count, size;
    if (!r->bytes || json_reader_peek(r) != '[') return part_fail(&list, "must be an array");
    if (!optional_integer(config, "default_vocab_size", specials, TOKEN_LIMIT, TOKEN_LIMIT, &size)) return false;
    int more = json_reader_open(r, '[') ? json_reader_next(r) : -1;
    part item = {.parent = &list};
    entry e = {.place = &item};
    for (; more > 0 && (int64_t)item.index < size - specials; item.index++)
        more = read_entry(t, &e, r) ? json_reader_next(r) : -1;
    text_free(&e.bytes);
    return more >= 0 && check_bytes(t, &list);
}

bool tekken_read(tekken *t, const part *file, json_reader *vocab) {
    if (!json_is(file->value, JSON_DICTIONARY)) return part_fail(file, "must be an object");
    part config = part_member(file, "config");
    if (!json_is(config.value, JSON_DICTIONARY))
        return part_fail(&config, part_absent(&config) ? "is missing" : "must be an object");
    return read_pattern(t, &config) && read_specials(t, file, &config) && read_vocabulary(t, file, &config, vocab);
}

void tekken_free(tekken *t) {
    vocabulary_free(&t->tokens);
    vocabulary_free(&t->specials);
}
