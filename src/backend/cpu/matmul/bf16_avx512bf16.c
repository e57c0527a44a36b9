/* Filling and packing for the bf16 engines. */
#include "cpu/matmul/bf16.h"

#include <immintrin.h>

#include "cpu/matmul/engine_f32.h"
#include "cpu/matmul/nibbles_avx512bf16.h"
#include "cpu/matmul/vector_avx512.h"

enum { UNIT = 32 };

/* The low part of v beside its high one. A finite value that would round to infinity is cut instead; infinities and NaN
 * have no low part.
 */
INLINE __m256i split(__m512 v, __m256i *low) {
    __m256i high = (__m256i)_mm512_cvtneps_pbh(v);
    __m512 value = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
    __mmask16 endless = _mm512_fpclass_ps_mask(v, 0x99),
              cut = _mm512_fpclass_ps_mask(value, 0x18) & (__mmask16)~endless;
    if (__builtin_expect(cut, 0)) {
        high = _mm256_mask_mov_epi16(high, cut, _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_castps_si512(v), 16)));
        value = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
    }
    *low = (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_sub_ps((__mmask16)~endless, v, value));
    return high;
}

static int padded(int depth) {
    return (depth + UNIT - 1) / UNIT * UNIT;
}

/* Lines [count][stride] of floats to bf16, padding the depth with zeros. */
static void convert_lines(const float *lines, int count, int64_t stride, int depth, uint16_t *high, uint16_t *low) {
    for (int i = 0; i < count; i++)
        for (int k = 0; k < padded(depth); k += 16) {
            int rest = depth - k;
            int64_t place = i * stride + k;
            __m512 v = _mm512_maskz_loadu_ps((__mmask16)(rest >= 16  ? 0xffff
                                                         : rest <= 0 ? 0
                                                                     : (1u << rest) - 1),
                                             lines + place);
            __m256i l, h = split(v, &l);
            _mm256_storeu_si256((__m256i *)(high + place), h);
            if (low) _mm256_storeu_si256((__m256i *)(low + place), l);
        }
}

/* The weights of one line and the groups of a block. */
typedef struct {
    const uint8_t *stream; /* of the whole line */
    int64_t k;
    int depth, group, bits;
    float scales[DEPTH_BLOCK_MAX / UNIT], biases[DEPTH_BLOCK_MAX / UNIT];
} line_part;

INLINE __m512 load_groups(matmul_dtype dtype, const void *scales, int64_t group, __mmask16 mask) {
    if (dtype == MATMUL_F32) return _mm512_maskz_loadu_ps(mask, (const float *)scales + group);
    __m256i h = _mm256_maskz_loadu_epi16(mask, (const uint16_t *)scales + group);
    return dtype == MATMUL_F16 ? _mm512_cvtph_ps(h)
                               : _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

/* 4-bit: the sixteen possible weights of a group are a table. */
INLINE void dequantize_nibbles(const line_part *p, uint16_t *high, uint16_t *low) {
    const __m512 values = nibble_values();
    const __m512i shifts = nibble_shifts();
    for (int g = 0; g * p->group < p->depth; g++) {
        __m512 v = _mm512_fmadd_ps(values, _mm512_set1_ps(p->scales[g]), _mm512_set1_ps(p->biases[g]));
        __m256i l = _mm256_setzero_si256(), h = low ? split(v, &l) : (__m256i)_mm512_cvtneps_pbh(v);
        __m512i table = _mm512_broadcast_i64x4(h), low_table = _mm512_broadcast_i64x4(l);
        for (int k = g * p->group; k < (g + 1) * p->group; k += UNIT) {
            const uint8_t *bytes = p->stream + (p->k + k) / 2;
            _mm512_storeu_si512(high + k, look_up(bytes, shifts, table));
            if (low) _mm512_storeu_si512(low + k, look_up(bytes, shifts, low_table));
        }
    }
}

/* Groups of `units` x UNIT. */
INLINE void dequantize_nibble_groups(const line_part *p, const uint16_t *scales, const uint16_t *biases, int units,
                                     uint16_t *out) {
    const __m512i shifts = nibble_shifts();
    const uint8_t *bytes = p->stream + p->k / 2;
    const int groups = p->depth / (units * UNIT);
    UNROLL(4)
    for (int g = 0; g < groups; g++) {
        __m512i table = nibble_table(scales + g, biases + g);
        UNROLL(4)
        for (int u = 0; u < units; u++, bytes += UNIT / 2, out += UNIT)
            _mm512_storeu_si512(out, look_up(bytes, shifts, table));
    }
}

/* The common case, in a quarter less time: bfloat16 scales, which are not the first of their array, and one part. */
static void dequantize_plain_nibbles(const line_part *p, const uint16_t *scales, const uint16_t *biases,
                                     uint16_t *out) {
    if (p->group == 2 * UNIT)
        dequantize_nibble_groups(p, scales, biases, 2, out);
    else
        dequantize_nibble_groups(p, scales, biases, p->group / UNIT, out);
}

INLINE void dequantize_bits(const line_part *p, uint16_t *high, uint16_t *low, int bits) {
    for (int g = 0; g * p->group < p->depth; g++) {
        __m512 scale = _mm512_set1_ps(p->scales[g]), bias = _mm512_set1_ps(p->biases[g]);
        for (int k = g * p->group; k < (g + 1) * p->group; k += 16) {
            __m512 v = _mm512_fmadd_ps(v_unpack(p->stream, p->k + k, bits), scale, bias);
            __m256i l, h;
            if (low) {
                h = split(v, &l);
                _mm256_storeu_si256((__m256i *)(low + k), l);
            } else {
                h = (__m256i)_mm512_cvtneps_pbh(v);
            }
            _mm256_storeu_si256((__m256i *)(high + k), h);
        }
    }
}

INLINE void dequantize_line(const line_part *p, uint16_t *high, uint16_t *low) {
    switch (p->bits) {
    case 2:
        dequantize_bits(p, high, low, 2);
        break;
    case 3:
        dequantize_bits(p, high, low, 3);
        break;
    case 4:
        dequantize_nibbles(p, high, low);
        break;
    case 5:
        dequantize_bits(p, high, low, 5);
        break;
    case 6:
        dequantize_bits(p, high, low, 6);
        break;
    default:
        dequantize_bits(p, high, low, 8);
    }
}

static void dequantize_lines(const quantized_lines *q, int64_t line, int count, int64_t k, int depth, uint16_t *high,
                             uint16_t *low, int64_t stride) {
    for (int i = 0; i < count; i++) {
        line_part p = {q->packed + (line + i) * q->packed_stride, k, depth, q->group, q->bits, {0}, {0}};
        int64_t group = (line + i) * q->group_stride + k / q->group;
        if (q->bits == 4 && q->scale_dtype == MATMUL_BF16 && !low && group > 0) {
            dequantize_plain_nibbles(&p, (const uint16_t *)q->scales + group, (const uint16_t *)q->biases + group,
                                     high + i * stride);
            continue;
        }
        __mmask16 mask = (__mmask16)((1u << (depth + q->group - 1) / q->group) - 1);
        _mm512_storeu_ps(p.scales, load_groups(q->scale_dtype, q->scales, group, mask));
        _mm512_storeu_ps(p.biases, load_groups(q->scale_dtype, q->biases, group, mask));
        if (low)
            dequantize_line(&p, high + i * stride, low + i * stride);
        else
            dequantize_line(&p, high + i * stride, NULL);
    }
}

static void copy_lines(const matmul_operand *o, int64_t line, int count, int64_t k, int depth, uint16_t *out,
                       int64_t stride) {
    for (int i = 0; i < count; i++) {
        const uint16_t *from = (const uint16_t *)o->data + (line + i) * o->stride + k;
        uint16_t *to = out + i * stride;
        memcpy(to, from, (size_t)depth * 2);
        memset(to + depth, 0, (size_t)(padded(depth) - depth) * 2);
    }
}

/* Lines [count][stride] along the depth; low is NULL for one part. */
static void read_lines(const matmul_engine *e, const matmul_operand *o, int64_t line, int count, int64_t k, int depth,
                       uint16_t *high, uint16_t *low, int64_t stride) {
    if (o->quantized) {
        dequantize_lines(o->quantized, line, count, k, depth, high, low, stride);
    } else if (o->dtype == MATMUL_BF16 && o->depth_stride == 1 && !low) {
        copy_lines(o, line, count, k, depth, high, stride);
    } else {
        float lines[ROW_PANEL_MAX * DEPTH_BLOCK_MAX];
        bool turned = o->stride == 1 && o->depth_stride != 1;
        matmul_region r = turned ? (matmul_region){k, depth, line, count, stride, true}
                                 : (matmul_region){line, count, k, depth, stride, false};
        matmul_read_dense(e->kit, o, turned, &r, lines);
        convert_lines(lines, count, stride, depth, high, low);
    }
}

void matmul_fill_bf16_part(const matmul_engine *e, const matmul_operand *rows, int64_t row, int count, int height,
                           int64_t k, int depth, uint16_t *high) {
    const int64_t stride = e->panel_line;
    uint16_t *low = e->parts == 2 ? high + e->panel_rows * stride : NULL;
    read_lines(e, rows, row, count, k, depth, high, low, stride);
    for (int i = count; i < height; i++) {
        memset(high + i * stride, 0, (size_t)padded(depth) * 2);
        if (low) memset(low + i * stride, 0, (size_t)padded(depth) * 2);
    }
}

void matmul_fill_bf16(const matmul_engine *e, const matmul_operand *rows, int64_t row, int count, int64_t k, int depth,
                      void *panel) {
    matmul_fill_bf16_part(e, rows, row, count, e->panel_rows, k, depth, panel);
}

/* ---- stripes */

static __m512i shuffle_order(void) {
    uint16_t order[UNIT];
    for (int p = 0; p < UNIT; p++) order[p] = (uint16_t)(4 * (p % 8) + p / 8);
    return _mm512_loadu_si512(order);
}

/* Tiles from lines along the depth: 32-bit pairs are turned, 16 columns at a time. */
static void tiles_from_lines(const uint16_t *lines, int width, int depth, bool shuffled, uint16_t *stripe) {
    uint16_t block[16 * UNIT];
    const __m512i order = shuffle_order();
    for (int k = 0; k < depth; k += UNIT)
        for (int c = 0; c < width; c += 16, stripe += 16 * UNIT) {
            for (int i = 0; i < 16; i++) {
                __m512i v = _mm512_loadu_si512(lines + (c + i) * DEPTH_BLOCK_MAX + k);
                _mm512_storeu_si512(block + i * UNIT, shuffled ? _mm512_permutexvar_epi16(order, v) : v);
            }
            v_transpose((const float *)(const void *)block, 16, (float *)(void *)stripe, 16);
        }
}

/* Two neighbours in depth of 16 columns, interleaved. */
INLINE __m512i pair_of(__m256i even, __m256i odd) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(even), _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16));
}

typedef struct {
    const matmul_operand *columns;
    int64_t column, k;
    int count, width, depth;
    bool shuffled;
} stripe_source;

INLINE int depth_of_place(const stripe_source *s, int place) {
    int p = place % UNIT;
    return s->shuffled ? place - p + 4 * (p % 8) + p / 8 : place;
}

/* bf16 columns that lie side by side. */
static void tiles_from_bf16(const stripe_source *s, uint16_t *stripe) {
    const uint16_t *data = (const uint16_t *)s->columns->data + s->column;
    int64_t step = s->columns->depth_stride;
    for (int k = 0; k < padded(s->depth); k += UNIT)
        for (int c = 0; c < s->width; c += 16)
            for (int p = 0; p < UNIT; p += 2, stripe += UNIT) {
                int rest = s->count - c, even = depth_of_place(s, k + p), odd = depth_of_place(s, k + p + 1);
                __mmask16 mask = (__mmask16)(rest >= 16 ? 0xffff : rest <= 0 ? 0 : (1u << rest) - 1);
                __m256i a = _mm256_maskz_loadu_epi16(even < s->depth ? mask : 0, data + (s->k + even) * step + c);
                __m256i b = _mm256_maskz_loadu_epi16(odd < s->depth ? mask : 0, data + (s->k + odd) * step + c);
                _mm512_storeu_si512(stripe, pair_of(a, b));
            }
}

/* Floats [padded depth][width], as matmul_pack_f32 leaves them. */
static void tiles_from_floats(const stripe_source *s, const float *floats, uint16_t *high, uint16_t *low) {
    for (int k = 0; k < padded(s->depth); k += UNIT)
        for (int c = 0; c < s->width; c += 16)
            for (int p = 0; p < UNIT; p += 2) {
                __m256i low_even, low_odd;
                __m256i even = split(_mm512_loadu_ps(floats + depth_of_place(s, k + p) * s->width + c), &low_even);
                __m256i odd = split(_mm512_loadu_ps(floats + depth_of_place(s, k + p + 1) * s->width + c), &low_odd);
                _mm512_storeu_si512(high, pair_of(even, odd));
                high += UNIT;
                if (!low) continue;
                _mm512_storeu_si512(low, pair_of(low_even, low_odd));
                low += UNIT;
            }
}

static void pack_by_depth(const matmul_engine *e, const stripe_source *s, uint16_t *high, uint16_t *low) {
    if (s->columns->dtype == MATMUL_BF16 && !s->columns->quantized && !low) {
        tiles_from_bf16(s, high);
        return;
    }
    float floats[DEPTH_BLOCK_MAX * STRIPE];
    matmul_pack_f32(e, s->columns, s->column, s->count, s->width, s->k, s->depth, NULL, floats);
    memset(floats + s->depth * s->width, 0, (size_t)((padded(s->depth) - s->depth) * s->width) * sizeof(float));
    tiles_from_floats(s, floats, high, low);
}

void matmul_pack_bf16(const matmul_engine *e, const matmul_operand *columns, int64_t column, int count, int width,
                      int64_t k, int depth, const quantized_lines *rows, void *stripe) {
    const bool shuffled = rows && rows->bits == 4;
    uint16_t *high = stripe, *low = e->parts == 2 ? high + padded(depth) * width : NULL;
    if (columns->quantized || (columns->stride == 1 && columns->depth_stride != 1)) {
        stripe_source source = {columns, column, k, count, width, depth, shuffled};
        pack_by_depth(e, &source, high, low);
        return;
    }
    uint16_t lines[2][STRIPE * DEPTH_BLOCK_MAX];
    for (int i = count; i < width; i++)
        for (int part = 0; part < e->parts; part++)
            memset(lines[part] + i * DEPTH_BLOCK_MAX, 0, (size_t)padded(depth) * 2);
    read_lines(e, columns, column, count, k, depth, lines[0], low ? lines[1] : NULL, DEPTH_BLOCK_MAX);
    tiles_from_lines(lines[0], width, padded(depth), shuffled, high);
    if (low) tiles_from_lines(lines[1], width, padded(depth), shuffled, low);
}
