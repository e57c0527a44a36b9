/* Attention of many queries by warpgroups (compute capability 9.0). A block takes 128 queries of a head: one warp
   brings tiles of 128 keys and values into shared memory, two ahead, and two warpgroups take 64 queries each. A group
   gives the matrix units the scores of the next keys together with the values of these, and weighs scores meanwhile;
   the groups take turns giving, so that one weighs while the other multiplies. Scores stay in registers, where they
   become the left factor of the product with the values; the softmax is kept up as keys pass, in powers of two. */
#include "cuda/attention/pieces.cuh"
#include "cuda/warpgroup.cuh"
#include "cuda/shared.cuh"

enum {
    GROUPS = 2,
    ROWS = 64 * GROUPS,
    KEYS = 128,
    STAGES = 2,
    THREADS = WARPGROUP * (GROUPS + 1),
    GIVER_REGISTERS = 24,
    TAKER_REGISTERS = 240
};
enum { NO_ARRAY, ANY_ARRAY, HALVES, TRUTHS };             /* which mask array there is, and how it may be read */
enum { TURN_FIRST = 1, OWN_FIRST = TURN_FIRST + GROUPS }; /* numbers of barriers */

/* ---- where a block has what in shared memory, by address; tiles of 128 rows and 64 columns, DIM / 64 of them side by
 * side */
template <int DIM> struct block_room {
    static constexpr u32 TILE = KEYS * TILE_ROW_BYTES, TILES = DIM / TILE_WIDTH * TILE;
    static constexpr u32 BYTES = TILES * (1 + 2 * STAGES) + 8 * (1 + 4 * STAGES);
    u32 queries, barriers;

    explicit DEVICE_MEMBER block_room(u32 at) : queries(at), barriers(at + TILES * (1 + 2 * STAGES)) {}
    DEVICE_MEMBER u32 keys(int stage) const { return queries + TILES * (1 + stage); }
    DEVICE_MEMBER u32 values(int stage) const { return queries + TILES * (1 + STAGES + stage); }
    DEVICE_MEMBER u32 queries_there() const { return barriers; }
    DEVICE_MEMBER u32 keys_there(int stage) const { return barriers + 8 * (1 + stage); }
    DEVICE_MEMBER u32 values_there(int stage) const { return barriers + 8 * (1 + STAGES + stage); }
    DEVICE_MEMBER u32 keys_free(int stage) const { return barriers + 8 * (1 + 2 * STAGES + stage); }
    DEVICE_MEMBER u32 values_free(int stage) const { return barriers + 8 * (1 + 3 * STAGES + stage); }
};

/* Where results go: row by row of heads, or side by side, or both. */
struct result_maps {
    CUtensorMap to, by_rows;
};

#if HAS_WARPGROUPS
template <int DIM> DEVICE void make_barriers(const block_room<DIM> &room) {
    for (int b = 0; b < 1 + 2 * STAGES; b++) barrier_init(room.barriers + 8 * b, 1);
    for (int b = 1 + 2 * STAGES; b < 1 + 4 * STAGES; b++) barrier_init(room.barriers + 8 * b, GROUPS);
    barriers_made();
}

/* ---- the thread that gives tiles */
template <int DIM> DEVICE void give_tiles(u32 to, const CUtensorMap *map, u32 there, int row, int head, int batch) {
    barrier_expect(there, block_room<DIM>::TILES);
    for (int t = 0; t < DIM / TILE_WIDTH; t++)
        copy_box(to + t * block_room<DIM>::TILE, map, there, t * TILE_WIDTH, row, head, batch);
}

template <int DIM>
DEVICE void give_all(const block_room<DIM> &room, const CUtensorMap *k, const CUtensorMap *v, const key_span &span,
                     int kv_head, int batch) {
    for (int first = span.begins, turn = 0; first < span.ends; first += KEYS, turn++) {
        int stage = turn % STAGES, parity = turn / STAGES % 2;
        barrier_await(room.keys_free(stage), parity ^ 1);
        give_tiles<DIM>(room.keys(stage), k, room.keys_there(stage), first, kv_head, batch);
        barrier_await(room.values_free(stage), parity ^ 1);
        give_tiles<DIM>(room.values(stage), v, room.values_there(stage), first, kv_head, batch);
    }
}

/* ---- a taker's rows. A lane has, of its warp's 16 rows, rows lane / 4 and that + 8, two columns of every eight. */
template <int DIM> struct group_rows { float top[2], sum[2], values[DIM / 2]; };

template <class S, int DIM> DEVICE void give_scores(float (&scores)[KEYS / 2], u32 queries, u32 keys) {
#pragma unroll
    for (int d = 0; d < DIM / 16; d++) {
        u32 at = d / 4 * block_room<DIM>::TILE + d % 4 * 32;
        group_multiply(scores, factor_at(queries + at), factor_at(keys + at), d > 0, S());
    }
    group_end();
}

template <class S, int DIM>
DEVICE void give_values(group_rows<DIM> &r, const u32 (&weights)[KEYS / 16][4], u32 values) {
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++)
        group_multiply(r.values, weights[j], factor_at(values + j * 16 * TILE_ROW_BYTES, block_room<DIM>::TILE), S());
    group_end();
}

template <class S> DEVICE void take_weights(u32 (&weights)[KEYS / 16][4], const float (&scores)[KEYS / 2]) {
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) weights[j][i] = pair_of(scores[8 * j + 2 * i], scores[8 * j + 2 * i + 1], S());
}

/* Scores become weights; fade: what sums and values so far are to be multiplied by. unit: what a score is multiplied by
   to be a power of two. MASKED: some scores may be LOWEST, or do not exist. */
template <bool MASKED, int DIM>
DEVICE void weigh(group_rows<DIM> &r, float (&scores)[KEYS / 2], float (&fade)[2], float unit) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float top = r.top[h];
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++) top = fmaxf(top, fmaxf(scores[4 * n + 2 * h], scores[4 * n + 2 * h + 1]));
        top = fmaxf(top, from_lane(top, 1));
        top = fmaxf(top, from_lane(top, 2));
        bool none = MASKED && top <= LOWEST; /* nothing that is not hidden was seen yet */
        float offset = none ? 0 : top * unit, sum = 0;
        fade[h] = MASKED && r.top[h] <= LOWEST ? (none ? 1.0f : 0.0f) : power_of_two(fmaf(r.top[h], unit, -offset));
        r.top[h] = top;
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 4 * n + 2 * h; i < 4 * n + 2 * h + 2; i++) {
                float weight = power_of_two(fmaf(scores[i], unit, -offset));
                if (none) weight = scores[i] == LOWEST ? 1.0f : 0.0f;
                sum += scores[i] = weight;
            }
        r.sum[h] = r.sum[h] * fade[h] + sum;
    }
}

template <int DIM> DEVICE void fade_values(group_rows<DIM> &r, const float (&fade)[2]) {
#pragma unroll
    for (int i = 0; i < DIM / 2; i++) r.values[i] *= fade[i / 2 % 2];
}

/* Where the lane's first row stands among the keys, and in the mask. */
struct own_row {
    int position;
    i64 batch, head, row;
};

/* What positions and counts hide, of what an array has not hidden for good. */
DEVICE void hide(float (&scores)[KEYS / 2], const key_span &span, int first, int position) {
    int column = threadIdx.x % 4 * 2, own = position - first, count = span.count - first;
#pragma unroll
    for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int key = n * 8 + column + i % 2, at = own + i / 2 * 8;
            if (key > at || key <= at - span.reach) scores[4 * n + i] = fminf(scores[4 * n + i], LOWEST);
            if (key >= count) scores[4 * n + i] = -INFINITY;
        }
}

/* ---- mask arrays: of the dtype of q, or of truths, whose rows lie dense, two numbers are read at a time, before the
   scores are there; others number by number */
template <class S, int ARRAY> struct mask_tile {
    u32 pairs[2][ARRAY >= HALVES ? KEYS / 8 : 1];

    DEVICE_MEMBER static i64 begin(const attention_kernel &k, const own_row &own, int h) {
        i64 row = own.row + h * 8 < k.rows ? own.row + h * 8 : k.rows - 1;
        return own.batch * k.mask_strides[0] + own.head * k.mask_strides[1] + row * k.mask_strides[2];
    }
    DEVICE_MEMBER void read(const attention_kernel &k, const own_row &own, int first) {
        int column = first + threadIdx.x % 4 * 2;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            i64 at = begin(k, own, h) + column;
#pragma unroll
            for (int n = 0; n < KEYS / 8 && ARRAY >= HALVES; n++) {
                bool exists = column + n * 8 < k.keys;
                if (ARRAY == HALVES) pairs[h][n] = exists ? *(const u32 *)((const S *)k.mask + at + n * 8) : 0;
                if (ARRAY == TRUTHS)
                    pairs[h][n] = exists ? *(const unsigned short *)((const char *)k.mask + at + n * 8) : 0;
            }
        }
    }
    DEVICE_MEMBER void apply(float (&scores)[KEYS / 2], const attention_kernel &k, const own_row &own,
                             int first) const {
        float share = (float)(1 / k.scale);
        int column = first + threadIdx.x % 4 * 2;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            i64 at = ARRAY == ANY_ARRAY ? begin(k, own, h) : 0;
#pragma unroll
            for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    float &score = scores[4 * n + 2 * h + i];
                    int key = column + n * 8 + i;
                    if (ARRAY == HALVES) score = added_score(score, widen(((const S *)&pairs[h][n])[i]), share);
                    if (ARRAY == TRUTHS) score = pairs[h][n] >> 8 * i & 255 ? score : LOWEST;
                    if (ARRAY == ANY_ARRAY && key < k.keys)
                        score = array_score(k, at + key * k.mask_strides[3], score, share);
                }
        }
    }
};

/* Values behind the last key may be anything, which no weight makes nothing of. */
template <int DIM> DEVICE void clear_values(u32 values, int from, int group) {
    for (int i = threadIdx.x % WARPGROUP; i < (KEYS - from) * (DIM / 8); i += WARPGROUP) {
        u32 row = from + i / (DIM / 8), piece = i % (DIM / 8);
        u32 at = values + piece / 8 * block_room<DIM>::TILE + row * TILE_ROW_BYTES + ((piece % 8 ^ (row & 7)) << 4);
        asm volatile("st.shared.v4.b32 [%0], {%1, %1, %1, %1};" ::"r"(at), "r"(0) : "memory");
    }
    show_writes();
    turn_await(OWN_FIRST + group, WARPGROUP);
}

template <class S, int ARRAY, int DIM>
DEVICE void weigh_tile(group_rows<DIM> &r, float (&scores)[KEYS / 2], float (&fade)[2], const mask_tile<S, ARRAY> &mask,
                       const attention_kernel &k, const own_row &own, const key_span &span, int first, float unit) {
    if (!ARRAY && !span.hides(first, KEYS)) {
        weigh<false>(r, scores, fade, unit);
        return;
    }
    mask.apply(scores, k, own, first);
    if (span.hides(first, KEYS)) hide(scores, span, first, own.position);
    weigh<true>(r, scores, fade, unit);
}

/* ---- results, which leave from where the group's queries were */
template <class S, int DIM>
DEVICE void take_scales(float (&scales)[2], const group_rows<DIM> &r, const attention_kernel &k, i64 head, float unit) {
    float sink = k.sinks ? (float)widen(((const S *)k.sinks)[head * k.sink_step]) * (float)LOG2E : 0;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float sum = r.sum[h];
        sum += from_lane(sum, 1);
        sum += from_lane(sum, 2);
        if (k.sinks) sum = r.top[h] <= LOWEST ? INFINITY : sum + power_of_two(sink - r.top[h] * unit);
        scales[h] = 1 / sum;
    }
}

/* own: of the warp's first row; at: where its queries were. */
template <int DIM>
DEVICE void leave_rows(const attention_kernel &k, const result_maps &maps, const own_row &own, u32 at) {
    const int row = (int)own.row, head = (int)own.head, batch = (int)own.batch;
    for (int t = 0; t < DIM / TILE_WIDTH && row < k.rows; t++) {
        const u32 box = at + t * block_room<DIM>::TILE;
        if (k.to) leave_box(&maps.to, box, t * TILE_WIDTH, row, head, batch);
        if (k.by_rows) leave_box(&maps.by_rows, box, t * TILE_WIDTH, row, head, batch);
    }
    box_left();
    await_boxes_read<0>();
}

template <class S, int DIM>
DEVICE void write_rows(const group_rows<DIM> &r, const attention_kernel &k, const result_maps &maps, const own_row &own,
                       u32 queries, int group, float unit) {
    const int lane = threadIdx.x % 32;
    const u32 at = queries + threadIdx.x % WARPGROUP / 32 * WARP_ROWS * TILE_ROW_BYTES;
    float scales[2];
    take_scales<S>(scales, r, k, own.head, unit);
    auto pair = [&](int n, int h) {
        return pair_of(r.values[4 * n + 2 * h] * scales[h], r.values[4 * n + 2 * h + 1] * scales[h], S());
    };
    turn_await(OWN_FIRST + group, WARPGROUP); /* nobody reads the queries any more */
#pragma unroll
    for (int n = 0; n < DIM / 8; n += 2)
        put_pieces(at + n / 8 * block_room<DIM>::TILE + place_in_box<TILE_WIDTH>(lane % 16, n % 8 + lane / 16),
                   pair(n, 0), pair(n, 1), pair(n + 1, 0), pair(n + 1, 1));
    show_writes();
    __syncwarp();
    if (lane == 0) leave_rows<DIM>(k, maps, own, at);
}

/* The last values, of which those behind the last key may be anything. */
template <class S, int DIM>
DEVICE void take_last(group_rows<DIM> &r, const u32 (&weights)[KEYS / 16][4], const block_room<DIM> &room,
                      const attention_kernel &k, const key_span &span, int turn, int group) {
    int stage = turn % STAGES, beyond = span.count - (span.begins + turn * KEYS);
    barrier_await(room.values_there(stage), turn / STAGES % 2);
    if (beyond < KEYS && span.count < k.keys) clear_values<DIM>(room.values(stage), beyond, group);
    group_begin();
    give_values<S, DIM>(r, weights, room.values(stage));
    group_await<0>();
    settle(r.values);
}

template <class S, int DIM, int ARRAY>
DEVICE void take_all(const block_room<DIM> &room, const attention_kernel &k, const result_maps &maps,
                     const key_span &span, const own_row &own, int group) {
    const float unit = (float)(k.scale * LOG2E);
    const u32 queries = room.queries + group * 64 * TILE_ROW_BYTES;
    const bool is_teller = threadIdx.x % WARPGROUP == 0;
    const int tiles = span.ends > span.begins ? (span.ends - span.begins + KEYS - 1) / KEYS : 0;
    group_rows<DIM> r = {{LOWEST * 2, LOWEST * 2}};
    float scores[KEYS / 2], fade[2];
    mask_tile<S, ARRAY> mask;
    u32 weights[KEYS / 16][4];
#pragma unroll
    for (int i = 0; i < DIM / 2; i++) r.values[i] = 0;
    if (group == GROUPS - 1) turn_give(TURN_FIRST, GROUPS * WARPGROUP);
    barrier_await(room.queries_there(), 0);
    if (tiles) {
        barrier_await(room.keys_there(0), 0);
        group_begin();
        give_scores<S, DIM>(scores, queries, room.keys(0));
        mask.read(k, own, span.begins);
        group_await<0>();
        settle(scores);
        if (is_teller) barrier_arrive(room.keys_free(0));
        weigh_tile(r, scores, fade, mask, k, own, span, span.begins, unit);
        take_weights<S>(weights, scores);
    }
    for (int turn = 1; turn < tiles; turn++) {
        const int stage = turn % STAGES, before = (turn - 1) % STAGES;
        barrier_await(room.keys_there(stage), turn / STAGES % 2);
        turn_await(TURN_FIRST + group, GROUPS * WARPGROUP);
        group_begin();
        give_scores<S, DIM>(scores, queries, room.keys(stage));
        barrier_await(room.values_there(before), (turn - 1) / STAGES % 2);
        give_values<S, DIM>(r, weights, room.values(before));
        turn_give(TURN_FIRST + (group + 1) % GROUPS, GROUPS * WARPGROUP);
        mask.read(k, own, span.begins + turn * KEYS);
        group_await<1>();
        settle(scores);
        if (is_teller) barrier_arrive(room.keys_free(stage));
        weigh_tile(r, scores, fade, mask, k, own, span, span.begins + turn * KEYS, unit);
        group_await<0>();
        settle(r.values);
        if (is_teller) barrier_arrive(room.values_free(before));
        fade_values(r, fade);
        take_weights<S>(weights, scores);
    }
    if (tiles) take_last<S>(r, weights, room, k, span, tiles - 1, group);
    write_rows<S>(r, k, maps, own, queries, group, unit);
}
#endif

template <class S, int DIM, int ARRAY>
__global__ void __launch_bounds__(THREADS, 1)
    attend_groups(const __grid_constant__ attention_kernel k, const __grid_constant__ CUtensorMap qs,
                  const __grid_constant__ CUtensorMap ks, const __grid_constant__ CUtensorMap vs,
                  const __grid_constant__ result_maps maps) {
#if HAS_WARPGROUPS
    extern __shared__ uint4 shared[];
    const block_room<DIM> room((shared_address(shared) + 1023) / 1024 * 1024);
    const int head = blockIdx.x, batch = blockIdx.z, kv_head = head / (int)(k.heads / k.kv_heads),
              part = threadIdx.x / WARPGROUP;
    const int first_row = (int)(gridDim.y - 1 - blockIdx.y) * ROWS,
              rows = k.rows - first_row < ROWS ? (int)k.rows - first_row : ROWS;
    const bool is_giver = threadIdx.x == GROUPS * WARPGROUP;
    if (threadIdx.x == 0) make_barriers<DIM>(room);
    if (is_giver) fetch_map(&qs), fetch_map(&ks), fetch_map(&vs);
    __syncthreads();
    begin();
    if (is_giver) give_tiles<DIM>(room.queries, &qs, room.queries_there(), first_row, head, batch);
    __syncwarp();
    const key_span span(k, batch, head, first_row, rows, KEYS);
    if (part == GROUPS) {
        give_registers<GIVER_REGISTERS>();
        if (is_giver) give_all<DIM>(room, &ks, &vs, span, kv_head, batch);
    } else {
        take_registers<TAKER_REGISTERS>();
        int row = part * 64 + threadIdx.x % WARPGROUP / 32 * 16 + threadIdx.x % 32 / 4;
        own_row own = {k.causal ? span.position + row : span.position, batch, head, first_row + row};
        take_all<S, DIM, ARRAY>(room, k, maps, span, own, part);
    }
#endif
}

static bool map_results(result_maps *maps, const attention_kernel *k) {
    const int64_t row = k->value_dim, all = k->heads * k->rows * row, shape[] = {k->batch, k->heads, k->rows, row},
                  strides[] = {all, k->rows * row, row}, by_rows[] = {all, row, k->heads * row};
    return (!k->to || map_rows(&maps->to, k->to, shape, strides, WARP_ROWS)) &&
           (!k->by_rows || map_rows(&maps->by_rows, k->by_rows, shape, by_rows, WARP_ROWS));
}

template <class S, int DIM, int ARRAY> static bool launch_dim(const attention_kernel *k, kernel_stream stream) {
    constexpr size_t bytes = block_room<DIM>::BYTES + 1024;
    CUtensorMap q, ks, v;
    result_maps maps = {};
    const int64_t q_shape[] = {k->batch, k->heads, k->rows, k->dim},
                  k_shape[] = {k->batch, k->kv_heads, k->keys, k->dim},
                  v_shape[] = {k->batch, k->kv_heads, k->keys, k->value_dim};
    if (!cuda_is_hopper() || !map_rows(&q, k->q, q_shape, k->q_strides, ROWS) ||
        !map_rows(&ks, k->k, k_shape, k->k_strides, KEYS) || !map_rows(&v, k->v, v_shape, k->v_strides, KEYS) ||
        !map_results(&maps, k))
        return false;
    allow_shared(attend_groups<S, DIM, ARRAY>, bytes);
    /* of all heads those blocks first that have most to do */
    dim3 blocks((unsigned)k->heads, (unsigned)((k->rows + ROWS - 1) / ROWS), (unsigned)k->batch);
    start(attend_groups<S, DIM, ARRAY>, blocks, THREADS, bytes, stream, *k, q, ks, v, maps);
    return true;
}

/* How the mask may be read: rows of pairs begin at multiples of a pair, and no pair crosses the end of one. */
static int array_of(const attention_kernel *k) {
    if (!k->mask) return NO_ARRAY;
    uintptr_t pair = k->mask_dtype == D_BOOL ? 2 : 4;
    bool paired = k->mask_strides[3] == 1 && k->keys % 2 == 0 && (uintptr_t)k->mask % pair == 0;
    for (int i = 0; i < 3; i++) paired = paired && k->mask_strides[i] % 2 == 0;
    return !paired ? ANY_ARRAY : k->mask_dtype == D_BOOL ? TRUTHS : k->mask_dtype == k->dtype ? HALVES : ANY_ARRAY;
}

template <class S, int DIM> static bool launch_array(const attention_kernel *k, kernel_stream stream) {
    switch (array_of(k)) {
    case NO_ARRAY:
        return launch_dim<S, DIM, NO_ARRAY>(k, stream);
    case HALVES:
        return launch_dim<S, DIM, HALVES>(k, stream);
    case TRUTHS:
        return launch_dim<S, DIM, TRUTHS>(k, stream);
    default:
        return launch_dim<S, DIM, ANY_ARRAY>(k, stream);
    }
}

template <class S> static bool launch(const attention_kernel *k, kernel_stream stream) {
    return k->dim <= 64 && k->value_dim <= 64 ? launch_array<S, 64>(k, stream) : launch_array<S, 128>(k, stream);
}

bool launch_group_attention(const attention_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, return launch<type>(k, stream))
        CASE(D_BF16, bfloat16, return launch<type>(k, stream))
    }
    return false;
}
