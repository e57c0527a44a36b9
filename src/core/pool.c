/* The pool of memory of each device: freed blocks wait, with the tickets of their last use, for a request of about
   their size. The lock of a pool is not held while its device gives or takes memory, nor while work is waited for. */
#include "core/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "tarn/error.h"

enum { GRAIN = 64, LARGE = 1 << 16, LARGE_GRAIN = 4096, CACHE_SHARE = 4, LEAST_CACHE = 128 << 20 };
/* Bins of free blocks: one for each size below LARGE, above it eight for each doubling. */
enum { SMALL_BINS = LARGE / GRAIN, LARGE_SHIFT = 16, BINS = SMALL_BINS + (63 - LARGE_SHIFT) * 8, MOST_LOOKS = 16 };

struct pool {
    pthread_mutex_t lock;
    int slot;
    pool_block *bins[BINS]; /* the last freed first */
    pool_block *oldest, *newest;
    tarn_memory info;
    int64_t cache_limit; /* -1: not asked of the device yet */
};

static pool host_pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .slot = DEVICE_HOST, .cache_limit = -1};

pool *pool_new(int slot) {
    if (slot == DEVICE_HOST) return &host_pool;
    pool *p = NEW(pool);
    if (!p) return NULL;
    pthread_mutex_init(&p->lock, NULL);
    p->slot = slot;
    p->cache_limit = -1;
    return p;
}

void pool_free(pool *p) {
    if (p == &host_pool) return;
    pthread_mutex_destroy(&p->lock);
    memory_free(p);
}

/* Freed blocks may take a share of the device's memory. */
static int64_t default_cache_limit(const pool *p) {
    const backend *of = slot_backend(p->slot);
    int64_t share = of->memory_bytes ? of->memory_bytes(slot_device_index(p->slot)) / CACHE_SHARE : 0;
    return share > LEAST_CACHE ? share : LEAST_CACHE;
}

static pool *locked_pool(int slot) {
    pool *p = slot_pool(slot);
    pthread_mutex_lock(&p->lock);
    if (p->cache_limit < 0) p->cache_limit = default_cache_limit(p);
    return p;
}

static void unlock(pool *p) {
    pthread_mutex_unlock(&p->lock);
}

static int64_t rounded(int64_t bytes) {
    int64_t grain = bytes < LARGE ? GRAIN : LARGE_GRAIN;
    return (bytes + grain - 1) & -grain;
}

/* What the limit leaves beside what is in use; if there is a limit. */
static int64_t room_left(const pool *p) {
    int64_t room = p->info.limit - p->info.active - p->info.reserved;
    return room > 0 ? room : 0;
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

static void put_cached(pool *p, pool_block *f) {
    pool_block **bin = &p->bins[bin_of(f->bytes)];
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

static void take_cached(pool *p, pool_block *f) {
    *(f->before ? &f->before->behind : &p->bins[bin_of(f->bytes)]) = f->behind;
    if (f->behind) f->behind->before = f->before;
    *(f->older ? &f->older->newer : &p->oldest) = f->newer;
    *(f->newer ? &f->newer->older : &p->newest) = f->older;
    p->info.cached -= f->bytes;
}

/* Keeps the tickets that are not done: a block that was taken in stream order may be given back before anything new
 * uses it. */
static void forget_done(pool_block *f) {
    int kept = 0;
    for (int i = 0; i < f->after_count; i++)
        if (!ticket_done(f->after[i])) f->after[kept++] = f->after[i];
    f->after_count = kept;
    if (kept || f->after == f->own) return;
    memory_free(f->after);
    f->after = f->own;
    f->room = POOL_OWN_TICKETS;
}

/* Whether nothing uses the block any more but, if that is not NULL, work that comes before what `stream` is given next.
 */
static bool is_idle(pool_block *f, const tarn_stream *stream) {
    for (int i = 0; i < f->after_count; i++)
        if (f->after[i].stream != stream && !ticket_done(f->after[i])) return false;
    return true;
}

/* Takes the oldest blocks out until at most `keep` bytes are cached, and adds them to a list. With `patience` only idle
   ones: it passes over at most so many that are in use. */
static void evict(pool *p, int64_t keep, int64_t patience, bool idle, pool_block **list) {
    for (pool_block *f = p->oldest, *next; f && p->info.cached > keep && patience > 0; f = next) {
        next = f->newer;
        if (idle && !is_idle(f, NULL)) {
            patience--;
            continue;
        }
        take_cached(p, f);
        f->older = *list;
        *list = f;
    }
}

/* Without the lock: waits for the blocks' users, if there are any, and gives the blocks back. */
static void return_all(pool_block *list) {
    for (pool_block *f = list, *next; f; f = next) {
        next = f->older;
        for (int i = 0; i < f->after_count; i++) ticket_wait(f->after[i]);
        if (!slot_is_lost(f->slot)) slot_backend(f->slot)->release(slot_device_index(f->slot), f->memory);
        if (f->after != f->own) memory_free(f->after);
        memory_free(f);
    }
}

static void unlock_and_return(pool *p, pool_block *list) {
    unlock(p);
    return_all(list);
}

/* The smallest free block that is neither too small nor wastefully large; of many that are in use by other streams only
   the first are looked at. */
static pool_block *find_cached(pool *p, int64_t bytes, tarn_stream *stream) {
    int64_t most = bytes + bytes / 8;
    if (p->info.limit > 0 && most > room_left(p)) most = room_left(p);
    int looks = MOST_LOOKS;
    for (int i = bin_of(bytes); i <= bin_of(most) && looks; i++) {
        pool_block *best = NULL;
        for (pool_block *f = p->bins[i]; f && looks; f = f->behind) {
            if (f->bytes < bytes || f->bytes > most || (best && best->bytes <= f->bytes)) continue;
            if (is_idle(f, stream))
                best = f;
            else
                looks--;
            if (best && best->bytes == bytes) break;
        }
        if (!best) continue;
        take_cached(p, best);
        forget_done(best);
        return best;
    }
    return NULL;
}

static bool within_limit(const pool *p, int64_t bytes) {
    if (p->info.limit <= 0 || bytes <= 0 || bytes <= room_left(p)) return true;
    return tarn_fail_kind(TARN_ERROR_MEMORY,
                          "out of memory: %lld bytes more would exceed the limit of %lld (%lld in use)",
                          (long long)bytes, (long long)p->info.limit, (long long)(p->info.active + p->info.reserved));
}

/* Under the lock: what must go so that all that is active and cached stays within the limit. In-use blocks go last. */
static void make_room(pool *p, pool_block **list) {
    if (p->info.limit <= 0) return;
    evict(p, room_left(p), INT64_MAX, true, list);
    evict(p, room_left(p), INT64_MAX, false, list);
}

/* Gives cached blocks back to the device, of which it has none left: `bytes` of the idle ones, or all there are. False
 * if there was none.
 */
static bool give_back(pool *p, int64_t bytes, bool all) {
    pool_block *list = NULL;
    pthread_mutex_lock(&p->lock);
    evict(p, all || bytes > p->info.cached ? 0 : p->info.cached - bytes, INT64_MAX, !all, &list);
    bool any = list;
    unlock_and_return(p, list);
    return any;
}

/* Memory from the device; when it has none left, cached blocks are given back: idle ones, then all. Without the lock.
 */
static void *allocate_new(pool *p, int64_t bytes) {
    const backend *of = slot_backend(p->slot);
    bool before = tarn_ok();
    void *memory = of->allocate(slot_device_index(p->slot), bytes);
    for (int all = 0; !memory && all < 2; all++) {
        if (!give_back(p, bytes, all)) continue;
        if (before) tarn_clear_error();
        memory = of->allocate(slot_device_index(p->slot), bytes);
    }
    return memory;
}

/* A new block with its record, which lets it be given back without any memory. */
static pool_block *new_block(pool *p, int64_t bytes) {
    pool_block *f = NEW(pool_block);
    if (!f) return NULL;
    f->bytes = bytes;
    f->slot = p->slot;
    f->after = f->own;
    f->room = POOL_OWN_TICKETS;
    f->memory = allocate_new(p, bytes);
    if (f->memory) return f;
    memory_free(f);
    return NULL;
}

pool_block *pool_allocate(int slot, int64_t bytes, tarn_stream *stream) {
    if (!slot_check(slot)) return NULL;
    pool_block *f = NULL, *evicted = NULL;
    bytes = rounded(bytes);
    pool *p = locked_pool(slot);
    bool allowed = within_limit(p, bytes);
    if (allowed) f = find_cached(p, bytes, stream);
    int64_t taken = f         ? f->bytes
                    : allowed ? bytes
                              : 0; /* counted before it is there: others must not take the same room */
    p->info.active += taken;
    if (!f) make_room(p, &evicted);
    note_peak(p);
    unlock_and_return(p, evicted);
    if (f || !allowed || (f = new_block(p, bytes))) return f;
    pthread_mutex_lock(&p->lock);
    p->info.active -= taken;
    unlock(p);
    return NULL;
}

static bool more_room(pool_block *f) {
    bool before = tarn_ok();
    ticket *more = NEW_ARRAY(ticket, 2 * f->room);
    if (!more) {
        if (before) tarn_clear_error();
        return false;
    }
    memcpy(more, f->after, (size_t)f->after_count * sizeof *more);
    if (f->after != f->own) memory_free(f->after);
    f->after = more;
    f->room *= 2;
    return true;
}

/* One ticket a stream, the last; without memory for more of them it is waited for. */
static void note_ticket(pool_block *f, ticket t) {
    if (ticket_done(t)) return;
    for (int i = 0; i < f->after_count; i++) {
        if (f->after[i].stream != t.stream) continue;
        if (f->after[i].number < t.number) f->after[i].number = t.number;
        return;
    }
    if (f->after_count == f->room && !more_room(f))
        ticket_wait(t);
    else
        f->after[f->after_count++] = t;
}

void pool_release(pool_block *f, const ticket *after, int count) {
    if (!f) return;
    for (int i = 0; i < count; i++) note_ticket(f, after[i]);
    pool *p = locked_pool(f->slot);
    p->info.active -= f->bytes;
    put_cached(p, f);
    pool_block *list = NULL;
    evict(p, p->cache_limit, MOST_LOOKS, true, &list);
    unlock_and_return(p, list);
}

/* Busy blocks stay until memory is asked for: who gives their users' work to the device may be who reserves. */
bool pool_reserve(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    bool allowed = bytes < 0 || p->info.limit <= 0 || bytes <= room_left(p);
    pool_block *list = NULL;
    if (allowed) p->info.reserved += bytes;
    if (p->info.limit > 0) evict(p, room_left(p), INT64_MAX, true, &list);
    unlock_and_return(p, list);
    return allowed;
}

void pool_count_copy(int slot, int64_t in, int64_t out) {
    pool *p = locked_pool(slot);
    p->info.copied_in += in;
    p->info.copied_out += out;
    unlock(p);
}

void pool_count_recomputed(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    p->info.recomputed += bytes;
    unlock(p);
}

void pool_count_mapped(int64_t bytes) {
    pool *p = locked_pool(DEVICE_HOST);
    p->info.mapped += bytes;
    unlock(p);
}

/* ---- figures and limits */

bool pool_info(int slot, tarn_memory *info) {
    pool *p = locked_pool(slot);
    *info = p->info;
    unlock(p);
    return true;
}

void pool_reset_peak(int slot) {
    pool *p = locked_pool(slot);
    p->info.peak = p->info.peak_active = 0;
    unlock(p);
}

void pool_set_limit(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    p->info.limit = bytes > 0 ? bytes : 0;
    unlock(p);
}

void pool_set_cache_limit(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    p->cache_limit = bytes > 0 ? bytes : 0;
    pool_block *list = NULL;
    evict(p, p->cache_limit, INT64_MAX, true, &list);
    unlock_and_return(p, list);
}

void pool_clear_cache(int slot) {
    pool *p = locked_pool(slot);
    pool_block *list = NULL;
    evict(p, 0, INT64_MAX, true, &list);
    unlock_and_return(p, list);
}

void pools_before_fork(void) {
    for (int slot = 0; slot < device_slot_count(); slot++) pthread_mutex_lock(&slot_pool(slot)->lock);
}

void pools_after_fork(void) {
    for (int slot = 0; slot < device_slot_count(); slot++) unlock(slot_pool(slot));
}
