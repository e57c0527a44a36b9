/* compile: Tarn plans a Python function for each kind of call. What is no array goes into the key of the plan, the
   structure of what was returned is attached to it. The state is in containers, `inputs` and `outputs`: while the
   function is traced the arrays of inputs hold placeholders, afterwards outputs get new ones. */
#include "closure.h"
#include "special.h"
#include "transform.h"

#include <string.h>

/* ---- the key: the structure of the arguments, and what in them is no array */

typedef struct {
    char *bytes;
    size_t count, room;
} key;

static void drop_key(key *k) {
    PyMem_Free(k->bytes);
}

static bool push(key *k, const void *bytes, size_t count) {
    if (k->count + count > k->room) {
        size_t room = 2 * (k->count + count);
        char *more = PyMem_Realloc(k->bytes, room);
        if (!more) return PyErr_NoMemory(), false;
        k->bytes = more, k->room = room;
    }
    if (count) memcpy(k->bytes + k->count, bytes, count);
    k->count += count;
    return true;
}

static bool push_sized(key *k, char what, const void *bytes, size_t count) {
    return push(k, &what, 1) && push(k, &count, sizeof count) && push(k, bytes, count);
}

static bool push_text(key *k, char what, PyObject *text) {
    Py_ssize_t count;
    const char *bytes = text ? PyUnicode_AsUTF8AndSize(text, &count) : NULL;
    return bytes && push_sized(k, what, bytes, (size_t)count);
}

/* Integers have any size. */
static bool push_int(key *k, PyObject *value) {
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (!overflow) return (number != -1 || !PyErr_Occurred()) && push_sized(k, 'i', &number, sizeof number);
    PyObject *digits = PyNumber_ToBase(value, 16);
    bool pushed = push_text(k, 'I', digits);
    Py_XDECREF(digits);
    return pushed;
}

static bool push_hash(key *k, PyObject *value) {
    struct {
        Py_hash_t hash;
        PyTypeObject *type;
    } number = {PyObject_Hash(value), Py_TYPE(value)};
    return number.hash != -1 && push_sized(k, 'h', &number, sizeof number);
}

static bool describe(PyObject *value, key *k, leaf_list *arrays);

static bool describe_items(PyObject *list, key *k, leaf_list *arrays) {
    PyObject *items = items_of(list);
    Py_ssize_t count = items ? PyTuple_Size(items) : 0;
    bool good = items && push_sized(k, '[', &count, sizeof count);
    for (Py_ssize_t i = 0; good && i < count; i++) good = describe(PyTuple_GetItem(items, i), k, arrays);
    Py_XDECREF(items);
    return good;
}

static bool describe_dict(PyObject *dict, key *k, leaf_list *arrays) {
    PyObject *copy = PyDict_Copy(dict), *name, *value; /* a name's hash may be asked of Python */
    Py_ssize_t place = 0, count = copy ? PyDict_Size(copy) : 0;
    bool good = copy && push_sized(k, '{', &count, sizeof count);
    while (good && PyDict_Next(copy, &place, &name, &value))
        good = (PyUnicode_Check(name) ? push_text(k, 's', name) : push_hash(k, name)) && describe(value, k, arrays);
    Py_XDECREF(copy);
    return good;
}

static bool describe_constant(PyObject *value, key *k) {
    if (PyUnicode_Check(value)) return push_text(k, 's', value);
    if (PyBool_Check(value)) return push(k, value == Py_True ? "T" : "F", 1);
    if (PyLong_Check(value)) return push_int(k, value);
    if (PyFloat_Check(value)) {
        double number = PyFloat_AsDouble(value);
        return push_sized(k, 'f', &number, sizeof number);
    }
    if (value == Py_None) return push(k, "N", 1);
    PyErr_Format(PyExc_ValueError,
                 "[compile] Function arguments must be trees of arrays or constants (floats, ints, strings, or None), "
                 "but received type %s.",
                 type_name(value));
    return false;
}

static bool describe(PyObject *value, key *k, leaf_list *arrays) {
    if (is_array(value)) return push(k, "a", 1) && add_leaf(arrays, value);
    bool is_dict = PyDict_Check(value);
    if (!is_dict && !PyList_Check(value) && !PyTuple_Check(value)) return describe_constant(value, k);
    if (Py_EnterRecursiveCall(" in arguments of a compiled function")) return false;
    bool good = is_dict ? describe_dict(value, k, arrays) : describe_items(value, k, arrays);
    Py_LeaveRecursiveCall();
    return good;
}

/* ---- one call: Tarn runs without the interpreter's lock, which its callbacks take */

typedef struct call {
    struct call *before;
    transform_object *t;
    PyObject *arguments, *named; /* borrowed; named may be NULL */
    int count;                   /* of the arrays in them */
    PyThreadState *state;
    object_list collected, placed; /* of the state: what it held before the call, and when it had been traced */
    PyObject *memory;              /* of the state, once the function is traced and until the new one is stored */
} call;

static void drop_call(call *c) {
    drop_objects(&c->collected);
    drop_objects(&c->placed);
    Py_CLEAR(c->memory);
}

static _Thread_local call *current;

static call *enter(void) {
    PyEval_RestoreThread(current->state);
    return current;
}

static bool leave(call *c, bool done) {
    done = done || python_failed();
    c->state = PyEval_SaveThread();
    return done;
}

/* ---- tracing */

static void drop_template(void *template) {
    PyObject *type, *value, *trace;
    PyGILState_STATE lock = PyGILState_Ensure();
    PyErr_Fetch(&type, &value, &trace);
    Py_DECREF((PyObject *)template);
    PyErr_Restore(type, value, trace);
    PyGILState_Release(lock);
}

/* What a function adds to containers and removes from them its plan does not do again. So plans are for outputs of one
   number of arrays: with another the function is traced anew. */
static void note_places(transform_object *t, int places, bool will_be_left) {
    bool other = t->has_left && places != t->left;
    if (other) t->generation++;
    t->has_left = !other && (t->has_left || will_be_left);
    t->left = places;
}

static bool hand_out_state(call *c, tarn_results *results) {
    object_list *placed = &c->placed;
    drop_objects(placed);
    if (!tree_objects(c->t->outputs, placed)) return false;
    note_places(c->t, placed->count, true);
    for (int i = 0; i < placed->count; i++)
        if (!tarn_result_state(results, ARRAY(placed->list[i]))) return false;
    return true;
}

static bool hand_out_all(call *c, PyObject *returned, tarn_results *results) {
    PyObject *template = hand_out(returned, false, results) ? tree_template(returned) : NULL;
    return template && tarn_result_attach(results, template, drop_template) && hand_out_state(c, results);
}

/* What the function puts into the state is worth nothing if the call fails, though it may be traced by then. Inputs are
   lent and get their values back in any case. */
static bool remember_state(call *c) {
    const transform_object *t = c->t;
    if (c->memory) return true;
    return (c->memory = PyList_New(0)) && tree_remember(t->inputs, false, c->memory) &&
           (t->outputs == t->inputs || tree_remember(t->outputs, true, c->memory));
}

static bool call_function(call *c, tarn_array *const *inputs, int count, int *next, tarn_results *results) {
    PyObject *arguments = tree_with(c->arguments, inputs, count, next);
    PyObject *named = !arguments ? NULL : c->named ? tree_with(c->named, inputs, count, next) : PyDict_New();
    PyObject *returned = named ? PyObject_Call(c->t->function, arguments, named) : NULL;
    Py_XDECREF(arguments);
    Py_XDECREF(named);
    bool done = returned && hand_out_all(c, returned, results);
    Py_XDECREF(returned);
    return done;
}

static bool run(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context;
    call *c = enter();
    int next = 0, own = c->count;
    loan *loans = NULL;
    bool done = remember_state(c) && tree_lend(c->t->inputs, inputs + own, count - own, &loans);
    done = done && call_function(c, inputs, own, &next, results);
    tree_take_back(loans);
    return leave(c, done);
}

/* ---- the state */

static bool collect_state(void *context, tarn_results *leaves) {
    (void)context;
    call *c = enter();
    return leave(c, tree_collect(c->t->inputs, c->t->inputs == c->t->outputs ? &c->collected : NULL, leaves));
}

static bool store_state(void *context, tarn_array *const *leaves, int count) {
    (void)context;
    call *c = enter();
    Py_CLEAR(c->memory);
    bool stored = tree_store(c->t->outputs, leaves, count, c->placed.count ? &c->placed : &c->collected);
    tree_replace_given(&c->collected, leaves, count);
    return leave(c, stored);
}

/* ---- plans: made when the function is called first */

static transform_object *compiled; /* what has plans, the last one first */

static bool make_plans(transform_object *t) {
    if (t->compiled) return true;
    bool has_state = t->inputs != Py_None || t->outputs != Py_None;
    t->compiled = tarn_compile(((tarn_function){run, t}), .collect = has_state ? collect_state : NULL,
                               .store = has_state ? store_state : NULL, .shapeless = t->shapeless);
    if (!t->compiled) return false;
    t->before = compiled;
    if (compiled) compiled->after = t;
    compiled = t;
    return true;
}

void drop_plans(transform_object *t) {
    tarn_compiled *plans = t->compiled;
    if (!plans) return;
    if (t->before) t->before->after = t->after;
    if (t->after) t->after->before = t->before;
    if (compiled == t) compiled = t->before;
    t->compiled = NULL, t->before = t->after = NULL;
    tarn_compiled_free(plans);
}

/* A thread may be in others. */
static transform_object *idle(void) {
    transform_object *t = compiled;
    while (t && t->calls > 0) t = t->before;
    return t;
}

/* When the interpreter ends: it leaves alive what its own caches name, modules and their functions among it. What is
   called later still is compiled again. */
static PyObject *drop_all_plans(PyObject *self, PyObject *none) {
    (void)self, (void)none;
    for (transform_object *t; (t = idle()) != NULL;) drop_plans(t);
    Py_RETURN_NONE;
}

bool add_compile(PyObject *module) {
    static PyMethodDef at_exit = {"_drop_plans", drop_all_plans, METH_NOARGS, NULL};
    (void)module;
    PyObject *function = PyCFunction_New(&at_exit, NULL), *atexit = PyImport_ImportModule("atexit");
    PyObject *done = function && atexit ? PyObject_CallMethod(atexit, "register", "O", function) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(atexit);
    Py_XDECREF(done);
    return done != NULL;
}

/* ---- calling */

static bool describe_outputs(transform_object *t, key *k) {
    int places = tree_count(t->outputs);
    if (places >= 0) note_places(t, places, false);
    return places >= 0 && push_sized(k, 'o', &t->generation, sizeof t->generation);
}

static tarn_results *call_planned(call *c, const leaf_list *arrays, const key *k) {
    if (!make_plans(c->t)) return NULL;
    current = c;
    c->t->calls++;
    c->state = start_waiting();
    tarn_results *results = tarn_compiled_call(c->t->compiled, arrays->list, arrays->count, .key = k->bytes,
                                               .key_bytes = k->count, .later = like_mlx);
    bool quiet = stop_waiting(c->state);
    current = c->before;
    c->t->calls--;
    return quiet ? results : NULL;
}

/* Of a call that failed. What the function made of the state in Python goes, too, so that it has to be traced again. */
static void take_back_state(call *c) {
    if (!c->memory) return;
    tree_restore(c->memory);
    c->t->generation++;
}

PyObject *call_compiled(transform_object *t, PyObject *arguments, PyObject *named) {
    leaf_list arrays CLEANUP(drop_leaves) = {0};
    key k CLEANUP(drop_key) = {0};
    call c CLEANUP(drop_call) = {.before = current, .t = t, .arguments = arguments, .named = named};
    if (!describe(arguments, &k, &arrays) || (named && !describe_dict(named, &k, &arrays))) return NULL;
    if (!describe_outputs(t, &k)) return NULL;
    c.count = arrays.count;
    tarn_results *results = call_planned(&c, &arrays, &k);
    PyObject *template = tarn_results_attached(results);
    int next = 0;
    if (!results) return take_back_state(&c), raise_error();
    return tree_with(template, tarn_results_arrays(results), tarn_results_count(results), &next);
}

/* ---- making one */

typedef struct {
    visitproc visit;
    void *argument;
} visitor;

static int visit_template(void *template, void (*release)(void *), void *argument) {
    const visitor *v = argument;
    return release == drop_template ? v->visit(template, v->argument) : 0;
}

int visit_plans(const transform_object *t, visitproc visit, void *argument) {
    return t->compiled ? tarn_compiled_visit(t->compiled, visit_template, &(visitor){visit, argument}) : 0;
}

PyObject *compile_of(PyObject *function, PyObject *inputs, PyObject *outputs, bool shapeless) {
    transform_object *t = new_transform(COMPILE, function);
    if (!t) return NULL;
    t->inputs = Py_NewRef(inputs);
    t->outputs = Py_NewRef(outputs);
    t->shapeless = shapeless;
    return (PyObject *)t;
}
