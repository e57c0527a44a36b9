#include "lm/tokenizer/unicode.h"

#include <utf8proc.h>

#include "base/memory.h"
#include "base/vector.h"
#include "tarn/error.h"

typedef VECTOR(utf8proc_int32_t) characters;

static int combining_class(utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
}

/* utf8proc_decompose sorts marks by swapping neighbours, which takes quadratic time on hostile text; so marks are put in order here. */
static bool decompose(const char *s, size_t length, bool compatible, characters *out) {
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    enum { LONGEST = 32 }; /* U+FDFA has 18 */
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += utf8_decode(s + i, length - i, &c);
        if (!vector_reserve(out, LONGEST)) return false;
        int last_class = 0;
        utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, out->items + out->count, LONGEST, options, &last_class);
        if (n < 0 || n > LONGEST) return tarn_fail("Unicode normalization: %s", utf8proc_errmsg(n));
        out->count += (size_t)n;
    }
    return true;
}

/* A stable counting sort of one run of marks by combining class. */
static bool sort_run(utf8proc_int32_t *run, size_t count) {
    size_t start[257] = {0};
    bool sorted = true;
    for (size_t i = 0; i < count; i++) {
        start[combining_class(run[i]) + 1]++;
        sorted = sorted && (i == 0 || combining_class(run[i - 1]) <= combining_class(run[i]));
    }
    if (sorted) return true;
    for (int i = 1; i < 257; i++) start[i] += start[i - 1];
    utf8proc_int32_t *copy = memory_copy(run, count * sizeof *run);
    if (!copy) return false;
    for (size_t i = 0; i < count; i++) run[start[combining_class(copy[i])]++] = copy[i];
    memory_free(copy);
    return true;
}

static bool sort_marks(characters *list) {
    for (size_t i = 0, end; i < list->count; i = end + 1) {
        for (end = i; end < list->count && combining_class(list->items[end]) != 0;) end++;
        if (end - i > 1 && !sort_run(list->items + i, end - i)) return false;
    }
    return true;
}

bool unicode_normalize(const char *s, size_t length, unicode_form form, text *out) {
    size_t ascii = 0;
    while (ascii < length && (unsigned char)s[ascii] < 0x80) ascii++;
    if (ascii == length) return text_append(out, s, length);
    /* The last ASCII character may take part in a composition. */
    if (ascii > 0) ascii--;
    characters list = {0};
    bool ok = text_append(out, s, ascii) && decompose(s + ascii, length - ascii, form == FORM_NFKC || form == FORM_NFKD, &list) &&
              sort_marks(&list);
    if (ok && (form == FORM_NFC || form == FORM_NFKC))
        list.count = (size_t)utf8proc_normalize_utf32(list.items, (utf8proc_ssize_t)list.count, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (size_t i = 0; ok && i < list.count; i++) {
        char bytes[4];
        ok = text_append(out, bytes, utf8_encode((uint32_t)list.items[i], bytes));
    }
    vector_free(&list);
    return ok;
}

size_t unicode_lower(uint32_t c, uint32_t out[2]) {
    out[0] = c == 0x130 ? 'i' : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    out[1] = 0x307;
    return c == 0x130 ? 2 : 1; /* I with a dot above is the one character whose lower case is two */
}

bool unicode_is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static bool category(uint32_t c, utf8proc_category_t first, utf8proc_category_t last) {
    utf8proc_category_t is = utf8proc_category((utf8proc_int32_t)c);
    return is >= first && is <= last;
}

bool unicode_is_number(uint32_t c) {
    return category(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool unicode_is_punctuation(uint32_t c) {
    if (c < 0x80) return c > ' ' && c < 0x7F && !(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'z');
    return category(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool unicode_is_mark(uint32_t c) {
    return category(c, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME);
}

bool unicode_is_nonspacing_mark(uint32_t c) {
    return category(c, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MN);
}

bool unicode_is_other(uint32_t c) {
    return category(c, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO);
}

bool unicode_is_word(uint32_t c) {
    return category(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_ND) || category(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PC);
}
