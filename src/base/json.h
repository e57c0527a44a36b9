/* JSON (RFC 8259) read into a tree and written to text. Behind this header stands a library of the distribution
   (docs/design/json.md). Values are borrowed from their document and live until it is freed. Objects keep the order of
   their members. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_reader.h"
#include "base/text.h"

typedef struct json json; /* one value */
typedef enum {
    JSON_NOTHING,
    JSON_NO,
    JSON_YES,
    JSON_WHOLE,
    JSON_NUMBER,
    JSON_TEXT,
    JSON_LIST,
    JSON_DICTIONARY
} json_kind;

/* Parses bytes[0..length); `name` is what error messages call the text. Refused, with line and column: anything after
   the value, nesting deeper than 64, invalid UTF-8, a key that occurs twice or holds a NUL. NaN, Infinity and
   -Infinity, which Python writes, are numbers. Integers beyond int64 are numbers too, of JSON_NUMBER's kind. Free the
   root with json_free. */
json *json_parse(const char *bytes, size_t length, const char *name);
/* The same, but integers beyond int64 are refused. */
json *json_parse_exact(const char *bytes, size_t length, const char *name);
/* The same as json_parse, but the lists and dictionaries at `paths` ("key.key", from the root) are not put into the
   tree, where a null stands for them: readers[i] reads that of paths[i] from the text, which must live as long. A
   reader whose `bytes` are NULL has none. */
json *json_parse_around(const char *bytes, size_t length, const char *name, const char *const *paths,
                        json_reader *readers, size_t count);
json *json_read_file(const char *path, size_t limit);
void json_free(json *root);

json_kind json_kind_of(const json *value); /* JSON_NOTHING for a NULL pointer */
bool json_is(const json *value, json_kind kind);
/* A member or item, or NULL if there is none or value is no object or array. */
const json *json_get(const json *object, const char *key);
size_t json_count(const json *array_or_object);
const json *json_at(const json *array, size_t index);
/* Walks an object in order: start with *cursor = NULL; false at the end. `length` may be NULL. */
bool json_each(const json *object, void **cursor, const char **key, size_t *length, const json **value);

/* Scalars; the fallback is returned when value is NULL or of another kind. */
/* NULL if it is no string. Where length is NULL a name is asked for: a string with a NUL in it is none either. */
const char *json_text(const json *value, size_t *length);
int64_t json_whole(const json *value, int64_t fallback);
double json_number(const json *value, double fallback); /* integers too */
bool json_truth(const json *value, bool fallback);

/* Appends s[0..length) as a JSON string with quotes. `ascii` escapes everything beyond U+007F as \uXXXX, as Python's
 * json does. */
bool json_write_string(text *t, const char *s, size_t length, bool ascii);
/* Appends the shortest decimal that reads back as the same double, in Python's repr form (1.0, 1e-05, NaN, Infinity).
 */
bool json_write_double(text *t, double value);

#endif
