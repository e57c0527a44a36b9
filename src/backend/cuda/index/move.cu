/* Elements moved as they are: layouts, blocks that begin where an array says, values that are counted up, random bits.
 */
#include "cuda/device.cuh"

template <class S> DEVICE void copy_element(const copy_kernel &k) {
    i64 i = thread_number();
    if (i >= k.n) return;
    i64 to = 0, from = 0, left = i, index;
    for (int d = k.ndim - 1; d >= 0; d--) {
        left = divide(left, k.shape[d], &index);
        to += index * k.to_strides[d];
        from += index * k.from_strides[d];
    }
    ((S *)k.to)[to] = ((const S *)k.from)[from];
}

template <class S> __global__ void copy_elements(const __grid_constant__ copy_kernel k) {
    begin();
    copy_element<S>(k);
}

void launch_copy(const copy_kernel *k, kernel_stream stream){
    PIECE_SIZES(k->bytes, start(copy_elements<type>, blocks_for(k->n, 256), 256, 0, stream, *k))}

/* A row of blocks for each. */
struct copy_list {
    copy_kernel copies[KERNEL_MOST_COPIES];
};
__global__ void copy_all(const __grid_constant__ copy_list list) {
    const copy_kernel &k = list.copies[blockIdx.y];
    begin();
    PIECE_SIZES(k.bytes, copy_element<type>(k))
}

void launch_copies(const copy_kernel *k, int count, kernel_stream stream) {
    copy_list list;
    i64 most = 0;
    for (int i = 0; i < count; i++) {
        list.copies[i] = k[i];
        most = k[i].n > most ? k[i].n : most;
    }
    start(copy_all, dim3(blocks_for(most, 256), (unsigned)count), 256, 0, stream, list);
}

/* ---- slice_update and slice_array */
DEVICE i64 block_begin(const block_kernel &k, i64 starts) {
    i64 at = 0;
    for (int i = 0; i < k.axes; i++) {
        int axis = k.axis[i];
        i64 start = integer_at(k.starts, starts + i * k.start_strides[k.leading], k.start_dtype);
        i64 span = k.shape[axis] > 0 ? (k.shape[axis] - 1) * k.step[axis] + 1 : 0, most = k.many_shape[axis] - span;
        start = start > most ? most : start;
        at += (start < 0 ? 0 : start) * k.many_strides[axis];
    }
    return at;
}

template <class S> __global__ void copy_block(const __grid_constant__ block_kernel k) {
    begin();
    i64 i = thread_number();
    if (i >= k.n) return;
    i64 many = 0, block = 0, starts = 0, left = i, index;
    for (int d = k.ndim - 1; d >= 0; d--) {
        left = divide(left, k.shape[d], &index);
        many += index * k.many_strides[d] * k.step[d];
        block += index * k.block_strides[d];
        if (d < k.leading) starts += index * k.start_strides[d];
    }
    many += block_begin(k, starts);
    if (k.reading)
        ((S *)k.block)[block] = ((const S *)k.many)[many];
    else
        ((S *)k.many)[many] = ((const S *)k.block)[block];
}

void launch_block(const block_kernel *k, kernel_stream stream) {
    PIECE_SIZES(k->bytes, start(copy_block<type>, blocks_for(k->n, 256), 256, 0, stream, *k))
}

/* ---- arange */
template <class S> __global__ void count_up(const __grid_constant__ arange_kernel k) {
    begin();
    i64 i = thread_number();
    if (i < k.n) narrow((S *)k.to + i, k.start + i * k.step);
}
template <class S> __global__ void count_up_whole(const __grid_constant__ arange_kernel k) {
    begin();
    i64 i = thread_number();
    if (i < k.n) ((S *)k.to)[i] = (S)(k.first + i * k.whole_step);
}

void launch_arange(const arange_kernel *k, kernel_stream stream) {
    unsigned blocks = blocks_for(k->n, 256);
    switch (k->dtype) {
        FLOAT_CASES(start(count_up<type>, blocks, 256, 0, stream, *k))
        CASE(D_C64, complex64, start(count_up<type>, blocks, 256, 0, stream, *k))
        INTEGER_CASES(start(count_up_whole<type>, blocks, 256, 0, stream, *k))
    }
}

/* ---- random bits: threefry2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, 2011); counters in pairs (i, i + half) */
DEVICE void threefry(u32 key0, u32 key1, u32 *a, u32 *b) {
    const int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    const u32 keys[3] = {key0, key1, key0 ^ key1 ^ 0x1BD11BDA};
    *a += keys[0];
    *b += keys[1];
#pragma unroll
    for (u32 i = 0; i < 5; i++) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            *a += *b;
            *b = __funnelshift_l(*b, *b, rotations[i % 2][j]) ^ *a;
        }
        *a += keys[(i + 1) % 3];
        *b += keys[(i + 2) % 3] + i + 1;
    }
}

DEVICE void put_word(char *to, i64 bytes, i64 index, u32 word) {
    for (int i = 0; i < 4 && 4 * index + i < bytes; i++) to[4 * index + i] = (char)(word >> 8 * i);
}

__global__ void random_words(const __grid_constant__ random_kernel k) {
    begin();
    i64 words = (k.bytes + 3) / 4, half = words / 2, odd = words % 2, pairs = half + odd, i;
    i64 number = divide(thread_number(), pairs, &i);
    if (number >= k.count) return;
    const u32 *key = k.keys + place_of(number, k.ndim, k.shape, k.strides);
    char *to = k.to + number * k.bytes;
    u32 a = (u32)i, b = i < half ? (u32)(i + pairs) : 0;
    threefry(key[0], key[k.word_step], &a, &b);
    put_word(to, k.bytes, i, a);
    if (i < half) put_word(to, k.bytes, i + pairs, b);
}

void launch_random(const random_kernel *k, kernel_stream stream) {
    i64 words = (k->bytes + 3) / 4;
    start(random_words, blocks_for(k->count * (words - words / 2), 256), 256, 0, stream, *k);
}
