/* What a block does with a part of the keys for up to QUERIES queries: it reads keys and values once. LANES lanes hold
   a key, 8 elements each, AHEAD keys in flight. */
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
    DEVICE_MEMBER void clear() {
#pragma unroll
        for (int p = 0; p < 8 / PIECE<S>; p++) pieces[p] = make_uint4(0, 0, 0, 0);
    }
    DEVICE_MEMBER float at(int i) const {
        return widen(((const S *)&pieces[i / PIECE<S>])[i % PIECE<S>]);
    }
};

/* exp(a - b), 0 for a score that does not exist. */
DEVICE float weight_of(float a, float b) {
    return a == -INFINITY ? 0.0f : exp2f((a - b) * LOG2E);
}

template <int QUERIES> struct running_sums { float top[QUERIES], sum[QUERIES], values[QUERIES][8]; };

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
            float other = from_lane(r.top[j], step), top = fmaxf(r.top[j], other), own = weight_of(r.top[j], top),
                  its = weight_of(other, top);
            r.sum[j] = own * r.sum[j] + its * from_lane(r.sum[j], step);
            r.top[j] = top;
#pragma unroll
            for (int i = 0; i < 8; i++) r.values[j][i] = own * r.values[j][i] + its * from_lane(r.values[j][i], step);
        }
}

/* What the warps have, folded: element i of query j, with the query's top and sum. */
struct folded {
    float top, sum, value;
};
template <int WIDTH, int QUERIES> DEVICE folded fold_warps(const float *values, const float2 *tops, int j, int i) {
    folded all = {-INFINITY, 0, 0};
#pragma unroll
    for (int w = 0; w < WARPS; w++) all.top = fmaxf(all.top, tops[w * QUERIES + j].x);
#pragma unroll
    for (int w = 0; w < WARPS; w++) {
        float fade = weight_of(tops[w * QUERIES + j].x, all.top);
        all.sum += fade * tops[w * QUERIES + j].y;
        all.value += fade * values[(w * QUERIES + j) * WIDTH + i];
    }
    return all;
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

/* The keys of a slot (LANES lanes): first, first + step, …, as far as they lie in low .. high - 1. `block` is the first
   one of the block's first slot; memory holds keys up to `room`. plain: all of them count as they are. */
struct key_walk {
    int first, block, step, low, high, room;
    bool plain;
};

/* AHEAD keys and values of a lane. */
template <class S, int LANES> struct key_batch {
    eight<S> keys[AHEAD], values[AHEAD];

    static DEVICE_MEMBER int key_of(const key_walk &walk, int batch, int a) {
        return walk.first + (batch * AHEAD + a) * walk.step;
    }
    /* Where there is no key, another one is read. */
    DEVICE_MEMBER void read(const attention_kernel &k, const S *key_rows, const S *value_rows, const key_walk &walk,
                            int batch) {
        int at = threadIdx.x % LANES * 8;
#pragma unroll
        for (int a = 0; a < AHEAD; a++) {
            i64 key = key_of(walk, batch, a);
            key = key < walk.room ? key : 0;
            keys[a].read(key_rows + key * k.k_strides[2] + (at < k.dim ? at : 0));
            values[a].read(value_rows + key * k.v_strides[2] + (at < k.value_dim ? at : 0));
        }
    }
};

/* The walk, whose first batch was read, for the queries own[j], of which the lane has 8 elements. */
template <class S, int LANES, int QUERIES>
DEVICE void walk_keys(const attention_kernel &k, const block_queries<S, QUERIES> &q, const float (&own)[QUERIES][8],
                      const S *key_rows, const S *value_rows, const key_walk &walk, key_batch<S, LANES> &ahead,
                      running_sums<QUERIES> &r) {
#pragma unroll
    for (int j = 0; j < QUERIES; j++) {
        r.top[j] = -INFINITY;
        r.sum[j] = 0;
#pragma unroll
        for (int i = 0; i < 8; i++) r.values[j][i] = 0;
    }
    int batch = walk.low > walk.block ? (walk.low - walk.block) / (AHEAD * walk.step) : 0;
    for (; walk.block + batch * AHEAD * walk.step < walk.high; batch++) {
        float scores[AHEAD][QUERIES];
        if (batch > 0) ahead.read(k, key_rows, value_rows, walk, batch);
#pragma unroll
        for (int a = 0; a < AHEAD; a++) {
            int key = ahead.key_of(walk, batch, a);
            bool inside = key >= walk.low && key < walk.high;
            if (walk.block + (batch * AHEAD + a) * walk.step >= walk.high) { /* of the whole block none is left */
#pragma unroll
                for (int j = 0; j < QUERIES; j++) scores[a][j] = -INFINITY;
                ahead.values[a].clear();
                continue;
            }
            if (!inside) ahead.values[a].clear(); /* may be anything, which no weight makes nothing of */
#pragma unroll
            for (int j = 0; j < QUERIES; j++) {
                float dot = 0;
#pragma unroll
                for (int i = 0; i < 8; i++) dot = fmaf(own[j][i], ahead.keys[a].at(i), dot);
#pragma unroll
                for (int step = LANES / 2; step; step /= 2) dot += from_lane(dot, step);
                if (!walk.plain) dot = key < q.of[j].count ? mask_score(k, q.of[j], key, dot) : -INFINITY;
                scores[a][j] = inside ? dot : -INFINITY;
            }
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
