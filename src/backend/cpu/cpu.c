/* The CPU as a backend: streams are worker threads, and the rows of all families lie over each other, the
   best instruction set first. */
#include "cpu/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/threads.h"
#include "base/worker.h"
#include "tarn/error.h"

/* ---- memory */

static int device_count(void) {
    return 1;
}

static void *allocate(int device, int64_t bytes) {
    (void)device;
    return memory_new_aligned((size_t)bytes);
}

static void release(int device, void *block) {
    (void)device;
    memory_free_aligned(block);
}

static int64_t memory_bytes(int device) {
    (void)device;
    return memory_of_machine();
}

/* ---- streams: a worker each */

struct backend_stream {
    worker *thread;
};

static backend_stream *stream_new(int device) {
    (void)device;
    backend_stream *stream = NEW(backend_stream);
    if (stream && (stream->thread = worker_new())) return stream;
    memory_free(stream);
    return NULL;
}

static void stream_free(backend_stream *stream) {
    if (stream) worker_free(stream->thread);
    memory_free(stream);
}

static void run_copies(submission *s) {
    for (int i = 0; i < s->copy_count; i++) {
        memcpy(s->copies[i].to, s->copies[i].from, (size_t)s->copies[i].bytes);
        s->after(s, -1 - i, NULL);
    }
}

static void run_calls(submission *s) {
    for (int i = 0; i < s->call_count; i++) {
        const call *c = &s->calls[i];
        if (!s->before(s, i)) continue;
        if (c->row->run(c)) {
            s->after(s, i, NULL);
            continue;
        }
        if (tarn_ok()) tarn_fail("%s failed without saying why", c->row->name);
        s->after(s, i, tarn_error());
        tarn_clear_error();
    }
}

static void run_submission(void *context) {
    submission *s = context;
    if (s->wait_count) s->wait(s);
    int before = parallel_fix(s->threads);
    run_copies(s);
    run_calls(s);
    parallel_fix(before);
    s->done(s);
}

_Static_assert(sizeof(worker_job) <= sizeof(((submission *)0)->room), "a job fits into a submission");

static void submit(backend_stream *stream, submission *s) {
    if (s->small && s->wait_count == 0 && worker_run_here(stream->thread, run_submission, s)) return;
    worker_job *job = (worker_job *)(void *)s->room;
    *job = (worker_job){.run = run_submission, .context = s};
    worker_give(stream->thread, job);
}

/* ---- rows */

static cpu_family *const families[] = {
    cpu_rows_elementwise,
    cpu_rows_matmul,
    cpu_rows_copy,
    cpu_rows_index,
    cpu_rows_norm,
    cpu_rows_attention,
    cpu_rows_attention_gradient,
    cpu_rows_reduce,
    cpu_rows_sort,
    cpu_rows_scan,
    cpu_rows_make,
    cpu_rows_quant,
    cpu_rows_random,
    cpu_rows_linalg,
    cpu_rows_conv,
    cpu_rows_fft,
    cpu_rows_search,
};

const cpu_level *const cpu_isa_levels[ISA_COUNT] = {
    [ISA_BASELINE] = &cpu_levels[0], [ISA_AVX2] = &cpu_levels[1], [ISA_AVX512] = &cpu_levels[3]};

enum { FAMILIES = sizeof families / sizeof *families, MOST_ROWS = ISA_COUNT * CPU_FAMILY_ROWS, SETS = 1 << ISA_COUNT };

/* The rows of each op for every choice of sets in use: filled on first use. */
static struct {
    atomic_bool filled;
    const kernel_row *rows[OP_COUNT_WITH_GROUP][MOST_ROWS];
    int counts[OP_COUNT_WITH_GROUP];
} tables[SETS];

static unsigned sets_in_use(void) {
    unsigned sets = 0;
    for (unsigned isa = 0; isa < ISA_COUNT; isa++) sets |= (unsigned)cpu_isa_is_used((cpu_isa)isa) << isa;
    return sets;
}

static int collect_op(op_id op, unsigned sets, const kernel_row **out) {
    int count = 0;
    for (int isa = ISA_COUNT - 1; isa >= 0; isa--)
        for (int f = 0; f < FAMILIES && (sets >> isa & 1); f++) {
            const kernel_row *found[CPU_FAMILY_ROWS];
            int n = families[f](op, (cpu_isa)isa, found);
            for (int i = 0; i < n && count < MOST_ROWS; i++) out[count++] = found[i];
        }
    return count;
}

static pthread_mutex_t collecting = PTHREAD_MUTEX_INITIALIZER;

static void collect(unsigned sets) {
    pthread_mutex_lock(&collecting);
    for (op_id op = 0; op < OP_COUNT_WITH_GROUP && !atomic_load(&tables[sets].filled); op++)
        tables[sets].counts[op] = collect_op(op, sets, tables[sets].rows[op]);
    atomic_store(&tables[sets].filled, true);
    pthread_mutex_unlock(&collecting);
}

static const kernel_row *const *rows(int device, op_id op, int *count) {
    (void)device;
    unsigned sets = sets_in_use();
    if (!atomic_load(&tables[sets].filled)) collect(sets);
    *count = tables[sets].counts[op];
    return *count > 0 ? tables[sets].rows[op] : NULL;
}

const backend backend_cpu = {
    .version = BACKEND_VERSION,
    .table_hash = 0, /* part of the library itself: there is nothing to compare */
    .name = "cpu",
    .host_memory = true,
    .device_count = device_count,
    .allocate = allocate,
    .release = release,
    .memory_bytes = memory_bytes,
    .stream_new = stream_new,
    .stream_free = stream_free,
    .submit = submit,
    .rows = rows,
    .measure = cpu_measure,
    .describe = cpu_describe,
};
