/* Arrays put into containers in place: the state of compiled functions. Lists, dicts and the random state get new
   objects; an array in a tuple, or one by itself, gets another value. */
#include "special.h"

typedef struct {
    PyObject *container, *name; /* borrowed; container NULL: there is no place to put another object */
    PyObject *array;            /* borrowed */
} slot;
typedef bool slot_visitor(const slot *s, void *context);

/* ---- walking over them, in the order of tree_leaves */

static bool each(PyObject *value, slot s, slot_visitor *visit, void *context);

static bool each_of_dict(PyObject *dict, slot_visitor *visit, void *context) {
    PyObject *name, *value;
    Py_ssize_t place = 0;
    bool good = true;
    while (good && PyDict_Next(dict, &place, &name, &value)) {
        Py_INCREF(name);
        good = each(value, (slot){dict, name, NULL}, visit, context);
        Py_DECREF(name);
    }
    return good;
}

static bool each_of_list(PyObject *list, slot_visitor *visit, void *context) {
    bool good = true;
    for (Py_ssize_t i = 0; good && i < PyList_Size(list); i++) {
        PyObject *name = PyLong_FromSsize_t(i);
        good = name && each(PyList_GetItem(list, i), (slot){list, name, NULL}, visit, context);
        Py_XDECREF(name);
    }
    return good;
}

static bool each_of_tuple(PyObject *tuple, slot_visitor *visit, void *context) {
    for (Py_ssize_t i = 0; i < PyTuple_Size(tuple); i++)
        if (!each(PyTuple_GetItem(tuple, i), (slot){0}, visit, context)) return false;
    return true;
}

static bool each_within(PyObject *value, slot_visitor *visit, void *context) {
    if (PyDict_Check(value)) return each_of_dict(value, visit, context);
    if (PyList_Check(value)) return each_of_list(value, visit, context);
    return !PyTuple_Check(value) || each_of_tuple(value, visit, context);
}

static bool each(PyObject *value, slot s, slot_visitor *visit, void *context) {
    if (Py_IS_TYPE(value, random_state_type))
        return each(random_state_key(), (slot){value, NULL, NULL}, visit, context);
    if (is_array(value)) return s.array = value, visit(&s, context);
    if (Py_EnterRecursiveCall(" in the state of a compiled function")) return false;
    Py_INCREF(value); /* names of dicts may be compared by functions of Python, which may change what holds it */
    bool good = each_within(value, visit, context);
    Py_DECREF(value);
    Py_LeaveRecursiveCall();
    return good;
}

static bool put(const slot *s, PyObject *array) {
    if (!s->container) return replace_array(s->array, ARRAY(array)), true;
    if (PyDict_Check(s->container)) return PyDict_SetItem(s->container, s->name, array) == 0;
    if (!PyList_Check(s->container)) return random_put_state(array);
    return PyList_SetItem(s->container, PyLong_AsSsize_t(s->name), Py_NewRef(array)) == 0;
}

/* ---- collecting */

typedef struct {
    bool replaced;
    tarn_results *leaves;
} collector;

static bool collect_one(const slot *s, void *context) {
    const collector *c = context;
    bool given = c->replaced && s->container && Py_REFCNT(s->array) == 1;
    return given ? tarn_result_given(c->leaves, ARRAY(s->array)) : tarn_result(c->leaves, ARRAY(s->array));
}

bool tree_collect(PyObject *tree, bool replaced, tarn_results *leaves) {
    return each(tree, (slot){0}, collect_one, &(collector){replaced, leaves});
}

/* ---- lending: each place gets an array of its own for a while, also where one object is in several */

struct loan {
    loan *before;
    slot slot;               /* references; .array is what was there */
    PyObject *lent;          /* what is there now; NULL: the array itself, with another value */
    tarn_array *own, *other; /* the array's value, kept, and the one that was lent */
};

typedef struct {
    tarn_array *const *values;
    int count, next;
    loan *last;
} lender;

static bool refuse_changed(void) {
    return PyErr_SetString(PyExc_ValueError, "[compile] the state changed while it was read"), false;
}

static bool lend_value(loan *one) {
    for (const loan *other = one->before; other; other = other->before)
        if (!other->lent && other->slot.array == one->slot.array)
            return PyErr_SetString(PyExc_ValueError, "[compile] an array is in several tuples of the state"), false;
    return replace_array(one->slot.array, one->other), true;
}

static bool lend_object(loan *one) {
    one->lent = new_array(one->other);
    return one->lent && put(&one->slot, one->lent);
}

static bool lend(const slot *s, void *context) {
    lender *l = context;
    if (l->next == l->count) return refuse_changed();
    loan *one = PyMem_Malloc(sizeof *one);
    if (!one) return PyErr_NoMemory(), false;
    *one = (loan){.before = l->last, .slot = *s, .own = tarn_keep(ARRAY(s->array)), .other = l->values[l->next++]};
    Py_XINCREF(s->container);
    Py_XINCREF(s->name);
    Py_INCREF(s->array);
    l->last = one;
    return s->container ? lend_object(one) : lend_value(one);
}

bool tree_lend(PyObject *tree, tarn_array *const *values, int count, loan **loans) {
    lender l = {values, count, 0, NULL};
    bool good = each(tree, (slot){0}, lend, &l);
    return *loans = l.last, good && (l.next == count || refuse_changed());
}

/* What is at the place now, borrowed; NULL: there is no such place any more. */
static PyObject *now_at(const slot *s) {
    if (PyDict_Check(s->container)) return PyDict_GetItemWithError(s->container, s->name);
    if (!PyList_Check(s->container)) return random_state_key();
    Py_ssize_t place = PyLong_AsSsize_t(s->name);
    return place < PyList_Size(s->container) ? PyList_GetItem(s->container, place) : NULL;
}

/* A function that failed changed nothing. Else what it put in the place stays there until it is stored. */
static void take_object(const loan *one, bool done) {
    PyObject *now = now_at(&one->slot);
    bool untouched = now == one->lent && ARRAY(now) == one->other;
    bool removed = !now && PyList_Check(one->slot.container);
    if (untouched || (!done && !removed)) put(&one->slot, one->slot.array);
}

static void take_back(loan *one, bool done) {
    if (one->lent)
        take_object(one, done);
    else if (!one->slot.container)
        replace_array(one->slot.array, one->own);
    tarn_drop(one->own);
    Py_XDECREF(one->lent);
    Py_XDECREF(one->slot.container);
    Py_XDECREF(one->slot.name);
    Py_DECREF(one->slot.array);
    PyMem_Free(one);
}

void tree_take_back(loan *last, bool done) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    while (last) {
        loan *one = last;
        last = one->before;
        take_back(one, done);
    }
    PyErr_Restore(type, value, trace);
}

/* ---- storing */

static bool store(const slot *s, void *context) {
    lender *l = context;
    if (l->next == l->count) return refuse_changed();
    PyObject *object = new_array(l->values[l->next++]);
    bool stored = object && put(s, object);
    Py_XDECREF(object);
    return stored;
}

bool tree_store(PyObject *tree, tarn_array *const *arrays, int count) {
    int places = tree_count(tree);
    if (places == count) return each(tree, (slot){0}, store, &(lender){arrays, count, 0, NULL});
    if (places >= 0)
        PyErr_Format(PyExc_ValueError, "[compile] outputs has %d arrays, but had %d when the function was traced.",
                     places, count);
    return false;
}
