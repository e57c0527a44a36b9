#include "reference/value.h"

#include <math.h>
#include <string.h>

#include "table/convert.h"

/* ---- classes */
value_class value_class_of(tarn_dtype dtype) {
    switch (dtype_kind_of(dtype)) {
    case KIND_BOOL:
        return CLASS_BOOL;
    case KIND_INT:
        return dtype_is_unsigned(dtype) ? CLASS_UNSIGNED : CLASS_SIGNED;
    case KIND_COMPLEX:
        return CLASS_COMPLEX;
    case KIND_FLOAT:
        break;
    }
    return dtype == TARN_FLOAT64 ? CLASS_DOUBLE : CLASS_FLOAT;
}

/* ---- loading and storing: for each dtype the slot of the value, how it is read from storage and how it is written */
#define SLOTS(DTYPE)                                                                                                   \
    DTYPE(bool, BOOL, uint8_t, u, s != 0, (uint8_t)(w != 0))                                                           \
    DTYPE(uint8, UINT8, uint8_t, u, s, (uint8_t)w)                                                                     \
    DTYPE(uint16, UINT16, uint16_t, u, s, (uint16_t)w)                                                                 \
    DTYPE(uint32, UINT32, uint32_t, u, s, (uint32_t)w)                                                                 \
    DTYPE(uint64, UINT64, uint64_t, u, s, w)                                                                           \
    DTYPE(int8, INT8, int8_t, i, s, (int8_t)w)                                                                         \
    DTYPE(int16, INT16, int16_t, i, s, (int16_t)w)                                                                     \
    DTYPE(int32, INT32, int32_t, i, s, (int32_t)w)                                                                     \
    DTYPE(int64, INT64, int64_t, i, s, w)                                                                              \
    DTYPE(float16, FLOAT16, uint16_t, d, (double)float16_to_float(s), double_to_float16(w))                            \
    DTYPE(bfloat16, BFLOAT16, uint16_t, d, (double)bfloat16_to_float(s), double_to_bfloat16(w))                        \
    DTYPE(float32, FLOAT32, float, d, (double)s, (float)w)                                                             \
    DTYPE(float64, FLOAT64, double, l, (long double)s, (double)w)                                                      \
    DTYPE(complex64, COMPLEX64, float _Complex, c, (double _Complex)s, (float _Complex)w)

#define ACCESS(name, ENUM, type, slot, read, write)                                                                    \
    static value load_##name(const void *element) {                                                                    \
        type s;                                                                                                        \
        memcpy(&s, element, sizeof s);                                                                                 \
        return (value){.slot = read};                                                                                  \
    }                                                                                                                  \
    static void store_##name(void *element, value v) {                                                                 \
        __typeof__(v.slot) w = v.slot;                                                                                 \
        type s = write;                                                                                                \
        memcpy(element, &s, sizeof s);                                                                                 \
    }
SLOTS(ACCESS)

value_loader value_loader_of(tarn_dtype dtype) {
#define LOADER(name, ENUM, ...) [TARN_##ENUM] = load_##name,
    static const value_loader loaders[TARN_DTYPE_COUNT] = {SLOTS(LOADER)};
    return loaders[dtype];
}

value_storer value_storer_of(tarn_dtype dtype) {
#define STORER(name, ENUM, ...) [TARN_##ENUM] = store_##name,
    static const value_storer storers[TARN_DTYPE_COUNT] = {SLOTS(STORER)};
    return storers[dtype];
}

/* ---- conversion */
static double as_double(value v, value_class from) {
    switch (from) {
    case CLASS_BOOL:
    case CLASS_UNSIGNED:
        return uint64_to_double_sticky(v.u);
    case CLASS_SIGNED:
        return int64_to_double_sticky(v.i);
    case CLASS_FLOAT:
        return v.d;
    case CLASS_DOUBLE:
        return (double)v.l;
    default:
        return creal(v.c);
    }
}

static long double as_long_double(value v, value_class from) {
    if (from == CLASS_SIGNED) return (long double)v.i;
    if (from <= CLASS_UNSIGNED) return (long double)v.u;
    return from == CLASS_DOUBLE ? v.l : (long double)as_double(v, from);
}

static double round_float(double x, tarn_dtype to) {
    if (to == TARN_FLOAT16) return (double)float16_to_float(double_to_float16(x));
    if (to == TARN_BFLOAT16) return (double)bfloat16_to_float(double_to_bfloat16(x));
    return (double)(float)x;
}

static double _Complex round_complex(value v, value_class from) {
    if (from != CLASS_COMPLEX) return (double _Complex)round_float(as_double(v, from), TARN_FLOAT32);
    return __builtin_complex((double)(float)creal(v.c), (double)(float)cimag(v.c));
}

static value to_integer(value v, value_class from, tarn_dtype to) {
    int bits = (int)dtype_bytes(to) * 8;
    bool whole = from <= CLASS_SIGNED; /* u and i are the same bits */
    if (dtype_is_unsigned(to))
        return (value){.u = whole ? wrap_unsigned(v.u, bits) : double_to_unsigned(as_double(v, from), bits)};
    return (value){.i = whole ? wrap_signed(v.i, bits) : double_to_signed(as_double(v, from), bits)};
}

static bool value_truth(value v, value_class class) {
    if (class == CLASS_COMPLEX) return creal(v.c) != 0 || cimag(v.c) != 0;
    if (class == CLASS_DOUBLE) return v.l != 0;
    return class == CLASS_FLOAT ? v.d != 0 : v.u != 0;
}

value value_convert(value v, value_class from, tarn_dtype to) {
    switch (value_class_of(to)) {
    case CLASS_BOOL:
        return (value){.u = value_truth(v, from)};
    case CLASS_FLOAT:
        return (value){.d = round_float(as_double(v, from), to)};
    case CLASS_DOUBLE:
        return (value){.l = (long double)(double)as_long_double(v, from)};
    case CLASS_COMPLEX:
        return (value){.c = round_complex(v, from)};
    default:
        return to_integer(v, from, to);
    }
}

value value_widen(value v, value_class from, value_class to) {
    if (from == to || (from <= CLASS_SIGNED && (to == CLASS_UNSIGNED || to == CLASS_SIGNED))) return v;
    switch (to) {
    case CLASS_BOOL:
        return (value){.u = value_truth(v, from)};
    case CLASS_FLOAT:
        return (value){.d = as_double(v, from)};
    case CLASS_DOUBLE:
        return (value){.l = as_long_double(v, from)};
    case CLASS_COMPLEX:
        return (value){.c = (double _Complex)as_double(v, from)};
    default:
        return (value){.i = double_to_signed(as_double(v, from), 64)};
    }
}

/* ---- facts about one value */

bool value_is_nan(value v, value_class class) {
    if (class == CLASS_COMPLEX) return isnan(creal(v.c)) || isnan(cimag(v.c));
    if (class == CLASS_DOUBLE) return isnan(v.l);
    return class == CLASS_FLOAT && isnan(v.d);
}

bool value_less(value a, value b, value_class class) {
    if (value_is_nan(a, class) || value_is_nan(b, class)) return !value_is_nan(a, class);
    switch (class) {
    case CLASS_SIGNED:
        return a.i < b.i;
    case CLASS_FLOAT:
        return a.d < b.d;
    case CLASS_DOUBLE:
        return a.l < b.l;
    case CLASS_COMPLEX:
        return creal(a.c) < creal(b.c) || (creal(a.c) == creal(b.c) && cimag(a.c) < cimag(b.c));
    default:
        return a.u < b.u;
    }
}

value value_of_integer(int64_t i, value_class class) {
    return value_widen((value){.i = i}, CLASS_SIGNED, class);
}

int64_t value_index(value v, value_class class) {
    return class != CLASS_SIGNED && v.u > INT64_MAX ? INT64_MAX : v.i;
}

/* ---- cursors */
cursor cursor_of_axes(const operand *o, const void *from, unsigned axes) {
    cursor c = {.at = (char *)(uintptr_t)from, .bytes = dtype_bytes(o->dtype), .left = 1};
    for (int i = 0; i < o->ndim; i++) {
        if (!(axes >> i & 1)) continue;
        c.shape[c.ndim] = o->shape[i];
        c.strides[c.ndim++] = o->strides[i];
        c.left *= o->shape[i];
    }
    return c;
}

cursor cursor_of(const operand *o) {
    return cursor_of_axes(o, o->data, all_axes(o));
}

cursor cursor_broadcast(const operand *o, const int64_t *shape, int ndim) {
    cursor c = {.at = o->data, .bytes = dtype_bytes(o->dtype), .left = 1, .ndim = ndim};
    for (int i = 0; i < ndim; i++) {
        int own = i - (ndim - o->ndim);
        c.shape[i] = shape[i];
        c.strides[i] = own >= 0 && o->shape[own] != 1 ? o->strides[own] : 0;
        c.left *= shape[i];
    }
    return c;
}

void cursor_next(cursor *c) {
    c->left--;
    for (int i = c->ndim - 1; i >= 0; i--) {
        c->at += c->strides[i] * c->bytes;
        if (++c->index[i] < c->shape[i]) return;
        c->at -= c->index[i] * c->strides[i] * c->bytes;
        c->index[i] = 0;
    }
}

void cursor_copy(cursor to, cursor from) {
    for (; to.left > 0; cursor_next(&to), cursor_next(&from)) memcpy(to.at, from.at, (size_t)to.bytes);
}
