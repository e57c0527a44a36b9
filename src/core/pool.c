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

/* A block is free at once for the stream that used it last, in whose order it was freed; for others once `after` is done. */
typedef struct {
    void *block;
    int64_t bytes;
    tarn_stream *stream;
    event *after; /* NULL: nothing uses it any more, or not yet recorded (stream is set) */
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

/* Whether nothing that was submitted uses the block any more; never waits. */
static bool is_idle(free_block *f) {
    if (f->stream && !f->after) f->after = event_record(f->stream); /* now covers all that was submitted before the block was freed */
    if (f->stream && !f->after) return tarn_clear_error(), false;
    if (!event_done(f->after)) return false;
    event_release(f->after);
    f->after = NULL;
    f->stream = NULL;
    return true;
}

/* Returns the oldest idle blocks to the device until at most `keep` bytes are cached. */
static void trim(pool *p, int slot, int64_t keep) {
    for (size_t i = 0; p->info.cached > keep && i < p->cache.count;) {
        if (is_idle(&p->cache.items[i]))
            slot_backend(slot)->release(slot_device_index(slot), take_cached(p, i).block);
        else
            i++;
    }
}

/* The smallest free block that is neither too small nor wastefully large. */
static bool find_cached(pool *p, int64_t bytes, tarn_stream *stream, free_block *found) {
    size_t best = p->cache.count;
    for (size_t i = 0; i < p->cache.count; i++) {
        free_block *f = &p->cache.items[i];
        if (f->bytes < bytes || f->bytes > bytes + bytes / 8) continue;
        if (best < p->cache.count && p->cache.items[best].bytes <= f->bytes) continue;
        if ((stream && f->stream == stream) || is_idle(f)) best = i;
    }
    if (best == p->cache.count) return false;
    *found = take_cached(p, best);
    event_release(found->after);
    return true;
}

static bool over_limit(const pool *p, int64_t bytes) {
    return p->info.limit > 0 && p->info.active + bytes > p->info.limit;
}

/* Memory from the device; when there is none, all that is cached is given back first, for which the streams must come to rest: not under
 * the lock. */
static void *allocate_new(pool *p, int slot, int64_t bytes) {
    bool crowded = p->info.limit > 0 && p->info.active + p->info.cached + bytes > p->info.limit;
    void *block = crowded ? NULL : slot_backend(slot)->allocate(slot_device_index(slot), bytes);
    if (block || (!crowded && p->info.cached == 0)) return block;
    if (!crowded) tarn_clear_error();
    pthread_mutex_unlock(&lock);
    tarn_synchronize(NULL);
    pthread_mutex_lock(&lock);
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

void pool_release(int slot, void *block, tarn_stream *stream, event *after) {
    pool *p = block ? locked_pool(slot) : NULL;
    if (!p) return;
    uint64_t bytes = 0;
    map_get_pointer(p->sizes, block, &bytes);
    map_remove(p->sizes, &block, sizeof block);
    p->info.active -= (int64_t)bytes;
    free_block f = {block, (int64_t)bytes, after ? after->stream : stream, event_retain(after)};
    if (vector_push(&p->cache, f)) {
        p->info.cached += f.bytes;
        trim(p, slot, p->cache_limit);
        pthread_mutex_unlock(&lock);
        return;
    }
    tarn_clear_error(); /* no memory for the list: the block goes back to the device when its stream is done with it */
    pthread_mutex_unlock(&lock);
    if (f.stream) tarn_synchronize(f.stream);
    event_release(f.after);
    slot_backend(slot)->release(slot_device_index(slot), block);
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
