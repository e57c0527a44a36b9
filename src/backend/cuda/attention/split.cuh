/* What a block does with a part of the keys for up to QUERIES queries: it reads keys and values once. LANES lanes hold a key, 8 elements each, AHEAD
   keys in flight. */
#ifndef CUDA_ATTENTION_SPLIT_CUH
#define CUDA_ATTENTION_SPLIT_CUH

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

/* The queries of a block: heads of one kv head, rows within. */
template <class S, int QUERIES> struct block_queries {
    i64 batch, kv_head, group, first, all, begins, ends;
    query<float> of[QUERIES];

    DEVICE_MEMBER void find(const attention_kernel &k) {
        group = k.heads / k.kv_heads;
        batch = divide(blockIdx.y, k.kv_heads, &kv_head);
        all = group * k.rows;
        first = blockIdx.z * QUERIES;
        begins = INT64_MAX, ends = 0;
#pragma unroll
        for (int j = 0; j < QUERIES; j++) {
            i64 row, head = divide(first + j < all ? first + j : all - 1, k.rows, &row);
            of[j] = query_at<float>(k, batch, kv_head * group + head, row);
            i64 low = first_key(k, of[j]), high = last_key(k, of[j]);
            begins = low < begins ? low : begins;
            ends = high > ends ? high : ends;
        }
    }
};

/* AHEAD keys and values of a lane, SLOTS apart. */
template <class S, int LANES> struct key_batch {
    static constexpr int SLOTS = THREADS / LANES;
    eight<S> keys[AHEAD], values[AHEAD];

    /* Key a of those from `key` on; beyond the last one another takes its place. */
    static DEVICE_MEMBER i64 place(i64 key, int a, i64 low, i64 high) {
        return key + a * SLOTS < high ? key + a * SLOTS : low;
    }
    DEVICE_MEMBER void read_one(const attention_kernel &k, i64 batch, i64 head, i64 of, int a) {
        int at = threadIdx.x % LANES * 8;
        keys[a].read((const S *)k.k + batch * k.k_strides[0] + head * k.k_strides[1] + of * k.k_strides[2] + (at < k.dim ? at : 0));
        values[a].read((const S *)k.v + batch * k.v_strides[0] + head * k.v_strides[1] + of * k.v_strides[2] + (at < k.value_dim ? at : 0));
    }
    DEVICE_MEMBER void read(const attention_kernel &k, i64 batch, i64 head, i64 key, i64 low, i64 high) {
#pragma unroll
        for (int a = 0; a < AHEAD; a++) read_one(k, batch, head, place(key, a, low, high), a);
    }
};

/* Keys low .. high - 1, of which the first batch was read, for the queries own[j], whose 8 elements the lane has. */
template <class S, int LANES, int QUERIES>
DEVICE void walk_keys(const attention_kernel &k, const block_queries<S, QUERIES> &q, const float (&own)[QUERIES][8], i64 low, i64 high,
                      key_batch<S, LANES> &ahead, running_sums<QUERIES> &r) {
    constexpr int SLOTS = THREADS / LANES;
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        r.top[j] = -INFINITY;
        r.sum[j] = 0;
#pragma unroll
        for (int i = 0; i < 8; i++) r.values[j][i] = 0;
    }
    i64 begins = low + threadIdx.x / LANES;
    for (i64 key = begins; low + (key - begins) < high; key += SLOTS * AHEAD) {
        float scores[AHEAD][QUERIES];
        if (key > begins) ahead.read(k, q.batch, q.kv_head, key, low, high);
#pragma unroll
        for (int a = 0; a < AHEAD; a++)
#pragma unroll
            for (int j = 0; j < QUERIES; j++) {
                float dot = 0;
#pragma unroll
                for (int i = 0; i < 8; i++) dot = fmaf(own[j][i], ahead.keys[a].at(i), dot);
#pragma unroll
                for (int step = LANES / 2; step; step /= 2) dot += from_lane(dot, step);
                i64 of = key + a * SLOTS;
                bool exists = of < high && of < q.of[j].count;
                scores[a][j] = exists ? mask_score(k, q.of[j], of, dot) : -INFINITY;
            }
        add_keys<S, QUERIES>(r, scores, ahead.values);
    }
    fold_warp<LANES, QUERIES>(r);
}

/* What the warps have goes where fold_warps finds it. */
template <int LANES, int QUERIES> DEVICE void leave_sums(const running_sums<QUERIES> &r, float *values, float2 *tops) {
    int warp = threadIdx.x / 32, at = threadIdx.x % LANES * 8;
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        if (threadIdx.x % 32 >= LANES) break;
#pragma unroll
        for (int i = 0; i < 8; i++) values[(warp * QUERIES + j) * (LANES * 8) + at + i] = r.values[j][i];
        if (at == 0) tops[warp * QUERIES + j] = make_float2(r.top[j], r.sum[j]);
    }
    __syncthreads();
}

#endif
