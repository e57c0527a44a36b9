/* Planes on 32-byte registers, for the words included before it: `add_words(sum, a, b)` (sums of two products of words)
   and `three_planes(w, planes, again, sums)` (64 nibbles of two lines by three planes of bytes). PLANES(kind) names the
   formats. Float32 tokens take three planes of bytes at 4 bits and two of words elsewhere, half tokens one plane of
   words.

   64 values unpack into four registers of words, 4 bits: values 4 * lane + register; other widths: even and odd values
   of 32 each. Planes lie in that order. Two lines are in flight, with two prefetches per line of the cache each.

   What these kernels do is bound by computing as much as by memory: an address takes one addition for each step or run,
   and planes are operands in memory, which take no instruction of their own. */
#include "cpu/matmul/unpack_avx2.h"

enum { NEAR = 1024, FAR = 3072, SCALES = 1024 };                 /* bytes ahead */
enum { RUN = 8, ANY_BITS = 0, MOST_BITS = 8, MOST_GROUP = 128 }; /* RUN: groups whose scales are read at once */
enum { WORDS = 2, BYTES = 3, TWO_WORDS = 4 };                    /* kinds: bytes of a value */

/* Values that a step takes from each line: no step but that of nibbles spans two groups. */
INLINE int step_values(int bits, int group) {
    return bits == 4 || group > 32 ? 64 : 32;
}

INLINE __m256i load(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}

/* ---- splitting */

/* Where value i of a step lies in a plane of words, or of bytes. */
INLINE int place_of(int i, int kind, int bits) {
    if (kind == BYTES) return i % 2 * 32 + i / 2;
    return bits == 4 ? i % 4 * 16 + i / 4 : i / 32 * 32 + i % 2 * 16 + i % 32 / 2;
}

INLINE void store_step(const int32_t *u, void *planes, int kind, int bits, int count) {
    int16_t *words = planes;
    int8_t *bytes = planes;
    for (int i = 0; i < count; i++) {
        int place = place_of(i, kind, bits);
        if (kind == WORDS) {
            words[place] = (int16_t)u[i];
        } else if (kind == TWO_WORDS) {
            int32_t high = (u[i] + 16384) >> 15;
            words[place] = (int16_t)high;
            words[count + place] = (int16_t)(u[i] - high * 32768);
        } else {
            int32_t l = ((u[i] + 64) & 127) - 64, rest = (u[i] - l) >> 7, m = ((rest + 64) & 127) - 64;
            bytes[place] = (int8_t)((rest - m) >> 7);
            bytes[64 + place] = (int8_t)m;
            bytes[128 + place] = (int8_t)l;
        }
    }
}

INLINE uint32_t largest_magnitude(const float *x, int count) {
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < count; i += 8)
        most = _mm256_max_epu32(most, _mm256_and_si256(load(x + i), _mm256_set1_epi32(0x7fffffff)));
    uint32_t lanes[8], largest = 0;
    _mm256_storeu_si256((__m256i *)lanes, most);
    for (int i = 0; i < 8; i++) largest = lanes[i] > largest ? lanes[i] : largest;
    return largest;
}

/* Rounds the values of group g to multiples of its step; false if they are unfit. */
INLINE bool round_group(const float *x, int64_t g, int group, float most, int32_t *u, float *steps, float *sums) {
    uint32_t magnitude = largest_magnitude(x + g * group, group);
    float largest = float_of_bits(magnitude), inverse = magnitude ? most / largest : 0;
    if (magnitude >= 0x7f800000u || (magnitude && largest < 1e-20f)) return false;
    int64_t total = 0;
    for (int i = 0; i < group; i += 8) {
        __m256 v = _mm256_loadu_ps(x + g * group + i);
        _mm256_storeu_si256((__m256i *)(u + i), _mm256_cvtps_epi32(_mm256_mul_ps(v, _mm256_set1_ps(inverse))));
    }
    for (int i = 0; i < group; i++) total += u[i];
    steps[g] = largest / most;
    sums[g] = (float)((double)steps[g] * (double)total);
    return true;
}

INLINE bool split(const quantized_lines *q, const float *x, int64_t k, char *planes, float *steps, float *sums,
                  int kind, int bits) {
    const float most = kind == WORDS ? 32767 : kind == BYTES ? 127 * 128 * 128 : 32767.0f * 32768;
    const int group = q->group, values = step_values(bits, group), count = group > values ? group : values;
    int32_t u[MOST_GROUP] = {0};
    for (int64_t first = 0; first < k; first += count) {
        for (int i = 0; i < count; i += group) {
            if (first + i == k) /* a step may hold one group more */
                memset(u + i, 0, (size_t)group * sizeof *u);
            else if (!round_group(x, (first + i) / group, group, most, u + i, steps, sums))
                return false;
        }
        for (int i = 0; i < count; i += values) store_step(u + i, planes + (first + i) * kind, kind, bits, values);
    }
    return true;
}

/* ---- unpacking */

static void set_tables(planes_pass *pass) {
    make_pair_tables(pass->bits, pass->tables);
}

/* The values of a step: registers of words, or for planes of bytes even and odd values. */
INLINE void unpack(const uint8_t *p, const pair_tables *u, int64_t any_bits, __m256i *w, int kind, int bits,
                   int values) {
    if (bits == 4) {
        const __m256i packed = load(p), mask = kind == BYTES ? _mm256_set1_epi8(15) : _mm256_set1_epi16(15);
        w[0] = _mm256_and_si256(packed, mask);
        w[1] = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
        if (kind == BYTES) return;
        w[2] = _mm256_and_si256(_mm256_srli_epi16(packed, 8), mask);
        w[3] = _mm256_srli_epi16(packed, 12);
        return;
    }
    UNROLL(2)
    for (int i = 0; i < values / 32; i++) {
        if (bits == 8) {
            w[2 * i] = _mm256_and_si256(load(p + 32 * i), _mm256_set1_epi16(255));
            w[2 * i + 1] = _mm256_srli_epi16(load(p + 32 * i), 8);
        } else {
            unpack_pairs(p + 4 * i * any_bits, u, any_bits, w + 2 * i);
        }
    }
}

/* ---- multiplying */

INLINE __m256i plane_of_words(const __m256i *w, const int16_t *plane, int registers) {
    __m256i sum = _mm256_setzero_si256();
    UNROLL(4)
    for (int i = 0; i < registers; i++) sum = add_words(sum, w[i], load(plane + 16 * i));
    return sum;
}

INLINE __m256 product_of_words(const __m256i *w, const char *planes, int kind, int values) {
    const int16_t *words = (const int16_t *)(const void *)planes;
    __m256 high = _mm256_cvtepi32_ps(plane_of_words(w, words, values / 16));
    if (kind == WORDS) return high;
    return _mm256_fmadd_ps(high, _mm256_set1_ps(32768),
                           _mm256_cvtepi32_ps(plane_of_words(w, words + values, values / 16)));
}

/* Of both lines, which read planes on their own: the compiler would load them once for both, which takes instructions
   of their own. */
INLINE void step_products(__m256i (*w)[4], const char *planes, int kind, int values, __m256 *product) {
    if (kind == BYTES) {
        const char *again = planes;
        __m256i sums[2];
        ONE_BY_ONE(again);
        three_planes(w, (const int8_t *)planes, (const int8_t *)again, sums);
        product[0] = _mm256_cvtepi32_ps(sums[0]), product[1] = _mm256_cvtepi32_ps(sums[1]);
    } else {
        ONE_BY_ONE(planes);
        product[0] = product_of_words(w[0], planes, kind, values);
        ONE_BY_ONE(planes);
        product[1] = product_of_words(w[1], planes, kind, values);
    }
}

/* The scale of each lane of a step that begins at `value` of the run. */
INLINE __m256 lane_scales(const float *scales, uint32_t value, uint32_t group, uint32_t values) {
    const float *s = scales + value / group;
    if (group >= values) return _mm256_broadcast_ss(s);
    return _mm256_blend_ps(_mm256_broadcast_ss(s), _mm256_broadcast_ss(s + 1), 0xf0);
}

INLINE __m256 load_scales(matmul_dtype dtype, const char *scales) {
    if (dtype == MATMUL_F32) return _mm256_loadu_ps((const float *)(const void *)scales);
    __m128i h = _mm_loadu_si128((const __m128i *)(const void *)scales);
    if (dtype == MATMUL_F16) return _mm256_cvtph_ps(h);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

/* Where a run begins: in the lines, in the planes of all tokens, and which group it is. */
typedef struct {
    planes_pair lines;
    const char *planes[PLANES_TOKENS];
    int64_t group;
} planes_place;

/* Scales times steps of a run, and the biases' share of the totals. */
INLINE void begin_run(const planes_pass *pass, const planes_place *at, float (*scale)[PLANES_TOKENS][RUN],
                      __m256 (*total)[PLANES_TOKENS], int tokens) {
    UNROLL(2)
    for (int l = 0; l < 2; l++) {
        PREFETCH(at->lines.scales[l] + SCALES);
        PREFETCH(at->lines.biases[l] + SCALES);
        __m256 s = load_scales(pass->scale_dtype, at->lines.scales[l]),
               b = load_scales(pass->scale_dtype, at->lines.biases[l]);
        UNROLL(4)
        for (int t = 0; t < tokens; t++) {
            _mm256_storeu_ps(scale[l][t], _mm256_mul_ps(s, _mm256_loadu_ps(pass->steps[t] + at->group)));
            total[l][t] = _mm256_fmadd_ps(b, _mm256_loadu_ps(pass->sums[t] + at->group), total[l][t]);
        }
    }
}

/* One step of both lines, `v` values into the run, with all tokens. */
INLINE void step(const pair_tables *u, int64_t any_bits, const uint8_t *const *packed, const char **planes, uint32_t v,
                 float (*scale)[PLANES_TOKENS][RUN], __m256 (*total)[PLANES_TOKENS], int kind, int bits, int group,
                 int tokens) {
    const int values = step_values(bits, group);
    __m256i w[2][4];
    UNROLL(2)
    for (int l = 0; l < 2; l++) unpack(packed[l], u, any_bits, w[l], kind, bits, values);
    UNROLL(4)
    for (int t = 0; t < tokens; t++) {
        __m256 product[2];
        step_products(w, planes[t], kind, values, product);
        UNROLL(2)
        for (int l = 0; l < 2; l++)
            total[l][t] = _mm256_fmadd_ps(product[l], lane_scales(scale[l][t], v, (uint32_t)group, (uint32_t)values),
                                          total[l][t]);
        planes[t] += values * kind;
    }
}

/* `count` values, and up to a line of the cache more: there, scales are zero. Leaves weights and planes behind them. */
INLINE void run_of_groups(const planes_pass *pass, const pair_tables *u, planes_place *at, uint32_t count,
                          __m256 (*total)[PLANES_TOKENS], int kind, int bits, int group, int tokens) {
    const uint32_t values = (uint32_t)step_values(bits, group),
                   turn = bits == 4 ? 2 : 1; /* steps to a line of the cache */
    const int64_t bytes = values * (uint32_t)(bits == ANY_BITS ? pass->bits : bits) / 8;
    float scale[2][PLANES_TOKENS][RUN];
    begin_run(pass, at, scale, total, tokens);
    ROLLED
    for (uint32_t v = 0; v < count;) {
        UNROLL(2)
        for (int l = 0; l < 2; l++) {
            PREFETCH(at->lines.packed[l] + NEAR);
            PREFETCH(at->lines.packed[l] + FAR);
        }
        UNROLL(2)
        for (uint32_t i = 0; i < turn; i++, v += values) {
            step(u, pass->bits, at->lines.packed, at->planes, v, scale, total, kind, bits, group, tokens);
            at->lines.packed[0] += bytes;
            at->lines.packed[1] += bytes;
        }
        ONE_BY_ONE(at->lines.packed[0]);
        ONE_BY_ONE(at->lines.packed[1]);
    }
}

/* The end of a line, copied to where reading past it does no harm. */
typedef struct {
    uint8_t packed[2][RUN * MOST_GROUP * MOST_BITS / 8 + 64];
    char scales[2][RUN * 4], biases[2][RUN * 4];
} line_ends;

/* `count` values of a pair from `value` on. */
static __attribute__((noinline)) planes_pair copy_ends(const planes_pass *pass, const planes_pair *pair, int64_t value,
                                                       int64_t count, int group, line_ends *ends) {
    int64_t scale_bytes = matmul_dtype_bytes(pass->scale_dtype), scales = count / group * scale_bytes,
            first = value / group * scale_bytes;
    memset(ends, 0, sizeof *ends);
    for (int l = 0; l < 2; l++) {
        memcpy(ends->packed[l], pair->packed[l] + value * pass->bits / 8, (size_t)(count * pass->bits / 8));
        memcpy(ends->scales[l], pair->scales[l] + first, (size_t)scales);
        memcpy(ends->biases[l], pair->biases[l] + first, (size_t)scales);
    }
    return (planes_pair){
        {ends->packed[0], ends->packed[1]}, {ends->scales[0], ends->scales[1]}, {ends->biases[0], ends->biases[1]}};
}

INLINE void next_run(planes_place *at, int64_t scale_bytes) {
    at->group += RUN;
    UNROLL(2)
    for (int l = 0; l < 2; l++) {
        at->lines.scales[l] += scale_bytes;
        at->lines.biases[l] += scale_bytes;
        ONE_BY_ONE(at->lines.scales[l]);
        ONE_BY_ONE(at->lines.biases[l]);
    }
}

INLINE float sum_of(__m256 v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE void pair_kernel(const planes_pass *pass, const planes_pair *pair, float (*out)[PLANES_TOKENS], int kind,
                        int bits, int group, int tokens) {
    const pair_tables tables = read_pair_tables(pass->tables);
    const int run = RUN * group,
              margin = bits == ANY_BITS ? 48 : 0; /* values whose bytes unpack_pairs reads too many of */
    const int64_t scale_bytes = RUN * matmul_dtype_bytes(pass->scale_dtype);
    planes_place at = {.lines = *pair};
    __m256 total[2][PLANES_TOKENS];
    line_ends ends;
    for (int t = 0; t < tokens; t++) {
        total[0][t] = total[1][t] = _mm256_setzero_ps();
        at.planes[t] = pass->planes[t];
    }
    for (int64_t rest = pass->k; rest > 0; rest -= run) {
        int64_t count = rest < run ? rest : run;
        if (rest < run + margin) at.lines = copy_ends(pass, pair, pass->k - rest, count, group, &ends);
        run_of_groups(pass, &tables, &at, (uint32_t)count, total, kind, bits, group, tokens);
        next_run(&at, scale_bytes);
    }
    for (int l = 0; l < 2; l++)
        for (int t = 0; t < tokens; t++) out[l][t] = sum_of(total[l][t]);
}

/* ---- the kernels: each kind by width, group and tokens */

#define KERNEL(kind, bits, group, tokens)                                                                              \
    static void kind##_##bits##_##group##_##tokens(const planes_pass *pass, const planes_pair *pair,                   \
                                                   float(*out)[PLANES_TOKENS]) {                                       \
        pair_kernel(pass, pair, out, kind, bits, group, tokens);                                                       \
    }
#define NAME(kind, bits, group, tokens) kind##_##bits##_##group##_##tokens,
/* clang-format off */
#define EACH_TOKENS(M, kind, bits, group) M(kind, bits, group, 1) M(kind, bits, group, 2) M(kind, bits, group, 4)
#define EACH_GROUP(M, kind, bits)                                                                                      \
    EACH_TOKENS(M, kind, bits, 32) EACH_TOKENS(M, kind, bits, 64) EACH_TOKENS(M, kind, bits, 128)
/* clang-format on */
EACH_GROUP(KERNEL, WORDS, 0)
EACH_GROUP(KERNEL, WORDS, 4)
EACH_GROUP(KERNEL, WORDS, 8)
EACH_GROUP(KERNEL, TWO_WORDS, 0)
EACH_GROUP(KERNEL, TWO_WORDS, 8)
EACH_GROUP(KERNEL, BYTES, 4)

static planes_kernel *const kernels_of_words[] = {EACH_GROUP(NAME, WORDS, 0) EACH_GROUP(NAME, WORDS, 4)
                                                      EACH_GROUP(NAME, WORDS, 8)};
static planes_kernel *const kernels_of_two_words[] = {EACH_GROUP(NAME, TWO_WORDS, 0) EACH_GROUP(NAME, TWO_WORDS, 8)};
static planes_kernel *const kernels_of_bytes[] = {EACH_GROUP(NAME, BYTES, 4)};

static int group_and_tokens(const quantized_lines *q, int tokens) {
    return (q->group == 32 ? 0 : q->group == 64 ? 3 : 6) + tokens / 2;
}

static planes_kernel *find_words(const quantized_lines *q, int tokens) {
    return kernels_of_words[(q->bits == 4 ? 9 : q->bits == 8 ? 18 : 0) + group_and_tokens(q, tokens)];
}

static planes_kernel *find_two_words(const quantized_lines *q, int tokens) {
    return kernels_of_two_words[(q->bits == 8 ? 9 : 0) + group_and_tokens(q, tokens)];
}

static planes_kernel *find_bytes(const quantized_lines *q, int tokens) {
    return kernels_of_bytes[group_and_tokens(q, tokens)];
}

static bool split_words(const quantized_lines *q, const float *x, int64_t k, void *planes, float *steps, float *sums) {
    return q->bits == 4 ? split(q, x, k, planes, steps, sums, WORDS, 4)
                        : split(q, x, k, planes, steps, sums, WORDS, ANY_BITS);
}

static bool split_two_words(const quantized_lines *q, const float *x, int64_t k, void *planes, float *steps,
                            float *sums) {
    return split(q, x, k, planes, steps, sums, TWO_WORDS, ANY_BITS);
}

static bool split_bytes(const quantized_lines *q, const float *x, int64_t k, void *planes, float *steps, float *sums) {
    return split(q, x, k, planes, steps, sums, BYTES, 4);
}

const planes_format PLANES(words) = {
    .value_bytes = WORDS, .split = split_words, .set_tables = set_tables, .find = find_words};
const planes_format PLANES(two_words) = {
    .value_bytes = TWO_WORDS, .split = split_two_words, .set_tables = set_tables, .find = find_two_words};
const planes_format PLANES(bytes) = {
    .value_bytes = BYTES, .split = split_bytes, .set_tables = set_tables, .find = find_bytes};
