/* The stages, for decoder_read.c. */
#ifndef TOKENIZER_DECODER_STAGES_H
#define TOKENIZER_DECODER_STAGES_H

#include "tokenizer/decoder.h"

typedef bool stage_take(decoding *d, size_t stage, const char *s, size_t length, bool ends);
typedef bool stage_finish(decoding *d, size_t stage);

/* decoder_bytes.c */
stage_take byte_level_take, byte_fallback_take, fuse_take;
stage_finish byte_level_finish, byte_fallback_finish, fuse_finish;

/* decoder_text.c */
stage_take replace_string_take, replace_pattern_take, strip_take, metaspace_take, wordpiece_take, bpe_suffix_take,
    spaces_take, ctc_take;
stage_finish bpe_suffix_finish;

/* Appends to text_of a token what arrived; true once the token is whole. On failure the text is marked failed. */
static inline bool stage_collect(stage_state *state, const char *s, size_t length, bool ends) {
    text_append(&state->token, s, length);
    return ends && !state->token.failed;
}

#endif
