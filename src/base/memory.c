#include "base/memory.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/regions.h"
#include "tarn/error.h"

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, SMALL = 1024 };

static _Atomic int64_t fail_at, counted;

int64_t memory_fail_at(int64_t n) {
    int64_t seen = atomic_exchange(&counted, 0);
    atomic_store(&fail_at, n);
    return seen;
}

static bool injected(void) {
    return atomic_load(&fail_at) != 0 && atomic_fetch_add(&counted, 1) + 1 == atomic_load(&fail_at);
}

static void *checked(void *block, size_t count, size_t size) {
    if (!block) tarn_fail_kind(TARN_ERROR_MEMORY, "out of memory: %zu items of %zu bytes", count, size);
    return block;
}

/* glibc's calloc passes its threads' caches by, from which small blocks come in a third of the time. */
static void *cleared(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SMALL) return calloc(count, size);
    void *block = malloc(bytes ? bytes : 1);
    return block ? memset(block, 0, bytes) : NULL;
}

void *memory_new(size_t count, size_t size) {
    return checked(injected() ? NULL : cleared(count, size), count, size);
}

void *memory_resize(void *block, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || injected()) return checked(NULL, count, size);
    return checked(realloc(block, bytes ? bytes : 1), count, size);
}

void *memory_copy(const void *from, size_t size) {
    void *copy = memory_new(1, size);
    if (copy && size) memcpy(copy, from, size);
    return copy;
}

void memory_free(void *block) {
    free(block);
}

void tarn_free(void *block) {
    memory_free(block);
}

void *memory_new_aligned(size_t bytes) {
    size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : ALIGNMENT, rounded;
    if (__builtin_add_overflow(bytes ? bytes : 1, alignment - 1, &rounded) || injected())
        return checked(NULL, 1, bytes);
    void *block = regions_take(bytes);
    if (block) return block;
    rounded &= ~(alignment - 1);
    block = checked(aligned_alloc(alignment, rounded), 1, bytes);
    if (block && alignment == HUGE_PAGE) madvise(block, rounded, MADV_HUGEPAGE);
    return block;
}

void memory_free_aligned(void *block) {
    if (!regions_give_back(block)) free(block);
}

/* The number in a file, if it is there and smaller than `most`. */
static int64_t lesser_of(const char *path, int64_t most) {
    FILE *f = fopen(path, "re");
    int64_t found = 0;
    bool ok = f && fscanf(f, "%" SCNd64, &found) == 1 && found > 0;
    if (f) fclose(f);
    return ok && found < most ? found : most;
}

int64_t memory_of_machine(void) {
    int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    int64_t bytes = pages > 0 && page > 0 ? pages * page : (int64_t)1 << 30;
    bytes = lesser_of("/sys/fs/cgroup/memory.max", bytes);
    return lesser_of("/sys/fs/cgroup/memory/memory.limit_in_bytes", bytes);
}

static int64_t peak_in_status(void) {
    FILE *f = fopen("/proc/self/status", "re");
    char line[256];
    int64_t kilobytes = 0;
    while (f && !kilobytes && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %" SCNd64, &kilobytes) != 1) kilobytes = 0;
    if (f) fclose(f);
    return kilobytes * 1024;
}

/* getrusage counts what the process that started this one had resident, too. */
int64_t memory_peak_of_process(void) {
    struct rusage usage;
    int64_t peak = peak_in_status();
    return peak || getrusage(RUSAGE_SELF, &usage) ? peak : (int64_t)usage.ru_maxrss * 1024;
}
