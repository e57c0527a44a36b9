/* The operators of arrays: with arrays, Python's weak numbers, and what can be made an array. */
#include "extension.h"

typedef tarn_array *(*two)(tarn_array *, tarn_array *);

static bool is_operand(PyObject *value) {
    return is_array(value) || is_scalar(value) || PyObject_CheckBuffer(value) ||
           PyObject_HasAttrString(value, "__mlx_array__") || PyObject_HasAttrString(value, "__dlpack__");
}

static PyObject *refuse(const char *what, PyObject *a, PyObject *b) {
    PyObject *other = is_array(a) ? b : a;
    PyErr_Format(other == Py_None ? PyExc_TypeError : PyExc_ValueError, "Cannot perform %s on a %s.array and %s", what,
                 package, type_name(other));
    return NULL;
}

static PyObject *apply(PyObject *a, PyObject *b, two operation, const char *what) {
    if (!is_operand(a) || !is_operand(b)) return refuse(what, a, b);
    TARN_SCOPE;
    tarn_array *operands[2];
    return as_operands((PyObject *[]){a, b}, operands, 2) ? new_array(operation(operands[0], operands[1])) : NULL;
}

#define OPERATOR(name, operation, what)                                                                                \
    static PyObject *name(PyObject *a, PyObject *b) {                                                                  \
        return apply(a, b, operation, what);                                                                           \
    }
OPERATOR(add, tarn_add, "addition")
OPERATOR(subtract, tarn_subtract, "subtraction")
OPERATOR(multiply, tarn_multiply, "multiplication")
OPERATOR(divide, tarn_divide, "division")
PyObject *array_divide(PyObject *a, PyObject *b) {
    return divide(a, b);
} /* __div__, which MLX has as well */
PyObject *array_divide_into(PyObject *a, PyObject *b) {
    return divide(b, a);
}
OPERATOR(floor_divide, tarn_floor_divide, "floor division")
OPERATOR(remainder_of, tarn_remainder, "modulus")

/* Of bits: an array on the left only, and no floats, as in MLX. */
static PyObject *apply_bits(PyObject *a, PyObject *b, two operation, const char *what) {
    if (!is_array(a)) Py_RETURN_NOTIMPLEMENTED;
    if (b == Py_None) return refuse(what, a, b);
    bool floats = PyFloat_Check(b) ||
                  (is_array(b) && !is_integer(tarn_dtype_of(ARRAY(b))) && tarn_dtype_of(ARRAY(b)) != TARN_BOOL);
    if (floats || (!is_integer(tarn_dtype_of(ARRAY(a))) && tarn_dtype_of(ARRAY(a)) != TARN_BOOL))
        return PyErr_Format(PyExc_ValueError, "Floating point types not allowed with %s.", what);
    return apply(a, b, operation, what);
}

#define BIT_OPERATOR(name, operation, what)                                                                            \
    static PyObject *name(PyObject *a, PyObject *b) {                                                                  \
        return apply_bits(a, b, operation, what);                                                                      \
    }
BIT_OPERATOR(and_bits, tarn_bitwise_and, "bitwise and")
BIT_OPERATOR(or_bits, tarn_bitwise_or, "bitwise or")
BIT_OPERATOR(xor_bits, tarn_bitwise_xor, "bitwise xor")
BIT_OPERATOR(shift_left, tarn_left_shift, "left shift")
BIT_OPERATOR(shift_right, tarn_right_shift, "right shift")

/* MLX has no modulus in pow(). */
static PyObject *power(PyObject *a, PyObject *b, PyObject *modulus) {
    if (modulus != Py_None) Py_RETURN_NOTIMPLEMENTED;
    return apply(a, b, tarn_power, "power");
}

/* Products are of arrays alone: a number is refused. */
static PyObject *product(PyObject *a, PyObject *b) {
    if (!is_array(a) || !is_array(b))
        return PyErr_Format(PyExc_TypeError, "matmul(): both operands must be arrays, not %s and %s", type_name(a),
                            type_name(b));
    TARN_SCOPE;
    return new_array(tarn_matmul(ARRAY(a), ARRAY(b)));
}

static PyObject *negative(PyObject *self) {
    TARN_SCOPE;
    return new_array(tarn_negative(ARRAY(self)));
}

static PyObject *absolute(PyObject *self) {
    TARN_SCOPE;
    return new_array(tarn_abs(ARRAY(self)));
}

static PyObject *positive(PyObject *self) {
    return Py_NewRef(self);
}

static PyObject *invert(PyObject *self) {
    tarn_dtype dtype = tarn_dtype_of(ARRAY(self));
    if (!is_integer(dtype) && dtype != TARN_BOOL)
        return PyErr_SetString(PyExc_ValueError, "Floating point types not allowed with bitwise inversion."), NULL;
    TARN_SCOPE;
    return new_array(tarn_bitwise_invert(ARRAY(self)));
}

/* Of what cannot be an operand: unequal, as Python has it; the order of such is an error. */
PyObject *array_compare(PyObject *a, PyObject *b, int how) {
    static const two operations[] = {[Py_LT] = tarn_less,      [Py_LE] = tarn_less_equal, [Py_EQ] = tarn_equal,
                                     [Py_NE] = tarn_not_equal, [Py_GT] = tarn_greater,    [Py_GE] = tarn_greater_equal};
    bool equality = how == Py_EQ || how == Py_NE;
    if (equality && b != Py_None && !is_operand(b)) return PyBool_FromLong(how == Py_NE);
    return apply(a, b, operations[how], "comparison");
}

/* ---- in place: the object stands for the result from then on, for all who hold it */

static PyObject *assign(PyObject *self, PyObject *result) {
    if (!result || result == Py_NotImplemented) return result;
    tarn_array *old = ARRAY(self); /* the result's object, which nobody else has, takes it away */
    ((array_object *)self)->value = ARRAY(result);
    ((array_object *)result)->value = old;
    Py_DECREF(result);
    return Py_NewRef(self);
}

#define IN_PLACE(name)                                                                                                 \
    static PyObject *name##_in_place(PyObject *a, PyObject *b) {                                                       \
        return assign(a, name(a, b));                                                                                  \
    }
IN_PLACE(add)
IN_PLACE(subtract)
IN_PLACE(multiply)
IN_PLACE(floor_divide)
IN_PLACE(remainder_of)
IN_PLACE(and_bits)
IN_PLACE(or_bits)
IN_PLACE(xor_bits)
IN_PLACE(shift_left)
IN_PLACE(shift_right)
IN_PLACE(product)
static PyObject *divide_in_place(PyObject *a, PyObject *b) {
    tarn_dtype dtype = tarn_dtype_of(ARRAY(a));
    if (is_floating(dtype) || dtype == TARN_COMPLEX64 || b == Py_None) return assign(a, divide(a, b));
    return PyErr_SetString(PyExc_ValueError, "In place division cannot cast to non-floating point type."), NULL;
}
static PyObject *power_in_place(PyObject *a, PyObject *b, PyObject *modulus) {
    return assign(a, power(a, b, modulus));
}

const PyType_Slot operator_slots[] = {
    {Py_nb_add, SLOT(add)},
    {Py_nb_subtract, SLOT(subtract)},
    {Py_nb_multiply, SLOT(multiply)},
    {Py_nb_true_divide, SLOT(divide)},
    {Py_nb_floor_divide, SLOT(floor_divide)},
    {Py_nb_remainder, SLOT(remainder_of)},
    {Py_nb_power, SLOT(power)},
    {Py_nb_matrix_multiply, SLOT(product)},
    {Py_nb_and, SLOT(and_bits)},
    {Py_nb_or, SLOT(or_bits)},
    {Py_nb_xor, SLOT(xor_bits)},
    {Py_nb_lshift, SLOT(shift_left)},
    {Py_nb_rshift, SLOT(shift_right)},
    {Py_nb_inplace_add, SLOT(add_in_place)},
    {Py_nb_inplace_subtract, SLOT(subtract_in_place)},
    {Py_nb_inplace_multiply, SLOT(multiply_in_place)},
    {Py_nb_inplace_true_divide, SLOT(divide_in_place)},
    {Py_nb_inplace_floor_divide, SLOT(floor_divide_in_place)},
    {Py_nb_inplace_remainder, SLOT(remainder_of_in_place)},
    {Py_nb_inplace_power, SLOT(power_in_place)},
    {Py_nb_inplace_matrix_multiply, SLOT(product_in_place)},
    {Py_nb_inplace_and, SLOT(and_bits_in_place)},
    {Py_nb_inplace_or, SLOT(or_bits_in_place)},
    {Py_nb_inplace_xor, SLOT(xor_bits_in_place)},
    {Py_nb_inplace_lshift, SLOT(shift_left_in_place)},
    {Py_nb_inplace_rshift, SLOT(shift_right_in_place)},
    {Py_nb_negative, SLOT(negative)},
    {Py_nb_positive, SLOT(positive)},
    {Py_nb_absolute, SLOT(absolute)},
    {Py_nb_invert, SLOT(invert)},
    {Py_nb_bool, SLOT(array_truth)},
    {Py_nb_int, SLOT(array_int)},
    {Py_nb_float, SLOT(array_float)},
    {Py_nb_index, SLOT(array_index)},
};
const int operator_slot_count = COUNT(operator_slots);
