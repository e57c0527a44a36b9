/* searchsorted, a thread for each value; to_fp8 and from_fp8, a thread for each number. */
#include "cuda/quant/float8.cuh"

/* As things are sorted: NaN is the largest. */
template <class T> DEVICE bool is_less(T a, T b) {
    return a < b || (b != b && a == a);
}
DEVICE bool is_less(cplx a, cplx b) {
    bool a_nan = language::operator!=(a, a), b_nan = language::operator!=(b, b);
    return a_nan || b_nan ? !a_nan : language::lt(a, b);
}

template <class S> __global__ void search_sorted(const __grid_constant__ search_kernel k) {
    i64 i = thread_number(), left = i, row = 0, at = 0, to = 0, index;
    begin();
    if (i >= k.n) return;
    for (int d = k.ndim - 1; d >= 0; d--) {
        left = divide(left, k.shape[d], &index);
        row += index * k.row_strides[d];
        at += index * k.value_strides[d];
        to += index * k.to_strides[d];
    }
    const S *sorted = (const S *)k.sorted + row;
    auto value = widen(((const S *)k.values)[at]);
    i64 low = 0, high = k.length;
    while (low < high) {
        i64 middle = low + (high - low) / 2;
        auto found = widen(sorted[middle * k.step]);
        if (k.right ? !is_less(value, found) : is_less(found, value))
            low = middle + 1;
        else
            high = middle;
    }
    k.to[to] = (u32)low;
}

void launch_search(const search_kernel *k, kernel_stream stream) {
    unsigned blocks = blocks_for(k->n, 256);
    DTYPES(k->dtype, start(search_sorted<type>, blocks, 256, 0, stream, *k))
}

/* ---- E4M3 */
template <class S> __global__ void make_float8(const __grid_constant__ float8_kernel k) {
    i64 i = thread_number();
    begin();
    if (i >= k.n) return;
    const S *x = (const S *)k.from + i;
    unsigned char sign =
        ((const unsigned char *)(x + 1))[-1] & 128; /* that of a NaN is lost on the way to another dtype */
    ((unsigned char *)k.to)[i] = float8_of((double)widen(*x), sign);
}

template <class S> __global__ void read_float8(const __grid_constant__ float8_kernel k) {
    i64 i = thread_number();
    begin();
    if (i < k.n) narrow((S *)k.to + i, number_of(((const unsigned char *)k.from)[i]));
}

void launch_to_float8(const float8_kernel *k, kernel_stream stream) {
    FLOATS(k->dtype, start(make_float8<type>, blocks_for(k->n, 256), 256, 0, stream, *k))
}
void launch_from_float8(const float8_kernel *k, kernel_stream stream) {
    FLOATS(k->dtype, start(read_float8<type>, blocks_for(k->n, 256), 256, 0, stream, *k))
}
