/* Generating text: sync, then draw, show, step, until something ends it. */
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/require.h"
#include "base/vector.h"
#include "lm/sampler.h"
#include "lm/session.h"
#include "lm/stopper.h"

typedef struct {
    tarn_session *session;
    const tarn_generate_options *options;
    int64_t max_tokens;
    sampler sampler;
    tarn_token_stream *stream; /* NULL without a tokenizer */
    stopper stopper;
    VECTOR(int32_t) tokens;
    tarn_finish finish;
    double begin, first; /* seconds; first: when the first token was drawn */
} generation;

static double now(void) {
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

typedef enum { GO_ON, ENDED, FAILED } outcome;

static outcome push_text(generation *g, int32_t token) {
    size_t length = 0;
    if (!g->stream) return GO_ON;
    const char *piece = tarn_token_stream_push(g->stream, token, &length);
    if (!piece || !stopper_push(&g->stopper, piece, length)) return FAILED;
    if (show(g, false)) return g->stopper.stopped ? ENDED : GO_ON;
    g->finish = TARN_FINISH_INTERRUPTED;
    return ENDED;
}

static bool finish_text(generation *g) {
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
    const model_config *c = &g->session->model->config;
    const tarn_generate_options *o = g->options;
    return !o->ignore_end &&
           (contains(c->end_tokens, c->end_token_count, token) || contains(o->end_tokens, o->end_token_count, token));
}

/* The step may have found the token already; where its logits were not finite, drawing says so. */
static bool draw(generation *g, int32_t *token) {
    size_t count;
    const int32_t *before = tarn_session_tokens(g->session, &count);
    if (g->session->likeliest) {
        *token = (int32_t)tarn_item_int(g->session->likeliest);
        if (*token >= 0 || !tarn_ok()) return tarn_ok();
    }
    return sampler_draw(&g->sampler, tarn_session_logits(g->session), before, (int64_t)count, token);
}

/* One token: drawn, recorded, shown, and appended to the session if there will be another. */
static outcome advance(generation *g) {
    int32_t token;
    if (interrupted(g)) return g->finish = TARN_FINISH_INTERRUPTED, ENDED;
    if (!draw(g, &token)) return FAILED;
    if (!vector_push(&g->tokens, token)) return FAILED;
    if (g->tokens.count == 1) g->first = now();
    g->finish = TARN_FINISH_STOP;
    if (is_end(g, token)) return ENDED;
    outcome shown = push_text(g, token);
    if (shown != GO_ON) return shown;
    g->finish = TARN_FINISH_LENGTH;
    if ((int64_t)g->tokens.count >= g->max_tokens || g->session->count >= g->session->context) return ENDED;
    return tarn_session_step(g->session, token) ? GO_ON : FAILED;
}

static bool run(generation *g, const int32_t *ids, size_t count) {
    const tarn_generate_options *o = g->options;
    const prompt_watch watch = {.interrupt = o->interrupt, .progress = o->on_prompt, .context = o->context};
    session_want_likeliest(g->session, sampler_is_plain(o));
    if (!session_follow(g->session, ids, count, &watch)) {
        if (!interrupted(g)) return false;
        tarn_clear_error();
        g->finish = TARN_FINISH_INTERRUPTED;
        return true;
    }
    int64_t left = g->session->context - g->session->count;
    session_run_ahead(g->session, g->session->count + (g->max_tokens <= left ? g->max_tokens - 1 : left));
    g->finish = TARN_FINISH_LENGTH;
    g->first = now();
    outcome state = g->max_tokens > 0 ? GO_ON : ENDED;
    while (state == GO_ON) state = advance(g);
    session_run_ahead(g->session, 0);
    return state == ENDED && finish_text(g);
}

/* ---- the whole */

static bool open_generation(generation *g) {
    const tarn_generate_options *o = g->options;
    const tarn_tokenizer *tokenizer = g->session->model->tokenizer;
    double most = o->max_tokens.given ? o->max_tokens.value : 256;
    if (!(most >= 0)) return tarn_fail("max_tokens must be 0 or more, not %g", most);
    g->max_tokens = most < 1e15 ? (int64_t)most : INT64_MAX;
    if (!sampler_check(o, g->session->model->config.vocab) || !stopper_check(o->stop, o->stop_count)) return false;
    if (o->stop_count && !tokenizer) return tarn_fail("stop strings need a tokenizer, and the model folder has none");
    g->stopper = (stopper){.stops = o->stop, .count = o->stop_count};
    if (tokenizer && !(g->stream = tarn_token_stream_new(tokenizer, .skip_special_tokens = true))) return false;
    return sampler_open(&g->sampler, o);
}

static void close_generation(generation *g) {
    sampler_close(&g->sampler);
    tarn_token_stream_free(g->stream);
    stopper_free(&g->stopper);
    vector_free(&g->tokens);
}

static void fill_figures(const generation *g, size_t prompt, tarn_generation *r) {
    double end = now(), computed = (double)((int64_t)prompt - g->session->reused);
    r->finish = g->finish;
    r->prompt_tokens = (int64_t)prompt;
    r->reused_tokens = g->session->reused;
    r->prompt_seconds = (g->first > 0 ? g->first : end) - g->begin;
    r->generation_seconds = g->first > 0 ? end - g->first : 0;
    r->prompt_tps = r->prompt_seconds > 0 ? computed / r->prompt_seconds : 0;
    /* the first token belongs to the prompt's time */
    r->generation_tps =
        g->tokens.count > 1 && r->generation_seconds > 0 ? (double)(g->tokens.count - 1) / r->generation_seconds : 0;
    r->peak_memory_bytes = memory_peak_of_process();
}

static void fill_result(generation *g, size_t prompt, tarn_generation *r) {
    fill_figures(g, prompt, r);
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
    generation g = {.session = session, .options = &options, .begin = now()};
    bool ok = open_generation(&g) && run(&g, ids, count);
    if (result) fill_result(&g, count, result);
    close_generation(&g);
    return ok && tarn_ok();
}

void tarn_generation_free(tarn_generation *result) {
    if (!result) return;
    memory_free(result->tokens);
    memory_free(result->text);
    *result = (tarn_generation){0};
}
