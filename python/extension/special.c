/* Functions whose arguments fit no annotation. */
#include "special.h"

#include <math.h>

/* Integers given one by one, or as one sequence. */
static PyObject *one_or_all(PyObject *list) { /* borrowed */
    PyObject *first = PyTuple_Size(list) == 1 ? PyTuple_GetItem(list, 0) : NULL;
    return first && (PyList_Check(first) || PyTuple_Check(first)) ? first : list;
}

tarn_array *reshape_to(tarn_array *a, PyObject *shape) {
    int_list sizes CLEANUP(drop_ints) = {0};
    return ints_of_object(one_or_all(shape), &sizes) ? tarn_reshape(a, sizes.list) : NULL;
}

tarn_array *round_to(tarn_array *a, int64_t decimals) {
    if (decimals == 0) return tarn_round(a);
    tarn_array *scale =
        tarn_scalar(pow(10, (double)decimals), is_floating(tarn_dtype_of(a)) ? tarn_dtype_of(a) : TARN_FLOAT32);
    return tarn_astype(tarn_divide(tarn_round(tarn_multiply(a, scale)), scale), tarn_dtype_of(a));
}
