/* Global functions, and the methods of dicts, lists, loops and cyclers. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "template/filters.h"
#include "template/iterate.h"
#include "template/text.h"

#define FUNCTION(name)                                                                                                 \
    static value name(render *r, value self __attribute__((unused)), const arguments *given __attribute__((unused)),   \
                      const value *a __attribute__((unused)))

enum { LONGEST_RANGE = 100000 };

FUNCTION(raise_exception) {
    string *message = value_string(r, a[0]);
    return message ? render_fail(r, "%.*s", (int)(message->length > 800 ? 800 : message->length), message->bytes)
                   : FAILED;
}

static int64_t range_count(int64_t start, int64_t stop, int64_t stride) {
    if (stride > 0 ? start >= stop : start <= stop) return 0;
    uint64_t distance = stride > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t size = stride > 0 ? (uint64_t)stride : (uint64_t)0 - (uint64_t)stride;
    uint64_t count = (distance - 1) / size + 1;
    return count > INT64_MAX ? INT64_MAX : (int64_t)count;
}

FUNCTION(make_range) {
    int64_t start, stop, stride;
    bool only_stop = failed(a[1]);
    if (!integer_argument(r, only_stop ? integer_value(0) : a[0], 0, &start) ||
        !integer_argument(r, a[only_stop ? 0 : 1], 0, &stop) || !integer_argument(r, a[2], 1, &stride))
        return FAILED;
    if (stride == 0) return render_fail(r, "range() arg 3 must not be zero");
    int64_t count = range_count(start, stop, stride);
    if (count > LONGEST_RANGE)
        return render_fail(r, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", LONGEST_RANGE);
    range *made = ARENA_NEW(&r->memory, range);
    if (!made) return FAILED;
    *made = (range){start, stop, stride, count};
    return (value){.kind = VALUE_RANGE, .range = made};
}

static bool add_entry(render *r, dict *d, value pair) {
    list *items = list_of(r, pair);
    if (!items) return false;
    if (items->count != 2)
        return render_fail(r, "dictionary update sequence element has length %zu; 2 is required", items->count), false;
    return dict_set(&r->memory, d, items->items[0], items->items[1]);
}

static bool add_all(render *r, dict *d, value from) {
    if (is_undefined(from)) return undefined_fail(r, from), false;
    if (from.kind == VALUE_DICT) {
        for (size_t i = 0; i < from.dict->count; i++)
            if (!spend(r, 1) || !dict_set(&r->memory, d, from.dict->entries[i].key, from.dict->entries[i].value))
                return false;
        return true;
    }
    list *pairs = list_of(r, from);
    for (size_t i = 0; pairs && i < pairs->count; i++)
        if (!add_entry(r, d, pairs->items[i])) return false;
    return pairs != NULL;
}

/* dict(mapping or pairs, name=value, …) */
FUNCTION(make_dict) {
    dict *d = dict_new(&r->memory);
    if (given->count > 1) return render_fail(r, "dict expected at most 1 argument, got %zu", given->count);
    if (!d || (given->count && !add_all(r, d, given->items[0]))) return FAILED;
    for (size_t i = 0; i < given->named_count; i++)
        if (!dict_set(&r->memory, d, string_value(given->names[i]), given->named[i])) return FAILED;
    return dict_value(d);
}

FUNCTION(make_namespace) {
    value made = make_dict(r, self, given, a);
    if (failed(made)) return made;
    for (size_t i = 0; i < made.dict->count; i++) {
        value key = made.dict->entries[i].key;
        if (is_string(key) && key.string->length && key.string->bytes[0] == '_')
            return render_fail(r, "Chat templates cannot store underscore-prefixed attributes on a namespace");
    }
    return (value){.kind = VALUE_NAMESPACE, .dict = made.dict};
}

static cycler *cycler_new(render *r, const value *items, size_t count) {
    cycler *c = ARENA_NEW(&r->memory, cycler);
    if (!c || !(c->items = list_new(&r->memory, count))) return NULL;
    for (size_t i = 0; i < count; i++)
        if (!list_push(&r->memory, c->items, items[i])) return NULL;
    return c;
}

FUNCTION(make_cycler) {
    if (given->count == 0) return render_fail(r, "at least one item has to be provided");
    if (given->named_count) return render_fail(r, "cycler() takes no keyword arguments");
    cycler *c = cycler_new(r, given->items, given->count);
    return c ? (value){.kind = VALUE_CYCLER, .cycler = c} : FAILED;
}

FUNCTION(make_joiner) {
    value separator = failed(a[0]) ? text_value(r, ", ") : a[0];
    cycler *c = failed(separator) ? NULL : cycler_new(r, &separator, 1);
    return c ? (value){.kind = VALUE_JOINER, .cycler = c} : FAILED;
}

/* strftime of the current local time, or of the clock that the caller fixed. */
FUNCTION(strftime_now) {
    string *format = string_argument(r, a[0], "strftime() argument 1");
    char copy[256], shown[1024];
    if (!format) return FAILED;
    if (format->length >= sizeof copy - 1 || memchr(format->bytes, 0, format->length))
        return render_fail(r, "strftime_now(): the format is too long");
    /* A space in front tells an empty result from one that does not fit. */
    copy[0] = ' ';
    memcpy(copy + 1, format->bytes, format->length);
    copy[format->length + 1] = 0;
    time_t now = r->clock ? (time_t)*r->clock : time(NULL);
    struct tm broken;
    if (!(r->clock ? gmtime_r(&now, &broken) : localtime_r(&now, &broken)))
        return render_fail(r, "strftime_now(): the time is out of range");
    size_t length = strftime(shown, sizeof shown, copy, &broken);
    if (length == 0) return render_fail(r, "strftime_now(): the result is too long");
    return string_value(string_copy(&r->memory, shown + 1, length - 1));
}

const builtin globals_all[] = {
    {"raise_exception", "message", raise_exception},
    {"strftime_now", "format", strftime_now},
    {"namespace", "*", make_namespace},
    {"range", "-start -stop? -step?", make_range},
    {"dict", "*", make_dict},
    {"cycler", "*", make_cycler},
    {"joiner", "sep?", make_joiner},
    {"lipsum", "*", NULL},
    {0},
};

FUNCTION(dict_get_method) {
    uint64_t hash;
    if (!value_hash(a[0], &hash)) return render_fail(r, "unhashable type: '%s'", value_type_name(a[0]));
    const dict_entry *entry = dict_find(self.dict, a[0]);
    return entry ? entry->value : failed(a[1]) ? NONE : a[1];
}

static value view_of(render *r, value self, int part) {
    view *v = ARENA_NEW(&r->memory, view);
    if (!v) return FAILED;
    v->dict = self.dict;
    v->part = part == 0 ? VIEW_KEYS : part == 1 ? VIEW_VALUES : VIEW_ITEMS;
    return (value){.kind = VALUE_VIEW, .view = v};
}

FUNCTION(dict_keys) {
    return view_of(r, self, 0);
}
FUNCTION(dict_values) {
    return view_of(r, self, 1);
}
FUNCTION(dict_items) {
    return view_of(r, self, 2);
}
/* Nothing changes a dict or a list, so a copy is the thing itself. */
FUNCTION(copy_method) {
    (void)r;
    return self;
}

FUNCTION(dict_from_keys) {
    list *keys = list_of(r, a[0]);
    dict *d = keys ? dict_new(&r->memory) : NULL;
    for (size_t i = 0; d && i < keys->count; i++)
        if (!spend(r, 1) || !dict_set(&r->memory, d, keys->items[i], failed(a[1]) ? NONE : a[1])) return FAILED;
    return d ? dict_value(d) : FAILED;
}

const builtin methods_dict_class[] = {{"fromkeys", "-keys -value?", dict_from_keys}, {0}};

const builtin methods_dict[] = {
    {"get", "-key -default?", dict_get_method},
    {"items", "", dict_items},
    {"keys", "", dict_keys},
    {"values", "", dict_values},
    {"copy", "", copy_method},
    {"fromkeys", "-keys -value?", dict_from_keys},
    {0},
};

FUNCTION(sequence_index) {
    int64_t start, stop, length = value_length(self);
    if (!integer_argument(r, a[1], 0, &start) || !integer_argument(r, a[2], length, &stop)) return FAILED;
    list *l = list_of(r, self);
    if (start < 0) start = start + length < 0 ? 0 : start + length;
    if (stop < 0) stop += length;
    bool same = false;
    for (int64_t i = start; l && i < stop && i < length; i++) {
        if (!equal(r, l->items[i], a[0], &same)) return FAILED;
        if (same) return integer_value(i);
    }
    return l ? render_fail(r, "the value is not in the %s", value_type_name(self)) : FAILED;
}

FUNCTION(sequence_count) {
    list *l = list_of(r, self);
    int64_t count = 0;
    bool same = false;
    for (size_t i = 0; l && i < l->count; i++, count += same)
        if (!equal(r, l->items[i], a[0], &same)) return FAILED;
    return l ? integer_value(count) : FAILED;
}

const builtin methods_list[] = {
    {"index", "-value -start? -stop?", sequence_index},
    {"count", "-value", sequence_count},
    {"copy", "", copy_method},
    {0},
};
const builtin methods_tuple[] = {
    {"index", "-value -start? -stop?", sequence_index}, {"count", "-value", sequence_count}, {0}};

FUNCTION(number_is_integer) {
    if (is_whole(self)) return render_fail(r, "'int' object has no attribute 'is_integer'");
    return boolean_value(floor(self.real) == self.real && isfinite(self.real));
}

const builtin methods_number[] = {
    {"is_integer", "", number_is_integer},
    {"real", "*", NULL},
    {"imag", "*", NULL},
    {"numerator", "*", NULL},
    {"denominator", "*", NULL},
    {"conjugate", "*", NULL},
    {"bit_length", "*", NULL},
    {"bit_count", "*", NULL},
    {"to_bytes", "*", NULL},
    {"from_bytes", "*", NULL},
    {"as_integer_ratio", "*", NULL},
    {"hex", "*", NULL},
    {"fromhex", "*", NULL},
    {0},
};

FUNCTION(loop_cycle) {
    if (given->count == 0) return render_fail(r, "no items for cycling given");
    return given->items[(size_t)self.loop->index % given->count];
}

FUNCTION(loop_changed) {
    loop *l = self.loop;
    list *seen = list_new(&r->memory, given->count);
    for (size_t i = 0; seen && i < given->count; i++)
        if (!list_push(&r->memory, seen, given->items[i])) return FAILED;
    if (!seen) return FAILED;
    bool same = false;
    if (l->changed && !equal(r, tuple_value(l->changed), tuple_value(seen), &same)) return FAILED;
    l->changed = seen;
    return boolean_value(!same);
}

const builtin methods_loop[] = {{"cycle", "*", loop_cycle}, {"changed", "*", loop_changed}, {0}};

FUNCTION(cycler_next) {
    (void)r;
    cycler *c = self.cycler;
    value item = c->items->items[c->position];
    c->position = (c->position + 1) % c->items->count;
    return item;
}

FUNCTION(cycler_reset) {
    (void)r;
    self.cycler->position = 0;
    return NONE;
}

const builtin methods_cycler[] = {{"next", "", cycler_next}, {"reset", "", cycler_reset}, {0}};
