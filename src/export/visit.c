/* Showing a traced function to somebody else, part by part. */
#include "base/memory.h"
#include "export/function_file.h"

typedef VECTOR(tarn_graph_value) value_list;
typedef VECTOR(tarn_attribute) attribute_list;

typedef struct {
    const signature *s;
    tarn_graph_visitor visit;
    void *context;
    value_list inputs, outputs;
    attribute_list attributes;
} show;

/* Types of attributes are those of the tables, without objects. */
#define SAME(type) _Static_assert((int)TARN_ATTRIBUTE_##type == (int)ATTRIBUTE_##type, "one list of types");
SAME(INTEGER)
SAME(REAL)
SAME(BOOLEAN)
SAME(DTYPE)
SAME(NAME)
SAME(INTS)
SAME(REALS)
#undef SAME

static tarn_attribute attribute_of(const attribute_fact *f, const void *at) {
    tarn_attribute a = {.name = f->name, .type = (tarn_attribute_type)f->type};
    if (f->type == ATTRIBUTE_INTEGER) a.integer = *(const int64_t *)at;
    if (f->type == ATTRIBUTE_REAL) a.real = *(const double *)at;
    if (f->type == ATTRIBUTE_BOOLEAN) a.integer = *(const bool *)at;
    if (f->type == ATTRIBUTE_DTYPE) a.integer = *(const tarn_dtype *)at;
    if (f->type == ATTRIBUTE_NAME) a.word = f->names->words[*(const int *)at];
    if (f->type == ATTRIBUTE_INTS) a.ints = *(const tarn_ints *)at;
    if (f->type == ATTRIBUTE_REALS) {
        a.reals = ((const attribute_reals *)at)->values;
        a.count = ((const attribute_reals *)at)->count;
    }
    return a;
}

static bool push_value(const show *v, value_list *list, int64_t number) {
    tarn_graph_value shown = {.number = number};
    const recording *r = &v->s->graph;
    int64_t captured = number - r->input_count;
    if (number >= 0) {
        const array_type *t = &r->types.items[number];
        shown.dtype = t->dtype;
        shown.shape = (tarn_ints){t->shape, t->ndim};
    }
    if (number >= 0 && number < r->input_count) shown.name = signature_name(v->s, (int)number);
    if (captured >= 0 && captured < (int64_t)r->captured.count) shown.array = r->captured.items[captured];
    return vector_push(list, shown);
}

static bool push_range(const show *v, value_list *list, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!push_value(v, list, first + i)) return false;
    return true;
}

static bool push_attributes(show *v, const recorded_step *step) {
    int count;
    const attribute_fact *facts = op_attributes(step->op, &count);
    for (int i = 0; i < count; i++)
        if (facts[i].type != ATTRIBUTE_OBJECT &&
            !vector_push(&v->attributes, attribute_of(&facts[i], (const char *)step->attributes + facts[i].offset)))
            return false;
    return true;
}

/* Shows what was pushed. */
static bool show_part(show *v, tarn_graph_kind kind, const char *op) {
    tarn_graph_part part = {kind,
                            op,
                            (int)v->inputs.count,
                            (int)v->outputs.count,
                            (int)v->attributes.count,
                            v->inputs.items,
                            v->outputs.items,
                            v->attributes.items};
    bool ok = v->visit(v->context, &part) && tarn_ok();
    if (!ok && tarn_ok()) tarn_fail("visit_graph: the visitor failed without an error");
    v->inputs.count = v->outputs.count = v->attributes.count = 0;
    return ok;
}

static bool show_steps(show *v) {
    const recording *r = &v->s->graph;
    int64_t next = r->input_count + (int64_t)r->captured.count;
    for (size_t i = 0; i < r->steps.count; i++) {
        const recorded_step *step = &r->steps.items[i];
        for (int k = 0; k < step->input_count; k++)
            if (!push_value(v, &v->inputs, r->inputs.items[step->first_input + (size_t)k])) return false;
        if (!push_range(v, &v->outputs, next, step->output_count) || !push_attributes(v, step) ||
            !show_part(v, TARN_GRAPH_STEP, op_name(step->op)))
            return false;
        next += step->output_count;
    }
    return true;
}

static bool show_all(show *v) {
    const recording *r = &v->s->graph;
    bool ok = push_range(v, &v->outputs, 0, r->input_count) && show_part(v, TARN_GRAPH_INPUTS, NULL);
    for (size_t i = 0; ok && i < r->outputs.count; i++) ok = push_value(v, &v->inputs, r->outputs.items[i]);
    ok = ok && show_part(v, TARN_GRAPH_OUTPUTS, NULL);
    ok = ok && push_range(v, &v->outputs, r->input_count, (int64_t)r->captured.count) &&
         show_part(v, TARN_GRAPH_CAPTURED, NULL);
    return ok && show_steps(v);
}

bool tarn_visit_graph_with(tarn_function function, tarn_array *const *inputs, int count, tarn_graph_visitor visit,
                           void *context, tarn_names_options o) {
    arguments a = {inputs, count, o};
    if (!tarn_ok()) return false;
    if (!visit) return tarn_fail("visit_graph: the visitor is NULL");
    signature s = {0};
    show v = {.s = &s, .visit = visit, .context = context};
    bool ok =
        arguments_check("visit_graph", &a) && signature_trace(&s, "visit_graph", function, &a, NULL) && show_all(&v);
    vector_free(&v.inputs);
    vector_free(&v.outputs);
    vector_free(&v.attributes);
    signature_free(&s);
    return ok;
}
