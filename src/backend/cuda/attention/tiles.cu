/* Attention of many queries on the matrix units: a block takes ROWS queries of a head, its four warps 16 * TILES each,
   and walks over the keys KEYS at a time, the next ones on their way into shared memory meanwhile. Scores stay in
   registers, where they become the left factor of the product with the values; the softmax is kept up as keys pass, in
   powers of two. */
#include "cuda/attention/tile.cuh"
#include "cuda/shared.cuh"

/* ---- the state of a warp's rows. A lane has, of each 16 rows, rows lane / 4 and that + 8, two columns of every eight.
 */
template <int DIM, int TILES> struct warp_rows { float top[TILES][2], sum[TILES][2], values[TILES][DIM / 8][4]; };

/* Scores become weights; sums and values fade. unit: what a score is multiplied by to be a power of two. */
template <int DIM, int TILES>
DEVICE void weigh(warp_rows<DIM, TILES> &r, float (&scores)[TILES][KEYS / 8][4], float unit, bool masked) {
#pragma unroll
    for (int t = 0; t < TILES; t++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float top = r.top[t][h];
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++) top = fmaxf(top, fmaxf(scores[t][n][2 * h], scores[t][n][2 * h + 1]));
            top = fmaxf(top, from_lane(top, 1));
            top = fmaxf(top, from_lane(top, 2));
            bool none = top <= LOWEST; /* nothing that is not hidden was seen yet */
            float offset = none ? 0 : top * unit,
                  fade = r.top[t][h] <= LOWEST ? (none ? 1.0f : 0.0f) : power_of_two(r.top[t][h] * unit - offset),
                  sum = 0;
            r.top[t][h] = top;
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
                for (int i = 2 * h; i < 2 * h + 2; i++) {
                    float weight = power_of_two(fmaf(scores[t][n][i], unit, -offset));
                    if (masked && none) weight = scores[t][n][i] == LOWEST ? 1.0f : 0.0f;
                    sum += scores[t][n][i] = weight;
                }
            r.sum[t][h] = r.sum[t][h] * fade + sum;
#pragma unroll
            for (int n = 0; n < DIM / 8; n++) r.values[t][n][2 * h] *= fade, r.values[t][n][2 * h + 1] *= fade;
        }
}

/* Relative to the first key of the tile: how many keys there are, where the lane's first row stands, how many it sees.
 */
template <int TILES> DEVICE void hide(float (&scores)[TILES][KEYS / 8][4], int count, int position, int reach) {
    int column = threadIdx.x % 4 * 2;
#pragma unroll
    for (int t = 0; t < TILES; t++)
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int key = n * 8 + column + i % 2, own = position + t * 16 + i / 2 * 8;
                if (key > own || key <= own - reach) scores[t][n][i] = LOWEST;
                if (key >= count) scores[t][n][i] = -INFINITY;
            }
}

template <class S, int DIM, int TILES>
__global__ void __launch_bounds__(THREADS) attend_tiles(const __grid_constant__ attention_kernel k) {
    constexpr int ROWS = 16 * WARPS * TILES;
    extern __shared__ uint4 shared[];
    u32 queries = shared_address(shared), keys = queries + ROWS * DIM * 2, values = keys + 2 * KEYS * DIM * 2;
    const u32 tile_bytes = KEYS * DIM * 2;
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    i64 head = blockIdx.y, batch = blockIdx.z, first_row = (gridDim.x - 1 - blockIdx.x) * (i64)ROWS,
        kv_head = head / (k.heads / k.kv_heads);
    begin();
    query<float> q = query_at<float>(k, batch, head, 0), low = q, high = q;
    i64 rows = k.rows - first_row < ROWS ? k.rows - first_row : ROWS;
    low.position += first_row;
    high.position += first_row + rows - 1;
    int begins = sees_own(k, low) ? (int)first_key(k, low) / KEYS * KEYS : 0, count = (int)q.count;
    int ends = sees_own(k, low) ? (int)last_key(k, high) : count, far = 1 << 29;
    int own = k.causal ? (int)low.position + warp * TILES * 16 + lane / 4 : far,
        reach = k.causal && k.window && k.window < far ? (int)k.window : 2 * far;
    int nearest = k.causal ? (int)low.position : far, farthest = k.causal ? (int)high.position - reach : -1;
    const S *qs = (const S *)k.q + batch * k.q_strides[0] + head * k.q_strides[1];
    const S *ks = (const S *)k.k + batch * k.k_strides[0] + kv_head * k.k_strides[1];
    const S *vs = (const S *)k.v + batch * k.v_strides[0] + kv_head * k.v_strides[1];
    warp_rows<DIM, TILES> r;
    float unit = (float)(k.scale * 1.44269504088896340736), start_top = LOWEST * 2;
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        r.top[t][0] = r.top[t][1] = start_top;
        r.sum[t][0] = r.sum[t][1] = 0;
#pragma unroll
        for (int n = 0; n < DIM / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) r.values[t][n][i] = 0;
    }
    copy_tile<S, DIM>(queries, qs, k.q_strides[2], (int)first_row, (int)k.rows, ROWS, (int)k.dim);
    copy_tile<S, DIM>(keys, ks, k.k_strides[2], begins, count, KEYS, (int)k.dim);
    end_copies();
    copy_tile<S, DIM>(values, vs, k.v_strides[2], begins, count, KEYS, (int)k.dim);
    end_copies();
    int turn = 0;
    for (int first = begins; first < ends; first += KEYS, turn ^= 1) {
        await_copies<1>();
        __syncthreads();
        if (first + KEYS < ends)
            copy_tile<S, DIM>(keys + (turn ^ 1) * tile_bytes, ks, k.k_strides[2], first + KEYS, count, KEYS,
                              (int)k.dim);
        end_copies();
        float scores[TILES][KEYS / 8][4];
        score_tile<S, DIM, TILES>(scores, queries, keys + turn * tile_bytes, warp, lane);
        bool masked = first + KEYS > count || first + KEYS - 1 > nearest || first <= farthest;
        if (masked) hide<TILES>(scores, count - first, own - first, reach);
        weigh<DIM, TILES>(r, scores, unit, masked);
        await_copies<1>();
        __syncthreads();
        if (first + KEYS < ends)
            copy_tile<S, DIM>(values + (turn ^ 1) * tile_bytes, vs, k.v_strides[2], first + KEYS, count, KEYS,
                              (int)k.dim);
        end_copies();
        add_values<S, DIM, TILES>(r.values, scores, values + turn * tile_bytes, lane);
    }
    float sink = k.sinks ? (float)widen(((const S *)k.sinks)[head * k.sink_step]) * 1.44269504f : 0;
#pragma unroll
    for (int t = 0; t < TILES; t++)
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float sum = r.sum[t][h], scale;
            sum += from_lane(sum, 1);
            sum += from_lane(sum, 2);
            if (k.sinks) sum = r.top[t][h] <= LOWEST ? INFINITY : sum + power_of_two(sink - r.top[t][h] * unit);
            scale = 1 / sum;
            i64 row = first_row + (warp * TILES + t) * 16 + lane / 4 + h * 8;
            if (row >= k.rows) continue;
            S *to = (S *)k.to + ((batch * k.heads + head) * k.rows + row) * k.dim;
#pragma unroll
            for (int n = 0; n < DIM / 8; n++) {
                int column = n * 8 + lane % 4 * 2;
                if (column < k.dim)
                    *(u32 *)(to + column) =
                        pair_of(r.values[t][n][2 * h] * scale, r.values[t][n][2 * h + 1] * scale, S());
            }
        }
}

template <class S, int DIM, int TILES> static void launch_dim(const attention_kernel *k, kernel_stream stream) {
    constexpr int ROWS = 16 * WARPS * TILES;
    size_t bytes = (size_t)(ROWS + 4 * KEYS) * DIM * 2;
    allow_shared(attend_tiles<S, DIM, TILES>, bytes);
    dim3 blocks((unsigned)((k->rows + ROWS - 1) / ROWS), (unsigned)k->heads, (unsigned)k->batch);
    start(attend_tiles<S, DIM, TILES>, blocks, THREADS, bytes, stream, *k);
}

template <class S> static void launch(const attention_kernel *k, kernel_stream stream) {
    bool few =
        (k->rows + 127) / 128 * k->heads * k->batch < 2 * cuda_processors(); /* blocks: smaller ones leave none idle */
    if (k->dim <= 64)
        few ? launch_dim<S, 64, 1>(k, stream) : launch_dim<S, 64, 2>(k, stream);
    else if (k->dim <= 128)
        few ? launch_dim<S, 128, 1>(k, stream) : launch_dim<S, 128, 2>(k, stream);
    else
        launch_dim<S, 256, 1>(k, stream);
}

void launch_tile_attention(const attention_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(k, stream))
        CASE(D_BF16, bfloat16, launch<type>(k, stream))
    }
}
