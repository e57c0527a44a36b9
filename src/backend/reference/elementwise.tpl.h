/* Expands src/table/elementwise.def for one class of numbers. The file that includes this defines

     TABLE   the table to make, `const elementwise_function TABLE[OP_COUNT]`
     T       the C type of a number, SLOT its member of `value`
     BOOL(v) INT(v) FLOAT(v) COMPLEX(v): STATEMENT(v) for its own kind, nothing for the others

   and, after including "reference/elementwise.h", the functions of the value language, but for those that read the same
   for every type. A row without a value for the kind makes a function that does nothing and is never called:
   op_facts[].kinds tells. */
#define STATEMENT(v) out[i].SLOT = (T)(v);
#define REALS(v)     INT(v) FLOAT(v)
#define NUMBERS(v)   INT(v) FLOAT(v) COMPLEX(v)
#define INEXACT(v)   FLOAT(v) COMPLEX(v)
#define ALL(v)       BOOL(v) NUMBERS(v)

#define K(v)             ((T)(v))
#define multiplied(a, b) ((a) * (b))
#define divided(a, b)    ((a) / (b))
#define eq(a, b)         ((a) == (b))
#define truth(a)         ((a) != 0)
#define not_(t)          (!(t))
#define and_(a, b)       ((a) && (b))
#define or_(a, b)        ((a) || (b))
#define select(t, a, b)  ((t) ? (a) : (b))

/* `number` keeps the loop's variables from being called unused in the rows that do not read them. */
#define number __attribute__((unused)) const T
#define LOOP(op, load, values)                                                                                         \
    static void op##_row(const value *px, const value *py, const value *pz, value *out, int count) {                   \
        (void)px, (void)py, (void)pz, (void)out;                                                                       \
        for (int i = 0; i < count; i++) {                                                                              \
            load values                                                                                                \
        }                                                                                                              \
    }
#define UNARY(op, result, values, ...)  LOOP(op, number x = px[i].SLOT;, values)
#define BINARY(op, result, values, ...) LOOP(op, number x = px[i].SLOT; number y = py[i].SLOT;, values)
#define TERNARY(op, result, inputs, values, ...)                                                                       \
    LOOP(op, number x = px[i].SLOT; number y = py[i].SLOT; number z = pz[i].SLOT;, values)
#include "table/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY

#define UNARY(op, ...)   [OP_##op] = op##_row,
#define BINARY(op, ...)  [OP_##op] = op##_row,
#define TERNARY(op, ...) [OP_##op] = op##_row,
const elementwise_function TABLE[OP_COUNT] = {
#include "table/elementwise.def"
};
