/* What one instruction set brings to sorting: unsigned keys in ascending order. */
#ifndef CPU_ORDER_H
#define CPU_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* Keys of one kind. `places` (NULL where the kind has none) are moved with their keys, decide among equal ones, and
   are below UINT32_MAX and all different. */
typedef struct {
    void (*sort)(void *keys, uint32_t *places, int64_t n);
    /* Of more than 128 keys: none of the first part is above one of the second. Returns the first part's size; with
     *sorted its keys are all equal. */
    int64_t (*split)(void *keys, uint32_t *places, int64_t n, bool *sorted);
} order_loops;

typedef struct {
    order_loops narrow; /* uint32_t */
    order_loops wide;   /* uint64_t */
    order_loops pairs;  /* uint64_t with places */
} order_kernels;

extern const order_kernels order_kernels_baseline, order_kernels_avx2, order_kernels_avx512;

/* Sorts keys of `width` bytes, on all threads if they are many. */
void order_in_parts(const order_loops *loops, int width, void *keys, uint32_t *places, int64_t n);

#endif
