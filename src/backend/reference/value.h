/* One number in the widest type of its kind, and a cursor that walks the elements of an operand in row-major order.
   Every reference kernel is written on these. */
#ifndef REFERENCE_VALUE_H
#define REFERENCE_VALUE_H

#include <complex.h>
#include <stdbool.h>
#include <stdint.h>

#include "backend/call.h"

/* u of bool (0 or 1) and unsigned, i of signed integers, d of float16, bfloat16 and float32, l of float64, c of
 * complex64. */
typedef union {
    uint64_t u;
    int64_t i;
    double d;
    long double l;
    double _Complex c;
} value;

typedef enum {
    CLASS_BOOL,
    CLASS_UNSIGNED,
    CLASS_SIGNED,
    CLASS_FLOAT,
    CLASS_DOUBLE,
    CLASS_COMPLEX,
    CLASS_COUNT
} value_class;

value_class value_class_of(tarn_dtype dtype);

typedef value (*value_loader)(const void *element);
typedef void (*value_storer)(void *element, value v);
value_loader value_loader_of(tarn_dtype dtype);
value_storer value_storer_of(tarn_dtype dtype); /* v is of the dtype's class and already rounded to it */

/* v, of class `from`, as a number of `to`: rounded to the dtype, in the dtype's class (table/convert.h has the rules).
 */
value value_convert(value v, value_class from, tarn_dtype to);

/* v of any class in another one, not rounded to a dtype. Not from a float to an integer class. */
value value_widen(value v, value_class from, value_class to);

/* Whether a sorts before b: NaN last, complex numbers by real and then imaginary part. */
bool value_less(value a, value b, value_class class);
bool value_is_nan(value v, value_class class);
value value_of_integer(int64_t i, value_class class);
/* An integer of either class; unsigned ones beyond int64 become its largest. */
int64_t value_index(value v, value_class class);

/* Walks an operand, or some of its axes, in row-major order. */
typedef struct {
    char *at;
    int64_t bytes; /* of one element */
    int64_t left;  /* elements not yet passed, the present one counted */
    int ndim;
    int64_t shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM], index[TARN_MAX_NDIM];
} cursor;

cursor cursor_of(const operand *o);
/* The axes whose bit is set in `axes`, from the element at `from` on. */
cursor cursor_of_axes(const operand *o, const void *from, unsigned axes);
/* The operand broadcast to `shape` (its own axes are the last ones). */
cursor cursor_broadcast(const operand *o, const int64_t *shape, int ndim);
void cursor_next(cursor *c);

/* Copies element by element; both walk the same shape. */
void cursor_copy(cursor to, cursor from);

/* Every axis, as bits. */
static inline unsigned all_axes(const operand *o) {
    return (1u << o->ndim) - 1;
}

#endif
