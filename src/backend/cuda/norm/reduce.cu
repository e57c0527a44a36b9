/* Reductions over any axes. Sums of half types in float, of float32 in float with a fixed order, of whole numbers of up
   to 32 bits in 32; so a result does not depend on what else runs. A block takes neighbouring results, and a part of what goes into
   each; parts are folded by a second kernel. */
#include "cuda/norm/partial.cuh"
#include "cuda/norm/reduce.cuh"

template <class From, class To, int X, bool DENSE, int KIND>
__global__ void __launch_bounds__(THREADS) reduce_part(const __grid_constant__ reduce_kernel k) {
    typedef typename running<To>::type T;
    __shared__ __align__(16) char space[THREADS * sizeof(T)];
    const block_part<From, X, DENSE> part(k);
    const fold_kind fold = {KIND >= 0 ? KIND : k.kind};
    begin();
    const T result = part.fold(identity_of<T, To>(fold.kind), (T *)space, [](T x) { return x; }, fold);
    if (!part.tells()) return;
    if (k.parts > 1)
        ((T *)k.partial)[part.at * k.parts + blockIdx.y] = result;
    else
        narrow((To *)k.to + part.at, result);
}

/* A warp for each result. */
template <class To> __global__ void __launch_bounds__(THREADS) fold_parts(const __grid_constant__ reduce_kernel k) {
    typedef typename running<To>::type T;
    i64 at = thread_number() / 32;
    fold_kind fold = {k.kind};
    T result = identity_of<T, To>(k.kind);
    begin();
    if (at >= k.kept) return;
    for (int i = threadIdx.x % 32; i < k.parts; i += 32)
        result = fold(result, ((const T *)k.partial)[at * k.parts + i]);
    for (int step = 16; step; step /= 2) result = fold(result, from_lane(result, step));
    if (threadIdx.x % 32 == 0) narrow((To *)k.to + at, result);
}

template <class From, class To, int KIND> static void reduce_kind(const reduce_kernel *k, kernel_stream stream) {
#define PART(x, dense) reduce_part<From, To, x, dense, KIND>
    START_PARTS(k, stream, PART)
#undef PART
    if (k->parts > 1) start(fold_parts<To>, blocks_for(k->kept * 32, THREADS), THREADS, 0, stream, *k);
}

template <class From, class To> static void reduce(const reduce_kernel *k, kernel_stream stream) {
    constexpr int kind = IS_REAL<wide<From>> ? SUM : -1;
    k->kind == kind ? reduce_kind<From, To, kind>(k, stream) : reduce_kind<From, To, -1>(k, stream);
}

/* Truths: or for sum, any and max; and for the others. */
template <class From> __global__ void reduce_truths(const __grid_constant__ reduce_kernel k) {
    bool any = k.kind == SUM || k.kind == ANY || k.kind == MAX, found = false;
    begin();
    const From *from = (const From *)k.from + place_of(blockIdx.x, k.kept_ndim, k.kept_shape, k.kept_strides);
    for (i64 i = threadIdx.x; i < k.reduced; i += blockDim.x)
        found |= language::is_true(widen(from[place_of(i, k.reduced_ndim, k.reduced_shape, k.reduced_strides)])) == any;
    found = __syncthreads_or(found);
    if (threadIdx.x == 0) ((truth8 *)k.to)[blockIdx.x].byte = found == any;
}

static unsigned threads_for(i64 n) {
    return n <= 128 ? 32 : n <= 1024 ? 128 : 256;
}

/* From bool, and from each dtype to itself; sums of short integers go to 32 bits. */
void launch_reduce(const reduce_kernel *k, kernel_stream stream) {
    unsigned threads = threads_for(k->reduced), blocks = (unsigned)k->kept;
    int from = k->from_dtype;
    if (k->to_dtype == D_BOOL) {
        DTYPES(from, start(reduce_truths<type>, blocks, threads, 0, stream, *k))
    } else if (k->to_dtype == from) {
        switch (from) { NUMBER_CASES(reduce<type, type>(k, stream)) }
    } else if (k->to_dtype == D_I32) {
        switch (from) {
            CASE(D_BOOL, truth8, reduce<type, int>(k, stream))
            CASE(D_I8, signed char, reduce<type, int>(k, stream))
            CASE(D_I16, short, reduce<type, int>(k, stream))
        }
    } else if (k->to_dtype == D_U32) {
        switch (from) {
            CASE(D_U8, unsigned char, reduce<type, u32>(k, stream))
            CASE(D_U16, unsigned short, reduce<type, u32>(k, stream))
        }
    }
}

/* ---- arg_reduce */
/* The best of a block's threads, in thread 0. */
template <class T> DEVICE place<T> best_of_block(place<T> best, bool least) {
    __shared__ place<T> room[THREADS];
    room[threadIdx.x] = best;
    for (int half = blockDim.x / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half && beats(room[threadIdx.x + half], room[threadIdx.x], least))
            room[threadIdx.x] = room[threadIdx.x + half];
    }
    return room[0];
}

template <class S> __global__ void best_of_rows(const __grid_constant__ reduce_kernel k) {
    typedef typename in_order<S>::type T;
    begin();
    const S *from = (const S *)k.from + place_of(blockIdx.x, k.kept_ndim, k.kept_shape, k.kept_strides);
    i64 each = (k.reduced + k.parts - 1) / k.parts, low = blockIdx.y * each,
        end = low + each < k.reduced ? low + each : k.reduced;
    i64 first = low + threadIdx.x < end ? low + threadIdx.x : k.reduced - 1,
        step = k.reduced_ndim ? k.reduced_strides[0] : 0;
    place<T> best = {in_order<S>::of(from[first * step]), first};
#pragma unroll 8
    for (i64 i = low + threadIdx.x; i < end; i += blockDim.x) {
        place<T> p = {in_order<S>::of(from[i * step]), i};
        if (beats(p, best, k.least)) best = p;
    }
    best = best_of_block(best, k.least);
    if (threadIdx.x > 0) return;
    if (k.parts > 1)
        ((place<T> *)k.partial)[blockIdx.x * k.parts + blockIdx.y] = best;
    else
        ((u32 *)k.to)[blockIdx.x] = (u32)best.index;
}

template <class T> __global__ void best_of_parts(const __grid_constant__ reduce_kernel k) {
    begin();
    const place<T> *from = (const place<T> *)k.partial + blockIdx.x * k.parts;
    place<T> best = from[threadIdx.x < k.parts ? threadIdx.x : 0];
    for (unsigned i = threadIdx.x; i < k.parts; i += blockDim.x)
        if (beats(from[i], best, k.least)) best = from[i];
    best = best_of_block(best, k.least);
    if (threadIdx.x == 0) ((u32 *)k.to)[blockIdx.x] = (u32)best.index;
}

template <class S> static void find_best(const reduce_kernel *k, kernel_stream stream) {
    start(best_of_rows<S>, dim3((unsigned)k->kept, k->parts), threads_for(k->reduced / k->parts), 0, stream, *k);
    if (k->parts > 1) start(best_of_parts<typename in_order<S>::type>, (unsigned)k->kept, THREADS, 0, stream, *k);
}

void launch_arg_reduce(const reduce_kernel *k, kernel_stream stream) {
    DTYPES(k->from_dtype, find_best<type>(k, stream))
}
