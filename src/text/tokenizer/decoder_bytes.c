/* Stages that make bytes, and from them text: ByteLevel, ByteFallback, Fuse. */
#include <string.h>

#include "base/memory.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/decoder_stages.h"

static const char REPLACEMENT[] = "\xEF\xBF\xBD";

/* The length of the longest beginning of s that some character begins with (Unicode's "maximal subpart"), at least 1.
   `whole` tells that it is a character. Characters end before `length` unless *more is set: then further bytes could
   still complete this one. */
static size_t character_part(const char *s, size_t length, bool *whole, bool *more) {
    uint32_t c;
    size_t size = utf8_decode(s, length, &c);
    *whole = size > 0;
    *more = false;
    if (size > 0) return size;
    for (size_t n = length < 3 ? length : 3; n > 0; n--) {
        if (utf8_incomplete(s, n) != n) continue;
        *more = n == length;
        return n;
    }
    return 1;
}

/* Passes on the characters of state->held, U+FFFD for what is none, and keeps an unfinished one unless this is the end.
 */
static bool emit_characters(decoding *d, size_t stage, bool end) {
    text *held = &d->states[stage].held;
    size_t at = 0, plain = 0; /* [plain, at) is good and not passed on yet */
    bool ok = true;
    while (ok && at < held->length) {
        bool whole, more;
        size_t size = character_part(held->bytes + at, held->length - at, &whole, &more);
        if (more && !end) break;
        if (!whole) {
            ok = decoding_emit(d, stage, held->bytes + plain, at - plain, false) &&
                 decoding_emit(d, stage, REPLACEMENT, 3, false);
            plain = at + size;
        }
        at += size;
    }
    ok = ok && (at == plain || decoding_emit(d, stage, held->bytes + plain, at - plain, false));
    if (ok && at > 0) {
        memmove(held->bytes, held->bytes + at, held->length - at);
        held->length -= at;
    }
    return ok;
}

bool byte_level_take(decoding *d, size_t stage, const char *s, size_t length, bool ends) {
    stage_state *state = &d->states[stage];
    if (!stage_collect(state, s, length, ends)) return !state->token.failed;
    bool ok = byte_level_read(text_string(&state->token), state->token.length, &state->held) &&
              emit_characters(d, stage, false);
    text_clear(&state->token);
    return ok;
}

bool byte_level_finish(decoding *d, size_t stage) {
    return emit_characters(d, stage, true) && decoding_emit(d, stage, "", 0, true);
}

/* The N of "<0xN>"; like Rust's from_str_radix it may be a sign and one digit. */
static bool byte_token(const char *s, size_t length, char *byte) {
    if (length != 6 || memcmp(s, "<0x", 3) != 0 || s[5] != '>') return false;
    int value = 0;
    for (int i = 3; i < 5; i++) {
        int c = (unsigned char)s[i], digit = c >= '0' && c <= '9'                 ? c - '0'
                                             : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                                                  : -1;
        if (i == 3 && c == '+') digit = 0;
        if (digit < 0) return false;
        value = value * 16 + digit;
    }
    *byte = (char)value;
    return true;
}

/* A stream passes on what is certain of a run, as part of one token: whole characters, and U+FFFD for bytes that no
 * character begins with.
 */
static bool pass_on(decoding *d, size_t stage) {
    stage_state *state = &d->states[stage];
    text *run = &state->held;
    while (run->length > 0 && utf8_incomplete(run->bytes, run->length) < run->length) {
        uint32_t c;
        size_t size = utf8_decode(run->bytes, run->length, &c);
        if (!decoding_emit(d, stage, size ? run->bytes : REPLACEMENT, size ? size : 3, false)) return false;
        state->open = true;
        run->length -= size ? size : 1;
        memmove(run->bytes, run->bytes + (size ? size : 1), run->length);
    }
    return true;
}

/* A run of bytes is text if all of it is valid; else every byte of it becomes U+FFFD. */
static bool end_run(decoding *d, size_t stage) {
    if (d->states[stage].open && !decoding_emit(d, stage, "", 0, true)) return false;
    d->states[stage].open = false;
    text *run = &d->states[stage].held;
    bool ok = true;
    if (run->length > 0 && utf8_valid(run->bytes, run->length))
        ok = decoding_emit(d, stage, run->bytes, run->length, true);
    else
        for (size_t i = 0; ok && i < run->length; i++) ok = decoding_emit(d, stage, REPLACEMENT, 3, true);
    text_clear(run);
    return ok;
}

bool byte_fallback_take(decoding *d, size_t stage, const char *s, size_t length, bool ends) {
    stage_state *state = &d->states[stage];
    if (!stage_collect(state, s, length, ends)) return !state->token.failed;
    char byte;
    bool ok = byte_token(text_string(&state->token), state->token.length, &byte)
                  ? text_add_char(&state->held, byte) && (!d->prompt || pass_on(d, stage))
                  : end_run(d, stage) && decoding_emit(d, stage, text_string(&state->token), state->token.length, true);
    text_clear(&state->token);
    return ok;
}

bool byte_fallback_finish(decoding *d, size_t stage) {
    return end_run(d, stage);
}

bool fuse_take(decoding *d, size_t stage, const char *s, size_t length, bool ends) {
    (void)ends;
    return decoding_emit(d, stage, s, length, false);
}

bool fuse_finish(decoding *d, size_t stage) {
    return decoding_emit(d, stage, "", 0, true);
}
