/* Several answers in the same steps. One session computes the prompts, one after the other, so that what they have in
   common is computed once; the keys and values of each go into its row of a cache for all. */
#include <string.h>

#include "base/memory.h"
#include "base/require.h"
#include "lm/generation.h"

/* An answer and its timeline. */
typedef struct {
    generation g;
    int32_t *tokens;        /* [context] */
    int64_t count, context; /* count: tokens, the one that the next step appends included */
    outcome state;
} batch_row;

typedef struct {
    int64_t rows;
    batch_row *each;
    tarn_session *prompts;
    kv_cache cache;
    stepper steps;
    int32_t *ids, *positions; /* [rows]: the input of a step */
    int64_t most;             /* tokens of the longest timeline there may be */
    bool plain;
} batch;

/* ---- opening and closing */

static bool open_cache(batch *b, const tarn_model *model) {
    const model_config *c = &model->config;
    if (!kv_cache_open(&b->cache, b->rows, c->layers, model->dtype)) return false;
    for (int64_t i = 0; i < c->layers; i++) b->cache.kinds[i] = c->family->rules->cache(c, i);
    return stepper_open(&b->steps, model, &b->cache, false);
}

static bool open_row(batch *b, int64_t i, size_t count, const tarn_model *model, const tarn_generate_options *o) {
    batch_row *r = &b->each[i];
    if (!generation_open(&r->g, model, o, i)) return false;
    int64_t positions = model->config.positions, room = positions - (int64_t)count;
    if (room < 0)
        return tarn_fail("prompt %lld has %zu tokens, but the context holds %lld", (long long)i, count,
                         (long long)positions);
    r->context = r->g.max_tokens < room ? (int64_t)count + r->g.max_tokens : positions;
    if (r->context > b->most) b->most = r->context;
    r->tokens = NEW_ARRAY(int32_t, r->context + 1);
    return r->tokens != NULL;
}

static bool open_batch(batch *b, const tarn_model *model, const size_t *counts, const tarn_generate_options *o) {
    b->each = NEW_ARRAY(batch_row, b->rows);
    b->ids = NEW_ARRAY(int32_t, b->rows);
    b->positions = NEW_ARRAY(int32_t, b->rows);
    b->prompts = b->each && b->ids && b->positions ? tarn_session_new(model) : NULL;
    if (!b->prompts || !open_cache(b, model)) return false;
    for (int64_t i = 0; i < b->rows; i++)
        if (!open_row(b, i, counts[i], model, o)) return false;
    b->plain = sampler_is_plain(o);
    stepper_want_likeliest(&b->steps, b->plain);
    return true;
}

static void close_batch(batch *b) {
    for (int64_t i = 0; b->each && i < b->rows; i++) {
        generation_close(&b->each[i].g);
        memory_free(b->each[i].tokens);
    }
    tarn_session_free(b->prompts);
    stepper_close(&b->steps);
    kv_cache_close(&b->cache);
    memory_free(b->each);
    memory_free(b->ids);
    memory_free(b->positions);
}

/* ---- drawing */

/* What is drawn is appended by the next step. */
static bool advance(batch_row *r, const drawing *at) {
    r->state = generation_advance(&r->g, at);
    if (r->state == GO_ON) r->tokens[r->count++] = r->g.tokens.items[r->g.tokens.count - 1];
    return r->state != FAILED;
}

/* The rows that go on. */
static int64_t live(const batch *b) {
    int64_t count = 0;
    for (int64_t i = 0; i < b->rows; i++) count += b->each[i].state == GO_ON;
    return count;
}

/* ---- prompts */

static bool reserve(batch *b, int64_t tokens) {
    bool grown;
    if (!kv_cache_reserve(&b->cache, tokens, b->most, &grown)) return false;
    if (grown) stepper_forget(&b->steps);
    return true;
}

static bool run_prompt(batch *b, int64_t i, const int32_t *ids, size_t count) {
    batch_row *r = &b->each[i];
    r->state = generation_prompt(&r->g, b->prompts, ids, count);
    if (r->state != GO_ON) return r->state == ENDED;
    memcpy(r->tokens, ids, count * sizeof *ids);
    r->count = (int64_t)count;
    drawing at = generation_drawing(b->prompts);
    at.context = r->context;
    if (!tarn_ok() || !advance(r, &at)) return false;
    return r->state == ENDED || kv_cache_take(&b->cache, i, &b->prompts->cache, (int64_t)count);
}

static bool run_prompts(batch *b, const int32_t *const *ids, const size_t *counts) {
    size_t longest = 0;
    for (int64_t i = 0; i < b->rows; i++)
        if (counts[i] > longest) longest = counts[i];
    if (!reserve(b, (int64_t)longest < b->most ? (int64_t)longest + 1 : b->most)) return false;
    for (int64_t i = 0; i < b->rows; i++)
        if (!run_prompt(b, i, ids[i], counts[i])) return false;
    session_forget(b->prompts); /* its memory is of no more use */
    return true;
}

/* The times of an answer are those of all: where they are drawn together, rates add up. */
static void share_times(batch *b, double begin) {
    double first = generation_now();
    for (int64_t i = 0; i < b->rows; i++) b->each[i].g.begin = begin, b->each[i].g.first = first;
}

/* ---- steps */

/* Fills in the input of a step; how many tokens the longest timeline then has. */
static int64_t fill_input(batch *b) {
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
static bool will_go_on(const batch *b) {
    for (int64_t i = 0; i < b->rows; i++) {
        const batch_row *r = &b->each[i];
        if (r->state == GO_ON && (int64_t)r->g.tokens.count + 1 < r->g.max_tokens && r->count < r->context) return true;
    }
    return false;
}

static bool draw_row(batch *b, int64_t i, const step_results *now, int32_t likeliest) {
    TARN_SCOPE;
    batch_row *r = &b->each[i];
    drawing at = {r->tokens, r->count, r->context, NULL, likeliest};
    if (likeliest < 0) at.logits = tarn_reshape(tarn_slice_axis(now->logits, 0, i, i + 1), TARN_SHAPE(-1));
    return tarn_ok() && advance(r, &at);
}

static bool draw_all(batch *b, const step_results *now) {
    const int32_t *likeliest = now->likeliest ? tarn_data(now->likeliest) : NULL;
    bool ok = likeliest || !now->likeliest;
    for (int64_t i = 0; ok && i < b->rows; i++)
        if (b->each[i].state == GO_ON) ok = draw_row(b, i, now, likeliest ? likeliest[i] : -1);
    return ok;
}

static bool step(batch *b) {
    step_results now;
    int64_t longest = fill_input(b);
    if (!reserve(b, longest)) return false;
    bool ahead = longest < b->cache.capacity && will_go_on(b);
    bool ok = stepper_run(&b->steps, b->ids, b->positions, ahead, &now) && draw_all(b, &now);
    step_results_drop(&now);
    return ok;
}

static bool run(batch *b, const int32_t *const *ids, const size_t *counts) {
    double begin = generation_now();
    if (!run_prompts(b, ids, counts)) return false;
    share_times(b, begin);
    while (live(b))
        if (!step(b)) return false;
    for (int64_t i = 0; i < b->rows; i++)
        if (!generation_finish(&b->each[i].g)) return false;
    return true;
}

static bool check(const tarn_model *model, const int32_t *const *ids, const size_t *counts, int64_t rows,
                  const tarn_generate_options *o) {
    if (!REQUIRE(model) || !REQUIRE(ids) || !REQUIRE(counts)) return false;
    if (rows < 1 || rows > INT32_MAX) return tarn_fail("tarn_generate_batch: %lld prompts", (long long)rows);
    if (o->on_text) return tarn_fail("tarn_generate_batch: .on_text does not know whose text it is");
    if (o->on_prompt) return tarn_fail("tarn_generate_batch: .on_prompt does not know whose prompt it is");
    return tarn_ok();
}

bool tarn_generate_batch_with(const tarn_model *model, const int32_t *const *ids, const size_t *counts, int64_t rows,
                              tarn_generation *results, tarn_generate_options options) {
    for (int64_t i = 0; results && i < rows; i++) results[i] = (tarn_generation){0};
    if (!check(model, ids, counts, rows, &options)) return false;
    batch b = {.rows = rows};
    bool ok = open_batch(&b, model, counts, &options) && run(&b, ids, counts);
    for (int64_t i = 0; results && b.each && i < rows; i++) generation_fill(&b.each[i].g, &results[i]);
    close_batch(&b);
    return ok && tarn_ok();
}
