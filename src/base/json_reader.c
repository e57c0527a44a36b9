#include "base/json_reader.h"

#include <string.h>

#include "base/words.h"
#include "tarn/error.h"

bool json_fail_at(const char *bytes, size_t at, const char *name, const char *what) {
    size_t line = 1, start = 0;
    for (size_t i = 0; i < at; i++)
        if (bytes[i] == '\n') line++, start = i + 1;
    return tarn_fail("%s: line %zu, column %zu: %s", name, line, at - start + 1, what);
}

static bool fail(const json_reader *r, const char *what) {
    return json_fail_at(r->bytes, r->at, r->name, r->at < r->length ? what : "the text ends too early");
}

static char byte_at(const json_reader *r, size_t at) {
    return at < r->length ? r->bytes[at] : 0;
}

char json_reader_peek(json_reader *r) {
    while (r->at < r->length &&
           (r->bytes[r->at] == ' ' || r->bytes[r->at] == '\n' || r->bytes[r->at] == '\r' || r->bytes[r->at] == '\t'))
        r->at++;
    return byte_at(r, r->at);
}

static bool expect(json_reader *r, char c, const char *what) {
    if (json_reader_peek(r) != c) return fail(r, what);
    r->at++;
    return true;
}

/* ---- lists and dictionaries ---- */

bool json_reader_open(json_reader *r, char bracket) {
    if (r->depth == JSON_DEPTH) return fail(r, "nested deeper than 64");
    if (!expect(r, bracket, bracket == '[' ? "'[' expected" : "'{' expected")) return false;
    r->close[r->depth++] = bracket == '[' ? ']' : '}';
    r->first = true;
    return true;
}

int json_reader_next(json_reader *r) {
    char close = r->close[r->depth - 1];
    if (json_reader_peek(r) == close) {
        r->at++;
        r->depth--;
        r->first = false;
        return 0;
    }
    bool first = r->first;
    r->first = false;
    return first || expect(r, ',', close == ']' ? "']' or ',' expected" : "'}' or ',' expected") ? 1 : -1;
}

/* ---- strings ---- */

/* The four digits of \uXXXX, whose backslash is at the cursor; -1 if they are none. */
static int32_t escaped_unit(const json_reader *r, size_t at) {
    static const char digits[] = "0123456789abcdef";
    int32_t unit = 0;
    if (byte_at(r, at) != '\\' || byte_at(r, at + 1) != 'u') return -1;
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = byte_at(r, i), lower = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
        const char *digit = c ? strchr(digits, lower) : NULL;
        if (!digit) return -1;
        unit = unit * 16 + (int32_t)(digit - digits);
    }
    return unit;
}

static bool add_unit(json_reader *r) {
    int32_t unit = escaped_unit(r, r->at), low = escaped_unit(r, r->at + 6);
    if (unit < 0) return fail(r, "\\u without four digits");
    bool high = unit >= 0xD800 && unit < 0xDC00, pair = high && low >= 0xDC00 && low < 0xE000;
    if (unit >= 0xD800 && unit < 0xE000 && !pair) return fail(r, "half of a surrogate pair");
    uint32_t c = pair ? 0x10000 + ((uint32_t)(unit - 0xD800) << 10) + (uint32_t)(low - 0xDC00) : (uint32_t)unit;
    char encoded[4];
    r->at += pair ? 12 : 6;
    return text_append(&r->decoded, encoded, utf8_encode(c, encoded));
}

static bool add_escape(json_reader *r) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = byte_at(r, r->at + 1);
    if (c == 'u') return add_unit(r);
    const char *found = c ? strchr(letters, c) : NULL;
    if (!found) return fail(r, "an unknown escape");
    r->at += 2;
    return text_add_char(&r->decoded, meant[found - letters]);
}

/* How many of the eight bytes there are ASCII and stand for themselves. */
static size_t plain_bytes(const char *bytes) {
    uint64_t word = word_at(bytes), marks = word_equal(word, '"') | word_equal(word, '\\') | word_below(word, 0x20);
    marks |= word & WORD_OF(0x80);
    return marks ? word_first(marks) : 8;
}

/* Bytes of the character at the cursor, which is not ASCII; 0: it is none. */
static size_t character_size(const json_reader *r, size_t at) {
    unsigned char c = (unsigned char)r->bytes[at];
    uint32_t character;
    if (c >= 0xC2 && c < 0xE0 && (byte_at(r, at + 1) & 0xC0) == 0x80) return 2;
    return utf8_decode(r->bytes + at, r->length - at, &character);
}

/* Steps over characters that stand for themselves. */
static bool plain_run(json_reader *r) {
    for (size_t at = r->at; at < r->length;) {
        size_t plain = r->length - at >= 8 ? plain_bytes(r->bytes + at) : 0;
        r->at = at += plain;
        if (plain == 8) continue;
        unsigned char c = (unsigned char)r->bytes[at];
        if (c == '"' || c == '\\') return true;
        size_t size = c < 0x20 ? 0 : c < 0x80 ? 1 : character_size(r, at);
        if (!size) return fail(r, c < 0x20 ? "a control character in a string" : "invalid UTF-8");
        r->at = at += size;
    }
    return fail(r, "");
}

/* The rest of a string from its first escape on; what came before begins at `from`. */
static bool decode_string(json_reader *r, size_t from) {
    text_clear(&r->decoded);
    bool ok = text_append(&r->decoded, r->bytes + from, r->at - from);
    while (ok && byte_at(r, r->at) == '\\') {
        ok = add_escape(r);
        size_t run = r->at;
        ok = ok && plain_run(r) && text_append(&r->decoded, r->bytes + run, r->at - run);
    }
    return ok;
}

bool json_reader_string(json_reader *r, const char **s, size_t *length) {
    if (!expect(r, '"', "a string expected")) return false;
    size_t from = r->at;
    if (!plain_run(r)) return false;
    *s = r->bytes + from;
    *length = r->at - from;
    r->escaped = r->bytes[r->at] == '\\';
    if (r->escaped) {
        if (!decode_string(r, from)) return false;
        *s = text_string(&r->decoded);
        *length = r->decoded.length;
    }
    r->at++;
    return true;
}

bool json_reader_key(json_reader *r, const char **s, size_t *length) {
    return json_reader_string(r, s, length) && expect(r, ':', "':' expected");
}

/* ---- numbers ---- */

bool json_reader_whole(json_reader *r, int64_t *value) {
    bool negative = json_reader_peek(r) == '-';
    size_t at = r->at + negative, first = at;
    int64_t n = 0;
    for (; byte_at(r, at) >= '0' && byte_at(r, at) <= '9'; at++) {
        int digit = r->bytes[at] - '0';
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
            return fail(r, "an integer of more than 64 bits");
    }
    bool zeros = byte_at(r, first) == '0' && at > first + 1;
    char next = byte_at(r, at);
    if (at == first || zeros || (next && strchr(".eE", next))) return fail(r, "a whole number expected");
    if (!negative && n == INT64_MIN) return fail(r, "an integer of more than 64 bits");
    *value = negative ? n : -n;
    r->at = at;
    return true;
}

bool json_reader_null(json_reader *r) {
    if (json_reader_peek(r) != 'n' || r->length - r->at < 4 || memcmp(r->bytes + r->at, "null", 4) != 0)
        return fail(r, "null expected");
    r->at += 4;
    return true;
}

void json_reader_free(json_reader *r) {
    text_free(&r->decoded);
}
