/* Sessions: which tokens the cache holds, what of it can be reused, prompts in fixed chunks, and decoding steps as
 * plans. */
#include "lm/session.h"

#include <string.h>

#include "base/memory.h"
#include "base/require.h"
#include "tarn/device.h"

static void forget_logits(tarn_session *s) {
    tarn_drop(s->logits);
    s->logits = NULL;
}

static void forget_plans(tarn_session *s) {
    stepper_forget(&s->steps);
    forget_compiled(&s->chunks);
}

bool session_forget(tarn_session *s) {
    forget_logits(s);
    forget_plans(s);
    stepper_leave(&s->steps);
    kv_cache_reset(&s->cache);
    s->count = s->settled = 0;
    return false;
}

static const model_rules *rules_of(const tarn_session *s) {
    return s->model->config.family->rules;
}

static bool open_cache(tarn_session *s) {
    return forward_open_cache(&s->cache, s->model, 1) && stepper_open(&s->steps, s->model, &s->cache, true);
}

/* A GPU takes as long to be given a chunk as it computes some 250 tokens. */
static int64_t default_chunk(void) {
    return on_device() ? 1024 : 256;
}

tarn_session *tarn_session_new_with(const tarn_model *model, tarn_session_options options) {
    if (!REQUIRE(model)) return NULL;
    if (model->described) return tarn_fail("%s: the folder has no weights", model->config.path), NULL;
    if (options.context < 0) return tarn_fail("tarn_session_new: .context must not be negative"), NULL;
    if (options.chunk < 0) return tarn_fail("tarn_session_new: .chunk must not be negative"), NULL;
    tarn_session *s = NEW(tarn_session);
    if (!s) return NULL;
    const model_config *c = &model->config;
    s->model = model;
    s->context = options.context && options.context < c->positions ? options.context : c->positions;
    s->chunk = options.chunk ? options.chunk : default_chunk();
    s->fast_cache = options.fast_cache;
    s->tokens = NEW_ARRAY(int32_t, s->context);
    if (s->tokens && open_cache(s)) return s;
    tarn_session_free(s);
    return NULL;
}

void tarn_session_free(tarn_session *s) {
    if (!s) return;
    forget_logits(s);
    forget_compiled(&s->chunks);
    stepper_close(&s->steps);
    kv_cache_close(&s->cache);
    memory_free(s->tokens);
    memory_free(s);
}

/* ---- forward passes */

bool session_reserve(tarn_session *s, int64_t tokens) {
    bool grown;
    if (!kv_cache_reserve(&s->cache, tokens, s->context, &grown)) return session_forget(s);
    if (grown) forget_plans(s);
    return true;
}

/* The last hidden states [1, n, hidden] of ids appended at position s->count, or of the last of them. */
static tarn_array *append(tarn_session *s, forward_state *f, const int32_t *ids, int64_t n, bool last_only) {
    int32_t at = (int32_t)s->count;
    *f = forward_at(s->model, &s->cache, tarn_from_data(&at, TARN_SHAPE(1), TARN_INT32), n);
    f->last_only = last_only;
    return rules_of(s)->forward(f, tarn_from_data(ids, TARN_SHAPE(1, n), TARN_INT32));
}

static void appended(tarn_session *s, const int32_t *ids, int64_t n) {
    if (ids != s->tokens + s->count) memmove(s->tokens + s->count, ids, (size_t)n * sizeof *ids);
    s->count += n;
}

static tarn_array *last_logits(const tarn_session *s, const forward_state *f, tarn_array *x) {
    return tarn_reshape(forward_last_logits(s->model, f, x), TARN_SHAPE(-1));
}

/* Input: ids, and the position of the first behind them; outputs: how many tokens there are then and, of the last
   chunk, logits. */
static bool chunk_function(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_session *s = context;
    int64_t n = tarn_size(inputs[0]) - 1;
    (void)count;
    tarn_array *ids = tarn_reshape(tarn_slice_axis(inputs[0], 0, 0, n), TARN_SHAPE(1, n));
    forward_state f = forward_at(s->model, &s->cache, tarn_slice_axis(inputs[0], 0, n, n + 1), n);
    f.last_only = true;
    tarn_array *x = rules_of(s)->forward(&f, ids);
    if (!tarn_result(results, f.length) || !s->last_chunk) return tarn_ok();
    return tarn_result(results, last_logits(s, &f, x));
}

/* A chunk as a plan: what a device would compute while the calls are made ready is as much as the chunk itself. */
static bool prefill_planned(tarn_session *s, const int32_t *ids, int64_t n, bool last, tarn_array **mark) {
    TARN_SCOPE;
    int32_t *input = NEW_ARRAY(int32_t, n + 1);
    if (!input || (!s->chunks && !compile_over_cache(&s->cache, TARN_FUNCTION(chunk_function, s), &s->chunks)))
        return memory_free(input), false;
    memcpy(input, ids, (size_t)n * sizeof *ids);
    input[n] = (int32_t)s->count;
    tarn_array *given = tarn_from_data(input, TARN_SHAPE(n + 1), TARN_INT32);
    memory_free(input);
    s->last_chunk = last;
    const tarn_results *made = tarn_compiled_call(s->chunks, &given, 1, .key = &last, .key_bytes = sizeof last);
    *mark = tarn_keep(tarn_results_at(made, 0));
    if (last) s->logits = tarn_keep(tarn_results_at(made, 1));
    if (!*mark) return session_forget(s);
    appended(s, ids, n);
    return true;
}

/* One chunk of a prompt; logits only where somebody wants them. What is computed is asked for at once: the cache is
   written in place, so that nothing of the call can be computed a second time. *mark, kept: is there once all of the
   chunk is. */
static bool prefill(tarn_session *s, const int32_t *ids, int64_t n, bool last, const logits_reader *reader,
                    tarn_array **mark) {
    if (on_device() && !reader) return prefill_planned(s, ids, n, last, mark);
    TARN_SCOPE;
    forward_state f;
    tarn_array *x = append(s, &f, ids, n, !reader), *wanted[3] = {f.length, NULL, NULL};
    int count = 1;
    if (last) s->logits = tarn_keep(wanted[count++] = last_logits(s, &f, x));
    if (reader)
        wanted[count++] =
            reader->make(reader->context, tarn_reshape(rules_of(s)->logits(&f, x), TARN_SHAPE(n, -1)), s->count, n);
    if (!kv_cache_settle(&s->cache, wanted, count, last || reader)) return session_forget(s);
    if (reader && !reader->take(reader->context, wanted[count - 1], s->count, n)) return session_forget(s);
    *mark = tarn_keep(f.length);
    appended(s, ids, n);
    return true;
}

/* ---- prompts */

static bool check_count(const tarn_session *s, const int32_t *ids, size_t count) {
    if (count == 0) return tarn_fail("the prompt has no tokens");
    if (!REQUIRE(ids)) return false;
    if (count > (size_t)s->context)
        return tarn_fail("the prompt has %zu tokens, but the context holds %lld", count, (long long)s->context);
    return true;
}

static bool check_ids(const tarn_session *s, const int32_t *ids, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (ids[i] == TOKEN_UNKNOWN)
            return tarn_fail("a token of the prompt is not known: a cache without its tokens can only be continued");
        if (ids[i] < 0 || ids[i] >= s->model->config.vocab)
            return tarn_fail("token id %d is outside the model's vocabulary of %lld", ids[i],
                             (long long)s->model->config.vocab);
    }
    return true;
}

bool session_check(const tarn_session *s, const int32_t *ids, size_t count) {
    return check_count(s, ids, count) && check_ids(s, ids, (int64_t)count);
}

bool session_check_following(const tarn_session *s, const int32_t *ids, size_t count) {
    if (!check_count(s, ids, count)) return false;
    int64_t known = 0;
    while (known < (int64_t)count && known < s->count && ids[known] == TOKEN_UNKNOWN && s->tokens[known] == ids[known])
        known++;
    return check_ids(s, ids + known, (int64_t)count - known);
}

/* How many tokens can stay. At least one must be computed for its logits; unless the cache is fast, whole chunks of
 * prompt only; of unknown tokens all or none. */
static int64_t reusable(const tarn_session *s, const int32_t *ids, int64_t count) {
    int64_t limit = s->fast_cache ? s->count : s->settled, same = 0;
    if (limit > count - 1) limit = count - 1;
    while (same < limit && s->tokens[same] == ids[same]) same++;
    if (same < s->count && s->tokens[same] == TOKEN_UNKNOWN) return 0;
    return s->fast_cache ? same : same - same % s->chunk;
}

static bool unchanged(const tarn_session *s, const int32_t *ids, int64_t count) {
    bool settled = s->fast_cache || s->settled == s->count;
    return s->logits && settled && s->count == count && !memcmp(s->tokens, ids, (size_t)count * sizeof *ids);
}

static bool stopped(const prompt_watch *watch) {
    return watch->interrupt && *watch->interrupt;
}

static void tell(const prompt_watch *watch, int64_t computed, int64_t all) {
    if (watch->progress) watch->progress(watch->context, computed, all);
}

/* Draws what follows the logits, and behind each step from now on. */
static bool draw(tarn_session *s, const sampler *by) {
    stepper_sample(&s->steps, by);
    return stepper_draw(&s->steps, s->logits, s->tokens, s->count);
}

/* Waits for the last chunk: a draw is given to the device before. */
static bool finish_prompt(tarn_session *s, const prompt_watch *watch) {
    return (watch->sampler ? draw(s, watch->sampler) : tarn_eval(s->logits)) || session_forget(s);
}

/* A chunk is made ready while the one before it is computed, and told of when that is over. */
static bool run_chunk(tarn_session *s, const int32_t *ids, int64_t count, const prompt_watch *watch,
                      tarn_array **before) {
    if (stopped(watch)) return tarn_fail_kind(TARN_ERROR_INTERRUPT, "interrupted");
    int64_t n = s->chunk - s->count % s->chunk;
    if (n > count - s->count) n = count - s->count;
    tarn_array *mark = NULL;
    if (!prefill(s, ids + s->count, n, s->count + n == count, watch->reader, &mark)) return tarn_drop(mark), false;
    bool ok = !*before || tarn_eval(*before) || session_forget(s);
    tarn_drop(*before);
    *before = mark;
    s->settled = s->count;
    if (ok && s->count == count) ok = finish_prompt(s, watch);
    if (ok) tell(watch, s->count, count);
    return ok;
}

static bool run_prompt(tarn_session *s, const int32_t *ids, int64_t count, const prompt_watch *watch) {
    forget_logits(s);
    stepper_leave(&s->steps);
    if (!session_reserve(s, count < s->context ? count + 1 : count)) return false; /* the next step has room too */
    tell(watch, s->count, count);
    tarn_array *before = NULL;
    bool ok = true;
    while (ok && s->count < count) ok = run_chunk(s, ids, count, watch, &before);
    tarn_drop(before);
    return ok;
}

bool session_follow(tarn_session *s, const int32_t *ids, size_t count, const prompt_watch *watch) {
    s->reused = 0;
    if (!tarn_ok() || !check_count(s, ids, count)) return false;
    if (unchanged(s, ids, (int64_t)count)) return s->reused = s->count, finish_prompt(s, watch);
    int64_t same = reusable(s, ids, (int64_t)count);
    if (!check_ids(s, ids + same, (int64_t)count - same)) return false; /* those that must be computed */
    s->count = s->reused = same;
    if (s->settled > s->count || s->fast_cache) s->settled = s->count;
    return run_prompt(s, ids, (int64_t)count, watch);
}

bool tarn_session_sync_with(tarn_session *session, const int32_t *ids, size_t count, tarn_sync_options options) {
    return REQUIRE(session) && session_follow(session, ids, count, &(prompt_watch){.interrupt = options.interrupt});
}

/* The logits of a prompt, whose last layer computes the last token alone, are others in their last bits: the last token
 * is not settled. */
bool session_read(tarn_session *s, const int32_t *ids, size_t count, const prompt_watch *watch) {
    if (!tarn_ok() || !session_check(s, ids, count)) return false;
    s->reused = s->count = s->settled = 0;
    bool ok = run_prompt(s, ids, (int64_t)count, watch);
    if (s->settled) s->settled--;
    return ok;
}

bool session_take(tarn_session *s, const kv_cache *from, int64_t row, const int32_t *ids, int64_t count) {
    forget_logits(s);
    stepper_leave(&s->steps);
    if (!session_reserve(s, count)) return false;
    if (!kv_cache_take(&s->cache, 0, from, row, count)) return session_forget(s);
    memcpy(s->tokens, ids, (size_t)count * sizeof *ids);
    s->count = count;
    return true;
}

/* ---- decoding steps */

bool session_drawn(const tarn_session *s, const sampler *by, int32_t *token) {
    *token = s->steps.drawn[0];
    return s->steps.sampler == by || tarn_fail("the session was used while it generated an answer");
}

void session_end_draws(tarn_session *s) {
    stepper_sample(&s->steps, NULL);
    s->ahead_until = 0;
}

void session_run_ahead(tarn_session *s, int64_t count) {
    s->ahead_until = count < s->context ? count : s->context;
}

static bool may_run_ahead(const tarn_session *s) {
    int64_t count = s->count + 2; /* with this step's token and the next one's */
    return count <= s->ahead_until && count <= s->cache.capacity;
}

static bool run_step(tarn_session *s, int32_t id) {
    return stepper_run(&s->steps, &id, &(int32_t){(int32_t)s->count}, may_run_ahead(s), &s->logits);
}

static bool step(tarn_session *s, int32_t id) {
    if (s->count >= s->context) return tarn_fail("the context of %lld tokens is full", (long long)s->context);
    if (id < 0 || id >= s->model->config.vocab)
        return tarn_fail("token id %d is outside the model's vocabulary of %lld", id,
                         (long long)s->model->config.vocab);
    forget_logits(s);
    if (!session_reserve(s, s->count + 1)) return false;
    if (!run_step(s, id)) return session_forget(s);
    appended(s, &id, 1);
    return true;
}

bool tarn_session_step(tarn_session *session, int32_t id) {
    return REQUIRE(session) && tarn_ok() && step(session, id);
}

/* ---- reading */

tarn_array *tarn_session_logits(const tarn_session *session) {
    return REQUIRE(session) ? session->logits : NULL;
}

const int32_t *tarn_session_tokens(const tarn_session *session, size_t *count) {
    if (!REQUIRE(count)) return NULL;
    *count = 0;
    if (!REQUIRE(session)) return NULL;
    *count = (size_t)session->count;
    return session->tokens;
}

int64_t tarn_session_reused(const tarn_session *session) {
    return REQUIRE(session) ? session->reused : 0;
}
