/* Compiler words that gcc and clang spell differently. */
#ifndef CPU_MATMUL_INLINE_H
#define CPU_MATMUL_INLINE_H

#define INLINE    static inline __attribute__((always_inline))
#define PRAGMA(x) _Pragma(#x)
#ifdef __clang__
#define UNROLL(n)    PRAGMA(unroll)
#define UNROLL_BY(n) PRAGMA(unroll n)
#define ROLLED       PRAGMA(nounroll)
#else
#define UNROLL(n)    PRAGMA(GCC unroll n)
#define UNROLL_BY(n) PRAGMA(GCC unroll n)
#define ROLLED       PRAGMA(GCC unroll 1)
#endif
/* Keeps a vector in a register here: gcc otherwise spills the sums of long loops, or loads an operand at each use. */
#ifdef __x86_64__
#define IN_REGISTER(vector) __asm__("" : "+v"(vector))
#else
#define IN_REGISTER(vector) (void)(vector)
#endif
/* Keeps the addresses of an unrolled loop from being computed before it, all at once. */
#define ONE_BY_ONE(pointer) __asm__("" : "+r"(pointer))
#define PREFETCH(p)         __builtin_prefetch((p), 0, 3)

#endif
