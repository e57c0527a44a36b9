/* random_bits: the counters of each key are shared out among threads, and hashed by the instruction set's threefry. */
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/random/threefry.h"

enum { GRAIN = 1 << 14, STRETCH = 1024 }; /* counters worth a thread; counters at a time */

typedef struct {
    threefry_words *words;
    uint32_t key[3], extra; /* extra: 1 if the number of words is odd */
    int64_t half;
    char *to;
    int64_t bytes;
} random_job;

/* Where word `index` lies, if so many from there on are whole. */
static uint32_t *place_of(const random_job *j, int64_t index, int64_t count) {
    char *to = j->to + 4 * index;
    return (uintptr_t)to % 4 == 0 && 4 * (index + count) <= j->bytes ? (uint32_t *)(void *)to : NULL;
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
    uint32_t a[STRETCH], b[STRETCH];
    for (int64_t at = begin; at < end; at += STRETCH) {
        int64_t count = end - at < STRETCH ? end - at : STRETCH, other = at + j->half + j->extra;
        uint32_t *to_a = place_of(j, at, count), *to_b = place_of(j, other, count);
        j->words(j->key, (uint32_t)at, (uint32_t)other, count, to_a ? to_a : a, to_b ? to_b : b);
        if (!to_a) put_words(j, at, a, count);
        if (!to_b) put_words(j, other, b, count);
    }
}

/* An odd word in the middle is hashed with 0. */
static void put_middle(const random_job *j) {
    uint32_t a, b;
    j->words(j->key, (uint32_t)j->half, 0, 1, &a, &b);
    put_words(j, j->half, &a, 1);
}

static void random_of_key(threefry_words *words, const operand *keys, const char *key, char *to, int64_t bytes) {
    int64_t count = (bytes + 3) / 4;
    random_job j = {.words = words, .extra = (uint32_t)(count % 2), .half = count / 2, .to = to, .bytes = bytes};
    memcpy(&j.key[0], key, 4);
    memcpy(&j.key[1], key + 4 * keys->strides[keys->ndim - 1], 4);
    j.key[2] = j.key[0] ^ j.key[1] ^ 0x1BD11BDA;
    parallel_for(j.half, GRAIN, random_part, &j);
    if (j.extra) put_middle(&j);
}

/* key [..., 2] gives out [..., shape...]; outputs are dense. */
static bool run_random_bits(const call *c, threefry_words *words) {
    const operand *keys = &c->inputs[0], *out = &c->outputs[0];
    int64_t count = operand_size(keys) / 2, bytes = count > 0 ? operand_size(out) / count * dtype_bytes(out->dtype) : 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t offset = 0, rest = i;
        for (int k = keys->ndim - 2; k >= 0; k--) {
            offset += rest % keys->shape[k] * keys->strides[k];
            rest /= keys->shape[k];
        }
        random_of_key(words, keys, (const char *)keys->data + 4 * offset, (char *)out->data + i * bytes, bytes);
    }
    return true;
}

#define RANDOM_ROWS(isa, isa_id)                                                                                       \
    static bool run_##isa(const call *c) {                                                                             \
        return run_random_bits(c, threefry_words_##isa);                                                               \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {{.op = OP_random_bits,                                                     \
                                             .name = "random_bits_" #isa,                                              \
                                             .dtypes = DTYPES_ALL,                                                     \
                                             .selector = -1,                                                           \
                                             .layout = LAYOUT_ANY,                                                     \
                                             .run = run_##isa}};
CPU_EACH_ISA(RANDOM_ROWS)
CPU_FAMILY(random)
