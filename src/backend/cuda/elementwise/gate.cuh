/* A gate of halves: silu(gate) * through, each rounded. The power and the reciprocal are as exact as float needs to be
   for that, and take no steps for numbers below 2^-126: the divisor, beside which such a power is nothing, is an eighth
   of what it is, so that it has a reciprocal unless it is infinite. */
#ifndef CUDA_ELEMENTWISE_GATE_CUH
#define CUDA_ELEMENTWISE_GATE_CUH

#include "cuda/device.cuh"

template <class S> DEVICE float gate_value(float gate, float through) {
    S y;
    float inverse;
    asm("rcp.approx.ftz.f32 %0, %1;"
        : "=f"(inverse)
        : "f"(__fmaf_rn(power_of_two(gate * -1.44269504f), 0.125f, 0.125f)));
    narrow(&y, gate * 0.125f * inverse);
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
