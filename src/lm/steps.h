/* Forward passes over a cache, and decoding steps as plans: of one timeline, or of several, a row of the cache each. */
#ifndef LM_STEPS_H
#define LM_STEPS_H

#include "lm/model.h"
#include "lm/sampler.h"
#include "tarn/transform.h"

/* What a step makes, kept. */
typedef struct {
    tarn_array *logits;       /* [rows, vocab] */
    tarn_array *drawn, *next; /* what the sampler makes of them: tokens, and the input of the step that appends them */
} step_results;

typedef struct {
    const tarn_model *model;
    kv_cache *cache;        /* of as many rows as there are timelines */
    bool alone;             /* one timeline, whose logits have no axis of rows */
    const sampler *sampler; /* draws behind each step; NULL: nobody does */
    tarn_compiled *plan;    /* of steps; NULL until the first */
    tarn_compiled *draws;   /* plans of draws by themselves, which begin an answer; NULL until the first */
    tarn_array *next;       /* the input of the step that appends what was drawn, kept; NULL if nothing was */
    int32_t *drawn;         /* [rows]: those tokens; negative: sampler_fail knows why */
    /* A device is given the step after the one that is waited for: with the tokens that are being drawn, which need not
       be read for that. Rows of the cache beyond what is in use mean nothing, and random keys go from input to input,
       so that a step which nobody asks for is simply dropped. */
    step_results ahead;
} stepper;

bool stepper_open(stepper *s, const tarn_model *model, kv_cache *cache, bool alone);
void stepper_close(stepper *s);
/* Plans and what was begun ahead are dropped: the cache has other arrays. */
void stepper_forget(stepper *s);
/* What was drawn is not what comes next. */
void stepper_leave(stepper *s);
/* Who draws from now on, and stays until another one does. */
void stepper_sample(stepper *s, const sampler *by);
/* Begins an answer of one timeline: draws what follows the logits [vocab] behind so many tokens. */
bool stepper_draw(stepper *s, tarn_array *logits, const int32_t *tokens, int64_t count);
/* Reads the column of the timeline for which stepper_draw drew. */
bool stepper_column(const stepper *s, int32_t *column, int64_t stride);
/* Begins answers of all timelines with what each drew: int32 [sampler_height, rows]. */
bool stepper_begin(stepper *s, const int32_t *columns);
/* The step that appends ids[rows] at positions[rows], where the cache has room; with a sampler they are what was drawn.
   What of it is read first is waited for; ahead: on a device the step after it, with what is drawn, is begun before. A
   negative id: nobody asks for that row, which is computed all the same, and what it gives means nothing. Positions of
   such rows go on and may come to lie beyond the cache: whatever writes it or reads it clamps them. *logits: kept, or
   NULL. */
bool stepper_run(stepper *s, const int32_t *ids, const int32_t *positions, bool ahead, tarn_array **logits);

/* ---- parts that other plans are made of */
/* A cache of so many rows, with what the model's family keeps of each layer. */
bool forward_open_cache(kv_cache *cache, const tarn_model *model, int64_t rows);
/* n tokens at `position` int32 [rows]. */
forward_state forward_at(const tarn_model *model, kv_cache *cache, tarn_array *position, int64_t n);
/* [rows, vocab] behind the last of the hidden states x [rows, length, hidden]. */
tarn_array *forward_last_logits(const tarn_model *model, const forward_state *f, tarn_array *x);
/* A plan over the cache as its state. */
bool compile_over_cache(kv_cache *cache, tarn_function function, tarn_compiled **plan);
void forget_compiled(tarn_compiled **plan);
bool on_device(void);

#endif
