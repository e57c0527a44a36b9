/* A conversation: its messages, and one session that follows them. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/require.h"
#include "base/text.h"
#include "base/vector.h"
#include "lm/session.h"

struct tarn_chat {
    const tarn_model *model;
    tarn_session *session;
    VECTOR(char *)
    messages;       /* a JSON object each: perhaps the system message, then those of user and assistant in turn */
    size_t opening; /* how many stay: 1 with a system message, else 0 */
    bool drop_oldest;
    int64_t dropped; /* turns */
};

/* ---- messages */

static bool add_message(tarn_chat *chat, const char *role, const char *content, size_t length) {
    text t = {0};
    bool ok = text_format(&t, "{\"role\": \"%s\", \"content\": ", role) &&
              json_write_string(&t, content, length, false) && text_add(&t, "}");
    char *message = ok ? text_take(&t) : NULL;
    text_free(&t);
    if (message && vector_push(&chat->messages, message)) return true;
    memory_free(message);
    return false;
}

/* Back to the first `count` messages. */
static void cut(tarn_chat *chat, size_t count) {
    while (chat->messages.count > count) memory_free(vector_pop(&chat->messages));
}

/* Forgets the oldest turn: a question and its answer. */
static void drop_turn(tarn_chat *chat) {
    char **oldest = chat->messages.items + chat->opening;
    for (int i = 0; i < 2; i++) memory_free(oldest[i]);
    chat->messages.count -= 2;
    memmove(oldest, oldest + 2, (chat->messages.count - chat->opening) * sizeof *oldest);
    chat->dropped++;
}

static bool encode(const tarn_chat *chat, int32_t **ids, size_t *count) {
    text list = {0};
    for (size_t i = 0; i < chat->messages.count; i++)
        text_format(&list, "%s%s", i ? ", " : "[", chat->messages.items[i]);
    bool ok = text_add(&list, "]") &&
              tarn_model_encode_messages(chat->model, text_string(&list), ids, count, .add_generation_prompt = true);
    text_free(&list);
    return ok;
}

/* ---- opening and closing */

tarn_chat *tarn_chat_new_with(const tarn_model *model, tarn_chat_options options) {
    if (!REQUIRE(model)) return NULL;
    if (!model->chat_template) return tarn_fail("%s: the folder has no chat template", model->config.path), NULL;
    if (options.system && !utf8_valid(options.system, strlen(options.system)))
        return tarn_fail("the system prompt is not valid UTF-8"), NULL;
    tarn_chat *chat = NEW(tarn_chat);
    if (!chat) return NULL;
    chat->model = model;
    chat->drop_oldest = options.drop_oldest;
    chat->session = tarn_session_new_with(model, options.session);
    bool ok = chat->session && (!options.system || add_message(chat, "system", options.system, strlen(options.system)));
    chat->opening = chat->messages.count;
    if (ok) return chat;
    tarn_chat_free(chat);
    return NULL;
}

void tarn_chat_free(tarn_chat *chat) {
    if (!chat) return;
    tarn_session_free(chat->session);
    cut(chat, 0);
    vector_free(&chat->messages);
    memory_free(chat);
}

bool tarn_chat_reset(tarn_chat *chat) {
    if (!REQUIRE(chat)) return false;
    cut(chat, chat->opening);
    chat->dropped = 0;
    return true;
}

int64_t tarn_chat_dropped(const tarn_chat *chat) {
    return REQUIRE(chat) ? chat->dropped : 0;
}

/* ---- turns */

static bool too_long(const tarn_chat *chat, size_t count) {
    long long context = chat->session->context;
    bool alone = chat->messages.count == chat->opening + 1;
    if (alone)
        return tarn_fail("the message has %zu tokens in its template, but the context holds %lld", count, context);
    return tarn_fail(
        "the conversation has %zu tokens, but the context holds %lld: it must be reset, or oldest turns dropped", count,
        context);
}

/* The ids of the conversation, cut at its beginning if need be. Much is dropped at once, so that the cache is of use
 * for a while again. */
static bool encode_fitting(tarn_chat *chat, int64_t answer, int32_t **ids, size_t *count) {
    int64_t context = chat->session->context, room = answer < context / 4 ? answer : context / 4, most = context - room;
    while (encode(chat, ids, count)) {
        bool alone = chat->messages.count == chat->opening + 1;
        if ((int64_t)*count <= (chat->drop_oldest && !alone ? most : context)) return true;
        if (!chat->drop_oldest || alone) too_long(chat, *count);
        tarn_free(*ids);
        *ids = NULL;
        if (!tarn_ok()) return false;
        drop_turn(chat);
        most = context / 2;
    }
    return false;
}

static bool answer(tarn_chat *chat, tarn_generation *result, tarn_generate_options options) {
    int32_t *ids = NULL;
    size_t count;
    int64_t most =
        options.max_tokens.given && options.max_tokens.value < 1e9 ? (int64_t)options.max_tokens.value : 1000000000;
    bool ok =
        encode_fitting(chat, most, &ids, &count) && tarn_generate_with(chat->session, ids, count, result, options);
    tarn_free(ids);
    return ok && add_message(chat, "assistant", result->text, result->text_length);
}

bool tarn_chat_say_with(tarn_chat *chat, const char *message, tarn_generation *result, tarn_generate_options options) {
    tarn_generation own = {0}, *filled = result ? result : &own;
    *filled = own;
    if (!REQUIRE(chat) || !REQUIRE(message)) return false;
    size_t length = strlen(message);
    if (!utf8_valid(message, length)) return tarn_fail("the message is not valid UTF-8");
    bool asked = add_message(chat, "user", message, length), ok = asked && answer(chat, filled, options);
    if (asked && !ok) cut(chat, chat->messages.count - 1);
    tarn_generation_free(&own);
    return ok;
}
