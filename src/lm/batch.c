/* Several answers in the same steps. One session computes the prompts, one after the other, so that what a prompt
   begins with as the one before it does is computed once, or each its own; the keys and values of each go into its row
   of a cache for all. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/require.h"
#include "lm/generation.h"

/* An answer and its timeline. */
typedef struct {
    generation g;
    tarn_session *session;  /* that computes the prompt */
    bool taken;             /* whether the row of the cache is the answer's */
    int32_t *tokens;        /* [context] */
    int64_t count, context; /* count: tokens, the one that the next step appends included */
    outcome state;
} batch_row;

struct tarn_batch {
    const tarn_model *model;
    int64_t rows, context;
    tarn_session *prompts;
    kv_cache cache;
    stepper steps;
    int32_t *ids, *positions; /* [rows]: what a step appends */
    int32_t *columns;         /* of all rows (lm/sampler.h), with which their steps begin; NULL with .draw */
    batch_row *each;          /* [rows]; those that have no prompt have ended */
};

/* ---- opening and closing */

static bool open_batch(tarn_batch *b) {
    b->each = NEW_ARRAY(batch_row, b->rows);
    b->ids = NEW_ARRAY(int32_t, b->rows);
    b->positions = NEW_ARRAY(int32_t, b->rows);
    if (!b->each || !b->ids || !b->positions) return false;
    return forward_open_cache(&b->cache, b->model, b->rows) && stepper_open(&b->steps, b->model, &b->cache, false);
}

tarn_batch *tarn_batch_new_with(const tarn_model *model, int64_t rows, tarn_session_options options) {
    if (!REQUIRE(model)) return NULL;
    if (rows < 1 || rows > INT32_MAX) return tarn_fail("tarn_batch_new: %lld answers", (long long)rows), NULL;
    tarn_session *prompts = tarn_session_new_with(model, options);
    tarn_batch *b = prompts ? NEW(tarn_batch) : NULL;
    if (!b) return tarn_session_free(prompts), NULL;
    b->model = model;
    b->rows = rows;
    b->context = prompts->context;
    b->prompts = prompts;
    if (open_batch(b)) return b;
    tarn_batch_free(b);
    return NULL;
}

void tarn_batch_free(tarn_batch *b) {
    if (!b) return;
    tarn_session_free(b->prompts);
    stepper_close(&b->steps);
    kv_cache_close(&b->cache);
    memory_free(b->each);
    memory_free(b->ids);
    memory_free(b->positions);
    memory_free(b);
}

static bool check_prompt(const tarn_batch *b, int64_t i, const int32_t *ids, size_t count) {
    char which[32];
    if (session_check_following(b->each[i].session, ids, count)) return true;
    snprintf(which, sizeof which, " (prompt %lld)", (long long)i);
    error_add(which);
    return false;
}

static bool open_row(tarn_batch *b, int64_t i, const int32_t *ids, size_t count, const tarn_generate_options *o) {
    batch_row *r = &b->each[i];
    r->session = o->sessions ? o->sessions[i] : b->prompts;
    if (!generation_open(&r->g, b->model, o, b->context, i) || !check_prompt(b, i, ids, count)) return false;
    int64_t most = b->context < r->session->context ? b->context : r->session->context;
    if (most < (int64_t)count)
        return tarn_fail("%zu tokens of prompt %lld, but the batch holds %lld", count, (long long)i, (long long)most);
    r->context = r->g.max_tokens < most - (int64_t)count ? (int64_t)count + r->g.max_tokens : most;
    r->tokens = NEW_ARRAY(int32_t, r->context + 1);
    return r->tokens != NULL;
}

static bool open_rows(tarn_batch *b, const int32_t *const *ids, const size_t *counts, int64_t prompts,
                      const tarn_generate_options *o) {
    for (int64_t i = 0; i < b->rows; i++) b->each[i] = (batch_row){.state = ENDED};
    for (int64_t i = 0; i < prompts; i++)
        if (!open_row(b, i, ids[i], counts[i], o)) return false;
    if (o->draw) return true;
    stepper_sample(&b->steps, &b->each[0].g.sampler);
    b->columns = NEW_ARRAY(int32_t, b->rows * sampler_height(b->steps.sampler));
    return b->columns != NULL;
}

static void close_rows(tarn_batch *b) {
    stepper_sample(&b->steps, NULL);
    memory_free(b->columns);
    b->columns = NULL;
    for (int64_t i = 0; i < b->rows; i++) {
        generation_close(&b->each[i].g);
        memory_free(b->each[i].tokens);
        b->each[i] = (batch_row){.state = ENDED};
    }
}

/* ---- drawing */

/* What is drawn is appended by the next step. */
static bool advance(batch_row *r, const drawing *at) {
    r->state = generation_advance(&r->g, at);
    if (r->state == GO_ON) r->tokens[r->count++] = r->g.tokens.items[r->g.tokens.count - 1];
    return r->state != FAILED;
}

/* The rows that go on. */
static int64_t live(const tarn_batch *b) {
    int64_t count = 0;
    for (int64_t i = 0; i < b->rows; i++) count += b->each[i].state == GO_ON;
    return count;
}

/* ---- prompts */

static bool reserve(tarn_batch *b, int64_t tokens) {
    bool grown;
    if (!kv_cache_reserve(&b->cache, tokens, b->context, &grown)) return false;
    if (grown) stepper_forget(&b->steps);
    return true;
}

/* The first token, and, if the answer goes on, what the steps begin with. */
static bool begin_row(tarn_batch *b, int64_t i) {
    batch_row *r = &b->each[i];
    drawing at;
    if (!generation_drawing(&r->g, r->session, &at)) return false;
    at.context = r->context;
    if (!advance(r, &at)) return false;
    r->taken = r->state == GO_ON;
    if (!r->taken) return true;
    if (b->columns && !stepper_column(&r->session->steps, b->columns + i, b->rows)) return false;
    return kv_cache_take(&b->cache, i, &r->session->cache, 0, r->session->count);
}

static bool run_prompt(tarn_batch *b, int64_t i, const int32_t *ids, size_t count) {
    batch_row *r = &b->each[i];
    r->state = generation_prompt(&r->g, r->session, ids, count);
    if (r->state == GO_ON) {
        memcpy(r->tokens, ids, count * sizeof *ids);
        r->count = (int64_t)count;
        if (!begin_row(b, i)) r->state = FAILED;
    }
    session_end_draws(r->session);
    return r->state != FAILED;
}

static bool run_prompts(tarn_batch *b, const int32_t *const *ids, const size_t *counts, int64_t prompts) {
    size_t longest = 0;
    for (int64_t i = 0; i < prompts; i++)
        if (counts[i] > longest) longest = counts[i];
    if (!reserve(b, (int64_t)longest < b->context ? (int64_t)longest + 1 : b->context)) return false;
    for (int64_t i = 0; i < prompts; i++)
        if (!run_prompt(b, i, ids[i], counts[i])) return false;
    return !b->columns || stepper_begin(&b->steps, b->columns);
}

/* The times of an answer are those of all: where they are drawn together, rates add up. A prompt whose reading was
   interrupted keeps having no first token. */
static void share_times(tarn_batch *b, double begin) {
    double now = generation_now();
    for (int64_t i = 0; i < b->rows; i++) {
        generation *g = &b->each[i].g;
        g->begin = begin;
        if (g->first > 0) g->first = now;
    }
}

/* ---- steps */

/* Fills in the input of a step; how many tokens the longest timeline then has. */
static int64_t fill_input(tarn_batch *b) {
    int64_t longest = 0;
    for (int64_t i = 0; i < b->rows; i++) {
        const batch_row *r = &b->each[i];
        bool goes_on = r->state == GO_ON;
        b->ids[i] = goes_on ? r->tokens[r->count - 1] : -1;
        b->positions[i] = goes_on ? (int32_t)r->count - 1 : 0;
        if (goes_on && r->count > longest) longest = r->count;
    }
    return longest;
}

/* Whether somebody goes on after the step that is given now, unless an answer ends by what it says. */
static bool will_go_on(const tarn_batch *b) {
    for (int64_t i = 0; i < b->rows; i++) {
        const batch_row *r = &b->each[i];
        if (r->state == GO_ON && (int64_t)r->g.tokens.count + 1 < r->g.max_tokens && r->count < r->context) return true;
    }
    return false;
}

static bool draw_row(tarn_batch *b, int64_t i, tarn_array *logits) {
    TARN_SCOPE;
    batch_row *r = &b->each[i];
    drawing at = {r->tokens, r->count, r->context, NULL, b->columns ? b->steps.drawn[i] : -1};
    if (at.drawn < 0) at.logits = tarn_reshape(tarn_slice_axis(logits, 0, i, i + 1), TARN_SHAPE(-1));
    return tarn_ok() && advance(r, &at);
}

static bool draw_all(tarn_batch *b, tarn_array *logits) {
    for (int64_t i = 0; i < b->rows; i++)
        if (b->each[i].state == GO_ON && !draw_row(b, i, logits)) return false;
    return true;
}

/* To the sessions of answers that ended just now, before further steps write into their rows: what a step that is on
   its way writes there lies behind them. What the last step appended is in the cache; what it drew is not. */
static bool give_back(tarn_batch *b) {
    for (int64_t i = 0; i < b->rows; i++) {
        batch_row *r = &b->each[i];
        if (!r->taken || r->state == GO_ON) continue;
        r->taken = false;
        if (r->session != b->prompts && !session_take(r->session, &b->cache, i, r->tokens, r->count)) return false;
    }
    return true;
}

static bool step(tarn_batch *b) {
    tarn_array *logits = NULL;
    int64_t longest = fill_input(b);
    if (!reserve(b, longest)) return false;
    bool ahead = longest < b->cache.capacity && will_go_on(b);
    bool ok = stepper_run(&b->steps, b->ids, b->positions, ahead, &logits) && draw_all(b, logits) && give_back(b);
    tarn_drop(logits);
    return ok;
}

static bool run(tarn_batch *b, const int32_t *const *ids, const size_t *counts, int64_t prompts) {
    double begin = generation_now();
    if (!run_prompts(b, ids, counts, prompts)) return false;
    share_times(b, begin);
    while (live(b))
        if (!step(b)) return false;
    for (int64_t i = 0; i < prompts; i++)
        if (!generation_finish(&b->each[i].g)) return false;
    return true;
}

static bool check_sessions(const tarn_batch *b, tarn_session *const *sessions, int64_t prompts) {
    for (int64_t i = 0; sessions && i < prompts; i++) {
        if (!sessions[i]) return tarn_fail("tarn_generate_batch: session %lld is NULL", (long long)i);
        if (sessions[i]->model != b->model)
            return tarn_fail("tarn_generate_batch: session %lld is of another model", (long long)i);
        for (int64_t j = 0; j < i; j++)
            if (sessions[j] == sessions[i])
                return tarn_fail("tarn_generate_batch: sessions %lld and %lld are the same", (long long)j,
                                 (long long)i);
    }
    return true;
}

static bool check(const tarn_batch *b, int64_t prompts, const tarn_generate_options *o) {
    if (prompts < 1 || prompts > b->rows)
        return tarn_fail("tarn_generate_batch: %lld prompts in a batch of %lld", (long long)prompts,
                         (long long)b->rows);
    if (o->on_text) return tarn_fail("tarn_generate_batch: .on_text does not know whose text it is");
    if (o->on_prompt) return tarn_fail("tarn_generate_batch: .on_prompt does not know whose prompt it is");
    return tarn_ok() && check_sessions(b, o->sessions, prompts);
}

/* After a failure nothing in the cache can be trusted. */
static void forget(tarn_batch *b) {
    stepper_forget(&b->steps);
    kv_cache_reset(&b->cache);
    session_forget(b->prompts);
}

bool tarn_generate_batch_with(tarn_batch *batch, const int32_t *const *ids, const size_t *counts, int64_t prompts,
                              tarn_generation *results, tarn_generate_options options) {
    for (int64_t i = 0; results && i < prompts; i++) results[i] = (tarn_generation){0};
    if (!REQUIRE(batch) || !REQUIRE(ids) || !REQUIRE(counts) || !check(batch, prompts, &options)) return false;
    bool opened = open_rows(batch, ids, counts, prompts, &options);
    bool ok = opened && run(batch, ids, counts, prompts) && tarn_ok();
    for (int64_t i = 0; opened && results && i < prompts; i++) generation_fill(&batch->each[i].g, &results[i]);
    close_rows(batch);
    if (opened && !ok) forget(batch);
    return ok && tarn_ok();
}
