/* Running sums, products, largest and smallest: a block for each row, or for each part of a long one, which walks over it EACH elements a thread at a
   time; of parts, what is folded of each is found first. Half types run in float, whole numbers in 64 bits. */
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

/* Where a block works: which row, which part of it, and the elements of that, counted from the row's end if it runs backwards. */
struct stretch {
    i64 row, part, begin, end;

    DEVICE_MEMBER stretch(const scan_kernel &k) {
        row = divide(blockIdx.x, k.parts, &part);
        begin = part * k.part;
        end = begin + k.part < k.n ? begin + k.part : k.n;
    }
    static DEVICE_MEMBER i64 place(const scan_kernel &k, i64 i) {
        return k.reverse ? k.n - 1 - i : i;
    }
};

/* Everything of a part. */
template <class From, class To> __global__ void __launch_bounds__(THREADS) fold_stretch(const __grid_constant__ scan_kernel k) {
    typedef typename running<To>::type T;
    __shared__ __align__(16) char space[THREADS / 32 * sizeof(T)];
    fold_kind fold = {k.kind};
    T identity = identity_of<T, To>(k.kind), own = identity, all;
    const stretch at(k);
    begin();
    const From *from = (const From *)k.from + place_of(at.row, k.ndim, k.shape, k.from_strides);
#pragma unroll 8
    for (i64 i = at.begin + threadIdx.x; i < at.end; i += THREADS) own = fold(own, (T)widen(from[at.place(k, i) * k.from_step]));
    fold_before(own, identity, (T *)space, fold, &all);
    if (threadIdx.x == 0) ((T *)k.partial)[blockIdx.x] = all;
}

template <class From, class To> __global__ void __launch_bounds__(THREADS) scan_rows(const __grid_constant__ scan_kernel k) {
    typedef typename running<To>::type T;
    __shared__ __align__(16) char space[THREADS / 32 * sizeof(T)];
    fold_kind fold = {k.kind};
    T identity = identity_of<T, To>(k.kind), carried = identity;
    const stretch at(k);
    begin();
    const From *from = (const From *)k.from + place_of(at.row, k.ndim, k.shape, k.from_strides);
    To *to = (To *)k.to + place_of(at.row, k.ndim, k.shape, k.to_strides);
    if (at.part > 0) {
        T own = identity;
        for (i64 p = threadIdx.x; p < at.part; p += THREADS) own = fold(own, ((const T *)k.partial)[at.row * k.parts + p]);
        fold_before(own, identity, (T *)space, fold, &carried);
    }
    for (i64 tile = at.begin; tile < at.end; tile += THREADS * EACH) {
        i64 first = tile + threadIdx.x * EACH;
        T values[EACH], own = identity, all;
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            T x = first + j < at.end ? (T)widen(from[at.place(k, first + j) * k.from_step]) : identity;
            values[j] = k.exclusive ? own : fold(own, x);
            own = fold(own, x);
        }
        T before = fold(carried, fold_before(own, identity, (T *)space, fold, &all));
        carried = fold(carried, all);
#pragma unroll
        for (int j = 0; j < EACH; j++)
            if (first + j < at.end) narrow(to + at.place(k, first + j) * k.to_step, fold(before, values[j]));
    }
}

template <class From, class To> static void scan(const scan_kernel *k, kernel_stream stream) {
    unsigned blocks = (unsigned)(k->rows * k->parts);
    if (k->parts > 1) start(fold_stretch<From, To>, blocks, THREADS, 0, stream, *k);
    start(scan_rows<From, To>, blocks, THREADS, 0, stream, *k);
}

void launch_scan(const scan_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_BOOL, truth8, scan<type, int>(k, stream))
        CASE(D_C64, complex64, scan<type, type>(k, stream))
        FLOAT_CASES(scan<type, type>(k, stream))
        INTEGER_CASES(scan<type, type>(k, stream))
    }
}
