/* Attention of few queries: keys are cut into parts of a fixed number, a block for each part and kv head, which reads its keys and values once for
   up to QUERIES queries; a second kernel folds the parts. In a block LANES lanes hold a key, 8 elements each, AHEAD keys in flight. */
#include "cuda/attention/masks.cuh"

enum { WARPS = 8, THREADS = 32 * WARPS, AHEAD = 4 };
#define LOG2E 1.44269504088896340736f

/* 8 elements, as they lie in memory. */
template <class S> struct eight {
    uint4 pieces[8 / PIECE<S>];

    DEVICE_MEMBER void read(const S *from) {
#pragma unroll
        for (int p = 0; p < 8 / PIECE<S>; p++) pieces[p] = ((const uint4 *)from)[p];
    }
    DEVICE_MEMBER float at(int i) const {
        return widen(((const S *)&pieces[i / PIECE<S>])[i % PIECE<S>]);
    }
};

/* exp(a - b), 0 for a score that does not exist. */
DEVICE float weight_of(float a, float b) {
    return a == -INFINITY ? 0.0f : exp2f((a - b) * LOG2E);
}

template <int QUERIES> struct running_sums {
    float top[QUERIES], sum[QUERIES], values[QUERIES][8];
};

template <class S, int QUERIES>
DEVICE void add_keys(running_sums<QUERIES> &r, const float (&scores)[AHEAD][QUERIES], const eight<S> (&values)[AHEAD]) {
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        float top = r.top[j];
#pragma unroll
        for (int a = 0; a < AHEAD; a++) top = fmaxf(top, scores[a][j]);
        float fade = weight_of(r.top[j], top);
        r.top[j] = top;
        r.sum[j] *= fade;
#pragma unroll
        for (int i = 0; i < 8; i++) r.values[j][i] *= fade;
#pragma unroll
        for (int a = 0; a < AHEAD; a++) {
            float weight = weight_of(scores[a][j], top);
            r.sum[j] += weight;
#pragma unroll
            for (int i = 0; i < 8; i++) r.values[j][i] = fmaf(weight, values[a].at(i), r.values[j][i]);
        }
    }
}

/* The slots of a warp folded: its first slot's lanes have what all of them had. */
template <int LANES, int QUERIES> DEVICE void fold_warp(running_sums<QUERIES> &r) {
#pragma unroll
    for (int step = 16; step >= LANES; step /= 2)
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            float other = from_lane(r.top[j], step), top = fmaxf(r.top[j], other), own = weight_of(r.top[j], top), its = weight_of(other, top);
            r.sum[j] = own * r.sum[j] + its * from_lane(r.sum[j], step);
            r.top[j] = top;
#pragma unroll
            for (int i = 0; i < 8; i++) r.values[j][i] = own * r.values[j][i] + its * from_lane(r.values[j][i], step);
        }
}

/* What the warps have, folded: element i of query j, and for i = 0 its top and sum. */
template <int WIDTH, int QUERIES> DEVICE void fold_warps(const attention_kernel &k, const float *values, const float2 *tops, int j, int i, float *to) {
    float top = -INFINITY, sum = 0, value = 0;
#pragma unroll
    for (int w = 0; w < WARPS; w++) top = fmaxf(top, tops[w * QUERIES + j].x);
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
        float fade = weight_of(tops[w * QUERIES + j].x, top);
        sum += fade * tops[w * QUERIES + j].y;
        value += fade * values[(w * QUERIES + j) * WIDTH + i];
    }
    if (i < k.value_dim) to[2 + i] = value;
    if (i == 0) to[0] = top, to[1] = sum;
}

template <class S, int LANES, int QUERIES> __global__ void __launch_bounds__(THREADS) attend_part(const __grid_constant__ attention_kernel k) {
    constexpr int SLOTS = THREADS / LANES, WIDTH = LANES * 8;
    extern __shared__ float shared[];
    float *values = shared;
    float2 *tops = (float2 *)(shared + WARPS * QUERIES * WIDTH);
    i64 group = k.heads / k.kv_heads, kv_head, batch = divide(blockIdx.y, k.kv_heads, &kv_head), all = group * k.rows, first = blockIdx.z * QUERIES;
    int slot = threadIdx.x / LANES, at = threadIdx.x % LANES * 8;
    begin();
    query<float> queries[QUERIES];
    float own[QUERIES][8];
    i64 begins = INT64_MAX, ends = 0;
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        i64 row, head = divide(first + j < all ? first + j : all - 1, k.rows, &row);
        queries[j] = query_at<float>(k, batch, kv_head * group + head, row);
        i64 low = first_key(k, queries[j]), high = last_key(k, queries[j]);
        begins = low < begins ? low : begins;
        ends = high > ends ? high : ends;
        const S *q = (const S *)k.q + batch * k.q_strides[0] + (kv_head * group + head) * k.q_strides[1] + row * k.q_strides[2];
#pragma unroll
        for (int i = 0; i < 8; i++) own[j][i] = at < k.dim ? widen(q[at + i]) * (float)k.scale : 0;
    }
    i64 low = blockIdx.x * k.part_keys, high = low + k.part_keys;
    low = low > begins ? low : begins;
    high = high < ends ? high : ends;
    running_sums<QUERIES> r;
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        r.top[j] = -INFINITY;
        r.sum[j] = 0;
#pragma unroll
        for (int i = 0; i < 8; i++) r.values[j][i] = 0;
    }
    const S *keys = (const S *)k.k + batch * k.k_strides[0] + kv_head * k.k_strides[1] + (at < k.dim ? at : 0);
    const S *sums = (const S *)k.v + batch * k.v_strides[0] + kv_head * k.v_strides[1] + (at < k.value_dim ? at : 0);
    for (i64 key = low + slot; key - slot < high; key += SLOTS * AHEAD) {
        eight<S> ks[AHEAD], vs[AHEAD];
        float scores[AHEAD][QUERIES];
#pragma unroll
        for (int a = 0; a < AHEAD; a++) {
            i64 of = key + a * SLOTS < high ? key + a * SLOTS : low;
            ks[a].read(keys + of * k.k_strides[2]);
            vs[a].read(sums + of * k.v_strides[2]);
        }
#pragma unroll
        for (int a = 0; a < AHEAD; a++)
#pragma unroll
            for (int j = 0; j < QUERIES; j++) {
                float dot = 0;
#pragma unroll
                for (int i = 0; i < 8; i++) dot = fmaf(own[j][i], ks[a].at(i), dot);
#pragma unroll
                for (int step = LANES / 2; step; step /= 2) dot += from_lane(dot, step);
                i64 of = key + a * SLOTS;
                bool exists = of < high && of < queries[j].count;
                scores[a][j] = exists ? mask_score(k, queries[j], of, dot) : -INFINITY;
            }
        add_keys<S, QUERIES>(r, scores, vs);
    }
    fold_warp<LANES, QUERIES>(r);
    int warp = threadIdx.x / 32;
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        if (threadIdx.x % 32 >= LANES) break;
#pragma unroll
        for (int i = 0; i < 8; i++) values[(warp * QUERIES + j) * WIDTH + at + i] = r.values[j][i];
        if (at == 0) tops[warp * QUERIES + j] = make_float2(r.top[j], r.sum[j]);
    }
    __syncthreads();
    for (int e = threadIdx.x; e < QUERIES * WIDTH; e += THREADS) {
        int j = e / WIDTH;
        if (first + j >= all) break;
        i64 row, head_in_group = divide(first + j, k.rows, &row);
        i64 number = (batch * k.heads + kv_head * group + head_in_group) * k.rows + row;
        fold_warps<WIDTH, QUERIES>(k, values, tops, j, e % WIDTH, k.partial + (number * k.parts + blockIdx.x) * (k.value_dim + 2));
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
    dim <= 64 ? launch_lanes<S, 8>(k, stream) : dim <= 128 ? launch_lanes<S, 16>(k, stream) : launch_lanes<S, 32>(k, stream);
}

void launch_split_attention(const attention_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(k, stream))
        CASE(D_BF16, bfloat16, launch<type>(k, stream))
        CASE(D_F32, float, launch<type>(k, stream))
    }
}
