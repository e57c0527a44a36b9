/* sort and argsort of long rows: CUB's radix sort, a stable one, puts keys in order, of argsort together with their
 * places. */
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include "cuda/index/sort.cuh"

/* ---- what lies in the workspace: keys and, of argsort, places before and after, and CUB's own */
template <class K> struct sort_room {
    K *keys[2];
    u32 *places[2];
    void *own;

    explicit sort_room(const sort_kernel &k) {
        size_t n = (size_t)(k.rows * k.n), wide = (n + 3) / 4 * 4;
        places[0] = (u32 *)k.workspace;
        places[1] = places[0] + (k.places ? n : 0);
        keys[0] = (K *)(((uintptr_t)(places[1] + (k.places ? n : 0)) + 7) / 8 * 8);
        keys[1] = keys[0] + wide;
        own = (void *)(((uintptr_t)(keys[1] + wide) + 255) / 256 * 256);
    }
};

template <class K>
__global__ void make_keys(const __grid_constant__ sort_kernel k, key_maker maker, K *keys, u32 *places) {
    i64 i = thread_number(), at, row = divide(i, k.n, &at);
    begin();
    if (row >= k.rows) return;
    keys[i] = maker.key(((const K *)k.from)[sort_from(k, row) + at * k.from_step]);
    if (k.places) places[i] = (u32)at;
}

template <class K>
__global__ void write_sorted(const __grid_constant__ sort_kernel k, key_maker maker, const K *keys, const u32 *places) {
    i64 i = thread_number(), at, row = divide(i, k.n, &at);
    begin();
    if (row >= k.rows) return;
    i64 to = sort_to(k, row) + at * k.to_step;
    if (!k.places)
        ((K *)k.to)[to] = maker.bits(keys[i]);
    else if (k.fetched) /* the elements themselves, as their keys do not tell all of them */
        ((K *)k.to)[to] = ((const K *)k.from)[sort_from(k, row) + places[i] * k.from_step];
    else
        ((u32 *)k.to)[to] = places[i];
}

/* Where each row begins, counted and not stored. */
struct row_begin {
    i64 n;
    __host__ __device__ __forceinline__ i64 operator()(i64 row) const { return row * n; }
};
typedef thrust::transform_iterator<row_begin, thrust::counting_iterator<i64>> row_begins;

/* ---- with own == NULL only *bytes is found */
template <class K>
static cudaError_t sort_row(const sort_kernel *k, const sort_room<K> &r, i64 row, void *own, size_t *bytes,
                            kernel_stream stream) {
    const int all = 8 * sizeof(K);
    i64 at = row * k->n;
    if (!k->places)
        return cub::DeviceRadixSort::SortKeys(own, *bytes, r.keys[0] + at, r.keys[1] + at, k->n, 0, all, stream);
    return cub::DeviceRadixSort::SortPairs(own, *bytes, r.keys[0] + at, r.keys[1] + at, r.places[0] + at,
                                           r.places[1] + at, k->n, 0, all, stream);
}

template <class K>
static cudaError_t sort_many(const sort_kernel *k, const sort_room<K> &r, void *own, size_t *bytes,
                             kernel_stream stream) {
    const int all = 8 * sizeof(K);
    row_begins begins(thrust::counting_iterator<i64>(0), row_begin{k->n});
    if (!k->places)
        return cub::DeviceSegmentedRadixSort::SortKeys(own, *bytes, r.keys[0], r.keys[1], k->rows * k->n, k->rows,
                                                       begins, begins + 1, 0, all, stream);
    return cub::DeviceSegmentedRadixSort::SortPairs(own, *bytes, r.keys[0], r.keys[1], r.places[0], r.places[1],
                                                    k->rows * k->n, k->rows, begins, begins + 1, 0, all, stream);
}

/* Few long rows one after the other, so that the whole device sorts each. */
static bool goes_row_by_row(const sort_kernel *k) {
    return k->rows == 1 || (k->rows <= 64 && k->n >= 65536);
}

template <class K> static void sort(const sort_kernel *k, kernel_stream stream) {
    sort_room<K> r(*k);
    size_t bytes = (size_t)k->own_bytes;
    unsigned blocks = blocks_for(k->rows * k->n, 256);
    key_maker maker = keys_of(k);
    start(make_keys<K>, blocks, 256, 0, stream, *k, maker, r.keys[0], r.places[0]);
    if (!goes_row_by_row(k)) sort_many<K>(k, r, r.own, &bytes, stream);
    for (i64 row = 0; goes_row_by_row(k) && row < k->rows; row++) sort_row<K>(k, r, row, r.own, &bytes, stream);
    start(write_sorted<K>, blocks, 256, 0, stream, *k, maker, r.keys[1], r.places[1]);
}

template <class K> static int64_t measure(const sort_kernel *k) {
    size_t own = 0;
    sort_room<K> r(*k);
    goes_row_by_row(k) ? sort_row<K>(k, r, 0, nullptr, &own, 0) : sort_many<K>(k, r, nullptr, &own, 0);
    return (int64_t)own;
}

int64_t sort_own_bytes(const sort_kernel *k) {
    KEY_SIZES(k->dtype, return measure<type>(k))
    return 0;
}

void launch_sort(const sort_kernel *k, kernel_stream stream) {
    KEY_SIZES(k->dtype, return sort<type>(k, stream))
}
