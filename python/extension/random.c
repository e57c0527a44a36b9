/* The implicit random state of Python: a key for each thread, which each draw without a key of its own replaces. */
#include "special.h"

#include <time.h>

/* In the thread's dict of the interpreter, so that it goes with the thread. Borrowed. */
static PyObject *states(void) {
    return PyThreadState_GetDict();
}
static const char place[] = "tarn.core.random.state";

bool random_put_state(PyObject *key) {
    return states() && PyDict_SetItemString(states(), place, key) == 0;
}

static bool set_state(tarn_array *key) {
    PyObject *object = new_array(key);
    bool set = object && random_put_state(object);
    Py_XDECREF(object);
    return set;
}

/* A thread that has none yet starts from the time, in milliseconds, as MLX does. */
static PyObject *state(void) { /* borrowed */
    PyObject *found = states() ? PyDict_GetItemString(states(), place) : NULL;
    struct timespec now;
    if (found) return found;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    return set_state(tarn_random_key(seed)) ? PyDict_GetItemString(states(), place) : NULL;
}

tarn_array *random_key(tarn_array *key) {
    tarn_array *next, *use;
    PyObject *now = key ? NULL : state();
    if (key || !now) return key;
    return tarn_random_next(ARRAY(now), &next, &use) && set_state(next) ? use : NULL;
}

bool random_seed(uint64_t seed) {
    return set_state(tarn_random_key(seed));
}

/* ---- random.state: a sequence of the one key */

static Py_ssize_t state_length(PyObject *self) {
    return (void)self, 1;
}

static PyObject *state_item(PyObject *self, Py_ssize_t i) {
    (void)self;
    if (i != 0) return PyErr_SetString(PyExc_IndexError, "the random state has one key"), NULL;
    TARN_SCOPE;
    return Py_XNewRef(state());
}

PyTypeObject *random_state_type;
PyObject *random_state_key(void) {
    TARN_SCOPE;
    return state();
}

static PyType_Slot slots[] = {{Py_tp_doc, "The random state of the thread: a sequence of one key."},
                              {Py_sq_length, SLOT(state_length)},
                              {Py_sq_item, SLOT(state_item)},
                              {0, NULL}};
static PyType_Spec spec = {"tarn.core.random._RandomState", sizeof(PyObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

bool add_random_state(PyObject *core) {
    PyObject *module = PyObject_GetAttrString(core, "random");
    random_state_type = (PyTypeObject *)PyType_FromSpec(&spec);
    PyObject *object = random_state_type ? (PyObject *)PyObject_New(PyObject, random_state_type) : NULL;
    bool added = module && object &&
                 PyModule_AddObjectRef(module, "_RandomState", (PyObject *)random_state_type) == 0 &&
                 PyModule_AddObjectRef(module, "state", object) == 0;
    Py_XDECREF(module);
    Py_XDECREF(object);
    return added;
}
