/* Waiting without the interpreter's lock, and Ctrl-C meanwhile: a handler in front of Python's asks Tarn to give
   running evaluations up. signal.signal() puts Python's back, so now and then it is looked whether ours is still there.
 */
#include "extension.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

static pthread_t main_thread;
static atomic_int waiting; /* evaluations of the main thread, in which Python runs its handlers */
static void (*handler_of_python)(int);

static void handle(int number) {
    if (atomic_load(&waiting)) tarn_interrupt();
    handler_of_python(number);
}

/* Where SIGINT ends the process or is ignored, it stays so. */
static void put_in_front(void) {
    struct sigaction now;
    if (sigaction(SIGINT, NULL, &now) != 0 || now.sa_flags & SA_SIGINFO) return;
    if (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN || now.sa_handler == handle) return;
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

void start_interrupts(void) {
    main_thread = pthread_self();
    put_in_front();
}

int threads_in_tarn;

PyThreadState *start_waiting(void) {
    threads_in_tarn++;
    if (pthread_equal(main_thread, pthread_self())) {
        look_at_handler();
        atomic_fetch_add(&waiting, 1);
    }
    return PyEval_SaveThread();
}

bool stop_waiting(PyThreadState *state) {
    PyEval_RestoreThread(state);
    threads_in_tarn--;
    if (!pthread_equal(main_thread, pthread_self())) return true;
    if (atomic_fetch_sub(&waiting, 1) > 1 || !tarn_interrupted()) return true;
    tarn_clear_interrupt();
    return PyErr_CheckSignals() == 0;
}
