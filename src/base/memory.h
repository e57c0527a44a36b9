/* Host memory with checked sizes. A failure sets the thread's error and returns NULL; tests make the n-th allocation
 * fail. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

/* count * size zeroed bytes; release with memory_free. A request for nothing gives a block that may be freed. */
void *memory_new(size_t count, size_t size);

/* Grows or shrinks a block from memory_new to count * size bytes; new bytes are not cleared. The old block survives a
 * failure. */
void *memory_resize(void *block, size_t count, size_t size);

/* A copy of size bytes. */
void *memory_copy(const void *from, size_t size);

void memory_free(void *block);

/* Aligned to 64 bytes, not cleared; large blocks ask for huge pages. Release with memory_free_aligned. */
void *memory_new_aligned(size_t bytes);
void memory_free_aligned(void *block);

/* What this process may use of the machine's memory: what is built in, or less if its control group allows less. */
int64_t memory_of_machine(void);

/* The process's largest resident size, in bytes; 0 if it cannot be known. */
int64_t memory_peak_of_process(void);

/* Testing: the n-th allocation from now (1 = the next) and none after it fails; 0 turns this off. Returns how many were
 * counted. */
int64_t memory_fail_at(int64_t n);

#define NEW(type)              ((type *)memory_new(1, sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)memory_new((size_t)(count), sizeof(type)))

#endif
