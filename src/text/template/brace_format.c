/* "…{}…".format(…): Python's replacement fields, with attributes and items looked up under the sandbox's rules. Not done, and refused: the
   "n" type, a precision without a type, groups inside zero padding. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "template/filters.h"
#include "template/text.h"

typedef struct {
    const arguments *given;
    const dict *mapping; /* of format_map; else NULL */
    int64_t next;        /* automatic index; -1 once fields are numbered by hand */
} fields;

/* [[fill]align][sign][#][0][width][group][.precision][type] */
typedef struct {
    char fill[4];
    size_t fill_length;
    char align, sign, group, type; /* 0: not given */
    bool alternate, zero;
    int64_t width, precision;
} specification;

static bool format_text(render *r, fields *f, const char *s, const char *end, int depth);

static bool is_align(char c) {
    return c && strchr("<>=^", c);
}

static const char *read_digits(const char *s, const char *end, int64_t *n) {
    *n = -1;
    for (; s < end && *s >= '0' && *s <= '9' && *n < INT32_MAX; s++) *n = (*n < 0 ? 0 : *n * 10) + (*s - '0');
    return s;
}

static bool read_specification(render *r, const string *text_of, specification *out) {
    const char *s = text_of->bytes, *end = s + text_of->length;
    uint32_t c;
    size_t first = utf8_decode(s, text_of->length, &c);
    *out = (specification){.fill = " ", .fill_length = 1};
    if (first && s + first < end && is_align(s[first])) {
        memcpy(out->fill, s, first);
        out->fill_length = first;
        out->align = s[first];
        s += first + 1;
    } else if (s < end && is_align(*s)) {
        out->align = *s++;
    }
    if (s < end && *s && strchr("+- ", *s)) out->sign = *s++;
    if (s < end && *s == '#') out->alternate = true, s++;
    if (s < end && *s == '0') out->zero = true, s++;
    s = read_digits(s, end, &out->width);
    if (s < end && (*s == ',' || *s == '_')) out->group = *s++;
    bool point = s < end && *s == '.';
    out->precision = -1;
    if (point) s = read_digits(s + 1, end, &out->precision);
    if (point && out->precision < 0) return render_fail(r, "Format specifier missing precision"), false;
    if (s < end) out->type = *s++;
    if (s < end || out->width > 1000000 || out->precision > 500) return render_fail(r, "Invalid format specifier"), false;
    if (out->zero && !out->align) {
        out->fill[0] = '0';
        out->fill_length = 1;
    }
    return true;
}

static bool write_fill(render *r, const specification *s, int64_t times) {
    for (int64_t i = 0; i < times; i++)
        if (!render_write(r, s->fill, s->fill_length)) return false;
    return true;
}

/* `prefix` bytes of sign and radix stay in front of the filling when the alignment is "=". */
static bool write_aligned(render *r, const specification *s, string *shown, size_t prefix, char align) {
    int64_t missing = s->width - (int64_t)string_characters(shown);
    if (missing < 0) missing = 0;
    int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
    size_t before = align == '=' ? prefix : 0;
    return render_write(r, shown->bytes, before) && write_fill(r, s, left) &&
           render_write(r, shown->bytes + before, shown->length - before) && write_fill(r, s, missing - left);
}

static bool bad_type(render *r, const specification *s, value v) {
    return render_fail(r, "Unknown or unsupported format '%c' for object of type '%s'", s->type ? s->type : ' ', value_type_name(v)), false;
}

static bool write_string_field(render *r, const specification *s, value v) {
    string *shown = v.string;
    if ((s->type && s->type != 's') || s->sign || s->alternate || s->group || s->align == '=') return bad_type(r, s, v);
    if (s->precision >= 0 && (int64_t)string_characters(shown) > s->precision)
        shown = string_slice_bytes(&r->memory, shown, 0, string_offset(shown, (size_t)s->precision));
    return shown && write_aligned(r, s, shown, 0, s->align ? s->align : '<');
}

/* Digits with a separator after every `size` of them, counted from the point or the end. */
static bool write_grouped(render *r, const char *digits, char group, size_t size) {
    size_t whole_digits = strspn(digits, "0123456789abcdefABCDEF");
    if (strpbrk(digits, ".e%")) whole_digits = strspn(digits, "0123456789");
    for (size_t i = 0; i < whole_digits; i++)
        if ((i && group && (whole_digits - i) % size == 0 && !render_write(r, &group, 1)) || !render_write(r, digits + i, 1)) return false;
    return render_write(r, digits + whole_digits, strlen(digits + whole_digits));
}

static bool write_number_field(render *r, const specification *s, bool negative, const char *prefix, const char *digits,
                               size_t group_size) {
    size_t mark = render_mark(r);
    const char *sign = negative ? "-" : s->sign == '+' ? "+" : s->sign == ' ' ? " " : "";
    if (s->group && s->zero) return render_fail(r, "groups inside zero padding are not supported"), false;
    if (!render_write(r, sign, strlen(sign)) || !render_write(r, prefix, strlen(prefix))) return false;
    size_t before = render_mark(r) - mark;
    if (!write_grouped(r, digits, s->group, group_size)) return false;
    string *shown = render_cut(r, mark);
    return shown && write_aligned(r, s, shown, before, s->align ? s->align : s->zero ? '=' : '>');
}

static void binary_digits(unsigned long long n, char digits[70]) {
    int bits = 1;
    while (bits < 64 && n >> bits) bits++;
    for (int i = 0; i < bits; i++) digits[i] = (char)('0' + (n >> (bits - 1 - i) & 1));
    digits[bits] = 0;
}

static bool write_whole_field(render *r, const specification *s, value v) {
    char digits[70], type = s->type ? s->type : 'd';
    int64_t n = whole(v);
    unsigned long long size = n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n;
    if (s->precision >= 0) return render_fail(r, "Precision not allowed in integer format specifier"), false;
    if (s->group == ',' && type != 'd') return bad_type(r, s, v);
    const char *prefix = !s->alternate ? "" : type == 'x' ? "0x" : type == 'X' ? "0X" : type == 'o' ? "0o" : type == 'b' ? "0b" : "";
    if (type == 'b') binary_digits(size, digits);
    if (type != 'b') snprintf(digits, sizeof digits, type == 'x' ? "%llx" : type == 'X' ? "%llX" : type == 'o' ? "%llo" : "%llu", size);
    return write_number_field(r, s, n < 0, prefix, digits, type == 'd' ? 3 : 4);
}

static bool write_real_field(render *r, const specification *s, value v) {
    char digits[1024], code[12];
    double x = number(v), scaled = s->type == '%' ? x * 100 : x;
    size_t mark = render_mark(r);
    if (s->alternate) return bad_type(r, s, v);
    if (!s->type && s->precision >= 0) return render_fail(r, "a precision without a type is not supported"), false;
    if (s->type) {
        snprintf(code, sizeof code, "%%.*%c", s->type == '%' ? 'f' : s->type);
        snprintf(digits, sizeof digits - 1, code, s->precision < 0 ? 6 : (int)s->precision, fabs(scaled));
        if (s->type == '%') strcat(digits, "%");
    } else {
        string *shown = write_repr(r, real_value(fabs(x))) ? render_cut(r, mark) : NULL;
        if (!shown) return false;
        snprintf(digits, sizeof digits, "%.*s", (int)shown->length, shown->bytes);
    }
    return write_number_field(r, s, signbit(x) && !isnan(x), "", digits, 3);
}

static bool write_field(render *r, value v, const string *text_of) {
    specification s;
    if (text_of->length == 0) return write_value(r, v);
    if (!read_specification(r, text_of, &s)) return false;
    if (is_string(v)) return write_string_field(r, &s, v);
    if (!is_number(v)) return render_fail(r, "unsupported format string passed to %s.__format__", value_type_name(v)), false;
    bool whole_type = !s.type || strchr("dboxX", s.type), real_type = s.type && strchr("eEfFgG%", s.type);
    if (is_whole(v) && whole_type) return write_whole_field(r, &s, v);
    return real_type || (!s.type && v.kind == VALUE_REAL) ? write_real_field(r, &s, v) : bad_type(r, &s, v);
}

static value positional(render *r, fields *f, int64_t index) {
    if (!f->mapping && index >= 0 && (size_t)index < f->given->count) return f->given->items[index];
    return render_fail(r, "Replacement index %lld out of range for positional args tuple", (long long)index);
}

static value named(render *r, fields *f, const string *name) {
    string copy = *name;
    const dict_entry *entry = f->mapping ? dict_find(f->mapping, string_value(&copy)) : NULL;
    if (entry) return entry->value;
    for (size_t i = 0; !f->mapping && i < f->given->named_count; i++)
        if (string_equal(f->given->names[i], name)) return f->given->named[i];
    return render_fail(r, "the format has no argument '%.*s'", (int)(name->length > 100 ? 100 : name->length), name->bytes);
}

/* The argument that the beginning of a field's name stands for. */
static value first_value(render *r, fields *f, const char *s, const char *end) {
    int64_t index = -1;
    string name = {.bytes = s, .length = (size_t)(end - s)};
    bool numbered = s < end && read_digits(s, end, &index) == end;
    if (s < end && !numbered) return named(r, f, &name);
    if (s == end ? f->next < 0 : f->next > 0)
        return render_fail(r, "cannot switch between automatic field numbering and manual field specification");
    if (s == end) return positional(r, f, f->next++);
    f->next = -1;
    return positional(r, f, index);
}

/* name.attribute[key]… */
static value field_value(render *r, fields *f, const char *s, const char *end) {
    const char *at = s;
    while (at < end && *at != '.' && *at != '[') at++;
    value v = first_value(r, f, s, at);
    while (at < end && !failed(v)) {
        bool key = *at == '[';
        const char *begin = ++at;
        while (at < end && (key ? *at != ']' : *at != '.' && *at != '[')) at++;
        int64_t index;
        bool numbered = key && read_digits(begin, at, &index) == at && at > begin;
        if (at == begin || (key && at == end)) return render_fail(r, "Empty attribute or missing ']' in format string");
        string *name = string_slice_bytes(&r->memory, &(string){.bytes = begin}, 0, (size_t)(at - begin));
        if (!name) return FAILED;
        v = numbered ? get_item(r, v, integer_value(index)) : key ? get_item(r, v, string_value(name)) : get_attribute(r, v, name);
        if (key && ++at < end && *at != '.' && *at != '[')
            return render_fail(r, "Only '.' or '[' may follow ']' in format field specifier");
    }
    return v;
}

static value convert(render *r, value v, char conversion) {
    size_t mark = render_mark(r);
    if (conversion == 's') return string_value(value_string(r, v));
    if (conversion != 'r') return render_fail(r, "the conversion '%c' is not supported", conversion);
    return write_repr(r, v) ? string_value(render_cut(r, mark)) : FAILED;
}

/* The field between its braces: name[!conversion][:specification]. */
static bool format_field(render *r, fields *f, const char *s, const char *end, int depth) {
    const char *at = s;
    for (bool key = false; at < end && (key || (*at != '!' && *at != ':')); at++) key = *at == '[' || (key && *at != ']');
    value v = field_value(r, f, s, at);
    if (!failed(v) && at < end && *at == '!') {
        if (at + 1 >= end || (at + 2 < end && at[2] != ':')) return render_fail(r, "expected ':' after conversion specifier"), false;
        v = convert(r, v, at[1]);
        at += 2;
    }
    if (failed(v)) return false;
    size_t mark = render_mark(r);
    if (at < end && !format_text(r, f, at + 1, end, depth + 1)) return false;
    string *text_of = render_cut(r, mark);
    return text_of && write_field(r, v, text_of);
}

/* The brace that closes the one before s, or NULL. */
static const char *closing_brace(const char *s, const char *end) {
    int open = 1;
    for (; s < end; s++) {
        open += *s == '{' ? 1 : *s == '}' ? -1 : 0;
        if (open == 0) return s;
    }
    return NULL;
}

static bool format_text(render *r, fields *f, const char *s, const char *end, int depth) {
    if (depth > 1) return render_fail(r, "Max string recursion exceeded"), false;
    while (s < end) {
        const char *brace = s;
        while (brace < end && *brace != '{' && *brace != '}') brace++;
        if (!render_write(r, s, (size_t)(brace - s))) return false;
        if (brace == end) return true;
        bool doubled = brace + 1 < end && brace[1] == *brace;
        if (!doubled && *brace == '}') return render_fail(r, "Single '}' encountered in format string"), false;
        s = doubled ? brace + 2 : closing_brace(brace + 1, end);
        if (!s) return render_fail(r, "expected '}' before end of string"), false;
        if (doubled ? !render_write(r, brace, 1) : !format_field(r, f, brace + 1, s++, depth)) return false;
    }
    return true;
}

static value format_string(render *r, string *s, fields f) {
    size_t mark = render_mark(r);
    if (!format_text(r, &f, s->bytes, s->bytes + s->length, 0)) return FAILED;
    return like(s, render_cut(r, mark));
}

value method_format(render *r, value self, const arguments *given, const value *a) {
    (void)a;
    return format_string(r, self.string, (fields){.given = given});
}

value method_format_map(render *r, value self, const arguments *given, const value *a) {
    if (a[0].kind != VALUE_DICT) return render_fail(r, "format_map() argument must be a mapping, not %s", value_type_name(a[0]));
    return format_string(r, self.string, (fields){.given = given, .mapping = a[0].dict});
}
