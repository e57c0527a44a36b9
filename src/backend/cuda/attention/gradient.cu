/* The gradients of attention's q, k and v on the matrix units, of half types. No matrix of scores is kept: a first
   kernel takes ROWS queries a block and sweeps over the keys twice, for what each query's weights come from
   (query_sums) and for the gradient of q; a second one takes KEYS keys a block and sweeps over the queries of all heads
   of its group. A warp has 16 queries, or 16 keys, and all its sums in registers, so that nothing is added in an order
   that changes. With w the weights and e the products of the result's gradient with the values, a score's gradient is
   w (e - sum(w e)), and nothing where a mask made the score the lowest. */
#include "cuda/attention/tile.cuh"
#include "cuda/shared.cuh"

enum { ROWS = KEYS };

/* Of a query: its weights are 2^(score - base), of which e is multiplied less mean; hidden: the weight of the lowest
   score, not 0 where there is no other. */
struct __align__(16) query_sums {
    float base, mean, hidden, unused;
};

/* ---- scores as masks leave them, in the unit of q k; the rows of a tile are queries, or keys */
struct seen_keys {
    i64 mask;                   /* where the head's mask begins */
    int count, position, reach; /* position: of the head's first query among the keys */

    DEVICE_MEMBER seen_keys(const attention_kernel &k, i64 batch, i64 head) {
        key_span span(k, batch, head, 0, k.rows, KEYS);
        mask = batch * k.mask_strides[0] + head * k.mask_strides[1];
        count = span.count, position = span.position, reach = span.reach;
    }
    /* Whether some of ROWS queries may not see some of KEYS keys. */
    DEVICE_MEMBER bool hide(const attention_kernel &k, int row, int key) const {
        int own = k.causal ? position + row : position;
        return k.mask || key + KEYS > count || key + KEYS - 1 > own || key <= own + ROWS - 1 - reach;
    }
    DEVICE_MEMBER float score(const attention_kernel &k, float score, int row, int key, float share) const {
        int own = k.causal ? position + row : position;
        if (key > own || key <= own - reach) score = LOWEST;
        if (key >= count) return -INFINITY;
        i64 last = row < k.rows ? row : k.rows - 1;
        return k.mask ? array_score(k, mask + last * k.mask_strides[2] + key * k.mask_strides[3], score, share) : score;
    }
};

/* Of a tile whose rows are queries (ACROSS: keys), from these on. */
template <bool ACROSS>
DEVICE void hide_tile(float (&scores)[1][KEYS / 8][4], const attention_kernel &k, const seen_keys &seen, int first_row,
                      int first_column) {
    float share = (float)(1 / k.scale);
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int row = first_row + i / 2 * 8, column = first_column + n * 8 + i % 2;
            scores[0][n][i] = seen.score(k, scores[0][n][i], ACROSS ? column : row, ACROSS ? row : column, share);
        }
}

/* ---- tiles, whose rows need not lie at multiples of 16 bytes */
template <class S, int DIM>
DEVICE void fetch_tile(u32 tile, const S *from, i64 step, int first, int count, int dim, bool aligned) {
    if (aligned) return copy_tile<S, DIM>(tile, from, step, first, count, ROWS, dim);
    for (int i = threadIdx.x; i < ROWS * (DIM / 8); i += THREADS) {
        int row = i / (DIM / 8), column = i % (DIM / 8) * 8;
        unsigned short piece[8];
#pragma unroll
        for (int j = 0; j < 8; j++) {
            bool exists = first + row < count && column + j < dim;
            piece[j] = exists ? ((const unsigned short *)from)[(first + row) * step + column + j] : 0;
        }
        asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(piece_at<DIM>(tile, row, column / 8)),
                     "r"(piece[0] | piece[1] << 16), "r"(piece[2] | piece[3] << 16), "r"(piece[4] | piece[5] << 16),
                     "r"(piece[6] | piece[7] << 16)
                     : "memory");
    }
}

template <int DIM> DEVICE void clear(float (&sums)[1][DIM / 8][4]) {
#pragma unroll
    for (int n = 0; n < DIM / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) sums[0][n][i] = 0;
}

/* Rows of `to` [rows, dim] from the warp's first on. */
template <class S, int DIM>
DEVICE void write_rows(S *to, const float (&sums)[1][DIM / 8][4], float scale, i64 first, i64 rows, i64 dim) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < DIM / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            i64 row = first + lane / 4 + i / 2 * 8, column = n * 8 + lane % 4 * 2 + i % 2;
            if (row < rows && column < dim) narrow(to + row * dim + column, sums[0][n][i] * scale);
        }
}

/* ---- what a query's weights come from, as keys pass; top is in the unit of powers of two */
struct running_query {
    float top, sum, mean;

    /* Takes the lane's numbers of the half of its rows. */
    DEVICE_MEMBER void take(const float (&scores)[1][KEYS / 8][4], const float (&products)[1][KEYS / 8][4], int h,
                            float unit) {
        float highest = top;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
            highest = fmaxf(highest, fmaxf(scores[0][n][2 * h], scores[0][n][2 * h + 1]));
        highest = fmaxf(highest, from_lane(highest, 1));
        highest = fmaxf(highest, from_lane(highest, 2));
        bool none = highest <= LOWEST; /* nothing that is not hidden was seen yet */
        float offset = none ? 0 : highest * unit,
              fade = top <= LOWEST ? (none ? 1.0f : 0.0f) : power_of_two(top * unit - offset);
        sum *= fade, mean *= fade, top = highest;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 2 * h; i < 2 * h + 2; i++) {
                float weight = power_of_two(fmaf(scores[0][n][i], unit, -offset));
                if (none) weight = scores[0][n][i] == LOWEST ? 1.0f : 0.0f;
                sum += weight;
                mean += weight * products[0][n][i];
            }
    }
    DEVICE_MEMBER query_sums end(bool has_sink, float sink, float unit) {
        sum += from_lane(sum, 1), mean += from_lane(mean, 1);
        sum += from_lane(sum, 2), mean += from_lane(mean, 2);
        if (top <= LOWEST) return {INFINITY, 0, has_sink ? 0 : 1 / sum, 0};
        if (has_sink) sum += power_of_two(sink - top * unit);
        return {top * unit + log2f(sum), mean / sum, 0, 0};
    }
};

/* Weights of scores, and of products the scores' gradients. */
DEVICE void weigh(float &score, float &product, const query_sums &q, float unit) {
    bool lowest = score == LOWEST;
    float weight = lowest ? q.hidden : power_of_two(fmaf(score, unit, -q.base));
    product = lowest ? 0 : weight * (product - q.mean);
    score = weight;
}

/* ---- queries */
template <int DIM> struct query_room {
    static constexpr u32 TILE = ROWS * DIM * 2, BYTES = 6 * TILE;
    u32 queries, gradients, keys, values; /* of keys and values two tiles each */

    explicit DEVICE_MEMBER query_room(u32 at)
        : queries(at), gradients(at + TILE), keys(at + 2 * TILE), values(at + 4 * TILE) {}
};

template <class S, int DIM>
__global__ void __launch_bounds__(THREADS, 2) query_gradients(const __grid_constant__ attention_gradient_kernel g) {
    extern __shared__ uint4 shared[];
    const attention_kernel &k = g.attention;
    const query_room<DIM> room(shared_address(shared));
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, turn = 0;
    i64 head = blockIdx.y, batch = blockIdx.z, kv_head = head / (k.heads / k.kv_heads);
    int first = (int)(gridDim.x - 1 - blockIdx.x) * ROWS, row = first + warp * 16 + lane / 4;
    begin();
    const seen_keys seen(k, batch, head);
    const key_span span(k, batch, head, first, k.rows - first < ROWS ? k.rows - first : ROWS, KEYS);
    const S *ks = (const S *)k.k + batch * k.k_strides[0] + kv_head * k.k_strides[1];
    const S *vs = (const S *)k.v + batch * k.v_strides[0] + kv_head * k.v_strides[1];
    const float unit = (float)(k.scale * LOG2E), sink = k.sinks ? widen(((const S *)k.sinks)[head * k.sink_step]) : 0;
    fetch_tile<S, DIM>(room.queries, (const S *)k.q + batch * k.q_strides[0] + head * k.q_strides[1], k.q_strides[2],
                       first, (int)k.rows, (int)k.dim, g.aligned);
    fetch_tile<S, DIM>(room.gradients, (const S *)g.gradient + batch * g.strides[0] + head * g.strides[1], g.strides[2],
                       first, (int)k.rows, (int)k.value_dim, g.aligned);
    running_query running[2] = {{LOWEST * 2, 0, 0}, {LOWEST * 2, 0, 0}};
    query_sums sums[2];
    float to[1][DIM / 8][4];
    clear<DIM>(to);
    auto fetch_keys = [&](int from) {
        if (from < span.ends) {
            fetch_tile<S, DIM>(room.keys + turn * room.TILE, ks, k.k_strides[2], from, span.count, (int)k.dim,
                               g.aligned);
            fetch_tile<S, DIM>(room.values + turn * room.TILE, vs, k.v_strides[2], from, span.count, (int)k.value_dim,
                               g.aligned);
        }
        end_copies();
        turn ^= 1;
    };
    for (int sweep = 0; sweep < 2; sweep++) {
        if (sweep && !g.q) break;
        turn = 0;
        fetch_keys(span.begins);
        for (int from = span.begins; from < span.ends; from += KEYS) {
            fetch_keys(from + KEYS);
            await_copies<1>();
            __syncthreads();
            const u32 keys = room.keys + turn * room.TILE, values = room.values + turn * room.TILE;
            float scores[1][KEYS / 8][4], products[1][KEYS / 8][4];
            score_tile<S, DIM, 1>(scores, room.queries, keys, warp, lane);
            score_tile<S, DIM, 1>(products, room.gradients, values, warp, lane);
            if (seen.hide(k, first, from)) hide_tile<false>(scores, k, seen, row, from + lane % 4 * 2);
            if (sweep) {
#pragma unroll
                for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
                    for (int i = 0; i < 4; i++) weigh(scores[0][n][i], products[0][n][i], sums[i / 2], unit);
                add_values<S, DIM, 1>(to, products, keys, lane);
            } else {
                running[0].take(scores, products, 0, unit);
                running[1].take(scores, products, 1, unit);
            }
            __syncthreads();
        }
        await_copies<0>();
        if (sweep) break;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            sums[h] = running[h].end(k.sinks, sink * (float)LOG2E, unit);
            if (row + h * 8 < k.rows && lane % 4 == 0)
                ((query_sums *)g.sums)[(batch * k.heads + head) * k.rows + row + h * 8] = sums[h];
        }
    }
    if (g.q)
        write_rows<S, DIM>((S *)g.q + (batch * k.heads + head) * k.rows * k.dim, to, (float)k.scale, first + warp * 16,
                           k.rows, k.dim);
}

/* ---- keys */
template <int DIM> struct key_room {
    static constexpr u32 TILE = ROWS * DIM * 2, SUMS = ROWS * sizeof(query_sums), BYTES = 6 * TILE + 2 * SUMS;
    u32 keys, values, queries, gradients, sums; /* of the last three two tiles each */

    explicit DEVICE_MEMBER key_room(u32 at)
        : keys(at), values(at + TILE), queries(at + 2 * TILE), gradients(at + 4 * TILE), sums(at + 6 * TILE) {}
};

/* The queries that see a tile of keys: all, unless causality alone hides some and each query sees at least its own key.
 */
struct query_span {
    int begins, ends;

    DEVICE_MEMBER query_span(const attention_kernel &k, i64 batch, i64 head, int first) : begins(0), ends((int)k.rows) {
        query<float> low = query_at<float>(k, batch, head, 0), high = query_at<float>(k, batch, head, k.rows - 1);
        if (!sees_own(k, low) || !sees_own(k, high)) return;
        i64 from = first - low.position, to = first + KEYS - 1 - low.position + k.window;
        if (from > 0) begins = (int)(from < k.rows ? from : k.rows) / ROWS * ROWS;
        if (k.window && to < ends) ends = to > 0 ? (int)to : 0;
    }
};

template <class S, int DIM>
__global__ void __launch_bounds__(THREADS, 2) key_gradients(const __grid_constant__ attention_gradient_kernel g) {
    extern __shared__ uint4 shared[];
    const attention_kernel &k = g.attention;
    const key_room<DIM> room(shared_address(shared));
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, group = (int)(k.heads / k.kv_heads);
    i64 kv_head = blockIdx.y, batch = blockIdx.z;
    int first = (int)blockIdx.x * KEYS, key = first + warp * 16 + lane / 4;
    begin();
    const float unit = (float)(k.scale * LOG2E);
    const int count = (int)query_at<float>(k, batch, kv_head * group, 0).count;
    fetch_tile<S, DIM>(room.keys, (const S *)k.k + batch * k.k_strides[0] + kv_head * k.k_strides[1], k.k_strides[2],
                       first, count, (int)k.dim, g.aligned);
    fetch_tile<S, DIM>(room.values, (const S *)k.v + batch * k.v_strides[0] + kv_head * k.v_strides[1], k.v_strides[2],
                       first, count, (int)k.value_dim, g.aligned);
    float to_keys[1][DIM / 8][4], to_values[1][DIM / 8][4];
    clear<DIM>(to_keys);
    clear<DIM>(to_values);
    for (i64 head = kv_head * group; first < count && head < (kv_head + 1) * group; head++) {
        const seen_keys seen(k, batch, head);
        const query_span span(k, batch, head, first);
        const S *qs = (const S *)k.q + batch * k.q_strides[0] + head * k.q_strides[1];
        const S *gs = (const S *)g.gradient + batch * g.strides[0] + head * g.strides[1];
        const query_sums *sums = (const query_sums *)g.sums + (batch * k.heads + head) * k.rows;
        int turn = 0;
        auto fetch_queries = [&](int from) {
            if (from < span.ends) {
                fetch_tile<S, DIM>(room.queries + turn * room.TILE, qs, k.q_strides[2], from, (int)k.rows, (int)k.dim,
                                   g.aligned);
                fetch_tile<S, DIM>(room.gradients + turn * room.TILE, gs, g.strides[2], from, (int)k.rows,
                                   (int)k.value_dim, g.aligned);
                int row = from + threadIdx.x;
                if (threadIdx.x < ROWS)
                    copy_piece(room.sums + turn * room.SUMS + threadIdx.x * 16, sums + (row < k.rows ? row : 0),
                               row < k.rows);
            }
            end_copies();
            turn ^= 1;
        };
        fetch_queries(span.begins);
        for (int from = span.begins; from < span.ends; from += ROWS) {
            fetch_queries(from + ROWS);
            await_copies<1>();
            __syncthreads();
            const u32 queries = room.queries + turn * room.TILE, gradients = room.gradients + turn * room.TILE;
            const query_sums *of = (const query_sums *)((const char *)shared + 6 * room.TILE + turn * room.SUMS);
            float scores[1][KEYS / 8][4], products[1][KEYS / 8][4];
            score_tile<S, DIM, 1>(scores, room.keys, queries, warp, lane);
            score_tile<S, DIM, 1>(products, room.values, gradients, warp, lane);
            if (seen.hide(k, from, first)) hide_tile<true>(scores, k, seen, key, from + lane % 4 * 2);
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
                for (int j = 0; j < 2; j++) {
                    query_sums q = of[n * 8 + lane % 4 * 2 + j];
                    weigh(scores[0][n][j], products[0][n][j], q, unit);
                    weigh(scores[0][n][j + 2], products[0][n][j + 2], q, unit);
                }
            add_values<S, DIM, 1>(to_values, scores, gradients, lane);
            add_values<S, DIM, 1>(to_keys, products, queries, lane);
            __syncthreads();
        }
        await_copies<0>();
    }
    i64 at = (batch * k.kv_heads + kv_head) * k.keys, own = first + warp * 16;
    if (g.k) write_rows<S, DIM>((S *)g.k + at * k.dim, to_keys, (float)k.scale, own, k.keys, k.dim);
    if (g.v) write_rows<S, DIM>((S *)g.v + at * k.value_dim, to_values, 1, own, k.keys, k.value_dim);
}

template <class S, int DIM> static void launch_dim(const attention_gradient_kernel *g, kernel_stream stream) {
    const attention_kernel &k = g->attention;
    dim3 of_queries(blocks_for(k.rows, ROWS), (unsigned)k.heads, (unsigned)k.batch),
        of_keys(blocks_for(k.keys, KEYS), (unsigned)k.kv_heads, (unsigned)k.batch);
    allow_shared(query_gradients<S, DIM>, query_room<DIM>::BYTES);
    allow_shared(key_gradients<S, DIM>, key_room<DIM>::BYTES);
    if (k.rows) start(query_gradients<S, DIM>, of_queries, THREADS, query_room<DIM>::BYTES, stream, *g);
    if (k.keys && (g->k || g->v)) start(key_gradients<S, DIM>, of_keys, THREADS, key_room<DIM>::BYTES, stream, *g);
}

template <class S> static void launch(const attention_gradient_kernel *g, kernel_stream stream) {
    bool small = g->attention.dim <= 64 && g->attention.value_dim <= 64;
    small ? launch_dim<S, 64>(g, stream) : launch_dim<S, 128>(g, stream);
}

void launch_attention_gradient(const attention_gradient_kernel *g, kernel_stream stream) {
    switch (g->attention.dtype) {
        CASE(D_F16, float16, launch<type>(g, stream))
        CASE(D_BF16, bfloat16, launch<type>(g, stream))
    }
}
