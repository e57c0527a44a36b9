/* Parameters: the members of a tree that are trained, and gradients by them. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "nn/parameters.h"

/* ---- which */

typedef struct {
    tarn_parameters *parameters;
    const tarn_parameters_options *options;
} choice;

static bool is_inexact(tarn_dtype dtype) {
    return dtype >= TARN_FLOAT16;
}

bool members_add(tarn_parameters *p, const char *prefix, const tarn_leaf *leaf) {
    text path = {0};
    bool ok = text_format(&path, "%s%s", prefix, leaf->path);
    member m = {ok ? text_take(&path) : NULL, leaf->array};
    text_free(&path);
    if (m.path && vector_push(&p->members, m)) return true;
    memory_free(m.path);
    return false;
}

void members_clear(tarn_parameters *p) {
    for (size_t i = 0; i < p->members.count; i++) memory_free(p->members.items[i].path);
    vector_free(&p->members);
}

static bool add_trained(void *context, const tarn_leaf *leaf) {
    choice *c = context;
    if (leaf->state || !is_inexact(tarn_dtype_of(*leaf->array))) return true;
    if (c->options->only && !c->options->only(c->options->context, leaf->path)) return tarn_ok();
    return members_add(c->parameters, "", leaf);
}

tarn_parameters *tarn_parameters_new_with(tarn_tree tree, tarn_parameters_options options) {
    tarn_parameters *p = NEW(tarn_parameters);
    if (p && tarn_tree_visit(tree, add_trained, &(choice){p, &options})) return p;
    tarn_parameters_free(p);
    return NULL;
}

void tarn_parameters_free(tarn_parameters *p) {
    if (!p) return;
    members_clear(p);
    memory_free(p);
}

int tarn_parameters_count(const tarn_parameters *p) {
    return p ? (int)p->members.count : 0;
}

static const member *at(const tarn_parameters *p, int index) {
    return index >= 0 && index < tarn_parameters_count(p) ? &p->members.items[index] : NULL;
}

const char *tarn_parameters_path(const tarn_parameters *p, int index) {
    const member *m = at(p, index);
    return m ? m->path : NULL;
}

tarn_array *tarn_parameters_at(const tarn_parameters *p, int index) {
    const member *m = at(p, index);
    return m ? *m->array : NULL;
}

bool same_shape(const tarn_array *a, const tarn_array *b) {
    tarn_ints x = tarn_shape_of(a), y = tarn_shape_of(b);
    bool same = x.count == y.count;
    for (int64_t i = 0; same && i < x.count; i++) same = x.values[i] == y.values[i];
    return same;
}

/* Whether there is an array for each parameter, of its shape. */
static bool parameters_check(const tarn_parameters *p, const char *what, tarn_array *const *arrays, int count) {
    if (!p) return tarn_fail("%s: parameters is NULL", what);
    if (count != tarn_parameters_count(p) || (count && !arrays))
        return tarn_fail("%s: %d arrays for %d parameters", what, count, tarn_parameters_count(p));
    for (int i = 0; i < count; i++) {
        bool fits = arrays[i] && same_shape(arrays[i], tarn_parameters_at(p, i));
        if (!fits)
            return tarn_fail("%s: \"%s\": %s", what, tarn_parameters_path(p, i),
                             arrays[i] ? "the shape is another than the parameter's" : "the array is NULL");
    }
    return true;
}

bool tarn_parameters_set(tarn_parameters *p, tarn_array *const *arrays, int count) {
    if (!parameters_check(p, "parameters", arrays, count)) return false;
    for (int i = 0; i < count; i++) tarn_assign(p->members.items[i].array, arrays[i]);
    return true;
}

/* ---- gradients: the members hold traced arrays while the loss runs */

typedef struct {
    const tarn_parameters *parameters;
    tarn_function loss;
} gradient_call;

static bool call_with_members(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const gradient_call *g = context;
    int own = tarn_parameters_count(g->parameters);
    tarn_array **saved = members_lend(g->parameters, inputs);
    bool ok = saved && g->loss.call(g->loss.context, inputs + own, count - own, results);
    members_return(g->parameters, saved);
    return ok;
}

tarn_array **members_lend(const tarn_parameters *p, tarn_array *const *arrays) {
    int count = tarn_parameters_count(p);
    tarn_array **saved = NEW_ARRAY(tarn_array *, count ? count : 1);
    for (int i = 0; i < count && saved; i++) {
        saved[i] = *p->members.items[i].array;
        *p->members.items[i].array = tarn_keep(arrays[i]);
    }
    return saved;
}

void members_return(const tarn_parameters *p, tarn_array **saved) {
    for (int i = 0; i < tarn_parameters_count(p) && saved; i++) {
        tarn_drop(*p->members.items[i].array);
        *p->members.items[i].array = saved[i];
    }
    memory_free(saved);
}

static tarn_results *grad_of(gradient_call *g, tarn_array **all, int64_t *argnums, int count, tarn_outputs_options o) {
    int own = tarn_parameters_count(g->parameters);
    for (int i = 0; i < own; i++) all[i] = tarn_parameters_at(g->parameters, i), argnums[i] = i;
    return tarn_grad(TARN_FUNCTION(call_with_members, g), all, own + count, .argnums = (tarn_ints){argnums, own},
                     .outputs = o.outputs);
}

tarn_results *tarn_parameters_grad_with(const tarn_parameters *p, tarn_function loss, tarn_array *const *inputs,
                                        int count, tarn_outputs_options o) {
    if (!p || !loss.call || count < 0 || (count && !inputs)) {
        tarn_fail("parameters: grad: %s", !p ? "parameters is NULL" : !loss.call ? "loss is NULL" : "inputs is NULL");
        return NULL;
    }
    size_t all_count = p->members.count + (size_t)count;
    tarn_array **all = NEW_ARRAY(tarn_array *, all_count + 1);
    int64_t *argnums = NEW_ARRAY(int64_t, p->members.count + 1);
    tarn_results *gradients = NULL;
    if (all && count) memcpy(all + p->members.count, inputs, (size_t)count * sizeof *inputs);
    if (all && argnums) gradients = grad_of(&(gradient_call){p, loss}, all, argnums, count, o);
    memory_free(all);
    memory_free(argnums);
    return gradients;
}
