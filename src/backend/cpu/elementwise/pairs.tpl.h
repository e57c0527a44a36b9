/* The loops of pairs (pairs.h) for the type of values that rows.tpl.h is expanding. It leaves the table pairs_<PASS>.
 */
#define VALUE_OF(op) FN2(value_##op, PASS)

#define TYPE_SAME  V
#define TYPE_FLOAT V
#define TYPE_WHOLE V
#define TYPE_REAL  FN(R)
#define TYPE_TRUTH M
#define VALUE(v)   result = (v);
#define FUNCTION_OF(op, rule, values, ...)                                                                             \
    FUNCTION TYPE_##rule VALUE_OF(op)(__VA_ARGS__) {                                                                   \
        RESULT_##rule values return result;                                                                            \
    }
#define UNARY(op, rule, values, ...) FUNCTION_OF(op, rule, values, __attribute__((unused)) V x)
#define BINARY(op, rule, values, ...)                                                                                  \
    FUNCTION_OF(op, rule, values, __attribute__((unused)) V x, __attribute__((unused)) V y)
#define TERNARY(...)
#include "table/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef FUNCTION_OF
#undef TYPE_SAME
#undef TYPE_FLOAT
#undef TYPE_WHOLE
#undef TYPE_REAL
#undef TYPE_TRUTH

#define PAIR(first, second, place)   FN2(pair_##first##_##second##_##place, PASS)
#define VALUE_EITHER(second, own, z) VALUE_OF(second)(own, z)
#define VALUE_LEFT(second, own, z)   VALUE_OF(second)(own, z)
#define VALUE_RIGHT(second, own, z)  VALUE_OF(second)(z, own)
#define LOOP_UNARY(first, second, place)                                                                               \
    LOOP(PAIR(first, second, place), SAME, INPUT(x) INPUT(y), VALUE(VALUE_##place(second, VALUE_OF(first)(x), y)))
#define LOOP_BINARY(first, second, place)                                                                              \
    LOOP(PAIR(first, second, place), SAME, INPUT(x) INPUT(y) INPUT(z),                                                 \
         VALUE(VALUE_##place(second, VALUE_OF(first)(x, y), z)))
#define LOOP_OF(second, place, kind, first) LOOP_##kind(first, second, place)
#define LOOPS_OF(kind, first)               PAIR_SECONDS(LOOP_OF, kind, first)
PAIR_FIRSTS(LOOPS_OF)

#define ENTRY_OF(second, place, kind, first) [FIRST_##first][SECOND_##second##_##place] = PAIR(first, second, place),
#define ENTRIES_OF(kind, first)              PAIR_SECONDS(ENTRY_OF, kind, first)
static const elementwise_loop FN2(pairs, PASS)[FIRST_COUNT][SECOND_COUNT] = {PAIR_FIRSTS(ENTRIES_OF)};
#undef VALUE
#undef VALUE_OF
#undef PAIR
#undef VALUE_EITHER
#undef VALUE_LEFT
#undef VALUE_RIGHT
#undef LOOP_UNARY
#undef LOOP_BINARY
#undef LOOP_OF
#undef LOOPS_OF
#undef ENTRY_OF
#undef ENTRIES_OF
