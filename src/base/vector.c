#include "base/vector.h"

#include "base/memory.h"
#include "tarn/error.h"

bool vector_grow(void **items, size_t *capacity, size_t count, size_t more, size_t size) {
    size_t needed;
    if (__builtin_add_overflow(count, more, &needed))
        return tarn_fail_kind(TARN_ERROR_MEMORY, "out of memory: a list of more than %zu items", count);
    size_t room = *capacity < 8 ? 8 : *capacity + *capacity / 2;
    if (room < needed) room = needed;
    void *grown = memory_resize(*items, room, size);
    if (!grown) return false;
    *items = grown;
    *capacity = room;
    return true;
}

void vector_release(void **items) {
    memory_free(*items);
    *items = NULL;
}
