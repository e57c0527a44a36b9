/* Attention's products on the matrix units, of warps that have 16 * TILES rows each: tiles of halves in shared memory,
   a warp's rows by the rows of a tile, and numbers of those rows by the tile's columns. */
#ifndef CUDA_ATTENTION_TILE_CUH
#define CUDA_ATTENTION_TILE_CUH

#include "cuda/attention/pieces.cuh"
#include "cuda/tile_product.cuh"

enum { WARPS = 4, THREADS = 32 * WARPS, KEYS = 64 };

/* ---- pieces of the matrix units */
DEVICE void read_matrices(u32 (&to)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from));
}
DEVICE void read_transposed(u32 (&to)[4], u32 from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from));
}
/* ---- tiles in shared memory: rows of DIM halves; the 16-byte pieces of a row stand in another order in each of 8
   rows, so that eight rows' same piece lies in different banks */
template <int DIM> DEVICE u32 piece_at(u32 tile, int row, int piece) {
    return tile + (u32)(row * DIM * 2 + ((piece ^ (row & 7)) << 4));
}
DEVICE void copy_piece(u32 to, const void *from, bool exists) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(exists ? 16 : 0) : "memory");
}
DEVICE void end_copies() {
    asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int LEFT> DEVICE void await_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}
/* `rows` rows from row `first` on, of which `count` exist; what does not becomes zero. */
template <class S, int DIM>
DEVICE void copy_tile(u32 tile, const S *from, i64 step, int first, int count, int rows, int dim) {
    for (int i = threadIdx.x; i < rows * (DIM / 8); i += THREADS) {
        int row = i / (DIM / 8), piece = i % (DIM / 8);
        bool exists = first + row < count && piece * 8 < dim;
        copy_piece(piece_at<DIM>(tile, row, piece), exists ? from + (first + row) * step + piece * 8 : from, exists);
    }
}

/* Of each of the warp's rows and each of KEYS rows at `columns`: their product. */
template <class S, int DIM, int TILES>
DEVICE void score_tile(float (&scores)[TILES][KEYS / 8][4], u32 rows, u32 columns, int warp, int lane) {
#pragma unroll
    for (int t = 0; t < TILES; t++)
#pragma unroll
        for (int n = 0; n < KEYS / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) scores[t][n][i] = 0;
#pragma unroll
    for (int d = 0; d < DIM / 16; d++) {
        u32 a[TILES][4];
#pragma unroll
        for (int t = 0; t < TILES; t++)
            read_matrices(a[t], piece_at<DIM>(rows, (warp * TILES + t) * 16 + lane % 16, d * 2 + lane / 16));
#pragma unroll
        for (int n = 0; n < KEYS / 16; n++) {
            u32 b[4];
            read_matrices(b, piece_at<DIM>(columns, n * 16 + lane / 16 * 8 + lane % 8, d * 2 + lane / 8 % 2));
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                multiply_tile(scores[t][2 * n], a[t], b[0], b[1], S());
                multiply_tile(scores[t][2 * n + 1], a[t], b[2], b[3], S());
            }
        }
    }
}

/* Adds the KEYS rows at `values`, each weighted, to each of the warp's rows. */
template <class S, int DIM, int TILES>
DEVICE void add_values(float (&sums)[TILES][DIM / 8][4], const float (&weights)[TILES][KEYS / 8][4], u32 values,
                       int lane) {
#pragma unroll
    for (int j = 0; j < KEYS / 16; j++) {
        u32 a[TILES][4];
#pragma unroll
        for (int t = 0; t < TILES; t++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                a[t][i] = pair_of(weights[t][2 * j + i / 2][i % 2 * 2], weights[t][2 * j + i / 2][i % 2 * 2 + 1], S());
#pragma unroll
        for (int n = 0; n < DIM / 16; n++) {
            u32 b[4];
            read_transposed(b, piece_at<DIM>(values, j * 16 + lane % 16, n * 2 + lane / 16));
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                multiply_tile(sums[t][2 * n], a[t], b[0], b[1], S());
                multiply_tile(sums[t][2 * n + 1], a[t], b[2], b[3], S());
            }
        }
    }
}

#endif
