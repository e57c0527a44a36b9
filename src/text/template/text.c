#include "template/text.h"

#include <string.h>

#include "unicode/characters.h"

value like(const string *s, string *made) {
    if (made && made != s && s->markup) made->markup = true;
    return string_value(made);
}

bool integer_argument(render *r, value a, int64_t fallback, int64_t *n) {
    *n = failed(a) ? fallback : is_whole(a) ? whole(a) : 0;
    if (failed(a) || is_whole(a)) return true;
    if (is_undefined(a)) return undefined_fail(r, a), false;
    return render_fail(r, "'%s' object cannot be interpreted as an integer", value_type_name(a)), false;
}

string *string_argument(render *r, value a, const char *what) {
    if (is_string(a)) return a.string;
    if (is_undefined(a)) return undefined_fail(r, a), NULL;
    return render_fail(r, "%s must be str, not %s", what, value_type_name(a)), NULL;
}

static const char *entity(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&#34;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

value escape_value(render *r, value v) {
    if (is_string(v) && v.string->markup) return v;
    string *s = value_string(r, v);
    size_t mark = render_mark(r), written = 0;
    if (!s) return FAILED;
    for (size_t i = 0; i < s->length; i++) {
        const char *name = entity(s->bytes[i]);
        if (!name) continue;
        if (!render_write(r, s->bytes + written, i - written) || !render_write(r, name, strlen(name))) return FAILED;
        written = i + 1;
    }
    if (!render_write(r, s->bytes + written, s->length - written)) return FAILED;
    string *escaped = render_cut(r, mark);
    if (escaped) escaped->markup = true;
    return string_value(escaped);
}

static bool write_character(render *r, uint32_t c) {
    char bytes[4];
    return render_write(r, bytes, utf8_encode(c, bytes));
}

static bool write_mapped(render *r, uint32_t c, size_t (*map)(uint32_t, uint32_t[3])) {
    uint32_t mapped[3];
    size_t count = map(c, mapped);
    for (size_t i = 0; i < count; i++)
        if (!write_character(r, mapped[i])) return false;
    return true;
}

/* True if, skipping what does not count, a cased character stands in s[begin, end), looked at from its end or its
 * beginning. */
static bool cased_before(const string *s, size_t end) {
    uint32_t c;
    while (end > 0) {
        size_t begin = end - 1;
        while (begin > 0 && ((unsigned char)s->bytes[begin] & 0xC0) == 0x80) begin--;
        utf8_decode(s->bytes + begin, end - begin, &c);
        if (!character_is_ignorable(c)) return character_is_cased(c);
        end = begin;
    }
    return false;
}

static bool cased_after(const string *s, size_t begin) {
    uint32_t c;
    for (size_t size; begin < s->length; begin += size) {
        size = utf8_decode(s->bytes + begin, s->length - begin, &c);
        if (!character_is_ignorable(c)) return character_is_cased(c);
    }
    return false;
}

/* The capital sigma at byte i has another lower case at the end of a word. */
static bool write_lower(render *r, const string *s, size_t i, size_t size, uint32_t c) {
    if (c != 0x3A3) return write_mapped(r, c, character_lower);
    return spend(r, s->length) && write_character(r, cased_before(s, i) && !cased_after(s, i + size) ? 0x3C2 : 0x3C3);
}

static bool write_case(render *r, const string *s, size_t i, size_t size, uint32_t c, case_kind which,
                       bool after_cased) {
    switch (which) {
    case CASE_UPPER:
        return write_mapped(r, c, character_upper);
    case CASE_CAPITALIZE:
        return i == 0 ? write_mapped(r, c, character_title) : write_lower(r, s, i, size, c);
    case CASE_TITLE:
        return after_cased ? write_lower(r, s, i, size, c) : write_mapped(r, c, character_title);
    case CASE_SWAP:
        if (character_is_upper(c)) return write_lower(r, s, i, size, c);
        return character_is_lower(c) ? write_mapped(r, c, character_upper) : write_character(r, c);
    default:
        return write_lower(r, s, i, size, c);
    }
}

string *change_case(render *r, string *s, case_kind which) {
    size_t mark = render_mark(r);
    bool after_cased = false;
    uint32_t c;
    for (size_t i = 0, size; i < s->length; i += size) {
        size = utf8_decode(s->bytes + i, s->length - i, &c);
        if (!write_case(r, s, i, size, c, which, after_cased)) return NULL;
        after_cased = character_is_cased(c);
    }
    return render_cut(r, mark);
}

/* Each look into a set of characters costs steps; without them nothing more is stripped and the rendering fails. */
static bool stripped_character(render *r, uint32_t c, const char *bytes, size_t size, const string *characters) {
    if (!characters) return character_is_space(c);
    return spend(r, characters->length) && memmem(characters->bytes, characters->length, bytes, size) != NULL;
}

string *strip(render *r, string *s, const string *characters, int sides) {
    size_t begin = 0, end = s->length;
    uint32_t c;
    while ((sides & STRIP_LEFT) && begin < end) {
        size_t size = utf8_decode(s->bytes + begin, end - begin, &c);
        if (!stripped_character(r, c, s->bytes + begin, size, characters)) break;
        begin += size;
    }
    while ((sides & STRIP_RIGHT) && end > begin) {
        size_t at = end - 1;
        while (at > begin && ((unsigned char)s->bytes[at] & 0xC0) == 0x80) at--;
        utf8_decode(s->bytes + at, end - at, &c);
        if (!stripped_character(r, c, s->bytes + at, end - at, characters)) break;
        end = at;
    }
    if (r->steps < 0) return NULL;
    return begin == 0 && end == s->length ? s : string_slice_bytes(&r->memory, s, begin, end);
}

/* Python puts `to` before each character and at the end when `from` is empty. */
static string *replace_empty(render *r, string *s, const string *to, int64_t count) {
    size_t mark = render_mark(r);
    uint32_t c;
    for (size_t i = 0, size;; i += size) {
        if (count != 0 && !render_string(r, to)) return NULL;
        if (count > 0) count--;
        if (i >= s->length) return render_cut(r, mark);
        size = utf8_decode(s->bytes + i, s->length - i, &c);
        if (!render_write(r, s->bytes + i, size)) return NULL;
    }
}

string *replace_text(render *r, string *s, const string *from, const string *to, int64_t count) {
    if (from->length == 0) return replace_empty(r, s, to, count);
    size_t mark = render_mark(r);
    const char *at = s->bytes, *end = s->bytes + s->length;
    for (const char *found; count != 0 && (found = memmem(at, (size_t)(end - at), from->bytes, from->length));
         count--) {
        if (!render_write(r, at, (size_t)(found - at)) || !render_string(r, to)) return NULL;
        at = found + from->length;
    }
    if (at == s->bytes) return s;
    return render_write(r, at, (size_t)(end - at)) ? render_cut(r, mark) : NULL;
}

/* The byte after a line's end at i (1 to 3 bytes, "\r\n" counts as one), or i if there is none. */
static size_t line_end(const string *s, size_t i) {
    unsigned char c = (unsigned char)s->bytes[i];
    if (c == '\r') return i + 1 < s->length && s->bytes[i + 1] == '\n' ? i + 2 : i + 1;
    if ((c >= '\n' && c <= '\f') || (c >= 0x1C && c <= 0x1E)) return i + 1;
    size_t left = s->length - i;
    if (left >= 2 && memcmp(s->bytes + i, "\xC2\x85", 2) == 0) return i + 2;
    if (left >= 3 && (memcmp(s->bytes + i, "\xE2\x80\xA8", 3) == 0 || memcmp(s->bytes + i, "\xE2\x80\xA9", 3) == 0))
        return i + 3;
    return i;
}

list *split_lines(render *r, const string *s, bool keep_ends) {
    list *lines = list_new(&r->memory, 0);
    size_t begin = 0;
    for (size_t i = 0, after; lines && i < s->length; i = after == i ? i + 1 : after) {
        if ((after = line_end(s, i)) == i) continue;
        string *line = string_slice_bytes(&r->memory, s, begin, keep_ends ? after : i);
        if (!spend(r, i - begin) || !line || !list_push(&r->memory, lines, string_value(line))) return NULL;
        begin = after;
    }
    if (!lines || begin == s->length) return lines;
    string *last = string_slice_bytes(&r->memory, s, begin, s->length);
    return last && list_push(&r->memory, lines, string_value(last)) ? lines : NULL;
}
