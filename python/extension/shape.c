/* Functions on shapes whose arguments fit no annotation. */
#include <string.h>

#include "special.h"

/* Integers given one by one, or as one sequence. */
static PyObject *one_or_all(PyObject *list) { /* borrowed */
    PyObject *first = PyTuple_Size(list) == 1 ? PyTuple_GetItem(list, 0) : NULL;
    return first && is_sequence(first) ? first : list;
}

tarn_array *reshape_to(tarn_array *a, PyObject *shape) {
    int_list sizes CLEANUP(drop_ints) = {0};
    return ints_of_object(one_or_all(shape), &sizes) ? tarn_reshape(a, sizes.list) : NULL;
}

tarn_array *transpose_to(tarn_array *a, PyObject *axes) {
    int_list order CLEANUP(drop_ints) = {0};
    if (PyTuple_Size(axes) == 0) return tarn_transpose(a);
    return ints_of_object(one_or_all(axes), &order) ? tarn_transpose(a, .axes = order.list) : NULL;
}

/* Axes beyond the first or the last stand for those. */
tarn_array *flatten_between(tarn_array *a, int64_t first, int64_t last) {
    int64_t ndim = tarn_ndim(a);
    if (ndim == 0) return tarn_flatten(a);
    first += first < 0 ? ndim : 0;
    last += last < 0 ? ndim : 0;
    first = first < 0 ? 0 : first;
    last = last >= ndim ? ndim - 1 : last;
    if (first > last)
        return tarn_fail("flatten: axis %lld is not behind axis %lld", (long long)last, (long long)first), NULL;
    return tarn_flatten(a, .start_axis = TARN_AXIS(first), .end_axis = TARN_AXIS(last));
}

tarn_array *unflatten_to(tarn_array *a, int64_t axis, tarn_ints shape) {
    if (shape.count == 0) return tarn_fail("unflatten: the shape has no axes"), NULL;
    return tarn_unflatten(a, axis, shape);
}

PyObject *at_least(const array_list *arrays, tarn_array *(*with_axes)(tarn_array *)) {
    array_list out CLEANUP(drop_arrays) = {0};
    if (!arrays_reserve(&out, arrays->count)) return NULL;
    for (int i = 0; i < out.count; i++) out.list[i] = with_axes(arrays->list[i]);
    if (!tarn_ok()) return raise_error();
    return out.count == 1 ? new_array(out.list[0]) : new_list(out.list, out.count);
}

PyObject *common_shape(PyObject *shapes) {
    int64_t shape[TARN_MAX_NDIM] = {0}, next[TARN_MAX_NDIM];
    int ndim = 0;
    Py_ssize_t count = PyTuple_Size(shapes);
    if (count == 0) return PyErr_SetString(PyExc_ValueError, "broadcast_shapes: no shapes"), NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        int_list given CLEANUP(drop_ints) = {0};
        if (!ints_of_object(PyTuple_GetItem(shapes, i), &given))
            return PyErr_SetString(PyExc_ValueError, "[broadcast_shapes] a shape is a list or tuple of int"), NULL;
        tarn_ints both[2] = {{shape, ndim}, given.list};
        if (!tarn_broadcast_shapes(both, 2, next, &ndim)) return raise_error();
        memcpy(shape, next, (size_t)ndim * sizeof *shape);
    }
    PyObject *result = PyTuple_New(ndim);
    for (int i = 0; result && i < ndim; i++) PyTuple_SetItem(result, i, PyLong_FromLongLong(shape[i]));
    return result;
}

/* ---- cutting and joining */

bool split_at_or_into(tarn_array *a, PyObject *where, int64_t axis, array_list *out) {
    int_list indices CLEANUP(drop_ints) = {0};
    int64_t sections;
    if (PyIndex_Check(where) && !(is_array(where) && tarn_ndim(ARRAY(where)) > 0)) {
        if (!int_of_object(where, &sections)) return false;
        bool some = sections > 0 && sections <= INT32_MAX;
        return arrays_reserve(out, some ? (Py_ssize_t)sections : 0) &&
               tarn_split(a, sections, out->list, .axis = TARN_AXIS(axis));
    }
    return ints_of_object(where, &indices) && arrays_reserve(out, (Py_ssize_t)indices.list.count + 1) &&
           tarn_split_at(a, indices.list, out->list, .axis = TARN_AXIS(axis));
}

bool unstack(tarn_array *a, int64_t axis, array_list *out) {
    return arrays_reserve(out, (Py_ssize_t)tarn_dim(a, (int)axis)) &&
           tarn_unstack(a, out->list, .axis = TARN_AXIS(axis));
}

tarn_array *joined(array_list *arrays, tarn_axis axis) {
    for (int i = 0; !axis.given && i < arrays->count; i++) arrays->list[i] = tarn_flatten(arrays->list[i]);
    return tarn_concatenate(arrays->list, arrays->count, .axis = axis);
}

/* Several shifts without axes add up. */
tarn_array *roll_by(tarn_array *a, tarn_ints shift, tarn_ints axes) {
    if (axes.values && shift.count > axes.count && axes.count > 1) shift.count = axes.count; /* as MLX has it */
    return tarn_roll(a, shift, .axes = axes);
}

/* ---- pad */

static bool pad_mode(const char *name, tarn_pad_mode *mode) {
    static const char *const names[] = {"constant", "edge", "reflect", "symmetric"};
    for (int i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], name) == 0) return *mode = (tarn_pad_mode)i, true;
    return tarn_fail("pad: there is no mode '%s'", name);
}

/* One pair, for all axes or for axis i. */
static bool read_pair(PyObject *pair, int64_t *before, int64_t *behind) {
    int_list both CLEANUP(drop_ints) = {0};
    if (!ints_of_object(pair, &both)) return false;
    if (both.list.count < 1 || both.list.count > 2)
        return PyErr_SetString(PyExc_TypeError, "pad(): pad_width must be an int, a pair of ints, or pairs"), false;
    *before = both.list.values[0];
    *behind = both.list.values[both.list.count - 1];
    return true;
}

/* How many entries of before and behind are filled; 0 with an exception. */
static int read_pairs(PyObject *widths, int64_t *before, int64_t *behind) {
    Py_ssize_t count = PyList_Size(widths);
    if (count > 0 && PyIndex_Check(PyList_GetItem(widths, 0))) return read_pair(widths, before, behind);
    if (count == 0 || count > TARN_MAX_NDIM)
        return PyErr_SetString(PyExc_ValueError, "pad: no widths, or more than an array has axes"), 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!read_pair(PyList_GetItem(widths, i), &before[i], &behind[i])) return 0;
    return (int)count;
}

static int read_widths(PyObject *widths, int64_t *before, int64_t *behind) {
    if (!has_items(widths)) return int_of_object(widths, before) ? (*behind = *before, 1) : 0;
    PyObject *list = PySequence_List(widths);
    int count = list ? read_pairs(list, before, behind) : 0;
    Py_XDECREF(list);
    return count;
}

tarn_array *pad_widths(tarn_array *a, PyObject *widths, const char *name, tarn_array *value) {
    int64_t before[TARN_MAX_NDIM], behind[TARN_MAX_NDIM];
    tarn_pad_mode mode = TARN_PAD_CONSTANT;
    int count = read_widths(widths, before, behind);
    if (count == 0 || !pad_mode(name, &mode)) return NULL;
    return tarn_pad(a, ((tarn_ints){before, count}), ((tarn_ints){behind, count}), .mode = mode, .value = value);
}

/* ---- views and blocks */

tarn_array *strided(tarn_array *a, tarn_ints shape, tarn_ints strides, int64_t offset) {
    int64_t dense[TARN_MAX_NDIM], size = 1;
    if (!shape.values) shape = tarn_shape_of(a);
    if (shape.count > TARN_MAX_NDIM) return tarn_fail("as_strided: more than %d axes", TARN_MAX_NDIM), NULL;
    for (int64_t i = shape.count - 1; i >= 0; i--) {
        dense[i] = size;
        if (__builtin_mul_overflow(size, shape.values[i], &size))
            return tarn_fail("as_strided: too many elements"), NULL;
    }
    if (!strides.values) strides = (tarn_ints){dense, shape.count};
    return tarn_as_strided(a, shape, strides, .offset = offset);
}

/* A start for each of axes, given as a number for one axis. */
static tarn_array *starts_of(tarn_array *start) {
    return tarn_ndim(start) == 0 ? tarn_expand_dims(start, TARN_AXES(0)) : start;
}

tarn_array *slice_from(tarn_array *a, tarn_array *start, tarn_ints axes, tarn_ints sizes) {
    int64_t along[TARN_MAX_NDIM], zeros[TARN_MAX_NDIM] = {0}, ndim = tarn_ndim(a);
    if (sizes.count != ndim || axes.count > ndim)
        return tarn_fail("slice: %lld sizes and %lld axes for an array of %lld axes", (long long)sizes.count,
                         (long long)axes.count, (long long)ndim),
               NULL;
    for (int64_t i = 0; i < axes.count; i++) {
        int64_t axis = axes.values[i] + (axes.values[i] < 0 ? ndim : 0);
        along[i] = axis >= 0 && axis < ndim ? sizes.values[axis] : 0;
    }
    for (int64_t i = 0; i < ndim; i++)
        if (sizes.values[i] < 0 || sizes.values[i] > tarn_dim(a, (int)i))
            return tarn_fail("slice: %lld elements of axis %lld, which has %lld", (long long)sizes.values[i],
                             (long long)i, (long long)tarn_dim(a, (int)i)),
                   NULL;
    tarn_array *block = tarn_slice_array(a, starts_of(start), axes, ((tarn_ints){along, axes.count}));
    return tarn_slice(block, ((tarn_ints){zeros, ndim}), sizes);
}

/* Leading axes that update lacks are those of a. */
tarn_array *slice_update_from(tarn_array *a, tarn_array *update, tarn_array *start, tarn_ints axes) {
    int64_t shape[TARN_MAX_NDIM];
    int ndim = tarn_ndim(a), missing = ndim - tarn_ndim(update);
    for (int i = 0; i < ndim && missing > 0; i++)
        shape[i] = i < missing ? tarn_dim(a, i) : tarn_dim(update, i - missing);
    for (int64_t i = 0; missing > 0 && i < axes.count; i++) {
        int64_t axis = axes.values[i] + (axes.values[i] < 0 ? ndim : 0);
        if (tarn_ndim(update) == 0 && axis >= 0 && axis < ndim) shape[axis] = 1;
    }
    if (missing > 0) update = tarn_broadcast_to(update, ((tarn_ints){shape, ndim}));
    return tarn_slice_update(a, update, starts_of(start), axes);
}

bool places_of(tarn_array *a, tarn_axis size, int64_t fill, array_list *out) {
    tarn_array *mask = tarn_dtype_of(a) == TARN_BOOL ? a : tarn_not_equal(a, tarn_scalar_like(0, a));
    tarn_integer count = {size.given, size.axis};
    if (!size.given && !evaluate(&mask, 1)) return false;
    return arrays_reserve(out, tarn_ndim(a)) && tarn_nonzero(mask, out->list, .size = count, .fill = fill);
}

/* ---- depends */

static bool read_arrays(PyObject *value, array_list *out) {
    PyObject *list = is_sequence(value) ? Py_NewRef(value) : PyTuple_Pack(1, value), *wrong = NULL;
    bool good = list && arrays_of_items(list, out, &wrong);
    if (wrong) PyErr_Format(PyExc_TypeError, "depends(): an array, or arrays in a list, not %R", Py_TYPE(wrong));
    Py_XDECREF(list);
    return good;
}

PyObject *depends_on(PyObject *inputs, PyObject *dependencies) {
    array_list in CLEANUP(drop_arrays) = {0}, others CLEANUP(drop_arrays) = {0};
    if (!read_arrays(inputs, &in) || !read_arrays(dependencies, &others)) return NULL;
    for (int i = 0; others.count && i < in.count; i++) in.list[i] = tarn_depends(in.list[i], others.list, others.count);
    if (!tarn_ok()) return raise_error();
    return is_array(inputs) ? new_array(in.list[0]) : new_list(in.list, in.count);
}
