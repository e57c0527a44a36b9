#include "base/text.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

bool text_append(text *t, const void *bytes, size_t length) {
    if (t->failed) return false;
    if (!vector_make_room((void **)&t->bytes, &t->capacity, t->length, length + 1, 1)) {
        t->failed = true;
        return false;
    }
    if (length) memcpy(t->bytes + t->length, bytes, length);
    t->length += length;
    t->bytes[t->length] = 0;
    return true;
}

bool text_add(text *t, const char *string) {
    return text_append(t, string, strlen(string));
}

bool text_add_sizes(text *t, const int64_t *sizes, int64_t count) {
    text_add_char(t, '[');
    for (int64_t i = 0; i < count; i++) text_format(t, i ? ", %lld" : "%lld", (long long)sizes[i]);
    return text_add_char(t, ']');
}

bool text_add_char(text *t, char c) {
    return text_append(t, &c, 1);
}

bool text_format(text *t, const char *format, ...) {
    char small[256];
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    bool ok = length >= 0;
    if (ok && (size_t)length < sizeof small) {
        ok = text_append(t, small, (size_t)length);
    } else if (ok) {
        char *large = memory_new((size_t)length + 1, 1);
        ok = large && vsnprintf(large, (size_t)length + 1, format, again) == length &&
             text_append(t, large, (size_t)length);
        if (!large) t->failed = true;
        memory_free(large);
    }
    va_end(again);
    return ok;
}

const char *text_string(const text *t) {
    return t->bytes ? t->bytes : "";
}

char *text_take(text *t) {
    if (!t->bytes && !t->failed) text_append(t, "", 0);
    char *taken = t->failed ? NULL : t->bytes;
    if (!taken) memory_free(t->bytes);
    *t = (text){0};
    return taken;
}

void text_clear(text *t) {
    t->length = 0;
    t->failed = false;
    if (t->bytes) t->bytes[0] = 0;
}

void text_free(text *t) {
    memory_free(t->bytes);
    *t = (text){0};
}

size_t utf8_decode(const char *s, size_t length, uint32_t *character) {
    if (length == 0) return 0;
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) return *character = p[0], 1;
    size_t size = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || length < size) return 0;
    uint32_t c = p[0] & (0xFFu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[size] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0;
    *character = c;
    return size;
}

size_t utf8_encode(uint32_t c, char out[4]) {
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[size] | c);
    return size;
}

bool utf8_valid(const char *s, size_t length) {
    uint32_t c;
    for (size_t i = 0, size; i < length; i += size)
        if (!(size = utf8_decode(s + i, length - i, &c))) return false;
    return true;
}

size_t utf8_incomplete(const char *s, size_t length) {
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const unsigned char *p = (const unsigned char *)s + length - back;
        if ((*p & 0xC0) == 0x80) continue;
        size_t size = *p >= 0xF0 ? 4 : *p >= 0xE0 ? 3 : *p >= 0xC2 ? 2 : 1;
        if (size <= back || *p > 0xF4) return 0;
        /* The second byte already decides about overlong forms, surrogates and the upper end. */
        if (back >= 2 && ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
                          (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F)))
            return 0;
        return back;
    }
    return 0;
}
