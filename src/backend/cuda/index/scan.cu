/* Scans along rows. A row is cut into tiles, of which a block takes one (of short rows, a warp a row). A tile tells
   what is folded of it, the last one of a group of tiles what is folded of the group, and what lies before a tile is
   folded from these: nothing is passed on from tile to tile. */
#include "cuda/index/scan.cuh"

enum { WARPS = 8, THREADS = 32 * WARPS, GROUP = SCAN_GROUP };

/* Elements of a lane: ROUNDS times PIECE neighbours. */
template <class S> constexpr int ROUNDS = sizeof(S) >= 4 ? 8 : sizeof(S) == 2 ? 4 : 1;
template <class S> constexpr int WARP_TILE = 32 * ROUNDS<S> *PIECE<S>;

static_assert(WARP_TILE<float> == SCAN_WARP_TILE(4) && WARP_TILE<double> == SCAN_WARP_TILE(8) &&
                  WARP_TILE<short> == SCAN_WARP_TILE(2) && WARP_TILE<char> == SCAN_WARP_TILE(1),
              "the workspace is made for these");

/* ---- what tiles tell each other, in the workspace */
template <class T> struct told {
    u32 *tile_there, *group_there;
    T *tiles, *groups;

    explicit DEVICE_MEMBER told(const scan_kernel &k) {
        i64 all = k.rows * k.parts, groups_all = k.rows * ((k.parts + GROUP - 1) / GROUP);
        tiles = (T *)k.partial;
        groups = (T *)((char *)k.partial + 16 * all);
        tile_there = (u32 *)((char *)groups + 16 * groups_all);
        group_there = tile_there + all;
    }
};
DEVICE u32 word_of(float x) {
    return __float_as_uint(x);
}
DEVICE u32 word_of(u32 x) {
    return x;
}
DEVICE u32 word_of(int x) {
    return (u32)x;
}
DEVICE void from_word(float *to, u32 word) {
    *to = __uint_as_float(word);
}
template <class T> DEVICE void from_word(T *to, u32 word) {
    *to = (T)word;
}
/* A number and that it is there: of 4 bytes in one word, so that nothing has to be ordered. */
template <class T> DEVICE void tell(T *numbers, u32 *there, i64 at, T x) {
    if constexpr (sizeof(T) == 4) {
        u64 word = 1ull << 32 | word_of(x);
        asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"((u64 *)numbers + at), "l"(word) : "memory");
    } else {
        numbers[at] = x;
        asm volatile("st.release.gpu.global.u32 [%0], 1;" ::"l"(there + at) : "memory");
    }
}
template <class T> DEVICE T await_told(const T *numbers, const u32 *there, i64 at) {
    if constexpr (sizeof(T) == 4) {
        u64 word = 0;
        while (!word)
            asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];"
                         : "=l"(word)
                         : "l"((const u64 *)numbers + at)
                         : "memory");
        T x;
        from_word(&x, (u32)word);
        return x;
    } else {
        u32 is = 0;
        while (!is) asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(is) : "l"(there + at) : "memory");
        asm volatile("fence.acq_rel.gpu;" ::: "memory");
        return numbers[at];
    }
}

/* What is folded of all threads of a block. */
template <class T> DEVICE T fold_threads(T x, T identity, T *room, fold_kind fold) {
    T all;
#pragma unroll
    for (int step = 16; step; step /= 2) x = fold(x, from_lane(x, step));
    fold_warps_before(x, identity, room, fold, &all);
    return all;
}

/* What is folded of a row's tiles before tile `part`; own: of the tile itself. */
template <class T>
DEVICE T fold_tiles_before(const scan_kernel &k, const told<T> &told, i64 row, i64 part, T own, T identity, T *room,
                           fold_kind fold) {
    i64 at = row * k.parts + part, place = part % GROUP, group = part / GROUP,
        groups = row * ((k.parts + GROUP - 1) / GROUP);
    if (threadIdx.x == 0) tell(told.tiles, told.tile_there, at, own);
    T before = identity;
    if (threadIdx.x < place) before = await_told(told.tiles, told.tile_there, at - place + threadIdx.x);
    if (place == GROUP - 1) {
        T all = fold_threads(before, identity, room, fold);
        if (threadIdx.x == 0) tell(told.groups, told.group_there, groups + group, fold(all, own));
    }
    for (i64 g = threadIdx.x; g < group; g += THREADS)
        before = fold(before, await_told(told.groups, told.group_there, groups + g));
    return fold_threads(before, identity, room, fold);
}

/* ---- a warp's elements, first ... first + WARP_TILE - 1 of a row; dense: in pieces of 16 bytes, all of which exist or
 * do not */
template <class From, class To> struct warp_elements {
    typedef typename running<To>::type T;
    static constexpr int EACH = PIECE<From>;
    T at[ROUNDS<From>][EACH];

    static DEVICE_MEMBER i64 place(i64 first, int round) { return first + (round * 32 + threadIdx.x % 32) * EACH; }
    DEVICE_MEMBER void read_dense(const scan_kernel &k, const From *from, i64 first, T identity) {
        uint4 pieces[ROUNDS<From>]; /* all on their way before the first is needed */
#pragma unroll
        for (int r = 0; r < ROUNDS<From>; r++) {
            i64 i = place(first, r) < k.n ? place(first, r) : 0;
            pieces[r] = *(const uint4 *)(from + (k.reverse ? k.n - EACH - i : i));
        }
#pragma unroll
        for (int r = 0; r < ROUNDS<From>; r++)
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                From one = k.reverse ? ((const From *)&pieces[r])[EACH - 1 - j] : ((const From *)&pieces[r])[j];
                at[r][j] = place(first, r) < k.n ? (T)widen(one) : identity;
            }
    }
    DEVICE_MEMBER void read(const scan_kernel &k, const From *from, i64 first, T identity) {
        if (k.dense) return read_dense(k, from, first, identity);
#pragma unroll
        for (int r = 0; r < ROUNDS<From>; r++)
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                i64 i = place(first, r) + j;
                at[r][j] = i < k.n ? (T)widen(from[scan_place(k, i) * k.from_step]) : identity;
            }
    }
    /* Folded with what lies before them in the warp; returns what is folded of all. */
    DEVICE_MEMBER T scan(const scan_kernel &k, T identity, fold_kind fold) {
        T carried = identity;
#pragma unroll
        for (int r = 0; r < ROUNDS<From>; r++) {
            T own = identity, all;
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                T next = fold(own, at[r][j]);
                at[r][j] = k.exclusive ? own : next;
                own = next;
            }
            T before = fold(carried, fold_lanes_before(own, identity, fold, &all));
#pragma unroll
            for (int j = 0; j < EACH; j++) at[r][j] = fold(before, at[r][j]);
            carried = fold(carried, all);
        }
        return carried;
    }
    DEVICE_MEMBER void write_dense(const scan_kernel &k, To *to, i64 first, T before, fold_kind fold) const {
#pragma unroll
        for (int r = 0; r < ROUNDS<From>; r++) {
            i64 i = place(first, r);
            __align__(16) To piece[EACH];
#pragma unroll
            for (int j = 0; j < EACH; j++) narrow(piece + j, fold(before, k.reverse ? at[r][EACH - 1 - j] : at[r][j]));
#pragma unroll
            for (int p = 0; p < EACH / PIECE<To>; p++) /* results may be wider than what was read */
                if (i < k.n) ((uint4 *)(to + (k.reverse ? k.n - EACH - i : i)))[p] = ((const uint4 *)piece)[p];
        }
    }
    DEVICE_MEMBER void write(const scan_kernel &k, To *to, i64 first, T before, fold_kind fold) const {
        if (k.dense) return write_dense(k, to, first, before, fold);
#pragma unroll
        for (int r = 0; r < ROUNDS<From>; r++)
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                i64 i = place(first, r) + j;
                if (i < k.n) narrow(to + scan_place(k, i) * k.to_step, fold(before, at[r][j]));
            }
    }
};

/* A tile of a row a block, or (is_short) a row a warp. */
template <class From, class To, int KIND>
__global__ void __launch_bounds__(THREADS, sizeof(typename running<To>::type) == 4 ? 4 : 2)
    scan_rows(const __grid_constant__ scan_kernel k) {
    typedef typename running<To>::type T;
    __shared__ __align__(16) char space[WARPS * sizeof(T)];
    const fold_kind fold = known_fold<KIND>(k.kind);
    const T identity = identity_of<T, To>(fold.kind);
    const int warp = threadIdx.x / 32;
    begin();
    const told<T> told(k);
    i64 part = 0, row = k.is_short ? blockIdx.x * (i64)WARPS + warp : divide(blockIdx.x, k.parts, &part);
    if (row >= k.rows) return; /* short ones alone */
    const i64 first = k.is_short ? 0 : (part * WARPS + warp) * WARP_TILE<From>;
    warp_elements<From, To> own;
    own.read(k, (const From *)k.from + place_of(row, k.ndim, k.shape, k.from_strides), first, identity);
    T all = own.scan(k, identity, fold), before = identity, of_tile;
    if (!k.is_short) before = fold_warps_before(all, identity, (T *)space, fold, &of_tile);
    if (k.parts > 1) before = fold(fold_tiles_before(k, told, row, part, of_tile, identity, (T *)space, fold), before);
    own.write(k, (To *)k.to + place_of(row, k.ndim, k.shape, k.to_strides), first, before, fold);
}

template <class From, class To> static bool is_dense(const scan_kernel *k) {
    bool dense = k->from_step == 1 && k->to_step == 1 && k->n % PIECE<From> == 0 && lie_at_16(k->to, k->from);
    for (int i = 0; i < k->ndim; i++)
        dense = dense && k->from_strides[i] % PIECE<From> == 0 && k->to_strides[i] % PIECE<From> == 0;
    return dense;
}

/* Sums and extremes have kernels of their own: what the others wait for is not memory. Blocks begin in the order of
   their numbers, so that the tiles before a block's are at work when it waits for them. */
template <class From, class To> static void scan(const scan_kernel *k, kernel_stream stream) {
    scan_kernel known = *k;
    const bool extremes = k->kind == MAX || k->kind == MIN;
    auto kernel = k->kind == SUM ? scan_rows<From, To, SUM>
                  : extremes     ? scan_rows<From, To, EXTREMES>
                                 : scan_rows<From, To, -1>;
    known.is_short = k->n <= WARP_TILE<From>;
    known.dense = is_dense<From, To>(k);
    if (k->parts > 1) cudaMemsetAsync(k->partial, 0, scan_own_bytes(k), stream);
    unsigned blocks = known.is_short ? blocks_for(k->rows, WARPS) : (unsigned)(k->rows * k->parts);
    i64 warps = (k->n + WARP_TILE<From> - 1) / WARP_TILE<From>;
    start(kernel, blocks, known.is_short || warps > WARPS ? THREADS : (unsigned)(32 * warps), 0, stream, known);
}

void launch_scan(const scan_kernel *k, kernel_stream stream) {
    DTYPES(k->dtype, scan<type, scanned<type>>(k, stream))
}
