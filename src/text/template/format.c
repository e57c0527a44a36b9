/* str() and repr() as Python writes them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "unicode/characters.h"
#include "template/iterate.h"
#include "template/render.h"

static bool write_text(render *r, const char *s) {
    return render_write(r, s, strlen(s));
}

static bool write_integer(render *r, int64_t n) {
    char digits[24];
    return render_write(r, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)n));
}

static bool write_real(render *r, double x) {
    if (isnan(x)) return write_text(r, "nan");
    if (isinf(x)) return write_text(r, x < 0 ? "-inf" : "inf");
    return spend(r, 1) && json_write_double(&r->output, x);
}

/* One character inside quotes. */
static bool write_escaped(render *r, uint32_t c, const char *bytes, size_t size, char quote) {
    char escaped[12];
    const char *format = NULL;
    if (c == '\n') return write_text(r, "\\n");
    if (c == '\r') return write_text(r, "\\r");
    if (c == '\t') return write_text(r, "\\t");
    if (c == '\\' || c == (unsigned char)quote) return render_write(r, "\\", 1) && render_write(r, bytes, size);
    if (character_is_printable(c)) return render_write(r, bytes, size);
    format = c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x";
    return render_write(r, escaped, (size_t)snprintf(escaped, sizeof escaped, format, c));
}

static bool write_quoted(render *r, const string *s) {
    bool single = memchr(s->bytes, '\'', s->length), both = single && memchr(s->bytes, '"', s->length);
    char quote = single && !both ? '"' : '\'';
    if (!render_write(r, &quote, 1)) return false;
    uint32_t c;
    for (size_t i = 0, size; i < s->length; i += size) {
        size = utf8_decode(s->bytes + i, s->length - i, &c);
        if (!size || !write_escaped(r, c, s->bytes + i, size, quote)) return false;
    }
    return render_write(r, &quote, 1);
}

static bool write_items(render *r, const list *l, const char *open, const char *close) {
    if (!write_text(r, open)) return false;
    for (size_t i = 0; i < l->count; i++)
        if ((i && !write_text(r, ", ")) || !write_repr(r, l->items[i])) return false;
    return write_text(r, close);
}

static bool write_dict(render *r, const dict *d) {
    if (!write_text(r, "{")) return false;
    for (size_t i = 0; i < d->count; i++) {
        const dict_entry *entry = &d->entries[i];
        if ((i && !write_text(r, ", ")) || !write_repr(r, entry->key) || !write_text(r, ": ") ||
            !write_repr(r, entry->value))
            return false;
    }
    return write_text(r, "}");
}

static bool write_view(render *r, value v) {
    list *items = list_of(r, v);
    return items && write_text(r, value_type_name(v)) && write_text(r, "(") && write_items(r, items, "[", "]") &&
           write_text(r, ")");
}

static bool write_range(render *r, const range *n) {
    char numbers[80];
    long long start = n->start, stop = n->stop, stride = n->step;
    int length = stride == 1 ? snprintf(numbers, sizeof numbers, "range(%lld, %lld)", start, stop)
                             : snprintf(numbers, sizeof numbers, "range(%lld, %lld, %lld)", start, stop, stride);
    return render_write(r, numbers, (size_t)length);
}

static bool write_loop(render *r, loop *l) {
    int64_t length;
    return loop_length(r, l, &length) && write_text(r, "<LoopContext ") && write_integer(r, l->index + 1) &&
           write_text(r, "/") && write_integer(r, length) && write_text(r, ">");
}

static bool write_macro(render *r, const macro *m) {
    const string *name = macro_name(m);
    if (!name) return write_text(r, "<Macro anonymous>");
    return write_text(r, "<Macro ") && write_quoted(r, name) && write_text(r, ">");
}

/* What Python would print with an address in memory has no right text; saying so is of more use. */
static bool write_object(render *r, value v) {
    const char *advice = v.kind == VALUE_ITERATOR ? "; add |list" : "";
    return render_fail(r, "a %s cannot be written as text%s", value_type_name(v), advice), false;
}

static bool write_markup(render *r, const string *s) {
    return write_text(r, "Markup(") && write_quoted(r, s) && write_text(r, ")");
}

static bool write_scalar(render *r, value v) {
    switch (v.kind) {
    case VALUE_NONE:
        return write_text(r, "None");
    case VALUE_BOOLEAN:
        return write_text(r, v.boolean ? "True" : "False");
    case VALUE_INTEGER:
        return write_integer(r, v.integer);
    case VALUE_REAL:
        return write_real(r, v.real);
    case VALUE_RANGE:
        return write_range(r, v.range);
    case VALUE_LOOP:
        return write_loop(r, v.loop);
    case VALUE_MACRO:
        return write_macro(r, v.macro);
    default:
        return write_object(r, v);
    }
}

static bool write_nested(render *r, value v) {
    switch (v.kind) {
    case VALUE_STRING:
        return v.string->markup ? write_markup(r, v.string) : write_quoted(r, v.string);
    case VALUE_UNDEFINED:
        return write_text(r, "Undefined");
    case VALUE_LIST:
        return write_items(r, v.list, "[", "]");
    case VALUE_TUPLE:
        return write_items(r, v.list, "(", v.list->count == 1 ? ",)" : ")");
    case VALUE_DICT:
        return write_dict(r, v.dict);
    case VALUE_VIEW:
        return write_view(r, v);
    case VALUE_NAMESPACE:
        return write_text(r, "<Namespace ") && write_dict(r, v.dict) && write_text(r, ">");
    default:
        return write_scalar(r, v);
    }
}

/* A namespace may hold itself. */
bool write_repr(render *r, value v) {
    if (!enter(r)) return false;
    bool ok = write_nested(r, v);
    leave(r);
    return ok;
}

bool write_value(render *r, value v) {
    if (is_string(v)) return render_string(r, v.string);
    return is_undefined(v) || write_repr(r, v);
}

string *value_string(render *r, value v) {
    if (is_string(v)) return v.string;
    size_t mark = render_mark(r);
    return write_value(r, v) ? render_cut(r, mark) : NULL;
}
