/* softmax, rms_norm and layer_norm of many rows (compute capability 9.0): a block stays, and one of its warps has the
   copy engine bring its rows into a ring in shared memory, so that reading never pauses; teams of warps take a row each
   into registers and put the result in its place, from where the copy engine takes it. Half types and float32, in
   float. */
#include "cuda/norm/streamed.cuh"
#include "cuda/warpgroup.cuh"
#include "cuda/shared.cuh"

enum {
    WARPS = 8,
    THREADS = 32 * (WARPS + 1),
    EACH = 32,
    MOST_STAGES = 32,
    BLOCKS = 3, /* of a multiprocessor */
    ROOM_BYTES = 72 << 10,
    FIRST_TURN = 1
};

struct shared_room {
    u64 there[MOST_STAGES], gone[MOST_STAGES];
    float folds[2][WARPS];
};

/* What is made of a row. */
struct softmax_of_row;
struct rms_norm_of_row;
struct layer_norm_of_row;

#if HAS_WARPGROUPS
/* Past the second cache first, which then keeps more of the results. */
DEVICE void copy_row(u32 to, const void *from, u32 bytes, u32 barrier) {
    u64 policy;
    asm volatile("createpolicy.fractional.L2::evict_first.b64 %0;" : "=l"(policy));
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1], %2, [%3], "
        "%4;" ::"r"(to),
        "l"(from), "r"(bytes), "r"(barrier), "l"(policy)
        : "memory");
}

DEVICE void take_row(void *to, u32 from, u32 bytes) {
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(to), "r"(from), "r"(bytes)
                 : "memory");
    asm volatile("cp.async.bulk.commit_group;" ::: "memory");
}
/* Until all that this thread had taken but the last one has been read; all: until it is written, the last one, too. */
template <bool ALL> DEVICE void await_taken() {
    if (ALL)
        asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
    else
        asm volatile("cp.async.bulk.wait_group.read 1;" ::: "memory");
}

template <class S> DEVICE void bring_rows(const norm_kernel &k, u32 ring, u32 there, u32 gone, int stages) {
    const u32 bytes = (u32)(k.n * sizeof(S));
    int turn = 0;
    for (i64 row = blockIdx.x; row < k.rows; row += gridDim.x, turn++) {
        int stage = turn % stages, round = turn / stages;
        barrier_await(gone + 8 * stage, (round & 1) ^ 1);
        barrier_expect(there + 8 * stage, bytes);
        copy_row(ring + stage * bytes, (const S *)k.from + row * k.n, bytes, there + 8 * stage);
    }
}

/* What a team of TEAM warps has of a row: pieces of 16 bytes, those of a warp side by side. */
template <class S, int TEAM> struct team_row {
    static constexpr int PIECES = EACH / PIECE<S>;
    float at[PIECES][PIECE<S>];
    int team, member, lane, folds, pieces;
    shared_room *room;

    static DEVICE_MEMBER int warp() { return threadIdx.x / 32; }
    DEVICE_MEMBER team_row(const norm_kernel &k, shared_room *r)
        : team(warp() / TEAM), member(warp() % TEAM), lane(threadIdx.x % 32), folds(0), pieces((int)(k.n / PIECE<S>)),
          room(r) {}
    DEVICE_MEMBER int piece(int p) const { return (p * TEAM + member) * 32 + lane; }
    DEVICE_MEMBER bool exists(int p) const { return piece(p) < pieces; }

    /* Beyond the row a thread reads its first piece again, which every thread has: nobody else writes that. */
    DEVICE_MEMBER void read(const S *from, float beyond) {
#pragma unroll
        for (int p = 0; p < PIECES; p++) {
            widen_piece<S>(((const uint4 *)from)[piece(exists(p) ? p : 0)], at[p]);
            if (exists(p)) continue;
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) at[p][i] = beyond;
        }
    }
    DEVICE_MEMBER void write(S *to) const {
#pragma unroll
        for (int p = 0; p < PIECES; p++)
            if (exists(p)) ((uint4 *)to)[piece(p)] = narrow_piece<S>(at[p]);
    }
    template <class F> DEVICE_MEMBER void change(F change) {
#pragma unroll
        for (int p = 0; p < PIECES; p++) each_of(p, [&](float &value, int) { change(value); });
    }
    template <class F> DEVICE_MEMBER void each_of(int p, F change) {
#pragma unroll
        for (int i = 0; i < PIECE<S>; i++) change(at[p][i], i);
    }
    DEVICE_MEMBER void meet() const {
        if (TEAM == 1)
            __syncwarp();
        else
            turn_await(FIRST_TURN + team, 32 * TEAM);
    }
    template <class F> DEVICE_MEMBER float fold(float x, F fold) {
#pragma unroll
        for (int step = 16; step; step /= 2) x = fold(x, from_lane(x, step));
        if (TEAM == 1) return x;
        float *to = room->folds[folds++ % 2] + team * TEAM;
        if (lane == 0) to[member] = x;
        meet();
        x = to[0];
#pragma unroll
        for (int m = 1; m < TEAM; m++) x = fold(x, to[m]);
        return x;
    }
};

struct largest {
    DEVICE_MEMBER float operator()(float a, float b) const { return fmaxf(a, b); }
};
struct both {
    DEVICE_MEMBER float operator()(float a, float b) const { return a + b; }
};

struct softmax_of_row {
    static constexpr float BEYOND = -INFINITY;
    template <class S, int TEAM>
    static DEVICE_MEMBER void make(team_row<S, TEAM> &x, const norm_kernel &, const uint4 *) {
        float top = -INFINITY, sum = 0;
        x.change([&](float &value) { top = fmaxf(top, value); }); /* a NaN comes into the sum */
        top = x.fold(top, largest());
        x.change([&](float &value) {
            sum += value = sizeof(S) == 2 ? language::coarse::exp(value - top) : language::exp(value - top);
        });
        sum = 1 / x.fold(sum, both());
        x.change([&](float &value) { value *= sum; });
    }
};

/* The normed value is rounded before it is multiplied by the weight, as the formula says, and that before a bias, which
   lies behind the weights, is added. */
template <class S, int TEAM, bool BIASED>
DEVICE void multiply_by_weights(team_row<S, TEAM> &x, const norm_kernel &k, const uint4 *weights, float scale) {
#pragma unroll
    for (int p = 0; p < x.PIECES; p++) {
        float weight[PIECE<S>], bias[PIECE<S>];
        bool weighted = k.weight && x.exists(p), biased = BIASED && k.bias && x.exists(p);
        if (weighted) widen_piece<S>(weights[x.piece(p)], weight);
        if (biased) widen_piece<S>(weights[x.pieces + x.piece(p)], bias);
        x.each_of(p, [&](float &value, int) { value *= scale; });
        widen_piece<S>(narrow_piece<S>(x.at[p]), x.at[p]);
        if (weighted) x.each_of(p, [&](float &value, int i) { value *= weight[i]; });
        if (!biased) continue;
        widen_piece<S>(narrow_piece<S>(x.at[p]), x.at[p]);
        x.each_of(p, [&](float &value, int i) { value += bias[i]; });
    }
}

struct rms_norm_of_row {
    static constexpr float BEYOND = 0;
    template <class S, int TEAM>
    static DEVICE_MEMBER void make(team_row<S, TEAM> &x, const norm_kernel &k, const uint4 *weights) {
        float sum = 0;
        x.change([&](float &value) { sum += value * value; });
        sum = x.fold(sum, both());
        multiply_by_weights<S, TEAM, false>(x, k, weights, 1 / language::sqrt(sum / (float)k.n + k.eps));
    }
};

struct layer_norm_of_row {
    static constexpr float BEYOND = 0;
    template <class S, int TEAM>
    static DEVICE_MEMBER void make(team_row<S, TEAM> &x, const norm_kernel &k, const uint4 *weights) {
        float mean = 0, sum = 0;
        x.change([&](float &value) { mean += value; });
        mean = x.fold(mean, both()) / (float)k.n;
#pragma unroll
        for (int p = 0; p < x.PIECES; p++) {
            const float less = x.exists(p) ? mean : 0;
            x.each_of(p, [&](float &value, int) {
                value -= less;
                sum += value * value;
            });
        }
        sum = x.fold(sum, both());
        multiply_by_weights<S, TEAM, true>(x, k, weights, 1 / language::sqrt(sum / (float)k.n + k.eps));
    }
};

/* A place is free when the team's next row has been given to the copy engine, and its own has been read, which the last
   thread to arrive has waited for: there are more stages than teams. */
template <class S, int TEAM, class OP>
DEVICE void make_rows(const norm_kernel &k, S *ring, const uint4 *weights, u32 there, u32 gone, int stages,
                      shared_room *room) {
    constexpr int TEAMS = WARPS / TEAM;
    team_row<S, TEAM> x(k, room);
    int turn = x.team, before = -1;
    bool first = x.member == 0 && x.lane == 0;
    for (i64 row = blockIdx.x + turn * (i64)gridDim.x; row < k.rows; row += TEAMS * (i64)gridDim.x, turn += TEAMS) {
        int stage = turn % stages;
        S *at = ring + stage * k.n;
        barrier_await(there + 8 * stage, turn / stages & 1);
        x.read(at, OP::BEYOND);
        OP::make(x, k, weights);
        x.write(at);
        show_writes();
        x.meet();
        if (first) {
            take_row((S *)k.to + row * k.n, shared_address(at), (u32)(k.n * sizeof(S)));
            await_taken<false>();
        }
        if (before >= 0) barrier_arrive(gone + 8 * before);
        before = stage;
    }
    if (first) await_taken<true>();
}
#endif

template <class S, int TEAM, class OP>
__global__ void __launch_bounds__(THREADS, BLOCKS) stream_rows(const __grid_constant__ norm_kernel k, int stages) {
#if HAS_WARPGROUPS
    extern __shared__ uint4 ring[];
    __shared__ shared_room room;
    u32 there = shared_address(room.there), gone = shared_address(room.gone);
    const int pieces = (int)(k.n / PIECE<S>);
    uint4 *weights = ring + stages * pieces; /* in the cache they would not stay: most of it is the ring */
    if (threadIdx.x == 0) {
        for (int s = 0; s < stages; s++) barrier_init(there + 8 * s, 1), barrier_init(gone + 8 * s, 32 * TEAM);
        barriers_made();
    }
    begin();
    for (int i = threadIdx.x; k.weight && i < pieces; i += THREADS) weights[i] = ((const uint4 *)k.weight)[i];
    for (int i = threadIdx.x; k.bias && i < pieces; i += THREADS) weights[pieces + i] = ((const uint4 *)k.bias)[i];
    __syncthreads();
    if (threadIdx.x / 32 < WARPS)
        make_rows<S, TEAM, OP>(k, (S *)ring, weights, there, gone, stages, &room);
    else if (threadIdx.x % 32 == 0)
        bring_rows<S>(k, shared_address(ring), there, gone, stages);
#endif
}

/* Fewer rows are over before the ring is worth its making; and rows of a prompt's chunk are made by one kernel, however
 * many there are. */
static bool are_many(const norm_kernel *k, i64 bytes) {
    return k->rows >= 16 * cuda_processors() && bytes % 16 == 0 && lie_at_16(k->to, k->from, k->weight, k->bias);
}

static int team_of(i64 n) {
    constexpr int OF_WARP = 32 * EACH;
    return n <= OF_WARP ? 1 : n <= 2 * OF_WARP ? 2 : n <= 4 * OF_WARP ? 4 : 8;
}
/* How many rows the ring has room for. */
static int stages_of(const norm_kernel *k, i64 bytes) {
    const i64 rows = ROOM_BYTES / bytes - (k->bias ? 2 : k->weight != nullptr);
    return (int)(rows < MOST_STAGES ? rows : MOST_STAGES);
}

bool norm_is_streamed(const norm_kernel *k) {
    const i64 bytes = k->n * (k->dtype == D_F32 ? 4 : 2);
    return (k->dtype <= D_BF16 || k->dtype == D_F32) && k->n >= 256 && k->n <= 8 * 32 * EACH && are_many(k, bytes) &&
           stages_of(k, bytes) > WARPS / team_of(k->n) && cuda_is_hopper();
}

template <class S, int TEAM, class OP> static void launch_team(const norm_kernel *k, kernel_stream stream) {
    allow_shared(stream_rows<S, TEAM, OP>, ROOM_BYTES);
    start(stream_rows<S, TEAM, OP>, (unsigned)(BLOCKS * cuda_processors()), THREADS, ROOM_BYTES, stream, *k,
          stages_of(k, k->n * (i64)sizeof(S)));
}

template <class S, class OP> static void launch(const norm_kernel *k, kernel_stream stream) {
    switch (team_of(k->n)) {
    case 1:
        return launch_team<S, 1, OP>(k, stream);
    case 2:
        return launch_team<S, 2, OP>(k, stream);
    case 4:
        return launch_team<S, 4, OP>(k, stream);
    default:
        return launch_team<S, 8, OP>(k, stream);
    }
}

template <class OP> static bool launch_op(const norm_kernel *k, kernel_stream stream) {
    if (!norm_is_streamed(k)) return false;
    switch (k->dtype) {
        CASE(D_F16, float16, (launch<type, OP>(k, stream)))
        CASE(D_BF16, bfloat16, (launch<type, OP>(k, stream)))
        CASE(D_F32, float, (launch<type, OP>(k, stream)))
    }
    return true;
}

bool launch_softmax_streamed(const norm_kernel *k, kernel_stream stream) {
    return launch_op<softmax_of_row>(k, stream);
}
bool launch_rms_norm_streamed(const norm_kernel *k, kernel_stream stream) {
    return launch_op<rms_norm_of_row>(k, stream);
}
bool launch_layer_norm_streamed(const norm_kernel *k, kernel_stream stream) {
    return launch_op<layer_norm_of_row>(k, stream);
}
