/* Stages that change text: Replace, Strip, Metaspace, WordPiece, BPEDecoder, and spaces between tokens. */
#include <string.h>

#include "base/memory.h"
#include "tokenizer/decoder_stages.h"

/* ---- Replace */

/* How many bytes at the end of s could begin the string that is looked for. */
static size_t possible_start(const decode_stage *stage, const char *s, size_t length) {
    size_t most = length < stage->string_length - 1 ? length : stage->string_length - 1;
    while (most > 0 && memcmp(s + length - most, stage->string, most) != 0) most--;
    return most;
}

static bool replace_all(decoding *d, size_t index, const char *s, size_t length, size_t *left) {
    const decode_stage *stage = &d->stages->items[index];
    const char *found;
    while ((found = memmem(s, length, stage->string, stage->string_length))) {
        size_t before = (size_t)(found - s);
        if (!decoding_emit(d, index, s, before, false) ||
            !decoding_emit(d, index, stage->content, stage->content_length, false))
            return false;
        s += before + stage->string_length;
        length -= before + stage->string_length;
    }
    *left = length;
    return true;
}

bool replace_string_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    text *held = &d->states[index].held;
    if (held->length > 0) {
        if (!text_append(held, s, length)) return false;
        s = held->bytes;
        length = held->length;
    }
    size_t left;
    if (!replace_all(d, index, s, length, &left)) return false;
    s += length - left;
    size_t keep = ends ? 0 : possible_start(&d->stages->items[index], s, left);
    if (!decoding_emit(d, index, s, left - keep, ends)) return false;
    char *kept = keep ? memory_copy(s + left - keep, keep) : NULL; /* s may lie in held */
    text_clear(held);
    bool ok = !keep || (kept && text_append(held, kept, keep));
    memory_free(kept);
    return ok;
}

bool replace_pattern_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    stage_state *state = &d->states[index];
    const decode_stage *stage = &d->stages->items[index];
    if (!stage_collect(state, s, length, ends)) return !state->token.failed;
    ranges matches = {0};
    const char *token = text_string(&state->token);
    bool ok = regex_find_all(stage->pattern, token, state->token.length, &matches);
    size_t at = 0;
    for (size_t i = 0; ok && i < matches.count; i++) {
        ok = decoding_emit(d, index, token + at, matches.items[i].start - at, false) &&
             decoding_emit(d, index, stage->content, stage->content_length, false);
        at = matches.items[i].end;
    }
    ok = ok && decoding_emit(d, index, token + at, state->token.length - at, true);
    vector_free(&matches);
    text_clear(&state->token);
    return ok;
}

/* ---- Strip */

/* Drops the stage's character from the front of the token, at most stage->start times. Returns the bytes dropped from
 * s. */
static size_t strip_front(const decode_stage *stage, stage_state *state, const char *s, size_t length) {
    size_t at = 0;
    while (at < length && !state->open) {
        uint32_t c = UINT32_MAX;
        size_t size = utf8_decode(s + at, length - at, &c);
        state->open = state->count == stage->start || c != stage->character;
        if (state->open) break;
        state->count++;
        at += size;
    }
    return at;
}

/* Bytes of the stage's character at the end of s, at most stage->stop times. */
static size_t strippable_end(const decode_stage *stage, const char *s, size_t length) {
    char character[4];
    size_t size = utf8_encode(stage->character, character), end = 0;
    for (size_t i = 0; i < stage->stop && length - end >= size && memcmp(s + length - end - size, character, size) == 0;
         i++)
        end += size;
    return end;
}

bool strip_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    const decode_stage *stage = &d->stages->items[index];
    stage_state *state = &d->states[index];
    size_t dropped = strip_front(stage, state, s, length);
    if (!text_append(&state->held, s + dropped, length - dropped)) return false;
    size_t end = strippable_end(stage, state->held.bytes, state->held.length), sure = state->held.length - end;
    if (!decoding_emit(d, index, state->held.bytes, sure, ends)) return false;
    memmove(state->held.bytes, state->held.bytes + sure, end);
    state->held.length = end;
    if (!ends) return true;
    text_clear(&state->held);
    state->count = 0;
    state->open = false;
    return true;
}

/* ---- Metaspace */

bool metaspace_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    const decode_stage *stage = &d->stages->items[index];
    char replacement[4];
    size_t size = utf8_encode(stage->character, replacement);
    bool drop = stage->first && d->states[index].tokens == 0;
    const char *found;
    while ((found = memmem(s, length, replacement, size))) {
        size_t before = (size_t)(found - s);
        if (!decoding_emit(d, index, s, before, false) || !decoding_emit(d, index, " ", !drop, false)) return false;
        s += before + size;
        length -= before + size;
    }
    return decoding_emit(d, index, s, length, ends);
}

/* ---- WordPiece, BPEDecoder, none */

static bool replace_in(text *t, const char *from, size_t from_length, const char *to) {
    text result = {0};
    const char *at = text_string(t), *end = at + t->length, *found;
    while ((found = memmem(at, (size_t)(end - at), from, from_length))) {
        text_append(&result, at, (size_t)(found - at));
        text_add(&result, to);
        at = found + from_length;
    }
    bool ok = text_append(&result, at, (size_t)(end - at));
    text swap = *t;
    *t = result;
    text_free(&swap);
    return ok;
}

static bool clean_up(text *t) {
    static const char *const rules[][2] = {{" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
                                           {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
                                           {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!replace_in(t, rules[i][0], strlen(rules[i][0]), rules[i][1])) return false;
    return true;
}

bool wordpiece_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    const decode_stage *stage = &d->stages->items[index];
    stage_state *state = &d->states[index];
    if (!stage_collect(state, s, length, ends)) return !state->token.failed;
    const char *token = text_string(&state->token);
    bool inside =
        state->token.length >= stage->string_length && memcmp(token, stage->string, stage->string_length) == 0;
    size_t skip = state->tokens > 0 && inside ? stage->string_length : 0;
    text word = {0};
    if (state->tokens > 0 && !inside) text_add_char(&word, ' ');
    bool ok = text_append(&word, token + skip, state->token.length - skip) && (!stage->first || clean_up(&word)) &&
              decoding_emit(d, index, text_string(&word), word.length, true);
    text_free(&word);
    text_clear(&state->token);
    return ok;
}

static bool emit_held(decoding *d, size_t index, const char *end_of_word) {
    const decode_stage *stage = &d->stages->items[index];
    stage_state *state = &d->states[index];
    if (!state->open) return true;
    bool ok = replace_in(&state->held, stage->string, stage->string_length, end_of_word) &&
              decoding_emit(d, index, text_string(&state->held), state->held.length, true);
    text_clear(&state->held);
    state->open = false;
    return ok;
}

/* The suffix of the last token vanishes, that of the others is a space: so each token waits for the next one. */
bool bpe_suffix_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    stage_state *state = &d->states[index];
    if (!stage_collect(state, s, length, ends)) return !state->token.failed;
    bool ok = emit_held(d, index, " ") && text_append(&state->held, state->token.bytes, state->token.length);
    state->open = true;
    text_clear(&state->token);
    return ok;
}

bool bpe_suffix_finish(decoding *d, size_t index) {
    return emit_held(d, index, "");
}

bool spaces_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    stage_state *state = &d->states[index];
    if (state->tokens > 0 && !state->open && !decoding_emit(d, index, " ", 1, false)) return false;
    state->open = !ends;
    return decoding_emit(d, index, s, length, ends);
}

/* Of tokens that repeat the first counts; pads vanish, and so does a token of which nothing is left. */
bool ctc_take(decoding *d, size_t index, const char *s, size_t length, bool ends) {
    const decode_stage *stage = &d->stages->items[index];
    stage_state *state = &d->states[index];
    if (!stage_collect(state, s, length, ends)) return !state->token.failed;
    bool again = state->tokens > 0 && state->held.length == state->token.length &&
                 memcmp(text_string(&state->held), text_string(&state->token), state->token.length) == 0;
    text_clear(&state->held);
    bool ok = text_append(&state->held, state->token.bytes, state->token.length);
    if (ok && !again) {
        ok = replace_in(&state->token, stage->string, stage->string_length, "");
        if (ok && stage->first)
            ok = clean_up(&state->token) && replace_in(&state->token, stage->content, stage->content_length, " ");
        if (ok && state->token.length > 0) ok = decoding_emit(d, index, state->token.bytes, state->token.length, true);
    }
    text_clear(&state->token);
    return ok;
}
