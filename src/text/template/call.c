/* Calls: arguments evaluated and matched with parameters, macros, and everything else that can be called. */
#include <string.h>

#include "base/map.h"
#include "template/iterate.h"
#include "template/render.h"

struct macro {
    const node *of;
    scope *around;
};

macro *macro_new(render *r, scope *s, const node *n) {
    macro *m = ARENA_NEW(&r->memory, macro);
    if (m) *m = (macro){n, s};
    return m;
}

string *macro_name(const macro *m) {
    return m->of->name ? (string *)&m->of->name->text : NULL;
}

const node *macro_node(const macro *m) {
    return m->of;
}

static bool name_given(const arguments *given, const string *name, size_t *index) {
    for (*index = 0; *index < given->named_count; (*index)++)
        if (string_equal(given->names[*index], name)) return true;
    return false;
}

static bool add_named(render *r, arguments *given, string *name, value v, size_t room) {
    size_t index;
    if (name_given(given, name, &index))
        return render_fail(r, "got multiple values for keyword argument '%.*s'", (int)name->length, name->bytes), false;
    if (given->named_count == room) return render_fail(r, "too many keyword arguments"), false;
    given->names[given->named_count] = name;
    given->named[given->named_count++] = v;
    return true;
}

/* *sequence behind the positional arguments. */
static bool add_sequence(render *r, arguments *given, value v) {
    if (is_undefined(v)) return true;
    list *more = list_of(r, v);
    value *items = more ? ARENA_NEW_ARRAY(&r->memory, value, given->count + more->count) : NULL;
    if (!items) return false;
    if (given->count) memcpy(items, given->items, given->count * sizeof *items);
    if (more->count) memcpy(items + given->count, more->items, more->count * sizeof *items);
    given->items = items;
    given->count += more->count;
    return true;
}

static bool add_mapping(render *r, arguments *given, value v, size_t room) {
    if (v.kind != VALUE_DICT)
        return render_fail(r, "argument after ** must be a mapping, not %s", value_type_name(v)), false;
    for (size_t i = 0; i < v.dict->count; i++) {
        value key = v.dict->entries[i].key;
        if (!is_string(key)) return render_fail(r, "keywords must be strings"), false;
        if (!add_named(r, given, key.string, v.dict->entries[i].value, room)) return false;
    }
    return true;
}

static bool evaluate_positional(render *r, scope *s, const node *call, arguments *given) {
    if (!(given->items = ARENA_NEW_ARRAY(&r->memory, value, call->items.count))) return false;
    for (; given->count < call->items.count; given->count++) {
        given->items[given->count] = evaluate(r, s, call->items.items[given->count]);
        if (failed(given->items[given->count])) return false;
    }
    return true;
}

bool evaluate_arguments(render *r, scope *s, const node *call, arguments *given) {
    *given = (arguments){0};
    if (!evaluate_positional(r, s, call, given)) return false;
    value rest = call->right ? evaluate(r, s, call->right) : NONE, mapping = NONE;
    if (failed(rest) || (call->right && !add_sequence(r, given, rest))) return false;
    value *named = ARENA_NEW_ARRAY(&r->memory, value, call->other.count);
    if (!named) return false;
    for (size_t i = 0; i < call->other.count; i++)
        if (failed(named[i] = evaluate(r, s, call->other.items[i]->left))) return false;
    if (call->third && failed(mapping = evaluate(r, s, call->third))) return false;
    /* One more for the caller of a call block. */
    size_t room = call->other.count + (mapping.kind == VALUE_DICT ? mapping.dict->count : 0);
    given->names = ARENA_NEW_ARRAY(&r->memory, string *, room + 1);
    given->named = ARENA_NEW_ARRAY(&r->memory, value, room + 1);
    if (!given->names || !given->named) return false;
    r->at = call;
    for (size_t i = 0; i < call->other.count; i++)
        if (!add_named(r, given, call->other.items[i]->attribute, named[i], room)) return false;
    return !call->third || add_mapping(r, given, mapping, room);
}

/* One parameter of a builtin's description. */
typedef struct {
    const char *name;
    size_t length;
    bool optional, positional;
} parameter;

static const char *next_parameter(const char *description, parameter *p) {
    p->positional = *description == '-';
    p->name = description + p->positional;
    p->length = strcspn(p->name, " ?");
    p->optional = p->name[p->length] == '?';
    description = p->name + p->length + p->optional;
    return description + (*description == ' ');
}

/* Matches what was given with the parameters; a[] must be cleared. */
static bool bind(render *r, const builtin *b, const arguments *given, value *a) {
    size_t index = 0, used = 0;
    parameter p;
    for (const char *rest = b->parameters; *rest; index++) {
        rest = next_parameter(rest, &p);
        string name = {.bytes = p.name, .length = p.length};
        size_t at;
        bool named = !p.positional && name_given(given, &name, &at);
        if (index < given->count && named)
            return render_fail(r, "%s() got multiple values for argument '%.*s'", b->name, (int)p.length, p.name),
                   false;
        if (named) used++;
        a[index] = index < given->count ? given->items[index] : named ? given->named[at] : FAILED;
        if (failed(a[index]) && !p.optional)
            return render_fail(r, "%s() missing required argument: '%.*s'", b->name, (int)p.length, p.name), false;
    }
    if (given->count > index)
        return render_fail(r, "%s() takes at most %zu arguments (%zu given)", b->name, index, given->count), false;
    return used == given->named_count || (render_fail(r, "%s() got an unexpected keyword argument", b->name), false);
}

value call_builtin(render *r, const builtin *b, value self, const arguments *given) {
    value a[MOST_PARAMETERS] = {0};
    if (strcmp(b->parameters, "*") != 0 && !bind(r, b, given, a)) return FAILED;
    return spend(r, 1) ? b->call(r, self, given, a) : FAILED;
}

/* The value of a macro's parameter that was not given by position. */
static value take_named(arguments *given, const string *name) {
    size_t index;
    if (!name_given(given, name, &index)) return FAILED;
    value v = given->named[index];
    for (given->named_count--; index < given->named_count; index++) {
        given->names[index] = given->names[index + 1];
        given->named[index] = given->named[index + 1];
    }
    return v;
}

static value missing_parameter(render *r, const node *parameter_node) {
    size_t mark = render_mark(r);
    const string *name = &parameter_node->name->text;
    if (!render_write(r, "parameter '", 11) || !render_string(r, name) || !render_write(r, "' was not provided", 18))
        return FAILED;
    string *hint = render_cut(r, mark);
    return hint ? undefined_hint(r, hint->bytes) : FAILED;
}

/* Parameters in order: given, by name, default (evaluated here, it may use those before it), undefined. */
static bool bind_macro(render *r, const macro *m, scope *inside, arguments *given, bool *has_caller) {
    const node_list *names = &m->of->items, *defaults = &m->of->other;
    value *bound = ARENA_NEW_ARRAY(&r->memory, value, names->count);
    if (!bound) return false;
    for (size_t i = 0; i < names->count; i++) {
        const string *name = &names->items[i]->name->text;
        if (string_is(name, "caller")) *has_caller = true;
        bound[i] = i < given->count ? given->items[i] : take_named(given, name);
        if (!failed(bound[i]) && !scope_set(r, inside, names->items[i]->name, bound[i])) return false;
    }
    for (size_t i = 0; i < names->count; i++) {
        if (!failed(bound[i])) continue;
        size_t first_default = names->count - defaults->count;
        value v = i < first_default ? missing_parameter(r, names->items[i])
                                    : evaluate(r, inside, defaults->items[i - first_default]);
        if (failed(v) || !scope_set(r, inside, names->items[i]->name, v)) return false;
    }
    return true;
}

static bool set_special(render *r, scope *inside, const char *name, value v) {
    uint64_t known;
    if (!map_get(r->of->names, name, strlen(name), &known)) return true;
    return !failed(v) && scope_set(r, inside, (const variable_name *)(uintptr_t)known, v);
}

static value keywords_dict(render *r, const arguments *given) {
    dict *d = dict_new(&r->memory);
    for (size_t i = 0; d && i < given->named_count; i++)
        if (!dict_set(&r->memory, d, string_value(given->names[i]), given->named[i])) return FAILED;
    return dict_value(d);
}

static value rest_tuple(render *r, const arguments *given, size_t used) {
    list *rest = list_new(&r->memory, 0);
    for (size_t i = used; rest && i < given->count; i++)
        if (!list_push(&r->memory, rest, given->items[i])) return FAILED;
    return tuple_value(rest);
}

/* caller, kwargs and varargs for macros that mention them; what nobody wants is an error. */
static bool bind_special(render *r, const macro *m, scope *inside, arguments *given, bool has_caller) {
    uint8_t catches = m->of->catches;
    string caller_name = {.bytes = "caller", .length = 6};
    string shown = macro_name(m) ? *macro_name(m) : (string){.bytes = "None", .length = 4};
    if ((catches & CATCHES_CALLER) && !has_caller) {
        value caller = take_named(given, &caller_name);
        if (failed(caller) || caller.kind == VALUE_NONE) caller = undefined_hint(r, "No caller defined");
        if (!set_special(r, inside, "caller", caller)) return false;
    }
    if (catches & CATCHES_KEYWORDS) {
        if (!set_special(r, inside, "kwargs", keywords_dict(r, given))) return false;
    } else if (given->named_count) {
        const string *extra = given->names[0];
        return render_fail(r, "macro '%.*s' takes no keyword argument '%.*s'", (int)shown.length, shown.bytes,
                           (int)extra->length, extra->bytes),
               false;
    }
    size_t used = m->of->items.count;
    if (catches & CATCHES_POSITIONALS) return set_special(r, inside, "varargs", rest_tuple(r, given, used));
    if (given->count <= used) return true;
    return render_fail(r, "macro '%.*s' takes not more than %zu argument(s)", (int)shown.length, shown.bytes, used),
           false;
}

static value call_macro(render *r, const macro *m, arguments *given) {
    const node *at = r->at;
    size_t mark = render_mark(r);
    bool has_caller = false;
    scope *inside = scope_new(r, m->around);
    if (!inside || !scope_hide(r, inside, &m->of->hidden) || !bind_macro(r, m, inside, given, &has_caller))
        return FAILED;
    r->at = at;
    if (!bind_special(r, m, inside, given, has_caller) || !execute(r, inside, &m->of->body)) return FAILED;
    r->at = at;
    return string_value(render_cut(r, mark));
}

static value call_joiner(cycler *c) {
    static string empty = {.bytes = "", .counted = true};
    return c->position++ ? c->items->items[0] : string_value(&empty);
}

static value call_object(render *r, value callee, arguments *given) {
    switch (callee.kind) {
    case VALUE_MACRO:
        return call_macro(r, callee.macro, given);
    case VALUE_FUNCTION:
        return call_builtin(r, callee.function, NONE, given);
    case VALUE_METHOD:
        return call_builtin(r, callee.method->function, callee.method->self, given);
    case VALUE_UNDEFINED:
        return undefined_fail(r, callee);
    case VALUE_JOINER:
        return given->count || given->named_count ? render_fail(r, "a joiner takes no arguments")
                                                  : call_joiner(callee.cycler);
    case VALUE_LOOP:
        if (given->count != 1 || given->named_count) return render_fail(r, "loop() takes one argument");
        return call_loop(r, callee.loop, given->items[0]);
    default:
        return render_fail(r, "'%s' object is not callable", value_type_name(callee));
    }
}

value call_value(render *r, value callee, arguments *given) {
    if (!spend(r, 1) || !enter(r)) return FAILED;
    value result = call_object(r, callee, given);
    leave(r);
    return result;
}
