/* Order as whole numbers: each element becomes an unsigned number of its size that has its place in the order. */
#ifndef CUDA_INDEX_SORT_CUH
#define CUDA_INDEX_SORT_CUH

#include "cuda/device.cuh"

enum element_order { ORDER_UNSIGNED, ORDER_SIGNED, ORDER_FLOAT, ORDER_COMPLEX };

/* How bits become a key, and a key bits again. NaNs are last and alike. alike: so are zeros, which otherwise stand by
 * their signs. */
struct key_maker {
    element_order order;
    u64 infinity;
    bool alike;

    template <class K> DEVICE_MEMBER K floating(K bits, K most) const {
        const K sign = (K)1 << (8 * sizeof(K) - 1);
        if ((K)(bits & ~sign) > most) return (K) ~(K)0;
        if (alike && bits == sign) return sign;
        return bits & sign ? (K)~bits : (K)(bits | sign);
    }
    template <class K> DEVICE_MEMBER K key(K bits) const {
        const K sign = (K)1 << (8 * sizeof(K) - 1);
        if (order == ORDER_UNSIGNED) return bits;
        if (order == ORDER_SIGNED) return bits ^ sign;
        if (order == ORDER_FLOAT) return floating(bits, (K)infinity);
        if constexpr (sizeof(K) == 8) { /* by real parts, then by imaginary ones; with a NaN in either last */
            u32 real = floating((u32)bits, 0x7F800000u), imaginary = floating((u32)(bits >> 32), 0x7F800000u);
            return real == ~0u || imaginary == ~0u ? ~0ull : (u64)real << 32 | imaginary;
        }
        return bits;
    }
    template <class K> DEVICE_MEMBER K bits(K key) const {
        const K sign = (K)1 << (8 * sizeof(K) - 1);
        if (order == ORDER_UNSIGNED) return key;
        if (order == ORDER_SIGNED) return key ^ sign;
        return key & sign ? (K)(key ^ sign) : (K)~key; /* of NaNs, one with every bit set but the sign */
    }
};

static inline key_maker keys_of(const sort_kernel *k) {
    static const u64 infinities[] = {0x7C00, 0x7F80, 0x7F800000, 0x7FF0000000000000};
    bool is_float = k->dtype >= D_F16 && k->dtype <= D_F64;
    element_order order = k->dtype == D_C64                       ? ORDER_COMPLEX
                          : is_float                              ? ORDER_FLOAT
                          : k->dtype >= D_I8 && k->dtype <= D_I64 ? ORDER_SIGNED
                                                                  : ORDER_UNSIGNED;
    return {order, is_float ? infinities[k->dtype - D_F16] : 0, k->places != 0};
}

/* Where element i of a row begins and goes. */
DEVICE i64 sort_from(const sort_kernel &k, i64 row) {
    return place_of(row, k.ndim, k.shape, k.from_strides);
}
DEVICE i64 sort_to(const sort_kernel &k, i64 row) {
    return place_of(row, k.ndim, k.shape, k.to_strides);
}

#define KEY_SIZES(dtype, ...)                                                                                          \
    switch (dtype) {                                                                                                   \
    case D_BOOL:                                                                                                       \
    case D_I8:                                                                                                         \
        CASE(D_U8, unsigned char, __VA_ARGS__)                                                                         \
    case D_I16:                                                                                                        \
    case D_F16:                                                                                                        \
    case D_BF16:                                                                                                       \
        CASE(D_U16, unsigned short, __VA_ARGS__)                                                                       \
    case D_I32:                                                                                                        \
    case D_F32:                                                                                                        \
        CASE(D_U32, u32, __VA_ARGS__)                                                                                  \
    default: {                                                                                                         \
        typedef u64 type;                                                                                              \
        __VA_ARGS__;                                                                                                   \
    }                                                                                                                  \
    }

#endif
