/* Running sums, products, largest and smallest, each read and written once. Half types run in float, whole numbers of
   up to 32 bits in 32. Which elements are folded before which depends on the shape alone. */
#ifndef CUDA_INDEX_SCAN_CUH
#define CUDA_INDEX_SCAN_CUH

#include "cuda/fold.cuh"

template <class T> DEVICE T from_before(T x, int step) {
    return __shfl_up_sync(~0u, x, step);
}
DEVICE cplx from_before(cplx x, int step) {
    return cplx(__shfl_up_sync(~0u, x.re, step), __shfl_up_sync(~0u, x.im, step));
}
template <class T> DEVICE T from_last(T x) {
    return __shfl_sync(~0u, x, 31);
}
DEVICE cplx from_last(cplx x) {
    return cplx(from_last(x.re), from_last(x.im));
}

/* What is folded of the lanes before this one; *all: of all 32. */
template <class T> DEVICE T fold_lanes_before(T own, T identity, fold_kind fold, T *all) {
    T sum = own;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
        T before = from_before(sum, step);
        if (threadIdx.x % 32 >= step) sum = fold(before, sum);
    }
    *all = from_last(sum);
    T mine = from_before(sum, 1);
    return threadIdx.x % 32 ? mine : identity;
}

/* The same of the warps before this one. room: a T for each warp. */
template <class T> DEVICE T fold_warps_before(T own, T identity, T *room, fold_kind fold, T *all) {
    __syncthreads();
    if (threadIdx.x % 32 == 0) room[threadIdx.x / 32] = own;
    __syncthreads();
    T before = identity;
    *all = identity;
    for (int w = 0; w < blockDim.x / 32; w++) {
        if (w == threadIdx.x / 32) before = *all;
        *all = fold(*all, room[w]);
    }
    return before;
}

/* What a scan makes of S: of truths it counts. */
template <class S> struct scanned_type { typedef S type; };
template <> struct scanned_type<truth8> { typedef int type; };
template <class S> using scanned = typename scanned_type<S>::type;

/* How the axis is walked. */
DEVICE i64 scan_place(const scan_kernel &k, i64 i) {
    return k.reverse ? k.n - 1 - i : i;
}

#endif
