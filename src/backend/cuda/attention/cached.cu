/* Attention of one new token, with what comes before it: query and key are rotated, key and value written into the
   cache. A cluster of blocks for each kv head, which share out the keys; the block whose keys the new one is among
   writes it. The parts go through the cluster's shared memory, so that one kernel does it all. */
#include "cuda/cluster.cuh"
#include "cuda/attention/split.cuh"
#include "cuda/norm/rope.cuh"

/* A rotated pair, or an element that stays as it is, is each thread's work; what a pair turns by is known before what
 * is turned. */
template <class S> struct rotation {
    int half, each; /* pairs of a head; with what stays */
    float cosine, sine;

    DEVICE_MEMBER void find(const rope_kernel &k, float position) {
        half = (int)k.dims / 2, each = half + (int)(k.dim - k.dims);
        rope_turn<S>(k, threadIdx.x % each, position, &cosine, &sine);
    }
    /* Some queries, whose rows are `step` elements apart, and behind them the key. */
    DEVICE_MEMBER void rotate(const rope_kernel &k, const S *queries, i64 step, int heads, const S *key, S *to,
                              float position) const {
        for (int e = threadIdx.x; e < (heads + 1) * each; e += THREADS) {
            int head = e / each, i = e % each;
            const S *x = head < heads ? queries + head * step : key;
            S *y = to + head * k.dim;
            float c = cosine, s = sine;
            if (i >= half) {
                y[k.dims + i - half] = x[k.dims + i - half];
                continue;
            }
            if (i != threadIdx.x % each) rope_turn<S>(k, i, position, &c, &s);
            rope_pair<S>(k, x, y, i, c, s);
        }
    }
};

template <class S> DEVICE void copy_row(S *to, const S *from, i64 n) {
    for (i64 i = threadIdx.x; i < n; i += THREADS) to[i] = from[i];
}

/* ---- parts of the blocks of a cluster. Each sends what it has to whom it concerns: block r joins elements r * each, …
 * of all queries' values. */
template <int QUERIES> struct exchange {
    enum { MOST = 16 };
    float *values; /* [block][each] */
    float2 *tops;  /* [block][QUERIES]: top, sum */
    int each;

    template <int WIDTH> DEVICE_MEMBER void send(const float *own, const float2 *own_tops, int heads, int dim) const {
        int rank = blockIdx.x, ranks = gridDim.x;
        for (int e = threadIdx.x; e < heads * dim; e += THREADS) {
            folded all = fold_warps<WIDTH, QUERIES>(own, own_tops, e / dim, e % dim);
            in_block(values, e / each)[rank * each + e % each] = all.value;
        }
        for (int e = threadIdx.x; e < heads * ranks; e += THREADS) {
            folded all = fold_warps<WIDTH, QUERIES>(own, own_tops, e / ranks, 0);
            in_block(tops, e % ranks)[rank * QUERIES + e / ranks] = make_float2(all.top, all.sum);
        }
    }
    template <class S> DEVICE_MEMBER void join(const attention_kernel &k, i64 batch, i64 first_head, int heads) const {
        int ranks = gridDim.x, dim = (int)k.value_dim;
        for (int i = threadIdx.x; i < each; i += THREADS) {
            int e = blockIdx.x * each + i, j = e / dim;
            if (e >= heads * dim) break;
            float sink = k.sinks ? (float)widen(((const S *)k.sinks)[(first_head + j) * k.sink_step]) : -INFINITY,
                  top = sink;
#pragma unroll
            for (int p = 0; p < MOST; p++)
                if (p < ranks) top = fmaxf(top, tops[p * QUERIES + j].x);
            float sum = k.sinks ? weight_of(sink, top) : 0, value = 0;
#pragma unroll
            for (int p = 0; p < MOST; p++) {
                if (p >= ranks) continue;
                float weight = weight_of(tops[p * QUERIES + j].x, top);
                sum = fmaf(weight, tops[p * QUERIES + j].y, sum);
                value = fmaf(weight, values[p * each + i], value);
            }
            narrow((S *)k.to + (batch * k.heads + first_head) * dim + e, value / sum);
        }
    }
};

/* Two blocks a multiprocessor, where that many registers do, find room beside those of a product. */
template <class S, int QUERIES> constexpr int BLOCKS = sizeof(S) == 2 && QUERIES <= 3 ? 2 : 1;

template <class S, int LANES, int QUERIES>
__global__ void __launch_bounds__(THREADS, BLOCKS<S, QUERIES>)
    attend_cached(const __grid_constant__ cached_attention_kernel c) {
    constexpr int WIDTH = LANES * 8, SLOTS = THREADS / LANES;
    const attention_kernel &k = c.attention;
    extern __shared__ uint4 shared[];
    S *rotated = (S *)shared; /* queries, then the key */
    float2 *tops = (float2 *)(rotated + (QUERIES + 1) * k.dim);
    float *values = (float *)(tops + WARPS * QUERIES);
    exchange<QUERIES> all_ranks;
    all_ranks.tops = (float2 *)(values + WARPS * QUERIES * WIDTH);
    all_ranks.values = (float *)(all_ranks.tops + all_ranks.MOST * QUERIES);
    const int at = threadIdx.x % LANES * 8, rank = blockIdx.x, ranks = gridDim.x;
    block_queries<S, QUERIES> q;
    q.group = k.heads / k.kv_heads;
    q.batch = divide(blockIdx.y, k.kv_heads, &q.kv_head);
    q.first = blockIdx.z * QUERIES;
    q.all = q.group;
    const int heads = q.all - q.first < QUERIES ? (int)(q.all - q.first) : QUERIES;
    const i64 first_head = q.kv_head * q.group + q.first;
    S *keys = (S *)k.k + q.batch * k.k_strides[0] + q.kv_head * k.k_strides[1],
      *all = (S *)k.v + q.batch * k.v_strides[0] + q.kv_head * k.v_strides[1];

    /* Which keys are a block's does not depend on how many there are, so that they are read early where nothing writes
     * them. */
    key_walk walk = {rank * SLOTS + (int)threadIdx.x / LANES, rank * SLOTS, ranks * SLOTS, 0, 0, (int)k.keys, false};
    key_batch<S, LANES> ahead;
    all_ranks.each = (heads * (int)k.value_dim + ranks - 1) / ranks;
    let_next_begin();
    begin_in_cluster();
    if (!c.early) await_previous();
    int start = *((const int *)c.start + q.batch * c.start_step);
    float position = (float)*((const int *)c.rope.offset + q.batch * c.rope.offset_step) * (float)c.rope.scale;
    ahead.read(k, keys, all, walk, 0);
    rotation<S> turn;
    turn.find(c.rope, position);
    if (c.early) await_previous();

    if (k.length) fetch((const char *)k.length + q.batch * k.length_step * (k.length_dtype == D_I64 ? 8 : 4));
    start = start > (int)k.keys - 1 ? (int)k.keys - 1 : start < 0 ? 0 : start;
    turn.rotate(c.rope, (const S *)k.q + q.batch * k.q_strides[0] + first_head * k.q_strides[1], k.q_strides[1], heads,
                (const S *)c.key + q.batch * c.key_strides[0] + q.kv_head * c.key_strides[1], rotated, position);
    const S *key = rotated + heads * k.dim,
            *value = (const S *)c.value + q.batch * c.value_strides[0] + q.kv_head * c.value_strides[1];
    const bool owner = rank == start / SLOTS % ranks;
    if (owner) copy_row(all + start * k.v_strides[2], value, k.value_dim);
    query<float> own_query = query_at<float>(k, q.batch, first_head, 0);
    walk.low = (int)first_key(k, own_query);
    walk.high = (int)last_key(k, own_query);
    walk.plain = !k.mask && (!k.causal || sees_own(k, own_query));
    __syncthreads();
    if (owner) {
        copy_row(keys + start * k.k_strides[2], key, k.dim);
        if (c.key_to) copy_row((S *)c.key_to + (q.batch * k.kv_heads + q.kv_head) * k.dim, key, k.dim);
        if (c.query_to)
            copy_row((S *)c.query_to + (q.batch * k.heads + first_head) * k.dim, (const S *)rotated, heads * k.dim);
#pragma unroll
        for (int a = 0; a < AHEAD; a++) { /* not as it was in the cache when that was read */
            if (ahead.key_of(walk, 0, a) != start) continue;
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
        for (int i = 0; i < 8; i++)
            own[j][i] = at < k.dim && j < heads ? widen(rotated[j * k.dim + at + i]) * (float)k.scale : 0;
    }
    running_sums<QUERIES> r;
    walk_keys<S, LANES, QUERIES>(k, q, own, keys, all, walk, ahead, r);
    leave_sums<LANES, QUERIES>(r, values, tops);
    await_cluster(); /* all have begun */
    all_ranks.template send<WIDTH>(values, tops, heads, (int)k.value_dim);
    arrive_in_cluster();
    await_cluster();
    all_ranks.template join<S>(k, q.batch, first_head, heads);
}

template <class S, int LANES, int QUERIES>
static void launch_queries(const cached_attention_kernel *c, kernel_stream stream) {
    const attention_kernel *k = &c->attention;
    i64 queries = k->heads / k->kv_heads;
    enum { MOST = exchange<QUERIES>::MOST };
    size_t bytes = (size_t)(QUERIES + 1) * k->dim * sizeof(S) + (size_t)(WARPS + MOST) * QUERIES * sizeof(float2) +
                   (size_t)((WARPS + 1) * QUERIES * LANES * 8 + MOST) * sizeof(float);
    dim3 blocks((unsigned)c->ranks, (unsigned)(k->batch * k->kv_heads), (unsigned)((queries + QUERIES - 1) / QUERIES));
    allow_shared(attend_cached<S, LANES, QUERIES>, bytes);
    start_clusters(attend_cached<S, LANES, QUERIES>, blocks, THREADS, bytes, stream, *c);
}

template <class S, int LANES> static void launch_lanes(const cached_attention_kernel *c, kernel_stream stream) {
    i64 queries = c->attention.heads / c->attention.kv_heads;
    queries == 1   ? launch_queries<S, LANES, 1>(c, stream)
    : queries == 3 ? launch_queries<S, LANES, 3>(c, stream)
    : queries <= 4 ? launch_queries<S, LANES, 4>(c, stream)
                   : launch_queries<S, LANES, 8>(c, stream);
}

template <class S> static void launch(const cached_attention_kernel *c, kernel_stream stream) {
    i64 dim = c->attention.dim > c->attention.value_dim ? c->attention.dim : c->attention.value_dim;
    dim <= 64    ? launch_lanes<S, 8>(c, stream)
    : dim <= 128 ? launch_lanes<S, 16>(c, stream)
                 : launch_lanes<S, 32>(c, stream);
}

int launch_cached_attention(const cached_attention_kernel *c, kernel_stream stream) {
    if (launch_step_attention(c, stream)) return 1;
    switch (c->attention.dtype) {
        CASE(D_F16, float16, launch<type>(c, stream))
        CASE(D_BF16, bfloat16, launch<type>(c, stream))
        CASE(D_F32, float, launch<type>(c, stream))
    }
    return 0;
}
