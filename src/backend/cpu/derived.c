#include "cpu/derived.h"

#include <pthread.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

typedef struct {
    derived_key key;
    void *copy;
    int64_t bytes;
} derived_copy;

static struct {
    pthread_mutex_t lock;
    VECTOR(derived_copy) copies; /* a few hundred at most: weights of a model */
    int64_t bytes;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool same_key(const derived_key *a, const derived_key *b) {
    return a->from == b->from && a->from_bytes == b->from_bytes && a->layout == b->layout &&
           memcmp(a->partners, b->partners, sizeof a->partners) == 0 && memcmp(a->sizes, b->sizes, sizeof a->sizes) == 0;
}

static const void *find(const derived_key *key) {
    for (size_t i = 0; i < registry.copies.count; i++)
        if (same_key(&registry.copies.items[i].key, key)) return registry.copies.items[i].copy;
    return NULL;
}

static const void *make_copy(const derived_key *key, int64_t bytes, bool (*make)(void *context, void *copy), void *context) {
    if (!vector_reserve(&registry.copies, 1)) return NULL;
    void *copy = memory_new_aligned((size_t)bytes);
    if (!copy) return NULL;
    if (!make(context, copy)) {
        memory_free_aligned(copy);
        return NULL;
    }
    registry.copies.items[registry.copies.count++] = (derived_copy){*key, copy, bytes};
    registry.bytes += bytes;
    return copy;
}

const void *derived_get(const derived_key *key, int64_t bytes, bool (*make)(void *context, void *copy), void *context) {
    pthread_mutex_lock(&registry.lock);
    const void *copy = find(key);
    if (!copy) copy = make_copy(key, bytes, make, context);
    pthread_mutex_unlock(&registry.lock);
    return copy;
}

static bool overlaps(const void *a, int64_t a_bytes, const void *b, int64_t b_bytes) {
    return a && b && (uintptr_t)a < (uintptr_t)b + (uint64_t)b_bytes && (uintptr_t)b < (uintptr_t)a + (uint64_t)a_bytes;
}

static bool comes_from(const derived_key *key, const void *from, int64_t bytes) {
    bool found = overlaps(key->from, key->from_bytes, from, bytes);
    for (int i = 0; i < DERIVED_PARTNERS; i++) found = found || overlaps(key->partners[i], key->partner_bytes[i], from, bytes);
    return found;
}

void derived_forget(const void *from, int64_t bytes) {
    pthread_mutex_lock(&registry.lock);
    for (size_t i = 0; i < registry.copies.count;) {
        derived_copy *c = &registry.copies.items[i];
        if (!comes_from(&c->key, from, bytes)) {
            i++;
            continue;
        }
        registry.bytes -= c->bytes;
        memory_free_aligned(c->copy);
        *c = registry.copies.items[--registry.copies.count];
    }
    if (registry.copies.count == 0) vector_free(&registry.copies);
    pthread_mutex_unlock(&registry.lock);
}

int64_t derived_bytes(void) {
    pthread_mutex_lock(&registry.lock);
    int64_t bytes = registry.bytes;
    pthread_mutex_unlock(&registry.lock);
    return bytes;
}
