/* One row of x with dense weights that lie [rows, k], as a linear layer has them: bound by reading the weights. A team
   of SPLIT warps takes ROWS rows at a time and shares out k; a lane reads 16 bytes of each row a step, DEPTH steps
   ahead of what is multiplied, and on into the next rows without a pause. x lies in shared memory, and so do the sums
   of the warps, float32, until all are there. Before and behind it: around.cuh. */
#include "cuda/matmul/around.cuh"

enum { WARPS = 8, THREADS = 32 * WARPS };

/* Which row comes j-th: those of a gate in pairs with those that it lets through. */
DEVICE int row_of(const vector_kernel &k, int j) {
    return k.around.after == AFTER_GATE ? j / 2 + j % 2 * ((int)k.part.rows / 2) : j;
}

template <class S> DEVICE float piece_dot(const uint4 &w, const wide<S> (&x)[PIECE<S>], float sum) {
    wide<S> y[PIECE<S>];
    widen_piece<S>(w, y);
#pragma unroll
    for (int i = 0; i < PIECE<S>; i++) sum = fmaf(y[i], x[i], sum);
    return sum;
}

/* What the threads of a block bring into shared memory, loads first. They are normed in turn by the same code: it is
 * brought from memory, too, and waited for. */
template <class S, bool NORMED> DEVICE void bring_x(const vector_kernel &k, uint4 *x, int pieces, int room) {
    enum { AT_ONCE = 4 };
    uint4 own;
    float scale = NORMED ? norm_scale<S>(k.around, k.x, pieces, own) : 1;
#pragma unroll 1
    for (int first = threadIdx.x; first < room; first += AT_ONCE * THREADS) {
        uint4 held[AT_ONCE];
#pragma unroll
        for (int j = 0; j < AT_ONCE; j++) {
            int i = first + j * THREADS;
            held[j] = NORMED && i == threadIdx.x ? own : i < pieces ? ((const uint4 *)k.x)[i] : make_uint4(0, 0, 0, 0);
        }
#pragma unroll 1
        for (int i = first; i < min(room, first + AT_ONCE * THREADS); i += THREADS) {
            x[i] = NORMED && i < pieces ? normed_piece<S>(k.around, held[0], i, scale) : held[0];
#pragma unroll
            for (int j = 1; j < AT_ONCE; j++) held[j - 1] = held[j];
        }
    }
}

template <class S, int ROWS, int DEPTH, int SPLIT, bool NORMED>
__global__ void __launch_bounds__(THREADS, 2) multiply_vector(const __grid_constant__ vector_kernel k) {
    enum { TEAMS = WARPS / SPLIT };
    extern __shared__ uint4 x[];
    const int pieces = (int)k.k / PIECE<S>, rows = (int)k.part.rows;
    const int lane = threadIdx.x % 32, warp = warp_number(), count = (pieces + 31) / 32, team = warp / SPLIT,
              part = warp % SPLIT;
    const int first = count * part / SPLIT, end = count * (part + 1) / SPLIT;
    const int mine = team * gridDim.x + blockIdx.x, teams = TEAMS * gridDim.x;
    const int steps = (k.rounds - (mine >= k.longer_teams)) * (end - first);
    float *sums = (float *)(x + count * 32); /* [round][team][row][part] */

    uint4 w[DEPTH][ROWS];
    const uint4 *from[ROWS];
    int unread = steps, load_step = end, load_row = mine * ROWS;
    auto load = [&](int slot) {
        if (unread-- <= 0) return;
        if (load_step == end) {
            load_step = first;
#pragma unroll
            for (int r = 0; r < ROWS; r++) {
                int row = row_of(k, min(load_row + r, rows - 1));
                from[r] = (const uint4 *)((const S *)k.part.weight + row * k.part.step);
            }
            load_row += teams * ROWS;
        }
        int piece = load_step * 32 + lane;
#pragma unroll
        for (int r = 0; r < ROWS; r++)
            w[slot][r] = piece < pieces ? stream_piece(from[r] + piece) : make_uint4(0, 0, 0, 0);
        load_step++;
    };

    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < DEPTH; i++) load(i);
    if (NORMED) fetch_norm_weight(k.around, pieces);
    if (k.early) await_previous();
    if (k.around.after == AFTER_ADD && lane == 0 && part == 0 && mine * ROWS < rows)
        fetch((const S *)k.around.other + mine * ROWS);
    bring_x<S, NORMED>(k, x, pieces, count * 32);
    __syncthreads();

    float sum[ROWS] = {}, *sum_to = sums + (team * ROWS + lane) * SPLIT + part;
    int step = first;
#pragma unroll 1
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
                if (lane == r) *sum_to = sum[r];
                sum[r] = 0;
            }
            sum_to += TEAMS * ROWS * SPLIT; /* of the next round */
            step = first;
        }
    }
    __syncthreads();

    const int most = (k.rounds - (blockIdx.x >= k.longer_teams)) * TEAMS * ROWS;
#pragma unroll 1
    for (int i = threadIdx.x; i < most; i += THREADS) {
        const int j = ((i / (TEAMS * ROWS) * TEAMS + i / ROWS % TEAMS) * gridDim.x + blockIdx.x) * ROWS + i % ROWS;
        float product = 0;
#pragma unroll
        for (int p = 0; p < SPLIT; p++) product += sums[i * SPLIT + p];
        if (k.around.after == AFTER_GATE) {
            float through = __shfl_down_sync(__activemask(), product, 1);
            if (j < rows && j % 2 == 0) end_pair<S>(k.around, k.part.to, j / 2, rows / 2, product, through);
        } else if (j < rows) {
            const S other = k.around.after == AFTER_ADD ? ((const S *)k.around.other)[j] : S();
            end_row<S>(k.around, k.part.to, j, product, other);
        }
    }
}

/* Many rows leave every warp busy with its own; of few, teams of warps share out k, so that all have as much to do. */
template <class S, bool NORMED> static void launch_normed(vector_kernel k, kernel_stream stream) {
    enum { MOST_ROUNDS = 64 };
    int most = 2 * cuda_processors(), count = (int)((k.k / PIECE<S> + 31) / 32);
    bool many = k.part.rows >= 4 * WARPS * (i64)most, split = !many && count >= 8;
    int rows = many ? 4 : 2, teams = split ? WARPS / 4 : WARPS, sets = (int)((k.part.rows + rows - 1) / rows);
    int blocks = sets < most ? sets : most, least = (sets + teams * MOST_ROUNDS - 1) / (teams * MOST_ROUNDS);
    if (blocks < least) blocks = least;
    k.rounds = (sets + teams * blocks - 1) / (teams * blocks);
    k.longer_teams = sets - (k.rounds - 1) * teams * blocks;
    size_t bytes = (size_t)(count * 32) * sizeof(uint4) + (size_t)(k.rounds * WARPS * rows) * sizeof(float);
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
