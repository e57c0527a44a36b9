/* Running the stages. The stages are in decoder_bytes.c and decoder_text.c, reading them in decoder_read.c. */
#include "tokenizer/decoder.h"

#include "base/memory.h"
#include "tarn/error.h"

/* What the stages together may hand on since the stream began: so many bytes for each stage and token, and for each
   stage and byte of a token, as of texts in normalizer.c. What one token leaves stays for later ones: a stage may hold
   back all of a stream. */
enum { MOST_GROWTH = 64, ALWAYS_ALLOWED = 1024 };

bool decoding_init(decoding *d, const decoder *stages) {
    *d = (decoding){.stages = stages, .states = NEW_ARRAY(stage_state, stages->count)};
    return d->states != NULL;
}

static bool emit_to(decoding *d, size_t stage, const char *s, size_t length, bool ends) {
    if (length > d->room)
        return tarn_fail("tokenizer: the decoder makes more than %d bytes of a token and %d of each of its bytes, on "
                         "average of its stages and of the tokens so far",
                         ALWAYS_ALLOWED, MOST_GROWTH);
    d->room -= length;
    if (stage == d->stages->count) return text_append(&d->out, s, length);
    if (!d->stages->items[stage].take(d, stage, s, length, ends)) return false;
    d->states[stage].tokens += ends;
    return true;
}

bool decoding_emit(decoding *d, size_t stage, const char *s, size_t length, bool ends) {
    return emit_to(d, stage + 1, s, length, ends);
}

/* Nothing is held back, and the next token is the first. */
static void begin_anew(decoding *d) {
    for (size_t i = 0; i < d->stages->count; i++) {
        stage_state *state = &d->states[i];
        text_clear(&state->token);
        text_clear(&state->held);
        *state = (stage_state){.token = state->token, .held = state->held};
    }
    d->room = 0;
}

/* A failure ends the stream: what stages held of it is not part of the next. */
bool decoding_push(decoding *d, const char *s, size_t length) {
    d->room += (d->stages->count + 1) * (ALWAYS_ALLOWED + MOST_GROWTH * length);
    bool ok = emit_to(d, 0, s, length, true);
    if (!ok) begin_anew(d);
    return ok;
}

bool decoding_finish(decoding *d) {
    bool ok = true;
    for (size_t i = 0; ok && i < d->stages->count; i++) {
        const decode_stage *stage = &d->stages->items[i];
        ok = !stage->finish || stage->finish(d, i);
    }
    begin_anew(d);
    return ok;
}

void decoding_free(decoding *d) {
    for (size_t i = 0; d->states && i < d->stages->count; i++) {
        text_free(&d->states[i].token);
        text_free(&d->states[i].held);
    }
    memory_free(d->states);
    text_free(&d->out);
    *d = (decoding){0};
}

void decoder_free(decoder *d) {
    for (size_t i = 0; i < d->count; i++) {
        regex_free(d->items[i].pattern);
        memory_free(d->items[i].string);
        memory_free(d->items[i].content);
    }
    vector_free(d);
}
