/* Expands the rows of src/table/elementwise.def into loops over registers, for one type of values. The file that
   includes this defines PASS, the functions of the value language, and BOOL(v) INT(v) FLOAT(v) COMPLEX(v) as VALUE(v)
   for its own kind and nothing for the others. It leaves the table ops_<PASS>; and that of pairs, where PAIRS is
   defined. */
#define ROW(op)    FN2(row_##op, PASS)
#define REALS(v)   INT(v) FLOAT(v)
#define NUMBERS(v) INT(v) FLOAT(v) COMPLEX(v)
#define INEXACT(v) FLOAT(v) COMPLEX(v)
#define ALL(v)     BOOL(v) NUMBERS(v)
#define V          FN(V)
#define M          FN(M)

#define RESULT_SAME  V result = {0};
#define RESULT_FLOAT V result = {0};
#define RESULT_WHOLE V result = {0};
#define RESULT_REAL  FN(R) result = {0};
#define RESULT_TRUTH M result = {0};
#define KEEP_SAME    FN(store)(out + i * FN(BYTES), result);
#define KEEP_FLOAT   KEEP_SAME
#define KEEP_WHOLE   KEEP_SAME
#define KEEP_REAL    FN(store_real)(out + i * FN(REAL_BYTES), result);
#define KEEP_TRUTH   FN(store_truths)(out + i * 4, result);

/* An input the value does not read is not a mistake. */
#define INPUT(name)  __attribute__((unused)) V name = FN(load)(p##name + i##name * FN(BYTES));
#define FIRST_ALIKE  INPUT(x)
#define FIRST_CHOICE __attribute__((unused)) M x = FN(load_truths)(px + ix * 4);

#define NEXT(bit) (still & (bit) ? 0 : FN(COUNT))
#define LOOP(name, rule, inputs, values)                                                                               \
    static void name(void *to, const void *vx, const void *vy, const void *vz, int64_t count, unsigned still,          \
                     const void *ahead) {                                                                              \
        const char *px = vx, *py = vy, *pz = vz;                                                                       \
        char *out = to;                                                                                                \
        int64_t ix = 0, iy = 0, iz = 0, next_x = NEXT(1), next_y = NEXT(2), next_z = NEXT(4);                          \
        (void)py, (void)pz;                                                                                            \
        for (int64_t i = 0; i < count; i += FN(COUNT), ix += next_x, iy += next_y, iz += next_z) {                     \
            __builtin_prefetch((const char *)ahead + i * FN(BYTES));                                                   \
            inputs RESULT_##rule values KEEP_##rule                                                                    \
        }                                                                                                              \
    }
#define VALUE(v)                               result = (v);
#define UNARY(op, rule, values, ...)           LOOP(ROW(op), rule, INPUT(x), values)
#define BINARY(op, rule, values, ...)          LOOP(ROW(op), rule, INPUT(x) INPUT(y), values)
#define TERNARY(op, rule, inputs, values, ...) LOOP(ROW(op), rule, FIRST_##inputs INPUT(y) INPUT(z), values)
#include "table/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef VALUE

#define VALUE(v)                               | 1
#define ENTRY(op, values)                      [OP_##op] = (0 values) ? ROW(op) : NULL,
#define UNARY(op, rule, values, ...)           ENTRY(op, values)
#define BINARY(op, rule, values, ...)          ENTRY(op, values)
#define TERNARY(op, rule, inputs, values, ...) ENTRY(op, values)
static const elementwise_loop FN2(ops, PASS)[OP_COUNT] = {
#include "table/elementwise.def"
};
#undef UNARY
#undef BINARY
#undef TERNARY
#undef VALUE
#undef ENTRY
#ifdef PAIRS
#include "cpu/elementwise/pairs.tpl.h"
#endif
#undef ROW
#undef REALS
#undef NUMBERS
#undef INEXACT
#undef ALL
#undef V
#undef M
#undef RESULT_SAME
#undef RESULT_FLOAT
#undef RESULT_WHOLE
#undef RESULT_REAL
#undef RESULT_TRUTH
#undef KEEP_SAME
#undef KEEP_FLOAT
#undef KEEP_WHOLE
#undef KEEP_REAL
#undef KEEP_TRUTH
#undef INPUT
#undef FIRST_ALIKE
#undef FIRST_CHOICE
#undef NEXT
#undef LOOP
#undef PASS
