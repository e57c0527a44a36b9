/* What the results of an elementwise row may be: dtypes, and how far a kernel may be from the reference. */
#ifndef TESTS_ROW_RESULTS_H
#define TESTS_ROW_RESULTS_H

#include "random_operands.h"

/* Rows whose value is one correctly rounded operation, or none. */
static inline bool is_exact(op_id op) {
    static const op_id rounded[] = {OP_rsqrt, OP_power,   OP_logaddexp, OP_exp,     OP_expm1,   OP_log,      OP_log1p,
                                    OP_log2,  OP_log10,   OP_sigmoid,   OP_silu,    OP_erf,     OP_erfinv,   OP_sin,
                                    OP_cos,   OP_tan,     OP_arcsin,    OP_arccos,  OP_arctan,  OP_sinh,     OP_cosh,
                                    OP_tanh,  OP_arcsinh, OP_arccosh,   OP_arctanh, OP_arctan2, OP_remainder};
    for (size_t i = 0; i < sizeof rounded / sizeof *rounded; i++)
        if (rounded[i] == op) return false;
    return op <= OP_where; /* rows added to the table later are not known to be */
}

/* Units in the last place; the reference's long double rounds twice. */
static inline double row_tolerance(op_id op, tarn_dtype dtype) {
    double tolerance = is_exact(op) ? (dtype == TARN_FLOAT64 ? 1 : 0) : dtype_is_half(dtype) ? 1 : 4;
    return op == OP_logaddexp || op == OP_tan || op == OP_power ? 2 * tolerance : tolerance;
}

/* The input against whose size errors of the row count, where it cancels; else -1. */
static inline int scale_input(op_id op) {
    return op == OP_remainder || op == OP_logaddexp ? 0 : -1;
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

/* For special values: a result (got) beside the reference's. Where a product or quotient inside a row overflows, only the row's
   definition decides the class of the result, so finite values of these rows are not compared. */
static inline bool special_agrees(op_id op, double got, double expected, tarn_dtype dtype) {
    bool inner = op == OP_floor_divide || op == OP_remainder || op == OP_square || op == OP_power;
    return inner || ulps(got, expected, 0, dtype) <= 8 || (isinf(got) && fabs(expected) > 3e38);
}

#endif
