/* Included once for each instruction set; DEPTHWISE_ADD is the function's name. */
#include "cpu/conv/depthwise.h"

void DEPTHWISE_ADD(float *restrict sums, const float *restrict x, const float *restrict w, int64_t count) {
    for (int64_t i = 0; i < count; i++) sums[i] += x[i] * w[i];
}
