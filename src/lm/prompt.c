/* From messages and prompts to token ids, through the model's chat template. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/require.h"
#include "base/text.h"
#include "lm/model.h"

/* ---- template variables */

static bool add_name(text *t, const char *name) {
    return text_format(t, "%s\"%s\": ", t->length > 1 ? ", " : "", name);
}

static bool add_token(text *t, const tarn_tokenizer *tokenizer, const char *role) {
    size_t length;
    const char *token = tarn_tokenizer_named_token(tokenizer, role, &length);
    return text_add(t, t->length > 1 ? ", " : "") && json_write_string(t, role, strlen(role), false) &&
           text_add(t, ": ") && json_write_string(t, token, length, false);
}

/* The members of the JSON object in `variables`, as they stand there. */
static bool add_members(text *t, const json *document, const char *variables) {
    if (!json_count(document)) return true;
    const char *open = strchr(variables, '{'), *close = strrchr(variables, '}');
    return text_add(t, t->length > 1 ? ", " : "") && text_append(t, open + 1, (size_t)(close - open - 1));
}

/* What transformers passes, but for what the caller gives. */
static bool write_variables(text *t, const tarn_tokenizer *tokenizer, const char *messages, const char *variables,
                            const json *own, bool add_generation_prompt) {
    const struct {
        const char *name, *value;
    } ours[] = {{"tools", "null"},
                {"documents", "null"},
                {"add_generation_prompt", add_generation_prompt ? "true" : "false"},
                {"messages", messages}};
    bool ok = text_add(t, "{");
    const char *role;
    for (size_t i = 0; tokenizer && (role = tarn_tokenizer_role(tokenizer, i)); i++)
        if (!json_get(own, role)) ok = ok && add_token(t, tokenizer, role);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (!json_get(own, ours[i].name)) ok = ok && add_name(t, ours[i].name) && text_add(t, ours[i].value);
    return ok && add_members(t, own, variables) && text_add(t, "}");
}

static bool check_messages(const char *messages) {
    json *list = json_parse_exact(messages, strlen(messages), "messages");
    bool ok = list && (json_is(list, JSON_LIST) || tarn_fail("messages: not a JSON list"));
    if (list) json_free(list);
    return ok;
}

char *tarn_template_variables_with(const tarn_tokenizer *tokenizer, const char *messages_json,
                                   tarn_messages_options options) {
    text t = {0};
    if (!REQUIRE(messages_json)) return NULL;
    const char *variables = options.variables_json ? options.variables_json : "{}";
    json *own = json_parse_exact(variables, strlen(variables), "template variables");
    bool ok = own && (json_is(own, JSON_DICTIONARY) || tarn_fail("template variables: not a JSON object")) &&
              check_messages(messages_json) &&
              write_variables(&t, tokenizer, messages_json, variables, own, options.add_generation_prompt);
    if (own) json_free(own);
    if (ok) return text_take(&t);
    text_free(&t);
    return NULL;
}

const char *tarn_template_name(const tarn_tokenizer *tokenizer, const char *variables_json) {
    if (!REQUIRE(tokenizer)) return NULL;
    json *own = variables_json ? json_parse(variables_json, strlen(variables_json), "template variables") : NULL;
    bool tools = json_kind_of(json_get(own, "tools")) != JSON_NOTHING, parsed = own || !variables_json;
    json_free(own);
    if (!parsed) return NULL;
    return tools && tarn_tokenizer_chat_template(tokenizer, .name = "tool_use") ? "tool_use" : "default";
}

/* ---- ids */

static bool need_tokenizer(const tarn_model *model) {
    return model->tokenizer || tarn_fail("%s: the folder has no tokenizer.json", model->config.path);
}

bool tarn_model_encode_messages_with(const tarn_model *model, const char *messages_json, int32_t **ids, size_t *count,
                                     tarn_messages_options options) {
    if (!REQUIRE(model) || !REQUIRE(messages_json) || !REQUIRE(ids) || !REQUIRE(count) || !need_tokenizer(model))
        return false;
    const char *name = tarn_template_name(model->tokenizer, options.variables_json);
    if (!name) return false;
    const tarn_template *chosen = strcmp(name, "default") ? model->tool_template : model->chat_template;
    if (!chosen) return tarn_fail("%s: the folder has no chat template", model->config.path);
    size_t length = 0;
    char *variables = tarn_template_variables_with(model->tokenizer, messages_json, options), *prompt = NULL;
    if (variables) prompt = tarn_template_render(chosen, variables, strlen(variables), &length);
    tarn_free(variables);
    /* the template writes the special tokens itself */
    bool ok = prompt && tarn_tokenizer_encode(model->tokenizer, prompt, length, ids, count);
    tarn_free(prompt);
    return ok;
}

static bool add_message(text *t, const char *role, const char *content, size_t length) {
    return text_format(t, "{\"role\": \"%s\", \"content\": ", role) && json_write_string(t, content, length, false) &&
           text_add(t, "}");
}

static bool check_text(const char *what, const char *s, size_t length) {
    size_t at = 0, n = 1;
    uint32_t character;
    for (; at < length && n; at += n) n = utf8_decode(s + at, length - at, &character);
    return n || tarn_fail("the %s is not valid UTF-8 at byte %zu", what, at);
}

static bool begins_with_first_token(const tarn_tokenizer *tokenizer, const char *utf8, size_t length) {
    size_t n;
    const char *token = tarn_tokenizer_named_token(tokenizer, "bos_token", &n);
    return token && n && n <= length && !memcmp(token, utf8, n);
}

bool tarn_model_encode_text(const tarn_model *model, const char *utf8, size_t length, int32_t **ids, size_t *count) {
    if (!REQUIRE(model) || !REQUIRE(utf8) || !REQUIRE(ids) || !REQUIRE(count) || !need_tokenizer(model)) return false;
    bool begins = begins_with_first_token(model->tokenizer, utf8, length);
    return tarn_tokenizer_encode(model->tokenizer, utf8, length, ids, count, .add_special_tokens = !begins);
}

bool tarn_model_encode_prompt_with(const tarn_model *model, const char *prompt, size_t length, int32_t **ids,
                                   size_t *count, tarn_prompt_options options) {
    const char *system = options.system;
    if (!REQUIRE(model) || !REQUIRE(prompt) || !REQUIRE(ids) || !REQUIRE(count)) return false;
    if (!need_tokenizer(model) || !check_text("prompt", prompt, length)) return false;
    if (system && !check_text("system prompt", system, strlen(system))) return false;
    if (!model->chat_template) {
        if (system)
            return tarn_fail("%s: the folder has no chat template, so there is no place for a system prompt",
                             model->config.path);
        return tarn_model_encode_text(model, prompt, length, ids, count);
    }
    text messages = {0};
    bool ok = text_add(&messages, "[") &&
              (!system || (add_message(&messages, "system", system, strlen(system)) && text_add(&messages, ", "))) &&
              add_message(&messages, "user", prompt, length) && text_add(&messages, "]") &&
              tarn_model_encode_messages(model, text_string(&messages), ids, count, .add_generation_prompt = true);
    text_free(&messages);
    return ok;
}
