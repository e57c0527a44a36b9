/* From logits to a token, as mlx-lm does it: penalties, logarithms of probabilities, filters, then a draw at the
 * temperature. */
#ifndef LM_SAMPLER_H
#define LM_SAMPLER_H

#include "tarn/lm.h"
#include "tarn/ops.h"

/* False, with the error set, for options out of range, or of no use beside .draw; `vocab` bounds top_k and ids. */
bool sampler_check(const tarn_generate_options *options, int64_t vocab);

typedef struct {
    const tarn_generate_options *options;
    tarn_array *key; /* of the next draw, kept; NULL if no draw needs one */
} sampler;

/* Number `number` of several that draw at once: the seed is so much more. */
bool sampler_open(sampler *s, const tarn_generate_options *options, int64_t number);
void sampler_close(sampler *s);
/* Draws a token from logits [vocab]; tokens[0..count) is everything before it, prompt included. */
bool sampler_draw(sampler *s, tarn_array *logits, const int32_t *tokens, int64_t count, int32_t *token);

/* Whether the options say, without .draw: the likeliest token of the logits as they are. */
bool sampler_is_plain(const tarn_generate_options *options);
/* That token of logits [vocab], int32 [1]; -1 if the logits are not finite. Belongs to the open scope. */
tarn_array *sampler_likeliest(tarn_array *logits);

/* The parts, on logits or logarithms of probabilities [vocab]; results belong to the open scope. */
tarn_array *sampler_penalize(const tarn_generate_options *options, tarn_array *logits, const int32_t *tokens,
                             int64_t count);
tarn_array *sampler_filter(const tarn_generate_options *options, tarn_array *logprobs);

#endif
