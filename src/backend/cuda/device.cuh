/* What the kernels of the folder share: dtypes as types, and sums over a block. */
#ifndef CUDA_DEVICE_CUH
#define CUDA_DEVICE_CUH

#include "cuda/kernels.h"
#include "cuda/values.cuh"

enum { D_BOOL, D_U8, D_U16, D_U32, D_U64, D_I8, D_I16, D_I32, D_I64, D_F16, D_BF16, D_F32, D_F64, D_C64 };

/* DO with `type` standing for the storage type of the dtype. */
#define CASE(number, storage, ...)                                                                                                         \
    case number: {                                                                                                                         \
        typedef storage type;                                                                                                              \
        __VA_ARGS__;                                                                                                                       \
        break;                                                                                                                             \
    }
#define FLOAT_CASES(...)                                                                                                                   \
    CASE(D_F16, float16, __VA_ARGS__)                                                                                                      \
    CASE(D_BF16, bfloat16, __VA_ARGS__) CASE(D_F32, float, __VA_ARGS__) CASE(D_F64, double, __VA_ARGS__)
#define INTEGER_CASES(...)                                                                                                                 \
    CASE(D_U8, unsigned char, __VA_ARGS__)                                                                                                 \
    CASE(D_U16, unsigned short, __VA_ARGS__)                                                                                               \
    CASE(D_U32, u32, __VA_ARGS__) CASE(D_U64, u64, __VA_ARGS__) CASE(D_I8, signed char, __VA_ARGS__) CASE(D_I16, short, __VA_ARGS__)       \
    CASE(D_I32, int, __VA_ARGS__) CASE(D_I64, i64, __VA_ARGS__)
#define FLOATS(dtype, ...)                                                                                                                 \
    switch (dtype) { FLOAT_CASES(__VA_ARGS__) }
#define SIZES(bytes, ...)                                                                                                                  \
    switch (bytes) {                                                                                                                       \
        CASE(1, unsigned char, __VA_ARGS__)                                                                                                \
        CASE(2, unsigned short, __VA_ARGS__) CASE(4, u32, __VA_ARGS__) CASE(8, u64, __VA_ARGS__)                                           \
    }

/* An integer of any dtype; uint64 beyond the largest int64 is that. */
DEVICE i64 integer_at(const void *from, i64 i, int dtype) {
    switch (dtype) {
    case D_BOOL:
    case D_U8:
        return ((const unsigned char *)from)[i];
    case D_U16:
        return ((const unsigned short *)from)[i];
    case D_U32:
        return ((const u32 *)from)[i];
    case D_I8:
        return ((const signed char *)from)[i];
    case D_I16:
        return ((const short *)from)[i];
    case D_I32:
        return ((const int *)from)[i];
    case D_U64: {
        u64 u = ((const u64 *)from)[i];
        return u >> 63 ? 0x7FFFFFFFFFFFFFFFll : (i64)u;
    }
    default:
        return ((const i64 *)from)[i];
    }
}

/* Where element i of these axes is. */
DEVICE i64 place_of(i64 i, int ndim, const int64_t *shape, const int64_t *strides) {
    i64 at = 0, index;
    for (int d = ndim - 1; d >= 0; d--) {
        i = divide(i, shape[d], &index);
        at += index * strides[d];
    }
    return at;
}

/* The value of every thread of the block folded; all threads get it. room: 32 entries. */
template <class T, class F> DEVICE T fold_block(T x, T identity, T *room, F fold) {
    for (int step = 16; step; step /= 2) x = fold(x, __shfl_xor_sync(~0u, x, step));
    __syncthreads();
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = x;
    __syncthreads();
    x = threadIdx.x % 32 < blockDim.x / 32 ? room[threadIdx.x % 32] : identity;
    for (int step = 16; step; step /= 2) x = fold(x, __shfl_xor_sync(~0u, x, step));
    return x;
}

DEVICE i64 thread_number() {
    return blockIdx.x * (i64)blockDim.x + threadIdx.x;
}
static inline unsigned blocks_for(i64 n, i64 each) {
    return (unsigned)((n + each - 1) / each);
}

#endif
