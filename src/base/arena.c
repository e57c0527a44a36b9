#include "base/arena.h"

#include <string.h>

#include "base/memory.h"
#include "tarn/error.h"

struct arena_block {
    struct arena_block *next;
    _Alignas(16) unsigned char bytes[];
};

enum { SMALLEST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

/* Blocks grow with what was taken so far, so that small users stay small and large ones make few calls. */
static size_t block_size(const arena *a, size_t bytes) {
    size_t size = a->total < SMALLEST_BLOCK ? SMALLEST_BLOCK : a->total > LARGEST_BLOCK ? LARGEST_BLOCK : a->total;
    return bytes > size ? bytes : size;
}

/* A piece larger than the usual block gets one of its own behind the newest, whose room stays in use. */
static void *take_block(arena *a, size_t bytes) {
    size_t size = block_size(a, bytes);
    struct arena_block *block = memory_new(1, sizeof *block + size);
    if (!block) return NULL;
    if (a->blocks && a->room - a->used > size - bytes) {
        block->next = a->blocks->next;
        a->blocks->next = block;
        return block->bytes;
    }
    block->next = a->blocks;
    a->blocks = block;
    a->used = bytes;
    a->room = size;
    return block->bytes;
}

void *arena_take(arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 2) return tarn_fail_kind(TARN_ERROR_MEMORY, "out of memory: %zu bytes", bytes), NULL;
    bytes = (bytes + 15) & ~(size_t)15;
    if (a->limit && bytes > a->limit - a->total)
        return tarn_fail_kind(TARN_ERROR_MEMORY, "memory limit of %zu bytes exceeded", a->limit), NULL;
    a->total += bytes;
    if (a->blocks && bytes <= a->room - a->used) {
        void *piece = a->blocks->bytes + a->used;
        a->used += bytes;
        return piece;
    }
    return take_block(a, bytes);
}

void *arena_take_array(arena *a, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return tarn_fail_kind(TARN_ERROR_MEMORY, "out of memory: %zu items of %zu bytes", count, size), NULL;
    return arena_take(a, bytes);
}

void arena_free(arena *a) {
    for (struct arena_block *block = a->blocks, *next; block; block = next) {
        next = block->next;
        memory_free(block);
    }
    *a = (arena){.limit = a->limit};
}

/* The oldest block is the smallest: the last of the list, if no larger piece lies behind it. */
void arena_reset(arena *a) {
    if (!a->blocks || a->blocks->next || a->room != SMALLEST_BLOCK) {
        arena_free(a);
        return;
    }
    memset(a->blocks->bytes, 0, a->used);
    a->used = a->total = 0;
}
