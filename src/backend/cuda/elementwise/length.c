/* How long the code of a group is: of each row what it was found to be. */
#include "cuda/elementwise/length.h"

/* Of one element, in pieces of 50 bytes of a kernel for Hopper, rows of floats; of whole numbers no more. One where
   none is named, and those are short of complex numbers, too. */
static const unsigned char lengths[OP_COUNT] = {
    [OP_floor_divide] = 48, [OP_power] = 32,     [OP_remainder] = 26, [OP_arctan2] = 24, [OP_logaddexp] = 16,
    [OP_sin] = 20,          [OP_cos] = 20,       [OP_tan] = 20,       [OP_rsqrt] = 14,   [OP_arcsinh] = 14,
    [OP_arccosh] = 14,      [OP_arctanh] = 14,   [OP_silu] = 12,      [OP_divide] = 10,  [OP_sigmoid] = 10,
    [OP_log] = 9,           [OP_log2] = 9,       [OP_log10] = 9,      [OP_log1p] = 9,    [OP_expm1] = 9,
    [OP_erfinv] = 9,        [OP_reciprocal] = 8, [OP_sqrt] = 7,       [OP_erf] = 7,      [OP_arcsin] = 7,
    [OP_arccos] = 7,        [OP_arctan] = 7,     [OP_sinh] = 7,       [OP_cosh] = 7,     [OP_tanh] = 5,
    [OP_exp] = 3,           [OP_sign] = 2,       [OP_abs] = 1};

enum { MOST = 160, LONG = 7, AS_DOUBLES = 3 };

static bool is_complex(const group_instruction *in) {
    return in->op != OP_astype && dtype_kind_of((tarn_dtype)in->input_dtype) == KIND_COMPLEX;
}

static int length_of(const group_instruction *in) {
    int length = in->op == OP_astype || !lengths[in->op] ? 1 : lengths[in->op];
    return in->input_dtype == TARN_FLOAT64 && length > 1 ? AS_DOUBLES * length : length;
}

/* Of a pair of elements, without what is called in any case. */
static int length_of_pair(const group_program *p) {
    int length = 0;
    for (int i = 0; i < p->instruction_count; i++)
        if (!is_complex(&p->instructions[i])) length += 2 * length_of(&p->instructions[i]);
    return length;
}

int group_unrolled(const group_program *p, int pairs) {
    int length = length_of_pair(p);
    while (pairs > 1 && pairs * length > MOST) pairs /= 2;
    return pairs;
}

bool group_calls(const group_program *p, const group_instruction *in) {
    if (is_complex(in)) return lengths[in->op];
    return length_of(in) >= LONG && length_of_pair(p) > MOST;
}
