/* A pair of numbers turned. */
#ifndef CUDA_NORM_ROPE_CUH
#define CUDA_NORM_ROPE_CUH

#include "cuda/device.cuh"

/* What pair `pair` turns by at a position. */
template <class S>
DEVICE void rope_turn(const rope_kernel &k, i64 pair, wide<S> position, wide<S> *cosine, wide<S> *sine) {
    typedef wide<S> T;
    T turn = k.freqs ? 1 / (T)k.freqs[pair < k.dims / 2 ? pair : 0] : language::exp((T)pair * (T)k.slope),
      theta = position * turn;
    *cosine = language::cos(theta);
    *sine = language::sin(theta);
}

template <class S> DEVICE void rope_pair(const rope_kernel &k, const S *x, S *to, i64 pair, wide<S> c, wide<S> s) {
    typedef wide<S> T;
    i64 half = k.dims / 2, first = k.traditional ? 2 * pair : pair, second = k.traditional ? first + 1 : pair + half;
    T u = widen(x[first]), v = widen(x[second]);
    narrow(to + first, u * c - v * s);
    narrow(to + second, u * s + v * c);
}

#endif
