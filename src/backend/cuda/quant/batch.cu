/* 2 to 32 rows of x with affine weights of 4 bits on the matrix units: bound by reading the weights. A warp multiplies
   TILES tiles of 16 rows of the weight by a span of 128 numbers at a time. A lane reads 16 bytes of a row, 32 numbers
   that have one scale, side by side; x is brought into the order of use first (`spread_rows`): it is read 16 bytes a
   lane, side by side, too. Weights are rounded to the dtype, as `dequantize` rounds them. Spans are shared out among
   `across` warps, rows among the others. */
#include "cuda/quant/tile.cuh"
#include "cuda/tile_product.cuh"

enum { WARPS = 8, THREADS = 32 * WARPS, DEPTH = 2 };

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
    ((uint4 *)k.spread)[at] = make_uint4(__byte_perm(piece.x, piece.z, 0x5410), __byte_perm(piece.x, piece.z, 0x7632),
                                         __byte_perm(piece.y, piece.w, 0x5410), __byte_perm(piece.y, piece.w, 0x7632));
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
    extern __shared__ float shared[]; /* [across][row of the block][row of x] */
    constexpr int ROWS = 16 * TILES, WIDTH = 8 * EIGHTS;
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, across = warp % k.across,
              down = warp / k.across;
    const int spans = (int)(k.k / SPAN), first = spans * across / k.across, end = spans * (across + 1) / k.across,
              own_rows = WARPS / k.across * ROWS;
    const i64 block_row = blockIdx.x * (i64)own_rows;
    i64 rows[TILES][2];
#pragma unroll
    for (int i = 0; i < 2 * TILES; i++) {
        const i64 row = block_row + down * ROWS + i / 2 * 16 + i % 2 * 8 + g;
        rows[i / 2][i % 2] = row < k.rows ? row : k.rows - 1;
    }
    weights<S, TILES> w[DEPTH];
    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < DEPTH; i++)
        if (first + i < end) w[i].read(k, rows, first + i);
    if (k.early) await_previous();

    float sums[TILES][EIGHTS][4];
#pragma unroll
    for (int i = 0; i < TILES * EIGHTS * 4; i++) sums[i / 4 / EIGHTS][i / 4 % EIGHTS][i % 4] = 0;
    for (int n = first; n < end; n += DEPTH)
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
            if (n + i >= end) break;
            multiply_span<S, TILES, EIGHTS>(sums, w[i], (const uint4 *)k.spread + (i64)(n + i) * (EIGHTS * 128) + lane);
            if (n + i + DEPTH < end) w[i].read(k, rows, n + i + DEPTH);
        }
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int e = 0; e < EIGHTS; e++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int row = down * ROWS + tile * 16 + i / 2 * 8 + g, x_row = e * 8 + t * 2 + i % 2;
                shared[(across * WIDTH + x_row) * own_rows + row] = sums[tile][e][i];
            }
    __syncthreads();
    for (int i = threadIdx.x; i < own_rows * (int)k.m; i += THREADS) {
        const i64 row = block_row + i % own_rows;
        if (row >= k.rows) continue;
        float sum = 0;
        for (int part = 0; part < k.across; part++) sum += shared[part * WIDTH * own_rows + i];
        narrow((S *)k.to + i / own_rows * k.rows + row, sum);
    }
}

/* Enough blocks for the chip: tiles one by one and spans shared out more where there are few rows. */
template <class S, int TILES, int EIGHTS> static void launch_tiles(batch_kernel k, kernel_stream stream) {
    const i64 spans = k.k / SPAN;
    k.across = 8;
    while (k.across > 1 &&
           (spans < k.across || k.rows >= (i64)(WARPS / k.across) * 2 * 16 * TILES * 2 * cuda_processors()))
        k.across /= 2;
    const i64 own_rows = WARPS / k.across * 16 * TILES;
    const size_t bytes = (size_t)(WARPS * 16 * TILES * 8 * EIGHTS) * sizeof(float);
    allow_shared(multiply_batch<S, TILES, EIGHTS>, bytes);
    start(multiply_batch<S, TILES, EIGHTS>, blocks_for(k.rows, own_rows), THREADS, bytes, stream, k);
}

template <class S, int EIGHTS> static void launch_eights(const batch_kernel &k, kernel_stream stream) {
    k.rows >= 32 * cuda_processors() ? launch_tiles<S, 2, EIGHTS>(k, stream) : launch_tiles<S, 1, EIGHTS>(k, stream);
}

template <class S> static void launch(batch_kernel k, kernel_stream stream) {
    k.group_shift = group_shift_of(k.group);
    k.aligned = lie_at_16(k.x);
    const i64 eights = (k.m + 7) / 8;
    start(spread_rows<S>, blocks_for(k.k / SPAN * eights * 128, 256), 256, 0, stream, k);
    eights == 1   ? launch_eights<S, 1>(k, stream)
    : eights == 2 ? launch_eights<S, 2>(k, stream)
    : eights == 3 ? launch_eights<S, 3>(k, stream)
                  : launch_eights<S, 4>(k, stream);
}

void launch_batch(const batch_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(*k, stream))
        CASE(D_BF16, bfloat16, launch<type>(*k, stream))
    }
}
