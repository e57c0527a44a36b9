/* The pool of threads and the memory below everything: every index is visited once by one thread at a time, blocks do not overlap. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/threads.h"
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

int main(void) {
    test_threads();
    test_blocks();
    return check_report("base");
}
