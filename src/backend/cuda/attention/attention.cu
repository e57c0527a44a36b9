/* Attention, a block for each query: keys in tiles, a warp for each key's score, a thread for each element of the sum
   of values; the softmax is kept up as tiles pass. The meaning of masks is that of ops/fused/attention.c. */
#include "cuda/attention/masks.cuh"

enum { WARPS = 4, THREADS = 32 * WARPS, TILE = 64, MOST_PARTS = 4 };

struct both {
    template <class T> __device__ T operator()(T a, T b) const { return a + b; }
};

template <class S> __global__ void __launch_bounds__(THREADS) attend(const __grid_constant__ attention_kernel k) {
    typedef decltype(widen(S())) T;
    extern __shared__ double shared[];
    __shared__ T scores[TILE], room[32];
    T *own = (T *)shared;
    i64 row, head, batch = divide(divide(blockIdx.x, k.rows, &row), k.heads, &head);
    begin();
    query<T> q = query_at<T>(k, batch, head, row);
    i64 kv_head = q.head / (k.heads / k.kv_heads);
    const S *qs = (const S *)k.q + q.batch * k.q_strides[0] + q.head * k.q_strides[1] + q.row * k.q_strides[2];
    const S *ks = (const S *)k.k + q.batch * k.k_strides[0] + kv_head * k.k_strides[1];
    const S *vs = (const S *)k.v + q.batch * k.v_strides[0] + kv_head * k.v_strides[1];
    for (i64 i = threadIdx.x; i < k.dim; i += THREADS) own[i] = (T)widen(qs[i]) * (T)k.scale;
    T top = k.sinks ? (T)widen(((const S *)k.sinks)[q.head * k.sink_step]) : (T)-INFINITY, sum = k.sinks ? 1 : 0,
      parts[MOST_PARTS] = {0};
    i64 end = last_key(k, q);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (i64 tile = first_key(k, q) / TILE * TILE; tile < end; tile += TILE) {
        __syncthreads();
        for (int j = warp; j < TILE && tile + j < end; j += WARPS) {
            const S *key = ks + (tile + j) * k.k_strides[2];
            T dot = 0;
            for (i64 i = lane; i < k.dim; i += 32) dot += own[i] * (T)widen(key[i]);
            for (int step = 16; step; step /= 2) dot += __shfl_xor_sync(~0u, dot, step);
            if (lane == 0) scores[j] = mask_score(k, q, tile + j, dot);
        }
        __syncthreads();
        int count = end - tile < TILE ? (int)(end - tile) : TILE;
        T best = top;
        for (int j = 0; j < count; j++) best = language::max(best, scores[j]);
        T fade = best == (T)-INFINITY ? (T)1 : language::exp(top - best);
        __syncthreads();
        T weight = threadIdx.x < count ? language::exp(scores[threadIdx.x] - best) : (T)0;
        if (threadIdx.x < count) scores[threadIdx.x] = weight;
        sum = sum * fade + fold_block(weight, (T)0, room, both());
        top = best;
        for (int p = 0; p < MOST_PARTS && p * THREADS + threadIdx.x < k.value_dim; p++) {
            T part = parts[p] * fade;
            const S *v = vs + tile * k.v_strides[2] + p * THREADS + threadIdx.x;
            for (int j = 0; j < count; j++) part += scores[j] * (T)widen(v[j * k.v_strides[2]]);
            parts[p] = part;
        }
    }
    S *to = (S *)k.to + blockIdx.x * k.value_dim;
    for (int p = 0; p < MOST_PARTS && p * THREADS + threadIdx.x < k.value_dim; p++)
        narrow(to + p * THREADS + threadIdx.x, parts[p] / sum);
}

void launch_attention(const attention_kernel *k, kernel_stream stream) {
    unsigned blocks = (unsigned)(k->batch * k->heads * k->rows), bytes = (unsigned)k->dim * 8;
    FLOATS(k->dtype, start(attend<type>, blocks, THREADS, bytes, stream, *k))
}
