/* Reductions over any axes: a block for each result. Sums of half types in float, of float32 in float with a fixed order, of whole numbers in 64
   bits; so a result does not depend on what else runs. */
#include "cuda/device.cuh"

/* The type that a reduction to S runs in. */
template <class S> struct running {
    typedef i64 type;
};
template <> struct running<u64> {
    typedef u64 type;
};
template <> struct running<float16> {
    typedef float type;
};
template <> struct running<bfloat16> {
    typedef float type;
};
template <> struct running<float> {
    typedef float type;
};
template <> struct running<double> {
    typedef double type;
};

enum { SUM, PROD, MAX, MIN, ALL, ANY };

struct fold_kind {
    int kind;
    template <class T> __device__ T operator()(T a, T b) const {
        return kind == SUM ? a + b : kind == PROD ? a * b : kind == MAX ? language::max(a, b) : language::min(a, b);
    }
};

template <class T, class S> DEVICE T identity_of(int kind) {
    if (kind == SUM) return 0;
    if (kind == PROD) return 1;
    if constexpr ((T)0.5 != 0) {
        return kind == MAX ? (T)-INFINITY : (T)INFINITY;
    } else {
        const bool is_signed = (S)-1 < (S)1;
        T most = (T)(~0ull >> (64 - 8 * sizeof(S) + is_signed));
        return kind == MIN ? most : is_signed ? -most - 1 : 0;
    }
}

template <class From, class To> __global__ void reduce_rows(const __grid_constant__ reduce_kernel k) {
    typedef typename running<To>::type T;
    __shared__ T room[32];
    const From *from = (const From *)k.from + place_of(blockIdx.x, k.kept_ndim, k.kept_shape, k.kept_strides);
    T identity = identity_of<T, To>(k.kind), result = identity;
    fold_kind fold = {k.kind};
    for (i64 i = threadIdx.x; i < k.reduced; i += blockDim.x)
        result = fold(result, (T)widen(from[place_of(i, k.reduced_ndim, k.reduced_shape, k.reduced_strides)]));
    result = fold_block(result, identity, room, fold);
    if (threadIdx.x == 0) narrow((To *)k.to + blockIdx.x, result);
}

/* Truths: or for sum, any and max; and for the others. */
template <class From> __global__ void reduce_truths(const __grid_constant__ reduce_kernel k) {
    const From *from = (const From *)k.from + place_of(blockIdx.x, k.kept_ndim, k.kept_shape, k.kept_strides);
    bool any = k.kind == SUM || k.kind == ANY || k.kind == MAX, found = false;
    for (i64 i = threadIdx.x; i < k.reduced; i += blockDim.x)
        found |= (widen(from[place_of(i, k.reduced_ndim, k.reduced_shape, k.reduced_strides)]) != 0) == any;
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
        switch (from) {
            CASE(D_BOOL, truth8, reduce_truths<type><<<blocks, threads, 0, stream>>>(*k))
            FLOAT_CASES(reduce_truths<type><<<blocks, threads, 0, stream>>>(*k))
            INTEGER_CASES(reduce_truths<type><<<blocks, threads, 0, stream>>>(*k))
        }
    } else if (k->to_dtype == from) {
        switch (from) {
            FLOAT_CASES(reduce_rows<type, type><<<blocks, threads, 0, stream>>>(*k))
            INTEGER_CASES(reduce_rows<type, type><<<blocks, threads, 0, stream>>>(*k))
        }
    } else if (k->to_dtype == D_I32) {
        switch (from) {
            CASE(D_BOOL, truth8, reduce_rows<type, int><<<blocks, threads, 0, stream>>>(*k))
            CASE(D_I8, signed char, reduce_rows<type, int><<<blocks, threads, 0, stream>>>(*k))
            CASE(D_I16, short, reduce_rows<type, int><<<blocks, threads, 0, stream>>>(*k))
        }
    } else if (k->to_dtype == D_U32) {
        switch (from) {
            CASE(D_U8, unsigned char, reduce_rows<type, u32><<<blocks, threads, 0, stream>>>(*k))
            CASE(D_U16, unsigned short, reduce_rows<type, u32><<<blocks, threads, 0, stream>>>(*k))
        }
    }
}

/* ---- arg_reduce: the first best; a NaN wins */
template <class T> struct place {
    T value;
    i64 index;
};

template <class T> DEVICE bool beats(place<T> b, place<T> a, bool least) {
    bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan || b_nan) return b_nan && (!a_nan || b.index < a.index);
    if (a.value == b.value) return b.index < a.index;
    return least ? b.value < a.value : a.value < b.value;
}

template <class S> __global__ void best_of_rows(const __grid_constant__ reduce_kernel k) {
    typedef decltype(widen(S())) T;
    __shared__ place<T> room[256];
    const S *from = (const S *)k.from + place_of(blockIdx.x, k.kept_ndim, k.kept_shape, k.kept_strides);
    i64 first = threadIdx.x < k.reduced ? threadIdx.x : 0;
    place<T> best = {widen(from[first * k.reduced_strides[0]]), first};
    for (i64 i = threadIdx.x; i < k.reduced; i += blockDim.x) {
        place<T> p = {widen(from[i * k.reduced_strides[0]]), i};
        if (beats(p, best, k.least)) best = p;
    }
    room[threadIdx.x] = best;
    for (int step = blockDim.x / 2; step; step /= 2) {
        __syncthreads();
        if (threadIdx.x < step && beats(room[threadIdx.x + step], room[threadIdx.x], k.least)) room[threadIdx.x] = room[threadIdx.x + step];
    }
    if (threadIdx.x == 0) ((u32 *)k.to)[blockIdx.x] = (u32)room[0].index;
}

void launch_arg_reduce(const reduce_kernel *k, kernel_stream stream) {
    unsigned threads = threads_for(k->reduced), blocks = (unsigned)k->kept;
    switch (k->from_dtype) {
        CASE(D_BOOL, truth8, best_of_rows<type><<<blocks, threads, 0, stream>>>(*k))
        FLOAT_CASES(best_of_rows<type><<<blocks, threads, 0, stream>>>(*k))
        INTEGER_CASES(best_of_rows<type><<<blocks, threads, 0, stream>>>(*k))
    }
}
