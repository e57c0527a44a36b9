/* sort and argsort: each element becomes a whole number that has its order, which CUB's radix sort, a stable one, puts in order together with the
   elements' places; then the elements themselves are fetched, so that they keep their bits. */
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include "cuda/device.cuh"

/* ---- order as whole numbers: NaNs last and alike, zeros alike */
DEVICE u32 order_of(float x) {
    u32 bits = __float_as_uint(x + 0.0f);
    if (x != x) return ~0u;
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}
DEVICE u64 order_of(double x) {
    u64 bits = (u64)__double_as_longlong(x + 0.0);
    if (x != x) return ~0ull;
    return bits >> 63 ? ~bits : bits | 1ull << 63;
}
DEVICE u32 order_of(int x) {
    return (u32)x ^ 0x80000000u;
}
DEVICE u64 order_of(i64 x) {
    return (u64)x ^ 1ull << 63;
}
DEVICE u32 order_of(u32 x) {
    return x;
}
DEVICE u64 order_of(u64 x) {
    return x;
}
DEVICE u32 order_of(bool x) {
    return x;
}
DEVICE u64 order_of(cplx x) { /* by real parts, then by imaginary ones; with a NaN in either last */
    if (x.re != x.re || x.im != x.im) return ~0ull;
    return (u64)order_of((float)x.re) << 32 | order_of((float)x.im);
}

template <class S> using order = decltype(order_of(widen(S())));

/* ---- what lies in the workspace: keys and places before and after, and CUB's own */
template <class S> struct sort_room {
    order<S> *keys[2];
    u32 *places[2];
    void *own;
    size_t own_bytes;

    explicit sort_room(const sort_kernel &k) {
        size_t n = (size_t)(k.rows * k.n);
        keys[0] = (order<S> *)k.workspace;
        keys[1] = keys[0] + n;
        places[0] = (u32 *)(keys[1] + n);
        places[1] = places[0] + n;
        own = (void *)(((uintptr_t)(places[1] + n) + 255) / 256 * 256);
        own_bytes = 0;
    }
};

template <class S> __global__ void make_keys(const __grid_constant__ sort_kernel k, order<S> *keys, u32 *places) {
    i64 i = thread_number(), at, row = divide(i, k.n, &at);
    begin();
    if (row >= k.rows) return;
    keys[i] = order_of(widen(((const S *)k.from)[place_of(row, k.ndim, k.shape, k.from_strides) + at * k.from_step]));
    places[i] = (u32)at;
}

template <class S> __global__ void fetch_sorted(const __grid_constant__ sort_kernel k, const u32 *places) {
    i64 i = thread_number(), at, row = divide(i, k.n, &at);
    begin();
    if (row >= k.rows) return;
    i64 to = place_of(row, k.ndim, k.shape, k.to_strides) + at * k.to_step;
    if (k.places)
        ((u32 *)k.to)[to] = places[i];
    else
        ((S *)k.to)[to] = ((const S *)k.from)[place_of(row, k.ndim, k.shape, k.from_strides) + places[i] * k.from_step];
}

/* Where each row begins, counted and not stored. */
struct row_begin {
    i64 n;
    __host__ __device__ __forceinline__ i64 operator()(i64 row) const {
        return row * n;
    }
};
typedef thrust::transform_iterator<row_begin, thrust::counting_iterator<i64>> row_begins;

/* With own == NULL only *bytes is found. */
template <class S> static cudaError_t sort_rows(const sort_kernel *k, const sort_room<S> &r, void *own, size_t *bytes, kernel_stream stream) {
    const int all = 8 * sizeof(order<S>);
    if (k->rows == 1)
        return cub::DeviceRadixSort::SortPairs(own, *bytes, r.keys[0], r.keys[1], r.places[0], r.places[1], k->n, 0, all, stream);
    row_begins begins(thrust::counting_iterator<i64>(0), row_begin{k->n});
    return cub::DeviceSegmentedRadixSort::SortPairs(own, *bytes, r.keys[0], r.keys[1], r.places[0], r.places[1], k->rows * k->n, k->rows, begins,
                                                    begins + 1, 0, all, stream);
}

template <class S> static void sort(const sort_kernel *k, kernel_stream stream) {
    sort_room<S> r(*k);
    size_t bytes = k->own_bytes;
    unsigned blocks = blocks_for(k->rows * k->n, 256);
    start(make_keys<S>, blocks, 256, 0, stream, *k, r.keys[0], r.places[0]);
    sort_rows<S>(k, r, r.own, &bytes, stream);
    start(fetch_sorted<S>, blocks, 256, 0, stream, *k, r.places[1]);
}

template <class S> static int64_t measure(const sort_kernel *k) {
    size_t own = 0;
    sort_rows<S>(k, sort_room<S>(*k), nullptr, &own, 0);
    return (int64_t)own;
}

#define ALL_CASES(...)                                                                                                                     \
    CASE(D_BOOL, truth8, __VA_ARGS__) CASE(D_C64, complex64, __VA_ARGS__) FLOAT_CASES(__VA_ARGS__) INTEGER_CASES(__VA_ARGS__)

int64_t sort_own_bytes(const sort_kernel *k) {
    switch (k->dtype) { ALL_CASES(return measure<type>(k)) }
    return 0;
}

void launch_sort(const sort_kernel *k, kernel_stream stream) {
    switch (k->dtype) { ALL_CASES(sort<type>(k, stream)) }
}
