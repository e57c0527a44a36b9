/* Mapped files that shrink while they are read. The kernel answers a read beyond the new end with SIGBUS; a guarded
   range gets pages of zeros there instead and remembers it, so that the reader finishes and its owner reports an error
   (docs/design/mapped-files.md). */
#ifndef BASE_GUARD_H
#define BASE_GUARD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct guard guard;

/* Guards [begin, begin + length). The first call installs a SIGBUS handler; faults elsewhere go on to the handler
 * before it. */
guard *guard_add(const void *begin, size_t length);
/* Whether all of a range that stays mapped meanwhile is guarded: whether it lies in a mapped file of ours. */
bool guard_covers(const void *begin, size_t length);
/* True once a page of the range was replaced: what was read from it since is worthless. */
bool guard_broken(const guard *g);
void guard_remove(guard *g); /* before the range is unmapped */

#endif
