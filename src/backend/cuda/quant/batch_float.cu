/* 2 to 32 rows of float32 with affine weights of 4 bits in groups of 64 or more. What a weight is packed as, 0 to 15,
   is a half as it is, and x the sum of three: so the products of a group on the matrix units are exact but for their
   sum, which is multiplied by the group's scale then. Of a span of 128 a lane reads 8 bytes of each half, so that the
   four that share a row have one group at a time. Where x has no more digits than a half in a span, one of the three is
   all. */
#include "cuda/quant/batch.cuh"

enum { PIECES = 3, HALF_SPAN = SPAN / 2 };

/* Where things lie in `spread`: x in the order of use, [piece][span][8 rows of x][word of 8 numbers][lane], 16 bytes
   each; its sums over half spans, float [half span][row of x]; how many pieces a span has. */
struct spread_parts {
    uint4 *x;
    float *sums;
    int *pieces;
    i64 each; /* words of a piece */

    DEVICE_MEMBER spread_parts(const packed_rows_kernel &k, i64 eights) {
        const i64 spans = k.k / SPAN;
        each = spans * eights * 128;
        x = (uint4 *)k.spread;
        sums = (float *)(x + PIECES * each);
        pieces = (int *)(sums + spans * 2 * eights * 8);
    }
};

/* The first eight binary digits of x and what is left of it. */
DEVICE u32 first_digits(float *x) {
    const float all = *x;
    u32 bits = __float_as_uint(all);
    bool finite = (bits & 0x7F800000) != 0x7F800000;
    if (all != all) bits = 0x7FC00000;
    *x = finite ? all - __uint_as_float(bits & 0xFFFF0000) : 0;
    return bits >> 16;
}

/* A block for a span: a thread for eight neighbours of a row. */
__global__ void spread_floats(const __grid_constant__ packed_rows_kernel k) {
    begin();
    __shared__ float halves[4][4][8]; /* [eight][word][row] */
    const int lane = threadIdx.x % 32, word = threadIdx.x / 32 % 4, eight = threadIdx.x / 128,
              eights = blockDim.x / 128;
    const i64 span = blockIdx.x, row = eight * 8 + lane / 4;
    const spread_parts parts(k, eights);
    const float *from =
        (const float *)k.x + row * k.k + span * SPAN + word / 2 * HALF_SPAN + lane % 4 * 16 + word % 2 * 8;
    float x[8], sum = 0;
    bool more = false;
#pragma unroll
    for (int i = 0; i < 8; i++) sum += x[i] = row < k.m ? from[i] : 0;
    for (int piece = 0; piece < PIECES; piece++) {
        u32 pairs[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            pairs[i] = first_digits(&x[i]);
            pairs[i] |= first_digits(&x[i + 4]) << 16;
        }
        parts.x[piece * parts.each + span * (eights * 128) + threadIdx.x] =
            make_uint4(pairs[0], pairs[1], pairs[2], pairs[3]);
#pragma unroll
        for (int i = 0; i < 8; i++) more = more || (piece == 0 && x[i] != 0);
    }
    sum += from_lane(sum, 1);
    sum += from_lane(sum, 2);
    if (lane % 4 == 0) halves[eight][word][lane / 4] = sum;
    more = __syncthreads_or(more);
    if (threadIdx.x == 0) parts.pieces[span] = more ? PIECES : 1;
    if (lane % 4 == 0 && word % 2 == 0)
        parts.sums[(span * 2 + word / 2) * (eights * 8) + row] =
            halves[eight][word][lane / 4] + halves[eight][word + 1][lane / 4];
}

/* What a lane has of a span: of rows lane / 4 and lane / 4 + 8 of each tile two words of each half, its scale and bias.
 */
template <class W, int TILES> struct group_weights {
    uint2 words[TILES][2][2];
    W scale[TILES][2][2], bias[TILES][2][2];

    DEVICE_MEMBER void read(const packed_rows_kernel &k, const u32 (&rows)[TILES][2], int span) {
#pragma unroll
        for (int i = 0; i < 4 * TILES; i++) {
            const int tile = i / 4, side = i / 2 % 2, half = i % 2;
            const u32 from = rows[tile][side] + span * (SPAN / 2) + half * (HALF_SPAN / 2),
                      group = from >> (k.group_shift - 1);
            words[tile][side][half] = ((const uint2 *)((const char *)k.words + from))[threadIdx.x % 4];
            scale[tile][side][half] = ((const W *)k.scales)[group];
            bias[tile][side][half] = ((const W *)k.biases)[group];
        }
    }
    /* The factor that half `part` of word `word` of the lanes makes. */
    DEVICE_MEMBER void factor(u32 (&a)[4], int tile, int half, int word, int part) const {
        typedef pairs<bfloat16> P;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const uint2 &two = words[tile][i % 2][half];
            const u32 q = (word ? two.y : two.x) >> 4 * (2 * part + i / 2) & 0x000F000F;
            a[i] = P::fma(q | P::MAGIC, P::ONE, P::LESS);
        }
    }
};

template <class W, int TILES, int EIGHTS>
DEVICE void multiply_half(float (&sums)[TILES][EIGHTS][4], const group_weights<W, TILES> &w, const spread_parts &parts,
                          int span, int half) {
    float products[TILES][EIGHTS][4];
#pragma unroll
    for (int i = 0; i < TILES * EIGHTS * 4; i++) products[i / 4 / EIGHTS][i / 4 % EIGHTS][i % 4] = 0;
    const uint4 *x = parts.x + ((i64)span * EIGHTS * 4 + half * 2) * 32 + threadIdx.x % 32;
#pragma unroll 1
    for (int piece = parts.pieces[span]; piece > 0; piece--, x += parts.each)
#pragma unroll
        for (int word = 0; word < 2; word++) {
            uint4 b[EIGHTS];
#pragma unroll
            for (int e = 0; e < EIGHTS; e++) b[e] = x[(e * 4 + word) * 32];
#pragma unroll
            for (int i = 0; i < 2 * TILES; i++) {
                u32 a[4];
                w.factor(a, i / 2, half, word, i % 2);
#pragma unroll
                for (int e = 0; e < EIGHTS; e++)
                    multiply_tile(products[i / 2][e], a, i % 2 ? b[e].z : b[e].x, i % 2 ? b[e].w : b[e].y, bfloat16());
            }
        }
#pragma unroll
    for (int e = 0; e < EIGHTS; e++) {
        const float2 total =
            *(const float2 *)&parts.sums[(span * 2 + half) * (EIGHTS * 8) + e * 8 + threadIdx.x % 4 * 2];
#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                sums[tile][e][i] += fmaf(widen(w.scale[tile][i / 2][half]), products[tile][e][i],
                                         widen(w.bias[tile][i / 2][half]) * (i % 2 ? total.y : total.x));
    }
}

template <class W, class F>
__global__ void __launch_bounds__(F::THREADS, F::BLOCKS) multiply_floats(const __grid_constant__ packed_rows_kernel k) {
    extern __shared__ float shared[];
    const warp_share<F> own(k);
    const spread_parts parts(k, F::EIGHTS);
    typename F::sums sums;
    take_spans<F, group_weights<W, F::TILES>>(
        k, own, sums, [] {},
        [&](const group_weights<W, F::TILES> &w, int span, int) {
            multiply_half<W, F::TILES, F::EIGHTS>(sums, w, parts, span, 0);
            multiply_half<W, F::TILES, F::EIGHTS>(sums, w, parts, span, 1);
        });
    write_sums<float, F>(k, own, sums, shared);
}

/* More than eight rows of x by two tiles want the registers of a whole multiprocessor. */
template <class W, int EIGHTS> static void launch_eights(const packed_rows_kernel &k, kernel_stream stream) {
    typedef batch_form<2, EIGHTS, 2, EIGHTS == 1 ? 2 : 1> pairs;
    typedef batch_form<1, EIGHTS, 2, 2> singles;
    takes_pairs_of_tiles(k) ? launch_shares<pairs>(multiply_floats<W, pairs>, k, stream)
                            : launch_shares<singles>(multiply_floats<W, singles>, k, stream);
}

template <class W> static void launch(const packed_rows_kernel &k, kernel_stream stream) {
    start(spread_floats, (unsigned)(k.k / SPAN), (unsigned)k.eights * 128, 0, stream, k);
    k.eights == 1   ? launch_eights<W, 1>(k, stream)
    : k.eights == 2 ? launch_eights<W, 2>(k, stream)
    : k.eights == 3 ? launch_eights<W, 3>(k, stream)
                    : launch_eights<W, 4>(k, stream);
}

void launch_float_batch(const packed_rows_kernel *from, kernel_stream stream) {
    packed_rows_kernel k = *from;
    k.group_shift = group_shift_of(k.group);
    switch (k.scale_dtype) {
        CASE(D_F16, float16, launch<type>(k, stream))
        CASE(D_BF16, bfloat16, launch<type>(k, stream))
        CASE(D_F32, float, launch<type>(k, stream))
    }
}
