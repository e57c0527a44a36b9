/* The lazy filters: map, select, reject, selectattr, rejectattr, unique. Like Python's generators they work on an item
   when it is asked for, so that mistakes in their arguments show only then. */
#include "template/filters.h"
#include "template/iterate.h"

#define FILTER(name)                                                                                                   \
    static value name(render *r, value self, const arguments *given __attribute__((unused)),                           \
                      const value *a __attribute__((unused)))

typedef struct {
    iterator *from;        /* NULL until the first item is asked for */
    arguments given, rest; /* rest: for the inner filter or test */
    const builtin *inner;  /* NULL: attribute or truth */
    value path, fallback;
    bool by_attribute, negate;
    dict *seen;
} selection;

static value start_lazy(render *r, value self, const arguments *given, step_function next, selection how) {
    selection *s = ARENA_NEW(&r->memory, selection);
    if (!s) return FAILED;
    *s = how;
    s->given = *given;
    return lazy(r, self, next, s);
}

/* The arguments behind the first `used` positional ones. */
static arguments skip_arguments(const arguments *given, size_t used) {
    arguments rest = *given;
    rest.items += used;
    rest.count -= used;
    return rest;
}

static bool named_argument(const arguments *given, const char *name, value *v) {
    for (size_t i = 0; i < given->named_count; i++)
        if (string_is(given->names[i], name)) return *v = given->named[i], true;
    return false;
}

static bool find_inner(render *r, builtin_kind kind, value name, selection *s) {
    s->inner = is_string(name) ? builtin_find(kind, name.string->bytes, name.string->length) : NULL;
    if (s->inner) return true;
    string *shown = value_string(r, name);
    const char *what = kind == BUILTIN_FILTERS ? "filter" : "test";
    if (shown)
        render_fail(r, "No %s named '%.*s'.", what, shown->length > 100 ? 100 : (int)shown->length, shown->bytes);
    return false;
}

static bool start_map(render *r, selection *s) {
    const arguments *given = &s->given;
    if (given->count) {
        s->rest = skip_arguments(given, 1);
        return find_inner(r, BUILTIN_FILTERS, given->items[0], s);
    }
    s->path = s->fallback = FAILED;
    if (!named_argument(given, "attribute", &s->path)) return render_fail(r, "map requires a filter argument"), false;
    size_t known = 1 + named_argument(given, "default", &s->fallback);
    return given->named_count == known || (render_fail(r, "map: unexpected keyword argument"), false);
}

static bool start_select(render *r, selection *s) {
    size_t used = s->by_attribute;
    if (s->given.count < used) return render_fail(r, "Missing parameter for attribute name"), false;
    if (s->by_attribute) s->path = s->given.items[0];
    if (s->given.count == used) return true;
    s->rest = skip_arguments(&s->given, used + 1);
    return find_inner(r, BUILTIN_TESTS, s->given.items[used], s);
}

static step begin(render *r, iterator *it, bool (*start)(render *, selection *)) {
    selection *s = it->state;
    if (s->from) return STEP_ITEM;
    if (it->source.kind != VALUE_ITERATOR && !is_truthy(it->source)) return STEP_END;
    return start(r, s) && (s->from = iterate(r, it->source)) ? STEP_ITEM : STEP_FAILED;
}

static step step_map(render *r, iterator *it, value *item) {
    selection *s = it->state;
    step next = begin(r, it, start_map);
    if (next != STEP_ITEM || (next = iterator_next(r, s->from, item)) != STEP_ITEM) return next;
    *item = s->inner ? call_builtin(r, s->inner, *item, &s->rest) : get_path(r, *item, s->path, s->fallback);
    return failed(*item) ? STEP_FAILED : STEP_ITEM;
}

static step step_select(render *r, iterator *it, value *item) {
    selection *s = it->state;
    step next = begin(r, it, start_select);
    while (next == STEP_ITEM && (next = iterator_next(r, s->from, item)) == STEP_ITEM) {
        value tested = s->by_attribute ? get_path(r, *item, s->path, FAILED) : *item;
        if (!failed(tested) && s->inner) tested = call_builtin(r, s->inner, tested, &s->rest);
        if (failed(tested)) return STEP_FAILED;
        if (is_truthy(tested) != s->negate) return STEP_ITEM;
    }
    return next;
}

FILTER(filter_map) {
    return start_lazy(r, self, given, step_map, (selection){0});
}
FILTER(filter_select) {
    return start_lazy(r, self, given, step_select, (selection){0});
}
FILTER(filter_reject) {
    return start_lazy(r, self, given, step_select, (selection){.negate = true});
}
FILTER(filter_selectattr) {
    return start_lazy(r, self, given, step_select, (selection){.by_attribute = true});
}
FILTER(filter_rejectattr) {
    return start_lazy(r, self, given, step_select, (selection){.by_attribute = true, .negate = true});
}

static step step_unique(render *r, iterator *it, value *item) {
    selection *s = it->state;
    step next = STEP_ITEM;
    if (!s->from && (!(s->from = iterate(r, it->source)) || !(s->seen = dict_new(&r->memory)))) return STEP_FAILED;
    while ((next = iterator_next(r, s->from, item)) == STEP_ITEM) {
        value key = get_path(r, *item, s->path, FAILED);
        if (!failed(key) && !s->negate) key = ignore_case(r, key);
        if (failed(key)) return STEP_FAILED;
        size_t known = s->seen->count;
        if (!dict_set(&r->memory, s->seen, key, NONE)) return STEP_FAILED;
        if (s->seen->count > known) return STEP_ITEM;
    }
    return next;
}

FILTER(filter_unique) {
    return start_lazy(r, self, given, step_unique, (selection){.negate = is_truthy(a[0]), .path = a[1]});
}

const builtin filters_select[] = {
    {"map", "*", filter_map},
    {"select", "*", filter_select},
    {"reject", "*", filter_reject},
    {"selectattr", "*", filter_selectattr},
    {"rejectattr", "*", filter_rejectattr},
    {"unique", "case_sensitive? attribute?", filter_unique},
    {0},
};
