#include "unicode/database.h"

#include <utf8proc.h>

#include "base/memory.h"
#include "base/vector.h"
#include "tarn/error.h"

typedef VECTOR(utf8proc_int32_t) characters;

typedef struct {
    uint32_t first, last;
    utf8proc_category_t category;
    int version;
    uint32_t stand_in;
} newer_row;

static const newer_row newer[] = {
#define NEWER(first, last, category, version, stand_in) {first, last, UTF8PROC_CATEGORY_##category, version, stand_in},
#include "unicode/newer.def"
#undef NEWER
};

/* The row of a character that came after Unicode 8, or NULL. */
static const newer_row *find_newer(uint32_t c) {
    size_t low = 0, high = sizeof newer / sizeof *newer;
    if (c < newer[0].first) return NULL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (newer[middle].last < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof newer / sizeof *newer && newer[low].first <= c ? &newer[low] : NULL;
}

/* The general category as it was in a version of Unicode (8, 9, 14, 16, 17), but for characters that have changed
 * theirs. */
static utf8proc_category_t category_in(uint32_t c, int version) {
    const newer_row *row = find_newer(c);
    if (!row) return utf8proc_category((utf8proc_int32_t)c);
    return row->version <= version ? row->category : UTF8PROC_CATEGORY_CN;
}

static bool is_between(uint32_t c, int version, utf8proc_category_t first, utf8proc_category_t last) {
    utf8proc_category_t is = category_in(c, version);
    return is >= first && is <= last;
}

uint32_t unicode_stand_in(uint32_t c) {
    const newer_row *row = c < 0x80 ? NULL : find_newer(c);
    if (c == 0x1171E) return 0x11720; /* Mn until 15, then Mc */
    return row && row->stand_in ? row->stand_in : c;
}

static int combining_class(utf8proc_int32_t c) {
    return utf8proc_get_property(c)->combining_class;
}

/* utf8proc_decompose sorts marks by swapping neighbours, which takes quadratic time on hostile text; so marks are put
 * in order here. */
static bool decompose(const char *s, size_t length, bool compatible, characters *out) {
    utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    enum { LONGEST = 32 }; /* U+FDFA has 18 */
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += utf8_decode(s + i, length - i, &c);
        if (!vector_reserve(out, LONGEST)) return false;
        int last_class = 0;
        utf8proc_ssize_t n =
            utf8proc_decompose_char((utf8proc_int32_t)c, out->items + out->count, LONGEST, options, &last_class);
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

/* Text without characters that came after Unicode 9. */
static bool normalize_known(const char *s, size_t length, unicode_form form, text *out) {
    characters list = {0};
    bool ok = decompose(s, length, form == FORM_NFKC || form == FORM_NFKD, &list) && sort_marks(&list);
    if (ok && (form == FORM_NFC || form == FORM_NFKC))
        list.count = (size_t)utf8proc_normalize_utf32(list.items, (utf8proc_ssize_t)list.count,
                                                      UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (size_t i = 0; ok && i < list.count; i++) {
        char bytes[4];
        ok = text_append(out, bytes, utf8_encode((uint32_t)list.items[i], bytes));
    }
    vector_free(&list);
    return ok;
}

/* Stands before the first trailing consonant; utf8proc takes it for one and drops it. It changes nothing and lets
 * nothing pass. */
enum { HANGUL_T_BASE = 0x11A7 };

/* Newer characters neither change nor let anything pass: so the text between them can be taken piece by piece. */
bool unicode_normalize(const char *s, size_t length, unicode_form form, text *out) {
    size_t at = 0, ascii = 0;
    while (ascii < length && (unsigned char)s[ascii] < 0x80) ascii++;
    if (ascii == length) return text_append(out, s, length);
    while (at < length) {
        size_t end = at, size = 0;
        uint32_t c;
        for (const newer_row *row = NULL; end < length; end += size) {
            size = utf8_decode(s + end, length - end, &c);
            if (c >= 0x80 && (row = find_newer(c)) && row->version > 9) break;
            if (c == HANGUL_T_BASE) break;
        }
        if (end > at && !normalize_known(s + at, end - at, form, out)) return false;
        if (end == length) break;
        if (!text_append(out, s + end, size)) return false;
        at = end + size;
    }
    return true;
}

/* Mappings that came after utf8proc 2.8: to the character this much further, or to one elsewhere. */
static const struct {
    uint32_t first, last, step, lower; /* every step-th character */
} lower_rows[] = {
    {0x1C89, 0x1C89, 1, 0x1C8A},    {0xA7CB, 0xA7CB, 1, 0x264},     {0xA7CC, 0xA7CE, 2, 0xA7CD},
    {0xA7D2, 0xA7D4, 2, 0xA7D3},    {0xA7DA, 0xA7DA, 1, 0xA7DB},    {0xA7DC, 0xA7DC, 1, 0x19B},
    {0x10D50, 0x10D65, 1, 0x10D70}, {0x16EA0, 0x16EB8, 1, 0x16EBB},
};

size_t unicode_lower(uint32_t c, uint32_t out[2]) {
    out[0] = c == 0x130 ? 'i' : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    out[1] = 0x307;
    for (size_t i = 0; c >= 0x1C89 && i < sizeof lower_rows / sizeof *lower_rows; i++)
        if (c >= lower_rows[i].first && c <= lower_rows[i].last && (c - lower_rows[i].first) % lower_rows[i].step == 0)
            out[0] = lower_rows[i].lower + (c - lower_rows[i].first);
    return c == 0x130 ? 2 : 1; /* I with a dot above is the one character whose lower case is two */
}

bool unicode_is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) ||
           c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool unicode_is_number(uint32_t c) {
    return is_between(c, 17, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool unicode_is_punctuation(uint32_t c) {
    if (c < 0x80) return c > ' ' && c < 0x7F && !(c >= '0' && c <= '9') && !((c | 32) >= 'a' && (c | 32) <= 'z');
    if (c == 0x166D || c == 0x111C9) return true; /* no longer */
    return is_between(c, 8, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool unicode_is_mark(uint32_t c) {
    if (c == 0x1CF2 || c == 0x1CF3 || c == 0x111C9) return c != 0x111C9; /* have changed */
    return is_between(c, 9, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME);
}

bool unicode_is_nonspacing_mark(uint32_t c) {
    if (c == 0x1734 || c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9) return c == 0x1734; /* have changed */
    return is_between(c, 8, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MN);
}

bool unicode_is_other(uint32_t c) {
    return is_between(c, 8, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO);
}

bool unicode_is_assigned(uint32_t c) {
    utf8proc_category_t is = category_in(c, 9);
    return is != UTF8PROC_CATEGORY_CN && is != UTF8PROC_CATEGORY_CO;
}

bool unicode_is_word(uint32_t c) {
    utf8proc_category_t is = category_in(c, 16);
    bool letter_like = (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
                       (c >= 0x1F150 && c <= 0x1F169) ||
                       (c >= 0x1F170 && c <= 0x1F189); /* symbols that have the property Alphabetic */
    return (is >= UTF8PROC_CATEGORY_LU && is <= UTF8PROC_CATEGORY_NL) || is == UTF8PROC_CATEGORY_PC || letter_like ||
           c == 0x200C || c == 0x200D;
}
