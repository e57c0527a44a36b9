/* Text to ids: added tokens, normalizer, added tokens again, pre-tokenizer, model, post-processor. */
#include <string.h>

#include "base/memory.h"
#include "base/require.h"
#include "tokenizer/tokenizer.h"

/* What one call needs; the tokenizer itself is never written to. */
typedef struct {
    const tarn_tokenizer *t;
    segments raw, normal;
    working working;
    cutting cutting;
    bpe_work bpe;
    token_ids ids;
} encoding;

static void encoding_free(encoding *e) {
    vector_free(&e->raw);
    vector_free(&e->normal);
    working_free(&e->working);
    cutting_free(&e->cutting);
    bpe_work_free(&e->bpe);
    vector_free(&e->ids);
}

static bool encode_pieces(encoding *e) {
    for (size_t i = 0; i < e->cutting.pieces.count; i++) {
        range piece = e->cutting.pieces.items[i];
        if (!bpe_encode(&e->t->model, &e->bpe, e->cutting.now.bytes + piece.start, piece.end - piece.start, &e->ids))
            return false;
    }
    return true;
}

/* Text without added tokens, normalized. */
static bool encode_normal(encoding *e, size_t start, size_t end) {
    size_t zero = e->working.zero > start ? e->working.zero - start : 0;
    return cutting_set(&e->cutting, e->working.now.bytes + start, end - start, zero) &&
           pretokenizer_apply(&e->t->pretokenizer, &e->cutting) && encode_pieces(e);
}

/* Text without added tokens of the plain kind. */
static bool encode_raw(encoding *e, const char *s, size_t length, bool first) {
    e->normal.count = 0;
    if (!working_set(&e->working, s, length, first) || !normalizer_apply(&e->t->normalizer, &e->working)) return false;
    const text *now = &e->working.now;
    if (!added_find(&e->t->added, &e->t->added.normalized, now->bytes, now->length, &e->normal)) return false;
    for (size_t i = 0; i < e->normal.count; i++) {
        segment piece = e->normal.items[i];
        if (piece.id == NO_TOKEN ? !encode_normal(e, piece.start, piece.end) : !vector_push(&e->ids, piece.id))
            return false;
    }
    return true;
}

static bool encode_all(encoding *e, const char *s, size_t length) {
    if (!added_find(&e->t->added, &e->t->added.plain, s, length, &e->raw)) return false;
    for (size_t i = 0; i < e->raw.count; i++) {
        segment piece = e->raw.items[i];
        bool ok = piece.id == NO_TOKEN ? encode_raw(e, s + piece.start, piece.end - piece.start, piece.start == 0)
                                       : vector_push(&e->ids, piece.id);
        if (!ok) return false;
    }
    return true;
}

static bool append(token_ids *to, const token_ids *from) {
    if (!vector_reserve(to, from->count)) return false;
    if (from->count) memcpy(to->items + to->count, from->items, from->count * sizeof *from->items);
    to->count += from->count;
    return true;
}

static bool check_utf8(const char *s, size_t length) {
    uint32_t c;
    for (size_t i = 0, size; i < length; i += size) {
        size = utf8_decode(s + i, length - i, &c);
        if (size == 0)
            return tarn_fail("tokenizer: the text is not UTF-8: byte 0x%02X at offset %zu", (unsigned char)s[i], i);
    }
    return true;
}

bool tarn_tokenizer_encode_with(const tarn_tokenizer *t, const char *utf8, size_t length, int32_t **ids, size_t *count,
                                tarn_encode_options options) {
    if (!REQUIRE(t) || !REQUIRE(utf8) || !REQUIRE(ids) || !REQUIRE(count)) return false;
    *ids = NULL;
    *count = 0;
    if (!check_utf8(utf8, length)) return false;
    encoding e = {.t = t};
    bool ok = (!options.add_special_tokens || append(&e.ids, &t->postprocessor.before)) &&
              encode_all(&e, utf8, length) &&
              (!options.add_special_tokens || append(&e.ids, &t->postprocessor.after)) && vector_reserve(&e.ids, 1);
    if (ok) {
        *ids = e.ids.items;
        *count = e.ids.count;
        e.ids.items = NULL;
    }
    encoding_free(&e);
    return ok;
}
