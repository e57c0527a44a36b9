/* keys.h for one instruction set; the file that includes this defines ISA(name). */
#include "cpu/order/keys.h"

#include <string.h>

/* No element of a loop depends on another. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* Of floats the magnitude is added to the sign's place, or taken from it; integers with a sign have it turned over. */
#define KEY_OF_FLOAT(bits, sign, infinity, KEY)                                                                        \
    (((bits) & ((sign)-1)) > (infinity) ? (KEY)-1                                                                      \
                                        : (KEY)((bits) & (sign) ? (sign) - ((bits) & ((sign)-1)) : (sign) + (bits)))
#define FLOAT_OF_KEY(key, sign, infinity) ((key) >= (sign) ? (key) - (sign) : (sign) | ((sign) - (key)))

/* X(name, dtype, its bits' type, the key's type, key of bits b, bits of key k) */
#define EACH_ORDERED(X)                                                                                                \
    X(bool, BOOL, uint8_t, uint32_t, b, k)                                                                             \
    X(uint8, UINT8, uint8_t, uint32_t, b, k)                                                                           \
    X(uint16, UINT16, uint16_t, uint32_t, b, k)                                                                        \
    X(uint32, UINT32, uint32_t, uint32_t, b, k)                                                                        \
    X(uint64, UINT64, uint64_t, uint64_t, b, k)                                                                        \
    X(int8, INT8, uint8_t, uint32_t, b ^ 0x80U, k ^ 0x80U)                                                             \
    X(int16, INT16, uint16_t, uint32_t, b ^ 0x8000U, k ^ 0x8000U)                                                      \
    X(int32, INT32, uint32_t, uint32_t, b ^ 0x80000000U, k ^ 0x80000000U)                                              \
    X(int64, INT64, uint64_t, uint64_t, b ^ UINT64_C(1) << 63, k ^ UINT64_C(1) << 63)                                  \
    EACH_FLOAT(ORDERED_FLOAT, X)
#define EACH_FLOAT(F, X)                                                                                               \
    F(X, float16, FLOAT16, uint16_t, uint32_t, 0x8000U, 0x7C00U)                                                       \
    F(X, bfloat16, BFLOAT16, uint16_t, uint32_t, 0x8000U, 0x7F80U)                                                     \
    F(X, float32, FLOAT32, uint32_t, uint32_t, 0x80000000U, 0x7F800000U)                                               \
    F(X, float64, FLOAT64, uint64_t, uint64_t, UINT64_C(1) << 63, UINT64_C(0x7FF0) << 48)
#define ORDERED_FLOAT(X, name, NAME, bits, key, sign, infinity)                                                        \
    X(name, NAME, bits, key, KEY_OF_FLOAT(b, (key)(sign), (key)(infinity), key),                                       \
      FLOAT_OF_KEY(k, (key)(sign), (key)(infinity)))

/* The loop over dense elements is one of its own, because only that becomes vectors. Keys may become elements where
   they lie, if those are as wide. */
#define CONVERT(name, NAME, BITS, KEY, key_of, bits_of)                                                                \
    static inline KEY key_of_##name(const char *from) {                                                                \
        BITS bits;                                                                                                     \
        memcpy(&bits, from, sizeof bits);                                                                              \
        KEY b = bits;                                                                                                  \
        return key_of;                                                                                                 \
    }                                                                                                                  \
    static void keys_of_##name(void *keys, const char *from, int64_t step, int64_t count) {                            \
        KEY *to = keys;                                                                                                \
        if (step == sizeof(BITS))                                                                                      \
            INDEPENDENT for (int64_t i = 0; i < count; i++) to[i] = key_of_##name(from + i * (int64_t)sizeof(BITS));   \
        else                                                                                                           \
            for (int64_t i = 0; i < count; i++) to[i] = key_of_##name(from + i * step);                                \
    }                                                                                                                  \
    static inline void put_##name(char *to, KEY k) {                                                                   \
        BITS bits = (BITS)(bits_of);                                                                                   \
        memcpy(to, &bits, sizeof bits);                                                                                \
    }                                                                                                                  \
    static void elements_of_##name(char *to, int64_t step, const void *keys, int64_t count) {                          \
        const KEY *from = keys;                                                                                        \
        if (step == sizeof(BITS)) {                                                                                    \
            INDEPENDENT for (int64_t i = 0; i < count; i++) put_##name(to + i * (int64_t)sizeof(BITS), from[i]);       \
        } else {                                                                                                       \
            for (int64_t i = 0; i < count; i++) put_##name(to + i * step, from[i]);                                    \
        }                                                                                                              \
    }
EACH_ORDERED(CONVERT)

/* Real parts before imaginary ones; a NaN in either makes the number one. */
static void keys_of_complex64(void *keys, const char *from, int64_t step, int64_t count) {
    uint64_t *to = keys;
    for (int64_t i = 0; i < count; i++) {
        uint32_t real = key_of_float32(from + i * step), imaginary = key_of_float32(from + i * step + 4);
        to[i] = real == UINT32_MAX || imaginary == UINT32_MAX ? UINT64_MAX : (uint64_t)real << 32 | imaginary;
    }
}

static void keys_of(void *keys, const char *from, int64_t step, int64_t count, tarn_dtype dtype) {
#define KEYS(name, NAME, ...) [TARN_##NAME] = keys_of_##name,
    static void (*const functions[TARN_DTYPE_COUNT])(void *, const char *, int64_t, int64_t) = {
        EACH_ORDERED(KEYS)[TARN_COMPLEX64] = keys_of_complex64};
    functions[dtype](keys, from, step, count);
}

static void elements_of(char *to, int64_t step, const void *keys, int64_t count, tarn_dtype dtype) {
#define ELEMENTS(name, NAME, ...) [TARN_##NAME] = elements_of_##name,
    static void (*const functions[TARN_DTYPE_COUNT])(char *, int64_t, const void *, int64_t) = {EACH_ORDERED(ELEMENTS)};
    functions[dtype](to, step, keys, count);
}

#define LOSES(X, name, NAME, BITS, KEY, sign, infinity)                                                                \
    static inline bool is_lost_##name(const char *from) {                                                              \
        BITS b;                                                                                                        \
        memcpy(&b, from, sizeof b);                                                                                    \
        return b == (BITS)(sign) || (BITS)(b & (BITS)((sign)-1)) > (BITS)(infinity);                                   \
    }                                                                                                                  \
    static bool loses_##name(const char *from, int64_t step, int64_t count) {                                          \
        BITS lost = 0;                                                                                                 \
        if (step == sizeof(BITS))                                                                                      \
            for (int64_t i = 0; i < count; i++) lost |= is_lost_##name(from + i * (int64_t)sizeof(BITS));              \
        else                                                                                                           \
            for (int64_t i = 0; i < count; i++) lost |= is_lost_##name(from + i * step);                               \
        return lost;                                                                                                   \
    }
EACH_FLOAT(LOSES, )

static bool loses(const char *from, int64_t step, int64_t count, tarn_dtype dtype) {
#define LOSS(X, name, NAME, ...) [TARN_##NAME] = loses_##name,
    static bool (*const functions[TARN_DTYPE_COUNT])(const char *, int64_t, int64_t) = {EACH_FLOAT(LOSS, )};
    return functions[dtype] && functions[dtype](from, step, count);
}

/* ---- places in a line that is in order: some values at a time, whose searches wait for memory together */

enum { SEARCHED = 16 };

#define SEARCH(name, NAME, BITS, KEY, key_of, bits_of)                                                                 \
    static void search_##name(uint32_t *places, const char *line, int64_t n, const char *values, int64_t count,        \
                              bool right) {                                                                            \
        const int64_t bytes = sizeof(BITS);                                                                            \
        KEY v[SEARCHED] = {0};                                                                                         \
        int64_t low[SEARCHED] = {0}, left = n;                                                                         \
        for (int64_t i = 0; i < count; i++) v[i] = key_of_##name(values + i * bytes);                                  \
        while (left > 0) {                                                                                             \
            int64_t half = (left + 1) / 2;                                                                             \
            for (int i = 0; i < SEARCHED; i++) {                                                                       \
                KEY at = key_of_##name(line + (low[i] + half - 1) * bytes);                                            \
                low[i] += (at < v[i]) | (right & (at == v[i])) ? half : 0;                                             \
            }                                                                                                          \
            left -= half;                                                                                              \
        }                                                                                                              \
        for (int64_t i = 0; i < count; i++) places[i] = (uint32_t)low[i];                                              \
    }
EACH_ORDERED(SEARCH)

static void search(uint32_t *places, const char *line, int64_t n, const char *values, int64_t count, bool right,
                   tarn_dtype dtype) {
#define SEARCHES(name, NAME, ...) [TARN_##NAME] = search_##name,
    static void (*const functions[TARN_DTYPE_COUNT])(uint32_t *, const char *, int64_t, const char *, int64_t,
                                                     bool) = {EACH_ORDERED(SEARCHES)};
    for (int64_t at = 0; at < count; at += SEARCHED) {
        int64_t some = count - at < SEARCHED ? count - at : SEARCHED;
        functions[dtype](places + at, line, n, values + at * dtype_bytes(dtype), some, right);
    }
}

#include "cpu/order/select.tpl.h"

const order_conversions ISA(order_conversions) = {keys_of, elements_of, loses, search, collect, part};
