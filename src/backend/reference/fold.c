#include "reference/fold.h"

#include <math.h>

#define FOLD(name, slot_, result)                                                                                      \
    static value name(value a, value b) {                                                                              \
        return (value){.slot_ = (result)};                                                                             \
    }
FOLD(or_truth, u, a.u | b.u)
FOLD(and_truth, u, a.u &b.u)
FOLD(add_unsigned, u, a.u + b.u)
FOLD(add_signed, i, a.i + b.i)
FOLD(add_float, d, a.d + b.d)
FOLD(add_double, l, a.l + b.l)
FOLD(add_complex, c, a.c + b.c)
FOLD(multiply_unsigned, u, a.u *b.u)
FOLD(multiply_signed, i, a.i *b.i)
FOLD(multiply_float, d, a.d *b.d)
FOLD(multiply_double, l, a.l *b.l)
FOLD(multiply_complex, c, a.c *b.c)

/* The first of equal ones, and the first NaN. */
#define EXTREMES(name, class)                                                                                          \
    static value max_##name(value a, value b) {                                                                        \
        return !value_is_nan(a, class) && (value_is_nan(b, class) || value_less(a, b, class)) ? b : a;                 \
    }                                                                                                                  \
    static value min_##name(value a, value b) {                                                                        \
        return !value_is_nan(a, class) && (value_is_nan(b, class) || value_less(b, a, class)) ? b : a;                 \
    }
EXTREMES(unsigned, CLASS_UNSIGNED)
EXTREMES(signed, CLASS_SIGNED)
EXTREMES(float, CLASS_FLOAT)
EXTREMES(double, CLASS_DOUBLE)
EXTREMES(complex, CLASS_COMPLEX)

#define EACH_CLASS(name)                                                                                               \
    [CLASS_UNSIGNED] = name##_unsigned, [CLASS_SIGNED] = name##_signed, [CLASS_FLOAT] = name##_float,                  \
    [CLASS_DOUBLE] = name##_double, [CLASS_COMPLEX] = name##_complex

fold_function fold_of(reduce_kind kind, value_class class) {
    static const fold_function folds[][CLASS_COUNT] = {
        [REDUCE_SUM] = {[CLASS_BOOL] = or_truth, EACH_CLASS(add)},
        [REDUCE_PROD] = {[CLASS_BOOL] = and_truth, EACH_CLASS(multiply)},
        [REDUCE_MAX] = {[CLASS_BOOL] = or_truth, EACH_CLASS(max)},
        [REDUCE_MIN] = {[CLASS_BOOL] = and_truth, EACH_CLASS(min)},
        [REDUCE_ALL] = {[CLASS_BOOL] = and_truth},
        [REDUCE_ANY] = {[CLASS_BOOL] = or_truth},
    };
    return folds[kind][class];
}

static value infinite(value_class class, double sign) {
    return value_widen((value){.d = sign * (double)INFINITY}, CLASS_FLOAT, class);
}

static value lowest(tarn_dtype dtype) {
    value_class class = value_class_of(dtype);
    if (class >= CLASS_FLOAT) return infinite(class, -1);
    return value_convert((value){.d = -(double)INFINITY}, CLASS_FLOAT, class == CLASS_BOOL ? TARN_UINT8 : dtype);
}

static value highest(tarn_dtype dtype) {
    value_class class = value_class_of(dtype);
    return class >= CLASS_FLOAT ? infinite(class, 1)
                                : value_convert((value){.d = (double)INFINITY}, CLASS_FLOAT, dtype);
}

value fold_identity(reduce_kind kind, tarn_dtype dtype) {
    if (kind == REDUCE_MAX) return lowest(dtype);
    if (kind == REDUCE_MIN) return highest(dtype);
    return value_of_integer(kind == REDUCE_PROD || kind == REDUCE_ALL, value_class_of(dtype));
}
