#include "tokenizer/added.h"

#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tarn/tokenizer.h"

/* Bounds the time to look for tokens at one place of the text. */
enum { LONGEST_TOKEN = 1024 };

/* ---- the tree */

static int32_t trie_child(const trie *t, int32_t node, unsigned char byte) {
    if (node == 0) return t->first[byte];
    int32_t child = t->nodes.items[node].child;
    while (child && t->nodes.items[child].byte != byte) child = t->nodes.items[child].sibling;
    return child;
}

static int32_t trie_extend(trie *t, int32_t node, unsigned char byte) {
    int32_t child = trie_child(t, node, byte);
    if (child) return child;
    if (t->nodes.count >= INT32_MAX) return tarn_fail("tokenizer: too many added tokens"), 0;
    child = (int32_t)t->nodes.count;
    if (!vector_push(&t->nodes, ((trie_node){.byte = byte, .found = -1}))) return 0;
    if (node == 0) return t->first[byte] = child;
    t->nodes.items[child].sibling = t->nodes.items[node].child;
    return t->nodes.items[node].child = child;
}

/* Of two tokens that the normalizer makes the same a special one counts, else the first. (`tokenizers` 0.23 takes one
 * at random.) */
static bool trie_add(trie *t, const char *s, size_t length, int32_t found, const added_token *tokens) {
    int32_t node = 0;
    if (t->nodes.count == 0 && !vector_push(&t->nodes, ((trie_node){.found = -1}))) return false;
    for (size_t i = 0; i < length; i++)
        if (!(node = trie_extend(t, node, (unsigned char)s[i]))) return false;
    int32_t other = t->nodes.items[node]
                        .found; /* at the root, of a token of which the normalizer leaves nothing: it is never found */
    if (other < 0 || (tokens[found].special && !tokens[other].special)) t->nodes.items[node].found = found;
    return true;
}

static void trie_forget(trie *t, int32_t found) {
    for (size_t i = 0; i < t->nodes.count; i++)
        if (t->nodes.items[i].found == found) t->nodes.items[i].found = -1;
}

/* The longest token at the beginning of s: its index, or -1. */
static int32_t trie_longest(const trie *t, const char *s, size_t length, size_t *size) {
    int32_t node = 0, found = -1;
    for (size_t i = 0; i < length && (node = trie_child(t, node, (unsigned char)s[i])) != 0; i++) {
        if (t->nodes.items[node].found < 0) continue;
        found = t->nodes.items[node].found;
        *size = i + 1;
    }
    return found;
}

/* ---- finding */

static size_t character_before(const char *s, size_t end, uint32_t *c) {
    size_t start = end - 1;
    while (start > 0 && ((unsigned char)s[start] & 0xC0) == 0x80) start--;
    utf8_decode(s + start, end - start, c);
    return start;
}

static bool is_single_word(const char *s, size_t length, size_t start, size_t end) {
    uint32_t before = ' ', after = ' ';
    if (start > 0) character_before(s, start, &before);
    if (end < length) utf8_decode(s + end, length - end, &after);
    return !unicode_is_word(before) && !unicode_is_word(after);
}

static size_t skip_spaces_left(const char *s, size_t start, size_t least) {
    while (start > least) {
        uint32_t c;
        size_t previous = character_before(s, start, &c);
        if (!unicode_is_space(c)) break;
        start = previous;
    }
    return start > least ? start : least;
}

static size_t skip_spaces_right(const char *s, size_t length, size_t end) {
    uint32_t c;
    while (end < length) {
        size_t size = utf8_decode(s + end, length - end, &c);
        if (!unicode_is_space(c)) break;
        end += size;
    }
    return end;
}

/* `taken`: the text before it belongs to segments already. */
static bool add_match(const added_token *token, const char *s, size_t length, segment match, size_t *taken,
                      segments *out) {
    if (token->single_word && !is_single_word(s, length, match.start, match.end)) return true;
    if (token->left) match.start = skip_spaces_left(s, match.start, *taken);
    if (token->right) match.end = skip_spaces_right(s, length, match.end);
    if (*taken < match.start && !vector_push(out, ((segment){*taken, match.start, NO_TOKEN}))) return false;
    bool empty = match.start >= match.end; /* the token before has taken all of it as white space */
    if (!empty || match.end > *taken) *taken = match.end;
    return empty || vector_push(out, match);
}

bool added_find(const added_tokens *a, const trie *t, const char *s, size_t length, segments *out) {
    size_t taken = 0;
    for (size_t at = 0; at < length && t->nodes.count > 0;) {
        size_t size = 0;
        int32_t found = t->first[(unsigned char)s[at]] ? trie_longest(t, s + at, length - at, &size) : -1;
        if (found < 0) {
            at++;
            continue;
        }
        const added_token *token = &a->tokens.items[found];
        if (!add_match(token, s, length, (segment){at, at + size, token->id}, &taken, out)) return false;
        at += size;
    }
    return taken == length || vector_push(out, ((segment){taken, length, NO_TOKEN}));
}

/* ---- reading */

/* The id that `tokenizers` gives to the next token that the model's vocabulary lacks: it does not look at the file's.
 */
static int64_t next_id(const added_tokens *a) {
    return a->greatest >= (int64_t)a->model_size ? a->greatest + 1 : (int64_t)a->model_size;
}

/* Decoders see a normalized token as the normalizer leaves it, since version 0.22 of `tokenizers`. */
static bool keep_decoded(vocabulary *v, int32_t id, const text *normal) {
    const vocabulary_entry *entry = &v->tokens.items[id];
    bool same = normal->length == entry->length && memcmp(text_string(normal), entry->bytes, entry->length) == 0;
    return same || vocabulary_set_decoded(v, id, text_string(normal), normal->length);
}

static bool add_to_tree(added_tokens *a, vocabulary *v, const normalizer *n, int32_t index) {
    const added_token *token = &a->tokens.items[index];
    const vocabulary_entry *entry = &v->tokens.items[token->id];
    if (!token->normalized) return trie_add(&a->plain, entry->bytes, entry->length, index, a->tokens.items);
    working w = {0};
    bool ok = working_set(&w, entry->bytes, entry->length, true) && normalizer_apply(n, &w) &&
              trie_add(&a->normalized, text_string(&w.now), w.now.length, index, a->tokens.items) &&
              keep_decoded(v, token->id, &w.now);
    working_free(&w);
    return ok;
}

/* A token that is none yet: its id is that of the vocabulary, or the next free one. */
static bool add_new(added_tokens *a, vocabulary *v, const normalizer *n, const part *place, const char *content,
                    size_t length, added_token token) {
    token.id = vocabulary_id(v, content, length);
    bool outside = token.id == NO_TOKEN;
    if (outside && next_id(a) >= TOKEN_LIMIT) return part_fail(place, "no id is left for \"%.100s\"", content);
    if (outside) token.id = (int32_t)next_id(a);
    if (outside && !vocabulary_add(v, content, length, token.id))
        return tarn_ok() && part_fail(place, "the id %d of \"%.100s\" is taken", (int)token.id, content);
    vocabulary_entry *entry = &v->tokens.items[token.id];
    entry->outside_model = outside;
    entry->flags = (uint16_t)(TARN_TOKEN_ADDED | (token.special ? TARN_TOKEN_SPECIAL : 0));
    if (token.id > a->greatest) a->greatest = token.id;
    return vector_push(&a->tokens, token) && add_to_tree(a, v, n, (int32_t)a->tokens.count - 1);
}

static size_t find_added(const added_tokens *a, int32_t id) {
    size_t i = 0;
    while (i < a->tokens.count && a->tokens.items[i].id != id) i++;
    return i;
}

/* Once special, a token stays so. */
static bool change(added_tokens *a, vocabulary *v, const normalizer *n, size_t index, added_token token) {
    added_token *old = &a->tokens.items[index];
    bool was_normalized = old->normalized, moves = was_normalized != token.normalized;
    token.special |= old->special;
    token.id = old->id;
    *old = token;
    v->tokens.items[token.id].flags = (uint16_t)(TARN_TOKEN_ADDED | (token.special ? TARN_TOKEN_SPECIAL : 0));
    if (moves) trie_forget(was_normalized ? &a->normalized : &a->plain, (int32_t)index);
    return !moves || add_to_tree(a, v, n, (int32_t)index);
}

bool added_extend(added_tokens *a, vocabulary *v, const normalizer *n, const part *place, const char *content,
                  size_t length, const added_token *token, size_t settled) {
    if (length == 0) return true; /* `tokenizers` skips it */
    if (length > LONGEST_TOKEN)
        return part_fail(place, "a token of %zu bytes, more than the limit of %d", length, LONGEST_TOKEN);
    int32_t id = vocabulary_id(v, content, length);
    bool known = id != NO_TOKEN && v->tokens.items[id].flags != 0;
    if (!known) return add_new(a, v, n, place, content, length, *token);
    size_t index = find_added(a, id);
    return index < settled || change(a, v, n, index, *token);
}

bool added_read_flags(const part *p, added_token *token) {
    return part_boolean(p, "single_word", false, &token->single_word) &&
           part_boolean(p, "lstrip", false, &token->left) && part_boolean(p, "rstrip", false, &token->right) &&
           part_boolean(p, "special", false, &token->special) &&
           part_boolean(p, "normalized", !token->special, &token->normalized);
}

/* The id in the file is only checked: `tokenizers` counts up itself. */
static bool check_id(const added_tokens *a, const vocabulary *v, const part *item, const char *content, size_t length) {
    int64_t given;
    if (!part_integer(item, "id", 0, TOKEN_LIMIT - 1, &given)) return false;
    int32_t known = vocabulary_id(v, content, length);
    int64_t expected = known != NO_TOKEN ? known : next_id(a);
    return given == expected ||
           part_fail(item, "\"%.100s\" has the id %lld, but %s %lld", content, (long long)given,
                     known != NO_TOKEN ? "in the vocabulary" : "the next free one is", (long long)expected);
}

static bool read_token(added_tokens *a, vocabulary *v, const normalizer *n, const part *item) {
    added_token token = {0};
    const char *content;
    size_t length;
    return part_known(item, "id content single_word lstrip rstrip normalized special") &&
           part_string(item, "content", &content, &length) && added_read_flags(item, &token) &&
           (length == 0 || check_id(a, v, item, content, length)) &&
           added_extend(a, v, n, item, content, length, &token, 0);
}

bool added_read(added_tokens *a, vocabulary *v, const normalizer *n, const part *list) {
    a->model_size = v->count;
    a->greatest = -1;
    if (part_absent(list)) return true;
    if (!part_array(list)) return false;
    for (size_t i = 0; i < json_count(list->value); i++) {
        part item = part_item(list, i);
        if (!read_token(a, v, n, &item)) return false;
    }
    return true;
}

void added_free(added_tokens *a) {
    vector_free(&a->tokens);
    vector_free(&a->plain.nodes);
    vector_free(&a->normalized.nodes);
}
