/* One row of quantize and dequantize for one instruction set. */
#include "cpu/quant/floats.tpl.h"

enum { MOST_GROUP = 256 };

static float one_float(const void *row, int64_t at, tarn_dtype dtype) {
    float x;
    return *row_floats(&x, row, at, 1, dtype);
}

/* Numbers [at, at + count) of a stream as floats. A group ends where a word ends, so that nothing is read behind it. */
INLINE void unpack(float *to, const uint32_t *words, int64_t at, int64_t count, int bits) {
    const uint32_t mask = (1u << bits) - 1;
    words += at * bits / 32;
    if (32 % bits == 0) {
        const int in_word = 32 / bits;
        for (int64_t i = 0; i < count; i += in_word)
            for (int j = 0; j < in_word; j++) to[i + j] = (float)(words[i / in_word] >> j * bits & mask);
        return;
    }
    uint64_t window = 0;
    int held = 0;
    for (int64_t i = 0; i < count; i++) {
        if (held < bits) {
            window |= (uint64_t)*words++ << held;
            held += 32;
        }
        to[i] = (float)(window & mask);
        window >>= bits;
        held -= bits;
    }
}

/* f(…, bits) of constant bits. */
#define WITH_BITS(bits, f, ...)                                                                                        \
    switch (bits) {                                                                                                    \
    case 2:                                                                                                            \
        f(__VA_ARGS__, 2);                                                                                             \
        break;                                                                                                         \
    case 3:                                                                                                            \
        f(__VA_ARGS__, 3);                                                                                             \
        break;                                                                                                         \
    case 4:                                                                                                            \
        f(__VA_ARGS__, 4);                                                                                             \
        break;                                                                                                         \
    case 5:                                                                                                            \
        f(__VA_ARGS__, 5);                                                                                             \
        break;                                                                                                         \
    case 6:                                                                                                            \
        f(__VA_ARGS__, 6);                                                                                             \
        break;                                                                                                         \
    default:                                                                                                           \
        f(__VA_ARGS__, 8);                                                                                             \
    }

static void unpack_group(float *to, const uint32_t *words, int64_t at, int64_t count, int64_t bits) {
    WITH_BITS(bits, unpack, to, words, at, count)
}

static void dequantize(const quant_row *r, void *to, const uint32_t *packed, const void *scales, const void *biases) {
    float levels[MOST_GROUP];
    for (int64_t at = 0; at < r->k; at += r->group_size) {
        float scale = one_float(scales, at / r->group_size, r->dtype),
              bias = one_float(biases, at / r->group_size, r->dtype);
        unpack_group(levels, packed, at, r->group_size, r->bits);
        for (int64_t i = 0; i < r->group_size; i += LANES)
            store_f32(levels + i, rounded(load_f32(levels + i) * scale, r->dtype) + bias);
        row_store(to, at, levels, r->group_size, r->dtype);
    }
}

/* The end of the range that is farther from zero becomes a multiple of the scale, so that zero is exact. */
static void fit(const float *x, int64_t count, int64_t levels, float *scale, float *bias) {
    vf32 leasts = splat_f32(__builtin_inff()), mosts = -leasts;
    for (int64_t i = 0; i < count; i += LANES) {
        leasts = at_most_f32(leasts, load_f32(x + i)); /* a NaN is neither */
        mosts = at_least_f32(mosts, load_f32(x + i));
    }
    float least = -max_lanes(-leasts), most = max_lanes(mosts);
    bool negative = __builtin_fabsf(least) > __builtin_fabsf(most);
    float edge = negative ? least : most, step = __builtin_fmaxf((most - least) / (float)levels, 1e-7F);
    if (!negative) step = -step;
    float q = __builtin_rintf(edge / step);
    *scale = q != 0 ? edge / q : step;
    *bias = q != 0 ? edge : 0;
}

/* Of eight numbers `bits` bytes. */
INLINE void pack_bits(uint8_t *to, const int32_t *levels, int64_t count, int bits) {
    for (int64_t i = 0; i < count; i += 8, to += bits) {
        uint64_t eight = 0;
        UNROLL(8)
        for (int j = 0; j < 8; j++) eight |= (uint64_t)(uint32_t)levels[i + j] << j * bits;
        memcpy(to, &eight, (size_t)bits);
    }
}

/* NaN becomes level 0. */
static void pack(uint32_t *words, const float *x, int64_t at, const quant_row *r, float scale, float bias) {
    int32_t levels[MOST_GROUP];
    const vf32 most = splat_f32((float)((1 << r->bits) - 1));
    for (int64_t i = 0; i < r->group_size; i += LANES) {
        vf32 q = rint_f32((load_f32(x + i) - bias) / scale);
        q = blend_f32((vi32)(q > 0), q, (vf32){0});
        store_i32(levels + i, __builtin_convertvector(at_most_f32(q, most), vi32));
    }
    uint8_t *to = (uint8_t *)words + at * r->bits / 8;
    WITH_BITS(r->bits, pack_bits, to, levels, r->group_size)
}

static void quantize(const quant_row *r, const void *from, uint32_t *packed, void *scales, void *biases) {
    float buffer[MOST_GROUP], scale, bias;
    for (int64_t at = 0; at < r->k; at += r->group_size) {
        const float *x = row_floats(buffer, from, at, r->group_size, r->dtype);
        fit(x, r->group_size, (1 << r->bits) - 1, &scale, &bias);
        if (packed) pack(packed, x, at, r, scale, bias);
        if (scales) row_store(scales, at / r->group_size, &scale, 1, r->dtype);
        if (biases) row_store(biases, at / r->group_size, &bias, 1, r->dtype);
    }
}

const quant_kernels ISA(quant_kernels) = {dequantize, quantize, dequantize_floats, quantize_floats};
