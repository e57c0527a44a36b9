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
/* So many bytes side by side. */
void matmul_ahead_bytes(matmul_ahead *ahead, const void *bytes, int64_t count);
/* Asks for the next lines, 1 / parts of all. */
void matmul_ahead_some(matmul_ahead *ahead, int64_t parts);

/* Lines of the cache, of which so many are asked for each time: then no more are on the way than the core has places
   for. `each` side by side, then `skip` bytes; they do not end. */
typedef struct {
    const char *at;
    int64_t left, each, skip;
    int lines;
} matmul_stream;

static inline void matmul_stream_on(matmul_stream *s) {
    for (int l = 0; l < s->lines; l++) {
        __builtin_prefetch(s->at, 0, 2);
        s->at += 64;
        if (--s->left > 0) continue;
        s->left = s->each;
        s->at += s->skip;
    }
}

/* All of what is ahead, in so many times; nothing if there is more than values of one stride, which
   matmul_ahead_some must ask for. */
matmul_stream matmul_ahead_stream(const matmul_ahead *ahead, int64_t times);

#endif
