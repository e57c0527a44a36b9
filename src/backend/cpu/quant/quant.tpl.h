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

static void unpack_group(float *to, const uint32_t *words, int64_t at, int64_t count, int64_t bits) {
    switch (bits) {
    case 2:
        unpack(to, words, at, count, 2);
        break;
    case 3:
        unpack(to, words, at, count, 3);
        break;
    case 4:
        unpack(to, words, at, count, 4);
        break;
    case 5:
        unpack(to, words, at, count, 5);
        break;
    case 6:
        unpack(to, words, at, count, 6);
        break;
    default:
        unpack(to, words, at, count, 8);
    }
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
    float least = __builtin_inff(), most = -__builtin_inff();
    for (int64_t i = 0; i < count; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    bool negative = __builtin_fabsf(least) > __builtin_fabsf(most);
    float edge = negative ? least : most, step = __builtin_fmaxf((most - least) / (float)levels, 1e-7F);
    if (!negative) step = -step;
    float q = __builtin_rintf(edge / step);
    *scale = q != 0 ? edge / q : step;
    *bias = q != 0 ? edge : 0;
}

/* NaN becomes level 0. */
static void pack(uint32_t *words, const float *x, int64_t at, const quant_row *r, float scale, float bias) {
    float levels[MOST_GROUP], most = (float)((1 << r->bits) - 1);
    for (int64_t i = 0; i < r->group_size; i += LANES) {
        vf32 q = rint_f32((load_f32(x + i) - bias) / scale);
        q = blend_f32((vi32)(q > 0), q, (vf32){0});
        store_f32(levels + i, blend_f32((vi32)(q > most), splat_f32(most), q));
    }
    uint64_t window = 0;
    int held = 0;
    words += at * r->bits / 32;
    for (int64_t i = 0; i < r->group_size; i++) {
        window |= (uint64_t)levels[i] << held;
        held += (int)r->bits;
        if (held < 32) continue;
        *words++ = (uint32_t)window;
        window >>= 32;
        held -= 32;
    }
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
