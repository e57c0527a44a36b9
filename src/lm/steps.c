/* Decoding steps: everything from the tokens to those that are drawn next is one plan, whose input is what the step
   before it made. */
#include "lm/steps.h"

#include <string.h>

#include "base/memory.h"
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
    return (forward_state){&model->config, &model->weights, cache, position, length, model->dtype, false};
}

tarn_array *forward_last_logits(const tarn_model *model, const forward_state *f, tarn_array *x) {
    tarn_array *logits = rules_of(model)->logits(f, last_along(x, 1));
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

static void drop_results(step_results *r) {
    tarn_drop(r->logits);
    tarn_drop(r->drawn);
    tarn_drop(r->next);
    *r = (step_results){0};
}

bool stepper_open(stepper *s, const tarn_model *model, kv_cache *cache, bool alone) {
    *s = (stepper){.model = model, .cache = cache, .alone = alone};
    s->drawn = NEW_ARRAY(int32_t, cache->batch);
    return s->drawn != NULL;
}

void stepper_forget(stepper *s) {
    drop_results(&s->ahead);
    forget_compiled(&s->plan);
}

void stepper_leave(stepper *s) {
    drop_results(&s->ahead);
    tarn_drop(s->next);
    s->next = NULL;
}

void stepper_close(stepper *s) {
    stepper_forget(s);
    stepper_leave(s);
    forget_compiled(&s->draws);
    memory_free(s->drawn);
    *s = (stepper){0};
}

void stepper_sample(stepper *s, const sampler *by) {
    stepper_leave(s);
    s->sampler = by;
}

/* ---- plans */

/* What is drawn of logits, and the input of the step behind it. */
static bool add_draw(const stepper *s, tarn_array *logits, tarn_array *input, tarn_results *results) {
    tarn_array *drawn, *next;
    return sampler_draw(s->sampler, logits, input, &drawn, &next) && tarn_result(results, drawn) &&
           tarn_result(results, next);
}

/* Input: a column for each timeline (lm/sampler.h), in one array because each array's way to a device takes a while;
   outputs: the members of step_results that there are. The cache is the plan's state. */
static bool step_function(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const stepper *s = context;
    tarn_array *input = inputs[0];
    tarn_array *ids = tarn_reshape(tarn_slice_axis(input, 0, INPUT_TOKEN, INPUT_TOKEN + 1), TARN_SHAPE(-1, 1));
    tarn_array *position = tarn_reshape(tarn_slice_axis(input, 0, INPUT_POSITION, INPUT_STATE), TARN_SHAPE(-1));
    (void)count;
    forward_state f = forward_at(s->model, s->cache, position, 1);
    tarn_array *logits = forward_last_logits(s->model, &f, rules_of(s->model)->forward(&f, ids));
    if (!tarn_result(results, s->alone ? tarn_reshape(logits, TARN_SHAPE(-1)) : logits)) return false;
    return !s->sampler || add_draw(s, logits, input, results);
}

/* Inputs: the logits of one timeline, and the column of the step that they are thought to come of. */
static bool draw_function(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    return add_draw(context, tarn_expand_dims(inputs[0], TARN_AXES(0)), inputs[1], results);
}

static const tarn_results *call(const stepper *s, tarn_compiled *plan, tarn_array *const *inputs, int count) {
    const sampler *by = s->sampler;
    return tarn_compiled_call(plan, inputs, count, .key = by ? by->key : NULL, .key_bytes = by ? by->key_bytes : 0);
}

static tarn_array *columns_array(const int32_t *values, int64_t height, int64_t rows) {
    return tarn_from_data(values, TARN_SHAPE(height, rows), TARN_INT32);
}

/* ---- draws */

/* Waits for what was drawn. */
static bool read_drawn(stepper *s, tarn_array *drawn) {
    const int32_t *ids = tarn_data(drawn);
    if (ids) memcpy(s->drawn, ids, (size_t)s->cache->batch * sizeof *ids);
    return ids;
}

static bool draw_behind(stepper *s, tarn_array *logits, const int32_t *column) {
    TARN_SCOPE;
    tarn_array *inputs[] = {logits, columns_array(column, sampler_height(s->sampler), 1)};
    if (!inputs[1]) return false;
    if (!s->draws && !(s->draws = tarn_compile(TARN_FUNCTION(draw_function, s)))) return false;
    const tarn_results *made = call(s, s->draws, inputs, 2);
    if (!made) return false;
    s->next = tarn_keep(tarn_results_at(made, 1));
    return read_drawn(s, tarn_results_at(made, 0));
}

bool stepper_draw(stepper *s, tarn_array *logits, const int32_t *tokens, int64_t count) {
    stepper_leave(s);
    int32_t *column = NEW_ARRAY(int32_t, sampler_height(s->sampler));
    if (!column) return false;
    sampler_fill(s->sampler, tokens, count, column);
    bool ok = draw_behind(s, logits, column);
    memory_free(column);
    return ok;
}

bool stepper_column(const stepper *s, int32_t *column, int64_t stride) {
    const int32_t *values = tarn_data(s->next);
    for (int64_t i = 0; values && i < sampler_height(s->sampler); i++) column[i * stride] = values[i];
    return values;
}

bool stepper_begin(stepper *s, const int32_t *columns) {
    TARN_SCOPE;
    int64_t rows = s->cache->batch;
    stepper_leave(s);
    memcpy(s->drawn, columns + INPUT_TOKEN * rows, (size_t)rows * sizeof *columns);
    s->next = tarn_keep(columns_array(columns, sampler_height(s->sampler), rows));
    return s->next;
}

/* ---- a step */

static bool begin_step(stepper *s, tarn_array *input, step_results *r) {
    if (!s->plan && !compile_over_cache(s->cache, TARN_FUNCTION(step_function, s), &s->plan)) return false;
    const tarn_results *made = call(s, s->plan, &input, 1);
    if (!made) return false;
    r->logits = tarn_keep(tarn_results_at(made, 0));
    if (!s->sampler) return true;
    r->drawn = tarn_keep(tarn_results_at(made, 1));
    r->next = tarn_keep(tarn_results_at(made, 2));
    return true;
}

static tarn_array *input_of(const stepper *s, const int32_t *ids, const int32_t *positions) {
    int64_t rows = s->cache->batch;
    int32_t *input = NEW_ARRAY(int32_t, INPUT_STATE * rows);
    if (!input) return NULL;
    for (int64_t i = 0; i < rows; i++) {
        input[INPUT_TOKEN * rows + i] = ids[i] < 0 ? 0 : ids[i];
        input[INPUT_POSITION * rows + i] = positions[i];
    }
    tarn_array *made = columns_array(input, INPUT_STATE, rows);
    memory_free(input);
    return made;
}

static bool goes_on(const stepper *s, const int32_t *ids) {
    for (int64_t i = 0; i < s->cache->batch; i++)
        if (ids[i] >= 0 && ids[i] != s->drawn[i]) return false;
    return s->next;
}

static bool take_step(stepper *s, const int32_t *ids, const int32_t *positions, step_results *r) {
    if (s->sampler && !goes_on(s, ids)) return tarn_fail("the timeline was changed while an answer was generated");
    if (s->ahead.logits) {
        *r = s->ahead;
        s->ahead = (step_results){0};
        return true;
    }
    tarn_array *input = s->sampler ? s->next : input_of(s, ids, positions);
    return input && begin_step(s, input, r);
}

/* What is read first is waited for once, the next step on its way. */
static bool finish_step(stepper *s, bool ahead, step_results *now) {
    tarn_drop(s->next);
    s->next = now->next;
    now->next = NULL;
    if (ahead && s->next && on_device() && !begin_step(s, s->next, &s->ahead)) return false;
    return now->drawn ? read_drawn(s, now->drawn) : tarn_eval(now->logits);
}

bool stepper_run(stepper *s, const int32_t *ids, const int32_t *positions, bool ahead, tarn_array **logits) {
    TARN_SCOPE;
    step_results now = {0};
    bool ok = take_step(s, ids, positions, &now) && finish_step(s, ahead, &now);
    *logits = tarn_keep(now.logits);
    drop_results(&now);
    return ok;
}
