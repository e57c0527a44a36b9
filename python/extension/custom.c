/* custom_function: a function with rules of its own for gradients, tangents and batches, set by its decorators. */
#include "closure.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD PyObject *rules[CLOSURE_PARTS]; /* FUNCTION, VJP, JVP, VMAP */
} custom_object;

static PyTypeObject *custom_type;

static int custom_init(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"f", NULL};
    PyObject *function;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O:custom_function", names, &function)) return -1;
    if (!PyCallable_Check(function))
        return PyErr_Format(PyExc_TypeError, "custom_function(): a %s cannot be called", type_name(function)), -1;
    replace(&((custom_object *)self)->rules[FUNCTION], Py_NewRef(function));
    return 0;
}

static int custom_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    for (int i = 0; i < CLOSURE_PARTS; i++) Py_VISIT(((custom_object *)self)->rules[i]);
    return 0;
}

static int custom_clear(PyObject *self) {
    for (int i = 0; i < CLOSURE_PARTS; i++) Py_CLEAR(((custom_object *)self)->rules[i]);
    return 0;
}

static void custom_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    custom_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *set_rule(PyObject *self, PyObject *function, int which) {
    if (!PyCallable_Check(function))
        return PyErr_Format(PyExc_TypeError, "custom_function: a %s cannot be called", type_name(function));
    replace(&((custom_object *)self)->rules[which], Py_NewRef(function));
    return Py_NewRef(self);
}
static PyObject *set_vjp(PyObject *self, PyObject *function) {
    return set_rule(self, function, VJP);
}
static PyObject *set_jvp(PyObject *self, PyObject *function) {
    return set_rule(self, function, JVP);
}
static PyObject *set_vmap(PyObject *self, PyObject *function) {
    return set_rule(self, function, VMAP);
}

/* ---- the rules as Tarn calls them */

/* One argument is handed over by itself, several are a tuple. */
static PyObject *alone_or_all(PyObject *arguments) {
    if (!arguments || PyTuple_Size(arguments) != 1) return arguments;
    PyObject *one = Py_NewRef(PyTuple_GetItem(arguments, 0));
    Py_DECREF(arguments);
    return one;
}

static PyObject *primals_over(const closure *c, tarn_array *const *inputs, int count, int *next) {
    return alone_or_all(tree_with(c->parts[ARGUMENTS], inputs, count, next));
}

static PyObject *outputs_over(const closure *c, tarn_array *const *inputs, int count, int *next) {
    return tree_with(PyList_GetItem(c->parts[RETURNED], 0), inputs, count, next);
}

/* Calls a rule with these trees, which are given up, and the named arguments. */
static PyObject *call_rule(PyObject *rule, PyObject *a, PyObject *b, PyObject *c, PyObject *named) {
    PyObject *arguments = NULL, *made = NULL;
    if (a && b && named) arguments = c ? PyTuple_Pack(3, a, b, c) : PyTuple_Pack(2, a, b);
    if (arguments) made = PyObject_Call(rule, arguments, named);
    Py_XDECREF(arguments);
    Py_XDECREF(a);
    Py_XDECREF(b);
    Py_XDECREF(c);
    Py_XDECREF(named);
    return made;
}

static bool hand_out_within(PyObject *tree, int count, int *done, tarn_results *results);

/* Hands out `count` arrays of a tree in which None stands for zero, as do those that are missing. One for an argument
   that is no array may be None. */
static bool hand_out_or_zero(PyObject *tree, int count, int *done, tarn_results *results) {
    if (tree == Py_None || is_array(tree)) {
        if (*done == count && tree == Py_None) return true;
        if (*done == count)
            return PyErr_SetString(PyExc_ValueError, "[custom vjp] more gradients than arguments"), python_failed();
        tarn_result(results, tree == Py_None ? NULL : ARRAY(tree));
        return (*done)++, tarn_ok();
    }
    if (Py_EnterRecursiveCall(" in gradients of a custom rule")) return python_failed();
    bool good = hand_out_within(tree, count, done, results);
    Py_LeaveRecursiveCall();
    return good;
}

static bool hand_out_within(PyObject *tree, int count, int *done, tarn_results *results) {
    PyObject *values = PyDict_Check(tree)                          ? PyDict_Values(tree)
                       : PyList_Check(tree) || PyTuple_Check(tree) ? PySequence_List(tree)
                                                                   : NULL;
    if (!values)
        return PyErr_Format(PyExc_ValueError, "[custom vjp] a gradient must be an array or None, not %s",
                            type_name(tree)),
               python_failed();
    bool good = true;
    for (Py_ssize_t i = 0; good && i < PyList_Size(values); i++)
        good = hand_out_or_zero(PyList_GetItem(values, i), count, done, results);
    Py_DECREF(values);
    return good;
}

/* A rule may have something for arguments that are no arrays, too: it is left out. */
static PyObject *gradients_of_arrays(PyObject *made, PyObject *primals, int arguments) {
    bool beside = made && PyTuple_Check(made) && PyTuple_Check(primals) && PyTuple_Size(made) == PyTuple_Size(primals);
    if (!beside) return made;
    int all = tree_count(made);
    PyObject *some = all < 0 ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0; some && i < PyTuple_Size(made); i++) {
        PyObject *one = PyTuple_GetItem(made, i);
        bool left_out = tree_count(PyTuple_GetItem(primals, i)) == 0 && (all > arguments || tree_count(one) == 0);
        if (!left_out && PyList_Append(some, one) < 0) Py_CLEAR(some);
    }
    Py_DECREF(made);
    return some;
}

static bool run_vjp(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const closure *c = context;
    int next = 0, done = 0;
    PyObject *primals = primals_over(c, inputs, count, &next);
    PyObject *named = primals ? tree_with(c->parts[NAMED], inputs, count, &next) : NULL;
    int arguments = next;
    PyObject *cotangents = named ? outputs_over(c, inputs, count, &next) : NULL;
    PyObject *outputs = cotangents ? outputs_over(c, inputs, count, &next) : NULL;
    Py_XINCREF(primals);
    PyObject *made = outputs ? call_rule(c->parts[VJP], primals, cotangents, outputs, named) : NULL;
    made = gradients_of_arrays(made, primals, arguments);
    Py_XDECREF(primals);
    bool good = made ? hand_out_or_zero(made, arguments, &done, results) : python_failed();
    Py_XDECREF(made);
    for (; good && done < arguments; done++) tarn_result(results, NULL);
    return good;
}

static bool run_jvp(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const closure *c = context;
    int next = 0;
    PyObject *primals = primals_over(c, inputs, count, &next);
    PyObject *named = primals ? tree_with(c->parts[NAMED], inputs, count, &next) : NULL;
    PyObject *tangents = named ? primals_over(c, inputs, count, &next) : NULL;
    PyObject *made = tangents ? call_rule(c->parts[JVP], primals, tangents, NULL, named) : NULL;
    bool good = made ? hand_out(made, true, results) : python_failed();
    Py_XDECREF(made);
    return good;
}

static bool as_many(int count, int outputs) {
    return count == outputs || tarn_fail("custom vmap: the rule handed out %d results, not %d", count, outputs);
}

static bool take_batched(PyObject *pair, int outputs, tarn_results *results, int64_t *out_axes) {
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2)
        return PyErr_SetString(PyExc_ValueError, "[custom vmap] the rule must return a tuple (outputs, axes)"),
               python_failed();
    return hand_out(PyTuple_GetItem(pair, 0), true, results) && as_many(tarn_results_count(results), outputs) &&
           (tree_axes(PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1), out_axes, outputs) || python_failed());
}

static bool run_vmap(void *context, tarn_array *const *inputs, const int64_t *axes, int count, tarn_results *results,
                     int64_t *out_axes) {
    const closure *c = context;
    int next = 0, axis = 0;
    PyObject *primals = primals_over(c, inputs, count, &next);
    PyObject *named = primals ? tree_with(c->parts[NAMED], inputs, count, &next) : NULL;
    PyObject *places = named ? alone_or_all(tree_with_axes(c->parts[ARGUMENTS], axes, &axis)) : NULL;
    PyObject *pair = places ? call_rule(c->parts[VMAP], primals, places, NULL, named) : NULL;
    bool good = pair ? take_batched(pair, c->outputs, results, out_axes) : python_failed();
    Py_XDECREF(pair);
    return good;
}

/* ---- a call */

static closure *closure_of(const custom_object *custom, PyObject *arguments, PyObject *named) {
    closure *c = new_closure(custom->rules[FUNCTION], arguments, named);
    for (int i = VJP; c && i <= VMAP; i++) c->parts[i] = Py_XNewRef(custom->rules[i]);
    return c;
}

static PyObject *custom_call(PyObject *self, PyObject *arguments, PyObject *named) {
    leaf_list inputs CLEANUP(drop_leaves) = {0};
    const custom_object *custom = (custom_object *)self;
    TARN_SCOPE;
    if (!custom->rules[FUNCTION])
        return PyErr_SetString(PyExc_TypeError, "custom_function: __init__ was never called"), NULL;
    if (!tree_leaves(arguments, &inputs, false) || (named && !tree_leaves(named, &inputs, false))) return NULL;
    closure *c = closure_of(custom, arguments, named);
    if (!c) return NULL;
    PyObject *returned = Py_NewRef(c->parts[RETURNED]);
    tarn_custom_function *function =
        tarn_custom_new(((tarn_function){run_closure, c}), .vjp = custom->rules[VJP] ? run_vjp : NULL,
                        .jvp = custom->rules[JVP] ? run_jvp : NULL, .vmap = custom->rules[VMAP] ? run_vmap : NULL,
                        .release = drop_closure, .constants = true);
    tarn_results *results = function ? tarn_custom_call(function, inputs.list, inputs.count) : NULL;
    tarn_custom_free(function);
    PyObject *made = returned_over(returned, results);
    Py_DECREF(returned);
    return made;
}

static PyMethodDef methods[] = {
    {"vjp", set_vjp, METH_O, "vjp(f)\n--\n\nSets the rule for gradients: f(primals, cotangents, outputs)."},
    {"jvp", set_jvp, METH_O, "jvp(f)\n--\n\nSets the rule for tangents: f(primals, tangents)."},
    {"vmap", set_vmap, METH_O,
     "vmap(f)\n--\n\nSets the rule for batches: f(inputs, axes), which returns (outputs, axes)."},
    {0}};
static PyType_Slot slots[] = {{Py_tp_doc, "custom_function(f)\n--\n\nA function with rules of its own for gradients, "
                                          "tangents and batches. What it captures counts as constant.\n\n"
                                          ">>> @mx.custom_function\n... def f(x):\n...     return mx.abs(x)\n>>> "
                                          "@f.vjp\n... def f_vjp(x, cotangent, output):\n...     return cotangent"},
                              {Py_tp_init, SLOT(custom_init)},
                              {Py_tp_new, SLOT(PyType_GenericNew)},
                              {Py_tp_call, SLOT(custom_call)},
                              {Py_tp_traverse, SLOT(custom_traverse)},
                              {Py_tp_clear, SLOT(custom_clear)},
                              {Py_tp_dealloc, SLOT(custom_free)},
                              {Py_tp_methods, methods},
                              {0, NULL}};
static PyType_Spec spec = {"tarn.core.custom_function", sizeof(custom_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

bool add_custom_function(PyObject *module) {
    custom_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return custom_type && PyModule_AddObjectRef(module, "custom_function", (PyObject *)custom_type) == 0;
}
