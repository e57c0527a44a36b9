/* The inner loops of measure.c, one set an instruction set. */
#ifndef CPU_MEASURE_LOOPS_H
#define CPU_MEASURE_LOOPS_H

#include <stdint.h>

/* Sums `bytes` (a multiple of 512) from two streams, each half of them, with two prefetches a line; 0 leaves one out.
 */
typedef uint64_t measure_read_loop(const char *p, int64_t bytes, int near, int far);
/* Runs `rounds` of multiplications over 4096 random floats (f32) or 32768 random bf16; returns the operations done. */
typedef double measure_rate_loop(const void *random, int64_t rounds, float *sink);

measure_read_loop measure_read_baseline, measure_read_avx2, measure_read_avx512;
measure_rate_loop measure_fma_baseline, measure_fma_avx2, measure_fma_avx512, measure_dot_avx512bf16, measure_tiles_amx;

#endif
