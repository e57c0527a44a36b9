/* Writing JSON stops at strings and numbers; what stands around them, the caller writes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tarn/error.h"

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

/* Lays out digits d[0..n) times 10^(exponent - n + 1) as Python does: fixed from 1e-4 up to below 1e16, else
 * scientific. */
static bool write_digits(text *t, const char *d, int n, int exponent) {
    if (exponent < -4 || exponent >= 16)
        return text_format(t, "%c%s%.*se%c%02d", d[0], n > 1 ? "." : "", n - 1, d + 1, exponent < 0 ? '-' : '+',
                           abs(exponent));
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
