/* Waiting without the interpreter's lock, and Ctrl-C meanwhile: a handler in front of Python's gives what is running a
   second to end, so that a step of a training is done or not done, and then has Tarn give it up; pressed again it is
   given up at once. signal.signal() puts Python's handler back, so now and then it is looked whether ours is there.
 */
#include "extension.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

static pthread_t main_thread; /* in which Python runs its handlers */
static atomic_int waiting;    /* evaluations of that thread */
static atomic_bool pressed;   /* Ctrl-C, since the outermost one began */
static atomic_bool hasty;     /* whether it may be given up at once */
static atomic_bool raises;    /* whether what Python calls is known to raise KeyboardInterrupt */
static void (*handler_of_python)(int);

/* The first time a function of the user's that does not raise, and MLX, wait for the end. */
static void handle(int number) {
    if (atomic_load(&waiting)) {
        bool again = atomic_exchange(&pressed, true), stops = atomic_load(&raises);
        if (again || (stops && atomic_load(&hasty)))
            tarn_interrupt();
        else if (stops && !like_mlx)
            tarn_interrupt_after(1);
    }
    handler_of_python(number);
}

/* signal.signal() takes ours away, so this holds as long as ours is there. */
static bool python_raises(void) {
    static PyObject *getsignal, *usual; /* found once: finding runs Python's handlers */
    PyObject *module = getsignal ? NULL : PyImport_ImportModule("_signal");
    if (module) getsignal = PyObject_GetAttrString(module, "getsignal");
    if (module) usual = PyObject_GetAttrString(module, "default_int_handler");
    PyObject *now = getsignal ? PyObject_CallFunction(getsignal, "i", SIGINT) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(now);
    PyErr_Clear();
    return now && now == usual;
}

/* Where SIGINT ends the process or is ignored, it stays so. */
static void put_in_front(void) {
    struct sigaction now;
    if (sigaction(SIGINT, NULL, &now) != 0 || now.sa_flags & SA_SIGINFO || now.sa_handler == handle) return;
    if (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN) return;
    atomic_store(&raises, python_raises());
    handler_of_python = now.sa_handler;
    now.sa_handler = handle;
    sigaction(SIGINT, &now, NULL);
}

/* A look costs a microsecond: one in 20 ms is enough for who presses a key. */
static void look_at_handler(void) {
    static int64_t looked;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    int64_t milliseconds = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (milliseconds - looked >= 20) looked = milliseconds, put_in_front();
}

static bool is_main(void) {
    return pthread_equal(main_thread, pthread_self());
}

/* The thread that forks is the child's only one, and its main thread. */
static void start_child(void) {
    if (is_main()) return;
    main_thread = pthread_self();
    atomic_store(&waiting, 0);
    atomic_store(&hasty, false);
}

/* Tarn may be imported in any thread. */
static pthread_t main_of_python(void) {
    PyObject *module = PyImport_ImportModule("threading");
    PyObject *thread = module ? PyObject_CallMethod(module, "main_thread", NULL) : NULL;
    PyObject *ident = thread ? PyObject_GetAttrString(thread, "ident") : NULL;
    unsigned long number = ident ? PyLong_AsUnsignedLong(ident) : 0;
    Py_XDECREF(ident);
    Py_XDECREF(thread);
    Py_XDECREF(module);
    if (!PyErr_Occurred()) return (pthread_t)number;
    PyErr_Clear();
    return pthread_self();
}

void start_interrupts(void) {
    main_thread = main_of_python();
    pthread_atfork(NULL, NULL, start_child);
    put_in_front();
}

int threads_in_tarn;

PyThreadState *start_waiting(void) {
    threads_in_tarn++;
    if (is_main()) {
        look_at_handler();
        if (atomic_fetch_add(&waiting, 1) == 0) atomic_store(&pressed, false);
    }
    return PyEval_SaveThread();
}

bool set_haste(bool now) {
    return is_main() && atomic_exchange(&hasty, now);
}

PyThreadState *start_work(void) {
    if (!atomic_load(&waiting)) set_haste(true);
    return start_waiting();
}

bool stop_waiting(PyThreadState *state) {
    PyEval_RestoreThread(state);
    threads_in_tarn--;
    if (!is_main() || atomic_fetch_sub(&waiting, 1) > 1) return true;
    bool given_up = tarn_interrupted();
    set_haste(false);
    tarn_clear_interrupt();
    return !given_up || PyErr_CheckSignals() == 0;
}
