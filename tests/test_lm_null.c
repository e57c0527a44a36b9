/* NULL where a pointer is required, and numbers that name nothing, in every function of tarn/lm.h: an error that says
 * which, no crash. */
#include "check.h"
#include "tarn/tarn.h"
#include "paths.h"

#define TINY TARN_SOURCE_DIR "/models/tiny"

static tarn_model *model;
static tarn_session *session;
static tarn_chat *chat;
static tarn_model_facts facts;
static tarn_generation generation;
static int32_t *ids;
static const int32_t id = 5;
static size_t count;
static double logprobs[4];

/* CASE(call that fails, words of its error) */
#define CASES                                                                                                          \
    CASE(tarn_model_load(NULL), "folder is NULL")                                                                      \
    CASE(tarn_model_random(NULL, 4), "shape is NULL")                                                                  \
    CASE(tarn_model_random("llama-3.2-1b", 7), "bits")                                                                 \
    CASE(tarn_model_random("llama-3.2-1b", -1), "bits")                                                                \
    CASE(tarn_model_info(NULL, &facts), "model is NULL")                                                               \
    CASE(tarn_model_info(model, NULL), "facts is NULL")                                                                \
    CASE(tarn_model_tokenizer(NULL), "model is NULL")                                                                  \
    CASE(tarn_model_template(NULL), "model is NULL")                                                                   \
    CASE(tarn_model_end_tokens(NULL, &(int){0}), "model is NULL")                                                      \
    CASE(tarn_model_end_tokens(model, NULL), "count is NULL")                                                          \
    CASE(tarn_model_encode_messages(NULL, "[]", &ids, &count), "model is NULL")                                        \
    CASE(tarn_model_encode_messages(model, NULL, &ids, &count), "messages_json is NULL")                               \
    CASE(tarn_model_encode_messages(model, "[]", NULL, &count), "ids is NULL")                                         \
    CASE(tarn_model_encode_messages(model, "[]", &ids, NULL), "count is NULL")                                         \
    CASE(tarn_model_encode_text(NULL, "x", 1, &ids, &count), "model is NULL")                                          \
    CASE(tarn_model_encode_text(model, NULL, 1, &ids, &count), "utf8 is NULL")                                         \
    CASE(tarn_model_encode_prompt(NULL, "x", 1, &ids, &count), "model is NULL")                                        \
    CASE(tarn_model_encode_prompt(model, NULL, 1, &ids, &count), "prompt is NULL")                                     \
    CASE(tarn_model_encode_prompt(model, "x", 1, NULL, &count), "ids is NULL")                                         \
    CASE(tarn_template_variables(NULL, NULL), "messages_json is NULL")                                                 \
    CASE(tarn_session_new(NULL), "model is NULL")                                                                      \
    CASE(tarn_session_sync(NULL, &id, 1), "tarn_session_sync: session is NULL")                                        \
    CASE(tarn_session_sync(session, NULL, 1), "ids is NULL")                                                           \
    CASE(tarn_session_step(NULL, 1), "session is NULL")                                                                \
    CASE(tarn_session_step(tarn_session_new(NULL), 1), "model is NULL")                                                \
    CASE(tarn_session_logits(NULL), "session is NULL")                                                                 \
    CASE(tarn_session_tokens(NULL, &count), "session is NULL")                                                         \
    CASE(tarn_session_tokens(session, NULL), "count is NULL")                                                          \
    CASE(tarn_session_reused(NULL), "session is NULL")                                                                 \
    CASE(tarn_generate(NULL, &id, 1, &generation), "session is NULL")                                                  \
    CASE(tarn_generate(session, NULL, 1, &generation), "ids is NULL")                                                  \
    CASE(tarn_generate(session, &id, 1, NULL, .stop_count = 1), "stop string 1")                                       \
    CASE(tarn_generate(session, &id, 1, NULL, .bias_count = 1), "no values")                                           \
    CASE(tarn_generate(session, &id, 1, NULL, .bias_values = logprobs, .bias_count = 1), "no ids")                     \
    CASE(tarn_generate(session, &id, 1, NULL, .end_token_count = 1), "end tokens")                                     \
    CASE(tarn_generate(session, &id, 1, NULL, .temperature = 1, .top_k = -4), "top_k must be 0 (off) or more, not -4") \
    CASE(tarn_generate(session, &id, 1, NULL, .temperature = 1, .top_k = 2048),                                        \
         "top_k must be below the vocabulary of 2048")                                                                 \
    CASE(tarn_chat_new(NULL), "model is NULL")                                                                         \
    CASE(tarn_chat_reset(NULL), "chat is NULL")                                                                        \
    CASE(tarn_chat_say(NULL, "Hello!", NULL), "chat is NULL")                                                          \
    CASE(tarn_chat_say(tarn_chat_new(NULL), "Hello!", NULL), "model is NULL")                                          \
    CASE(tarn_chat_say(chat, NULL, NULL), "message is NULL")                                                           \
    CASE(tarn_score(NULL, &id, 1, logprobs), "session is NULL")                                                        \
    CASE(tarn_score(session, NULL, 1, logprobs), "ids is NULL")                                                        \
    CASE(tarn_score(session, &id, 1, NULL), "logprobs is NULL")

static void test_errors(void) {
#define CASE(call, words) CHECK_ERROR(call, words);
    CASES
#undef CASE
}

static void test_allowed(void) {
    tarn_model_free(NULL);
    tarn_session_free(NULL);
    tarn_chat_free(NULL);
    tarn_generation_free(NULL);
    CHECK(!strcmp(tarn_finish_name((tarn_finish)77), "unknown") &&
          !strcmp(tarn_finish_name((tarn_finish)-1), "unknown"));
    CHECK(tarn_generate(session, &id, 1, NULL, .max_tokens = TARN_VALUE(1)) && tarn_ok());
}

int main(void) {
    model = tarn_model_load(TINY);
    session = tarn_session_new(model);
    chat = tarn_chat_new(model);
    CHECK(model && session && chat);
    test_errors();
    test_allowed();
    tarn_chat_free(chat);
    tarn_session_free(session);
    tarn_model_free(model);
    return check_report("lm_null");
}
