/* Keys in order, in parts that threads share once there are enough of them. */
#include <stddef.h>

#include "base/threads.h"
#include "cpu/order/order.h"

enum { GRAIN = 1 << 15 /* keys worth a part */, MOST_PARTS = 64 };

typedef struct {
    char *keys;
    uint32_t *places;
    int64_t n;
} key_part;

typedef struct {
    const order_loops *loops;
    int width;
    key_part parts[MOST_PARTS];
    int count;
} part_list;

static void split_parts(void *context, int64_t begin, int64_t end, int thread, int threads) {
    part_list *list = context;
    (void)thread, (void)threads;
    for (int64_t i = begin; i < end; i++) {
        key_part *first = &list->parts[i], *second = &list->parts[list->count + i];
        bool sorted = false;
        int64_t n = first->n > GRAIN ? list->loops->split(first->keys, first->places, first->n, &sorted) : first->n;
        *second = (key_part){first->keys + n * list->width, first->places ? first->places + n : NULL, first->n - n};
        first->n = sorted ? 0 : n;
    }
}

static void sort_parts(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const part_list *list = context;
    (void)thread, (void)threads;
    for (int64_t i = begin; i < end; i++)
        list->loops->sort(list->parts[i].keys, list->parts[i].places, list->parts[i].n);
}

void order_in_parts(const order_loops *loops, int width, void *keys, uint32_t *places, int64_t n) {
    if (n <= GRAIN) {
        loops->sort(keys, places, n);
        return;
    }
    part_list list = {.loops = loops, .width = width, .parts = {{keys, places, n}}, .count = 1};
    while (list.count < 8 * parallel_threads() && list.count < MOST_PARTS) {
        parallel_for(list.count, 1, split_parts, &list);
        list.count *= 2;
    }
    parallel_for(list.count, 1, sort_parts, &list);
}
