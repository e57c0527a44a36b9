/* Filters that give text. */
#include <string.h>

#include "unicode/characters.h"
#include "template/filters.h"
#include "template/iterate.h"
#include "template/text.h"

#define FILTER(name)                                                                                                   \
    static value name(render *r, value self, const arguments *given __attribute__((unused)),                           \
                      const value *a __attribute__((unused)))

static value with_case(render *r, value self, case_kind which) {
    string *s = value_string(r, self);
    return s ? like(s, change_case(r, s, which)) : FAILED;
}
FILTER(filter_upper) {
    return with_case(r, self, CASE_UPPER);
}
FILTER(filter_lower) {
    return with_case(r, self, CASE_LOWER);
}
FILTER(filter_capitalize) {
    return with_case(r, self, CASE_CAPITALIZE);
}

static bool splits_words(uint32_t c) {
    return character_is_space(c) || (c && c < 0x80 && strchr("-({[<", (int)c));
}

/* Jinja's own title: words begin behind white space and opening signs. */
FILTER(filter_title) {
    string *s = value_string(r, self);
    size_t mark = render_mark(r);
    uint32_t c;
    for (size_t i = 0, size, word; s && i < s->length; i += size) {
        size = utf8_decode(s->bytes + i, s->length - i, &c);
        if (splits_words(c)) {
            if (!render_write(r, s->bytes + i, size)) return FAILED;
            continue;
        }
        string *first = string_slice_bytes(&r->memory, s, i, i + size);
        for (word = i + size;
             word < s->length && utf8_decode(s->bytes + word, s->length - word, &c) && !splits_words(c);)
            word += utf8_decode(s->bytes + word, s->length - word, &c);
        string *rest = string_slice_bytes(&r->memory, s, i + size, word);
        size = word - i;
        /* The cases are made behind what is written so far and cut off again. */
        if (!first || !rest || !(first = change_case(r, first, CASE_UPPER)) ||
            !(rest = change_case(r, rest, CASE_LOWER)))
            return FAILED;
        if (!render_string(r, first) || !render_string(r, rest)) return FAILED;
    }
    return s ? string_value(render_cut(r, mark)) : FAILED;
}

FILTER(filter_trim) {
    string *s = value_string(r, self), *characters = NULL;
    if (!s || (!failed(a[0]) && a[0].kind != VALUE_NONE && !(characters = string_argument(r, a[0], "strip arg"))))
        return FAILED;
    return like(s, strip(r, s, characters, STRIP_LEFT | STRIP_RIGHT));
}

FILTER(filter_replace) {
    string *s = value_string(r, self), *from = s ? value_string(r, a[0]) : NULL,
           *to = from ? value_string(r, a[1]) : NULL;
    int64_t count = -1;
    if (!to || (a[2].kind != VALUE_NONE && !integer_argument(r, a[2], -1, &count))) return FAILED;
    string *replaced = replace_text(r, s, from, to, count);
    if (!replaced || !replaced->markup) return string_value(replaced);
    return string_value(string_share(&r->memory, replaced->bytes, replaced->length));
}

FILTER(filter_string) {
    return string_value(value_string(r, self));
}

FILTER(filter_safe) {
    string *s = value_string(r, self), *marked = s ? string_share(&r->memory, s->bytes, s->length) : NULL;
    if (marked) marked->markup = true;
    return string_value(marked);
}

FILTER(filter_escape) {
    return escape_value(r, self);
}

FILTER(filter_force_escape) {
    string *s = value_string(r, self), *plain = s ? string_share(&r->memory, s->bytes, s->length) : NULL;
    return plain ? escape_value(r, string_value(plain)) : FAILED;
}

/* "%s" % arguments, positional or named. */
FILTER(filter_format) {
    string *s = value_string(r, self);
    if (!s) return FAILED;
    if (given->count && given->named_count)
        return render_fail(r, "can't handle positional and keyword arguments at the same time");
    dict *named = dict_new(&r->memory);
    list *items = list_new(&r->memory, given->count);
    for (size_t i = 0; named && i < given->named_count; i++)
        if (!dict_set(&r->memory, named, string_value(given->names[i]), given->named[i])) return FAILED;
    for (size_t i = 0; items && i < given->count; i++)
        if (!list_push(&r->memory, items, given->items[i])) return FAILED;
    if (!named || !items) return FAILED;
    return percent_format(r, string_value(s), given->named_count ? dict_value(named) : tuple_value(items));
}

static value indentation(render *r, value width) {
    if (is_string(width)) return width;
    int64_t columns;
    if (!integer_argument(r, width, 4, &columns)) return FAILED;
    return operate(r, TOKEN_MULTIPLY, text_value(r, " "), integer_value(columns));
}

/* The first line is indented when asked for, empty ones too. */
FILTER(filter_indent) {
    if (is_undefined(self)) return undefined_fail(r, self);
    string *s = string_argument(r, self, "indent() value"), newline = {.bytes = "\n", .length = 1};
    value space = s ? indentation(r, a[0]) : FAILED;
    bool first = is_truthy(a[1]), blank = is_truthy(a[2]);
    /* As Jinja does, so that a last line end counts as a line. */
    string *ended = failed(space) ? NULL : string_join_two(&r->memory, s, &newline);
    list *lines = ended ? split_lines(r, ended, false) : NULL;
    size_t mark = render_mark(r);
    if (!lines) return FAILED;
    for (size_t i = 0; i < lines->count; i++) {
        const string *line = lines->items[i].string;
        bool indents = i == 0 ? first : blank || line->length > 0;
        if ((i && !render_write(r, "\n", 1)) || (indents && !render_string(r, space.string)) || !render_string(r, line))
            return FAILED;
    }
    return like(s, render_cut(r, mark));
}

static bool word_at(const string *s, size_t i, size_t *size) {
    uint32_t c;
    *size = utf8_decode(s->bytes + i, s->length - i, &c);
    return character_is_word(c);
}

FILTER(filter_wordcount) {
    string *s = value_string(r, self);
    int64_t words = 0;
    bool inside = false;
    if (!s || !spend(r, s->length)) return FAILED;
    for (size_t i = 0, size; i < s->length; i += size) {
        bool word = word_at(s, i, &size);
        words += word && !inside;
        inside = word;
    }
    return integer_value(words);
}

/* Anything with a length that is short enough stays as it is. */
FILTER(filter_truncate) {
    int64_t length, leeway, have = value_length(self);
    if (have < 0) return render_fail(r, "object of type '%s' has no len()", value_type_name(self));
    if (!integer_argument(r, a[0], 255, &length) ||
        !integer_argument(r, a[3].kind == VALUE_NONE ? FAILED : a[3], 5, &leeway))
        return FAILED;
    value suffix = failed(a[2]) ? text_value(r, "...") : a[2];
    string *end = failed(suffix) ? NULL : string_argument(r, suffix, "end");
    if (!end) return FAILED;
    int64_t rest = length - (int64_t)string_characters(end);
    if (rest < 0 || leeway < 0)
        return render_fail(r, "truncate(): the length is below that of the end, or the leeway below zero");
    if (have <= length || have - length <= leeway) return self;
    string *s = string_argument(r, self, "truncate() value");
    if (!s) return FAILED;
    size_t bytes = string_offset(s, (size_t)rest);
    const char *space = is_truthy(a[1]) ? NULL : memrchr(s->bytes, ' ', bytes);
    string *kept = string_slice_bytes(&r->memory, s, 0, space ? (size_t)(space - s->bytes) : bytes);
    return kept ? like(s, string_join_two(&r->memory, kept, end)) : FAILED;
}

FILTER(filter_center) {
    int64_t width;
    string *s = value_string(r, self);
    if (!s || !integer_argument(r, a[0], 80, &width)) return FAILED;
    return like(s, pad_text(r, s, width, " ", 1, PAD_CENTER));
}

/* Percent-encodes all but letters, digits, "_.-~" and, outside query strings, "/". */
static bool write_quoted_url(render *r, const string *s, bool query) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s->length; i++) {
        unsigned char c = (unsigned char)s->bytes[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c && strchr("_.-~", c)) ||
                     (c == '/' && !query);
        char code[3] = {'%', hex[c >> 4], hex[c & 15]};
        if (plain               ? !render_write(r, &s->bytes[i], 1)
            : c == ' ' && query ? !render_write(r, "+", 1)
                                : !render_write(r, code, 3))
            return false;
    }
    return true;
}

static bool write_url_pair(render *r, value pair) {
    string *name, *item;
    if (!is_sequence(pair) || pair.list->count != 2)
        return render_fail(r, "urlencode: expected pairs of names and values"), false;
    if (!(name = value_string(r, pair.list->items[0])) || !(item = value_string(r, pair.list->items[1]))) return false;
    return write_quoted_url(r, name, true) && render_write(r, "=", 1) && write_quoted_url(r, item, true);
}

FILTER(filter_urlencode) {
    size_t mark = render_mark(r);
    if (is_string(self) || !can_iterate(self)) {
        string *s = value_string(r, self);
        return s && write_quoted_url(r, s, false) ? string_value(render_cut(r, mark)) : FAILED;
    }
    view all = {self.kind == VALUE_DICT ? self.dict : NULL, VIEW_ITEMS};
    list *pairs = list_of(r, all.dict ? (value){.kind = VALUE_VIEW, .view = &all} : self);
    for (size_t i = 0; pairs && i < pairs->count; i++)
        if ((i && !render_write(r, "&", 1)) || !write_url_pair(r, pairs->items[i])) return FAILED;
    return pairs ? string_value(render_cut(r, mark)) : FAILED;
}

const builtin filters_text[] = {
    {"tojson", "ensure_ascii? indent? separators? sort_keys?", filter_tojson},
    {"trim", "chars?", filter_trim},
    {"upper", "", filter_upper},
    {"lower", "", filter_lower},
    {"string", "", filter_string},
    {"replace", "old new count?", filter_replace},
    {"indent", "width? first? blank?", filter_indent},
    {"title", "", filter_title},
    {"capitalize", "", filter_capitalize},
    {"safe", "", filter_safe},
    {"escape", "", filter_escape},
    {"e", "", filter_escape},
    {"forceescape", "", filter_force_escape},
    {"format", "*", filter_format},
    {"wordcount", "", filter_wordcount},
    {"truncate", "length? killwords? end? leeway?", filter_truncate},
    {"center", "width?", filter_center},
    {"urlencode", "", filter_urlencode},
    {"filesizeformat", "*", NULL},
    {"pprint", "*", NULL},
    {"striptags", "*", NULL},
    {"urlize", "*", NULL},
    {"wordwrap", "*", NULL},
    {"xmlattr", "*", NULL},
    {0},
};
