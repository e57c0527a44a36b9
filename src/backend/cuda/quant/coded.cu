/* Packed weights of every mode of quant.def: made, unpacked, and multiplied as they lie, a warp for four rows of x and
   a number of each. What is frequent has faster kernels in affine.cu and vector.cu. */
#include "cuda/quant/float8.cuh"
#include "cuda/quant/packed.cuh"

enum { MODE_AFFINE, MODE_MXFP4, MODE_MXFP8, MODE_NVFP4 };

/* ---- reading */
/* As the dtype of a step holds it, where steps are rounded. */
DEVICE float step_of(const coded_kernel &k, float x) {
    return k.step_dtype == D_F16 ? to_float16(x) : k.step_dtype == D_BF16 ? to_bfloat16(x) : x;
}

DEVICE float number_at(const coded_kernel &k, i64 row, i64 i) {
    u32 q = level_at(k.words + row * (k.k * k.bits / 32), i, k.bits);
    i64 group = row * (k.k / k.group) + i / k.group;
    if (k.mode == MODE_AFFINE)
        return __fadd_rn(step_of(k, __fmul_rn(float_at(k.scales, group, k.scale_dtype), (float)q)),
                         float_at(k.biases, group, k.scale_dtype));
    unsigned char code = ((const unsigned char *)k.scales)[group];
    float scale = k.mode == MODE_NVFP4 ? (float)number_of(code) : (float)::ldexp(1.0, code - 127);
    if (k.global) scale *= *k.global / (448 * 6);
    return step_of(
        k, __fmul_rn(k.mode == MODE_MXFP8 ? (float)number_of((unsigned char)q) : number_of_4(q), step_of(k, scale)));
}

template <class S> __global__ void unpack_coded(const __grid_constant__ coded_kernel k) {
    i64 i = thread_number(), column, row = divide(i, k.k, &column);
    begin();
    if (row < k.rows) narrow((S *)k.to + i, number_at(k, row, column));
}

/* ---- multiplying: out[batch, i, j] = the sum of x[batch, i, :] and the weight's row j, or (not transposed) column j
 */
enum { WARPS = 8, TOGETHER = 4 };

template <class S>
__global__ void __launch_bounds__(32 * WARPS) multiply_coded(const __grid_constant__ coded_kernel k) {
    i64 at = blockIdx.x * (i64)WARPS + threadIdx.x / 32, j, some, each = (k.m + TOGETHER - 1) / TOGETHER;
    i64 batch = divide(divide(at, k.n, &j), each, &some), first = some * TOGETHER;
    begin();
    if (batch >= k.batch) return;
    const S *x = (const S *)k.x + place_of(batch, k.ndim, k.shape, k.x_strides) + first * k.depth;
    i64 row = place_of(batch, k.ndim, k.shape, k.row_strides);
    float sums[TOGETHER] = {0};
    for (i64 l = threadIdx.x % 32; l < k.depth; l += 32) {
        float w = k.transposed ? number_at(k, row + j, l) : number_at(k, row + l, j);
        for (int i = 0; i < TOGETHER; i++)
            if (first + i < k.m) sums[i] = fmaf(widen(x[i * k.depth + l]), w, sums[i]);
    }
    for (int i = 0; i < TOGETHER && first + i < k.m; i++) {
        for (int step = 16; step; step /= 2) sums[i] += from_lane(sums[i], step);
        if (threadIdx.x % 32 == 0) narrow((S *)k.to + (batch * k.m + first + i) * k.n + j, sums[i]);
    }
}

/* ---- making: a thread for each group, whose numbers fill whole words */
struct level_words {
    u32 *words;
    u64 gathered = 0;
    int count = 0;

    explicit DEVICE_MEMBER level_words(u32 *to) : words(to) {}
    DEVICE_MEMBER void put(u32 q, int bits) {
        gathered |= (u64)q << count;
        count += bits;
        if (count < 32) return;
        if (words) *words++ = (u32)gathered;
        gathered >>= 32;
        count -= 32;
    }
};

template <class S> DEVICE void put_scale(void *to, i64 i, float x, int dtype) {
    if (!to) return;
    if (dtype == D_F16)
        narrow((float16 *)to + i, x);
    else if (dtype == D_BF16)
        narrow((bfloat16 *)to + i, x);
    else
        ((float *)to)[i] = x;
}

/* The end of the range that is farther from zero becomes a multiple of the scale; two levels are the ends themselves.
 */
template <class S> DEVICE void make_affine(const make_coded_kernel &k, const S *x, i64 group, level_words to) {
    float least = INFINITY, most = -INFINITY, levels = (float)((1 << k.bits) - 1);
    for (int i = 0; i < k.group; i++) {
        float value = (float)widen(x[i]);
        if (value < least) least = value;
        if (value > most) most = value;
    }
    bool negative = fabsf(least) > fabsf(most);
    float edge = negative ? least : most, scale = fmaxf(__fdiv_rn(__fsub_rn(most, least), levels), 1e-7f), bias = least;
    if (k.bits > 1) {
        if (!negative) scale = -scale;
        float q = rintf(__fdiv_rn(edge, scale));
        bias = q != 0 ? edge : 0;
        if (q != 0) scale = __fdiv_rn(edge, q);
    }
    put_scale<S>(k.scales, group, scale, k.scale_dtype);
    put_scale<S>(k.biases, group, bias, k.scale_dtype);
    for (int i = 0; i < k.group; i++) {
        float q = rintf(__fdiv_rn(__fsub_rn((float)widen(x[i]), bias), scale));
        to.put(q > 0 ? (u32)fminf(q, levels) : 0, k.bits);
    }
}

/* Quotients are rounded to the array's dtype. */
template <class S> DEVICE double rounded(double x) {
    S y;
    narrow(&y, x);
    return (double)widen(y);
}

template <class S> DEVICE double largest_of(const S *x, int count) {
    double most = 0;
    for (int i = 0; i < count; i++) most = ::fmax(most, ::fabs((double)widen(x[i]))); /* NaN is none */
    return most;
}

/* The power of two that brings the largest down to at most `top`; of zeros 1. */
DEVICE unsigned char power_for(double ratio) {
    int exponent;
    double mantissa = ::frexp(ratio, &exponent);
    if (ratio == 0) return 127;
    if (isinf(ratio)) return 254;
    int power = 127 + (mantissa == 0.5 ? exponent - 1 : exponent);
    return (unsigned char)(power < 0 ? 0 : power > 254 ? 254 : power);
}

template <class S> DEVICE void make_power(const make_coded_kernel &k, const S *x, i64 group, level_words to) {
    bool wide_codes = k.mode == MODE_MXFP8;
    unsigned char power = power_for(rounded<S>(largest_of(x, (int)k.group) / (wide_codes ? 448 : 6)));
    if (k.scales) ((unsigned char *)k.scales)[group] = power;
    for (int i = 0; i < k.group; i++) {
        double y = rounded<S>((double)widen(x[i]) / ::ldexp(1.0, power - 127));
        to.put(wide_codes ? float8_of(y, signbit(y) ? 128 : 0) : float4_of(y), k.bits);
    }
}

template <class S> DEVICE void make_nvfp4(const make_coded_kernel &k, const S *x, i64 group, level_words to) {
    float factor = k.global ? __fdiv_rn(448 * 6, *k.global) : 1;
    unsigned char code = float8_of((double)__fmul_rn((float)rounded<S>(largest_of(x, (int)k.group) / 6), factor), 0);
    double scale = number_of(code);
    if (k.scales) ((unsigned char *)k.scales)[group] = code;
    for (int i = 0; i < k.group; i++) {
        float y = scale > 0 ? __fmul_rn((float)rounded<S>((double)widen(x[i]) / scale), factor) : 0;
        to.put(scale > 0 ? float4_of((double)y) : 0, k.bits);
    }
}

template <class S> __global__ void make_groups(const __grid_constant__ make_coded_kernel k) {
    i64 group = thread_number();
    begin();
    if (group >= k.groups) return;
    const S *x = (const S *)k.from + group * k.group;
    level_words to(k.words ? k.words + group * (k.group * k.bits / 32) : nullptr);
    if (k.mode == MODE_AFFINE)
        make_affine(k, x, group, to);
    else if (k.mode == MODE_NVFP4)
        make_nvfp4(k, x, group, to);
    else
        make_power(k, x, group, to);
}

/* ---- launching */
#define HALVES_AND_SINGLE(dtype, ...)                                                                                  \
    switch (dtype) {                                                                                                   \
        CASE(D_F16, float16, __VA_ARGS__) CASE(D_BF16, bfloat16, __VA_ARGS__) CASE(D_F32, float, __VA_ARGS__)          \
    }

void launch_unpack_coded(const coded_kernel *k, kernel_stream stream) {
    HALVES_AND_SINGLE(k->dtype, start(unpack_coded<type>, blocks_for(k->rows * k->k, 256), 256, 0, stream, *k))
}
void launch_multiply_coded(const coded_kernel *k, kernel_stream stream) {
    i64 warps = k->batch * ((k->m + TOGETHER - 1) / TOGETHER) * k->n;
    HALVES_AND_SINGLE(k->dtype, start(multiply_coded<type>, blocks_for(warps, WARPS), 32 * WARPS, 0, stream, *k))
}
void launch_make_coded(const make_coded_kernel *k, kernel_stream stream) {
    FLOATS(k->dtype, start(make_groups<type>, blocks_for(k->groups, 128), 128, 0, stream, *k))
}
