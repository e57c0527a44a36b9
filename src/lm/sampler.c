/* Sampling in array operations, so that it runs where the logits are. Order and rules are those of mlx-lm's
   sample_utils: penalties change logits; filters look at probabilities before the temperature. */
#include "lm/sampler.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "tarn/random.h"
#include "tarn/transform.h"

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
static tarn_array *frequency(double penalty, tarn_array *logits, tarn_array *recent, tarn_array *none) {
    tarn_array *updates = tarn_where(none, like(0, logits), like(-penalty, logits));
    return tarn_scatter_add(logits, recent, updates, .axis = TARN_AXIS(0));
}

/* In the place of none stands the last one, which there always is. */
tarn_array *sampler_penalize(const tarn_generate_options *o, tarn_array *logits, tarn_array *recent) {
    if (o->bias_count) logits = add_bias(o, logits);
    if (!recent) return logits;
    tarn_array *none = tarn_less(recent, like(0, recent));
    recent = tarn_where(none, tarn_slice_axis(recent, 0, -1, INT64_MAX), recent);
    if (o->repetition_penalty != 0) logits = repetition(o->repetition_penalty, logits, recent);
    if (o->presence_penalty != 0) logits = presence(o->presence_penalty, logits, recent);
    if (o->frequency_penalty != 0) logits = frequency(o->frequency_penalty, logits, recent, none);
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

/* ---- options */

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

/* ---- opening */

/* What the operations depend on; bias ids and values stand behind it. */
typedef struct {
    double temperature, top_p, min_p, repetition_penalty, presence_penalty, frequency_penalty;
    int64_t top_k, window, bias_count;
} plan_key;

static bool make_key(sampler *s) {
    const tarn_generate_options *o = s->options;
    const plan_key k = {.temperature = o->temperature,
                        .top_p = o->top_p,
                        .min_p = o->min_p,
                        .repetition_penalty = o->repetition_penalty,
                        .presence_penalty = o->presence_penalty,
                        .frequency_penalty = o->frequency_penalty,
                        .top_k = o->top_k,
                        .window = s->window,
                        .bias_count = o->bias_count};
    size_t ids = (size_t)o->bias_count * sizeof *o->bias_ids, values = (size_t)o->bias_count * sizeof *o->bias_values;
    char *bytes = memory_new(sizeof k + ids + values, 1);
    if (!bytes) return false;
    memcpy(bytes, &k, sizeof k);
    if (ids) memcpy(bytes + sizeof k, o->bias_ids, ids);
    if (values) memcpy(bytes + sizeof k + ids, o->bias_values, values);
    s->key = bytes;
    s->key_bytes = sizeof k + ids + values;
    return true;
}

static uint64_t seed_of(const tarn_generate_options *o) {
    struct timespec now;
    if (o->seed.given) return o->seed.value;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The words of tarn_random_key. */
static void first_key(sampler *s, uint64_t seed) {
    s->first[0] = (uint32_t)(seed >> 32);
    s->first[1] = (uint32_t)seed;
}

static int64_t window_of(const tarn_generate_options *o, int64_t context) {
    bool any = o->repetition_penalty != 0 || o->presence_penalty != 0 || o->frequency_penalty != 0;
    int64_t window = o->penalty_context ? o->penalty_context : 20;
    if (!any) return 0;
    return window < context ? window : context;
}

bool sampler_open(sampler *s, const tarn_generate_options *options, int64_t context, int64_t number) {
    *s = (sampler){.options = options, .window = window_of(options, context)};
    first_key(s, seed_of(options) + (uint64_t)number);
    return make_key(s);
}

void sampler_close(sampler *s) {
    memory_free(s->key);
    *s = (sampler){0};
}

/* ---- the input of a step */

static bool is_random(const sampler *s) {
    return s->options->temperature != 0;
}

int64_t sampler_height(const sampler *s) {
    return s ? INPUT_STATE + 2 * is_random(s) + s->window : INPUT_STATE;
}

void sampler_fill(const sampler *s, const int32_t *tokens, int64_t count, int32_t *column) {
    column[INPUT_TOKEN] = tokens[count - 1];
    column[INPUT_POSITION] = (int32_t)count - 1;
    column += INPUT_STATE;
    if (is_random(s)) {
        memcpy(column, s->first, sizeof s->first);
        column += 2;
    }
    for (int64_t i = 0; i < s->window; i++) {
        int64_t at = count - s->window + i;
        column[i] = at < 0 ? -1 : tokens[at];
    }
}

/* ---- the whole */

/* What of one timeline, or of several [timelines, ...], goes into a draw, and comes out of it for the next. */
enum { DRAW_LOGITS, DRAW_TOKEN = DRAW_LOGITS, DRAW_STATE, MOST_PARTS = 3 };
enum { NOT_FINITE = -1, TOO_COLD = -2 }; /* in the place of a token */

static tarn_array *token_or(tarn_array *proof, tarn_array *token, int otherwise) {
    return tarn_where(tarn_isfinite(proof), token, tarn_scalar_int(otherwise, TARN_INT32));
}

/* The inverse of the temperature may be more than the dtype holds, and then no token is likelier than another. */
static tarn_array *draw(const sampler *s, tarn_array *logprobs, tarn_array *key, tarn_array **next) {
    tarn_array *use;
    if (!tarn_random_next(key, next, &use)) return NULL;
    tarn_array *scaled = tarn_multiply(logprobs, like(1 / s->options->temperature, logprobs));
    tarn_array *best = tarn_max(scaled, .axes = TARN_AXES(-1), .keepdims = true);
    /* a batch of one, as mlx-lm has it: MLX draws a list by inverse CDF, a single number by the Gumbel maximum */
    tarn_array *token = tarn_random_categorical(use, tarn_expand_dims(scaled, TARN_AXES(0)));
    return token_or(best, tarn_astype(token, TARN_INT32), TOO_COLD);
}

/* One timeline's: logits [vocab], key [2], recent [window]; the token is int32 [1]. The logarithm of the sum of
   exponentials is finite only if no logit is NaN or infinite (but some may be -infinity). Rounding may make more of the
   logarithms of probabilities equal than of the logits. */
static bool draw_one(const sampler *s, tarn_array *const *in, tarn_array **out) {
    int recent = DRAW_STATE + is_random(s);
    tarn_array *logits = sampler_penalize(s->options, in[DRAW_LOGITS], s->window ? in[recent] : NULL);
    tarn_array *total = tarn_logsumexp(logits, .axes = TARN_AXES(-1), .keepdims = true);
    tarn_array *logprobs = tarn_subtract(logits, total);
    tarn_array *token = is_random(s)
                            ? draw(s, sampler_filter(s->options, logprobs), in[DRAW_STATE], &out[DRAW_STATE])
                            : tarn_astype(tarn_argmax(logprobs, .axis = TARN_AXIS(-1), .keepdims = true), TARN_INT32);
    out[DRAW_TOKEN] = token_or(total, token, NOT_FINITE);
    if (s->window)
        out[recent] = tarn_concatenate(TARN_ARRAYS(tarn_slice_axis(in[recent], 0, 1, INT64_MAX), out[DRAW_TOKEN]), 2);
    return tarn_ok();
}

static bool draw_function(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_array *out[MOST_PARTS];
    bool ok = draw_one(context, inputs, out);
    for (int i = 0; i < count; i++) ok = ok && tarn_result(results, out[i]);
    return ok;
}

/* The same over the first axes; a single timeline needs no batching. */
static bool draw_each(const sampler *s, tarn_array **in, int count, tarn_array **out) {
    if (tarn_dim(in[0], 0) == 1) {
        for (int i = 0; i < count; i++) in[i] = tarn_squeeze(in[i], .axes = TARN_AXES(0));
        if (!draw_one(s, in, out)) return false;
        for (int i = 0; i < count; i++) out[i] = tarn_expand_dims(out[i], TARN_AXES(0));
        return true;
    }
    const tarn_results *made = tarn_vmap(TARN_FUNCTION(draw_function, (void *)s), in, count);
    for (int i = 0; made && i < count; i++) out[i] = tarn_results_at(made, i);
    return made != NULL;
}

static tarn_array *rows_of(tarn_array *input, int64_t from, int64_t to) {
    return tarn_slice_axis(input, 0, from, to);
}

bool sampler_draw(const sampler *s, tarn_array *logits, tarn_array *input, tarn_array **tokens, tarn_array **next) {
    tarn_array *in[MOST_PARTS] = {logits}, *out[MOST_PARTS], *parts[MOST_PARTS + 1];
    int64_t recent = sampler_height(s) - s->window;
    int count = 1;
    if (is_random(s)) in[count++] = tarn_view(tarn_transpose(rows_of(input, INPUT_STATE, recent)), TARN_UINT32);
    if (s->window) in[count++] = tarn_transpose(rows_of(input, recent, INT64_MAX));
    if (!tarn_ok() || !draw_each(s, in, count, out)) return false;
    *tokens = tarn_reshape(out[DRAW_TOKEN], TARN_SHAPE(-1));
    parts[INPUT_TOKEN] = tarn_transpose(out[DRAW_TOKEN]);
    parts[INPUT_POSITION] = tarn_add(rows_of(input, INPUT_POSITION, INPUT_STATE), tarn_scalar_int(1, TARN_INT32));
    for (int i = DRAW_STATE; i < count; i++)
        parts[INPUT_STATE + i - DRAW_STATE] = tarn_view(tarn_transpose(out[i]), TARN_INT32);
    *next = tarn_concatenate(parts, count + 1);
    return tarn_ok();
}

bool sampler_fail(const sampler *s, int32_t token, tarn_dtype dtype) {
    const char *name = tarn_dtype_name(dtype);
    if (token == TOO_COLD)
        return tarn_fail("temperature %g is too small for logits in %s", s->options->temperature, name);
    return tarn_fail("the logits are not finite in %s: the weights are damaged, or too large for this dtype", name);
}
