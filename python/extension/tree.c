/* Trees: taken apart, put together, and evaluated. */
#include "tree.h"

#include "special.h"

void drop_leaves(leaf_list *leaves) {
    PyMem_Free(leaves->list);
}

void *with_room(void *list, int count, int *room) {
    if (count < *room) return list;
    int wanted = 2 * *room + 16;
    void *more = PyMem_Realloc(list, (size_t)wanted * sizeof(void *));
    if (more) *room = wanted;
    return more ? more : PyErr_NoMemory();
}

bool add_leaf(leaf_list *leaves, PyObject *array) {
    if (leaves->only_counted) return leaves->count++, true;
    tarn_array **list = with_room(leaves->list, leaves->count, &leaves->room);
    if (!list) return false;
    leaves->list = list;
    tarn_array *a = list[leaves->count] = held_array(array);
    return a ? (leaves->count++, true) : (raise_error(), false);
}

/* ---- taking apart */

/* Nothing of Python runs on the way, so what a list or dict holds may be borrowed. */
static Py_ssize_t length(PyObject *list) {
    return PyList_Check(list) ? PyList_Size(list) : PyTuple_Size(list);
}
static PyObject *item(PyObject *list, Py_ssize_t i) {
    return PyList_Check(list) ? PyList_GetItem(list, i) : PyTuple_GetItem(list, i);
}

static bool leaves_of_dict(PyObject *dict, leaf_list *leaves, bool only_arrays) {
    PyObject *key, *value;
    Py_ssize_t place = 0;
    while (PyDict_Next(dict, &place, &key, &value))
        if (!tree_leaves(value, leaves, only_arrays)) return false;
    return true;
}

static bool leaves_of_sequence(PyObject *list, leaf_list *leaves, bool only_arrays) {
    for (Py_ssize_t i = 0; i < length(list); i++)
        if (!tree_leaves(item(list, i), leaves, only_arrays)) return false;
    return true;
}

static bool leaves_within(PyObject *tree, leaf_list *leaves, bool only_arrays) {
    if (PyDict_Check(tree)) return leaves_of_dict(tree, leaves, only_arrays);
    if (is_sequence(tree)) return leaves_of_sequence(tree, leaves, only_arrays);
    if (!only_arrays) return true;
    PyErr_Format(PyExc_ValueError, "[tree_flatten] The argument should contain only arrays, not %s", type_name(tree));
    return false;
}

bool tree_leaves(PyObject *tree, leaf_list *leaves, bool only_arrays) {
    if (is_array(tree)) return add_leaf(leaves, tree);
    if (Py_IS_TYPE(tree, random_state_type)) return tree_leaves(random_state_key(), leaves, only_arrays);
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return false;
    bool found = leaves_within(tree, leaves, only_arrays);
    Py_LeaveRecursiveCall();
    return found;
}

int tree_count(PyObject *tree) {
    leaf_list leaves = {.only_counted = true};
    return tree_leaves(tree, &leaves, false) ? leaves.count : -1;
}

/* ---- putting together: what stands for an array is given by the filler. Named tuples are made by functions of Python,
   which may change the tree meanwhile: dicts and lists are copied first, and filled in the copy. */

typedef struct {
    tarn_array *const *arrays;
    const int64_t *axes;
    int count, *next; /* next NULL: marks instead of arrays and axes */
} filler;

/* The mark is the type: no tree of arguments has it as a value that could be meant. */
static bool is_leaf(PyObject *value) {
    return is_array(value) || value == (PyObject *)array_type;
}

static PyObject *fill(PyObject *tree, filler *with);

static PyObject *axis_object(int64_t axis) {
    return axis == TARN_UNBATCHED ? Py_NewRef(Py_None) : PyLong_FromLongLong(axis);
}

static PyObject *fill_leaf(filler *with) {
    if (!with->next) return Py_NewRef((PyObject *)array_type);
    if (with->axes) return axis_object(with->axes[(*with->next)++]);
    if (*with->next >= with->count)
        return PyErr_SetString(PyExc_RuntimeError, "a tree with more arrays than results"), NULL;
    return new_array(with->arrays[(*with->next)++]);
}

static PyObject *fill_dict(PyObject *dict, filler *with) {
    PyObject *made = PyDict_Copy(dict), *key, *value;
    Py_ssize_t place = 0;
    while (made && PyDict_Next(made, &place, &key, &value)) {
        PyObject *filled = fill(value, with);
        if (!filled || PyDict_SetItem(made, key, filled) < 0) Py_CLEAR(made);
        Py_XDECREF(filled);
    }
    return made;
}

static PyObject *fill_items(PyObject *sequence, filler *with) {
    PyObject *made =
        PyList_Check(sequence) ? PyList_GetSlice(sequence, 0, PyList_Size(sequence)) : PySequence_List(sequence);
    for (Py_ssize_t i = 0; made && i < PyList_Size(made); i++) {
        PyObject *filled = fill(PyList_GetItem(made, i), with);
        if (!filled || PyList_SetItem(made, i, filled) < 0) Py_CLEAR(made);
    }
    return made;
}

static PyObject *fill_tuple(PyObject *tuple, filler *with) {
    PyObject *items = fill_items(tuple, with), *made = NULL;
    bool is_named = !PyTuple_CheckExact(tuple) && PyObject_HasAttrString(tuple, "_make");
    if (items) made = is_named ? PyObject_CallMethod(tuple, "_make", "O", items) : PyList_AsTuple(items);
    Py_XDECREF(items);
    return made;
}

static PyObject *fill(PyObject *tree, filler *with) {
    if (is_leaf(tree)) return fill_leaf(with);
    if (PyDict_Check(tree)) return fill_dict(tree, with);
    if (PyTuple_Check(tree)) return fill_tuple(tree, with);
    return PyList_Check(tree) ? fill_items(tree, with) : Py_NewRef(tree);
}

PyObject *tree_with(PyObject *tree, tarn_array *const *arrays, int count, int *next) {
    return fill(tree, &(filler){arrays, NULL, count, next});
}

PyObject *tree_template(PyObject *tree) {
    return fill(tree, &(filler){NULL, NULL, 0, NULL});
}

PyObject *tree_with_axes(PyObject *template, const int64_t *axes, int *next) {
    return fill(template, &(filler){NULL, axes, 0, next});
}

/* ---- axes */

typedef struct {
    int64_t *axes;
    int count, next;
} axis_list;

static bool same_axis(PyObject *tree, PyObject *axis, axis_list *to) {
    int64_t number = TARN_UNBATCHED;
    if (axis != Py_None && (!PyLong_Check(axis) || !int_of_object(axis, &number)))
        return PyErr_SetString(PyExc_ValueError, "[vmap] axis must be int or None."), false;
    for (int i = tree_count(tree); i > 0 && to->next < to->count; i--) to->axes[to->next++] = number;
    return true;
}

static bool refuse_prefix(void) {
    PyErr_SetString(PyExc_ValueError, "[tree_map] Additional input tree is not a valid prefix of the first tree.");
    return false;
}

static bool read_axes(PyObject *tree, PyObject *axes_tree, axis_list *to);

/* Keys may be compared by functions of Python, which may change both dicts. */
static bool axes_of_dict(PyObject *dict, PyObject *axes_tree, axis_list *to) {
    PyObject *copy = PyDict_Copy(dict), *key, *value;
    Py_ssize_t place = 0;
    bool good = copy != NULL, same = !copy || PyDict_Size(copy) == PyDict_Size(axes_tree);
    while (good && same && PyDict_Next(copy, &place, &key, &value)) {
        PyObject *below = Py_XNewRef(PyDict_GetItemWithError(axes_tree, key));
        same = below || PyErr_Occurred();
        good = below && read_axes(value, below, to);
        Py_XDECREF(below);
    }
    Py_XDECREF(copy);
    return same ? good : refuse_prefix();
}

static bool axes_of_items(PyObject *tree, PyObject *axes_tree, axis_list *to) {
    PyObject *values = items_of(tree), *axes = values ? items_of(axes_tree) : NULL;
    bool good = axes != NULL, same = !axes || PyTuple_Size(values) == PyTuple_Size(axes);
    for (Py_ssize_t i = 0; good && same && i < PyTuple_Size(values); i++)
        good = read_axes(PyTuple_GetItem(values, i), PyTuple_GetItem(axes, i), to);
    Py_XDECREF(values);
    Py_XDECREF(axes);
    return same ? good : refuse_prefix();
}

static bool read_axes(PyObject *tree, PyObject *axes_tree, axis_list *to) {
    if (!is_sequence(axes_tree) && !PyDict_Check(axes_tree)) return same_axis(tree, axes_tree, to);
    if (is_array(tree)) return same_axis(tree, axes_tree, to); /* which is refused */
    if (PyDict_Check(tree) && PyDict_Check(axes_tree)) return axes_of_dict(tree, axes_tree, to);
    bool both = is_sequence(tree) && is_sequence(axes_tree) && PyList_Check(tree) == PyList_Check(axes_tree);
    return both ? axes_of_items(tree, axes_tree, to) : refuse_prefix();
}

bool tree_axes(PyObject *tree, PyObject *axes_tree, int64_t *axes, int count) {
    axis_list to = {axes, count, 0};
    if (!read_axes(tree, axes_tree, &to)) return false;
    if (to.next < count) PyErr_SetString(PyExc_RuntimeError, "[vmap] a tree changed while its axes were read");
    return to.next == count;
}

bool tree_all_axes(PyObject *tree, PyObject *axes_tree, int64_t *axes, int count) {
    bool is_alone = is_array(tree) && PyTuple_Check(axes_tree) && PyTuple_Size(axes_tree) == 1;
    return tree_axes(tree, is_alone ? PyTuple_GetItem(axes_tree, 0) : axes_tree, axes, count);
}

/* ---- evaluation */

static bool compute(PyObject *trees, bool (*how)(tarn_array *const *, int)) {
    leaf_list leaves CLEANUP(drop_leaves) = {0};
    if (!tree_leaves(trees, &leaves, false)) return false;
    return wait_for(how, leaves.list, leaves.count);
}

bool eval_trees(PyObject *trees) {
    return compute(trees, tarn_eval_all);
}
bool async_eval_trees(PyObject *trees) {
    return compute(trees, tarn_async_eval_all);
}
