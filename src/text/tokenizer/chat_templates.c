/* Chat templates: the member of tokenizer_config.json, a string or a list of named ones, and the files that go before
 * it. */
#include <dirent.h>
#include <string.h>

#include "base/files.h"
#include "base/memory.h"
#include "base/require.h"
#include "tarn/error.h"
#include "tokenizer/tokenizer.h"

enum { TEMPLATE_LIMIT = 1 << 26 };

static chat_template *find_template(const tarn_tokenizer *t, const char *name, size_t length) {
    for (size_t i = 0; i < t->templates.count; i++) {
        chat_template *c = &t->templates.items[i];
        if (c->name.length == length && memcmp(c->name.bytes, name, length) == 0) return c;
    }
    return NULL;
}

/* Adds a template, in place of one with the same name. */
static bool set_template(tarn_tokenizer *t, const char *name, size_t name_length, const char *source, size_t length) {
    chat_template *old = find_template(t, name, name_length), new = {0};
    if (old) return string_set(&old->source, source, length);
    if (string_set(&new.name, name, name_length) && string_set(&new.source, source, length) &&
        vector_push(&t->templates, new))
        return true;
    memory_free(new.name.bytes);
    memory_free(new.source.bytes);
    return false;
}

void tokenizer_free_templates(tarn_tokenizer *t) {
    for (size_t i = 0; i < t->templates.count; i++) {
        memory_free(t->templates.items[i].name.bytes);
        memory_free(t->templates.items[i].source.bytes);
    }
    vector_free(&t->templates);
}

static bool read_template_list(tarn_tokenizer *t, const part *list) {
    for (size_t i = 0; i < json_count(list->value); i++) {
        part item = part_item(list, i);
        const char *name, *source;
        size_t name_length, length;
        if (!part_string(&item, "name", &name, &name_length) || !part_string(&item, "template", &source, &length) ||
            !set_template(t, name, name_length, source, length))
            return false;
    }
    return true;
}

bool tokenizer_read_templates(tarn_tokenizer *t, const part *file) {
    part member = part_member(file, "chat_template");
    if (part_absent(&member)) return true;
    if (json_is(member.value, JSON_LIST)) return read_template_list(t, &member);
    const char *source;
    size_t length;
    return part_string(file, "chat_template", &source, &length) && set_template(t, "default", 7, source, length);
}

/* ---- files of their own */

static bool is_template_name(const char *name) {
    size_t length = strlen(name);
    return length > 6 && strcmp(name + length - 6, ".jinja") == 0;
}

/* Reads folder/file, if it is there, as the template `name`. */
static bool read_template_file(tarn_tokenizer *t, const char *folder, const char *file, const char *name,
                               size_t name_length) {
    char *path = path_join(folder, file), *source = NULL;
    size_t length = 0;
    bool ok = path != NULL;
    if (ok && file_exists(path)) {
        source = file_read(path, TEMPLATE_LIMIT, &length);
        ok = source && (utf8_valid(source, length) || tarn_fail("%s: is not UTF-8", path)) &&
             set_template(t, name, name_length, source, length);
    }
    memory_free(source);
    memory_free(path);
    return ok;
}

static bool read_template_folder(tarn_tokenizer *t, const char *folder) {
    char *path = path_join(folder, "additional_chat_templates");
    DIR *listing = path ? opendir(path) : NULL;
    bool ok = path != NULL;
    for (struct dirent *entry; ok && listing && (entry = readdir(listing));)
        if (is_template_name(entry->d_name))
            ok = read_template_file(t, path, entry->d_name, entry->d_name, strlen(entry->d_name) - 6);
    if (listing) closedir(listing);
    memory_free(path);
    return ok;
}

bool tokenizer_read_template_files(tarn_tokenizer *t, const char *folder) {
    tarn_tokenizer files = {0};
    bool ok =
        read_template_file(&files, folder, "chat_template.jinja", "default", 7) && read_template_folder(&files, folder);
    if (ok && files.templates.count > 0) { /* then those of tokenizer_config.json do not count */
        tokenizer_free_templates(t);
        t->templates = files.templates;
        return true;
    }
    tokenizer_free_templates(&files);
    return ok;
}

const char *tarn_tokenizer_chat_template_with(const tarn_tokenizer *t, tarn_chat_template_options o) {
    if (!REQUIRE_AS(t, "tokenizer")) return NULL;
    const char *name = o.name ? o.name : "default";
    const chat_template *found = find_template(t, name, strlen(name));
    if (o.length) *o.length = found ? found->source.length : 0;
    return found ? found->source.bytes : NULL;
}
