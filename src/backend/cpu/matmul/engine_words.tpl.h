/* Half tokens by packed weights in integers, for the words included before it: `multiply_words(w, x, depth, sums)` for
   ROWS lines and COLUMNS columns, DEPTH words from line to line. ENGINE and ENGINE_NAME are the names. A token is one
   plane of words (planes.h), weights stay as they are, and the sums of a group are exact in int32; then scale, step and
   bias turn them into f32 sums. 6 rows by 16 columns in registers.

   Panel: [24][256] words, then scales [24][8] and biases [24][8] of the block's groups. Stripe: for each 16 columns the
   words [depth / 2][16][2], then steps [groups][16] and sums [groups][16]. */
#include "cpu/matmul/engine_f32.h"
#include "cpu/matmul/unpack_avx2.h"

enum { PANEL_ROWS = 24, STEP = 32, MOST_GROUPS = DEPTH / STEP };

typedef struct {
    int16_t words[PANEL_ROWS][DEPTH];
    float scales[PANEL_ROWS][MOST_GROUPS], biases[PANEL_ROWS][MOST_GROUPS];
} words_panel;

/* ---- weights */

/* 32 values in order. */
INLINE void unpack_32(const uint8_t *p, const pair_tables *t, int bits, int16_t *out) {
    __m256i low, high;
    if (bits == 8) {
        low = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
        high = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(p + 16)));
    } else {
        __m256i w[2];
        unpack_pairs(p, t, bits, w);
        __m256i a = _mm256_unpacklo_epi16(w[0], w[1]), b = _mm256_unpackhi_epi16(w[0], w[1]);
        low = _mm256_permute2x128_si256(a, b, 0x20), high = _mm256_permute2x128_si256(a, b, 0x31);
    }
    _mm256_storeu_si256((__m256i *)out, low);
    _mm256_storeu_si256((__m256i *)(out + 16), high);
}

/* The last values of a line are copied first, to where reading past them does no harm. */
static void unpack_line(const uint8_t *p, const pair_tables *t, int bits, int depth, int16_t *out) {
    int last = depth > 2 * STEP ? depth - 2 * STEP : 0, i = 0;
    uint8_t copy[2 * STEP + 16] = {0};
    for (; i < last; i += STEP) unpack_32(p + i * bits / 8, t, bits, out + i);
    memcpy(copy, p + last * bits / 8, (size_t)((depth - last) * bits / 8));
    for (; i < depth; i += STEP) unpack_32(copy + (i - last) * bits / 8, t, bits, out + i);
}

static void fill(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int64_t k, int depth,
                 void *to) {
    (void)engine;
    const quantized_lines *q = rows->quantized;
    words_panel *panel = to;
    uint8_t tables[4][64];
    make_pair_tables(q->bits, tables);
    const pair_tables t = read_pair_tables(tables);
    memset(panel->words[count], 0, (size_t)(PANEL_ROWS - count) * sizeof panel->words[0]);
    memset(panel->scales, 0, 2 * sizeof panel->scales);
    for (int i = 0; i < count; i++) {
        int64_t first = (row + i) * q->group_stride + k / q->group;
        unpack_line(q->packed + (row + i) * q->packed_stride + k * q->bits / 8, &t, q->bits, depth, panel->words[i]);
        for (int g = 0; g < depth / q->group; g++) {
            panel->scales[i][g] = load_as_float(q->scale_dtype, q->scales, first + g);
            panel->biases[i][g] = load_as_float(q->scale_dtype, q->biases, first + g);
        }
    }
}

/* ---- tokens */

/* Rounds a group to multiples of its step, which is returned; unfit ones (matmul_words_unfit) become zeros. */
INLINE float round_group(const float *x, int group, int16_t *out, float *sum) {
    __m256i most = _mm256_setzero_si256(), total = most, ones = _mm256_set1_epi16(1);
    for (int i = 0; i < group; i += 8)
        most = _mm256_max_epu32(
            most, _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x + i)), _mm256_set1_epi32(0x7fffffff)));
    __m128i half = _mm_max_epu32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
    uint32_t magnitude = (uint32_t)_mm_cvtsi128_si32(half);
    float largest = magnitude < 0x7f800000u ? float_of_bits(magnitude) : 0,
          inverse = largest >= 1e-20f ? 32767 / largest : 0;
    for (int i = 0; i < group; i += 16) {
        __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(inverse)));
        __m256i b = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i + 8), _mm256_set1_ps(inverse)));
        __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
        total = _mm256_add_epi32(total, _mm256_madd_epi16(words, ones));
        _mm256_storeu_si256((__m256i *)(out + i), words);
    }
    half = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xb1));
    *sum = largest / 32767 * (float)_mm_cvtsi128_si32(half);
    return largest / 32767;
}

/* Sixteen columns; missing ones are zeros. */
static void pack_columns(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count,
                         int64_t k, int depth, int group, char *to) {
    float x[COLUMNS][DEPTH];
    int16_t words[COLUMNS][DEPTH];
    float *steps = (float *)(void *)(to + depth * COLUMNS * 2), *sums = steps + depth / STEP * COLUMNS;
    memset(words, 0, sizeof words);
    memset(steps, 0, (size_t)(depth / STEP * COLUMNS) * 8);
    if (count > 0) {
        bool by_depth = columns->stride == 1 && columns->depth_stride != 1;
        matmul_region r = by_depth ? (matmul_region){k, depth, column, count, DEPTH, true}
                                   : (matmul_region){column, count, k, depth, DEPTH, false};
        matmul_read_dense(engine->kit, columns, by_depth, &r, x[0]);
    }
    for (int i = 0; i < count; i++)
        for (int g = 0; g < depth / group; g++)
            steps[g * COLUMNS + i] = round_group(x[i] + g * group, group, words[i] + g * group, &sums[g * COLUMNS + i]);
    /* pairs of words are turned as floats are */
    engine->kit->transpose((const float *)(const void *)words, DEPTH / 2, COLUMNS, depth / 2, (float *)(void *)to,
                           COLUMNS);
}

static void pack(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count, int width,
                 int64_t k, int depth, const quantized_lines *rows, void *stripe) {
    char *to = stripe;
    for (int c = 0; c < width; c += COLUMNS, to += depth / STEP * COLUMNS * engine->step_bytes)
        pack_columns(engine, columns, column + c, count - c < COLUMNS ? count - c : COLUMNS, k, depth, rows->group, to);
}

/* ---- products */

/* The sums of one group become f32: sums = (scale * step) * product + bias * sum of x, added to what is there. */
INLINE void add_group(const words_panel *panel, int row, int g, __m256i (*product)[2], const float *steps,
                      const float *sums_of_x, float *sums, int64_t stride, bool first) {
    UNROLL(6)
    for (int i = 0; i < ROWS; i++) {
        __m256 scale = _mm256_broadcast_ss(&panel->scales[row + i][g]),
               bias = _mm256_broadcast_ss(&panel->biases[row + i][g]);
        UNROLL(2)
        for (int v = 0; v < 2; v++) {
            float *to = sums + i * stride + 8 * v;
            __m256 before = first ? _mm256_setzero_ps() : _mm256_loadu_ps(to);
            __m256 scaled = _mm256_mul_ps(_mm256_cvtepi32_ps(product[i][v]), _mm256_loadu_ps(steps + 8 * v));
            before = _mm256_fmadd_ps(bias, _mm256_loadu_ps(sums_of_x + 8 * v), before);
            _mm256_storeu_ps(to, _mm256_fmadd_ps(scaled, scale, before));
        }
    }
}

/* 6 rows by 16 columns, group by group. */
static void micro(const words_panel *panel, int row, const char *stripe, int depth, int group, float *sums,
                  int64_t stride, bool first) {
    const int16_t *x = (const int16_t *)(const void *)stripe;
    const float *steps = (const float *)(const void *)(stripe + depth * COLUMNS * 2),
                *sums_of_x = steps + depth / STEP * COLUMNS;
    for (int g = 0, k = 0; k < depth; g++, k += group, x += group * COLUMNS) {
        __m256i product[ROWS][2];
        UNROLL(6)
        for (int i = 0; i < ROWS; i++) product[i][0] = product[i][1] = _mm256_setzero_si256();
        multiply_words(panel->words[row] + k, x, group, product);
        add_group(panel, row, g, product, steps + g * COLUMNS, sums_of_x + g * COLUMNS, sums, stride, first && g == 0);
    }
}

static void multiply(const matmul_engine *engine, const quantized_lines *lines, const void *panel, int rows,
                     const void *stripe, int width, int depth, const matmul_target *to, matmul_coming *coming) {
    (void)coming;
    float *sums = to->sums;
    for (int c = 0; c < width; c += COLUMNS)
        for (int row = 0; row < rows; row += ROWS)
            micro(panel, row, (const char *)stripe + c * (depth / STEP) * engine->step_bytes, depth, lines->group,
                  sums + row * to->stride + c, to->stride, to->first);
}

const matmul_engine ENGINE = {.name = ENGINE_NAME,
                              .kit = &matmul_kit_avx2,
                              .panel_rows = PANEL_ROWS,
                              .narrow_stripe = COLUMNS,
                              .depth_block = DEPTH,
                              .panel_line = DEPTH,
                              .depth_step = STEP,
                              .sum_bytes = sizeof(float),
                              .step_bytes = 2 * STEP + 2 * (int)sizeof(float),
                              .parts = 1,
                              .block_bytes = 512 << 10,
                              .fill = fill,
                              .pack = pack,
                              .multiply = multiply};
