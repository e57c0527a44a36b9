/* Decoders: stages that turn tokens back into text. Every stage works on a stream: it passes on what later tokens
   cannot change and holds the rest, so that decoding everything is a stream too. */
#ifndef TOKENIZER_DECODER_H
#define TOKENIZER_DECODER_H

#include "tokenizer/part.h"
#include "tokenizer/regex.h"

/* What a stage remembers within one stream. */
typedef struct {
    text token, held; /* a token that has not ended yet; bytes that wait for what follows */
    size_t tokens;    /* how many tokens have ended */
    size_t count;     /* Strip: characters taken from the front of this token */
    bool open; /* Strip: the front is done; BPEDecoder: a token is held; ByteFallback: a part of a run was passed on */
} stage_state;

typedef struct decoding decoding;

typedef struct decode_stage {
    /* The next bytes of the current token, whole characters; `ends` tells that the token ends with them. */
    bool (*take)(decoding *d, size_t stage, const char *s, size_t length, bool ends);
    bool (*finish)(decoding *d, size_t stage); /* there are no more tokens; NULL if nothing is held between tokens */
    regex *pattern;                            /* Replace by a regular expression */
    char *string, *content;                    /* what is looked for, what replaces it */
    size_t string_length, content_length;
    uint32_t character;
    size_t start, stop;
    bool first; /* Metaspace: no space for the first token; WordPiece: clean up */
} decode_stage;

typedef VECTOR(decode_stage) decoder;

struct decoding {
    const decoder *stages;
    stage_state *states;
    text out;
    size_t room; /* bytes that may still be handed on, by all that was pushed: stages of a hostile file multiply */
    bool prompt; /* a stream: byte tokens become characters as soon as these are whole, before it is known whether the
                    whole run is valid */
};

/* Reads a decoder; a null means tokens with spaces between them. A Sequence becomes its stages. */
bool decoder_read(decoder *d, const part *from);
void decoder_free(decoder *d);

bool decoding_init(decoding *d, const decoder *stages);
/* Takes one whole token; what became certain is appended to d->out. */
bool decoding_push(decoding *d, const char *s, size_t length);
/* Appends the rest and begins anew. */
bool decoding_finish(decoding *d);
void decoding_free(decoding *d);

/* For the stages: hands bytes to the next one. */
bool decoding_emit(decoding *d, size_t stage, const char *s, size_t length, bool ends);

#endif
