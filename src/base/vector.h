/* Growing arrays: `VECTOR(int) ids = {0}; vector_push(&ids, 5)`. Items are contiguous: ids.items[0 .. ids.count). */
#ifndef BASE_VECTOR_H
#define BASE_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

#define VECTOR(type)                                                                                                   \
    struct {                                                                                                           \
        type *items;                                                                                                   \
        size_t count, capacity;                                                                                        \
    }

/* Makes room for `more` further items; false, with the error set and the vector unchanged, if there is no memory. */
#define vector_reserve(vector, more)                                                                                   \
    vector_make_room((void **)&(vector)->items, &(vector)->capacity, (vector)->count, (more), sizeof *(vector)->items)

/* Appends a copy of item; false if there is no memory. */
#define vector_push(vector, item) (vector_reserve(vector, 1) && ((vector)->items[(vector)->count++] = (item), true))

#define vector_pop(vector) ((vector)->items[--(vector)->count])

#define vector_free(vector) (vector_release((void **)&(vector)->items), (vector)->count = (vector)->capacity = 0)

/* Where there is not enough room. */
bool vector_grow(void **items, size_t *capacity, size_t count, size_t more, size_t size);
void vector_release(void **items);

static inline bool vector_make_room(void **items, size_t *capacity, size_t count, size_t more, size_t size) {
    return more <= *capacity - count || vector_grow(items, capacity, count, more, size);
}

#endif
