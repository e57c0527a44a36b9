/* The pool of memory of each device. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stdint.h>

#include "core/stream.h"
#include "tarn/memory.h"

/* A block may be freed while work that uses it is still queued: `stream` has submitted all of it, the same stream gets the block at once,
   others when that work is done; or (stream NULL) it is free when `count` events are done, at most POOL_MOST_EVENTS. Releasing never waits:
   a stream's own thread may do it. With stream NULL a block is allocated that nothing uses. */
enum { POOL_MOST_EVENTS = 5 };
void *pool_allocate(int slot, int64_t bytes, tarn_stream *stream);
void pool_release(int slot, void *block, tarn_stream *stream, event *const *after, int count);
/* Whether the limit leaves room for so many bytes more; sets the error if not. */
bool pool_has_room(int slot, int64_t bytes);

void pool_count_copy(int slot, int64_t in, int64_t out);
void pool_count_recomputed(int slot, int64_t bytes);
void pool_count_mapped(int64_t bytes);

/* What tarn/memory.h says of a device, less what is not the pool's. */
bool pool_info(int slot, tarn_memory *info);
void pool_reset_peak(int slot);
void pool_set_limit(int slot, int64_t bytes);
void pool_set_cache_limit(int slot, int64_t bytes);
void pool_clear_cache(int slot);

#endif
