/* One answer while it is generated: from what a step made to a token, its text, and whether it ends there. */
#ifndef LM_GENERATION_H
#define LM_GENERATION_H

#include "base/vector.h"
#include "lm/sampler.h"
#include "lm/session.h"
#include "lm/stopper.h"

typedef struct {
    const tarn_model *model;
    const tarn_generate_options *options;
    int64_t number, max_tokens;
    sampler sampler;
    tarn_token_stream *stream; /* NULL without a tokenizer */
    stopper stopper;
    VECTOR(int32_t) tokens;
    int64_t prompt, reused; /* tokens */
    tarn_finish finish;
    double begin, first; /* seconds; first: when the first token was drawn */
} generation;

typedef enum { GO_ON, ENDED, FAILED } outcome;

/* Where an answer stands: all tokens before the one to be drawn, and what is known of that. */
typedef struct {
    const int32_t *tokens;
    int64_t count, context; /* context: as many as there may be */
    tarn_array *logits;     /* [vocab]; for .draw, and to say why nothing could be drawn */
    int32_t drawn;          /* what a step has drawn; negative: nothing. Without .draw */
} drawing;

double generation_now(void);
/* Number `number` of the answers that are generated at once draws with its own seed, and may have its own limit.
   context: how many tokens there may be. */
bool generation_open(generation *g, const tarn_model *model, const tarn_generate_options *options, int64_t context,
                     int64_t number);
void generation_close(generation *g);
/* Computes the prompt and begins to draw; ENDED: nothing is to be generated. */
outcome generation_prompt(generation *g, tarn_session *session, const int32_t *ids, size_t count);
/* The session's position after a prompt or step. */
bool generation_drawing(const generation *g, const tarn_session *session, drawing *at);
/* Takes what was drawn, or has .draw draw, records and shows it. GO_ON: it is to be appended. */
outcome generation_advance(generation *g, const drawing *at);
/* Shows what is left of the text. */
bool generation_finish(generation *g);
void generation_fill(generation *g, tarn_generation *result);

#endif
