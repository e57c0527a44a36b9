#include "tokenizer/part.h"

#include <stdio.h>
#include <string.h>

#include "tarn/error.h"

static void write_path(const part *p, text *t) {
    if (p->parent) write_path(p->parent, t);
    if (!p->parent)
        text_format(t, "%s: ", p->name);
    else if (!p->name)
        text_format(t, "[%zu]", p->index);
    else
        text_format(t, "%s%s", p->parent->parent ? "." : "", p->name);
}

bool part_fail(const part *p, const char *format, ...) {
    text path = {0};
    write_path(p, &path);
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    tarn_fail("%s%s%s", text_string(&path), p->parent ? ": " : "", message);
    text_free(&path);
    return false;
}

part part_member(const part *object, const char *key) {
    return (part){.parent = object, .name = key, .value = json_get(object->value, key)};
}

part part_item(const part *array, size_t index) {
    return (part){.parent = array, .index = index, .value = json_at(array->value, index)};
}

bool part_absent(const part *p) {
    return json_kind_of(p->value) == JSON_NOTHING;
}

static bool listed(const char *names, const char *key, size_t length) {
    for (const char *at = names; *at;) {
        size_t size = strcspn(at, " ");
        if (size == length && memcmp(at, key, size) == 0) return true;
        at += size + (at[size] == ' ');
    }
    return false;
}

/* null, false, "", [] and {} */
static bool says_nothing(const json *value) {
    size_t length = 0;
    json_kind kind = json_kind_of(value);
    bool empty = (kind == JSON_LIST || kind == JSON_DICTIONARY) && json_count(value) == 0;
    return empty || kind == JSON_NOTHING || kind == JSON_NO || (json_text(value, &length) && length == 0);
}

bool part_known(const part *p, const char *names) {
    if (p->parent && part_absent(p)) return part_fail(p, "is missing");
    if (!json_is(p->value, JSON_DICTIONARY)) return part_fail(p, "must be an object");
    void *cursor = NULL;
    const char *key;
    size_t length;
    const json *value;
    while (json_each(p->value, &cursor, &key, &length, &value))
        if (!listed(names, key, length) && !says_nothing(value)) return part_fail(p, "unknown member \"%.100s\"", key);
    return true;
}

bool part_array(const part *p) {
    return json_is(p->value, JSON_LIST) || part_fail(p, part_absent(p) ? "is missing" : "must be an array");
}

bool part_boolean(const part *p, const char *key, bool fallback, bool *value) {
    part member = part_member(p, key);
    json_kind kind = json_kind_of(member.value);
    if (kind != JSON_NOTHING && kind != JSON_YES && kind != JSON_NO) return part_fail(&member, "must be true or false");
    *value = json_truth(member.value, fallback);
    return true;
}

bool part_integer(const part *p, const char *key, int64_t least, int64_t most, int64_t *value) {
    part member = part_member(p, key);
    if (!json_is(member.value, JSON_WHOLE)) return part_fail(&member, "must be a whole number");
    *value = json_whole(member.value, -1);
    if (*value < least || *value > most)
        return part_fail(&member, "is %lld, not in %lld to %lld", (long long)*value, (long long)least, (long long)most);
    return true;
}

bool part_optional_string(const part *p, const char *key, const char **string, size_t *length) {
    part member = part_member(p, key);
    *length = 0;
    *string = json_text(member.value, length);
    return *string || part_absent(&member) || part_fail(&member, "must be a string");
}

bool part_string(const part *p, const char *key, const char **string, size_t *length) {
    if (!part_optional_string(p, key, string, length)) return false;
    part member = part_member(p, key);
    return *string || part_fail(&member, "is missing");
}

bool part_character(const part *p, const char *key, uint32_t *character) {
    const char *string;
    size_t length;
    if (!part_string(p, key, &string, &length)) return false;
    part member = part_member(p, key);
    if (length == 0 || utf8_decode(string, length, character) != length)
        return part_fail(&member, "must be one character");
    return true;
}

bool part_read(const part *p, const part_kind *kinds, size_t count, void *into) {
    const char *type;
    size_t length;
    if (!json_is(p->value, JSON_DICTIONARY)) return part_fail(p, "must be an object");
    if (!part_string(p, "type", &type, &length)) return false;
    for (size_t i = 0; i < count; i++) {
        if (strlen(kinds[i].type) != length || memcmp(kinds[i].type, type, length) != 0) continue;
        char members[256] = "type ";
        strncat(members, kinds[i].members, sizeof members - 6);
        return part_known(p, members) && kinds[i].read(p, into);
    }
    return part_fail(p, "unknown type \"%.100s\"", type);
}
