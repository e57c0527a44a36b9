/* One row of x with dense weights that lie [rows, k], as a linear layer has them: bound by reading the weights. A team
   of SPLIT warps takes ROWS rows at a time and shares out k; a lane reads 16 bytes of each row a step, DEPTH steps
   ahead of what is multiplied, and on into the next rows without a pause. x lies in shared memory, and so do the sums
   of the warps, float32, until all are there. Before and behind it: around.cuh. */
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

/* What the threads of a block bring into shared memory, loads first. */
template <class S, bool NORMED> DEVICE void bring_x(const vector_kernel &k, uint4 *x, int pieces, int room) {
    enum { AT_ONCE = 4 };
    uint4 own;
    float scale = NORMED ? norm_scale<S>(k.around, k.x, pieces, own) : 1;
    for (int first = threadIdx.x; first < room; first += AT_ONCE * THREADS) {
        uint4 held[AT_ONCE];
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) {
            int i = first + j * THREADS;
            held[j] = NORMED && i == threadIdx.x ? own : i < pieces ? ((const uint4 *)k.x)[i] : make_uint4(0, 0, 0, 0);
        }
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) {
            int i = first + j * THREADS;
            if (i < room) x[i] = NORMED && i < pieces ? normed_piece<S>(k.around, held[j], i, scale) : held[j];
        }
    }
}

template <class S, int ROWS, int DEPTH, int SPLIT, bool NORMED>
__global__ void __launch_bounds__(THREADS, 2) multiply_vector(const __grid_constant__ vector_kernel k) {
    enum { TEAMS = WARPS / SPLIT };
    extern __shared__ uint4 x[];
    const i64 pieces = k.k / PIECE<S>;
    const int lane = threadIdx.x % 32, count = (int)((pieces + 31) / 32), team = threadIdx.x / 32 / SPLIT,
              part = threadIdx.x / 32 % SPLIT;
    const int first = count * part / SPLIT, end = count * (part + 1) / SPLIT;
    const i64 sets = (k.part.rows + ROWS - 1) / ROWS, mine = team * (i64)gridDim.x + blockIdx.x,
              teams = TEAMS * (i64)gridDim.x;
    const int rounds = mine < sets ? (int)((sets - 1 - mine) / teams) + 1 : 0, steps = rounds * (end - first);
    float *sums = (float *)(x + count * 32); /* [round][team][row][part] */

    uint4 w[DEPTH][ROWS];
    const uint4 *from[ROWS];
    int loads = 0, load_step = end;
    i64 load_set = mine - teams;
    auto load = [&](int slot) {
        if (loads++ >= steps) return;
        if (load_step == end) {
            load_step = first;
            load_set += teams;
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                i64 row = load_set * ROWS + r;
                row = row_of(k, row < k.part.rows ? row : k.part.rows - 1);
                from[r] = (const uint4 *)((const S *)k.part.weight + row * k.part.step);
            }
        }
        i64 piece = load_step * 32 + lane;
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            w[slot][r] = piece < pieces ? stream_piece(from[r] + piece) : make_uint4(0, 0, 0, 0);
        load_step++;
    };

    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < DEPTH; i++) load(i);
    if (NORMED) fetch_norm_weight(k.around, (int)pieces);
    if (k.early) await_previous();
    if (k.around.after == AFTER_ADD && lane == 0 && part == 0 && mine < sets)
        fetch((const S *)k.around.other + mine * ROWS);
    bring_x<S, NORMED>(k, x, (int)pieces, count * 32);
    __syncthreads();

    float sum[ROWS] = {};
    int step = first, round = 0;
    for (int n = 0; n < steps; n += DEPTH) {
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
            if (n + i >= steps) break;
            wide<S> y[PIECE<S>];
            widen_piece<S>(x[step * 32 + lane], y);
#pragma unroll
            for (int r = 0; r < ROWS; r++) sum[r] = piece_dot<S>(w[i][r], y, sum[r]);
            load(i);
            if (++step < end) continue;
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                for (int s = 16; s; s /= 2) sum[r] += from_lane(sum[r], s);
                if (lane == r) sums[((round * TEAMS + team) * ROWS + r) * SPLIT + part] = sum[r];
                sum[r] = 0;
            }
            step = first;
            round++;
        }
    }
    __syncthreads();

    auto product = [&](int i) {
        float all = 0;
#pragma unroll
        for (int p = 0; p < SPLIT; p++) all += sums[i * SPLIT + p];
        return all;
    };
    const int most = (int)((sets - 1 - blockIdx.x) / teams + 1) * TEAMS * ROWS;
    for (int i = threadIdx.x; i < most; i += THREADS) {
        i64 j = ((i / (TEAMS * ROWS) * TEAMS + i / ROWS % TEAMS) * (i64)gridDim.x + blockIdx.x) * ROWS + i % ROWS;
        if (j >= k.part.rows) continue;
        if (k.around.after != AFTER_GATE)
            end_row<S>(k.around, k.part.to, j, product(i));
        else if (j % 2 == 0)
            end_pair<S>(k.around, k.part.to, j / 2, k.part.rows / 2, product(i), product(i + 1));
    }
}

/* Many rows leave every warp busy with its own; of few, teams of warps share out k, so that all have as much to do. */
template <class S, bool NORMED> static void launch_normed(const vector_kernel &k, kernel_stream stream) {
    enum { MOST_ROUNDS = 64 };
    unsigned most = 2 * cuda_processors();
    i64 count = (k.k / PIECE<S> + 31) / 32;
    bool many = k.part.rows >= 4 * WARPS * (i64)most, split = !many && count >= 8;
    i64 rows = many ? 4 : 2, teams = split ? WARPS / 4 : WARPS, sets = (k.part.rows + rows - 1) / rows;
    i64 blocks = sets < most ? sets : most, least = (sets + teams * MOST_ROUNDS - 1) / (teams * MOST_ROUNDS);
    if (blocks < least) blocks = least;
    i64 rounds = (sets + teams * blocks - 1) / (teams * blocks);
    size_t bytes = (size_t)(count * 32) * sizeof(uint4) + (size_t)(rounds * WARPS * rows) * sizeof(float);
    auto kernel = many    ? multiply_vector<S, 4, 3, 1, NORMED>
                  : split ? multiply_vector<S, 2, 6, 4, NORMED>
                          : multiply_vector<S, 2, 6, 1, NORMED>;
    allow_shared(kernel, bytes);
    start(kernel, (unsigned)blocks, THREADS, bytes, stream, k);
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
