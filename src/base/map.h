/* A hash map from byte strings to 64-bit values. Keys are copied. Lookups never fail; insertions fail only without
 * memory. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct map map;

map *map_new(void);
void map_free(map *m);

/* Sets key to value; `*added` (may be NULL) tells whether the key was new. */
bool map_set(map *m, const void *key, size_t length, uint64_t value, bool *added);
bool map_get(const map *m, const void *key, size_t length, uint64_t *value);

/* For keys that are pointers or integers. */
static inline bool map_set_pointer(map *m, const void *key, uint64_t number) {
    return map_set(m, &key, sizeof key, number, NULL);
}
static inline bool map_get_pointer(const map *m, const void *key, uint64_t *number) {
    return map_get(m, &key, sizeof key, number);
}

/* FNV-1a of bytes, continued from `hash` (start with HASH_START). */
#define HASH_START UINT64_C(14695981039346656037)
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);

#endif
