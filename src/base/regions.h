/* Huge pages for blocks smaller than one: a page of 4 KiB is worth a walk through the page tables every 64 lines of the
   cache, which costs streaming kernels a tenth of their speed. */
#ifndef BASE_REGIONS_H
#define BASE_REGIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Aligned to 64 bytes, not cleared; NULL, without an error, if regions do not serve this size or there is no memory for
 * one. Any thread. */
void *regions_take(size_t bytes);
/* False if the block is not from a region. */
bool regions_give_back(void *block);

void regions_before_fork(void);
void regions_after_fork(void);

#endif
