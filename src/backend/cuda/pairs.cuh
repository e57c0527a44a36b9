/* Floats rounded to halves, two in a word: what the matrix units take. */
#ifndef CUDA_PAIRS_CUH
#define CUDA_PAIRS_CUH

#include "cuda/device.cuh"

DEVICE u32 pair_of(float low, float high, bfloat16) {
    u32 both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}
DEVICE u32 pair_of(float low, float high, float16) {
    u32 both;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

#endif
