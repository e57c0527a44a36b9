/* A pair of numbers turned. */
#ifndef CUDA_NORM_ROPE_CUH
#define CUDA_NORM_ROPE_CUH

#include "cuda/device.cuh"

template <class S> DEVICE void rope_pair(const rope_kernel &k, const S *x, S *to, i64 pair, wide<S> position) {
    typedef wide<S> T;
    i64 half = k.dims / 2, first = k.traditional ? 2 * pair : pair, second = k.traditional ? first + 1 : pair + half;
    T u = widen(x[first]), v = widen(x[second]); /* on their way first */
    T turn = k.freqs ? 1 / (T)k.freqs[pair] : language::exp((T)pair * (T)k.slope), theta = position * turn;
    T c = language::cos(theta), s = language::sin(theta);
    narrow(to + first, u * c - v * s);
    narrow(to + second, u * s + v * c);
}

#endif
