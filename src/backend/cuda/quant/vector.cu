/* One row of x with affine weights of 4 or 8 bits on the integer matrix units. x is split into planes of signed bytes,
   each group of it with a scale of its own (16 bits for half types; 32 for float32, so that the product is as good as
   one in float32).

   A warp multiplies 8 rows of a weight by a span of x at a time (256 numbers of 4 bits, 128 of 8): rows 0-7 of the
   matrix unit's tile are the first half of the span, rows 8-15 the second half of the same 8 rows. The 8 columns are
   (half, quarter, plane): zero where x belongs to another, so that a lane ends with both planes' products of one row
   (lane / 4) and one quarter of the span (lane % 4), which has one scale. Weights are read as they lie in memory. Spans
   are shared out among `across` warps, tiles of 8 rows among `down`. Before and behind it: around.cuh. */
#include "cuda/matmul/around.cuh"
#include "cuda/quant/packed.cuh"

/* Warps of a block: so many that two blocks fill a multiprocessor, or one. Spans on their way to a warp. */
enum { WARPS = 12, MANY_WARPS = 24, DEPTH = 3 };

DEVICE void multiply_bytes(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, uint2 b) {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b.x), "r"(b.y));
}

template <int BITS> struct form {
    static constexpr int SPAN = BITS == 4 ? 256 : 128, QUARTER = SPAN / 4, PRODUCTS = SPAN / 64;
};

/* ---- x in shared memory: planes as the lanes read them, 16 pairs of words a product; a scale, and the sum of what the
   planes stand for, a quarter. FINE: a second pair of planes for what the first leaves over. */
template <class S, int BITS, int THREADS> struct split_x {
    static constexpr bool FINE = sizeof(S) == 4;
    static constexpr int LANES = form<BITS>::QUARTER / 8; /* that hold a quarter, 8 numbers each */
    uint2 *planes;
    float2 *scales;
    int spans;

    static __host__ __device__ size_t bytes(i64 k) {
        return (size_t)(k / form<BITS>::SPAN) * (FINE ? 2 : 1) *
               (form<BITS>::PRODUCTS * 16 * sizeof(uint2) + 4 * sizeof(float2));
    }
    DEVICE_MEMBER uint2 *plane_pair(int which) const { return planes + which * spans * (form<BITS>::PRODUCTS * 16); }
    DEVICE_MEMBER float2 *scale_of(int which) const { return scales + which * spans * 4; }

    /* Piece c: numbers 8c .. 8c + 7. The largest magnitude of a quarter becomes 32639; adding 1.5 * 2^23 + 128 leaves
       the whole number in the low bits, high byte rounded, low byte to be flipped. A quarter with a NaN or an infinity
       gets a NaN for its scale. */
    DEVICE_MEMBER void split(int which, int c, float (&y)[8], bool exists) const {
        u32 most = 0, v[8];
#pragma unroll
        for (int i = 0; i < 8; i++) most = max(most, __float_as_uint(y[i]) & 0x7FFFFFFF);
#pragma unroll
        for (int step = 1; step < LANES; step *= 2) most = max(most, from_lane(most, step));
        float largest = fmaxf(__uint_as_float(most), 1e-30f),
              inverse = __fdividef(32639 * 0x1p-24f, largest * 0x1p-24f), scale = largest * (1 / 32639.0f);
        if (most >= 0x7F800000) scale = inverse = __int_as_float(0x7FC00000);
        int sum = 0;
#pragma unroll
        for (int i = 0; i < 8; i++) {
            v[i] = __float_as_uint(fmaf(y[i], inverse, 12583040.0f));
            int whole = (int)v[i] - 0x4B400080;
            sum += whole;
            y[i] = fmaf((float)-whole, scale, y[i]);
        }
#pragma unroll
        for (int step = 1; step < LANES; step *= 2) sum += from_lane(sum, step);
        if (!exists) return;
        if (c % LANES == 0) scale_of(which)[c / LANES] = make_float2(scale, scale * (float)sum);
        put(which, c, v);
    }
    DEVICE_MEMBER void put(int which, int c, const u32 (&v)[8]) const {
        constexpr int EACH = form<BITS>::SPAN / 8, HALF = EACH / 2, LANE = HALF / 4;
        const int span = c / EACH, in = c % EACH, half = in / HALF, lane = in / LANE % 4, product = in % LANE;
        uint2 *to = plane_pair(which) + (span * form<BITS>::PRODUCTS + product) * 16 + half * 4 + lane;
        u32 first[2], second[2]; /* 4 bits: the even numbers, the odd ones, as two masks give them; 8 bits: in order */
        if constexpr (BITS == 4) {
            first[0] = __byte_perm(v[0], v[2], 0x5140), first[1] = __byte_perm(v[4], v[6], 0x5140);
            second[0] = __byte_perm(v[1], v[3], 0x5140), second[1] = __byte_perm(v[5], v[7], 0x5140);
        } else {
            first[0] = __byte_perm(v[0], v[1], 0x5140), first[1] = __byte_perm(v[2], v[3], 0x5140);
            second[0] = __byte_perm(v[4], v[5], 0x5140), second[1] = __byte_perm(v[6], v[7], 0x5140);
        }
        to[0] = make_uint2(__byte_perm(first[0], first[1], 0x7632), __byte_perm(second[0], second[1], 0x7632));
        to[8] = make_uint2(__byte_perm(first[0], first[1], 0x5410) ^ 0x80808080u,
                           __byte_perm(second[0], second[1], 0x5410) ^ 0x80808080u);
    }
    /* AT_ONCE pieces' loads first: from memory one after the other each is a way there and back. They are split in turn
     * by the same code: it is brought from memory, too. */
    template <int AT_ONCE> DEVICE_MEMBER void read(const S *x) const {
        constexpr int EACH = 8 / PIECE<S>;
        const int pieces = spans * (form<BITS>::SPAN / 8), all = (pieces + 31) / 32 * 32; /* by whole warps */
#pragma unroll 1
        for (int first = threadIdx.x; first < all; first += AT_ONCE * THREADS) {
            uint4 held[AT_ONCE][EACH];
#pragma unroll
            for (int j = 0; j < AT_ONCE * EACH; j++) {
                int c = first + j / EACH * THREADS;
                held[j / EACH][j % EACH] = ((const uint4 *)x)[(c < pieces ? c : 0) * EACH + j % EACH];
            }
#pragma unroll 1
            for (int c = first; c < min(all, first + AT_ONCE * THREADS); c += THREADS) {
                split_piece(held[0], c, c < pieces);
#pragma unroll
                for (int j = 0; j < (AT_ONCE - 1) * EACH; j++) held[j / EACH][j % EACH] = held[j / EACH + 1][j % EACH];
            }
        }
        __syncthreads();
    }
    /* Half types: what is normed goes no further than the registers of who splits it. */
    DEVICE_MEMBER void norm(const around_product &around, const S *x) const {
        const int pieces = spans * (form<BITS>::SPAN / 8), all = (pieces + 31) / 32 * 32;
        uint4 held[1];
        const float scale = norm_scale<S>(around, x, pieces, held[0]);
#pragma unroll 1
        for (int c = threadIdx.x; c < all; c += THREADS) {
            if (c >= THREADS) held[0] = ((const uint4 *)x)[c < pieces ? c : 0];
            if (c < pieces) held[0] = normed_piece<S>(around, held[0], c, scale);
            split_piece(held, c, c < pieces);
        }
        __syncthreads();
    }
    DEVICE_MEMBER void split_piece(const uint4 (&held)[8 / PIECE<S>], int c, bool exists) const {
        float y[8];
#pragma unroll
        for (int p = 0; p < 8 / PIECE<S>; p++) {
            wide<S> part[PIECE<S>];
            widen_piece<S>(held[p], part);
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) y[p * PIECE<S> + i] = part[i];
        }
        split(0, c, y, exists);
        if constexpr (FINE) split(1, c, y, exists);
    }
};

/* ---- which rows are whose. Nothing is divided here that the launcher can divide: code before the first load, and its
   way from memory, are waited for. */

/* Which tile of 8 rows comes j-th: those of a gate in turn with those that it lets through. */
DEVICE int tile_of(const packed_vector_kernel &k, int j) {
    return k.around.after == AFTER_GATE ? j / 2 + j % 2 * (k.tiles / 2) : j;
}

/* x / `by`, of which `reciprocal` is 2^16 / by, rounded up; exact for x * by < 2^16. */
DEVICE int quotient(int x, int reciprocal) {
    return (int)((u32)x * (u32)reciprocal >> 16);
}

/* Tile j of those that a block multiplies, a round of `down` of them after the other. */
DEVICE int block_tile(const packed_vector_kernel &k, int j) {
    const int round = quotient(j, k.down_reciprocal);
    return (blockIdx.x + round * gridDim.x) * k.down + j - round * k.down;
}

/* What a lane reads of its row: 16 bytes of each half of a span, the scale and bias of its quarter. */
template <class C> struct cursor {
    const char *words;
    const C *scales, *biases;
    int row, quarter;

    /* Rows that do not exist, behind the last one, are read as that one. */
    DEVICE_MEMBER void begin_row(const packed_vector_kernel &k, int first) {
        const int exists = min(row, (int)k.part.rows - 1);
        words = (const char *)k.part.words + ((i64)exists * k.row_bytes + first * 128 + threadIdx.x % 4 * 16);
        scales = (const C *)k.part.scales + (i64)exists * k.row_groups;
        biases = (const C *)k.part.biases + (i64)exists * k.row_groups;
        quarter = first * 4 + threadIdx.x % 4;
        row += k.row_step;
    }
    DEVICE_MEMBER void load(uint4 &low, uint4 &high, C &scale, C &bias, int group_shift) {
        low = stream_piece(words);
        high = stream_piece(words + 64);
        scale = scales[quarter >> group_shift];
        bias = biases[quarter >> group_shift];
        words += 128, quarter += 4;
    }
};

template <class S, class C, int BITS, bool NORMED, int W>
__global__ void __launch_bounds__(32 * W, sizeof(S) == 4 || W == MANY_WARPS ? 1 : 2)
    multiply_packed(const __grid_constant__ packed_vector_kernel k) {
    typedef form<BITS> F;
    enum { THREADS = 32 * W };
    extern __shared__ uint4 shared[];
    split_x<S, BITS, THREADS> x;
    x.spans = (int)(k.k / F::SPAN);
    x.planes = (uint2 *)shared;
    x.scales = (float2 *)(x.planes + x.spans * F::PRODUCTS * 16 * (x.FINE ? 2 : 1));
    float *sums = (float *)((char *)shared + x.bytes(k.k));
    const int warp = warp_number(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4,
              down = quotient(warp, k.across_reciprocal), across = warp - down * k.across;
    const int first = across * k.warp_spans + min(across, k.longer_warps),
              count = k.warp_spans + (across < k.longer_warps), rounds = k.rounds - (blockIdx.x >= k.longer_blocks);
    const int steps = rounds * count;

    uint4 low[DEPTH], high[DEPTH];
    C scale[DEPTH], bias[DEPTH];
    cursor<C> at;
    at.row = tile_of(k, blockIdx.x * k.down + down) * 8 + g;
    int unread = steps, unread_of_row = 0;
    auto load = [&](int slot) {
        if (unread-- <= 0) return;
        if (unread_of_row-- == 0) {
            at.begin_row(k, first);
            unread_of_row = count - 1;
        }
        at.load(low[slot], high[slot], scale[slot], bias[slot], k.group_shift);
    };

    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < DEPTH; i++) load(i);
    if (NORMED) fetch_norm_weight(k.around, (int)k.k / PIECE<S>);
    if (k.early) await_previous();
    if (k.around.after == AFTER_ADD && threadIdx.x < rounds * k.down) {
        const int tile = block_tile(k, threadIdx.x);
        if (tile < k.tiles) fetch((const S *)k.around.other + 8 * tile);
    }
    if constexpr (NORMED && sizeof(S) == 2) {
        x.norm(k.around, (const S *)k.x);
    } else if constexpr (NORMED) {
        uint4 *normed = (uint4 *)(sums + k.sums), own;
        const int pieces = (int)(k.k / PIECE<S>);
        float scale = norm_scale<S>(k.around, k.x, pieces, own);
        for (int c = threadIdx.x; c < pieces; c += THREADS)
            normed[c] = normed_piece<S>(k.around, ((const uint4 *)k.x)[c], c, scale);
        __syncthreads();
        x.template read<1>((const S *)normed);
    } else {
        x.template read<3>((const S *)k.x);
    }

    const bool mine = t / 2 == (g >> 1 & 1);
    const int column = (g & 1) * 8 + (g >> 2) * 4 + t;
    float sum = 0, *sum_to = sums + (down * 8 + g) * k.across + across;
    int span = first, left = count;
#pragma unroll 1
    for (int n = 0; n < steps; n += DEPTH) {
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
            if (n + i >= steps) break;
            int c[4] = {}, fine[4] = {};
            const u32 a[4] = {low[i].x, low[i].y, low[i].z, low[i].w},
                      b[4] = {high[i].x, high[i].y, high[i].z, high[i].w};
#pragma unroll
            for (int j = 0; j < F::PRODUCTS; j++) {
                u32 a0, a1, a2, a3;
                if constexpr (BITS == 4)
                    a0 = a[j] & 0x0F0F0F0F, a1 = b[j] & 0x0F0F0F0F, a2 = a[j] >> 4 & 0x0F0F0F0F,
                    a3 = b[j] >> 4 & 0x0F0F0F0F;
                else
                    a0 = a[2 * j], a1 = b[2 * j], a2 = a[2 * j + 1], a3 = b[2 * j + 1];
                uint2 y = make_uint2(0, 0), z = y;
                if (mine) y = x.planes[(span * F::PRODUCTS + j) * 16 + column];
                multiply_bytes(c, a0, a1, a2, a3, y);
                if constexpr (x.FINE) {
                    if (mine) z = x.plane_pair(1)[(span * F::PRODUCTS + j) * 16 + column];
                    multiply_bytes(fine, a0, a1, a2, a3, z);
                }
            }
            float2 unit = x.scales[span * 4 + t];
            float product = unit.x * (float)(t < 2 ? c[0] * 256 + c[1] : c[2] * 256 + c[3]), all = unit.y;
            if constexpr (x.FINE) {
                float2 rest = x.scale_of(1)[span * 4 + t];
                product += rest.x * (float)(t < 2 ? fine[0] * 256 + fine[1] : fine[2] * 256 + fine[3]);
                all += rest.y;
            }
            sum = fmaf((float)widen(scale[i]), product, fmaf((float)widen(bias[i]), all, sum));
            load(i);
            span++;
            if (--left) continue;
            sum += from_lane(sum, 1);
            sum += from_lane(sum, 2);
            if (t == 0) *sum_to = sum;
            sum_to += 8 * W; /* of the next round */
            sum = 0, span = first, left = count;
        }
    }
    if (count == 0 && lane < 8)
#pragma unroll 1
        for (int i = 0; i < rounds; i++) sums[(i * k.down + down) * 8 * k.across + lane * k.across + across] = 0;
    __syncthreads();
#pragma unroll 1
    for (int i = threadIdx.x; i < rounds * k.down * 8; i += THREADS) {
        float product = 0, through = 0;
#pragma unroll 4
        for (int j = 0; j < k.across; j++) product += sums[i * k.across + j];
        const int tile = block_tile(k, i / 8), row = tile_of(k, tile) * 8 + i % 8;
        if (k.around.after == AFTER_GATE) { /* tiles of a gate are two by two in a block */
            through = __shfl_down_sync(__activemask(), product, 8);
            if (tile < k.tiles && tile % 2 == 0)
                end_pair<S>(k.around, k.part.to, row, k.part.rows / 2, product, through);
        } else if (tile < k.tiles && row < k.part.rows) {
            end_row<S>(k.around, k.part.to, row, product);
        }
    }
}

/* How many tiles a block takes at a time, so that there are enough blocks for the chip (at most `most`) and as few
   parts of x as that leaves: what a multiprocessor has free is where the next kernel begins. Tiles of a gate are two by
   two in a block. */
static int tiles_at_once(const packed_vector_kernel &k, int most) {
    const int down = k.tiles >= 4 * (most / 2) ? 4 : k.tiles >= 3 * (most / 4) ? 3 : k.tiles >= 2 * (most / 4) ? 2 : 1;
    return k.around.after == AFTER_GATE && down % 2 ? 2 : down;
}
static int reciprocal_of(int x) {
    return ((1 << 16) + x - 1) / x;
}

/* What is a warp's, and a row's. */
static void share_out(packed_vector_kernel &k, int spans, int warps) {
    k.across = warps / k.down;
    k.down_reciprocal = reciprocal_of(k.down), k.across_reciprocal = reciprocal_of(k.across);
    k.warp_spans = spans / k.across, k.longer_warps = spans % k.across;
    k.row_groups = spans * 4 >> k.group_shift;
    k.row_bytes = (int)(k.k * k.bits / 8);
}

template <class S, class C, int BITS, bool NORMED, int W>
static void launch_warps(packed_vector_kernel k, int groups, int most, kernel_stream stream) {
    typedef split_x<S, BITS, 32 * W> split;
    enum { SUMS = 8 * W }; /* of a round */
    share_out(k, (int)(k.k / form<BITS>::SPAN), W);
    int blocks = groups < most ? groups : most;
    k.rounds = (groups + blocks - 1) / blocks;
    if (k.rounds <= 4) blocks = (groups + k.rounds - 1) / k.rounds;
    size_t x_bytes = split::bytes(k.k) + (NORMED && sizeof(S) == 4 ? k.k * sizeof(S) : 0);
    const int room = (int)((cuda_shared_bytes() - (i64)x_bytes - 16) / (i64)sizeof(float) / SUMS);
    if (k.rounds > room) { /* few multiprocessors, many rows */
        blocks = (groups + room - 1) / room;
        k.rounds = (groups + blocks - 1) / blocks;
    }
    k.longer_blocks = groups - (k.rounds - 1) * blocks;
    k.row_step = blocks * k.down * (k.around.after == AFTER_GATE ? 4 : 8);
    k.sums = k.rounds * SUMS;
    size_t bytes = x_bytes + k.sums * sizeof(float);
    allow_shared(multiply_packed<S, C, BITS, NORMED, W>, bytes);
    start(multiply_packed<S, C, BITS, NORMED, W>, (unsigned)blocks, 32 * W, bytes, stream, k);
}

/* Where a block has a multiprocessor for itself, more warps have more of its weights on their way, if there are so
 * many. */
template <class S, class C, int BITS, bool NORMED>
static void launch_normed(packed_vector_kernel k, kernel_stream stream) {
    const int spans = (int)(k.k / form<BITS>::SPAN), alone = cuda_processors(),
              most = (sizeof(S) == 4 ? 1 : 2) * alone; /* as many blocks as find room at once */
    k.tiles = (int)((k.part.rows + 7) / 8);
    k.group_shift = group_shift_of(k.group / form<BITS>::QUARTER);
    k.down = tiles_at_once(k, most);
    const int groups = (k.tiles + k.down - 1) / k.down;
    if constexpr (sizeof(S) == 2)
        if (groups <= alone && spans * k.down > WARPS * DEPTH)
            return launch_warps<S, C, BITS, NORMED, MANY_WARPS>(k, groups, alone, stream);
    launch_warps<S, C, BITS, NORMED, WARPS>(k, groups, most, stream);
}

template <class S, class C, int BITS> static void launch(const packed_vector_kernel &k, kernel_stream stream) {
    k.around.normed ? launch_normed<S, C, BITS, true>(k, stream) : launch_normed<S, C, BITS, false>(k, stream);
}

template <class S, class C> static void launch_bits(const packed_vector_kernel *k, kernel_stream stream) {
    k->bits == 4 ? launch<S, C, 4>(*k, stream) : launch<S, C, 8>(*k, stream);
}

template <class S> static void launch_scales(const packed_vector_kernel *k, kernel_stream stream) {
    switch (k->scale_dtype) {
        CASE(D_F16, float16, launch_bits<S, type>(k, stream))
        CASE(D_BF16, bfloat16, launch_bits<S, type>(k, stream))
        CASE(D_F32, float, launch_bits<S, type>(k, stream))
    }
}

void launch_packed_vector(const packed_vector_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch_scales<type>(k, stream))
        CASE(D_BF16, bfloat16, launch_scales<type>(k, stream))
        CASE(D_F32, float, launch_scales<type>(k, stream))
    }
}
