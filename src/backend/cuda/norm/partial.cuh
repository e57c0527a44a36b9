/* What some elements of a row say of it, to be joined with what the others say: their exponentials, or the best of
 * them.
 */
#ifndef CUDA_NORM_PARTIAL_CUH
#define CUDA_NORM_PARTIAL_CUH

#include "cuda/device.cuh"

/* Of some elements: the largest, and the sum of exp(element - base_of(largest)). */
template <class T> struct exponentials { T top, sum; };

/* Nothing infinite is subtracted from itself. */
template <class T> DEVICE T base_of(T top) {
    return isinf(top) ? 0 : top;
}

/* ---- the first best; a NaN wins */
template <class T> struct place {
    T value;
    i64 index;
};

/* A number in its order: as it is widened, complex ones as they are, which shared memory can hold. */
template <class S> struct in_order {
    typedef decltype(widen(S())) type;
    DEVICE_MEMBER static type of(S x) { return widen(x); }
};
template <> struct in_order<complex64> {
    typedef complex64 type;
    DEVICE_MEMBER static type of(complex64 x) { return x; }
};
template <class T> DEVICE bool is_nan(T x) {
    return x != x;
}
DEVICE bool is_nan(complex64 x) {
    return x.re != x.re || x.im != x.im;
}
template <class T> DEVICE bool is_less(T a, T b) {
    return a < b;
}
DEVICE bool is_less(complex64 a, complex64 b) {
    return language::lt(widen(a), widen(b));
}

template <class T> DEVICE bool beats(place<T> b, place<T> a, bool least) {
    bool a_nan = is_nan(a.value), b_nan = is_nan(b.value);
    if (a_nan || b_nan) return b_nan && (!a_nan || b.index < a.index);
    bool below = is_less(b.value, a.value), above = is_less(a.value, b.value);
    return below == above ? b.index < a.index : least ? below : above;
}

#endif
