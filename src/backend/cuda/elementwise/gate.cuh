/* A gate of halves: silu(gate) * through, each rounded. The quotient is as exact as float needs to be for that. */
#ifndef CUDA_ELEMENTWISE_GATE_CUH
#define CUDA_ELEMENTWISE_GATE_CUH

#include "cuda/device.cuh"

template <class S> DEVICE uint4 gate_piece(const uint4 &gate, const uint4 &through) {
    wide<S> g[8], t[8];
    widen_piece<S>(gate, g);
    widen_piece<S>(through, t);
#pragma unroll
    for (int i = 0; i < 8; i++) {
        S y;
        narrow(&y, __fdividef(g[i], 1 + __expf(-g[i])));
        g[i] = widen(y) * t[i];
    }
    return narrow_piece<S>(g);
}

#endif
