/* Few long rows, such as logits: a cluster of blocks holds a row in registers, so that its sum of exponentials, what is
   left of its elements without the logarithm of that, and the place of the best of these are found by one kernel. What
   is folded before what depends on the shape alone. Half types in float. */
#include "cuda/cluster.cuh"
#include "cuda/fold.cuh"
#include "cuda/norm/partial.cuh"

enum { RANKS = 16, THREADS = 512, EACH = 8 /* pieces that a thread holds */, LEAST = 16384, MOST_ROWS = 64 };

/* What a thread holds of a row of `pieces` pieces of 16 bytes. */
template <class S> struct long_share {
    uint4 held[EACH];
    const i64 pieces;

    DEVICE_MEMBER long_share(i64 n) : pieces(n / PIECE<S>) {}
    static DEVICE_MEMBER i64 place(int e) { return (e * RANKS + (i64)blockIdx.x) * THREADS + threadIdx.x; }
    DEVICE_MEMBER void read(const S *from) {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (place(e) < pieces) held[e] = ((const uint4 *)from)[place(e)];
    }
    /* use(an element, its place in the row) */
    template <class F> DEVICE_MEMBER void each(F use) const {
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            if (place(e) >= pieces) continue;
            float at[PIECE<S>];
            widen_piece<S>(held[e], at);
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) use(at[i], place(e) * PIECE<S> + i);
        }
    }
    DEVICE_MEMBER void subtract(float total) {
#pragma unroll
        for (int e = 0; e < EACH; e++) {
            float at[PIECE<S>];
            widen_piece<S>(held[e], at);
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) at[i] -= total;
            held[e] = narrow_piece<S>(at);
        }
    }
    DEVICE_MEMBER void write(S *to) const {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (place(e) < pieces) ((uint4 *)to)[place(e)] = held[e];
    }
};

template <class S> DEVICE exponentials<float> exponentials_of(const long_share<S> &x) {
    __shared__ float room[32];
    float top = -INFINITY, sum = 0;
    x.each([&](float value, i64) { top = language::max(top, value); });
    top = fold_block(top, -INFINITY, room, fold_kind{MAX});
    x.each([&](float value, i64) { sum += language::exp(value - base_of(top)); });
    return {top, fold_block(sum, 0.0f, room, fold_kind{SUM})};
}

/* log(sum(exp)) of what the blocks have, one of them a lane. */
DEVICE float log_of_lanes(exponentials<float> part) {
    float top = part.top;
    for (int step = 16; step; step /= 2) top = language::max(top, from_lane(top, step));
    float sum = part.sum != 0 ? part.sum * language::exp(base_of(part.top) - base_of(top)) : 0;
    for (int step = 16; step; step /= 2) sum += from_lane(sum, step);
    return language::log(sum) + base_of(top);
}

DEVICE place<float> best_of_lanes(place<float> best, bool least) {
    for (int step = 16; step; step /= 2) {
        const place<float> other = {from_lane(best.value, step), from_lane(best.index, step)};
        if (beats(other, best, least)) best = other;
    }
    return best;
}

/* What is not there: anything beats it. */
DEVICE place<float> nowhere(bool least) {
    return {least ? INFINITY : -INFINITY, 0x7FFFFFFFFFFFFFFFll};
}

/* The block's best, in the first warp. */
template <class S> DEVICE place<float> best_of_share(const long_share<S> &x, bool least) {
    __shared__ place<float> warps[THREADS / 32];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    place<float> best = nowhere(least);
    x.each([&](float value, i64 at) {
        const place<float> p = {value, at};
        if (beats(p, best, least)) best = p;
    });
    best = best_of_lanes(best, least);
    if (lane == 0) warps[warp] = best;
    __syncthreads();
    return best_of_lanes(lane < THREADS / 32 ? warps[lane] : nowhere(least), least);
}

/* Once all blocks have begun, what each of them has is in every one's room. */
DEVICE float total_of_cluster(exponentials<float> own) {
    __shared__ exponentials<float> room[RANKS];
    await_cluster();
    if (threadIdx.x < RANKS) *in_block(&room[blockIdx.x], threadIdx.x) = own;
    __syncwarp();
    arrive_in_cluster();
    await_cluster();
    const int lane = threadIdx.x % 32;
    return log_of_lanes(lane < RANKS ? room[lane] : exponentials<float>{-INFINITY, 0});
}

/* In the first block, whose first warp has it; the others stay until theirs has arrived. */
DEVICE place<float> best_of_cluster(place<float> own, bool least) {
    __shared__ place<float> room[RANKS];
    const int lane = threadIdx.x % 32;
    if (threadIdx.x == 0) *in_block(&room[blockIdx.x], 0) = own;
    __syncwarp();
    arrive_in_cluster();
    await_cluster();
    return best_of_lanes(lane < RANKS ? room[lane] : nowhere(least), least);
}

template <class S, bool TOTAL, bool BEST>
__global__ void __launch_bounds__(THREADS) long_rows(const __grid_constant__ long_rows_kernel k) {
    const i64 row = blockIdx.y;
    const bool first = blockIdx.x == 0 && threadIdx.x == 0;
    long_share<S> x(k.n);
    arrive_in_cluster();
    begin();
    x.read((const S *)k.from + row * k.step);
    if (TOTAL) {
        S total;
        narrow(&total, total_of_cluster(exponentials_of(x)));
        if (first) ((S *)k.total)[row] = total;
        if (BEST || k.rest) x.subtract(widen(total));
        if (k.rest) x.write((S *)k.rest + row * k.n);
    } else {
        await_cluster();
    }
    if (!BEST) return;
    const place<float> best = best_of_cluster(best_of_share(x, k.least), k.least);
    if (first) ((u32 *)k.best)[row] = (u32)best.index;
}

template <class S> static void start_long(const long_rows_kernel *k, kernel_stream stream) {
    start_clusters(!k->total ? long_rows<S, false, true>
                   : k->best ? long_rows<S, true, true>
                             : long_rows<S, true, false>,
                   dim3(RANKS, (unsigned)k->rows), THREADS, 0, stream, *k);
}

/* Whether the device, or the part of it that we have, has 16 multiprocessors side by side for a cluster of the largest
 * blocks. */
static int find_clusters() {
    return cuda_is_hopper() && most_clusters(long_rows<bfloat16, true, true>, RANKS, THREADS) > 0;
}
static bool clusters_fit() {
    return cuda_answer(QUESTION_LONG_CLUSTERS, find_clusters) > 0;
}

bool rows_are_long(const long_rows_kernel *k) {
    const i64 piece = k->dtype == D_F32 ? 4 : 8;
    const bool known = k->dtype == D_F16 || k->dtype == D_BF16 || k->dtype == D_F32;
    return known && k->rows > 0 && k->rows <= MOST_ROWS && k->n >= LEAST && k->n <= RANKS * THREADS * EACH * piece &&
           k->n % piece == 0 && k->step % piece == 0 && lie_at_16(k->from) && clusters_fit();
}

void launch_long_rows(const long_rows_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, start_long<type>(k, stream))
        CASE(D_BF16, bfloat16, start_long<type>(k, stream))
        CASE(D_F32, float, start_long<type>(k, stream))
    }
}
