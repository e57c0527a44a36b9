/* What the files of the extension share. Objects: array, Dtype, Device, Stream. Every function that can fail sets a
   Python exception and returns NULL or false. */
#ifndef EXTENSION_H
#define EXTENSION_H

#include <Python.h>
#include <stdio.h>
#include <tarn/tarn.h>

#define CLEANUP(function) __attribute__((cleanup(function), unused))
#define COUNT(list)       ((int)(sizeof(list) / sizeof *(list)))
#define SLOT(function)    ((void *)(function))
#define METHOD(function)  ((PyCFunction)(void (*)(void))(function))
#define FAST              (METH_FASTCALL | METH_KEYWORDS)

/* Puts a new reference in place of another. */
static inline void replace(PyObject **place, PyObject *value) {
    PyObject *old = *place;
    *place = value;
    Py_XDECREF(old);
}

/* ---- errors.c */
/* Raises this thread's Tarn error as the exception that MLX raises, forgets it, and returns NULL. */
PyObject *raise_error(void);
/* The name of a value's type, until the next few calls: for messages. */
const char *type_name(PyObject *value);

/* ---- array.c */
typedef struct {
    PyObject_HEAD PyObject *weak_references;
    tarn_array *value; /* kept */
} array_object;
extern PyTypeObject *array_type;
bool is_array(PyObject *object);
/* What the object stands for now. Whatever runs Python code, lets others have the interpreter, or gives objects up may
   put another in its place, and then it is gone. */
#define ARRAY(object) (((array_object *)(object))->value)
/* The same for the rest of the call: the innermost scope holds it. NULL, with an error of Tarn, without memory; also of
   an object that was never given a value. */
tarn_array *held_array(PyObject *object);
/* The result of an operation as an object, out of the innermost scope; of NULL the error is raised. */
PyObject *new_array(tarn_array *a);
void replace_array(PyObject *self, tarn_array *a); /* the object stands for a from now on */
PyObject *new_tuple(tarn_array *const *arrays, Py_ssize_t count);
PyObject *new_list(tarn_array *const *arrays, Py_ssize_t count);
PyObject *new_shape(const tarn_array *a);
PyObject *new_bool(bool value); /* raises the error if one is set */
PyObject *new_int(int64_t value);
PyObject *new_none(void);
/* Without the interpreter's lock, so somebody must hold the arrays. */
bool wait_for(bool (*how)(tarn_array *const *, int), tarn_array *const *arrays, int count);
bool evaluate(tarn_array *const *arrays, int count); /* raises what fails */
tarn_array *matrix_transposed(tarn_array *a);        /* the last two axes exchanged */

/* ---- dtype.c */
extern PyTypeObject *dtype_type;
PyObject *new_dtype(tarn_dtype dtype); /* there is one object for each; NULL while an exception is set */
bool is_dtype(PyObject *object);
tarn_dtype dtype_of_object(PyObject *object);
bool is_floating(tarn_dtype dtype); /* float16, bfloat16, float32, float64 */
bool is_integer(tarn_dtype dtype);  /* bool is none */
extern const char *package;         /* "tarn.core", in the names that are printed */
extern bool like_mlx;               /* under tarn.mlx: what Tarn does otherwise on purpose is done as MLX does it */
bool behave_as_mlx(void);           /* changes both */

/* ---- device.c */
extern PyTypeObject *device_type, *stream_type;
/* The stream that a stream, device or kind of device stands for; *stream NULL of None. */
bool stream_of_object(PyObject *object, tarn_stream **stream);
PyObject *new_device(tarn_device device);
PyObject *new_stream(tarn_stream *stream);
bool device_of_object(PyObject *object, tarn_device *device);

/* ---- convert.c: arrays in the innermost scope, of Python values */
/* scalars, nested lists and tuples, arrays, buffers, and what has __mlx_array__ or __dlpack__; dtype NULL: the usual
 * one. */
tarn_array *array_of_object(PyObject *value, const tarn_dtype *dtype);
tarn_array *array_of_buffer(PyObject *value, const tarn_dtype *dtype);
/* So many bytes of pairs of double, rounded to complex64. */
tarn_array *array_of_complex128(const double *values, tarn_ints shape, int64_t bytes);
tarn_array *array_of_dlpack(PyObject *value, PyObject *copy); /* dlpack.c */

/* ---- interrupt.c: what takes long goes between the two. False, with an exception, if Ctrl-C was pressed meanwhile. */
extern int threads_in_tarn; /* how many are between the two */
PyThreadState *start_waiting(void);
PyThreadState *start_work(void); /* for what loses nothing by being given up: Ctrl-C ends it at once */
bool stop_waiting(PyThreadState *state);
bool set_haste(bool now); /* whether it may be ended at once, in the main thread; gives what was before */
void start_interrupts(void);

/* ---- closure.c: Python functions that graphs keep alive */
extern int live_closures;
int visit_closures_of(tarn_array *a, visitproc visit, void *argument);

/* ---- scalar.c */
/* A bool, int, float or complex as 0-d array. With `like`, as MLX does it, in that dtype where its kind allows. */
bool is_scalar(PyObject *value);
tarn_array *weak_scalar(PyObject *value, const tarn_dtype *like);
/* The operands of one call: scalars take the dtype of the first array among them. NULL stays NULL. */
bool as_operands(PyObject *const *values, tarn_array **arrays, int count);

/* One operand beside `like`: a number or array, but no list. */
bool operand_like(PyObject *value, const tarn_array *like, tarn_array **operand);

/* ---- arguments.c: the parameters of a call */
typedef struct {
    const char *function;
    const char *const *names;
    int count, positional_only, positional;
    uint32_t required; /* bit i: parameter i has no default */
    bool variadic;     /* what is left of the positional arguments is a tuple, at [positional] */
} parameters;
/* Sorts the arguments into values[count] (NULL: not given). With variadic *rest is a new tuple. The first `given` are
 * there already. */
bool collect(const parameters *p, int given, PyObject *const *args, Py_ssize_t count, PyObject *names,
             PyObject **values);
void drop_object(PyObject **object);
bool size_in_range(int64_t number); /* under tarn.mlx an OverflowError for what has more than 32 bits */

/* Each leaves *result as it is where values[i] is NULL. */
bool get_array(const parameters *p, PyObject *const *values, int i, tarn_array **result);
bool get_optional_array(const parameters *p, PyObject *const *values, int i, tarn_array **result); /* of None NULL */
bool get_int(const parameters *p, PyObject *const *values, int i, int64_t *result);
bool get_index(const parameters *p, PyObject *const *values, int i, tarn_array **result);
bool get_bytes(const parameters *p, PyObject *const *values, int i, int64_t *result); /* of any size, in MLX too */
bool get_seed(const parameters *p, PyObject *const *values, int i, uint64_t *result); /* 0 … 2^64 - 1 */
bool get_optional_int(const parameters *p, PyObject *const *values, int i, tarn_axis *result);
bool get_float(const parameters *p, PyObject *const *values, int i, double *result);
bool get_optional_float(const parameters *p, PyObject *const *values, int i, tarn_value *result);
bool get_bool(const parameters *p, PyObject *const *values, int i, bool *result);
bool get_string(const parameters *p, PyObject *const *values, int i, const char **result);
bool get_optional_string(const parameters *p, PyObject *const *values, int i, const char **result);
bool get_dtype(const parameters *p, PyObject *const *values, int i, tarn_dtype *result);
typedef struct {
    bool given;
    tarn_dtype value;
} optional_dtype;
bool get_optional_dtype(const parameters *p, PyObject *const *values, int i, optional_dtype *result);
bool get_object(const parameters *p, PyObject *const *values, int i, PyObject **result);

/* ---- lists.c: lists of numbers and of arrays, with their memory */
enum { FEW = 16 };
typedef struct {
    tarn_ints list;
    int64_t few[FEW], *many;
} int_list;
void drop_ints(int_list *list);
bool ints_reserve(int_list *list, Py_ssize_t count); /* sets list->list, to be written */
bool get_ints(const parameters *p, PyObject *const *values, int i, int_list *result);        /* Sequence[int] */
bool get_int_or_ints(const parameters *p, PyObject *const *values, int i, int_list *result); /* int | Sequence[int] */
bool get_optional_ints(const parameters *p, PyObject *const *values, int i,
                       int_list *result); /* None | Sequence[int] */
bool get_optional_int_or_ints(const parameters *p, PyObject *const *values, int i, int_list *result);
bool get_int_or_two(const parameters *p, PyObject *const *values, int i, int_list *result); /* int | tuple[int, int] */
bool get_int_or_three(const parameters *p, PyObject *const *values, int i, int_list *result);
bool refused_none(PyObject *const *values, int count); /* whether one is None, with an exception */
bool refused_list(PyObject *value);                    /* a list beside arrays, under tarn.mlx, with an exception */
bool int_of_object(PyObject *value, int64_t *result);
typedef struct {
    tarn_array **list, *few[FEW], **many;
    int count;
} array_list;
void drop_arrays(array_list *list);
bool arrays_reserve(array_list *list, Py_ssize_t count); /* sets list->list and count */
bool get_arrays(const parameters *p, PyObject *const *values, int i, array_list *result);

bool is_sequence(PyObject *value); /* a list or tuple */
bool has_items(PyObject *value);   /* whether it has a length, and is no text */
/* A new reference to a tuple of the items: what is called on the way cannot change it, as it can a list. */
PyObject *items_of(PyObject *sequence);
bool ints_of_object(PyObject *value, int_list *result); /* a list or tuple of integers */
/* The arrays of a list or tuple, held. *wrong is set to an item, borrowed, that is no array. */
bool arrays_of_items(PyObject *sequence, array_list *result, PyObject **wrong);

/* The stream of a call, until the end of the block. */
typedef struct {
    bool changed;
    tarn_stream *previous;
} stream_choice;
bool choose_stream(PyObject *object, stream_choice *choice);
void restore_stream(stream_choice *choice);

/* ---- the parts of the array type */
PyObject *array_item(PyObject *self, PyObject *unused);
PyObject *array_tolist(PyObject *self, PyObject *unused);
PyObject *array_repr(PyObject *self);
PyObject *array_format(PyObject *self, PyObject *format);
PyObject *array_subscript(PyObject *self, PyObject *index);
int array_assign(PyObject *self, PyObject *index, PyObject *value);
Py_ssize_t array_length(PyObject *self);
PyObject *array_element(PyObject *self, Py_ssize_t i);
PyObject *array_iterate(PyObject *self);
int array_truth(PyObject *self);
PyObject *array_int(PyObject *self);
PyObject *array_float(PyObject *self);
PyObject *array_index(PyObject *self);
PyObject *array_complex(PyObject *self, PyObject *unused);
int array_get_buffer(PyObject *self, Py_buffer *view, int flags);
void array_release_buffer(PyObject *self, Py_buffer *view);
PyObject *array_compare(PyObject *a, PyObject *b, int how);
PyObject *array_at(PyObject *self, void *unused);
PyObject *array_copy(PyObject *self, PyObject *unused);
PyObject *array_bytes(PyObject *self, PyObject *unused);
PyObject *array_get_state(PyObject *self, PyObject *unused);
PyObject *array_set_state(PyObject *self, PyObject *state);
PyObject *array_numpy(PyObject *self, PyObject *arguments, PyObject *named);
PyObject *array_namespace(PyObject *self, PyObject *arguments, PyObject *named);
PyObject *array_dlpack(PyObject *self, PyObject *arguments, PyObject *named);
PyObject *array_dlpack_device(PyObject *self, PyObject *unused);
PyObject *array_divide(PyObject *a, PyObject *b);
PyObject *array_divide_into(PyObject *a, PyObject *b);
extern const PyType_Slot operator_slots[];
extern const int operator_slot_count;
tarn_array *index_read(tarn_array *a, PyObject *index);
tarn_array *index_update(tarn_array *a, PyObject *index, tarn_array *value, tarn_scatter_mode mode);

/* ---- made from the rows (tools/python_functions.py) */
typedef struct {
    const char *module; /* "core", "random", … */
    PyMethodDef *functions;
} module_functions;
extern const module_functions modules_of_rows[];
extern const int modules_of_rows_count;
extern PyMethodDef methods_of_rows[]; /* of array */

bool add_types(PyObject *module); /* each type's file */
bool add_dtypes(PyObject *module);
bool add_iterator(PyObject *module);
bool add_at(PyObject *module);
bool add_array_like(PyObject *module);
bool add_printing(PyObject *module);
bool add_infos(PyObject *module);
bool add_transforms(PyObject *module);
bool add_compile(PyObject *module);
bool add_custom_function(PyObject *module);
bool add_devices(PyObject *module);

#endif
