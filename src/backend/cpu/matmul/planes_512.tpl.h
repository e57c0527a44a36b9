/* Planes of bytes by vpdpbusd on 64-byte registers, for the words included before it: `unpack_any` and `set_tables`
   (how widths other than 4 and 8 are unpacked); PLANES is the name of the format. Two lines are in flight, each with
   two prefetches per line of the cache: that is what reaches the speed of memory (docs/design/cpu-matmul.md). The
   layout of the weights is the file's; only the token is rearranged. */

enum { NEAR = 1024, FAR = 3072, SCALE_NEAR = 2048, SCALE_FAR = 6144 }; /* bytes ahead */
enum { ANY_BITS = 0 };

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
INLINE int split_group(const float *x, int64_t first, int group, float inverse, int8_t *planes, int bits) {
    const __m512i half = _mm512_set1_epi32(64), low = _mm512_set1_epi32(127);
    __m512i total = _mm512_setzero_si512();
    int64_t block = block_values(bits);
    for (int64_t i = first; i < first + group; i += 16) {
        __m512i u = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), _mm512_set1_ps(inverse)));
        total = _mm512_add_epi32(total, u);
        __m512i l = _mm512_sub_epi32(_mm512_and_si512(_mm512_add_epi32(u, half), low), half);
        __m512i rest = _mm512_srai_epi32(_mm512_sub_epi32(u, l), 7);
        __m512i m = _mm512_sub_epi32(_mm512_and_si512(_mm512_add_epi32(rest, half), low), half);
        int8_t *to = planes + i / block * block * 3;
        store_plane(_mm512_srai_epi32(_mm512_sub_epi32(rest, m), 7), to, i % block, bits);
        store_plane(m, to + block, i % block, bits);
        store_plane(l, to + 2 * block, i % block, bits);
    }
    return _mm512_reduce_add_epi32(total);
}

static uint32_t largest_magnitude(const float *x, int64_t count) {
    __m512i most = _mm512_setzero_si512();
    for (int64_t i = 0; i < count; i += 16)
        most = _mm512_max_epu32(most, _mm512_and_si512(_mm512_loadu_si512(x + i), _mm512_set1_epi32(0x7fffffff)));
    return _mm512_reduce_max_epu32(most);
}

static bool split(const quantized_lines *q, const float *x, int64_t k, void *planes, float *steps, float *sums) {
    const float most = 127 * 128 * 128;
    for (int64_t g = 0; g < k / q->group; g++) {
        uint32_t bits = largest_magnitude(x + g * q->group, q->group);
        float largest = float_of_bits(bits), inverse = bits ? most / largest : 0;
        if (bits >= 0x7f800000u || (bits && largest < 1e-20f)) return false;
        int sum = q->bits == 4 ? split_group(x, g * q->group, q->group, inverse, planes, 4)
                               : split_group(x, g * q->group, q->group, inverse, planes, 8);
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

INLINE __m512i three_planes(__m512i w, const int8_t *planes) {
    __m512i d = _mm512_dpbusd_epi32(_mm512_setzero_si512(), w, _mm512_loadu_si512(planes));
    d = _mm512_dpbusd_epi32(_mm512_slli_epi32(d, 7), w, _mm512_loadu_si512(planes + 64));
    return _mm512_dpbusd_epi32(_mm512_slli_epi32(d, 7), w, _mm512_loadu_si512(planes + 128));
}

INLINE __m512i three_planes_of_nibbles(__m512i even, __m512i odd, const int8_t *planes) {
    __m512i d = _mm512_dpbusd_epi32(_mm512_setzero_si512(), even, _mm512_loadu_si512(planes));
    d = _mm512_slli_epi32(_mm512_dpbusd_epi32(d, odd, _mm512_loadu_si512(planes + 64)), 7);
    d = _mm512_dpbusd_epi32(d, even, _mm512_loadu_si512(planes + 128));
    d = _mm512_slli_epi32(_mm512_dpbusd_epi32(d, odd, _mm512_loadu_si512(planes + 192)), 7);
    d = _mm512_dpbusd_epi32(d, even, _mm512_loadu_si512(planes + 256));
    return _mm512_dpbusd_epi32(d, odd, _mm512_loadu_si512(planes + 320));
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
                  int group, int tokens) {
    const __m512i nibble = _mm512_set1_epi8(15), groups = lane_groups(b, bits, group);
    const int64_t bytes = bits == ANY_BITS ? 8 * pass->bits : 64;
    const int64_t planes_at = value * 3 + b * block_values(bits) * 3;
    __m512i even[2], odd[2];
    UNROLL(2)
    for (int l = first; l <= last; l++) {
        const uint8_t *p = pair->packed[l];
        PREFETCH(p + NEAR);
        PREFETCH(p + FAR);
        pair->packed[l] += bytes;
        if (bits == 4) {
            __m512i w = _mm512_maskz_loadu_epi8(keep, p);
            even[l] = _mm512_and_si512(w, nibble);
            odd[l] = _mm512_and_si512(_mm512_srli_epi16(w, 4), nibble);
        } else {
            even[l] = odd[l] = unpack(u, p, bits, keep);
        }
    }
    UNROLL(4)
    for (int t = 0; t < tokens; t++) {
        const int8_t *planes = (const int8_t *)pass->planes[t] + planes_at;
        UNROLL(2)
        for (int l = first; l <= last; l++) {
            __m512i d = bits == 4 ? three_planes_of_nibbles(even[l], odd[l], planes) : three_planes(even[l], planes);
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
        PREFETCH(pair->scales[l] + byte + SCALE_NEAR);
        PREFETCH(pair->biases[l] + byte + SCALE_NEAR);
        PREFETCH(pair->scales[l] + byte + SCALE_FAR);
        PREFETCH(pair->biases[l] + byte + SCALE_FAR);
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
                        int group, int tokens) {
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
                    block(pass, &tables, pair, 0, 0, value, i, ~0ull, scale, total, bits, group, 1);
                UNROLL(8)
                for (int64_t i = b; i < b + turn; i++)
                    block(pass, &tables, pair, 1, 1, value, i, ~0ull, scale, total, bits, group, 1);
            }
        } else {
            UNROLL(2)
            for (int64_t b = 0; b < blocks; b++)
                block(pass, &tables, pair, 0, 1, value, b, ~0ull, scale, total, bits, group, tokens);
        }
    }
    int64_t rest = pass->k - value;
    if (rest) begin_groups(pass, pair, value / group, (__mmask16)((1u << rest / group) - 1), scale, total, tokens);
    for (int64_t b = 0; b * values < rest; b++) {
        int64_t bytes = (rest - b * values) * (bits == ANY_BITS ? pass->bits : bits) / 8;
        block(pass, &tables, pair, 0, 1, value, b, bytes >= 64 ? ~0ull : (1ull << bytes) - 1, scale, total, bits, group,
              tokens);
    }
    for (int l = 0; l < 2; l++)
        for (int t = 0; t < tokens; t++) out[l][t] = _mm512_reduce_add_ps(total[l][t]);
}

#define KERNEL(bits, group, tokens)                                                                                    \
    static void planes_##bits##_##group##_##tokens(const planes_pass *pass, const planes_pair *pair,                   \
                                                   float(*out)[PLANES_TOKENS]) {                                       \
        pair_kernel(pass, pair, out, bits, group, tokens);                                                             \
    }
#define NAME(bits, group, tokens) planes_##bits##_##group##_##tokens,
/* clang-format off */
#define EACH_TOKENS(M, bits, group) M(bits, group, 1) M(bits, group, 2) M(bits, group, 4)
#define EACH_GROUP(M, bits) EACH_TOKENS(M, bits, 32) EACH_TOKENS(M, bits, 64) EACH_TOKENS(M, bits, 128)
#define EACH(M) EACH_GROUP(M, 0) EACH_GROUP(M, 4) EACH_GROUP(M, 8)
/* clang-format on */
EACH(KERNEL)
static planes_kernel *const kernels[] = {EACH(NAME)};

static planes_kernel *find_kernel(const quantized_lines *q, int tokens) {
    int bits = q->bits == 4 ? 1 : q->bits == 8 ? 2 : 0, group = q->group == 32 ? 0 : q->group == 64 ? 1 : 2;
    return kernels[(bits * 3 + group) * 3 + tokens / 2];
}

const planes_format PLANES = {.value_bytes = 3, .split = split, .set_tables = set_tables, .find = find_kernel};
