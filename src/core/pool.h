/* The pool of memory of each device. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stdint.h>

#include "core/stream.h"
#include "tarn/memory.h"

/* Of the device in a slot; the host's is always the same. */
typedef struct pool pool;
pool *pool_new(int slot);
void pool_free(pool *p);

/* A block of the device's memory. It may be given back while work that uses it is queued: a stream all of whose work
   comes after the tickets gets it at once, others when the tickets are done. Giving back needs no memory and waits for
   nothing, so any thread may do it. With stream NULL a block is taken that nothing uses. */
enum { POOL_OWN_TICKETS = 2 };
typedef struct pool_block {
    void *memory;
    int64_t bytes;
    int slot;
    ticket *after; /* own, or a list of its own */
    int after_count, room;
    ticket own[POOL_OWN_TICKETS];
    struct pool_block *older, *newer, *before, *behind; /* in the lists of free blocks */
} pool_block;

pool_block *pool_allocate(int slot, int64_t bytes, tarn_stream *stream);
void pool_release(pool_block *block, const ticket *after, int count);

/* Bytes that a backend keeps for itself, beside the blocks: they count against the limit. False, without an error, if
   it leaves no room; negative: given back. */
bool pool_reserve(int slot, int64_t bytes);

void pool_count_copy(int slot, int64_t in, int64_t out);
void pool_count_recomputed(int slot, int64_t bytes);
void pool_count_mapped(int64_t bytes);

/* What tarn/memory.h says of a device, less what is not the pool's. */
bool pool_info(int slot, tarn_memory *info);
void pool_reset_peak(int slot);
void pool_set_limit(int slot, int64_t bytes);
void pool_set_cache_limit(int slot, int64_t bytes);
void pool_clear_cache(int slot);

void pools_before_fork(void);
void pools_after_fork(void);

#endif
