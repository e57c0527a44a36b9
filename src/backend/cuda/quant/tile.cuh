/* Affine weights of 4 bits as factors of the matrix units. A lane holds, of a row, 16 bytes of every 64 (32 numbers of
   128, which have one scale). Which numbers of a span of 128 stand where in the product is free as long as x agrees:
   `spread` orders of x (launch_batch, launch_prompt) do. */
#ifndef CUDA_QUANT_TILE_CUH
#define CUDA_QUANT_TILE_CUH

#include "cuda/quant/packed.cuh"

enum { SPAN = 128 };

/* ---- arithmetic on pairs of halves */
template <class S> struct pairs;
#define PAIRS(type, ptx, magic, one, less)                                                                             \
    template <> struct pairs<type> {                                                                                   \
        static constexpr u32 MAGIC = magic, ONE = one, LESS = less;                                                    \
        static DEVICE_MEMBER u32 fma(u32 a, u32 b, u32 c) {                                                            \
            u32 d;                                                                                                     \
            asm("fma.rn." ptx "x2 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));                                \
            return d;                                                                                                  \
        }                                                                                                              \
    };
PAIRS(bfloat16, "bf16", 0x43004300, 0x3F803F80, 0xC300C300) /* 128 + q, 1, -128 */
PAIRS(float16, "f16", 0x64006400, 0x3C003C00, 0xE400E400)   /* 1024 + q, 1, -1024 */
#undef PAIRS

/* Numbers i and i + 4 of a word of eight, as they are meant. */
template <class S> DEVICE u32 unpack(u32 word, int i, u32 scale, u32 bias) {
    typedef pairs<S> P;
    u32 q = P::fma((word >> 4 * i & 0x000F000F) | P::MAGIC, P::ONE, P::LESS);
    return P::fma(q, scale, bias);
}

/* What a lane has of a span of TILES tiles of 16 rows: of rows lane / 4 and lane / 4 + 8 its words, scale and bias. */
template <class S, int TILES> struct weights {
    uint4 words[TILES][2];
    S scale[TILES][2], bias[TILES][2];

    /* rows: where they begin, in bytes. */
    template <class K> DEVICE_MEMBER void read(const K &k, const u32 (&rows)[TILES][2], int span) {
        const u32 at = span * (SPAN / 2) + threadIdx.x % 4 * 16;
#pragma unroll
        for (int i = 0; i < 2 * TILES; i++) {
            const u32 from = rows[i / 2][i % 2] + at, group = from >> (k.group_shift - 1);
            words[i / 2][i % 2] = stream_piece((const char *)k.words + from);
            scale[i / 2][i % 2] = ((const S *)k.scales)[group];
            bias[i / 2][i % 2] = ((const S *)k.biases)[group];
        }
    }
};

/* The factor of 16 rows and 16 numbers that half `half` of word `word` of the lanes makes. */
template <class S, int TILES>
DEVICE void factor_of(u32 (&a)[4], const weights<S, TILES> &w, int tile, int word, int half) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const uint4 &piece = w.words[tile][i % 2];
        const u32 words = word == 0 ? piece.x : word == 1 ? piece.y : word == 2 ? piece.z : piece.w;
        a[i] = unpack<S>(words, 2 * half + i / 2, w.scale[tile][i % 2].bits * 0x10001u,
                         w.bias[tile][i % 2].bits * 0x10001u);
    }
}

/* Eight neighbours of x as `unpack` takes those of a weight: numbers 0 4 1 5 2 6 3 7. */
DEVICE uint4 in_order(const uint4 &x) {
    return make_uint4(__byte_perm(x.x, x.z, 0x5410), __byte_perm(x.x, x.z, 0x7632), __byte_perm(x.y, x.w, 0x5410),
                      __byte_perm(x.y, x.w, 0x7632));
}

/* Eight neighbours of row `row` of x, number 8 `piece` and on, as launch_batch wants them of x with `eights` times
   eight rows: [span][8 rows of x][word of 8 numbers][lane]. */
DEVICE uint4 *piece_in_batch_order(void *spread, i64 row, i64 piece, int eights) {
    const i64 lanes = (piece / 16 * eights + row / 8) * 4 + piece % 4;
    return (uint4 *)spread + lanes * 32 + row % 8 * 4 + piece / 4 % 4;
}
DEVICE void put_in_batch_order(void *spread, i64 row, i64 piece, int eights, const uint4 &x) {
    *piece_in_batch_order(spread, row, piece, eights) = in_order(x);
}

/* Where number `column` of that row goes by itself. */
template <class S> DEVICE S *place_in_batch_order(void *spread, i64 row, i64 column, int eights) {
    const i64 i = column % 8;
    return (S *)piece_in_batch_order(spread, row, column / 8, eights) + (i < 4 ? 2 * i : 2 * i - 7);
}

/* A row of x as launch_prompt wants it: of a span, halves i and i + 4 of word w of lane t at 16 (2 w + i / 2) + 8 (i %
   2) + 2 t. Here eight neighbours, number 8 `piece` and on. */
template <class S> DEVICE void put_in_order(void *row, i64 piece, const uint4 &x) {
    u32 *to = (u32 *)((S *)row + piece / 16 * SPAN) + piece % 4 * 16 + piece / 4 % 4;
    const uint4 y = in_order(x);
    to[0] = y.x, to[4] = y.y, to[8] = y.z, to[12] = y.w;
}

#endif
