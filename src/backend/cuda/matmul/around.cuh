/* What the kernels of products of one row do besides: x normed before, a sum or a gate behind. */
#ifndef CUDA_MATMUL_AROUND_CUH
#define CUDA_MATMUL_AROUND_CUH

#include "cuda/device.cuh"

/* ---- x as rms_norm makes it, a row of `pieces` pieces of 16 bytes, up to 1024. A thread's first piece is held,
 * further ones are read twice. */

/* On its way while the kernel before ends. */
DEVICE void fetch_norm_weight(const around_product &a, int pieces) {
    for (int c = threadIdx.x; a.norm_weight && a.early && c < pieces; c += blockDim.x)
        fetch((const uint4 *)a.norm_weight + c);
}

/* What the row is multiplied by. Squares are summed in the order of rms_norm_held, so that the result is the same to
 * the last bit. */
template <class S> DEVICE float norm_scale(const around_product &a, const void *from, int pieces, uint4 &held) {
    __shared__ float room[32];
    const int lane = threadIdx.x % 32, warps = (pieces + 31) / 32;
    for (int c = threadIdx.x; c < warps * 32; c += blockDim.x) {
        float sum = 0;
        wide<S> x[PIECE<S>];
        uint4 piece = ((const uint4 *)from)[c < pieces ? c : 0];
        if (c == threadIdx.x) held = piece;
        widen_piece<S>(piece, x);
        if (a.norm_weight && !a.early && c < pieces) fetch((const uint4 *)a.norm_weight + c);
#pragma unroll
        for (int i = 0; i < PIECE<S>; i++) sum += x[i] * x[i];
        if (c >= pieces) sum = 0;
        for (int step = 16; step; step /= 2) sum += from_lane(sum, step);
        if (lane == 0) room[c / 32] = sum;
    }
    __syncthreads();
    float sum = lane < warps ? room[lane] : 0;
    for (int step = 16; step; step /= 2) sum += from_lane(sum, step);
    return 1 / language::sqrt(sum / (float)(pieces * PIECE<S>)+a.eps);
}

/* Piece c of x as it is normed, which the first block also writes for others. */
template <class S> DEVICE uint4 normed_piece(const around_product &a, const uint4 &from, int c, float scale) {
    wide<S> x[PIECE<S>], w[PIECE<S>];
    widen_piece<S>(from, x);
    if (a.norm_weight) widen_piece<S>(((const uint4 *)a.norm_weight)[c], w);
#pragma unroll
    for (int i = 0; i < PIECE<S>; i++) {
        S y;
        narrow(&y, x[i] * scale);
        x[i] = a.norm_weight ? widen(y) * w[i] : widen(y);
    }
    uint4 piece = narrow_piece<S>(x);
    if (a.norm_to && blockIdx.x == 0) ((uint4 *)a.norm_to)[c] = piece;
    return piece;
}

/* ---- rows of the product */
/* Row `row`; other: AFTER_ADD what is added to it. */
template <class S> DEVICE void end_row(const around_product &a, void *to, i64 row, float product, S other) {
    S y;
    narrow(&y, product);
    if (to) ((S *)to)[row] = y;
    if (a.after == AFTER_ADD) narrow((S *)a.result + row, widen(y) + widen(other));
}
/* A gate and what it lets through, `half` rows behind. */
template <class S>
DEVICE void end_pair(const around_product &a, void *to, i64 row, i64 half, float gate, float through) {
    S g, t, y;
    narrow(&g, gate);
    narrow(&t, through);
    if (to) ((S *)to)[row] = g, ((S *)to)[row + half] = t;
    narrow(&y, widen(g) / (1 + language::exp(-widen(g))));
    narrow((S *)a.result + row, widen(y) * widen(t));
}

#endif
