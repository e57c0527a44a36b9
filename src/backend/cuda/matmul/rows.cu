/* Many rows of x by weights [n, k] of half types (compute capability 9.0): y = x wᵀ. Blocks stay and take tiles of 128
   rows of x by WIDTH rows of the weight. One thread has the copy engine bring both, some steps of 64 numbers ahead, on
   and on from tile to tile; two warpgroups take 64 rows of x each. Two blocks of a cluster take tiles of the same rows
   of the weight: each brings one half of those, for both. Of a gate (GATED) a tile has rows of the gate and those that
   they let through, which are a thread's own. */
#include "cuda/matmul/rows.h"

#include "cuda/cluster.cuh"
#include "cuda/elementwise/gate.cuh"
#include "cuda/warpgroup.cuh"

enum {
    GROUPS = 2,
    GROUP_ROWS = 64,
    ROWS = GROUPS * GROUP_ROWS,
    PAIR = 2, /* blocks with the same rows of the weight */
    THREADS = WARPGROUP * (GROUPS + 1),
    GIVER_REGISTERS = 40,
    TAKER_REGISTERS = 232,
    MOST_SHARED = 224 << 10 /* of tiles and results */,
    MOST_STAGES = 8
};

/* ---- where a block has what in shared memory, by address */
template <int WIDTH> struct tile_room {
    static constexpr int LEFT = WIDTH % 64 ? 32 : 64 /* columns of a box of results */;
    static constexpr u32 X = ROWS * TILE_ROW_BYTES, HALF = WIDTH / 2 * TILE_ROW_BYTES, STAGE = X + 2 * HALF,
                         BOX = WARP_ROWS * LEFT * 2, BOXES = 2 * BOX * GROUPS * WARPGROUP / 32 /* two of each warp */;
    static constexpr int FIT = (MOST_SHARED - BOXES) / STAGE, STAGES = FIT < MOST_STAGES ? FIT : MOST_STAGES;
    static constexpr u32 BYTES = STAGES * STAGE + BOXES + 8 * 2 * STAGES;
    u32 tiles;

    DEVICE_MEMBER u32 x(int stage) const { return tiles + stage * STAGE; }
    DEVICE_MEMBER u32 weight(int stage, int half) const { return x(stage) + X + half * HALF; }
    DEVICE_MEMBER u32 box(int warp, int turn) const { return x(STAGES) + (2 * warp + turn) * BOX; }
    DEVICE_MEMBER u32 there(int stage) const { return x(STAGES) + BOXES + 8 * stage; }
    DEVICE_MEMBER u32 free(int stage) const { return there(STAGES + stage); }
};

#if HAS_WARPGROUPS
#define MULTIPLY_TILES(count, width, a, b, type, name)                                                                 \
    DEVICE void multiply_tiles(float(&c)[count], u64 x, u64 w, type) {                                                 \
        asm volatile("wgmma.mma_async.sync.aligned.m64n" #width "k16.f32." name "." name " {" NAMES_##count            \
                     "}, " a ", " b ", 1, 1, 1, 0, 0;"                                                                 \
                     : SUMS_##count                                                                                    \
                     : "l"(x), "l"(w));                                                                                \
    }
#define MULTIPLY_WIDTHS(type, name)                                                                                    \
    MULTIPLY_TILES(48, 96, "%48", "%49", type, name)                                                                   \
    MULTIPLY_TILES(80, 160, "%80", "%81", type, name)                                                                  \
    MULTIPLY_TILES(96, 192, "%96", "%97", type, name)                                                                  \
    MULTIPLY_TILES(128, 256, "%128", "%129", type, name)
MULTIPLY_WIDTHS(bfloat16, "bf16")
MULTIPLY_WIDTHS(float16, "f16")

/* ---- tiles are a cluster's, first those of all rows of x with the same rows of the weight; a block's are those of its
   rank */
struct own_tile {
    int row, column; /* of x; of the weight, of a gate's half */
};
template <int WIDTH, bool GATED> DEVICE own_tile tile_of(const dense_rows_kernel &k, int number, int rank) {
    return {(number % k.turns_down * PAIR + rank) * ROWS, number / k.turns_down * (GATED ? WIDTH / 2 : WIDTH)};
}
DEVICE int steps_of(const dense_rows_kernel &k) {
    return (int)((k.k + TILE_WIDTH - 1) / TILE_WIDTH);
}

/* A box for both blocks: it comes to the same place in each, and is counted by the barrier there. */
DEVICE void copy_box_to(u32 to, const CUtensorMap *map, u32 barrier, int column, int row) {
    asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], "
                 "[%1, {%3, %4, %5, %5}], [%2], %6;" ::"r"(to),
                 "l"((u64)map), "r"(barrier), "r"(column), "r"(row), "r"(0), "h"((unsigned short)3)
                 : "memory");
}

/* ---- the thread that gives tiles */
template <int WIDTH, bool GATED> struct giver {
    typedef tile_room<WIDTH> own_room;
    own_room room;
    const CUtensorMap *x, *weight;
    int rank, half_step; /* from the rows of the weight of one half to those of the other */

    /* A half of the rows of the weight, to both blocks of the pair. */
    DEVICE_MEMBER void give_weight(int stage, const own_tile &tile, int column) const {
        barrier_expect(room.there(stage), own_room::STAGE);
        copy_box_to(room.weight(stage, rank), weight, room.there(stage), column, tile.column + rank * half_step);
    }
    DEVICE_MEMBER void give_x(int stage, const own_tile &tile, int column) const {
        copy_box(room.x(stage), x, room.there(stage), column, tile.row, 0, 0);
    }

    DEVICE_MEMBER void give_all(const dense_rows_kernel &k, int tiles) const {
        const int steps = steps_of(k);
        /* what does not depend on the kernel before */
        const int early = !k.early ? 0 : steps < own_room::STAGES ? steps : own_room::STAGES;
        const own_tile first = tile_of<WIDTH, GATED>(k, (int)blockIdx.y, rank);
        for (int n = 0; n < early; n++) give_weight(n, first, n * TILE_WIDTH);
        await_previous();
        int stage = 0, parity = 1, given = 0;
        for (int number = (int)blockIdx.y; number < tiles; number += (int)gridDim.y) {
            const own_tile tile = tile_of<WIDTH, GATED>(k, number, rank);
            for (int n = 0; n < steps; n++, given++) {
                const int column = n * TILE_WIDTH;
                if (given >= early) {
                    barrier_await(room.free(stage), parity);
                    give_weight(stage, tile, column);
                }
                give_x(stage, tile, column);
                if (++stage == own_room::STAGES) stage = 0, parity ^= 1;
            }
        }
        /* the block is not gone before all have told that stages are free */
        for (int n = 0; n < own_room::STAGES; n++) {
            barrier_await(room.free(stage), parity);
            if (++stage == own_room::STAGES) stage = 0, parity ^= 1;
        }
    }
};

/* ---- results: boxes of a warp's 16 rows, which leave by the copy engine while the next one is made */
template <class S, int WIDTH> struct leaver {
    typedef tile_room<WIDTH> own_room;
    own_room room;
    int warp, turn, rows; /* rows: of the result, whose `columns` put is told */

    /* pair(n, h): numbers 8 n + 2 (lane % 4) and the next of row lane / 4 + 8 h, as halves. */
    template <class P> DEVICE_MEMBER void put(const CUtensorMap *map, int column, int columns, int row, P pair) {
        const int lane = threadIdx.x % 32;
        const u32 box = room.box(warp, turn);
        turn ^= 1;
        if (lane == 0) await_boxes_read<1>();
        __syncwarp();
#pragma unroll
        for (int n = 0; n < own_room::LEFT / 8; n += 2)
            put_pieces(box + place_in_box<own_room::LEFT>(lane % 16, n + lane / 16), pair(n, 0), pair(n, 1),
                       pair(n + 1, 0), pair(n + 1, 1));
        show_writes();
        __syncwarp();
        if (lane) return;
        if (row < rows && column < columns) leave_box(map, box, column, row, 0, 0);
        box_left(); /* counted, too, where nothing of it is a result */
    }
};

template <class S> DEVICE u32 gate_pair(u32 gate, u32 through) {
    float v[2];
#pragma unroll
    for (int i = 0; i < 2; i++)
        v[i] = gate_value<S>((float)widen(((const S *)&gate)[i]), (float)widen(((const S *)&through)[i]));
    return pair_of(v[0], v[1], S());
}

/* ---- the groups that take tiles */
template <class S, int WIDTH, bool GATED> struct taker {
    typedef tile_room<WIDTH> own_room;
    own_room room;
    int rank, group, stage, parity;
    float sums[WIDTH / 2];

    /* Both blocks of the pair may bring what comes into the stage next. */
    DEVICE_MEMBER void free_stage(int which) const {
        const int thread = threadIdx.x % WARPGROUP;
        if (thread < PAIR) arrive_in_block(room.free(which), thread);
    }

    DEVICE_MEMBER void multiply(int steps) {
#pragma unroll
        for (int i = 0; i < WIDTH / 2; i++) sums[i] = 0;
        int before = 0;
        for (int n = 0; n < steps; n++) {
            const u32 x = room.x(stage) + group * GROUP_ROWS * TILE_ROW_BYTES, weight = room.weight(stage, 0);
            barrier_await(room.there(stage), parity);
            group_begin();
#pragma unroll
            for (int j = 0; j < 4; j++) multiply_tiles(sums, factor_at(x + j * 32), factor_at(weight + j * 32), S());
            group_end();
            group_await<1>();
            if (n) free_stage(before);
            before = stage;
            if (++stage == own_room::STAGES) stage = 0, parity ^= 1;
        }
        group_await<0>();
        settle(sums);
        free_stage(before);
    }

    DEVICE_MEMBER u32 pair_at(int n, int h) const {
        return pair_of(sums[4 * n + 2 * h], sums[4 * n + 2 * h + 1], S());
    }
    /* Of a gate a piece of the gate's numbers, of those that they let through, and of the result. */
    DEVICE_MEMBER void leave(leaver<S, WIDTH> &results, const dense_rows_kernel &k, const CUtensorMap *y,
                             const CUtensorMap *gated, const own_tile &tile) {
        const int row = tile.row + group * GROUP_ROWS + threadIdx.x % WARPGROUP / 32 * WARP_ROWS;
        constexpr int STEP = own_room::LEFT / 8, HALF = WIDTH / 16;
#pragma unroll
        for (int first = 0; first < (GATED ? HALF : 2 * HALF); first += STEP) {
            const int column = tile.column + first * 8;
            const auto gate = [&](int n, int h) { return pair_at(first + n, h); };
            const auto through = [&](int n, int h) { return pair_at(HALF + first + n, h); };
            if (!GATED || k.to) results.put(y, column, (int)k.n, row, gate);
            if (!GATED) continue;
            if (k.to) results.put(y, column + (int)(k.n / 2), (int)k.n, row, through);
            results.put(gated, column, (int)(k.n / 2), row,
                        [&](int n, int h) { return gate_pair<S>(gate(n, h), through(n, h)); });
        }
    }

    DEVICE_MEMBER void take_all(const dense_rows_kernel &k, const CUtensorMap *y, const CUtensorMap *gated, int tiles) {
        leaver<S, WIDTH> results = {room, warp_number(), 0, (int)k.m};
        stage = parity = 0;
        for (int number = (int)blockIdx.y; number < tiles; number += (int)gridDim.y) {
            multiply(steps_of(k));
            leave(results, k, y, gated, tile_of<WIDTH, GATED>(k, number, rank));
        }
        if (threadIdx.x % 32 == 0) await_boxes_read<0>();
    }
};
#endif

template <class S, int WIDTH, bool GATED>
__global__ void __launch_bounds__(THREADS, 1)
    multiply_rows_by(const __grid_constant__ dense_rows_kernel k, const __grid_constant__ CUtensorMap x,
                     const __grid_constant__ CUtensorMap weight, const __grid_constant__ CUtensorMap y,
                     const __grid_constant__ CUtensorMap gated, int tiles) {
#if HAS_WARPGROUPS
    extern __shared__ uint4 shared[];
    const tile_room<WIDTH> room = {(shared_address(shared) + 1023) / 1024 * 1024};
    if (threadIdx.x == GROUPS * WARPGROUP) fetch_map(&x), fetch_map(&weight);
    if (threadIdx.x == 0) {
        for (int s = 0; s < room.STAGES; s++) barrier_init(room.there(s), 1), barrier_init(room.free(s), PAIR * GROUPS);
        barriers_made();
    }
    __syncthreads();
    begin_in_cluster();
    let_next_begin();
    await_cluster();
    if (threadIdx.x >= GROUPS * WARPGROUP) {
        give_registers<GIVER_REGISTERS>();
        if (threadIdx.x == GROUPS * WARPGROUP) {
            giver<WIDTH, GATED> g = {room, &x, &weight, (int)blockIdx.x, GATED ? (int)(k.n / 2) : WIDTH / 2};
            g.give_all(k, tiles);
        }
    } else {
        take_registers<TAKER_REGISTERS>();
        taker<S, WIDTH, GATED> t;
        t.room = room;
        t.rank = (int)blockIdx.x;
        t.group = warp_number() / (WARPGROUP / 32);
        t.take_all(k, &y, &gated, tiles);
    }
#endif
}

/* ---- on the host */
/* A gate's have as many rows of each half as half of the width. */
static i64 tiles_of(const dense_rows_kernel *k, int width) {
    return (i64)blocks_for(k->m, PAIR * ROWS) * blocks_for(k->n, width);
}
static int clusters_at_once() {
    return cuda_processors() / PAIR;
}

static bool map_results(CUtensorMap *map, const void *to, i64 m, i64 n, int columns) {
    const int64_t shape[] = {1, 1, m, n}, strides[] = {m * n, m * n, n};
    return map_boxes(map, to, shape, strides, WARP_ROWS, columns);
}

template <class S, int WIDTH, bool GATED> static bool launch_tiles(const dense_rows_kernel *k, kernel_stream stream) {
    typedef tile_room<WIDTH> room;
    auto kernel = multiply_rows_by<S, WIDTH, GATED>;
    constexpr size_t bytes = room::BYTES + 1024;
    const int64_t x_shape[] = {1, 1, k->m, k->k}, x_strides[] = {k->m * k->x_step, k->m * k->x_step, k->x_step},
                  w_shape[] = {1, 1, k->n, k->k},
                  w_strides[] = {k->n * k->weight_step, k->n * k->weight_step, k->weight_step};
    const void *to = k->to ? k->to : k->gated; /* where y is not wanted its map is not used */
    CUtensorMap x, weight, y, gated;
    if (!map_rows(&x, k->x, x_shape, x_strides, ROWS) || !map_rows(&weight, k->weight, w_shape, w_strides, WIDTH / 2) ||
        !map_results(&y, to, k->m, k->n, room::LEFT) ||
        !map_results(&gated, GATED ? k->gated : to, k->m, GATED ? k->n / 2 : k->n, room::LEFT))
        return false;
    dense_rows_kernel own = *k;
    own.turns_down = (int)blocks_for(k->m, PAIR * ROWS);
    const int tiles = (int)tiles_of(k, WIDTH), most = clusters_at_once();
    allow_shared(kernel, bytes);
    start_clusters(kernel, dim3(PAIR, (unsigned)(tiles < most ? tiles : most)), THREADS, bytes, stream, own, x, weight,
                   y, gated, tiles);
    return true;
}

/* ---- which width: that whose tiles are over first, in as many turns as the chip needs for them */
static const int widths[] = {256, 192, 160, 96};
enum { WIDTHS = sizeof widths / sizeof *widths };

/* In rows of the weight times steps. */
static i64 cost_of(const dense_rows_kernel *k, int width) {
    enum { AROUND = 1536 /* what begin and end of a tile are worth */ };
    const i64 turns = blocks_for(tiles_of(k, width), clusters_at_once());
    return turns * (width * (i64)blocks_for(k->k, TILE_WIDTH) + AROUND);
}

template <class S> static bool launch(const dense_rows_kernel *k, kernel_stream stream) {
    bool (*const launchers[])(const dense_rows_kernel *,
                              kernel_stream) = {launch_tiles<S, 256, false>, launch_tiles<S, 192, false>,
                                                launch_tiles<S, 160, false>, launch_tiles<S, 96, false>};
    int best = 0;
    for (int i = 1; i < WIDTHS; i++)
        if (cost_of(k, widths[i]) < cost_of(k, widths[best])) best = i;
    return k->gated ? launch_tiles<S, 256, true>(k, stream) : launchers[best](k, stream);
}

bool dense_rows_pay(const dense_rows_kernel *k) {
    enum { LEAST = 1024, MOST_ROWS = 1024 };
    return k->m > ROWS && k->m <= MOST_ROWS && k->n >= LEAST && k->k >= LEAST && cuda_is_hopper();
}

bool launch_dense_rows(const dense_rows_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, return launch<type>(k, stream))
        CASE(D_BF16, bfloat16, return launch<type>(k, stream))
    }
    return false;
}
