/* Places that depend on values: nonzero and checked_indices. */
#include "cuda/device.cuh"

/* ---- checked_indices: a thread for each */
template <class S> __global__ void check_indices(const __grid_constant__ check_kernel k) {
    i64 i = thread_number();
    begin();
    if (i >= k.n) return;
    i64 at = place_of(i, k.ndim, k.shape, k.strides), index = integer_at(k.from, at, k.dtype);
    ((S *)k.to)[i] = ((const S *)k.from)[at];
    if (index < -k.size || index >= k.size) atomicMin((unsigned long long *)k.status, (unsigned long long)i);
}

__global__ void name_index(const __grid_constant__ check_kernel k) {
    begin();
    if (k.status[0] != ~0ull)
        k.status[1] = (u64)integer_at(k.from, place_of((i64)k.status[0], k.ndim, k.shape, k.strides), k.dtype);
}

void launch_check(const check_kernel *k, kernel_stream stream) {
    switch (k->dtype) { INTEGER_CASES(start(check_indices<type>, blocks_for(k->n, 256), 256, 0, stream, *k)) }
    start(name_index, 1, 1, 0, stream, *k);
}

/* ---- nonzero: parts of a row are counted, the counts become how many there are before each, then places are written
 */
enum { THREADS = 256, EACH = NONZERO_PART / THREADS };

DEVICE bool is_true(const nonzero_kernel &k, i64 row, i64 i) {
    return i < k.n &&
           k.from[place_of(row, k.row_ndim, k.row_shape, k.row_strides) + place_of(i, k.ndim, k.shape, k.strides)];
}

__global__ void __launch_bounds__(THREADS) count_true(const __grid_constant__ nonzero_kernel k) {
    i64 part, row = divide(blockIdx.x, k.parts, &part);
    u32 count = 0;
    begin();
    for (int round = 0; round < EACH; round++)
        count += __syncthreads_count(is_true(k, row, part * NONZERO_PART + round * THREADS + threadIdx.x));
    if (threadIdx.x == 0) k.counts[row * (k.parts + 1) + part] = count;
}

/* One block a row; the count behind the last part is the row's. */
__global__ void __launch_bounds__(1024) add_counts(const __grid_constant__ nonzero_kernel k) {
    __shared__ u32 room[32];
    u32 *counts = k.counts + blockIdx.x * (k.parts + 1), carried = 0;
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    begin();
    for (i64 first = 0; first < k.parts; first += 1024) {
        u32 own = first + threadIdx.x < k.parts ? counts[first + threadIdx.x] : 0, sum = own, before = carried;
        for (int step = 1; step < 32; step *= 2) {
            u32 other = __shfl_up_sync(~0u, sum, step);
            if (lane >= step) sum += other;
        }
        __syncthreads();
        if (lane == 31) room[warp] = sum;
        __syncthreads();
        for (int w = 0; w < 32; w++) {
            if (w < warp) before += room[w];
            carried += room[w];
        }
        if (first + threadIdx.x < k.parts) counts[first + threadIdx.x] = before + sum - own;
    }
    if (threadIdx.x > 0) return;
    counts[k.parts] = carried;
    if (k.found && carried > k.size &&
        atomicMin((unsigned long long *)k.found, (unsigned long long)blockIdx.x) > blockIdx.x)
        k.found[1] = carried;
}

DEVICE void write_place(const nonzero_kernel &k, i64 row, i64 at, i64 i) {
    i64 index;
    for (int d = k.ndim - 1; d >= 0; d--) {
        i = divide(i, k.shape[d], &index);
        if (k.to[d]) k.to[d][row * k.size + at] = index;
    }
}

__global__ void __launch_bounds__(THREADS) write_places(const __grid_constant__ nonzero_kernel k) {
    __shared__ u32 room[THREADS / 32];
    i64 part, row = divide(blockIdx.x, k.parts, &part);
    begin();
    i64 before = k.counts[row * (k.parts + 1) + part];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int round = 0; round < EACH; round++) {
        i64 i = part * NONZERO_PART + round * THREADS + threadIdx.x;
        bool own = is_true(k, row, i);
        u32 mine = __ballot_sync(~0u, own), all = 0, at = __popc(mine & ((1u << lane) - 1));
        __syncthreads();
        if (lane == 0) room[warp] = __popc(mine);
        __syncthreads();
        for (int w = 0; w < THREADS / 32; w++) {
            if (w < warp) at += room[w];
            all += room[w];
        }
        if (own && before + at < k.size) write_place(k, row, before + at, i);
        before += all;
    }
}

__global__ void fill_places(const __grid_constant__ nonzero_kernel k) {
    i64 at, row = divide(thread_number(), k.size, &at);
    begin();
    if (row >= k.rows || (k.parts && at < k.counts[row * (k.parts + 1) + k.parts])) return;
    for (int d = 0; d < k.ndim; d++)
        if (k.to[d]) k.to[d][row * k.size + at] = k.fill;
}

void launch_nonzero(const nonzero_kernel *k, kernel_stream stream) {
    if (k->parts) {
        start(count_true, (unsigned)(k->rows * k->parts), THREADS, 0, stream, *k);
        start(add_counts, (unsigned)k->rows, 1024, 0, stream, *k);
        start(write_places, (unsigned)(k->rows * k->parts), THREADS, 0, stream, *k);
    }
    if (k->rows * k->size > 0) start(fill_places, blocks_for(k->rows * k->size, 256), 256, 0, stream, *k);
}
