/* The gradients of attention's q, k and v. A task is a kv head and a slice of its rows: it adds to sums of its own for
   keys and values. Few kv heads have several slices, whose sums are joined afterwards, in order; both are cut by
   the shape alone. */
#include <string.h>

#include "base/threads.h"
#include "cpu/attention/attention.h"
#include "cpu/cpu.h"
#include "table/absent.h"

enum {
    MOST_SLOTS = 32, /* tasks at work at once: twice LEAST_TASKS, so that all slices have one */
    LEAST_TASKS = 16 /* kv heads are sliced until there are so many */
};

typedef struct {
    attention_gradient g;
    const attention_kernels *kernels;
    int64_t heads, blocks, slices, slots; /* kv heads of all batch rows; blocks of wide_rows rows */
    int64_t sums, scratch;                /* bytes of a slot */
    char *workspace;
} gradient_job;

static attention_gradient gradient_of(const call *c) {
    attributes_attention a = attention_of_gradient(c->attributes);
    const operand *in = c->inputs + 1, mirrored[] = {c->inputs[0], in[2], in[1]};
    attention_gradient g = {.scores = attention_problem_of(in, c->input_count - 1, &a, NULL),
                            .k = c->outputs[1].data,
                            .v = c->outputs[2].data};
    a.scale = 1;
    g.mirror = attention_problem_of(mirrored, 3, &a, c->outputs[0].data);
    g.mirror.valid = g.scores.valid;
    return g;
}

static int64_t at_most(int64_t x, int64_t most) {
    return x < most ? x : most;
}

static gradient_job job_of(const call *c, const attention_kernels *kernels) {
    gradient_job j = {.g = gradient_of(c)};
    const attention_problem *p = &j.g.scores;
    j.kernels = attention_fitting(p, kernels);
    j.heads = p->batch * p->kv_heads;
    j.blocks = (p->group * p->length + j.kernels->wide_rows - 1) / j.kernels->wide_rows;
    j.slices = j.heads && j.heads < LEAST_TASKS ? at_most(j.blocks, (LEAST_TASKS + j.heads - 1) / j.heads) : 1;
    if (j.slices < 1) j.slices = 1;
    j.slots = at_most(j.heads * j.slices, MOST_SLOTS);
    j.sums = (j.kernels->gradient_sums(&j.g) * (int64_t)sizeof(float) + 63) / 64 * 64;
    j.scratch = j.kernels->gradient_scratch(&j.g);
    return j;
}

static void store(const gradient_job *j, int64_t head, char *sums) {
    j->kernels->store(&j->g, head / j->g.scores.kv_heads, head % j->g.scores.kv_heads, (float *)(void *)sums,
                      (int)j->slices, j->sums / (int64_t)sizeof(float));
}

static void do_task(const gradient_job *j, int64_t task, char *sums, char *scratch) {
    int64_t head = task / j->slices, slice = task % j->slices;
    memset(sums, 0, (size_t)j->sums);
    for (int64_t i = j->blocks * slice / j->slices; i < j->blocks * (slice + 1) / j->slices; i++)
        j->kernels->gradient(&j->g, head / j->g.scores.kv_heads, head % j->g.scores.kv_heads, i * j->kernels->wide_rows,
                             (float *)(void *)sums, scratch);
    if (j->slices == 1) store(j, head, sums);
}

static void task_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const gradient_job *j = context;
    int64_t tasks = j->heads * j->slices;
    for (int64_t slot = begin; slot < end; slot++)
        for (int64_t i = tasks * slot / j->slots; i < tasks * (slot + 1) / j->slots; i++)
            do_task(j, i, j->workspace + slot * j->sums, j->workspace + j->slots * j->sums + slot * j->scratch);
}

static void store_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const gradient_job *j = context;
    for (int64_t head = begin; head < end; head++) store(j, head, j->workspace + head * j->slices * j->sums);
}

static int64_t workspace(const call *c, const attention_kernels *kernels) {
    gradient_job j = job_of(c, kernels);
    return j.slots * (j.sums + j.scratch);
}

static bool run(const call *c, const attention_kernels *kernels) {
    gradient_job j = job_of(c, kernels);
    j.workspace = c->workspace;
    if (j.heads == 0) return true;
    parallel_for(j.slots, 1, task_part, &j);
    if (j.slices > 1) parallel_for(j.heads, 1, store_part, &j);
    return true;
}

static bool supports(const call *c) {
    return attention_supports(c->inputs + 1);
}

enum { MASK = 4, VALID, SINKS };

#define ROW(isa, isa_id) ATTENTION_ROW(attention_gradient, isa)
CPU_EACH_ISA(ROW)
CPU_FAMILY(attention_gradient)
