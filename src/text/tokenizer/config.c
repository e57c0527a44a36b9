/* tokenizer_config.json and special_tokens_map.json: the tokens that have a role, and the chat templates. Both files hold much that steers
   Python classes only; what is not asked for here is none of our business. */
#include <string.h>

#include "base/memory.h"
#include "tokenizer/tokenizer.h"

static const char *const roles[NAMED_TOKENS] = {"bos_token", "eos_token", "pad_token", "unk_token", "cls_token", "sep_token", "mask_token"};

static bool copy_string(string *to, const char *bytes, size_t length) {
    char *copy = memory_new(length + 1, 1);
    if (!copy) return false;
    memcpy(copy, bytes, length);
    memory_free(to->bytes);
    *to = (string){copy, length};
    return true;
}

/* A token is a string or an object with its "content". */
static bool read_named_token(string *to, const part *file, const char *role) {
    part member = part_member(file, role);
    if (part_absent(&member) || to->bytes) return true;
    const char *content;
    size_t length;
    bool found = json_is(member.value, JSON_DICTIONARY) ? part_string(&member, "content", &content, &length)
                                                        : part_string(file, role, &content, &length);
    return found && copy_string(to, content, length);
}

static bool read_template_list(tarn_tokenizer *t, const part *list) {
    for (size_t i = 0; i < json_count(list->value); i++) {
        part item = part_item(list, i);
        const char *name, *source;
        size_t name_length, length;
        if (!part_known(&item, "name template") || !part_string(&item, "name", &name, &name_length) ||
            !part_string(&item, "template", &source, &length) || !tokenizer_set_template(t, name, name_length, source, length))
            return false;
    }
    return true;
}

static bool read_templates(tarn_tokenizer *t, const part *file) {
    part member = part_member(file, "chat_template");
    if (part_absent(&member)) return true;
    if (json_is(member.value, JSON_LIST)) return read_template_list(t, &member);
    const char *source;
    size_t length;
    return part_string(file, "chat_template", &source, &length) && tokenizer_set_template(t, "default", 7, source, length);
}

bool tokenizer_read_config(tarn_tokenizer *t, const json *root, const char *name) {
    part file = {.name = name, .value = root};
    if (!json_is(root, JSON_DICTIONARY)) return part_fail(&file, "must be an object");
    for (int i = 0; i < NAMED_TOKENS; i++)
        if (!read_named_token(&t->named[i], &file, roles[i])) return false;
    return read_templates(t, &file);
}

static chat_template *find_template(const tarn_tokenizer *t, const char *name, size_t length) {
    for (size_t i = 0; i < t->templates.count; i++) {
        chat_template *c = &t->templates.items[i];
        if (c->name.length == length && memcmp(c->name.bytes, name, length) == 0) return c;
    }
    return NULL;
}

bool tokenizer_set_template(tarn_tokenizer *t, const char *name, size_t name_length, const char *source, size_t length) {
    chat_template *old = find_template(t, name, name_length), new = {0};
    if (old) return copy_string(&old->source, source, length);
    if (copy_string(&new.name, name, name_length) && copy_string(&new.source, source, length) && vector_push(&t->templates, new))
        return true;
    memory_free(new.name.bytes);
    memory_free(new.source.bytes);
    return false;
}

void tokenizer_free_config(tarn_tokenizer *t) {
    for (int i = 0; i < NAMED_TOKENS; i++) memory_free(t->named[i].bytes);
    for (size_t i = 0; i < t->templates.count; i++) {
        memory_free(t->templates.items[i].name.bytes);
        memory_free(t->templates.items[i].source.bytes);
    }
    vector_free(&t->templates);
}

static const string *find_named(const tarn_tokenizer *t, const char *role) {
    for (int i = 0; i < NAMED_TOKENS; i++)
        if (strcmp(role, roles[i]) == 0 && t->named[i].bytes) return &t->named[i];
    return NULL;
}

const char *tarn_tokenizer_named_token(const tarn_tokenizer *t, const char *role, size_t *length) {
    const string *found = find_named(t, role);
    if (length) *length = found ? found->length : 0;
    return found ? found->bytes : NULL;
}

int32_t tarn_tokenizer_named_id(const tarn_tokenizer *t, const char *role) {
    const string *found = find_named(t, role);
    return found ? vocabulary_id(&t->tokens, found->bytes, found->length) : NO_TOKEN;
}

const char *tarn_tokenizer_chat_template(const tarn_tokenizer *t, const char *name, size_t *length) {
    const chat_template *found = find_template(t, name ? name : "default", name ? strlen(name) : 7);
    if (length) *length = found ? found->source.length : 0;
    return found ? found->source.bytes : NULL;
}
