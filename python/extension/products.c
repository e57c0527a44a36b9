/* Products and convolutions whose arguments fit no annotation. */
#include "special.h"

/* A pair of sequences of integers. */
static bool pair_of(PyObject *value, int_list *first, int_list *second) {
    PyObject *a = PySequence_GetItem(value, 0), *b = a ? PySequence_GetItem(value, 1) : NULL;
    bool ok = a && b && ints_of_object(a, first) && ints_of_object(b, second);
    Py_XDECREF(a);
    Py_XDECREF(b);
    return ok;
}

tarn_array *tensordot_over(tarn_array *a, tarn_array *b, PyObject *axes) {
    int64_t count = 2;
    int_list left CLEANUP(drop_ints) = {0}, right CLEANUP(drop_ints) = {0};
    if (!axes || !is_sequence(axes)) return !axes || int_of_object(axes, &count) ? tarn_tensordot(a, b, count) : NULL;
    for (Py_ssize_t i = 0; i < PySequence_Size(axes); i++) {
        PyObject *list = PySequence_GetItem(axes, i);
        bool good = list && has_items(list);
        Py_XDECREF(list);
        if (!good) return PyErr_SetString(PyExc_TypeError, "tensordot(): axes are an int or two lists of them"), NULL;
    }
    if (PySequence_Size(axes) != 2)
        return PyErr_SetString(PyExc_ValueError, "[tensordot] axes must be a list of two lists."), NULL;
    return pair_of(axes, &left, &right) ? tarn_tensordot_axes(a, b, left.list, right.list) : NULL;
}

static PyObject *steps_of(const tarn_einsum_step *steps, int count) {
    PyObject *list = PyList_New(count);
    for (int i = 0; list && i < count; i++) {
        PyObject *step = steps[i].second < 0 ? Py_BuildValue("(i)", steps[i].first)
                                             : Py_BuildValue("(ii)", steps[i].first, steps[i].second);
        if (!step || PyList_SetItem(list, i, step) < 0) Py_CLEAR(list);
    }
    return list;
}

PyObject *einsum_path_of(const char *subscripts, const array_list *operands) {
    tarn_einsum_step *steps = PyMem_Malloc((size_t)(operands->count + 1) * sizeof *steps);
    char *words = NULL;
    if (!steps) return PyErr_NoMemory();
    int count = tarn_einsum_path(subscripts, operands->list, operands->count, steps, &words);
    PyObject *list = count >= 0 ? steps_of(steps, count) : raise_error();
    PyObject *result = list ? Py_BuildValue("(Ns)", list, words) : NULL;
    PyMem_Free(steps);
    tarn_free(words);
    return result;
}

bool quantize_to(array_list *out, tarn_array *w, tarn_quantize_options options) {
    tarn_array *parts[3];
    if (!tarn_quantize_with(w, parts, options) || !arrays_reserve(out, parts[2] ? 3 : 2)) return false;
    for (int i = 0; i < out->count; i++) out->list[i] = parts[i];
    return true;
}

/* An integer for all axes, one for each, or those before and those after. */
tarn_array *conv_padded(tarn_array *x, tarn_array *weight, PyObject *padding, tarn_conv_general_options options) {
    int64_t all = 0;
    int_list before CLEANUP(drop_ints) = {0}, after CLEANUP(drop_ints) = {0};
    PyObject *first =
        padding && is_sequence(padding) && PySequence_Size(padding) ? PySequence_GetItem(padding, 0) : NULL;
    bool two = first && is_sequence(first) && PySequence_Size(padding) == 2;
    Py_XDECREF(first);
    bool ok = two                               ? pair_of(padding, &before, &after)
              : padding && is_sequence(padding) ? ints_of_object(padding, &before)
                                                : !padding || int_of_object(padding, &all);
    if (!ok) return NULL;
    options.padding = before.list.values ? before.list : TARN_INTS(all);
    options.padding_after = after.list;
    return tarn_conv_general_with(x, weight, options);
}
