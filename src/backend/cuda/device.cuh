/* What the kernels of the folder share: pieces of 16 bytes, sums over a block, how kernels are launched. */
#ifndef CUDA_DEVICE_CUH
#define CUDA_DEVICE_CUH

#include "cuda/dtypes.cuh"
#include "cuda/kernels.h"
#include "cuda/values.cuh"

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

/* The value of the lane whose number differs by `step`. */
template <class T> DEVICE T from_lane(T x, int step) {
    return __shfl_xor_sync(~0u, x, step);
}
DEVICE cplx from_lane(cplx x, int step) {
    return cplx(__shfl_xor_sync(~0u, x.re, step), __shfl_xor_sync(~0u, x.im, step));
}

/* Of the warp in its block; so that the compiler knows that all lanes have the same, and go the same way. */
DEVICE int warp_number() {
    return __shfl_sync(~0u, (int)threadIdx.x / 32, 0);
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

#define DEVICE_MEMBER __device__ __forceinline__

/* ---- 16 bytes at a time */
template <class S> using wide = decltype(widen(S()));
template <class S> constexpr int PIECE = 16 / (int)sizeof(S);

/* The words of a piece are in registers: else the compiler, which sees what becomes of them, reads number by number. */
DEVICE void hold_piece(uint4 &piece) {
    asm("" : "+r"(piece.x), "+r"(piece.y), "+r"(piece.z), "+r"(piece.w));
}
/* A number is found here, not where it is needed. */
template <class T> DEVICE void hold(T &x) {
    static_assert(sizeof x == 4, "a register");
    asm volatile("" : "+r"(x));
}
/* An address in global memory is found here, not where it is needed. */
template <class T> DEVICE void hold_address(T *&address) {
    asm volatile("" : "+l"(address));
    __builtin_assume(__isGlobal(address));
}
template <class S> DEVICE void widen_piece(uint4 piece, wide<S> (&to)[PIECE<S>]) {
    hold_piece(piece);
#pragma unroll
    for (int i = 0; i < PIECE<S>; i++) to[i] = widen(((const S *)&piece)[i]);
}
/* Else the compiler takes the upper number out of its word before it shifts it: two instructions for one. */
template <> __device__ __forceinline__ void widen_piece<bfloat16>(uint4 piece, float (&to)[8]) {
    hold_piece(piece);
    const u32 words[4] = {piece.x, piece.y, piece.z, piece.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        to[2 * i] = __uint_as_float(words[i] << 16);
        to[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000);
    }
}
template <class S> DEVICE uint4 narrow_piece(const wide<S> (&from)[PIECE<S>]) {
    uint4 piece;
    narrow_all((S *)&piece, from);
    return piece;
}
/* Of weights, which are read once: past the first cache, and where it stands. Not `.nc`, which finds there what stood
 * in memory when this kernel began, before those it waited for had written. */
DEVICE uint4 stream_piece(const void *from) {
    uint4 v;
    asm volatile("ld.global.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(from));
    return v;
}
/* A number of two or four bytes, where it stands. */
template <class C> DEVICE C read_number(const void *from) {
    C x;
    if constexpr (sizeof x == 2)
        asm volatile("ld.global.u16 %0, [%1];" : "=h"(x.bits) : "l"(from));
    else
        asm volatile("ld.global.f32 %0, [%1];" : "=f"(x) : "l"(from));
    return x;
}
/* Where it stands, as stream_piece, of what others read soon, too. */
DEVICE uint4 read_piece(const void *from) {
    uint4 v;
    asm volatile("ld.global.v4.u32 {%0,%1,%2,%3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(from));
    return v;
}
/* On its way into the first cache, to be there when it is needed. */
DEVICE void fetch(const void *from) {
    asm volatile("prefetch.global.L1 [%0];" ::"l"(from));
}
static inline bool lie_at_16(const void *a, const void *b = 0, const void *c = 0, const void *d = 0) {
    return (((uintptr_t)a | (uintptr_t)b | (uintptr_t)c | (uintptr_t)d) & 15) == 0;
}

/* ---- launching a kernel that may begin before the one before it on the stream is over: it calls begin() first, or
 * await_previous later */
template <class... P, class... A>
static void start(void (*kernel)(P...), dim3 blocks, dim3 threads, size_t shared, kernel_stream stream,
                  const A &...arguments) {
    cudaLaunchAttribute attributes[2];
    cudaLaunchConfig_t how = {};
    how.gridDim = blocks;
    how.blockDim = threads;
    how.dynamicSmemBytes = shared;
    how.stream = stream;
    how.attrs = attributes;
    how.numAttrs = cuda_can_wait() ? (unsigned)cuda_launch_attributes(attributes, shared) : 0;
    cudaLaunchKernelEx(&how, kernel, P(arguments)...);
}
/* The same for a kernel whose blocks are clusters along x. Up to 16 blocks: more than every device promises, so that it
 * is asked for. */
template <class... P, class... A>
static void start_clusters(void (*kernel)(P...), dim3 blocks, dim3 threads, size_t shared, kernel_stream stream,
                           const A &...arguments) {
    cudaLaunchAttribute attributes[3];
    cudaLaunchConfig_t how = {};
    how.gridDim = blocks;
    how.blockDim = threads;
    how.dynamicSmemBytes = shared;
    how.stream = stream;
    how.attrs = attributes;
    how.numAttrs = (unsigned)cuda_launch_attributes(attributes, shared);
    attributes[how.numAttrs].id = cudaLaunchAttributeClusterDimension;
    attributes[how.numAttrs].val.clusterDim = {blocks.x, 1, 1};
    how.numAttrs++;
    cudaFuncSetAttribute((const void *)kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
    cudaLaunchKernelEx(&how, kernel, P(arguments)...);
}
/* How many clusters of `ranks` blocks of the kernel the device has room for at once. */
template <class... P> static int most_clusters(void (*kernel)(P...), unsigned ranks, unsigned threads) {
    int count = 0;
    cudaLaunchAttribute cluster = {.id = cudaLaunchAttributeClusterDimension};
    cluster.val.clusterDim = {ranks, 1, 1};
    cudaLaunchConfig_t how = {};
    how.gridDim = dim3(ranks);
    how.blockDim = dim3(threads);
    how.attrs = &cluster;
    how.numAttrs = 1;
    cudaFuncSetAttribute((const void *)kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
    if (cudaOccupancyMaxActiveClusters(&count, (const void *)kernel, &how) == cudaSuccess) return count;
    cudaGetLastError(); /* is not told as the next launch's */
    return 0;
}
/* Where a kernel may want more than 48 KiB of shared memory. */
template <class K> static void allow_shared(K kernel, size_t bytes) {
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
}

DEVICE i64 thread_number() {
    return blockIdx.x * (i64)blockDim.x + threadIdx.x;
}
static inline unsigned blocks_for(i64 n, i64 each) {
    return (unsigned)((n + each - 1) / each);
}

#endif
