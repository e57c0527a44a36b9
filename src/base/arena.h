/* Memory that is taken in small pieces and released all at once. Pieces are zeroed and aligned to 16 bytes. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    struct arena_block *blocks; /* newest first */
    size_t used, room;          /* bytes of the newest block */
    size_t total, limit;        /* bytes taken in all; limit 0 means none */
} arena;

/* bytes zeroed bytes, or NULL with the thread's error set: no memory, or more than `limit` bytes in all. */
void *arena_take(arena *a, size_t bytes);
/* The same for count items of `size` bytes, checked. */
void *arena_take_array(arena *a, size_t count, size_t size);
void arena_free(arena *a);
/* Gives everything back but one block of the usual size, which is taken from first. */
void arena_reset(arena *a);

#define ARENA_NEW(a, type)              ((type *)arena_take((a), sizeof(type)))
#define ARENA_NEW_ARRAY(a, type, count) ((type *)arena_take_array((a), (count), sizeof(type)))

#endif
