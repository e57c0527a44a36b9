/* Models against logits that Hugging Face transformers or mlx-lm computed (tests/data/golden,
   models/tiny/expected.json), and what a session promises: cached equals cold bit for bit, steps equal one pass. */
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "base/files.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "tarn/tarn.h"
#include "test_device.h"
#include "paths.h"
#include "rounds.h"

/* ---- lists of numbers in JSON */

static int32_t *ids_of(const json *list, size_t *count) {
    *count = json_count(list);
    int32_t *ids = NEW_ARRAY(int32_t, *count);
    for (size_t i = 0; ids && i < *count; i++) ids[i] = (int32_t)json_whole(json_at(list, i), -1);
    return ids;
}

static double largest_difference(const json *expected, const double *found) {
    double worst = 0;
    for (size_t i = 0; i < json_count(expected); i++) {
        double difference = fabs(json_number(json_at(expected, i), NAN) - found[i]);
        if (!(difference <= worst)) worst = difference;
    }
    return worst;
}

/* The logits of a session as doubles (memory_free). */
static double *logits_of(tarn_session *session) {
    TARN_SCOPE;
    tarn_array *logits = tarn_astype(tarn_session_logits(session), TARN_FLOAT32);
    const float *values = tarn_data(logits);
    int64_t n = tarn_size(logits);
    double *copy = values ? NEW_ARRAY(double, n) : NULL;
    for (int64_t i = 0; copy && i < n; i++) copy[i] = (double)values[i];
    return copy;
}

static bool same_ids(const int32_t *ids, const json *expected, size_t count) {
    if (json_count(expected) != count) return false;
    for (size_t i = 0; i < count; i++)
        if (ids[i] != json_whole(json_at(expected, i), -1)) return false;
    return true;
}

static bool same_logits(tarn_session *a, tarn_session *b) {
    TARN_SCOPE;
    tarn_array *x = tarn_session_logits(a), *y = tarn_session_logits(b);
    size_t bytes = (size_t)(tarn_size(x) * tarn_dtype_bytes(tarn_dtype_of(x)));
    const void *p = tarn_data(x), *q = tarn_data(y);
    return p && q && tarn_size(x) == tarn_size(y) && !memcmp(p, q, bytes);
}

/* Whether a session that has done other things gives the bits of a fresh one. */
static bool as_cold(const tarn_model *model, tarn_session *used, const int32_t *ids, size_t count) {
    tarn_session *cold = tarn_session_new(model, .chunk = 256);
    bool same =
        cold && tarn_session_sync(cold, ids, count) && tarn_session_sync(used, ids, count) && same_logits(cold, used);
    tarn_session_free(cold);
    return same;
}

/* ---- golden folders */

static void check_golden(const char *folder, const json *expected) {
    size_t count;
    int32_t *ids = ids_of(json_get(expected, "input_ids"), &count);
    tarn_model *model = tarn_model_load(folder, .dtype = TARN_FLOAT32);
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    double *scores = NEW_ARRAY(double, count), *logits = NULL;
    CHECK(session && tarn_score(session, ids, count, scores));
    if (session && tarn_ok()) {
        CHECK(largest_difference(json_get(expected, "token_logprobs"), scores) < 1e-3);
        CHECK(as_cold(model, session, ids, count)); /* behind a score of the same tokens */
        logits = logits_of(session);                /* of a prompt, whose last layer computes one row */
        CHECK(logits && largest_difference(json_get(expected, "last_logits"), logits) < 1e-3);
        tarn_generation g;
        size_t prompt = (size_t)json_whole(json_get(expected, "greedy_prompt_len"), 0);
        CHECK(tarn_generate(session, ids, prompt, &g, .max_tokens = TARN_VALUE(16), .ignore_end = true));
        CHECK(same_ids(g.tokens, json_get(expected, "greedy_ids"), g.token_count));
        CHECK(g.finish == TARN_FINISH_LENGTH && !g.text);
        tarn_generation_free(&g);
    }
    tarn_clear_error();
    memory_free(logits);
    memory_free(scores);
    memory_free(ids);
    tarn_session_free(session);
    tarn_model_free(model);
}

static void test_golden(void) {
    static const char *const names[] = {"llama-rope3", "llama-tied",   "llama-yarn", "mistral-window",
                                        "qwen2-bias",  "qwen3-qknorm", "phi3-joined"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *folder = path_join(TARN_SOURCE_DIR "/tests/data/golden", names[i]),
             *path = path_join(folder, "expected.json");
        json *expected = json_read_file(path, 1 << 20);
        CHECK(expected);
        int before = check_failures;
        if (expected) check_golden(folder, expected);
        if (check_failures != before) fprintf(stderr, "in %s\n", names[i]);
        json_free(expected);
        memory_free(path);
        memory_free(folder);
    }
}

/* ---- checkpoints changed: a head beside tied embeddings, dtypes mixed */

#define TIED TARN_SOURCE_DIR "/tests/data/golden/llama-tied"
#define NORM TARN_SOURCE_DIR "/tests/data/golden/qwen3-qknorm"

static char *file_of(const char *folder, const char *name) {
    char *path = path_join(folder, name);
    unlink(path);
    return path;
}

/* The checkpoint `from` in `folder`: norms in one dtype, all else in another, and a head of `head` times the embedding
 * unless that is 0. */
static bool write_changed(const char *folder, const char *from, double head, tarn_dtype norms, tarn_dtype others) {
    TARN_SCOPE;
    enum { MOST = 64 };
    tarn_named_array arrays[MOST];
    tarn_tensors *tensors = tarn_load_safetensors(from);
    int64_t count = tensors ? tarn_tensors_count(tensors) : 0;
    char *weights = file_of(folder, "model.safetensors"), *config = file_of(folder, "config.json"),
         *target = path_join(from, "config.json");
    bool ok = count > 0 && count < MOST && !symlink(target, config);
    for (int64_t i = 0; ok && i < count; i++) {
        const char *name = tarn_tensors_name(tensors, i);
        arrays[i] =
            (tarn_named_array){name, tarn_astype(tarn_tensors_at(tensors, i), strstr(name, "norm") ? norms : others)};
    }
    if (ok && head != 0) {
        tarn_array *embedding = tarn_tensors_get(tensors, "model.embed_tokens.weight");
        arrays[count++] =
            (tarn_named_array){"lm_head.weight", tarn_multiply(embedding, tarn_scalar_like(head, embedding))};
    }
    ok = ok && tarn_save_safetensors(weights, arrays, count);
    tarn_tensors_free(tensors);
    memory_free(weights);
    memory_free(config);
    memory_free(target);
    return ok;
}

/* The first logit after some tokens, NAN after a failure. */
static double first_logit(const char *folder) {
    const int32_t ids[] = {5, 70, 31};
    tarn_model *model = tarn_model_load(folder);
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    double *logits = session && tarn_session_sync(session, ids, 3) ? logits_of(session) : NULL,
           first = logits ? logits[0] : NAN;
    memory_free(logits);
    tarn_session_free(session);
    tarn_model_free(model);
    return first;
}

/* The one in the file is used, as in transformers. */
static void check_head(const char *folder) {
    double plain = first_logit(TIED);
    CHECK(write_changed(folder, TIED, 1, TARN_FLOAT32, TARN_FLOAT32) && first_logit(folder) == plain && plain != 0);
    CHECK(write_changed(folder, TIED, -1, TARN_FLOAT32, TARN_FLOAT32) && first_logit(folder) == -plain);
}

/* The embedding's dtype is everyone's. */
static void check_mixed(const char *folder, const char *from, tarn_dtype dtype) {
    CHECK(write_changed(folder, from, 0, dtype, dtype));
    double pure = first_logit(folder);
    CHECK(write_changed(folder, from, 0, TARN_FLOAT32, dtype) && first_logit(folder) == pure && pure != 0);
}

static void test_changed(void) {
    char folder[] = "/tmp/tarn-lm-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    check_head(folder);
    check_mixed(folder, TIED, TARN_BFLOAT16);
    check_mixed(folder, NORM, TARN_FLOAT16);
    tarn_clear_error();
    memory_free(file_of(folder, "model.safetensors"));
    memory_free(file_of(folder, "config.json"));
    CHECK(rmdir(folder) == 0);
}

/* ---- models/tiny */

#define TINY TARN_SOURCE_DIR "/models/tiny"

static void check_case(tarn_model *model, tarn_session *session, const json *expected) {
    int32_t *ids = NULL;
    size_t count = 0;
    const char *prompt = json_text(json_get(expected, "prompt"), NULL);
    CHECK(tarn_model_encode_prompt(model, prompt, strlen(prompt), &ids, &count));
    CHECK(same_ids(ids, json_get(expected, "input_ids"), count));
    CHECK(tarn_session_sync(session, ids, count));
    double *logits = logits_of(session);
    const json *top = json_get(expected, "top_ids"), *values = json_get(expected, "top_logits");
    /* Not 2e-3: the file's logits were computed with rotary frequencies rounded to bfloat16, which is worth up
     * to 2.7e-3. */
    for (size_t i = 0; logits && i < json_count(top); i++)
        CHECK(fabs(logits[json_whole(json_at(top, i), 0)] - json_number(json_at(values, i), NAN)) < 3e-3);
    tarn_generation g;
    CHECK(tarn_generate(session, ids, count, &g, .max_tokens = TARN_VALUE(400)));
    CHECK(same_ids(g.tokens, json_get(expected, "greedy_ids"), g.token_count));
    CHECK(g.finish == TARN_FINISH_STOP && g.text && !strcmp(g.text, json_text(json_get(expected, "text"), NULL)));
    tarn_generation_free(&g);
    memory_free(logits);
    tarn_free(ids);
}

static void test_tiny(void) {
    json *expected = json_read_file(TINY "/expected.json", 1 << 20);
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32);
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    CHECK(expected && session);
    const json *cases = json_get(expected, "cases");
    for (size_t i = 0; session && tarn_ok() && i < json_count(cases); i++)
        if (in_rounds()) check_case(model, session, json_at(cases, i));
    tarn_clear_error();
    tarn_session_free(session);
    tarn_model_free(model);
    json_free(expected);
}

/* ---- sessions */

static void fill_ids(int32_t *ids, int n, uint32_t seed) {
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        ids[i] = 6 + (int32_t)(seed >> 8) % 2000;
    }
}

static void test_cache(tarn_dtype dtype) {
    enum { N = 700 };
    int32_t ids[N], other[N];
    tarn_generation g;
    tarn_model *model = tarn_model_load(TINY, .dtype = dtype);
    tarn_session *session = model ? tarn_session_new(model, .chunk = 256) : NULL;
    CHECK(session);
    if (!session) return;
    fill_ids(ids, N, 1);
    memcpy(other, ids, sizeof ids);
    fill_ids(other + 530, N - 530, 2);
    CHECK(tarn_session_sync(session, ids, 300) && tarn_session_reused(session) == 0);
    CHECK(tarn_generate(session, ids, 300, &g, .max_tokens = TARN_VALUE(30), .ignore_end = true) &&
          g.reused_tokens == 300);
    tarn_generation_free(&g);
    CHECK(as_cold(model, session, ids, 600) && tarn_session_reused(session) == 256);
    CHECK(as_cold(model, session, ids, 600) && tarn_session_reused(session) == 600);
    CHECK(as_cold(model, session, other, N) && tarn_session_reused(session) == 512); /* another ending */
    CHECK(as_cold(model, session, other, 512) &&
          tarn_session_reused(session) == 256); /* shorter: the last chunk again, for its logits */
    CHECK(as_cold(model, session, other, 40) && tarn_session_reused(session) == 0);
    CHECK(as_cold(model, session, ids, 513));
    for (int i = 513; i < 540; i++) CHECK(tarn_session_step(session, ids[i])); /* generated tokens are no prompt */
    CHECK(as_cold(model, session, ids, 545) && tarn_session_reused(session) == 512);
    ids[544] = -5; /* what is refused has reused nothing */
    CHECK_ERROR(tarn_generate(session, ids, 545, &g), "token id -5");
    CHECK(g.reused_tokens == 0 && g.prompt_tps >= 0 && tarn_session_reused(session) == 0);
    CHECK_ERROR(tarn_session_sync(session, ids, 0), "no tokens");
    tarn_generation_free(&g);
    tarn_session_free(session);
    tarn_model_free(model);
}

static double largest_gap(tarn_session *a, tarn_session *b) {
    double *x = logits_of(a), *y = logits_of(b), worst = x && y ? 0 : NAN;
    for (int64_t i = 0; x && y && i < tarn_size(tarn_session_logits(a)); i++) worst = fmax(worst, fabs(x[i] - y[i]));
    memory_free(x);
    memory_free(y);
    return worst;
}

/* What one session has computed, another goes on with; without its tokens it cannot go back. */
static void test_restore(void) {
    enum { N = 40, MOST = 8 };
    int32_t ids[N], unknown[N + 1];
    tarn_array *keys[MOST], *values[MOST];
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32);
    tarn_session *one = model ? tarn_session_new(model, .fast_cache = true) : NULL,
                 *other = model ? tarn_session_new(model, .fast_cache = true) : NULL,
                 *slow = model ? tarn_session_new(model) : NULL;
    CHECK(one && other && slow);
    if (!one || !other || !slow) return;
    TARN_SCOPE;
    fill_ids(ids, N, 4);
    CHECK(!tarn_session_keys(one, 0) && strstr(tarn_error(), "no tokens"));
    tarn_clear_error();
    CHECK(tarn_session_sync(one, ids, N));
    for (int64_t i = 0; i < 6; i++) keys[i] = tarn_session_keys(one, i), values[i] = tarn_session_values(one, i);
    CHECK(!tarn_session_values(one, 6) && strstr(tarn_error(), "layer 6"));
    tarn_clear_error();
    CHECK(tarn_session_restore(other, keys, values, 6, ids) && tarn_session_step(one, 7));
    CHECK(tarn_session_step(other, 7) && largest_gap(one, other) == 0);
    CHECK(tarn_session_sync(other, ids, 9) && tarn_session_reused(other) == 8);
    CHECK(tarn_session_restore(other, keys, values, 6, NULL) && tarn_session_step(other, 7));
    CHECK(largest_gap(one, other) == 0);
    for (int i = 0; i < N; i++) unknown[i] = -1;
    unknown[8] = unknown[N] = 9;
    for (size_t count = 8; count <= 9; count++) { /* the ninth is known, but would stand behind a part of the others */
        CHECK(!tarn_session_sync(other, unknown, count) && strstr(tarn_error(), "not known"));
        tarn_clear_error();
    }
    unknown[8] = -1;
    CHECK(tarn_session_sync(other, unknown, N + 1) && tarn_session_reused(other) == N);
    CHECK(!tarn_session_restore(slow, keys, values, 6, ids) && strstr(tarn_error(), "fast_cache"));
    tarn_clear_error();
    CHECK(!tarn_session_restore(other, keys, values, 5, ids) && strstr(tarn_error(), "5 layers"));
    tarn_clear_error();
    tarn_session_free(one);
    tarn_session_free(other);
    tarn_session_free(slow);
    tarn_model_free(model);
}

static void test_steps(void) {
    enum { N = 290 };
    int32_t ids[N];
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32);
    tarn_session *whole = model ? tarn_session_new(model) : NULL,
                 *steps = model ? tarn_session_new(model, .fast_cache = true) : NULL;
    CHECK(whole && steps);
    if (!whole || !steps) return;
    fill_ids(ids, N, 3);
    CHECK(tarn_session_sync(steps, ids, 1));
    for (int i = 1; i < N; i++) {
        CHECK(tarn_session_step(steps, ids[i]));
        if (i % 41) continue;
        CHECK(tarn_session_sync(whole, ids, (size_t)i + 1) && largest_gap(whole, steps) < 1e-3);
    }
    CHECK(tarn_session_sync(whole, ids, N) && largest_gap(whole, steps) < 1e-3);
    CHECK(tarn_session_sync(steps, ids, 200) && tarn_session_reused(steps) == 199); /* what was generated is kept */
    CHECK(tarn_session_sync(whole, ids, 200) && largest_gap(whole, steps) < 1e-3);
    tarn_session_free(whole);
    tarn_session_free(steps);
    tarn_model_free(model);
}

static void test_limits(void) {
    int32_t ids[20];
    tarn_generation g;
    tarn_model *model = tarn_model_load(TINY);
    tarn_session *session = model ? tarn_session_new(model, .context = 16) : NULL;
    CHECK(session);
    if (!session) return;
    fill_ids(ids, 20, 4);
    CHECK_ERROR(tarn_session_sync(session, ids, 0), "no tokens");
    CHECK_ERROR(tarn_session_sync(session, ids, 17), "17 tokens, but the context holds 16");
    CHECK_ERROR(tarn_session_sync(session, ((int32_t[]){5, 2048}), 2),
                "token id 2048 is outside the model's vocabulary of 2048");
    CHECK_ERROR(tarn_session_step(session, -1), "token id -1");
    CHECK(tarn_generate(session, ids, 16, &g, .ignore_end = true) && g.token_count == 1 &&
          g.finish == TARN_FINISH_LENGTH);
    tarn_generation_free(&g);
    CHECK(tarn_generate(session, ids, 14, &g, .ignore_end = true) && g.token_count == 3 &&
          g.finish == TARN_FINISH_LENGTH);
    tarn_generation_free(&g);
    CHECK(tarn_generate(session, ids, 4, &g, .max_tokens = TARN_VALUE(0)) && g.token_count == 0 && g.text && !*g.text);
    CHECK_ERROR(tarn_generate(session, ids, 4, NULL, .max_tokens = TARN_VALUE(0.5)), "a whole number");
    tarn_generation_free(&g);
    static const volatile sig_atomic_t yes = 1;
    CHECK(tarn_generate(session, ids, 4, &g, .interrupt = &yes) && g.finish == TARN_FINISH_INTERRUPTED &&
          g.token_count == 0 && g.prompt_tps == 0);
    tarn_generation_free(&g);
    CHECK_ERROR(tarn_generate(session, ids, 4, &g, .temperature = -1), "temperature");
    tarn_generation_free(&g);
    CHECK_ERROR(tarn_generate(session, ids, 4, &g, .temperature = 1, .top_k = 5000), "top_k");
    tarn_generation_free(&g);
    CHECK_ERROR(tarn_model_encode_prompt(model, "a\xff", 2, &(int32_t *){NULL}, &(size_t){0}),
                "not valid UTF-8 at byte 1");
    CHECK_ERROR(tarn_model_load("/nonexistent"), "/nonexistent");
    CHECK_ERROR(tarn_model_load(TINY, .dtype = TARN_INT32), "int32");
    tarn_session_free(session);
    tarn_model_free(model);
}

/* ---- stop strings and the callback over real tokens */

static bool collect(void *context, const char *piece, size_t length) {
    return utf8_valid(piece, length) && text_append(context, piece, length);
}

static void test_stopping(void) {
    const char *prompt = "Tell me a story about a fox.";
    int32_t *ids = NULL;
    size_t count = 0;
    text shown = {0};
    tarn_generation whole, cut;
    tarn_model *model = tarn_model_load(TINY);
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    CHECK(session && tarn_model_encode_prompt(model, prompt, strlen(prompt), &ids, &count));
    if (!session || !ids) return;
    CHECK(tarn_generate(session, ids, count, &whole, .max_tokens = TARN_VALUE(60), .on_text = collect,
                        .context = &shown));
    CHECK(whole.text && !strcmp(whole.text, text_string(&shown)) && whole.text_length > 40);
    char stop[12];
    snprintf(stop, sizeof stop, "%.11s", whole.text + 20);
    shown.length = 0;
    CHECK(tarn_generate(session, ids, count, &cut, .max_tokens = TARN_VALUE(60), .on_text = collect, .context = &shown,
                        .stop = (const char *[]){"no such words", stop}, .stop_count = 2));
    CHECK(cut.finish == TARN_FINISH_STOP && cut.text_length <= 20 && !strncmp(cut.text, whole.text, cut.text_length));
    CHECK(shown.length == cut.text_length && !memcmp(shown.bytes, cut.text, shown.length));
    tarn_generation_free(&cut);
    CHECK(tarn_generate(session, ids, count, &cut, .end_tokens = &whole.tokens[3], .end_token_count = 1) &&
          cut.token_count <= 4);
    CHECK(cut.finish == TARN_FINISH_STOP && cut.tokens[cut.token_count - 1] == whole.tokens[3]);
    tarn_generation_free(&cut);
    tarn_generation_free(&whole);
    text_free(&shown);
    tarn_free(ids);
    tarn_session_free(session);
    tarn_model_free(model);
}

static void test_chat(void) {
    tarn_generation g = {0};
    static const volatile sig_atomic_t yes = 1;
    tarn_model *model = tarn_model_load(TINY);
    tarn_chat *chat = model ? tarn_chat_new(model) : NULL;
    CHECK(chat);
    if (!chat) return;
    CHECK(tarn_chat_say(chat, "What is the capital of Japan?", &g) && g.text && strstr(g.text, "Tokyo"));
    int64_t first = g.prompt_tokens;
    tarn_generation_free(&g);
    CHECK_ERROR(tarn_chat_say(chat, "\xff", &g), "not valid UTF-8");
    CHECK(tarn_chat_say(chat, "Hello!", &g) && g.prompt_tokens > first + 8);
    tarn_generation_free(&g);
    CHECK(tarn_chat_say(chat, "Hello!", &g, .interrupt = &yes) && g.finish == TARN_FINISH_INTERRUPTED);
    tarn_generation_free(&g);
    CHECK(tarn_chat_reset(chat) && tarn_chat_say(chat, "What is the capital of Japan?", &g) &&
          g.prompt_tokens == first);
    tarn_generation_free(&g);
    tarn_chat_free(chat);
    tarn_model_free(model);
}

/* A full context: an error that says so, or the oldest turns go and the system message stays. */
static void test_full_chat(bool drop) {
    int64_t most = 0;
    tarn_model *model = tarn_model_load(TINY);
    tarn_chat *chat = tarn_chat_new(model, .system = "Be kind.", .session = {.context = 96}, .drop_oldest = drop);
    CHECK(chat);
    for (int i = 0; i < 8; i++) {
        tarn_generation g = {0};
        bool ok = tarn_chat_say(chat, "What is the capital of Japan?", &g, .max_tokens = TARN_VALUE(12));
        if (!ok && !drop) CHECK_ERROR(ok, "the context holds 96: it must be reset, or oldest turns dropped");
        CHECK(tarn_ok() && g.prompt_tokens <= 96);
        if (g.prompt_tokens > most) most = g.prompt_tokens;
        tarn_generation_free(&g);
    }
    CHECK(drop ? tarn_chat_dropped(chat) > 1 : tarn_chat_dropped(chat) == 0);
    CHECK(most > 48);
    char longest[600];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    CHECK(tarn_chat_reset(chat) && tarn_chat_dropped(chat) == 0);
    CHECK_ERROR(tarn_chat_say(chat, longest, NULL), "the message has ");
    CHECK(tarn_chat_say(chat, "Hello!", NULL, .max_tokens = TARN_VALUE(2)));
    tarn_chat_free(chat);
    tarn_model_free(model);
}

typedef struct {
    int64_t calls, last, all;
} progress;

static void note(void *context, int64_t computed, int64_t all) {
    progress *p = context;
    CHECK(computed >= p->last && computed <= all);
    *p = (progress){p->calls + 1, computed, all};
}

/* How often a prompt of 600 tokens says how far it is. */
static int64_t calls_in_chunks(const tarn_model *model, const int32_t *ids, int64_t chunk) {
    progress heard = {0};
    tarn_session *session = tarn_session_new(model, .chunk = chunk);
    CHECK(tarn_generate(session, ids, 600, NULL, .max_tokens = TARN_VALUE(1), .on_prompt = note, .context = &heard));
    CHECK(heard.last == 600 && heard.all == 600);
    tarn_session_free(session);
    return heard.calls;
}

static void test_progress(void) {
    enum { N = 600 };
    int32_t ids[N];
    double logprobs[N];
    fill_ids(ids, N, 5);
    tarn_model *model = tarn_model_load(TINY);
    tarn_session *session = tarn_session_new(model, .context = 256);
    CHECK_ERROR(tarn_score(session, ids, N, logprobs),
                "the text has 600 tokens, but the context holds 256: a stride is needed");
    CHECK_ERROR(tarn_score(session, ids, N, logprobs, .stride = 256), "stride 256 is not from 1 to 255");
    CHECK_ERROR(tarn_score(session, ids, N, logprobs, .stride = -1), "stride -1");
    CHECK_ERROR(tarn_score(session, ids, 1, logprobs), "1 tokens");
    static const volatile sig_atomic_t yes = 1;
    CHECK_ERROR(tarn_score(session, ids, N, logprobs, .stride = 128, .interrupt = &yes), "interrupted");
    progress heard = {0}; /* windows compute again what others have scored; it never goes back */
    CHECK(tarn_score(session, ids, N, logprobs, .stride = 100, .on_prompt = note, .context = &heard));
    CHECK(heard.last == N && heard.all == N && heard.calls >= 5);
    tarn_session_free(session);
    CHECK_ERROR(tarn_session_new(model, .chunk = -1), ".chunk must not be negative");
    CHECK(calls_in_chunks(model, ids, 256) == 4); /* at the start and after 256, 512, 600 */
    CHECK(calls_in_chunks(model, ids, 512) == 3);
    CHECK(calls_in_chunks(model, ids, 0) == (tarn_default_device().type == TARN_CPU ? 4 : 2));
    tarn_model_free(model);
}

/* On other devices than the CPU a part may take minutes: it is named when it begins. */
#define PART(call) (getenv("TARN_TEST_DEVICE") ? (void)(printf("lm: " #call "\n"), fflush(stdout)) : (void)0, call)

int main(void) {
    if (!choose_device(false)) return 77;
    PART(test_golden());
    PART(test_changed());
    PART(test_tiny());
    if (in_rounds()) PART(test_cache(TARN_BOOL));
    if (in_rounds()) PART(test_cache(TARN_FLOAT32));
    if (in_rounds()) PART(test_steps());
    PART(test_restore());
    PART(test_limits());
    PART(test_stopping());
    PART(test_chat());
    PART(test_full_chat(false));
    PART(test_full_chat(true));
    PART(test_progress());
    return check_report("lm");
}
