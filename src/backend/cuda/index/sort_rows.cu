/* sort and argsort of rows that a block holds: keys, of argsort with their places, in registers, by CUB's radix sort of
 * a block. */
#include <cub/block/block_radix_sort.cuh>

#include "cuda/index/sort.cuh"

template <bool PLACES> struct pair_of_key { typedef unsigned short type; };
template <> struct pair_of_key<false> { typedef cub::NullType type; };

template <class K, int THREADS, int EACH, bool PLACES>
__global__ void __launch_bounds__(THREADS) sort_held(const __grid_constant__ sort_kernel k, const key_maker maker) {
    typedef cub::BlockRadixSort<K, THREADS, EACH, typename pair_of_key<PLACES>::type> sorter;
    __shared__ typename sorter::TempStorage room;
    K keys[EACH];
    unsigned short places[EACH];
    begin();
    const K *from = (const K *)k.from + sort_from(k, blockIdx.x);
    const i64 to = sort_to(k, blockIdx.x);
#pragma unroll
    for (int j = 0; j < EACH; j++) { /* which thread has what matters to places alone, whose order is kept */
        int at = PLACES ? threadIdx.x * EACH + j : j * THREADS + threadIdx.x;
        keys[j] = at < k.n ? maker.key(from[at * k.from_step]) : (K) ~(K)0;
        places[j] = (unsigned short)at;
    }
    if constexpr (PLACES)
        sorter(room).SortBlockedToStriped(keys, places);
    else
        sorter(room).SortBlockedToStriped(keys);
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        int at = j * THREADS + threadIdx.x;
        if (at >= k.n) continue;
        if constexpr (!PLACES)
            ((K *)k.to)[to + at * k.to_step] = maker.bits(keys[j]);
        else if (k.fetched)
            ((K *)k.to)[to + at * k.to_step] = from[places[j] * k.from_step];
        else
            ((u32 *)k.to)[to + at * k.to_step] = places[j];
    }
}

template <class K, bool PLACES> static void sort(const sort_kernel *k, kernel_stream stream) {
    key_maker maker = keys_of(k);
    if (k->n <= 256)
        start(sort_held<K, 64, 4, PLACES>, (unsigned)k->rows, 64, 0, stream, *k, maker);
    else if (k->n <= 1024)
        start(sort_held<K, 128, 8, PLACES>, (unsigned)k->rows, 128, 0, stream, *k, maker);
    else
        start(sort_held<K, 256, SORT_HELD / 256, PLACES>, (unsigned)k->rows, 256, 0, stream, *k, maker);
}

void launch_sort_rows(const sort_kernel *k, kernel_stream stream) {
    KEY_SIZES(k->dtype, return k->places ? sort<type, true>(k, stream) : sort<type, false>(k, stream))
}
