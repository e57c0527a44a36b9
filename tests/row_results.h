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
   the row's definition decides the class of the result, so finite values of these rows are not compared, and the least
   values of a sigmoid may be 0. */
static inline bool special_agrees(op_id op, double got, double expected, tarn_dtype dtype) {
    bool inner = op == OP_square || op == OP_power;
    double nearly_infinite = dtype == TARN_FLOAT64 ? 1.79e308 : 3.4e38;
    if ((op == OP_sigmoid || op == OP_silu) && got == 0 && fabs(expected) < 1e-36) return true;
    return inner || ulps(got, expected, 0, dtype) <= 8 || (isinf(got) && fabs(expected) > nearly_infinite);
}

/* A row as a group of one instruction, and inputs from its domain. */
typedef struct {
    operand inputs[3];
    tarn_dtype out;
    uint16_t registers[3];
    group_instruction instruction;
    group_program program;
} single_row;

static inline void make_single_row(single_row *r, op_id op, tarn_dtype dtype, tarn_ints shape, int layout) {
    int count = op_facts[op].most_inputs;
    for (int i = 0; i < count; i++) {
        bool truth = op_facts[op].inputs == INPUTS_CHOICE && i == 0;
        r->inputs[i] = laid_out(truth ? TARN_BOOL : dtype, shape, op_facts[op].domain, (layout + i) % LAYOUTS);
    }
    r->out = result_dtype(op, dtype);
    for (int i = 0; i < 3; i++) r->registers[i] = (uint16_t)i;
    r->instruction =
        (group_instruction){(uint16_t)op, (uint16_t)(count - 1), {0, 1, 2}, (uint8_t)dtype, (uint8_t)r->out};
    r->program = (group_program){count, 1, 1, count, r->registers, r->registers + count - 1, &r->instruction};
}

/* How a row's result may differ from the expected one: of what grows with its first input, relative to that. */
static inline void compare_row(const single_row *r, op_id op, tarn_dtype dtype, operand *got, operand *expected) {
    compare(got, expected, row_tolerance(op, dtype), scale_input(op) == 0 ? &r->inputs[0] : NULL, op_name(op));
}

static inline bool accepts(op_id op, tarn_dtype dtype) {
    if (!op_is_elementwise(op) || !(op_facts[op].kinds >> dtype_kind_of(dtype) & 1)) return false;
    return op_facts[op].result != RESULT_FLOAT || dtype_kind_of(dtype) >= KIND_FLOAT;
}

#endif
