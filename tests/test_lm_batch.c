/* Answers that are generated together are those that each prompt gets by itself. */
#include <string.h>

#include "check.h"
#include "base/memory.h"
#include "tarn/tarn.h"
#include "test_device.h"
#include "paths.h"
#include "rounds.h"

#define TINY   TARN_SOURCE_DIR "/models/tiny"
#define GOLDEN TARN_SOURCE_DIR "/tests/data/golden/"

enum { ROWS = 5, LONGEST = 300 };

/* The first 260 of two of them are the same, which is a chunk and more. */
static void fill(int32_t ids[ROWS][LONGEST], const int32_t *pointers[ROWS], int64_t vocab) {
    uint32_t seed = 7;
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < LONGEST; i++) {
            seed = seed * 1664525u + 1013904223u;
            ids[r][i] = (int32_t)((seed >> 8) % (uint64_t)vocab);
        }
        if (r == 3) memcpy(ids[3], ids[2], 260 * sizeof(int32_t));
        pointers[r] = ids[r];
    }
}

static bool same_answer(const tarn_generation *a, const tarn_generation *b) {
    size_t size = a->token_count * sizeof *a->tokens;
    return a->token_count == b->token_count && (size == 0 || !memcmp(a->tokens, b->tokens, size)) &&
           a->finish == b->finish && a->prompt_tokens == b->prompt_tokens && !a->text == !b->text &&
           (!a->text || !strcmp(a->text, b->text));
}

/* Together and one by one; number i draws with a seed that is i more. */
static void check_batch(const tarn_model *model, const char *what, const size_t *counts, tarn_generate_options o) {
    static int32_t ids[ROWS][LONGEST];
    const int32_t *pointers[ROWS];
    tarn_generation together[ROWS], alone;
    tarn_model_facts facts;
    int before = check_failures;
    CHECK(tarn_model_info(model, &facts));
    fill(ids, pointers, facts.vocab_size);
    tarn_session *session = tarn_session_new(model);
    tarn_batch *batch = tarn_batch_new(model, ROWS + 1);
    CHECK(session && batch);
    CHECK(tarn_generate_batch_with(batch, pointers, counts, 2, NULL, o)); /* what is kept of it changes nothing */
    CHECK(tarn_generate_batch_with(batch, pointers, counts, ROWS, together, o));
    tarn_batch_free(batch);
    for (int r = 0; session && r < ROWS; r++) {
        CHECK(tarn_generate_with(session, ids[r], counts[r], &alone, o));
        CHECK(same_answer(&together[r], &alone));
        CHECK(together[r].reused_tokens ==
              (r == 3 && counts[r] > 256 && tarn_default_device().type == TARN_CPU ? 256 : 0));
        tarn_generation_free(&alone);
        tarn_generation_free(&together[r]);
        o.seed.value++;
    }
    tarn_session_free(session);
    if (check_failures != before) fprintf(stderr, "in %s: %s\n", what, tarn_ok() ? "no error" : tarn_error());
    tarn_clear_error();
}

static void test_folder(const char *folder, const size_t counts[ROWS]) {
    tarn_model *model = tarn_model_load(folder, .dtype = TARN_FLOAT32);
    CHECK(model);
    if (!model) return;
    tarn_generate_options plain = {.max_tokens = TARN_VALUE(24), .ignore_end = true}, stopping = plain, drawn = plain,
                          none = plain;
    check_batch(model, folder, counts, plain);
    stopping.ignore_end = false; /* answers end at different steps */
    stopping.end_tokens = (int32_t[128]){0};
    stopping.end_token_count = 128;
    for (int i = 0; i < 128; i++) ((int32_t *)stopping.end_tokens)[i] = 3 * i;
    check_batch(model, folder, counts, stopping);
    drawn.temperature = 0.8;
    drawn.top_k = 20;
    drawn.repetition_penalty = 1.2;
    drawn.seed = TARN_SEED(5);
    check_batch(model, folder, counts, drawn);
    none.max_tokens = TARN_VALUE(0);
    check_batch(model, folder, counts, none);
    tarn_model_free(model);
}

/* The cache grows among the steps, and answers stop where the context ends. */
static void test_growth(void) {
    int32_t ids[600] = {0};
    const int32_t *pointers[] = {ids, ids};
    const size_t lengths[] = {250, 2};
    tarn_generation together[2], alone;
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32);
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    tarn_batch *batch = model ? tarn_batch_new(model, 2) : NULL;
    tarn_model_facts facts;
    CHECK(session && batch && tarn_model_info(model, &facts));
    if (!session || !batch) return;
    for (int i = 0; i < 600; i++) ids[i] = 6 + i * 37 % 2000;
    for (int most = 30; most; most = most == 30 ? (int)facts.context : 0) {
        CHECK(tarn_generate_batch(batch, pointers, lengths, 2, together, .max_tokens = TARN_VALUE(most),
                                  .seed = TARN_SEED(1)));
        for (int r = 0; r < 2; r++) {
            CHECK(tarn_generate(session, ids, lengths[r], &alone, .max_tokens = TARN_VALUE(most)));
            CHECK(same_answer(&together[r], &alone));
            tarn_generation_free(&alone);
            tarn_generation_free(&together[r]);
        }
    }
    tarn_batch_free(batch);
    tarn_session_free(session);
    tarn_model_free(model);
}

/* A batch of one, and what a prompt begins with as the one before it does: by whole chunks, or token by token. */
static void test_reuse(bool fast) {
    enum { COUNT = 50, ALIKE = 40 };
    static int32_t ids[ROWS][LONGEST];
    const int32_t *pointers[ROWS];
    const size_t counts[] = {COUNT, COUNT};
    tarn_generate_options o = {.max_tokens = TARN_VALUE(6), .ignore_end = true};
    tarn_generation found[2], alone;
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32);
    tarn_session *session = model ? tarn_session_new(model, .chunk = 16) : NULL;
    CHECK(session);
    if (!session) return;
    fill(ids, pointers, 2000);
    memcpy(ids[1], ids[0], ALIKE * sizeof(int32_t));
    for (int rows = 1; rows <= 2; rows++) {
        tarn_batch *batch = tarn_batch_new(model, rows, .chunk = 16, .fast_cache = fast);
        CHECK(batch && tarn_generate_batch_with(batch, pointers, counts, rows, found, o));
        for (int r = 0; r < rows; r++) {
            CHECK(tarn_generate_with(session, ids[r], COUNT, &alone, o) && same_answer(&found[r], &alone));
            CHECK(found[r].reused_tokens == (r == 0 ? 0 : fast ? ALIKE : ALIKE / 16 * 16));
            tarn_generation_free(&alone);
            tarn_generation_free(&found[r]);
        }
        tarn_batch_free(batch);
    }
    tarn_session_free(session);
    tarn_model_free(model);
}

/* The second likeliest token, and how often it was asked for by whom. */
static bool draw_second(void *context, int64_t number, tarn_array *logits, const int32_t *tokens, size_t count,
                        int32_t *token) {
    int *asked = context;
    TARN_SCOPE;
    asked[number]++;
    tarn_array *order = tarn_argsort(logits);
    *token = (int32_t)tarn_item_int(tarn_slice_axis(order, 0, -2, -1));
    return count > 0 && tokens[0] >= 0 && tarn_ok();
}

static bool draw_nothing(void *context, int64_t number, tarn_array *logits, const int32_t *tokens, size_t count,
                         int32_t *token) {
    (void)number, (void)logits, (void)tokens, (void)count;
    *token = 1 << 20;
    return context == NULL;
}

/* Whoever calls draws, and each prompt has its own number of tokens. */
static void test_drawn(const tarn_model *model) {
    static const int32_t ids[] = {5, 9, 7, 300};
    const int32_t *prompts[] = {ids, ids + 1};
    const size_t counts[] = {4, 2};
    const int64_t most[] = {7, 3};
    int asked[3] = {0};
    tarn_generate_options o = {.draw = draw_second, .context = asked, .ignore_end = true};
    tarn_generation together[2], alone;
    tarn_session *session = tarn_session_new(model);
    tarn_batch *batch = tarn_batch_new(model, 3);
    o.most_tokens = most;
    CHECK(session && batch && tarn_generate_batch_with(batch, prompts, counts, 2, together, o));
    CHECK(asked[0] == 7 && asked[1] == 3 && asked[2] == 0);
    o.most_tokens = NULL;
    for (int i = 0; i < 2; i++) {
        o.max_tokens = TARN_VALUE((double)most[i]);
        CHECK(tarn_generate_with(session, prompts[i], counts[i], &alone, o) && same_answer(&together[i], &alone));
        tarn_generation_free(&alone);
        tarn_generation_free(&together[i]);
    }
    CHECK_ERROR(tarn_generate(session, ids, 4, NULL, .draw = draw_nothing), "token 1048576 of a vocabulary of 2048");
    CHECK_ERROR(tarn_generate(session, ids, 4, NULL, .draw = draw_nothing, .context = asked), ".draw failed");
    CHECK_ERROR(tarn_generate(session, ids, 4, NULL, .draw = draw_second, .temperature = 1), "no use beside .draw");
    CHECK_ERROR(tarn_generate(session, ids, 4, NULL, .most_tokens = most), "tarn_generate_batch");
    tarn_batch_free(batch);
    tarn_session_free(session);
}

static bool same_timeline(const tarn_session *a, const tarn_session *b) {
    size_t counts[2];
    const int32_t *ids[] = {tarn_session_tokens(a, &counts[0]), tarn_session_tokens(b, &counts[1])};
    return counts[0] == counts[1] && !memcmp(ids[0], ids[1], counts[0] * sizeof *ids[0]);
}

/* Sessions that hold something go on in a batch as by themselves, and afterwards hold the same, whichever answer ends
   first. */
static void test_sessions(const tarn_model *model, bool draws) {
    int32_t ids[2][40];
    const int32_t *prompts[] = {ids[0], ids[1]};
    const size_t counts[] = {40, 12};
    const tarn_session_options fast = {.fast_cache = true};
    const int64_t most[] = {3, 9};
    int asked[3] = {0};
    tarn_generate_options o = {.ignore_end = true};
    if (draws) o.draw = draw_second, o.context = asked;
    tarn_session *sessions[2], *others[2];
    tarn_generation together[2], alone;
    tarn_batch *batch = tarn_batch_new(model, 3);
    CHECK(batch);
    for (int i = 0; i < 80; i++) ids[i / 40][i % 40] = 6 + i * 53 % 2000;
    for (int i = 0; i < 2; i++) {
        sessions[i] = tarn_session_new_with(model, fast), others[i] = tarn_session_new_with(model, fast);
        CHECK(tarn_session_sync(sessions[i], ids[i], 10) && tarn_session_sync(others[i], ids[i], 10));
    }
    o.sessions = sessions, o.most_tokens = most;
    CHECK(tarn_generate_batch_with(batch, prompts, counts, 2, together, o));
    o.sessions = NULL, o.most_tokens = NULL;
    for (int i = 0; i < 2; i++) {
        o.max_tokens = TARN_VALUE((double)most[i]);
        CHECK(tarn_generate_with(others[i], ids[i], counts[i], &alone, o) && same_answer(&together[i], &alone));
        CHECK(together[i].reused_tokens == 10 && same_timeline(sessions[i], others[i]));
        tarn_generation_free(&alone);
        CHECK(tarn_session_step(sessions[i], 77) && tarn_session_step(others[i], 77));
        TARN_SCOPE;
        tarn_array *far = tarn_subtract(tarn_session_logits(sessions[i]), tarn_session_logits(others[i]));
        CHECK(tarn_item(tarn_max(tarn_abs(far))) < 1e-3);
        tarn_generation_free(&together[i]);
    }
    tarn_session *same[] = {sessions[0], sessions[0]}, *none[] = {sessions[0], NULL};
    CHECK_ERROR(tarn_generate_batch(batch, prompts, counts, 2, NULL, .sessions = same),
                "sessions 0 and 1 are the same");
    CHECK_ERROR(tarn_generate_batch(batch, prompts, counts, 2, NULL, .sessions = none), "session 1 is NULL");
    CHECK_ERROR(tarn_generate(sessions[0], ids[0], 2, NULL, .sessions = same), "tarn_generate_batch");
    for (int i = 0; i < 2; i++) tarn_session_free(sessions[i]), tarn_session_free(others[i]);
    tarn_batch_free(batch);
}

static bool hear_text(void *context, const char *text, size_t length) {
    (void)context, (void)text, (void)length;
    return true;
}

static bool is_nothing(const tarn_generation *g) {
    return !g->tokens && !g->text && g->prompt_tokens == 0 && g->prompt_seconds == 0 && g->generation_seconds == 0;
}

/* What is refused costs nothing of what the batch holds. */
static void test_refused(const tarn_model *model) {
    static const int32_t ids[] = {5, 9, 7}, foreign[] = {5, 9, 4000};
    const int32_t *same[] = {ids, ids}, *other[] = {ids, foreign}, *absent[] = {ids, NULL};
    const size_t lengths[] = {3, 3}, endless[] = {3, (size_t)1 << 40}, nothing[] = {3, 0};
    tarn_generation results[2];
    tarn_batch *batch = tarn_batch_new(model, 2);
    CHECK(batch && tarn_generate_batch(batch, same, lengths, 1, NULL, .max_tokens = TARN_VALUE(2)));
    CHECK_ERROR(tarn_generate_batch(batch, other, lengths, 2, results), "vocabulary of 2048 (prompt 1)");
    CHECK(is_nothing(&results[0]) && is_nothing(&results[1]));
    CHECK_ERROR(tarn_generate_batch(batch, same, endless, 2, results), "the context holds 1024 (prompt 1)");
    CHECK(is_nothing(&results[0]) && is_nothing(&results[1]));
    CHECK_ERROR(tarn_generate_batch(batch, same, nothing, 2, NULL), "no tokens (prompt 1)");
    CHECK_ERROR(tarn_generate_batch(batch, absent, lengths, 2, NULL), "ids is NULL (prompt 1)");
    CHECK_ERROR(tarn_generate_batch(batch, same, lengths, 2, results, .temperature = -1), "temperature");
    CHECK(is_nothing(&results[0]) && is_nothing(&results[1]));
    CHECK(tarn_generate_batch(batch, same, lengths, 1, results, .max_tokens = TARN_VALUE(2)));
    CHECK(results[0].reused_tokens == 3);
    tarn_generation_free(&results[0]);
    tarn_batch_free(batch);
}

static void test_errors(void) {
    int32_t ids[] = {5, 9, 4000};
    const int32_t *one = ids, *both[] = {ids, ids};
    size_t count = 2, shorter[] = {2, 1};
    tarn_generation results[2];
    static const volatile sig_atomic_t yes = 1;
    tarn_model *model = tarn_model_load(TINY, .dtype = TARN_FLOAT32); /* so that logits of other kernels are alike */
    tarn_batch *batch = model ? tarn_batch_new(model, 2) : NULL;
    CHECK(batch);
    CHECK_ERROR(tarn_batch_new(NULL, 2), "model is NULL");
    CHECK_ERROR(tarn_batch_new(model, 0), "0 answers");
    CHECK_ERROR(tarn_batch_new(model, 2, .chunk = -1), "chunk");
    CHECK_ERROR(tarn_generate_batch(NULL, &one, &count, 1, NULL), "batch is NULL");
    CHECK_ERROR(tarn_generate_batch(batch, &one, &count, 3, NULL), "3 prompts in a batch of 2");
    CHECK_ERROR(tarn_generate_batch(batch, NULL, &count, 1, NULL), "ids is NULL");
    CHECK_ERROR(tarn_generate_batch(batch, &one, NULL, 1, NULL), "counts is NULL");
    CHECK_ERROR(tarn_generate_batch(batch, &one, &count, 0, NULL), "0 prompts");
    CHECK_ERROR(tarn_generate_batch(batch, &one, &count, 1, NULL, .on_text = hear_text), "on_text");
    test_refused(model);
    test_drawn(model);
    for (int draws = 0; draws < 2; draws++) test_sessions(model, draws);
    CHECK(tarn_generate_batch(batch, both, shorter, 2, results, .interrupt = &yes));
    for (int i = 0; i < 2; i++) {
        CHECK(results[i].finish == TARN_FINISH_INTERRUPTED && results[i].token_count == 0 &&
              results[i].prompt_tps == 0);
        tarn_generation_free(&results[i]);
    }
    tarn_batch_free(batch);
    tarn_batch_free(NULL);
    tarn_model_free(model);
}

/* Exhausted memory anywhere: an error, or the right tokens. */
static void test_failure(void) {
    static const int32_t ids[] = {5, 9, 33, 120, 7};
    const int32_t *prompts[] = {ids, ids};
    const size_t lengths[] = {5, 3};
    tarn_generation expected[2], found[2];
    tarn_model *model = tarn_model_load(GOLDEN "qwen3-qknorm");
    tarn_generate_options o = {.max_tokens = TARN_VALUE(3), .ignore_end = true};
    tarn_batch *batch = model ? tarn_batch_new(model, 2) : NULL;
    CHECK(batch && tarn_generate_batch_with(batch, prompts, lengths, 2, expected, o));
    bool done = !batch;
    for (int64_t n = 1; !done; n = n < 40 ? n + 1 : n + n / 12) {
        memory_fail_at(n);
        tarn_batch *other = n % 2 ? batch : tarn_batch_new(model, 2);
        bool ok = tarn_generate_batch_with(other, prompts, lengths, 2, found, o);
        if (other != batch) tarn_batch_free(other);
        done = memory_fail_at(0) < n;
        CHECK(ok == (tarn_error() == NULL) && (ok || tarn_error_kind() == TARN_ERROR_MEMORY));
        for (int r = 0; r < 2; r++) {
            CHECK(!ok || same_answer(&found[r], &expected[r]));
            tarn_generation_free(&found[r]);
        }
        tarn_clear_error();
    }
    for (int r = 0; r < 2; r++) tarn_generation_free(&expected[r]);
    tarn_batch_free(batch);
    tarn_model_free(model);
}

/* The same where the prompts are known and nothing is generated: texts are empty, and made last. */
static void test_failure_of_texts(void) {
    static const int32_t ids[] = {5, 9, 33};
    const int32_t *prompt = ids;
    const size_t length = 3;
    tarn_generate_options o = {.max_tokens = TARN_VALUE(0)};
    tarn_generation found;
    tarn_model *model = tarn_model_load(TINY);
    tarn_batch *batch = model ? tarn_batch_new(model, 1) : NULL;
    bool done = !batch;
    CHECK(batch);
    for (int64_t n = 1; !done; n++) {
        CHECK(tarn_generate_batch_with(batch, &prompt, &length, 1, NULL, o));
        memory_fail_at(n);
        bool ok = tarn_generate_batch_with(batch, &prompt, &length, 1, &found, o);
        done = memory_fail_at(0) < n;
        CHECK(ok == (tarn_error() == NULL) && (!ok || (found.text && !*found.text)));
        tarn_generation_free(&found);
        tarn_clear_error();
    }
    tarn_batch_free(batch);
    tarn_model_free(model);
}

int main(void) {
    if (!choose_device(false)) return 77;
    const size_t longer[ROWS] = {40, 1, LONGEST, 270, 40}, shorter[ROWS] = {40, 1, 200, 170, 40};
    if (in_rounds()) test_folder(TINY, longer);
    if (in_rounds()) test_folder(GOLDEN "mistral-window", shorter);
    if (in_rounds()) test_folder(GOLDEN "qwen3-qknorm", shorter);
    if (in_rounds()) test_folder(GOLDEN "llama-yarn", shorter);
    if (in_rounds()) test_growth();
    if (in_rounds()) test_reuse(false);
    if (in_rounds()) test_reuse(true);
    test_errors();
    test_failure();
    test_failure_of_texts();
    return check_report("lm_batch");
}
