/* Copies that kernels derive from an input and keep: repacked weights. They are made on first use, counted, and dropped when the memory
   they come from, or that of a partner (scales, biases), is freed or written: evaluation then calls backend.forget. */
#ifndef CPU_DERIVED_H
#define CPU_DERIVED_H

#include <stdbool.h>
#include <stdint.h>

enum { DERIVED_PARTNERS = 2, DERIVED_SIZES = 4 };

typedef struct {
    const void *from;                       /* first byte of the source */
    int64_t from_bytes;                     /* of dense memory */
    const void *partners[DERIVED_PARTNERS]; /* NULL: none */
    int64_t partner_bytes[DERIVED_PARTNERS];
    int64_t layout;               /* what the copy looks like: a number of the family's own, unique among families */
    int64_t sizes[DERIVED_SIZES]; /* whatever else tells two copies apart: shape, group size, bits */
} derived_key;

/* The copy for this key: `bytes` aligned to 64, filled by `make` on first use. It lives until one of its sources is forgotten. NULL, with
   the error set, if there is no memory or `make` returned false. `make` may use parallel_for; other threads wait meanwhile. */
const void *derived_get(const derived_key *key, int64_t bytes, bool (*make)(void *context, void *copy), void *context);
/* Drops the copies that any byte of [from, from + bytes) is a source of. */
void derived_forget(const void *from, int64_t bytes);
int64_t derived_bytes(void);

#endif
