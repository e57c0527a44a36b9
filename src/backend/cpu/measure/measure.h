/* What this machine can do at most: the speed of reading memory and of multiplying, measured on random data. Benchmarks
   print their figures beside these, taken in the same run; `tarn doctor` prints them alone. Seconds of work; nothing
   else should run meanwhile. */
#ifndef CPU_MEASURE_H
#define CPU_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    double median, best;
} measured;

typedef struct {
    int64_t bytes;     /* of the buffer that was read */
    int near, far;     /* the prefetch distances that were fastest, in bytes; 0: none */
    measured one, all; /* GB/s with one and with parallel_threads() threads */
} measured_reading;

/* Reads a buffer of `bytes` in huge pages if the system gives them. 0: 1 GiB, but at least three times the last cache
   and at most half of the memory there is; if these cannot both be, nothing is measured and all results are 0. False,
   with the error set, if there is no memory. */
bool measure_reading(int64_t bytes, measured_reading *result);

/* One more reading by all threads, of these bytes and with the distances found before; GB/s. */
double measure_reading_again(const measured_reading *found, const void *data, int64_t bytes);

typedef struct {
    double one, all;   /* TFLOP/s; 0 if there is no such unit */
    const char *units; /* "AVX-512 FMA", "AMX bf16", "vdpbf16ps", "none" */
} measured_rate;

/* Multiply-add in registers (f32) and from the first-level cache (bf16 tiles); random values, because tiles of zeros
 * are faster. */
measured_rate measure_f32(void);
measured_rate measure_bf16(void);

#endif
