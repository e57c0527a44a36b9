/* Packed floats read with AVX-512: a table of sixteen for E2M1; E4M3 as half floats, whose exponent is 8 higher. */
#include "cpu/matmul/floats.h"

#include "cpu/matmul/vector_avx512.h"

INLINE vec sixteen_bytes(const uint8_t *p) {
    __m256i b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
    __m256i magnitude = _mm256_slli_epi16(_mm256_and_si256(b, _mm256_set1_epi16(127)), 7),
            sign = _mm256_slli_epi16(_mm256_and_si256(b, _mm256_set1_epi16(128)), 8);
    __mmask16 none = _mm256_cmpeq_epi16_mask(magnitude, _mm256_set1_epi16(127 << 7)); /* NaN */
    return _mm512_cvtph_ps(_mm256_mask_mov_epi16(_mm256_or_si256(magnitude, sign), none, _mm256_set1_epi16(0x7e00)));
}

void float_lines_read_avx512(const float_lines *q, int64_t line, int64_t begin, int64_t count, float *out) {
    const vec values = _mm512_setr_ps(0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6);
    const uint8_t *stream = q->packed + line * q->packed_stride;
    for (int64_t i = begin; i < begin + count;) {
        int64_t group = i / q->group, end = (group + 1) * q->group;
        if (end > begin + count) end = begin + count;
        float s = float_lines_scale(q, line, group);
        vec scale = v_set1(q->bits == 4 ? s : s * 256), table = _mm512_mul_ps(values, scale);
        for (; i < end; i += WIDTH, out += WIDTH)
            v_store(out, q->bits == 4 ? v_lookup(stream, i, table) : _mm512_mul_ps(sixteen_bytes(stream + i), scale));
    }
}
