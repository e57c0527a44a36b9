/* The body of a kit, for the vector words included before it. KIT is the name of the table.

   The functions named *_as, *_run and *_bits take dtypes, bits, numbers of lines and of tokens as arguments and are
   always inlined into callers that pass constants: so each combination is a loop of its own without a test in it, and
   is written once. */
#include "cpu/matmul/kit.h"

enum { NEAR = 1024, FAR = 3072 }; /* bytes ahead: two prefetches a line, measured in docs/design/cpu-matmul.md */

INLINE vec load_any(matmul_dtype dtype, const void *data, int64_t i) {
    return dtype == MATMUL_F32 ? v_load((const float *)data + i) : v_load_half(dtype, (const uint16_t *)data + i);
}

/* Lines of any dtype as floats: what a kernel that knows only floats is fed with, a panel at a time. */
INLINE void widen_as(matmul_dtype dtype, const void *source, int64_t stride, int64_t lines, int64_t count, float *out,
                     int64_t out_stride) {
    for (int64_t l = 0; l < lines; l++, out += out_stride) {
        const char *line = (const char *)source + l * stride * matmul_dtype_bytes(dtype);
        int64_t i = 0;
        for (; i + WIDTH <= count; i += WIDTH) v_store(out + i, load_any(dtype, line, i));
        for (; i < count; i++) out[i] = load_as_float(dtype, line, i);
    }
}

static void widen(matmul_dtype dtype, const void *source, int64_t stride, int64_t lines, int64_t count, float *out,
                  int64_t out_stride) {
    if (dtype == MATMUL_F32)
        widen_as(MATMUL_F32, source, stride, lines, count, out, out_stride);
    else if (dtype == MATMUL_BF16)
        widen_as(MATMUL_BF16, source, stride, lines, count, out, out_stride);
    else
        widen_as(MATMUL_F16, source, stride, lines, count, out, out_stride);
}

/* Floats to the dtype of the result, rounded once; the tail by the scalar conversion, which gives the same bits. */
INLINE void narrow_as(matmul_dtype dtype, const float *source, int64_t count, void *out) {
    int64_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH) v_store_half(dtype, (uint16_t *)out + i, v_load(source + i));
    for (; i < count; i++) store_from_float(dtype, source[i], out, i);
}

static void narrow(matmul_dtype dtype, const float *source, int64_t count, void *out) {
    if (dtype == MATMUL_F32)
        memcpy(out, source, (size_t)count * 4);
    else if (dtype == MATMUL_BF16)
        narrow_as(MATMUL_BF16, source, count, out);
    else
        narrow_as(MATMUL_F16, source, count, out);
}

/* Squares of words of two lines each. */
INLINE int64_t narrow_turned_as(matmul_dtype dtype, const float *source, int64_t stride, int64_t lines, uint16_t *out,
                                int64_t out_stride) {
    float pairs[WIDTH * WIDTH], turned[WIDTH * WIDTH];
    int64_t l = 0;
    for (; l + 2 * WIDTH <= lines; l += 2 * WIDTH)
        for (int64_t c = 0; c < MATMUL_TURNED; c += WIDTH) {
            const float *from = source + l * stride + c;
            for (int64_t i = 0; i < WIDTH; i++)
                v_store(pairs + i * WIDTH,
                        v_pair(dtype, v_load(from + 2 * i * stride), v_load(from + (2 * i + 1) * stride)));
            v_transpose(pairs, WIDTH, turned, WIDTH);
            for (int64_t i = 0; i < WIDTH; i++)
                memcpy(out + (c + i) * out_stride + l, turned + i * WIDTH, WIDTH * sizeof *turned);
        }
    return l;
}

static int64_t narrow_turned(matmul_dtype dtype, const float *source, int64_t stride, int64_t lines, uint16_t *out,
                             int64_t out_stride) {
    if (dtype == MATMUL_BF16) return narrow_turned_as(MATMUL_BF16, source, stride, lines, out, out_stride);
    if (dtype == MATMUL_F16) return narrow_turned_as(MATMUL_F16, source, stride, lines, out, out_stride);
    return 0;
}

INLINE void transpose_one_by_one(const float *source, int64_t stride, int64_t lines, int64_t count, float *out,
                                 int64_t out_stride) {
    for (int64_t l = 0; l < lines; l++)
        for (int64_t c = 0; c < count; c++) out[c * out_stride + l] = load_as_float(MATMUL_F32, source, l * stride + c);
}

INLINE int64_t square_at(int64_t i, int64_t count) {
    return i + WIDTH <= count ? i : count - WIDTH;
}

/* Squares of WIDTH by WIDTH in registers; the last ones overlap those before. */
static void transpose(const float *source, int64_t stride, int64_t lines, int64_t count, float *out,
                      int64_t out_stride) {
    if (lines < WIDTH || count < WIDTH) {
        transpose_one_by_one(source, stride, lines, count, out, out_stride);
        return;
    }
    for (int64_t i = 0; i < lines; i += WIDTH)
        for (int64_t j = 0; j < count; j += WIDTH) {
            int64_t l = square_at(i, lines), c = square_at(j, count);
            v_transpose(source + l * stride + c, stride, out + c * out_stride + l, out_stride);
        }
}

/* A table of the sixteen weights of a group saves the arithmetic, where a vector holds it. */
INLINE void dequantize_run(const uint8_t *stream, int64_t begin, int64_t end, vec scale, vec bias, float *out,
                           int bits) {
#ifdef HAS_LOOKUP
    if (bits == 4) {
        vec table = v_fma(v_count(), scale, bias);
        for (int64_t i = begin; i < end; i += WIDTH, out += WIDTH) v_store(out, v_lookup(stream, i, table));
        return;
    }
#endif
    for (int64_t i = begin; i < end; i += WIDTH, out += WIDTH)
        v_store(out, v_fma(v_unpack(stream, i, bits), scale, bias));
}

/* Group by group, because scale and bias change there; a range may begin and end within a group. */
INLINE void dequantize_bits(const quantized_lines *q, int64_t line, int64_t begin, int64_t count, float *out,
                            int bits) {
    const uint8_t *stream = q->packed + line * q->packed_stride;
    for (int64_t i = begin; i < begin + count;) {
        int64_t group = i / q->group, end = (group + 1) * q->group;
        if (end > begin + count) end = begin + count;
        vec scale = v_set1(load_as_float(q->scale_dtype, q->scales, line * q->group_stride + group));
        vec bias = v_set1(load_as_float(q->scale_dtype, q->biases, line * q->group_stride + group));
        dequantize_run(stream, i, end, scale, bias, out, bits);
        out += end - i;
        i = end;
    }
}

static void dequantize(const quantized_lines *q, int64_t line, int64_t begin, int64_t count, float *out) {
    switch (q->bits) {
    case 2:
        dequantize_bits(q, line, begin, count, out, 2);
        break;
    case 3:
        dequantize_bits(q, line, begin, count, out, 3);
        break;
    case 4:
        dequantize_bits(q, line, begin, count, out, 4);
        break;
    case 5:
        dequantize_bits(q, line, begin, count, out, 5);
        break;
    case 6:
        dequantize_bits(q, line, begin, count, out, 6);
        break;
    default:
        dequantize_bits(q, line, begin, count, out, 8);
    }
}

/* Two accumulators a line and token hide the latency of the additions. */
INLINE void dot_as(matmul_dtype dtype, const void *const *lines, int64_t k, const float *const *x, float *out,
                   int count, int tokens) {
    vec total[2][4][2];
    const int64_t size = matmul_dtype_bytes(dtype);
    for (int l = 0; l < count; l++)
        for (int t = 0; t < tokens; t++) total[l][t][0] = total[l][t][1] = v_zero();
    int64_t i = 0;
    for (; i + 2 * WIDTH <= k; i += 2 * WIDTH)
        for (int l = 0; l < count; l++) {
            const char *p = (const char *)lines[l] + i * size;
            if (2 * WIDTH * size >= 64 || i * size % 64 == 0) {
                PREFETCH(p + NEAR);
                PREFETCH(p + FAR);
                if (2 * WIDTH * size > 64) {
                    PREFETCH(p + 64 + NEAR);
                    PREFETCH(p + 64 + FAR);
                }
            }
            vec a = load_any(dtype, p, 0), b = load_any(dtype, p, WIDTH);
            for (int t = 0; t < tokens; t++) {
                total[l][t][0] = v_fma(a, v_load(x[t] + i), total[l][t][0]);
                total[l][t][1] = v_fma(b, v_load(x[t] + i + WIDTH), total[l][t][1]);
            }
        }
    for (int l = 0; l < count; l++)
        for (int t = 0; t < tokens; t++) {
            float sum = v_sum(v_add(total[l][t][0], total[l][t][1]));
            for (int64_t r = i; r < k; r++) sum = s_fma(load_as_float(dtype, lines[l], r), x[t][r], sum);
            out[4 * l + t] = sum;
        }
}

INLINE void dot_tokens(matmul_dtype dtype, const void *const *lines, int64_t k, int tokens, const float *const *x,
                       float *out, int count) {
    switch (tokens) {
    case 1:
        dot_as(dtype, lines, k, x, out, count, 1);
        break;
    case 2:
        dot_as(dtype, lines, k, x, out, count, 2);
        break;
    case 3:
        dot_as(dtype, lines, k, x, out, count, 3);
        break;
    default:
        dot_as(dtype, lines, k, x, out, count, 4);
    }
}

INLINE void dot_lines(matmul_dtype dtype, const void *const *lines, int64_t k, int tokens, const float *const *x,
                      float *out, int count) {
    if (dtype == MATMUL_F32)
        dot_tokens(MATMUL_F32, lines, k, tokens, x, out, count);
    else if (dtype == MATMUL_BF16)
        dot_tokens(MATMUL_BF16, lines, k, tokens, x, out, count);
    else
        dot_tokens(MATMUL_F16, lines, k, tokens, x, out, count);
}

static void dot(matmul_dtype dtype, const void *line, int64_t k, int tokens, const float *const *x, float *out) {
    dot_lines(dtype, &line, k, tokens, x, out, 1);
}

static void dot_pair(matmul_dtype dtype, const void *first, const void *second, int64_t k, int tokens,
                     const float *const *x, float *out) {
    const void *lines[2] = {first, second};
    dot_lines(dtype, lines, k, tokens, x, out, 2);
}

INLINE void add_lines_as(matmul_dtype dtype, const void *lines, int64_t stride, int line_count, int64_t count,
                         int tokens, const float *const *x, float *const *sums) {
    const int64_t size = matmul_dtype_bytes(dtype),
                  ahead = (4 + 8192 / (count * size + 1)) * stride; /* the hardware loses short lines */
    int64_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH) {
        vec w[4];
        for (int l = 0; l < line_count; l++) {
            w[l] = load_any(dtype, lines, l * stride + i);
            PREFETCH((const char *)lines + (l * stride + i + ahead) * size);
        }
        UNROLL(4)
        for (int t = 0; t < tokens; t++) {
            vec s = v_load(sums[t] + i);
            for (int l = 0; l < line_count; l++) s = v_fma(v_set1(x[t][l]), w[l], s);
            v_store(sums[t] + i, s);
        }
    }
    for (; i < count; i++)
        for (int t = 0; t < tokens; t++)
            for (int l = 0; l < line_count; l++)
                sums[t][i] = s_fma(x[t][l], load_as_float(dtype, lines, l * stride + i), sums[t][i]);
}

/* Whole passes of four lines and four tokens keep all factors in registers. */
INLINE void add_lines_of(matmul_dtype dtype, const void *lines, int64_t stride, int line_count, int64_t count,
                         int tokens, const float *const *x, float *const *sums) {
    if (line_count == 4 && tokens == 4)
        add_lines_as(dtype, lines, stride, 4, count, 4, x, sums);
    else if (line_count == 4)
        add_lines_as(dtype, lines, stride, 4, count, tokens, x, sums);
    else
        add_lines_as(dtype, lines, stride, line_count, count, tokens, x, sums);
}

static void add_lines(matmul_dtype dtype, const void *lines, int64_t stride, int line_count, int64_t count, int tokens,
                      const float *const *x, float *const *sums) {
    if (dtype == MATMUL_F32)
        add_lines_of(MATMUL_F32, lines, stride, line_count, count, tokens, x, sums);
    else if (dtype == MATMUL_BF16)
        add_lines_of(MATMUL_BF16, lines, stride, line_count, count, tokens, x, sums);
    else
        add_lines_of(MATMUL_F16, lines, stride, line_count, count, tokens, x, sums);
}

const matmul_kit KIT = {.widen = widen,
                        .narrow = narrow,
                        .transpose = transpose,
                        .narrow_turned = narrow_turned,
                        .dequantize = dequantize,
                        .dot = dot,
                        .dot_pair = dot_pair,
                        .add_lines = add_lines};
