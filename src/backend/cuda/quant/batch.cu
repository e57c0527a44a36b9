/* 2 to 32 rows of x with affine weights of 4 bits on the matrix units: bound by reading the weights. A warp multiplies
   TILES tiles of 16 rows of the weight by a span of 128 numbers at a time. A lane reads 16 bytes of a row, 32 numbers
   that have one scale, side by side; x is brought into the order of use first (`spread_rows`): it is read 16 bytes a
   lane, side by side, too. Weights are rounded to the dtype, as `dequantize` rounds them. Spans are shared out among
   `across` warps, rows among the others. */
#include "cuda/elementwise/gate.cuh"
#include "cuda/quant/batch.cuh"

/* ---- x in the order of use: [span][8 rows of x][word of 8 numbers][lane], 16 bytes each: numbers 0 4 1 5 2 6 3 7.
 * Rows that are not there are zero. */
template <class S> __global__ void spread_rows(const __grid_constant__ packed_rows_kernel k) {
    begin();
    const i64 at = thread_number();
    const int lane = (int)(at % 32), word = (int)(at / 32 % 4);
    i64 eight;
    const i64 span = divide(at / 128, k.eights, &eight), row = eight * 8 + lane / 4;
    if (span >= k.k / SPAN) return;
    uint4 piece = make_uint4(0, 0, 0, 0);
    const S *from = (const S *)k.x + row * k.k + span * SPAN + lane % 4 * 32 + word * 8;
    if (row < k.m && k.aligned) piece = *(const uint4 *)from;
    if (row < k.m && !k.aligned)
        for (int i = 0; i < 8; i++) ((S *)&piece)[i] = from[i];
    ((uint4 *)k.spread)[at] = in_order(piece);
}

/* Some words of a span of x, as many as make 4 pieces a lane or as EIGHTS rows of a word need; AHEAD: read while the
   ones before them are multiplied. Of x that was in order already, what fills its rows up to a multiple of eight may be
   anything: each row of x is a column of the product by itself, and those columns are not written. */
template <int EIGHTS, bool AHEAD> struct x_words {
    static constexpr int WORDS = EIGHTS == 1 ? 4 : EIGHTS == 2 ? 2 : 1, STEPS = 4 / WORDS;
    uint4 pieces[1 + AHEAD][WORDS][EIGHTS];

    DEVICE_MEMBER void read(const packed_rows_kernel &k, int slot, int span, int step) {
        const uint4 *from = (const uint4 *)k.spread + (i64)span * (EIGHTS * 128) + threadIdx.x % 32;
#pragma unroll
        for (int w = 0; w < WORDS; w++)
#pragma unroll
            for (int e = 0; e < EIGHTS; e++) {
                const uint4 *piece = from + (e * 4 + step * WORDS + w) * 32;
                pieces[slot][w][e] = AHEAD ? read_piece(piece) : *piece;
            }
    }
    /* Those of step `step` of the warp's i-th span; where they are. */
    DEVICE_MEMBER int take(const packed_rows_kernel &k, int span, int end, int i, int step) {
        const bool last = step == STEPS - 1;
        const int slot = AHEAD ? (i * STEPS + step) % 2 : 0;
        if (!AHEAD)
            read(k, 0, span, step);
        else if (!last || span + 1 < end)
            read(k, 1 - slot, span + last, last ? 0 : step + 1);
        return slot;
    }
};

template <class S, int TILES, int EIGHTS>
DEVICE void multiply_word(float (&sums)[TILES][EIGHTS][4], const weights<S, TILES> &w, int word,
                          const uint4 (&b)[EIGHTS]) {
#pragma unroll
    for (int i = 0; i < 2 * TILES; i++) {
        u32 a[4];
        factor_of(a, w, i / 2, word, i % 2);
#pragma unroll
        for (int e = 0; e < EIGHTS; e++)
            multiply_tile(sums[i / 2][e], a, i % 2 ? b[e].z : b[e].x, i % 2 ? b[e].w : b[e].y, S());
    }
}

/* Of a gate and what it lets through, rows i and i + 8 of the block, the product of both, too. */
template <class S, class F>
DEVICE void write_gated(const packed_rows_kernel &k, const warp_share<F> &own, const typename F::sums &sums,
                        float *shared) {
    leave_sums(own, sums, shared);
    const int each = own.own_rows / 2;
    for (int j = threadIdx.x; j < each * (int)k.m; j += F::THREADS) {
        const int x_row = j / each, i = j % each / 8 * 16 + j % 8;
        const i64 column = own.row_of(k, i), half = k.rows / 2;
        if (column >= half) continue;
        const S gated =
            gate_one(write_sum<S, F>(k, own, shared, x_row, i), write_sum<S, F>(k, own, shared, x_row, i + 8));
        ((S *)k.gated)[x_row * half + column] = gated;
        if (k.gated_spread) *place_in_batch_order<S>(k.gated_spread, x_row, column, F::EIGHTS) = gated;
    }
}

template <class S, class F, bool AHEAD>
__global__ void __launch_bounds__(F::THREADS, F::BLOCKS) multiply_batch(const __grid_constant__ packed_rows_kernel k) {
    extern __shared__ float shared[];
    const warp_share<F> own(k);
    typename F::sums sums;
    typedef x_words<F::EIGHTS, AHEAD> words;
    words x;
    take_spans<F, weights<S, F::TILES>>(
        k, own, sums,
        [&] {
            if (AHEAD) x.read(k, 0, own.first, 0);
        },
        [&](const weights<S, F::TILES> &w, int span, int i) {
#pragma unroll
            for (int step = 0; step < words::STEPS; step++) {
                const int slot = x.take(k, span, own.end, i, step);
#pragma unroll
                for (int word = 0; word < words::WORDS; word++)
                    multiply_word(sums, w, step * words::WORDS + word, x.pieces[slot][word]);
            }
        });
    k.gated ? write_gated<S, F>(k, own, sums, shared) : write_sums<S, F>(k, own, sums, shared);
}

/* Of few rows of the weight each warp has many spans, and registers left for what is on its way. */
template <class S, int EIGHTS> static void launch_eights(const packed_rows_kernel &k, kernel_stream stream) {
    typedef batch_form<2, EIGHTS, 2, 2> pairs;
    typedef batch_form<1, EIGHTS, 4, 2> singles;
    takes_pairs_of_tiles(k) ? launch_shares<pairs>(multiply_batch<S, pairs, false>, k, stream)
                            : launch_shares<singles>(multiply_batch<S, singles, true>, k, stream);
}

template <class S> static void launch(packed_rows_kernel k, kernel_stream stream) {
    k.group_shift = group_shift_of(k.group);
    k.aligned = lie_at_16(k.x);
    if (!k.ordered) start(spread_rows<S>, blocks_for(k.k / SPAN * k.eights * 128, 256), 256, 0, stream, k);
    k.eights == 1   ? launch_eights<S, 1>(k, stream)
    : k.eights == 2 ? launch_eights<S, 2>(k, stream)
    : k.eights == 3 ? launch_eights<S, 3>(k, stream)
                    : launch_eights<S, 4>(k, stream);
}

void launch_batch(const packed_rows_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(*k, stream))
        CASE(D_BF16, bfloat16, launch<type>(*k, stream))
        CASE(D_F32, float, launch_float_batch(k, stream))
    }
}
