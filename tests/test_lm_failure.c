/* Exhausted memory anywhere in loading, generating or scoring: an error, nothing lost, and the next try works. */
#include "check.h"
#include "base/memory.h"
#include "tarn/tarn.h"
#include "paths.h"

#define FOLDER TARN_SOURCE_DIR "/tests/data/golden/qwen3-qknorm"
#define TINY   TARN_SOURCE_DIR "/models/tiny"

static const int32_t ids[] = {5, 9, 33, 120, 7, 8, 64, 3, 11, 90};
enum { COUNT = sizeof ids / sizeof *ids };

/* Fails, or generates the tokens that belong here. */
static bool run(tarn_session *session, int32_t tokens[4]) {
    tarn_generation g;
    bool ok = tarn_generate(session, ids, COUNT, &g, .max_tokens = TARN_VALUE(4), .ignore_end = true);
    for (size_t i = 0; ok && i < g.token_count; i++) tokens[i] = g.tokens[i];
    tarn_generation_free(&g);
    return ok;
}

static bool load_and_run(int32_t tokens[4]) {
    tarn_model *model = tarn_model_load(FOLDER);
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    bool ok = session && run(session, tokens);
    tarn_session_free(session);
    tarn_model_free(model);
    return ok;
}

/* Every allocation at first, then fewer and fewer of them. */
static int64_t next(int64_t n) {
    return n < 60 ? n + 1 : n + n / 12;
}

static void test_everything(const int32_t *expected) {
    int failed = 0;
    bool done = false;
    for (int64_t n = 1; !done; n = next(n)) {
        int32_t tokens[4] = {0};
        memory_fail_at(n);
        bool ok = load_and_run(tokens);
        done = memory_fail_at(0) < n;        /* there was no n-th allocation */
        CHECK(ok == (tarn_error() == NULL)); /* a part may do without its memory: then the result is right */
        CHECK(ok || tarn_error_kind() == TARN_ERROR_MEMORY);
        if (ok) CHECK(!memcmp(tokens, expected, sizeof tokens));
        failed += !ok;
        tarn_clear_error();
    }
    CHECK(failed > 60);
}

/* A session that failed can go on: its cache is built anew. */
static void test_session(const int32_t *expected) {
    tarn_model *model = tarn_model_load(FOLDER);
    tarn_session *session = model ? tarn_session_new(model) : NULL;
    bool done = false;
    CHECK(session);
    for (int64_t n = 1; session && !done; n = next(n)) {
        int32_t tokens[4] = {0};
        CHECK(tarn_session_sync(session, (int32_t[]){1}, 1)); /* something else in between */
        memory_fail_at(n);
        bool ok = run(session, tokens);
        done = memory_fail_at(0) < n; /* there was no n-th allocation */
        CHECK(ok == (tarn_error() == NULL));
        if (ok) CHECK(!memcmp(tokens, expected, sizeof tokens));
        tarn_clear_error();
        CHECK(run(session, tokens) && !memcmp(tokens, expected, sizeof tokens));
    }
    tarn_session_free(session);
    tarn_model_free(model);
}

static void test_chat(void) {
    tarn_model *model = tarn_model_load(TINY);
    tarn_chat *chat = model ? tarn_chat_new(model, .system = "Be kind.") : NULL;
    bool done = false;
    CHECK(chat);
    for (int64_t n = 1; chat && !done; n = next(n)) {
        memory_fail_at(n);
        bool ok = tarn_chat_say(chat, "Hello!", NULL, .max_tokens = TARN_VALUE(2));
        done = memory_fail_at(0) < n; /* there was no n-th allocation */
        CHECK(ok == (tarn_error() == NULL));
        tarn_clear_error();
        tarn_chat_reset(chat);
    }
    tarn_chat_free(chat);
    tarn_model_free(model);
}

int main(void) {
    int32_t expected[4];
    CHECK(load_and_run(expected));
    test_everything(expected);
    test_session(expected);
    test_chat();
    return check_report("lm_failure");
}
