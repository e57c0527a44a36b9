/* Functions from files. What is read is nobody's friend: each number is looked at before it is used, and what the graph
   would build is built once, over stand-ins without values, before anybody can call it. */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "export/function_file.h"

/* Where in the file: begins messages. */
typedef struct {
    const char *path;
    size_t signature, step;
    char where[256];
    tarn_array *const *captured;
    size_t captured_count;
    recording *r;
    int64_t values; /* that are made so far */
} reader;

static void say_where(reader *d, const char *part) {
    snprintf(d->where, sizeof d->where, "%.160s: signature %zu, %s", d->path, d->signature, part);
}

static void say_step(reader *d) {
    char part[40];
    snprintf(part, sizeof part, "step %zu", d->step);
    say_where(d, part);
}

/* ---- what JSON holds */

/* An object that has no other members than these (ended by NULL): a newer version's are not passed over. */
static bool check_members(const reader *d, const json *object, const char *const *known) {
    void *cursor = NULL;
    const char *name;
    const json *value;
    if (!json_is(object, JSON_DICTIONARY)) return tarn_fail("%s: an object was expected", d->where);
    while (json_each(object, &cursor, &name, NULL, &value)) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0) i++;
        if (!known[i]) return tarn_fail("%s: unknown member '%s'", d->where, name);
    }
    return true;
}
#define MEMBERS(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool get_list(const reader *d, const json *object, const char *name, const json **list) {
    *list = json_get(object, name);
    return json_is(*list, JSON_LIST) || tarn_fail("%s: '%s' is missing or no list", d->where, name);
}

static bool get_whole(const reader *d, const json *value, int64_t low, int64_t high, const char *what, int64_t *to) {
    *to = json_whole(value, 0);
    if (json_is(value, JSON_WHOLE) && *to >= low && *to <= high) return true;
    return tarn_fail("%s: %s is no whole number from %lld to %lld", d->where, what, (long long)low, (long long)high);
}

static bool read_shape(const reader *d, const json *list, array_type *type) {
    type->ndim = (int)json_count(list);
    int64_t bytes;
    for (int i = 0; i < type->ndim; i++)
        if (!get_whole(d, json_at(list, (size_t)i), 0, INT64_MAX, "a size", &type->shape[i])) return false;
    return checked_bytes(type->shape, type->ndim, dtype_bytes(type->dtype), &bytes) ||
           tarn_fail("%s: a shape that no array can have", d->where);
}

static bool read_type(const reader *d, const json *object, array_type *type) {
    const json *shape;
    const char *dtype = json_text(json_get(object, "dtype"), NULL);
    *type = (array_type){0};
    if (!dtype || !tarn_dtype_from_name(dtype, &type->dtype))
        return tarn_fail("%s: there is no dtype '%s'", d->where, dtype ? dtype : "");
    if (!get_list(d, object, "shape", &shape)) return false;
    if (json_count(shape) > TARN_MAX_NDIM)
        return tarn_fail("%s: %zu axes, more than %d", d->where, json_count(shape), TARN_MAX_NDIM);
    return read_shape(d, shape, type);
}

static bool same_type(const array_type *a, const array_type *b) {
    return a->dtype == b->dtype && a->ndim == b->ndim && shapes_equal(a->ndim, a->shape, b->shape);
}

/* ---- the parts of a signature */

static bool read_name(const reader *d, signature *s, const json *name) {
    size_t length = 0;
    const char *bytes = json_text(name, &length);
    if (!bytes || strlen(bytes) != length) return tarn_fail("%s: the name of an input is no text", d->where);
    for (size_t i = 0; i < s->names.count; i++)
        if (strcmp(s->names.items[i], bytes) == 0) return tarn_fail("%s: two inputs named '%s'", d->where, bytes);
    char *copy = memory_copy(bytes, length + 1);
    if (copy && vector_push(&s->names, copy)) return true;
    memory_free(copy);
    return false;
}

static bool read_free_axes(const reader *d, const json *list, int ndim, uint32_t *axes) {
    *axes = 0;
    if (list && !json_is(list, JSON_LIST)) return tarn_fail("%s: 'any' is no list", d->where);
    for (size_t i = 0; i < json_count(list); i++) {
        int64_t axis;
        if (!get_whole(d, json_at(list, i), 0, ndim - 1, "an axis", &axis)) return false;
        *axes |= UINT32_C(1) << axis;
    }
    return true;
}

static bool read_input(reader *d, signature *s, const json *input) {
    array_type type;
    uint32_t axes;
    const json *name = json_get(input, "name");
    if (!check_members(d, input, MEMBERS("name", "dtype", "shape", "any")) || !read_type(d, input, &type) ||
        !read_free_axes(d, json_get(input, "any"), type.ndim, &axes))
        return false;
    if (!name && s->names.count) return tarn_fail("%s: an input without a name after one with", d->where);
    return (!name || read_name(d, s, name)) && vector_push(&s->graph.types, type) && vector_push(&s->free, axes);
}

static bool read_inputs(reader *d, signature *s, const json *from) {
    const json *list;
    say_where(d, "inputs");
    if (!get_list(d, from, "inputs", &list)) return false;
    if (json_count(list) > INT32_MAX) return tarn_fail("%s: too many", d->where);
    for (size_t i = 0; i < json_count(list); i++)
        if (!read_input(d, s, json_at(list, i))) return false;
    s->graph.input_count = (int)json_count(list);
    d->values = s->graph.input_count;
    return true;
}

static bool read_captured(reader *d, const json *from) {
    const json *list;
    say_where(d, "captured");
    if (!get_list(d, from, "captured", &list)) return false;
    for (size_t i = 0; i < json_count(list); i++) {
        int64_t place;
        if (!get_whole(d, json_at(list, i), 0, (int64_t)d->captured_count - 1, "a captured array", &place))
            return false;
        tarn_array *a = d->captured[place];
        if (!vector_push(&d->r->captured, a)) return false;
        array_begin_reading(a);
        if (!vector_push(&d->r->types, array_type_of(a))) return false;
    }
    return checked_add(d->values, (int64_t)json_count(list), &d->values);
}

static bool find_op(const reader *d, const json *name, op_id *op) {
    const char *word = json_text(name, NULL);
    if (!word) return tarn_fail("%s: it has no 'op'", d->where);
    *op = op_from_name(word);
    if (*op == OP_COUNT) return tarn_fail("%s: this version of Tarn has no operation '%s'", d->where, word);
    if (op_has_flag(*op, OP_LEAF | OP_EFFECT) || attributes_have_object(*op))
        return tarn_fail("%s: the operation '%s' cannot be in a file", d->where, word);
    return true;
}

static bool read_step_inputs(reader *d, const json *list, recorded_step *step) {
    if (json_count(list) > INT32_MAX) return tarn_fail("%s: too many inputs", d->where);
    step->first_input = d->r->inputs.count;
    step->input_count = (int)json_count(list);
    for (size_t i = 0; i < json_count(list); i++) {
        int64_t value;
        if (!get_whole(d, json_at(list, i), -1, d->values - 1, "an input, a value that is made before,", &value) ||
            !vector_push(&d->r->inputs, value))
            return false;
    }
    return true;
}

static bool read_output_count(reader *d, const json *count, recorded_step *step) {
    int64_t outputs = 1;
    if (count && !get_whole(d, count, 0, INT32_MAX, "'outputs'", &outputs)) return false;
    step->output_count = (int)outputs;
    return checked_add(d->values, outputs, &d->values);
}

static bool push_step(reader *d, const recorded_step *step) {
    if (vector_push(&d->r->steps, *step)) return true;
    attributes_free(step->op, step->attributes);
    return false;
}

static bool read_step(reader *d, const json *from) {
    recorded_step step = {0};
    const json *inputs, *attributes = json_get(from, "attributes");
    bool ok = check_members(d, from, MEMBERS("op", "inputs", "outputs", "attributes")) &&
              find_op(d, json_get(from, "op"), &step.op) && get_list(d, from, "inputs", &inputs) &&
              read_step_inputs(d, inputs, &step) && read_output_count(d, json_get(from, "outputs"), &step);
    if (ok && attributes && !json_is(attributes, JSON_DICTIONARY))
        return tarn_fail("%s: 'attributes' is no object", d->where);
    if (ok) step.attributes = attributes_read(step.op, attributes, d->where, &ok);
    return ok && push_step(d, &step);
}

static bool read_steps(reader *d, const json *from) {
    const json *list;
    say_where(d, "steps");
    if (!get_list(d, from, "steps", &list)) return false;
    for (d->step = 0; d->step < json_count(list); d->step++) {
        say_step(d);
        if (!read_step(d, json_at(list, d->step))) return false;
    }
    return true;
}

static bool read_output(reader *d, const json *from) {
    array_type type;
    int64_t value;
    if (!check_members(d, from, MEMBERS("value", "dtype", "shape")) || !read_type(d, from, &type)) return false;
    if (!get_whole(d, json_get(from, "value"), 0, d->values - 1, "'value'", &value)) return false;
    if (!same_type(&type, &d->r->types.items[value]))
        return tarn_fail("%s: value %lld is of another dtype or shape than the file says", d->where, (long long)value);
    return vector_push(&d->r->outputs, value);
}

static bool read_outputs(reader *d, const json *from) {
    const json *list;
    say_where(d, "outputs");
    if (!get_list(d, from, "outputs", &list)) return false;
    for (size_t i = 0; i < json_count(list); i++)
        if (!read_output(d, json_at(list, i))) return false;
    return true;
}

/* An error that building the graph met gets the place of the file. */
static bool infer(reader *d) {
    say_where(d, "steps");
    if (recording_infer(d->r)) return true;
    text message = {0};
    tarn_error_class kind = tarn_error_kind();
    text_add(&message, tarn_error());
    tarn_clear_error();
    tarn_fail_kind(kind, "%s: %s", d->where, text_string(&message));
    text_free(&message);
    return false;
}

static bool read_signature(reader *d, signature *s, const json *from) {
    say_where(d, "members");
    if (!check_members(d, from, MEMBERS("inputs", "captured", "steps", "outputs"))) return false;
    d->r = &s->graph;
    return read_inputs(d, s, from) && read_captured(d, from) && read_steps(d, from) && infer(d) &&
           read_outputs(d, from);
}

static bool read_signatures(reader *d, function_file *f, const json *list) {
    for (d->signature = 0; d->signature < json_count(list); d->signature++) {
        signature s = {0};
        bool ok = read_signature(d, &s, json_at(list, d->signature)) && vector_push(&f->signatures, s);
        if (!ok) return signature_free(&s), false;
    }
    return true;
}

/* ---- the whole */

static bool check_captured(reader *d, const json *list) {
    if (json_count(list) != d->captured_count)
        return tarn_fail("%s: %zu captured arrays, but the file has %zu", d->where, json_count(list),
                         d->captured_count);
    for (size_t i = 0; i < d->captured_count; i++) {
        array_type said, is = array_type_of(d->captured[i]);
        const json *entry = json_at(list, i);
        if (!check_members(d, entry, MEMBERS("dtype", "shape")) || !read_type(d, entry, &said)) return false;
        if (!same_type(&said, &is))
            return tarn_fail("%s: captured array %zu is of another dtype or shape than the file says", d->where, i);
    }
    return true;
}

static bool read_graph(reader *d, function_file *f, const json *graph) {
    const json *captured, *signatures;
    snprintf(d->where, sizeof d->where, "%.200s", f->path);
    return check_members(d, graph, MEMBERS("signatures", "captured")) && get_list(d, graph, "captured", &captured) &&
           get_list(d, graph, "signatures", &signatures) && check_captured(d, captured) &&
           read_signatures(d, f, signatures);
}

bool function_file_read(function_file *f, const char *graph, size_t length, tarn_array *const *captured, size_t count) {
    reader d = {.path = f->path, .captured = captured, .captured_count = count};
    json *root = json_parse_exact(graph, length, f->path);
    bool ok = root && read_graph(&d, f, root);
    json_free(root);
    return ok || error_blame(TARN_ERROR_IO);
}
