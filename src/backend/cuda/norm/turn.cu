/* Queries and keys of a prompt turned, keys and values written into the cache: a block for each position. */
#include "cuda/norm/rope.cuh"

enum { THREADS = 128, MOST_PAIRS = 128 };

/* Eight pairs of a row, half a head apart, to one place or two. */
template <class S> DEVICE void turn_piece(const S *row, const float2 *angles, int half, int at, S *to, S *also) {
    uint4 low = *(const uint4 *)(row + at), high = *(const uint4 *)(row + half + at);
    S *first = (S *)&low, *second = (S *)&high;
#pragma unroll
    for (int i = 0; i < 8; i++) {
        const float c = angles[at + i].x, s = angles[at + i].y, u = widen(first[i]), v = widen(second[i]);
        narrow(first + i, u * c - v * s);
        narrow(second + i, u * s + v * c);
    }
    if (to) *(uint4 *)(to + at) = low, *(uint4 *)(to + half + at) = high;
    if (also) *(uint4 *)(also + at) = low, *(uint4 *)(also + half + at) = high;
}

template <class S> __global__ void __launch_bounds__(THREADS) turn_rows(const __grid_constant__ turned_rows_kernel k) {
    __shared__ float2 angles[MOST_PAIRS];
    const rope_kernel &r = k.rope;
    const int half = (int)r.dim / 2, eights = half / 8, queries = (int)r.heads * eights,
              keys = (int)k.kv_heads * eights;
    const i64 at = blockIdx.x, batch = blockIdx.y;
    begin();
    const float position =
        ((float)at + (float)integer_at(r.offset, batch * r.offset_step, r.offset_dtype)) * (float)r.scale;
    for (int i = threadIdx.x; i < half; i += THREADS) rope_turn<S>(r, i, position, &angles[i].x, &angles[i].y);
    i64 row = k.start[batch * k.start_step], most = k.capacity - r.length;
    row = (row > most ? most : row < 0 ? 0 : row) + at;
    __syncthreads();
    const S *q = (const S *)r.from + batch * r.strides[0] + at * r.strides[2];
    const S *key = (const S *)k.key + batch * k.key_strides[0] + at * k.key_strides[2];
    for (int i = threadIdx.x; i < queries + keys; i += THREADS) {
        const i64 head = (i < queries ? i : i - queries) / eights;
        const int first = i % eights * 8;
        if (i < queries) {
            turn_piece<S>(q + head * r.strides[1], angles, half, first,
                          (S *)r.to + ((batch * r.heads + head) * r.length + at) * r.dim, 0);
            continue;
        }
        S *kept = (S *)k.key_cache + batch * k.key_cache_strides[0] + head * k.key_cache_strides[1] +
                  row * k.key_cache_strides[2];
        S *own = k.key_to ? (S *)k.key_to + ((batch * k.kv_heads + head) * r.length + at) * r.dim : 0;
        turn_piece<S>(key + head * k.key_strides[1], angles, half, first, kept, own);
    }
    const S *value = (const S *)k.value + batch * k.value_strides[0] + at * k.value_strides[2];
    S *values = (S *)k.value_cache + batch * k.value_cache_strides[0] + row * k.value_cache_strides[2];
    const int pieces = (int)k.value_dim / 8;
    for (int i = threadIdx.x; i < k.kv_heads * pieces; i += THREADS) {
        const i64 head = i / pieces;
        ((uint4 *)(values + head * k.value_cache_strides[1]))[i % pieces] =
            ((const uint4 *)(value + head * k.value_strides[1]))[i % pieces];
    }
}

void launch_turned_rows(const turned_rows_kernel *k, kernel_stream stream) {
    const dim3 blocks((unsigned)k->rope.length, (unsigned)k->rope.batch);
    switch (k->rope.dtype) {
        CASE(D_F16, float16, start(turn_rows<type>, blocks, THREADS, 0, stream, *k))
        CASE(D_BF16, bfloat16, start(turn_rows<type>, blocks, THREADS, 0, stream, *k))
    }
}
