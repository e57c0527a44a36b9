/* Optimizers as objects: the state of each parameter, updates, groups. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "nn/parameters.h"
#include "optim/optim.h"

tarn_optimizer *optimizer_new(const optimizer_rule *rule, double learning_rate, tarn_schedule schedule,
                              const void *settings) {
    tarn_optimizer *o = NEW(tarn_optimizer);
    if (!o || !(o->settings = memory_copy(settings, rule->settings_bytes))) {
        tarn_optimizer_free(o);
        return NULL;
    }
    o->rule = rule, o->learning_rate = learning_rate, o->schedule = schedule;
    return o;
}

tarn_optimizer *tarn_optimizer_groups(tarn_optimizer *const *optimizers, const tarn_parameter_filter *filters,
                                      int count) {
    tarn_optimizer *o = NEW(tarn_optimizer);
    bool ok = o && count > 0 && optimizers && filters;
    if (o && !ok) tarn_fail("optimizer groups: %d optimizers, or a list is NULL", count);
    if (ok) o->groups = memory_copy(optimizers, (size_t)count * sizeof *optimizers);
    if (ok) o->filters = memory_copy(filters, (size_t)count * sizeof *filters);
    if (o && o->groups && o->filters) return o->group_count = count, o;
    for (int i = 0; i < count && optimizers; i++) tarn_optimizer_free(optimizers[i]);
    if (o) memory_free(o->groups), o->groups = NULL;
    tarn_optimizer_free(o);
    return NULL;
}

void tarn_optimizer_free(tarn_optimizer *o) {
    if (!o) return;
    for (size_t i = 0; i < o->states.count; i++) {
        for (int k = 0; k < MOST_STATES; k++) tarn_drop(o->states.items[i].state[k]);
        memory_free(o->states.items[i].path);
    }
    for (int i = 0; i < o->group_count; i++) tarn_optimizer_free(o->groups[i]);
    tarn_drop(o->step);
    tarn_drop(o->rate);
    vector_free(&o->states);
    memory_free(o->groups);
    memory_free(o->filters);
    memory_free(o->settings);
    memory_free(o);
}

/* ---- state before the first update */

static tarn_optimizer *group_of(tarn_optimizer *o, const char *path) {
    if (!o->group_count) return o;
    for (int i = 0; i < o->group_count; i++)
        if (!o->filters[i] || o->filters[i](path)) return group_of(o->groups[i], path);
    tarn_fail("optimizer groups: no group takes \"%s\"", path);
    return NULL;
}

static tarn_array *first_state(const tarn_optimizer *o, tarn_array *w, int index) {
    return o->rule->first ? o->rule->first(o->settings, w, index) : tarn_zeros_like(w);
}

static bool add_state(tarn_optimizer *o, const char *path, tarn_array *w) {
    parameter_state s = {memory_copy(path, strlen(path) + 1), {NULL}};
    if (!s.path || !vector_push(&o->states, s)) {
        memory_free(s.path);
        return false;
    }
    parameter_state *added = &o->states.items[o->states.count - 1];
    for (int k = 0; k < MOST_STATES && o->rule->states[k]; k++) {
        tarn_array *first = first_state(o, w, k);
        if (!tarn_ok() || (first && !tarn_assign(&added->state[k], first))) return false;
    }
    return true;
}

static parameter_state *state_of(tarn_optimizer *o, const char *path) {
    for (size_t i = 0; i < o->states.count; i++)
        if (!strcmp(o->states.items[i].path, path)) return &o->states.items[i];
    return NULL;
}

static bool begin(tarn_optimizer *o) {
    for (int i = 0; i < o->group_count; i++)
        if (!begin(o->groups[i])) return false;
    if (o->group_count || o->step) return true;
    tarn_array *zero = tarn_scalar_int(0, TARN_UINT64);
    tarn_array *rate =
        o->schedule.rate ? o->schedule.rate(o->schedule.context, zero) : tarn_scalar(o->learning_rate, TARN_FLOAT32);
    return rate && tarn_assign(&o->rate, rate) && tarn_assign(&o->step, zero);
}

bool tarn_optimizer_init(tarn_optimizer *o, const tarn_parameters *p) {
    if (!o || !p) return tarn_fail("optimizer: %s is NULL", o ? "parameters" : "the optimizer");
    TARN_SCOPE;
    bool ok = begin(o);
    for (int i = 0; i < tarn_parameters_count(p) && ok; i++) {
        const char *path = tarn_parameters_path(p, i);
        tarn_optimizer *group = group_of(o, path);
        ok = group && (state_of(group, path) || add_state(group, path, tarn_parameters_at(p, i)));
    }
    return ok;
}

/* ---- updates */

/* The schedule sees the steps before this one. */
static bool advance(tarn_optimizer *o) {
    for (int i = 0; i < o->group_count; i++)
        if (!advance(o->groups[i])) return false;
    if (o->group_count) return true;
    tarn_array *step = tarn_astype(tarn_add_number(o->step, 1), TARN_UINT64);
    return (!o->schedule.rate || tarn_assign(&o->rate, o->schedule.rate(o->schedule.context, o->step))) &&
           tarn_assign(&o->step, step);
}

/* The new value of a parameter; its state is replaced. */
static tarn_array *updated(tarn_optimizer *o, const char *path, tarn_array *w, tarn_array *gradient) {
    tarn_optimizer *group = group_of(o, path);
    parameter_state *s = group ? state_of(group, path) : NULL;
    if (!s) return NULL;
    tarn_array *state[MOST_STATES];
    memcpy(state, s->state, sizeof state);
    update u = {.settings = group->settings,
                .rate = tarn_astype(group->rate, tarn_dtype_of(w)),
                .relative = !group->schedule.rate && group->learning_rate == 0,
                .step = tarn_astype(group->step, TARN_FLOAT32),
                .parameter = w,
                .gradient = gradient,
                .state = state};
    tarn_array *result = group->rule->apply(&u);
    for (int k = 0; k < MOST_STATES && result; k++)
        if (state[k] != s->state[k] && !tarn_assign(&s->state[k], state[k])) return NULL;
    return result;
}

bool tarn_optimizer_update(tarn_optimizer *o, tarn_parameters *p, tarn_array *const *gradients, int count) {
    TARN_SCOPE;
    if (!tarn_optimizer_init(o, p)) return false;
    tarn_array **fresh = NEW_ARRAY(tarn_array *, count > 0 ? count : 1);
    bool ok = fresh && advance(o);
    for (int i = 0; i < count && ok; i++) {
        tarn_array *w = tarn_parameters_at(p, i);
        fresh[i] = updated(o, tarn_parameters_path(p, i), w, gradients[i]);
        ok = fresh[i] != NULL;
    }
    ok = ok && tarn_parameters_set(p, fresh, count);
    memory_free(fresh);
    return ok;
}

/* ---- the arrays of the state */

typedef struct {
    text path;
    tarn_leaf_visitor visit;
    void *context;
} state_visit;

static bool visit_at(state_visit *v, const char *a, const char *b, tarn_array **array) {
    size_t length = v->path.length;
    if (!*array) return true;
    bool ok = text_format(&v->path, "%s%s%s", a, b ? "." : "", b ? b : "") &&
              v->visit(v->context, &(tarn_leaf){text_string(&v->path), array, true});
    v->path.length = length;
    if (v->path.bytes) v->path.bytes[length] = 0;
    return ok;
}

static bool visit_states(state_visit *v, tarn_optimizer *o) {
    size_t length = v->path.length;
    for (int i = 0; i < o->group_count; i++) {
        bool ok = text_format(&v->path, "states.%d.", i) && visit_states(v, o->groups[i]);
        v->path.length = length;
        if (!ok) return false;
    }
    if (o->group_count) return true;
    if (!visit_at(v, "step", NULL, &o->step) || !visit_at(v, "learning_rate", NULL, &o->rate)) return false;
    for (size_t i = 0; i < o->states.count; i++)
        for (int k = 0; k < MOST_STATES && o->rule->states[k]; k++)
            if (!visit_at(v, o->states.items[i].path, o->rule->states[k], &o->states.items[i].state[k])) return false;
    return true;
}

bool tarn_optimizer_visit(tarn_optimizer *o, tarn_leaf_visitor visit, void *context) {
    if (!o) return tarn_fail("optimizer: the optimizer is NULL");
    state_visit v = {.visit = visit, .context = context};
    bool ok = visit_states(&v, o);
    text_free(&v.path);
    return ok;
}

/* ---- in files */

static bool add_leaf(void *context, const tarn_leaf *leaf) {
    return members_add(context, "", leaf);
}

bool tarn_optimizer_save(tarn_optimizer *o, const char *path) {
    tarn_parameters all = {0};
    bool ok = tarn_optimizer_visit(o, add_leaf, &all) && members_save(&all, path, NULL, 0);
    members_clear(&all);
    return ok;
}

bool tarn_optimizer_load(tarn_optimizer *o, const char *path) {
    tarn_parameters all = {0};
    bool ok = tarn_optimizer_visit(o, add_leaf, &all) && members_load(&all, path, false);
    members_clear(&all);
    return ok;
}
