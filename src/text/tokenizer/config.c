/* tokenizer_config.json and special_tokens_map.json: the tokens that have a role, and tokens that tokenizer.json does
   not know. Both files hold much that steers Python classes only; what is not asked for here is none of our business.
 */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/require.h"
#include "tokenizer/tokenizer.h"

/* In the order in which `transformers` adds those that are no tokens yet. */
static const char *const roles[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                    "pad_token", "cls_token", "mask_token"};
enum { ROLES = sizeof roles / sizeof *roles };

bool string_set(string *to, const char *bytes, size_t length) {
    char *copy = memory_new(length + 1, 1);
    if (!copy) return false;
    memcpy(copy, bytes, length);
    memory_free(to->bytes);
    *to = (string){copy, length};
    return true;
}

static named_token *find_named(const tarn_tokenizer *t, const char *role, size_t length) {
    for (size_t i = 0; i < t->named.count; i++)
        if (t->named.items[i].role.length == length && memcmp(t->named.items[i].role.bytes, role, length) == 0)
            return &t->named.items[i];
    return NULL;
}

/* ---- tokens in JSON: a string, or an object with its "content" and flags */

static bool read_token(const part *p, const char **content, size_t *length, added_token *token) {
    *token = (added_token){.special = true};
    *content = json_text(p->value, length);
    if (*content) return true;
    if (!json_is(p->value, JSON_DICTIONARY)) return part_fail(p, "must be a string or an object with \"content\"");
    return part_string(p, "content", content, length) && added_read_flags(p, token);
}

static bool append_named(tarn_tokenizer *t, const char *role, size_t role_length, const char *content, size_t length,
                         added_token token, bool plain) {
    named_token new = {.token = token, .plain = plain};
    if (string_set(&new.role, role, role_length) && string_set(&new.content, content, length) &&
        vector_push(&t->named, new))
        return true;
    memory_free(new.role.bytes);
    memory_free(new.content.bytes);
    return false;
}

/* A role that has a token keeps it, or with `replace` its place only. */
static bool add_named(tarn_tokenizer *t, const char *role, size_t role_length, const part *p, bool replace) {
    named_token *known = find_named(t, role, role_length);
    added_token token;
    const char *content;
    size_t length;
    if (part_absent(p) || (known && !replace)) return true;
    if (!read_token(p, &content, &length, &token)) return false;
    token.special = true;
    bool plain = json_is(p->value, JSON_TEXT);
    if (!known) return append_named(t, role, role_length, content, length, token, plain);
    known->token = token;
    known->plain = plain;
    return string_set(&known->content, content, length);
}

static bool is_role(const char *key, size_t length) {
    for (int i = 0; i < ROLES; i++)
        if (strlen(roles[i]) == length && memcmp(roles[i], key, length) == 0) return true;
    return false;
}

/* Members such as "image_token": "<image>". */
static bool names_a_token(const char *key, size_t length, const json *value) {
    bool token = length > 6 && memcmp(key + length - 6, "_token", 6) == 0 && !is_role(key, length);
    return token && (json_is(value, JSON_TEXT) || json_is(json_get(value, "content"), JSON_TEXT));
}

typedef enum { NAMED_STRING, NAMED_OBJECT, NAMED_EITHER } named_kind;

static bool add_named_members(tarn_tokenizer *t, const part *object, named_kind kind) {
    void *cursor = NULL;
    const char *key;
    size_t length;
    const json *value;
    while (json_each(object->value, &cursor, &key, &length, &value)) {
        part member = {.parent = object, .name = key, .value = value};
        bool wanted = kind == NAMED_EITHER || json_is(value, JSON_TEXT) == (kind == NAMED_STRING);
        if (wanted && names_a_token(key, length, value) && !add_named(t, key, length, &member, true)) return false;
    }
    return true;
}

/* "extra_special_tokens" is a list, or names any tokens. */
static bool add_extra_named(tarn_tokenizer *t, const part *file) {
    part extra = part_member(file, "extra_special_tokens");
    void *cursor = NULL;
    const char *key;
    size_t length;
    const json *value;
    while (json_is(extra.value, JSON_DICTIONARY) && json_each(extra.value, &cursor, &key, &length, &value)) {
        part member = {.parent = &extra, .name = key, .value = value};
        if (!add_named(t, key, length, &member, true)) return false;
    }
    return true;
}

/* The older file goes before the newer one, where it counts. Of names that a model makes up the places are those in
   which they come here, and the last token counts. */
static bool read_named(tarn_tokenizer *t, const part *map, const part *config) {
    const part *files[] = {map, config};
    for (int i = 0; i < 2 * ROLES; i++) {
        part member = part_member(files[i % 2], roles[i / 2]);
        if (!add_named(t, roles[i / 2], strlen(roles[i / 2]), &member, false)) return false;
    }
    return add_named_members(t, config, NAMED_OBJECT) && add_named_members(t, map, NAMED_EITHER) &&
           add_named_members(t, config, NAMED_STRING) && add_extra_named(t, config) && add_extra_named(t, map);
}

/* ---- tokens that tokenizer.json does not know */

static bool add_json_token(tarn_tokenizer *t, const part *p) {
    added_token token;
    const char *content;
    size_t length;
    return read_token(p, &content, &length, &token) &&
           added_extend(&t->added, &t->tokens, &t->normalizer, p, content, length, &token, 0);
}

typedef struct {
    long long id;
    part member;
} listed_token;

static int by_id(const void *a, const void *b) {
    const listed_token *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* "added_tokens_decoder": an object of id: token. The ids only give the order. */
static bool add_listed(tarn_tokenizer *t, const part *object) {
    void *cursor = NULL;
    const char *key;
    const json *value;
    VECTOR(listed_token) list = {0};
    bool ok = true;
    while (ok && json_each(object->value, &cursor, &key, NULL, &value)) {
        char *end;
        listed_token item = {strtoll(key, &end, 10), {.parent = object, .name = key, .value = value}};
        ok = (*key && !*end) || part_fail(&item.member, "is no token id");
        ok = ok && vector_push(&list, item);
    }
    if (ok && list.count) qsort(list.items, list.count, sizeof *list.items, by_id);
    for (size_t i = 0; ok && i < list.count; i++) ok = add_json_token(t, &list.items[i].member);
    vector_free(&list);
    return ok;
}

/* ---- tokens with roles, and lists of further ones */

typedef struct {
    const char *content;
    size_t length;
    added_token token;
    bool plain; /* a string, not an object */
} wanted_token;
typedef VECTOR(wanted_token) wanted_tokens;

static bool same_flags(const added_token *a, const added_token *b) {
    return a->single_word == b->single_word && a->left == b->left && a->right == b->right &&
           a->normalized == b->normalized && a->special == b->special;
}

/* The last flags of a token count, unless the same was said before in the same way. */
static bool want(wanted_tokens *list, wanted_token new) {
    for (size_t i = 0; i < list->count; i++) {
        const wanted_token *w = &list->items[i];
        bool same = w->plain == new.plain && w->length == new.length &&memcmp(w->content, new.content, new.length) == 0;
        if (same && same_flags(&w->token, &new.token)) return true;
    }
    return vector_push(list, new);
}

static bool want_named(wanted_tokens *list, const tarn_tokenizer *t) {
    for (size_t i = 0; i < t->named.count; i++) {
        const named_token *n = &t->named.items[i];
        if (!want(list, (wanted_token){n->content.bytes, n->content.length, n->token, n->plain})) return false;
    }
    return true;
}

static bool want_list(wanted_tokens *list, const part *p) {
    for (size_t i = 0; json_is(p->value, JSON_LIST) && i < json_count(p->value); i++) {
        part item = part_item(p, i);
        wanted_token new = {.plain = json_is(item.value, JSON_TEXT)};
        if (!read_token(&item, &new.content, &new.length, &new.token) || !want(list, new)) return false;
    }
    return true;
}

/* The older "additional_special_tokens" counts only where there is no newer list. */
static bool want_extra(wanted_tokens *list, const part *config, const part *map) {
    part extra = part_member(config, "extra_special_tokens"), more = part_member(map, "extra_special_tokens");
    part older = part_member(config, "additional_special_tokens"),
         oldest = part_member(map, "additional_special_tokens");
    bool none = !json_is(extra.value, JSON_LIST) || !json_count(extra.value);
    bool replaced = json_is(more.value, JSON_DICTIONARY) &&
                    !json_is(extra.value, JSON_DICTIONARY); /* names in place of the lists */
    if ((!replaced && !want_list(list, none ? &older : &extra)) || !want_list(list, &more)) return false;
    return !none || json_count(older.value) || json_count(more.value) || want_list(list, &oldest);
}

/* A token that was there before stays as it is. */
static bool add_wanted(tarn_tokenizer *t, const wanted_tokens *list, const part *file) {
    size_t settled = t->added.tokens.count;
    for (size_t i = 0; i < list->count; i++) {
        const wanted_token *w = &list->items[i];
        if (!added_extend(&t->added, &t->tokens, &t->normalizer, file, w->content, w->length, &w->token, settled))
            return false;
    }
    return true;
}

static bool add_named_and_extra(tarn_tokenizer *t, const part *config, const part *map) {
    wanted_tokens list = {0};
    bool ok = want_named(&list, t) && want_extra(&list, config, map) && add_wanted(t, &list, config);
    vector_free(&list);
    return ok;
}

bool tokenizer_read_config(tarn_tokenizer *t, const part *config, const part *map) {
    static const part nothing = {0};
    const part *files[] = {map, config};
    for (int i = 0; i < 2; i++)
        if (!part_absent(files[i]) && !json_is(files[i]->value, JSON_DICTIONARY))
            return part_fail(files[i], "must be an object");
    part listed = part_member(config, "added_tokens_decoder");
    if (!part_absent(&listed)) map = &nothing; /* a file that has it is complete, and newer */
    if (!read_named(t, map, config) || !add_listed(t, &listed)) return false;
    return add_named_and_extra(t, config, map) && tokenizer_read_templates(t, config);
}

void tokenizer_free_config(tarn_tokenizer *t) {
    for (size_t i = 0; i < t->named.count; i++) {
        memory_free(t->named.items[i].role.bytes);
        memory_free(t->named.items[i].content.bytes);
    }
    vector_free(&t->named);
    tokenizer_free_templates(t);
}

/* ---- questions */

const char *tarn_tokenizer_role(const tarn_tokenizer *t, size_t index) {
    if (!REQUIRE_AS(t, "tokenizer")) return NULL;
    return index < t->named.count ? t->named.items[index].role.bytes : NULL;
}

const char *tarn_tokenizer_named_token(const tarn_tokenizer *t, const char *role, size_t *length) {
    if (!REQUIRE_AS(t, "tokenizer") || !REQUIRE(role)) return NULL;
    const named_token *found = find_named(t, role, strlen(role));
    if (length) *length = found ? found->content.length : 0;
    return found ? found->content.bytes : NULL;
}

int32_t tarn_tokenizer_named_id(const tarn_tokenizer *t, const char *role) {
    if (!REQUIRE_AS(t, "tokenizer") || !REQUIRE(role)) return -1;
    const named_token *found = find_named(t, role, strlen(role));
    return found ? vocabulary_id(&t->tokens, found->content.bytes, found->content.length) : NO_TOKEN;
}
