/* Reading packed weights, whatever their mode. */
#ifndef CUDA_QUANT_PACKED_CUH
#define CUDA_QUANT_PACKED_CUH

#include "cuda/device.cuh"

/* Number i, of one of the dtypes that scales have. */
DEVICE float float_at(const void *from, i64 i, int dtype) {
    if (dtype == D_F16) return widen(((const float16 *)from)[i]);
    return dtype == D_BF16 ? widen(((const bfloat16 *)from)[i]) : ((const float *)from)[i];
}

/* Number i of a stream of `bits` bits each; a number may go over the end of a word. */
DEVICE u32 level_at(const u32 *words, i64 i, int bits) {
    i64 word = i * bits / 32;
    int shift = (int)(i * bits % 32);
    u32 q = words[word] >> shift;
    if (shift + bits > 32) q |= words[word + 1] << (32 - shift);
    return q & ((1u << bits) - 1);
}

/* log2 of a group's size, which is a power of two. */
static inline int group_shift_of(i64 group) {
    int shift = 0;
    while (1 << shift < group) shift++;
    return shift;
}

#endif
