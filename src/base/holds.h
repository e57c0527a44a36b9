/* Counts of those who hold an object. */
#ifndef BASE_HOLDS_H
#define BASE_HOLDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* One hold less; whether it was the last. Only who holds an object takes further holds, so nobody meets the only
   holder: what is counted down to nothing, which every object is once, needs no locked instruction. */
static inline bool holds_end(atomic_int *holds) {
    if (atomic_load_explicit(holds, memory_order_acquire) != 1) return atomic_fetch_sub(holds, 1) == 1;
    atomic_store_explicit(holds, 0, memory_order_relaxed);
    return true;
}

/* The same for counts that tell kinds of holds apart by what they add. */
static inline bool holds_end_by(_Atomic uint64_t *holds, uint64_t hold) {
    if (atomic_load_explicit(holds, memory_order_acquire) != hold) return atomic_fetch_sub(holds, hold) == hold;
    atomic_store_explicit(holds, 0, memory_order_relaxed);
    return true;
}

#endif
