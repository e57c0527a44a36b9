/* Functions that graphs keep alive, and what the collector of garbage sees of them. */
#include "closure.h"

#include <stdlib.h>

int live_closures;

bool python_failed(void) {
    return tarn_fail("a Python function failed");
}

closure *new_closure(PyObject *function, PyObject *arguments, PyObject *named) {
    closure *c = calloc(1, sizeof *c);
    if (!c) return PyErr_NoMemory(), NULL;
    live_closures++;
    c->parts[FUNCTION] = Py_NewRef(function);
    c->parts[ARGUMENTS] = tree_template(arguments);
    c->parts[NAMED] = named ? tree_template(named) : PyDict_New();
    c->parts[RETURNED] = Py_BuildValue("[O]", Py_None);
    if (c->parts[ARGUMENTS] && c->parts[NAMED] && c->parts[RETURNED]) return c;
    return drop_closure(c), NULL;
}

/* Tarn calls this in any thread that is inside one of its functions, with the interpreter's lock or without. */
void drop_closure(void *context) {
    closure *c = context;
    PyObject *type, *value, *trace;
    PyGILState_STATE lock = PyGILState_Ensure();
    PyErr_Fetch(&type, &value, &trace);
    for (int i = 0; i < CLOSURE_PARTS; i++) Py_XDECREF(c->parts[i]);
    PyErr_Restore(type, value, trace);
    live_closures--;
    PyGILState_Release(lock);
    free(c);
}

/* ---- the collector's view: what closures hold is held by the array that alone keeps them */

typedef struct {
    visitproc visit;
    void *argument;
} visitor;

static int visit_closure(void *context, void (*release)(void *context), void *argument) {
    const visitor *v = argument;
    const closure *c = context;
    if (release != drop_closure) return 0;
    for (int i = 0; i < CLOSURE_PARTS; i++)
        if (c->parts[i] && v->visit(c->parts[i], v->argument)) return 1;
    return 0;
}

/* The collector asks twice and must hear the same. A thread that evaluates meanwhile adds references for a while: with
   one at it nothing is told, and what the collector would have found it finds another time. */
int visit_closures_of(tarn_array *a, visitproc visit, void *argument) {
    return a && !threads_in_tarn ? tarn_visit_contexts(a, visit_closure, &(visitor){visit, argument}) : 0;
}

/* ---- calling */

bool hand_out(PyObject *tree, bool only_arrays, tarn_results *results) {
    leaf_list leaves CLEANUP(drop_leaves) = {0};
    if (!tree_leaves(tree, &leaves, only_arrays)) return python_failed();
    for (int i = 0; i < leaves.count; i++)
        if (!tarn_result(results, leaves.list[i])) return false;
    return true;
}

bool run_closure(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    closure *c = context;
    int next = 0;
    PyObject *arguments = tree_with(c->parts[ARGUMENTS], inputs, count, &next);
    PyObject *named = arguments ? tree_with(c->parts[NAMED], inputs, count, &next) : NULL;
    PyObject *returned = named ? PyObject_Call(c->parts[FUNCTION], arguments, named) : NULL;
    Py_XDECREF(arguments);
    Py_XDECREF(named);
    bool done = returned && hand_out(returned, false, results);
    c->outputs = tarn_results_count(results);
    PyObject *template = done ? tree_template(returned) : NULL;
    Py_XDECREF(returned);
    return (template && PyList_SetItem(c->parts[RETURNED], 0, template) == 0) || python_failed();
}

PyObject *returned_over(PyObject *returned, const tarn_results *results) {
    int next = 0;
    if (!results) return raise_error();
    return tree_with(PyList_GetItem(returned, 0), tarn_results_arrays(results), tarn_results_count(results), &next);
}
