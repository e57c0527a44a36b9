/* What the results of an elementwise row may be: dtypes, and how far a kernel may be from the reference. */
#ifndef TESTS_ROW_RESULTS_H
#define TESTS_ROW_RESULTS_H

#include "random_operands.h"

/* Rows whose value is one correctly rounded operation, or none. A row that is not listed may differ by a few units. */
static inline bool is_exact(op_id op) {
    static const op_id exact[] = {OP_negative,    OP_abs,           OP_sign,       OP_square,         OP_sqrt,
                                  OP_reciprocal,  OP_conjugate,     OP_add,        OP_subtract,       OP_multiply,
                                  OP_divide,      OP_floor_divide,  OP_remainder,  OP_maximum,        OP_minimum,
                                  OP_floor,       OP_ceil,          OP_trunc,      OP_round,          OP_real,
                                  OP_imag,        OP_equal,         OP_not_equal,  OP_less,           OP_less_equal,
                                  OP_greater,     OP_greater_equal, OP_isnan,      OP_isinf,          OP_logical_not,
                                  OP_logical_and, OP_logical_or,    OP_where,      OP_bitwise_invert, OP_bitwise_and,
                                  OP_bitwise_or,  OP_bitwise_xor,   OP_left_shift, OP_right_shift,    OP_positive,
                                  OP_isfinite,    OP_isposinf,      OP_isneginf,   OP_logical_xor};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (exact[i] == op) return true;
    return false;
}

/* Units in the last place; the reference's long double rounds twice. */
static inline double row_tolerance(op_id op, tarn_dtype dtype) {
    double tolerance = is_exact(op) || dtype_kind_of(dtype) <= KIND_INT ? (dtype == TARN_FLOAT64 ? 1 : 0)
                       : dtype_is_half(dtype)                           ? 1
                                                                        : 4;
    return op == OP_logaddexp || op == OP_tan || op == OP_power ? 2 * tolerance : tolerance;
}

/* The input against whose size errors of the row count, where it cancels; else -1. */
static inline int scale_input(op_id op) {
    return op == OP_logaddexp ? 0 : -1;
}

static inline tarn_dtype result_dtype(op_id op, tarn_dtype dtype) {
    switch (op_facts[op].result) {
    case RESULT_TRUTH:
        return TARN_BOOL;
    case RESULT_REAL:
        return dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype;
    default:
        return dtype;
    }
}

/* For special values: a result (got) beside the reference's. Where a product or quotient inside a row overflows, only
   the row's definition decides the class of the result, so finite values of these rows are not compared. */
static inline bool special_agrees(op_id op, double got, double expected, tarn_dtype dtype) {
    bool inner = op == OP_square || op == OP_power;
    return inner || ulps(got, expected, 0, dtype) <= 8 || (isinf(got) && fabs(expected) > 3e38);
}

#endif
