/* Numbers and strings as they are written: Python's rules for escapes, underscores and radixes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "template/parser.h"

/* The token without underscores, NUL-ended; false if it is longer than the buffer. */
static bool plain(const token *t, char *buffer, size_t size) {
    size_t length = 0;
    for (size_t i = 0; i < t->length; i++) {
        if (t->start[i] == '_') continue;
        if (length + 1 >= size) return false;
        buffer[length++] = t->start[i];
    }
    buffer[length] = 0;
    return true;
}

value literal_integer(parser *p, const token *t) {
    char digits[128];
    bool fits = plain(t, digits, sizeof digits);
    char kind = fits && digits[0] == '0' ? (char)(digits[1] | 0x20) : 0;
    int radix = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 10;
    errno = 0;
    long long n = fits ? strtoll(digits + (radix == 10 ? 0 : 2), NULL, radix) : 0;
    if (!fits || errno) return parse_fail(p, t, "the integer does not fit in 64 bits"), FAILED;
    return integer_value(n);
}

value literal_real(parser *p, const token *t) {
    char digits[512];
    if (!plain(t, digits, sizeof digits)) return parse_fail(p, t, "the number is too long"), FAILED;
    return real_value(strtod(digits, NULL));
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \xHH, \uHHHH, \UHHHHHHHH: `s` stands behind the letter. Returns the bytes read, or 0 with the error set. */
static size_t hex_escape(parser *p, const token *t, const char *s, const char *end, size_t digits, text *out) {
    uint32_t c = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = s + i < end ? hex_digit(s[i]) : -1;
        if (digit < 0) return parse_fail(p, t, "truncated \\%c escape in a string", s[-1]), 0;
        c = c << 4 | (uint32_t)digit;
    }
    char bytes[4];
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
        return parse_fail(p, t, "\\%c%.*s is no character", s[-1], (int)digits, s), 0;
    return text_append(out, bytes, utf8_encode(c, bytes)) ? digits : 0;
}

static size_t octal_escape(const char *s, const char *end, text *out) {
    uint32_t c = 0;
    size_t i = 0;
    char bytes[4];
    for (; i < 3 && s + i < end && s[i] >= '0' && s[i] <= '7'; i++) c = c << 3 | (uint32_t)(s[i] - '0');
    return text_append(out, bytes, utf8_encode(c, bytes)) ? i : 0;
}

/* What follows a backslash; returns the bytes read, or 0 on failure. Unknown escapes stay as they are. */
static size_t escape(parser *p, const token *t, const char *s, const char *end, text *out) {
    static const char letters[] = "ntr\\'\"abfv", meanings[] = "\n\t\r\\'\"\a\b\f\v";
    const char *known = *s ? strchr(letters, *s) : NULL;
    if (known) return text_add_char(out, meanings[known - letters]);
    if (*s == '\n') return 1;
    if (*s >= '0' && *s <= '7') return octal_escape(s, end, out);
    size_t digits = *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
    if (digits) {
        size_t read = hex_escape(p, t, s + 1, end, digits, out);
        return read ? read + 1 : 0;
    }
    if (*s == 'N') return parse_fail(p, t, "character names (\\N{…}) are not supported"), 0;
    return text_add_char(out, '\\') && text_append(out, s, 1);
}

bool literal_string(parser *p, const token *t, text *out) {
    const char *s = t->start + 1, *end = t->start + t->length - 1;
    while (s < end) {
        const char *slash = memchr(s, '\\', (size_t)(end - s));
        if (!slash) return text_append(out, s, (size_t)(end - s));
        size_t read;
        if (!text_append(out, s, (size_t)(slash - s)) || !(read = escape(p, t, slash + 1, end, out))) return false;
        s = slash + 1 + read;
    }
    return true;
}
