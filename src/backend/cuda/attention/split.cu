/* Attention of few queries: keys are cut into parts of a fixed number, a block for each part and kv head; a second
 * kernel folds the parts. */
#include "cuda/attention/split.cuh"

template <class S, int LANES, int QUERIES>
__global__ void __launch_bounds__(THREADS) attend_part(const __grid_constant__ attention_kernel k) {
    constexpr int WIDTH = LANES * 8;
    extern __shared__ float shared[];
    float *values = shared;
    float2 *tops = (float2 *)(shared + WARPS * QUERIES * WIDTH);
    int at = threadIdx.x % LANES * 8;
    begin();
    block_queries<S, QUERIES> q;
    q.find(k);
    i64 low = blockIdx.x * k.part_keys, high = low + k.part_keys;
    low = low > q.begins ? low : q.begins;
    high = high < q.ends ? high : q.ends;
    const S *keys = (const S *)k.k + q.batch * k.k_strides[0] + q.kv_head * k.k_strides[1];
    const S *all = (const S *)k.v + q.batch * k.v_strides[0] + q.kv_head * k.v_strides[1];
    const key_walk walk = {
        (int)low + (int)threadIdx.x / LANES, (int)low, THREADS / LANES, (int)low, (int)high, (int)high, false};
    key_batch<S, LANES> ahead;
    if (low < high) ahead.read(k, keys, all, walk, 0);
    float own[QUERIES][8];
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        const S *from =
            (const S *)k.q + q.batch * k.q_strides[0] + q.of[j].head * k.q_strides[1] + q.of[j].row * k.q_strides[2];
#pragma unroll
        for (int i = 0; i < 8; i++) own[j][i] = at < k.dim ? widen(from[at + i]) * (float)k.scale : 0;
    }
    running_sums<QUERIES> r;
    walk_keys<S, LANES, QUERIES>(k, q, own, keys, all, walk, ahead, r);
    leave_sums<LANES, QUERIES>(r, values, tops);
    for (int e = threadIdx.x; e < QUERIES * WIDTH; e += THREADS) {
        int j = e / WIDTH;
        if (q.first + j >= q.all) break;
        i64 row, head_in_group = divide(q.first + j, k.rows, &row);
        i64 number = (q.batch * k.heads + q.kv_head * q.group + head_in_group) * k.rows + row;
        float *to = k.partial + (number * k.parts + blockIdx.x) * (k.value_dim + 2);
        folded all = fold_warps<WIDTH, QUERIES>(values, tops, j, e % WIDTH);
        if (e % WIDTH < k.value_dim) to[2 + e % WIDTH] = all.value;
        if (e % WIDTH == 0) to[0] = all.top, to[1] = all.sum;
    }
}

/* ---- the parts of a query: a thread for each element, that reads all parts' tops by itself */
template <class S> __global__ void __launch_bounds__(256) join_parts(const __grid_constant__ attention_kernel k) {
    i64 step = k.value_dim + 2, row, head, batch = divide(divide(blockIdx.x, k.rows, &row), k.heads, &head);
    begin();
    query<float> q = query_at<float>(k, batch, head, row);
    const float *from = k.partial + blockIdx.x * k.parts * step;
    int first = (int)(first_key(k, q) / k.part_keys), parts = (int)((last_key(k, q) + k.part_keys - 1) / k.part_keys);
    float sink = k.sinks ? (float)widen(((const S *)k.sinks)[head * k.sink_step]) : -INFINITY, top = sink;
#pragma unroll 8
    for (int p = first; p < parts; p++) top = fmaxf(top, from[p * step]);
    float sum = k.sinks ? weight_of(sink, top) : 0, value = 0;
#pragma unroll 8
    for (int p = first; p < parts; p++) {
        float weight = weight_of(from[p * step], top);
        sum = fmaf(weight, from[p * step + 1], sum);
        value = fmaf(weight, from[p * step + 2 + (threadIdx.x < k.value_dim ? threadIdx.x : 0)], value);
    }
    if (threadIdx.x < k.value_dim) narrow((S *)k.to + blockIdx.x * k.value_dim + threadIdx.x, value / sum);
}

template <class S, int LANES, int QUERIES> static void launch_queries(const attention_kernel *k, kernel_stream stream) {
    i64 queries = k->heads / k->kv_heads * k->rows;
    size_t bytes = (size_t)WARPS * QUERIES * (LANES * 8 + 2) * sizeof(float);
    dim3 blocks((unsigned)k->parts, (unsigned)(k->batch * k->kv_heads), (unsigned)((queries + QUERIES - 1) / QUERIES));
    allow_shared(attend_part<S, LANES, QUERIES>, bytes);
    start(attend_part<S, LANES, QUERIES>, blocks, THREADS, bytes, stream, *k);
    unsigned threads = ((unsigned)k->value_dim + 31) / 32 * 32;
    start(join_parts<S>, (unsigned)(k->batch * k->heads * k->rows), threads, 0, stream, *k);
}

template <class S, int LANES> static void launch_lanes(const attention_kernel *k, kernel_stream stream) {
    i64 queries = k->heads / k->kv_heads * k->rows;
    queries == 1   ? launch_queries<S, LANES, 1>(k, stream)
    : queries <= 4 ? launch_queries<S, LANES, 4>(k, stream)
                   : launch_queries<S, LANES, 8>(k, stream);
}

template <class S> static void launch(const attention_kernel *k, kernel_stream stream) {
    i64 dim = k->dim > k->value_dim ? k->dim : k->value_dim;
    dim <= 64    ? launch_lanes<S, 8>(k, stream)
    : dim <= 128 ? launch_lanes<S, 16>(k, stream)
                 : launch_lanes<S, 32>(k, stream);
}

void launch_split_attention(const attention_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(k, stream))
        CASE(D_BF16, bfloat16, launch<type>(k, stream))
        CASE(D_F32, float, launch<type>(k, stream))
    }
}
