/* Lists of what was made for calls that looked alike, by key. The one that was not used for longest goes when there are
   too many. Everything here is under the schedule lock. */
#ifndef EVAL_CACHE_H
#define EVAL_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/vector.h"

/* What it was made for, as plain numbers. */
typedef VECTOR(int64_t) cache_key;

/* The first member of what is kept. */
typedef struct {
    atomic_int references; /* the list's, and one for each call that uses it */
    cache_key key;
    uint64_t used;
} cached;

enum { CACHE_MOST = 32 };
typedef struct {
    VECTOR(cached *) items;
    uint64_t clock;
} cache;

cached *cache_find(cache *c, const cache_key *key); /* NULL: there is none. It counts as used */
/* Takes over `one`, which was made for the key, and the key. *evicted is what had to go for it: `one` itself, if there
   is one like it already, or if this fails. */
bool cache_keep(cache *c, cached *one, cache_key *key, cached **evicted);

#endif
