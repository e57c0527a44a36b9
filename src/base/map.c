/* Open addressing with linear probing; a slot's key lives in one growing block, so that an insertion is rarely an
 * allocation. */
#include "base/map.h"

#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

typedef struct {
    uint64_t hash, value;
    size_t key, length;
    enum { EMPTY, USED, REMOVED } state;
} slot;

struct map {
    slot *slots;
    size_t capacity, used, count; /* used counts removed slots too */
    size_t key_bytes;             /* of the keys that are in use */
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

size_t map_count(const map *m) {
    return m->count;
}

/* The slot of key, or the slot where it belongs. */
static slot *find(const map *m, uint64_t hash, const void *key, size_t length) {
    slot *removed = NULL;
    for (size_t i = hash >> 7;; i++) {
        slot *s = &m->slots[i & (m->capacity - 1)];
        if (s->state == EMPTY) return removed ? removed : s;
        if (s->state == REMOVED)
            removed = removed ? removed : s;
        else if (s->hash == hash && s->length == length &&
                 (length == 0 || memcmp(m->keys.items + s->key, key, length) == 0))
            return s;
    }
}

/* Leaves the keys of removed entries behind. */
static bool compact_keys(map *m) {
    VECTOR(char) keys = {0};
    if (!vector_reserve(&keys, m->key_bytes + 1)) return false;
    for (size_t i = 0; i < m->capacity; i++) {
        slot *s = &m->slots[i];
        if (s->state == REMOVED) s->length = 0;
        if (s->state != USED) continue;
        if (s->length) memcpy(keys.items + keys.count, m->keys.items + s->key, s->length);
        s->key = keys.count;
        keys.count += s->length;
    }
    memory_free(m->keys.items);
    m->keys.items = keys.items;
    m->keys.count = keys.count;
    m->keys.capacity = keys.capacity;
    return true;
}

static bool grow(map *m) {
    map bigger = {.capacity = m->count * 2 < m->capacity / 2 ? m->capacity : m->capacity ? m->capacity * 2 : 16};
    bigger.slots = NEW_ARRAY(slot, bigger.capacity);
    if (!bigger.slots) return false;
    for (size_t i = 0; i < m->capacity; i++) {
        if (m->slots[i].state != USED) continue;
        size_t j = m->slots[i].hash >> 7;
        while (bigger.slots[j & (bigger.capacity - 1)].state != EMPTY) j++;
        bigger.slots[j & (bigger.capacity - 1)] = m->slots[i];
    }
    memory_free(m->slots);
    m->slots = bigger.slots;
    m->capacity = bigger.capacity;
    m->used = m->count;
    return true;
}

bool map_set(map *m, const void *key, size_t length, uint64_t value, bool *added) {
    if ((m->used + 1) * 4 > m->capacity * 3 && !grow(m)) return false;
    if (m->keys.count > 2 * m->key_bytes + 4096 && !compact_keys(m)) return false;
    uint64_t hash = spread(key, length);
    slot *s = find(m, hash, key, length);
    bool is_new = s->state != USED;
    if (added) *added = is_new;
    if (is_new) {
        if (!vector_reserve(&m->keys, length)) return false;
        if (s->state == EMPTY) m->used++;
        m->count++;
        *s = (slot){.hash = hash, .key = m->keys.count, .length = length, .state = USED};
        if (length) memcpy(m->keys.items + m->keys.count, key, length);
        m->keys.count += length;
        m->key_bytes += length;
    }
    s->value = value;
    return true;
}

bool map_get(const map *m, const void *key, size_t length, uint64_t *value) {
    if (m->count == 0) return false;
    const slot *s = find(m, spread(key, length), key, length);
    if (s->state != USED) return false;
    if (value) *value = s->value;
    return true;
}

bool map_remove(map *m, const void *key, size_t length) {
    if (m->count == 0) return false;
    slot *s = find(m, spread(key, length), key, length);
    if (s->state != USED) return false;
    s->state = REMOVED;
    m->key_bytes -= s->length;
    if (--m->count == 0) { /* an empty map forgets its keys, so that a map used as a set of live things stays small */
        memset(m->slots, 0, m->capacity * sizeof *m->slots);
        m->used = m->keys.count = 0;
    }
    return true;
}

bool map_next(const map *m, size_t *cursor, const void **key, size_t *length, uint64_t *value) {
    for (; *cursor < m->capacity; ++*cursor) {
        const slot *s = &m->slots[*cursor];
        if (s->state != USED) continue;
        ++*cursor;
        if (key) *key = m->keys.items + s->key;
        if (length) *length = s->length;
        if (value) *value = s->value;
        return true;
    }
    return false;
}
