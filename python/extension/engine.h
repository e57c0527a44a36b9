/* The handles of tarn.lm in tarn.core._engine: Model, Session, Batch and TokenStream, each of the object of tarn/lm.h
   of that name. */
#ifndef ENGINE_H
#define ENGINE_H

#define PY_SSIZE_T_CLEAN /* lengths of "s#" */
#include "special.h"

typedef struct {
    PyObject_HEAD tarn_model *model;
} model_object;

static inline tarn_model *model_of(PyObject *self) {
    return ((model_object *)self)->model;
}

/* ---- engine.c: NULL with an exception */
PyObject *new_ids(const int32_t *ids, size_t count);
PyObject *take_ids(bool ok, int32_t *ids, size_t count); /* frees ids. ok: what made them */
int32_t *ids_of(PyObject *sequence, size_t *count);      /* of a sequence of ints, for PyMem_Free */
const tarn_tokenizer *tokenizer_of(PyObject *model);     /* an error if the model has none */
PyObject *new_handle(PyTypeObject *type);
void free_handle(PyObject *self);

/* kind##_spec: a type of kind##_object. */
#define HANDLE(kind, make, free_it, methods, properties, name)                                                         \
    static PyType_Slot kind##_slots[] = {{Py_tp_new, SLOT(make)},                                                      \
                                         {Py_tp_dealloc, SLOT(free_it)},                                               \
                                         {Py_tp_methods, methods},                                                     \
                                         {Py_tp_getset, properties},                                                   \
                                         {0, NULL}};                                                                   \
    static PyType_Spec kind##_spec = {"tarn.core._engine." name, sizeof(kind##_object), 0, Py_TPFLAGS_DEFAULT,         \
                                      kind##_slots}
/* Makes the type and puts it into the module, which keeps it. */
PyTypeObject *add_handle(PyObject *module, const char *name, PyType_Spec *spec);

/* ---- engine_model.c */
extern PyTypeObject *model_type; /* NULL until add_model */
bool add_model(PyObject *module);

/* ---- engine_session.c, engine_batch.c, engine_stream.c: after add_model */
bool add_session(PyObject *module);
tarn_session *session_of_object(PyObject *value); /* NULL with an exception if it is no Session */
bool add_batch(PyObject *module);
bool add_token_stream(PyObject *module);

#endif
