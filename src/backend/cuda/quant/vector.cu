/* One row of x with affine weights of 4 or 8 bits on the integer matrix units. x is split into planes of signed bytes,
   each group of it with a scale of its own (16 bits for half types; 32 for float32, so that the product is as good as
   one in float32).

   A warp multiplies 8 rows of a weight by a span of x at a time (256 numbers of 4 bits, 128 of 8): rows 0-7 of the
   matrix unit's tile are the first half of the span, rows 8-15 the second half of the same 8 rows. The 8 columns are
   (half, quarter, plane): zero where x belongs to another, so that a lane ends with both planes' products of one row
   (lane / 4) and one quarter of the span (lane % 4), which has one scale. Weights are read as they lie in memory; of 4
   bits the even numbers are one mask away, the odd ones another, sixteen times what they are: they have sums of their
   own. Spans are shared out among `across` warps, tiles of 8 rows among `down`. Before and behind it: around.cuh.

   Instructions take more of the time here than bytes: the loop has few, and what can be found before the kernel before
   is over is found there, and held. */
#include "cuda/matmul/around.cuh"
#include "cuda/quant/packed.cuh"
#include "cuda/shared.cuh"
#include "cuda/tile_product.cuh"

/* Warps of a block: so many that two blocks fill a multiprocessor, or one. Spans on their way to a warp. Words of
   zeros, and bytes that norm_scale has, in shared memory. */
enum { WARPS = 12, MANY_WARPS = 24, DEPTH = 3, ZEROS = 128, NORM_ROOM = 128 };

template <int BITS> struct form {
    static constexpr int SPAN = BITS == 4 ? 256 : 128, QUARTER = SPAN / 4, PRODUCTS = SPAN / 64;
};

/* ---- x in shared memory: planes as the lanes read them, 16 pairs of words a product; a scale, and the sum of what the
   planes stand for, a quarter. FINE: a second pair of planes for what the first leaves over. A thread splits pieces of
   8 numbers, THREADS pieces apart, which is whole spans. */
template <class S, int BITS, int THREADS> struct split_x {
    typedef form<BITS> F;
    static constexpr bool FINE = sizeof(S) == 4;
    static constexpr u32 LANES = F::QUARTER / 8 /* that hold a quarter */, PIECES = F::SPAN / 8,
                         PLANES_BYTES = F::PRODUCTS * 16 * sizeof(uint2), SCALES_BYTES = 4 * sizeof(float2);
    u32 planes, scales, spans;
    u32 planes_to, scale_to; /* of the thread's first piece */

    static __host__ __device__ size_t bytes(i64 k) {
        return (size_t)(k / F::SPAN) * (FINE ? 2 : 1) * (PLANES_BYTES + SCALES_BYTES);
    }
    DEVICE_MEMBER void begin(const void *room, i64 k) {
        spans = (u32)(k / F::SPAN);
        planes = shared_address(room);
        scales = planes + spans * PLANES_BYTES * (FINE ? 2 : 1);
        constexpr u32 HALF = PIECES / 2, LANE = HALF / 4;
        const u32 c = threadIdx.x, in = c % PIECES, half = in / HALF, lane = in / LANE % 4, word = in % LANE,
                  product = BITS == 4 ? word / 2 * 2 : word;
        planes_to = planes + c / PIECES * PLANES_BYTES + ((product * 16 + half * 4 + lane) * 2 + word - product) * 4;
        scale_to = scales + c / LANES * 8;
        hold(planes_to), hold(scale_to);
    }

    /* The thread's piece `turn`. The largest magnitude of a quarter becomes 32639; adding 1.5 * 2^23 + 128 leaves the
       whole number in the low bits, high byte rounded, low byte to be flipped. A quarter with a NaN or an infinity gets
       a NaN for its scale. */
    DEVICE_MEMBER void split(int which, u32 turn, float (&y)[8], bool exists) const {
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
        if (threadIdx.x % LANES == 0)
            put_words(scale_to + (turn * (THREADS / LANES) * 8 + which * spans * SCALES_BYTES), __float_as_uint(scale),
                      __float_as_uint(scale * (float)sum));
        put_planes(planes_to + (turn * (THREADS / PIECES) + which * spans) * PLANES_BYTES, v);
    }
    /* 4 bits: the even numbers, the odd ones, as two masks give them, of two words side by side; 8 bits: in order. */
    DEVICE_MEMBER void put_planes(u32 to, const u32 (&v)[8]) const {
        constexpr u32 LOW = 8 * sizeof(uint2), NEXT = 16 * sizeof(uint2), FLIP = 0x80808080u;
        constexpr int STEP = BITS == 4 ? 2 : 1, SECOND = BITS == 4 ? 1 : 4;
        u32 pairs[2][2], high[2], low[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const int at = i * SECOND;
            pairs[i][0] = __byte_perm(v[at], v[at + STEP], 0x5140);
            pairs[i][1] = __byte_perm(v[at + 2 * STEP], v[at + 3 * STEP], 0x5140);
            high[i] = __byte_perm(pairs[i][0], pairs[i][1], 0x7632);
            low[i] = __byte_perm(pairs[i][0], pairs[i][1], 0x5410) ^ FLIP;
        }
        if constexpr (BITS == 4)
            put_word(to, high[0]), put_word(to + LOW, low[0]), put_word(to + NEXT, high[1]),
                put_word(to + NEXT + LOW, low[1]);
        else
            put_words(to, high[0], high[1]), put_words(to + LOW, low[0], low[1]);
    }
    /* AT_ONCE pieces' loads first: from memory one after the other each is a way there and back. They are split in turn
     * by the same code: it is brought from memory, too. */
    template <int AT_ONCE> DEVICE_MEMBER void read(const S *x) const {
        constexpr int EACH = 8 / PIECE<S>;
        const u32 pieces = spans * PIECES, all = (pieces + 31) / 32 * 32; /* by whole warps */
        u32 turn = 0;
#pragma unroll 1
        for (u32 first = threadIdx.x; first < all; first += AT_ONCE * THREADS) {
            uint4 held[AT_ONCE][EACH];
#pragma unroll
            for (int j = 0; j < AT_ONCE * EACH; j++) {
                const u32 c = first + j / EACH * THREADS;
                if (c < pieces) held[j / EACH][j % EACH] = ((const uint4 *)x)[c * EACH + j % EACH];
            }
#pragma unroll 1
            for (u32 c = first; c < min(all, first + AT_ONCE * THREADS); c += THREADS) {
                split_piece(held[0], turn++, c < pieces);
#pragma unroll
                for (int j = 0; j < (AT_ONCE - 1) * EACH; j++) held[j / EACH][j % EACH] = held[j / EACH + 1][j % EACH];
            }
        }
        __syncthreads();
    }
    /* Half types: what is normed goes no further than the registers of who splits it. */
    DEVICE_MEMBER void norm(const around_product &around, const S *x) const {
        const u32 pieces = spans * PIECES, all = (pieces + 31) / 32 * 32;
        uint4 held[1];
        const float scale = norm_scale<S>(around, x, pieces, held[0]);
        u32 turn = 0;
#pragma unroll 1
        for (u32 c = threadIdx.x; c < all; c += THREADS) {
            if (c >= THREADS) held[0] = ((const uint4 *)x)[c < pieces ? c : 0];
            if (c < pieces) held[0] = normed_piece<S>(around, held[0], c, scale);
            split_piece(held, turn++, c < pieces);
        }
        __syncthreads();
    }
    DEVICE_MEMBER void split_piece(const uint4 (&held)[8 / PIECE<S>], u32 turn, bool exists) const {
        float y[8];
#pragma unroll
        for (int p = 0; p < 8 / PIECE<S>; p++) {
            wide<S> part[PIECE<S>];
            widen_piece<S>(held[p], part);
#pragma unroll
            for (int i = 0; i < PIECE<S>; i++) y[p * PIECE<S> + i] = part[i];
        }
        split(0, turn, y, exists);
        if constexpr (FINE) split(1, turn, y, exists);
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

/* What a lane reads of its rows, one of each round: 16 bytes of each half of a span, the scale and bias of its quarter.
   Rows that do not exist, behind the last one, are read as one that does. */
template <class C> struct cursor {
    u64 words, scales, biases, words_jump, scales_jump; /* jump: from a row to the next round's */
    int row, count, left, scales_step;                  /* left, of `count` spans of the row */

    DEVICE_MEMBER void begin(const packed_vector_kernel &k, int first_row, int first, int spans) {
        const u32 t = threadIdx.x % 4, exists = min(first_row, (int)k.part.rows - 1);
        const u64 group = (u64)exists * (u32)k.row_groups + (((u32)first * 4 + t) >> k.group_shift);
        row = first_row, left = count = spans;
        words = (u64)k.part.words + (u64)exists * (u32)k.row_bytes + ((u32)first * 128 + t * 16);
        scales = (u64)k.part.scales + group * sizeof(C);
        biases = (u64)k.part.biases + group * sizeof(C);
        scales_step = (4 >> k.group_shift) * (int)sizeof(C);
        words_jump = (u64)(u32)k.row_step * (u32)k.row_bytes;
        scales_jump = (u64)(u32)k.row_step * (u32)k.row_groups * sizeof(C);
    }
    DEVICE_MEMBER void load(const packed_vector_kernel &k, uint4 &low, uint4 &high, C &scale, C &bias) {
        low = stream_piece((const void *)words);
        high = stream_piece((const void *)(words + 64));
        scale = read_number<C>((const void *)scales), bias = read_number<C>((const void *)biases);
        words += 128, scales += scales_step, biases += scales_step;
        if (--left) return;
        left = count;
        words -= count * 128, scales -= count * scales_step, biases -= count * scales_step;
        row += k.row_step;
        if (row < k.part.rows) words += words_jump, scales += scales_jump, biases += scales_jump;
    }
};

/* A warp's products of 8 rows with a span of x, as they lie in registers (low, high) and at `planes`. */
template <int BITS> DEVICE int multiply_span(const uint4 &low, const uint4 &high, u32 planes) {
    typedef form<BITS> F;
    const u32 a[4] = {low.x, low.y, low.z, low.w}, b[4] = {high.x, high.y, high.z, high.w};
    const bool first = threadIdx.x % 4 < 2; /* half of the span */
    uint2 y[F::PRODUCTS];
    int c[4] = {}, d[4] = {};
#pragma unroll
    for (int j = 0; j < F::PRODUCTS; j++) y[j] = words_at(planes + j * (16 * (int)sizeof(uint2)));
    if constexpr (BITS == 4) {
        const u32 even = 0x0F0F0F0F, odd = 0xF0F0F0F0;
#pragma unroll
        for (int j = 0; j < 4; j += 2) {
            multiply_bytes(c, a[j] & even, b[j] & even, a[j + 1] & even, b[j + 1] & even, y[j]);
            multiply_bytes(d, a[j] & odd, b[j] & odd, a[j + 1] & odd, b[j + 1] & odd, y[j + 1]);
        }
    } else {
#pragma unroll
        for (int j = 0; j < 2; j++) multiply_bytes(c, a[2 * j], b[2 * j], a[2 * j + 1], b[2 * j + 1], y[j]);
    }
    const int sum = first ? c[0] * 256 + c[1] : c[2] * 256 + c[3];
    return BITS == 4 ? sum + ((first ? d[0] * 256 + d[1] : d[2] * 256 + d[3]) >> 4) : sum;
}

/* A row of the product that a thread ends, and what is added to it. */
template <class S> struct row_end {
    int number, row; /* number: among the block's */
    bool exists;
    S other;

    DEVICE_MEMBER void find(const packed_vector_kernel &k) {
        const bool gate = k.around.after == AFTER_GATE; /* its tiles are two by two in a block */
        const int tile = block_tile(k, number / 8);
        row = tile_of(k, tile) * 8 + number % 8;
        exists = tile < k.tiles && row < k.part.rows && !(gate && tile % 2);
    }
    DEVICE_MEMBER void read_other(const packed_vector_kernel &k) {
        if (k.around.after == AFTER_ADD && exists) other = read_number<S>((const S *)k.around.other + row);
    }
};

template <class S, class C, int BITS, bool NORMED, int W>
__global__ void __launch_bounds__(32 * W, sizeof(S) == 4 || W == MANY_WARPS ? 1 : 2)
    multiply_packed(const __grid_constant__ packed_vector_kernel k) {
    typedef form<BITS> F;
    enum { THREADS = 32 * W };
    extern __shared__ uint4 shared[];
    split_x<S, BITS, THREADS> x;
    float *sums = (float *)((char *)shared + x.bytes(k.k));
    u32 *zeros = (u32 *)(sums + k.sums); /* what lanes read for a column of another quarter's */
    const int warp = warp_number(), lane = threadIdx.x % 32, g = lane / 4, t = lane % 4,
              down = quotient(warp, k.across_reciprocal), across = warp - down * k.across;
    const int first = across * k.warp_spans + min(across, k.longer_warps),
              count = k.warp_spans + (across < k.longer_warps), rounds = k.rounds - (blockIdx.x >= k.longer_blocks);
    int steps = rounds * count;
    hold(steps);

    uint4 low[DEPTH], high[DEPTH];
    C scale[DEPTH], bias[DEPTH];
    cursor<C> at;
    at.begin(k, tile_of(k, blockIdx.x * k.down + down) * 8 + g, first, count);

    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < DEPTH; i++)
        if (i < steps) at.load(k, low[i], high[i], scale[i], bias[i]);
    if (NORMED) fetch_norm_weight(k.around, (int)k.k / PIECE<S>);
    x.begin(shared, k.k);
    if (threadIdx.x < ZEROS) zeros[threadIdx.x] = 0;
    const bool mine = t / 2 == (g >> 1 & 1);
    const u32 column = (g & 1) * 8 + (g >> 2) * 4 + t, planes_step = mine ? x.PLANES_BYTES : 0,
              rest_planes = mine ? x.spans * x.PLANES_BYTES : 0;
    u32 planes_first = mine ? x.planes + first * x.PLANES_BYTES + column * 8 : shared_address(zeros),
        planes = planes_first, scales_first = x.scales + first * x.SCALES_BYTES + t * 8, scales = scales_first,
        sum_to = shared_address(sums + (down * 8 + g) * k.across + across);
    const int ends = rounds * k.down * 8;
    row_end<S> end;
    end.number = threadIdx.x;
    if (end.number < ends) end.find(k); /* the other warps have no use for it */
    if (k.early) await_previous();
    if (end.number < ends) end.read_other(k);
    if constexpr (NORMED && sizeof(S) == 2) {
        x.norm(k.around, (const S *)k.x);
    } else if constexpr (NORMED) {
        uint4 *normed = (uint4 *)(zeros + ZEROS), own;
        const int pieces = (int)(k.k / PIECE<S>);
        float scale = norm_scale<S>(k.around, k.x, pieces, own);
        for (int c = threadIdx.x; c < pieces; c += THREADS)
            normed[c] = normed_piece<S>(k.around, ((const uint4 *)k.x)[c], c, scale);
        __syncthreads();
        x.template read<1>((const S *)normed);
    } else {
        x.template read<3>((const S *)k.x);
    }

    float sum = 0;
    int left = count;
#pragma unroll 1
    while (steps) {
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
            const float2 unit = floats_at(scales);
            float product = unit.x * (float)multiply_span<BITS>(low[i], high[i], planes), all = unit.y;
            if constexpr (x.FINE) {
                const float2 rest = floats_at(scales + x.spans * x.SCALES_BYTES);
                product += rest.x * (float)multiply_span<BITS>(low[i], high[i], planes + rest_planes);
                all += rest.y;
            }
            sum = fmaf((float)widen(scale[i]), product, fmaf((float)widen(bias[i]), all, sum));
            if (steps > DEPTH) at.load(k, low[i], high[i], scale[i], bias[i]);
            planes += planes_step, scales += x.SCALES_BYTES;
            steps--;
            if (--left == 0) {
                sum += from_lane(sum, 1);
                sum += from_lane(sum, 2);
                if (t == 0) put_word(sum_to, __float_as_uint(sum));
                sum_to += 8 * W * (int)sizeof sum; /* of the next round */
                sum = 0, left = count, planes = planes_first, scales = scales_first;
            }
            if (steps == 0) break;
        }
    }
    if (count == 0 && lane < 8)
#pragma unroll 1
        for (int i = 0; i < rounds; i++) sums[(i * k.down + down) * 8 * k.across + lane * k.across + across] = 0;
    __syncthreads();
#pragma unroll 1
    while (end.number < ends) {
        float product = 0;
#pragma unroll 4
        for (int j = 0; j < k.across; j++) product += sums[end.number * k.across + j];
        if (k.around.after == AFTER_GATE) {
            const float through = __shfl_down_sync(__activemask(), product, 8);
            if (end.exists) end_pair<S>(k.around, k.part.to, end.row, k.part.rows / 2, product, through);
        } else if (end.exists) {
            end_row<S>(k.around, k.part.to, end.row, product, end.other);
        }
        end.number += THREADS;
        if (end.number < ends) end.find(k), end.read_other(k);
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
    const int room = (int)((cuda_shared_bytes() - (i64)x_bytes - NORM_ROOM) / (i64)sizeof(float) - ZEROS) / SUMS;
    if (k.rounds > room) { /* few multiprocessors, many rows */
        blocks = (groups + room - 1) / room;
        k.rounds = (groups + blocks - 1) / blocks;
    }
    k.longer_blocks = groups - (k.rounds - 1) * blocks;
    k.row_step = blocks * k.down * (k.around.after == AFTER_GATE ? 4 : 8);
    k.sums = k.rounds * SUMS;
    size_t bytes = x_bytes + (k.sums + ZEROS) * sizeof(float);
    allow_shared(multiply_packed<S, C, BITS, NORMED, W>, bytes);
    start(multiply_packed<S, C, BITS, NORMED, W>, (unsigned)blocks, 32 * W, bytes, stream, k);
}

/* Where a block has a multiprocessor for itself, more warps have more of its weights on their way, if there are so
 * many. So have long gates' blocks, where x is made ready once then; each tile has as many warps as before. */
template <class S, class C, int BITS, bool NORMED>
static void launch_normed(packed_vector_kernel k, kernel_stream stream) {
    const int spans = (int)(k.k / form<BITS>::SPAN), alone = cuda_processors(),
              most = (sizeof(S) == 4 ? 1 : 2) * alone; /* as many blocks as find room at once */
    k.tiles = (int)((k.part.rows + 7) / 8);
    k.group_shift = group_shift_of(k.group / form<BITS>::QUARTER);
    k.down = tiles_at_once(k, most);
    const bool long_gate = sizeof(S) == 2 && k.around.after == AFTER_GATE && k.tiles >= 8 * alone;
    if (long_gate) k.down = 8;
    const int groups = (k.tiles + k.down - 1) / k.down;
    if constexpr (sizeof(S) == 2)
        if (long_gate || (groups <= alone && spans * k.down > WARPS * DEPTH))
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
