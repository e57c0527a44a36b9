/* Any bytes as JSON. What is accepted is walked through every accessor, and written again: the copy must parse to the
 * same. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "tarn/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition) __builtin_trap();
}

static void write_value(text *t, const json *value, bool ascii);

static void write_object(text *t, const json *object, bool ascii) {
    void *cursor = NULL;
    const char *key;
    size_t length, count = 0;
    const json *value;
    text_add_char(t, '{');
    while (json_each(object, &cursor, &key, &length, &value)) {
        require(strlen(key) == length && json_get(object, key) == value);
        if (count++) text_add_char(t, ',');
        require(json_write_string(t, key, length, ascii));
        text_add_char(t, ':');
        write_value(t, value, ascii);
    }
    require(count == json_count(object));
    text_add_char(t, '}');
}

static void write_array(text *t, const json *array, bool ascii) {
    text_add_char(t, '[');
    for (size_t i = 0; i < json_count(array); i++) {
        if (i) text_add_char(t, ',');
        write_value(t, json_at(array, i), ascii);
    }
    require(!json_at(array, json_count(array)));
    text_add_char(t, ']');
}

static void write_value(text *t, const json *value, bool ascii) {
    size_t length = 0;
    const char *s = json_text(value, &length);
    switch (json_kind_of(value)) {
    case JSON_NOTHING:
        text_add(t, "null");
        break;
    case JSON_NO:
    case JSON_YES:
        text_add(t, json_truth(value, false) ? "true" : "false");
        break;
    case JSON_WHOLE:
        text_format(t, "%lld", (long long)json_whole(value, 0));
        break;
    case JSON_NUMBER:
        json_write_double(t, json_number(value, 0));
        break;
    case JSON_TEXT:
        require(s && s[length] == 0 && utf8_valid(s, length) && json_write_string(t, s, length, ascii));
        break;
    case JSON_LIST:
        write_array(t, value, ascii);
        break;
    case JSON_DICTIONARY:
        write_object(t, value, ascii);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    tarn_clear_error();
    json *root = json_parse((const char *)data, size, "input");
    require(root ? tarn_ok() : !tarn_ok());
    if (!root) return 0;
    text first = {0}, second = {0};
    write_value(&first, root, true);
    json *again = json_parse(first.bytes, first.length, "copy");
    require(again != NULL);
    write_value(&second, again, true);
    require(first.length == second.length && !memcmp(first.bytes, second.bytes, first.length));
    json_free(again);
    text_clear(&second);
    write_value(&second, root, false);
    again = json_parse(second.bytes, second.length, "copy");
    require(again != NULL);
    json_free(again);
    json_free(root);
    text_free(&first);
    text_free(&second);
    return 0;
}
