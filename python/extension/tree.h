/* Trees: arrays in nested lists, tuples (named ones too) and dicts. */
#ifndef TREE_H
#define TREE_H

#include "extension.h"

/* The arrays of trees, held by the scope in which they were added. */
typedef struct {
    tarn_array **list;
    int count, room;
    bool only_counted; /* the list stays empty */
} leaf_list;
/* A list of pointers with room for one more than count, moved if need be; NULL with an exception. */
void *with_room(void *list, int count, int *room);
void drop_leaves(leaf_list *leaves);
bool add_leaf(leaf_list *leaves, PyObject *array);
/* Adds the arrays of a tree. With only_arrays another value is an error, else it is passed over. */
bool tree_leaves(PyObject *tree, leaf_list *leaves, bool only_arrays);
int tree_count(PyObject *tree);

/* The tree with its arrays replaced by these, in order, beginning with arrays[*next]; other values stay. */
PyObject *tree_with(PyObject *tree, tarn_array *const *arrays, int count, int *next);
/* The tree with a mark for each array: keeps no array alive, and tree_with fills it again. */
PyObject *tree_template(PyObject *tree);

/* The template's tree with an int for each axis, None for TARN_UNBATCHED. */
PyObject *tree_with_axes(PyObject *template, const int64_t *axes, int *next);

/* An axis for each of the tree's `count` arrays out of a tree of axes, which may end earlier: then what it has there is
   for all below. None is TARN_UNBATCHED. */
bool tree_axes(PyObject *tree, PyObject *axes_tree, int64_t *axes, int count);
/* Of all arguments or results of a function: an array that is the only one may have its axis in a tuple. */
bool tree_all_axes(PyObject *tree, PyObject *axes_tree, int64_t *axes, int count);

/* ---- lend.c: arrays put into the tree itself. Those in lists, dicts and the random state are replaced by other
   objects, those in tuples, and one by itself, get another value. */
typedef struct loan loan;
/* Gives the arrays of the tree, of which there are `count`, these values, until they are taken back. What a function
   between the two put into the tree's places stays. */
bool tree_lend(PyObject *tree, tarn_array *const *values, int count, loan **loans);
void tree_take_back(loan *loans);

/* References to the arrays of a tree, in order. */
typedef struct {
    PyObject **list;
    int count, room;
} object_list;
void drop_objects(object_list *objects);
bool tree_objects(PyObject *tree, object_list *objects);

/* Hands out the arrays of the tree. If they will be replaced (else NULL) their objects are noted, and those that only
   the tree holds are handed out as given up. */
bool tree_collect(PyObject *tree, object_list *replaced, tarn_results *leaves);
/* Puts these in place of the arrays of the tree. Of a tree that another thread has changed those of the expected
   objects that are still there are replaced, the others get another value, and it is an error. */
bool tree_store(PyObject *tree, tarn_array *const *arrays, int count, const object_list *expected);
/* Another thread may have taken an array from the tree before its memory was given away: it gets the new value. */
void tree_replace_given(const object_list *objects, tarn_array *const *arrays, int count);

/* ---- state.c: what the lists and dicts of a tree hold, and the random state: added to a list, until they hold it
   again. values: also those of the arrays themselves. */
bool tree_remember(PyObject *tree, bool values, PyObject *list);
void tree_restore(PyObject *list);

#endif
