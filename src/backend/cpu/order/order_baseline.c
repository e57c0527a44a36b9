/* Sorting of keys, one at a time. */
#include "cpu/order/order.h"

#define INSERTION(suffix, key_type, with_places)                                                                       \
    static void sort_small_##suffix(key_type *keys, uint32_t *places, int64_t n) {                                     \
        for (int64_t i = 1; i < n; i++) {                                                                              \
            key_type key = keys[i];                                                                                    \
            uint32_t place = with_places ? places[i] : 0;                                                              \
            int64_t j = i;                                                                                             \
            for (; j > 0 && (keys[j - 1] > key || (with_places && keys[j - 1] == key && places[j - 1] > place));       \
                 j--) {                                                                                                \
                keys[j] = keys[j - 1];                                                                                 \
                if (with_places) places[j] = places[j - 1];                                                            \
            }                                                                                                          \
            keys[j] = key;                                                                                             \
            if (with_places) places[j] = place;                                                                        \
        }                                                                                                              \
    }

/* Every key changes places with the first that is not below the pivot, so that no branch depends on it. */
#define PARTITION(suffix, key_type, with_places)                                                                       \
    static int64_t partition_##suffix(key_type *keys, uint32_t *places, int64_t n, key_type pivot, uint32_t place) {   \
        int64_t first = 0;                                                                                             \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            key_type key = keys[i];                                                                                    \
            uint32_t own = with_places ? places[i] : 0;                                                                \
            keys[i] = keys[first];                                                                                     \
            keys[first] = key;                                                                                         \
            if (with_places) {                                                                                         \
                places[i] = places[first];                                                                             \
                places[first] = own;                                                                                   \
            }                                                                                                          \
            first += (key < pivot) | (with_places & (key == pivot) & (own < place));                                   \
        }                                                                                                              \
        return first;                                                                                                  \
    }

INSERTION(narrow, uint32_t, 0)
PARTITION(narrow, uint32_t, 0)
#define NAME(f) f##_narrow
#define KEY     uint32_t
#define PAIRS   0
#define SMALL   32
#include "cpu/order/quicksort.tpl.h"

INSERTION(wide, uint64_t, 0)
PARTITION(wide, uint64_t, 0)
#define NAME(f) f##_wide
#define KEY     uint64_t
#define PAIRS   0
#define SMALL   32
#include "cpu/order/quicksort.tpl.h"

INSERTION(pairs, uint64_t, 1)
PARTITION(pairs, uint64_t, 1)
#define NAME(f) f##_pairs
#define KEY     uint64_t
#define PAIRS   1
#define SMALL   32
#include "cpu/order/quicksort.tpl.h"

const order_kernels order_kernels_baseline = {
    {sort_narrow, split_narrow}, {sort_wide, split_wide}, {sort_pairs, split_pairs}};
