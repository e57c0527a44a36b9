/* The pool of memory of each device: freed blocks wait, with the event of their last use, for a request of about their size. */
#include "core/pool.h"

#include <pthread.h>
#include <string.h>

#include "backend/backend.h"
#include "base/map.h"
#include "base/memory.h"
#include "tarn/error.h"

enum { GRAIN = 64, LARGE = 1 << 16, LARGE_GRAIN = 4096, DEFAULT_CACHE_LIMIT = 128 << 20 };
/* Bins of free blocks: one for each size below LARGE, above it eight for each doubling. */
enum { SMALL_BINS = LARGE / GRAIN, LARGE_SHIFT = 16, BINS = SMALL_BINS + (63 - LARGE_SHIFT) * 8, MOST_LOOKS = 16 };

/* A block of the device, from its allocation to its return. While it is free it stands in two lists: that of its bin and that of all free
   ones. It is free at once for the stream that used it last, in whose order it was freed; for others once all `after` are done. */
typedef struct block {
    void *memory;
    int64_t bytes;
    tarn_stream *stream;
    event *after[POOL_MOST_EVENTS];
    int after_count; /* 0: nothing uses it any more, or not yet recorded (stream is set) */
    struct block *older, *newer, *before, *behind;
} block;

typedef struct {
    block *bins[BINS]; /* the last freed first */
    block *oldest, *newest;
    map *blocks; /* by address */
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
        p->blocks = map_new();
        p->ready = p->blocks != NULL;
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

static int bin_of(int64_t bytes) {
    if (bytes < LARGE) return (int)(bytes / GRAIN);
    int shift = 63 - __builtin_clzll((unsigned long long)bytes);
    return SMALL_BINS + (shift - LARGE_SHIFT) * 8 + (int)(bytes >> (shift - 3) & 7);
}

static void put_cached(pool *p, block *f) {
    block **bin = &p->bins[bin_of(f->bytes)];
    f->before = NULL;
    f->behind = *bin;
    if (*bin) (*bin)->before = f;
    *bin = f;
    f->newer = NULL;
    f->older = p->newest;
    *(p->newest ? &p->newest->newer : &p->oldest) = f;
    p->newest = f;
    p->info.cached += f->bytes;
}

static void take_cached(pool *p, block *f) {
    *(f->before ? &f->before->behind : &p->bins[bin_of(f->bytes)]) = f->behind;
    if (f->behind) f->behind->before = f->before;
    *(f->older ? &f->older->newer : &p->oldest) = f->newer;
    *(f->newer ? &f->newer->older : &p->newest) = f->older;
    p->info.cached -= f->bytes;
}

static void forget_events(block *f) {
    for (int i = 0; i < f->after_count; i++) event_release(f->after[i]);
    f->after_count = 0;
    f->stream = NULL;
}

/* Whether nothing that was submitted uses the block any more; never waits. */
static bool is_idle(block *f) {
    if (f->stream && !f->after_count) { /* what is recorded now covers all that was submitted before the block was freed */
        f->after[0] = event_record(f->stream);
        if (!f->after[0]) return tarn_clear_error(), false;
        f->after_count = 1;
    }
    for (int i = 0; i < f->after_count; i++)
        if (!event_done(f->after[i])) return false;
    forget_events(f);
    return true;
}

static void return_to_device(pool *p, int slot, block *f) {
    slot_backend(slot)->release(slot_device_index(slot), f->memory);
    map_remove(p->blocks, &f->memory, sizeof f->memory);
    memory_free(f);
}

/* Returns the oldest idle blocks to the device until at most `keep` bytes are cached; passes over at most so many that are in use. */
static void trim(pool *p, int slot, int64_t keep, int64_t patience) {
    for (block *f = p->oldest, *next; f && p->info.cached > keep && patience > 0; f = next) {
        next = f->newer;
        if (!is_idle(f)) {
            patience--;
            continue;
        }
        take_cached(p, f);
        return_to_device(p, slot, f);
    }
}

/* The smallest free block that is neither too small nor wastefully large; of many that are in use by other streams only the first are
   looked at. */
static block *find_cached(pool *p, int64_t bytes, tarn_stream *stream) {
    int64_t most = bytes + bytes / 8;
    int looks = MOST_LOOKS;
    for (int i = bin_of(bytes); i <= bin_of(most) && looks; i++) {
        block *best = NULL;
        for (block *f = p->bins[i]; f && looks; f = f->behind) {
            if (f->bytes < bytes || f->bytes > most || (best && best->bytes <= f->bytes)) continue;
            if ((stream && f->stream == stream) || is_idle(f))
                best = f;
            else
                looks--;
            if (best && best->bytes == bytes) break;
        }
        if (!best) continue;
        take_cached(p, best);
        forget_events(best);
        return best;
    }
    return NULL;
}

static bool within_limit(const pool *p, int64_t bytes) {
    if (p->info.limit <= 0 || bytes <= 0 || p->info.active + bytes <= p->info.limit) return true;
    return tarn_fail("out of memory: %lld bytes more would exceed the limit of %lld (%lld in use)", (long long)bytes,
                     (long long)p->info.limit, (long long)p->info.active);
}

bool pool_has_room(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    bool ok = p && within_limit(p, bytes);
    if (p) pthread_mutex_unlock(&lock);
    return ok;
}

/* Memory from the device; when there is none, all that is cached is given back first, for which the streams must come to rest: not under
 * the lock. */
static void *allocate_new(pool *p, int slot, int64_t bytes) {
    bool crowded = p->info.limit > 0 && p->info.active + p->info.cached + bytes > p->info.limit;
    void *memory = crowded ? NULL : slot_backend(slot)->allocate(slot_device_index(slot), bytes);
    if (memory || (!crowded && p->info.cached == 0)) return memory;
    if (!crowded) tarn_clear_error();
    pthread_mutex_unlock(&lock);
    tarn_synchronize(NULL);
    pthread_mutex_lock(&lock);
    trim(p, slot, 0, INT64_MAX);
    return slot_backend(slot)->allocate(slot_device_index(slot), bytes);
}

/* A new block with its record, which lets it be freed without any memory. */
static block *new_block(pool *p, int slot, int64_t bytes) {
    block *f = NEW(block);
    if (!f) return NULL;
    f->bytes = bytes;
    f->memory = allocate_new(p, slot, bytes);
    if (f->memory && map_set_pointer(p->blocks, f->memory, (uint64_t)(uintptr_t)f)) return f;
    if (f->memory) slot_backend(slot)->release(slot_device_index(slot), f->memory);
    memory_free(f);
    return NULL;
}

void *pool_allocate(int slot, int64_t bytes, tarn_stream *stream) {
    pool *p = locked_pool(slot);
    if (!p) return NULL;
    block *f = NULL;
    if (!within_limit(p, rounded(bytes)))
        f = NULL;
    else if (!(f = find_cached(p, rounded(bytes), stream)))
        f = new_block(p, slot, rounded(bytes));
    if (f) p->info.active += f->bytes;
    note_peak(p);
    void *memory = f ? f->memory : NULL;
    pthread_mutex_unlock(&lock);
    return memory;
}

void pool_release(int slot, void *memory, tarn_stream *stream, event *const *after, int count) {
    pool *p = memory ? locked_pool(slot) : NULL;
    uint64_t known = 0;
    if (p && map_get_pointer(p->blocks, memory, &known)) {
        block *f = (block *)(uintptr_t)known;
        f->stream = count == 1 ? after[0]->stream : stream;
        f->after_count = count;
        for (int i = 0; i < count; i++) f->after[i] = event_retain(after[i]);
        p->info.active -= f->bytes;
        put_cached(p, f);
        trim(p, slot, p->cache_limit, MOST_LOOKS);
    }
    if (p) pthread_mutex_unlock(&lock);
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

/* ---- figures and limits */

bool pool_info(int slot, tarn_memory *info) {
    pool *p = locked_pool(slot);
    if (!p) return false;
    *info = p->info;
    pthread_mutex_unlock(&lock);
    return true;
}

void pool_reset_peak(int slot) {
    pool *p = locked_pool(slot);
    if (!p) return;
    p->info.peak = p->info.active + p->info.cached;
    p->info.peak_active = p->info.active;
    pthread_mutex_unlock(&lock);
}

void pool_set_limit(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    if (!p) return;
    p->info.limit = bytes > 0 ? bytes : 0;
    pthread_mutex_unlock(&lock);
}

void pool_set_cache_limit(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    if (!p) return;
    p->cache_limit = bytes > 0 ? bytes : 0;
    trim(p, slot, p->cache_limit, INT64_MAX);
    pthread_mutex_unlock(&lock);
}

void pool_clear_cache(int slot) {
    pool *p = locked_pool(slot);
    if (!p) return;
    trim(p, slot, 0, INT64_MAX);
    pthread_mutex_unlock(&lock);
}
