/* The tojson filter: Python's json.dumps with ensure_ascii=False by default, and without HTML escaping. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "template/iterate.h"
#include "template/text.h"

typedef struct {
    bool ascii, pretty, sorted;
    string indent, item_separator, key_separator;
} layout;

static bool write_member(render *r, const layout *l, value v, int depth);

static bool write_line(render *r, const layout *l, int depth) {
    if (!l->pretty) return true;
    bool ok = render_write(r, "\n", 1);
    for (int i = 0; ok && i < depth; i++) ok = render_string(r, &l->indent);
    return ok;
}

static bool write_number(render *r, value v) {
    if (v.kind == VALUE_REAL && isnan(v.real)) return render_write(r, "NaN", 3);
    if (v.kind == VALUE_REAL && isinf(v.real))
        return render_write(r, v.real < 0 ? "-Infinity" : "Infinity", v.real < 0 ? 9 : 8);
    return write_repr(r, v);
}

static bool write_word(render *r, value v) {
    const char *word = v.kind == VALUE_NONE ? "null" : v.boolean ? "true" : "false";
    return render_write(r, word, strlen(word));
}

static bool write_json_string(render *r, const layout *l, const string *s) {
    size_t mark = render_mark(r);
    if (s->length > r->output_limit || !spend(r, s->length)) return render_write(r, s->bytes, s->length);
    if (!json_write_string(&r->output, s->bytes, s->length, l->ascii)) return false;
    return r->output.length <= r->output_limit ||
           (render_cut(r, mark), render_fail(r, "the output exceeds %zu bytes", r->output_limit), false);
}

static bool write_array(render *r, const layout *l, const list *items, int depth) {
    if (items->count == 0) return render_write(r, "[]", 2);
    bool ok = render_write(r, "[", 1);
    for (size_t i = 0; ok && i < items->count; i++)
        ok = (i == 0 || render_string(r, &l->item_separator)) && write_line(r, l, depth + 1) &&
             write_member(r, l, items->items[i], depth + 1);
    return ok && write_line(r, l, depth) && render_write(r, "]", 1);
}

/* Keys that are no strings are written as strings, those JSON has no word for are refused. */
static bool write_key(render *r, const layout *l, value key) {
    if (is_string(key)) return write_json_string(r, l, key.string);
    if (!is_number(key) && key.kind != VALUE_NONE)
        return render_fail(r, "keys must be str, int, float, bool or None, not %s", value_type_name(key)), false;
    return render_write(r, "\"", 1) && write_member(r, l, key, 0) && render_write(r, "\"", 1);
}

static bool sort_entries(render *r, const dict *d, value *items, value *keys) {
    for (size_t i = 0; i < d->count; i++) {
        keys[i] = d->entries[i].key;
        items[i] = integer_value((int64_t)i);
    }
    return sort_values(r, items, keys, d->count, false);
}

static bool write_object(render *r, const layout *l, const dict *d, int depth) {
    if (d->count == 0) return render_write(r, "{}", 2);
    value *order = l->sorted ? ARENA_NEW_ARRAY(&r->memory, value, 2 * d->count) : NULL;
    if (l->sorted && (!order || !sort_entries(r, d, order, order + d->count))) return false;
    bool ok = render_write(r, "{", 1);
    for (size_t i = 0; ok && i < d->count; i++) {
        const dict_entry *entry = &d->entries[order ? (size_t)order[i].integer : i];
        ok = (i == 0 || render_string(r, &l->item_separator)) && write_line(r, l, depth + 1) &&
             write_key(r, l, entry->key) && render_string(r, &l->key_separator) &&
             write_member(r, l, entry->value, depth + 1);
    }
    return ok && write_line(r, l, depth) && render_write(r, "}", 1);
}

static bool write_member(render *r, const layout *l, value v, int depth) {
    switch (v.kind) {
    case VALUE_NONE:
    case VALUE_BOOLEAN:
        return write_word(r, v);
    case VALUE_INTEGER:
    case VALUE_REAL:
        return write_number(r, v);
    case VALUE_STRING:
        return write_json_string(r, l, v.string);
    case VALUE_LIST:
    case VALUE_TUPLE:
        return write_array(r, l, v.list, depth);
    case VALUE_DICT:
        return write_object(r, l, v.dict, depth);
    default:
        return render_fail(r, "Object of type %s is not JSON serializable", value_type_name(v)), false;
    }
}

static bool set_indent(render *r, value indent, layout *l) {
    if (failed(indent) || indent.kind == VALUE_NONE) return true;
    l->pretty = true;
    if (is_string(indent)) return l->indent = *indent.string, true;
    int64_t width;
    if (!integer_argument(r, indent, 0, &width)) return false;
    value spaces = operate(r, TOKEN_MULTIPLY, text_value(r, " "), integer_value(width));
    if (failed(spaces)) return false;
    l->indent = *spaces.string;
    return true;
}

static bool set_separators(render *r, value separators, layout *l) {
    l->item_separator = (string){.bytes = l->pretty ? "," : ", ", .length = l->pretty ? 1 : 2};
    l->key_separator = (string){.bytes = ": ", .length = 2};
    if (failed(separators) || separators.kind == VALUE_NONE) return true;
    list *pair = list_of(r, separators);
    if (!pair) return false;
    if (pair->count != 2 || !is_string(pair->items[0]) || !is_string(pair->items[1]))
        return render_fail(r, "tojson(): separators must be two strings"), false;
    l->item_separator = *pair->items[0].string;
    l->key_separator = *pair->items[1].string;
    return true;
}

value filter_tojson(render *r, value self, const arguments *given, const value *a) {
    (void)given;
    layout l = {.ascii = is_truthy(a[0]), .sorted = is_truthy(a[3])};
    size_t mark = render_mark(r);
    if (!set_indent(r, a[1], &l) || !set_separators(r, a[2], &l) || !write_member(r, &l, self, 0)) return FAILED;
    return string_value(render_cut(r, mark));
}
