/* Affine packed weights: unpacked, or multiplied by few rows of x, a warp for each row of the weight. */
#include "cuda/quant/packed.cuh"

/* stepwise: scale * level is rounded to the dtype of the scales, as dequantize promises. */
template <class S> __global__ void unpack(const __grid_constant__ affine_kernel k) {
    i64 i = thread_number(), column, row = divide(i, k.k, &column);
    begin();
    if (row >= k.rows) return;
    i64 group = row * (k.k / k.group) + column / k.group;
    float q = (float)level_at(k.words + row * (k.k / 32 * k.bits), column, k.bits);
    float scaled = __fmul_rn(float_at(k.scales, group, k.scale_dtype), q);
    if (k.stepwise && k.scale_dtype == D_F16) scaled = to_float16(scaled);
    if (k.stepwise && k.scale_dtype == D_BF16) scaled = to_bfloat16(scaled);
    narrow((S *)k.to + i, __fadd_rn(scaled, float_at(k.biases, group, k.scale_dtype)));
}

/* Widths that divide a word: a thread takes WORDS of them, a block apart and all on their way at once; those of a word
 * are of one group. */
enum { WORDS = 4 };

template <class S, int BITS> DEVICE void unpack_word(const affine_kernel &k, i64 i, u32 word, float scale, float bias) {
    constexpr int COUNT = 32 / BITS, BYTES = COUNT * (int)sizeof(S);
    __align__(16) S numbers[COUNT];
#pragma unroll
    for (int j = 0; j < COUNT; j++) {
        float scaled = __fmul_rn(scale, (float)(word >> j * BITS & ((1u << BITS) - 1)));
        if (k.stepwise && k.scale_dtype == D_F16) scaled = to_float16(scaled);
        if (k.stepwise && k.scale_dtype == D_BF16) scaled = to_bfloat16(scaled);
        narrow(numbers + j, __fadd_rn(scaled, bias));
    }
    if constexpr (BYTES % 16 == 0) {
#pragma unroll
        for (int j = 0; j < BYTES / 16; j++) ((uint4 *)k.to)[i * (BYTES / 16) + j] = ((const uint4 *)numbers)[j];
    } else {
        ((uint2 *)k.to)[i] = *(const uint2 *)numbers;
    }
}

template <class S, int BITS>
__global__ void __launch_bounds__(256) unpack_words(const __grid_constant__ affine_kernel k) {
    constexpr int COUNT = 32 / BITS;
    const i64 words = k.rows * (k.k / COUNT), first = blockIdx.x * (i64)(256 * WORDS) + threadIdx.x;
    const int group_words = (int)(k.group / COUNT); /* of which a row has a whole number */
    u32 word[WORDS];
    float scale[WORDS], bias[WORDS];
    begin();
#pragma unroll
    for (int j = 0; j < WORDS; j++) {
        i64 i = first + j * 256, rest, group = i < words ? divide(i, group_words, &rest) : 0;
        word[j] = i < words ? k.words[i] : 0;
        scale[j] = float_at(k.scales, group, k.scale_dtype);
        bias[j] = float_at(k.biases, group, k.scale_dtype);
    }
#pragma unroll
    for (int j = 0; j < WORDS; j++)
        if (first + j * 256 < words) unpack_word<S, BITS>(k, first + j * 256, word[j], scale[j], bias[j]);
}

template <class S> static void unpack_all(const affine_kernel *k, kernel_stream stream) {
    i64 n = k->rows * k->k;
    unsigned blocks = blocks_for(n * k->bits / 32, 256 * WORDS);
    if (k->bits == 2 && lie_at_16(k->to))
        start(unpack_words<S, 2>, blocks, 256, 0, stream, *k);
    else if (k->bits == 4 && lie_at_16(k->to))
        start(unpack_words<S, 4>, blocks, 256, 0, stream, *k);
    else if (k->bits == 8 && lie_at_16(k->to))
        start(unpack_words<S, 8>, blocks, 256, 0, stream, *k);
    else
        start(unpack<S>, blocks_for(n, 256), 256, 0, stream, *k);
}

void launch_dequantize(const affine_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, unpack_all<type>(k, stream))
        CASE(D_BF16, bfloat16, unpack_all<type>(k, stream))
        CASE(D_F32, float, unpack_all<type>(k, stream))
    }
}

/* ---- rows that indices choose: a thread for each word of what is made */
template <class S, int BITS>
__global__ void __launch_bounds__(256) unpack_picked(const __grid_constant__ picked_affine_kernel k) {
    constexpr int COUNT = 32 / BITS;
    const affine_kernel &to = k.rows;
    const i64 words = to.k / COUNT, group_words = to.group / COUNT, i = thread_number();
    i64 at, rest;
    const i64 row = divide(i, words, &at), group = divide(at, group_words, &rest);
    begin();
    if (row >= to.rows) return;
    i64 index = integer_at(k.indices, row, k.index_dtype);
    if (index < 0) index += k.count;
    const bool inside = index >= 0 && index < k.count;
    const i64 groups = to.k / to.group;
    const u32 word = inside ? k.words[index * words + at] : 0;
    const S scale = inside ? ((const S *)k.scales)[index * groups + group] : S(),
            bias = inside ? ((const S *)k.biases)[index * groups + group] : S();
    ((u32 *)to.words)[i] = word;
    if (rest == 0) ((S *)to.scales)[row * groups + group] = scale, ((S *)to.biases)[row * groups + group] = bias;
    unpack_word<S, BITS>(to, i, word, widen(scale), widen(bias));
}

template <class S> static void unpack_all_picked(const picked_affine_kernel *k, kernel_stream stream) {
    const unsigned blocks = blocks_for(k->rows.rows * k->rows.k * k->rows.bits / 32, 256);
    start(k->rows.bits == 2   ? unpack_picked<S, 2>
          : k->rows.bits == 4 ? unpack_picked<S, 4>
                              : unpack_picked<S, 8>,
          blocks, 256, 0, stream, *k);
}

void launch_dequantize_picked(const picked_affine_kernel *k, kernel_stream stream) {
    switch (k->rows.dtype) {
        CASE(D_F16, float16, unpack_all_picked<type>(k, stream))
        CASE(D_BF16, bfloat16, unpack_all_picked<type>(k, stream))
        CASE(D_F32, float, unpack_all_picked<type>(k, stream))
    }
}

/* ---- one row of x a block row. x lies in shared memory as the lanes read it: number i of all pieces of 32 side by
   side. A warp takes a row of the weight after the other, a lane a piece of `BITS` words. */
enum { WARPS = 8 };

template <class S> DEVICE void spread_x(float *to, const S *x, i64 k, i64 pieces) {
    for (i64 i = threadIdx.x; i < k; i += 32 * WARPS) to[i % 32 * pieces + i / 32] = widen(x[i]);
    __syncthreads();
}

template <int BITS>
DEVICE float piece_dot(const affine_kernel &k, const u32 *words, const float *x, i64 pieces, i64 group) {
    u32 w[BITS + 1];
#pragma unroll
    for (int i = 0; i < BITS; i++) w[i] = words[i];
    w[BITS] = 0;
    float products = 0, all = 0;
#pragma unroll
    for (int i = 0; i < 32; i++) {
        float xi = x[i * pieces];
        u32 q = __funnelshift_r(w[i * BITS / 32], w[i * BITS / 32 + 1], i * BITS % 32) & ((1u << BITS) - 1);
        products += (float)q * xi;
        all += xi;
    }
    return float_at(k.scales, group, k.scale_dtype) * products + float_at(k.biases, group, k.scale_dtype) * all;
}

template <class S, int BITS>
__global__ void __launch_bounds__(32 * WARPS) matvec(const __grid_constant__ affine_kernel k) {
    extern __shared__ float x[];
    i64 pieces = k.k / 32, padded = pieces | 1;
    spread_x(x, (const S *)k.x + blockIdx.y * k.k, k.k, padded);
    for (i64 row = blockIdx.x * (i64)WARPS + threadIdx.x / 32; row < k.rows; row += gridDim.x * (i64)WARPS) {
        const u32 *words = k.words + row * (pieces * BITS);
        i64 groups = row * (k.k / k.group);
        float sum = 0;
        for (i64 piece = threadIdx.x % 32; piece < pieces; piece += 32)
            sum += piece_dot<BITS>(k, words + piece * BITS, x + piece, padded, groups + piece * 32 / k.group);
        for (int step = 16; step; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
        if (threadIdx.x % 32 == 0) narrow((S *)k.to + blockIdx.y * k.rows + row, sum);
    }
}

template <class S, int BITS> static void launch_bits(const affine_kernel *k, kernel_stream stream) {
    unsigned bytes = (unsigned)(32 * (k->k / 32 | 1) * sizeof(float)), blocks = blocks_for(k->rows, WARPS);
    cudaFuncSetAttribute(matvec<S, BITS>, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
    matvec<S, BITS><<<dim3(blocks < 528 ? blocks : 528, (unsigned)k->m), 32 * WARPS, bytes, stream>>>(*k);
}

template <class S> static void launch(const affine_kernel *k, kernel_stream stream) {
    switch (k->bits) {
    case 2:
        launch_bits<S, 2>(k, stream);
        break;
    case 3:
        launch_bits<S, 3>(k, stream);
        break;
    case 4:
        launch_bits<S, 4>(k, stream);
        break;
    case 5:
        launch_bits<S, 5>(k, stream);
        break;
    case 6:
        launch_bits<S, 6>(k, stream);
        break;
    default:
        launch_bits<S, 8>(k, stream);
    }
}

void launch_affine_matvec(const affine_kernel *k, kernel_stream stream) {
    switch (k->dtype) {
        CASE(D_F16, float16, launch<type>(k, stream))
        CASE(D_BF16, bfloat16, launch<type>(k, stream))
        CASE(D_F32, float, launch<type>(k, stream))
    }
}
