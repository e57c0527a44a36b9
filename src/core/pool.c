/* The pool of memory of each device: freed blocks wait, with the event of their last use, for a request of about their size. */
#include <pthread.h>
#include <string.h>

#include "backend/backend.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/vector.h"
#include "core/array.h"
#include "core/stream.h"

enum { GRAIN = 64, LARGE = 1 << 16, LARGE_GRAIN = 4096, DEFAULT_CACHE_LIMIT = 128 << 20 };

typedef struct {
    void *block;
    int64_t bytes;
    event *after; /* NULL: free at once for everybody */
} free_block;

typedef struct {
    VECTOR(free_block) cache; /* oldest first */
    map *sizes;               /* bytes of every block handed out */
    tarn_memory info;
    int64_t cache_limit;
    bool ready;
} pool;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pool pools[DEVICE_SLOTS];

static pool *locked_pool(int slot) {
    pthread_mutex_lock(&lock);
    pool *p = &pools[slot];
    if (!p->ready) {
        p->cache_limit = DEFAULT_CACHE_LIMIT;
        p->sizes = map_new();
        p->ready = p->sizes != NULL;
    }
    if (p->ready) return p;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int64_t rounded(int64_t bytes) {
    int64_t grain = bytes < LARGE ? GRAIN : LARGE_GRAIN;
    return (bytes + grain - 1) / grain * grain;
}

static void note_peak(pool *p) {
    if (p->info.active > p->info.peak_active) p->info.peak_active = p->info.active;
    if (p->info.active + p->info.cached > p->info.peak) p->info.peak = p->info.active + p->info.cached;
}

static free_block take_cached(pool *p, size_t i) {
    free_block f = p->cache.items[i];
    memmove(&p->cache.items[i], &p->cache.items[i + 1], (p->cache.count - i - 1) * sizeof f);
    p->cache.count--;
    p->info.cached -= f.bytes;
    return f;
}

/* Returns oldest blocks to the device until at most `keep` bytes are cached. */
static void trim(pool *p, int slot, int64_t keep) {
    while (p->info.cached > keep && p->cache.count) {
        free_block f = take_cached(p, 0);
        event_wait(f.after);
        event_release(f.after);
        slot_backend(slot)->release(slot_device_index(slot), f.block);
    }
}

/* The smallest free block that is neither too small nor wastefully large. */
static bool find_cached(pool *p, int64_t bytes, tarn_stream *stream, free_block *found) {
    size_t best = p->cache.count;
    for (size_t i = 0; i < p->cache.count; i++) {
        const free_block *f = &p->cache.items[i];
        if (f->bytes < bytes || f->bytes > bytes + bytes / 8) continue;
        if (best < p->cache.count && p->cache.items[best].bytes <= f->bytes) continue;
        if (f->after && f->after->stream != stream && !event_done(f->after)) continue;
        best = i;
    }
    if (best == p->cache.count) return false;
    *found = take_cached(p, best);
    event_release(found->after);
    return true;
}

static bool over_limit(const pool *p, int64_t bytes) {
    return p->info.limit > 0 && p->info.active + bytes > p->info.limit;
}

static void *allocate_new(pool *p, int slot, int64_t bytes) {
    if (p->info.limit > 0 && p->info.active + p->info.cached + bytes > p->info.limit) trim(p, slot, 0);
    void *block = slot_backend(slot)->allocate(slot_device_index(slot), bytes);
    if (block || p->info.cached == 0) return block;
    tarn_clear_error(); /* a second try with the cache given back */
    trim(p, slot, 0);
    return slot_backend(slot)->allocate(slot_device_index(slot), bytes);
}

void *pool_allocate(int slot, int64_t bytes, tarn_stream *stream) {
    pool *p = locked_pool(slot);
    if (!p) return NULL;
    free_block f = {.bytes = rounded(bytes)};
    if (over_limit(p, f.bytes))
        tarn_fail("out of memory: %lld bytes more would exceed the limit of %lld (%lld in use)", (long long)bytes, (long long)p->info.limit,
                  (long long)p->info.active);
    else if (!find_cached(p, f.bytes, stream, &f))
        f.block = allocate_new(p, slot, f.bytes);
    if (f.block && !map_set_pointer(p->sizes, f.block, (uint64_t)f.bytes)) {
        slot_backend(slot)->release(slot_device_index(slot), f.block);
        f.block = NULL;
    }
    if (f.block) p->info.active += f.bytes;
    note_peak(p);
    pthread_mutex_unlock(&lock);
    return f.block;
}

void pool_release(int slot, void *block, event *after) {
    pool *p = block ? locked_pool(slot) : NULL;
    if (!p) return;
    uint64_t bytes = 0;
    map_get_pointer(p->sizes, block, &bytes);
    map_remove(p->sizes, &block, sizeof block);
    p->info.active -= (int64_t)bytes;
    free_block f = {block, (int64_t)bytes, event_retain(event_done(after) ? NULL : after)};
    if (vector_push(&p->cache, f)) {
        p->info.cached += f.bytes;
        trim(p, slot, p->cache_limit);
    } else {
        tarn_clear_error();
        event_wait(f.after);
        event_release(f.after);
        slot_backend(slot)->release(slot_device_index(slot), block);
    }
    pthread_mutex_unlock(&lock);
}

void pool_count_copy(int slot, int64_t in, int64_t out) {
    pool *p = locked_pool(slot);
    if (!p) return;
    p->info.copied_in += in;
    p->info.copied_out += out;
    pthread_mutex_unlock(&lock);
}

void pool_count_recomputed(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    if (!p) return;
    p->info.recomputed += bytes;
    pthread_mutex_unlock(&lock);
}

void pool_count_mapped(int64_t bytes) {
    pool *p = locked_pool(DEVICE_HOST);
    if (!p) return;
    p->info.mapped += bytes;
    pthread_mutex_unlock(&lock);
}

/* ---- the public figures and limits */

static pool *pool_of(tarn_device device, int *slot) {
    *slot = device_slot(device);
    return *slot < 0 ? NULL : locked_pool(*slot);
}

bool tarn_memory_info(tarn_device device, tarn_memory *info) {
    int slot;
    pool *p = pool_of(device, &slot);
    if (!p) return false;
    *info = p->info;
    pthread_mutex_unlock(&lock);
    const backend *of = slot_backend(slot);
    info->derived = of->derived_bytes ? of->derived_bytes(device.index) : 0;
    info->active += info->derived;
    info->nodes = node_alive_count();
    return true;
}

void tarn_reset_peak(tarn_device device) {
    int slot;
    pool *p = pool_of(device, &slot);
    if (!p) return;
    p->info.peak = p->info.active + p->info.cached;
    p->info.peak_active = p->info.active;
    pthread_mutex_unlock(&lock);
}

void tarn_set_memory_limit(tarn_device device, int64_t bytes) {
    int slot;
    pool *p = pool_of(device, &slot);
    if (!p) return;
    p->info.limit = bytes > 0 ? bytes : 0;
    pthread_mutex_unlock(&lock);
}

void tarn_set_cache_limit(tarn_device device, int64_t bytes) {
    int slot;
    pool *p = pool_of(device, &slot);
    if (!p) return;
    p->cache_limit = bytes > 0 ? bytes : 0;
    trim(p, slot, p->cache_limit);
    pthread_mutex_unlock(&lock);
}

void tarn_clear_cache(tarn_device device) {
    int slot;
    pool *p = pool_of(device, &slot);
    if (!p) return;
    trim(p, slot, 0);
    pthread_mutex_unlock(&lock);
}
