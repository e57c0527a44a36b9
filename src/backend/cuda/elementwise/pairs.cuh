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
/* step 0: one stands for all. */
template <int COUNT, class S> DEVICE void load_wide(two<S> (&to)[COUNT], const S *from, i64 step) {
    typedef pieces_of<2 * COUNT * (int)sizeof(S)> pieces;
    if (step == 0) {
        S one = *from;
#pragma unroll
        for (int i = 0; i < 2 * COUNT; i++) put(to[i / 2], i % 2, one);
        return;
    }
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
