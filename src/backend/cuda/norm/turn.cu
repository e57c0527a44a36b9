/* Queries and keys of a prompt turned, keys and values written into the cache: a block for each position. A thread
   takes the same pieces of several heads, so that what they turn by and where they are is found once. */
#include "cuda/norm/rope.cuh"
#include "cuda/norm/spread.cuh"

enum { THREADS = 128, BLOCKS = 8 /* of a multiprocessor */, EACH = 2 /* heads read ahead */, MOST_PAIRS = 128 };

/* Eight pairs of a row, half a head apart; of values, two pieces so far apart. */
struct pair_piece {
    uint4 low, high;
};
template <class S> DEVICE pair_piece read_pairs(const S *from, int half) {
    return {read_piece(from), read_piece(from + half)};
}
template <class S> DEVICE void write_pairs(S *to, int half, const pair_piece &p) {
    *(uint4 *)to = p.low, *(uint4 *)(to + half) = p.high;
}

/* Which pieces of rows of `dim` numbers are the thread's: those of every `step`th head from `head` on. */
struct own_pieces {
    int half, first, head, step;

    explicit DEVICE_MEMBER own_pieces(int dim) : half(dim / 2) {
        const int eights = dim / 16;
        step = THREADS / eights, head = (int)threadIdx.x / eights, first = 8 * ((int)threadIdx.x % eights);
        if (head >= step) head = 1 << 30; /* none: pieces of a head are not shared out evenly */
    }
};

template <class S> struct turned_heads {
    const turned_rows_kernel &k;
    const i64 at, batch;
    const own_pieces own;
    const int queries, heads; /* of queries; and of keys */

    explicit DEVICE_MEMBER turned_heads(const turned_rows_kernel &kernel)
        : k(kernel), at(blockIdx.x), batch(blockIdx.y), own((int)k.rope.dim), queries((int)k.rope.heads),
          heads((int)(k.rope.heads + k.kv_heads)) {}

    template <class T> DEVICE_MEMBER static T *row_of(T *x, const int64_t *strides, i64 batch, int head, i64 row) {
        return x + batch * strides[0] + head * strides[1] + row * strides[2];
    }
    DEVICE_MEMBER pair_piece read(int head) const {
        const S *row = head < queries ? row_of((const S *)k.rope.from, k.rope.strides, batch, head, at)
                                      : row_of((const S *)k.key, k.key_strides, batch, head - queries, at);
        return read_pairs(row + own.first, own.half);
    }
    DEVICE_MEMBER void read_all(pair_piece (&p)[EACH], int head) const {
#pragma unroll
        for (int e = 0; e < EACH; e++)
            if (head + e * own.step < heads) p[e] = read(head + e * own.step);
    }
    /* place: the row of the cache. */
    DEVICE_MEMBER void write(int head, const pair_piece &p, i64 place) const {
        const rope_kernel &r = k.rope;
        S *to = head < queries ? (S *)r.to + ((batch * queries + head) * r.length + at) * r.dim
                               : row_of((S *)k.key_cache, k.key_cache_strides, batch, head - queries, place);
        write_pairs(to + own.first, own.half, p);
        if (k.key_to && head >= queries)
            write_pairs((S *)k.key_to + ((batch * k.kv_heads + head - queries) * r.length + at) * r.dim + own.first,
                        own.half, p);
    }
    DEVICE_MEMBER void turn(pair_piece &p, const float2 (&angles)[8]) const {
        float low[8], high[8];
        widen_piece<S>(p.low, low), widen_piece<S>(p.high, high);
#pragma unroll
        for (int n = 0; n < 8; n++) {
            const float u = low[n], v = high[n];
            low[n] = u * angles[n].x - v * angles[n].y;
            high[n] = u * angles[n].y + v * angles[n].x;
        }
        p.low = narrow_piece<S>(low), p.high = narrow_piece<S>(high);
    }
};

/* The first pieces are on their way while angles are found. */
template <class S>
__global__ void __launch_bounds__(THREADS, BLOCKS) turn_rows(const __grid_constant__ turned_rows_kernel k) {
    __shared__ __align__(16) float2 angles[MOST_PAIRS];
    const rope_kernel &r = k.rope;
    const turned_heads<S> heads(k);
    const own_pieces values((int)k.value_dim);
    const S *value = heads.row_of((const S *)k.value, k.value_strides, heads.batch, 0, heads.at) + values.first;
    int head = heads.own.head, value_head = values.head;
    pair_piece turned[EACH], carried;
    await_previous();
    heads.read_all(turned, head);
    if (value_head < k.kv_heads) carried = read_pairs(value + value_head * k.value_strides[1], values.half);
    const float position =
        ((float)heads.at + (float)integer_at(r.offset, heads.batch * r.offset_step, r.offset_dtype)) * (float)r.scale;
    i64 place = k.start[heads.batch * k.start_step], most = k.capacity - r.length;
    place = (place > most ? most : place < 0 ? 0 : place) + heads.at;
    for (int n = (int)threadIdx.x; n < r.dim / 2; n += THREADS)
        rope_turn<S>(r, n, position, &angles[n].x, &angles[n].y);
    __syncthreads();
    float2 by[8];
#pragma unroll
    for (int n = 0; n < 8; n += 2) *(float4 *)&by[n] = *(const float4 *)&angles[heads.own.first + n];
    while (head < heads.heads) {
#pragma unroll
        for (int e = 0; e < EACH; e++, head += heads.own.step) {
            if (head >= heads.heads) continue;
            heads.turn(turned[e], by);
            heads.write(head, turned[e], place);
        }
        heads.read_all(turned, head);
    }
    S *to = heads.row_of((S *)k.value_cache, k.value_cache_strides, heads.batch, 0, place) + values.first;
    while (value_head < k.kv_heads) {
        write_pairs(to + value_head * k.value_cache_strides[1], values.half, carried);
        value_head += values.step;
        if (value_head < k.kv_heads) carried = read_pairs(value + value_head * k.value_strides[1], values.half);
    }
    let_next_begin(); /* with all multiprocessors free at once: blocks that do unlike much share them evenly */
}

template <class S> static void launch(const turned_rows_kernel *k, kernel_stream stream) {
    const bool spread = k->rope.length * k->rope.batch <= SPREAD_BLOCKS * cuda_processors();
    start(turn_rows<S>, dim3((unsigned)k->rope.length, (unsigned)k->rope.batch), THREADS, spread ? SPREAD_SHARED : 0,
          stream, *k);
}

void launch_turned_rows(const turned_rows_kernel *k, kernel_stream stream) {
    switch (k->rope.dtype) {
        CASE(D_F16, float16, launch<type>(k, stream))
        CASE(D_BF16, bfloat16, launch<type>(k, stream))
    }
}
