/* Decoding steps: everything from the tokens to the likeliest next ones is one plan, whose input may be what the step
   before it made. */
#include "lm/steps.h"

#include <string.h>

#include "base/memory.h"
#include "lm/sampler.h"
#include "tarn/device.h"

/* ---- parts that other plans are made of */

bool on_device(void) {
    return tarn_default_device().type != TARN_CPU;
}

static const model_rules *rules_of(const tarn_model *model) {
    return model->config.family->rules;
}

bool forward_open_cache(kv_cache *cache, const tarn_model *model, int64_t rows) {
    const model_config *c = &model->config;
    if (!kv_cache_open(cache, rows, c->layers, model->dtype)) return false;
    for (int64_t i = 0; i < c->layers; i++) cache->kinds[i] = rules_of(model)->cache(c, i);
    return true;
}

forward_state forward_at(const tarn_model *model, kv_cache *cache, tarn_array *position, int64_t n) {
    tarn_array *length = tarn_add(position, tarn_full(TARN_SHAPE(1), (double)n, TARN_INT32));
    return (forward_state){&model->config, &model->weights, cache, position, length, model->dtype};
}

tarn_array *forward_last_logits(const tarn_model *model, const forward_state *f, tarn_array *x) {
    tarn_array *logits = rules_of(model)->logits(f, tarn_slice_axis(x, 1, -1, INT64_MAX));
    return tarn_squeeze(logits, .axes = TARN_AXES(1));
}

void forget_compiled(tarn_compiled **plan) {
    if (*plan) tarn_compiled_free(*plan);
    *plan = NULL;
}

bool compile_over_cache(kv_cache *cache, tarn_function function, tarn_compiled **plan) {
    int64_t count = 0;
    tarn_array ***state = NEW_ARRAY(tarn_array **, 2 * cache->layers);
    if (!state) return false;
    for (int64_t i = 0; i < 2 * cache->layers; i++)
        if (cache->arrays[i]) state[count++] = &cache->arrays[i];
    *plan = tarn_compile(function, .state = state, .state_count = (int)count, .donate = TARN_INTS(TARN_DONATE_STATE));
    memory_free(state);
    return *plan != NULL;
}

/* ---- what a stepper holds */

void step_results_drop(step_results *r) {
    tarn_drop(r->logits);
    tarn_drop(r->likeliest);
    tarn_drop(r->next);
    *r = (step_results){0};
}

bool stepper_open(stepper *s, const tarn_model *model, kv_cache *cache, bool alone) {
    *s = (stepper){.model = model, .cache = cache, .alone = alone};
    s->ahead_ids = NEW_ARRAY(int32_t, cache->batch);
    return s->ahead_ids != NULL;
}

void stepper_forget_ahead(stepper *s) {
    step_results_drop(&s->ahead);
}

void stepper_forget(stepper *s) {
    stepper_forget_ahead(s);
    forget_compiled(&s->plan);
}

void stepper_close(stepper *s) {
    stepper_forget(s);
    memory_free(s->ahead_ids);
    *s = (stepper){0};
}

void stepper_want_likeliest(stepper *s, bool wanted) {
    if (s->wants_likeliest != wanted) stepper_forget(s);
    s->wants_likeliest = wanted;
}

/* ---- a step */

/* Input: the tokens and behind them their positions, int32 [2 * rows], in one array because each array's way to a
   device takes a while; outputs: the members of step_results that are wanted. The cache is the plan's state. */
static bool step_function(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    stepper *s = context;
    int64_t rows = s->cache->batch;
    (void)count;
    tarn_array *ids = tarn_reshape(tarn_slice_axis(inputs[0], 0, 0, rows), TARN_SHAPE(rows, 1));
    forward_state f = forward_at(s->model, s->cache, tarn_slice_axis(inputs[0], 0, rows, 2 * rows), 1);
    tarn_array *logits = forward_last_logits(s->model, &f, rules_of(s->model)->forward(&f, ids));
    if (s->alone) logits = tarn_reshape(logits, TARN_SHAPE(-1));
    if (!s->wants_likeliest) return tarn_result(results, logits);
    tarn_array *likeliest = tarn_reshape(sampler_likeliest(logits), TARN_SHAPE(rows)),
               *next = tarn_concatenate(TARN_ARRAYS(likeliest, f.length), 2);
    return tarn_result(results, logits) && tarn_result(results, likeliest) && tarn_result(results, next);
}

static bool begin_step(stepper *s, tarn_array *input, step_results *r) {
    if (!s->plan && !compile_over_cache(s->cache, TARN_FUNCTION(step_function, s), &s->plan)) return false;
    const tarn_results *made = tarn_compiled_call(s->plan, &input, 1);
    if (!made) return false;
    r->logits = tarn_keep(tarn_results_at(made, 0));
    if (!s->wants_likeliest) return true;
    r->likeliest = tarn_keep(tarn_results_at(made, 1));
    r->next = tarn_keep(tarn_results_at(made, 2));
    return true;
}

static tarn_array *input_of(const stepper *s, const int32_t *ids, const int32_t *positions) {
    int64_t rows = s->cache->batch;
    int32_t *input = NEW_ARRAY(int32_t, 2 * rows);
    if (!input) return NULL;
    for (int64_t i = 0; i < rows; i++) {
        input[i] = ids[i] < 0 ? 0 : ids[i];
        input[rows + i] = positions[i];
    }
    tarn_array *made = tarn_from_data(input, TARN_SHAPE(2 * rows), TARN_INT32);
    memory_free(input);
    return made;
}

static bool was_begun(const stepper *s, const int32_t *ids) {
    for (int64_t i = 0; i < s->cache->batch; i++)
        if (ids[i] >= 0 && ids[i] != s->ahead_ids[i]) return false;
    return s->ahead.logits;
}

static bool take_step(stepper *s, const int32_t *ids, const int32_t *positions, step_results *r) {
    if (was_begun(s, ids)) {
        *r = s->ahead;
        s->ahead = (step_results){0};
        return true;
    }
    stepper_forget_ahead(s);
    tarn_array *input = input_of(s, ids, positions);
    return input && begin_step(s, input, r);
}

/* What is read first is waited for once, the next step on its way. */
static bool finish_step(stepper *s, bool ahead, const step_results *now) {
    if (ahead && now->next && on_device() && !begin_step(s, now->next, &s->ahead)) return false;
    if (!now->likeliest) return tarn_eval(now->logits);
    const int32_t *ids = tarn_data(now->likeliest);
    if (ids) memcpy(s->ahead_ids, ids, (size_t)s->cache->batch * sizeof *ids);
    return ids;
}

bool stepper_run(stepper *s, const int32_t *ids, const int32_t *positions, bool ahead, step_results *now) {
    TARN_SCOPE;
    *now = (step_results){0};
    return take_step(s, ids, positions, now) && finish_step(s, ahead, now);
}
