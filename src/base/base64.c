#include "base/base64.h"

/* 0 to 63, or -1. */
static int digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *s, size_t length, text *out) {
    if (length % 4) return false;
    size_t padding = length && s[length - 1] == '=' ? 1 + (s[length - 2] == '=') : 0, digits = length - padding;
    uint32_t bits = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = digit(s[i]);
        if (value < 0) return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 && !text_add_char(out, (char)(bits >> (6 - 2 * (i % 4))))) return false;
    }
    return (bits & ((1U << 2 * padding) - 1)) == 0; /* what hangs over the last byte */
}
