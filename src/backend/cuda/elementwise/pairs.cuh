/* Two numbers, as a group computes them: halves in one word, whose sums, differences and products are one instruction that rounds once, as
   the float would be rounded: it has twice the digits and two more. Compiled by NVRTC behind values.cuh. */
template <class S> struct two {
    decltype(widen(S())) at[2];
};
template <> struct two<float16> {
    u32 bits;
};
template <> struct two<bfloat16> {
    u32 bits;
};
template <class S> DEVICE decltype(widen(S())) low(two<S> x) {
    return x.at[0];
}
template <class S> DEVICE decltype(widen(S())) high(two<S> x) {
    return x.at[1];
}
DEVICE float low(two<float16> x) {
    return half_to_float((unsigned short)x.bits);
}
DEVICE float high(two<float16> x) {
    return half_to_float((unsigned short)(x.bits >> 16));
}
DEVICE float low(two<bfloat16> x) {
    return __uint_as_float(x.bits << 16);
}
DEVICE float high(two<bfloat16> x) {
    return __uint_as_float(x.bits & 0xFFFF0000);
}
/* Of two values that are converted already; what goes into halves is rounded here. */
template <class S> struct two_of {
    template <class T> static __device__ __forceinline__ two<S> of(T a, T b) { return {{a, b}}; }
};
#define PAIRS(S, type, one, minus_one, minus_zero)                                                                                         \
    template <> struct two_of<S> {                                                                                                           \
        template <class T> static __device__ __forceinline__ two<S> of(T a, T b) {                                                         \
            return {pair_of(odd(as_double(a)), odd(as_double(b)), S())};                                                                   \
        }                                                                                                                                  \
        static __device__ __forceinline__ two<S> of(float a, float b) { return {pair_of(a, b, S())}; }                                     \
    };                                                                                                                                     \
    DEVICE two<S> times_and(two<S> x, u32 y, u32 z) {                                                                                      \
        two<S> made;                                                                                                                       \
        asm("fma.rn." type " %0, %1, %2, %3;" : "=r"(made.bits) : "r"(x.bits), "r"(y), "r"(z));                                            \
        return made;                                                                                                                       \
    }                                                                                                                                      \
    DEVICE two<S> operator*(two<S> x, two<S> y) {                                                                                          \
        return times_and(x, y.bits, minus_zero);                                                                                           \
    }                                                                                                                                      \
    DEVICE two<S> operator+(two<S> x, two<S> y) {                                                                                          \
        return times_and(x, one, y.bits);                                                                                                  \
    }                                                                                                                                      \
    DEVICE two<S> operator-(two<S> x, two<S> y) {                                                                                          \
        return times_and(y, minus_one, x.bits);                                                                                            \
    }                                                                                                                                      \
    DEVICE void put(two<S> &x, int i, S value) {                                                                                           \
        x.bits |= (u32)value.bits << 16 * i;                                                                                               \
    }                                                                                                                                      \
    DEVICE void take(two<S> &x, const S *from) {                                                                                           \
        x.bits = *(const u32 *)from;                                                                                                       \
    }                                                                                                                                      \
    DEVICE void give(S *to, two<S> x) {                                                                                                    \
        *(u32 *)to = x.bits;                                                                                                               \
    }                                                                                                                                      \
    DEVICE void give(S *to, two<S> x, int i) {                                                                                             \
        to->bits = (unsigned short)(x.bits >> 16 * i);                                                                                     \
    }
/* into x, which is all zeros, and out of it: element i, or both, which lie side by side */
template <class S> DEVICE void put(two<S> &x, int i, S value) {
    x.at[i] = widen(value);
}
template <class S> DEVICE void take(two<S> &x, const S *from) {
    x.at[0] = widen(from[0]), x.at[1] = widen(from[1]);
}
template <class S> DEVICE void give(S *to, two<S> x) {
    narrow(to, x.at[0]), narrow(to + 1, x.at[1]);
}
template <class S> DEVICE void give(S *to, two<S> x, int i) {
    narrow(to, x.at[i]);
}
PAIRS(float16, "f16x2", 0x3C003C00, 0xBC00BC00, 0x80008000)
PAIRS(bfloat16, "bf16x2", 0x3F803F80, 0xBF80BF80, 0x80008000)

/* ---- 2 COUNT elements side by side, in as few accesses as there can be: they lie at a multiple of their bytes, up to 16 */
template <int BYTES> struct pieces_of {
    uint4 at[BYTES / 16];
};
template <> struct pieces_of<8> {
    uint2 at[1];
};
template <> struct pieces_of<4> {
    u32 at[1];
};
template <int COUNT, class S> DEVICE void spread(two<S> (&to)[COUNT], S one) {
#pragma unroll
    for (int i = 0; i < 2 * COUNT; i++) put(to[i / 2], i % 2, one);
}
/* step 0: one stands for all. */
template <int COUNT, class S> DEVICE void load_wide(two<S> (&to)[COUNT], const S *from, i64 step) {
    typedef pieces_of<2 * COUNT * (int)sizeof(S)> pieces;
    if (step == 0) return spread(to, *from);
    pieces p;
#pragma unroll
    for (int i = 0; i < (int)(sizeof(pieces) / sizeof p.at[0]); i++) p.at[i] = ((const pieces *)from)->at[i];
#pragma unroll
    for (int i = 0; i < COUNT; i++) take(to[i], (const S *)&p + 2 * i);
}
template <int COUNT, class S> DEVICE void store_wide(S *to, const two<S> (&from)[COUNT]) {
    typedef pieces_of<2 * COUNT * (int)sizeof(S)> pieces;
    pieces p;
#pragma unroll
    for (int i = 0; i < COUNT; i++) give((S *)&p + 2 * i, from[i]);
#pragma unroll
    for (int i = 0; i < (int)(sizeof(pieces) / sizeof p.at[0]); i++) ((pieces *)to)->at[i] = p.at[i];
}

/* ---- i / n, and i % n as the index along an axis of n: by a function where either takes more than 32 bits, so that its code is there once */
static __device__ __noinline__ i64 long_quotient(i64 i, i64 n) {
    return i / n;
}
DEVICE i64 take_index(i64 i, i64 n, i64 *index) {
    const bool is_short = ((u64)i | (u64)n) >> 32 == 0;
    const i64 quotient = is_short ? (i64)((u32)i / (u32)n) : long_quotient(i, n);
    *index = i - quotient * n;
    return quotient;
}

/* ---- the pairs of a thread in turn: the first leaves and the others step up; what comes is the last. Where the loop is unrolled, that costs
   nothing; where it is not, no pair is asked for by a number that the compiler does not know. */
template <int COUNT, class S> DEVICE two<S> next(two<S> (&from)[COUNT]) {
    two<S> first = from[0];
#pragma unroll
    for (int i = 1; i < COUNT; i++) from[i - 1] = from[i];
    return first;
}
template <int COUNT, class S> DEVICE void append(two<S> (&to)[COUNT], two<S> last) {
#pragma unroll
    for (int i = 1; i < COUNT; i++) to[i - 1] = to[i];
    to[COUNT - 1] = last;
}
