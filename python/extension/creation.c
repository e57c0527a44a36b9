/* Functions that make, search and order arrays, whose arguments fit no annotation. */
#include <math.h>
#include <string.h>

#include "special.h"

/* ---- arange */

/* A number that was given; integers are told from floats. */
static bool number_of(PyObject *given, double absent, double *number, bool *whole) {
    *number = absent;
    if (given == NULL || given == Py_None) return true;
    bool is_integer = PyIndex_Check(given);
    *whole = *whole && is_integer;
    *number = PyFloat_AsDouble(given);
    if (!PyErr_Occurred()) return true;
    PyErr_Format(PyExc_TypeError, "arange(): numbers are needed, not %R", given);
    return false;
}

static tarn_dtype range_dtype(bool whole, double start, double stop) {
    const double most = 2147483647;
    if (!whole) return TARN_FLOAT32;
    return fabs(start) <= most && fabs(stop) <= most ? TARN_INT32 : TARN_INT64;
}

/* Of an integer dtype start and step are integers; how many there are is said by what was given. */
static tarn_array *whole_range(double start, double stop, double step, tarn_dtype dtype) {
    double count = ceil((stop - start) / step), first = trunc(start), by = trunc(start + step) - first;
    if ((start == first && step == by) || !(fabs(count) < 1e15)) return tarn_arange(start, stop, step, dtype);
    tarn_array *places = tarn_arange(0, count, 1, dtype);
    return tarn_add(tarn_multiply(places, tarn_scalar(by, dtype)), tarn_scalar(first, dtype));
}

/* A step that is infinite: start alone, if it leads towards stop. */
static double finite_step(double start, double stop, double step) {
    return isinf(step) && start != stop ? copysign(fabs(stop - start), step) : step;
}

tarn_array *range_of(PyObject *start, PyObject *stop, PyObject *step, optional_dtype dtype) {
    double first, end, by;
    bool whole = true;
    if (stop == NULL || stop == Py_None) stop = start, start = NULL;
    if (stop == NULL || stop == Py_None) return PyErr_SetString(PyExc_TypeError, "arange(): no number is given"), NULL;
    if (!number_of(start, 0, &first, &whole) || !number_of(stop, 0, &end, &whole) || !number_of(step, 1, &by, &whole))
        return NULL;
    if (isinf(first) || isinf(end)) return tarn_fail("arange: from %g to %g has no end", first, end), NULL;
    by = finite_step(first, end, by);
    if (like_mlx && (end - first) / by > INT32_MAX) return tarn_fail("[arange] Maximum size exceeded."), NULL;
    tarn_dtype to = dtype_or(dtype, range_dtype(whole, first, end));
    if (to == TARN_BOOL) return tarn_fail("arange: bool is not supported"), NULL;
    return is_integer(to) ? whole_range(first, end, by, to) : tarn_arange(first, end, by, to);
}

/* ---- others */

tarn_array *filled_with(tarn_ints shape, PyObject *value, optional_dtype dtype) {
    if (value == Py_None) return PyErr_SetString(PyExc_TypeError, "full(): vals is None"), NULL;
    if (refused_list(value)) return NULL;
    tarn_array *a = array_of_object(value, dtype.given ? &dtype.value : NULL);
    return tarn_contiguous(tarn_broadcast_to(a, shape));
}

bool grid_of(const array_list *arrays, bool sparse, const char *indexing, array_list *out) {
    bool matrix = strcmp(indexing, "ij") == 0;
    if (!matrix && strcmp(indexing, "xy") != 0)
        return tarn_fail("meshgrid: indexing is 'xy' or 'ij', not '%s'", indexing);
    return arrays_reserve(out, arrays->count) &&
           tarn_meshgrid(arrays->list, (int)arrays->count, out->list, .sparse = sparse, .matrix = matrix);
}

tarn_array *search_sorted(tarn_array *sorted, tarn_array *values, const char *side) {
    bool right = strcmp(side, "right") == 0;
    if (!right && strcmp(side, "left") != 0)
        return tarn_fail("searchsorted: side is 'left' or 'right', not '%s'", side), NULL;
    return tarn_searchsorted(sorted, values, .right = right);
}

PyObject *unique_of(tarn_array *a, int64_t size, bool index, bool inverse, bool counts, tarn_array *fill) {
    tarn_unique_result u;
    if (!tarn_unique(a, size, &u, .fill = fill)) return raise_error();
    if (!index && !inverse && !counts) return new_array(u.values);
    tarn_array *all[4] = {u.values};
    int count = 1;
    if (index) all[count++] = u.index;
    if (inverse) all[count++] = u.inverse;
    if (counts) all[count++] = u.counts;
    PyObject *result = PyTuple_New(count);
    for (int i = 0; i < count && result; i++) {
        PyObject *one = new_array(all[i]);
        if (!one || PyTuple_SetItem(result, i, one) < 0) Py_CLEAR(result);
    }
    return result;
}
