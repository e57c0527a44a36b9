/* A gate of halves: silu(gate) * through, each rounded. The quotient is as exact as float needs to be for that; both of
   its sides are an eighth of what they are, for of a divisor beyond 2^126 the quick division makes nothing. */
#ifndef CUDA_ELEMENTWISE_GATE_CUH
#define CUDA_ELEMENTWISE_GATE_CUH

#include "cuda/device.cuh"

template <class S> DEVICE float gate_value(float gate, float through) {
    S y;
    narrow(&y, __fdividef(gate * 0.125f, __fmaf_rn(__expf(-gate), 0.125f, 0.125f)));
    return widen(y) * through;
}

template <class S> DEVICE S gate_one(S gate, S through) {
    S y;
    narrow(&y, gate_value<S>(widen(gate), widen(through)));
    return y;
}

template <class S> DEVICE uint4 gate_piece(const uint4 &gate, const uint4 &through) {
    wide<S> g[8], t[8];
    widen_piece<S>(gate, g);
    widen_piece<S>(through, t);
#pragma unroll
    for (int i = 0; i < 8; i++) g[i] = gate_value<S>(g[i], t[i]);
    return narrow_piece<S>(g);
}

#endif
