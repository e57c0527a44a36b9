/* Python numbers as operands. They are weak: beside an array they take its dtype, as far as their kind allows. */
#include "extension.h"

bool is_scalar(PyObject *value) {
    return PyFloat_Check(value) || PyLong_Check(value) || PyComplex_Check(value); /* a bool is an int */
}

/* The bounds of the integer dtypes; uint64's upper one is beyond what an int64 holds. */
static bool fits(int64_t value, tarn_dtype dtype) {
    int64_t bits = tarn_dtype_bytes(dtype) * 8;
    if (bits == 64) return true; /* uint64 takes negative numbers modulo 2^64 */
    if (dtype <= TARN_UINT64) return value >= 0 && value < (int64_t)1 << bits;
    return value >= -((int64_t)1 << (bits - 1)) && value < (int64_t)1 << (bits - 1);
}

static tarn_array *of_int(PyObject *value, const tarn_dtype *like) {
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow) /* of uint64 what an int64 does not hold is an overflow as well, as in MLX */
        return PyErr_Format(PyExc_OverflowError, "int %S does not fit an array", value), NULL;
    tarn_dtype dtype = fits(number, TARN_INT32) ? TARN_INT32 : TARN_INT64;
    if (like && *like != TARN_BOOL) dtype = *like;
    if (is_integer(dtype) && !fits(number, dtype))
        return tarn_fail("Converting %lld to %s would result in overflow.", (long long)number, tarn_dtype_name(dtype)),
               NULL;
    if (dtype == TARN_UINT64 && number < 0) return tarn_astype(tarn_scalar_int(number, TARN_INT64), dtype);
    return tarn_scalar_int(number, dtype);
}

tarn_array *weak_scalar(PyObject *value, const tarn_dtype *like) {
    if (PyBool_Check(value)) return tarn_scalar_int(value == Py_True, like ? *like : TARN_BOOL);
    if (PyLong_Check(value)) return of_int(value, like);
    if (PyFloat_Check(value))
        return tarn_scalar(PyFloat_AsDouble(value),
                           like && (is_floating(*like) || *like == TARN_COMPLEX64) ? *like : TARN_FLOAT32);
    return tarn_scalar_complex(PyComplex_RealAsDouble(value), PyComplex_ImagAsDouble(value));
}

/* MLX makes no arrays of lists beside arrays; programs ask whether they are refused. */
bool refused_list(PyObject *value) {
    if (!like_mlx || !(PyList_Check(value) || PyTuple_Check(value))) return false;
    PyErr_Format(PyExc_ValueError, "Invalid type %s received in array initialization.", type_name(value));
    return true;
}

static tarn_array *operand(PyObject *value, const tarn_dtype *like) {
    if (is_array(value)) return held_array(value);
    if (refused_list(value)) return NULL;
    return is_scalar(value) ? weak_scalar(value, like) : array_of_object(value, like);
}

/* None is a wrong type, whatever the other operands are. */
bool refused_none(PyObject *const *values, int count) {
    for (int i = 0; i < count; i++)
        if (values[i] == Py_None)
            return PyErr_SetString(PyExc_TypeError, "an array or number is needed, not None"), true;
    return false;
}

bool as_operands(PyObject *const *values, tarn_array **arrays, int count) {
    if (refused_none(values, count)) return false;
    tarn_dtype dtype = TARN_FLOAT32;
    const tarn_dtype *like = NULL;
    for (int i = count; i-- > 0;)
        if (values[i] && is_array(values[i])) dtype = tarn_dtype_of(ARRAY(values[i])), like = &dtype;
    for (int i = 0; i < count; i++)
        if (values[i] && !(arrays[i] = operand(values[i], like))) return raise_error(), false;
    return true;
}

bool operand_like(PyObject *value, const tarn_array *like, tarn_array **operand_of_value) {
    tarn_dtype dtype = tarn_dtype_of(like);
    if (value == Py_None || PyList_Check(value) || PyTuple_Check(value))
        PyErr_Format(value == Py_None ? PyExc_TypeError : PyExc_ValueError,
                     "Invalid type %s received in array initialization.", type_name(value));
    else
        *operand_of_value = operand(value, &dtype);
    return *operand_of_value || (raise_error(), false);
}
