/* Planes of bytes by vpdpbusd on 64-byte registers, for the words included before it: `unpack_any` and `set_tables`
   (how widths other than 4 and 8 are unpacked); PLANES(kind) names the formats. Float32 tokens take three planes, half
   tokens two. Two lines are in flight, each with two prefetches per line of the cache, into the second level and then
   into the first: that is what reaches the speed of memory (docs/design/cpu-matmul.md). The layout of the weights is
   the file's; only the token is rearranged. */

enum { NEAR = 1024, FAR = 3072, SCALES_AHEAD = 1024 }; /* bytes ahead */
enum { ANY_BITS = 0 };
enum { TWO = 2, THREE = 3 }; /* planes */

/* Into the second level, which has room for more on the way. */
#define FETCH_FAR(p) __builtin_prefetch((p), 0, 2)

/* Bits from plane to plane. */
INLINE unsigned plane_shift(int planes) {
    return planes == TWO ? 8 : 7;
}

/* Values in one 64-byte register of unpacked weights and the bytes they come from: 4-bit weights fill two registers,
 * even and odd values.
 */
INLINE int64_t block_values(int bits) {
    return bits == 4 ? 128 : 64;
}

INLINE void store_plane(__m512i values, int8_t *plane, int64_t place, int bits) {
    __m128i bytes = _mm512_cvtepi32_epi8(values);
    if (bits != 4) {
        _mm_storeu_si128((__m128i *)(plane + place), bytes);
        return;
    }
    bytes = _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
    _mm_storel_epi64((__m128i *)(plane + place / 2), bytes);
    _mm_storel_epi64((__m128i *)(plane + 64 + place / 2), _mm_srli_si128(bytes, 8));
}

/* Splits one group; returns the sum of its rounded values. */
INLINE int split_group(const float *x, int64_t first, int group, float inverse, int8_t *planes, int bits, int count) {
    const unsigned shift = plane_shift(count);
    const __m512i half = _mm512_set1_epi32(1 << (shift - 1)), low = _mm512_set1_epi32((1 << shift) - 1);
    __m512i total = _mm512_setzero_si512();
    int64_t block = block_values(bits);
    for (int64_t i = first; i < first + group; i += 16) {
        __m512i rest = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(inverse)));
        int8_t *to = planes + i / block * block * count;
        total = _mm512_add_epi32(total, rest);
        UNROLL(2)
        for (int plane = count - 1; plane > 0; plane--) {
            __m512i digit = _mm512_sub_epi32(_mm512_and_si512(_mm512_add_epi32(rest, half), low), half);
            store_plane(digit, to + plane * block, i % block, bits);
            rest = _mm512_srai_epi32(_mm512_sub_epi32(rest, digit), shift);
        }
        store_plane(rest, to, i % block, bits);
    }
    return _mm512_reduce_add_epi32(total);
}

static uint32_t largest_magnitude(const float *x, int64_t count) {
    __m512i most = _mm512_setzero_si512();
    for (int64_t i = 0; i < count; i += 16)
        most = _mm512_max_epu32(most, _mm512_and_si512(_mm512_loadu_si512(x + i), _mm512_set1_epi32(0x7fffffff)));
    return _mm512_reduce_max_epu32(most);
}

INLINE bool split(const quantized_lines *q, const float *x, int64_t k, void *planes, float *steps, float *sums,
                  int count) {
    const float most = (float)(127 << plane_shift(count) * (unsigned)(count - 1));
    for (int64_t g = 0; g < k / q->group; g++) {
        uint32_t bits = largest_magnitude(x + g * q->group, q->group);
        float largest = float_of_bits(bits), inverse = bits ? most / largest : 0;
        if (bits >= 0x7f800000u || (bits && largest < 1e-20f)) return false;
        int sum = q->bits == 4 ? split_group(x, g * q->group, q->group, inverse, planes, 4, count)
                               : split_group(x, g * q->group, q->group, inverse, planes, 8, count);
        steps[g] = largest / most;
        sums[g] = steps[g] * (float)sum;
    }
    return true;
}

/* The vectors of `unpack`. */
typedef struct {
    __m512i table[PLANES_TABLES];
    uint64_t load; /* bytes of 64 values */
} unpacking;

static unpacking read_tables(const planes_pass *pass, int bits) {
    unpacking u = {.load = (1ull << 8 * (pass->bits & 7)) - 1};
    for (int i = 0; i < PLANES_TABLES && bits == ANY_BITS; i++) u.table[i] = _mm512_load_si512(pass->tables[i]);
    return u;
}

INLINE __m512 load_scales(matmul_dtype dtype, const char *scales, int64_t group, __mmask16 mask) {
    if (dtype == MATMUL_F32) return _mm512_maskz_loadu_ps(mask, scales + group * 4);
    __m256i h = _mm256_maskz_loadu_epi16(mask, scales + group * 2);
    if (dtype == MATMUL_F16) return _mm512_cvtph_ps(h);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

INLINE __m512i unpack(const unpacking *u, const uint8_t *p, int bits, __mmask64 keep) {
    if (bits == 8) return _mm512_maskz_loadu_epi8(keep, p);
    return unpack_any(u->table, _mm512_maskz_loadu_epi8(keep & u->load, p));
}

/* The registers of unpacked weights (two of nibbles) by all planes, the highest first. */
INLINE __m512i multiply_planes(const __m512i *weights, int registers, const int8_t *planes, int count) {
    __m512i d = _mm512_setzero_si512();
    UNROLL(3)
    for (int plane = 0; plane < count; plane++) {
        if (plane) d = _mm512_slli_epi32(d, plane_shift(count));
        UNROLL(2)
        for (int i = 0; i < registers; i++, planes += 64)
            d = _mm512_dpbusd_epi32(d, weights[i], _mm512_loadu_si512(planes));
    }
    return d;
}

/* The group, counted from the first of 16, that each 32-bit lane of block `b` belongs to. */
INLINE __m512i lane_groups(int64_t b, int bits, int group) {
    int values = (int)block_values(bits), lane = values / 16;
    __m512i lanes = _mm512_setr_epi32(0, lane / group, 2 * lane / group, 3 * lane / group, 4 * lane / group,
                                      5 * lane / group, 6 * lane / group, 7 * lane / group, 8 * lane / group,
                                      9 * lane / group, 10 * lane / group, 11 * lane / group, 12 * lane / group,
                                      13 * lane / group, 14 * lane / group, 15 * lane / group);
    return _mm512_add_epi32(lanes, _mm512_set1_epi32((int)b * values / group));
}

/* Block b of the run of up to 16 groups that begins at `value`: the products of lines first .. last with all tokens. */
INLINE void block(const planes_pass *pass, const unpacking *u, planes_pair *pair, int first, int last, int64_t value,
                  int64_t b, __mmask64 keep, __m512 (*scale)[PLANES_TOKENS], __m512 (*total)[PLANES_TOKENS], int bits,
                  int group, int tokens, int count) {
    const __m512i nibble = _mm512_set1_epi8(15), groups = lane_groups(b, bits, group);
    const int64_t bytes = bits == ANY_BITS ? 8 * pass->bits : 64;
    const int64_t planes_at = (value + b * block_values(bits)) * count;
    __m512i weights[2][2];
    UNROLL(2)
    for (int l = first; l <= last; l++) {
        const uint8_t *p = pair->packed[l];
        PREFETCH(p + NEAR);
        FETCH_FAR(p + FAR);
        pair->packed[l] += bytes;
        if (bits == 4) {
            __m512i w = _mm512_maskz_loadu_epi8(keep, p);
            weights[l][0] = _mm512_and_si512(w, nibble);
            weights[l][1] = _mm512_and_si512(_mm512_srli_epi16(w, 4), nibble);
        } else {
            weights[l][0] = unpack(u, p, bits, keep);
        }
    }
    UNROLL(4)
    for (int t = 0; t < tokens; t++) {
        const int8_t *planes = (const int8_t *)pass->planes[t] + planes_at;
        UNROLL(2)
        for (int l = first; l <= last; l++) {
            __m512i d = multiply_planes(weights[l], bits == 4 ? 2 : 1, planes, count);
            total[l][t] =
                _mm512_fmadd_ps(_mm512_cvtepi32_ps(d), _mm512_permutexvar_ps(groups, scale[l][t]), total[l][t]);
        }
    }
}

/* Scales times steps of up to 16 groups, and the biases' share of the totals. */
INLINE void begin_groups(const planes_pass *pass, const planes_pair *pair, int64_t g, __mmask16 mask,
                         __m512 (*scale)[PLANES_TOKENS], __m512 (*total)[PLANES_TOKENS], int tokens) {
    UNROLL(2)
    for (int l = 0; l < 2; l++) {
        int64_t byte = g * matmul_dtype_bytes(pass->scale_dtype);
        FETCH_FAR(pair->scales[l] + byte + SCALES_AHEAD);
        FETCH_FAR(pair->biases[l] + byte + SCALES_AHEAD);
        __m512 s = load_scales(pass->scale_dtype, pair->scales[l], g, mask),
               b = load_scales(pass->scale_dtype, pair->biases[l], g, mask);
        UNROLL(4)
        for (int t = 0; t < tokens; t++) {
            scale[l][t] = _mm512_mul_ps(s, _mm512_loadu_ps(pass->steps[t] + g));
            total[l][t] = _mm512_fmadd_ps(b, _mm512_loadu_ps(pass->sums[t] + g), total[l][t]);
        }
    }
}

/* out[l][t] for two lines. */
INLINE void pair_kernel(const planes_pass *pass, const planes_pair *lines, float (*out)[PLANES_TOKENS], int bits,
                        int group, int tokens, int count) {
    const int run = group == 128 ? 8 : 16, values = (int)block_values(bits), blocks = run * group / values;
    const int turn = bits == 8 ? 8 : 1; /* blocks of one line before the other's: measured */
    __m512 total[2][PLANES_TOKENS], scale[2][PLANES_TOKENS];
    UNROLL(4)
    for (int t = 0; t < tokens; t++) total[0][t] = total[1][t] = _mm512_setzero_ps();
    const unpacking tables = read_tables(pass, bits);
    planes_pair moving = *lines, *pair = &moving;
    int64_t value = 0;
    for (; value + run * group <= pass->k; value += run * group) {
        begin_groups(pass, pair, value / group, (__mmask16)((1u << run) - 1), scale, total, tokens);
        if (tokens == 1) {
            for (int64_t b = 0; b < blocks; b += turn) {
                UNROLL(8)
                for (int64_t i = b; i < b + turn; i++)
                    block(pass, &tables, pair, 0, 0, value, i, ~0ull, scale, total, bits, group, 1, count);
                UNROLL(8)
                for (int64_t i = b; i < b + turn; i++)
                    block(pass, &tables, pair, 1, 1, value, i, ~0ull, scale, total, bits, group, 1, count);
            }
        } else {
            UNROLL(2)
            for (int64_t b = 0; b < blocks; b++)
                block(pass, &tables, pair, 0, 1, value, b, ~0ull, scale, total, bits, group, tokens, count);
        }
    }
    int64_t rest = pass->k - value;
    if (rest) begin_groups(pass, pair, value / group, (__mmask16)((1u << rest / group) - 1), scale, total, tokens);
    for (int64_t b = 0; b * values < rest; b++) {
        int64_t bytes = (rest - b * values) * (bits == ANY_BITS ? pass->bits : bits) / 8;
        block(pass, &tables, pair, 0, 1, value, b, bytes >= 64 ? ~0ull : (1ull << bytes) - 1, scale, total, bits, group,
              tokens, count);
    }
    for (int l = 0; l < 2; l++)
        for (int t = 0; t < tokens; t++) out[l][t] = _mm512_reduce_add_ps(total[l][t]);
}

#define KERNEL(bits, group, tokens, kind)                                                                              \
    static void planes_##bits##_##group##_##tokens##_##kind(const planes_pass *pass, const planes_pair *pair,          \
                                                            float(*out)[PLANES_TOKENS]) {                              \
        pair_kernel(pass, pair, out, bits, group, tokens, kind);                                                       \
    }
#define NAME(bits, group, tokens, kind) planes_##bits##_##group##_##tokens##_##kind,
/* clang-format off */
#define EACH_TOKENS(M, bits, group, kind) M(bits, group, 1, kind) M(bits, group, 2, kind) M(bits, group, 4, kind)
#define EACH_GROUP(M, bits, kind)                                                                                      \
    EACH_TOKENS(M, bits, 32, kind) EACH_TOKENS(M, bits, 64, kind) EACH_TOKENS(M, bits, 128, kind)
#define EACH(M, kind) EACH_GROUP(M, 0, kind) EACH_GROUP(M, 4, kind) EACH_GROUP(M, 8, kind)
/* clang-format on */
EACH(KERNEL, TWO)
EACH(KERNEL, THREE)

static planes_kernel *find_kernel(planes_kernel *const *kernels, const quantized_lines *q, int tokens) {
    int bits = q->bits == 4 ? 1 : q->bits == 8 ? 2 : 0, group = q->group == 32 ? 0 : q->group == 64 ? 1 : 2;
    return kernels[(bits * 3 + group) * 3 + tokens / 2];
}

static planes_kernel *find_two(const quantized_lines *q, int tokens) {
    static planes_kernel *const kernels[] = {EACH(NAME, TWO)};
    return find_kernel(kernels, q, tokens);
}

static planes_kernel *find_three(const quantized_lines *q, int tokens) {
    static planes_kernel *const kernels[] = {EACH(NAME, THREE)};
    return find_kernel(kernels, q, tokens);
}

static bool split_two(const quantized_lines *q, const float *x, int64_t k, void *planes, float *steps, float *sums) {
    return split(q, x, k, planes, steps, sums, TWO);
}

static bool split_three(const quantized_lines *q, const float *x, int64_t k, void *planes, float *steps, float *sums) {
    return split(q, x, k, planes, steps, sums, THREE);
}

const planes_format PLANES(two_bytes) = {
    .value_bytes = TWO, .split = split_two, .set_tables = set_tables, .find = find_two};
const planes_format PLANES(bytes) = {
    .value_bytes = THREE, .split = split_three, .set_tables = set_tables, .find = find_three};
