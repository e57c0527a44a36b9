/* Scans along an axis whose neighbours lie further apart than those of another one: a block takes 32 neighbouring rows
   of the kernel's, a lane each, and WARPS * EACH elements of them at a time. Of few rows, each part of the axis gets a
   block, behind a kernel that folds the parts. */
#include "cuda/index/scan.cuh"

enum { WARPS = 16, THREADS = 32 * WARPS, EACH = 16 };

template <class From, class To, bool FOLDS, int KIND>
__global__ void __launch_bounds__(THREADS) scan_columns(const __grid_constant__ scan_kernel k) {
    typedef typename running<To>::type T;
    __shared__ __align__(16) char space[THREADS * sizeof(T)];
    T(*room)[32] = (T(*)[32])space;
    const fold_kind fold = known_fold<KIND>(k.kind);
    const T identity = identity_of<T, To>(fold.kind);
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    const i64 last = k.shape[k.ndim - 1], across = (last + 31) / 32;
    i64 column, part, others = divide(divide(blockIdx.x, k.parts, &part), across, &column);
    const bool exists = column * 32 + lane < last;
    const i64 row = others * last + (exists ? column * 32 + lane : last - 1),
              end = part * k.part + k.part < k.n ? part * k.part + k.part : k.n;
    begin();
    const From *from = (const From *)k.from + place_of(row, k.ndim, k.shape, k.from_strides);
    To *to = (To *)k.to + place_of(row, k.ndim, k.shape, k.to_strides);
    T carried = identity;
    if (!FOLDS)
        for (i64 p = 0; p < part; p++) carried = fold(carried, ((const T *)k.partial)[p * k.rows + row]);
    From ahead[EACH];
    i64 first = part * k.part + warp * EACH;
#pragma unroll
    for (int j = 0; j < EACH; j++)
        if (first + j < end) ahead[j] = from[scan_place(k, first + j) * k.from_step];
    for (i64 tile = part * k.part; tile < end; tile += WARPS * EACH, first += WARPS * EACH) {
        T at[EACH], own = identity;
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            i64 next = first + j + WARPS * EACH;
            at[j] = first + j < end ? (T)widen(ahead[j]) : identity;
            if (next < end) ahead[j] = from[scan_place(k, next) * k.from_step];
        }
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            T next = fold(own, at[j]);
            at[j] = k.exclusive ? own : next;
            own = next;
        }
        room[warp][lane] = own;
        __syncthreads();
        T before = carried;
        for (int w = 0; w < WARPS; w++) {
            if (w == warp) before = carried;
            carried = fold(carried, room[w][lane]);
        }
        __syncthreads();
#pragma unroll
        for (int j = 0; j < EACH; j++)
            if (!FOLDS && exists && first + j < end)
                narrow(to + scan_place(k, first + j) * k.to_step, fold(before, at[j]));
    }
    if (FOLDS && exists && warp == 0) ((T *)k.partial)[part * k.rows + row] = carried;
}

template <class From, class To, int KIND> static void scan_kind(const scan_kernel *k, kernel_stream stream) {
    i64 last = k->shape[k->ndim - 1];
    unsigned blocks = (unsigned)(k->rows / last * ((last + 31) / 32) * k->parts);
    if (k->parts > 1) start(scan_columns<From, To, true, KIND>, blocks, THREADS, 0, stream, *k);
    start(scan_columns<From, To, false, KIND>, blocks, THREADS, 0, stream, *k);
}

/* Sums have kernels of their own. */
template <class From, class To> static void scan(const scan_kernel *k, kernel_stream stream) {
    k->kind == SUM ? scan_kind<From, To, SUM>(k, stream) : scan_kind<From, To, -1>(k, stream);
}

void launch_scan_columns(const scan_kernel *k, kernel_stream stream) {
    DTYPES(k->dtype, scan<type, scanned<type>>(k, stream))
}
