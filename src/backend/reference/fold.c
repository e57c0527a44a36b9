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

/* log(exp(a) + exp(b)) without overflow. */
static value logaddexp_float(value a, value b) {
    double most = fmax(a.d, b.d), least = fmin(a.d, b.d);
    if (isnan(a.d) || isnan(b.d)) return (value){.d = a.d + b.d};
    return (value){.d = isinf(most) ? most : most + log1p(exp(least - most))};
}
static value logaddexp_double(value a, value b) {
    long double most = fmaxl(a.l, b.l), least = fminl(a.l, b.l);
    if (isnan(a.l) || isnan(b.l)) return (value){.l = a.l + b.l};
    return (value){.l = isinf(most) ? most : most + log1pl(expl(least - most))};
}
static value logaddexp_complex(value a, value b) {
    bool order = value_less(a, b, CLASS_COMPLEX);
    double _Complex most = order ? b.c : a.c, least = order ? a.c : b.c;
    return (value){.c = creal(least) == -(double)INFINITY ? most : most + clog(1 + cexp(least - most))};
}

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
        [REDUCE_LOGADDEXP] =
            {[CLASS_FLOAT] = logaddexp_float, [CLASS_DOUBLE] = logaddexp_double, [CLASS_COMPLEX] = logaddexp_complex},
    };
    return folds[kind][class];
}

static value infinite(value_class class, double sign) {
    double size = sign * (double)INFINITY;
    if (class == CLASS_COMPLEX) return (value){.c = __builtin_complex(size, size)};
    return value_widen((value){.d = size}, CLASS_FLOAT, class);
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
    if (kind == REDUCE_LOGADDEXP)
        return value_widen((value){.d = -(double)INFINITY}, CLASS_FLOAT, value_class_of(dtype));
    if (kind == REDUCE_MAX) return lowest(dtype);
    if (kind == REDUCE_MIN) return highest(dtype);
    return value_of_integer(kind == REDUCE_PROD || kind == REDUCE_ALL, value_class_of(dtype));
}
