/* cached.cu for what most models do, on the matrix units and with little code: a step waits for both. The queries of a
   kv head are the rows of a tile (up to 8). A warp takes 16 keys at a time: two products of queries and 8 keys each,
   whose results, as weights, are what the values are multiplied by as they stand. Which numbers of a head a lane holds
   is free, as long as both factors agree: a quarter each, side by side. */
#include "cuda/cluster.cuh"
#include "cuda/attention/masks.cuh"
#include "cuda/norm/rope.cuh"
#include "cuda/quant/tile.cuh"
#include "cuda/tile_product.cuh"

enum { WARPS = 4, THREADS = 32 * WARPS, WARP_KEYS = 16, BLOCK_KEYS = WARPS * WARP_KEYS, MOST_HEADS = 8 };
#define LOG2E 1.44269504088896340736f

template <class S> DEVICE float low_of(u32 pair) {
    S x;
    x.bits = (unsigned short)pair;
    return widen(x);
}
template <class S> DEVICE float high_of(u32 pair) {
    return low_of<S>(pair >> 16);
}

template <int N> DEVICE void read_words(u32 (&to)[N], const void *from) {
#pragma unroll
    for (int i = 0; i < N / 4; i++) *(uint4 *)&to[4 * i] = ((const uint4 *)from)[i];
}

/* exp2(a - b), 0 for a score that does not exist. */
DEVICE float weight_of(float a, float b) {
    return a == -INFINITY ? 0.0f : exp2f(a - b);
}

/* 16 keys as a warp holds them: of keys lane / 4 and lane / 4 + 8 the lane's quarter, of values 2t, 2t + 1, 2t + 8 and
 * 2t + 9 (t = lane % 4) its eighth. */
template <int DIM> struct key_tile {
    u32 keys[2][DIM / 8], values[4][DIM / 16];

    static DEVICE_MEMBER int key_row(int i) { return threadIdx.x % 32 / 4 + 8 * i; }
    static DEVICE_MEMBER int value_row(int i) { return threadIdx.x % 4 * 2 + i % 2 + i / 2 * 8; }
    /* Rows `key_step` and `value_step` elements apart from row `first` on, of which the last one is `last`. */
    template <class S>
    DEVICE_MEMBER void read(const S *from, i64 key_step, const S *value_from, i64 value_step, int first, int last) {
#pragma unroll
        for (int i = 0; i < 2; i++)
            read_words(keys[i], from + min(first + key_row(i), last) * key_step + threadIdx.x % 4 * (DIM / 4));
#pragma unroll
        for (int i = 0; i < 4; i++)
            read_words(values[i],
                       value_from + min(first + value_row(i), last) * value_step + threadIdx.x % 32 / 4 * (DIM / 8));
    }
    /* Row `row`, if the tile has it, as it is now. */
    template <class S> DEVICE_MEMBER void replace(int row, const S *key, const S *value) {
#pragma unroll
        for (int i = 0; i < 2; i++)
            if (key_row(i) == row) read_words(keys[i], key + threadIdx.x % 4 * (DIM / 4));
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (value_row(i) == row) read_words(values[i], value + threadIdx.x % 32 / 4 * (DIM / 8));
    }
    /* What lies behind the last key may be anything, which no weight makes nothing of. */
    DEVICE_MEMBER void clear_values(int count) {
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int w = 0; w < DIM / 16; w++)
                if (value_row(i) >= count) values[i][w] = 0;
    }
};

/* What a warp has seen: of query lane / 4 the top and the lane's sum of weights; of queries 2t and 2t + 1 the weighted
 * values of its eighth. */
template <int DIM> struct seen {
    float top, sum, values[DIM / 16][4];

    DEVICE_MEMBER void fade(float by) {
        const int t = threadIdx.x % 4;
        const float even = __shfl_sync(~0u, by, t * 8), odd = __shfl_sync(~0u, by, t * 8 + 4);
        sum *= by;
#pragma unroll
        for (int i = 0; i < DIM / 16; i++)
            values[i][0] *= even, values[i][1] *= odd, values[i][2] *= even, values[i][3] *= odd;
    }
};

/* Scores of 16 keys, of which `count` exist, times `scale`. */
template <class S, int DIM>
DEVICE void score_keys(const u32 (&query)[DIM / 8], const key_tile<DIM> &tile, int count, float scale,
                       float (&scores)[2][4]) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
        float rest[4] = {}; /* two chains of products */
#pragma unroll
        for (int e = 0; e < 4; e++) scores[i][e] = 0;
#pragma unroll
        for (int w = 0; w < DIM / 8; w += 4) {
            multiply_tile(scores[i], {query[w], 0, query[w + 1], 0}, tile.keys[i][w], tile.keys[i][w + 1], S());
            multiply_tile(rest, {query[w + 2], 0, query[w + 3], 0}, tile.keys[i][w + 2], tile.keys[i][w + 3], S());
        }
#pragma unroll
        for (int e = 0; e < 2; e++)
            scores[i][e] = i * 8 + (int)threadIdx.x % 4 * 2 + e < count ? (scores[i][e] + rest[e]) * scale : -INFINITY;
    }
}

template <class S, int DIM>
DEVICE void add_values(seen<DIM> &r, const key_tile<DIM> &tile, float (&scores)[2][4], bool first) {
    float top = fmaxf(fmaxf(scores[0][0], scores[0][1]), fmaxf(scores[1][0], scores[1][1]));
    top = fmaxf(top, from_lane(top, 1));
    top = fmaxf(r.top, fmaxf(top, from_lane(top, 2)));
    if (!first) r.fade(weight_of(r.top, top));
    r.top = top;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int e = 0; e < 2; e++) r.sum += scores[i][e] = weight_of(scores[i][e], top);
    const u32 b0 = pair_of(scores[0][0], scores[0][1], S()), b1 = pair_of(scores[1][0], scores[1][1], S());
#pragma unroll
    for (int w = 0; w < DIM / 16; w++) {
        const u32 *v[4] = {&tile.values[0][w], &tile.values[1][w], &tile.values[2][w], &tile.values[3][w]};
        const u32 pairs[] = {__byte_perm(*v[0], *v[1], 0x5410), __byte_perm(*v[0], *v[1], 0x7632),
                             __byte_perm(*v[2], *v[3], 0x5410), __byte_perm(*v[2], *v[3], 0x7632)};
        multiply_tile(r.values[w], pairs, b0, b1, S());
    }
}

/* ---- what warps and blocks have, joined: each block sends to block r what concerns numbers r * EACH, … of the
 * queries' values. Nothing is divided by what is not known to the compiler: all wait for this. */
template <int DIM, int RANKS> struct joined {
    enum { EACH = DIM / RANKS, EIGHTH = DIM / 8 + 2, ROW = 8 * EIGHTH + 4 }; /* so that a warp's lie in all banks */
    float values[WARPS][MOST_HEADS][ROW];
    float2 tops[WARPS][MOST_HEADS];
    float2 rank_tops[RANKS][MOST_HEADS];
    float rank_values[RANKS][MOST_HEADS * EACH];
    uint4 turned[MOST_HEADS + 1][DIM / 8 + 1], value[DIM / 8]; /* the queries, then the new key */
    float2 angles[DIM / 2];
    u64 arrived;

    DEVICE_MEMBER void expect(int heads) {
        if (RANKS > 1)
            expect_bytes(&arrived, heads * RANKS * (EACH * (int)sizeof *rank_values[0] + (int)sizeof *rank_tops[0]));
    }
    /* To where `mine` lies in block `rank`; a block by itself sends nothing. */
    template <class T> DEVICE_MEMBER void send_to(T *mine, int rank, T x) {
        if constexpr (RANKS == 1)
            *mine = x;
        else
            send_to_block(mine, rank, x, &arrived);
    }
    DEVICE_MEMBER void await() {
        if constexpr (RANKS == 1)
            __syncthreads();
        else
            await_bytes(&arrived);
    }
    DEVICE_MEMBER void leave(seen<DIM> &r) {
        const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
        r.sum += from_lane(r.sum, 1);
        r.sum += from_lane(r.sum, 2);
        if (t == 0) tops[warp][g] = make_float2(r.top, r.sum);
#pragma unroll
        for (int e = 0; e < 2; e++)
#pragma unroll
            for (int w = 0; w < DIM / 16; w++)
                *(float2 *)&values[warp][2 * t + e][g * EIGHTH + 2 * w] =
                    make_float2(r.values[w][e], r.values[w][2 + e]);
        __syncthreads();
    }
    /* Of query j: the top and the sum of the block, and by how much each warp's values fade. */
    DEVICE_MEMBER float2 fold(int j, float (&fades)[WARPS]) const {
        float2 all = make_float2(-INFINITY, 0);
#pragma unroll
        for (int w = 0; w < WARPS; w++) all.x = fmaxf(all.x, tops[w][j].x);
#pragma unroll
        for (int w = 0; w < WARPS; w++) all.y += (fades[w] = weight_of(tops[w][j].x, all.x)) * tops[w][j].y;
        return all;
    }
    /* Four numbers at a time; the last threads, which have fewer of them, begin with the tops. */
    DEVICE_MEMBER void send(int heads) {
        float fades[WARPS];
#pragma unroll 1
        for (int e = 4 * threadIdx.x; e < heads * DIM; e += 4 * THREADS) {
            const int head = e / DIM, at = e % DIM, place = at / (DIM / 8) * EIGHTH + at % (DIM / 8);
            fold(head, fades);
            float4 sum = {};
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                const float2 *v = (const float2 *)&values[w][head][place];
                sum.x = fmaf(fades[w], v[0].x, sum.x), sum.y = fmaf(fades[w], v[0].y, sum.y);
                sum.z = fmaf(fades[w], v[1].x, sum.z), sum.w = fmaf(fades[w], v[1].y, sum.w);
            }
            send_to((float4 *)&rank_values[blockIdx.x][head * EACH + at % EACH], at / EACH, sum);
        }
#pragma unroll 1
        for (int e = THREADS - 1 - threadIdx.x; e < heads * RANKS; e += THREADS)
            send_to(&rank_tops[blockIdx.x][e / RANKS], e % RANKS, fold(e / RANKS, fades));
    }
    template <class S>
    DEVICE_MEMBER void join(const cached_attention_kernel &c, int batch, int kv_head, int heads) const {
        const i64 row = batch * c.attention.heads * DIM, first = (i64)kv_head * heads * DIM;
#pragma unroll 1
        for (int i = threadIdx.x; i < heads * EACH; i += THREADS) {
            const int j = i / EACH, e = j * DIM + blockIdx.x * EACH + i % EACH;
            float top = -INFINITY, sum = 0, value = 0;
#pragma unroll
            for (int r = 0; r < RANKS; r++) top = fmaxf(top, rank_tops[r][j].x);
#pragma unroll
            for (int r = 0; r < RANKS; r++) {
                const float weight = weight_of(rank_tops[r][j].x, top);
                sum = fmaf(weight, rank_tops[r][j].y, sum);
                value = fmaf(weight, rank_values[r][i], value);
            }
            S y;
            narrow(&y, value / sum);
            ((S *)c.attention.to)[row + first + e] = y;
            if (c.spread) *place_in_batch_order<S>(c.spread, batch, first + e, c.eights) = y;
        }
    }
};

/* ---- queries and the new key, turned: two pairs of a row at a time, half a head apart */
template <class S> DEVICE uint2 turn_pairs(u32 first, u32 second, const float4 &by) {
    const float u = low_of<S>(first), v = low_of<S>(second), x = high_of<S>(first), y = high_of<S>(second);
    return make_uint2(pair_of(u * by.x - v * by.y, x * by.z - y * by.w, S()),
                      pair_of(u * by.y + v * by.x, x * by.w + y * by.z, S()));
}
/* Of a kv head's queries, or, behind them, its new key. */
template <class S> DEVICE const u32 *row_to_turn(const cached_attention_kernel &c, int batch, int kv_head, int row) {
    const attention_kernel &k = c.attention;
    const int heads = (int)k.heads / (int)k.kv_heads;
    if (row == heads) return (const u32 *)((const S *)c.key + batch * c.key_strides[0] + kv_head * c.key_strides[1]);
    return (const u32 *)((const S *)k.q + batch * k.q_strides[0] + (kv_head * heads + row) * k.q_strides[1]);
}
template <int DIM> DEVICE void put_pairs(void *row, uint2 pairs) {
    const int unit = threadIdx.x % (DIM / 4);
    ((u32 *)row)[unit] = pairs.x, ((u32 *)row)[unit + DIM / 4] = pairs.y;
}

template <class S, int DIM, int RANKS>
__global__ void __launch_bounds__(THREADS, 2) attend_step(const __grid_constant__ cached_attention_kernel c) {
    enum { UNITS = DIM / 4 }; /* of a row, two pairs each */
    const attention_kernel &k = c.attention;
    extern __shared__ uint4 shared[];
    joined<DIM, RANKS> &all = *(joined<DIM, RANKS> *)shared;
    const int heads = (int)k.heads / (int)k.kv_heads, batch = (int)blockIdx.y / (int)k.kv_heads,
              kv_head = (int)blockIdx.y - batch * (int)k.kv_heads;
    const int first = blockIdx.x * BLOCK_KEYS + warp_number() * WARP_KEYS, step = RANKS * BLOCK_KEYS,
              last = (int)k.keys - 1;
    const int g = threadIdx.x % 32 / 4;
    S *keys = (S *)k.k + batch * k.k_strides[0] + kv_head * k.k_strides[1],
      *values = (S *)k.v + batch * k.v_strides[0] + kv_head * k.v_strides[1];
    const i64 key_step = k.k_strides[2], value_step = k.v_strides[2];

    let_next_begin();
    if (threadIdx.x == 0) make_arrival(&all.arrived);
    begin_in_cluster();
    if (!c.early) await_previous();
    int start = c.start[batch * c.start_step];
    const float position = (float)*((const int *)c.rope.offset + batch * c.rope.offset_step) * (float)c.rope.scale;
    key_tile<DIM> tile, next;
    tile.read(keys, key_step, values, value_step, first, last);
    start = max(min(start, last), 0);
    const bool has_next = first + step <= start; /* the wait would forget it in the first cache */
    if (has_next) next.read(keys, key_step, values, value_step, first + step, last);
    if (threadIdx.x < DIM / 2)
        rope_turn<S>(c.rope, threadIdx.x, position, &all.angles[threadIdx.x].x, &all.angles[threadIdx.x].y);
    await_cluster(); /* all have begun */
    __syncthreads();
    if (threadIdx.x == 0) all.expect(heads);
    /* All that is known before the wait is found before it. */
    const int unit = threadIdx.x % UNITS;
    const float4 by = *(const float4 *)&all.angles[2 * unit];
    const bool keeps = start % step / BLOCK_KEYS == blockIdx.x; /* the new key and value */
    const int rows = heads + keeps;
    int row = threadIdx.x / UNITS;
    const u32 *from = row_to_turn<S>(c, batch, kv_head, min(row, heads)) + unit;
    const uint4 *new_value =
        (const uint4 *)((const S *)c.value + batch * c.value_strides[0] + kv_head * c.value_strides[1]) + threadIdx.x;
    uint4 *value_to = (uint4 *)(values + start * value_step) + threadIdx.x;
    hold_address(from), hold_address(new_value), hold_address(value_to);
    if (c.early) await_previous();

    u32 first_half = from[0], second_half = from[UNITS];
    uint4 value;
    const bool has_value = keeps && threadIdx.x < DIM / 8;
    if (has_value) value = *new_value;
    const i64 length = k.length ? integer_at(k.length, batch * k.length_step, k.length_dtype) : k.keys;
#pragma unroll 1
    while (row < rows) {
        const uint2 turned = turn_pairs<S>(first_half, second_half, by);
        put_pairs<DIM>(all.turned[row], turned);
        if (keeps) { /* for the cache, and whoever else reads them */
            S *others = row == heads ? (S *)c.key_to : (S *)c.query_to;
            if (row == heads) put_pairs<DIM>(keys + start * key_step, turned);
            if (others) put_pairs<DIM>(others + (row == heads ? blockIdx.y : blockIdx.y * heads + row) * DIM, turned);
        }
        row += THREADS / UNITS;
        if (row >= rows) break;
        from = row_to_turn<S>(c, batch, kv_head, row) + unit;
        first_half = from[0], second_half = from[UNITS];
    }
    if (has_value) all.value[threadIdx.x] = *value_to = value;
    __syncthreads();
    const int count = length < 0 ? 0 : length > k.keys ? (int)k.keys : (int)length;
    u32 query[DIM / 8];
    read_words(query, (const u32 *)all.turned[g < heads ? g : 0] + threadIdx.x % 4 * (DIM / 8));
    if (!has_next && first + step < count) next.read(keys, key_step, values, value_step, first + step, last);
    if (keeps) {
        const S *key = (const S *)all.turned[heads], *value = (const S *)all.value;
        start < step ? tile.replace(start - first, key, value) : next.replace(start - first - step, key, value);
    }
    seen<DIM> r;
    r.top = -INFINITY, r.sum = 0;
#pragma unroll
    for (int w = 0; w < DIM / 16; w++)
#pragma unroll
        for (int e = 0; e < 4; e++) r.values[w][e] = 0;
    int at = first;
#pragma unroll 1
    while (at < count) {
        float scores[2][4];
        score_keys<S, DIM>(query, tile, count - at, (float)k.scale * LOG2E, scores);
        if (count - at < WARP_KEYS) tile.clear_values(count - at);
        add_values<S, DIM>(r, tile, scores, at == first);
        at += step;
        if (at < count) tile = next;
        if (at + step < count) next.read(keys, key_step, values, value_step, at + step, last);
    }
    all.leave(r);
    all.send(heads);
    all.await();
    all.template join<S>(c, batch, kv_head, heads);
}

template <class S, int DIM, int RANKS> static int launch_ranks(const cached_attention_kernel *c, kernel_stream stream) {
    const size_t bytes = sizeof(joined<DIM, RANKS>);
    allow_shared(attend_step<S, DIM, RANKS>, bytes);
    start_clusters(attend_step<S, DIM, RANKS>, dim3(RANKS, (unsigned)(c->attention.batch * c->attention.kv_heads)),
                   THREADS, bytes, stream, *c);
    return 1;
}

/* Clusters of 16 find room in fewer places, and no more blocks are made than the chip takes at once. */
template <class S, int DIM> static int launch_dim(const cached_attention_kernel *c, kernel_stream stream) {
    enum { FEW_KEYS = 1024, FEW = 8, MANY = 16 };
    const i64 heads = c->attention.batch * c->attention.kv_heads;
    int ranks = c->attention.keys <= FEW_KEYS ? FEW : MANY;
    while (ranks > 1 && heads * ranks > cuda_processors()) ranks /= 2;
    return ranks == 1   ? launch_ranks<S, DIM, 1>(c, stream)
           : ranks == 2 ? launch_ranks<S, DIM, 2>(c, stream)
           : ranks == 4 ? launch_ranks<S, DIM, 4>(c, stream)
           : ranks == 8 ? launch_ranks<S, DIM, FEW>(c, stream)
                        : launch_ranks<S, DIM, MANY>(c, stream);
}

template <class S> static int launch(const cached_attention_kernel *c, kernel_stream stream) {
    return c->attention.dim == 128  ? launch_dim<S, 128>(c, stream)
           : c->attention.dim == 64 ? launch_dim<S, 64>(c, stream)
                                    : 0;
}

/* What a lane reads of the query and the new key lies at multiples of 16 bytes. */
static bool rows_lie_at_16(const cached_attention_kernel *c) {
    const attention_kernel *k = &c->attention;
    const int64_t steps = k->q_strides[0] | k->q_strides[1] | c->key_strides[0] | c->key_strides[1];
    return lie_at_16(k->q, c->key, c->value, c->query_to) && lie_at_16(c->key_to) && steps % 8 == 0;
}

int launch_step_attention(const cached_attention_kernel *c, kernel_stream stream) {
    const attention_kernel *k = &c->attention;
    if (k->mask || k->sinks || k->window || k->value_dim != k->dim || c->rope.dims != k->dim || c->rope.traditional)
        return 0;
    if (k->heads > MOST_HEADS * k->kv_heads || !rows_lie_at_16(c)) return 0;
    return k->dtype == D_BF16 ? launch<bfloat16>(c, stream) : k->dtype == D_F16 ? launch<float16>(c, stream) : 0;
}
