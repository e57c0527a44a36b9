/* Functions as they are exported: a Python function and the arrays of one call of it. */
#ifndef EXPORT_H
#define EXPORT_H

#include "special.h"

/* Positional arrays, and then those by name, in the order of the names. */
typedef struct {
    leaf_list arrays;
    PyObject *names; /* a list of str */
    const char **words;
    int name_count;
} given_arrays;
void drop_given(given_arrays *given);
/* The forms of a call: f(a, b, x=c), f((a, b)), f({"x": c}), f((a, b), {"x": c}). `what` begins messages. */
bool given_of(const char *what, PyObject *arguments, PyObject *named, given_arrays *given);

/* A tarn_callback: calls the function with the inputs in place of those arrays. */
typedef struct {
    PyObject *function;
    const given_arrays *given;
} exported_call;
bool run_exported(void *context, tarn_array *const *inputs, int count, tarn_results *results);

/* export_graph.c */
bool show_graph(PyObject *callback, const exported_call *call);
PyObject *export_to_dot(PyObject *self, PyObject *arguments, PyObject *named);

/* A new str of a path; NULL, without an exception, if it is neither str nor PathLike. */
PyObject *path_of_object(PyObject *file);

#endif
