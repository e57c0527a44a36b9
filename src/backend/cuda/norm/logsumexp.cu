/* log(sum(exp(x))) over any axes: what it is made of is read twice, the second time from the cache. As the formula has
   it (ops/fused/means.c), of floats, half types in float. */
#include "cuda/norm/partial.cuh"
#include "cuda/norm/reduce.cuh"

template <class S, int X, bool DENSE>
__global__ void __launch_bounds__(THREADS) sum_exponentials(const __grid_constant__ reduce_kernel k) {
    typedef typename running<S>::type T;
    __shared__ T room[THREADS];
    const block_part<S, X, DENSE> part(k);
    const fold_kind largest = {MAX}, sum = {SUM};
    begin();
    part.fold((T)-INFINITY, room, [](T x) { return x; }, largest);
    __syncthreads();
    const T top = room[part.x];
    __syncthreads();
    const exponentials<T> result = {
        top, part.fold((T)0, room, [=](T x) { return language::exp(x - base_of(top)); }, sum)};
    if (!part.tells()) return;
    if (k.parts > 1)
        ((exponentials<T> *)k.partial)[part.at * k.parts + blockIdx.y] = result;
    else
        narrow((S *)k.to + part.at, language::log(result.sum) + base_of(top));
}

/* A warp for each result. Where nothing is larger than -inf there is nothing to add. */
template <class S> __global__ void __launch_bounds__(THREADS) join_exponentials(const __grid_constant__ reduce_kernel k) {
    typedef typename running<S>::type T;
    const i64 at = thread_number() / 32;
    const int lane = threadIdx.x % 32;
    const fold_kind largest = {MAX};
    begin();
    if (at >= k.kept) return;
    const exponentials<T> *parts = (const exponentials<T> *)k.partial + at * k.parts;
    T top = -INFINITY, sum = 0;
    for (int i = lane; i < k.parts; i += 32) top = largest(top, parts[i].top);
    for (int step = 16; step; step /= 2) top = largest(top, from_lane(top, step));
    for (int i = lane; i < k.parts; i += 32)
        if (parts[i].sum != 0) sum += parts[i].sum * language::exp(base_of(parts[i].top) - base_of(top));
    for (int step = 16; step; step /= 2) sum += from_lane(sum, step);
    if (lane == 0) narrow((S *)k.to + at, language::log(sum) + base_of(top));
}

template <class S> static void start_all(const reduce_kernel *k, kernel_stream stream) {
#define PART(x, dense) sum_exponentials<S, x, dense>
    START_PARTS(k, stream, PART)
#undef PART
    if (k->parts > 1) start(join_exponentials<S>, blocks_for(k->kept * 32, THREADS), THREADS, 0, stream, *k);
}

void launch_logsumexp(const reduce_kernel *k, kernel_stream stream) {
    switch (k->from_dtype) { FLOAT_CASES(start_all<type>(k, stream)) }
}
