/* Places that depend on values: where a mask is true, and indices that must lie on an axis. */
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "base/threads.h"
#include "cpu/index/places.h"

enum { GRAIN = 1 << 15, MOST_PARTS = 64, FEW = 256 };

/* ---- checked_indices */

typedef struct {
    const operand *indices;
    char *out;
    int64_t size;
    atomic_bool outside;
} check;

/* Copies, and tells whether one of them lies outside [-size, size). */
#define CHECK_PART(name, type, LOWEST, HIGHEST)                                                                        \
    static bool check_##name(const check *k, int64_t begin, int64_t end) {                                             \
        const type low = LOWEST < -k->size ? (type)-k->size : (type)(LOWEST),                                          \
                   high = (uint64_t)(HIGHEST) > (uint64_t)(k->size - 1) ? (type)(k->size - 1) : (type)(HIGHEST);       \
        const char *from = (const char *)k->indices->data + begin * (int64_t)sizeof(type);                             \
        char *to = k->out + begin * (int64_t)sizeof(type);                                                             \
        unsigned outside = 0;                                                                                          \
        for (int64_t i = 0; i < end - begin; i++) {                                                                    \
            type x;                                                                                                    \
            memcpy(&x, from + i * (int64_t)sizeof x, sizeof x);                                                        \
            memcpy(to + i * (int64_t)sizeof x, &x, sizeof x);                                                          \
            outside |= (unsigned)(x < low) | (unsigned)(x > high);                                                     \
        }                                                                                                              \
        return outside != 0;                                                                                           \
    }
CHECK_PART(uint8, uint8_t, INT64_C(0), UINT8_MAX)
CHECK_PART(uint16, uint16_t, INT64_C(0), UINT16_MAX)
CHECK_PART(uint32, uint32_t, INT64_C(0), UINT32_MAX)
CHECK_PART(uint64, uint64_t, INT64_C(0), UINT64_MAX)
CHECK_PART(int8, int8_t, (int64_t)INT8_MIN, INT8_MAX)
CHECK_PART(int16, int16_t, (int64_t)INT16_MIN, INT16_MAX)
CHECK_PART(int32, int32_t, (int64_t)INT32_MIN, INT32_MAX)
CHECK_PART(int64, int64_t, INT64_MIN, INT64_MAX)

typedef bool check_part(const check *k, int64_t begin, int64_t end);
static check_part *const check_parts[TARN_DTYPE_COUNT] = {
    [TARN_UINT8] = check_uint8,   [TARN_UINT16] = check_uint16, [TARN_UINT32] = check_uint32,
    [TARN_UINT64] = check_uint64, [TARN_INT8] = check_int8,     [TARN_INT16] = check_int16,
    [TARN_INT32] = check_int32,   [TARN_INT64] = check_int64};

static void run_check_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    check *k = context;
    (void)thread, (void)threads;
    if (check_parts[k->indices->dtype](k, begin, end)) atomic_store(&k->outside, true);
}

/* One index as a number; of unsigned ones beyond int64 the largest. */
static int64_t index_value(const operand *indices, int64_t i) {
    const char *at = (const char *)indices->data + i * dtype_bytes(indices->dtype);
    uint64_t word = 0;
    memcpy(&word, at, (size_t)dtype_bytes(indices->dtype));
    int unused = 64 - 8 * (int)dtype_bytes(indices->dtype);
    if (!dtype_is_unsigned(indices->dtype)) return (int64_t)(word << unused) >> unused;
    return word > INT64_MAX ? INT64_MAX : (int64_t)word;
}

static bool tell_outside(const check *k, int axis) {
    int64_t i = 0;
    while (!check_parts[k->indices->dtype](k, i, i + 1)) i++;
    return tarn_fail_kind(TARN_ERROR_INDEX, "gather: index %lld on axis %d, which has %lld elements",
                          (long long)index_value(k->indices, i), axis, (long long)k->size);
}

static bool run_checked_indices(const call *c) {
    const operand *indices = &c->inputs[0], *x = &c->inputs[1];
    int axis = axis_normal(((const attributes_checked_indices *)c->attributes)->axis, x->ndim);
    int64_t count = operand_size(indices);
    check k = {.indices = indices, .out = c->outputs[0].data, .size = x->shape[axis]};
    if (count == 0) return true;
    if (k.size == 0)
        return tarn_fail_kind(TARN_ERROR_INDEX, "gather: index %lld on axis %d, which has 0 elements",
                              (long long)index_value(indices, 0), axis);
    parallel_for(count, GRAIN, run_check_part, &k);
    return !atomic_load(&k.outside) || tell_outside(&k, axis);
}

/* ---- nonzero: parts of the mask are counted, then each part writes its places from there on */

typedef struct {
    const call *c;
    const uint8_t *mask;
    int64_t size, length, parts;    /* elements of the mask; of a part */
    int64_t before[MOST_PARTS + 1]; /* how many places the parts before have */
} search;

static int64_t part_end(const search *s, int64_t part) {
    int64_t end = (part + 1) * s->length;
    return end < s->size ? end : s->size;
}

static void count_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    search *s = context;
    (void)thread, (void)threads;
    for (int64_t part = begin; part < end; part++) {
        int64_t count = 0;
        for (int64_t i = part * s->length; i < part_end(s, part); i++) count += s->mask[i] != 0;
        s->before[part + 1] = count;
    }
}

/* The coordinates of elements `places` of the mask, as entries `at` ... of the index arrays. */
static void write_places(const search *s, const int64_t *places, int64_t count, int64_t at) {
    int64_t room = ((const attributes_nonzero *)s->c->attributes)->size - at, rest[FEW];
    const operand *x = &s->c->inputs[0];
    if (count > room) count = room;
    if (count <= 0) return;
    memcpy(rest, places, (size_t)count * sizeof *rest);
    for (int axis = x->ndim - 1; axis >= 0; axis--) {
        int64_t *out = s->c->outputs[axis].data, size = x->shape[axis];
        for (int64_t i = 0; i < count; i++) {
            int64_t outer = axis > 0 ? rest[i] / size : 0;
            if (out) out[at + i] = rest[i] - outer * size;
            rest[i] = outer;
        }
    }
}

static void write_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const search *s = context;
    (void)thread, (void)threads;
    for (int64_t part = begin; part < end; part++) {
        int64_t places[2 * FEW], count = 0, at = s->before[part], last = part_end(s, part);
        for (int64_t i = part * s->length; i < last;) {
            for (int64_t stop = last - i < FEW ? last : i + FEW; i < stop; i++) {
                places[count] = i;
                count += s->mask[i] != 0;
            }
            if (count < FEW && i < last) continue;
            for (int64_t done = 0; done < count; done += FEW)
                write_places(s, places + done, count - done < FEW ? count - done : FEW, at + done);
            at += count;
            count = 0;
        }
    }
}

/* The index arrays behind the places that were found. */
static void fill_up(const call *c, int64_t found) {
    const attributes_nonzero *a = c->attributes;
    for (int i = 0; i < c->output_count; i++) {
        int64_t *out = c->outputs[i].data;
        for (int64_t k = found; out && k < a->size; k++) out[k] = a->fill;
    }
}

static bool run_nonzero(const call *c) {
    const attributes_nonzero *a = c->attributes;
    search s = {.c = c, .mask = c->inputs[0].data, .size = operand_size(&c->inputs[0])};
    s.length = s.size / MOST_PARTS + 1 > GRAIN ? s.size / MOST_PARTS + 1 : GRAIN;
    s.parts = (s.size + s.length - 1) / s.length;
    parallel_for(s.parts, 1, count_part, &s);
    for (int64_t i = 0; i < s.parts; i++) s.before[i + 1] += s.before[i];
    int64_t found = s.before[s.parts];
    if (found > a->size && a->check)
        return tarn_fail("nonzero: %lld elements of a mask are true, there are values for %lld", (long long)found,
                         (long long)a->size);
    parallel_for(s.parts, 1, write_part, &s);
    fill_up(c, found);
    return true;
}

static bool supports_nonzero(const call *c) {
    return ((const attributes_nonzero *)c->attributes)->batch == 0;
}

const kernel_row places_rows[PLACES_ROWS] = {{.op = OP_checked_indices,
                                              .name = "checked_indices_cpu",
                                              .dtypes = DTYPES_ALL,
                                              .selector = -1,
                                              .layout = LAYOUT_DENSE,
                                              .any_layout = 2, /* the second input is there for its shape */
                                              .any_address = ~0u,
                                              .run = run_checked_indices},
                                             {.op = OP_nonzero,
                                              .name = "nonzero_cpu",
                                              .dtypes = DTYPES_ALL,
                                              .selector = -1,
                                              .layout = LAYOUT_DENSE,
                                              .any_address = ~0u,
                                              .supports = supports_nonzero,
                                              .run = run_nonzero}};
