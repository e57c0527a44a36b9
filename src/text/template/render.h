/* One rendering: its limits, output and scopes, and what the files of the interpreter call of each other. */
#ifndef TEMPLATE_RENDER_H
#define TEMPLATE_RENDER_H

#include "base/json.h"
#include "base/text.h"
#include "template/builtin.h"
#include "template/node.h"
#include "tarn/template.h"

/* The variables of a loop body, macro, … ; looked up from the innermost outwards, then among the template's. */
typedef struct scope {
    struct scope *parent;
    const variable_name **names;
    value *values;
    size_t count, capacity;
} scope;

typedef enum { JUMP_NONE, JUMP_BREAK, JUMP_CONTINUE } jump;

struct render {
    const struct tarn_template *of;
    const node *at; /* what is being done, for error messages */
    arena memory;
    text output; /* behind its end, values under construction */
    dict *variables;
    value *context; /* by variable_name.index: variable, global or undefined; VALUE_FAILED until first asked for */
    value *unset;   /* likewise: undefined, for hidden names */
    int64_t steps;  /* left */
    int depth;      /* left */
    size_t output_limit;
    const int64_t *clock;
    jump jump;   /* a break or continue on its way to its loop */
    bool placed; /* the error names a position */
};

/* Sets the error with the position of r->at in front; returns FAILED. */
value render_fail(render *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* UndefinedError or SecurityError, whichever the undefined value stands for. */
value undefined_fail(render *r, value v);
value undefined_hint(render *r, const char *hint);

/* Takes steps for work on this many bytes or items; false when none are left. */
bool spend(render *r, size_t amount);
bool enter(render *r);
static inline void leave(render *r) {
    r->depth++;
}

/* Output. render_cut takes what was written since `mark` off the output again, as a string. */
bool render_write(render *r, const char *bytes, size_t length);
static inline bool render_string(render *r, const string *s) {
    return render_write(r, s->bytes, s->length);
}
static inline size_t render_mark(const render *r) {
    return r->output.length;
}
string *render_cut(render *r, size_t mark);
value text_value(render *r, const char *text);

/* format.c: str() and repr() of Python written to the output, or as a string. */
bool write_value(render *r, value v);
bool write_repr(render *r, value v);
string *value_string(render *r, value v);

/* evaluate.c, execute.c, scope.c */
value evaluate(render *r, scope *s, const node *n);
bool execute(render *r, scope *s, const node_list *body);
scope *scope_new(render *r, scope *parent);
bool scope_hide(render *r, scope *s, const name_list *names); /* until they are assigned to */
bool scope_set(render *r, scope *s, const variable_name *name, value v);
value scope_get(render *r, scope *s, const variable_name *name);
/* Assigns to a name, a tuple of targets or a namespace's attribute. */
bool assign(render *r, scope *s, const node *target, value v);
value call_loop(render *r, loop *l, value items);

/* operate.c */
value operate(render *r, token_kind symbol, value a, value b);
value operate_sign(render *r, token_kind symbol, value v);
/* *result of a comparison, "in" included; false on error. */
bool compare(render *r, token_kind symbol, value a, value b, bool *result);
/* a == b, paid for by the smaller of the two; false when no steps are left. */
bool equal(render *r, value a, value b, bool *result);
/* Python's sorted(): stable; keys[i] belongs to items[i]. */
bool sort_values(render *r, value *items, value *keys, size_t count, bool reverse);

/* attribute.c */
value get_attribute(render *r, value v, string *name);
value get_item(render *r, value v, value index);
value get_slice(render *r, value v, value start, value stop, value step);

/* call.c */
bool evaluate_arguments(render *r, scope *s, const node *call, arguments *given);
value call_value(render *r, value callee, arguments *given);
value call_builtin(render *r, const builtin *b, value self, const arguments *given);
macro *macro_new(render *r, scope *s, const node *n);
string *macro_name(const macro *m);
const node *macro_node(const macro *m); /* its definition */

/* variables.c */
value json_value(render *r, const json *j);

#endif
