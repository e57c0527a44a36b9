/* From logits to a token, as mlx-lm does it: penalties, logarithms of probabilities, filters, then a draw at the
 * temperature. All of it is array operations and part of the plan of a step, so that a device goes from step to step by
 * itself. */
#ifndef LM_SAMPLER_H
#define LM_SAMPLER_H

#include "tarn/lm.h"
#include "tarn/ops.h"

/* False, with the error set, for options out of range, or of no use beside .draw; `vocab` bounds top_k and ids. */
bool sampler_check(const tarn_generate_options *options, int64_t vocab);

typedef struct {
    const tarn_generate_options *options;
    int64_t window;    /* how many recent tokens penalties look at; 0: there are none */
    uint32_t first[2]; /* the random key of the first draw */
    void *key;         /* what a plan that draws depends on */
    size_t key_bytes;
} sampler;

/* Of timelines of at most `context` tokens. Number `number` of several that draw at once: the seed is so much more. */
bool sampler_open(sampler *s, const tarn_generate_options *options, int64_t context, int64_t number);
void sampler_close(sampler *s);

/* What a step is given of each timeline, a column of int32 [sampler_height, timelines]: the token that it appends and
   its position; for the draw behind it, if there is a temperature, the random key; if there are penalties, the recent
   tokens, this one last (-1: none). Without a sampler token and position are all. */
enum { INPUT_TOKEN, INPUT_POSITION, INPUT_STATE };
int64_t sampler_height(const sampler *s);
/* The column of the last of so many tokens, ahead of the first draw. */
void sampler_fill(const sampler *s, const int32_t *tokens, int64_t count, int32_t *column);

/* What follows logits [timelines, vocab] that the step of `input` made: tokens int32 [timelines], negative where none
   could be drawn, and the input of the step that appends them. They belong to the open scope. MLX's state: each draw
   splits the key, goes on with the first half and spends the second. */
bool sampler_draw(const sampler *s, tarn_array *logits, tarn_array *input, tarn_array **tokens, tarn_array **next);
/* Says why none could be drawn of logits of a dtype. Returns false. */
bool sampler_fail(const sampler *s, int32_t token, tarn_dtype dtype);

/* The parts, on logits or logarithms of probabilities [vocab]; recent: int32 [window], or NULL. */
tarn_array *sampler_penalize(const tarn_generate_options *options, tarn_array *logits, tarn_array *recent);
tarn_array *sampler_filter(const tarn_generate_options *options, tarn_array *logprobs);

#endif
