/* Prefetching of a block of an operand while another is worked on. The hardware's own prefetchers lose track of blocks,
   whose lines are short and far apart. */
#ifndef CPU_MATMUL_AHEAD_H
#define CPU_MATMUL_AHEAD_H

#include "cpu/matmul/lines.h"

/* The block: indices [first, first + count), depths [k, k + depth). */
typedef struct {
    const char *lines[3]; /* values, scales, biases; NULL: none */
    int64_t strides[3], bytes[3];
    int64_t line_count, done;
} matmul_ahead;

void matmul_ahead_begin(matmul_ahead *ahead, const matmul_operand *operand, int64_t first, int64_t count, int64_t k,
                        int64_t depth);
/* Asks for the next lines, 1 / parts of all. */
void matmul_ahead_some(matmul_ahead *ahead, int64_t parts);

#endif
