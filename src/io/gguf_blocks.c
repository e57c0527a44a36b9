/* The blocks of GGUF's tensors, as numbers. Every product and sum is one of float32, in the order of ggml's reference,
   so that results are its results to the last bit. b is the block, o what it holds. */
#include <string.h>

#include "io/gguf.h"
#include "io/gguf_grids.inc"

typedef const unsigned char *bytes;

/* ---- numbers in bytes */

static uint32_t word(bytes b, int size) {
    uint32_t n = 0;
    for (int i = size - 1; i >= 0; i--) n = n << 8 | b[i];
    return n;
}

static float float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float half(uint32_t h) {
    uint32_t sign = (h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31) return float_of_bits(sign | 0x7F800000 | fraction << 13);
    if (exponent) return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    return (sign ? -1.0F : 1.0F) * ((float)fraction * 0x1p-24F);
}

static float half_at(bytes b) {
    return half(word(b, 2));
}

/* Bits [at, at + count) of a byte. */
static int part(unsigned byte, int at, int count) {
    return (int)(byte >> at & ((1U << count) - 1));
}

/* ---- 32 in a block */

static void q4_0(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) o[i] = d * (float)(part(b[2 + i % 16], i / 16 * 4, 4) - 8);
}
static void q4_1(bytes b, float *o) {
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 32; i++) o[i] = d * (float)part(b[4 + i % 16], i / 16 * 4, 4) + m;
}
static int fifth(bytes qh, int i) {
    return part(qh[i / 8], i % 8, 1) << 4;
}
static void q5_0(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) o[i] = d * (float)((part(b[6 + i % 16], i / 16 * 4, 4) | fifth(b + 2, i)) - 16);
}
static void q5_1(bytes b, float *o) {
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 32; i++) o[i] = d * (float)(part(b[8 + i % 16], i / 16 * 4, 4) | fifth(b + 4, i)) + m;
}
static void q8_0(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) o[i] = d * (float)(int8_t)b[2 + i];
}
static void q8_1(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) o[i] = d * (float)(int8_t)b[4 + i];
}

static const int8_t curve[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
static const int8_t fp4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}; /* doubled */

static void iq4_nl(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) o[i] = d * (float)curve[part(b[2 + i % 16], i / 16 * 4, 4)];
}
static void mxfp4(bytes b, float *o) { /* half of the power of two that the first byte is */
    float d = float_of_bits(b[0] < 2 ? 0x200000U << b[0] : (b[0] - 1U) << 23);
    for (int i = 0; i < 32; i++) o[i] = d * (float)fp4[part(b[1 + i % 16], i / 16 * 4, 4)];
}

/* An unsigned E4M3, halved. */
static float half_e4m3(unsigned e) {
    int exponent = (int)(e >> 3 & 15);
    float fraction = (float)(e & 7);
    if (e == 0 || e == 0x7F) return 0;
    if (exponent == 0) return fraction * 0x1p-9F * 0.5F;
    return (1 + fraction / 8) * float_of_bits((uint32_t)(exponent - 7 + 127) << 23) * 0.5F;
}
static void nvfp4(bytes b, float *o) {
    for (int i = 0; i < 64; i++)
        o[i] = half_e4m3(b[i / 16]) * (float)fp4[part(b[4 + i / 16 * 8 + i % 8], i % 16 / 8 * 4, 4)];
}

static void q1_0(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 128; i++) o[i] = part(b[2 + i / 8], i % 8, 1) ? d : -d;
}

/* ---- 256 in a block. Two bits of element i: four planes of 32 in each 32 bytes */

static int two_bits(bytes qs, int i) {
    return part(qs[i / 128 * 32 + i % 32], i % 128 / 32 * 2, 2);
}

static void q2_k(bytes b, float *o) {
    float d = half_at(b + 80), dmin = half_at(b + 82);
    for (int i = 0; i < 256; i++) {
        float scale = d * (float)(b[i / 16] & 15), least = dmin * (float)(b[i / 16] >> 4);
        o[i] = scale * (float)two_bits(b + 16, i) - least;
    }
}

static void q3_k(bytes b, float *o) {
    bytes scales = b + 96;
    float d = half_at(b + 108);
    for (int i = 0; i < 256; i++) {
        int s = i / 16, low = part(scales[s % 8], s / 8 * 4, 4), high = part(scales[8 + s % 4], s / 4 * 2, 2);
        int q = two_bits(b + 32, i) - (part(b[i % 32], i / 32, 1) ? 0 : 4);
        o[i] = d * (float)((low | high << 4) - 32) * (float)q;
    }
}

/* Scale and least value of part j of 8, six bits each. */
static void scale_and_least(bytes s, int j, int *scale, int *least) {
    if (j < 4) {
        *scale = s[j] & 63, *least = s[j + 4] & 63;
    } else {
        *scale = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
        *least = s[j + 4] >> 4 | s[j] >> 6 << 4;
    }
}

static void four_or_five(bytes b, bytes qs, bytes qh, float *o) {
    float d = half_at(b), dmin = half_at(b + 2);
    for (int i = 0; i < 256; i++) {
        int scale, least, q = part(qs[i / 64 * 32 + i % 32], i % 64 / 32 * 4, 4);
        scale_and_least(b + 4, i / 32, &scale, &least);
        if (qh) q |= part(qh[i % 32], i / 32, 1) << 4;
        o[i] = d * (float)scale * (float)q - dmin * (float)least;
    }
}
static void q4_k(bytes b, float *o) {
    four_or_five(b, b + 16, NULL, o);
}
static void q5_k(bytes b, float *o) {
    four_or_five(b, b + 48, b + 16, o);
}

static void q6_k(bytes b, float *o) {
    float d = half_at(b + 208);
    for (int i = 0; i < 256; i++) {
        int low = part(b[i / 128 * 64 + i % 64], i % 128 / 64 * 4, 4), high = two_bits(b + 128, i);
        o[i] = d * (float)(int8_t)b[192 + i / 16] * (float)((low | high << 4) - 32);
    }
}

static void q8_k(bytes b, float *o) {
    float d = float_of_bits(word(b, 4));
    for (int i = 0; i < 256; i++) o[i] = d * (float)(int8_t)b[4 + i];
}

/* Digits of base 3: a byte is a fraction of 256, of which each multiplication by 3 brings one to the front. */
static void tq1_0(bytes b, float *o) {
    static const int powers[5] = {1, 3, 9, 27, 81};
    float d = half_at(b + 52);
    for (int i = 0; i < 256; i++) {
        int j = i < 160 ? i : i < 240 ? i - 160 : i - 240, width = i < 160 ? 32 : i < 240 ? 16 : 4;
        int byte = b[(i < 160 ? 0 : i < 240 ? 32 : 48) + j % width], digit = (byte * powers[j / width] & 255) * 3 >> 8;
        o[i] = d * (float)(digit - 1);
    }
}
static void tq2_0(bytes b, float *o) {
    float d = half_at(b + 64);
    for (int i = 0; i < 256; i++) o[i] = d * (float)(two_bits(b, i) - 1);
}

static void iq4_xs(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 256; i++) {
        int j = i / 32, scale = part(b[4 + j / 2], j % 2 * 4, 4) | (int)(word(b + 2, 2) >> (2 * j) & 3) << 4;
        o[i] = d * (float)(scale - 32) * (float)curve[part(b[8 + j * 16 + i % 16], i % 32 / 16 * 4, 4)];
    }
}

/* ---- lattices: points of 8 (or 4) numbers, and signs */

static const int two_values[3] = {0x08, 0x19, 0x2B};
static const int three_values[8] = {0x04, 0x0C, 0x14, 0x1C, 0x24, 0x2C, 0x34, 0x3E};

/* Seven signs; the eighth makes their number even. */
static unsigned with_eighth(uint32_t signs) {
    signs &= 127;
    return signs | (unsigned)__builtin_parity(signs) << 7;
}

static void eight_of_two(float *o, float scale, unsigned point, unsigned signs) {
    for (int i = 0; i < 8; i++)
        o[i] = scale * (float)two_values[point >> (2 * i) & 3] * (part(signs, i, 1) ? -1.0F : 1.0F);
}
static void four_of_three(float *o, float scale, unsigned point, const int values[8], unsigned signs) {
    for (int i = 0; i < 4; i++) o[i] = scale * (float)values[point >> (3 * i) & 7] * (part(signs, i, 1) ? -1.0F : 1.0F);
}

static void iq2_xxs(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) {
        uint32_t points = word(b + 2 + i / 4 * 8, 4), rest = word(b + 6 + i / 4 * 8, 4);
        float scale = d * (0.5F + (float)(rest >> 28)) * 0.25F;
        eight_of_two(o + 8 * i, scale, grid_iq2_xxs[points >> (i % 4 * 8) & 255], with_eighth(rest >> (i % 4 * 7)));
    }
}
static void iq2_xs(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) {
        uint32_t q = word(b + 2 + 2 * i, 2);
        float scale = d * (0.5F + (float)part(b[66 + i / 4], i / 2 % 2 * 4, 4)) * 0.25F;
        eight_of_two(o + 8 * i, scale, grid_iq2_xs[q & 511], with_eighth(q >> 9));
    }
}
static void iq2_s(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) {
        int point = b[2 + i] | part(b[66 + i / 4], i % 4 * 2, 2) << 8;
        float scale = d * (0.5F + (float)part(b[74 + i / 4], i / 2 % 2 * 4, 4)) * 0.25F;
        eight_of_two(o + 8 * i, scale, grid_iq2_s[point], b[34 + i]);
    }
}
static void iq3_xxs(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 64; i++) {
        uint32_t rest = word(b + 66 + i / 8 * 4, 4);
        float scale = d * (0.5F + (float)(rest >> 28)) * 0.5F;
        unsigned signs = with_eighth(rest >> (i % 8 / 2 * 7)) >> (i % 2 * 4);
        four_of_three(o + 4 * i, scale, grid_iq3_xxs[b[2 + i]], three_values, signs);
    }
}
static void iq3_s(bytes b, float *o) {
    static const int odd[8] = {1, 3, 5, 7, 9, 11, 13, 15};
    float d = half_at(b);
    for (int i = 0; i < 64; i++) {
        int point = b[2 + i] | part(b[66 + i / 8], i % 8, 1) << 8;
        float scale = d * (float)(1 + 2 * part(b[106 + i / 16], i / 8 % 2 * 4, 4));
        four_of_three(o + 4 * i, scale, grid_iq3_s[point], odd, (unsigned)b[74 + i / 2] >> (i % 2 * 4));
    }
}

static void eight_of_one(float *o, float scale, unsigned point, float shift) {
    for (int i = 0; i < 8; i++) o[i] = scale * ((float)((int)(point >> (2 * i) & 3) - 1) + shift);
}
static void iq1_s(bytes b, float *o) {
    float d = half_at(b);
    for (int i = 0; i < 32; i++) {
        uint32_t h = word(b + 34 + i / 4 * 2, 2);
        float scale = d * (float)(2 * (h >> 12 & 7) + 1);
        eight_of_one(o + 8 * i, scale, grid_iq1[b[2 + i] | (h >> (i % 4 * 3) & 7) << 8], h & 0x8000 ? -0.125F : 0.125F);
    }
}
static void iq1_m(bytes b, float *o) {
    uint32_t s[4], d = 0;
    for (int i = 0; i < 4; i++) {
        s[i] = word(b + 48 + 2 * i, 2);
        d |= s[i] >> 12 << (4 * i);
    }
    for (int i = 0; i < 32; i++) {
        int h = part(b[32 + i / 2], i % 2 * 4, 4);
        float scale = half(d) * (float)(2 * (s[i / 8] >> (i / 2 % 4 * 3) & 7) + 1);
        eight_of_one(o + 8 * i, scale, grid_iq1[b[i] | (h & 7) << 8], h & 8 ? -0.125F : 0.125F);
    }
}

/* ---- the table */

#define PLAIN(id, name, dtype, bytes)                                                                                  \
    { id, name, 1, bytes, true, dtype, NULL }
#define BLOCK(id, name, elements, bytes, decode)                                                                       \
    { id, name, elements, bytes, false, TARN_FLOAT32, decode }
static const gguf_type types[] = {
    PLAIN(0, "F32", TARN_FLOAT32, 4),       PLAIN(1, "F16", TARN_FLOAT16, 2),
    PLAIN(24, "I8", TARN_INT8, 1),          PLAIN(25, "I16", TARN_INT16, 2),
    PLAIN(26, "I32", TARN_INT32, 4),        PLAIN(27, "I64", TARN_INT64, 8),
    PLAIN(28, "F64", TARN_FLOAT64, 8),      PLAIN(30, "BF16", TARN_BFLOAT16, 2),
    BLOCK(GGUF_Q4_0, "Q4_0", 32, 18, q4_0), BLOCK(GGUF_Q4_1, "Q4_1", 32, 20, q4_1),
    BLOCK(6, "Q5_0", 32, 22, q5_0),         BLOCK(7, "Q5_1", 32, 24, q5_1),
    BLOCK(GGUF_Q8_0, "Q8_0", 32, 34, q8_0), BLOCK(9, "Q8_1", 32, 36, q8_1),
    BLOCK(10, "Q2_K", 256, 84, q2_k),       BLOCK(11, "Q3_K", 256, 110, q3_k),
    BLOCK(12, "Q4_K", 256, 144, q4_k),      BLOCK(13, "Q5_K", 256, 176, q5_k),
    BLOCK(14, "Q6_K", 256, 210, q6_k),      BLOCK(15, "Q8_K", 256, 292, q8_k),
    BLOCK(16, "IQ2_XXS", 256, 66, iq2_xxs), BLOCK(17, "IQ2_XS", 256, 74, iq2_xs),
    BLOCK(18, "IQ3_XXS", 256, 98, iq3_xxs), BLOCK(19, "IQ1_S", 256, 50, iq1_s),
    BLOCK(20, "IQ4_NL", 32, 18, iq4_nl),    BLOCK(21, "IQ3_S", 256, 110, iq3_s),
    BLOCK(22, "IQ2_S", 256, 82, iq2_s),     BLOCK(23, "IQ4_XS", 256, 136, iq4_xs),
    BLOCK(29, "IQ1_M", 256, 56, iq1_m),     BLOCK(34, "TQ1_0", 256, 54, tq1_0),
    BLOCK(35, "TQ2_0", 256, 66, tq2_0),     BLOCK(39, "MXFP4", 32, 17, mxfp4),
    BLOCK(40, "NVFP4", 64, 36, nvfp4),      BLOCK(41, "Q1_0", 128, 18, q1_0),
};

const gguf_type *gguf_type_of(uint32_t id) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].id == id) return &types[i];
    return NULL;
}

const gguf_type *gguf_type_of_dtype(tarn_dtype dtype) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].plain && types[i].dtype == dtype) return &types[i];
    return NULL;
}
