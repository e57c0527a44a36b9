/* Sampling in array operations, so that it runs where the logits are. Order and rules are those of mlx-lm's
   sample_utils: penalties change logits; filters look at probabilities before the temperature. */
#include "lm/sampler.h"

#include <math.h>
#include <time.h>

#include "tarn/random.h"

/* ---- penalties */

static tarn_array *like(double value, tarn_array *x) {
    return tarn_scalar_like(value, x);
}

static tarn_array *add_bias(const tarn_generate_options *o, tarn_array *logits) {
    tarn_array *ids = tarn_from_data(o->bias_ids, TARN_SHAPE(o->bias_count), TARN_INT32);
    tarn_array *values = tarn_from_data(o->bias_values, TARN_SHAPE(o->bias_count), TARN_FLOAT64);
    return tarn_scatter_add(logits, ids, tarn_astype(values, tarn_dtype_of(logits)), .axis = TARN_AXIS(0));
}

/* Once for each distinct id, however often it occurs: equal ids write equal values. */
static tarn_array *repetition(double penalty, tarn_array *logits, tarn_array *recent) {
    tarn_array *x = tarn_take(logits, recent, .axis = TARN_AXIS(0)), *p = like(penalty, logits);
    x = tarn_where(tarn_less(x, like(0, x)), tarn_multiply(x, p), tarn_divide(x, p));
    return tarn_scatter(logits, recent, x, .axis = TARN_AXIS(0));
}

static tarn_array *presence(double penalty, tarn_array *logits, tarn_array *recent) {
    return tarn_scatter(logits, recent,
                        tarn_subtract(tarn_take(logits, recent, .axis = TARN_AXIS(0)), like(penalty, logits)),
                        .axis = TARN_AXIS(0));
}

/* Once for each occurrence. */
static tarn_array *frequency(double penalty, tarn_array *logits, tarn_array *recent) {
    tarn_array *updates = tarn_broadcast_to(like(-penalty, logits), tarn_shape_of(recent));
    return tarn_scatter_add(logits, recent, updates, .axis = TARN_AXIS(0));
}

tarn_array *sampler_penalize(const tarn_generate_options *o, tarn_array *logits, const int32_t *tokens, int64_t count) {
    if (o->bias_count) logits = add_bias(o, logits);
    bool any = o->repetition_penalty != 0 || o->presence_penalty != 0 || o->frequency_penalty != 0;
    if (!any || !count) return logits;
    int64_t window = o->penalty_context ? o->penalty_context : 20;
    if (window > count) window = count;
    while (window > 0 && tokens[count - window] < 0) window--; /* not known (lm/session.h) */
    if (!window) return logits;
    tarn_array *recent = tarn_from_data(tokens + count - window, TARN_SHAPE(window), TARN_INT32);
    if (o->repetition_penalty != 0) logits = repetition(o->repetition_penalty, logits, recent);
    if (o->presence_penalty != 0) logits = presence(o->presence_penalty, logits, recent);
    if (o->frequency_penalty != 0) logits = frequency(o->frequency_penalty, logits, recent);
    return logits;
}

/* ---- filters: what is dropped gets -infinity */

static tarn_array *drop_where(tarn_array *dropped, tarn_array *logprobs) {
    return tarn_where(dropped, like(-INFINITY, logprobs), logprobs);
}

/* Drops each token with top_p or more of the mass above it. */
static tarn_array *keep_top_p(double top_p, tarn_array *logprobs) {
    tarn_array *sorted = tarn_sort(logprobs);
    tarn_array *probs = tarn_exp(tarn_astype(sorted, TARN_FLOAT32));
    tarn_array *above = tarn_cumsum(probs, .axis = TARN_AXIS(-1), .reverse = true, .exclusive = true);
    tarn_array *total = tarn_add(tarn_slice_axis(above, -1, 0, 1), tarn_slice_axis(probs, -1, 0, 1));
    tarn_array *dropped = tarn_astype(tarn_greater_equal(above, tarn_multiply(like(top_p, total), total)), TARN_INT32);
    tarn_array *count = tarn_sum(dropped, .axes = TARN_AXES(-1), .keepdims = true);
    return drop_where(tarn_less(logprobs, tarn_take_along_axis(sorted, count, .axis = TARN_AXIS(-1))), logprobs);
}

static tarn_array *keep_min_p(double min_p, tarn_array *logprobs) {
    tarn_array *best = tarn_max(logprobs, .axes = TARN_AXES(-1), .keepdims = true);
    return drop_where(tarn_less(logprobs, tarn_add(best, like(log(min_p), best))), logprobs);
}

/* Exactly k stay, ties by index. */
static tarn_array *keep_top_k(int64_t k, tarn_array *logprobs) {
    tarn_array *order = tarn_argsort(tarn_negative(logprobs));
    tarn_array *dropped = tarn_slice_axis(order, -1, k, INT64_MAX);
    return tarn_put_along_axis(logprobs, dropped, tarn_broadcast_to(like(-INFINITY, logprobs), tarn_shape_of(dropped)),
                               .axis = TARN_AXIS(-1));
}

tarn_array *sampler_filter(const tarn_generate_options *o, tarn_array *logprobs) {
    if (o->top_p > 0 && o->top_p < 1) logprobs = keep_top_p(o->top_p, logprobs);
    if (o->min_p != 0) logprobs = keep_min_p(o->min_p, logprobs);
    if (o->top_k > 0) logprobs = keep_top_k(o->top_k, logprobs);
    return logprobs;
}

/* ---- the whole */

static bool check_ids(const char *what, const int32_t *ids, int64_t count, int64_t vocab) {
    if (count < 0 || (count && !ids)) return tarn_fail("%s: a list with a count and no ids", what);
    for (int64_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= vocab)
            return tarn_fail("%s: token id %d is outside the model's vocabulary of %lld", what, ids[i],
                             (long long)vocab);
    return true;
}

static bool changes_nothing(const tarn_generate_options *o) {
    return o->temperature == 0 && !o->bias_count && o->repetition_penalty == 0 && o->presence_penalty == 0 &&
           o->frequency_penalty == 0;
}

bool sampler_check(const tarn_generate_options *o, int64_t vocab) {
    if (o->draw && !changes_nothing(o)) return tarn_fail("temperature, penalties and bias are of no use beside .draw");
    if (!(o->temperature >= 0 && o->temperature < INFINITY))
        return tarn_fail("temperature must be 0 or more, not %g", o->temperature);
    if (!(o->top_p >= 0 && o->top_p <= 1)) return tarn_fail("top_p must be from 0 to 1, not %g", o->top_p);
    if (!(o->min_p >= 0 && o->min_p <= 1)) return tarn_fail("min_p must be from 0 to 1, not %g", o->min_p);
    if (o->top_k < 0) return tarn_fail("top_k must be 0 (off) or more, not %lld", (long long)o->top_k);
    if (o->top_k > 0 && o->top_k >= vocab)
        return tarn_fail("top_k must be below the vocabulary of %lld, not %lld", (long long)vocab, (long long)o->top_k);
    if (!(o->repetition_penalty >= 0 && o->repetition_penalty < INFINITY))
        return tarn_fail("repetition_penalty must be 0 or more, not %g", o->repetition_penalty);
    if (!isfinite(o->presence_penalty)) return tarn_fail("presence_penalty must be finite");
    if (!isfinite(o->frequency_penalty)) return tarn_fail("frequency_penalty must be finite");
    if (o->penalty_context < 0) return tarn_fail("penalty_context must not be negative");
    if (o->bias_count && !o->bias_values) return tarn_fail("logit bias: a list with a count and no values");
    return check_ids("logit bias", o->bias_ids, o->bias_count, vocab) &&
           check_ids("end tokens", o->end_tokens, o->end_token_count, INT32_MAX);
}

bool sampler_open(sampler *s, const tarn_generate_options *options, int64_t number) {
    *s = (sampler){options, NULL};
    if (options->temperature == 0) return true;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed =
        options->seed.given ? options->seed.value : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    TARN_SCOPE;
    s->key = tarn_keep(tarn_random_key(seed + (uint64_t)number));
    return s->key && tarn_eval(s->key);
}

void sampler_close(sampler *s) {
    tarn_drop(s->key);
    s->key = NULL;
}

/* MLX's state: each draw splits the key, goes on with the first half and spends the second. */
static tarn_array *draw(const sampler *s, tarn_array *logprobs, tarn_array **next, tarn_array **best) {
    tarn_array *use;
    if (!tarn_random_next(s->key, next, &use)) return NULL;
    tarn_array *scaled = tarn_multiply(logprobs, like(1 / s->options->temperature, logprobs));
    *best = tarn_max(scaled, .axes = TARN_AXES(-1));
    /* a batch of one, as mlx-lm has it: MLX draws a list by inverse CDF, a single number by the Gumbel maximum */
    return tarn_squeeze(tarn_random_categorical(use, tarn_expand_dims(scaled, TARN_AXES(0))));
}

static void set_key(sampler *s, tarn_array *next) {
    tarn_drop(s->key);
    s->key = tarn_keep(next);
}

/* The logarithm of the sum of exponentials is finite only if no logit is NaN or infinite (but some may be -infinity).
 */
static bool check_finite(tarn_array *total) {
    double value = tarn_item(total);
    return tarn_ok() &&
           (isfinite(value) ||
            tarn_fail("the logits are not finite in %s: the weights are damaged, or too large for this dtype",
                      tarn_dtype_name(tarn_dtype_of(total))));
}

/* The inverse of the temperature may be more than the dtype holds, and then no token is likelier than another. */
static bool check_temperature(const sampler *s, tarn_array *best) {
    double value = tarn_item(best);
    return tarn_ok() && (isfinite(value) || tarn_fail("temperature %g is too small for logits in %s",
                                                      s->options->temperature, tarn_dtype_name(tarn_dtype_of(best))));
}

bool sampler_is_plain(const tarn_generate_options *o) {
    return !o->draw && changes_nothing(o);
}

/* Of the logarithms of probabilities, as draw's: rounding may make more of them equal than of the logits. */
tarn_array *sampler_likeliest(tarn_array *logits) {
    tarn_array *total = tarn_logsumexp(logits, .axes = TARN_AXES(-1), .keepdims = true);
    tarn_array *best = tarn_argmax(tarn_subtract(logits, total), .axis = TARN_AXIS(-1), .keepdims = true);
    return tarn_where(tarn_isfinite(total), tarn_astype(best, TARN_INT32), tarn_scalar_int(-1, TARN_INT32));
}

bool sampler_draw(sampler *s, tarn_array *logits, const int32_t *tokens, int64_t count, int32_t *token) {
    TARN_SCOPE;
    bool greedy = s->options->temperature == 0;
    logits = sampler_penalize(s->options, logits, tokens, count);
    tarn_array *total = tarn_logsumexp(logits, .axes = TARN_AXES(-1), .keepdims = true), *next = NULL, *best = NULL;
    tarn_array *logprobs = tarn_subtract(logits, total);
    tarn_array *drawn = greedy ? tarn_argmax(logprobs, .axis = TARN_AXIS(-1))
                               : draw(s, sampler_filter(s->options, logprobs), &next, &best);
    if (!tarn_eval_all((tarn_array *[]){drawn, total, next, best}, greedy ? 2 : 4) || !check_finite(total))
        return false;
    if (!greedy && !check_temperature(s, best)) return false;
    if (next) set_key(s, next);
    *token = (int32_t)tarn_item_int(drawn);
    return tarn_ok();
}
