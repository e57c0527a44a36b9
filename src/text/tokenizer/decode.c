/* Ids to text, at once and one by one. */
#include "base/memory.h"
#include "base/require.h"
#include "tokenizer/tokenizer.h"

struct tarn_token_stream {
    const tarn_tokenizer *t;
    bool skip_special;
    decoding decoding;
};

/* A token is skipped if what the decoders would see is the text of a special token. */
static bool is_skipped(const tarn_tokenizer *t, const vocabulary_entry *entry) {
    if (!entry->decoded) return entry->flags & TARN_TOKEN_SPECIAL;
    const vocabulary_entry *same =
        vocabulary_token(&t->tokens, vocabulary_id(&t->tokens, entry->decoded->bytes, entry->decoded->length));
    return same && (same->flags & TARN_TOKEN_SPECIAL);
}

static bool push(const tarn_tokenizer *t, decoding *d, int32_t id, bool skip_special) {
    const vocabulary_entry *found = vocabulary_token(&t->tokens, id);
    if (!found || (skip_special && is_skipped(t, found))) return true;
    return found->decoded ? decoding_push(d, found->decoded->bytes, found->decoded->length)
                          : decoding_push(d, found->bytes, found->length);
}

char *tarn_tokenizer_decode_with(const tarn_tokenizer *t, const int32_t *ids, size_t count, size_t *length,
                                 tarn_decode_options options) {
    if (!REQUIRE(t) || (count && !REQUIRE(ids))) return NULL;
    decoding d;
    bool ok = decoding_init(&d, &t->decoder);
    for (size_t i = 0; ok && i < count; i++) ok = push(t, &d, ids[i], options.skip_special_tokens);
    ok = ok && decoding_finish(&d);
    if (length) *length = ok ? d.out.length : 0;
    char *decoded = ok ? text_take(&d.out) : NULL;
    decoding_free(&d);
    return decoded;
}

tarn_token_stream *tarn_token_stream_new_with(const tarn_tokenizer *t, tarn_decode_options options) {
    tarn_token_stream *s = REQUIRE(t) ? NEW(tarn_token_stream) : NULL;
    if (!s) return NULL;
    s->t = t;
    s->skip_special = options.skip_special_tokens;
    if (decoding_init(&s->decoding, &t->decoder)) return s->decoding.prompt = true, s;
    memory_free(s);
    return NULL;
}

static const char *result(tarn_token_stream *s, bool ok, size_t *length) {
    if (length) *length = ok ? s->decoding.out.length : 0;
    return ok ? text_string(&s->decoding.out) : NULL;
}

const char *tarn_token_stream_push(tarn_token_stream *s, int32_t id, size_t *length) {
    if (!REQUIRE_AS(s, "stream")) return NULL;
    text_clear(&s->decoding.out);
    return result(s, push(s->t, &s->decoding, id, s->skip_special), length);
}

const char *tarn_token_stream_finish(tarn_token_stream *s, size_t *length) {
    if (!REQUIRE_AS(s, "stream")) return NULL;
    text_clear(&s->decoding.out);
    return result(s, decoding_finish(&s->decoding), length);
}

void tarn_token_stream_free(tarn_token_stream *s) {
    if (!s) return;
    decoding_free(&s->decoding);
    memory_free(s);
}
