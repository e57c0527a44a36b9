/* 2 to 32 rows of x with affine weights of 4 bits on the matrix units: bound by reading the weights. A warp multiplies
   TILES tiles of 16 rows of the weight by a span of 128 numbers at a time. A lane reads 16 bytes of a row, 32 numbers
   that have one scale, side by side; x is brought into the order of use first (`spread_rows`): it is read 16 bytes a
   lane, side by side, too. Weights are rounded to the dtype, as `dequantize` rounds them. Spans are shared out among
   `across` warps, rows among the others. */
#include "cuda/quant/batch.cuh"

/* ---- x in the order of use: [span][8 rows of x][word of 8 numbers][lane], 16 bytes each: numbers 0 4 1 5 2 6 3 7.
 * Rows that are not there are zero. */
template <class S> __global__ void spread_rows(const __grid_constant__ batch_kernel k) {
    begin();
    const i64 at = thread_number(), eights = (k.m + 7) / 8;
    const int lane = (int)(at % 32), word = (int)(at / 32 % 4);
    i64 eight;
    const i64 span = divide(at / 128, eights, &eight), row = eight * 8 + lane / 4;
    if (span >= k.k / SPAN) return;
    uint4 piece = make_uint4(0, 0, 0, 0);
    const S *from = (const S *)k.x + row * k.k + span * SPAN + lane % 4 * 32 + word * 8;
    if (row < k.m && k.aligned) piece = *(const uint4 *)from;
    if (row < k.m && !k.aligned)
        for (int i = 0; i < 8; i++) ((S *)&piece)[i] = from[i];
    ((uint4 *)k.spread)[at] = in_order(piece);
}

template <class S, int TILES, int EIGHTS>
DEVICE void multiply_span(float (&sums)[TILES][EIGHTS][4], const weights<S, TILES> &w, const uint4 *x) {
#pragma unroll
    for (int word = 0; word < 4; word++) {
        uint4 b[EIGHTS];
#pragma unroll
        for (int e = 0; e < EIGHTS; e++) b[e] = x[(e * 4 + word) * 32];
#pragma unroll
        for (int tile = 0; tile < TILES; tile++)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                u32 a[4];
                factor_of(a, w, tile, word, half);
#pragma unroll
                for (int e = 0; e < EIGHTS; e++)
                    multiply_tile(sums[tile][e], a, half ? b[e].z : b[e].x, half ? b[e].w : b[e].y, S());
            }
    }
}

template <class S, int TILES, int EIGHTS>
__global__ void __launch_bounds__(THREADS, 2) multiply_batch(const __grid_constant__ batch_kernel k) {
    extern __shared__ float shared[];
    const warp_share<TILES> own(k);
    const int lane = threadIdx.x % 32;
    float sums[TILES][EIGHTS][4];
    take_spans<weights<S, TILES>>(k, own, sums, [&](const weights<S, TILES> &w, int span) {
        multiply_span<S, TILES, EIGHTS>(sums, w, (const uint4 *)k.spread + (i64)span * (EIGHTS * 128) + lane);
    });
    write_sums<S>(k, own, sums, shared);
}

template <class S, int EIGHTS> static void launch_eights(const batch_kernel &k, kernel_stream stream) {
    takes_pairs_of_tiles(k) ? launch_shares<2, EIGHTS>(multiply_batch<S, 2, EIGHTS>, k, stream)
                            : launch_shares<1, EIGHTS>(multiply_batch<S, 1, EIGHTS>, k, stream);
}

template <class S> static void launch(batch_kernel k, kernel_stream stream) {
    k.group_shift = group_shift_of(k.group);
    k.aligned = lie_at_16(k.x);
    const i64 eights = (k.m + 7) / 8;
    if (!k.ordered) start(spread_rows<S>, blocks_for(k.k / SPAN * eights * 128, 256), 256, 0, stream, k);
    eights == 1   ? launch_eights<S, 1>(k, stream)
    : eights == 2 ? launch_eights<S, 2>(k, stream)
    : eights == 3 ? launch_eights<S, 3>(k, stream)
                  : launch_eights<S, 4>(k, stream);
}

void launch_batch(const batch_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(*k, stream))
        CASE(D_BF16, bfloat16, launch<type>(*k, stream))
        CASE(D_F32, float, launch_float_batch(k, stream))
    }
}
