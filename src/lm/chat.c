/* A conversation: messages as a JSON list that grows, and one session that follows it. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/require.h"
#include "base/text.h"
#include "lm/model.h"

struct tarn_chat {
    const tarn_model *model;
    tarn_session *session;
    text messages;  /* "[{…}, {…}" */
    size_t opening; /* its length with the system message alone */
};

static bool add_message(text *t, const char *role, const char *content, size_t length) {
    const char *comma = t->length > 1 ? ", " : "";
    return text_format(t, "%s{\"role\": \"%s\", \"content\": ", comma, role) && json_write_string(t, content, length, false) &&
           text_add(t, "}");
}

/* Back to what it was, also after an append without memory. */
static void cut(text *t, size_t length) {
    t->failed = false;
    t->length = length;
    t->bytes[length] = 0;
}

tarn_chat *tarn_chat_new_with(const tarn_model *model, tarn_chat_options options) {
    if (!REQUIRE(model)) return NULL;
    if (!model->chat_template) return tarn_fail("%s: the folder has no chat template", model->config.path), NULL;
    if (options.system && !utf8_valid(options.system, strlen(options.system)))
        return tarn_fail("the system prompt is not valid UTF-8"), NULL;
    tarn_chat *chat = NEW(tarn_chat);
    if (!chat) return NULL;
    chat->model = model;
    chat->session = tarn_session_new_with(model, options.session);
    bool ok = chat->session && text_add(&chat->messages, "[");
    if (ok && options.system) ok = add_message(&chat->messages, "system", options.system, strlen(options.system));
    chat->opening = chat->messages.length;
    if (ok) return chat;
    tarn_chat_free(chat);
    return NULL;
}

void tarn_chat_free(tarn_chat *chat) {
    if (!chat) return;
    tarn_session_free(chat->session);
    text_free(&chat->messages);
    memory_free(chat);
}

bool tarn_chat_reset(tarn_chat *chat) {
    if (!REQUIRE(chat)) return false;
    cut(&chat->messages, chat->opening);
    return true;
}

static bool answer(tarn_chat *chat, tarn_generation *result, tarn_generate_options options) {
    int32_t *ids = NULL;
    size_t count;
    size_t length = chat->messages.length;
    bool ok =
        text_add(&chat->messages, "]") && tarn_model_encode_messages(chat->model, text_string(&chat->messages), NULL, true, &ids, &count);
    cut(&chat->messages, length);
    ok = ok && tarn_generate_with(chat->session, ids, count, result, options);
    tarn_free(ids);
    return ok && add_message(&chat->messages, "assistant", result->text, result->text_length);
}

bool tarn_chat_say_with(tarn_chat *chat, const char *message, tarn_generation *result, tarn_generate_options options) {
    tarn_generation own = {0}, *filled = result ? result : &own;
    *filled = own;
    if (!REQUIRE(chat) || !REQUIRE(message)) return false;
    size_t before = chat->messages.length, length = strlen(message);
    if (!utf8_valid(message, length)) return tarn_fail("the message is not valid UTF-8");
    bool ok = add_message(&chat->messages, "user", message, length) && answer(chat, filled, options);
    if (!ok) cut(&chat->messages, before);
    tarn_generation_free(&own);
    return ok;
}
