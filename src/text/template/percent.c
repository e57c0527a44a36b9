/* "format" % values: Python's printf-style formatting, without the codes for bytes. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "template/filters.h"
#include "template/text.h"

typedef struct {
    const char *at, *end;
    value operand;
    size_t used; /* items of a tuple operand */
    bool named;  /* a %(name) was seen */
} formatter;

/* One "%…": flags, width and precision (-1: none). */
typedef struct {
    bool left, plus, space, zero, alternate;
    int64_t width, precision;
    char code;
} directive;

static value next_operand(render *r, formatter *f) {
    if (f->operand.kind != VALUE_TUPLE) {
        if (f->used++) return render_fail(r, "not enough arguments for format string");
        return f->operand;
    }
    if (f->used >= f->operand.list->count) return render_fail(r, "not enough arguments for format string");
    return f->operand.list->items[f->used++];
}

static value named_operand(render *r, formatter *f) {
    const char *begin = ++f->at;
    int depth = 1;
    while (f->at < f->end && (depth -= *f->at == ')', depth += *f->at == '(', depth > 0)) f->at++;
    if (f->at >= f->end) return render_fail(r, "incomplete format key");
    if (f->operand.kind != VALUE_DICT) return render_fail(r, "format requires a mapping");
    string *key = string_share(&r->memory, begin, (size_t)(f->at - begin));
    const dict_entry *entry = key ? dict_find(f->operand.dict, string_value(key)) : NULL;
    f->at++;
    f->named = true;
    if (entry) return entry->value;
    return key ? render_fail(r, "the format's mapping has no key '%.*s'", (int)key->length, key->bytes) : FAILED;
}

static bool read_number(render *r, formatter *f, int64_t *n) {
    if (f->at < f->end && *f->at == '*') {
        value v = next_operand(r, f);
        f->at++;
        if (failed(v)) return false;
        if (!is_whole(v)) return render_fail(r, "* wants int"), false;
        return *n = whole(v), true;
    }
    for (*n = 0; f->at < f->end && isdigit((unsigned char)*f->at); f->at++) {
        *n = *n * 10 + (*f->at - '0');
        if (*n > INT32_MAX) return render_fail(r, "width or precision too big"), false;
    }
    return true;
}

static void read_flags(formatter *f, directive *d) {
    for (; f->at < f->end; f->at++) switch (*f->at) {
        case '-':
            d->left = true;
            break;
        case '+':
            d->plus = true;
            break;
        case ' ':
            d->space = true;
            break;
        case '0':
            d->zero = true;
            break;
        case '#':
            d->alternate = true;
            break;
        default:
            return;
        }
}

static bool read_directive(render *r, formatter *f, directive *d) {
    *d = (directive){.precision = -1};
    read_flags(f, d);
    if (!read_number(r, f, &d->width)) return false;
    if (d->width < 0) d->left = true, d->width = -d->width;
    if (f->at < f->end && *f->at == '.') {
        f->at++;
        if (!read_number(r, f, &d->precision)) return false;
        if (d->precision < 0) d->precision = 0;
    }
    while (f->at < f->end && strchr("hlL", *f->at) && *f->at) f->at++;
    if (f->at >= f->end) return render_fail(r, "incomplete format"), false;
    d->code = *f->at++;
    return true;
}

/* Pads text to the width; zeros go between a number's sign or prefix and its digits. */
static bool write_padded(render *r, const directive *d, string *s, size_t prefix) {
    int64_t missing = d->width - (int64_t)string_characters(s);
    bool zeros = d->zero && prefix != SIZE_MAX && !d->left;
    if (missing <= 0) return render_string(r, s);
    if (!zeros) {
        string *padded = pad_text(r, s, d->width, " ", 1, d->left ? PAD_RIGHT : PAD_LEFT);
        return padded && render_string(r, padded);
    }
    if (!render_write(r, s->bytes, prefix)) return false;
    for (; missing > 0; missing--)
        if (!render_write(r, "0", 1)) return false;
    return render_write(r, s->bytes + prefix, s->length - prefix);
}

static bool write_text_directive(render *r, const directive *d, value v) {
    size_t mark = render_mark(r);
    string *s = is_string(v) && d->code == 's' ? v.string : NULL;
    if (!s && (d->code == 's' ? write_value(r, v) : write_repr(r, v))) s = render_cut(r, mark);
    if (!s) return false;
    if (d->precision >= 0 && (int64_t)string_characters(s) > d->precision) {
        if (!(s = string_slice_bytes(&r->memory, s, 0, string_offset(s, (size_t)d->precision)))) return false;
    }
    return write_padded(r, d, s, SIZE_MAX);
}

/* The number in digits[], sign or prefix first. */
static bool write_number_directive(render *r, const directive *d, bool negative, const char *prefix,
                                   const char *digits) {
    size_t mark = render_mark(r);
    const char *sign = negative ? "-" : d->plus ? "+" : d->space ? " " : "";
    if (!render_write(r, sign, strlen(sign)) || !render_write(r, prefix, strlen(prefix))) return false;
    size_t before = render_mark(r) - mark;
    if (!render_write(r, digits, strlen(digits))) return false;
    string *s = render_cut(r, mark);
    return s && write_padded(r, d, s, before);
}

static bool write_whole_directive(render *r, const directive *d, value v) {
    char digits[600], code = d->code == 'i' || d->code == 'u' ? 'd' : d->code;
    if (v.kind == VALUE_REAL && code == 'd') {
        if (!isfinite(v.real) || fabs(v.real) >= 0x1p63)
            return render_fail(r, "the number does not fit in 64 bits"), false;
        v = integer_value((int64_t)v.real);
    }
    if (is_undefined(v)) return undefined_fail(r, v), false;
    if (!is_whole(v))
        return render_fail(r, "%%%c format: a number is required, not %s", d->code, value_type_name(v)), false;
    if (d->precision > 500) return render_fail(r, "precision too big"), false;
    int64_t n = whole(v);
    unsigned long long size = n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n;
    int precision = d->precision < 0 ? 1 : (int)d->precision;
    const char *prefix = !d->alternate ? "" : code == 'x' ? "0x" : code == 'X' ? "0X" : code == 'o' ? "0o" : "";
    switch (code) {
    case 'x':
        snprintf(digits, sizeof digits, "%.*llx", precision, size);
        break;
    case 'X':
        snprintf(digits, sizeof digits, "%.*llX", precision, size);
        break;
    case 'o':
        snprintf(digits, sizeof digits, "%.*llo", precision, size);
        break;
    default:
        snprintf(digits, sizeof digits, "%.*llu", precision, size);
        break;
    }
    if (size == 0 && precision == 0) strcpy(digits, "0");
    return write_number_directive(r, d, n < 0, prefix, digits);
}

static bool write_real_directive(render *r, const directive *d, value v) {
    char digits[1024], format[12];
    if (is_undefined(v)) return undefined_fail(r, v), false;
    if (!is_number(v)) return render_fail(r, "must be real number, not %s", value_type_name(v)), false;
    if (d->precision > 600) return render_fail(r, "precision too big"), false;
    double x = number(v);
    snprintf(format, sizeof format, "%%%s.*%c", d->alternate ? "#" : "", d->code);
    snprintf(digits, sizeof digits, format, d->precision < 0 ? 6 : (int)d->precision, fabs(x));
    return write_number_directive(r, d, signbit(x) && !isnan(x), "", digits);
}

static bool write_character_directive(render *r, const directive *d, value v) {
    char bytes[4];
    string *s = is_string(v) ? v.string : NULL;
    if (s && string_characters(s) != 1) return render_fail(r, "%%c requires int or char"), false;
    if (!s && (!is_whole(v) || whole(v) < 0 || whole(v) > 0x10FFFF || (whole(v) >= 0xD800 && whole(v) < 0xE000)))
        return render_fail(r, "%%c arg not in range(0x110000)"), false;
    if (!s) s = string_copy(&r->memory, bytes, utf8_encode((uint32_t)whole(v), bytes));
    return s && write_padded(r, d, s, SIZE_MAX);
}

static bool write_directive(render *r, const directive *d, value v) {
    if (strchr("diuxXo", d->code)) return write_whole_directive(r, d, v);
    if (strchr("eEfFgG", d->code)) return write_real_directive(r, d, v);
    if (d->code == 'c') return write_character_directive(r, d, v);
    return write_text_directive(r, d, v);
}

static bool format_one(render *r, formatter *f) {
    directive d;
    bool named = f->at < f->end && *f->at == '(';
    value v = named ? named_operand(r, f) : NONE;
    if (failed(v) || !read_directive(r, f, &d)) return false;
    if (d.code == '%') return render_write(r, "%", 1);
    if (d.code == 'a' || !d.code || !strchr("diuxXoeEfFgGcsr", d.code))
        return render_fail(r, "unsupported format character '%c'", isprint((unsigned char)d.code) ? d.code : '?'),
               false;
    if (!named && failed(v = next_operand(r, f))) return false;
    return write_directive(r, &d, v);
}

static bool format_all(render *r, formatter *f) {
    while (f->at < f->end) {
        const char *percent = memchr(f->at, '%', (size_t)(f->end - f->at)), *stop = percent ? percent : f->end;
        if (!render_write(r, f->at, (size_t)(stop - f->at))) return false;
        f->at = percent ? percent + 1 : f->end;
        if (percent && !format_one(r, f)) return false;
    }
    return true;
}

/* What was not used is an error, except in mappings and lists, as in Python. */
static bool all_used(const formatter *f) {
    value v = f->operand;
    if (v.kind == VALUE_TUPLE) return f->named || f->used == v.list->count;
    return f->used || f->named || v.kind == VALUE_DICT || v.kind == VALUE_LIST || v.kind == VALUE_RANGE ||
           is_undefined(v);
}

value percent_format(render *r, value format, value operand) {
    formatter f = {.at = format.string->bytes, .end = format.string->bytes + format.string->length, .operand = operand};
    size_t mark = render_mark(r);
    if (!format_all(r, &f)) return FAILED;
    if (!all_used(&f)) return render_fail(r, "not all arguments converted during string formatting");
    return like(format.string, render_cut(r, mark));
}
