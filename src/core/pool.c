/* The pool of memory of each device: freed blocks wait, with the event of their last use, for a request of about their size. */
#include "core/pool.h"

#include <pthread.h>
#include <string.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "tarn/error.h"

enum { GRAIN = 64, LARGE = 1 << 16, LARGE_GRAIN = 4096, DEFAULT_CACHE_LIMIT = 128 << 20 };
/* Bins of free blocks: one for each size below LARGE, above it eight for each doubling. */
enum { SMALL_BINS = LARGE / GRAIN, LARGE_SHIFT = 16, BINS = SMALL_BINS + (63 - LARGE_SHIFT) * 8, MOST_LOOKS = 16 };

typedef struct {
    pool_block *bins[BINS]; /* the last freed first */
    pool_block *oldest, *newest;
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
        p->ready = true;
    }
    return p;
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

/* Keeps the tickets that are not done: a block that was taken in stream order may be given back before anything new uses it. */
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

/* Whether nothing uses the block any more but, if that is not NULL, work that comes before what `stream` is given next. */
static bool is_idle(pool_block *f, const tarn_stream *stream) {
    for (int i = 0; i < f->after_count; i++)
        if (f->after[i].stream != stream && !ticket_done(f->after[i])) return false;
    return true;
}

static void return_to_device(int slot, pool_block *f) {
    if (!slot_is_lost(slot)) slot_backend(slot)->release(slot_device_index(slot), f->memory);
    if (f->after != f->own) memory_free(f->after);
    memory_free(f);
}

/* Returns the oldest idle blocks to the device until at most `keep` bytes are cached; passes over at most so many that are in use. */
static void trim(pool *p, int slot, int64_t keep, int64_t patience) {
    for (pool_block *f = p->oldest, *next; f && p->info.cached > keep && patience > 0; f = next) {
        next = f->newer;
        if (!is_idle(f, NULL)) {
            patience--;
            continue;
        }
        take_cached(p, f);
        return_to_device(slot, f);
    }
}

/* The smallest free block that is neither too small nor wastefully large; of many that are in use by other streams only the first are
   looked at. */
static pool_block *find_cached(pool *p, int64_t bytes, tarn_stream *stream) {
    int64_t most = bytes + bytes / 8;
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
    if (p->info.limit <= 0 || bytes <= 0 || p->info.active + bytes <= p->info.limit) return true;
    return tarn_fail("out of memory: %lld bytes more would exceed the limit of %lld (%lld in use)", (long long)bytes,
                     (long long)p->info.limit, (long long)p->info.active);
}

bool pool_has_room(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    bool ok = within_limit(p, rounded(bytes));
    pthread_mutex_unlock(&lock);
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
    streams_wait();
    pthread_mutex_lock(&lock);
    trim(p, slot, 0, INT64_MAX);
    return slot_backend(slot)->allocate(slot_device_index(slot), bytes);
}

/* A new block with its record, which lets it be given back without any memory. */
static pool_block *new_block(pool *p, int slot, int64_t bytes) {
    pool_block *f = NEW(pool_block);
    if (!f) return NULL;
    f->bytes = bytes;
    f->slot = slot;
    f->after = f->own;
    f->room = POOL_OWN_TICKETS;
    f->memory = allocate_new(p, slot, bytes);
    if (f->memory) return f;
    memory_free(f);
    return NULL;
}

pool_block *pool_allocate(int slot, int64_t bytes, tarn_stream *stream) {
    pool *p = locked_pool(slot);
    pool_block *f = NULL;
    if (within_limit(p, rounded(bytes)) && !(f = find_cached(p, rounded(bytes), stream))) f = new_block(p, slot, rounded(bytes));
    if (f) p->info.active += f->bytes;
    note_peak(p);
    pthread_mutex_unlock(&lock);
    return f;
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
    trim(p, f->slot, p->cache_limit, MOST_LOOKS);
    pthread_mutex_unlock(&lock);
}

void pool_count_copy(int slot, int64_t in, int64_t out) {
    pool *p = locked_pool(slot);
    p->info.copied_in += in;
    p->info.copied_out += out;
    pthread_mutex_unlock(&lock);
}

void pool_count_recomputed(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    p->info.recomputed += bytes;
    pthread_mutex_unlock(&lock);
}

void pool_count_mapped(int64_t bytes) {
    pool *p = locked_pool(DEVICE_HOST);
    p->info.mapped += bytes;
    pthread_mutex_unlock(&lock);
}

/* ---- figures and limits */

bool pool_info(int slot, tarn_memory *info) {
    pool *p = locked_pool(slot);
    *info = p->info;
    pthread_mutex_unlock(&lock);
    return true;
}

void pool_reset_peak(int slot) {
    pool *p = locked_pool(slot);
    p->info.peak = p->info.active + p->info.cached;
    p->info.peak_active = p->info.active;
    pthread_mutex_unlock(&lock);
}

void pool_set_limit(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    p->info.limit = bytes > 0 ? bytes : 0;
    pthread_mutex_unlock(&lock);
}

void pool_set_cache_limit(int slot, int64_t bytes) {
    pool *p = locked_pool(slot);
    p->cache_limit = bytes > 0 ? bytes : 0;
    trim(p, slot, p->cache_limit, INT64_MAX);
    pthread_mutex_unlock(&lock);
}

void pool_clear_cache(int slot) {
    pool *p = locked_pool(slot);
    trim(p, slot, 0, INT64_MAX);
    pthread_mutex_unlock(&lock);
}

void pools_before_fork(void) {
    pthread_mutex_lock(&lock);
}

void pools_after_fork(void) {
    pthread_mutex_unlock(&lock);
}
