/* Attention, a block for each query: keys in tiles, a warp for each key's score, a thread for each element of the sum of values; the softmax
   is kept up as tiles pass. The meaning of masks is that of ops/fused/attention.c. */
#include "cuda/device.cuh"

enum { WARPS = 4, THREADS = 32 * WARPS, TILE = 64, MOST_PARTS = 4 };

struct both {
    template <class T> __device__ T operator()(T a, T b) const {
        return a + b;
    }
};

template <class T> struct query {
    i64 batch, head, row, count, position; /* keys that exist; where the query stands among them */
    T lowest;
};

template <class T> DEVICE T mask_score(const attention_kernel &k, const query<T> &q, i64 key, T score) {
    if (k.causal && (key > q.position || (k.window && key <= q.position - k.window))) score = q.lowest;
    if (!k.mask) return score;
    i64 at = q.batch * k.mask_strides[0] + q.head * k.mask_strides[1] + q.row * k.mask_strides[2] + key * k.mask_strides[3];
    switch (k.mask_dtype) {
    case D_BOOL:
        return ((const unsigned char *)k.mask)[at] ? score : q.lowest;
    case D_F16:
        return score + widen(((const float16 *)k.mask)[at]);
    case D_BF16:
        return score + widen(((const bfloat16 *)k.mask)[at]);
    case D_F32:
        return score + (T)((const float *)k.mask)[at];
    default:
        return score + (T)((const double *)k.mask)[at];
    }
}

/* The keys that can count: where nothing but causality hides any, hidden ones have no weight once one is seen. */
template <class T> DEVICE i64 first_key(const attention_kernel &k, const query<T> &q) {
    bool skips = k.causal && k.window && !k.mask && q.position >= 0 && q.position < q.count;
    return skips && q.position - k.window + 1 > 0 ? (q.position - k.window + 1) / TILE * TILE : 0;
}
template <class T> DEVICE i64 last_key(const attention_kernel &k, const query<T> &q) {
    return k.causal && !k.mask && q.position >= 0 && q.position < q.count ? q.position + 1 : q.count;
}

template <class S> __global__ void __launch_bounds__(THREADS) attend(const __grid_constant__ attention_kernel k) {
    typedef decltype(widen(S())) T;
    extern __shared__ double shared[];
    __shared__ T scores[TILE], room[32];
    T *own = (T *)shared;
    query<T> q;
    q.batch = divide(divide(blockIdx.x, k.rows, &q.row), k.heads, &q.head);
    q.count = k.length ? integer_at(k.length, q.batch * k.length_step, k.length_dtype) : k.keys;
    q.position = q.count - k.rows + q.row;
    q.count = q.count < 0 ? 0 : q.count > k.keys ? k.keys : q.count;
    q.lowest = sizeof(T) == 8 ? (T)-1.7976931348623157e308 : (T)-3.402823466e38f;
    i64 kv_head = q.head / (k.heads / k.kv_heads);
    const S *qs = (const S *)k.q + q.batch * k.q_strides[0] + q.head * k.q_strides[1] + q.row * k.q_strides[2];
    const S *ks = (const S *)k.k + q.batch * k.k_strides[0] + kv_head * k.k_strides[1];
    const S *vs = (const S *)k.v + q.batch * k.v_strides[0] + kv_head * k.v_strides[1];
    for (i64 i = threadIdx.x; i < k.dim; i += THREADS) own[i] = (T)widen(qs[i]) * (T)k.scale;
    T top = k.sinks ? (T)widen(((const S *)k.sinks)[q.head * k.sink_step]) : (T)-INFINITY, sum = k.sinks ? 1 : 0, parts[MOST_PARTS] = {0};
    i64 end = last_key(k, q);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    for (i64 tile = first_key(k, q); tile < end; tile += TILE) {
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
    for (int p = 0; p < MOST_PARTS && p * THREADS + threadIdx.x < k.value_dim; p++) narrow(to + p * THREADS + threadIdx.x, parts[p] / sum);
}

void launch_attention(const attention_kernel *k, kernel_stream stream) {
    unsigned blocks = (unsigned)(k->batch * k->heads * k->rows), bytes = (unsigned)k->dim * 8;
    FLOATS(k->dtype, attend<type><<<blocks, THREADS, bytes, stream>>>(*k))
}
