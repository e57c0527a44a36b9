/* Ops that make values from attributes or a key: arange, random_bits. */
#include <string.h>

#include "reference/reference.h"
#include "reference/value.h"

/* Floats: start + i * step, rounded once. Integers: the first two elements without their fractions, and on in equal
 * steps (as NumPy). */
static value arange_value(const attributes_arange *attributes, value_class class, int64_t i) {
    long double start = (long double)attributes->start, step = (long double)attributes->step;
    if (class != CLASS_SIGNED && class != CLASS_UNSIGNED) return (value){.l = start + (long double)i * step};
    value first = value_convert((value){.l = start}, CLASS_DOUBLE, TARN_INT64);
    value second = value_convert((value){.l = start + step}, CLASS_DOUBLE, TARN_INT64);
    return (value){.i = first.i + i * (second.i - first.i)};
}

static bool run_arange(const call *c) {
    const operand *out = &c->outputs[0];
    value_class class = value_class_of(out->dtype),
                from = class == CLASS_SIGNED || class == CLASS_UNSIGNED ? class : CLASS_DOUBLE;
    value_storer store = value_storer_of(out->dtype);
    cursor to = cursor_of(out);
    for (int64_t i = 0; to.left > 0; i++, cursor_next(&to))
        store(to.at, value_convert(arange_value(c->attributes, class, i), from, out->dtype));
    return true;
}

/* Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011). */
static void threefry(const uint32_t key[2], uint32_t words[2]) {
    static const int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    uint32_t keys[3] = {key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA};
    uint32_t a = words[0] + keys[0], b = words[1] + keys[1];
    for (uint32_t i = 0; i < 5; i++) {
        for (int j = 0; j < 4; j++) {
            a += b;
            b = b << rotations[i % 2][j] | b >> (32 - rotations[i % 2][j]);
            b ^= a;
        }
        a += keys[(i + 1) % 3];
        b += keys[(i + 2) % 3] + i + 1;
    }
    words[0] = a;
    words[1] = b;
}

/* Word `index` of the bytes of one key, cut off where they end. */
static void put_word(char *to, int64_t bytes, int64_t index, uint32_t word) {
    int64_t rest = bytes - 4 * index;
    memcpy(to + 4 * index, &word, (size_t)(rest < 4 ? rest : 4));
}

/* Counter pairs (i, i + half) as JAX and MLX lay them out; an odd word in the middle is hashed with 0. */
static void fill(const uint32_t key[2], char *to, int64_t bytes) {
    int64_t count = (bytes + 3) / 4, half = count / 2, odd = count % 2;
    for (int64_t i = 0; i < half; i++) {
        uint32_t words[2] = {(uint32_t)i, (uint32_t)(i + half + odd)};
        threefry(key, words);
        put_word(to, bytes, i, words[0]);
        put_word(to, bytes, i + half + odd, words[1]);
    }
    if (!odd) return;
    uint32_t words[2] = {(uint32_t)half, 0};
    threefry(key, words);
    put_word(to, bytes, half, words[0]);
}

/* key [..., 2] gives out [..., shape...]; outputs are dense. */
static bool run_random_bits(const call *c) {
    const operand *keys = &c->inputs[0], *out = &c->outputs[0];
    int last = keys->ndim - 1;
    cursor key = cursor_of_axes(keys, keys->data, all_axes(keys) & ~(1u << last));
    int64_t bytes = key.left ? operand_size(out) / key.left * dtype_bytes(out->dtype) : 0;
    for (char *to = out->data; key.left > 0; cursor_next(&key), to += bytes) {
        uint32_t words[2];
        memcpy(&words[0], key.at, 4);
        memcpy(&words[1], key.at + 4 * keys->strides[last], 4);
        fill(words, to, bytes);
    }
    return true;
}

const kernel_row reference_arange = {REFERENCE_ROW(arange), .run = run_arange};
const kernel_row reference_random_bits = {REFERENCE_ROW(random_bits), .run = run_random_bits};
