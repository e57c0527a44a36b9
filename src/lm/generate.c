/* Generating text: sync, then draw, show, step, until something ends it. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/require.h"
#include "lm/generation.h"

double generation_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *tarn_finish_name(tarn_finish finish) {
    static const char *const names[] = {"stop", "length", "interrupted"};
    return (unsigned)finish < sizeof names / sizeof *names ? names[finish] : "unknown";
}

static bool interrupted(const generation *g) {
    return g->options->interrupt && *g->options->interrupt;
}

/* ---- text */

/* Hands out what has become certain; false if the callback wants no more. */
static bool show(generation *g, bool finished) {
    size_t certain = stopper_certain(&g->stopper, finished), from = g->stopper.shown;
    if (certain <= from) return true;
    g->stopper.shown = certain;
    if (!g->options->on_text) return true;
    char *end = g->stopper.all.bytes + certain, saved = *end;
    *end = 0;
    bool more = g->options->on_text(g->options->context, g->stopper.all.bytes + from, certain - from);
    *end = saved;
    return more;
}

static outcome push_text(generation *g, int32_t token) {
    size_t length = 0;
    if (!g->stream) return GO_ON;
    const char *piece = tarn_token_stream_push(g->stream, token, &length);
    if (!piece || !stopper_push(&g->stopper, piece, length)) return FAILED;
    if (show(g, false)) return g->stopper.stopped ? ENDED : GO_ON;
    g->finish = TARN_FINISH_INTERRUPTED;
    return ENDED;
}

bool generation_finish(generation *g) {
    size_t length = 0;
    if (!g->stream) return true;
    const char *piece = tarn_token_stream_finish(g->stream, &length);
    if (!piece || !stopper_push(&g->stopper, piece, length)) return false;
    show(g, true);
    if (g->stopper.stopped) g->finish = TARN_FINISH_STOP;
    return true;
}

/* ---- tokens */

static bool contains(const int32_t *ids, int count, int32_t id) {
    for (int i = 0; i < count; i++)
        if (ids[i] == id) return true;
    return false;
}

static bool is_end(const generation *g, int32_t token) {
    const model_config *c = &g->model->config;
    const tarn_generate_options *o = g->options;
    return !o->ignore_end &&
           (contains(c->end_tokens, c->end_token_count, token) || contains(o->end_tokens, o->end_token_count, token));
}

/* As the caller wants it. */
static bool draw_by(generation *g, const drawing *at, int32_t *token) {
    const tarn_generate_options *o = g->options;
    *token = -1;
    if (!o->draw(o->context, g->number, at->logits, at->tokens, (size_t)at->count, token))
        return tarn_ok() ? tarn_fail(".draw failed") : false;
    return (*token >= 0 && *token < g->model->config.vocab) ||
           tarn_fail(".draw drew token %d of a vocabulary of %lld", *token, (long long)g->model->config.vocab);
}

static bool draw(generation *g, const drawing *at, int32_t *token) {
    if (g->options->draw) return draw_by(g, at, token);
    *token = at->drawn;
    return at->drawn >= 0 || sampler_fail(&g->sampler, at->drawn, tarn_dtype_of(at->logits));
}

outcome generation_advance(generation *g, const drawing *at) {
    int32_t token;
    if (interrupted(g)) return g->finish = TARN_FINISH_INTERRUPTED, ENDED;
    if (!draw(g, at, &token)) return FAILED;
    if (!vector_push(&g->tokens, token)) return FAILED;
    if (g->tokens.count == 1) g->first = generation_now();
    g->finish = TARN_FINISH_STOP;
    if (is_end(g, token)) return ENDED;
    outcome shown = push_text(g, token);
    if (shown != GO_ON) return shown;
    g->finish = TARN_FINISH_LENGTH;
    return (int64_t)g->tokens.count >= g->max_tokens || at->count >= at->context ? ENDED : GO_ON;
}

outcome generation_prompt(generation *g, tarn_session *session, const int32_t *ids, size_t count) {
    const tarn_generate_options *o = g->options;
    prompt_watch watch = {.interrupt = o->interrupt, .progress = o->on_prompt, .context = o->context};
    if (!o->draw && g->max_tokens > 0) watch.sampler = &g->sampler;
    g->prompt = (int64_t)count;
    bool ok = session_follow(session, ids, count, &watch);
    g->reused = session->reused;
    if (ok) {
        g->finish = TARN_FINISH_LENGTH;
        g->first = generation_now();
        return g->max_tokens > 0 ? GO_ON : ENDED;
    }
    if (!interrupted(g)) return FAILED;
    tarn_clear_error();
    g->finish = TARN_FINISH_INTERRUPTED;
    return ENDED;
}

bool generation_drawing(const generation *g, const tarn_session *s, drawing *at) {
    *at = (drawing){s->tokens, s->count, s->context, s->logits, -1};
    return tarn_ok() && (g->options->draw || session_drawn(s, &g->sampler, &at->drawn));
}

/* One token, appended to the session if there will be another. */
static outcome step(generation *g, tarn_session *session) {
    drawing at;
    outcome state = generation_drawing(g, session, &at) ? generation_advance(g, &at) : FAILED;
    if (state != GO_ON) return state;
    return tarn_session_step(session, g->tokens.items[g->tokens.count - 1]) ? GO_ON : FAILED;
}

static bool run(generation *g, tarn_session *session, const int32_t *ids, size_t count) {
    outcome state = generation_prompt(g, session, ids, count);
    int64_t left = session->context - session->count;
    session_run_ahead(session, session->count + (g->max_tokens <= left ? g->max_tokens - 1 : left));
    while (state == GO_ON) state = step(g, session);
    session_end_draws(session);
    return state == ENDED && generation_finish(g);
}

/* ---- the whole */

bool generation_open(generation *g, const tarn_model *model, const tarn_generate_options *o, int64_t context,
                     int64_t number) {
    const tarn_tokenizer *tokenizer = model->tokenizer;
    *g = (generation){.model = model, .options = o, .number = number, .begin = generation_now()};
    double most = o->max_tokens.given ? o->max_tokens.value : 256;
    if (o->most_tokens) most = (double)o->most_tokens[number];
    if (!(most >= 0) || most != floor(most))
        return tarn_fail("max_tokens must be a whole number, 0 or more, not %g", most);
    g->max_tokens = most < 1e15 ? (int64_t)most : INT64_MAX;
    if (!sampler_check(o, model->config.vocab) || !stopper_check(o->stop, o->stop_count)) return false;
    if (o->stop_count && !tokenizer) return tarn_fail("stop strings need a tokenizer, and the model folder has none");
    g->stopper = (stopper){.stops = o->stop, .count = o->stop_count};
    if (tokenizer && !(g->stream = tarn_token_stream_new(tokenizer, .skip_special_tokens = true))) return false;
    return sampler_open(&g->sampler, o, context, number);
}

void generation_close(generation *g) {
    sampler_close(&g->sampler);
    tarn_token_stream_free(g->stream);
    stopper_free(&g->stopper);
    vector_free(&g->tokens);
}

static void fill_figures(const generation *g, tarn_generation *r) {
    double end = generation_now(), computed = (double)(g->prompt - g->reused);
    r->finish = g->finish;
    r->prompt_tokens = g->prompt;
    r->reused_tokens = g->reused;
    r->prompt_seconds = (g->first > 0 ? g->first : end) - g->begin;
    r->generation_seconds = g->first > 0 ? end - g->first : 0;
    r->prompt_tps = g->first > 0 && r->prompt_seconds > 0 ? computed / r->prompt_seconds : 0;
    /* the first token belongs to the prompt's time */
    r->generation_tps =
        g->tokens.count > 1 && r->generation_seconds > 0 ? (double)(g->tokens.count - 1) / r->generation_seconds : 0;
    r->peak_memory_bytes = memory_peak_of_process();
}

void generation_fill(generation *g, tarn_generation *r) {
    fill_figures(g, r);
    r->tokens = g->tokens.items;
    r->token_count = g->tokens.count;
    g->tokens.items = NULL;
    g->tokens.count = g->tokens.capacity = 0;
    if (!g->stream) return;
    r->text_length = g->stopper.all.length;
    r->text = r->text_length ? text_take(&g->stopper.all) : memory_new(1, 1);
}

bool tarn_generate_with(tarn_session *session, const int32_t *ids, size_t count, tarn_generation *result,
                        tarn_generate_options options) {
    if (result) *result = (tarn_generation){.prompt_tokens = (int64_t)count};
    if (!REQUIRE(session) || !tarn_ok()) return false;
    if (options.most_tokens || options.sessions)
        return tarn_fail("tarn_generate: .most_tokens and .sessions belong to tarn_generate_batch");
    generation g;
    bool ok = generation_open(&g, session->model, &options, session->context, 0) && run(&g, session, ids, count);
    if (result) generation_fill(&g, result);
    generation_close(&g);
    return ok && tarn_ok();
}

void tarn_generation_free(tarn_generation *result) {
    if (!result) return;
    memory_free(result->tokens);
    memory_free(result->text);
    *result = (tarn_generation){0};
}
