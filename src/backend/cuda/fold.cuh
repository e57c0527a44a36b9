/* What reductions and running ones fold with: the type they run in, the four folds, and what changes nothing. */
#ifndef CUDA_FOLD_CUH
#define CUDA_FOLD_CUH

#include "cuda/device.cuh"

/* The type that a reduction to S runs in: whole numbers of up to 32 bits wrap there as they would at last. */
template <class S> struct running { typedef int type; };
template <> struct running<u32> { typedef u32 type; };
template <> struct running<i64> { typedef i64 type; };
template <> struct running<u64> { typedef u64 type; };
template <> struct running<float16> { typedef float type; };
template <> struct running<bfloat16> { typedef float type; };
template <> struct running<float> { typedef float type; };
template <> struct running<double> { typedef double type; };
template <> struct running<complex64> { typedef cplx type; };

enum { SUM, PROD, MAX, MIN, ALL, ANY, LOGADDEXP };

/* Kernels come for sums, some for the largest and the smallest (EXTREMES) and, KIND -1, for what is known only now,
   whose folds cost more than memory. */
enum { EXTREMES = LOGADDEXP + 1 };
template <class T> constexpr bool IS_REAL = false;
template <> constexpr bool IS_REAL<float> = true;
template <> constexpr bool IS_REAL<double> = true;

/* log(exp(a) + exp(b)), as the row of elementwise.def has it. */
template <class T> DEVICE T log_of_both(T a, T b) {
    T far = a - b;
    if (a == b) return a + (T)0.69314718055994530942;
    return language::max(a, b) + language::log1p(language::exp(far < 0 ? far : -far));
}
DEVICE cplx log_of_both(cplx a, cplx b) {
    using namespace language;
    cplx low = language::min(a, b), high = language::max(a, b);
    if (isinf(low.re) && low.re < 0) return high; /* what changes nothing */
    return high + language::log(cplx(1) + language::exp(low - high));
}

/* Whole numbers wrap, which those with a sign do by way of those without. */
template <class T> DEVICE T plus(T a, T b) {
    using namespace language;
    return a + b;
}
template <class T> DEVICE T times(T a, T b) {
    using namespace language;
    return a * b;
}
#define WRAPPING(T, U)                                                                                                 \
    DEVICE T plus(T a, T b) {                                                                                          \
        return (T)((U)a + (U)b);                                                                                       \
    }                                                                                                                  \
    DEVICE T times(T a, T b) {                                                                                         \
        return (T)((U)a * (U)b);                                                                                       \
    }
WRAPPING(int, u32)
WRAPPING(i64, u64)

struct fold_kind {
    int kind;
    template <class T> __device__ T operator()(T a, T b) const {
        using namespace language;
        if constexpr (sizeof(T) == sizeof(cplx) || (T)0.5 != 0)
            if (kind == LOGADDEXP) return log_of_both(a, b);
        return kind == SUM ? plus(a, b) : kind == PROD ? times(a, b) : kind == MAX ? language::max(a, b) : language::min(a, b);
    }
};

template <int KIND> DEVICE fold_kind known_fold(int kind) {
    return {KIND == EXTREMES ? (kind == MAX ? MAX : MIN) : KIND >= 0 ? KIND : kind};
}

template <class T, class S> DEVICE T identity_of(int kind) {
    if (kind == SUM) return 0;
    if (kind == PROD) return 1;
    if (sizeof(T) == sizeof(cplx) && kind == LOGADDEXP) return -INFINITY;
    if constexpr (sizeof(T) == sizeof(cplx)) {
        double most = kind == MAX ? -INFINITY : INFINITY;
        return cplx(most, most);
    } else if constexpr ((T)0.5 != 0) {
        return kind == MIN ? (T)INFINITY : (T)-INFINITY;
    } else {
        const bool is_signed = (S)-1 < (S)1;
        T most = (T)(~0ull >> (64 - 8 * sizeof(S) + is_signed));
        return kind == MIN ? most : is_signed ? -most - 1 : 0;
    }
}

#endif
