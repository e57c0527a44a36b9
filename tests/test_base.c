/* The pool of threads, the memory below everything, and the environment: every index is visited once by one thread at a
   time, blocks do not overlap, a variable that means nothing is named. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/settings.h"
#include "base/threads.h"
#include "base/worker.h"
#include "check.h"

/* ---- threads */

enum { MOST = 5000, MOST_THREADS = 7 };

typedef struct {
    _Atomic int visits[MOST];
    _Atomic int busy[MOST_THREADS];
    _Atomic int bad; /* slices outside, of the wrong length, or two at once of one thread */
    int64_t count, grain;
} visit_log;

static void visit(void *context, int64_t begin, int64_t end, int thread, int threads) {
    visit_log *v = context;
    if (thread < 0 || thread >= threads || threads > MOST_THREADS || atomic_fetch_add(&v->busy[thread], 1) != 0)
        atomic_fetch_add(&v->bad, 1);
    if (begin < 0 || begin >= end || end > v->count || begin % v->grain || (end % v->grain && end != v->count))
        atomic_fetch_add(&v->bad, 1);
    for (int64_t i = begin; i < end; i++) atomic_fetch_add(&v->visits[i], 1);
    atomic_fetch_sub(&v->busy[thread], 1);
}

static bool all_once(int64_t count, int64_t grain) {
    visit_log *v = NEW(visit_log);
    v->count = count, v->grain = grain;
    parallel_for(count, grain, visit, v);
    bool ok = v->bad == 0;
    for (int64_t i = 0; i < MOST; i++) ok = ok && v->visits[i] == (i < count);
    memory_free(v);
    return ok;
}

static void test_threads(void) {
    static const int64_t counts[] = {0, 1, 2, 3, 7, 16, 17, 63, 100, 4999}, grains[] = {1, 2, 3, 16, 100};
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        parallel_set_threads(threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (size_t g = 0; g < sizeof grains / sizeof *grains; g++) CHECK(all_once(counts[c], grains[g]));
    }
    parallel_set_threads(3);
    for (int i = 0; i < 3000; i++) CHECK(all_once(40 + i % 50, 1)); /* workers that come late meet the next job */
    parallel_set_threads(0);
}

/* Where the slices of some work begin and end, by the index that each begins at. */
typedef struct {
    _Atomic int64_t ends[MOST];
    int64_t count, grain;
    int rounds;
    bool same;
} slice_log;

static void note_slice(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    atomic_fetch_add(&((slice_log *)context)->ends[begin], end);
}

static void log_slices(slice_log *l) {
    for (int64_t i = 0; i < MOST; i++) atomic_store(&l->ends[i], 0);
    parallel_for(l->count, l->grain, note_slice, l);
}

/* Many callers at once: each has all of its work done, in the slices that it would have alone. */
static void *call_often(void *context) {
    slice_log *l = context, *alone = memory_copy(l, sizeof *l);
    l->same = alone != NULL;
    for (int round = 0; l->same && round < l->rounds; round++) {
        log_slices(l);
        l->same = memcmp((void *)l->ends, (void *)alone->ends, sizeof l->ends) == 0;
        l->same = l->same && all_once(100 + round % 50, 3);
    }
    memory_free(alone);
    return NULL;
}

enum { CALLERS = 20 }; /* more than there are places */

static void test_callers(int threads) {
    parallel_set_threads(threads);
    static slice_log logs[CALLERS];
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        logs[i].count = 300 + i, logs[i].grain = 1 + i % 3, logs[i].rounds = 100;
        log_slices(&logs[i]);
    }
    for (int i = 0; i < CALLERS; i++) CHECK(pthread_create(&callers[i], NULL, call_often, &logs[i]) == 0);
    for (int i = 0; i < 6; i++) { /* the pool grows, shrinks and rests meanwhile; a caller's number of slices may not */
        usleep(2000);
        if (i % 2 == 0) parallel_rest();
    }
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(callers[i], NULL);
        CHECK(logs[i].same);
    }
    parallel_set_threads(0);
}

/* Work that was measured for some number of threads is split for it, whatever number is set later. */
static void test_fixed(void) {
    static slice_log before = {.count = 64, .grain = 1}, after = {.count = 64, .grain = 1};
    parallel_set_threads(4);
    log_slices(&before);
    CHECK(parallel_fix(4) == 0);
    for (int threads = 1; threads <= MOST_THREADS; threads++) {
        parallel_set_threads(threads);
        CHECK(parallel_threads() == 4);
        log_slices(&after);
        CHECK(memcmp((void *)before.ends, (void *)after.ends, sizeof before.ends) == 0);
    }
    CHECK(parallel_fix(0) == 4 && parallel_threads() == MOST_THREADS);
    parallel_set_threads(0);
}

/* ---- workers */

enum { JOBS = 2000 };

typedef struct {
    int order[JOBS], count; /* as they ran: one at a time, whoever runs them */
} job_log;

typedef struct {
    job_log *log;
    int number;
    worker_job job;
} numbered;

static void run_numbered(void *context) {
    numbered *n = context;
    n->log->order[n->log->count++] = n->number;
}

/* Jobs run in order, whichever way they are given, and though the thread is sent home between them. */
static void test_worker(void) {
    static numbered jobs[JOBS];
    static job_log log;
    worker *w = worker_new();
    for (int i = 0; i < JOBS; i++) {
        jobs[i] = (numbered){.log = &log, .number = i, .job = {.run = run_numbered, .context = &jobs[i]}};
        if (i % 7 == 0) worker_rest_all();
        if (i % 50 == 0) usleep(100);
        if (i % 5 != 0 || !worker_run_here(w, run_numbered, &jobs[i])) worker_give(w, &jobs[i].job);
    }
    worker_free(w);
    CHECK(log.count == JOBS);
    for (int i = 0; i < JOBS; i++) CHECK(log.order[i] == i);
}

/* ---- memory */

enum { BLOCKS = 200 };

typedef struct {
    unsigned char *bytes;
    size_t size;
    unsigned char mark;
} marked;

static bool holds_mark(const marked *m) {
    for (size_t i = 0; i < m->size; i += 509)
        if (m->bytes[i] != m->mark) return false;
    return m->size == 0 || m->bytes[m->size - 1] == m->mark;
}

/* Sizes around those at which the source of memory changes. */
static size_t random_size(void) {
    static const size_t around[] = {1, 64 << 10, 80 << 10, 1 << 20, 3 << 20, 4 << 20, 5 << 20};
    size_t n = around[(size_t)rand() % (sizeof around / sizeof *around)];
    return n - 1 + (size_t)rand() % 40;
}

static marked new_marked(unsigned char mark) {
    marked m = {.size = random_size(), .mark = mark};
    m.bytes = memory_new_aligned(m.size);
    if (m.bytes) memset(m.bytes, mark, m.size);
    return m;
}

static void test_blocks(void) {
    marked blocks[BLOCKS] = {0};
    srand(7);
    for (int i = 0; i < 1200; i++) {
        marked *m = &blocks[rand() % BLOCKS];
        if (m->bytes) {
            CHECK(holds_mark(m));
            memory_free_aligned(m->bytes);
            *m = (marked){0};
            continue;
        }
        *m = new_marked((unsigned char)i);
        CHECK(m->bytes && (uintptr_t)m->bytes % 64 == 0);
    }
    for (int i = 0; i < BLOCKS; i++) memory_free_aligned(blocks[i].bytes);
    memory_free_aligned(NULL);
}

/* ---- the environment */

static void set_or_not(const char *name, const char *value) {
    value ? setenv(name, value, 1) : unsetenv(name);
    settings_read_again();
}

static void check_refused(const char *name, const char *value) {
    char *before = getenv(name) ? strdup(getenv(name)) : NULL;
    set_or_not(name, value);
    CHECK(!settings_check() && strstr(tarn_error(), name) && strstr(tarn_error(), value));
    tarn_clear_error();
    set_or_not(name, before);
    CHECK(settings_check());
    free(before);
}

static void test_settings(void) {
    char *before = getenv("TARN_THREADS") ? strdup(getenv("TARN_THREADS")) : NULL;
    set_or_not("TARN_THREADS", "5");
    CHECK(settings_check() && settings_threads() == 5 && cpu_thread_count() == 5);
    setenv("TARN_THREADS", "6", 1); /* too late */
    CHECK(settings_threads() == 5);
    set_or_not("TARN_THREADS", "");
    CHECK(settings_check() && settings_threads() == 0 && cpu_thread_count() >= 1);
    set_or_not("TARN_THREADS", before);
    free(before);
    static const char *const wrong[][2] = {{"TARN_THREADS", "abc"}, {"TARN_THREADS", "0"},   {"TARN_THREADS", "-1"},
                                           {"TARN_THREADS", "4x"},  {"TARN_THREADS", "1e9"}, {"TARN_ISA", "bogus"},
                                           {"TARN_FUSE", "no"},     {"TARN_HARD", "yes"},    {"TARN_TF32", "on"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) check_refused(wrong[i][0], wrong[i][1]);
    char *without = strdup(settings_without_list());
    set_or_not("TARN_WITHOUT", "rms_norm,quantized_matmul");
    CHECK(settings_without("rms_norm") && settings_without("quantized_matmul") && !settings_without("matmul") &&
          !settings_without("norm"));
    set_or_not("TARN_WITHOUT", *without ? without : NULL);
    free(without);
}

int main(void) {
    test_threads();
    test_callers(3);
    test_callers(MOST_THREADS);
    test_fixed();
    test_worker();
    test_settings();
    test_blocks();
    return check_report("base");
}
