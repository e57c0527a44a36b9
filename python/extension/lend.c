/* Arrays put into containers in place: the state of compiled functions. Lists, dicts and the random state get new
   objects; an array in a tuple, or one by itself, gets another value. Between the steps of a call other threads may
   change the state. */
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

/* ---- the objects that are there */

void drop_objects(object_list *objects) {
    for (int i = 0; i < objects->count; i++) Py_DECREF(objects->list[i]);
    PyMem_Free(objects->list);
    *objects = (object_list){0};
}

static bool add_object(object_list *objects, PyObject *array) {
    PyObject **list = with_room(objects->list, objects->count, &objects->room);
    if (!list) return false;
    objects->list = list;
    list[objects->count++] = Py_NewRef(array);
    return true;
}

static bool add_slot(const slot *s, void *context) {
    return add_object(context, s->array);
}

bool tree_objects(PyObject *tree, object_list *objects) {
    return each(tree, (slot){0}, add_slot, objects);
}

/* ---- collecting */

typedef struct {
    object_list *replaced;
    tarn_results *leaves;
} collector;

static bool collect_one(const slot *s, void *context) {
    const collector *c = context;
    bool given = c->replaced && s->container && Py_REFCNT(s->array) == 1;
    bool done = given ? tarn_result_given(c->leaves, ARRAY(s->array)) : tarn_result(c->leaves, ARRAY(s->array));
    return done && (!c->replaced || add_object(c->replaced, s->array));
}

bool tree_collect(PyObject *tree, object_list *replaced, tarn_results *leaves) {
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
    const object_list *expected; /* when they are stored: where the values belong */
    bool *replaced;              /* which of the expected objects have given their place to a new one */
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
    lender l = {.values = values, .count = count};
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

/* What the function put in the place stays there until it is stored. */
static void take_object(const loan *one) {
    PyObject *now = now_at(&one->slot);
    if (now == one->lent && ARRAY(now) == one->other) put(&one->slot, one->slot.array);
}

static void take_back(loan *one) {
    if (one->lent)
        take_object(one);
    else if (!one->slot.container)
        replace_array(one->slot.array, one->own);
    tarn_drop(one->own);
    Py_XDECREF(one->lent);
    Py_XDECREF(one->slot.container);
    Py_XDECREF(one->slot.name);
    Py_DECREF(one->slot.array);
    PyMem_Free(one);
}

void tree_take_back(loan *last) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    while (last) {
        loan *one = last;
        last = one->before;
        take_back(one);
    }
    PyErr_Restore(type, value, trace);
}

/* ---- storing */

/* The first place of the expected object from `from` on, around the end; -1: it is not expected. */
static int place_of(const object_list *expected, PyObject *object, int from) {
    for (int i = 0; i < expected->count; i++)
        if (expected->list[(from + i) % expected->count] == object) return (from + i) % expected->count;
    return -1;
}

/* Whether the object at the place of value l->next belongs to another one: something else was taken or put there. */
static bool has_moved(const lender *l, PyObject *object) {
    int place = l->expected->count == l->count ? place_of(l->expected, object, l->next) : -1;
    return place >= 0 && place != l->next;
}

static bool store_next(const slot *s, lender *l) {
    int i = l->next++;
    PyObject *object = new_array(l->values[i]);
    bool expected = l->expected->count == l->count && l->expected->list[i] == s->array;
    bool stored = object && put(s, object);
    Py_XDECREF(object);
    if (stored && expected) l->replaced[i] = true;
    return stored;
}

static bool store(const slot *s, void *context) {
    lender *l = context;
    return l->next < l->count && !has_moved(l, s->array) && store_next(s, l);
}

static bool store_expected(const slot *s, void *context) {
    lender *l = context;
    int place = place_of(l->expected, s->array, l->next);
    if (place < 0) return true;
    l->next = place;
    return store_next(s, l);
}

static void give_value(const object_list *objects, int i, tarn_array *value) {
    if (Py_REFCNT(objects->list[i]) > 1) replace_array(objects->list[i], value);
}

/* What stands where it was, and what another thread has moved or taken. */
static void store_what_is_there(PyObject *tree, lender *l) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    l->next = 0;
    each(tree, (slot){0}, store_expected, l);
    for (int i = 0; i < l->count; i++)
        if (!l->replaced[i]) give_value(l->expected, i, l->values[i]);
    PyErr_Restore(type, value, trace);
}

static bool store_all(PyObject *tree, lender *l) {
    int places = tree_count(tree);
    if (places == l->count && each(tree, (slot){0}, store, l) && l->next == l->count) return true;
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError,
                     "[compile] outputs was changed during the call, at whose end it should have %d arrays: what is "
                     "still there has its new value.",
                     l->count);
    if (l->expected->count == l->count) store_what_is_there(tree, l);
    return false;
}

bool tree_store(PyObject *tree, tarn_array *const *arrays, int count, const object_list *expected) {
    lender l = {.values = arrays, .count = count, .expected = expected};
    l.replaced = PyMem_Calloc((size_t)count + 1, sizeof *l.replaced);
    bool stored = l.replaced ? store_all(tree, &l) : (PyErr_NoMemory(), false);
    PyMem_Free(l.replaced);
    return stored;
}

void tree_replace_given(const object_list *objects, tarn_array *const *arrays, int count) {
    for (int i = 0; objects->count == count && i < count; i++)
        if (tarn_is_given_away(ARRAY(objects->list[i]))) give_value(objects, i, arrays[i]);
}
