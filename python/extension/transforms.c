/* grad, value_and_grad, vjp, jvp, vmap and checkpoint of Python functions, and what they return (transform.h).
 * Arguments and results are trees; Tarn's transforms see their arrays. */
#include "closure.h"
#include "special.h"
#include "transform.h"

#include <structmember.h>

static const char *const names_of_kinds[] = {"grad", "value_and_grad", "vmap", "checkpoint", "compile"};

static PyTypeObject *transform_type;

/* ---- one call: the arguments, and what the function returned */

typedef struct {
    PyObject *function, *arguments, *named; /* borrowed; the arrays in them are replaced */
    PyObject *argnums, *argnames;           /* which of them; NULL: all */
    PyObject *returned;                     /* new */
    const char *what;                       /* what results are checked for: a name of names_of_kinds, or NULL */
    PyObject *out_axes;                     /* of vmap; borrowed */
    int_list places;                        /* these of each result */
} call;

static void drop_call(call *c) {
    Py_XDECREF(c->returned);
    drop_ints(&c->places);
}

/* The arguments as the function gets them, with the inputs in their places. */
static PyObject *arguments_with(const call *c, tarn_array *const *inputs, int count, int *next) {
    PyObject *list = c->argnums ? PySequence_List(c->arguments) : tree_with(c->arguments, inputs, count, next);
    for (Py_ssize_t i = 0; list && c->argnums && i < PyTuple_Size(c->argnums); i++) {
        Py_ssize_t place = PyLong_AsSsize_t(PyTuple_GetItem(c->argnums, i));
        PyObject *one = tree_with(PyTuple_GetItem(c->arguments, place), inputs, count, next);
        if (!one || PyList_SetItem(list, place, one) < 0) Py_CLEAR(list);
    }
    PyObject *tuple = list ? PySequence_Tuple(list) : NULL;
    Py_XDECREF(list);
    return tuple;
}

static PyObject *named_with(const call *c, tarn_array *const *inputs, int count, int *next) {
    if (!c->named) return PyDict_New();
    if (!c->argnames) return tree_with(c->named, inputs, count, next);
    PyObject *dict = PyDict_Copy(c->named);
    for (Py_ssize_t i = 0; dict && i < PyTuple_Size(c->argnames); i++) {
        PyObject *name = PyTuple_GetItem(c->argnames, i);
        PyObject *one = tree_with(PyDict_GetItem(c->named, name), inputs, count, next);
        if (!one || PyDict_SetItem(dict, name, one) < 0) Py_CLEAR(dict);
        Py_XDECREF(one);
    }
    return dict;
}

/* The value whose gradient is wanted must come first. */
static bool check_value(const char *what, PyObject *returned) {
    bool is_grad = what == names_of_kinds[GRAD];
    PyObject *value =
        !is_grad && PyTuple_Check(returned) && PyTuple_Size(returned) > 0 ? PyTuple_GetItem(returned, 0) : returned;
    if (is_array(value)) return true;
    PyErr_Format(PyExc_ValueError,
                 "[%s] The return value of the function whose gradient we want to compute should be %s; but %s was "
                 "returned.",
                 what,
                 is_grad ? "a scalar array"
                         : "either a scalar array or a tuple with the first value being a scalar array (Union[array, "
                           "tuple[array, Any, ...]])",
                 type_name(returned));
    return false;
}

/* Where results of vmap, so many, have their batch. */
static bool read_places(call *c, int count) {
    return (ints_reserve(&c->places, count) &&
            tree_all_axes(c->returned, c->out_axes, (int64_t *)(uintptr_t)c->places.list.values, count)) ||
           python_failed();
}

static bool run(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    call *c = context;
    int next = 0;
    PyObject *arguments = arguments_with(c, inputs, count, &next);
    PyObject *named = arguments ? named_with(c, inputs, count, &next) : NULL;
    PyObject *returned = named ? PyObject_Call(c->function, arguments, named) : NULL;
    Py_XDECREF(arguments);
    Py_XDECREF(named);
    if (!returned) return python_failed();
    replace(&c->returned, returned);
    if (c->what && !check_value(c->what, returned)) return python_failed();
    return hand_out(returned, !c->what, results) && (!c->out_axes || read_places(c, tarn_results_count(results)));
}

/* What the function returned, over these arrays. */
static PyObject *returned_with(const call *c, const tarn_results *outputs) {
    int next = 0;
    return outputs ? tree_with(c->returned, tarn_results_arrays(outputs), tarn_results_count(outputs), &next)
                   : raise_error();
}

/* ---- grad */

static bool refuse_name(const char *what, PyObject *name, PyObject *named) {
    PyObject *given = named ? Py_NewRef(named) : PyDict_New();
    if (given)
        PyErr_Format(PyExc_ValueError,
                     "[%s] Can't compute the gradient of keyword argument '%U' because the function is called with "
                     "the following keyword arguments %R",
                     what, name, given);
    Py_XDECREF(given);
    return false;
}

/* Gathers the arrays of the arguments that are differentiated. */
static bool inputs_of_grad(const transform_object *t, PyObject *arguments, PyObject *named, leaf_list *inputs) {
    const char *what = names_of_kinds[t->kind];
    for (Py_ssize_t i = 0; i < PyTuple_Size(t->argnums); i++) {
        PyObject *argnum = PyTuple_GetItem(t->argnums, i);
        Py_ssize_t place = PyLong_AsSsize_t(argnum);
        if (place >= PyTuple_Size(arguments))
            return PyErr_Format(PyExc_ValueError,
                                "[%s] Can't compute the gradient of argument index %zd because the function is called "
                                "with only %zd positional arguments.",
                                what, place, PyTuple_Size(arguments)),
                   false;
        if (!tree_leaves(PyTuple_GetItem(arguments, place), inputs, true)) return false;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(t->argnames); i++) {
        PyObject *name = PyTuple_GetItem(t->argnames, i), *value = named ? PyDict_GetItem(named, name) : NULL;
        if (!value) return refuse_name(what, name, named);
        if (!tree_leaves(value, inputs, true)) return false;
    }
    if (inputs->count == 0) PyErr_Format(PyExc_ValueError, "[%s] Must specify at least one argument.", what);
    return inputs->count > 0;
}

/* The gradients in the shape of the arguments: of one argument alone its tree, of several a tuple; with names, (those,
   {name: tree}). */
static PyObject *gradients_as(const transform_object *t, PyObject *arguments, PyObject *named,
                              const tarn_results *gradients) {
    tarn_array *const *arrays = tarn_results_arrays(gradients);
    int count = tarn_results_count(gradients), next = 0;
    Py_ssize_t numbers = PyTuple_Size(t->argnums), names = PyTuple_Size(t->argnames);
    PyObject *positional = PyTuple_New(numbers), *by_name = PyDict_New();
    for (Py_ssize_t i = 0; positional && i < numbers; i++) {
        PyObject *argument = PyTuple_GetItem(arguments, PyLong_AsSsize_t(PyTuple_GetItem(t->argnums, i)));
        PyObject *one = tree_with(argument, arrays, count, &next);
        if (!one || PyTuple_SetItem(positional, i, one) < 0) Py_CLEAR(positional);
    }
    for (Py_ssize_t i = 0; positional && by_name && i < names; i++) {
        PyObject *name = PyTuple_GetItem(t->argnames, i),
                 *one = tree_with(PyDict_GetItem(named, name), arrays, count, &next);
        if (!one || PyDict_SetItem(by_name, name, one) < 0) Py_CLEAR(by_name);
        Py_XDECREF(one);
    }
    PyObject *alone = !positional || !by_name ? NULL
                      : numbers == 0          ? Py_NewRef(Py_None)
                      : numbers == 1          ? Py_NewRef(PyTuple_GetItem(positional, 0))
                                              : Py_NewRef(positional);
    PyObject *made = alone && names ? PyTuple_Pack(2, alone, by_name) : Py_XNewRef(alone);
    Py_XDECREF(alone);
    Py_XDECREF(positional);
    Py_XDECREF(by_name);
    return made;
}

static PyObject *call_grad(transform_object *t, PyObject *arguments, PyObject *named) {
    leaf_list inputs CLEANUP(drop_leaves) = {0};
    call c CLEANUP(drop_call) = {.function = t->function,
                                 .arguments = arguments,
                                 .named = named,
                                 .argnums = t->argnums,
                                 .argnames = t->argnames,
                                 .what = names_of_kinds[t->kind]};
    if (!inputs_of_grad(t, arguments, named, &inputs)) return NULL;
    int_list all CLEANUP(drop_ints) = {0};
    if (!ints_reserve(&all, inputs.count)) return NULL;
    for (int i = 0; i < inputs.count; i++) ((int64_t *)(uintptr_t)all.list.values)[i] = i;
    tarn_results *outputs, *gradients = tarn_grad(((tarn_function){run, &c}), inputs.list, inputs.count,
                                                  .argnums = all.list, .outputs = &outputs, .numbers = like_mlx);
    PyObject *made = gradients ? gradients_as(t, arguments, named, gradients) : raise_error();
    if (!made || t->kind == GRAD) return made;
    PyObject *value = returned_with(&c, outputs), *pair = value ? PyTuple_Pack(2, value, made) : NULL;
    Py_XDECREF(value);
    Py_DECREF(made);
    return pair;
}

/* ---- vmap: one argument is a tree by itself, several are a tuple */

static PyObject *call_vmap(transform_object *t, PyObject *arguments, PyObject *named) {
    if (named && PyDict_Size(named) > 0)
        return PyErr_SetString(PyExc_TypeError, "[vmap] Keyword arguments are not supported."), NULL;
    leaf_list inputs CLEANUP(drop_leaves) = {0};
    int_list axes CLEANUP(drop_ints) = {0};
    call c CLEANUP(drop_call) = {.function = t->function, .arguments = arguments, .out_axes = t->out_axes};
    PyObject *tree = PyTuple_Size(arguments) == 1 ? PyTuple_GetItem(arguments, 0) : arguments;
    if (!tree_leaves(tree, &inputs, true) || !ints_reserve(&axes, inputs.count) ||
        !tree_all_axes(tree, t->in_axes, (int64_t *)(uintptr_t)axes.list.values, inputs.count))
        return NULL;
    return returned_with(&c, tarn_vmap(((tarn_function){run, &c}), inputs.list, inputs.count, .in_axes = axes.list,
                                       .late_out_axes = &c.places.list));
}

/* ---- checkpoint: the function lives as long as its gradient may be asked for */

static PyObject *call_checkpoint(transform_object *t, PyObject *arguments, PyObject *named) {
    leaf_list inputs CLEANUP(drop_leaves) = {0};
    if (!tree_leaves(arguments, &inputs, false) || (named && !tree_leaves(named, &inputs, false))) return NULL;
    closure *c = new_closure(t->function, arguments, named);
    if (!c) return NULL;
    PyObject *returned = Py_NewRef(c->parts[RETURNED]);
    tarn_results *results = tarn_checkpoint(((tarn_function){run_closure, c}), inputs.list, inputs.count,
                                            .release = drop_closure, .constants = like_mlx);
    PyObject *made = returned_over(returned, results);
    Py_DECREF(returned);
    return made;
}

/* ---- the object that is called */

static PyObject *transform_call(PyObject *self, PyObject *arguments, PyObject *named) {
    static PyObject *(*const calls[])(transform_object *, PyObject *, PyObject *) = {call_grad, call_grad, call_vmap,
                                                                                     call_checkpoint, call_compiled};
    TARN_SCOPE;
    return calls[((transform_object *)self)->kind]((transform_object *)self, arguments, named);
}

static int transform_traverse(PyObject *self, visitproc visit, void *arg) {
    transform_object *t = (transform_object *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(t->function);
    Py_VISIT(t->in_axes);
    Py_VISIT(t->out_axes);
    Py_VISIT(t->inputs);
    Py_VISIT(t->outputs);
    return visit_plans(t, visit, arg);
}

static int transform_clear(PyObject *self) {
    transform_object *t = (transform_object *)self;
    Py_CLEAR(t->function);
    Py_CLEAR(t->argnums);
    Py_CLEAR(t->argnames);
    Py_CLEAR(t->in_axes);
    Py_CLEAR(t->out_axes);
    Py_CLEAR(t->inputs);
    Py_CLEAR(t->outputs);
    drop_plans(t);
    return 0;
}

static void transform_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    transform_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *help_of_function(PyObject *self, void *unused) {
    return (void)unused, PyObject_GetAttrString(((transform_object *)self)->function, "__doc__");
}

/* What belongs to the function itself, its name and help among it, is asked of it. */
static PyObject *transform_attribute(PyObject *self, PyObject *name) {
    bool is_module = PyUnicode_CompareWithASCIIString(name, "__module__") == 0; /* the type has one, too */
    PyObject *own = is_module ? NULL : PyObject_GenericGetAttr(self, name);
    if (is_module) return PyObject_GetAttr(((transform_object *)self)->function, name);
    if (own || !PyErr_ExceptionMatches(PyExc_AttributeError)) return own;
    PyErr_Clear();
    return PyObject_GetAttr(((transform_object *)self)->function, name);
}

static PyMemberDef members[] = {{"__wrapped__", T_OBJECT, offsetof(transform_object, function), READONLY, NULL}, {0}};
static PyGetSetDef properties[] = {{"__doc__", help_of_function, NULL, NULL, NULL}, {0}};
static PyType_Slot slots[] = {{Py_tp_getset, properties},
                              {Py_tp_call, SLOT(transform_call)},
                              {Py_tp_getattro, SLOT(transform_attribute)},
                              {Py_tp_traverse, SLOT(transform_traverse)},
                              {Py_tp_clear, SLOT(transform_clear)},
                              {Py_tp_dealloc, SLOT(transform_free)},
                              {Py_tp_members, members},
                              {0, NULL}};
static PyType_Spec spec = {"tarn.core._gc_func", sizeof(transform_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

bool add_transforms(PyObject *module) {
    transform_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return transform_type && PyModule_AddObjectRef(module, "_gc_func", (PyObject *)transform_type) == 0;
}

transform_object *new_transform(kind_of_transform kind, PyObject *function) {
    if (!PyCallable_Check(function))
        return PyErr_Format(PyExc_TypeError, "%s(): fun must be a function, not %s", names_of_kinds[kind],
                            type_name(function)),
               NULL;
    transform_object *t = (transform_object *)PyType_GenericAlloc(transform_type, 0);
    if (t) t->kind = kind, t->function = Py_NewRef(function);
    return t;
}

/* ---- making them */

/* None, an int or a sequence of them: a sorted tuple of ints without doubles. */
static PyObject *read_argnums(const char *what, PyObject *argnums, bool has_names) {
    if (argnums == Py_None) return has_names ? PyTuple_New(0) : Py_BuildValue("(i)", 0);
    PyObject *list = has_items(argnums)       ? PySequence_List(argnums)
                     : PyIndex_Check(argnums) ? Py_BuildValue("[O]", argnums)
                                              : NULL;
    if (!list && !PyErr_Occurred())
        return PyErr_Format(PyExc_TypeError, "%s(): argnums must be an int or a sequence of them, not %s", what,
                            type_name(argnums)),
               NULL;
    if (!list || PyList_Sort(list) < 0) return Py_XDECREF(list), NULL;
    int64_t before = INT64_MIN, number = 0;
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++, before = number) {
        if (!int_of_object(PyList_GetItem(list, i), &number)) return Py_DECREF(list), NULL;
        if (number < 0)
            PyErr_Format(PyExc_ValueError, "[%s] Can't compute the gradient of negative argument index %lld", what,
                         (long long)number);
        if (number == before)
            PyErr_Format(PyExc_ValueError, "[%s] Duplicate argument index %lld is not allowed.", what,
                         (long long)number);
        if (PyErr_Occurred() || PyList_SetItem(list, i, PyLong_FromLongLong(number)) < 0) return Py_DECREF(list), NULL;
    }
    PyObject *tuple = PyList_AsTuple(list);
    return Py_DECREF(list), tuple;
}

static PyObject *read_argnames(const char *what, PyObject *argnames) {
    if (!argnames || argnames == Py_None) return PyTuple_New(0);
    PyObject *tuple = PyUnicode_Check(argnames) ? Py_BuildValue("(O)", argnames)
                      : PyList_Check(argnames) || PyTuple_Check(argnames) || PyAnySet_Check(argnames)
                          ? PySequence_Tuple(argnames)
                          : NULL;
    bool good = tuple != NULL;
    for (Py_ssize_t i = 0; good && i < PyTuple_Size(tuple); i++) good = PyUnicode_Check(PyTuple_GetItem(tuple, i));
    if (good) return tuple;
    Py_XDECREF(tuple);
    return PyErr_Format(PyExc_TypeError, "%s(): argnames must be a str or a sequence of them", what), NULL;
}

static PyObject *new_grad(kind_of_transform kind, PyObject *function, PyObject *argnums, PyObject *argnames) {
    const char *what = names_of_kinds[kind];
    transform_object *t = new_transform(kind, function);
    if (!t) return NULL;
    t->argnames = read_argnames(what, argnames);
    t->argnums = t->argnames ? read_argnums(what, argnums, PyTuple_Size(t->argnames) > 0) : NULL;
    if (t->argnums && PyTuple_Size(t->argnums) + PyTuple_Size(t->argnames) == 0)
        PyErr_Format(PyExc_ValueError, "[%s] Gradient wrt no argument requested", what);
    return t->argnums && !PyErr_Occurred() ? (PyObject *)t : (Py_DECREF(t), NULL);
}

PyObject *grad_of(PyObject *function, PyObject *argnums, PyObject *argnames) {
    return new_grad(GRAD, function, argnums, argnames);
}
PyObject *value_and_grad_of(PyObject *function, PyObject *argnums, PyObject *argnames) {
    return new_grad(VALUE_AND_GRAD, function, argnums, argnames);
}
PyObject *checkpoint_of(PyObject *function) {
    return (PyObject *)new_transform(CHECKPOINT, function);
}

/* NULL for an axis: 0, the default. */
PyObject *vmap_of(PyObject *function, PyObject *in_axes, PyObject *out_axes) {
    if (in_axes == Py_None || out_axes == Py_None)
        return PyErr_SetString(PyExc_TypeError, "vmap(): in_axes and out_axes must be ints or trees of ints and None"),
               NULL;
    transform_object *t = new_transform(BATCH, function);
    if (t) t->in_axes = in_axes ? Py_NewRef(in_axes) : PyLong_FromLong(0);
    if (t) t->out_axes = out_axes ? Py_NewRef(out_axes) : PyLong_FromLong(0);
    return (PyObject *)t;
}

/* ---- vjp and jvp: of a function of arrays, which returns one or several */

static PyObject *pair_of_lists(const tarn_results *outputs, const tarn_results *others) {
    PyObject *first = new_list(tarn_results_arrays(outputs), tarn_results_count(outputs));
    PyObject *second = first ? new_list(tarn_results_arrays(others), tarn_results_count(others)) : NULL;
    PyObject *pair = second ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return pair;
}

PyObject *vjp_of(PyObject *function, const array_list *primals, const array_list *cotangents) {
    PyObject *arguments = new_tuple(primals->list, primals->count);
    call c CLEANUP(drop_call) = {.function = function, .arguments = arguments};
    tarn_results *outputs,
        *made = arguments ? tarn_vjp(((tarn_function){run, &c}), primals->list, primals->count, cotangents->list,
                                     cotangents->count, .outputs = &outputs, .numbers = like_mlx)
                          : NULL;
    Py_XDECREF(arguments);
    return made ? pair_of_lists(outputs, made) : raise_error();
}

PyObject *jvp_of(PyObject *function, const array_list *primals, const array_list *tangents) {
    if (primals->count != tangents->count)
        return PyErr_SetString(PyExc_ValueError, "[jvp] Number of inputs does not match number of tangents."), NULL;
    PyObject *arguments = new_tuple(primals->list, primals->count);
    call c CLEANUP(drop_call) = {.function = function, .arguments = arguments};
    tarn_results *outputs, *made = arguments ? tarn_jvp(((tarn_function){run, &c}), primals->list, primals->count,
                                                        tangents->list, .outputs = &outputs, .numbers = like_mlx)
                                             : NULL;
    Py_XDECREF(arguments);
    return made ? pair_of_lists(outputs, made) : raise_error();
}
