/* The products of wide.tpl.h in AMX tiles of bfloat16, two by two, over heads of whole tiles: keys by rows of q, then
   elements of the values by weights. A weight is two bfloat16, its upper bits and what is left, neither of them
   negative: products with it are as good as with the float32 that it is.

   q      words of two elements, [dim / 2][ROWS]
   keys   as they are, [KEYS][dim]; values transposed, [value_dim][KEYS]; zeros where there is no key
   scores float32 [KEYS][ROWS], then the weights' words of two keys: upper parts where the first key's scores were,
   lower in the second's */
#include <immintrin.h>

#include "cpu/tiles.h"

enum { TILE = 16, STEP = 32 /* elements in a row of a tile */ };

INLINE void transpose_stage(__m512i x[TILE], int distance) {
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                  step = _mm512_set1_epi32(distance), from_b = _mm512_set1_epi32(TILE);
    const __mmask16 second = _mm512_test_epi32_mask(lane, step);
    const __m512i upper = _mm512_mask_add_epi32(lane, second, _mm512_sub_epi32(lane, step), from_b);
    const __m512i lower = _mm512_mask_add_epi32(_mm512_add_epi32(lane, step), second, lane, from_b);
    UNROLL(16)
    for (int i = 0; i < TILE; i++) {
        if (i & distance) continue;
        __m512i a = x[i], b = x[i + distance];
        x[i] = _mm512_permutex2var_epi32(a, upper, b);
        x[i + distance] = _mm512_permutex2var_epi32(a, lower, b);
    }
}

/* 16 rows of 16 words become columns. */
INLINE void transpose_words(__m512i x[TILE]) {
    transpose_stage(x, 8);
    transpose_stage(x, 4);
    transpose_stage(x, 2);
    transpose_stage(x, 1);
}

static void pack_queries(const wide_unit *u, row_block *b) {
    const attention_problem *p = u->p;
    const char *rows[ROWS];
    for (int64_t i = 0; i < b->rows; i++) rows[i] = attention_query(p, u->batch, u->kv_head, b->row + i);
    for (int64_t half = 0; half < ROWS; half += TILE)
        for (int64_t d = 0; d < p->dim; d += STEP) {
            __m512i x[TILE];
            for (int64_t i = 0; i < TILE; i++)
                x[i] = half + i < b->rows ? _mm512_loadu_si512(rows[half + i] + d * 2) : _mm512_setzero_si512();
            transpose_words(x);
            for (int64_t i = 0; i < TILE; i++) _mm512_storeu_si512(b->q + (d / 2 + i) * ROWS + half, x[i]);
        }
}

/* 16 elements of STEP keys. Returns whether one of them is infinite or NaN, times which a part of a weight that is zero
 * would be NaN. */
INLINE bool transpose_values(char *to, const char *from, int64_t stride, int64_t count) {
    const __m512i exponent = _mm512_set1_epi16(0x7F80);
    __m512i x[TILE];
    __mmask32 special = 0;
    for (int64_t i = 0; i < TILE; i++) {
        const __m256i *row = (const __m256i *)(const void *)(from + 2 * i * stride);
        __m256i first = 2 * i < count ? _mm256_loadu_si256(row) : _mm256_setzero_si256(),
                second = _mm256_setzero_si256();
        if (2 * i + 1 < count) second = _mm256_loadu_si256((const __m256i *)(const void *)((const char *)row + stride));
        x[i] = _mm512_or_si512(_mm512_cvtepu16_epi32(first), _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16));
        special |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(x[i], exponent), exponent);
    }
    transpose_words(x);
    for (int64_t i = 0; i < TILE; i++) _mm512_storeu_si512(to + i * KEYS * 2, x[i]);
    return special != 0;
}

static void load_keys(const wide_unit *u, int64_t begin, int64_t count) {
    const attention_problem *p = u->p;
    const char *k = p->k.data + u->batch * p->k.batch + u->kv_head * p->k.head + begin * p->k.row;
    char *keys = (char *)u->keys;
    for (int64_t i = 0; i < KEYS; i++) {
        if (i < count)
            memcpy(keys + i * p->dim * 2, k + i * p->k.row, (size_t)p->dim * 2);
        else
            memset(keys + i * p->dim * 2, 0, (size_t)p->dim * 2);
    }
}

static void load_values(const wide_unit *u, int64_t begin, int64_t count) {
    const attention_problem *p = u->p;
    const char *v = p->v.data + u->batch * p->v.batch + u->kv_head * p->v.head + begin * p->v.row;
    for (int64_t i = 0; i < KEYS; i += STEP)
        for (int64_t d = 0; d < p->value_dim; d += TILE)
            if (transpose_values((char *)u->values + (d * KEYS + i) * 2, v + i * p->v.row + d * 2, p->v.row, count - i))
                *u->special = true;
}

/* Four tiles of sums: `a` and `b` point to the first of two tiles each. */
#define ADD_PRODUCTS(a, a_stride, a_next, b, b_stride)                                                                 \
    {                                                                                                                  \
        _tile_loadd(4, a, a_stride);                                                                                   \
        _tile_loadd(6, b, b_stride);                                                                                   \
        _tile_dpbf16ps(0, 4, 6);                                                                                       \
        _tile_loadd(7, (b) + 64, b_stride);                                                                            \
        _tile_dpbf16ps(1, 4, 7);                                                                                       \
        _tile_loadd(5, (a) + (a_next), a_stride);                                                                      \
        _tile_dpbf16ps(2, 5, 6);                                                                                       \
        _tile_dpbf16ps(3, 5, 7);                                                                                       \
    }

/* Sums that are `stride` floats apart. */
INLINE void load_tiles(const float *from, int64_t stride) {
    _tile_loadd(0, from, stride * 4);
    _tile_loadd(1, from + TILE, stride * 4);
    _tile_loadd(2, from + TILE * stride, stride * 4);
    _tile_loadd(3, from + TILE * stride + TILE, stride * 4);
}

INLINE void store_tiles(float *to, int64_t stride) {
    _tile_stored(0, to, stride * 4);
    _tile_stored(1, to + TILE, stride * 4);
    _tile_stored(2, to + TILE * stride, stride * 4);
    _tile_stored(3, to + TILE * stride + TILE, stride * 4);
}

static void multiply_keys(const wide_unit *u, const row_block *b, int64_t count) {
    const int64_t dim = u->p->dim;
    for (int64_t key = 0; key < count; key += 2 * TILE) {
        const char *keys = (const char *)u->keys + key * dim * 2, *q = (const char *)b->q;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t d = 0; d < dim; d += STEP, keys += STEP * 2, q += TILE * ROWS * 4)
            ADD_PRODUCTS(keys, dim * 2, TILE * dim * 2, q, ROWS * 4)
        store_tiles(u->scores + key * ROWS, ROWS);
    }
    for (int64_t i = 0; i < count * ROWS; i += LANES) store_f32(u->scores + i, load_f32(u->scores + i) * u->p->scale);
}

/* Two rows of weights become words of their upper and of their lower parts. */
static void split_weights(float *first, float *second) {
    const vu32 top = (vu32){0} + 0xFFFF0000;
    for (int i = 0; i < ROWS; i += LANES) {
        vu32 x = load_u32(first + i), y = load_u32(second + i);
        vf32 x_rest = (vf32)x - (vf32)(x & top), y_rest = (vf32)y - (vf32)(y & top);
        store_u32(first + i, x >> 16 | (y & top));
        store_u32(second + i, ((vu32)x_rest + 0x8000) >> 16 | (((vu32)y_rest + 0x8000) & top));
    }
}

static void shrink_sums(float *sums, int64_t count, const vf32 shrink[2]) {
    if (!any_f32((vi32)(shrink[0] != 1)) && !any_f32((vi32)(shrink[1] != 1))) return;
    for (int64_t i = 0; i < count; i++, sums += ROWS)
        for (int half = 0; half < 2; half++)
            store_f32(sums + half * LANES, load_f32(sums + half * LANES) * shrink[half]);
}

static void multiply_values(const wide_unit *u, row_block *b, int64_t count, const vf32 shrink[2]) {
    int64_t padded = (count + STEP - 1) / STEP * STEP;
    memset(u->scores + count * ROWS, 0, (size_t)((padded - count) * ROWS) * sizeof(float));
    for (int64_t i = 0; i < padded; i += 2) split_weights(u->scores + i * ROWS, u->scores + (i + 1) * ROWS);
    shrink_sums(b->sums, u->padded, shrink);
    for (int64_t d = 0; d < u->padded; d += 2 * TILE) {
        float *sums = b->sums + d * ROWS;
        load_tiles(sums, ROWS);
        for (int64_t i = 0; i < padded; i += STEP) {
            const char *v = (const char *)u->values + (d * KEYS + i) * 2,
                       *weights = (const char *)(u->scores + i * ROWS);
            ADD_PRODUCTS(v, KEYS * 2, TILE * KEYS * 2, weights, 2 * ROWS * 4)
            ADD_PRODUCTS(v, KEYS * 2, TILE * KEYS * 2, weights + ROWS * 4, 2 * ROWS * 4)
        }
        store_tiles(sums, ROWS);
    }
}

/* `count` elements of the values, times the factor, become rows of KEY_STRIDE. */
static void turn_sums(const float *sums, int64_t count, vf32 factor, float *rows) {
    for (int64_t d = 0; d < count; d += TILE, sums += TILE * ROWS) {
        __m512i x[TILE];
        for (int64_t i = 0; i < TILE; i++) x[i] = (__m512i)(load_f32(sums + i * ROWS) * factor);
        transpose_words(x);
        for (int64_t i = 0; i < TILE; i++) _mm512_storeu_si512(rows + i * KEY_STRIDE + d, x[i]);
    }
}
