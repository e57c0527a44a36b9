/* Open addressing with linear probing; a slot's key lives in one growing block, so that an insertion is rarely an
 * allocation. */
#include "base/map.h"

#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

typedef struct {
    uint64_t hash, value;
    size_t key, length;
    bool used;
} slot;

struct map {
    slot *slots;
    size_t capacity, count;
    VECTOR(char) keys;
};

uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < length; i++) hash = (hash ^ p[i]) * UINT64_C(1099511628211);
    return hash;
}

static uint64_t spread(const void *key, size_t length) {
    uint64_t hash = hash_bytes(HASH_START, key, length);
    hash ^= hash >> 32;
    return hash * UINT64_C(0x9E3779B97F4A7C15);
}

map *map_new(void) {
    return NEW(map);
}

void map_free(map *m) {
    if (!m) return;
    memory_free(m->slots);
    vector_free(&m->keys);
    memory_free(m);
}

/* The slot of key, or the slot where it belongs. */
static slot *find(const map *m, uint64_t hash, const void *key, size_t length) {
    for (size_t i = hash >> 7;; i++) {
        slot *s = &m->slots[i & (m->capacity - 1)];
        bool same = s->hash == hash && s->length == length;
        if (!s->used || (same && (length == 0 || memcmp(m->keys.items + s->key, key, length) == 0))) return s;
    }
}

static bool grow(map *m) {
    size_t capacity = m->capacity ? m->capacity * 2 : 16;
    slot *slots = NEW_ARRAY(slot, capacity);
    if (!slots) return false;
    for (size_t i = 0; i < m->capacity; i++) {
        if (!m->slots[i].used) continue;
        size_t j = m->slots[i].hash >> 7;
        while (slots[j & (capacity - 1)].used) j++;
        slots[j & (capacity - 1)] = m->slots[i];
    }
    memory_free(m->slots);
    m->slots = slots;
    m->capacity = capacity;
    return true;
}

bool map_set(map *m, const void *key, size_t length, uint64_t value, bool *added) {
    if ((m->count + 1) * 4 > m->capacity * 3 && !grow(m)) return false;
    uint64_t hash = spread(key, length);
    slot *s = find(m, hash, key, length);
    if (added) *added = !s->used;
    if (!s->used) {
        if (!vector_reserve(&m->keys, length)) return false;
        *s = (slot){.hash = hash, .key = m->keys.count, .length = length, .used = true};
        if (length) memcpy(m->keys.items + m->keys.count, key, length);
        m->keys.count += length;
        m->count++;
    }
    s->value = value;
    return true;
}

bool map_get(const map *m, const void *key, size_t length, uint64_t *value) {
    if (m->count == 0) return false;
    const slot *s = find(m, spread(key, length), key, length);
    if (!s->used) return false;
    if (value) *value = s->value;
    return true;
}
