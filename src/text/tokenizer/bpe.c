/* Encoding. Reading the model from JSON is in bpe_read.c. */
#include "tokenizer/bpe.h"

#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "tokenizer/bpe_merges.h"

void bpe_work_free(bpe_work *work) {
    vector_free(&work->symbols);
    vector_free(&work->queue);
    text_free(&work->scratch);
}

static bool add_symbol(bpe_work *work, int32_t id) {
    int32_t index = (int32_t)work->symbols.count;
    return vector_push(&work->symbols, ((symbol){.id = id, .previous = index - 1, .next = index + 1}));
}

/* The id of one character as it is written at its place in the word; the spelling stays in work->scratch unless it is
 * plain. */
static int32_t character_id(const bpe *b, bpe_work *work, const char *s, size_t size, bool first, bool last,
                            const char **spelling, size_t *spelling_length) {
    *spelling = s;
    *spelling_length = size;
    bool prefixed = b->prefix && !first, suffixed = b->suffix && last;
    if (!prefixed && !suffixed) return vocabulary_model_id(b->tokens, s, size);
    text_clear(&work->scratch);
    if (prefixed) text_append(&work->scratch, b->prefix, b->prefix_length);
    text_append(&work->scratch, s, size);
    if (suffixed) text_append(&work->scratch, b->suffix, b->suffix_length);
    *spelling = text_string(&work->scratch);
    *spelling_length = work->scratch.length;
    return vocabulary_model_id(b->tokens, *spelling, *spelling_length);
}

/* All bytes as <0xNN>, if the vocabulary has every one of them. */
static bool add_bytes(const bpe *b, bpe_work *work, const char *s, size_t length, bool *added) {
    *added = false;
    for (size_t i = 0; i < length; i++)
        if (b->bytes[(unsigned char)s[i]] == NO_TOKEN) return true;
    *added = true;
    for (size_t i = 0; i < length; i++)
        if (!add_symbol(work, b->bytes[(unsigned char)s[i]])) return false;
    return true;
}

static bool unknown_id(const bpe *b, int32_t *id) {
    *id = vocabulary_model_id(b->tokens, b->unknown, b->unknown_length);
    return *id != NO_TOKEN ||
           tarn_fail(
               "tokenizer: the text has a character without a token, and the unk_token \"%s\" is in no vocabulary",
               b->unknown);
}

/* A character without a token. `pending` holds an unknown token that is not in the list yet, because the next one may
 * melt into it. */
static bool add_unknown(const bpe *b, bpe_work *work, const char *spelling, size_t length, int32_t *pending) {
    bool added = false;
    if (b->byte_fallback && !add_bytes(b, work, spelling, length, &added)) return false;
    if (added || !b->unknown) return true;
    if (*pending != NO_TOKEN && b->fuse_unknown) return true;
    return (*pending == NO_TOKEN || add_symbol(work, *pending)) && unknown_id(b, pending);
}

static bool read_symbols(const bpe *b, bpe_work *work, const char *s, size_t length) {
    bool plain = !b->prefix && !b->suffix;
    int32_t pending = NO_TOKEN;
    work->symbols.count = 0;
    if (!vector_reserve(&work->symbols, length)) return false;
    for (size_t i = 0, size; i < length; i += size) {
        uint32_t c = 0;
        size = utf8_decode(s + i, length - i, &c);
        const char *spelling = s + i;
        size_t spelling_length = size;
        int32_t id = plain && c < DIRECT
                         ? b->direct[c]
                         : character_id(b, work, s + i, size, i == 0, i + size == length, &spelling, &spelling_length);
        if (work->scratch.failed) return false;
        if (id == NO_TOKEN) {
            if (!add_unknown(b, work, spelling, spelling_length, &pending)) return false;
            continue;
        }
        if (pending != NO_TOKEN && !add_symbol(work, pending)) return false;
        pending = NO_TOKEN;
        if (!add_symbol(work, id)) return false;
    }
    return pending == NO_TOKEN || add_symbol(work, pending);
}

/* Short words: look for the best pair again after each merge. Nothing is allocated, and lists this short stay in cache.
 */
static bool merge_short(const bpe *b, bpe_work *work, token_ids *out) {
    enum { NONE = -1 };
    size_t count = work->symbols.count;
    int32_t ids[SHORT_WORD];
    const merge *found[SHORT_WORD];
    for (size_t i = 0; i < count; i++) ids[i] = work->symbols.items[i].id;
    for (size_t i = 0; i + 1 < count; i++) found[i] = bpe_find_merge(b, ids[i], ids[i + 1]);
    while (count > 1) {
        int best = NONE;
        for (int i = 0; i + 1 < (int)count; i++)
            if (found[i] && (best == NONE || found[i]->rank < found[best]->rank)) best = i;
        if (best == NONE) break;
        size_t at = (size_t)best;
        ids[at] = found[at]->id;
        count--;
        memmove(ids + at + 1, ids + at + 2, (count - at - 1) * sizeof *ids);
        if (at + 1 < count) memmove(found + at + 1, found + at + 2, (count - at - 1) * sizeof *found);
        if (at + 1 < count) found[at] = bpe_find_merge(b, ids[at], ids[at + 1]);
        if (at > 0) found[at - 1] = bpe_find_merge(b, ids[at - 1], ids[at]);
    }
    if (!vector_reserve(out, count)) return false;
    memcpy(out->items + out->count, ids, count * sizeof *ids);
    out->count += count;
    return true;
}

static bool queue_push(bpe_work *work, candidate c) {
    if (!vector_push(&work->queue, c)) return false;
    candidate *heap = work->queue.items;
    size_t i = work->queue.count - 1;
    for (; i > 0 && heap[(i - 1) / 2].order > c.order; i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
    heap[i] = c;
    return true;
}

static candidate queue_pop(bpe_work *work) {
    candidate *heap = work->queue.items, top = heap[0], last = vector_pop(&work->queue);
    size_t count = work->queue.count, i = 0;
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && heap[child + 1].order < heap[child].order) child++;
        if (heap[child].order >= last.order) break;
        heap[i] = heap[child];
    }
    if (count > 0) heap[i] = last;
    return top;
}

/* Puts the pair that begins at symbol `left` into the queue, if there is a merge for it. */
static bool consider(const bpe *b, bpe_work *work, int32_t left) {
    const symbol *symbols = work->symbols.items;
    if (left < 0 || symbols[left].next < 0) return true;
    const merge *m = bpe_find_merge(b, symbols[left].id, symbols[symbols[left].next].id);
    return !m || queue_push(work, (candidate){.order = (uint64_t)m->rank << 32 | (uint32_t)left, .id = m->id});
}

/* Long words: a queue of candidate pairs, some of them out of date by the time they come up. */
static bool merge_long(const bpe *b, bpe_work *work, token_ids *out) {
    symbol *symbols = work->symbols.items;
    int32_t count = (int32_t)work->symbols.count;
    symbols[count - 1].next = -1;
    work->queue.count = 0;
    for (int32_t i = 0; i + 1 < count; i++)
        if (!consider(b, work, i)) return false;
    while (work->queue.count > 0) {
        candidate top = queue_pop(work);
        int32_t left = (int32_t)(uint32_t)top.order, right = symbols[left].next;
        if (symbols[left].id == NO_TOKEN || right < 0) continue;
        const merge *now = bpe_find_merge(b, symbols[left].id, symbols[right].id);
        if (!now || now->id != top.id) continue;
        symbols[left].id = top.id;
        symbols[left].next = symbols[right].next;
        symbols[right].id = NO_TOKEN;
        if (symbols[left].next >= 0) symbols[symbols[left].next].previous = left;
        if (!consider(b, work, symbols[left].previous) || !consider(b, work, left)) return false;
    }
    for (int32_t i = 0; i >= 0; i = symbols[i].next)
        if (!vector_push(out, symbols[i].id)) return false;
    return true;
}

static bool encode_part(const bpe *b, bpe_work *work, const char *s, size_t length, token_ids *out) {
    if (!read_symbols(b, work, s, length)) return false;
    if (work->symbols.count == 0) return true;
    return work->symbols.count <= SHORT_WORD ? merge_short(b, work, out) : merge_long(b, work, out);
}

/* The end of the word that s begins with: where a marker follows another character. */
static size_t word_length(const char *s, size_t length) {
    size_t at = 0;
    while (length - at >= MARKER_LENGTH && memcmp(s + at, MARKER, MARKER_LENGTH) == 0) at += MARKER_LENGTH;
    const char *next = memmem(s + at, length - at, MARKER, MARKER_LENGTH);
    return next ? (size_t)(next - s) : length;
}

bool bpe_encode(const bpe *b, bpe_work *work, const char *s, size_t length, token_ids *out) {
    if (length == 0) return true;
    if (length >= INT32_MAX) return tarn_fail("tokenizer: a piece of text of %zu bytes is too long", length);
    if (b->ignore_merges) {
        int32_t whole = vocabulary_model_id(b->tokens, s, length);
        if (whole != NO_TOKEN) return vector_push(out, whole);
    }
    if (!b->separable) return encode_part(b, work, s, length, out);
    for (size_t at = 0, size; at < length; at += size) {
        size = word_length(s + at, length - at);
        if (!encode_part(b, work, s + at, size, out)) return false;
    }
    return true;
}
