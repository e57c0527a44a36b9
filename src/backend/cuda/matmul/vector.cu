/* One row of x with dense weights that lie [rows, k], as a linear layer has them: bound by reading the weights. A warp takes ROWS rows at a time,
   its lanes 16 bytes of each a step, DEPTH steps ahead of what is multiplied; loading goes on into the next rows without a pause. x lies in shared
   memory; sums are float32. */
#include "cuda/device.cuh"

enum { WARPS = 8, THREADS = 32 * WARPS };

struct row_place {
    int part;
    i64 row;
};
DEVICE row_place place_row(const vector_kernel &k, i64 row) {
    int part = 0;
    for (; part + 1 < k.parts && row >= k.part[part].rows; part++) row -= k.part[part].rows;
    return {part, row};
}

template <class S> DEVICE float piece_dot(const uint4 &w, const wide<S> (&x)[PIECE<S>], float sum) {
    wide<S> y[PIECE<S>];
    widen_piece<S>(w, y);
#pragma unroll
    for (int i = 0; i < PIECE<S>; i++) sum = fmaf(y[i], x[i], sum);
    return sum;
}

template <class S, int ROWS, int DEPTH> __global__ void __launch_bounds__(THREADS, 2) multiply_vector(const __grid_constant__ vector_kernel k) {
    extern __shared__ uint4 x[];
    const i64 pieces = k.k / PIECE<S>;
    const int lane = threadIdx.x % 32, count = (int)((pieces + 31) / 32);
    const i64 sets = (k.rows + ROWS - 1) / ROWS, mine = threadIdx.x / 32 * (i64)gridDim.x + blockIdx.x, warps = WARPS * (i64)gridDim.x;
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
                row_place at = place_row(k, row < k.rows ? row : k.rows - 1);
                from[r] = (const uint4 *)((const S *)k.part[at.part].weight + at.row * k.part[at.part].step);
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
    for (i64 i = threadIdx.x; i < count * 32; i += THREADS) x[i] = i < pieces ? ((const uint4 *)k.x)[i] : make_uint4(0, 0, 0, 0);
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
            for (int r = 0; r < ROWS; r++) {
                float sum = sums[r];
                for (int s = 16; s; s /= 2) sum += from_lane(sum, s);
                sums[r] = 0;
                if (lane != r || set * ROWS + r >= k.rows) continue;
                row_place to = place_row(k, set * ROWS + r);
                narrow((S *)k.part[to.part].to + to.row, sum);
            }
            step = 0;
            set += warps;
        }
    }
}

template <class S> static void launch(vector_kernel k, kernel_stream stream) {
    k.rows = 0;
    for (int i = 0; i < k.parts; i++) k.rows += k.part[i].rows;
    unsigned most = 2 * cuda_processors();
    size_t bytes = (k.k / PIECE<S> + 31) / 32 * 32 * sizeof(uint4);
    bool many = k.rows >= 4 * WARPS * (i64)most;
    i64 sets = (k.rows + (many ? 3 : 1)) / (many ? 4 : 2);
    auto kernel = many ? multiply_vector<S, 4, 3> : multiply_vector<S, 2, 6>;
    allow_shared(kernel, bytes);
    start(kernel, sets < most ? (unsigned)sets : most, THREADS, bytes, stream, k);
}

void launch_vector(const vector_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(*k, stream))
        CASE(D_BF16, bfloat16, launch<type>(*k, stream))
        CASE(D_F32, float, launch<type>(*k, stream))
    }
}
