/* x.name, x[key] and slices, with the sandbox's rules: names that begin with "_" and methods that would change a value
   are refused when they are used. Attributes come before keys with the dot, after them with brackets. */
#include <string.h>

#include "template/iterate.h"
#include "template/render.h"

static value undefined_member(render *r, value v, value name, bool unsafe) {
    undefined *u = ARENA_NEW(&r->memory, undefined);
    if (!u) return FAILED;
    u->type = v.kind == VALUE_NONE && !unsafe ? "None" : value_type_name(v);
    u->name = name;
    u->unsafe = unsafe;
    return (value){.kind = VALUE_UNDEFINED, .undefined = u};
}

static value bind_method(render *r, value self, const builtin *b) {
    if (!b->call) return render_fail(r, "the attribute '%s' of '%s' is not supported", b->name, value_type_name(self));
    method *m = ARENA_NEW(&r->memory, method);
    if (!m) return FAILED;
    *m = (method){self, b};
    return (value){.kind = VALUE_METHOD, .method = m};
}

/* Methods that the immutable sandbox refuses. */
static bool changes_value(value v, const string *name) {
    static const char list_names[] = " append clear pop reverse insert sort extend remove ",
                      dict_names[] = " clear pop popitem setdefault update ";
    const char *names = v.kind == VALUE_LIST ? list_names : v.kind == VALUE_DICT ? dict_names : "";
    for (const char *at = names; *at; at += strcspn(at + 1, " ") + 1)
        if (strncmp(at + 1, name->bytes, name->length) == 0 && at[1] && at[1 + name->length] == ' ')
            return name->length > 0;
    return false;
}

static int method_kind(value v) {
    switch (v.kind) {
    case VALUE_STRING:
        return BUILTIN_STRING_METHODS;
    case VALUE_LIST:
        return BUILTIN_LIST_METHODS;
    case VALUE_TUPLE:
    case VALUE_RANGE:
        return BUILTIN_TUPLE_METHODS;
    case VALUE_DICT:
        return BUILTIN_DICT_METHODS;
    case VALUE_FUNCTION: /* dict is a class: dict.fromkeys */
        return strcmp(v.function->name, "dict") == 0 ? BUILTIN_DICT_CLASS : -1;
    case VALUE_BOOLEAN:
    case VALUE_INTEGER:
    case VALUE_REAL:
        return BUILTIN_NUMBER_METHODS;
    case VALUE_LOOP:
        return BUILTIN_LOOP_METHODS;
    case VALUE_CYCLER:
        return BUILTIN_CYCLER_METHODS;
    default:
        return -1;
    }
}

static value loop_attribute(render *r, loop *l, const char *name, bool *found) {
    static const char *const names[] = {"index",    "index0",   "first",  "depth",    "depth0",   "last",
                                        "nextitem", "previtem", "length", "revindex", "revindex0"};
    size_t which = 0, count = sizeof names / sizeof *names;
    while (which < count && strcmp(names[which], name) != 0) which++;
    int64_t length = 0;
    step next = STEP_END;
    *found = which < count;
    if (which == 5 || which == 6) next = loop_peek(r, l);
    if (next == STEP_FAILED || (which >= 8 && which < count && !loop_length(r, l, &length))) return FAILED;
    switch (which) {
    case 0:
        return integer_value(l->index + 1);
    case 1:
        return integer_value(l->index);
    case 2:
        return boolean_value(l->index == 0);
    case 3:
        return integer_value(l->depth + 1);
    case 4:
        return integer_value(l->depth);
    case 5:
        return boolean_value(next == STEP_END);
    case 6:
        return next == STEP_END ? undefined_hint(r, "there is no next item") : l->after;
    case 7:
        return l->index == 0 ? undefined_hint(r, "there is no previous item") : l->before;
    case 8:
        return integer_value(length);
    case 9:
        return integer_value(length - l->index);
    default:
        return integer_value(length - l->index - 1);
    }
}

static value argument_names(render *r, const node *of) {
    list *names = list_new(&r->memory, of->items.count);
    for (size_t i = 0; names && i < of->items.count; i++)
        if (!list_push(&r->memory, names, string_value((string *)&of->items.items[i]->name->text))) return FAILED;
    return names ? tuple_value(names) : FAILED;
}

static value macro_attribute(render *r, const macro *m, const char *name, bool *found) {
    static const struct {
        const char *name;
        int catches;
    } flags[] = {
        {"caller", CATCHES_CALLER}, {"catch_kwargs", CATCHES_KEYWORDS}, {"catch_varargs", CATCHES_POSITIONALS}};
    *found = true;
    if (strcmp(name, "name") == 0 && macro_name(m)) return string_value(macro_name(m));
    if (strcmp(name, "arguments") == 0) return argument_names(r, macro_node(m));
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(name, flags[i].name) == 0) return boolean_value((macro_node(m)->catches & flags[i].catches) != 0);
    *found = false;
    return FAILED;
}

/* Attributes that are values, not methods. */
static value plain_attribute(render *r, value v, const string *name, bool *found) {
    char small[16] = {0};
    *found = false;
    if (name->length >= sizeof small || memchr(name->bytes, 0, name->length)) return FAILED;
    memcpy(small, name->bytes, name->length);
    if (v.kind == VALUE_LOOP) return loop_attribute(r, v.loop, small, found);
    bool first = strcmp(small, "grouper") == 0, current = strcmp(small, "current") == 0;
    if (is_sequence(v) && v.list->group && (first || strcmp(small, "list") == 0))
        return *found = true, v.list->items[!first];
    if (v.kind == VALUE_CYCLER && current) return *found = true, v.cycler->items->items[v.cycler->position];
    if (v.kind == VALUE_MACRO) return macro_attribute(r, v.macro, small, found);
    return FAILED;
}

static value namespace_attribute(value v, value name, bool *found) {
    const dict_entry *entry = dict_find(v.dict, name);
    *found = entry != NULL;
    return entry ? entry->value : FAILED;
}

/* Python's getattr() with the sandbox's answer; *found tells whether there is such an attribute. */
static value attribute(render *r, value v, string *name, bool *found) {
    value named = string_value(name);
    if (v.kind == VALUE_NAMESPACE) return namespace_attribute(v, named, found);
    value plain = plain_attribute(r, v, name, found);
    if (*found) return plain;
    *found = true;
    if (name->length > 4 && memcmp(name->bytes, "__", 2) == 0 && memcmp(name->bytes + name->length - 2, "__", 2) == 0)
        return undefined_member(r, v, named, true);
    if (changes_value(v, name)) return undefined_member(r, v, named, true);
    int kind = method_kind(v);
    const builtin *b = kind < 0 ? NULL : builtin_known((builtin_kind)kind, name->bytes, name->length);
    if (b) return bind_method(r, v, b);
    *found = false;
    return FAILED;
}

static bool spend_index(render *r, string *s) {
    return s->counted && s->characters == s->length ? true : spend(r, s->length);
}

/* The character at an index that is inside. */
static value character_at(render *r, string *s, size_t index) {
    if (!spend_index(r, s)) return FAILED;
    size_t begin = string_offset(s, index), end = begin + 1;
    while (end < s->length && ((unsigned char)s->bytes[end] & 0xC0) == 0x80) end++;
    string *one = string_slice_bytes(&r->memory, s, begin, end);
    if (one) one->markup = s->markup;
    return string_value(one);
}

static value sequence_item(render *r, value v, int64_t index, bool *found) {
    int64_t length = value_length(v);
    if (index < 0) index += length;
    *found = index >= 0 && index < length;
    if (!*found) return FAILED;
    if (is_string(v)) return character_at(r, v.string, (size_t)index);
    return v.kind == VALUE_RANGE ? integer_value(v.range->start + index * v.range->step) : v.list->items[index];
}

/* Python's v[index]. */
static value item(render *r, value v, value index, bool *found) {
    *found = false;
    if (v.kind == VALUE_DICT) return namespace_attribute(v, index, found);
    if ((is_string(v) || is_sequence(v) || v.kind == VALUE_RANGE) && is_whole(index))
        return sequence_item(r, v, whole(index), found);
    return FAILED;
}

value get_attribute(render *r, value v, string *name) {
    if (is_undefined(v)) return undefined_fail(r, v);
    bool found;
    value result = attribute(r, v, name, &found);
    if (found) return result;
    if (v.kind == VALUE_DICT) result = item(r, v, string_value(name), &found);
    return found ? result : undefined_member(r, v, string_value(name), false);
}

value get_item(render *r, value v, value index) {
    if (is_undefined(v)) return undefined_fail(r, v);
    bool found;
    value result = item(r, v, index, &found);
    if (found) return result;
    if (is_string(index)) result = attribute(r, v, index.string, &found);
    return found ? result : undefined_member(r, v, index, false);
}

/* Python's slice.indices(): where a walk of `count` items starts. */
typedef struct {
    int64_t start, step, count;
} walk;

static int64_t clamp(value bound, int64_t length, int64_t low, int64_t high, int64_t missing) {
    if (failed(bound) || bound.kind == VALUE_NONE) return missing;
    int64_t n = whole(bound);
    if (n < 0) n = n < -length ? -1 : n + length;
    return n < low ? low : n > high ? high : n;
}

static walk walk_of(value start, value stop, int64_t stride, int64_t length) {
    bool back = stride < 0;
    int64_t low = back ? -1 : 0, high = back ? length - 1 : length;
    int64_t from = clamp(start, length, low, high, back ? high : low);
    int64_t to = clamp(stop, length, low, high, back ? low : high);
    int64_t distance = back ? from - to : to - from;
    /* -stride could overflow for the most negative one. */
    uint64_t size = back ? (uint64_t)0 - (uint64_t)stride : (uint64_t)stride;
    int64_t count = distance > 0 ? (int64_t)(((uint64_t)distance - 1) / size) + 1 : 0;
    return (walk){from, stride, count};
}

static value slice_list(render *r, value v, walk w) {
    list *l = list_new(&r->memory, (size_t)w.count);
    if (!l || !spend(r, (size_t)w.count)) return FAILED;
    for (int64_t i = 0; i < w.count; i++)
        if (!list_push(&r->memory, l, v.list->items[w.start + i * w.step])) return FAILED;
    return v.kind == VALUE_LIST ? list_value(l) : tuple_value(l);
}

static value slice_stepped(render *r, string *s, walk w) {
    size_t mark = render_mark(r);
    /* Offsets of all characters once, instead of a search for each. */
    size_t characters = string_characters(s), at = 0;
    size_t *offsets = ARENA_NEW_ARRAY(&r->memory, size_t, characters + 1);
    if (!offsets) return FAILED;
    for (size_t i = 0; i < s->length; i++)
        if (((unsigned char)s->bytes[i] & 0xC0) != 0x80) offsets[at++] = i;
    offsets[at] = s->length;
    for (int64_t i = 0; i < w.count; i++) {
        size_t k = (size_t)(w.start + i * w.step);
        if (!render_write(r, s->bytes + offsets[k], offsets[k + 1] - offsets[k])) return FAILED;
    }
    return string_value(render_cut(r, mark));
}

static value slice_string(render *r, string *s, walk w) {
    if (!spend_index(r, s)) return FAILED;
    value result;
    if (w.step == 1 || w.count == 0) {
        size_t begin = w.count ? string_offset(s, (size_t)w.start) : 0;
        size_t end = w.count ? string_offset(s, (size_t)(w.start + w.count)) : 0;
        result = string_value(string_slice_bytes(&r->memory, s, begin, end));
    } else {
        result = slice_stepped(r, s, w);
    }
    if (!failed(result)) result.string->markup = s->markup;
    return result;
}

static value slice_range(render *r, const range *n, walk w) {
    range *part = ARENA_NEW(&r->memory, range);
    if (!part) return FAILED;
    *part = (range){n->start + w.start * n->step, 0, n->step * w.step, w.count};
    part->stop = part->start + w.count * part->step;
    return (value){.kind = VALUE_RANGE, .range = part};
}

static bool slice_bound(value v) {
    return failed(v) || v.kind == VALUE_NONE || is_whole(v);
}

value get_slice(render *r, value v, value start, value stop, value stride) {
    if (is_undefined(v)) return undefined_fail(r, v);
    if (!is_string(v) && !is_sequence(v) && v.kind != VALUE_RANGE)
        return render_fail(r, "'%s' object cannot be sliced", value_type_name(v));
    if (!slice_bound(start) || !slice_bound(stop) || !slice_bound(stride))
        return render_fail(r, "slice indices must be integers or None");
    int64_t step_size = failed(stride) || stride.kind == VALUE_NONE ? 1 : whole(stride);
    if (step_size == 0) return render_fail(r, "slice step cannot be zero");
    walk w = walk_of(start, stop, step_size, value_length(v));
    if (is_string(v)) return slice_string(r, v.string, w);
    return v.kind == VALUE_RANGE ? slice_range(r, v.range, w) : slice_list(r, v, w);
}
