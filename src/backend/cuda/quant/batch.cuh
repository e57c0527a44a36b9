/* What the kernels of 2 to 32 rows of x with packed weights share: a block's warps, of which `across` share out the
   spans of the same rows of the weight. */
#ifndef CUDA_QUANT_BATCH_CUH
#define CUDA_QUANT_BATCH_CUH

#include "cuda/quant/tile.cuh"
#include "cuda/tile_product.cuh"

/* How a kernel is cut: a warp takes TILES tiles of 16 rows of the weight by EIGHTS times eight rows of x, weights of
   DEPTH spans on their way; BLOCKS blocks of WARPS warps find room on a multiprocessor. */
template <int TILES_, int EIGHTS_, int DEPTH_, int BLOCKS_> struct batch_form {
    static constexpr int TILES = TILES_, EIGHTS = EIGHTS_, DEPTH = DEPTH_, BLOCKS = BLOCKS_, WARPS = 8,
                         THREADS = 32 * WARPS, WARP_ROWS = 16 * TILES;
    typedef float sums[TILES][EIGHTS][4];
};

/* Where a warp works: spans first .. end - 1 of rows[], where those of block_row and on begin, in bytes. */
template <class F> struct warp_share {
    int across, down, first, end, own_rows;
    u32 rows[F::TILES][2];
    i64 block_row;

    DEVICE_MEMBER explicit warp_share(const packed_rows_kernel &k) {
        const int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, spans = (int)(k.k / SPAN);
        across = warp % k.across, down = warp / k.across;
        first = spans * across / k.across, end = spans * (across + 1) / k.across;
        own_rows = F::WARPS / k.across * F::WARP_ROWS;
        block_row = blockIdx.x * (i64)own_rows;
#pragma unroll
        for (int i = 0; i < 2 * F::TILES; i++) {
            const i64 row = row_of(k, down * F::WARP_ROWS + i * 8 + g);
            rows[i / 2][i % 2] = (u32)((row < k.rows ? row : k.rows - 1) * (k.k / 2));
        }
    }
    /* Which row of the weight is the block's row i: of a gate eight of it come in turn with the eight that they let
       through. */
    DEVICE_MEMBER i64 row_of(const packed_rows_kernel &k, int i) const {
        return k.gated ? block_row / 2 + i / 16 * 8 + i % 8 + i / 8 % 2 * (k.rows / 2) : block_row + i;
    }
};

/* sums, from nothing: take(weights of a span, its number, which of DEPTH) for each span of the warp; early weights do
   not wait for the kernel before, ready() is what comes first behind it. */
template <class F, class W, class R, class T>
DEVICE void take_spans(const packed_rows_kernel &k, const warp_share<F> &own, typename F::sums &sums, R ready, T take) {
    W w[F::DEPTH];
    let_next_begin();
    if (!k.early) await_previous();
#pragma unroll
    for (int i = 0; i < F::DEPTH; i++)
        if (own.first + i < own.end) w[i].read(k, own.rows, own.first + i);
    if (k.early) await_previous();
    ready();
#pragma unroll
    for (int i = 0; i < F::TILES * F::EIGHTS * 4; i++) sums[i / 4 / F::EIGHTS][i / 4 % F::EIGHTS][i % 4] = 0;
    for (int n = own.first; n < own.end; n += F::DEPTH)
#pragma unroll
        for (int i = 0; i < F::DEPTH; i++) {
            if (n + i >= own.end) break;
            take(w[i], n + i, i);
            if (n + i + F::DEPTH < own.end) w[i].read(k, own.rows, n + i + F::DEPTH);
        }
}

/* What the warps have, in shared memory: [across][row of x][row of the block] */
template <class F> DEVICE void leave_sums(const warp_share<F> &own, const typename F::sums &sums, float *shared) {
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int tile = 0; tile < F::TILES; tile++)
#pragma unroll
        for (int e = 0; e < F::EIGHTS; e++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int row = own.down * F::WARP_ROWS + tile * 16 + i / 2 * 8 + g, x_row = e * 8 + t * 2 + i % 2;
                shared[(own.across * 8 * F::EIGHTS + x_row) * own.own_rows + row] = sums[tile][e][i];
            }
    __syncthreads();
}

/* ... added up, and written. */
template <class S, class F>
DEVICE S write_sum(const packed_rows_kernel &k, const warp_share<F> &own, const float *shared, int x_row, int i) {
    const i64 row = own.row_of(k, i);
    float sum = 0;
    S y;
    for (int part = 0; part < k.across; part++) sum += shared[(part * 8 * F::EIGHTS + x_row) * own.own_rows + i];
    narrow(&y, sum);
    if (row < k.rows) ((S *)k.to)[x_row * k.rows + row] = y;
    return y;
}

template <class S, class F>
DEVICE void write_sums(const packed_rows_kernel &k, const warp_share<F> &own, const typename F::sums &sums,
                       float *shared) {
    leave_sums(own, sums, shared);
    for (int i = threadIdx.x; i < own.own_rows * (int)k.m; i += F::THREADS)
        write_sum<S, F>(k, own, shared, i / own.own_rows, i % own.own_rows);
}

/* Spans are shared out as far as all blocks find room at once, and between two warps where there are two, so that there is enough of
   the weight on its way. */
template <class F, class K> static void launch_shares(K *kernel, packed_rows_kernel k, kernel_stream stream) {
    const i64 spans = k.k / SPAN, most = F::BLOCKS * cuda_processors();
    auto rows_of_block = [&] { return F::WARPS / k.across * (i64)F::WARP_ROWS; };
    k.across = F::WARPS;
    while (k.across > spans || (k.across > 2 && k.rows > most * rows_of_block())) k.across /= 2;
    const size_t bytes = (size_t)(F::WARPS * F::WARP_ROWS * 8 * F::EIGHTS) * sizeof(float);
    allow_shared(kernel, bytes);
    start(kernel, blocks_for(k.rows, rows_of_block()), F::THREADS, bytes, stream, k);
}

/* Whether there are rows of the weight enough for warps that take 32 of them. */
static inline bool takes_pairs_of_tiles(const packed_rows_kernel &k) {
    return k.rows >= 32 * cuda_processors();
}

#endif
