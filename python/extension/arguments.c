/* The arguments of a call: sorted into parameters, then read as what the annotation of each says. */
#include "extension.h"

#include <string.h>

/* ---- sorting */

static int find_name(const parameters *p, PyObject *name) {
    for (int i = p->positional_only; i < p->count; i++)
        if (PyUnicode_CompareWithASCIIString(name, p->names[i]) == 0) return i;
    return -1;
}

static bool take_named(const parameters *p, PyObject *const *args, PyObject *names, PyObject **values) {
    Py_ssize_t count = names ? PyTuple_Size(names) : 0;
    for (Py_ssize_t k = 0; k < count; k++) {
        PyObject *name = PyTuple_GetItem(names, k);
        int i = find_name(p, name);
        if (i < 0 || values[i] || (p->variadic && i == p->positional))
            return PyErr_Format(PyExc_TypeError,
                                i < 0 ? "%s() got an unexpected keyword argument '%U'"
                                      : "%s() got multiple values for argument '%U'",
                                p->function, name),
                   false;
        values[i] = args[k];
    }
    return true;
}

static bool all_required(const parameters *p, PyObject *const *values) {
    for (int i = 0; i < p->count; i++)
        if (p->required >> i & 1 && !values[i])
            return PyErr_Format(PyExc_TypeError, "%s() missing required argument '%s'", p->function, p->names[i]),
                   false;
    return true;
}

static PyObject *rest_of(PyObject *const *args, Py_ssize_t count) {
    PyObject *rest = PyTuple_New(count);
    for (Py_ssize_t i = 0; rest && i < count; i++) PyTuple_SetItem(rest, i, Py_NewRef(args[i]));
    return rest;
}

bool collect(const parameters *p, int given, PyObject *const *args, Py_ssize_t count, PyObject *names,
             PyObject **values) {
    Py_ssize_t places = p->positional - given, taken = count < places ? count : places;
    for (Py_ssize_t i = 0; i < taken; i++) values[given + i] = args[i];
    if (p->variadic) {
        if (!(values[p->positional] = rest_of(args + taken, count - taken))) return false;
    } else if (count > places)
        return PyErr_Format(PyExc_TypeError, "%s() takes %zd positional arguments but %zd were given", p->function,
                            places, count),
               false;
    return take_named(p, args + count, names, values) && all_required(p, values);
}

void drop_object(PyObject **object) {
    Py_XDECREF(*object);
}

/* ---- reading */

static bool wrong(const parameters *p, int i, const char *wanted, PyObject *value) {
    PyErr_Format(PyExc_TypeError, "%s(): %s must be %s, not %R", p->function, p->names[i], wanted,
                 (PyObject *)Py_TYPE(value));
    return false;
}

bool get_array(const parameters *p, PyObject *const *values, int i, tarn_array **result) {
    if (!values[i]) return true;
    if (!is_array(values[i])) return wrong(p, i, "an array", values[i]);
    return (*result = held_array(values[i])) || (raise_error(), false);
}

bool get_optional_array(const parameters *p, PyObject *const *values, int i, tarn_array **result) {
    return values[i] == Py_None || get_array(p, values, i, result);
}

bool int_of_object(PyObject *value, int64_t *result) {
    PyObject *number = PyNumber_Index(value);
    if (!number) return false;
    *result = PyLong_AsLongLong(number);
    Py_DECREF(number);
    return !(*result == -1 && PyErr_Occurred());
}

/* Sizes, axes and the like have 32 bits in MLX, whose programs catch what is beyond. */
bool size_in_range(int64_t number) {
    if (!like_mlx || number == (int32_t)number) return true;
    PyErr_Format(PyExc_OverflowError, "Integer value %lld is outside the supported range [-2147483648, 2147483647].",
                 (long long)number);
    return false;
}

/* A TypeError that names the parameter in place of the error that there is. One by a number that is too large stays an
 * OverflowError; in MLX that is so of shapes alone. */
static bool wrong_number(const parameters *p, int i, const char *wanted, int bits, PyObject *value) {
    bool overflow = PyErr_ExceptionMatches(PyExc_OverflowError);
    if (overflow ? !like_mlx || strcmp(p->names[i], "shape") == 0 : !PyErr_ExceptionMatches(PyExc_TypeError))
        return false;
    PyErr_Clear();
    return wrong(p, i, !overflow ? wanted : bits == 32 ? "of 32 bits" : "of 64 bits", value);
}

static bool read_int(const parameters *p, int i, const char *wanted, PyObject *value, int64_t *result) {
    return (int_of_object(value, result) && size_in_range(*result)) || wrong_number(p, i, wanted, 32, value);
}

bool get_int(const parameters *p, PyObject *const *values, int i, int64_t *result) {
    return !values[i] || read_int(p, i, "an int", values[i], result);
}

bool get_bytes(const parameters *p, PyObject *const *values, int i, int64_t *result) {
    return !values[i] || int_of_object(values[i], result) || wrong_number(p, i, "an int", 64, values[i]);
}

bool get_seed(const parameters *p, PyObject *const *values, int i, uint64_t *result) {
    if (!values[i]) return true;
    PyObject *number = PyNumber_Index(values[i]);
    if (!number) return PyErr_Clear(), wrong(p, i, "an int", values[i]);
    *result = PyLong_AsUnsignedLongLong(number);
    Py_DECREF(number);
    if (*result != UINT64_MAX || !PyErr_Occurred()) return true;
    return PyErr_Clear(), wrong(p, i, "an int from 0 to 2^64 - 1", values[i]);
}

bool get_optional_int(const parameters *p, PyObject *const *values, int i, tarn_axis *result) {
    if (!values[i]) return true;
    result->given = values[i] == Py_None ? NULL : TARN_GIVEN;
    return values[i] == Py_None || read_int(p, i, "an int or None", values[i], &result->axis);
}

bool get_float(const parameters *p, PyObject *const *values, int i, double *result) {
    if (!values[i]) return true;
    *result = PyFloat_AsDouble(values[i]);
    if (*result != -1 || !PyErr_Occurred()) return true;
    /* an array of several elements says that with a ValueError */
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_ValueError)) return false;
    PyErr_Clear();
    return wrong(p, i, "a float", values[i]);
}

bool get_optional_float(const parameters *p, PyObject *const *values, int i, tarn_value *result) {
    if (!values[i]) return true;
    result->given = values[i] == Py_None ? NULL : TARN_GIVEN;
    return values[i] == Py_None || get_float(p, values, i, &result->value);
}

bool get_bool(const parameters *p, PyObject *const *values, int i, bool *result) {
    if (!values[i]) return true;
    *result = values[i] == Py_True;
    return *result || values[i] == Py_False || wrong(p, i, "a bool", values[i]);
}

bool get_index(const parameters *p, PyObject *const *values, int i, tarn_array **result) {
    if (!values[i]) return true;
    if (like_mlx && !is_array(values[i]) && !PyIndex_Check(values[i])) return wrong(p, i, "an int or array", values[i]);
    if (PyBool_Check(values[i])) return (*result = tarn_scalar_int(values[i] == Py_True, TARN_INT32));
    return as_operands(&values[i], result, 1);
}

bool get_string(const parameters *p, PyObject *const *values, int i, const char **result) {
    if (!values[i]) return true;
    if (!PyUnicode_Check(values[i])) return wrong(p, i, "a str", values[i]);
    return (*result = PyUnicode_AsUTF8AndSize(values[i], NULL));
}

bool get_optional_string(const parameters *p, PyObject *const *values, int i, const char **result) {
    if (values[i] != Py_None) return get_string(p, values, i, result);
    *result = NULL;
    return true;
}

bool get_dtype(const parameters *p, PyObject *const *values, int i, tarn_dtype *result) {
    if (!values[i]) return true;
    if (!is_dtype(values[i])) return wrong(p, i, "a Dtype", values[i]);
    *result = dtype_of_object(values[i]);
    return true;
}

bool get_optional_dtype(const parameters *p, PyObject *const *values, int i, optional_dtype *result) {
    if (values[i]) result->given = values[i] != Py_None;
    return values[i] == Py_None || get_dtype(p, values, i, &result->value);
}

bool get_object(const parameters *p, PyObject *const *values, int i, PyObject **result) {
    (void)p;
    if (values[i]) *result = values[i];
    return true;
}

/* ---- lists */

bool get_ints(const parameters *p, PyObject *const *values, int i, int_list *result) {
    const char *wanted = "a list or tuple of int";
    if (!values[i]) return true;
    if (!has_items(values[i])) return wrong(p, i, wanted, values[i]);
    return ints_of_object(values[i], result) || wrong_number(p, i, wanted, 32, values[i]);
}

bool get_int_or_ints(const parameters *p, PyObject *const *values, int i, int_list *result) {
    if (!values[i] || has_items(values[i])) return get_ints(p, values, i, result);
    result->list = (tarn_ints){result->few, 1};
    return read_int(p, i, "an int, or a list or tuple of int", values[i], result->few);
}

static bool of_count(const parameters *p, int i, int64_t count, PyObject *value, const int_list *result) {
    char wanted[32];
    snprintf(wanted, sizeof wanted, "an int or %d of them", (int)count);
    return result->list.count == count || !has_items(value) || wrong(p, i, wanted, value);
}

bool get_int_or_two(const parameters *p, PyObject *const *values, int i, int_list *result) {
    return get_int_or_ints(p, values, i, result) && (!values[i] || of_count(p, i, 2, values[i], result));
}

bool get_int_or_three(const parameters *p, PyObject *const *values, int i, int_list *result) {
    return get_int_or_ints(p, values, i, result) && (!values[i] || of_count(p, i, 3, values[i], result));
}

static bool nothing(int_list *result) {
    result->list = (tarn_ints){NULL, 0};
    return true;
}

bool get_optional_ints(const parameters *p, PyObject *const *values, int i, int_list *result) {
    return values[i] == Py_None ? nothing(result) : get_ints(p, values, i, result);
}

bool get_optional_int_or_ints(const parameters *p, PyObject *const *values, int i, int_list *result) {
    return values[i] == Py_None ? nothing(result) : get_int_or_ints(p, values, i, result);
}

/* An array stands for those along its first axis. */
static bool get_rows(tarn_array *a, array_list *result) {
    if (!a) return raise_error(), false;
    if (!arrays_reserve(result, (Py_ssize_t)tarn_dim(a, 0))) return false;
    return tarn_unstack(a, result->list, .axis = TARN_AXIS(0)) || (raise_error(), false);
}

bool get_arrays(const parameters *p, PyObject *const *values, int i, array_list *result) {
    PyObject *item = NULL;
    if (!values[i]) return true;
    if (is_array(values[i]) && tarn_ndim(ARRAY(values[i])) > 0) return get_rows(held_array(values[i]), result);
    if (!is_sequence(values[i])) return wrong(p, i, "a list or tuple of arrays", values[i]);
    return arrays_of_items(values[i], result, &item) || (item && wrong(p, i, "a list or tuple of arrays", item));
}

/* ---- streams */

bool choose_stream(PyObject *object, stream_choice *choice) {
    tarn_stream *stream;
    if (!object || object == Py_None) return true;
    if (!stream_of_object(object, &stream)) return false;
    choice->previous = tarn_use_stream(stream);
    choice->changed = true;
    return true;
}

void restore_stream(stream_choice *choice) {
    if (choice->changed) tarn_restore_stream(&choice->previous);
}
