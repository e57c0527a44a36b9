/* Any bytes as JSON, of which the dictionary "v" and the list "m.w" are read piece by piece. What the tree of the whole
   text has there, the reader must give, and the rest of the tree must be the same. */
#include <string.h>

#include "base/json.h"
#include "tarn/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition) __builtin_trap();
}

/* 1, 0 at the end, -1 on failure or at a value that is no string, whole number or null. `expected` is NULL where there
 * is no tree. */
static int read_item(json_reader *r, const json *expected) {
    const char *s, *other;
    size_t length, other_length;
    int64_t n = 0;
    if (json_reader_peek(r) == '"') {
        if (!json_reader_string(r, &s, &length)) return -1;
        require(utf8_valid(s, length));
        other = json_text(expected, &other_length);
        require(!expected || (other && other_length == length && !memcmp(s, other, length)));
    } else if (json_reader_peek(r) == 'n') {
        if (!json_reader_null(r)) return -1;
        require(!expected || json_is(expected, JSON_NOTHING));
    } else {
        if (!json_reader_whole(r, &n)) return -1;
        require(!expected || (json_is(expected, JSON_WHOLE) && json_whole(expected, 0) == n));
    }
    return json_reader_next(r);
}

static void read_list(json_reader *r, const json *expected) {
    size_t i = 0;
    int more = json_reader_open(r, '[') ? json_reader_next(r) : -1;
    for (; more > 0; i++) more = read_item(r, json_at(expected, i));
    require(more < 0 ? !tarn_ok() : !expected || i == json_count(expected));
}

static void read_dictionary(json_reader *r, const json *expected) {
    void *cursor = NULL;
    const char *key, *other;
    size_t length, other_length, i = 0;
    const json *value = NULL;
    int more = json_reader_open(r, '{') ? json_reader_next(r) : -1;
    for (; more > 0; i++) {
        if (!json_reader_key(r, &key, &length)) return;
        require(!expected || (json_each(expected, &cursor, &other, &other_length, &value) && length == other_length &&
                              !memcmp(key, other, length)));
        more = read_item(r, expected ? value : NULL);
    }
    require(more < 0 ? !tarn_ok() : !expected || i == json_count(expected));
}

static void read(json_reader *r, const json *expected) {
    if (!r->bytes) return;
    require(!expected || json_is(expected, json_reader_peek(r) == '[' ? JSON_LIST : JSON_DICTIONARY));
    require(!expected || !json_count(expected) || r->count == json_count(expected));
    if (json_reader_peek(r) == '[')
        read_list(r, expected);
    else
        read_dictionary(r, expected);
    json_reader_free(r);
    tarn_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const paths[] = {"v", "m.w"};
    json_reader readers[2];
    tarn_clear_error();
    json *around = json_parse_around((const char *)data, size, "input", paths, readers, 2);
    require(around ? tarn_ok() : !tarn_ok());
    tarn_clear_error();
    json *whole = json_parse((const char *)data, size, "input");
    require(!whole || around);
    tarn_clear_error();
    if (around) {
        read(&readers[0], json_get(whole, "v"));
        read(&readers[1], json_get(json_get(whole, "m"), "w"));
        require(!whole || json_count(whole) == json_count(around));
    }
    json_free(around);
    json_free(whole);
    return 0;
}
