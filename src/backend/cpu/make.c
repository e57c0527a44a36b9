/* Ops that make values from attributes or a key: arange, random_bits. */
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "table/convert.h"

enum { GRAIN = 1 << 14, PIECE = 64 };

/* ---- arange. Whole numbers: the first two elements without their fractions, and on in equal steps, as NumPy; floats
 * are rounded once. */

static bool run_arange(const call *c) {
    const attributes_arange *a = c->attributes;
    const operand *out = &c->outputs[0];
    int64_t n = operand_size(out), first = double_to_signed(a->start, 64),
            second = double_to_signed(a->start + a->step, 64);
    int64_t step = second - first, value = first;
    for (int64_t i = 0; i < n; i++, value += step) {
        if (out->dtype == TARN_INT32 || out->dtype == TARN_UINT32)
            ((uint32_t *)out->data)[i] = (uint32_t)value;
        else if (out->dtype == TARN_FLOAT32)
            ((float *)out->data)[i] = (float)(a->start + (double)i * a->step);
        else
            ((int64_t *)out->data)[i] = value;
    }
    return true;
}

/* start + i * step must be exact in double for float32 to be rounded once: whole numbers are. */
static bool supports_arange(const call *c) {
    const attributes_arange *a = c->attributes;
    return c->outputs[0].dtype != TARN_FLOAT32 || (a->start == (double)(int32_t)double_to_signed(a->start, 32) &&
                                                   a->step == (double)(int32_t)double_to_signed(a->step, 32));
}

/* ---- random bits: threefry2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, 2011), PIECE counters side by side */

typedef struct {
    uint32_t key[3], extra; /* extra: 1 if the number of words is odd */
    int64_t half;
    char *to;
    int64_t bytes;
} random_job;

typedef struct {
    uint32_t a[PIECE], b[PIECE];
} random_piece;

static void mix(random_piece *p, int rotation) {
    for (int i = 0; i < PIECE; i++) {
        p->a[i] += p->b[i];
        p->b[i] = (p->b[i] << rotation | p->b[i] >> (32 - rotation)) ^ p->a[i];
    }
}

static void add_keys(random_piece *p, uint32_t a, uint32_t b) {
    for (int i = 0; i < PIECE; i++) {
        p->a[i] += a;
        p->b[i] += b;
    }
}

static void threefry(const uint32_t key[3], random_piece *p) {
    static const int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    add_keys(p, key[0], key[1]);
    for (uint32_t i = 0; i < 5; i++) {
        for (int j = 0; j < 4; j++) mix(p, rotations[i % 2][j]);
        add_keys(p, key[(i + 1) % 3], key[(i + 2) % 3] + i + 1);
    }
}

/* Words from `index` on, cut off where the bytes end. */
static void put_words(const random_job *j, int64_t index, const uint32_t *words, int64_t count) {
    int64_t bytes = j->bytes - 4 * index < 4 * count ? j->bytes - 4 * index : 4 * count;
    memcpy(j->to + 4 * index, words, (size_t)bytes);
}

/* Counter pairs (i, i + half) as JAX and MLX lay them out. */
static void random_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const random_job *j = context;
    for (int64_t at = begin; at < end; at += PIECE) {
        random_piece p;
        for (int i = 0; i < PIECE; i++) {
            p.a[i] = (uint32_t)(at + i);
            p.b[i] = (uint32_t)(at + i + j->half + j->extra);
        }
        threefry(j->key, &p);
        int64_t count = end - at < PIECE ? end - at : PIECE;
        put_words(j, at, p.a, count);
        put_words(j, at + j->half + j->extra, p.b, count);
    }
}

/* An odd word in the middle is hashed with 0. */
static void put_middle(const random_job *j) {
    random_piece p = {.a = {(uint32_t)j->half}};
    threefry(j->key, &p);
    put_words(j, j->half, p.a, 1);
}

static void random_of_key(const operand *keys, const char *key, char *to, int64_t bytes) {
    int64_t words = (bytes + 3) / 4;
    random_job j = {.extra = (uint32_t)(words % 2), .half = words / 2, .to = to, .bytes = bytes};
    memcpy(&j.key[0], key, 4);
    memcpy(&j.key[1], key + 4 * keys->strides[keys->ndim - 1], 4);
    j.key[2] = j.key[0] ^ j.key[1] ^ 0x1BD11BDA;
    parallel_for(j.half, GRAIN, random_part, &j);
    if (j.extra) put_middle(&j);
}

/* key [..., 2] gives out [..., shape...]; outputs are dense. */
static bool run_random_bits(const call *c) {
    const operand *keys = &c->inputs[0], *out = &c->outputs[0];
    int64_t count = operand_size(keys) / 2, bytes = count > 0 ? operand_size(out) / count * dtype_bytes(out->dtype) : 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t offset = 0, rest = i;
        for (int k = keys->ndim - 2; k >= 0; k--) {
            offset += rest % keys->shape[k] * keys->strides[k];
            rest /= keys->shape[k];
        }
        random_of_key(keys, (const char *)keys->data + 4 * offset, (char *)out->data + i * bytes, bytes);
    }
    return true;
}

int cpu_rows_make(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {{.op = OP_arange,
                                       .name = "arange_cpu",
                                       .dtypes = DTYPE_BIT(TARN_INT32) | DTYPE_BIT(TARN_UINT32) |
                                                 DTYPE_BIT(TARN_INT64) | DTYPE_BIT(TARN_UINT64) |
                                                 DTYPE_BIT(TARN_FLOAT32),
                                       .selector = -1,
                                       .supports = supports_arange,
                                       .run = run_arange},
                                      {.op = OP_random_bits,
                                       .name = "random_bits_cpu",
                                       .dtypes = DTYPES_ALL,
                                       .selector = -1,
                                       .layout = LAYOUT_ANY,
                                       .run = run_random_bits}};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, 2, out, 0) : 0;
}
