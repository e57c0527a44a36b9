/* Filters on lists, dicts and everything else that can be walked. */
#include <string.h>

#include "unicode/characters.h"
#include "template/filters.h"
#include "template/iterate.h"
#include "template/text.h"

#define FILTER(name)                                                                                                   \
    static value name(render *r, value self, const arguments *given __attribute__((unused)),                           \
                      const value *a __attribute__((unused)))

value ignore_case(render *r, value v) {
    return is_string(v) ? string_value(change_case(r, v.string, CASE_LOWER)) : v;
}

/* A part of a path: digits are an index. */
static value path_part(string *part) {
    int64_t n = 0;
    bool digits = part->length > 0 && part->length < 18;
    for (size_t i = 0; digits && i < part->length; i++) {
        digits = part->bytes[i] >= '0' && part->bytes[i] <= '9';
        n = n * 10 + (part->bytes[i] - '0');
    }
    return digits ? integer_value(n) : string_value(part);
}

static value with_default(value v, value fallback) {
    return is_undefined(v) && !failed(fallback) && fallback.kind != VALUE_NONE ? fallback : v;
}

value get_path(render *r, value v, value path, value fallback) {
    if (failed(path) || path.kind == VALUE_NONE) return v;
    if (!is_string(path)) return with_default(get_item(r, v, path), fallback);
    const string *s = path.string;
    for (size_t begin = 0, end; begin <= s->length && !failed(v); begin = end + 1) {
        const char *dot = memchr(s->bytes + begin, '.', s->length - begin);
        end = dot ? (size_t)(dot - s->bytes) : s->length;
        string *part = string_slice_bytes(&r->memory, s, begin, end);
        v = part ? with_default(get_item(r, v, path_part(part)), fallback) : FAILED;
    }
    return v;
}

FILTER(filter_length) {
    int64_t n = value_length(self);
    if (self.kind == VALUE_LOOP) return loop_length(r, self.loop, &n) ? integer_value(n) : FAILED;
    return n >= 0 ? integer_value(n) : render_fail(r, "object of type '%s' has no len()", value_type_name(self));
}

FILTER(filter_list) {
    return list_value(list_of(r, self));
}

FILTER(filter_first) {
    iterator *it = iterate(r, self);
    value item;
    step s = it ? iterator_next(r, it, &item) : STEP_FAILED;
    if (s == STEP_END) return undefined_hint(r, "No first item, sequence was empty.");
    return s == STEP_ITEM ? item : FAILED;
}

static bool can_reverse(render *r, value v) {
    if (v.kind != VALUE_ITERATOR && can_iterate(v)) return true;
    return render_fail(r, "'%s' object is not reversible", value_type_name(v)), false;
}

FILTER(filter_last) {
    list *l = can_reverse(r, self) ? list_of(r, self) : NULL;
    if (!l) return FAILED;
    return l->count ? l->items[l->count - 1] : undefined_hint(r, "No last item, sequence was empty.");
}

static value get_attribute_of(render *r, value item, value path, bool case_sensitive) {
    value key = get_path(r, item, path, FAILED);
    return failed(key) || case_sensitive ? key : ignore_case(r, key);
}

FILTER(filter_join) {
    size_t mark = render_mark(r);
    string *separator = failed(a[0]) ? string_share(&r->memory, "", 0) : value_string(r, a[0]);
    iterator *it = separator ? iterate(r, self) : NULL;
    value item;
    step s = STEP_FAILED;
    for (bool first = true; it && (s = iterator_next(r, it, &item)) == STEP_ITEM; first = false) {
        item = get_path(r, item, a[1], FAILED);
        if (failed(item) || (!first && !render_string(r, separator)) || !write_value(r, item)) return FAILED;
    }
    return s == STEP_END ? string_value(render_cut(r, mark)) : FAILED;
}

static list *reversed(render *r, value v) {
    list *l = list_of(r, v);
    for (size_t i = 0; l && i < l->count / 2; i++) {
        value swap = l->items[i];
        l->items[i] = l->items[l->count - 1 - i];
        l->items[l->count - 1 - i] = swap;
    }
    return l;
}

/* Text is turned round, what can be walked backwards gives an iterator, the rest a list. */
FILTER(filter_reverse) {
    if (is_string(self)) return get_slice(r, self, FAILED, FAILED, integer_value(-1));
    list *l = reversed(r, self);
    if (self.kind == VALUE_ITERATOR) return list_value(l);
    return walk_list(r, l);
}

/* One sorting key for each item: the values of "a,b.c" as a list. */
static value sort_key(render *r, value item, value paths, bool case_sensitive) {
    if (!is_string(paths)) return get_attribute_of(r, item, paths, case_sensitive);
    list *key = list_new(&r->memory, 1);
    const string *s = paths.string;
    for (size_t begin = 0, end; key && begin <= s->length; begin = end + 1) {
        const char *comma = memchr(s->bytes + begin, ',', s->length - begin);
        end = comma ? (size_t)(comma - s->bytes) : s->length;
        value path = string_value(string_slice_bytes(&r->memory, s, begin, end));
        value one = failed(path) ? path : get_attribute_of(r, item, path, case_sensitive);
        if (failed(one) || !list_push(&r->memory, key, one)) return FAILED;
    }
    return list_value(key);
}

static list *sorted(render *r, value items, value paths, bool case_sensitive, bool reverse, list **keys) {
    list *l = list_of(r, items);
    if (!l || !(*keys = list_new(&r->memory, l->count))) return NULL;
    for (size_t i = 0; i < l->count; i++) {
        value key = sort_key(r, l->items[i], paths, case_sensitive);
        if (failed(key) || !list_push(&r->memory, *keys, key)) return NULL;
    }
    return sort_values(r, l->items, (*keys)->items, l->count, reverse) ? l : NULL;
}

FILTER(filter_sort) {
    list *keys;
    return list_value(sorted(r, self, a[2], is_truthy(a[1]), is_truthy(a[0]), &keys));
}

FILTER(filter_dictsort) {
    if (is_undefined(self)) return undefined_fail(r, self);
    if (self.kind != VALUE_DICT) return render_fail(r, "'%s' object has no attribute 'items'", value_type_name(self));
    bool by_value = is_string(a[1]) && string_is(a[1].string, "value");
    if (!failed(a[1]) && !by_value && !(is_string(a[1]) && string_is(a[1].string, "key")))
        return render_fail(r, "You can only sort by either \"key\" or \"value\"");
    view all = {self.dict, VIEW_ITEMS};
    list *l = list_of(r, (value){.kind = VALUE_VIEW, .view = &all}), *keys = l ? list_new(&r->memory, l->count) : NULL;
    if (!keys) return FAILED;
    for (size_t i = 0; i < l->count; i++) {
        value key = l->items[i].list->items[by_value];
        if (!is_truthy(a[0])) key = ignore_case(r, key);
        if (failed(key) || !list_push(&r->memory, keys, key)) return FAILED;
    }
    return sort_values(r, l->items, keys->items, l->count, is_truthy(a[2])) ? list_value(l) : FAILED;
}

static list *group_new(render *r, value key, value first) {
    list *members = list_new(&r->memory, 1);
    if (!members || !list_push(&r->memory, members, first)) return NULL;
    list *group = list_pair(&r->memory, key, list_value(members));
    if (group) group->group = true;
    return group;
}

static bool add_groups(render *r, const list *items, const list *keys, list *groups, value path, value fallback) {
    for (size_t i = 0; i < items->count; i++) {
        bool same = false;
        if (i && !equal(r, keys->items[i], keys->items[i - 1], &same)) return false;
        if (same) {
            if (!list_push(&r->memory, groups->items[groups->count - 1].list->items[1].list, items->items[i]))
                return false;
            continue;
        }
        /* The key as the group's first item has it, whatever its case. */
        value shown = get_path(r, items->items[i], path, fallback);
        list *group = failed(shown) ? NULL : group_new(r, shown, items->items[i]);
        if (!group || !list_push(&r->memory, groups, tuple_value(group))) return false;
    }
    return true;
}

FILTER(filter_groupby) {
    list *items = list_of(r, self), *keys = items ? list_new(&r->memory, items->count) : NULL,
         *groups = list_new(&r->memory, 0);
    for (size_t i = 0; keys && i < items->count; i++) {
        value key = get_path(r, items->items[i], a[0], a[1]);
        if (!failed(key) && !is_truthy(a[2])) key = ignore_case(r, key);
        if (failed(key) || !list_push(&r->memory, keys, key)) return FAILED;
    }
    if (!keys || !groups || !sort_values(r, items->items, keys->items, items->count, false)) return FAILED;
    return add_groups(r, items, keys, groups, a[0], a[1]) ? list_value(groups) : FAILED;
}

static step step_items(render *r, iterator *it, value *item) {
    if (is_undefined(it->source)) return STEP_END;
    if (it->source.kind != VALUE_DICT) return render_fail(r, "Can only get item pairs from a mapping."), STEP_FAILED;
    const dict *d = it->source.dict;
    if (it->position >= d->count) return STEP_END;
    const dict_entry *entry = &d->entries[it->position++];
    *item = tuple_value(list_pair(&r->memory, entry->key, entry->value));
    return failed(*item) ? STEP_FAILED : STEP_ITEM;
}

FILTER(filter_items) {
    return lazy(r, self, step_items, NULL);
}

FILTER(filter_default) {
    bool missing = is_undefined(self) || (is_truthy(a[1]) && !is_truthy(self));
    if (!missing) return self;
    return failed(a[0]) ? text_value(r, "") : a[0];
}

/* batch and slice work when their first item is asked for. */
typedef struct {
    list *(*make)(render *r, const list *all, int64_t size, value fill);
    value size, fill;
    list *made;
} parts;

static step step_parts(render *r, iterator *it, value *item) {
    parts *p = it->state;
    int64_t size;
    if (!p->made) {
        list *all = list_of(r, it->source);
        if (!all || !integer_argument(r, p->size, 1, &size) || !(p->made = p->make(r, all, size, p->fill)))
            return STEP_FAILED;
    }
    if (it->position >= p->made->count) return STEP_END;
    *item = p->made->items[it->position++];
    return STEP_ITEM;
}

static value lazy_parts(render *r, value self, const value *a, list *(*make)(render *, const list *, int64_t, value)) {
    parts *p = ARENA_NEW(&r->memory, parts);
    if (!p) return FAILED;
    *p = (parts){.make = make, .size = a[0], .fill = a[1].kind == VALUE_NONE ? FAILED : a[1]};
    return lazy(r, self, step_parts, p);
}

static list *add_list(render *r, list *to) {
    list *new = list_new(&r->memory, 0);
    return new &&list_push(&r->memory, to, list_value(new)) ? new : NULL;
}

/* Of size 0 the first batch is empty and the second has everything, as in Jinja. */
static list *make_batches(render *r, const list *all, int64_t size, value fill) {
    list *batches = list_new(&r->memory, 0), *batch = NULL;
    for (size_t i = 0; batches && i < all->count; i++) {
        if (!batch && !(batch = add_list(r, batches))) return NULL;
        if ((int64_t)batch->count == size && !(batch = add_list(r, batches))) return NULL;
        if (!list_push(&r->memory, batch, all->items[i])) return NULL;
    }
    while (!failed(fill) && batch && (int64_t)batch->count < size)
        if (!spend(r, 1) || !list_push(&r->memory, batch, fill)) return NULL;
    return batches;
}

static list *make_slices(render *r, const list *all, int64_t slices, value fill) {
    list *made = list_new(&r->memory, 0);
    if (slices == 0) return render_fail(r, "integer division or modulo by zero"), NULL;
    int64_t length = (int64_t)all->count, each = slices > 0 ? length / slices : 0,
            extra = slices > 0 ? length % slices : 0, next = 0;
    for (int64_t i = 0; made && i < slices; i++) {
        list *part = spend(r, 1) ? list_new(&r->memory, 0) : NULL;
        int64_t end = next + each + (i < extra);
        for (; part && next < end; next++)
            if (!list_push(&r->memory, part, all->items[next])) return NULL;
        bool fills = !failed(fill) && i >= extra;
        if (!part || (fills && !list_push(&r->memory, part, fill)) || !list_push(&r->memory, made, list_value(part)))
            return NULL;
    }
    return made;
}

FILTER(filter_batch) {
    return lazy_parts(r, self, a, make_batches);
}
FILTER(filter_slice) {
    return lazy_parts(r, self, a, make_slices);
}

FILTER(filter_attr) {
    /* Like the dot, without the keys of dicts. */
    string *name = string_argument(r, a[0], "attribute name");
    if (!name) return FAILED;
    if (self.kind != VALUE_DICT || builtin_known(BUILTIN_DICT_METHODS, name->bytes, name->length))
        return get_attribute(r, self, name);
    return get_attribute(r, NONE, name);
}

const builtin filters_sequence[] = {
    {"length", "", filter_length},
    {"count", "", filter_length},
    {"join", "d? attribute?", filter_join},
    {"items", "", filter_items},
    {"list", "", filter_list},
    {"first", "", filter_first},
    {"last", "", filter_last},
    {"default", "default_value? boolean?", filter_default},
    {"d", "default_value? boolean?", filter_default},
    {"reverse", "", filter_reverse},
    {"sort", "reverse? case_sensitive? attribute?", filter_sort},
    {"dictsort", "case_sensitive? by? reverse?", filter_dictsort},
    {"groupby", "attribute default? case_sensitive?", filter_groupby},
    {"batch", "linecount fill_with?", filter_batch},
    {"slice", "slices fill_with?", filter_slice},
    {"attr", "name", filter_attr},
    {"random", "*", NULL},
    {0},
};
