/* What transforms return, a _gc_func: a Python function, and how it is to be called. */
#ifndef TRANSFORM_H
#define TRANSFORM_H

#include "tree.h"

typedef enum { GRAD, VALUE_AND_GRAD, BATCH, CHECKPOINT, COMPILE } kind_of_transform;
typedef struct transform_object transform_object;
struct transform_object {
    PyObject_HEAD PyObject *function;
    PyObject *argnums, *argnames;     /* grad: a tuple of int, a tuple of str */
    PyObject *in_axes, *out_axes;     /* vmap */
    PyObject *inputs, *outputs;       /* compile: trees with the state */
    tarn_compiled *compiled;          /* from the first call on */
    transform_object *before, *after; /* those that are compiled */
    int calls;                        /* that go on */
    int left;                         /* arrays that are in the outputs after a call, if has_left */
    int64_t generation;               /* of plans: those of one leave as many */
    kind_of_transform kind;
    bool shapeless, has_left;
};

/* NULL, with an exception, if the function cannot be called. */
transform_object *new_transform(kind_of_transform kind, PyObject *function);

/* ---- compile.c */
PyObject *call_compiled(transform_object *t, PyObject *arguments, PyObject *named);
/* For the collector: what the plans hold. */
int visit_plans(const transform_object *t, visitproc visit, void *argument);
void drop_plans(transform_object *t);

#endif
