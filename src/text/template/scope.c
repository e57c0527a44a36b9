/* Variables: scopes, the template's variables behind them, Jinja's globals behind those. */
#include <string.h>

#include "template/iterate.h"
#include "template/render.h"

scope *scope_new(render *r, scope *parent) {
    scope *s = ARENA_NEW(&r->memory, scope);
    if (s) s->parent = parent;
    return s;
}

static bool scope_grow(render *r, scope *s) {
    size_t capacity = s->capacity ? 2 * s->capacity : 4;
    const variable_name **names = ARENA_NEW_ARRAY(&r->memory, const variable_name *, capacity);
    value *values = ARENA_NEW_ARRAY(&r->memory, value, capacity);
    if (!names || !values) return false;
    if (s->count) {
        memcpy(names, s->names, s->count * sizeof *names);
        memcpy(values, s->values, s->count * sizeof *values);
    }
    s->names = names;
    s->values = values;
    s->capacity = capacity;
    return true;
}

bool scope_set(render *r, scope *s, const variable_name *name, value v) {
    for (size_t i = 0; i < s->count; i++)
        if (s->names[i] == name) return s->values[i] = v, spend(r, i);
    if (s->count == s->capacity && !scope_grow(r, s)) return false;
    s->names[s->count] = name;
    s->values[s->count++] = v;
    return true;
}

static value undefined_variable(render *r, const variable_name *name) {
    undefined *u = ARENA_NEW(&r->memory, undefined);
    if (!u) return FAILED;
    u->name = string_value((string *)&name->text);
    return (value){.kind = VALUE_UNDEFINED, .undefined = u};
}

bool scope_hide(render *r, scope *s, const name_list *names) {
    for (size_t i = 0; i < names->count; i++) {
        value *unset = &r->unset[names->items[i]->index];
        if (failed(*unset)) *unset = undefined_variable(r, names->items[i]);
        if (failed(*unset) || !scope_set(r, s, names->items[i], *unset)) return false;
    }
    return true;
}

/* A variable given by the caller, a global, or undefined; looked up once in a rendering. */
static value context_get(render *r, const variable_name *name) {
    value *known = &r->context[name->index];
    if (!failed(*known)) return *known;
    const dict_entry *entry = dict_find(r->variables, string_value((string *)&name->text));
    const builtin *global = entry ? NULL : builtin_known(BUILTIN_GLOBALS, name->text.bytes, name->text.length);
    if (entry)
        *known = entry->value;
    else if (global && global->call)
        *known = (value){.kind = VALUE_FUNCTION, .function = global};
    else
        *known =
            global ? render_fail(r, "the global '%s' is not supported", global->name) : undefined_variable(r, name);
    return *known;
}

value scope_get(render *r, scope *s, const variable_name *name) {
    size_t looked = 0;
    for (; s; s = s->parent)
        for (size_t i = 0; i < s->count; i++, looked++)
            if (s->names[i] == name) return looked < 64 || spend(r, looked) ? s->values[i] : FAILED;
    return looked < 64 || spend(r, looked) ? context_get(r, name) : FAILED;
}

static bool assign_tuple(render *r, scope *s, const node *target, value v) {
    list *items = list_of(r, v);
    if (!items) return false;
    size_t wanted = target->items.count;
    if (items->count < wanted)
        return render_fail(r, "not enough values to unpack (expected %zu, got %zu)", wanted, items->count), false;
    if (items->count > wanted) return render_fail(r, "too many values to unpack (expected %zu)", wanted), false;
    for (size_t i = 0; i < wanted; i++)
        if (!assign(r, s, target->items.items[i], items->items[i])) return false;
    return true;
}

static bool assign_member(render *r, scope *s, const node *target, value v) {
    value space = scope_get(r, s, target->name);
    if (failed(space)) return false;
    if (space.kind != VALUE_NAMESPACE) return render_fail(r, "cannot assign attribute on non-namespace object"), false;
    if (target->attribute->bytes[0] == '_')
        return render_fail(r, "Chat templates cannot store underscore-prefixed attributes on a namespace"), false;
    return dict_set(&r->memory, space.dict, string_value(target->attribute), v);
}

bool assign(render *r, scope *s, const node *target, value v) {
    r->at = target;
    if (target->kind == NODE_NAME) return scope_set(r, s, target->name, v);
    return target->kind == NODE_TUPLE ? assign_tuple(r, s, target, v) : assign_member(r, s, target, v);
}

static value json_items(render *r, const json *j) {
    size_t count = json_count(j);
    list *l = list_new(&r->memory, count);
    for (size_t i = 0; l && i < count; i++) {
        value v = json_value(r, json_at(j, i));
        if (failed(v) || !list_push(&r->memory, l, v)) return FAILED;
    }
    return list_value(l);
}

static value json_members(render *r, const json *j) {
    dict *d = dict_new(&r->memory);
    void *cursor = NULL;
    const char *key;
    size_t length;
    const json *member;
    while (d && json_each(j, &cursor, &key, &length, &member)) {
        value name = string_value(string_share(&r->memory, key, length)), v = json_value(r, member);
        if (failed(name) || failed(v) || !dict_set(&r->memory, d, name, v)) return FAILED;
    }
    return dict_value(d);
}

/* Strings stay in the JSON document, which lives as long as the rendering. */
value json_value(render *r, const json *j) {
    size_t length = 0;
    switch (json_kind_of(j)) {
    case JSON_NO:
        return boolean_value(false);
    case JSON_YES:
        return boolean_value(true);
    case JSON_WHOLE:
        return integer_value(json_whole(j, 0));
    case JSON_NUMBER:
        return real_value(json_number(j, 0));
    case JSON_TEXT: {
        const char *bytes = json_text(j, &length);
        return string_value(string_share(&r->memory, bytes, length));
    }
    case JSON_LIST:
        return json_items(r, j);
    case JSON_DICTIONARY:
        return json_members(r, j);
    default:
        return NONE;
    }
}
