/* Running sums, products, largest and smallest: a block for each row, which walks over it EACH elements a thread at a time. Half types run in
   float, whole numbers in 64 bits. */
#include "cuda/fold.cuh"

enum { THREADS = 256, EACH = 8 };

template <class T> DEVICE T from_before(T x, int step) {
    return __shfl_up_sync(~0u, x, step);
}
DEVICE cplx from_before(cplx x, int step) {
    return cplx(__shfl_up_sync(~0u, x.re, step), __shfl_up_sync(~0u, x.im, step));
}

/* What is folded of all threads before this one; *all: of all. room: a T for each warp, and one. */
template <class T> DEVICE T fold_before(T own, T identity, T *room, fold_kind fold, T *all) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    T sum = own;
    for (int step = 1; step < 32; step *= 2) {
        T before = from_before(sum, step);
        if (lane >= step) sum = fold(before, sum);
    }
    T mine = from_before(sum, 1);
    __syncthreads();
    if (lane == 31) room[warp] = sum;
    __syncthreads();
    T before = identity;
    *all = identity;
    for (int w = 0; w < THREADS / 32; w++) {
        if (w == warp) before = *all;
        *all = fold(*all, room[w]);
    }
    return lane == 0 ? before : fold(before, mine);
}

template <class From, class To> __global__ void __launch_bounds__(THREADS) scan_rows(const __grid_constant__ scan_kernel k) {
    typedef typename running<To>::type T;
    __shared__ __align__(16) char space[THREADS / 32 * sizeof(T)];
    fold_kind fold = {k.kind};
    T identity = identity_of<T, To>(k.kind), carried = identity;
    begin();
    const From *from = (const From *)k.from + place_of(blockIdx.x, k.ndim, k.shape, k.from_strides);
    To *to = (To *)k.to + place_of(blockIdx.x, k.ndim, k.shape, k.to_strides);
    for (i64 tile = 0; tile < k.n; tile += THREADS * EACH) {
        i64 first = tile + threadIdx.x * EACH;
        T values[EACH], own = identity, all;
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            i64 i = k.reverse ? k.n - 1 - (first + j) : first + j;
            T x = first + j < k.n ? (T)widen(from[i * k.from_step]) : identity;
            values[j] = k.exclusive ? own : fold(own, x);
            own = fold(own, x);
        }
        T before = fold(carried, fold_before(own, identity, (T *)space, fold, &all));
        carried = fold(carried, all);
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            i64 i = k.reverse ? k.n - 1 - (first + j) : first + j;
            if (first + j < k.n) narrow(to + i * k.to_step, fold(before, values[j]));
        }
    }
}

template <class From, class To> static void scan(const scan_kernel *k, kernel_stream stream) {
    start(scan_rows<From, To>, (unsigned)k->rows, THREADS, 0, stream, *k);
}

void launch_scan(const scan_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_BOOL, truth8, scan<type, int>(k, stream))
        CASE(D_C64, complex64, scan<type, type>(k, stream))
        FLOAT_CASES(scan<type, type>(k, stream))
        INTEGER_CASES(scan<type, type>(k, stream))
    }
}
