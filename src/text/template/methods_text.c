/* Methods of strings: search, split, join, strip, padding. Positions are in code points. */
#include <string.h>

#include "unicode/characters.h"
#include "template/filters.h"
#include "template/iterate.h"
#include "template/text.h"

#define METHOD(name)                                                                                                   \
    static value name(render *r, value self, const arguments *given __attribute__((unused)),                           \
                      const value *a __attribute__((unused)))

static bool push_slice(render *r, list *l, const string *s, size_t begin, size_t end) {
    string *part = string_slice_bytes(&r->memory, s, begin, end);
    if (part) part->markup = s->markup;
    return spend(r, end - begin) && part && list_push(&r->memory, l, string_value(part));
}

/* The end of the word, or of the white space, that begins at i. */
static size_t run_end(const string *s, size_t i, bool space) {
    uint32_t c;
    for (size_t size; i < s->length; i += size) {
        size = utf8_decode(s->bytes + i, s->length - i, &c);
        if (character_is_space(c) != space) break;
    }
    return i;
}

/* split() at white space; after `most` pieces the rest is one piece. */
static bool split_words(render *r, list *l, const string *s, int64_t most) {
    for (size_t i = run_end(s, 0, true); i < s->length; most--) {
        size_t end = run_end(s, i, false);
        if (most == 0) return push_slice(r, l, s, i, s->length);
        if (!push_slice(r, l, s, i, end)) return false;
        i = run_end(s, end, true);
    }
    return true;
}

static bool split_at(render *r, list *l, const string *s, const string *separator, int64_t most) {
    size_t begin = 0;
    for (const char *found; most != 0; most--) {
        found = memmem(s->bytes + begin, s->length - begin, separator->bytes, separator->length);
        if (!found) break;
        if (!push_slice(r, l, s, begin, (size_t)(found - s->bytes))) return false;
        begin = (size_t)(found - s->bytes) + separator->length;
    }
    return push_slice(r, l, s, begin, s->length);
}

/* Where the last `part` in s[0, end) begins, or SIZE_MAX. Every place where its first byte stands costs steps; false
 * without them. */
static bool find_last(render *r, const string *s, size_t end, const string *part, size_t *at) {
    *at = end;
    if (part->length == 0) return true;
    for (size_t i = end >= part->length ? end - part->length + 1 : 0; i-- > 0;) {
        if (s->bytes[i] != part->bytes[0]) continue;
        if (!spend(r, part->length)) return false;
        if (memcmp(s->bytes + i, part->bytes, part->length) == 0) return *at = i, true;
    }
    *at = SIZE_MAX;
    return true;
}

static bool rsplit_at(render *r, list *l, const string *s, const string *separator, int64_t most) {
    size_t end = s->length, at;
    for (; most != 0; most--) {
        if (!find_last(r, s, end, separator, &at)) return false;
        if (at == SIZE_MAX) break;
        if (!push_slice(r, l, s, at + separator->length, end)) return false;
        end = at;
    }
    return push_slice(r, l, s, 0, end);
}

/* The start of the word, or of the white space, that ends at i. */
static size_t run_begin(const string *s, size_t end, bool space) {
    uint32_t c;
    while (end > 0) {
        size_t at = end - 1;
        while (at > 0 && ((unsigned char)s->bytes[at] & 0xC0) == 0x80) at--;
        utf8_decode(s->bytes + at, end - at, &c);
        if (character_is_space(c) != space) break;
        end = at;
    }
    return end;
}

static bool rsplit_words(render *r, list *l, const string *s, int64_t most) {
    for (size_t end = run_begin(s, s->length, true); end > 0; most--) {
        if (most == 0) return push_slice(r, l, s, 0, end);
        size_t begin = run_begin(s, end, false);
        if (!push_slice(r, l, s, begin, end)) return false;
        end = run_begin(s, begin, true);
    }
    return true;
}

static void reverse_items(list *l) {
    for (size_t i = 0; i < l->count / 2; i++) {
        value swap = l->items[i];
        l->items[i] = l->items[l->count - 1 - i];
        l->items[l->count - 1 - i] = swap;
    }
}

static value split(render *r, const string *s, const value *a, bool from_right) {
    string *separator = NULL;
    int64_t most;
    bool words = failed(a[0]) || a[0].kind == VALUE_NONE;
    if ((!words && !(separator = string_argument(r, a[0], "separator"))) || !integer_argument(r, a[1], -1, &most))
        return FAILED;
    if (separator && separator->length == 0) return render_fail(r, "empty separator");
    list *l = list_new(&r->memory, 0);
    if (!l) return FAILED;
    bool ok = words ? (from_right ? rsplit_words : split_words)(r, l, s, most)
                    : (from_right ? rsplit_at : split_at)(r, l, s, separator, most);
    if (ok && from_right) reverse_items(l);
    return ok ? list_value(l) : FAILED;
}

METHOD(text_split) {
    return split(r, self.string, a, false);
}
METHOD(text_rsplit) {
    return split(r, self.string, a, true);
}
METHOD(text_splitlines) {
    return list_value(split_lines(r, self.string, is_truthy(a[0])));
}

static value partition(render *r, string *s, value separator, bool from_right) {
    string *part = string_argument(r, separator, "separator");
    if (!part) return FAILED;
    if (part->length == 0) return render_fail(r, "empty separator");
    const char *found = memmem(s->bytes, s->length, part->bytes, part->length);
    size_t at = found ? (size_t)(found - s->bytes) : SIZE_MAX;
    if (found && from_right && !find_last(r, s, s->length, part, &at)) return FAILED;
    list *l = list_new(&r->memory, 3);
    if (!l) return FAILED;
    size_t none = from_right ? 0 : s->length, after = found ? at + part->length : none;
    size_t begin = found ? at : none;
    bool ok =
        push_slice(r, l, s, 0, begin) && push_slice(r, l, s, begin, after) && push_slice(r, l, s, after, s->length);
    return ok ? tuple_value(l) : FAILED;
}

METHOD(text_partition) {
    return partition(r, self.string, a[0], false);
}
METHOD(text_rpartition) {
    return partition(r, self.string, a[0], true);
}

static value strip_method(render *r, string *s, value characters, int sides) {
    string *set = NULL;
    if (!failed(characters) && characters.kind != VALUE_NONE && !(set = string_argument(r, characters, "strip arg")))
        return FAILED;
    return like(s, strip(r, s, set, sides));
}

METHOD(text_strip) {
    return strip_method(r, self.string, a[0], STRIP_LEFT | STRIP_RIGHT);
}
METHOD(text_lstrip) {
    return strip_method(r, self.string, a[0], STRIP_LEFT);
}
METHOD(text_rstrip) {
    return strip_method(r, self.string, a[0], STRIP_RIGHT);
}

/* The bytes [begin, end) of s that the optional start and stop of find, count, startswith, … leave; false on error.
 *inside tells whether start lies in the string. */
static bool text_window(render *r, string *s, value start, value stop, size_t *begin, size_t *end, bool *inside) {
    int64_t length = (int64_t)string_characters(s), from, to;
    if (start.kind == VALUE_NONE) start = FAILED;
    if (stop.kind == VALUE_NONE) stop = FAILED;
    if (!integer_argument(r, start, 0, &from) || !integer_argument(r, stop, length, &to) || !spend(r, s->length))
        return false;
    if (from < 0) from = from + length < 0 ? 0 : from + length;
    if (to < 0) to = to + length < 0 ? 0 : to + length;
    if (to > length) to = length;
    *inside = from <= to;
    *begin = *inside ? string_offset(s, (size_t)from) : 0;
    *end = *inside ? string_offset(s, (size_t)to) : 0;
    return true;
}

static bool affix_matches(const string *s, size_t begin, size_t end, const string *affix, bool at_end) {
    if (affix->length > end - begin) return false;
    return memcmp(s->bytes + (at_end ? end - affix->length : begin), affix->bytes, affix->length) == 0;
}

static value has_affix(render *r, string *s, const value *a, bool at_end) {
    size_t begin, end;
    bool inside, found = false;
    if (a[0].kind != VALUE_TUPLE && !string_argument(r, a[0], at_end ? "endswith first arg" : "startswith first arg"))
        return FAILED;
    if (!text_window(r, s, a[1], a[2], &begin, &end, &inside)) return FAILED;
    if (is_string(a[0])) return boolean_value(inside && affix_matches(s, begin, end, a[0].string, at_end));
    for (size_t i = 0; !found && i < a[0].list->count; i++) {
        string *affix = string_argument(r, a[0].list->items[i], "an item of the tuple");
        if (!affix) return FAILED;
        found = inside && affix_matches(s, begin, end, affix, at_end);
    }
    return boolean_value(found);
}

METHOD(text_startswith) {
    return has_affix(r, self.string, a, false);
}
METHOD(text_endswith) {
    return has_affix(r, self.string, a, true);
}

static int64_t characters_before(const string *s, size_t end) {
    int64_t count = 0;
    for (size_t i = 0; i < end; i++) count += ((unsigned char)s->bytes[i] & 0xC0) != 0x80;
    return count;
}

/* The position in code points, or -1. */
static value find(render *r, string *s, const value *a, bool from_right) {
    size_t begin, end;
    bool inside;
    string *part = string_argument(r, a[0], "find() argument");
    if (!part || !text_window(r, s, a[1], a[2], &begin, &end, &inside)) return FAILED;
    if (!inside) return integer_value(-1);
    if (from_right) {
        size_t at;
        if (!find_last(r, s, end, part, &at)) return FAILED;
        return integer_value(at == SIZE_MAX || at < begin ? -1 : characters_before(s, at));
    }
    const char *found = memmem(s->bytes + begin, end - begin, part->bytes, part->length);
    return integer_value(found ? characters_before(s, (size_t)(found - s->bytes)) : -1);
}

METHOD(text_find) {
    return find(r, self.string, a, false);
}
METHOD(text_rfind) {
    return find(r, self.string, a, true);
}
static value found_or_fail(render *r, value position) {
    return failed(position) || position.integer >= 0 ? position : render_fail(r, "substring not found");
}
METHOD(text_index) {
    return found_or_fail(r, find(r, self.string, a, false));
}
METHOD(text_rindex) {
    return found_or_fail(r, find(r, self.string, a, true));
}

METHOD(text_count) {
    size_t begin, end;
    bool inside;
    int64_t count = 0;
    string *s = self.string, *part = string_argument(r, a[0], "count() argument");
    if (!part || !text_window(r, s, a[1], a[2], &begin, &end, &inside)) return FAILED;
    if (!inside) return integer_value(0);
    if (part->length == 0) return integer_value(characters_before(s, end) - characters_before(s, begin) + 1);
    for (const char *found; (found = memmem(s->bytes + begin, end - begin, part->bytes, part->length)); count++)
        begin = (size_t)(found - s->bytes) + part->length;
    return integer_value(count);
}

METHOD(text_replace) {
    string *from = string_argument(r, a[0], "replace() argument 1"),
           *to = from ? string_argument(r, a[1], "replace() argument 2") : NULL;
    int64_t count;
    if (!to || !integer_argument(r, a[2], -1, &count)) return FAILED;
    return like(self.string, replace_text(r, self.string, from, to, count));
}

METHOD(text_join) {
    size_t mark = render_mark(r), position = 0;
    iterator *it = iterate(r, a[0]);
    value item;
    step s = STEP_FAILED;
    for (; it && (s = iterator_next(r, it, &item)) == STEP_ITEM; position++) {
        if (!is_string(item))
            return render_fail(r, "sequence item %zu: expected str instance, %s found", position,
                               value_type_name(item));
        if ((position && !render_string(r, self.string)) || !render_string(r, item.string)) return FAILED;
    }
    return s == STEP_END ? string_value(render_cut(r, mark)) : FAILED;
}

static value without_affix(render *r, string *s, value affix, bool at_end) {
    string *part = string_argument(r, affix, "the argument");
    if (!part) return FAILED;
    if (!affix_matches(s, 0, s->length, part, at_end)) return string_value(s);
    size_t begin = at_end ? 0 : part->length, end = at_end ? s->length - part->length : s->length;
    return like(s, string_slice_bytes(&r->memory, s, begin, end));
}
METHOD(text_removeprefix) {
    return without_affix(r, self.string, a[0], false);
}
METHOD(text_removesuffix) {
    return without_affix(r, self.string, a[0], true);
}

static bool write_fill(render *r, int64_t times, const char *fill, size_t length) {
    for (int64_t i = 0; i < times; i++)
        if (!render_write(r, fill, length)) return false;
    return true;
}

string *pad_text(render *r, string *s, int64_t width, const char *fill, size_t fill_length, pad_side side) {
    int64_t missing = width - (int64_t)string_characters(s);
    if (missing <= 0) return s;
    /* Python gives the odd one to the left when the width is odd too. */
    int64_t left = side == PAD_LEFT ? missing : side == PAD_RIGHT ? 0 : missing / 2 + (missing & width & 1);
    size_t mark = render_mark(r);
    bool ok = write_fill(r, left, fill, fill_length) && render_string(r, s) &&
              write_fill(r, missing - left, fill, fill_length);
    return ok ? render_cut(r, mark) : NULL;
}

static value pad(render *r, value self, const value *a, pad_side side) {
    int64_t width;
    string *fill = failed(a[1]) ? string_share(&r->memory, " ", 1) : string_argument(r, a[1], "the fill character");
    if (!fill || !integer_argument(r, a[0], 0, &width)) return FAILED;
    if (string_characters(fill) != 1) return render_fail(r, "The fill character must be exactly one character long");
    return like(self.string, pad_text(r, self.string, width, fill->bytes, fill->length, side));
}
METHOD(text_center) {
    return pad(r, self, a, PAD_CENTER);
}
METHOD(text_ljust) {
    return pad(r, self, a, PAD_RIGHT);
}
METHOD(text_rjust) {
    return pad(r, self, a, PAD_LEFT);
}

/* Zeros go behind a sign. */
METHOD(text_zfill) {
    int64_t width;
    string *s = self.string;
    if (!integer_argument(r, a[0], 0, &width)) return FAILED;
    size_t mark = render_mark(r), sign = s->length && (s->bytes[0] == '+' || s->bytes[0] == '-');
    int64_t missing = width - (int64_t)string_characters(s);
    if (!render_write(r, s->bytes, sign) || !write_fill(r, missing, "0", 1)) return FAILED;
    return render_write(r, s->bytes + sign, s->length - sign) ? like(s, render_cut(r, mark)) : FAILED;
}

METHOD(text_expandtabs) {
    int64_t size, column = 0;
    string *s = self.string;
    size_t mark = render_mark(r);
    if (!integer_argument(r, a[0], 8, &size)) return FAILED;
    for (size_t i = 0; i < s->length; i++) {
        char c = s->bytes[i];
        int64_t spaces = c == '\t' && size > 0 ? size - column % size : 0;
        if (c == '\t' ? !write_fill(r, spaces, " ", 1) : !render_write(r, &c, 1)) return FAILED;
        column = c == '\n' || c == '\r' ? 0
                 : c == '\t'            ? column + spaces
                                        : column + (((unsigned char)c & 0xC0) != 0x80);
    }
    return like(s, render_cut(r, mark));
}

const builtin methods_text[] = {
    {"split", "sep? maxsplit?", text_split},
    {"rsplit", "sep? maxsplit?", text_rsplit},
    {"splitlines", "keepends?", text_splitlines},
    {"strip", "-chars?", text_strip},
    {"lstrip", "-chars?", text_lstrip},
    {"rstrip", "-chars?", text_rstrip},
    {"startswith", "-prefix -start? -end?", text_startswith},
    {"endswith", "-suffix -start? -end?", text_endswith},
    {"replace", "-old -new -count?", text_replace},
    {"join", "-iterable", text_join},
    {"find", "-sub -start? -end?", text_find},
    {"rfind", "-sub -start? -end?", text_rfind},
    {"index", "-sub -start? -end?", text_index},
    {"rindex", "-sub -start? -end?", text_rindex},
    {"count", "-sub -start? -end?", text_count},
    {"partition", "-sep", text_partition},
    {"rpartition", "-sep", text_rpartition},
    {"removeprefix", "-prefix", text_removeprefix},
    {"removesuffix", "-suffix", text_removesuffix},
    {"center", "-width -fillchar?", text_center},
    {"ljust", "-width -fillchar?", text_ljust},
    {"rjust", "-width -fillchar?", text_rjust},
    {"zfill", "-width", text_zfill},
    {"expandtabs", "tabsize?", text_expandtabs},
    {"format", "*", NULL},
    {"format_map", "*", NULL},
    {"encode", "*", NULL},
    {"translate", "*", NULL},
    {"maketrans", "*", NULL},
    {0},
};
