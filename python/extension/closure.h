/* Python functions that graphs keep: of checkpoint and custom_function. They live until Tarn releases them. */
#ifndef CLOSURE_H
#define CLOSURE_H

#include "tree.h"

/* The function, the trees of its arguments (templates), a list of one item for the tree that it returned, and its
 * rules. */
enum { FUNCTION, ARGUMENTS, NAMED, RETURNED, VJP, JVP, VMAP, CLOSURE_PARTS };
typedef struct {
    PyObject *parts[CLOSURE_PARTS]; /* may be NULL */
    int outputs;                    /* arrays that the function returned */
} closure;

closure *new_closure(PyObject *function, PyObject *arguments, PyObject *named);
void drop_closure(void *context);
/* A tarn_callback: calls the function with the inputs in place of the arrays of its arguments. */
bool run_closure(void *context, tarn_array *const *inputs, int count, tarn_results *results);
/* The tree that the function returned, over these arrays. `returned` is the closure's list. */
PyObject *returned_over(PyObject *returned, const tarn_results *results);

/* A failure in Python, as one of Tarn: raise_error() gives Python's exception. */
bool python_failed(void);
/* Hands out the arrays of a tree; other values are passed over, or with only_arrays refused. */
bool hand_out(PyObject *tree, bool only_arrays, tarn_results *results);

#endif
