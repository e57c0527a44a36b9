/* The attributes of a step as JSON, by their description. An attribute that a file does not have is the default of the
   row: files outlive the version that wrote them. */
#include <string.h>

#include "base/memory.h"
#include "export/function_file.h"

bool attributes_have_object(op_id op) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    for (int i = 0; i < count; i++)
        if (facts[i].type == ATTRIBUTE_OBJECT) return true;
    return false;
}

/* ---- writing */

static bool write_text(text *out, const char *s) {
    return json_write_string(out, s, strlen(s), false);
}

static bool write_list(const attribute_fact *f, const tarn_ints *list, text *out) {
    if (!list->values) return text_add(out, "null");
    text_add(out, "[");
    for (int64_t i = 0; i < list->count; i++) {
        if (i) text_add(out, ",");
        if (f->type == ATTRIBUTE_INTS)
            text_format(out, "%lld", (long long)list->values[i]);
        else
            json_write_double(out, ((const attribute_reals *)list)->values[i]);
    }
    return text_add(out, "]");
}

static bool write_one(const attribute_fact *f, const void *at, text *out) {
    switch (f->type) {
    case ATTRIBUTE_INTEGER:
        return text_format(out, "%lld", (long long)*(const int64_t *)at);
    case ATTRIBUTE_REAL:
        return json_write_double(out, *(const double *)at);
    case ATTRIBUTE_BOOLEAN:
        return text_add(out, *(const bool *)at ? "true" : "false");
    case ATTRIBUTE_DTYPE:
        return write_text(out, dtype_facts[*(const tarn_dtype *)at].name);
    case ATTRIBUTE_NAME:
        return write_text(out, f->names->words[*(const int *)at]);
    case ATTRIBUTE_INTS:
    case ATTRIBUTE_REALS:
        return write_list(f, at, out);
    case ATTRIBUTE_OBJECT:
        break;
    }
    return tarn_fail("export: the attribute '%s' cannot be written to a file", f->name);
}

bool attributes_write(op_id op, const void *attributes, text *out) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    text_add(out, "{");
    for (int i = 0; i < count; i++) {
        if (i) text_add(out, ",");
        write_text(out, facts[i].name);
        text_add(out, ":");
        if (!write_one(&facts[i], (const char *)attributes + facts[i].offset, out)) return false;
    }
    return text_add(out, "}");
}

/* ---- reading: into a struct whose lists are blocks of their own */

static bool read_word(const name_list *names, const json *value, int *place) {
    const char *word = json_text(value, NULL);
    return word && name_find(names, word, place);
}

static bool read_number(attribute_type type, const json *value, void *to) {
    bool whole = json_is(value, JSON_WHOLE);
    if (type == ATTRIBUTE_INTS || type == ATTRIBUTE_INTEGER) {
        *(int64_t *)to = json_whole(value, 0);
        return whole;
    }
    *(double *)to = json_number(value, 0);
    return whole || json_is(value, JSON_NUMBER);
}

static bool read_list(const attribute_fact *f, const json *value, tarn_ints *list) {
    *list = (tarn_ints){0};
    if (json_is(value, JSON_NOTHING)) return true;
    if (!json_is(value, JSON_LIST)) return false;
    int64_t *values = NEW_ARRAY(int64_t, json_count(value) + 1); /* doubles have as many bytes */
    *list = (tarn_ints){values, (int64_t)json_count(value)};
    for (size_t i = 0; values && i < json_count(value); i++)
        if (!read_number(f->type, json_at(value, i), &values[i])) return false;
    return values != NULL;
}

static bool read_one(const attribute_fact *f, const json *value, void *at) {
    const char *name = json_text(value, NULL);
    switch (f->type) {
    case ATTRIBUTE_INTEGER:
    case ATTRIBUTE_REAL:
        return read_number(f->type, value, at);
    case ATTRIBUTE_BOOLEAN:
        *(bool *)at = json_is(value, JSON_YES);
        return json_is(value, JSON_YES) || json_is(value, JSON_NO);
    case ATTRIBUTE_DTYPE:
        return name && tarn_dtype_from_name(name, at);
    case ATTRIBUTE_NAME:
        return read_word(f->names, value, at);
    case ATTRIBUTE_INTS:
    case ATTRIBUTE_REALS:
        return read_list(f, value, at);
    case ATTRIBUTE_OBJECT:
        break;
    }
    return false;
}

static const attribute_fact *find(const attribute_fact *facts, int count, const char *name) {
    for (int i = 0; i < count; i++)
        if (strcmp(facts[i].name, name) == 0) return &facts[i];
    return NULL;
}

static bool read_members(op_id op, const json *from, const char *where, char *into) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    void *cursor = NULL;
    const char *name;
    const json *value;
    while (json_each(from, &cursor, &name, NULL, &value)) {
        const attribute_fact *f = find(facts, count, name);
        if (!f) return tarn_fail("%s: %s has no attribute '%s' here", where, op_name(op), name);
        if (!read_one(f, value, into + f->offset))
            return tarn_fail("%s: the attribute '%s' of %s has a value that it cannot have", where, name, op_name(op));
    }
    return true;
}

static void free_lists(op_id op, char *attributes) {
    int count;
    const attribute_fact *facts = op_attributes(op, &count);
    for (int i = 0; attributes && i < count; i++)
        if (facts[i].type == ATTRIBUTE_INTS || facts[i].type == ATTRIBUTE_REALS)
            memory_free((void *)(uintptr_t)((tarn_ints *)(void *)(attributes + facts[i].offset))->values);
}

void *attributes_read(op_id op, const json *from, const char *where, bool *ok) {
    int count;
    void *copy = NULL;
    op_attributes(op, &count);
    if (count == 0) {
        *ok = json_count(from) == 0 || tarn_fail("%s: %s has no attributes", where, op_name(op));
        return NULL;
    }
    char *read = memory_copy(op_facts[op].defaults, op_facts[op].attribute_bytes);
    *ok = read && read_members(op, from, where, read);
    if (*ok) copy = attributes_copy(op, read, ok);
    free_lists(op, read);
    memory_free(read);
    return copy;
}
