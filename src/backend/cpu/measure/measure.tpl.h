/* Loops for the vector words included before it; READ and FMA name the functions. */
#include "cpu/measure/loops.h"

typedef uint64_t words __attribute__((vector_size(WIDTH * 4), aligned(1)));

INLINE words add_run(words sum, const char *p, int near, int far) {
    for (int line = 0; line < 4; line++) {
        if (near) PREFETCH(p + near + 64 * line);
        if (far) PREFETCH(p + far + 64 * line);
    }
    for (int i = 0; i < 256; i += WIDTH * 4) sum += *(const words *)(const void *)(p + i);
    return sum;
}

uint64_t READ(const char *p, int64_t bytes, int near, int far) {
    words first = {0}, second = {0};
    for (int64_t i = 0; i < bytes / 2; i += 256) {
        first = add_run(first, p + i, near, far);
        second = add_run(second, p + bytes / 2 + i, near, far);
    }
    first += second;
    uint64_t sum = 0;
    for (int i = 0; i < WIDTH / 2; i++) sum += first[i];
    return sum;
}

/* CHAINS independent sums hide the latency. */
double FMA(const void *random, int64_t rounds, float *sink) {
    const float *x = random;
    vec sum[CHAINS];
    for (int i = 0; i < CHAINS; i++) sum[i] = v_zero();
    for (int64_t r = 0; r < rounds; r++)
        for (int k = 0; k < 4096 - WIDTH; k += WIDTH) {
            vec v = v_load(x + k), w = v_load(x + 4096 - WIDTH - k);
            UNROLL(12)
            for (int i = 0; i < CHAINS; i++) sum[i] = v_fma(v, w, sum[i]);
        }
    for (int i = 0; i < CHAINS; i++) *sink += v_sum(sum[i]);
    return (double)rounds * (4096 / WIDTH - 1) * CHAINS * WIDTH * 2;
}
