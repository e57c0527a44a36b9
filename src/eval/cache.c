#include "eval/cache.h"

#include <string.h>

cached *cache_find(cache *c, const cache_key *key) {
    for (size_t i = 0; i < c->items.count; i++) {
        cached *one = c->items.items[i];
        if (one->key.count != key->count) continue;
        if (memcmp(one->key.items, key->items, key->count * sizeof *key->items) != 0) continue;
        one->used = ++c->clock;
        return one;
    }
    return NULL;
}

static cached *evict_oldest(cache *c) {
    size_t oldest = 0;
    for (size_t i = 1; i < c->items.count; i++)
        if (c->items.items[i]->used < c->items.items[oldest]->used) oldest = i;
    cached *one = c->items.items[oldest];
    c->items.items[oldest] = c->items.items[--c->items.count];
    return one;
}

bool cache_keep(cache *c, cached *one, cache_key *key, cached **evicted) {
    *evicted = one;
    if (cache_find(c, key)) return true;
    cached *oldest = c->items.count == CACHE_MOST ? evict_oldest(c) : NULL;
    if (!vector_push(&c->items, one)) return false; /* cannot fail where one has gone */
    one->key = *key;
    one->used = ++c->clock;
    *key = (cache_key){0};
    *evicted = oldest;
    return true;
}
