/* The module tarn.core: its types, constants, and the functions of the rows, in it and in its submodules. */
#include "special.h"

#include <string.h>

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "tarn.core",
                                        .m_doc = "Arrays and what is computed with them."};

static bool add_constants(PyObject *module) {
    static const struct {
        const char *name;
        double value;
    } constants[] = {{"pi", 3.14159265358979323846},
                     {"e", 2.71828182845904523536},
                     {"euler_gamma", 0.57721566490153286061},
                     {"inf", Py_HUGE_VAL},
                     {"nan", Py_NAN}};
    for (int i = 0; i < COUNT(constants); i++) {
        PyObject *value = PyFloat_FromDouble(constants[i].value);
        int added = value ? PyModule_AddObjectRef(module, constants[i].name, value) : -1;
        Py_XDECREF(value);
        if (added < 0) return false;
    }
    return PyModule_AddObjectRef(module, "newaxis", Py_None) == 0 &&
           PyModule_AddStringConstant(module, "__version__", TARN_VERSION) == 0;
}

/* A submodule, which `import tarn.core.random` finds as well. */
static PyObject *submodule(PyObject *core, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "tarn.core.%s", name);
    PyObject *module = PyImport_AddModule(full); /* borrowed */
    return module && PyModule_AddObjectRef(core, name, module) == 0 ? module : NULL;
}

static bool add_functions(PyObject *core) {
    for (int i = 0; i < modules_of_rows_count; i++) {
        const module_functions *rows = &modules_of_rows[i];
        PyObject *module = strcmp(rows->module, "core") == 0 ? core : submodule(core, rows->module);
        if (!module || PyModule_AddFunctions(module, rows->functions) < 0) return false;
    }
    return true;
}

PyMODINIT_FUNC PyInit_core(void);
/* In this order: functions come before what goes into their submodules. */
static bool (*const parts[])(PyObject *) = {
    add_types,           add_iterator, add_at,         add_array_like, add_printing,  add_infos,   add_transforms,
    add_custom_function, add_dtypes,   add_devices,    add_constants,  add_functions, add_files,   add_export,
    add_random_state,    add_group,    add_categories, add_engine,     add_curves,    add_compile,
};

/* Once: the types stand in variables, and what graphs keep is called in the main interpreter. */
PyMODINIT_FUNC PyInit_core(void) {
    static PyObject *made;
    if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0)
        return PyErr_SetString(PyExc_ImportError, "tarn.core works in the main interpreter alone"), NULL;
    if (made) return Py_NewRef(made);
    PyObject *module = PyModule_Create(&definition);
    bool added = module != NULL;
    start_interrupts();
    for (int i = 0; added && i < COUNT(parts); i++) added = parts[i](module);
    if (added) return made = Py_NewRef(module), module;
    Py_XDECREF(module);
    return NULL;
}
