/* The engine of words for AVX2. */
#include <immintrin.h>

#include "cpu/matmul/engine.h"
#include "cpu/matmul/inline.h"

enum { ROWS = 6, COLUMNS = 16, DEPTH = 256 };

/* For one row at two values of the depth two products of words, then two sums; two such steps to a turn. Compilers,
   left to themselves, copy sums between registers, of which they need all sixteen, and write a product and its sum in
   turn. */
#define ROW(row, step, first, second)                                                                                  \
    "vpbroadcastd " #row "*%c[line]+4*" #step "(%[w]), %%ymm14\n\t"                                                    \
    "vpmaddwd %%ymm12, %%ymm14, %%ymm15\n\t"                                                                           \
    "vpmaddwd %%ymm13, %%ymm14, %%ymm14\n\t"                                                                           \
    "vpaddd %%ymm15, %[" #first "], %[" #first "]\n\t"                                                                 \
    "vpaddd %%ymm14, %[" #second "], %[" #second "]\n\t"
#define PAIR(step)                                                                                                     \
    "prefetcht0 64*" #step "+512(%[x])\n\t"                                                                            \
    "vmovdqu 64*" #step "(%[x]), %%ymm12\n\t"                                                                          \
    "vmovdqu 64*" #step "+32(%[x]), %%ymm13\n\t" ROW(0, step, a0, a1) ROW(1, step, b0, b1) ROW(2, step, c0, c1)        \
        ROW(3, step, d0, d1) ROW(4, step, e0, e1) ROW(5, step, f0, f1)

/* sums += products of ROWS lines of words by COLUMNS columns at `depth` depths, a multiple of four. */
INLINE void multiply_words(const int16_t *w, const int16_t *x, int depth, __m256i (*sums)[2]) {
    const int16_t *end = w + depth;
    __asm__("1:\n\t" PAIR(0) PAIR(1) "add $8, %[w]\n\t"
                                     "add $128, %[x]\n\t"
                                     "cmp %[end], %[w]\n\t"
                                     "jb 1b"
            : [w] "+r"(w), [x] "+r"(x), [a0] "+x"(sums[0][0]), [a1] "+x"(sums[0][1]), [b0] "+x"(sums[1][0]),
              [b1] "+x"(sums[1][1]), [c0] "+x"(sums[2][0]), [c1] "+x"(sums[2][1]), [d0] "+x"(sums[3][0]),
              [d1] "+x"(sums[3][1]), [e0] "+x"(sums[4][0]), [e1] "+x"(sums[4][1]), [f0] "+x"(sums[5][0]),
              [f1] "+x"(sums[5][1])
            : [end] "r"(end), [line] "i"(DEPTH * 2)
            : "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory");
}

#define ENGINE      matmul_engine_words_avx2
#define ENGINE_NAME "words AVX2"
#include "cpu/matmul/engine_words.tpl.h"
