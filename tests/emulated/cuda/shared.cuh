/* What stands in for shared.cuh. */
#ifndef CUDA_SHARED_CUH
#define CUDA_SHARED_CUH

#include "cuda/device.cuh"

DEVICE u32 shared_address(const void *x) {
    return (u32)((const char *)x - (const char *)shared);
}
/* Where it is; it is in what the block asked for. */
static char *shared_place(u32 at, size_t bytes) {
    if (at + bytes > shared_used) emulation_fails("beyond the shared memory of the block", at);
    if (at % bytes) emulation_fails("shared memory at no multiple of the bytes", at);
    return (char *)shared + at;
}
DEVICE uint2 words_at(u32 at) {
    uint2 v;
    memcpy(&v, shared_place(at, sizeof v), sizeof v);
    return v;
}
DEVICE float2 floats_at(u32 at) {
    const uint2 v = words_at(at);
    return make_float2(__uint_as_float(v.x), __uint_as_float(v.y));
}
DEVICE void put_word(u32 at, u32 x) {
    memcpy(shared_place(at, sizeof x), &x, sizeof x);
}
DEVICE void put_words(u32 at, u32 x, u32 y) {
    const uint2 v = {x, y};
    memcpy(shared_place(at, sizeof v), &v, sizeof v);
}

#endif
