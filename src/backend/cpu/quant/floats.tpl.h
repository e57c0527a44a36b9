/* One row of quantize and dequantize with numbers E2M1 or E4M3 in groups of 16 or 32 and a byte of scale for each
   group. Included once for each instruction set. Both kinds of numbers are widened by way of float16, which has their
   fields and more. */
#include "cpu/matmul/inline.h"
#include "cpu/quant/quant.h"
#include "cpu/rows.h"

enum { PIECE = 1024, GROUPS = PIECE / 16 }; /* numbers at a time, and the most groups among them */

/* Where the fields of a number begin in a float16, and what makes it the number again. */
static const float from_float4 = 0x1p14F, from_float8 = 0x1p8F;

/* ---- bytes to floats */

INLINE vf32 float8_values(hu16 codes) {
    vf32 x = widen_float16((codes & 0x80) << 8 | (codes & 0x7F) << 7) * from_float8;
    return blend_f32((vi32)(abs_f32(x) == 480), splat_f32(__builtin_nanf("")), x); /* all fields set */
}

/* A float16 for each number. Of numbers of four bits the two of a byte become the two of a word. */
static void find_halves(uint16_t *to, const uint8_t *from, int64_t count, int64_t bits) {
    for (int64_t i = 0; bits == 8 && i < count; i++) to[i] = from[i];
    for (int64_t i = 0; bits == 4 && i < count / 2; i++) {
        uint32_t codes = from[i], two = codes | codes << 12;
        two = (two & 0x00080008) << 12 | (two & 0x00070007) << 9;
        memcpy(to + 2 * i, &two, sizeof two);
    }
}

/* E8M0, or E4M3 times `factor`: as many scales as there are groups in a piece. */
static void unpack_scales(float *to, const uint8_t *from, int64_t count, bool powers, float factor) {
    uint16_t wide[GROUPS] = {0};
    find_halves(wide, from, count, 8);
    for (int64_t i = 0; i < count; i += LANES) {
        hu16 codes = load_hu16(wide + i);
        vu32 bits = widen_u16(codes);
        vf32 power = (vf32)(bits << 23 | ((vu32)(bits == 0) & 0x400000));
        store_f32(to + i, powers ? power : float8_values(codes) * factor);
    }
}

static bool has_powers(const quant_row *r) {
    return r->mode != QUANT_nvfp4;
}

static int64_t piece_from(const quant_row *r, int64_t at) {
    return r->k - at < PIECE ? r->k - at : PIECE;
}

/* Groups of numbers times their scales. */
INLINE void unpack_groups(float *to, const uint16_t *halves, const float *by, int64_t count, int64_t size, bool wide) {
    for (int64_t i = 0; i < count; i += size)
        for (int64_t k = i; k < i + size; k += LANES) {
            hu16 codes = load_hu16(halves + k);
            vf32 x = wide ? float8_values(codes) : widen_float16(codes) * from_float4;
            store_f32(to + k, x * by[i / size]);
        }
}

static void unpack_piece(const quant_row *r, float *to, const uint8_t *packed, const float *by, int64_t count) {
    uint16_t halves[PIECE];
    find_halves(halves, packed, count, r->bits);
    if (r->bits == 8)
        unpack_groups(to, halves, by, count, 32, true);
    else if (r->group_size == 32)
        unpack_groups(to, halves, by, count, 32, false);
    else
        unpack_groups(to, halves, by, count, 16, false);
}

static void dequantize_floats(const quant_row *r, void *to, const uint32_t *packed, const uint8_t *scales,
                              const float *global) {
    float buffer[PIECE], by[GROUPS];
    tarn_dtype step = global ? TARN_FLOAT32 : r->dtype; /* to which a scale is rounded */
    for (int64_t at = 0, count; at < r->k; at += count) {
        count = piece_from(r, at);
        float *values = r->dtype == TARN_FLOAT32 ? (float *)to + at : buffer;
        unpack_scales(by, scales + at / r->group_size, count / r->group_size, has_powers(r),
                      global ? *global / (448 * 6) : 1);
        for (int64_t i = 0; i < count / r->group_size; i += LANES) store_f32(by + i, rounded(load_f32(by + i), step));
        unpack_piece(r, values, (const uint8_t *)packed + at * r->bits / 8, by, count);
        row_store(to, at, values, count, r->dtype);
    }
}

/* ---- floats to bytes */

/* The nearest; of two as near the one with the smaller magnitude. NaN becomes 0, zeros have no sign. */
INLINE vi32 float4_codes(vf32 x) {
    static const float middles[7] = {0.25F, 0.75F, 1.25F, 1.75F, 2.5F, 3.5F, 5};
    vf32 size = abs_f32(x);
    vi32 code = {0};
    UNROLL(7)
    for (int i = 0; i < 7; i++) code -= (vi32)(size > middles[i]);
    return code | ((vi32)(code > 0) & (vi32)(x < 0) & 8);
}

/* To even; what is larger than 448 becomes 448. Below 2^-6 all codes are equally far apart. */
INLINE vi32 float8_codes(vf32 x) {
    vi32 bits = (vi32)abs_f32(x), sign = (vi32)((vu32)x >> 24) & 0x80;
    vi32 large = ((bits + 0x7FFFF + ((bits >> 20) & 1)) >> 20) - (120 << 3);
    vi32 small = __builtin_convertvector(rint_f32((vf32)(bits & (vi32)((vf32)bits < 0x1p-6F)) * 512), vi32);
    vi32 is_small = (vi32)((vf32)bits < 0x1p-6F), is_large = (vi32)((vf32)bits >= 448), is_nan = (vi32)(x != x);
    vi32 code = (is_small & small) | (~is_small & large);
    code = (is_large & 126) | (~is_large & code);
    return sign | (is_nan & 127) | (~is_nan & code);
}

/* The power of two, as E8M0, that is no smaller than the ratio; of 0 it is 1. */
static uint8_t power_above(float ratio) {
    uint32_t bits;
    memcpy(&bits, &ratio, sizeof bits);
    uint32_t exponent = bits >> 23, fraction = bits & 0x7FFFFF;
    if (ratio == 0) return 127;
    if (exponent >= 254) return 254;
    return (uint8_t)(exponent + (exponent ? fraction > 0 : fraction > 0x400000));
}

INLINE float largest_lane(vf32 x) {
    float lanes[LANES];
    store_f32(lanes, x);
    for (int apart = LANES / 2; apart > 0; apart /= 2)
        for (int k = 0; k < apart; k++) lanes[k] = lanes[k] > lanes[k + apart] ? lanes[k] : lanes[k + apart];
    return lanes[0];
}

/* The largest magnitude of each group; NaN is none. */
static void find_largest(float *to, const float *x, int64_t count, int64_t group_size) {
    for (int64_t i = 0; i < count; i += group_size) {
        vf32 most = {0};
        for (int64_t k = i; k < i + group_size; k += LANES) {
            vf32 size = abs_f32(load_f32(x + k));
            most = blend_f32((vi32)(size > most), size, most);
        }
        *to++ = largest_lane(most);
    }
}

/* From the largest magnitudes of groups their scales: as bytes, and as what numbers are divided by, of powers of two
   what they are multiplied by. */
static void choose_scales(const quant_row *r, uint8_t *codes, float *by, int64_t count, float factor) {
    float top = r->bits == 8 ? 448 : 6;
    for (int64_t i = 0; i < count; i += LANES) {
        vf32 ratio = rounded(load_f32(by + i) / top, r->dtype);
        vi32 code = float8_codes(ratio * factor);
        for (int64_t k = 0; k < LANES && i + k < count; k++)
            codes[i + k] = has_powers(r) ? power_above(ratio[k]) : (uint8_t)code[k];
    }
    uint8_t inverse[GROUPS];
    for (int64_t i = 0; i < count; i++) inverse[i] = has_powers(r) ? (uint8_t)(254 - codes[i]) : codes[i];
    unpack_scales(by, inverse, count, has_powers(r), 1);
}

static void pack_codes(uint8_t *to, const uint8_t *codes, int64_t count, int64_t bits) {
    if (bits == 8)
        memcpy(to, codes, (size_t)count);
    else
        for (int64_t i = 0; i < count / 2; i++) to[i] = (uint8_t)(codes[2 * i] | codes[2 * i + 1] << 4);
}

typedef uint8_t lane_bytes __attribute__((vector_size(LANES)));

INLINE vi32 code_of(const quant_row *r, vf32 x, float by, float factor) {
    if (has_powers(r)) {
        vf32 quotient = rounded(x * by, r->dtype);
        return r->bits == 8 ? float8_codes(quotient) : float4_codes(quotient);
    }
    return by > 0 ? float4_codes(rounded(x / by, r->dtype) * factor) : (vi32){0};
}

static void encode(const quant_row *r, uint8_t *codes, const float *x, const float *by, int64_t count, float factor) {
    for (int64_t i = 0; i < count; i += r->group_size, by++)
        for (int64_t k = i; k < i + r->group_size; k += LANES) {
            lane_bytes bytes = __builtin_convertvector(code_of(r, load_f32(x + k), *by, factor), lane_bytes);
            memcpy(codes + k, &bytes, sizeof bytes);
        }
}

static void quantize_floats(const quant_row *r, const void *from, uint32_t *packed, uint8_t *scales,
                            const float *global) {
    float buffer[PIECE], by[GROUPS] = {0}, factor = global ? 448 * 6 / *global : 1;
    uint8_t codes[PIECE], scale_codes[GROUPS];
    for (int64_t at = 0, count; at < r->k; at += count) {
        count = piece_from(r, at);
        const float *x = row_floats(buffer, from, at, count, r->dtype);
        find_largest(by, x, count, r->group_size);
        choose_scales(r, scale_codes, by, count / r->group_size, factor);
        if (scales) memcpy(scales + at / r->group_size, scale_codes, (size_t)(count / r->group_size));
        if (!packed) continue;
        encode(r, codes, x, by, count, factor);
        pack_codes((uint8_t *)packed + at * r->bits / 8, codes, count, r->bits);
    }
}
