/* base/json: values, order, limits, errors with their place, and the two writers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "tarn/error.h"

static int failures;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            failures++,                                                                                                \
                printf("%s:%d: failed: %s (%s)\n", __FILE__, __LINE__, #condition, tarn_error() ? tarn_error() : "");  \
    } while (0)

static json *parse(const char *s) {
    return json_parse(s, strlen(s), "text.json");
}

/* The text is refused and the message has both parts. */
static void refused(const char *s, size_t length, const char *place, const char *words) {
    json *root = json_parse(s, length, "text.json");
    const char *message = tarn_error();
    if (root || !message || !strstr(message, place) || !strstr(message, words) || !strstr(message, "text.json"))
        failures++,
            printf("not refused with '%s' and '%s': %.60s: %s\n", place, words, s, message ? message : "no error");
    json_free(root);
    tarn_clear_error();
}

static void test_values(void) {
    json *r = parse("{\"a\": 1, \"b\": -9223372036854775808, \"c\": 1.5e3, \"d\": \"x\\u0000y\", \"e\": [true, false, "
                    "null], \"f\": {}}");
    CHECK(r && json_is(r, JSON_DICTIONARY) && json_count(r) == 6);
    CHECK(json_whole(json_get(r, "a"), 7) == 1);
    CHECK(json_whole(json_get(r, "b"), 7) == INT64_MIN);
    CHECK(json_is(json_get(r, "c"), JSON_NUMBER) && json_number(json_get(r, "c"), 0) == 1500.0);
    CHECK(json_whole(json_get(r, "c"), 7) == 7 && json_number(json_get(r, "a"), 0) == 1.0);
    size_t length = 0;
    const char *s = json_text(json_get(r, "d"), &length);
    CHECK(s && length == 3 && !memcmp(s, "x\0y", 4) && !json_text(json_get(r, "d"), NULL));
    const json *e = json_get(r, "e");
    CHECK(json_count(e) == 3 && json_truth(json_at(e, 0), false) && !json_truth(json_at(e, 1), true));
    CHECK(json_is(json_at(e, 2), JSON_NOTHING) && json_truth(json_at(e, 2), true) && !json_truth(json_at(e, 2), false));
    CHECK(!json_at(e, 3) && !json_get(r, "z") && !json_get(e, "a") && !json_is(NULL, JSON_NOTHING) &&
          json_kind_of(NULL) == JSON_NOTHING);
    CHECK(json_count(NULL) == 0 && json_count(json_get(r, "a")) == 0 && !json_text(json_get(r, "a"), NULL));
    json_free(r);
    json_free(NULL);
}

static void test_order(void) {
    json *r = parse("{\"z\": 0, \"a\": 1, \"m\": 2, \"\": 3, \"\\u00e9\": 4}");
    static const char *const keys[] = {"z", "a", "m", "", "\xC3\xA9"};
    void *cursor = NULL;
    const char *key;
    const json *value;
    size_t length;
    int64_t i = 0;
    for (; json_each(r, &cursor, &key, &length, &value); i++)
        CHECK(i < 5 && !strcmp(key, keys[i]) && length == strlen(keys[i]) && json_whole(value, -1) == i);
    CHECK(i == 5);
    cursor = NULL;
    CHECK(!json_each(json_get(r, "z"), &cursor, &key, NULL, &value));
    json_free(r);
}

static void test_large_integers(void) {
    json *r = parse("[1000000000000000019884624838656, -9223372036854775809, 9223372036854775808, 9223372036854775807, "
                    "18446744073709551615,"
                    "99999999999999999999, 1e5]");
    CHECK(json_is(json_at(r, 0), JSON_NUMBER) && json_number(json_at(r, 0), 0) == 1000000000000000019884624838656.0);
    CHECK(json_is(json_at(r, 1), JSON_NUMBER) && json_number(json_at(r, 1), 0) == -9223372036854775808.0);
    CHECK(json_is(json_at(r, 2), JSON_NUMBER) && json_number(json_at(r, 2), 0) == 9223372036854775808.0);
    CHECK(json_whole(json_at(r, 3), 0) == INT64_MAX);
    CHECK(json_number(json_at(r, 4), 0) == 18446744073709551615.0 && json_number(json_at(r, 5), 0) == 1e20);
    CHECK(json_number(json_at(r, 6), 0) == 1e5);
    json_free(r);
}

static void test_errors(void) {
#define REFUSED(s, place, words) refused(s, sizeof(s) - 1, place, words)
    REFUSED("", "line 1", "");
    REFUSED("{\n  \"a\": 1,\n  \"b\" 2}", "line 3", "':' expected");
    REFUSED("{\"a\": 1} x", "line 1", "end of file expected");
    REFUSED("{\"a\": 1, \"a\": 2}", "line 1", "duplicate");
    REFUSED("\"\xC3\x28\"", "line 1", "unable to decode byte");
    REFUSED("\"\xED\xA0\x80\"", "line 1", "unable to decode byte");
    REFUSED("[1,\n 2,\n NaN1]", "line 3", "']'");
    REFUSED("[1NaN]", "line 1", "']'");
    REFUSED("[aNaN]", "line 1", "invalid token");
    REFUSED("[--Infinity]", "line 1", "invalid token");
    REFUSED("[Nan]", "line 1", "invalid token");
    REFUSED("[1, ]", "line 1", "']'");
    REFUSED("[01]", "line 1", "");
    REFUSED("\"abc", "line 1", "");
    REFUSED("\"abc\\", "line 1", "");
    REFUSED("[\"\\ud800\"]", "line 1", "Unicode");
    REFUSED("// no\n1", "line 1", "");
#undef REFUSED
    char digits[700];
    memset(digits, '9', sizeof digits);
    refused(digits, 400, "line 1, column 1", "too large");
    refused(digits, 700, "line 1, column 1", "more than 500 digits");
}

static void test_not_finite(void) {
    json *r = parse("{\"a\": [1, -Infinity, 2.5, {\"b\": NaN}], \"c\": Infinity, \"d\": \"NaN\", \"e\": 3}");
    const json *a = json_get(r, "a");
    CHECK(json_whole(json_at(a, 0), 0) == 1 && json_number(json_at(a, 1), 0) == -(double)INFINITY &&
          json_number(json_at(a, 2), 0) == 2.5);
    CHECK(json_is(json_at(a, 1), JSON_NUMBER) && json_is(json_get(r, "c"), JSON_NUMBER) &&
          isnan(json_number(json_get(json_at(a, 3), "b"), 0)));
    CHECK(json_number(json_get(r, "c"), 0) == (double)INFINITY && json_whole(json_get(r, "c"), 7) == 7 &&
          json_whole(json_get(r, "e"), 0) == 3);
    json_free(r);
    r = parse("NaN");
    CHECK(json_is(r, JSON_NUMBER) && isnan(json_number(r, 0)) && json_count(r) == 0 && !json_truth(r, false) &&
          !json_text(r, NULL));
    json_free(r);
    CHECK(!json_parse_exact("[1, 9223372036854775808]", 24, "text.json") &&
          strstr(tarn_error(), "line 1, column 5: an integer of more than 64 bits"));
    tarn_clear_error();
    r = json_parse_exact("[-9223372036854775808, 1e300]", 29, "text.json");
    CHECK(json_whole(json_at(r, 0), 0) == INT64_MIN);
    json_free(r);
}

/* ---- reading piece by piece */

static json_reader reader_of(const char *s, size_t length) {
    return (json_reader){.bytes = s, .name = "text.json", .length = length};
}

static void test_reader(void) {
    const char s[] = " { \"a\\u00e9\\n\\ud83d\\ude00\" : [ 1 , -9223372036854775808,9223372036854775807 ], "
                     "\"\\u0000\xC3\xA9\":{},\"\":0}";
    json_reader r = reader_of(s, sizeof s - 1);
    const char *key = NULL;
    size_t length = 0;
    int64_t n = 0;
    CHECK(json_reader_peek(&r) == '{' && json_reader_open(&r, '{') && json_reader_next(&r) == 1 &&
          json_reader_key(&r, &key, &length));
    CHECK(length == 8 && !memcmp(key, "a\xC3\xA9\n\xF0\x9F\x98\x80", 8) && json_reader_open(&r, '['));
    CHECK(json_reader_next(&r) == 1 && json_reader_whole(&r, &n) && n == 1 && json_reader_next(&r) == 1 &&
          json_reader_whole(&r, &n) && n == INT64_MIN);
    CHECK(json_reader_next(&r) == 1 && json_reader_whole(&r, &n) && n == INT64_MAX && json_reader_next(&r) == 0);
    CHECK(json_reader_next(&r) == 1 && json_reader_key(&r, &key, &length) && length == 3 &&
          !memcmp(key, "\0\xC3\xA9", 3));
    CHECK(json_reader_open(&r, '{') && json_reader_next(&r) == 0 && json_reader_next(&r) == 1 &&
          json_reader_key(&r, &key, &length) && length == 0);
    CHECK(json_reader_whole(&r, &n) && n == 0 && json_reader_next(&r) == 0 && json_reader_peek(&r) == 0);
    json_reader_free(&r);
}

/* Reads a list of strings, whole numbers or nulls to its end. */
static bool walk(json_reader *r) {
    const char *s;
    size_t length;
    int64_t n;
    int more = json_reader_open(r, '[') ? json_reader_next(r) : -1;
    while (more > 0) {
        char kind = json_reader_peek(r);
        bool ok = kind == '"'   ? json_reader_string(r, &s, &length)
                  : kind == 'n' ? json_reader_null(r)
                                : json_reader_whole(r, &n);
        more = ok ? json_reader_next(r) : -1;
    }
    return more == 0;
}

static void reader_refuses(const char *s, size_t length, const char *words) {
    json_reader r = reader_of(s, length);
    if (walk(&r) || !tarn_error() || !strstr(tarn_error(), words))
        failures++, printf("the reader did not refuse with '%s': %.60s: %s\n", words, s,
                           tarn_error() ? tarn_error() : "no error");
    json_reader_free(&r);
    tarn_clear_error();
}

static void test_reader_errors(void) {
#define REFUSES(s, words) reader_refuses(s, sizeof(s) - 1, words)
    REFUSES("", "too early");
    REFUSES("[", "too early");
    REFUSES("[\"abc", "too early");
    REFUSES("[\"abc\\", "unknown escape");
    REFUSES("[\"\\u12", "four digits");
    REFUSES("[null, nul", "null expected");
    REFUSES("[null, nulx]", "null expected");
    REFUSES("[1,\n 2,]", "line 2, column 4: a whole number expected");
    REFUSES("[1 2]", "']' or ',' expected");
    REFUSES("[01]", "a whole number expected");
    REFUSES("[-]", "a whole number expected");
    REFUSES("[1.5]", "a whole number expected");
    REFUSES("[1e3]", "a whole number expected");
    REFUSES("[true]", "a whole number expected");
    REFUSES("[9223372036854775808]", "more than 64 bits");
    REFUSES("[-9223372036854775809]", "more than 64 bits");
    REFUSES("[\"\\ud800\"]", "surrogate");
    REFUSES("[\"\\udc00\\ud800\"]", "surrogate");
    REFUSES("[\"\\x\"]", "unknown escape");
    REFUSES("[\"a\nb\"]", "control character");
    REFUSES("[\"\xC3\x28\"]", "line 1, column 3: invalid UTF-8");
    REFUSES("[\"\xED\xA0\x80\"]", "invalid UTF-8");
#undef REFUSES
    char nested[JSON_DEPTH + 1];
    memset(nested, '[', sizeof nested);
    json_reader r = reader_of(nested, sizeof nested);
    for (int i = 0; i < JSON_DEPTH; i++) CHECK(json_reader_open(&r, '[') && json_reader_next(&r) == 1);
    CHECK(!json_reader_open(&r, '[') && strstr(tarn_error(), "deeper than 64"));
    tarn_clear_error();
}

static void test_left_out(void) {
    static const char *const paths[] = {"m.v", "m.w", "k"};
    const char s[] = "{\"a\": 1,\n \"m\": {\"v\" : {\"x\": 1, \"}]\\\"\": [2, 3]}, \"n\": 5, \"w\": [\"p\", \"q\"]},\n "
                     "\"v\": [9], \"k\": "
                     "7, \"z\": NaN}";
    json_reader r[3];
    json *root = json_parse_around(s, sizeof s - 1, "text.json", paths, r, 3);
    const json *m = json_get(root, "m");
    CHECK(json_count(root) == 5 && json_count(m) == 3 && json_is(json_get(m, "v"), JSON_NOTHING) &&
          json_is(json_get(m, "w"), JSON_NOTHING));
    CHECK(json_whole(json_get(m, "n"), 0) == 5 && json_whole(json_get(root, "k"), 0) == 7 &&
          json_whole(json_at(json_get(root, "v"), 0), 0) == 9);
    CHECK(r[0].bytes && r[0].count == 2 && r[1].bytes && r[1].count == 2 && !r[2].bytes &&
          isnan(json_number(json_get(root, "z"), 0)));
    CHECK(json_reader_peek(&r[0]) == '{' && walk(&r[1]) && json_reader_peek(&r[1]) == 0);
    json_free(root);
    const char twice[] = "{\"m\": {\"v\": [1], \"v\": [2]}}", late[] = "{\"m\": {\"v\": [1, 2, 3]},\n  \"x\" 5}",
               open[] = "{\"m\": {\"v\": [1, 2";
    CHECK(!json_parse_around(twice, sizeof twice - 1, "text.json", paths, r, 3) && strstr(tarn_error(), "duplicate"));
    tarn_clear_error();
    CHECK(!json_parse_around(late, sizeof late - 1, "text.json", paths, r, 3) &&
          strstr(tarn_error(), "line 2, column 7: ':' expected"));
    tarn_clear_error();
    CHECK(!json_parse_around(open, sizeof open - 1, "text.json", paths, r, 3) &&
          strstr(tarn_error(), "line 1, column 17: '}' expected"));
    tarn_clear_error();
}

static void test_depth(void) {
    char nested[200] = {0};
    memset(nested, '[', 64);
    memset(nested + 64, ']', 64);
    json *r = json_parse(nested, 128, "text.json");
    CHECK(r);
    json_free(r);
    memset(nested, '[', 65);
    memset(nested + 65, ']', 65);
    refused(nested, 130, "line 1, column 65", "nested deeper than 64");
    const char strings[] = "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"";
    r = parse(strings);
    CHECK(r && json_is(r, JSON_TEXT));
    json_free(r);
}

static void test_memory(void) {
    memory_fail_at(1);
    json *r = parse("[1000000000000000019884624838656]");
    memory_fail_at(0);
    CHECK(!r && tarn_error() && strstr(tarn_error(), "memory"));
    json_free(r);
    tarn_clear_error();
}

static void written_string(const char *s, size_t length, bool ascii, const char *expected) {
    text t = {0};
    CHECK(json_write_string(&t, s, length, ascii));
    if (strcmp(text_string(&t), expected)) failures++, printf("wrote %s, not %s\n", text_string(&t), expected);
    text_free(&t);
}

static void written_double(double value, const char *expected) {
    text t = {0};
    CHECK(json_write_double(&t, value));
    if (strcmp(text_string(&t), expected)) failures++, printf("wrote %s, not %s\n", text_string(&t), expected);
    text_free(&t);
}

static void test_writers(void) {
    written_string("a\"b\\c\b\f\n\r\t\x01\x7F/", 13, false, "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\x7F/\"");
    written_string("\0", 1, true, "\"\\u0000\"");
    written_string("\xC3\xA9\xF0\x9F\x98\x80", 6, false, "\"\xC3\xA9\xF0\x9F\x98\x80\"");
    written_string("\xC3\xA9\xF0\x9F\x98\x80", 6, true, "\"\\u00e9\\ud83d\\ude00\"");
    text t = {0};
    CHECK(!json_write_string(&t, "\xFF", 1, false) && strstr(tarn_error(), "UTF-8"));
    tarn_clear_error();
    text_free(&t);
    written_double(1, "1.0");
    written_double(0, "0.0");
    written_double(-0.0, "-0.0");
    written_double(1e-5, "1e-05");
    written_double(0.0001, "0.0001");
    written_double(0.1, "0.1");
    written_double(123.456, "123.456");
    written_double(1e15, "1000000000000000.0");
    written_double(1e16, "1e+16");
    written_double(1.5e300, "1.5e+300");
    written_double(-2.2250738585072014e-308, "-2.2250738585072014e-308");
    written_double(5e-324, "5e-324");
    written_double(9007199254740993.0, "9007199254740992.0");
    written_double(0.30000000000000004, "0.30000000000000004");
    written_double((double)NAN, "NaN");
    written_double(-(double)INFINITY, "-Infinity");
}

int main(void) {
    test_values();
    test_order();
    test_large_integers();
    test_errors();
    test_not_finite();
    test_reader();
    test_reader_errors();
    test_left_out();
    test_depth();
    test_memory();
    test_writers();
    CHECK(tarn_ok());
    printf(failures ? "%d failures\n" : "json: ok\n", failures);
    return failures != 0;
}
