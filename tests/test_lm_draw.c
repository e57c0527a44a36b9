/* Tokens that steps draw as a part of their plans are those that somebody draws who reads the logits after each step,
   in plain C beside the random numbers: alone and in batches, and after steps that were begun and not asked for. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "check.h"
#include "paths.h"
#include "rounds.h"
#include "tarn/random.h"
#include "tarn/tarn.h"
#include "test_device.h"

#define TINY   TARN_SOURCE_DIR "/models/tiny"
#define WINDOW TARN_SOURCE_DIR "/tests/data/golden/mistral-window"

enum { ROWS = 3, MOST_VOCAB = 4096 };
static const int32_t prompts[ROWS][7] = {{5, 9, 33, 120, 9, 9, 40}, {100, 7, 8}, {17}};
static const int32_t *const prompt_of[ROWS] = {prompts[0], prompts[1], prompts[2]};
static const size_t counts[ROWS] = {7, 3, 1};

/* ---- drawing step by step */

typedef struct {
    const tarn_generate_options *o;
    tarn_array *keys[ROWS]; /* kept */
} by_hand;

static int64_t recent_count(const tarn_generate_options *o, size_t count) {
    int64_t window = o->penalty_context ? o->penalty_context : 20;
    return window < (int64_t)count ? window : (int64_t)count;
}

static void penalize(const tarn_generate_options *o, float *x, const int32_t *tokens, size_t count) {
    static int times[MOST_VOCAB];
    int64_t window = recent_count(o, count);
    tokens += (int64_t)count - window;
    memset(times, 0, sizeof times);
    for (int64_t i = 0; i < o->bias_count; i++) x[o->bias_ids[i]] += (float)o->bias_values[i];
    for (int64_t i = 0; i < window; i++) {
        float *at = &x[tokens[i]], p = (float)o->repetition_penalty;
        if (times[tokens[i]]++) continue;
        if (p != 0) *at = *at < 0 ? *at * p : *at / p;
        *at -= (float)o->presence_penalty;
    }
    for (int64_t i = 0; i < window; i++) x[tokens[i]] -= (float)o->frequency_penalty;
}

static void normalize(float *x, int64_t n) {
    double sum = 0, best = -INFINITY;
    for (int64_t i = 0; i < n; i++) best = fmax(best, x[i]);
    for (int64_t i = 0; i < n; i++) sum += exp(x[i] - best);
    for (int64_t i = 0; i < n; i++) x[i] -= (float)(best + log(sum));
}

/* Mass and number of the tokens ahead of one; of equals those with the lower index count as ahead. */
static void ahead_of(const float *x, int64_t n, int64_t at, double *mass, int64_t *number) {
    *mass = 0, *number = 0;
    for (int64_t i = 0; i < n; i++) {
        if (x[i] > x[at]) *mass += exp(x[i]);
        *number += x[i] > x[at] || (x[i] == x[at] && i < at);
    }
}

typedef bool (*keeps)(const tarn_generate_options *o, double mass, int64_t number, float x, float best);
static bool in_top_p(const tarn_generate_options *o, double mass, int64_t number, float x, float best) {
    (void)number, (void)x, (void)best;
    return o->top_p == 0 || o->top_p == 1 || mass < o->top_p;
}
static bool in_min_p(const tarn_generate_options *o, double mass, int64_t number, float x, float best) {
    (void)mass, (void)number;
    return o->min_p == 0 || x >= best + (float)log(o->min_p);
}
static bool in_top_k(const tarn_generate_options *o, double mass, int64_t number, float x, float best) {
    (void)mass, (void)x, (void)best;
    return o->top_k == 0 || number < o->top_k;
}

static void filter(const tarn_generate_options *o, float *x, int64_t n, keeps kept) {
    static float before[MOST_VOCAB];
    float best = -INFINITY;
    memcpy(before, x, (size_t)n * sizeof *x);
    for (int64_t i = 0; i < n; i++) best = fmaxf(best, x[i]);
    for (int64_t i = 0; i < n; i++) {
        double mass;
        int64_t number;
        ahead_of(before, n, i, &mass, &number);
        if (!kept(o, mass, number, before[i], best)) x[i] = -INFINITY;
    }
}

static int32_t likeliest(const float *x, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return (int32_t)best;
}

static int32_t at_random(by_hand *b, int64_t number, float *x, int64_t n) {
    tarn_array *next, *use;
    filter(b->o, x, n, in_top_p);
    filter(b->o, x, n, in_min_p);
    filter(b->o, x, n, in_top_k);
    for (int64_t i = 0; i < n; i++) x[i] *= (float)(1 / b->o->temperature);
    if (!tarn_random_next(b->keys[number], &next, &use) || !tarn_eval(next)) return -1;
    tarn_drop(b->keys[number]);
    b->keys[number] = tarn_keep(next);
    return (int32_t)tarn_item_int(tarn_random_categorical(use, tarn_from_data(x, TARN_SHAPE(1, n), TARN_FLOAT32)));
}

static bool draw_by_hand(void *context, int64_t number, tarn_array *logits, const int32_t *tokens, size_t count,
                         int32_t *token) {
    static float x[MOST_VOCAB];
    TARN_SCOPE;
    by_hand *b = context;
    int64_t n = tarn_size(logits);
    const float *values = tarn_data(logits);
    if (!values) return false;
    memcpy(x, values, (size_t)n * sizeof *x);
    penalize(b->o, x, tokens, count);
    normalize(x, n);
    *token = b->o->temperature == 0 ? likeliest(x, n) : at_random(b, number, x, n);
    return tarn_ok();
}

/* The options without those of drawing. */
static tarn_generate_options only_drawn(by_hand *b) {
    tarn_generate_options o = {.draw = draw_by_hand, .context = b};
    o.max_tokens = b->o->max_tokens;
    o.ignore_end = b->o->ignore_end;
    o.end_tokens = b->o->end_tokens;
    o.end_token_count = b->o->end_token_count;
    return o;
}

static bool expect(tarn_session *session, const tarn_generate_options *o, int row, tarn_generation *g) {
    TARN_SCOPE;
    by_hand b = {.o = o, .keys = {tarn_keep(tarn_random_key(o->seed.value + (uint64_t)row))}};
    bool ok = tarn_generate_with(session, prompts[row], counts[row], g, only_drawn(&b));
    tarn_drop(b.keys[0]);
    return ok;
}

/* ---- comparing */

static bool same_tokens(const tarn_generation *a, const tarn_generation *b) {
    return a->token_count == b->token_count && a->finish == b->finish &&
           !memcmp(a->tokens, b->tokens, a->token_count * sizeof *a->tokens);
}

static const tarn_generate_options sets[] = {
    {.temperature = 0},
    {.temperature = 0.7},
    {.temperature = 0.7, .top_p = 0.9},
    {.temperature = 1.5, .top_k = 20},
    {.temperature = 1, .min_p = 0.1},
    {.temperature = 0.8, .top_p = 0.95, .min_p = 0.01, .top_k = 40, .repetition_penalty = 1.2},
    {.temperature = 1, .presence_penalty = 0.7, .penalty_context = 1},
    {.temperature = 0.9, .frequency_penalty = 0.4, .presence_penalty = 0.2, .penalty_context = 64},
    {.repetition_penalty = 1.3},
    {.frequency_penalty = 0.5, .penalty_context = 1000000},
    {.temperature = 1, .bias_ids = (int32_t[]){3, 77, 3}, .bias_values = (double[]){2, 3.5, 1}, .bias_count = 3},
    {.bias_ids = (int32_t[]){3, 77}, .bias_values = (double[]){1, 1.5}, .bias_count = 2, .repetition_penalty = 1.1},
};
enum { SETS = sizeof sets / sizeof *sets };

static void check_set(tarn_session *session, tarn_session *other, tarn_batch *batch, tarn_generate_options o) {
    tarn_generation expected, alone, together[ROWS];
    CHECK(tarn_generate_batch_with(batch, prompt_of, counts, ROWS, together, o));
    for (int row = 0; row < ROWS; row++) {
        CHECK(expect(other, &o, row, &expected) && same_tokens(&expected, &together[row]));
        tarn_generate_options mine = o;
        mine.seed.value += (uint64_t)row;
        CHECK(tarn_generate_with(session, prompts[row], counts[row], &alone, mine) && same_tokens(&expected, &alone));
        tarn_generation_free(&expected);
        tarn_generation_free(&alone);
        tarn_generation_free(&together[row]);
    }
}

/* Sessions and batches keep plans from one set of options to the next. Answers end at different steps. */
static void test_sets(const char *folder) {
    static const int32_t ends[] = {2, 30, 60, 90, 120, 150};
    tarn_model *model = tarn_model_load(folder, .dtype = TARN_FLOAT32);
    tarn_session *session = model ? tarn_session_new(model) : NULL, *other = model ? tarn_session_new(model) : NULL;
    tarn_batch *batch = model ? tarn_batch_new(model, ROWS + 1) : NULL;
    CHECK(session && other && batch);
    for (int i = 0; batch && i < 2 * SETS; i++) {
        if (!in_rounds()) continue;
        int before = check_failures;
        tarn_generate_options o = sets[i % SETS];
        o.seed = TARN_SEED(i < SETS ? 7 : 12345678901u);
        o.max_tokens = TARN_VALUE(14);
        o.ignore_end = i < SETS;
        o.end_tokens = ends;
        o.end_token_count = sizeof ends / sizeof *ends;
        check_set(session, other, batch, o);
        if (check_failures != before) fprintf(stderr, "%s, options %d: %s\n", folder, i, tarn_ok() ? "" : tarn_error());
        tarn_clear_error();
    }
    tarn_batch_free(batch);
    tarn_session_free(other);
    tarn_session_free(session);
    tarn_model_free(model);
}

/* ---- what is begun and not asked for */

typedef struct {
    int left; /* pieces of text until it stops */
    tarn_session *session;
} listener;

static bool stop_later(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    return --((listener *)context)->left > 0;
}

static bool step_aside(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    return tarn_session_step(((listener *)context)->session, 5);
}

static bool sync_aside(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    return tarn_session_sync(((listener *)context)->session, prompts[0], 2);
}

static bool generate_aside(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    return tarn_generate(((listener *)context)->session, prompts[0], 2, NULL, .temperature = 1,
                         .max_tokens = TARN_VALUE(2));
}

static void test_others(tarn_session *session, tarn_generate_options o) {
    bool (*const others[])(void *, const char *, size_t) = {step_aside, sync_aside, generate_aside};
    listener l = {.session = session};
    o.context = &l;
    for (int i = 0; i < 3; i++) {
        o.on_text = others[i];
        CHECK_ERROR(tarn_generate_with(session, prompts[0], counts[0], NULL, o), "while");
    }
}

/* Whatever ended an answer, the next one is what a fresh session would say. */
static void test_dropped(void) {
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32);
    tarn_session *session = model ? tarn_session_new(model, .fast_cache = true) : NULL;
    tarn_generate_options o = {.temperature = 1.5, .top_p = 0.95, .seed = TARN_SEED(3), .max_tokens = TARN_VALUE(20)},
                          stopped = o, shorter = o;
    tarn_generation expected, found;
    listener l;
    CHECK(session);
    if (!session) return;
    o.ignore_end = stopped.ignore_end = shorter.ignore_end = true;
    CHECK(tarn_generate_with(session, prompts[0], counts[0], &expected, o));
    stopped.on_text = stop_later;
    stopped.context = &l;
    for (int n = 1; n < 8; n++) {
        if (!in_rounds()) continue;
        l.left = n;
        shorter.max_tokens = TARN_VALUE(n);
        CHECK(tarn_generate_with(session, prompts[0], counts[0], NULL, n % 2 ? stopped : shorter));
        CHECK(tarn_session_step(session, n)); /* goes on as if nothing had been drawn */
        CHECK(tarn_generate_with(session, prompts[0], counts[0], &found, o) && same_tokens(&found, &expected));
        tarn_generation_free(&found);
    }
    test_others(session, o);
    CHECK(tarn_generate_with(session, prompts[0], counts[0], &found, o) && same_tokens(&found, &expected));
    tarn_generation_free(&found);
    tarn_generation_free(&expected);
    tarn_session_free(session);
    tarn_model_free(model);
}

/* ---- sessions of a batch */

/* How far apart the logits of two sessions lie after the same further token. */
static double apart(tarn_session *a, tarn_session *b) {
    TARN_SCOPE;
    if (!tarn_session_step(a, 77) || !tarn_session_step(b, 77)) return INFINITY;
    return tarn_item(tarn_max(tarn_abs(tarn_subtract(tarn_session_logits(a), tarn_session_logits(b)))));
}

/* The answer that ends first ends just where the cache of all is full: its session gets its part back before further
   steps write there. */
static void test_given_back(void) {
    enum { LONG = 253, SHORT = 12 };
    static int32_t ids[LONG + SHORT];
    const int32_t *both[] = {ids, ids + LONG};
    const size_t lengths[] = {LONG, SHORT};
    const int64_t most[] = {4, 30};
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32);
    tarn_batch *batch = model ? tarn_batch_new(model, 2) : NULL;
    tarn_generate_options o = {.temperature = 0.7, .top_p = 0.9, .seed = TARN_SEED(5), .ignore_end = true}, mine = o;
    tarn_session *sessions[2], *others[2];
    tarn_generation together[2], alone;
    CHECK(batch);
    for (int i = 0; i < LONG + SHORT; i++) ids[i] = 6 + i * 53 % 2000;
    for (int i = 0; batch && i < 2; i++) sessions[i] = tarn_session_new(model), others[i] = tarn_session_new(model);
    o.sessions = sessions, o.most_tokens = most;
    CHECK(batch && tarn_generate_batch_with(batch, both, lengths, 2, together, o));
    for (int i = 0; batch && i < 2; i++) {
        mine.seed = TARN_SEED(5u + (unsigned)i), mine.max_tokens = TARN_VALUE((double)most[i]);
        CHECK(tarn_generate_with(others[i], both[i], lengths[i], &alone, mine) && same_tokens(&together[i], &alone));
        CHECK(apart(sessions[i], others[i]) < 1e-3);
        tarn_generation_free(&alone);
        tarn_generation_free(&together[i]);
        tarn_session_free(sessions[i]);
        tarn_session_free(others[i]);
    }
    tarn_batch_free(batch);
    tarn_model_free(model);
}

/* Exhausted memory anywhere: an error, or the right tokens, and those the next time. */
static void test_failure(void) {
    tarn_model *model = tarn_model_load(WINDOW, .dtype = TARN_FLOAT32);
    tarn_batch *batch = model ? tarn_batch_new(model, ROWS) : NULL;
    tarn_generate_options o = {.temperature = 1.2,
                               .top_p = 0.9,
                               .top_k = 30,
                               .presence_penalty = 0.1,
                               .seed = TARN_SEED(9),
                               .max_tokens = TARN_VALUE(3),
                               .ignore_end = true};
    tarn_generation expected[ROWS], found[ROWS];
    bool done = !batch;
    CHECK(batch && tarn_generate_batch_with(batch, prompt_of, counts, ROWS, expected, o));
    for (int64_t n = 1; !done; n += 1 + n / 10) {
        memory_fail_at(n);
        bool ok = tarn_generate_batch_with(batch, prompt_of, counts, ROWS, found, o);
        done = memory_fail_at(0) < n;
        CHECK(ok == (tarn_error() == NULL) && (ok || tarn_error_kind() == TARN_ERROR_MEMORY));
        for (int r = 0; r < ROWS; r++) {
            CHECK(!ok || same_tokens(&found[r], &expected[r]));
            tarn_generation_free(&found[r]);
        }
        tarn_clear_error();
    }
    for (int r = 0; batch && r < ROWS; r++) tarn_generation_free(&expected[r]);
    tarn_batch_free(batch);
    tarn_model_free(model);
}

int main(void) {
    if (!choose_device(true)) return 77;
    test_sets(WINDOW);
    test_dropped();
    if (in_rounds()) test_given_back();
    test_failure();
    return check_report("lm_draw");
}
