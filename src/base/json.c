/* JSON over jansson (docs/design/json.md). What jansson does not do is done by a scan before it: nesting beyond DEPTH is refused, and
   integers beyond int64, which Hugging Face writes, become reals. Writing stops at strings and numbers. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/json.h"
#include "base/memory.h"
#include "tarn/error.h"

enum { DEPTH = 64, INT64_DIGITS = 19 };

/* ---- the scan before the parse ---- */

typedef struct {
    const char *bytes, *name;
    size_t length, at;
    char *copy; /* made when the first number has to be rewritten */
    int depth;
} scan;

static bool fail_at(const scan *s, const char *what) {
    size_t line = 1, start = 0;
    for (size_t i = 0; i < s->at; i++)
        if (s->bytes[i] == '\n') line++, start = i + 1;
    return tarn_fail("%s: line %zu, column %zu: %s", s->name, line, s->at - start + 1, what);
}

/* Steps over a string; an unterminated one is left to the parser. */
static void skip_string(scan *s) {
    for (s->at++; s->at < s->length && s->bytes[s->at] != '"'; s->at++)
        if (s->bytes[s->at] == '\\') s->at++;
    s->at++;
}

/* Writes the integer bytes[from, to) in as many characters as a real: 17 digits, E, exponent. That always fits from 19 digits on. */
static bool rewrite_integer(scan *s, size_t from, size_t to) {
    char number[512], shortened[64];
    size_t length = to - from;
    if (length >= sizeof number) return fail_at(s, "a number of more than 500 digits");
    if (!s->copy && !(s->copy = memory_copy(s->bytes, s->length ? s->length : 1))) return false;
    memcpy(number, s->bytes + from, length);
    number[length] = 0;
    double value = strtod(number, NULL);
    if (isinf(value)) return fail_at(s, "an integer too large even for a double");
    snprintf(number, sizeof number, "%.16e", value);
    int exponent = atoi(strchr(number, 'e') + 1);
    int n = snprintf(shortened, sizeof shortened, "%c%.16sE%d", number[0], number + 2, exponent - 16);
    memset(s->copy + from, ' ', length);
    memcpy(s->copy + from, shortened, (size_t)n);
    return true;
}

static bool scan_number(scan *s) {
    size_t from = s->at, to = from;
    bool integer = true;
    for (; to < s->length && (strchr("+-.eE", s->bytes[to]) ? s->bytes[to] != 0 : s->bytes[to] >= '0' && s->bytes[to] <= '9'); to++)
        integer = integer && s->bytes[to] >= '0' && s->bytes[to] <= '9';
    bool ok = true;
    if (integer && to - from >= INT64_DIGITS && s->bytes[from] != '0') {
        bool negative = from > 0 && s->bytes[from - 1] == '-';
        int order = to - from > INT64_DIGITS ? 1 : memcmp(s->bytes + from, negative ? "9223372036854775808" : "9223372036854775807", 19);
        ok = order <= 0 || rewrite_integer(s, from, to);
    }
    s->at = to;
    return ok;
}

static bool scan_text(scan *s) {
    while (s->at < s->length) {
        char c = s->bytes[s->at];
        if (c == '"') {
            skip_string(s);
            continue;
        }
        if (c >= '0' && c <= '9') {
            if (!scan_number(s)) return false;
            continue;
        }
        if (c == 'N' || c == 'I') return fail_at(s, "NaN and Infinity are not JSON");
        if ((c == '{' || c == '[') && ++s->depth > DEPTH) return fail_at(s, "nested deeper than 64");
        if (c == '}' || c == ']') s->depth--;
        s->at++;
    }
    return true;
}

/* ---- reading ---- */

json *json_parse(const char *bytes, size_t length, const char *name) {
    scan s = {.bytes = bytes, .name = name, .length = length};
    json_t *root = NULL;
    if (scan_text(&s)) {
        json_error_t error;
        root = json_loadb(s.copy ? s.copy : bytes, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (!root) tarn_fail("%s: line %d, column %d: %s", name, error.line, error.column, error.text);
    }
    memory_free(s.copy);
    return (json *)root;
}

json *json_read_file(const char *path, size_t limit) {
    size_t length;
    char *bytes = file_read(path, limit, &length);
    if (!bytes) return NULL;
    json *root = json_parse(bytes, length, path);
    memory_free(bytes);
    return root;
}

void json_free(json *root) {
    json_decref((json_t *)root);
}

static const json_t *inner(const json *value) {
    return (const json_t *)value;
}

json_kind json_kind_of(const json *value) {
    static const json_kind kinds[] = {
        [JSON_OBJECT] = JSON_DICTIONARY, [JSON_ARRAY] = JSON_LIST, [JSON_STRING] = JSON_TEXT, [JSON_INTEGER] = JSON_WHOLE,
        [JSON_REAL] = JSON_NUMBER,       [JSON_TRUE] = JSON_YES,   [JSON_FALSE] = JSON_NO,    [JSON_NULL] = JSON_NOTHING};
    return value ? kinds[json_typeof(inner(value))] : JSON_NOTHING;
}

bool json_is(const json *value, json_kind kind) {
    return value && json_kind_of(value) == kind;
}

const json *json_get(const json *object, const char *key) {
    return (const json *)json_object_get(inner(object), key);
}

size_t json_count(const json *value) {
    return json_is(value, JSON_DICTIONARY) ? json_object_size(inner(value)) : json_array_size(inner(value));
}

const json *json_at(const json *array, size_t index) {
    return (const json *)json_array_get(inner(array), index);
}

bool json_each(const json *object, void **cursor, const char **key, size_t *length, const json **value) {
    if (!json_is(object, JSON_DICTIONARY)) return false;
    json_t *o = (json_t *)(uintptr_t)inner(object);
    *cursor = *cursor ? json_object_iter_next(o, *cursor) : json_object_iter(o);
    if (!*cursor) return false;
    *key = json_object_iter_key(*cursor);
    if (length) *length = json_object_iter_key_len(*cursor);
    *value = (const json *)json_object_iter_value(*cursor);
    return true;
}

const char *json_text(const json *value, size_t *length) {
    if (!json_is(value, JSON_TEXT)) return NULL;
    if (length) *length = json_string_length(inner(value));
    return json_string_value(inner(value));
}

int64_t json_whole(const json *value, int64_t fallback) {
    return json_is(value, JSON_WHOLE) ? json_integer_value(inner(value)) : fallback;
}

double json_number(const json *value, double fallback) {
    return json_is(value, JSON_WHOLE) || json_is(value, JSON_NUMBER) ? json_number_value(inner(value)) : fallback;
}

bool json_truth(const json *value, bool fallback) {
    return json_is(value, JSON_YES) || (fallback && !json_is(value, JSON_NO));
}

/* ---- writing ---- */

static bool write_escaped(text *t, uint32_t c) {
    if (c < 0x10000) return text_format(t, "\\u%04x", c);
    c -= 0x10000;
    return text_format(t, "\\u%04x\\u%04x", 0xD800 + (c >> 10), 0xDC00 + (c & 0x3FF));
}

static bool write_character(text *t, uint32_t c, const char *bytes, size_t size, bool ascii) {
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c && c < 0x80 ? strchr(special, (char)c) : NULL;
    if (found) return text_add_char(t, '\\') && text_add_char(t, letters[found - special]);
    if (c < 0x20 || (ascii && c > 0x7E)) return write_escaped(t, c);
    return text_append(t, bytes, size);
}

bool json_write_string(text *t, const char *s, size_t length, bool ascii) {
    text_add_char(t, '"');
    for (size_t i = 0; i < length;) {
        uint32_t c = 0;
        size_t size = utf8_decode(s + i, length - i, &c);
        if (!size) return tarn_fail("JSON string: invalid UTF-8 at byte %zu", i);
        write_character(t, c, s + i, size, ascii);
        i += size;
    }
    return text_add_char(t, '"');
}

/* Lays out digits d[0..n) times 10^(exponent - n + 1) as Python does: fixed from 1e-4 up to below 1e16, else scientific. */
static bool write_digits(text *t, const char *d, int n, int exponent) {
    if (exponent < -4 || exponent >= 16)
        return text_format(t, "%c%s%.*se%c%02d", d[0], n > 1 ? "." : "", n - 1, d + 1, exponent < 0 ? '-' : '+', abs(exponent));
    if (exponent < 0) return text_format(t, "0.%.*s%.*s", -exponent - 1, "0000", n, d);
    if (n > exponent + 1) return text_format(t, "%.*s.%.*s", exponent + 1, d, n - exponent - 1, d + exponent + 1);
    return text_format(t, "%.*s%.*s.0", n, d, exponent + 1 - n, "0000000000000000");
}

bool json_write_double(text *t, double value) {
    if (isnan(value)) return text_add(t, "NaN");
    if (signbit(value)) text_add_char(t, '-');
    value = fabs(value);
    if (isinf(value)) return text_add(t, "Infinity");
    char number[40], digits[24];
    int precision = 0;
    do snprintf(number, sizeof number, "%.*e", precision, value);
    while (strtod(number, NULL) != value && precision++ < 17);
    int n = snprintf(digits, sizeof digits, "%c%.*s", number[0], precision, precision ? number + 2 : "");
    return write_digits(t, digits, n, atoi(strchr(number, 'e') + 1));
}
