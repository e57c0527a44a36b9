/* Many rows of x with affine weights of 4 bits by warpgroups (compute capability 9.0): weights are unpacked into the
   registers that the matrix units take them from, so that no copy of them is made. A block makes 128 rows of the weight
   by WIDTH rows of x: one thread brings tiles of x into shared memory, some steps of 64 numbers ahead, and each of two
   warpgroups unpacks its 64 rows of the weight while the product before is under way. x is brought into the order of
   use first (`order_rows`). Of a gate (gated) a group takes rows of the gate and the other one those that they let
   through. */
#include "cuda/elementwise/gate.cuh"
#include "cuda/quant/tile.cuh"
#include "cuda/warpgroup.cuh"
#include "cuda/shared.cuh"

enum {
    GROUPS = 2,
    GROUP_ROWS = 64,
    ROWS = GROUPS * GROUP_ROWS,
    THREADS = WARPGROUP * (GROUPS + 1),
    TAKERS = WARPGROUP * GROUPS,
    GIVER_REGISTERS = 24,
    TAKER_REGISTERS = 240
};
enum {
    BAR_TAKERS = 1,
    PITCH = ROWS + 8 /* of a row of results in shared memory, in halves */,
    MOST_SHARED = 220 << 10,
    MOST_STAGES = 8
};

/* ---- x in the order of use */
template <class S> __global__ void order_rows(const __grid_constant__ packed_rows_kernel k) {
    begin();
    const i64 pieces = k.k / 8, at = thread_number();
    if (at >= k.m * pieces) return;
    /* neighbours of the result are pieces four apart */
    const i64 span = at / 16, piece = span % (k.k / SPAN) * 16 + at % 4 * 4 + at / 4 % 4, row = span / (k.k / SPAN);
    uint4 x;
    const S *from = (const S *)k.x + row * k.k + piece * 8;
    if (k.aligned)
        x = *(const uint4 *)from;
    else
        for (int i = 0; i < 8; i++) ((S *)&x)[i] = from[i];
    put_in_order<S>((S *)k.spread + row * k.k, piece, x);
}

/* ---- where a block has what in shared memory, by address; results take the place of the tiles in the end */
template <int WIDTH> struct tile_room {
    static constexpr u32 TILE = WIDTH * TILE_ROW_BYTES;
    static constexpr int FIT = MOST_SHARED / TILE, STAGES = FIT < MOST_STAGES ? FIT : MOST_STAGES;
    static constexpr u32 BYTES = STAGES * TILE + 2 * 8 * STAGES;
    u32 tiles;

    DEVICE_MEMBER u32 tile(int stage) const { return tiles + stage * TILE; }
    DEVICE_MEMBER u32 there(int stage) const { return tiles + STAGES * TILE + 8 * stage; }
    DEVICE_MEMBER u32 free(int stage) const { return there(STAGES + stage); }
};

#if HAS_WARPGROUPS
/* Which row of the weight stands first for a group. */
DEVICE i64 first_row(const packed_rows_kernel &k, int group) {
    return k.gated ? blockIdx.y * (i64)GROUP_ROWS + group * (k.rows / 2) : blockIdx.y * (i64)ROWS + group * GROUP_ROWS;
}

#define NAMES_52 NAMES_48 ",%48,%49,%50,%51"
#define NAMES_88 NAMES_80 ",%80,%81,%82,%83,%84,%85,%86,%87"
#define SUMS_52  SUMS_48, "+f"((c)[48]), "+f"((c)[49]), "+f"((c)[50]), "+f"((c)[51])
#define SUMS_88  SUMS_80, SUMS_8(c, 80)

/* c += a b: 64 rows by 2 COUNT, 16 summed; a in registers, b by rows in shared memory. */
#define MULTIPLY_ROWS(count, width, a0, a1, a2, a3, at, type, name)                                                    \
    DEVICE void multiply_rows(float(&c)[count], const u32(&a)[4], u64 b, type) {                                       \
        asm volatile("wgmma.mma_async.sync.aligned.m64n" #width "k16.f32." name "." name " {" NAMES_##count            \
                     "}, {" a0 "," a1 "," a2 "," a3 "}, " at ", 1, 1, 1, 0;"                                           \
                     : SUMS_##count                                                                                    \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                                            \
    }
#define MULTIPLY_WIDTHS(type, name)                                                                                    \
    MULTIPLY_ROWS(52, 104, "%52", "%53", "%54", "%55", "%56", type, name)                                              \
    MULTIPLY_ROWS(88, 176, "%88", "%89", "%90", "%91", "%92", type, name)                                              \
    MULTIPLY_ROWS(104, 208, "%104", "%105", "%106", "%107", "%108", type, name)                                        \
    MULTIPLY_ROWS(128, 256, "%128", "%129", "%130", "%131", "%132", type, name)
MULTIPLY_WIDTHS(bfloat16, "bf16")
MULTIPLY_WIDTHS(float16, "f16")

/* ---- the thread that gives tiles */
template <int WIDTH> DEVICE void give_tiles(const tile_room<WIDTH> &room, const CUtensorMap *x, int steps) {
    for (int n = 0; n < steps; n++) {
        const int stage = n % room.STAGES;
        barrier_await(room.free(stage), n / room.STAGES % 2 ^ 1);
        barrier_expect(room.there(stage), room.TILE);
        copy_box(room.tile(stage), x, room.there(stage), n * TILE_WIDTH, blockIdx.x * WIDTH, 0, 0);
    }
}

/* ---- the groups that take them. A step is half a span: while its four products run, the factors of the next step are
   unpacked, in turns with giving them, because a warp that gives waits until the product before has begun. */
template <class S, int WIDTH> struct taker {
    enum { AHEAD = WIDTH > 176 ? 3 : 4 /* spans of the weight on their way */ };
    float sums[WIDTH / 2];
    u32 a[2][4][4]; /* factors of an even step, of an odd one */
    weights<S, 1> w[AHEAD];
    u32 rows[1][2];
    int stage, parity;

    /* Factor j of half `half` of a span. */
    DEVICE_MEMBER void unpack_factor(const weights<S, 1> &own, int half, int j) {
        factor_of(a[half][j], own, 0, 2 * half + j / 2, j % 2);
#pragma unroll
        for (int i = 0; i < 4; i++) asm volatile("" : "+r"(a[half][j][i])); /* here, and not when it is needed */
    }
    /* Of the span before, or of this one, everything is multiplied when the first product of this step has begun. */
    DEVICE_MEMBER void take_step(const tile_room<WIDTH> &room, int half, const weights<S, 1> &next, bool first) {
        const u32 tile = room.tile(stage);
        barrier_await(room.there(stage), parity);
        group_begin();
        multiply_rows(sums, a[half][0], factor_at(tile), S());
        group_end();
        group_await<1>();
        const int before = stage == 0 ? room.STAGES - 1 : stage - 1;
        if (!first && threadIdx.x % WARPGROUP == 0) barrier_arrive(room.free(before));
#pragma unroll
        for (int j = 1; j < 4; j++) {
            unpack_factor(next, 1 - half, j - 1);
            multiply_rows(sums, a[half][j], factor_at(tile + j * 32), S());
        }
        group_end();
        unpack_factor(next, 1 - half, 3);
        if (++stage == room.STAGES) stage = 0, parity ^= 1;
    }

    DEVICE_MEMBER void take_all(const packed_rows_kernel &k, const tile_room<WIDTH> &room) {
        const int group = threadIdx.x / WARPGROUP, spans = (int)(k.k / SPAN);
        const i64 row = first_row(k, group) + threadIdx.x % WARPGROUP / 32 * 16 + threadIdx.x % 32 / 4;
#pragma unroll
        for (int i = 0; i < 2; i++) rows[0][i] = (u32)(min(row + i * 8, (i64)k.rows - 1) * (k.k / 2));
        if (!k.early) await_previous();
#pragma unroll
        for (int i = 0; i < AHEAD; i++) w[i].read(k, rows, min(i, spans - 1));
#pragma unroll
        for (int j = 0; j < 4; j++) unpack_factor(w[0], 0, j);
        if (k.early) await_previous();
#pragma unroll
        for (int i = 0; i < WIDTH / 2; i++) sums[i] = 0;
        stage = parity = 0;
        for (int n = 0; n < spans; n += AHEAD)
#pragma unroll
            for (int i = 0; i < AHEAD; i++) {
                if (n + i >= spans) break;
                take_step(room, 0, w[i], n + i == 0);
                w[i].read(k, rows, min(n + i + AHEAD, spans - 1));
                take_step(room, 1, w[(i + 1) % AHEAD], false);
            }
        group_await<0>();
        settle(sums);
    }
};

/* ---- results: [row of x][row of the weight] in shared memory, where sums lie the other way round */
template <class S, int WIDTH> DEVICE void leave_sums(const float (&sums)[WIDTH / 2], u32 room) {
    const int lane = threadIdx.x % 32, row = threadIdx.x / 32 * 16 + lane / 8 % 2 * 8,
              column = lane / 16 * 8 + lane % 8;
#pragma unroll
    for (int j = 0; j < WIDTH / 16; j++) {
        u32 v[4];
#pragma unroll
        for (int i = 0; i < 4; i++) v[i] = pair_of(sums[8 * j + 2 * i], sums[8 * j + 2 * i + 1], S());
        asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(
                         room + ((j * 16 + column) * PITCH + row) * 2),
                     "r"(v[0]), "r"(v[1]), "r"(v[2]), "r"(v[3])
                     : "memory");
    }
    if constexpr (WIDTH % 16) {
        constexpr int j = WIDTH / 16;
        asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(
                         room + ((j * 16 + lane % 8) * PITCH + row) * 2),
                     "r"(pair_of(sums[8 * j], sums[8 * j + 1], S())),
                     "r"(pair_of(sums[8 * j + 2], sums[8 * j + 3], S()))
                     : "memory");
    }
}

template <class S, int WIDTH> DEVICE void write_results(const packed_rows_kernel &k, const uint4 *results) {
    constexpr int PIECES = ROWS / 8, STEP = PITCH / 8;
    const i64 first = blockIdx.x * (i64)WIDTH;
    const int piece = threadIdx.x % PIECES, group = piece / (PIECES / GROUPS);
    const i64 row = first_row(k, group) + piece % (PIECES / GROUPS) * 8,
              end = k.gated ? (group + 1) * (k.rows / 2) : k.rows;
    if (row >= end) return;
    for (int x = threadIdx.x / PIECES; x < WIDTH && first + x < k.m; x += TAKERS / PIECES) {
        const uint4 own = results[x * STEP + piece];
        *(uint4 *)((S *)k.to + (first + x) * k.rows + row) = own;
        if (!k.gated || group == 1) continue;
        const i64 half = k.rows / 2;
        const uint4 gated = gate_piece<S>(own, results[x * STEP + piece + PIECES / 2]);
        *(uint4 *)((S *)k.gated + (first + x) * half + row) = gated;
        if (k.gated_spread) put_in_order<S>((S *)k.gated_spread + (first + x) * half, row / 8, gated);
    }
}
#endif

template <class S, int WIDTH>
__global__ void __launch_bounds__(THREADS, 1)
    multiply_prompt(const __grid_constant__ packed_rows_kernel k, const __grid_constant__ CUtensorMap x) {
#if HAS_WARPGROUPS
    extern __shared__ uint4 shared[];
    const u32 begins = shared_address(shared), aligned = (begins + 1023) / 1024 * 1024;
    const tile_room<WIDTH> room = {aligned};
    if (threadIdx.x == 0) {
        for (int s = 0; s < room.STAGES; s++) barrier_init(room.there(s), 1), barrier_init(room.free(s), GROUPS);
        barriers_made();
    }
    __syncthreads();
    let_next_begin();
    if (threadIdx.x >= TAKERS) {
        give_registers<GIVER_REGISTERS>();
        if (threadIdx.x == TAKERS) fetch_map(&x);
        await_previous();
        if (threadIdx.x == TAKERS) give_tiles(room, &x, (int)(k.k / TILE_WIDTH));
    } else {
        take_registers<TAKER_REGISTERS>();
        taker<S, WIDTH> t;
        t.take_all(k, room);
        turn_await(BAR_TAKERS, TAKERS); /* nobody reads tiles any more */
        leave_sums<S, WIDTH>(t.sums, room.tiles);
        turn_await(BAR_TAKERS, TAKERS);
        write_results<S, WIDTH>(k, (const uint4 *)((const char *)shared + (aligned - begins)));
    }
#endif
}

/* ---- which width: that whose blocks, in as many turns as the chip needs for them, are over first */
static i64 turns_of(const packed_rows_kernel &k, int width) {
    enum { AROUND = 24 /* what begin and end of a block are worth, in rows of x */ };
    const i64 blocks = (k.rows + ROWS - 1) / ROWS * ((k.m + width - 1) / width), processors = cuda_processors();
    return (blocks + processors - 1) / processors * (width + AROUND);
}

template <class S, int WIDTH> static bool launch_width(const packed_rows_kernel &k, kernel_stream stream) {
    constexpr size_t bytes = tile_room<WIDTH>::BYTES + 1024;
    const int64_t shape[] = {1, 1, k.m, k.k}, strides[] = {k.m * k.k, k.m * k.k, k.k};
    CUtensorMap x;
    if (!map_rows(&x, k.spread, shape, strides, WIDTH)) return false;
    if (!k.ordered) start(order_rows<S>, blocks_for(k.m * (k.k / 8), 256), 256, 0, stream, k);
    allow_shared(multiply_prompt<S, WIDTH>, bytes);
    const dim3 blocks(blocks_for(k.m, WIDTH), blocks_for(k.gated ? k.rows / 2 : k.rows, k.gated ? GROUP_ROWS : ROWS));
    start(multiply_prompt<S, WIDTH>, blocks, THREADS, bytes, stream, k, x);
    return true;
}

template <class S> static bool launch(const packed_rows_kernel &k, kernel_stream stream) {
    bool (*const launchers[])(const packed_rows_kernel &, kernel_stream) = {launch_width<S, 256>, launch_width<S, 208>,
                                                                            launch_width<S, 176>, launch_width<S, 104>};
    const int widths[] = {256, 208, 176, 104};
    int best = 0;
    for (int i = 1; i < 4; i++)
        if (turns_of(k, widths[i]) < turns_of(k, widths[best])) best = i;
    return launchers[best](k, stream);
}

bool launch_prompt(const packed_rows_kernel *k, kernel_stream stream) {
    packed_rows_kernel own = *k;
    own.group_shift = group_shift_of(k->group);
    own.aligned = lie_at_16(k->x);
    switch (k->dtype) {
        CASE(D_F16, float16, return launch<type>(own, stream))
        CASE(D_BF16, bfloat16, return launch<type>(own, stream))
    }
    return false;
}
