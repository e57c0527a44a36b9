/* One row of x with dense weights that lie [rows, k], as a linear layer has them: bound by reading the weights. A warp takes ROWS rows at a time,
   its lanes 16 bytes of each a step, DEPTH steps ahead of what is multiplied; loading goes on into the next rows without a pause. x lies in shared
   memory; sums are float32. Before and behind it: around.cuh. */
#include "cuda/matmul/around.cuh"

enum { WARPS = 8, THREADS = 32 * WARPS };

/* Which row comes j-th: those of a gate in pairs with those that it lets through. */
DEVICE i64 row_of(const vector_kernel &k, i64 j) {
    return k.around.after == AFTER_GATE ? j / 2 + j % 2 * (k.part.rows / 2) : j;
}

template <class S> DEVICE float piece_dot(const uint4 &w, const wide<S> (&x)[PIECE<S>], float sum) {
    wide<S> y[PIECE<S>];
    widen_piece<S>(w, y);
#pragma unroll
    for (int i = 0; i < PIECE<S>; i++) sum = fmaf(y[i], x[i], sum);
    return sum;
}

template <class S, int ROWS, int DEPTH, bool NORMED> __global__ void __launch_bounds__(THREADS, 2) multiply_vector(const __grid_constant__ vector_kernel k) {
    extern __shared__ uint4 x[];
    const i64 pieces = k.k / PIECE<S>;
    const int lane = threadIdx.x % 32, count = (int)((pieces + 31) / 32);
    const i64 sets = (k.part.rows + ROWS - 1) / ROWS, mine = threadIdx.x / 32 * (i64)gridDim.x + blockIdx.x, warps = WARPS * (i64)gridDim.x;
    const i64 steps = mine < sets ? ((sets - 1 - mine) / warps + 1) * count : 0;

    uint4 w[DEPTH][ROWS];
    const uint4 *from[ROWS];
    i64 loads = 0, load_set = mine - warps;
    int load_step = count;
    auto load = [&](int slot) {
        if (loads++ >= steps) return;
        if (load_step == count) {
            load_step = 0;
            load_set += warps;
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                i64 row = load_set * ROWS + r;
                row = row_of(k, row < k.part.rows ? row : k.part.rows - 1);
                from[r] = (const uint4 *)((const S *)k.part.weight + row * k.part.step);
            }
        }
        i64 piece = load_step * 32 + lane;
#pragma unroll
        for (int r = 0; r < ROWS; r++) w[slot][r] = piece < pieces ? stream_piece(from[r] + piece) : make_uint4(0, 0, 0, 0);
        load_step++;
    };

    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < DEPTH; i++) load(i);
    if (k.early) await_previous();
    if (k.around.after == AFTER_ADD && lane == 0 && mine < sets) fetch((const S *)k.around.other + mine * ROWS);
    float scale = NORMED ? norm_scale<S>(k.around, k.x, (int)pieces) : 1;
    for (int i = threadIdx.x; i < count * 32; i += THREADS) {
        x[i] = make_uint4(0, 0, 0, 0);
        if (i < pieces) x[i] = NORMED ? normed_piece<S>(k.around, k.x, i, scale) : ((const uint4 *)k.x)[i];
    }
    __syncthreads();

    float sums[ROWS] = {};
    i64 set = mine;
    int step = 0;
    for (i64 n = 0; n < steps; n += DEPTH) {
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
            if (n + i >= steps) break;
            wide<S> y[PIECE<S>];
            widen_piece<S>(x[step * 32 + lane], y);
#pragma unroll
            for (int r = 0; r < ROWS; r++) sums[r] = piece_dot<S>(w[i][r], y, sums[r]);
            load(i);
            if (++step < count) continue;
#pragma unroll
            for (int r = 0; r < ROWS; r++)
                for (int s = 16; s; s /= 2) sums[r] += from_lane(sums[r], s);
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                i64 j = set * ROWS + r;
                bool mine = lane == r && j < k.part.rows;
                if (mine && k.around.after != AFTER_GATE) end_row<S>(k.around, k.part.to, j, sums[r]);
                if (mine && k.around.after == AFTER_GATE && r % 2 == 0)
                    end_pair<S>(k.around, k.part.to, j / 2, k.part.rows / 2, sums[r], sums[r + 1 < ROWS ? r + 1 : r]);
            }
#pragma unroll
            for (int r = 0; r < ROWS; r++) sums[r] = 0;
            step = 0;
            set += warps;
        }
    }
}

template <class S, bool NORMED> static void launch_normed(const vector_kernel &k, kernel_stream stream) {
    unsigned most = 2 * cuda_processors();
    size_t bytes = (k.k / PIECE<S> + 31) / 32 * 32 * sizeof(uint4);
    bool many = k.part.rows >= 4 * WARPS * (i64)most;
    i64 sets = (k.part.rows + (many ? 3 : 1)) / (many ? 4 : 2);
    auto kernel = many ? multiply_vector<S, 4, 3, NORMED> : multiply_vector<S, 2, 6, NORMED>;
    allow_shared(kernel, bytes);
    start(kernel, sets < most ? (unsigned)sets : most, THREADS, bytes, stream, k);
}

template <class S> static void launch(const vector_kernel &k, kernel_stream stream) {
    k.around.normed ? launch_normed<S, true>(k, stream) : launch_normed<S, false>(k, stream);
}

void launch_vector(const vector_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(*k, stream))
        CASE(D_BF16, bfloat16, launch<type>(*k, stream))
        CASE(D_F32, float, launch<type>(*k, stream))
    }
}
