#include "cpu/index/pick.h"

#include <string.h>

/* ---- places: positions in the axes that are indexed, a chunk of the last axis of the walk at a time */

/* Adds index * step to places where the index is inside. VALUE(x) is x as int64; beyond int64 it is outside every axis.
 */
#define SAME(x)   ((int64_t)(x))
#define CAPPED(x) ((x) > INT64_MAX ? INT64_MAX : (int64_t)(x))
#define ADD_PLACES(name, type, VALUE)                                                                                  \
    static void add_##name(const pick_index *o, const char *from, int64_t from_step, int64_t *places, int64_t count) { \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            type x;                                                                                                    \
            memcpy(&x, from + i * from_step, sizeof x);                                                                \
            int64_t index = VALUE(x);                                                                                  \
            index += index < 0 ? o->size : 0;                                                                          \
            bool inside = (uint64_t)index < (uint64_t)o->size && places[i] != PICK_OUTSIDE;                            \
            places[i] = inside ? places[i] + index * o->step : PICK_OUTSIDE;                                           \
        }                                                                                                              \
    }
ADD_PLACES(uint8, uint8_t, SAME)
ADD_PLACES(uint16, uint16_t, SAME)
ADD_PLACES(uint32, uint32_t, SAME)
ADD_PLACES(uint64, uint64_t, CAPPED)
ADD_PLACES(int8, int8_t, SAME)
ADD_PLACES(int16, int16_t, SAME)
ADD_PLACES(int32, int32_t, SAME)
ADD_PLACES(int64, int64_t, SAME)

static void add_places(const pick_index *o, const char *from, int64_t from_step, int64_t *places, int64_t count) {
    static void (*const table[TARN_DTYPE_COUNT])(const pick_index *, const char *, int64_t, int64_t *, int64_t) = {
        [TARN_UINT8] = add_uint8, [TARN_UINT16] = add_uint16, [TARN_UINT32] = add_uint32, [TARN_UINT64] = add_uint64,
        [TARN_INT8] = add_int8,   [TARN_INT16] = add_int16,   [TARN_INT32] = add_int32,   [TARN_INT64] = add_int64};
    table[o->dtype](o, from, from_step, places, count);
}

/* `count` positions from number `at` of row `row` of the last axis on. */
static void walk_chunk(const pick *p, int64_t row, int64_t at, int64_t count) {
    const pick_axis *last = &p->axes[p->ndim - 1];
    int64_t places[PICK_CHUNK], index[TARN_MAX_NDIM] = {0}, many = at * last->many, picked = at * last->picked;
    for (int k = 0; k < p->index_count; k++) index[k] = at * last->index[k];
    for (int i = p->ndim - 2; i >= 0; i--) {
        const pick_axis *a = &p->axes[i];
        int64_t here = row % a->size;
        row /= a->size;
        many += here * a->many;
        picked += here * a->picked;
        for (int k = 0; k < p->index_count; k++) index[k] += here * a->index[k];
    }
    if (p->direct) {
        p->direct(p, p->many + many, p->picked + picked, last->picked, p->indices[0].data + index[0], last->index[0],
                  count);
        return;
    }
    for (int64_t i = 0; i < count; i++) places[i] = many + i * last->many;
    for (int k = 0; k < p->index_count; k++)
        add_places(&p->indices[k], p->indices[k].data + index[k], last->index[k], places, count);
    p->action(p, p->many, p->picked + picked, last->picked, places, count);
}

void pick_walk(const pick *p, int64_t begin, int64_t end) {
    int64_t last = p->axes[p->ndim - 1].size;
    while (begin < end) {
        int64_t at = begin % last, count = last - at < end - begin ? last - at : end - begin;
        if (!p->direct && count > PICK_CHUNK) count = PICK_CHUNK;
        walk_chunk(p, begin / last, at, count);
        begin += count;
    }
}

/* ---- what is done at each place */

#define ELEMENTS(bits)                                                                                                 \
    static void gather_##bits(const pick *p, char *many, char *picked, int64_t step, const int64_t *places,            \
                              int64_t count) {                                                                         \
        (void)p;                                                                                                       \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            uint##bits##_t x = 0;                                                                                      \
            if (places[i] != PICK_OUTSIDE) memcpy(&x, many + places[i], sizeof x);                                     \
            memcpy(picked + i * step, &x, sizeof x);                                                                   \
        }                                                                                                              \
    }                                                                                                                  \
    static void set_##bits(const pick *p, char *many, char *picked, int64_t step, const int64_t *places,               \
                           int64_t count) {                                                                            \
        for (int64_t i = 0; i < count; i++)                                                                            \
            if (places[i] >= p->first && places[i] < p->end) memcpy(many + places[i], picked + i * step, bits / 8);    \
    }
ELEMENTS(8)
ELEMENTS(16)
ELEMENTS(32)
ELEMENTS(64)

static void gather_blocks(const pick *p, char *many, char *picked, int64_t step, const int64_t *places, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (places[i] == PICK_OUTSIDE)
            memset(picked + i * step, 0, (size_t)p->bytes);
        else
            move_run(&p->block, picked + i * step, many + places[i]);
}

static void set_blocks(const pick *p, char *many, char *picked, int64_t step, const int64_t *places, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (places[i] >= p->first && places[i] < p->end) move_run(&p->block, many + places[i], picked + i * step);
}

static void combine_block(const pick *p, int axis, char *to, const char *from) {
    const move_plan *b = &p->block;
    if (axis == b->ndim - 1)
        p->combine(to, b->to[axis], from, b->from[axis], b->shape[axis]);
    else
        for (int64_t i = 0; i < b->shape[axis]; i++)
            combine_block(p, axis + 1, to + i * b->to[axis], from + i * b->from[axis]);
}

static void combine_blocks(const pick *p, char *many, char *picked, int64_t step, const int64_t *places,
                           int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (places[i] >= p->first && places[i] < p->end) combine_block(p, 0, many + places[i], picked + i * step);
}

static pick_action *action_of(const pick *p, int64_t element, bool reading) {
    if (p->combine) return combine_blocks;
    if (p->bytes != element) return reading ? gather_blocks : set_blocks;
    if (element == 8) return reading ? gather_64 : set_64;
    if (element == 4) return reading ? gather_32 : set_32;
    if (element == 2) return reading ? gather_16 : set_16;
    return reading ? gather_8 : set_8;
}

/* ---- making it */

/* Axes that one step of each operand walks are one; axes of size 1 are none. */
static void add_axis(pick *p, pick_axis a) {
    pick_axis *before = p->ndim > 0 ? &p->axes[p->ndim - 1] : NULL;
    bool merges = before && before->many == a.many * a.size && before->picked == a.picked * a.size;
    for (int k = 0; k < p->index_count && merges; k++) merges = before->index[k] == a.index[k] * a.size;
    if (a.size == 1) return;
    if (!merges) {
        p->axes[p->ndim++] = a;
        return;
    }
    a.size *= before->size;
    *before = a;
}

/* The axes of x that the lists name, as bits. */
static unsigned axes_named(tarn_ints axes, int ndim) {
    unsigned named = 0;
    for (int64_t i = 0; i < axes.count; i++) named |= 1u << axis_normal(axes.values[i], ndim);
    return named;
}

/* Axis `axis` of the indices, which stands at `place` + axis in what is picked. */
static pick_axis index_axis(const operand *many, const operand *picked, const operand *indices, int count, int place,
                            int index_ndim, unsigned batch, int axis) {
    int64_t bytes = dtype_bytes(many->dtype);
    pick_axis a = {.size = picked->shape[place + axis], .picked = picked->strides[place + axis] * bytes};
    if (axis < many->ndim && batch >> axis & 1) a.many = many->strides[axis] * bytes;
    for (int k = 0; k < count; k++) {
        int own = axis - (index_ndim - indices[k].ndim);
        if (own >= 0 && indices[k].shape[own] != 1)
            a.index[k] = indices[k].strides[own] * dtype_bytes(indices[k].dtype);
    }
    return a;
}

pick pick_make(const operand *many, const operand *picked, const operand *indices, int count, tarn_ints axes,
               tarn_ints batch, bool reading, tarn_scatter_mode mode) {
    pick p = {.many = many->data, .picked = picked->data, .index_count = count, .first = 0, .end = INT64_MAX};
    int64_t bytes = dtype_bytes(many->dtype), shape[TARN_MAX_NDIM], of_many[TARN_MAX_NDIM];
    unsigned in_batch = axes_named(batch, many->ndim), replaced = in_batch | axes_named(axes, many->ndim);
    int place = 0, kept = 0, index_ndim = picked->ndim - many->ndim + (int)(axes.count + batch.count);
    for (; place < many->ndim && !(replaced >> place & 1); place++)
        add_axis(&p,
                 (pick_axis){picked->shape[place], many->strides[place] * bytes, picked->strides[place] * bytes, {0}});
    for (int i = 0; i < index_ndim; i++)
        add_axis(&p, index_axis(many, picked, indices, count, place, index_ndim, in_batch, i));
    if (p.ndim == 0) p.axes[p.ndim++] = (pick_axis){1, 0, 0, {0}};
    for (int k = 0; k < count; k++) {
        int axis = axis_normal(axes.values[k], many->ndim);
        p.indices[k] = (pick_index){indices[k].data, indices[k].dtype, many->shape[axis], many->strides[axis] * bytes};
    }
    for (int i = place; i < many->ndim; i++)
        if (!(replaced >> i & 1)) shape[kept] = many->shape[i], of_many[kept++] = many->strides[i];
    const int64_t *of_picked = picked->strides + place + index_ndim;
    p.block = move_plan_of(kept, shape, reading ? of_picked : of_many, reading ? of_many : of_picked, bytes);
    p.bytes = bytes;
    for (int i = 0; i < kept; i++) p.bytes *= shape[i];
    p.combine = reading ? NULL : pick_combine_of(mode, many->dtype);
    p.action = action_of(&p, bytes, reading);
    p.direct = reading ? pick_direct_of(&p) : NULL;
    return p;
}
