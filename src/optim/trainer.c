/* A step of training as one compiled function, whose state is every array of a tree and of its optimizer. */
#include "base/memory.h"
#include "nn/nn.h"
#include "nn/parameters.h"
#include "tarn/optim.h"

typedef VECTOR(tarn_array *) array_list;

struct tarn_trainer {
    tarn_function loss;
    tarn_optimizer *optimizer;
    tarn_parameters *trained;
    tarn_parameters state; /* of both, in the order of the leaves */
    double max_norm;
    int64_t parts;
    tarn_compiled *compiled;
};

static bool add_of_tree(void *context, const tarn_leaf *leaf) {
    return members_add(context, "model.", leaf);
}
static bool add_of_optimizer(void *context, const tarn_leaf *leaf) {
    return members_add(context, "optimizer.", leaf);
}

static bool update_by(tarn_trainer *t, tarn_array *const *gradients, int count) {
    if (t->max_norm <= 0) return tarn_optimizer_update(t->optimizer, t->trained, gradients, count);
    tarn_array **clipped = NEW_ARRAY(tarn_array *, count ? count : 1);
    bool ok = clipped && tarn_clip_grad_norm(gradients, count, t->max_norm, clipped, NULL) &&
              tarn_optimizer_update(t->optimizer, t->trained, clipped, count);
    memory_free(clipped);
    return ok;
}

/* ---- gradients, part by part */

static bool cut(const tarn_trainer *t, tarn_array *const *inputs, int count, int64_t part, tarn_array **out) {
    for (int i = 0; i < count; i++) {
        int64_t rows = tarn_dim(inputs[i], 0), size = rows / t->parts;
        if (t->parts > 1 && (tarn_ndim(inputs[i]) < 1 || rows % t->parts))
            return tarn_fail("trainer: input %d of %lld rows in %lld parts", i, (long long)rows, (long long)t->parts);
        out[i] = t->parts > 1 ? tarn_slice_axis(inputs[i], 0, part * size, (part + 1) * size) : inputs[i];
    }
    return true;
}

/* sums[i] plus a share of all[i]; the sums have room for count. */
static bool add_share(const tarn_trainer *t, array_list *sums, const tarn_results *all) {
    for (int i = 0; i < tarn_results_count(all); i++) {
        tarn_array *a = tarn_results_at(all, i),
                   *share = t->parts > 1 ? tarn_multiply_number(a, 1 / (double)t->parts) : a;
        if ((size_t)i == sums->count && !vector_push(sums, NULL)) return false;
        if (share) sums->items[i] = sums->items[i] ? tarn_add(sums->items[i], share) : share;
    }
    return tarn_ok();
}

typedef struct {
    array_list gradients, outputs;
    tarn_array **inputs;
} accumulated;

static bool accumulate(tarn_trainer *t, tarn_array *const *inputs, int count, accumulated *a) {
    a->inputs = NEW_ARRAY(tarn_array *, count ? count : 1);
    bool ok = a->inputs != NULL;
    for (int64_t k = 0; k < t->parts && ok; k++) {
        tarn_results *outputs = NULL, *gradients = NULL;
        ok = cut(t, inputs, count, k, a->inputs) &&
             (gradients = tarn_parameters_grad(t->trained, t->loss, a->inputs, count, .outputs = &outputs)) &&
             add_share(t, &a->gradients, gradients) && add_share(t, &a->outputs, outputs);
    }
    return ok;
}

static bool hand_out(const tarn_trainer *t, const accumulated *a, tarn_results *results) {
    for (size_t i = 0; i < a->outputs.count; i++)
        if (!tarn_result(results, a->outputs.items[i])) return false;
    for (size_t i = 0; i < t->state.members.count; i++)
        if (!tarn_result_state(results, *t->state.members.items[i].array)) return false;
    return true;
}

static bool step_on(tarn_trainer *t, tarn_array *const *inputs, int count, tarn_results *results) {
    accumulated a = {0};
    bool ok = accumulate(t, inputs, count, &a) && update_by(t, a.gradients.items, (int)a.gradients.count) &&
              hand_out(t, &a, results);
    vector_free(&a.gradients);
    vector_free(&a.outputs);
    memory_free(a.inputs);
    return ok;
}

/* ---- the compiled function */

static bool step(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_trainer *t = context;
    int own = count - (int)t->state.members.count;
    tarn_array **saved = members_lend(&t->state, inputs + own);
    bool ok = saved && step_on(t, inputs, own, results);
    members_return(&t->state, saved);
    return ok;
}

static bool collect(void *context, tarn_results *leaves) {
    const tarn_trainer *t = context;
    for (size_t i = 0; i < t->state.members.count; i++)
        if (!tarn_result(leaves, *t->state.members.items[i].array)) return false;
    return true;
}

static bool store(void *context, tarn_array *const *leaves, int count) {
    tarn_trainer *t = context;
    for (int i = 0; i < count; i++)
        if (!tarn_assign(t->state.members.items[i].array, leaves[i])) return false;
    return true;
}

static bool fill(tarn_trainer *t, tarn_tree tree, const tarn_trainer_options *o) {
    t->trained = tarn_parameters_new(tree, .only = o->only, .context = o->context);
    if (!t->trained || !tarn_optimizer_init(t->optimizer, t->trained)) return false;
    if (!tarn_tree_visit(tree, add_of_tree, &t->state)) return false;
    if (!tarn_optimizer_visit(t->optimizer, add_of_optimizer, &t->state)) return false;
    t->compiled = tarn_compile(TARN_FUNCTION(step, t), .collect = collect, .store = store,
                               .donate = TARN_INTS(TARN_DONATE_STATE));
    return t->compiled != NULL;
}

tarn_trainer *tarn_trainer_new_with(tarn_function loss, tarn_tree tree, tarn_optimizer *optimizer,
                                    tarn_trainer_options o) {
    if (!loss.call || !optimizer) {
        tarn_fail("trainer: %s is NULL", loss.call ? "the optimizer" : "loss");
        return NULL;
    }
    if (o.parts < 0) return tarn_fail("trainer: %lld parts", (long long)o.parts), NULL;
    tarn_trainer *t = NEW(tarn_trainer);
    if (!t) return NULL;
    t->loss = loss, t->optimizer = optimizer, t->max_norm = o.max_norm, t->parts = o.parts ? o.parts : 1;
    if (fill(t, tree, &o)) return t;
    tarn_trainer_free(t);
    return NULL;
}

void tarn_trainer_free(tarn_trainer *t) {
    if (!t) return;
    tarn_compiled_free(t->compiled);
    tarn_parameters_free(t->trained);
    members_clear(&t->state);
    memory_free(t);
}

tarn_results *tarn_trainer_step(tarn_trainer *t, tarn_array *const *inputs, int count) {
    if (!t) return tarn_fail("trainer: the trainer is NULL"), NULL;
    return tarn_compiled_call(t->compiled, inputs, count);
}

bool tarn_trainer_save_with(tarn_trainer *t, const char *path, tarn_trainer_save_options o) {
    if (!t) return tarn_fail("trainer: the trainer is NULL");
    return members_save(&t->state, path, o.metadata, o.metadata_count);
}

bool tarn_trainer_load(tarn_trainer *t, const char *path) {
    if (!t) return tarn_fail("trainer: the trainer is NULL");
    return members_load(&t->state, path, false);
}
