/* Shared memory by address, which is one register where a pointer is two. */
#ifndef CUDA_SHARED_CUH
#define CUDA_SHARED_CUH

#include "cuda/device.cuh"

DEVICE u32 shared_address(const void *x) {
    return (u32)__cvta_generic_to_shared(x);
}
DEVICE uint2 words_at(u32 at) {
    uint2 v;
    asm volatile("ld.shared.v2.u32 {%0,%1}, [%2];" : "=r"(v.x), "=r"(v.y) : "r"(at));
    return v;
}
DEVICE float2 floats_at(u32 at) {
    const uint2 v = words_at(at);
    return make_float2(__uint_as_float(v.x), __uint_as_float(v.y));
}
DEVICE void put_word(u32 at, u32 x) {
    asm volatile("st.shared.u32 [%0], %1;" ::"r"(at), "r"(x) : "memory");
}
DEVICE void put_words(u32 at, u32 x, u32 y) {
    asm volatile("st.shared.v2.u32 [%0], {%1,%2};" ::"r"(at), "r"(x), "r"(y) : "memory");
}

#endif
