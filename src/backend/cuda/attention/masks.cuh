/* Which keys a query sees, for every attention kernel. The meaning is that of ops/fused/attention.c. */
#ifndef CUDA_ATTENTION_MASKS_CUH
#define CUDA_ATTENTION_MASKS_CUH

#include "cuda/device.cuh"

template <class T> struct query {
    i64 batch, head, row, count, position; /* keys that exist; where the query stands among them */
    T lowest;
};

template <class T> DEVICE query<T> query_at(const attention_kernel &k, i64 batch, i64 head, i64 row) {
    query<T> q = {batch, head, row};
    q.count = k.length ? integer_at(k.length, batch * k.length_step, k.length_dtype) : k.keys;
    q.position = q.count - k.rows + row;
    q.count = q.count < 0 ? 0 : q.count > k.keys ? k.keys : q.count;
    q.lowest = sizeof(T) == 8 ? (T)-1.7976931348623157e308 : (T)-3.402823466e38f;
    return q;
}

template <class T> DEVICE bool is_hidden(const attention_kernel &k, const query<T> &q, i64 key) {
    return k.causal && (key > q.position || (k.window && key <= q.position - k.window));
}

/* What an additive mask has at an address. */
template <class T> DEVICE T mask_value(const attention_kernel &k, i64 at) {
    switch (k.mask_dtype) {
    case D_F16:
        return widen(((const float16 *)k.mask)[at]);
    case D_BF16:
        return widen(((const bfloat16 *)k.mask)[at]);
    case D_F32:
        return (T)((const float *)k.mask)[at];
    default:
        return (T)((const double *)k.mask)[at];
    }
}

template <class T> DEVICE T mask_score(const attention_kernel &k, const query<T> &q, i64 key, T score) {
    if (is_hidden(k, q, key)) score = q.lowest;
    if (!k.mask) return score;
    i64 at =
        q.batch * k.mask_strides[0] + q.head * k.mask_strides[1] + q.row * k.mask_strides[2] + key * k.mask_strides[3];
    if (k.mask_dtype == D_BOOL) return ((const unsigned char *)k.mask)[at] ? score : q.lowest;
    return score + mask_value<T>(k, at);
}

/* The keys that can count: where nothing but causality hides any, hidden ones have no weight once one is seen. */
template <class T> DEVICE bool sees_own(const attention_kernel &k, const query<T> &q) {
    return k.causal && !k.mask && q.position >= 0 && q.position < q.count;
}
template <class T> DEVICE i64 first_key(const attention_kernel &k, const query<T> &q) {
    return sees_own(k, q) && k.window && q.position - k.window + 1 > 0 ? q.position - k.window + 1 : 0;
}
template <class T> DEVICE i64 last_key(const attention_kernel &k, const query<T> &q) {
    return sees_own(k, q) ? q.position + 1 : q.count;
}

#endif
