/* Attention of one new token, with what comes before it: query and key are rotated, key and value written into the cache. A cluster of blocks for
   each kv head, which share out the keys; the block whose keys the new one is among writes it. The parts are folded through the
   cluster's shared memory, so that one kernel does it all. */
#include <cooperative_groups.h>

#include "cuda/attention/split.cuh"
#include "cuda/norm/rope.cuh"

namespace groups = cooperative_groups;

/* Rotated as rope_rows does it, by all threads: rows of some queries, `step` elements apart, and behind them the key's. */
template <class S> DEVICE void rotate_heads(const rope_kernel &k, const S *queries, i64 step, int heads, const S *key, S *to, float position) {
    int half = (int)k.dims / 2, each = half + (int)(k.dim - k.dims);
    for (int e = threadIdx.x; e < (heads + 1) * each; e += THREADS) {
        int head = e / each, i = e % each;
        const S *x = head < heads ? queries + head * step : key;
        S *y = to + head * k.dim;
        if (i < half)
            rope_pair<S>(k, x, y, i, position);
        else
            y[k.dims + i - half] = x[k.dims + i - half];
    }
}

template <class S> DEVICE void copy_row(S *to, const S *from, i64 n) {
    for (i64 i = threadIdx.x; i < n; i += THREADS) to[i] = from[i];
}

/* Values of several blocks: element i of query j of all of them. parts: of each block, QUERIES times top, sum, values. */
template <class S, int WIDTH, int QUERIES> DEVICE void join_ranks(const attention_kernel &k, const block_queries<S, QUERIES> &q, float *parts) {
    groups::cluster_group cluster = groups::this_cluster();
    int ranks = (int)cluster.num_blocks(), count = q.all - q.first < QUERIES ? (int)(q.all - q.first) : QUERIES;
    for (int e = (int)cluster.block_rank() * THREADS + threadIdx.x; e < count * (int)k.value_dim; e += ranks * THREADS) {
        int j = e / (int)k.value_dim, i = e % (int)k.value_dim;
        i64 head = q.kv_head * q.group + q.first + j;
        float sink = k.sinks ? (float)widen(((const S *)k.sinks)[head * k.sink_step]) : -INFINITY, top = sink, tops[16], sums[16], values[16];
#pragma unroll
        for (int p = 0; p < 16; p++) { /* all at once: each is a way to another multiprocessor and back */
            tops[p] = -INFINITY, sums[p] = values[p] = 0;
            if (p >= ranks) continue;
            const float *part = cluster.map_shared_rank(parts, p) + j * (WIDTH + 2);
            tops[p] = part[0], sums[p] = part[1], values[p] = part[2 + i];
        }
#pragma unroll
        for (int p = 0; p < 16; p++) top = fmaxf(top, tops[p]);
        float sum = k.sinks ? weight_of(sink, top) : 0, value = 0;
#pragma unroll
        for (int p = 0; p < 16; p++) {
            float weight = weight_of(tops[p], top);
            sum = fmaf(weight, sums[p], sum);
            value = fmaf(weight, values[p], value);
        }
        narrow((S *)k.to + (q.batch * k.heads + head) * k.value_dim + i, value / sum);
    }
}

template <class S, int LANES, int QUERIES> __global__ void __launch_bounds__(THREADS) attend_cached(const __grid_constant__ cached_attention_kernel c) {
    constexpr int WIDTH = LANES * 8;
    const attention_kernel &k = c.attention;
    extern __shared__ uint4 shared[];
    S *rotated = (S *)shared; /* queries, then the key */
    float *values = (float *)(rotated + (QUERIES + 1) * k.dim), *parts = values + WARPS * QUERIES * WIDTH;
    float2 *tops = (float2 *)(parts + QUERIES * (WIDTH + 2));
    int at = threadIdx.x % LANES * 8, slot = threadIdx.x / LANES, rank = blockIdx.x, ranks = gridDim.x;
    block_queries<S, QUERIES> q;
    q.group = k.heads / k.kv_heads;
    q.batch = divide(blockIdx.y, k.kv_heads, &q.kv_head);
    q.first = blockIdx.z * QUERIES;
    q.all = q.group;
    int heads = q.all - q.first < QUERIES ? (int)(q.all - q.first) : QUERIES;
    i64 first_head = q.kv_head * q.group + q.first;
    begin();
    /* all on their way at once */
    int offset = *((const int *)c.rope.offset + q.batch * c.rope.offset_step), start = *((const int *)c.start + q.batch * c.start_step);
    query<float> own_query = query_at<float>(k, q.batch, first_head, 0);
    q.begins = first_key(k, own_query);
    q.ends = last_key(k, own_query);
    start = start > k.keys - 1 ? (int)k.keys - 1 : start < 0 ? 0 : start;
    u32 each = q.ends > q.begins ? ((u32)(q.ends - q.begins) + ranks - 1) / ranks : 1;
    bool owner = rank == (start >= q.begins && start < q.ends ? (int)((u32)(start - q.begins) / each) : 0);
    i64 low = q.begins + rank * (i64)each, high = low + each < q.ends ? low + each : q.ends;
    key_batch<S, LANES> ahead;
    if (low < high) ahead.read(k, q.batch, q.kv_head, low + slot, low, high);
    rotate_heads<S>(c.rope, (const S *)k.q + q.batch * k.q_strides[0] + first_head * k.q_strides[1], k.q_strides[1], heads,
                    (const S *)c.key + q.batch * c.key_strides[0] + q.kv_head * c.key_strides[1], rotated, (float)offset * (float)c.rope.scale);
    const S *key = rotated + heads * k.dim, *value = (const S *)c.value + q.batch * c.value_strides[0] + q.kv_head * c.value_strides[1];
    if (owner) copy_row((S *)k.v + q.batch * k.v_strides[0] + q.kv_head * k.v_strides[1] + start * k.v_strides[2], value, k.value_dim);
    __syncthreads();
    if (owner) {
        copy_row((S *)k.k + q.batch * k.k_strides[0] + q.kv_head * k.k_strides[1] + start * k.k_strides[2], key, k.dim);
        if (c.key_to) copy_row((S *)c.key_to + (q.batch * k.kv_heads + q.kv_head) * k.dim, key, k.dim);
        if (c.query_to) copy_row((S *)c.query_to + (q.batch * k.heads + first_head) * k.dim, (const S *)rotated, heads * k.dim);
#pragma unroll
        for (int a = 0; a < AHEAD; a++) { /* not as it was in the cache when that was read */
            if (ahead.place(low + slot, a, low, high) != start) continue;
            ahead.keys[a].read(key + (at < k.dim ? at : 0));
            ahead.values[a].read(value + (at < k.value_dim ? at : 0));
        }
        __syncthreads(); /* a later batch may read it */
    }
    float own[QUERIES][8];
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        q.of[j] = own_query;
        q.of[j].head = first_head + j;
#pragma unroll
        for (int i = 0; i < 8; i++) own[j][i] = at < k.dim && j < heads ? widen(rotated[j * k.dim + at + i]) * (float)k.scale : 0;
    }
    running_sums<QUERIES> r;
    walk_keys<S, LANES, QUERIES>(k, q, own, low, high, ahead, r);
    leave_sums<LANES, QUERIES>(r, values, tops);
    for (int e = threadIdx.x; e < heads * WIDTH; e += THREADS)
        fold_warps<WIDTH, QUERIES>(k, values, tops, e / WIDTH, e % WIDTH, parts + e / WIDTH * (WIDTH + 2));
    groups::this_cluster().sync();
    join_ranks<S, WIDTH, QUERIES>(k, q, parts);
    groups::this_cluster().sync(); /* nobody leaves while another reads its parts */
}

template <class S, int LANES, int QUERIES> static void launch_queries(const cached_attention_kernel *c, kernel_stream stream) {
    const attention_kernel *k = &c->attention;
    i64 queries = k->heads / k->kv_heads;
    size_t bytes = (size_t)(WARPS + 1) * QUERIES * (LANES * 8 + 2) * sizeof(float) + (size_t)(QUERIES + 1) * k->dim * sizeof(S);
    dim3 blocks((unsigned)c->ranks, (unsigned)(k->batch * k->kv_heads), (unsigned)((queries + QUERIES - 1) / QUERIES));
    allow_shared(attend_cached<S, LANES, QUERIES>, bytes);
    start_clusters(attend_cached<S, LANES, QUERIES>, blocks, THREADS, bytes, stream, *c);
}

template <class S, int LANES> static void launch_lanes(const cached_attention_kernel *c, kernel_stream stream) {
    i64 queries = c->attention.heads / c->attention.kv_heads;
    queries == 1   ? launch_queries<S, LANES, 1>(c, stream)
    : queries <= 4 ? launch_queries<S, LANES, 4>(c, stream)
                   : launch_queries<S, LANES, 8>(c, stream);
}

template <class S> static void launch(const cached_attention_kernel *c, kernel_stream stream) {
    i64 dim = c->attention.dim > c->attention.value_dim ? c->attention.dim : c->attention.value_dim;
    dim <= 64 ? launch_lanes<S, 8>(c, stream) : dim <= 128 ? launch_lanes<S, 16>(c, stream) : launch_lanes<S, 32>(c, stream);
}

void launch_cached_attention(const cached_attention_kernel *c, kernel_stream stream) {
    switch (c->attention.dtype) {
        CASE(D_F16, float16, launch<type>(c, stream))
        CASE(D_BF16, bfloat16, launch<type>(c, stream))
        CASE(D_F32, float, launch<type>(c, stream))
    }
}

int cached_attention_runs(void) {
    return cuda_clusters() && can_wait((const void *)attend_cached<float, 8, 1>);
}
