/* What the training examples share: a run of so many steps that can be interrupted at any time.
   [SEED [CHECKPOINT]] on the command line: with a file for checkpoints a run writes every few steps all that the next
   steps depend on, and begins where the file says that it was. It ends with the same bits as a run in one piece. A file
   that says another seed, or nothing of a run, is an error and stays as it is. */
#ifndef EXAMPLES_RUN_H
#define EXAMPLES_RUN_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/tarn.h>

typedef struct {
    uint64_t seed;
    const char *no_seed;    /* what came in its place and is no number; NULL: nothing */
    const char *checkpoint; /* NULL: none */
    int64_t every, steps;
} run_plan;

static inline bool number_told(const char *text, uint64_t *number) {
    bool digits = text && *text && !text[strspn(text, "0123456789")];
    *number = digits ? strtoull(text, NULL, 10) : 0;
    return digits;
}

static inline run_plan plan_of(int count, char **arguments, int64_t steps) {
    run_plan plan = {.checkpoint = count > 2 ? arguments[2] : NULL, .every = 10, .steps = steps};
    if (count > 1 && !number_told(arguments[1], &plan.seed)) plan.no_seed = arguments[1];
    return plan;
}

static inline bool number_noted(const tarn_tensors *checkpoint, const char *key, uint64_t *number) {
    return number_told(tarn_tensors_metadata(checkpoint, key), number);
}

/* Steps done when the checkpoint was written; -1 if it is of no such run. */
static inline int64_t steps_noted(const run_plan *plan, const tarn_tensors *checkpoint) {
    uint64_t seed, step;
    bool whole = number_noted(checkpoint, "seed", &seed) && number_noted(checkpoint, "step", &step);
    if (whole && seed == plan->seed && step <= (uint64_t)plan->steps) return (int64_t)step;
    tarn_fail("%s: no checkpoint of a run of %lld steps with the seed %llu", plan->checkpoint, (long long)plan->steps,
              (unsigned long long)plan->seed);
    return -1;
}

/* Steps done before; -1 if there is a checkpoint and it cannot be gone on with, or no seed. */
static inline int64_t steps_done(const run_plan *plan, tarn_trainer *trainer) {
    if (plan->no_seed) return tarn_fail("%s: not a seed, which is a whole number", plan->no_seed), -1;
    if (!plan->checkpoint) return 0;
    FILE *file = fopen(plan->checkpoint, "rb");
    if (!file && errno == ENOENT) return 0;
    if (file) fclose(file);
    tarn_tensors *checkpoint = tarn_load_safetensors(plan->checkpoint);
    int64_t done = checkpoint ? steps_noted(plan, checkpoint) : -1;
    tarn_tensors_free(checkpoint);
    return done >= 0 && tarn_trainer_load(trainer, plan->checkpoint) ? done : -1;
}

static inline bool keep_checkpoint(const run_plan *plan, tarn_trainer *trainer, int64_t done) {
    if (!plan->checkpoint || (done % plan->every && done < plan->steps)) return true;
    char seed[32], step[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)plan->seed);
    snprintf(step, sizeof step, "%lld", (long long)done);
    const tarn_pair notes[] = {{"seed", seed}, {"step", step}};
    return tarn_trainer_save(trainer, plan->checkpoint, .metadata = notes, .metadata_count = 2);
}

static inline void tell_progress(const run_plan *plan, const tarn_progress *progress, int64_t done, tarn_array *loss) {
    if (done * 4 / plan->steps == (done - 1) * 4 / plan->steps) return;
    char *line = tarn_progress_line(progress, done, tarn_item(loss));
    printf("%s\n", line ? line : "");
    tarn_free(line);
}

/* What step `step` is made of, an array of each kind. */
typedef bool (*batch_source)(void *context, int64_t step, tarn_array **batch);

static inline bool run_steps(const run_plan *plan, tarn_trainer *trainer, batch_source next, void *context, int count) {
    int64_t done = trainer ? steps_done(plan, trainer) : -1;
    tarn_progress progress = tarn_progress_start(done, plan->steps);
    bool ok = done >= 0;
    while (ok && done < plan->steps) {
        TARN_SCOPE;
        tarn_array *batch[2];
        tarn_results *results = next(context, done, batch) ? tarn_trainer_step(trainer, batch, count) : NULL;
        ok = results && keep_checkpoint(plan, trainer, ++done);
        if (ok) tell_progress(plan, &progress, done, tarn_results_at(results, 0));
    }
    return ok && tarn_ok();
}

/* Rows of arrays, shuffled anew for each epoch. */
typedef struct {
    tarn_batches *batches;
    bool begun;
} epochs;

static inline bool next_of_epochs(void *context, int64_t step, tarn_array **batch) {
    epochs *e = context;
    int64_t each = e->batches ? tarn_batches_count(e->batches) : 0;
    if (!each) return false;
    if ((!e->begun || step % each == 0) && !tarn_batches_start(e->batches, step / each, .first = step % each))
        return false;
    e->begun = true;
    return tarn_batches_next(e->batches, batch);
}

#endif
