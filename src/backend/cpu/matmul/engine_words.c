#include "cpu/matmul/engine_words.h"

/* Magnitudes of halves are ordered as their bits are. */
static uint16_t largest_bits(const char *x, int64_t step, int count) {
    uint16_t largest = 0;
    for (int i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, x + i * step, sizeof bits);
        bits &= 0x7fff;
        largest = bits > largest ? bits : largest;
    }
    return largest;
}

bool matmul_words_unfit(const matmul_operand *x, int64_t token, int64_t depth, int group) {
    const char *first = (const char *)x->data + token * x->stride * 2;
    for (int64_t k = 0; k < depth; k += group) {
        const char *at = first + k * x->depth_stride * 2;
        uint16_t bits =
            x->depth_stride == 1 ? largest_bits(at, 2, group) : largest_bits(at, x->depth_stride * 2, group);
        float largest = x->dtype == MATMUL_BF16 ? bfloat16_to_float(bits) : float16_to_float(bits);
        if (!(largest <= 3.4e38f) || (largest > 0 && largest < 1e-20f)) return true;
    }
    return false;
}
