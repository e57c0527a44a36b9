/* Running a plan for one call: arguments are taken, results made, and the program's run launched. */
#include "base/memory.h"
#include "core/lock.h"
#include "eval/compiled.h"

/* An output that is an argument, or a view of it, begins where that did. */
static int64_t output_offset(const plan *p, const value *v, const int64_t *offsets) {
    int input = p->program->storages.items[v->storage].input;
    const program_input *in = input < 0 ? NULL : &p->program->inputs.items[input];
    return v->at.offset + (in && !in->captured ? offsets[in->argument] / dtype_bytes(v->dtype) : 0);
}

static tarn_array *output_array(const plan *p, int i, const run *r, const int64_t *offsets) {
    const value *v = &p->program->values.items[p->program->outputs.items[i]];
    buffer *b = buffer_retain(run_buffer(r, v->storage));
    tarn_array *out = array_from_buffer(b, (tarn_ints){p->types[i].shape, p->types[i].ndim}, v->dtype);
    if (out) array_set_value(out, buffer_retain(out->buffer), output_offset(p, v, offsets), v->at.strides);
    return out;
}

static bool make_outputs(const plan *p, const run *r, const int64_t *offsets, tarn_array **made) {
    for (int i = 0; i < p->output_count; i++)
        if (!(made[i] = output_array(p, i, r, offsets))) return false;
    return true;
}

/* What may be overwritten is taken away before anything is submitted, and given back if nothing is. Under the
   schedule lock. */
static void take_arguments(const plan_call *request, const plan *p, const run *r) {
    for (size_t i = 0; i < p->program->inputs.count; i++) {
        const program_input *in = &p->program->inputs.items[i];
        if (p->program->storages.items[in->storage].donated && p->program->storages.items[in->storage].exported)
            buffer_set_state(run_buffer(r, in->storage), BUFFER_PENDING);
    }
    for (int i = 0; i < request->count; i++) {
        if (!request->donated[i]) continue;
        request->values[i]->given_away = true;
        array_set_value(request->values[i], NULL, 0, NULL);
    }
}

static void give_back_arguments(const plan_call *request, buffer *const *arguments) {
    schedule_lock();
    for (int i = 0; i < request->count; i++) {
        tarn_array *a = request->values[i];
        if (!request->donated[i]) continue;
        a->given_away = false;
        array_set_value(a, buffer_retain(arguments[i]), a->offset, a->strides);
    }
    schedule_unlock();
}

/* What a call needs to run its plan: retained, so that no other thread takes it. */
typedef struct {
    fork_undo undo; /* first */
    const plan_call *request;
    plan *plan;
    run *run;
    buffer **arguments;
    int64_t *offsets;
    tarn_array **made;
    bool done; /* of a call that was put off: another thread has begun it */
} plan_run;

/* ---- the outputs of a call that was put off get their values when it begins, pending, and lose them if it is given
   up: under the schedule lock */

static void claim_outputs(const plan_run *on) {
    node *n = on->request->node;
    for (int k = 0; n && k < n->output_count; k++) {
        const value *v = &on->plan->program->values.items[on->plan->program->outputs.items[k]];
        if (!array_is_held(&n->outputs[k])) continue;
        buffer *b = buffer_retain(run_buffer(on->run, v->storage));
        array_set_value(&n->outputs[k], b, output_offset(on->plan, v, on->offsets), v->at.strides);
    }
}

static void give_back_outputs(const plan_run *on) {
    node *n = on->request->node;
    if (!n) return;
    schedule_lock();
    for (int k = 0; k < n->output_count; k++) array_set_value(&n->outputs[k], NULL, 0, NULL);
    schedule_unlock();
}

static void commit_outputs(const plan_run *on) {
    schedule_lock();
    node_forget_inputs(on->request->node);
    schedule_unlock();
}

static void run_end(plan_run *on) {
    for (int i = 0; on->arguments && i < on->request->count; i++) buffer_release(on->arguments[i]);
    memory_free(on->arguments);
    memory_free(on->offsets);
    memory_free(on->made);
    plan_release(on->plan);
}

static void give_up(plan_run *on) {
    give_back_outputs(on);
    give_back_arguments(on->request, on->arguments);
    run_cancel(on->run);
}

static void undo_call(fork_undo *u) {
    plan_run *on = (plan_run *)u;
    give_up(on);
    run_end(on);
}

/* Under the schedule lock: no array that is read here loses its value between the description of the call and this.
 */
static void begin_run(plan_run *on) {
    const plan_call *request = on->request;
    on->arguments = NEW_ARRAY(buffer *, request->count);
    on->offsets = NEW_ARRAY(int64_t, request->count);
    on->made = NEW_ARRAY(tarn_array *, on->plan->output_count);
    if (!on->arguments || !on->offsets || !on->made) return;
    for (int i = 0; i < request->count; i++) {
        on->arguments[i] = buffer_retain(request->values[i]->buffer);
        on->offsets[i] = request->values[i]->offset * dtype_bytes(request->values[i]->dtype);
    }
    on->run = run_new(program_retain(on->plan->program), on->arguments, on->offsets);
    if (!on->run) return;
    take_arguments(request, on->plan, on->run);
    claim_outputs(on);
}

/* Arrays over what the run computes are made before it is launched, because that may fail. */
static bool make_results(const plan_run *on) {
    return on->request->node || (make_outputs(on->plan, on->run, on->offsets, on->made) &&
                                 results_reserve(on->request->results, on->plan->output_count));
}

static void hand_out_results(const plan_run *on) {
    const plan *p = on->plan;
    on->request->results->attached = attachment_retain(p->attached);
    results_fill(on->request->results, on->made, p->output_count - p->state_count);
}

static run_state finish_run(plan_run *on) {
    run_state state = run_reserve(on->run, &on->undo);
    if (state == RUN_READY && !make_results(on)) state = RUN_FAILED;
    if (state != RUN_READY) {
        give_up(on);
        return state;
    }
    if (!on->request->node) hand_out_results(on);
    run_launch(on->run, false);
    if (on->request->node) commit_outputs(on);
    return state;
}

/* Finds the plan, which the call holds from then on, and begins its run. */
static bool begin_call(plan_run *on, plan_call *request, bool made) {
    *on = (plan_run){.undo = {.undo = undo_call}, .request = request};
    schedule_lock();
    tarn_compiled *c = request->c;
    on->done = request->node && later_is_done(request->node);
    plan *p = on->plan = !on->done && plan_describe(request) ? (plan *)cache_find(&c->plans, &request->key) : NULL;
    if (p) {
        c->hits += !made;
        atomic_fetch_add(&p->cached.references, 1);
        begin_run(on);
    }
    schedule_unlock();
    return p;
}

static bool store_made(const plan_run *on) {
    const plan *p = on->plan;
    return state_store(on->request->c, on->made + p->output_count - p->state_count, p->state_count);
}

run_state plan_replay(plan_call *request, bool made, bool *found) {
    plan_run on;
    fork_hold();
    *found = begin_call(&on, request, made);
    run_state state = on.done ? RUN_READY : on.run ? finish_run(&on) : *found || !tarn_ok() ? RUN_FAILED : RUN_AGAIN;
    fork_allow();
    if (state == RUN_READY && !request->node && !store_made(&on)) state = RUN_FAILED;
    run_end(&on);
    return state;
}
