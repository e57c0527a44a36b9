/* What the kernels of 2 to 32 rows of x with packed weights share: WARPS warps, of which `across` share out the spans
   of the same rows of the weight, 16 TILES of them. */
#ifndef CUDA_QUANT_BATCH_CUH
#define CUDA_QUANT_BATCH_CUH

#include "cuda/quant/tile.cuh"
#include "cuda/tile_product.cuh"

enum { WARPS = 8, THREADS = 32 * WARPS, DEPTH = 2 };

/* Where a warp works: spans first .. end - 1 of rows[], those of block_row and on. */
template <int TILES> struct warp_share {
    int across, down, first, end, own_rows;
    i64 block_row, rows[TILES][2];

    DEVICE_MEMBER explicit warp_share(const batch_kernel &k) {
        const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, spans = (int)(k.k / SPAN);
        across = warp % k.across, down = warp / k.across;
        first = spans * across / k.across, end = spans * (across + 1) / k.across;
        own_rows = WARPS / k.across * 16 * TILES;
        block_row = blockIdx.x * (i64)own_rows;
#pragma unroll
        for (int i = 0; i < 2 * TILES; i++) {
            const i64 row = block_row + down * 16 * TILES + i / 2 * 16 + i % 2 * 8 + g;
            rows[i / 2][i % 2] = row < k.rows ? row : k.rows - 1;
        }
    }
};

/* sums, from nothing: take(weights of a span, its number) for each span of the warp, DEPTH of which are on their way;
   early ones do not wait for the kernel before. */
template <class W, int TILES, int EIGHTS, class F>
DEVICE void take_spans(const batch_kernel &k, const warp_share<TILES> &own, float (&sums)[TILES][EIGHTS][4], F take) {
    W w[DEPTH];
    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < DEPTH; i++)
        if (own.first + i < own.end) w[i].read(k, own.rows, own.first + i);
    if (k.early) await_previous();
#pragma unroll
    for (int i = 0; i < TILES * EIGHTS * 4; i++) sums[i / 4 / EIGHTS][i / 4 % EIGHTS][i % 4] = 0;
    for (int n = own.first; n < own.end; n += DEPTH)
#pragma unroll
        for (int i = 0; i < DEPTH; i++) {
            if (n + i >= own.end) break;
            take(w[i], n + i);
            if (n + i + DEPTH < own.end) w[i].read(k, own.rows, n + i + DEPTH);
        }
}

/* What the warps have, added up and written. shared: [across][row of x][row of the block] */
template <class S, int TILES, int EIGHTS>
DEVICE void write_sums(const batch_kernel &k, const warp_share<TILES> &own, const float (&sums)[TILES][EIGHTS][4],
                       float *shared) {
    constexpr int WIDTH = 8 * EIGHTS;
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int e = 0; e < EIGHTS; e++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int row = own.down * 16 * TILES + tile * 16 + i / 2 * 8 + g, x_row = e * 8 + t * 2 + i % 2;
                shared[(own.across * WIDTH + x_row) * own.own_rows + row] = sums[tile][e][i];
            }
    __syncthreads();
    for (int i = threadIdx.x; i < own.own_rows * (int)k.m; i += THREADS) {
        const i64 row = own.block_row + i % own.own_rows;
        if (row >= k.rows) continue;
        float sum = 0;
        for (int part = 0; part < k.across; part++) sum += shared[part * WIDTH * own.own_rows + i];
        narrow((S *)k.to + i / own.own_rows * k.rows + row, sum);
    }
}

/* Enough blocks for the chip: spans are shared out more where there are few rows. */
template <int TILES, int EIGHTS, class K> static void launch_shares(K *kernel, batch_kernel k, kernel_stream stream) {
    const i64 spans = k.k / SPAN;
    k.across = 8;
    while (k.across > 1 &&
           (spans < k.across || k.rows >= (i64)(WARPS / k.across) * 2 * 16 * TILES * 2 * cuda_processors()))
        k.across /= 2;
    const i64 own_rows = WARPS / k.across * 16 * TILES;
    const size_t bytes = (size_t)(WARPS * 16 * TILES * 8 * EIGHTS) * sizeof(float);
    allow_shared(kernel, bytes);
    start(kernel, blocks_for(k.rows, own_rows), THREADS, bytes, stream, k);
}

/* Whether there are rows of the weight enough for warps that take 32 of them. */
static inline bool takes_pairs_of_tiles(const batch_kernel &k) {
    return k.rows >= 32 * cuda_processors();
}

#endif
