/* Forward passes over a cache, and decoding steps as plans: of one timeline, or of several, a row of the cache each. */
#ifndef LM_STEPS_H
#define LM_STEPS_H

#include "lm/model.h"
#include "tarn/transform.h"

/* What a step makes, kept; logits NULL: there is none. A stepper of one timeline has no axis of rows. */
typedef struct {
    tarn_array *logits;    /* [rows, vocab] */
    tarn_array *likeliest; /* what sampler_likeliest makes of them, int32 [rows]; NULL if it was not asked for, as is */
    tarn_array *next;      /* the input of the step that would append those tokens */
} step_results;
void step_results_drop(step_results *r);

typedef struct {
    const tarn_model *model;
    kv_cache *cache; /* of as many rows as there are timelines */
    bool alone;      /* one timeline, whose results have no axis of rows */
    bool wants_likeliest;
    tarn_compiled *plan; /* NULL until the first step */
    /* A device is given the step after the one that is waited for: with the likeliest tokens, which need not be read
       for that. Rows of the cache beyond what is in use mean nothing, so that a step which nobody asks for is simply
       dropped. */
    step_results ahead;
    int32_t *ahead_ids; /* [rows]: the tokens that it appends */
} stepper;

bool stepper_open(stepper *s, const tarn_model *model, kv_cache *cache, bool alone);
void stepper_close(stepper *s);
/* Plans and what was begun ahead are dropped: the cache has other arrays. */
void stepper_forget(stepper *s);
void stepper_forget_ahead(stepper *s);
/* Whether steps are to find the likeliest tokens, too. */
void stepper_want_likeliest(stepper *s, bool wanted);
/* The step that appends ids[rows] at positions[rows], where the cache has room. What of it is read first is waited for;
   ahead: on a device the step after it, with the likeliest tokens, is begun before. A negative id: nobody asks for that
   row, which is computed all the same, and what it gives means nothing. With steps begun ahead the positions of such
   rows go on and may come to lie beyond the cache: whatever writes it or reads it clamps them. */
bool stepper_run(stepper *s, const int32_t *ids, const int32_t *positions, bool ahead, step_results *now);

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
