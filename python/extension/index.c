/* a[...] and a[...] = v: integers, slices, None, Ellipsis, index arrays (lists count as such) and masks.

   Integers and slices take a block of the array, a view. Index arrays then gather from the block: their axes stand
   where the first of them stood, and integers beside them are index arrays of their own, as in MLX. An assignment
   computes the new block and writes it back. */
#include "extension.h"

typedef enum { NEW_AXIS, NUMBER, RANGE, ARRAY_OF_NUMBERS } kind_of_entry;
typedef struct {
    kind_of_entry kind;
    int64_t start, stop, step; /* RANGE, and NUMBER as a range of one; as tarn_slice takes them */
    int64_t count;             /* how many elements of the axis are meant */
    tarn_array *indices;
} entry;

enum { MAX_ENTRIES = 2 * TARN_MAX_NDIM };
typedef struct {
    entry entries[MAX_ENTRIES];
    int count, ndim; /* ndim: of the entries that stand for an axis */
    bool gathers;    /* there is an index array */
} subscript;

/* ---- reading the index */

static bool refuse(const char *message) {
    return PyErr_SetString(PyExc_ValueError, message), false;
}

static bool bound(PyObject *slice, const char *name, int64_t absent, int64_t *result) {
    PyObject *value = PyObject_GetAttrString(slice, name);
    bool good = value != NULL;
    if (value == Py_None)
        *result = absent;
    else if (good && !PyLong_Check(value))
        good = refuse("Slice indices must be integers or None.");
    else if (good)
        good = int_of_object(value, result);
    Py_XDECREF(value);
    return good;
}

static int64_t clip_to(int64_t value, int64_t size, int64_t low, int64_t high) {
    value += value < 0 ? size : 0;
    return value < low ? low : value > high ? high : value;
}

/* As Python counts the elements of range(*slice.indices(size)); stop is INT64_MIN where the range runs over the front.
 */
static void measure(entry *e, int64_t size) {
    int64_t low = e->step < 0 ? -1 : 0, high = e->step < 0 ? size - 1 : size;
    int64_t first = clip_to(e->start, size, low, high);
    int64_t last = e->stop == INT64_MIN ? low : clip_to(e->stop, size, low, high);
    int64_t span = e->step < 0 ? first - last : last - first, stride = e->step < 0 ? -e->step : e->step;
    e->count = span > 0 ? (span + stride - 1) / stride : 0;
    e->start = first < 0 ? 0 : first;
    e->stop = last < 0 ? INT64_MIN : last;
    if (e->count == 0) e->start = e->stop = 0, e->step = 1;
}

static bool read_slice(PyObject *slice, int64_t size, entry *e) {
    e->kind = RANGE;
    if (!bound(slice, "step", 1, &e->step)) return false;
    if (e->step == 0 || e->step == INT64_MIN) return refuse("The step of a slice must not be zero.");
    bool back = e->step < 0;
    if (!bound(slice, "start", back ? INT64_MAX : 0, &e->start) ||
        !bound(slice, "stop", back ? INT64_MIN : INT64_MAX, &e->stop))
        return false;
    return measure(e, size), true;
}

static bool read_number(PyObject *value, int64_t size, entry *e) {
    int64_t i;
    if (!int_of_object(value, &i))
        return PyErr_ExceptionMatches(PyExc_OverflowError) ? refuse("An index is beyond 64 bits.") : false;
    if (i < -size || i >= size)
        return PyErr_Format(PyExc_IndexError, "index %lld is out of bounds for an axis of size %lld", (long long)i,
                            (long long)size),
               false;
    i += i < 0 ? size : 0;
    *e = (entry){NUMBER, i, i + 1, 1, 1, NULL};
    return true;
}

static bool read_array(PyObject *value, subscript *s, entry *e) {
    tarn_array *a = is_array(value) ? ARRAY(value) : array_of_object(value, NULL);
    if (!a) return raise_error(), false;
    if (!is_integer(tarn_dtype_of(a)))
        return refuse(tarn_dtype_of(a) == TARN_BOOL ? "boolean indices are not yet supported"
                                                    : "Indices must be integral.");
    *e = (entry){.kind = ARRAY_OF_NUMBERS, .indices = a};
    s->gathers = true;
    return true;
}

static bool read_entry(PyObject *value, tarn_array *a, subscript *s) {
    if (s->count == MAX_ENTRIES) return refuse("Too many indices.");
    entry *e = &s->entries[s->count++];
    if (value == Py_None) return e->kind = NEW_AXIS, true;
    if (s->ndim >= tarn_ndim(a))
        return PyErr_Format(PyExc_ValueError,
                            tarn_ndim(a) ? "Too many indices for array with %d dimensions."
                                         : "too many indices for array: array is 0-dimensional",
                            tarn_ndim(a)),
               false;
    int64_t size = tarn_dim(a, s->ndim++);
    if (PySlice_Check(value)) return read_slice(value, size, e);
    if (PyLong_Check(value) && !PyBool_Check(value)) return read_number(value, size, e);
    if (is_array(value) || PyList_Check(value)) return read_array(value, s, e);
    return refuse("Cannot index an array using the given type.");
}

static bool whole_axes(int until, tarn_array *a, subscript *s) {
    for (; s->ndim < until && s->count < MAX_ENTRIES; s->ndim++)
        s->entries[s->count++] = (entry){RANGE, 0, tarn_dim(a, s->ndim), 1, tarn_dim(a, s->ndim), NULL};
    return s->ndim >= until || refuse("Too many indices.");
}

/* Entries behind an ellipsis that stand for an axis. */
static int axes_from(PyObject *list, Py_ssize_t from) {
    int axes = 0;
    for (Py_ssize_t i = from; i < PyTuple_Size(list); i++) axes += PyTuple_GetItem(list, i) != Py_None;
    return axes;
}

static bool read_list(PyObject *list, tarn_array *a, subscript *s) {
    bool ellipsis = false;
    for (Py_ssize_t i = 0; i < PyTuple_Size(list); i++) {
        PyObject *value = PyTuple_GetItem(list, i);
        if (value == Py_Ellipsis) {
            if (ellipsis) return refuse("An index can only have a single ellipsis (...)");
            ellipsis = true;
            if (!whole_axes(tarn_ndim(a) - axes_from(list, i + 1), a, s)) return false;
        } else if (!read_entry(value, a, s))
            return false;
    }
    return whole_axes(tarn_ndim(a), a, s);
}

static bool read_index(PyObject *index, tarn_array *a, subscript *s) {
    if (PyTuple_Check(index)) return read_list(index, a, s);
    PyObject *list = PyTuple_Pack(1, index);
    bool good = list && read_list(list, a, s);
    Py_XDECREF(list);
    return good;
}

/* ---- the block of integers and slices; beside index arrays an integer is an index array */

static bool takes_part(const entry *e, const subscript *s) {
    return e->kind == ARRAY_OF_NUMBERS || (e->kind == NUMBER && s->gathers);
}

static bool is_whole(const subscript *s, const tarn_array *a) {
    int axis = 0;
    for (int i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        if (e->kind != NEW_AXIS && !takes_part(e, s) && (e->count != tarn_dim(a, axis) || e->step != 1)) return false;
        axis += e->kind != NEW_AXIS;
    }
    return true;
}

static tarn_array *take_block(tarn_array *a, const subscript *s) {
    int64_t start[TARN_MAX_NDIM], stop[TARN_MAX_NDIM], step[TARN_MAX_NDIM];
    int n = 0;
    if (is_whole(s, a)) return a;
    for (int i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        if (e->kind == NEW_AXIS) continue;
        bool whole = takes_part(e, s);
        start[n] = whole ? 0 : e->start, stop[n] = whole ? INT64_MAX : e->stop, step[n] = whole ? 1 : e->step;
        n++;
    }
    return tarn_slice(a, ((tarn_ints){start, n}), ((tarn_ints){stop, n}), .step = {step, n});
}

/* ---- the axes of the result: integers have none, None a new one */

static tarn_array *reshape_axes(tarn_array *block, const subscript *s, int index_ndim) {
    int64_t gone[MAX_ENTRIES], added[MAX_ENTRIES], n_gone = 0, n_added = 0, axis = 0, out = 0;
    bool first = true;
    for (int i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        if (e->kind == NEW_AXIS)
            added[n_added++] = out++;
        else if (takes_part(e, s))
            axis += first ? index_ndim : 0, out += first ? index_ndim : 0, first = false;
        else if (e->kind == NUMBER)
            gone[n_gone++] = axis++;
        else
            axis++, out++;
    }
    if (n_gone) block = tarn_squeeze(block, .axes = {gone, n_gone});
    return n_added ? tarn_expand_dims(block, (tarn_ints){added, n_added}) : block;
}

/* The index arrays and their axes in the block. Returns how many axes they have together. */
static int index_arrays(const subscript *s, tarn_array **indices, int64_t *axes, int *count) {
    int axis = 0, ndim = 0;
    *count = 0;
    for (int i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        if (takes_part(e, s)) {
            tarn_array *a = e->kind == NUMBER ? tarn_scalar_int(e->start, TARN_INT64) : e->indices;
            ndim = tarn_ndim(a) > ndim ? tarn_ndim(a) : ndim;
            axes[*count] = axis;
            indices[(*count)++] = a;
        }
        axis += e->kind != NEW_AXIS;
    }
    return ndim;
}

tarn_array *index_read(tarn_array *a, PyObject *index) {
    subscript s = {.count = 0};
    tarn_array *indices[TARN_MAX_NDIM];
    int64_t axes[TARN_MAX_NDIM];
    int count, ndim;
    if (!read_index(index, a, &s)) return NULL;
    tarn_array *block = take_block(a, &s);
    ndim = index_arrays(&s, indices, axes, &count);
    if (s.gathers) block = tarn_gather(block, indices, count, ((tarn_ints){axes, count}));
    return reshape_axes(block, &s, ndim);
}

/* ---- assignment */

static tarn_array *combine(tarn_array *old, tarn_array *value, tarn_scatter_mode mode) {
    switch (mode) {
    case TARN_SCATTER_ADD:
        return tarn_add(old, value);
    case TARN_SCATTER_MULTIPLY:
        return tarn_multiply(old, value);
    case TARN_SCATTER_MAX:
        return tarn_maximum(old, value);
    case TARN_SCATTER_MIN:
        return tarn_minimum(old, value);
    default:
        return tarn_broadcast_to(value, tarn_shape_of(old));
    }
}

/* value, which broadcasts to the shape that reading gives, with the axes that the block has instead. */
static tarn_array *with_axes_of_block(tarn_array *value, const subscript *s, tarn_array *shown, tarn_array *block) {
    while (tarn_ndim(value) > tarn_ndim(shown) && tarn_dim(value, 0) == 1)
        value = tarn_squeeze(value, .axes = TARN_AXES(0));
    (void)s;
    value = tarn_broadcast_to(value, tarn_shape_of(shown));
    return tarn_reshape(value, tarn_shape_of(block));
}

/* The block written back where it was taken from: a range that runs backwards is written forwards, turned over. */
static tarn_array *put_block(tarn_array *a, tarn_array *block, const subscript *s) {
    int64_t start[TARN_MAX_NDIM], axes[TARN_MAX_NDIM], step[TARN_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < s->count; i++) {
        const entry *e = &s->entries[i];
        if (e->kind == NEW_AXIS) continue;
        bool whole = takes_part(e, s), back = !whole && e->step < 0;
        if (back) {
            int64_t from[TARN_MAX_NDIM] = {0}, to[TARN_MAX_NDIM], by[TARN_MAX_NDIM];
            for (int k = 0; k <= n; k++)
                from[k] = k == n ? INT64_MAX : 0, to[k] = k == n ? INT64_MIN : INT64_MAX, by[k] = k == n ? -1 : 1;
            block = tarn_slice(block, ((tarn_ints){from, n + 1}), ((tarn_ints){to, n + 1}), .step = {by, n + 1});
        }
        start[n] = whole ? 0 : back ? e->start + (e->count - 1) * e->step : e->start;
        step[n] = whole ? 1 : back ? -e->step : e->step;
        axes[n] = n;
        n++;
    }
    tarn_array *begin = tarn_from_data(start, TARN_SHAPE(n), TARN_INT64);
    return tarn_slice_update(a, block, begin, ((tarn_ints){axes, n}), .step = {step, n});
}

static tarn_array *update(tarn_array *a, const subscript *s, tarn_array *value, tarn_scatter_mode mode) {
    tarn_array *indices[TARN_MAX_NDIM], *block = take_block(a, s), *taken = block;
    int64_t axes[TARN_MAX_NDIM];
    int count, ndim = index_arrays(s, indices, axes, &count);
    if (s->gathers) taken = tarn_gather(block, indices, count, ((tarn_ints){axes, count}));
    value = with_axes_of_block(tarn_astype(value, tarn_dtype_of(a)), s, reshape_axes(taken, s, ndim), taken);
    tarn_array *made = s->gathers
                           ? tarn_scatter_axes(block, indices, count, value, ((tarn_ints){axes, count}), .mode = mode)
                           : combine(block, value, mode);
    return is_whole(s, a) ? made : put_block(a, made, s);
}

/* a[mask] = value: one value for all, or the values in order. */
static tarn_array *update_masked(tarn_array *a, tarn_array *mask, tarn_array *value) {
    for (int i = 0; i < tarn_ndim(mask); i++)
        if (i >= tarn_ndim(a) || tarn_dim(a, i) != tarn_dim(mask, i))
            return tarn_fail("a[mask] = value: the mask's shape must be that of the array's first axes"), NULL;
    tarn_array *wide = mask;
    for (int i = tarn_ndim(mask); i < tarn_ndim(a); i++) wide = tarn_expand_dims(wide, TARN_AXES(-1));
    wide = tarn_broadcast_to(wide, tarn_shape_of(a));
    value = tarn_astype(value, tarn_dtype_of(a));
    if (tarn_size(value) != 1) {
        tarn_array *place =
            tarn_subtract(tarn_cumsum(tarn_astype(tarn_flatten(wide), TARN_INT32)), tarn_scalar_int(1, TARN_INT32));
        value = tarn_reshape(tarn_take(tarn_flatten(value), place), tarn_shape_of(a));
    }
    return tarn_where(wide, value, a);
}

static bool is_mask(PyObject *index) {
    return is_array(index) && tarn_dtype_of(ARRAY(index)) == TARN_BOOL;
}

tarn_array *index_update(tarn_array *a, PyObject *index, tarn_array *value, tarn_scatter_mode mode) {
    subscript s = {.count = 0};
    if (PyTuple_Check(index) && PyTuple_Size(index) == 1 && is_mask(PyTuple_GetItem(index, 0)))
        index = PyTuple_GetItem(index, 0);
    if (is_mask(index))
        return update_masked(a, ARRAY(index), mode == TARN_SCATTER_SET ? value : combine(a, value, mode));
    return read_index(index, a, &s) ? update(a, &s, value, mode) : NULL;
}

/* ---- slots */

PyObject *array_subscript(PyObject *self, PyObject *index) {
    TARN_SCOPE;
    return new_array(index_read(ARRAY(self), index));
}

int array_assign(PyObject *self, PyObject *index, PyObject *value) {
    TARN_SCOPE;
    if (!value) return PyErr_SetString(PyExc_TypeError, "elements of an array cannot be deleted"), -1;
    tarn_dtype dtype = tarn_dtype_of(ARRAY(self));
    tarn_array *a = is_array(value)    ? ARRAY(value)
                    : is_scalar(value) ? weak_scalar(value, &dtype)
                                       : array_of_object(value, &dtype);
    tarn_array *made = a ? index_update(ARRAY(self), index, a, TARN_SCATTER_SET) : NULL;
    if (!made) return raise_error(), -1;
    tarn_array *old = ARRAY(self);
    ((array_object *)self)->value = tarn_own(made);
    return tarn_drop(old), 0;
}
