/* The CPU as a backend: streams are worker threads, events are numbers of their jobs, and the rows of all families lie over each other, the
   best instruction set first. */
#include "cpu/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/worker.h"
#include "cpu/derived.h"
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

static void forget(int device, const void *from, int64_t bytes) {
    (void)device;
    derived_forget(from, bytes);
}

static int64_t all_derived_bytes(int device) {
    (void)device;
    return derived_bytes();
}

/* ---- streams and events. An event may outlive its stream: the stream's memory goes with the last of them, its thread with stream_free. */

struct backend_stream {
    worker *thread; /* NULL once freed: then all of its jobs are done */
    pthread_mutex_t lock;
    pthread_cond_t unwatched;
    int watchers; /* threads inside worker_wait */
    atomic_int references;
};

struct backend_event {
    backend_stream *stream;
    uint64_t job;
};

static backend_stream *stream_new(int device) {
    (void)device;
    backend_stream *stream = NEW(backend_stream);
    if (!stream) return NULL;
    stream->thread = worker_new();
    if (!stream->thread) {
        memory_free(stream);
        return NULL;
    }
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->unwatched, NULL);
    atomic_init(&stream->references, 1);
    return stream;
}

static void stream_release(backend_stream *stream) {
    if (atomic_fetch_sub(&stream->references, 1) == 1) memory_free(stream);
}

static void stream_free(backend_stream *stream) {
    if (!stream) return;
    pthread_mutex_lock(&stream->lock);
    while (stream->watchers > 0) pthread_cond_wait(&stream->unwatched, &stream->lock);
    worker *thread = stream->thread;
    stream->thread = NULL;
    pthread_mutex_unlock(&stream->lock);
    worker_free(thread);
    stream_release(stream);
}

static bool job_done(backend_stream *stream, uint64_t job) {
    pthread_mutex_lock(&stream->lock);
    bool done = !stream->thread || worker_reached(stream->thread, job);
    pthread_mutex_unlock(&stream->lock);
    return done;
}

static void job_wait(backend_stream *stream, uint64_t job) {
    pthread_mutex_lock(&stream->lock);
    worker *thread = stream->thread;
    if (thread) stream->watchers++;
    pthread_mutex_unlock(&stream->lock);
    if (!thread) return;
    worker_wait(thread, job);
    pthread_mutex_lock(&stream->lock);
    if (--stream->watchers == 0) pthread_cond_broadcast(&stream->unwatched);
    pthread_mutex_unlock(&stream->lock);
}

static backend_event *event_new(backend_stream *stream, uint64_t job) {
    backend_event *event = NEW(backend_event);
    if (!event) return NULL;
    *event = (backend_event){stream, job};
    atomic_fetch_add(&stream->references, 1);
    return event;
}

static backend_event *event_record(backend_stream *stream) {
    return event_new(stream, worker_given(stream->thread));
}

static void event_free(backend_event *event) {
    if (!event) return;
    stream_release(event->stream);
    memory_free(event);
}

static bool event_done(backend_event *event) {
    return job_done(event->stream, event->job);
}

static void event_wait(backend_event *event) {
    job_wait(event->stream, event->job);
}

static void wait_in_stream(void *context) {
    event_wait(context);
    event_free(context);
}

static bool stream_wait(backend_stream *stream, backend_event *event) {
    if (event->stream == stream || event_done(event)) return true;
    backend_event *own = event_new(event->stream, event->job);
    if (!own) return false;
    if (worker_submit(stream->thread, wait_in_stream, own)) return true;
    event_free(own);
    return false;
}

/* ---- work */

typedef struct {
    const call *call; /* NULL: a copy of `bytes` */
    void *to;
    const void *from;
    int64_t bytes;
    bool (*begin)(void *context);
    void (*end)(void *context, bool ok, const char *error);
    void *context;
} task;

static bool run_call(const call *c) {
    if (c->row->run(c)) return true;
    return tarn_fail("%s failed without saying why", c->row->name);
}

static void run_task(void *context) {
    task *t = context;
    bool ok = !t->begin || t->begin(t->context);
    if (ok && t->call) ok = run_call(t->call);
    if (ok && !t->call && t->bytes > 0) memcpy(t->to, t->from, (size_t)t->bytes);
    if (t->end) t->end(t->context, ok, tarn_error());
    tarn_clear_error();
    memory_free(t);
}

static bool submit(backend_stream *stream, task from) {
    task *t = NEW(task);
    if (!t) return false;
    *t = from;
    if (worker_submit(stream->thread, run_task, t)) return true;
    memory_free(t);
    return false;
}

static bool launch(backend_stream *stream, const call *c, bool (*begin)(void *context),
                   void (*end)(void *context, bool ok, const char *error), void *context) {
    return submit(stream, (task){.call = c, .begin = begin, .end = end, .context = context});
}

static bool copy(backend_stream *stream, void *to, const void *from, int64_t bytes, bool to_device,
                 void (*end)(void *context, bool ok, const char *error), void *context) {
    (void)to_device;
    return submit(stream, (task){.to = to, .from = from, .bytes = bytes, .end = end, .context = context});
}

static bool host(backend_stream *stream, void (*run)(void *context), void *context) {
    return worker_submit(stream->thread, run, context);
}

/* ---- rows */

static cpu_family *const families[] = {
    cpu_rows_elementwise, cpu_rows_matmul, cpu_rows_copy, cpu_rows_index, cpu_rows_norm,
    cpu_rows_attention,   cpu_rows_reduce, cpu_rows_sort, cpu_rows_make,  cpu_rows_quant,
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

static const kernel_row *const *rows(op_id op, int *count) {
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
    .stream_new = stream_new,
    .stream_free = stream_free,
    .launch = launch,
    .copy = copy,
    .host = host,
    .event_record = event_record,
    .event_done = event_done,
    .event_wait = event_wait,
    .stream_wait = stream_wait,
    .event_free = event_free,
    .rows = rows,
    .forget = forget,
    .derived_bytes = all_derived_bytes,
    .measure = cpu_measure,
};
