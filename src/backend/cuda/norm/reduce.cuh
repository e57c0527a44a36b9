/* A block's part of a reduction: X neighbouring results, THREADS / X threads for each, and some of what goes into
   them. DENSE: one result, whose elements lie side by side. */
#ifndef CUDA_REDUCE_CUH
#define CUDA_REDUCE_CUH

#include "cuda/fold.cuh"

enum { THREADS = 256 };

template <class From, int X, bool DENSE> struct block_part {
    const reduce_kernel &k;
    int x, y;
    i64 at, first, end; /* the result; elements of it */
    const From *from;

    DEVICE_MEMBER block_part(const reduce_kernel &kernel)
        : k(kernel), x(threadIdx.x % X), y(threadIdx.x / X), at(blockIdx.x * (i64)X + x) {
        const i64 each = (k.reduced + k.parts - 1) / k.parts, kept = at < k.kept ? at : k.kept - 1;
        first = blockIdx.y * each;
        end = first + each < k.reduced ? first + each : k.reduced;
        from = (const From *)k.from + place_of(kept, k.kept_ndim, k.kept_shape, k.kept_strides);
    }
    /* Whether this thread is the one that has a result. */
    DEVICE_MEMBER bool tells() const { return y == 0 && at < k.kept; }

    /* What of(an element) gives, folded over the part: in room[x], and returned to the threads with y = 0. */
    template <class T, class OF, class F> DEVICE_MEMBER T fold(T none, T *room, OF of, F fold) const {
        T own = room[threadIdx.x] = DENSE ? fold_row(none, of, fold) : fold_range(none, of, fold);
        for (int half = THREADS / X / 2; half; half /= 2) {
            __syncthreads();
            if (y < half) own = room[threadIdx.x] = fold(own, room[threadIdx.x + half * X]);
        }
        return own;
    }

    template <class T, class OF, class F> DEVICE_MEMBER T fold_range(T result, OF of, F fold) const {
        if (k.reduced_ndim <= 1) {
            i64 step = k.reduced_ndim ? k.reduced_strides[0] : 0;
#pragma unroll 8
            for (i64 i = first + y; i < end; i += THREADS / X) result = fold(result, of((T)widen(from[i * step])));
            return result;
        }
        for (i64 i = first + y; i < end; i += THREADS / X)
            result = fold(result, of((T)widen(from[place_of(i, k.reduced_ndim, k.reduced_shape, k.reduced_strides)])));
        return result;
    }

    /* 16 bytes at a time; what is before and behind them one by one. */
    template <class T, class OF, class F> DEVICE_MEMBER T fold_row(T result, OF of, F fold) const {
        i64 head = (16 - ((u64)(from + first) & 15)) % 16 / sizeof(From),
            begins = first + head < end ? first + head : end, pieces = (end - begins) / PIECE<From>,
            behind = begins + pieces * PIECE<From>;
        if (threadIdx.x < begins - first) result = fold(result, of((T)widen(from[first + threadIdx.x])));
        if (threadIdx.x < end - behind) result = fold(result, of((T)widen(from[behind + threadIdx.x])));
#pragma unroll 4
        for (i64 i = threadIdx.x; i < pieces; i += THREADS) {
            uint4 piece = ((const uint4 *)(from + begins))[i];
#pragma unroll
            for (int j = 0; j < PIECE<From>; j++) result = fold(result, of((T)widen(((const From *)&piece)[j])));
        }
        return result;
    }
};

/* KERNEL<…, X, DENSE, …> for where the results of the call lie. */
#define START_PARTS(k, stream, KERNEL_OF)                                                                              \
    if ((k)->across > 1)                                                                                               \
        start(KERNEL_OF(32, false), dim3(blocks_for((k)->kept, 32), (k)->parts), THREADS, 0, stream, *(k));            \
    else if ((k)->reduced_ndim == 1 && (k)->reduced_strides[0] == 1)                                                   \
        start(KERNEL_OF(1, true), dim3((unsigned)(k)->kept, (k)->parts), THREADS, 0, stream, *(k));                    \
    else                                                                                                               \
        start(KERNEL_OF(1, false), dim3((unsigned)(k)->kept, (k)->parts), THREADS, 0, stream, *(k));

#endif
