#include "base/json_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/words.h"
#include "tarn/error.h"

enum { INT64_DIGITS = 19 };

static bool fail(const json_scan *s, const char *what) {
    return json_fail_at(s->bytes, s->at, s->name, what);
}

/* In the copy, `with` stands in place of bytes [from, to). */
static bool replace(json_scan *s, size_t from, size_t to, const char *with, size_t length) {
    bool ok = text_append(&s->copy, s->bytes + s->taken, from - s->taken) && text_append(&s->copy, with, length);
    s->taken = to;
    return ok;
}

/* The same in as many bytes, so that places in the copy are places in the text. */
static bool replace_padded(json_scan *s, size_t from, size_t to, const char *with, size_t length) {
    if (!replace(s, from, to, with, length)) return false;
    for (size_t i = length; i < to - from; i++)
        if (!text_add_char(&s->copy, ' ')) return false;
    return true;
}

/* Behind the quote that ends a string, or the end of the text. */
static size_t string_end(const char *bytes, size_t at, size_t length) {
    while (at < length) {
        if (length - at >= 8) {
            uint64_t word = word_at(bytes + at), marks = word_equal(word, '"') | word_equal(word, '\\');
            at += marks ? word_first(marks) : 8;
            if (!marks) continue;
        }
        if (bytes[at] == '"') return at + 1;
        at += bytes[at] == '\\' ? 2 : 1;
    }
    return length;
}

/* Steps over a string; an unterminated one is left to the parser. */
static void skip_string(json_scan *s) {
    s->at = string_end(s->bytes, s->at + 1, s->length);
}

/* ---- numbers ---- */

/* Integers beyond int64 become reals of 17 digits, an E and an exponent, which fits into as many bytes from 19 digits
 * on. */
static bool replace_integer(json_scan *s, size_t from, size_t to) {
    char number[512], shortened[64];
    size_t length = to - from;
    if (s->exact) return fail(s, "an integer of more than 64 bits is not supported");
    if (length >= sizeof number) return fail(s, "a number of more than 500 digits");
    memcpy(number, s->bytes + from, length);
    number[length] = 0;
    double value = strtod(number, NULL);
    if (isinf(value)) return fail(s, "an integer too large even for a double");
    snprintf(number, sizeof number, "%.16e", value);
    int exponent = atoi(strchr(number, 'e') + 1);
    int n = snprintf(shortened, sizeof shortened, "%c%.16sE%d", number[0], number + 2, exponent - 16);
    return replace_padded(s, from, to, shortened, (size_t)n);
}

static bool scan_number(json_scan *s) {
    size_t from = s->at, to = from;
    bool integer = true;
    for (; to < s->length &&
           (strchr("+-.eE", s->bytes[to]) ? s->bytes[to] != 0 : s->bytes[to] >= '0' && s->bytes[to] <= '9');
         to++)
        integer = integer && s->bytes[to] >= '0' && s->bytes[to] <= '9';
    bool ok = true;
    if (integer && to - from >= INT64_DIGITS && s->bytes[from] != '0') {
        bool negative = from > 0 && s->bytes[from - 1] == '-';
        int order = to - from > INT64_DIGITS
                        ? 1
                        : memcmp(s->bytes + from, negative ? "9223372036854775808" : "9223372036854775807", 19);
        ok = order <= 0 || replace_integer(s, from, to);
    }
    s->at = to;
    s->numbers++;
    return ok;
}

static bool begins(const json_scan *s, const char *word) {
    size_t length = strlen(word);
    return s->length - s->at >= length && memcmp(s->bytes + s->at, word, length) == 0;
}

/* A zero for the parser; a blank in front keeps it apart from what should not stand there. */
static bool scan_not_finite_number(json_scan *s) {
    static const char *const words[] = {
        [SCAN_NAN] = "NaN", [SCAN_INFINITY] = "Infinity", [SCAN_NEGATIVE_INFINITY] = "-Infinity"};
    for (scan_kind kind = SCAN_NAN; kind <= SCAN_NEGATIVE_INFINITY; kind++) {
        if (!begins(s, words[kind])) continue;
        size_t end = s->at + strlen(words[kind]);
        bool ok = vector_push(&s->not_finite, ((scan_not_finite){s->numbers++, kind})) &&
                  replace_padded(s, s->at, end, " 0", 2);
        s->at = end;
        return ok;
    }
    s->at++;
    return true;
}

/* ---- values that are left out ---- */

static bool is_path(const json_scan *s, const char *path) {
    for (int level = 1; level <= s->depth; level++) {
        size_t size = strcspn(path, "."), length = s->keys[level].length;
        if (size != length || memcmp(path, s->bytes + s->keys[level].from, size) != 0) return false;
        path += size;
        if ((*path == '.') != (level < s->depth)) return false;
        path += *path == '.';
    }
    return true;
}

static size_t skip_blanks(const json_scan *s, size_t at) {
    while (at < s->length &&
           (s->bytes[at] == ' ' || s->bytes[at] == '\n' || s->bytes[at] == '\t' || s->bytes[at] == '\r'))
        at++;
    return at;
}

/* Steps over the list or dictionary at the cursor, to the bracket that closes it or the end of the text; the number of
 * its items. */
static size_t skip_value(json_scan *s) {
    static const bool counts[256] = {
        ['"'] = true, ['{'] = true, ['['] = true, ['}'] = true, [']'] = true, [','] = true};
    const char *bytes = s->bytes;
    size_t items = 1, at = s->at, length = s->length;
    for (int depth = 0; at < length;) {
        char c = bytes[at++];
        if (!counts[(unsigned char)c]) continue;
        if (c == '"') at = string_end(bytes, at, length);
        if (c == '{' || c == '[') depth++;
        if (c == ',' && depth == 1) items++;
        if ((c == '}' || c == ']') && --depth == 0) break;
    }
    s->at = at;
    return items;
}

static bool leave_out(json_scan *s, json_reader *reader) {
    size_t from = s->at, items = skip_value(s);
    if (reader->bytes || s->shift_count == sizeof s->shifts / sizeof *s->shifts)
        return true; /* a key twice: the parser will say so */
    *reader = (json_reader){.bytes = s->bytes, .name = s->name, .at = from, .length = s->at, .count = items};
    if (!replace(s, from, s->at, "null", 4)) return false;
    s->shifts[s->shift_count][0] = s->copy.length;
    s->shifts[s->shift_count++][1] = s->at - from - 4;
    return true;
}

/* A string; if it is a key and the path to it is one of those to leave out, its value too. */
static bool scan_string(json_scan *s) {
    size_t from = s->at + 1;
    skip_string(s);
    if (s->depth < 1 || s->depth > SCAN_KEYS || !s->path_count) return true;
    size_t colon = skip_blanks(s, s->at);
    if (colon >= s->length || s->bytes[colon] != ':') return true;
    s->keys[s->depth].from = from;
    s->keys[s->depth].length = s->at - 1 - from;
    size_t value = skip_blanks(s, colon + 1);
    if (value >= s->length || (s->bytes[value] != '{' && s->bytes[value] != '[')) return true;
    for (size_t i = 0; i < s->path_count; i++) {
        if (!is_path(s, s->paths[i])) continue;
        s->at = value;
        return leave_out(s, &s->readers[i]);
    }
    return true;
}

/* ---- the scan ---- */

static bool scan_next(json_scan *s) {
    char c = s->bytes[s->at];
    if (c == '"') return scan_string(s);
    if (c >= '0' && c <= '9') return scan_number(s);
    if (c == 'N' || c == 'I' || c == '-') return scan_not_finite_number(s);
    if ((c == '{' || c == '[') && ++s->depth > JSON_DEPTH) return fail(s, "nested deeper than 64");
    if (c == '}' || c == ']') s->depth--;
    s->at++;
    return true;
}

const char *json_scan_text(json_scan *s, size_t *length) {
    while (s->at < s->length)
        if (!scan_next(s)) return NULL;
    *length = s->length;
    if (!s->taken) return s->bytes;
    if (!replace(s, s->length, s->length, "", 0)) return NULL;
    *length = s->copy.length;
    return text_string(&s->copy);
}

size_t json_scan_place(const json_scan *s, size_t read) {
    size_t place = read;
    for (size_t i = 0; i < s->shift_count; i++)
        if (read >= s->shifts[i][0]) place += s->shifts[i][1];
    return place ? place - 1 : 0;
}

void json_scan_free(json_scan *s) {
    vector_free(&s->not_finite);
    text_free(&s->copy);
}
