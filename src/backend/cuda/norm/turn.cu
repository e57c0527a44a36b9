/* Queries and keys of a prompt turned, keys and values written into the cache: a block for each position. */
#include "cuda/norm/rope.cuh"

enum { MOST_THREADS = 512, MOST_PAIRS = 128 };

/* Eight pairs of a row, half a head apart; of values, two pieces so far apart. */
struct pair_piece {
    uint4 low, high;
};

/* The rows of a position, queries' before keys' before values', in pieces. */
template <class S> struct turned_position {
    const turned_rows_kernel &k;
    const i64 at, batch;
    const int eights /* pieces of a row that is turned */, value_eights, queries, keys, count;

    explicit DEVICE_MEMBER turned_position(const turned_rows_kernel &own)
        : k(own), at(blockIdx.x), batch(blockIdx.y), eights((int)own.rope.dim / 16),
          value_eights((int)own.value_dim / 16), queries((int)own.rope.heads * eights),
          keys((int)own.kv_heads * eights), count(queries + keys + (int)own.kv_heads * value_eights) {}

    DEVICE_MEMBER bool is_value(int i) const { return i >= queries + keys; }
    DEVICE_MEMBER int half(int i) const { return 8 * (is_value(i) ? value_eights : eights); }
    /* Of what piece i is of: its head, and where in the row it begins. */
    DEVICE_MEMBER i64 head(int i) const {
        return is_value(i) ? (i - queries - keys) / value_eights : (i < queries ? i : i - queries) / eights;
    }
    DEVICE_MEMBER int first(int i) const {
        return 8 * (is_value(i) ? (i - queries - keys) % value_eights : i % eights);
    }
    DEVICE_MEMBER static const S *row_of(const void *x, const int64_t *strides, i64 batch, i64 head, i64 row) {
        return (const S *)x + batch * strides[0] + head * strides[1] + row * strides[2];
    }

    DEVICE_MEMBER pair_piece read(int i) const {
        const S *row = i < queries   ? row_of(k.rope.from, k.rope.strides, batch, head(i), at)
                       : is_value(i) ? row_of(k.value, k.value_strides, batch, head(i), at)
                                     : row_of(k.key, k.key_strides, batch, head(i), at);
        return {read_piece(row + first(i)), read_piece(row + first(i) + half(i))};
    }
    DEVICE_MEMBER void write_to(const void *row, int i, const pair_piece &p) const {
        S *to = (S *)row + first(i);
        *(uint4 *)to = p.low, *(uint4 *)(to + half(i)) = p.high;
    }
    /* place: the row of the cache. */
    DEVICE_MEMBER void write(int i, const pair_piece &p, i64 place) const {
        const rope_kernel &r = k.rope;
        if (i < queries)
            write_to((S *)r.to + ((batch * r.heads + head(i)) * r.length + at) * r.dim, i, p);
        else if (is_value(i))
            write_to(row_of(k.value_cache, k.value_cache_strides, batch, head(i), place), i, p);
        else
            write_to(row_of(k.key_cache, k.key_cache_strides, batch, head(i), place), i, p);
        if (k.key_to && i >= queries && !is_value(i))
            write_to((S *)k.key_to + ((batch * k.kv_heads + head(i)) * r.length + at) * r.dim, i, p);
    }
    DEVICE_MEMBER void turn(int i, pair_piece &p, const float2 *angles) const {
        S *low = (S *)&p.low, *high = (S *)&p.high;
#pragma unroll
        for (int n = 0; n < 8; n++) {
            const float2 angle = angles[first(i) + n];
            const float u = widen(low[n]), v = widen(high[n]);
            narrow(low + n, u * angle.x - v * angle.y);
            narrow(high + n, u * angle.y + v * angle.x);
        }
    }
};

/* The first pieces are on their way while angles are found. */
template <class S>
__global__ void __launch_bounds__(MOST_THREADS) turn_rows(const __grid_constant__ turned_rows_kernel k) {
    __shared__ float2 angles[MOST_PAIRS];
    const rope_kernel &r = k.rope;
    const turned_position<S> own(k);
    int i = (int)threadIdx.x;
    pair_piece p = {};
    await_previous();
    if (i < own.count) p = own.read(i);
    const float position =
        ((float)own.at + (float)integer_at(r.offset, own.batch * r.offset_step, r.offset_dtype)) * (float)r.scale;
    i64 place = k.start[own.batch * k.start_step], most = k.capacity - r.length;
    place = (place > most ? most : place < 0 ? 0 : place) + own.at;
    for (int n = i; n < r.dim / 2; n += (int)blockDim.x) rope_turn<S>(r, n, position, &angles[n].x, &angles[n].y);
    __syncthreads();
    while (i < own.count) {
        if (!own.is_value(i)) own.turn(i, p, angles);
        own.write(i, p, place);
        i += (int)blockDim.x;
        if (i < own.count) p = own.read(i);
    }
    let_next_begin(); /* with all multiprocessors free at once: blocks that do unlike much share them evenly */
}

template <class S> static void launch(const turned_rows_kernel *k, kernel_stream stream) {
    const i64 pieces = (k->rope.heads + k->kv_heads) * k->rope.dim / 16 + k->kv_heads * k->value_dim / 16,
              threads = pieces < MOST_THREADS ? (pieces + 31) / 32 * 32 : MOST_THREADS;
    start(turn_rows<S>, dim3((unsigned)k->rope.length, (unsigned)k->rope.batch), (unsigned)threads, 0, stream, *k);
}

void launch_turned_rows(const turned_rows_kernel *k, kernel_stream stream) {
    switch (k->rope.dtype) {
        CASE(D_F16, float16, launch<type>(k, stream))
        CASE(D_BF16, bfloat16, launch<type>(k, stream))
    }
}
